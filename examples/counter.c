/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counter: one-sided. Rank 0 holds a number that all take tickets from by MPI_Get_accumulate, while
 * it does nothing about it itself. No ticket is given twice: each is marked in a second window, by
 * MPI_Accumulate, and in the end every mark is one.
 */
#include <mpi.h>
#include <stdio.h>

#define TICKETS 50 /* taken by each process */

int main(int argc, char **argv)
{
    const long one = 1;
    long *counter, *marks;
    int rank, size, wrong = 0;
    MPI_Win tickets, seen;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Win_allocate(rank == 0 ? sizeof *counter : 0, sizeof *counter, MPI_INFO_NULL,
                     MPI_COMM_WORLD, &counter, &tickets);
    MPI_Win_allocate(rank == 0 ? size * TICKETS * sizeof *marks : 0, sizeof *marks, MPI_INFO_NULL,
                     MPI_COMM_WORLD, &marks, &seen);
    MPI_Win_fence(0, tickets);
    MPI_Win_fence(0, seen);
    if (rank == 0) {
        *counter = 0;
        for (int i = 0; i < size * TICKETS; i++)
            marks[i] = 0;
    }
    MPI_Win_fence(0, seen);
    MPI_Win_fence(0, tickets);

    for (int i = 0; i < TICKETS; i++) {
        long ticket;

        MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, tickets);
        MPI_Get_accumulate(&one, 1, MPI_LONG, &ticket, 1, MPI_LONG, 0, 0, 1, MPI_LONG, MPI_SUM,
                           tickets);
        MPI_Win_unlock(0, tickets);
        if (ticket < 0 || ticket >= (long)size * TICKETS)
            MPI_Abort(MPI_COMM_WORLD, 1);
        MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, seen);
        MPI_Accumulate(&one, 1, MPI_LONG, 0, ticket, 1, MPI_LONG, MPI_SUM, seen);
        MPI_Win_unlock(0, seen);
    }

    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, seen);
        for (int i = 0; i < size * TICKETS; i++)
            wrong += marks[i] != 1;
        MPI_Win_unlock(0, seen);
        printf("%d tickets given to %d processes, %d of them not exactly once\n", size * TICKETS,
               size, wrong);
    }
    MPI_Win_free(&seen);
    MPI_Win_free(&tickets);
    MPI_Finalize();
    return wrong != 0;
}
