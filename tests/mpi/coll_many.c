/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thousand barriers and reductions outstanding on one communicator, completed from the last to
 * the first, among point-to-point messages with the same tags.
 */
#include "mpitest.h"

enum { MANY = 1000 };

static MPI_Request r[MANY], p2p[2];
static long x[MANY], y[MANY];

int main(int argc, char **argv)
{
    int out = 0, in = -1;

    begin(&argc, &argv);
    out = rank;
    OK(MPI_Irecv(&in, 1, MPI_INT, left(), 0, MPI_COMM_WORLD, &p2p[0]));
    for (int i = 0; i < MANY; i++) {
        x[i] = (long)i * rank;
        if (i % 3 == 0)
            OK(MPI_Ibarrier(MPI_COMM_WORLD, &r[i]));
        else
            OK(MPI_Iallreduce(&x[i], &y[i], 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD, &r[i]));
    }
    OK(MPI_Isend(&out, 1, MPI_INT, right(), 0, MPI_COMM_WORLD, &p2p[1]));
    for (int i = MANY - 1; i >= 0; i--)
        OK(MPI_Wait(&r[i], MPI_STATUS_IGNORE));
    for (int i = 0; i < MANY; i++)
        CHECK(i % 3 == 0 || y[i] == (long)i * size * (size - 1) / 2);
    OK(MPI_Waitall(2, p2p, MPI_STATUSES_IGNORE));
    CHECK(in == left());
    return end("coll_many");
}
