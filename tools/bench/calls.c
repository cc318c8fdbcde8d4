/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls to be counted, not timed: rank 1 runs under callgrind, which collects only inside the call
 * in question; rank 0 is there to receive and to send. Each does exactly -n calls, so that the
 * difference of two runs is that of the calls alone, without what happens once.
 */
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define BURST 16  /* sends before the receiver is waited for, so that queues never fill */
#define USED  16  /* collectives before a communicator is as it will stay */
#define READY 400 /* messages that lie there before one is received: within the credit */

static void send_burst(int n)
{
    long data = 1;

    for (int i = 0; i < n; i++)
        MPI_Send(&data, 8, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
}

static void isend_burst(int n)
{
    long data = 1;
    MPI_Request r;

    for (int i = 0; i < n; i++) {
        MPI_Isend(&data, 8, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &r);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
    }
}

/* The other side of both; its calls are not counted. */
static void receive_burst(int n)
{
    long data;

    for (int i = 0; i < n; i++)
        MPI_Recv(&data, 8, MPI_BYTE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void run_sends(const struct test *t, size_t bytes)
{
    void (*burst)(int n) = rank == 0 ? receive_burst : t->name[0] == 's' ? send_burst : isend_burst;

    (void)bytes;
    for (long left = plan.repeats; left > 0; left -= BURST) {
        if (rank < 2)
            burst(left < BURST ? (int)left : BURST);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    report(t, 8, (double)plan.repeats);
}

/* Rank 0's, of its last turn. */
static MPI_Request *started;
static long outstanding;

/*
 * Rank 0 tells by a flag in shared memory, not by a message, that its sends are done; only then
 * does rank 1 receive, so that the messages are there. Rank 1 asks for more by the same means. They
 * are few enough to be taken eagerly by any library: rank 0 must not wait for a receive.
 */
static void take_turn(long n)
{
    long data = 1;

    for (long i = 0; i < n; i++)
        if (rank == 0)
            MPI_Send(&data, 8, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
        else
            MPI_Recv(&data, 8, MPI_BYTE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* The same with what rank 1 must have of rank 0 for MPI_Allreduce. */
static void take_turn_together(long n)
{
    static MPI_Request r[READY];
    static double mine[READY], sum[READY];

    for (long i = 0; i < n; i++)
        if (rank == 0)
            MPI_Iallreduce(&mine[i], &sum[i], 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &r[i]);
        else
            MPI_Allreduce(&mine[0], &sum[0], 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    outstanding = rank == 0 ? n : 0;
    if (rank == 0)
        started = r;
}

/* What is done in a turn, and how often at most before it is the other's. */
struct turns {
    void (*of)(long n);
    long most;
};

static void run_turns(const struct test *t, size_t bytes)
{
    const struct turns *turns = t->detail;
    MPI_Win win;
    MPI_Aint size = rank == 0 ? (MPI_Aint)sizeof(long) : 0;
    int unit;
    long *flag, done = 0;

    (void)bytes;
    MPI_Win_allocate_shared(size, sizeof(long), MPI_INFO_NULL, MPI_COMM_WORLD, &flag, &win);
    MPI_Win_shared_query(win, 0, &size, &unit, &flag);
    if (rank == 0)
        *flag = 0;
    for (int i = 0; i < USED; i++)
        MPI_Barrier(MPI_COMM_WORLD);
    for (long i = 0; rank < 2 && done < plan.repeats; i++) {
        long turn = 2 * i + (rank == 1), left = plan.repeats - done;

        while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) != turn)
            sched_yield();
        if (outstanding)
            MPI_Waitall((int)outstanding, started, MPI_STATUSES_IGNORE);
        outstanding = 0;
        if (left > turns->most)
            left = turns->most;
        turns->of(left);
        done += left;
        __atomic_store_n(flag, turn + 1, __ATOMIC_RELEASE);
    }
    if (outstanding)
        MPI_Waitall((int)outstanding, started, MPI_STATUSES_IGNORE);
    outstanding = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_free(&win);
    report(t, 8, (double)plan.repeats);
}

static const struct turns receives = {take_turn, READY}, together = {take_turn_together, READY};
/* Through shared memory a second operation starts when the first is over on both. */
static const struct turns one_by_one = {take_turn_together, 1};

const struct test call_tests[] = {
    {"send_calls", "calls", "for --instructions: MPI_Send of 8 bytes", "0", "2", run_sends, NULL},
    {"isend_calls", "calls", "for --instructions: MPI_Isend and MPI_Wait of 8 bytes", "0", "2",
     run_sends, NULL},
    {"recv_calls", "calls", "for --instructions: MPI_Recv of 8 bytes that are there", "0", "2",
     run_turns, &receives},
    {"allreduce_calls", "calls",
     "for --instructions: MPI_Allreduce of 8 bytes, the other's part there", "0", "2", run_turns,
     &together},
    {"allreduce_area_calls", "calls", "for --instructions: the same, with one that lies ready", "0",
     "2", run_turns, &one_by_one},
    {0},
};
