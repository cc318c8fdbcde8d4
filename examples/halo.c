/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * halo: each process owns a part of a rod and needs its neighbours' border cells. Heat flows from
 * the hot end to the cold one; every step exchanges one cell with each side, nonblocking, and works
 * on the inner cells meanwhile. MPI_PROC_NULL stands beyond the ends, so that they need no case of
 * their own. The parts make the same rod as one process would: rank 0 computes it again to see.
 */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define CELLS 64 /* of each process */
#define STEPS 500

static double relax(const double *t, int i)
{
    return t[i] + 0.25 * (t[i - 1] - 2 * t[i] + t[i + 1]);
}

/* One step of the cells 1 to n; the cells 0 and n + 1 are the halo or the ends. */
static void step_between(const double *t, double *next, int first, int last)
{
    for (int i = first; i <= last; i++)
        next[i] = relax(t, i);
}

static double largest_difference(const double *whole, int n)
{
    double *t = calloc(n + 2, sizeof *t), *next = calloc(n + 2, sizeof *next), *swap, worst = 0;

    t[0] = next[0] = 1;
    for (int step = 0; step < STEPS; step++) {
        step_between(t, next, 1, n);
        swap = t, t = next, next = swap;
    }
    for (int i = 0; i < n; i++)
        if (fabs(t[i + 1] - whole[i]) > worst)
            worst = fabs(t[i + 1] - whole[i]);
    free(t);
    free(next);
    return worst;
}

int main(int argc, char **argv)
{
    double a[CELLS + 2] = {0}, b[CELLS + 2] = {0}, *t = a, *next = b, *swap, *whole = NULL;
    int rank, size, left, right, wrong = 0;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    left = rank > 0 ? rank - 1 : MPI_PROC_NULL;
    right = rank < size - 1 ? rank + 1 : MPI_PROC_NULL;
    if (rank == 0)
        a[0] = b[0] = 1;

    for (int step = 0; step < STEPS; step++) {
        MPI_Request reqs[4];

        MPI_Irecv(&t[0], 1, MPI_DOUBLE, left, 0, MPI_COMM_WORLD, &reqs[0]);
        MPI_Irecv(&t[CELLS + 1], 1, MPI_DOUBLE, right, 0, MPI_COMM_WORLD, &reqs[1]);
        MPI_Isend(&t[1], 1, MPI_DOUBLE, left, 0, MPI_COMM_WORLD, &reqs[2]);
        MPI_Isend(&t[CELLS], 1, MPI_DOUBLE, right, 0, MPI_COMM_WORLD, &reqs[3]);
        step_between(t, next, 2, CELLS - 1);
        MPI_Waitall(4, reqs, MPI_STATUSES_IGNORE);
        next[1] = relax(t, 1);
        next[CELLS] = relax(t, CELLS);
        swap = t, t = next, next = swap;
    }

    if (rank == 0)
        whole = malloc((size_t)size * CELLS * sizeof *whole);
    MPI_Gather(&t[1], CELLS, MPI_DOUBLE, whole, CELLS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        double worst = largest_difference(whole, size * CELLS);

        wrong = !(worst < 1e-12);
        printf("%d cells on %d processes after %d steps differ by %.1e from one process's\n",
               size * CELLS, size, STEPS, worst);
    }
    free(whole);
    MPI_Finalize();
    return wrong;
}
