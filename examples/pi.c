/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pi: a sum shared out. The integral of 4 / (1 + x^2) from 0 to 1 by the midpoint rule: each
 * process adds up every size-th strip, one reduction adds up the sums.
 */
#include <math.h>
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const long strips = 1000000;
    double mine = 0, pi = 0;
    int rank, size, wrong;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    for (long i = rank; i < strips; i += size) {
        double x = (i + 0.5) / strips;
        mine += 4 / (1 + x * x) / strips;
    }
    MPI_Allreduce(&mine, &pi, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);

    wrong = !(fabs(pi - 3.14159265358979) < 1e-10);
    if (rank == 0)
        printf("pi is %.12f by %ld strips on %d processes\n", pi, strips, size);
    MPI_Finalize();
    return wrong;
}
