/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between pairs of ranks: latency, bandwidth, rate. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 64

/* Rank i of the lower half talks to rank i + half of the upper one. */
struct pair {
    int peer;  /* MPI_PROC_NULL: this rank looks on */
    int first; /* it begins, and its time counts */
    int count; /* bytes */
    char *out, *in;
};

static void open_pair(struct pair *p, int pairs, size_t bytes)
{
    p->first = rank < pairs;
    p->peer = p->first ? rank + pairs : rank < 2 * pairs ? rank - pairs : MPI_PROC_NULL;
    p->count = (int)bytes;
    p->out = take_memory(bytes, 'a' + rank % 16);
    p->in = take_memory(bytes, 0);
}

static void close_pair(struct pair *p)
{
    give_memory(p->out);
    give_memory(p->in);
}

/* Whether the whole of the last message was the peer's. */
static void check_pair(const struct test *t, const struct pair *p)
{
    char *wanted;

    if (p->peer == MPI_PROC_NULL)
        return;
    wanted = take_memory((size_t)p->count, 'a' + p->peer % 16);
    if (memcmp(p->in, wanted, (size_t)p->count))
        wrong_data(t->name, (size_t)p->count);
    give_memory(wanted);
}

static double ping_pong(void *arg, long n)
{
    const struct pair *p = arg;
    double begin = now();

    if (p->peer == MPI_PROC_NULL)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        if (p->first)
            MPI_Send(p->out, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD);
        MPI_Recv(p->in, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (!p->first)
            MPI_Send(p->out, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD);
    }
    return p->first ? now() - begin : NO_PART;
}

static double ping_pong_nonblocking(void *arg, long n)
{
    const struct pair *p = arg;
    double begin = now();
    MPI_Request r[2];

    if (p->peer == MPI_PROC_NULL)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        MPI_Irecv(p->in, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[0]);
        if (!p->first)
            MPI_Wait(&r[0], MPI_STATUS_IGNORE);
        MPI_Isend(p->out, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[1]);
        if (p->first)
            MPI_Waitall(2, r, MPI_STATUSES_IGNORE);
        else
            MPI_Wait(&r[1], MPI_STATUS_IGNORE);
    }
    return p->first ? now() - begin : NO_PART;
}

/*
 * A window of messages is sent, then acknowledged by one empty message. They all land in one
 * buffer, as in the OSU benchmarks, so that figures compare; nobody reads it before the last.
 */
static double windows(void *arg, long n)
{
    const struct pair *p = arg;
    MPI_Request r[WINDOW];
    double begin = now();

    if (p->peer == MPI_PROC_NULL)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < WINDOW; k++) {
            if (p->first)
                MPI_Isend(p->out, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[k]);
            else
                MPI_Irecv(p->in, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[k]);
        }
        MPI_Waitall(WINDOW, r, MPI_STATUSES_IGNORE);
        if (p->first)
            MPI_Recv(NULL, 0, MPI_BYTE, p->peer, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        else
            MPI_Send(NULL, 0, MPI_BYTE, p->peer, 2, MPI_COMM_WORLD);
    }
    return p->first ? now() - begin : NO_PART;
}

static double windows_both_ways(void *arg, long n)
{
    const struct pair *p = arg;
    MPI_Request r[2 * WINDOW];
    double begin = now();

    if (p->peer == MPI_PROC_NULL)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < WINDOW; k++)
            MPI_Irecv(p->in, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[k]);
        for (int k = WINDOW; k < 2 * WINDOW; k++)
            MPI_Isend(p->out, p->count, MPI_BYTE, p->peer, 1, MPI_COMM_WORLD, &r[k]);
        MPI_Waitall(2 * WINDOW, r, MPI_STATUSES_IGNORE);
        if (p->first)
            MPI_Recv(NULL, 0, MPI_BYTE, p->peer, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        else
            MPI_Send(NULL, 0, MPI_BYTE, p->peer, 2, MPI_COMM_WORLD);
    }
    return p->first ? now() - begin : NO_PART;
}

/* ---- What becomes of the seconds ---- */

enum result { LATENCY, BYTES_PER_SECOND, MESSAGES_PER_SECOND };

struct shape {
    loop_fn *loop;
    enum result result;
    int messages;  /* in one turn of the loop, both ways together */
    int all_pairs; /* all ranks take part, and not only the first two */
    int one_way;   /* the first of a pair receives no data */
};

static double result_of(const struct shape *s, double seconds, double pairs, double bytes)
{
    double messages = pairs * s->messages;

    switch (s->result) {
    case BYTES_PER_SECOND:
        return messages * bytes / seconds * 1e-6;
    case MESSAGES_PER_SECOND:
        return messages / seconds * 1e-6;
    case LATENCY:
        break;
    }
    return seconds / s->messages * 1e6;
}

static void run_pairs(const struct test *t, size_t bytes)
{
    const struct shape *s = t->detail;
    int pairs = s->all_pairs ? ranks / 2 : 1;
    struct pair p;
    double seconds;

    open_pair(&p, pairs, bytes);
    seconds = measure_loop(s->loop, &p, s->result == LATENCY ? MEAN : SLOWEST);
    if (!p.first || !s->one_way)
        check_pair(t, &p);
    report(t, bytes, result_of(s, seconds, pairs, (double)bytes));
    close_pair(&p);
}

static const struct shape latency = {.loop = ping_pong, .messages = 2};
static const struct shape latency_nonblocking = {.loop = ping_pong_nonblocking, .messages = 2};
static const struct shape bandwidth = {
    .loop = windows, .result = BYTES_PER_SECOND, .messages = WINDOW, .one_way = 1};
static const struct shape both_ways = {
    .loop = windows_both_ways, .result = BYTES_PER_SECOND, .messages = 2 * WINDOW};
static const struct shape rate = {.loop = windows,
                                  .result = MESSAGES_PER_SECOND,
                                  .messages = WINDOW,
                                  .all_pairs = 1,
                                  .one_way = 1};
static const struct shape pairs = {.loop = ping_pong, .messages = 2, .all_pairs = 1};

const struct test p2p_tests[] = {
    {"latency", "us", "one way, MPI_Send and MPI_Recv", "0,8,1024,8192,65536,1048576", "2",
     run_pairs, &latency},
    {"latency_nonblocking", "us", "one way, MPI_Isend and MPI_Irecv", "8,1024,65536", "2",
     run_pairs, &latency_nonblocking},
    {"bandwidth", "MB/s", "windows of 64 messages one way", "1024,8192,65536,1048576,4194304", "2",
     run_pairs, &bandwidth},
    {"bidirectional", "MB/s", "windows of 64 messages both ways", "1024,8192,65536,1048576,4194304",
     "2", run_pairs, &both_ways},
    {"rate", "M/s", "messages in windows of 64, all pairs together", "8", "2", run_pairs, &rate},
    {"pairs", "us", "latency one way while all pairs are at it", "8,1024,65536", "8", run_pairs,
     &pairs},
    {0},
};
