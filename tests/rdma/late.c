/* SPDX-License-Identifier: BSD-3-Clause */
/* Rank 0's first message goes to ranks that do not call MPI for a while. */
#include <unistd.h>

#include "tests/mpi/mpitest.h"

enum { AWAY = 7 }; /* seconds */

int main(int argc, char **argv)
{
    int value = 42;

    begin(&argc, &argv);
    if (rank) {
        sleep(AWAY);
        value = 0;
        OK(MPI_Recv(&value, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(value == 42);
    }
    for (int to = 1; !rank && to < size; to++)
        OK(MPI_Send(&value, 1, MPI_INT, to, 0, MPI_COMM_WORLD));
    return end("late");
}
