/* SPDX-License-Identifier: BSD-3-Clause */
/* One-sided communication: rank 0 works on the memory of rank 1. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define BUSY 0.01 /* seconds for which the target of a busy test computes */

struct access {
    MPI_Win win;
    void *base, *own; /* own: to be freed, or NULL */
    int bytes;
    int doubles;
    double *out; /* all ones */
    char *in;
    long one, zero, old;
    void (*operate)(struct access *a);
};

/* ---- The operations ---- */

static void put(struct access *a)
{
    MPI_Put(a->out, a->bytes, MPI_BYTE, 1, 0, a->bytes, MPI_BYTE, a->win);
}

static void get(struct access *a)
{
    MPI_Get(a->in, a->bytes, MPI_BYTE, 1, 0, a->bytes, MPI_BYTE, a->win);
}

static void accumulate(struct access *a)
{
    MPI_Accumulate(a->out, a->doubles, MPI_DOUBLE, 1, 0, a->doubles, MPI_DOUBLE, MPI_SUM, a->win);
}

static void get_accumulate(struct access *a)
{
    MPI_Get_accumulate(a->out, a->doubles, MPI_DOUBLE, a->in, a->doubles, MPI_DOUBLE, 1, 0,
                       a->doubles, MPI_DOUBLE, MPI_SUM, a->win);
}

static void fetch_and_op(struct access *a)
{
    MPI_Fetch_and_op(&a->one, &a->old, MPI_LONG, 1, 0, MPI_SUM, a->win);
}

static void compare_and_swap(struct access *a)
{
    MPI_Compare_and_swap(&a->one, &a->zero, &a->old, MPI_LONG, 1, 0, a->win);
}

/* ---- The loops ---- */

/* The target waits inside MPI, in the reduction that ends the batch. */
static double flushed(void *arg, long n)
{
    struct access *a = arg;
    double begin = now();

    if (rank != 0)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        a->operate(a);
        MPI_Win_flush(1, a->win);
    }
    return now() - begin;
}

static double fenced(void *arg, long n)
{
    struct access *a = arg;
    double begin = now();

    for (long i = 0; i < n; i++) {
        if (rank == 0)
            a->operate(a);
        MPI_Win_fence(0, a->win);
    }
    return now() - begin;
}

/* The target computes meanwhile, so that the operation has to do without its help. */
static double flushed_busy(void *arg, long n)
{
    struct access *a = arg;
    double took = 0;

    for (long i = 0; i < n; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 1)
            compute(BUSY);
        if (rank != 0)
            continue;
        compute(BUSY / 10);

        double begin = now();
        a->operate(a);
        MPI_Win_flush(1, a->win);
        took += now() - begin;
    }
    return rank == 0 ? took : NO_PART;
}

/* ---- What must stand in memory afterwards ---- */

/* On the target: what was put, byte for byte. */
static int was_put(const struct access *a)
{
    return memcmp(a->base, a->out, (size_t)a->bytes) == 0;
}

/* On the target: a sum of ones, as often in each element. */
static int was_added(const struct access *a)
{
    const double *sum = a->base;

    for (int i = 0; i < a->doubles; i++)
        if (sum[i] < 1 || sum[i] != sum[0])
            return 0;
    return 1;
}

static int was_counted(const struct access *a)
{
    return *(const long *)a->base > 0;
}

static int was_swapped(const struct access *a)
{
    return *(const long *)a->base == 1;
}

/* On the origin: the target's memory was all '?'. */
static int was_got(const struct access *a)
{
    for (int i = 0; i < a->bytes; i++)
        if (a->in[i] != '?')
            return 0;
    return 1;
}

/* ---- The tests ---- */

struct operation {
    void (*operate)(struct access *a);
    int (*check)(const struct access *a);
    int checker; /* the rank that can tell */
    int before;  /* what the target's memory is filled with */
};

struct shape {
    const struct operation *operation;
    loop_fn *loop;
    int own; /* the memory is the program's: MPI_Win_create */
};

/* As the memory of one's own may be touched: under a lock. */
static void lock_own(const struct access *a, int lock)
{
    if (lock)
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, rank, 0, a->win);
    else
        MPI_Win_unlock(rank, a->win);
}

