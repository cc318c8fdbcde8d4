/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/halving.h"

MPI_Count halving_before(const struct coll *k, int i)
{
    MPI_Count n = k->args.send.count;

    if (k->args.kind == COLL_REDUCE_SCATTER || k->args.kind == COLL_REDUCE_SCATTER_BLOCK)
        return coll_items_before(k, i);
    MPI_Count each = (n + k->size - 1) / k->size;
    return i * each < n ? i * each : n;
}

/* Items at, at + 1, ... of a vector. */
struct run {
    MPI_Count at, count;
};

/* Those of blocks first to first + n - 1: in one run, or in two where they go around the end. */
static int runs_of(const struct coll *k, int first, int n, struct run run[2])
{
    first = coll_wrap(k, first);
    int end = first + n, p = k->size;

    run[0].at = halving_before(k, first);
    run[0].count = halving_before(k, end < p ? end : p) - run[0].at;
    if (end <= p)
        return 1;
    run[1] = (struct run){0, halving_before(k, end - p)};
    return 2;
}

void halving_send(struct coll *k, int to, const char *vector, int first, int n)
{
    struct datatype *t = k->args.send.type;
    struct run run[2];
    int runs = runs_of(k, first, n, run);

    for (int i = 0; i < runs; i++)
        coll_send(k, to, vector + run[i].at * t->extent, run[i].count, t);
}

void halving_recv(struct coll *k, int from, char *vector, int first, int n)
{
    struct datatype *t = k->args.send.type;
    struct run run[2];
    int runs = runs_of(k, first, n, run);

    for (int i = 0; i < runs; i++)
        coll_recv(k, from, vector + run[i].at * t->extent, run[i].count, t);
}

void halving_begin(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    const char *own = coll_own(k);
    struct run run[2];
    int runs = runs_of(k, k->rank, halving_half(k->size), run);

    for (int i = 0; i < runs; i++) {
        MPI_Aint at = run[i].at * t->extent;

        coll_copy(k, own + at, run[i].count, t, k->acc + at, run[i].count, t);
    }
}

static void fold(struct coll *k, int n)
{
    struct datatype *t = k->args.send.type;
    struct run run[2];
    int runs = runs_of(k, k->rank, n, run);

    for (int i = 0; i < runs; i++) {
        MPI_Aint at = run[i].at * t->extent;

        coll_reduce(k, k->tmp + at, k->acc + at, run[i].count);
    }
}

bool halving_step(struct coll *k)
{
    if (k->mask) {
        fold(k, k->mask - halving_half(k->mask));
        k->mask = halving_half(k->mask);
    } else {
        k->mask = k->size;
    }
    if (k->mask == 1)
        return false;
    int half = halving_half(k->mask), given = k->mask - half;
    /* Memory that a rank of the same host has read costs more to write: own data goes as it lies.
     */
    const char *from = k->mask == k->size ? coll_own(k) : k->acc;
    halving_recv(k, coll_wrap(k, k->rank - half), k->tmp, k->rank, given);
    halving_send(k, coll_wrap(k, k->rank + half), from, k->rank + half, given);
    return true;
}
