/* SPDX-License-Identifier: BSD-3-Clause */
/* Every completion call, with null and inactive requests among the others. */
#include <sched.h>

#include "mpitest.h"

enum { N = 6 };

static int out[N], in[N];
static MPI_Request r[N + 2];
static MPI_Status s[N + 2];

/* N receives, with a null request in front and an inactive one behind. Nobody sends before go. */
static void post(void)
{
    static int unused;

    r[0] = MPI_REQUEST_NULL;
    for (int i = 0; i < N; i++) {
        in[i] = -1;
        OK(MPI_Irecv(&in[i], 1, MPI_INT, left(), i, MPI_COMM_WORLD, &r[i + 1]));
    }
    OK(MPI_Recv_init(&unused, 1, MPI_INT, left(), 99, MPI_COMM_WORLD, &r[N + 1]));
}

static void go(void)
{
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

static void send(int i)
{
    out[i] = rank * 100 + i;
    OK(MPI_Send(&out[i], 1, MPI_INT, right(), i, MPI_COMM_WORLD));
}

static void over(void)
{
    for (int i = 0; i < N; i++) {
        CHECK(in[i] == left() * 100 + i);
        CHECK(r[i + 1] == MPI_REQUEST_NULL);
    }
    CHECK(r[N + 1] != MPI_REQUEST_NULL);
    OK(MPI_Request_free(&r[N + 1]));
}

static void all(void)
{
    int flag;

    post();
    OK(MPI_Testall(N + 2, r, &flag, s));
    CHECK(!flag);
    go();
    for (int i = 0; i < N; i++)
        send(i);
    OK(MPI_Waitall(N + 2, r, s));
    CHECK(says(&s[0], MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_INT, 0));
    CHECK(says(&s[N + 1], MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_INT, 0));
    for (int i = 0; i < N; i++)
        CHECK(says(&s[i + 1], left(), i, MPI_INT, 1));
    over();

    post();
    go();
    for (int i = 0; i < N; i++)
        send(i);
    do
        OK(MPI_Testall(N + 2, r, &flag, MPI_STATUSES_IGNORE));
    while (!flag);
    over();
}

static void any(int wait)
{
    int index, flag;

    post();
    OK(MPI_Testany(N + 2, r, &index, &flag, s));
    CHECK(!flag && index == MPI_UNDEFINED);
    go();
    for (int i = N - 1; i >= 0; i--) {
        send(i);
        if (wait)
            OK(MPI_Waitany(N + 2, r, &index, s));
        else
            do
                OK(MPI_Testany(N + 2, r, &index, &flag, s));
            while (!flag);
        CHECK(index == i + 1 && says(s, left(), i, MPI_INT, 1));
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    OK(MPI_Waitany(N + 2, r, &index, s));
    CHECK(index == MPI_UNDEFINED && says(s, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_INT, 0));
    OK(MPI_Testany(N + 2, r, &index, &flag, s));
    CHECK(flag && index == MPI_UNDEFINED);
    over();
}

static void some(int wait)
{
    int done = 0, n, indices[N + 2];

    post();
    OK(MPI_Testsome(N + 2, r, &n, indices, s));
    CHECK(n == 0);
    go();
    for (int i = 0; i < N; i++)
        send(i);
    while (done < N) {
        OK((wait ? MPI_Waitsome : MPI_Testsome)(N + 2, r, &n, indices, s));
        CHECK(n >= wait && n <= N - done);
        for (int i = 0; i < n; i++)
            CHECK(says(&s[i], left(), indices[i] - 1, MPI_INT, 1));
        done += n;
    }
    OK((wait ? MPI_Waitsome : MPI_Testsome)(N + 2, r, &n, indices, s));
    CHECK(n == MPI_UNDEFINED);
    over();
}

/* Looking at a request does not complete it. */
static void look(void)
{
    int flag, n, index, indices[N + 2];

    post();
    OK(MPI_Request_get_status(r[0], &flag, s));
    CHECK(flag);
    OK(MPI_Request_get_status(r[1], &flag, s));
    CHECK(!flag);
    go();
    for (int i = 0; i < N; i++)
        send(i);
    for (int twice = 0; twice < 2; twice++)
        do {
            OK(MPI_Request_get_status(r[1], &flag, s));
            CHECK(!flag || says(s, left(), 0, MPI_INT, 1));
        } while (!flag);
    do
        OK(MPI_Request_get_status_all(N + 2, r, &flag, s));
    while (!flag);
    CHECK(says(&s[3], left(), 2, MPI_INT, 1));
    OK(MPI_Request_get_status_any(N + 2, r, &index, &flag, s));
    CHECK(flag && index == 1);
    OK(MPI_Request_get_status_some(N + 2, r, &n, indices, s));
    CHECK(n == N && indices[0] == 1);
    for (int i = 1; i <= N; i++) {
        CHECK(r[i] != MPI_REQUEST_NULL);
        OK(MPI_Test(&r[i], &flag, s));
        CHECK(flag && says(s, left(), i - 1, MPI_INT, 1));
    }
    over();
}

static void nothing(void)
{
    int flag = 0, index = 0, n = 0;
    MPI_Request null = MPI_REQUEST_NULL;

    OK(MPI_Wait(&null, s));
    CHECK(says(s, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_INT, 0));
    OK(MPI_Test(&null, &flag, MPI_STATUS_IGNORE));
    CHECK(flag);
    OK(MPI_Waitall(0, NULL, MPI_STATUSES_IGNORE));
    OK(MPI_Waitany(0, NULL, &index, MPI_STATUS_IGNORE));
    CHECK(index == MPI_UNDEFINED);
    OK(MPI_Waitsome(0, NULL, &n, NULL, MPI_STATUSES_IGNORE));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Testall(0, NULL, &flag, MPI_STATUSES_IGNORE));
    CHECK(flag);
}

/* Where nothing failed, MPI_ERROR is the program's (3.7.3), whatever was completed how. */
enum way { WAIT, TEST, WAIT_ALL, TEST_ALL, WAIT_ANY, TEST_ANY, WAIT_SOME, TEST_SOME, WAYS };

/* Completes some of the n requests; how many. */
static int complete(enum way way, int n)
{
    int done = 1, index, indices[N];

    switch (way) {
    case WAIT:
        OK(MPI_Wait(&r[n - 1], &s[0]));
        return 1;
    case TEST:
        OK(MPI_Test(&r[n - 1], &done, &s[0]));
        return done;
    case WAIT_ALL:
        OK(MPI_Waitall(n, r, s));
        return n;
    case TEST_ALL:
        OK(MPI_Testall(n, r, &done, s));
        return done ? n : 0;
    case WAIT_ANY:
        OK(MPI_Waitany(n, r, &index, &s[0]));
        break;
    case TEST_ANY:
        OK(MPI_Testany(n, r, &index, &done, &s[0]));
        break;
    case WAIT_SOME:
        OK(MPI_Waitsome(n, r, &done, indices, s));
        return done;
    default:
        OK(MPI_Testsome(n, r, &done, indices, s));
        return done;
    }
    if (done)
        r[index] = r[n - 1]; /* what is left stays together */
    return done;
}

static void untouched(void)
{
    enum { KINDS = 4, LARGE = 300000, MARK = 77 };
    static char large[2][LARGE];

    for (enum way way = WAIT; way < WAYS; way++) {
        OK(MPI_Irecv(in, 1, MPI_INT, left(), 1, MPI_COMM_WORLD, &r[0]));
        OK(MPI_Irecv(large[0], LARGE, MPI_CHAR, left(), 2, MPI_COMM_WORLD, &r[1]));
        OK(MPI_Isend(out, 1, MPI_INT, right(), 1, MPI_COMM_WORLD, &r[2]));
        OK(MPI_Isend(large[1], LARGE, MPI_CHAR, right(), 2, MPI_COMM_WORLD, &r[3]));
        for (int n = KINDS; n > 0;) {
            for (int i = 0; i < KINDS; i++)
                s[i].MPI_ERROR = MARK;
            int done = complete(way, n);
            for (int i = 0; i < KINDS; i++)
                CHECK(s[i].MPI_ERROR == MARK);
            if (way != WAIT_SOME && way != TEST_SOME)
                n -= done;
            else if (r[0] == MPI_REQUEST_NULL && r[1] == MPI_REQUEST_NULL &&
                     r[2] == MPI_REQUEST_NULL && r[3] == MPI_REQUEST_NULL)
                n = 0;
        }
    }
}

/* On this host. */
static int ranks_here(void)
{
    MPI_Comm here;
    int count;

    OK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here));
    OK(MPI_Comm_size(here, &count));
    OK(MPI_Comm_free(&here));
    return count;
}

