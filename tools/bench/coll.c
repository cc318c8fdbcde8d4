/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives of all ranks. A size is the bytes of one block: what a rank gives to, or has from,
 * another, and the whole vector of bcast, reduce and allreduce.
 */
#include "bench.h"

#include <stdlib.h>

struct coll {
    int count;   /* doubles in a block */
    int *counts; /* the same for each rank */
    double *out; /* a block for each rank */
    double *in;
    void (*operate)(struct coll *c);
    double computing; /* seconds, for the overlap */
};

static void barrier(struct coll *c)
{
    (void)c;
    MPI_Barrier(MPI_COMM_WORLD);
}

static void bcast(struct coll *c)
{
    MPI_Bcast(c->out, c->count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

static void reduce(struct coll *c)
{
    MPI_Reduce(c->out, c->in, c->count, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
}

static void allreduce(struct coll *c)
{
    MPI_Allreduce(c->out, c->in, c->count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static void iallreduce(struct coll *c)
{
    MPI_Request r;

    MPI_Iallreduce(c->out, c->in, c->count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &r);
    if (c->computing > 0)
        compute(c->computing);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
}

static void allgather(struct coll *c)
{
    MPI_Allgather(c->out, c->count, MPI_DOUBLE, c->in, c->count, MPI_DOUBLE, MPI_COMM_WORLD);
}

static void alltoall(struct coll *c)
{
    MPI_Alltoall(c->out, c->count, MPI_DOUBLE, c->in, c->count, MPI_DOUBLE, MPI_COMM_WORLD);
}

static void scatter(struct coll *c)
{
    MPI_Scatter(c->out, c->count, MPI_DOUBLE, c->in, c->count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

static void gather(struct coll *c)
{
    MPI_Gather(c->out, c->count, MPI_DOUBLE, c->in, c->count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

static void reduce_scatter(struct coll *c)
{
    MPI_Reduce_scatter(c->out, c->in, c->counts, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

/* One after the other; for those in which nobody is done before all have come. */
static double in_a_row(void *arg, long n)
{
    struct coll *c = arg;
    double begin = now();

    for (long i = 0; i < n; i++)
        c->operate(c);
    return now() - begin;
}

/* A barrier, which does not count, before each, so that no rank runs ahead of the others. */
static double one_by_one(void *arg, long n)
{
    struct coll *c = arg;
    double took = 0;

    for (long i = 0; i < n; i++) {
        MPI_Barrier(MPI_COMM_WORLD);

        double begin = now();
        c->operate(c);
        took += now() - begin;
    }
    return took;
}

/* ---- What must be received; each rank gives its number + 1 everywhere ---- */

enum content {
    NOTHING, /* a barrier moves no data */
    SUM,     /* one block, the sum over all ranks */
    EACH,    /* block i is rank i's */
    ROOT,    /* one block, rank 0's; bcast has it in `out` */
};

struct shape {
    void (*operate)(struct coll *c);
    loop_fn *loop;
    enum content content;
    int root_only;
};

static int block_is(const double *block, int count, double value)
{
    for (int i = 0; i < count; i++)
        if (block[i] != value)
            return 0;
    return 1;
}

static int came_right(const struct coll *c, const struct shape *s)
{
    if (s->root_only && rank != 0)
        return 1;
    switch (s->content) {
    case SUM:
        return block_is(c->in, c->count, ranks * (ranks + 1) / 2.0);
    case EACH:
        for (int i = 0; i < ranks; i++)
            if (!block_is(c->in + (size_t)i * (size_t)c->count, c->count, i + 1))
                return 0;
        return 1;
    case ROOT:
        return block_is(s->operate == bcast ? c->out : c->in, c->count, 1);
    default:
        return 1;
    }
}

static void open_coll(struct coll *c, const struct shape *s, size_t bytes)
{
    c->operate = s->operate;
    c->computing = 0;
    c->count = bytes < sizeof(double) ? 1 : (int)(bytes / sizeof(double));

    size_t doubles = (size_t)c->count * (size_t)ranks;

    c->out = take_memory(doubles * sizeof(double), 0);
    c->in = take_memory(doubles * sizeof(double), 0);
    c->counts = take_memory((size_t)ranks * sizeof(int), 0);
    for (size_t i = 0; i < doubles; i++)
        c->out[i] = rank + 1;
    for (int i = 0; i < ranks; i++)
        c->counts[i] = c->count;
}

static void close_coll(struct coll *c)
{
    free(c->out);
    free(c->in);
    free(c->counts);
}

static void run_coll(const struct test *t, size_t bytes)
{
    const struct shape *s = t->detail;
    struct coll c;
    double seconds;

    open_coll(&c, s, bytes);
    seconds = measure_loop(s->loop, &c, s->loop == in_a_row ? SLOWEST : MEAN);
    if (!came_right(&c, s))
        wrong_data(t->name, bytes);
    report(t, bytes, seconds * 1e6);
    close_coll(&c);
}

/*
 * The part of MPI_Iallreduce that goes on while the program computes for as long as it takes alone:
 * 100 % if both together take no longer than one.
 */
static void run_overlap(const struct test *t, size_t bytes)
{
    const struct shape *s = t->detail;
    struct coll c;
    double alone, both, hidden;

    open_coll(&c, s, bytes);
    alone = measure_loop(in_a_row, &c, SLOWEST);
    c.computing = alone;
    both = measure_loop(in_a_row, &c, SLOWEST);
    hidden = 100 * (2 * alone - both) / alone;
    if (!came_right(&c, s))
        wrong_data(t->name, bytes);
    report(t, bytes, hidden < 0 ? 0 : hidden > 100 ? 100 : hidden);
    close_coll(&c);
}

static const struct shape s_barrier = {barrier, in_a_row, NOTHING, 0},
                          s_bcast = {bcast, one_by_one, ROOT, 0},
                          s_reduce = {reduce, one_by_one, SUM, 1},
                          s_allreduce = {allreduce, in_a_row, SUM, 0},
                          s_iallreduce = {iallreduce, in_a_row, SUM, 0},
                          s_allgather = {allgather, in_a_row, EACH, 0},
                          s_alltoall = {alltoall, in_a_row, EACH, 0},
                          s_scatter = {scatter, one_by_one, ROOT, 0},
                          s_gather = {gather, one_by_one, EACH, 1},
                          s_reduce_scatter = {reduce_scatter, in_a_row, SUM, 0};

const struct test coll_tests[] = {
    {"barrier", "us", "MPI_Barrier", "0", "2,8", run_coll, &s_barrier},
    {"bcast", "us", "MPI_Bcast", "8,65536,1048576", "2,8", run_coll, &s_bcast},
    {"reduce", "us", "MPI_Reduce, sum of doubles", "8,65536,1048576", "2,8", run_coll, &s_reduce},
    {"allreduce", "us", "MPI_Allreduce, sum of doubles", "8,65536,1048576", "2,8", run_coll,
     &s_allreduce},
    {"allgather", "us", "MPI_Allgather", "8,65536,1048576", "2,8", run_coll, &s_allgather},
    {"alltoall", "us", "MPI_Alltoall", "8,65536,1048576", "2,8", run_coll, &s_alltoall},
    {"scatter", "us", "MPI_Scatter", "8,65536,1048576", "2,8", run_coll, &s_scatter},
    {"gather", "us", "MPI_Gather", "8,65536,1048576", "2,8", run_coll, &s_gather},
    {"reduce_scatter", "us", "MPI_Reduce_scatter, sum of doubles", "8,65536,1048576", "2,8",
     run_coll, &s_reduce_scatter},
    {"iallreduce", "us", "MPI_Iallreduce and MPI_Wait", "8,65536,1048576", "2,8", run_coll,
     &s_iallreduce},
    {"overlap", "%", "the part of MPI_Iallreduce hidden behind computing", "65536,1048576", "2",
     run_overlap, &s_iallreduce},
    {0},
};
