/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe, and matched probe: what is seen, what is taken, and what stays. */
#include "mpitest.h"

static int in[100000];

static void look(int count)
{
    MPI_Request r;
    MPI_Status s;
    int flag;
    static int out[100000];

    for (int i = 0; i < count; i++)
        out[i] = i ^ rank;
    OK(MPI_Isend(out, count, MPI_INT, right(), 5, MPI_COMM_WORLD, &r));
    OK(MPI_Probe(left(), MPI_ANY_TAG, MPI_COMM_WORLD, &s));
    CHECK(says(&s, left(), 5, MPI_INT, count));
    OK(MPI_Iprobe(MPI_ANY_SOURCE, 5, MPI_COMM_WORLD, &flag, &s));
    CHECK(flag && says(&s, left(), 5, MPI_INT, count));
    OK(MPI_Iprobe(MPI_ANY_SOURCE, 6, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE));
    CHECK(!flag);
    OK(MPI_Recv(in, count, MPI_INT, left(), 5, MPI_COMM_WORLD, &s));
    CHECK(says(&s, left(), 5, MPI_INT, count));
    for (int i = 0; i < count; i++)
        CHECK(in[i] == (i ^ left()));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE));
    CHECK(!flag);
}

/* Two with the same tag: the first is taken by the match, the second by a receive before it. */
static void match(int count)
{
    static int out[2][100000];
    MPI_Request r[3];
    MPI_Message m;
    MPI_Status s;
    int second = -1;

    for (int i = 0; i < count; i++)
        out[0][i] = i + rank;
    out[1][0] = 1000 + rank;
    OK(MPI_Isend(out[0], count, MPI_INT, right(), 9, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Isend(out[1], 1, MPI_INT, right(), 9, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Mprobe(MPI_ANY_SOURCE, 9, MPI_COMM_WORLD, &m, &s));
    CHECK(m != MPI_MESSAGE_NULL && m != MPI_MESSAGE_NO_PROC);
    CHECK(says(&s, left(), 9, MPI_INT, count));
    OK(MPI_Recv(&second, 1, MPI_INT, left(), 9, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    CHECK(second == 1000 + left());
    OK(MPI_Imrecv(in, count, MPI_INT, &m, &r[2]));
    CHECK(m == MPI_MESSAGE_NULL);
    OK(MPI_Wait(&r[2], &s));
    CHECK(says(&s, left(), 9, MPI_INT, count));
    for (int i = 0; i < count; i++)
        CHECK(in[i] == i + left());
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
}

static void match_later(void)
{
    MPI_Request r;
    MPI_Message m = MPI_MESSAGE_NULL;
    MPI_Status s;
    int flag, value = -1;

    OK(MPI_Improbe(left(), 3, MPI_COMM_WORLD, &flag, &m, &s));
    CHECK(!flag && m == MPI_MESSAGE_NULL);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Issend(&rank, 1, MPI_INT, right(), 3, MPI_COMM_WORLD, &r));
    do
        OK(MPI_Improbe(left(), 3, MPI_COMM_WORLD, &flag, &m, &s));
    while (!flag);
    CHECK(says(&s, left(), 3, MPI_INT, 1));
    OK(MPI_Mrecv(&value, 1, MPI_INT, &m, &s));
    CHECK(m == MPI_MESSAGE_NULL && value == left() && says(&s, left(), 3, MPI_INT, 1));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
}

static void nobody(void)
{
    MPI_Message m;
    MPI_Status s;
    int flag = 0, value = 5;

    OK(MPI_Probe(MPI_PROC_NULL, 1, MPI_COMM_WORLD, &s));
    CHECK(says(&s, MPI_PROC_NULL, MPI_ANY_TAG, MPI_INT, 0));
    OK(MPI_Improbe(MPI_PROC_NULL, 1, MPI_COMM_WORLD, &flag, &m, &s));
    CHECK(flag && m == MPI_MESSAGE_NO_PROC);
    OK(MPI_Mrecv(&value, 1, MPI_INT, &m, &s));
    CHECK(m == MPI_MESSAGE_NULL && value == 5);
    CHECK(says(&s, MPI_PROC_NULL, MPI_ANY_TAG, MPI_INT, 0));
}

int main(int argc, char **argv)
{
    static const int counts[] = {0, 1, 20, 1000, 100000};

    begin(&argc, &argv);
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        look(counts[i]);
        OK(MPI_Barrier(MPI_COMM_WORLD));
        match(counts[i]);
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    match_later();
    nobody();
    return end("p2p_probe");
}
