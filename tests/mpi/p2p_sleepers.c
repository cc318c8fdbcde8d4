/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads of one rank that sleep side by side, each in another call, and each for a message of its
 * own: whoever sees first that something has come must not keep the others asleep. A thread that
 * misses its sign sleeps on until it next looks by itself. Their peer is outside of MPI after each
 * MPI_Send, the first of all included: what it has sent must be on its way.
 */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "mpitest.h"

enum { WAITANY, PROBE, WAITSOME, MPROBE, RECV, WAITALL, CALLS, ROUNDS = 12 };
/* The longest that a wake-up takes on a busy machine; and one in so many may take longer. */
enum { PROMPT_MS = 6, FEW = 10 };

/* Under valgrind all takes longer. */
static bool in_time(int n)
{
    return n <= ROUNDS * CALLS / FEW || getenv("ORIEL_TEST_BRIEFLY");
}

static atomic_int late;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Two requests where the call takes several: the other one is withdrawn. */
static void await(int call, double *sent)
{
    MPI_Request r[2];
    MPI_Message message;
    int n, which[2];

    if (call == WAITANY || call == WAITSOME) {
        OK(MPI_Irecv(NULL, 0, MPI_BYTE, size - 1, CALLS + call, MPI_COMM_WORLD, &r[0]));
        OK(MPI_Irecv(sent, 1, MPI_DOUBLE, size - 1, call, MPI_COMM_WORLD, &r[1]));
        if (call == WAITANY)
            OK(MPI_Waitany(2, r, &n, MPI_STATUS_IGNORE));
        else
            OK(MPI_Waitsome(2, r, &n, which, MPI_STATUSES_IGNORE));
        CHECK(n == 1 && r[1] == MPI_REQUEST_NULL);
        OK(MPI_Cancel(&r[0]));
        OK(MPI_Wait(&r[0], MPI_STATUS_IGNORE));
    } else if (call == PROBE) {
        OK(MPI_Probe(size - 1, call, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        OK(MPI_Recv(sent, 1, MPI_DOUBLE, size - 1, call, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    } else if (call == MPROBE) {
        OK(MPI_Mprobe(MPI_ANY_SOURCE, call, MPI_COMM_WORLD, &message, MPI_STATUS_IGNORE));
        OK(MPI_Mrecv(sent, 1, MPI_DOUBLE, &message, MPI_STATUS_IGNORE));
    } else if (call == RECV) {
        OK(MPI_Recv(sent, 1, MPI_DOUBLE, size - 1, call, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    } else {
        OK(MPI_Irecv(sent, 1, MPI_DOUBLE, MPI_ANY_SOURCE, call, MPI_COMM_WORLD, &r[0]));
        OK(MPI_Waitall(1, r, MPI_STATUSES_IGNORE));
    }
}

static void *sleeper(void *arg)
{
    int call = *(int *)arg;
    double sent = 0;

    for (int i = 0; i < ROUNDS; i++) {
        await(call, &sent);
        if (now_ms() - sent > PROMPT_MS)
            atomic_fetch_add(&late, 1);
    }
    return NULL;
}

/* In one way or another, of which some make no progress. */
static void send_to(int call, int way)
{
    double now = now_ms();
    MPI_Request r;

    if (way == 0) {
        OK(MPI_Send(&now, 1, MPI_DOUBLE, 0, call, MPI_COMM_WORLD));
        return;
    }
    if (way == 1)
        OK(MPI_Isend(&now, 1, MPI_DOUBLE, 0, call, MPI_COMM_WORLD, &r));
    else
        OK(MPI_Send_init(&now, 1, MPI_DOUBLE, 0, call, MPI_COMM_WORLD, &r));
    if (way == 2)
        OK(MPI_Start(&r));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    if (way == 2)
        OK(MPI_Request_free(&r));
}

static void send_all(void)
{
    for (int i = 0; i < ROUNDS * CALLS; i++) {
        usleep(12000 + 1013 * (i % 17)); /* so that they sleep; nothing else depends on it */
        send_to(i % CALLS, i / CALLS % 3);
    }
}

/* How many came late. */
static int flood(void)
{
    pthread_t t[CALLS];
    int call[CALLS], n;

    atomic_store(&late, 0);
    for (int i = 0; rank == 0 && i < CALLS; i++) {
        call[i] = i;
        CHECK(pthread_create(&t[i], NULL, sleeper, &call[i]) == 0);
    }
    if (rank == size - 1)
        send_all();
    for (int i = 0; rank == 0 && i < CALLS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    n = atomic_load(&late);
    OK(MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD));
    return n;
}

int main(int argc, char **argv)
{
    int level, n;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    CHECK(level == MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    n = flood();
    for (int more = 2; more && !in_time(n); more--)
        n = flood(); /* something else may have kept the processors busy */
    if (!in_time(n) && rank == 0)
        fprintf(stderr, "%d of %d came late\n", n, ROUNDS * CALLS);
    CHECK(in_time(n));
    return end("p2p_sleepers");
}
