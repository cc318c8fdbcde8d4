/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives of all ranks. A size is the bytes of one block: what a rank gives to, or has from,
 * another, and the whole vector of bcast, reduce and allreduce.
 */
#include "bench.h"

#include <stdlib.h>

struct coll {
    MPI_Datatype type; /* double, or where bytes are fewer or odd, unsigned char */
    size_t unit;       /* its bytes */
    int count;         /* elements of a block */
    int *counts;       /* the same for each rank */
    int *places;       /* where each rank's block begins */
    char *out;         /* a block for each rank */
    char *in;
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
    MPI_Bcast(c->out, c->count, c->type, 0, MPI_COMM_WORLD);
}

static void reduce(struct coll *c)
{
    MPI_Reduce(c->out, c->in, c->count, c->type, MPI_SUM, 0, MPI_COMM_WORLD);
}

static void allreduce(struct coll *c)
{
    MPI_Allreduce(c->out, c->in, c->count, c->type, MPI_SUM, MPI_COMM_WORLD);
}

static void iallreduce(struct coll *c)
{
    MPI_Request r;

    MPI_Iallreduce(c->out, c->in, c->count, c->type, MPI_SUM, MPI_COMM_WORLD, &r);
    if (c->computing > 0)
        compute(c->computing);
    MPI_Wait(&r, MPI_STATUS_IGNORE);
}

static void scan(struct coll *c)
{
    MPI_Scan(c->out, c->in, c->count, c->type, MPI_SUM, MPI_COMM_WORLD);
}

static void exscan(struct coll *c)
{
    MPI_Exscan(c->out, c->in, c->count, c->type, MPI_SUM, MPI_COMM_WORLD);
}

static void allgather(struct coll *c)
{
    MPI_Allgather(c->out, c->count, c->type, c->in, c->count, c->type, MPI_COMM_WORLD);
}

static void allgatherv(struct coll *c)
{
    MPI_Allgatherv(c->out, c->count, c->type, c->in, c->counts, c->places, c->type, MPI_COMM_WORLD);
}

static void alltoall(struct coll *c)
{
    MPI_Alltoall(c->out, c->count, c->type, c->in, c->count, c->type, MPI_COMM_WORLD);
}

static void alltoallv(struct coll *c)
{
    MPI_Alltoallv(c->out, c->counts, c->places, c->type, c->in, c->counts, c->places, c->type,
                  MPI_COMM_WORLD);
}

static void scatter(struct coll *c)
{
    MPI_Scatter(c->out, c->count, c->type, c->in, c->count, c->type, 0, MPI_COMM_WORLD);
}

static void scatterv(struct coll *c)
{
    MPI_Scatterv(c->out, c->counts, c->places, c->type, c->in, c->count, c->type, 0,
                 MPI_COMM_WORLD);
}

static void gather(struct coll *c)
{
    MPI_Gather(c->out, c->count, c->type, c->in, c->count, c->type, 0, MPI_COMM_WORLD);
}

static void gatherv(struct coll *c)
{
    MPI_Gatherv(c->out, c->count, c->type, c->in, c->counts, c->places, c->type, 0, MPI_COMM_WORLD);
}

static void reduce_scatter(struct coll *c)
{
    MPI_Reduce_scatter(c->out, c->in, c->counts, c->type, MPI_SUM, MPI_COMM_WORLD);
}

static void reduce_scatter_block(struct coll *c)
{
    MPI_Reduce_scatter_block(c->out, c->in, c->count, c->type, MPI_SUM, MPI_COMM_WORLD);
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
    BELOW,   /* one block, the sum over this rank and those below */
    STRICT,  /* the same without this rank; nothing on the first */
    EACH,    /* block i is rank i's */
    ROOT,    /* one block, rank 0's; bcast has it in `out` */
};

struct shape {
    void (*operate)(struct coll *c);
    loop_fn *loop;
    enum content content;
    int root_only;
};

static double *double_at(char *memory, size_t i)
{
    return (double *)memory + i;
}

static void fill_with(struct coll *c, double value)
{
    for (size_t i = 0; i < (size_t)c->count * (size_t)ranks; i++)
        if (c->unit == sizeof(double))
            *double_at(c->out, i) = value;
        else
            c->out[i] = (char)(unsigned char)value;
}

