/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups against a plain reference: arrays, compared member by member. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/group.h"
#include "provider/base/clock.h"

enum { UNIVERSE = 48, ROUNDS = 20000, BIG = 1000000 };

struct plain {
    int n;
    uint32_t at[2 * UNIVERSE];
};

static uint32_t me;

static void start(void)
{
    group_open();
    group_set_self(me = 7);
}

TestSuite(group, .init = start);

static int below(int n)
{
    return (int)(lrand48() % n);
}

/* The members of one of several shapes: a sequence, or any in any order. */
static struct plain random_members(void)
{
    struct plain p = {0};
    uint32_t all[UNIVERSE];

    if (below(3) == 0) {
        int stride = below(7) - 3, first = below(UNIVERSE);
        for (int i = first; i >= 0 && i < UNIVERSE && p.n < 20; i += stride ? stride : 1)
            p.at[p.n++] = (uint32_t)i;
        return p;
    }
    for (int i = 0; i < UNIVERSE; i++)
        all[i] = (uint32_t)i;
    p.n = below(UNIVERSE + 1);
    for (int i = 0; i < p.n; i++) {
        int k = i + below(UNIVERSE - i);
        p.at[i] = all[k];
        all[k] = all[i];
    }
    return p;
}

static struct group *make(const struct plain *p)
{
    struct group *g;
    uint32_t *list = malloc((p->n + 1) * sizeof(*list));

    for (int i = 0; i < p->n; i++)
        list[i] = p->at[i];
    cr_assert_eq(group_list(list, p->n, &g), MPI_SUCCESS);
    return g;
}

static int plain_rank(const struct plain *p, uint32_t process)
{
    for (int i = 0; i < p->n; i++)
        if (p->at[i] == process)
            return i;
    return MPI_UNDEFINED;
}

/* Compares and drops. */
static void expect_group(const char *what, struct group *g, const struct plain *p)
{
    cr_assert_eq(g->size, p->n, "%s: %d members, not %d", what, g->size, p->n);
    for (int i = 0; i < p->n; i++)
        cr_assert_eq(group_process(g, i), p->at[i], "%s: member %d", what, i);
    cr_assert_eq(g->rank, plain_rank(p, me), "%s: own rank", what);
    for (uint32_t process = 0; process < UNIVERSE + 3; process++)
        cr_assert_eq(group_rank_of(g, process), plain_rank(p, process), "%s: rank of %u", what,
                     process);
    if (p->n == 0)
        cr_assert_eq(g, &group_empty, "%s: an empty group is MPI_GROUP_EMPTY", what);
    object_drop(&g->object);
}

static struct plain plain_filter(const struct plain *a, const struct plain *b, bool in)
{
    struct plain p = {0};

    for (int i = 0; i < a->n; i++)
        if ((plain_rank(b, a->at[i]) >= 0) == in)
            p.at[p.n++] = a->at[i];
    return p;
}

static struct plain plain_union(const struct plain *a, const struct plain *b)
{
    struct plain p = *a, rest = plain_filter(b, a, false);

    for (int i = 0; i < rest.n; i++)
        p.at[p.n++] = rest.at[i];
    return p;
}

static int plain_compare(const struct plain *a, const struct plain *b)
{
    bool same = a->n == b->n;

    if (a->n != b->n || plain_filter(a, b, false).n)
        return MPI_UNEQUAL;
    for (int i = 0; i < a->n; i++)
        same = same && a->at[i] == b->at[i];
    return same ? MPI_IDENT : MPI_SIMILAR;
}

Test(group, algebra)
{
    srand48(1);
    for (int round = 0; round < ROUNDS; round++) {
        struct plain a = random_members(), b = below(5) ? random_members() : a, p;
        struct group *x = make(&a), *y = make(&b), *g;

        if (below(5) == 0 && b.n > 1) { /* the same members in another order */
            uint32_t t = b.at[0];
            b.at[0] = b.at[b.n - 1];
            b.at[b.n - 1] = t;
            object_drop(&y->object);
            y = make(&b);
        }
        cr_assert_eq(group_compare(x, y), plain_compare(&a, &b));
        cr_assert_eq(group_union(x, y, &g), MPI_SUCCESS);
        p = plain_union(&a, &b);
        expect_group("union", g, &p);
        cr_assert_eq(group_intersection(x, y, &g), MPI_SUCCESS);
        p = plain_filter(&a, &b, true);
        expect_group("intersection", g, &p);
        cr_assert_eq(group_difference(x, y, &g), MPI_SUCCESS);
        p = plain_filter(&a, &b, false);
        expect_group("difference", g, &p);
        cr_assert_eq(group_copy(x, &g), MPI_SUCCESS);
        object_drop(&x->object); /* the copy stands alone */
        expect_group("copy", g, &a);
        object_drop(&y->object);
    }
}

/* Some ranks of a group of n, none twice; marks them. */
static int random_ranks(int n, int *ranks, bool *marked)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        marked[i] = false;
    for (int tries = below(n + 1); tries > 0; tries--) {
        int r = below(n);
        if (!marked[r])
            ranks[count++] = r;
        marked[r] = true;
    }
    return count;
}

