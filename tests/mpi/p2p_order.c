/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of one sender do not overtake each other, whatever the receive leaves open. */
#include "mpitest.h"

enum { MESSAGES = 400 };

/* Small and large ones in turn: the eager must not pass the announced. */
static int length(int i)
{
    static const int lengths[] = {1, 3000, 16, 9000};

    return lengths[i % 4];
}

static void send_all(int dest, MPI_Request *r)
{
    static int out[MESSAGES][9000];

    for (int i = 0; i < MESSAGES; i++) {
        out[i][0] = i;
        OK(MPI_Isend(out[i], length(i), MPI_INT, dest, i % 3, MPI_COMM_WORLD, &r[i]));
    }
}

/* Any source, any tag: each sender's messages come in its order. */
static void wildcards(int early)
{
    static MPI_Request r[MESSAGES];
    static int in[9000];
    int next[64] = {0}, n = size - 1 ? MESSAGES * (size - 1) : MESSAGES;
    MPI_Status s;

    if (rank || size == 1)
        send_all(0, r);
    if (!early)
        OK(MPI_Barrier(MPI_COMM_WORLD)); /* what is eager has arrived unexpected */
    for (int i = 0; rank == 0 && i < n; i++) {
        OK(MPI_Recv(in, 9000, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &s));
        int k = next[s.MPI_SOURCE]++;
        CHECK(in[0] == k);
        CHECK(says(&s, s.MPI_SOURCE, k % 3, MPI_INT, length(k)));
    }
    if (rank || size == 1)
        OK(MPI_Waitall(MESSAGES, r, MPI_STATUSES_IGNORE));
}

/* Receives posted first, some open and some not: the first posted that fits takes the message. */
static void posted(void)
{
    static int in[MESSAGES][2], out[MESSAGES][2];
    MPI_Request r[MESSAGES], s[MESSAGES];
    MPI_Status st[MESSAGES];

    for (int i = 0; i < MESSAGES; i++)
        OK(MPI_Irecv(in[i], 2, MPI_INT, i % 2 ? MPI_ANY_SOURCE : left(), i % 5 ? 7 : MPI_ANY_TAG,
                     MPI_COMM_WORLD, &r[i]));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    for (int i = 0; i < MESSAGES; i++) {
        out[i][0] = i;
        out[i][1] = rank;
        OK(MPI_Isend(out[i], 2, MPI_INT, right(), 7, MPI_COMM_WORLD, &s[i]));
    }
    OK(MPI_Waitall(MESSAGES, r, st));
    OK(MPI_Waitall(MESSAGES, s, MPI_STATUSES_IGNORE));
    for (int i = 0; i < MESSAGES; i++) {
        CHECK(in[i][0] == i && in[i][1] == left());
        CHECK(says(&st[i], left(), 7, MPI_INT, 2));
    }
}

/* Tags choose: received in the opposite order of sending. */
static void backwards(void)
{
    static int out[100];
    MPI_Request r[100];

    for (int i = 0; i < 100; i++) {
        out[i] = i * i;
        OK(MPI_Isend(&out[i], 1, MPI_INT, right(), i, MPI_COMM_WORLD, &r[i]));
    }
    for (int i = 99; i >= 0; i--) {
        int value = -1;
        OK(MPI_Recv(&value, 1, MPI_INT, left(), i, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(value == i * i);
    }
    OK(MPI_Waitall(100, r, MPI_STATUSES_IGNORE));
}

/* The largest tag there is travels unharmed. */
static void tags(void)
{
    const int tag = 0x7fffffff;
    MPI_Status s;

    OK(MPI_Send(&rank, 1, MPI_INT, right(), tag, MPI_COMM_WORLD));
    int value;
    OK(MPI_Recv(&value, 1, MPI_INT, left(), MPI_ANY_TAG, MPI_COMM_WORLD, &s));
    CHECK(says(&s, left(), tag, MPI_INT, 1) && value == left());
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    wildcards(1);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    wildcards(0);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    posted();
    OK(MPI_Barrier(MPI_COMM_WORLD));
    backwards();
    tags();
    return end("p2p_order");
}
