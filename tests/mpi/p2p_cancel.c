/* SPDX-License-Identifier: BSD-3-Clause */
/* Cancelled receives, cancelled sends (which are not), and requests that are freed under way. */
#include "mpitest.h"

static void receive(void)
{
    MPI_Request r;
    MPI_Status s;
    int value = 11, flag;

    for (int i = 0; i < 50; i++) {
        OK(MPI_Irecv(&value, 1, MPI_INT, i % 2 ? MPI_ANY_SOURCE : left(), 1, MPI_COMM_WORLD, &r));
        OK(MPI_Cancel(&r));
        OK(MPI_Wait(&r, &s));
        OK(MPI_Test_cancelled(&s, &flag));
        CHECK(flag && r == MPI_REQUEST_NULL && value == 11);
    }
    /* What is sent now belongs to the next receive. */
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Isend(&rank, 1, MPI_INT, right(), 1, MPI_COMM_WORLD, &r));
    OK(MPI_Recv(&value, 1, MPI_INT, left(), 1, MPI_COMM_WORLD, &s));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(!flag && value == left());
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
}

/* Either it was cancelled or it has the message; never both, never neither. */
static void race(void)
{
    enum { ROUNDS = 300 };
    MPI_Request r, s;
    MPI_Status st;
    int got = 0;

    for (int i = 0; i < ROUNDS; i++) {
        int value = -1, flag;
        OK(MPI_Irecv(&value, 1, MPI_INT, left(), 2, MPI_COMM_WORLD, &r));
        OK(MPI_Isend(&i, 1, MPI_INT, right(), 2, MPI_COMM_WORLD, &s));
        OK(MPI_Cancel(&r));
        OK(MPI_Wait(&r, &st));
        OK(MPI_Test_cancelled(&st, &flag));
        if (!flag) {
            CHECK(value == got);
            got++;
        }
        OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
    }
    for (; got < ROUNDS; got++) {
        int value = -1;
        OK(MPI_Recv(&value, 1, MPI_INT, left(), 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(value == got);
    }
}

static void send(void)
{
    MPI_Request r;
    MPI_Status s;
    int flag, value = -1;

    OK(MPI_Isend(&rank, 1, MPI_INT, right(), 3, MPI_COMM_WORLD, &r));
    OK(MPI_Cancel(&r));
    OK(MPI_Recv(&value, 1, MPI_INT, left(), 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    CHECK(value == left());
    OK(MPI_Wait(&r, &s));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(!flag);
}

/* The operation goes on; the type may go too. */
static void freed(void)
{
    static int out[50000], in[50000];
    MPI_Request r;
    int sum = 0;

    for (int i = 0; i < 50000; i++)
        out[i] = i;
    OK(MPI_Isend(out, 50000, MPI_INT, right(), 4, MPI_COMM_WORLD, &r));
    OK(MPI_Request_free(&r));
    CHECK(r == MPI_REQUEST_NULL);
    OK(MPI_Isend(out, 1, MPI_INT, right(), 5, MPI_COMM_WORLD, &r));
    OK(MPI_Request_free(&r));
    OK(MPI_Recv(in, 50000, MPI_INT, left(), 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Recv(in, 1, MPI_INT, left(), 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    for (int i = 0; i < 50000; i++)
        sum |= in[i] ^ i;
    CHECK(!sum);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* A communicator that is freed under way stays until its messages have come. */
static void comm_freed(void)
{
    enum { COUNT = 50000 };
    static int out[COUNT], in[COUNT];
    MPI_Request r[2];
    MPI_Comm c;

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < COUNT; i++)
            out[i] = rank + round + i;
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &c));
        OK(MPI_Irecv(in, COUNT, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, c, &r[0]));
        OK(MPI_Isend(out, COUNT, MPI_INT, right(), 6, c, &r[1]));
        OK(MPI_Comm_free(&c));
        OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
        for (int i = 0; i < COUNT; i++)
            CHECK(in[i] == left() + round + i);
    }
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    receive();
    OK(MPI_Barrier(MPI_COMM_WORLD));
    race();
    send();
    freed();
    comm_freed();
    return end("p2p_cancel");
}