static struct plain plain_excl(const struct plain *a, const bool *marked)
{
    struct plain p = {0};

    for (int i = 0; i < a->n; i++)
        if (!marked[i])
            p.at[p.n++] = a->at[i];
    return p;
}

Test(group, by_rank)
{
    srand48(2);
    for (int round = 0; round < ROUNDS; round++) {
        struct plain a = random_members(), p = {0};
        struct group *x = make(&a), *g;
        int ranks[UNIVERSE], n = a.n ? random_ranks(a.n, ranks, (bool[UNIVERSE]){0}) : 0;
        bool marked[UNIVERSE] = {0};

        for (int i = 0; i < n; i++) {
            p.at[p.n++] = a.at[ranks[i]];
            marked[ranks[i]] = true;
        }
        cr_assert_eq(group_incl(x, n, ranks, &g), MPI_SUCCESS);
        expect_group("incl", g, &p);
        cr_assert_eq(group_excl(x, n, ranks, &g), MPI_SUCCESS);
        p = plain_excl(&a, marked);
        expect_group("excl", g, &p);
        object_drop(&x->object);
    }
}

/* Up to three triplets that name no rank twice; writes the ranks they mean. */
static int random_ranges(int n, int ranges[3][3], int *ranks, int *count)
{
    bool marked[UNIVERSE] = {0};
    int used = 0;

    *count = 0;
    for (int tries = 0; tries < 3; tries++) {
        int first = below(n), last = below(n), stride = below(4) + 1, from = *count;
        bool clash = false;

        if (first > last)
            stride = -stride;
        for (int r = first; stride > 0 ? r <= last : r >= last; r += stride) {
            clash = clash || marked[r];
            ranks[(*count)++] = r;
        }
        if (clash) {
            *count = from;
            continue;
        }
        for (int i = from; i < *count; i++)
            marked[ranks[i]] = true;
        ranges[used][0] = first;
        ranges[used][1] = last;
        ranges[used++][2] = stride;
    }
    return used;
}

Test(group, by_range)
{
    srand48(3);
    for (int round = 0; round < ROUNDS; round++) {
        struct plain a = random_members(), p = {0};
        bool marked[UNIVERSE] = {0};
        int ranges[3][3], ranks[4 * UNIVERSE], count = 0;

        if (!a.n)
            continue;
        struct group *x = make(&a), *g;
        int n = random_ranges(a.n, ranges, ranks, &count);
        for (int i = 0; i < count; i++) {
            p.at[p.n++] = a.at[ranks[i]];
            marked[ranks[i]] = true;
        }
        cr_assert_eq(group_range_incl(x, n, ranges, &g), MPI_SUCCESS);
        expect_group("range_incl", g, &p);
        cr_assert_eq(group_range_excl(x, n, ranges, &g), MPI_SUCCESS);
        p = plain_excl(&a, marked);
        expect_group("range_excl", g, &p);
        object_drop(&x->object);
    }
}

Test(group, wrong_ranks)
{
    struct group *g, *out = NULL;

    group_range(10, 1, 5, &g);
    cr_expect_eq(group_incl(g, 1, (int[]){5}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_incl(g, 1, (int[]){-1}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_incl(g, 2, (int[]){3, 3}, &out), MPI_ERR_RANK, "named twice");
    cr_expect_eq(group_excl(g, 2, (int[]){3, 3}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_incl(g, 9, (int[]){0, 1, 2, 3, 4, 0, 1, 2, 3}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{0, 4, 0}}, &out), MPI_ERR_ARG, "stride 0");
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{4, 0, 1}}, &out), MPI_ERR_ARG);
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{0, 4, -1}}, &out), MPI_ERR_ARG);
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{0, 5, 1}}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{0, 2147483647, 1}}, &out), MPI_ERR_RANK);
    cr_expect_eq(group_range_excl(g, 2, (int[][3]){{0, 2, 1}, {2, 3, 1}}, &out), MPI_ERR_RANK);
    cr_expect_null(out, "nothing is written where there is an error");
    cr_expect_eq(group_range_incl(g, 1, (int[][3]){{0, 5, 3}}, &out), MPI_SUCCESS,
                 "5 is not reached");
    object_drop(&out->object);
    object_drop(&g->object);
}