/* Sums of unsigned char are modulo 256. */
static int block_is(const struct coll *c, char *memory, size_t block, int value)
{
    memory += block * (size_t)c->count * c->unit;
    for (size_t i = 0; i < (size_t)c->count; i++)
        if (c->unit == sizeof(double) ? *double_at(memory, i) != value
                                      : (unsigned char)memory[i] != (unsigned char)value)
            return 0;
    return 1;
}

static int came_right(const struct coll *c, const struct shape *s)
{
    if (s->root_only && rank != 0)
        return 1;
    switch (s->content) {
    case SUM:
        return block_is(c, c->in, 0, ranks * (ranks + 1) / 2);
    case BELOW:
        return block_is(c, c->in, 0, (rank + 1) * (rank + 2) / 2);
    case STRICT:
        return rank == 0 || block_is(c, c->in, 0, rank * (rank + 1) / 2);
    case EACH:
        for (int i = 0; i < ranks; i++)
            if (!block_is(c, c->in, (size_t)i, i + 1))
                return 0;
        return 1;
    case ROOT:
        return block_is(c, s->operate == bcast ? c->out : c->in, 0, 1);
    default:
        return 1;
    }
}

static void open_coll(struct coll *c, const struct shape *s, size_t bytes)
{
    int doubles = bytes && bytes % sizeof(double) == 0;

    c->operate = s->operate;
    c->computing = 0;
    c->type = doubles ? MPI_DOUBLE : MPI_UNSIGNED_CHAR;
    c->unit = doubles ? sizeof(double) : 1;
    c->count = bytes ? (int)(bytes / c->unit) : 1;

    size_t all = (size_t)c->count * c->unit * (size_t)ranks;

    c->out = take_memory(all, 0);
    c->in = take_memory(all, 0);
    c->counts = take_memory(2 * (size_t)ranks * sizeof(int), 0);
    c->places = c->counts + ranks;
    fill_with(c, rank + 1);
    for (int i = 0; i < ranks; i++) {
        c->counts[i] = c->count;
        c->places[i] = i * c->count;
    }
}

static void close_coll(struct coll *c)
{
    give_memory(c->out);
    give_memory(c->in);
    give_memory(c->counts);
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
                          s_scan = {scan, one_by_one, BELOW, 0},
                          s_exscan = {exscan, one_by_one, STRICT, 0},
                          s_allgatherv = {allgatherv, in_a_row, EACH, 0},
                          s_alltoallv = {alltoallv, in_a_row, EACH, 0},
                          s_scatterv = {scatterv, one_by_one, ROOT, 0},
                          s_gatherv = {gatherv, one_by_one, EACH, 1},
                          s_reduce_scatter_block = {reduce_scatter_block, in_a_row, SUM, 0},
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
    {"reduce_scatter_block", "us", "MPI_Reduce_scatter_block, sum of doubles", "8,65536,1048576",
     "2,8", run_coll, &s_reduce_scatter_block},
    {"scan", "us", "MPI_Scan, sum of doubles", "8,65536,1048576", "2,8", run_coll, &s_scan},
    {"exscan", "us", "MPI_Exscan, sum of doubles", "8,65536,1048576", "2,8", run_coll, &s_exscan},
    {"allgatherv", "us", "MPI_Allgatherv", "8,65536,1048576", "2,8", run_coll, &s_allgatherv},
    {"alltoallv", "us", "MPI_Alltoallv", "8,65536,1048576", "2,8", run_coll, &s_alltoallv},
    {"scatterv", "us", "MPI_Scatterv", "8,65536,1048576", "2,8", run_coll, &s_scatterv},
    {"gatherv", "us", "MPI_Gatherv", "8,65536,1048576", "2,8", run_coll, &s_gatherv},
    {"iallreduce", "us", "MPI_Iallreduce and MPI_Wait", "8,65536,1048576", "2,8", run_coll,
     &s_iallreduce},
    {"overlap", "%", "the part of MPI_Iallreduce hidden behind computing", "65536,1048576", "2",
     run_overlap, &s_iallreduce},
    {0},
};