static void open_access(struct access *a, const struct operation *o, int own, size_t bytes)
{
    /* Whole cache lines: where sizes are no multiple of 16, MPICH 4.0.2 puts 8 bytes too low. */
    size_t size = (bytes / 64 + 1) * 64;

    memset(a, 0, sizeof *a);
    a->operate = o->operate;
    a->bytes = (int)bytes;
    a->doubles = bytes < sizeof(double) ? 1 : (int)(bytes / sizeof(double));
    a->one = 1;
    a->in = take_memory(size, 0);
    a->out = take_memory(size, 0);
    for (size_t i = 0; i < size / sizeof(double); i++)
        a->out[i] = 1;
    if (own) {
        a->base = a->own = take_memory(size, 0);
        MPI_Win_create(a->base, (MPI_Aint)size, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &a->win);
    } else {
        MPI_Win_allocate((MPI_Aint)size, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &a->base, &a->win);
    }
    lock_own(a, 1);
    memset(a->base, o->before, size);
    lock_own(a, 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void check_access(const struct test *t, const struct access *a, const struct operation *o)
{
    MPI_Barrier(MPI_COMM_WORLD);
    lock_own(a, 1);
    if (rank == o->checker && !o->check(a))
        wrong_data(t->name, (size_t)a->bytes);
    lock_own(a, 0);
}

static void run_rma(const struct test *t, size_t bytes)
{
    const struct shape *s = t->detail;
    struct access a;
    double seconds;

    open_access(&a, s->operation, s->own, bytes);
    if (s->loop == fenced)
        MPI_Win_fence(MPI_MODE_NOPRECEDE, a.win);
    else
        MPI_Win_lock_all(0, a.win);
    seconds = measure_loop(s->loop, &a, SLOWEST);
    if (s->loop == fenced)
        MPI_Win_fence(MPI_MODE_NOSUCCEED, a.win);
    else
        MPI_Win_unlock_all(a.win);
    check_access(t, &a, s->operation);
    report(t, bytes, seconds * 1e6);
    MPI_Win_free(&a.win);
    give_memory(a.own);
    give_memory(a.out);
    give_memory(a.in);
}

static const struct operation op_put = {put, was_put, 1, 0}, op_get = {get, was_got, 0, '?'},
                              op_accumulate = {accumulate, was_added, 1, 0},
                              op_get_accumulate = {get_accumulate, was_added, 1, 0},
                              op_fetch = {fetch_and_op, was_counted, 1, 0},
                              op_swap = {compare_and_swap, was_swapped, 1, 0};

static const struct shape put_flush = {&op_put, flushed, 0}, put_fence = {&op_put, fenced, 0},
                          create_put_flush = {&op_put, flushed, 1},
                          create_get_flush = {&op_get, flushed, 1},
                          create_accumulate_flush = {&op_accumulate, flushed, 1},
                          get_flush = {&op_get, flushed, 0}, get_fence = {&op_get, fenced, 0},
                          accumulate_flush = {&op_accumulate, flushed, 0},
                          accumulate_fence = {&op_accumulate, fenced, 0},
                          get_accumulate_flush = {&op_get_accumulate, flushed, 0},
                          fetch_flush = {&op_fetch, flushed, 0},
                          swap_flush = {&op_swap, flushed, 0},
                          fetch_busy = {&op_fetch, flushed_busy, 0};

const struct test rma_tests[] = {
    {"put", "us", "MPI_Put and flush", "8,1024,65536", "2", run_rma, &put_flush},
    {"put_fence", "us", "MPI_Put and fence", "8,65536", "2", run_rma, &put_fence},
    {"get", "us", "MPI_Get and flush", "8,1024,65536", "2", run_rma, &get_flush},
    {"get_fence", "us", "MPI_Get and fence", "8,65536", "2", run_rma, &get_fence},
    {"accumulate", "us", "MPI_Accumulate (sum of doubles) and flush", "8,1024,65536", "2", run_rma,
     &accumulate_flush},
    {"accumulate_fence", "us", "MPI_Accumulate (sum of doubles) and fence", "8,65536", "2", run_rma,
     &accumulate_fence},
    {"get_accumulate", "us", "MPI_Get_accumulate (sum of doubles) and flush", "8,65536", "2",
     run_rma, &get_accumulate_flush},
    {"fetch_and_op", "us", "MPI_Fetch_and_op (sum of longs) and flush", "0", "2", run_rma,
     &fetch_flush},
    {"compare_and_swap", "us", "MPI_Compare_and_swap (longs) and flush", "0", "2", run_rma,
     &swap_flush},
    {"create_put", "us", "MPI_Put and flush, memory of MPI_Win_create", "8,65536", "2", run_rma,
     &create_put_flush},
    {"create_get", "us", "MPI_Get and flush, memory of MPI_Win_create", "8,65536", "2", run_rma,
     &create_get_flush},
    {"create_accumulate", "us", "MPI_Accumulate and flush, memory of MPI_Win_create", "8,8192", "2",
     run_rma, &create_accumulate_flush},
    {"fetch_busy", "us", "MPI_Fetch_and_op and flush while the target computes 10 ms", "0", "2",
     run_rma, &fetch_busy},
    {0},
};