/* A group of a million is three numbers as long as it is a sequence. */
Test(group, sequences)
{
    struct group *all, *even, *odd, *both;

    group_range(0, 1, BIG, &all);
    cr_expect_eq(group_range_incl(all, 1, (int[][3]){{0, BIG - 1, 2}}, &even), MPI_SUCCESS);
    cr_expect_null(even->list);
    cr_expect_eq(even->stride, 2);
    cr_expect_eq(group_difference(all, even, &odd), MPI_SUCCESS);
    cr_expect_null(odd->list);
    cr_expect_eq(group_process(odd, 3), 7);
    cr_expect_eq(group_union(even, odd, &both), MPI_SUCCESS);
    cr_expect(both->nruns == 2 && !both->list, "0 2 4 ... 1 3 5 ... is two sequences");
    cr_expect_eq(group_compare(all, both), MPI_SIMILAR);
    object_drop(&all->object);
    object_drop(&even->object);
    object_drop(&odd->object);
    object_drop(&both->object);
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

/* What a group keeps, as long as it lives, of a million members. */
static void expect_small(const char *what, struct group *g, size_t before, int size)
{
    size_t bytes = allocated() - before;

    cr_expect_eq(g->size, size, "%s: %d members", what, g->size);
    cr_expect_lt(bytes, 2048, "%s: %zu bytes", what, bytes);
    for (int i = 0; i < g->size; i += 997)
        cr_expect_eq(group_rank_of(g, group_process(g, i)), i, "%s: member %d", what, i);
    cr_expect_lt(allocated() - before, 2048, "%s: looking up takes memory", what);
    object_drop(&g->object);
}

/* However a group of a million is made of a few sequences, it takes no memory by member. */
Test(group, descriptions)
{
    int some[30], back[2][3] = {{BIG - 1, BIG / 2, -1}, {0, BIG / 2 - 1, 2}};
    struct group *all, *a, *b, *g;
    size_t before = allocated();

    for (int i = 0; i < 30; i++)
        some[i] = i * i * 1000 + 5;
    group_range(0, 1, BIG, &all);
    before = allocated();
    cr_assert_eq(group_copy(all, &g), MPI_SUCCESS);
    expect_small("copy", g, before, BIG);
    cr_assert_eq(group_excl(all, 30, some, &g), MPI_SUCCESS);
    expect_small("excl", g, before, BIG - 30);
    cr_assert_eq(group_range_incl(all, 2, back, &g), MPI_SUCCESS);
    expect_small("range_incl", g, before, BIG / 2 + BIG / 4);
    cr_assert_eq(group_range_excl(all, 1, (int[][3]){{7, BIG - 1, 2}}, &g), MPI_SUCCESS);
    expect_small("range_excl", g, before, BIG / 2 + 3);
    cr_assert_eq(group_range_incl(all, 1, back, &a), MPI_SUCCESS);
    cr_assert_eq(group_range_incl(all, 1, back + 1, &b), MPI_SUCCESS);
    before = allocated();
    cr_assert_eq(group_union(a, b, &g), MPI_SUCCESS);
    expect_small("union", g, before, BIG / 2 + BIG / 4);
    cr_assert_eq(group_difference(all, a, &g), MPI_SUCCESS);
    expect_small("difference", g, before, BIG / 2);
    cr_assert_eq(group_intersection(all, a, &g), MPI_SUCCESS);
    expect_small("intersection", g, before, BIG / 2);
    object_drop(&all->object);
    object_drop(&a->object);
    object_drop(&b->object);
}

/* Runs that are single members, that touch, that go back, and more of them than are kept. */
Test(group, runs)
{
    srand48(5);
    for (int round = 0; round < ROUNDS / 10; round++) {
        int size = 1 + below(600), n = 0, length = 1 + below(20), start = below(1000);
        uint32_t *list = malloc(((size_t)size + 20) * sizeof(*list)), copy[620];
        struct group *g;

        while (n < size) {
            int stride = 1 + below(3), back = below(2), count = 1 + below(length);
            for (int i = 0; i < count; i++)
                list[n + i] = (uint32_t)(start + (back ? count - 1 - i : i) * stride);
            start += count * stride + below(3);
            n += count;
        }
        memcpy(copy, list, (size_t)n * sizeof(*list));
        cr_assert_eq(group_list(list, n, &g), MPI_SUCCESS);
        for (int i = 0; i < n; i++) {
            cr_assert_eq(group_process(g, i), copy[i]);
            cr_assert_eq(group_rank_of(g, copy[i]), i);
        }
        cr_assert_eq(group_rank_of(g, (uint32_t)start + 3), MPI_UNDEFINED);
        object_drop(&g->object);
    }
}

/* Two shuffled groups of a million; quadratic work would take hours. */
Test(group, large)
{
    struct group *g[2], *out;
    uint64_t begun = clock_ns();

    srand48(4);
    for (int k = 0; k < 2; k++) {
        uint32_t *list = malloc(BIG * sizeof(*list));
        for (int i = 0; i < BIG; i++)
            list[i] = (uint32_t)i + k * (BIG / 2);
        for (int i = BIG - 1; i > 0; i--) {
            int j = below(i + 1);
            uint32_t t = list[i];
            list[i] = list[j];
            list[j] = t;
        }
        group_list(list, BIG, &g[k]);
    }
    cr_expect_eq(group_compare(g[0], g[1]), MPI_UNEQUAL);
    group_union(g[0], g[1], &out);
    cr_expect_eq(out->size, BIG + BIG / 2);
    object_drop(&out->object);
    group_intersection(g[0], g[1], &out);
    cr_expect_eq(out->size, BIG / 2);
    object_drop(&out->object);
    group_difference(g[0], g[1], &out);
    cr_expect_eq(out->size, BIG / 2);
    object_drop(&out->object);
    object_drop(&g[0]->object);
    object_drop(&g[1]->object);
    cr_expect_lt(clock_ns() - begun, 60000000000u);
}
