/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every algorithm of every collective on 1 to MOST ranks in one process, against references that
 * are written down element by element: random counts, roots and layouts, in place and not,
 * operators that do not commute, completions in random order.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_cost.h"
#include "core/coll/coll_engine.h"
#include "core/object/err.h"
#include "provider/base/param.h"
#include "tests/unit/loop_fabric.h"

enum { MOST = 13, TRIALS = 400 };

/* ---- Ranks ---- */

static struct comm *comms[LOOP_RANKS];
static int p;
static struct datatype *gappy; /* two ints with one unused between and behind: extent 4 ints */
static struct op *compose, *add;

static void make_types(void)
{
    struct datatype *pair;

    cr_assert_eq(datatype_hvector(2, 1, 2, false, &datatype_int, &pair), 0);
    cr_assert_eq(datatype_commit(pair), 0);
    gappy = pair;
}

/* x -> a x + b, kept as (a, b): associative, does not commute. in op inout: first `in`. */
static void compose_maps(void *in, void *inout, int *len, MPI_Datatype *type)
{
    struct datatype *t = datatype_find(*type);
    int second = t == gappy ? 2 : 1;
    int items = t == gappy ? *len : *len / 2;
    MPI_Aint step = t == gappy ? t->extent : 2 * (MPI_Aint)sizeof(int);

    for (int i = 0; i < items; i++) {
        unsigned *x = (unsigned *)((char *)in + i * step);
        unsigned *y = (unsigned *)((char *)inout + i * step);

        y[second] = y[0] * x[second] + y[second];
        y[0] *= x[0];
    }
}

static void setup(void)
{
    lane_open(false);
    group_open();
    group_set_self(0);
    datatype_open();
    op_open();
    coll_open();
    make_types();
    cr_assert_eq(object_publish(&gappy->object), 0);
    cr_assert_eq(op_create(compose_maps, NULL, false, &compose), 0);
    add = op_find(MPI_SUM);
}

static void ranks_begin(int ranks)
{
    p = ranks;
    for (int i = 0; i < p; i++) {
        struct group *g;

        group_set_self((uint32_t)i);
        cr_assert_eq(group_range(0, 1, p, &g), 0);
        cr_assert_eq(comm_new(LOOP_CONTEXT + (uint32_t)i, g, NULL, NULL, &comms[i]), 0);
        object_drop(&g->object);
    }
}

static void ranks_end(void)
{
    cr_assert(loop_is_quiet(), "messages are left over");
    for (int i = 0; i < p; i++)
        object_drop(&comms[i]->object);
}

/* ---- Buffers: pairs of ints in either layout ---- */

struct buffer {
    char *block; /* exactly as long as the layout, for the address sanitizer */
    void *at;
    struct datatype *type;
    int unit; /* items a pair */
    int pairs;
};

static struct buffer buffer_new(int pairs)
{
    struct buffer b = {.pairs = pairs};
    bool gaps = rand() % 2;

    b.type = gaps ? gappy : &datatype_int;
    b.unit = gaps ? 1 : 2;
    size_t items = (size_t)(pairs * b.unit);
    size_t bytes = items ? (items - 1) * (size_t)b.type->extent + (size_t)b.type->true_extent : 0;
    b.block = malloc(bytes ? bytes : 1);
    b.at = b.block;
    memset(b.block, 0x55, bytes ? bytes : 1);
    return b;
}

static void put(struct buffer *b, int first, const int *pairs, int n)
{
    datatype_unpack(type_at(b->at, first * b->unit * b->type->extent), n * b->unit, b->type, 0,
                    pairs, (size_t)n * 8);
}

static void get(const struct buffer *b, int first, int *pairs, int n)
{
    datatype_pack(type_at(b->at, first * b->unit * b->type->extent), n * b->unit, b->type, 0, pairs,
                  (size_t)n * 8);
}

static struct coll_side side(const struct buffer *b)
{
    return (struct coll_side){.buf = b->at, .count = b->pairs * b->unit, .type = b->type};
}

/* ---- Data that says whose it is ---- */

static int data[LOOP_RANKS][1 << 15]; /* what each rank contributes, as pairs */

