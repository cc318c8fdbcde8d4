/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistent requests: started many times, inactive in between. */
#include "mpitest.h"

enum { COUNT = 5000, ROUNDS = 20 };

typedef int init_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

static init_fn *const inits[] = {MPI_Send_init, MPI_Ssend_init, MPI_Bsend_init, MPI_Rsend_init};

static int out[COUNT], in[COUNT];

static void rounds(init_fn *init, int count)
{
    MPI_Request r[2];
    MPI_Status s[2];
    int flag;

    OK(MPI_Recv_init(in, count, MPI_INT, left(), 1, MPI_COMM_WORLD, &r[0]));
    OK(init(out, count, MPI_INT, right(), 1, MPI_COMM_WORLD, &r[1]));
    /* Inactive: nothing to wait for, an empty status. */
    OK(MPI_Wait(&r[0], &s[0]));
    CHECK(says(&s[0], MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_INT, 0) && r[0] != MPI_REQUEST_NULL);
    OK(MPI_Testall(2, r, &flag, s));
    CHECK(flag);
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < count; i++)
            out[i] = rank * 1000 + n + i;
        memset(in, 0, sizeof in);
        OK(MPI_Start(&r[0]));
        OK(MPI_Barrier(MPI_COMM_WORLD));
        OK(MPI_Startall(1, &r[1]));
        OK(MPI_Waitall(2, r, s));
        CHECK(r[0] != MPI_REQUEST_NULL && r[1] != MPI_REQUEST_NULL);
        CHECK(says(&s[0], left(), 1, MPI_INT, count));
        for (int i = 0; i < count; i++)
            CHECK(in[i] == left() * 1000 + n + i);
    }
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
    CHECK(r[0] == MPI_REQUEST_NULL && r[1] == MPI_REQUEST_NULL);
}

/* A receive that is started, cancelled, and started again. */
static void cancelled(void)
{
    MPI_Request r;
    MPI_Status s;
    int value = -1, flag;

    OK(MPI_Recv_init(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &r));
    OK(MPI_Start(&r));
    OK(MPI_Cancel(&r));
    OK(MPI_Wait(&r, &s));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(flag);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Start(&r));
    OK(MPI_Send(&rank, 1, MPI_INT, right(), 2, MPI_COMM_WORLD));
    OK(MPI_Wait(&r, &s));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(!flag && value == left() && says(&s, left(), 2, MPI_INT, 1));
    OK(MPI_Request_free(&r));
}

/* Freed while active: it still completes. */
static void freed(void)
{
    MPI_Request r;

    OK(MPI_Send_init(out, COUNT, MPI_INT, right(), 3, MPI_COMM_WORLD, &r));
    OK(MPI_Start(&r));
    OK(MPI_Request_free(&r));
    OK(MPI_Recv(in, COUNT, MPI_INT, left(), 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

int main(int argc, char **argv)
{
    static char space[COUNT * sizeof(int) + MPI_BSEND_OVERHEAD];
    void *base;
    int len;

    begin(&argc, &argv);
    OK(MPI_Buffer_attach(space, sizeof space));
    for (int m = 0; m < 4; m++) {
        rounds(inits[m], 1);
        rounds(inits[m], COUNT);
    }
    cancelled();
    freed();
    OK(MPI_Buffer_detach(&base, &len));
    CHECK(base == space && len == (int)sizeof space);
    return end("p2p_persistent");
}