/* A program that asks in a loop lets the others run where they need its processor (wait.h). */
static void yields(void)
{
    enum { LOOKS = 100 };
    MPI_T_pvar_session session;
    MPI_T_pvar_handle counter;
    unsigned long long before, after;
    int index, count, provided, flag;
    cpu_set_t mine;

    if (sched_getaffinity(0, sizeof mine, &mine) || CPU_COUNT(&mine) >= ranks_here())
        return;
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    OK(MPI_T_pvar_get_index("wait_yields", MPI_T_PVAR_CLASS_COUNTER, &index));
    OK(MPI_T_pvar_session_create(&session));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &counter, &count));
    OK(MPI_T_pvar_start(session, counter));
    OK(MPI_Irecv(in, 1, MPI_INT, left(), 1, MPI_COMM_WORLD, &r[0]));
    OK(MPI_T_pvar_read(session, counter, &before));
    for (int i = 0; i < LOOKS; i++) {
        OK(MPI_Test(&r[0], &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
        OK(MPI_Iprobe(MPI_ANY_SOURCE, 2, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
    }
    OK(MPI_T_pvar_read(session, counter, &after));
    CHECK(after - before >= LOOKS); /* the first ones do not, nor some after other work was found */
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Send(out, 1, MPI_INT, right(), 1, MPI_COMM_WORLD));
    OK(MPI_Wait(&r[0], MPI_STATUS_IGNORE));
    OK(MPI_T_pvar_handle_free(session, &counter));
    OK(MPI_T_pvar_session_free(&session));
    OK(MPI_T_finalize());
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    all();
    any(0);
    any(1);
    some(0);
    some(1);
    look();
    nothing();
    untouched();
    yields();
    return end("p2p_complete");
}