static void make_data(int pairs)
{
    for (int i = 0; i < p; i++)
        for (int j = 0; j < 2 * pairs; j++)
            data[i][j] = rand() % 1000 - 500;
}

static void expect(const struct buffer *b, int first, const int *want, int n, const char *what,
                   int rank)
{
    int *have = malloc((size_t)n * 8 + 1);

    get(b, first, have, n);
    for (int i = 0; i < 2 * n; i++)
        cr_assert_eq(have[i], want[i], "%s on rank %d of %d: int %d is %d, should be %d", what,
                     rank, p, i, have[i], want[i]);
    free(have);
}

/* ---- Running ---- */

static struct coll_args args[LOOP_RANKS];
static struct buffer in[LOOP_RANKS], out[LOOP_RANKS];

/* Started in random order; `persistent` runs it twice more. */
static void run_all(void)
{
    struct request *r[LOOP_RANKS];
    int order[LOOP_RANKS];

    for (int i = 0; i < p; i++)
        order[i] = i;
    for (int i = p - 1; i > 0; i--) {
        int j = rand() % (i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    bool persistent = rand() % 2;
    for (int i = 0; i < p; i++) {
        args[order[i]].comm = comms[order[i]];
        cr_assert_eq(coll_start(&args[order[i]], persistent, &r[order[i]]), 0);
        if (persistent)
            cr_assert_eq(r[order[i]]->ops->start(r[order[i]]), 0);
        for (int j = rand() % 3; j; j--)
            request_poll();
    }
    for (int i = 0; i < p; i++) {
        for (int polls = 0; !request_is_done(r[i]); polls++) {
            cr_assert_lt(polls, 1000000, "%s hangs on rank %d of %d", coll_names[args[i].kind], i,
                         p);
            request_poll();
        }
        int rc = request_finish(r[i], NULL, NULL);
        cr_assert_eq(rc, 0, "%s on rank %d: %s", coll_names[args[i].kind], i, err_detail(rc));
        if (persistent) {
            lane_lock();
            request_free(r[i]);
            lane_unlock();
        }
    }
}

static void buffers_free(void)
{
    for (int i = 0; i < p; i++) {
        free(in[i].block);
        free(out[i].block);
        in[i].block = out[i].block = NULL;
    }
    memset(args, 0, sizeof args);
}

static int some_pairs(void)
{
    int kind = rand() % 8;

    return kind == 0 ? 0 : kind == 1 ? 1 + rand() % 900 : 1 + rand() % 20;
}

/*
 * Each algorithm of an operation in turn that goes by messages, and the cheapest, TRIALS times;
 * long data is cut into pieces of a few bytes.
 */
static void try_all(enum coll_kind kind, const char **parameter, void (*trial)(void))
{
    param.coll_cost_device = "segment=200";
    setup();
    for (unsigned n = 0; n <= coll_row_count; n++) {
        const struct coll_row *r = &coll_rows[n];
        bool cheapest = n == coll_row_count;

        if (!cheapest && (r->kind != kind || r->needs & (AREA | SLOT | DIRECT | HOSTS)))
            continue;
        *parameter = cheapest ? "" : r->name;
        coll_select_open();
        for (int i = 0; i < TRIALS; i++) {
            srand(1000 * n + (unsigned)i);
            ranks_begin(1 + rand() % MOST);
            trial();
            ranks_end();
        }
    }
}

/* ---- Operations ---- */

static void trial_barrier(void)
{
    for (int i = 0; i < p; i++)
        args[i] = (struct coll_args){.kind = COLL_BARRIER};
    run_all();
}

Test(coll_rounds, barrier)
{
    try_all(COLL_BARRIER, &param.coll_barrier, trial_barrier);
}

static void trial_bcast(void)
{
    int n = some_pairs(), root = rand() % p;

    make_data(n);
    for (int i = 0; i < p; i++) {
        in[i] = buffer_new(n);
        args[i] = (struct coll_args){.kind = COLL_BCAST, .send = side(&in[i]), .root = root};
    }
    put(&in[root], 0, data[root], n);
    run_all();
    for (int i = 0; i < p; i++)
        expect(&in[i], 0, data[root], n, "Bcast", i);
    buffers_free();
}

Test(coll_rounds, bcast)
{
    try_all(COLL_BCAST, &param.coll_bcast, trial_bcast);
}

/* The parts of a side by rank, one pair apart; displacements in items. */
struct parts {
    int counts[LOOP_RANKS], displs[LOOP_RANKS], pairs[LOOP_RANKS], first[LOOP_RANKS];
};

static struct parts parts[2][LOOP_RANKS];

static int parts_room(const int *pairs, bool gaps)
{
    int sum = 0;

    for (int i = 0; i < p; i++)
        sum += pairs[i] + gaps;
    return sum;
}

static struct coll_side parts_side(struct parts *s, const struct buffer *b, const int *pairs,
                                   bool v)
{
    struct coll_side r = side(b);
    int at = 0;

    for (int i = 0; i < p; i++) {
        s->pairs[i] = pairs[i];
        s->first[i] = at;
        s->counts[i] = pairs[i] * b->unit;
        s->displs[i] = at * b->unit;
        at += pairs[i] + v;
    }
    if (v) {
        r.counts = VEC(s->counts);
        r.displs = VEC(s->displs);
    } else {
        r.count = s->counts[0];
    }
    return r;
}

static void some_counts(int *pairs, bool v)
{
    int n = some_pairs() % 200;

    for (int i = 0; i < p; i++)
        pairs[i] = !v ? n : rand() % 3 ? rand() % 30 : 0;
}

static void trial_gather_kind(bool v)
{
    int pairs[LOOP_RANKS], root = rand() % p;
    bool in_place = rand() % 2;

    some_counts(pairs, v);
    make_data(900);
    out[root] = buffer_new(parts_room(pairs, v));
    for (int i = 0; i < p; i++) {
        in[i] = buffer_new(pairs[i]);
        put(&in[i], 0, data[i], pairs[i]);
        args[i] = (struct coll_args){
            .kind = v ? COLL_GATHERV : COLL_GATHER, .send = side(&in[i]), .root = root};
    }
    struct parts *s = &parts[0][0];
    args[root].recv = parts_side(s, &out[root], pairs, v);
    if (in_place) {
        args[root].send = (struct coll_side){.buf = MPI_IN_PLACE};
        put(&out[root], s->first[root], data[root], pairs[root]);
    }
    run_all();
    for (int i = 0; i < p; i++)
        expect(&out[root], s->first[i], data[i], pairs[i], "Gather", i);
    buffers_free();
}

static void trial_gather(void)
{
    trial_gather_kind(false);
}

static void trial_gatherv(void)
{
    trial_gather_kind(true);
}

Test(coll_rounds, gather)
{
    try_all(COLL_GATHER, &param.coll_gather, trial_gather);
}

Test(coll_rounds, gatherv)
{
    try_all(COLL_GATHERV, &param.coll_gatherv, trial_gatherv);
}

static void trial_scatter_kind(bool v)
{
    int pairs[LOOP_RANKS], root = rand() % p;
    bool in_place = rand() % 2;
    struct parts *s = &parts[0][0];

    some_counts(pairs, v);
    make_data(900);
    in[root] = buffer_new(parts_room(pairs, v));
    for (int i = 0; i < p; i++) {
        out[i] = buffer_new(pairs[i]);
        args[i] = (struct coll_args){
            .kind = v ? COLL_SCATTERV : COLL_SCATTER, .recv = side(&out[i]), .root = root};
    }
    args[root].send = parts_side(s, &in[root], pairs, v);
    for (int i = 0; i < p; i++)
        put(&in[root], s->first[i], data[i], pairs[i]);
    if (in_place)
        args[root].recv = (struct coll_side){.buf = MPI_IN_PLACE};
    run_all();
    for (int i = 0; i < p; i++)
        if (i != root || !in_place)
            expect(&out[i], 0, data[i], pairs[i], "Scatter", i);
    buffers_free();
}

static void trial_scatter(void)
{
    trial_scatter_kind(false);
}

static void trial_scatterv(void)
{
    trial_scatter_kind(true);
}

Test(coll_rounds, scatter)
{
    try_all(COLL_SCATTER, &param.coll_scatter, trial_scatter);
}

Test(coll_rounds, scatterv)
{
    try_all(COLL_SCATTERV, &param.coll_scatterv, trial_scatterv);
}

static void trial_allgather_kind(bool v)
{
    int pairs[LOOP_RANKS];
    bool in_place = rand() % 2;

    some_counts(pairs, v);
    make_data(900);
    for (int i = 0; i < p; i++) {
        struct parts *s = &parts[1][i];

        in[i] = buffer_new(pairs[i]);
        out[i] = buffer_new(parts_room(pairs, v));
        put(&in[i], 0, data[i], pairs[i]);
        args[i] = (struct coll_args){.kind = v ? COLL_ALLGATHERV : COLL_ALLGATHER,
                                     .send = side(&in[i]),
                                     .recv = parts_side(s, &out[i], pairs, v)};
        if (in_place) {
            args[i].send = (struct coll_side){.buf = MPI_IN_PLACE};
            put(&out[i], s->first[i], data[i], pairs[i]);
        }
    }
    run_all();
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            expect(&out[i], parts[1][i].first[j], data[j], pairs[j], "Allgather", i);
    buffers_free();
}

static void trial_allgather(void)
{
    trial_allgather_kind(false);
}

static void trial_allgatherv(void)
{
    trial_allgather_kind(true);
}

Test(coll_rounds, allgather)
{
    try_all(COLL_ALLGATHER, &param.coll_allgather, trial_allgather);
}

Test(coll_rounds, allgatherv)
{
    try_all(COLL_ALLGATHERV, &param.coll_allgatherv, trial_allgatherv);
}

/* The w form has byte displacements and an array of types, here all alike on one side. */
static void to_w(struct coll_side *s, struct parts *q, MPI_Datatype *types)
{
    for (int i = 0; i < p; i++) {
        types[i] = s->type == gappy ? (MPI_Datatype)gappy->object.handle : MPI_INT;
        q->displs[i] *= (int)s->type->extent;
    }
    s->types = types;
    s->type = NULL;
}

static void trial_alltoall_kind(enum coll_kind kind)
{
    static MPI_Datatype types[2][LOOP_RANKS][LOOP_RANKS];
    bool v = kind != COLL_ALLTOALL, in_place = rand() % 2;
    int pairs[LOOP_RANKS][LOOP_RANKS], base[LOOP_RANKS];

    some_counts(base, v);
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            pairs[i][j] = in_place || !v ? (v ? base[(i + j) % p] : base[0]) : rand() % 20;
    make_data(8000);
    for (int i = 0; i < p; i++) {
        int to[LOOP_RANKS], from[LOOP_RANKS];

        for (int j = 0; j < p; j++) {
            to[j] = pairs[i][j];
            from[j] = pairs[j][i];
        }
        in[i] = buffer_new(parts_room(to, v));
        out[i] = buffer_new(parts_room(from, v));
        args[i] = (struct coll_args){.kind = kind,
                                     .send = parts_side(&parts[0][i], &in[i], to, v),
                                     .recv = parts_side(&parts[1][i], &out[i], from, v)};
        struct buffer *b = in_place ? &out[i] : &in[i];
        struct parts *s = &parts[in_place][i];
        for (int j = 0; j < p; j++)
            put(b, s->first[j], data[i] + 400 * j, pairs[i][j]);
        if (kind == COLL_ALLTOALLW) {
            to_w(&args[i].send, &parts[0][i], types[0][i]);
            to_w(&args[i].recv, &parts[1][i], types[1][i]);
        }
        if (in_place)
            args[i].send = (struct coll_side){.buf = MPI_IN_PLACE};
    }
    run_all();
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            expect(&out[i], parts[1][i].first[j], data[j] + 400 * i, pairs[j][i], "Alltoall", i);
    buffers_free();
}

static void trial_alltoall(void)
{
    trial_alltoall_kind(COLL_ALLTOALL);
}

static void trial_alltoallv(void)
{
    trial_alltoall_kind(COLL_ALLTOALLV);
}

static void trial_alltoallw(void)
{
    trial_alltoall_kind(COLL_ALLTOALLW);
}

Test(coll_rounds, alltoall)
{
    try_all(COLL_ALLTOALL, &param.coll_alltoall, trial_alltoall);
}

Test(coll_rounds, alltoallv)
{
    try_all(COLL_ALLTOALLV, &param.coll_alltoallv, trial_alltoallv);
}

Test(coll_rounds, alltoallw)
{
    try_all(COLL_ALLTOALLW, &param.coll_alltoallw, trial_alltoallw);
}

/* ---- Reductions: of ranks first..last, in rank order ---- */

static void reference(struct op *op, int first, int last, int from, int n, int *want)
{
    memcpy(want, data[first] + 2 * from, (size_t)n * 8);
    for (int i = first + 1; i <= last; i++)
        for (int j = 0; j < n; j++) {
            unsigned *w = (unsigned *)want + 2 * j;
            const unsigned *d = (const unsigned *)data[i] + 2 * (from + j);

            if (op == compose) {
                w[1] = d[0] * w[1] + d[1];
                w[0] *= d[0];
            } else {
                w[0] += d[0];
                w[1] += d[1];
            }
        }
}

/* The sum is for ints alone; all ranks have one type here, as the standard wants it. */
static struct op *some_op(void)
{
    return rand() % 2 ? compose : add;
}

static struct buffer reduction_buffer(struct op *op, struct datatype *t, int pairs)
{
    struct buffer b;

    for (;;) {
        b = buffer_new(pairs);
        if (op == add ? b.type == &datatype_int : b.type == t)
            return b;
        free(b.block);
    }
}

static void trial_reduction(enum coll_kind kind)
{
    struct op *op = some_op();
    struct datatype *t = op == compose && rand() % 2 ? gappy : &datatype_int;
    int n = some_pairs(), root = rand() % p, want[2 * 1000];
    bool in_place = rand() % 2;

    make_data(n);
    for (int i = 0; i < p; i++) {
        in[i] = reduction_buffer(op, t, n);
        out[i] = reduction_buffer(op, t, n);
        put(&in[i], 0, data[i], n);
        args[i] = (struct coll_args){
            .kind = kind, .send = side(&in[i]), .recv = side(&out[i]), .op = op, .root = root};
        if (in_place && (kind != COLL_REDUCE || i == root)) {
            args[i].send.buf = MPI_IN_PLACE;
            put(&out[i], 0, data[i], n);
        }
    }
    run_all();
    for (int i = 0; i < p; i++) {
        int last = kind == COLL_SCAN ? i : kind == COLL_EXSCAN ? i - 1 : p - 1;

        if ((kind == COLL_REDUCE && i != root) || last < 0)
            continue;
        reference(op, 0, last, 0, n, want);
        expect(&out[i], 0, want, n, coll_names[kind], i);
    }
    buffers_free();
}

static void trial_reduce(void)
{
    trial_reduction(COLL_REDUCE);
}

static void trial_allreduce(void)
{
    trial_reduction(COLL_ALLREDUCE);
}

static void trial_scan(void)
{
    trial_reduction(COLL_SCAN);
}

static void trial_exscan(void)
{
    trial_reduction(COLL_EXSCAN);
}

Test(coll_rounds, reduce)
{
    try_all(COLL_REDUCE, &param.coll_reduce, trial_reduce);
}

Test(coll_rounds, allreduce)
{
    try_all(COLL_ALLREDUCE, &param.coll_allreduce, trial_allreduce);
}

Test(coll_rounds, scan)
{
    try_all(COLL_SCAN, &param.coll_scan, trial_scan);
}

Test(coll_rounds, exscan)
{
    try_all(COLL_EXSCAN, &param.coll_exscan, trial_exscan);
}

static void trial_reduce_scatter_kind(bool block)
{
    struct op *op = some_op();
    struct datatype *t = op == compose && rand() % 2 ? gappy : &datatype_int;
    int pairs[LOOP_RANKS], want[2 * 1000], first = 0;
    bool in_place = rand() % 2;

    some_counts(pairs, !block);
    int total = parts_room(pairs, false);
    make_data(total);
    for (int i = 0; i < p; i++) {
        struct parts *s = &parts[0][i];

        in[i] = reduction_buffer(op, t, total);
        out[i] = reduction_buffer(op, t, in_place ? total : pairs[i]);
        put(&in[i], 0, data[i], total);
        args[i] =
            (struct coll_args){.kind = block ? COLL_REDUCE_SCATTER_BLOCK : COLL_REDUCE_SCATTER,
                               .send = side(&in[i]),
                               .recv = {.buf = out[i].at, .type = in[i].type},
                               .op = op};
        parts_side(s, &in[i], pairs, true);
        if (block)
            args[i].send.count = s->counts[0];
        else
            args[i].recv.counts = VEC(s->counts);
        if (in_place) {
            args[i].send.buf = MPI_IN_PLACE;
            put(&out[i], 0, data[i], total);
        }
    }
    run_all();
    for (int i = 0; i < p; i++) {
        reference(op, 0, p - 1, first, pairs[i], want);
        expect(&out[i], 0, want, pairs[i], "Reduce_scatter", i);
        first += pairs[i];
    }
    buffers_free();
}

static void trial_reduce_scatter(void)
{
    trial_reduce_scatter_kind(false);
}

static void trial_reduce_scatter_block(void)
{
    trial_reduce_scatter_kind(true);
}

Test(coll_rounds, reduce_scatter)
{
    try_all(COLL_REDUCE_SCATTER, &param.coll_reduce_scatter, trial_reduce_scatter);
}

Test(coll_rounds, reduce_scatter_block)
{
    try_all(COLL_REDUCE_SCATTER_BLOCK, &param.coll_reduce_scatter_block,
            trial_reduce_scatter_block);
}

/* ---- Errors ---- */

/* One rank takes too little: it and all who depend on it fail, nobody waits for ever. */
Test(coll_rounds, disagreement_ends_everywhere)
{
    setup();
    for (int ranks = 2; ranks <= MOST; ranks++)
        for (int odd = 0; odd < ranks; odd++) {
            struct request *r[LOOP_RANKS];
            int failed = 0, x[LOOP_RANKS], y[LOOP_RANKS][8];

            ranks_begin(ranks);
            for (int i = 0; i < p; i++) {
                struct coll_args a = {.kind = COLL_ALLREDUCE,
                                      .comm = comms[i],
                                      .send = {.buf = &x[i], .count = 1, .type = &datatype_int},
                                      .recv = {.buf = y[i]},
                                      .op = add,
                                      .round = allreduce_doubling};
                x[i] = i;
                if (i == odd)
                    a.send = (struct coll_side){MPI_IN_PLACE, 5, &datatype_int, {0}, {0}, NULL};
                cr_assert_eq(coll_start(&a, false, &r[i]), 0);
            }
            for (int i = 0; i < p; i++) {
                for (int polls = 0; !request_is_done(r[i]); polls++) {
                    cr_assert_lt(polls, 1000000, "rank %d of %d hangs", i, p);
                    request_poll();
                }
                failed += request_finish(r[i], NULL, NULL) == MPI_ERR_TRUNCATE;
            }
            cr_assert_eq(failed, p, "%d of %d ranks saw the error", failed, p);
            for (int i = 0; i < p; i++)
                object_drop(&comms[i]->object);
            /* What a rank sent to one that had stopped receiving stays behind. */
            p = 0;
            loop_forget();
        }
}

/* Many at once on one communicator keep apart. */
Test(coll_rounds, many_at_once)
{
    enum { MANY = 1000 };
    static struct request *r[MANY][LOOP_RANKS];
    static int x[MANY][LOOP_RANKS], y[MANY][LOOP_RANKS];

    setup();
    ranks_begin(7);
    for (int n = 0; n < MANY; n++)
        for (int i = 0; i < p; i++) {
            struct coll_args a = {.kind = n % 3 ? COLL_ALLREDUCE : COLL_BARRIER,
                                  .comm = comms[i],
                                  .send = {.buf = &x[n][i], .count = 1, .type = &datatype_int},
                                  .recv = {.buf = &y[n][i]},
                                  .op = add};
            x[n][i] = n * i;
            cr_assert_eq(coll_start(&a, false, &r[n][i]), 0);
        }
    for (int n = MANY - 1; n >= 0; n--)
        for (int i = 0; i < p; i++) {
            request_wait_flag(&r[n][i]->done);
            cr_assert_eq(request_finish(r[n][i], NULL, NULL), 0);
            if (n % 3)
                cr_assert_eq(y[n][i], n * 21);
        }
    ranks_end();
}
