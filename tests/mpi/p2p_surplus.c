/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * More receives than the provider holds, and the messages for the last ones first: nobody may wait
 * for a receive to be over that was posted before. rxm is told to hold 64; it holds 2048 or 4096
 * by itself.
 */
#include "mpitest.h"

enum { RECEIVES = 400, LONG = 300000, ORDERED = 1000, PROBED, CANCELLED, LONG_TAG };

static int values[RECEIVES];
static MPI_Request requests[RECEIVES];

/* Every third from any source. */
static void post(int tag)
{
    for (int i = 0; i < RECEIVES; i++) {
        values[i] = -1;
        OK(MPI_Irecv(&values[i], 1, MPI_INT, i % 3 ? left() : MPI_ANY_SOURCE, tag < 0 ? i : tag,
                     MPI_COMM_WORLD, &requests[i]));
    }
}

static void reverse(void)
{
    MPI_Request sent;
    MPI_Status s;

    post(-1);
    OK(MPI_Barrier(MPI_COMM_WORLD)); /* has receives of its own */
    for (int i = RECEIVES - 1; i >= 0; i--) {
        OK(MPI_Issend(&i, 1, MPI_INT, right(), i, MPI_COMM_WORLD, &sent));
        OK(MPI_Wait(&requests[i], &s));
        CHECK(values[i] == i && says(&s, left(), i, MPI_INT, 1));
        OK(MPI_Wait(&sent, MPI_STATUS_IGNORE));
    }
}

/* All the same to the receives: they get them in the order of sending. */
static void ordered(void)
{
    MPI_Request sent[RECEIVES];
    int numbers[RECEIVES];

    post(ORDERED);
    for (int i = 0; i < RECEIVES; i++) {
        numbers[i] = i;
        OK(MPI_Isend(&numbers[i], 1, MPI_INT, right(), ORDERED, MPI_COMM_WORLD, &sent[i]));
    }
    OK(MPI_Waitall(RECEIVES, requests, MPI_STATUSES_IGNORE));
    for (int i = 0; i < RECEIVES; i++)
        CHECK(values[i] == i);
    OK(MPI_Waitall(RECEIVES, sent, MPI_STATUSES_IGNORE));
}

/* Behind them: a probe, a message that is fetched when it is received, and one taken back. */
static void behind(void)
{
    char *out = malloc(LONG), *in = malloc(LONG);
    MPI_Request sent, longer, cancelled;
    MPI_Message m;
    MPI_Status s;
    int got = -1, flag;

    CHECK(out && in);
    post(-1);
    OK(MPI_Irecv(in, LONG, MPI_CHAR, left(), LONG_TAG, MPI_COMM_WORLD, &longer));
    OK(MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, CANCELLED, MPI_COMM_WORLD, &cancelled));
    OK(MPI_Isend(&rank, 1, MPI_INT, right(), PROBED, MPI_COMM_WORLD, &sent));
    OK(MPI_Mprobe(left(), PROBED, MPI_COMM_WORLD, &m, MPI_STATUS_IGNORE));
    OK(MPI_Mrecv(&got, 1, MPI_INT, &m, &s));
    CHECK(got == left() && says(&s, left(), PROBED, MPI_INT, 1));
    OK(MPI_Wait(&sent, MPI_STATUS_IGNORE));
    fill(out, LONG, rank);
    OK(MPI_Isend(out, LONG, MPI_CHAR, right(), LONG_TAG, MPI_COMM_WORLD, &sent));
    OK(MPI_Wait(&longer, &s));
    CHECK(filled(in, LONG, left()) && says(&s, left(), LONG_TAG, MPI_CHAR, LONG));
    OK(MPI_Wait(&sent, MPI_STATUS_IGNORE));
    OK(MPI_Cancel(&cancelled));
    OK(MPI_Wait(&cancelled, &s));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(flag);
    for (int i = 0; i < RECEIVES; i++)
        OK(MPI_Bsend(&i, 1, MPI_INT, right(), i, MPI_COMM_WORLD));
    OK(MPI_Waitall(RECEIVES, requests, MPI_STATUSES_IGNORE));
    free(out);
    free(in);
}

int main(int argc, char **argv)
{
    setenv("FI_OFI_RXM_RX_SIZE", "64", 0);
    begin(&argc, &argv);
    OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
    reverse();
    ordered();
    behind();
    return end("p2p_surplus");
}
