/* SPDX-License-Identifier: BSD-3-Clause */
/* Every send mode, blocking and nonblocking, at sizes around the limits of the transports. */
#include "mpitest.h"

enum { TAG = 17, MOST = 300000 };

typedef int send_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm);
typedef int isend_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

static send_fn *const sends[] = {MPI_Send, MPI_Ssend, MPI_Bsend, MPI_Rsend};
static isend_fn *const isends[] = {MPI_Isend, MPI_Issend, MPI_Ibsend, MPI_Irsend};

static char out[MOST], in[MOST];

static void blocking(send_fn *send, int len)
{
    MPI_Request r;
    MPI_Status s;

    fill(out, len, rank);
    memset(in, 0, len);
    OK(MPI_Irecv(in, len, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r));
    OK(MPI_Barrier(MPI_COMM_WORLD)); /* for the ready mode */
    OK(send(out, len, MPI_CHAR, right(), TAG, MPI_COMM_WORLD));
    memset(out, 0, len); /* it must be ours again */
    OK(MPI_Wait(&r, &s));
    CHECK(r == MPI_REQUEST_NULL);
    CHECK(says(&s, left(), TAG, MPI_CHAR, len));
    CHECK(filled(in, len, left()));
}

static void nonblocking(isend_fn *isend, int len)
{
    MPI_Request r[2];
    MPI_Status s[2];

    fill(out, len, rank);
    memset(in, 0, len);
    OK(MPI_Irecv(in, len, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(isend(out, len, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Waitall(2, r, s));
    CHECK(r[0] == MPI_REQUEST_NULL && r[1] == MPI_REQUEST_NULL);
    CHECK(says(&s[0], left(), TAG, MPI_CHAR, len));
    CHECK(filled(in, len, left()));
}

/* A synchronous send is not over before its receive is there. */
static void synchronous_waits(void)
{
    MPI_Request r;
    int flag, value = -1;

    OK(MPI_Issend(&rank, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD, &r));
    for (int i = 0; i < 200; i++) {
        OK(MPI_Test(&r, &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
    }
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Recv(&value, 1, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    CHECK(value == left());
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
}

/* To and from nobody: at once, and nothing is touched. */
static void nobody(void)
{
    int value = 42;
    MPI_Request r;
    MPI_Status s;

    for (int m = 0; m < 4; m++) {
        OK(sends[m](&value, 1, MPI_INT, MPI_PROC_NULL, TAG, MPI_COMM_WORLD));
        OK(isends[m](&value, 1, MPI_INT, MPI_PROC_NULL, TAG, MPI_COMM_WORLD, &r));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    }
    OK(MPI_Recv(&value, 1, MPI_INT, MPI_PROC_NULL, TAG, MPI_COMM_WORLD, &s));
    CHECK(says(&s, MPI_PROC_NULL, MPI_ANY_TAG, MPI_INT, 0));
    CHECK(value == 42);
}

int main(int argc, char **argv)
{
    static const int sizes[] = {0, 1, 8, 63, 64, 65, 1000, 4096, 16384, 16385, 70000, MOST};

    begin(&argc, &argv);
    OK(MPI_Buffer_attach(malloc(2 * (MOST + MPI_BSEND_OVERHEAD)), 2 * (MOST + MPI_BSEND_OVERHEAD)));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int m = 0; m < 4; m++) {
            blocking(sends[m], sizes[i]);
            nonblocking(isends[m], sizes[i]);
        }
    synchronous_waits();
    nobody();
    void *base;
    int len;
    OK(MPI_Buffer_detach(&base, &len));
    CHECK(len == 2 * (MOST + MPI_BSEND_OVERHEAD));
    free(base);
    return end("p2p_modes");
}
