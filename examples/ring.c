/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ring: a token goes round three times; each process adds its rank to it. Send and receive are
 * blocking, and only rank 0 sends before it receives: that is what keeps a ring from standing
 * still.
 */
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const int rounds = 3;
    long token = 0, want;
    int rank, size, left, right, wrong = 0;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    left = (rank + size - 1) % size;
    right = (rank + 1) % size;

    for (int round = 0; round < rounds && size > 1; round++) {
        if (rank == 0)
            MPI_Send(&token, 1, MPI_LONG, right, round, MPI_COMM_WORLD);
        MPI_Recv(&token, 1, MPI_LONG, left, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        token += rank;
        if (rank != 0)
            MPI_Send(&token, 1, MPI_LONG, right, round, MPI_COMM_WORLD);
    }
    if (rank == 0) {
        want = (long)rounds * size * (size - 1) / 2;
        wrong = token != want;
        printf("the token came back with %ld after %d rounds of %d processes (%ld expected)\n",
               token, rounds, size, want);
    }
    MPI_Finalize();
    return wrong;
}
