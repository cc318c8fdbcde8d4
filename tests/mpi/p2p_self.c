/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to oneself, and send-receive in its forms. */
#include "mpitest.h"

enum { MOST = 1 << 20 };

static char out[MOST], in[MOST];

static void self(int len)
{
    MPI_Request r;
    MPI_Status s;

    fill(out, len, rank);
    OK(MPI_Irecv(in, len, MPI_CHAR, 0, 1, MPI_COMM_SELF, &r));
    OK(MPI_Send(out, len, MPI_CHAR, 0, 1, MPI_COMM_SELF));
    OK(MPI_Wait(&r, &s));
    CHECK(says(&s, 0, 1, MPI_CHAR, len) && filled(in, len, rank));
    memset(in, 0, len);
    OK(MPI_Isend(out, len, MPI_CHAR, rank, 2, MPI_COMM_WORLD, &r));
    OK(MPI_Recv(in, len, MPI_CHAR, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &s));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    CHECK(says(&s, rank, 2, MPI_CHAR, len) && filled(in, len, rank));
    memset(in, 0, len);
    OK(MPI_Sendrecv(out, len, MPI_CHAR, rank, 3, in, len, MPI_CHAR, rank, 3, MPI_COMM_WORLD, &s));
    CHECK(says(&s, rank, 3, MPI_CHAR, len) && filled(in, len, rank));
}

static void ring(int len)
{
    MPI_Request r;
    MPI_Status s;

    fill(out, len, rank);
    memset(in, 0, len);
    OK(MPI_Sendrecv(out, len, MPI_CHAR, right(), 4, in, len, MPI_CHAR, left(), 4, MPI_COMM_WORLD,
                    &s));
    CHECK(says(&s, left(), 4, MPI_CHAR, len) && filled(in, len, left()));
    OK(MPI_Sendrecv_replace(out, len, MPI_CHAR, right(), 5, left(), 5, MPI_COMM_WORLD, &s));
    CHECK(says(&s, left(), 5, MPI_CHAR, len) && filled(out, len, left()));
    OK(MPI_Isendrecv_replace(out, len, MPI_CHAR, left(), 6, right(), 6, MPI_COMM_WORLD, &r));
    OK(MPI_Wait(&r, &s));
    CHECK(says(&s, right(), 6, MPI_CHAR, len) && filled(out, len, rank));
    memset(in, 0, len);
    OK(MPI_Isendrecv(out, len, MPI_CHAR, right(), 7, in, len, MPI_CHAR, MPI_ANY_SOURCE, 7,
                     MPI_COMM_WORLD, &r));
    OK(MPI_Wait(&r, &s));
    CHECK(r == MPI_REQUEST_NULL);
    CHECK(says(&s, left(), 7, MPI_CHAR, len) && filled(in, len, left()));
}

/* An open chain: the ends talk to nobody. */
static void chain(void)
{
    int to = rank + 1 < size ? rank + 1 : MPI_PROC_NULL, from = rank ? rank - 1 : MPI_PROC_NULL;
    int value = rank, got = -7;
    MPI_Status s;

    OK(MPI_Sendrecv(&value, 1, MPI_INT, to, 8, &got, 1, MPI_INT, from, 8, MPI_COMM_WORLD, &s));
    CHECK(rank ? got == rank - 1 : got == -7);
    CHECK(says(&s, from, rank ? 8 : MPI_ANY_TAG, MPI_INT, rank ? 1 : 0));
    OK(MPI_Sendrecv_replace(&value, 1, MPI_INT, to, 9, from, 9, MPI_COMM_WORLD, &s));
    CHECK(value == (rank ? rank - 1 : rank));
}

int main(int argc, char **argv)
{
    static const int sizes[] = {0, 1, 64, 65, 5000, 16384, 100000, MOST};

    begin(&argc, &argv);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        self(sizes[i]);
        OK(MPI_Barrier(MPI_COMM_WORLD));
        ring(sizes[i]);
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    chain();
    return end("p2p_self");
}
