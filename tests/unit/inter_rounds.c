/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every collective between two groups of 1 to MOST ranks, all in one process: random counts, roots
 * and order of starts and completions, against references that are written down element by element;
 * and with one rank that is wrong about a count, where nobody may be left waiting.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_engine.h"
#include "core/object/err.h"
#include "tests/unit/loop_fabric.h"

enum { MOST = 7, RANKS = 2 * MOST, TRIALS = 300, LONG = 400 };

/* Ranks of the first group are processes 0 to sizes[0] - 1, those of the second come behind. */
static int sizes[2], p;
static struct comm *comms[RANKS];
static struct op *compose;

static int side_of(int process)
{
    return process >= sizes[0];
}

static int rank_of(int process)
{
    return process - side_of(process) * sizes[0];
}

static int process_of(int side, int rank)
{
    return side * sizes[0] + rank;
}

/* x -> a x + b in one word, a the lower half: associative, does not commute. */
static uint64_t composed(uint64_t first, uint64_t then)
{
    uint32_t a = (uint32_t)first, b = (uint32_t)(first >> 32);
    uint32_t c = (uint32_t)then, d = (uint32_t)(then >> 32);

    return (uint64_t)(c * b + d) << 32 | (uint32_t)(a * c);
}

static void compose_all(void *in, void *inout, int *len, MPI_Datatype *type)
{
    uint64_t *first = in, *then = inout;

    (void)type;
    for (int i = 0; i < *len; i++)
        then[i] = composed(first[i], then[i]);
}

static void setup(void)
{
    lane_open(false);
    group_open();
    group_set_self(0);
    datatype_open();
    op_open();
    coll_open();
    cr_assert_eq(op_create(compose_all, NULL, false, &compose), 0);
}

static void ranks_begin(void)
{
    sizes[0] = 1 + rand() % MOST;
    sizes[1] = 1 + rand() % MOST;
    p = sizes[0] + sizes[1];
    for (int i = 0; i < p; i++) {
        struct group *g[2];

        group_set_self((uint32_t)i);
        for (int side = 0; side < 2; side++)
            cr_assert_eq(group_range((uint32_t)(side * sizes[0]), 1, sizes[side], &g[side]), 0);
        cr_assert_eq(
            comm_new(LOOP_CONTEXT + (uint32_t)i, g[side_of(i)], g[!side_of(i)], NULL, &comms[i]),
            0);
        object_drop(&g[0]->object);
        object_drop(&g[1]->object);
    }
}

static void ranks_end(void)
{
    for (int i = 0; i < p; i++)
        object_drop(&comms[i]->object);
}

/* ---- Buffers, each exactly as long as what it holds ---- */

static uint64_t *in[RANKS], *out[RANKS];
static struct coll_args args[RANKS];
static MPI_Count numbers[RANKS][2][MOST], displs[RANKS][2][MOST];

static void buffers_new(int process, MPI_Count ins, MPI_Count outs)
{
    out[process] = malloc((size_t)outs * sizeof **out + !outs);
    in[process] = malloc((size_t)ins * sizeof **in + !ins);
    for (MPI_Count i = 0; i < outs; i++)
        out[process][i] = (uint64_t)rand() << 32 | (unsigned)rand();
    memset(in[process], 0x55, (size_t)ins * sizeof **in);
}

static void buffers_free(void)
{
    for (int i = 0; i < p; i++) {
        free(in[i]);
        free(out[i]);
        in[i] = out[i] = NULL;
    }
    memset(args, 0, sizeof args);
}

static MPI_Count some(void)
{
    return rand() % 4 == 0 ? 0 : rand() % 10 == 0 ? rand() % LONG : rand() % 12;
}

/* ---- Running ---- */

static struct request *requests[RANKS];

static void start(int process, bool persistent)
{
    args[process].comm = comms[process];
    cr_assert_eq(coll_start(&args[process], persistent, &requests[process]), 0);
    if (persistent)
        cr_assert_eq(requests[process]->ops->start(requests[process]), 0);
    for (int polls = rand() % 4; polls; polls--)
        request_poll();
}

static void shuffle(int *order)
{
    for (int i = 0; i < p; i++)
        order[i] = i;
    for (int i = p - 1; i > 0; i--) {
        int j = rand() % (i + 1), t = order[i];

        order[i] = order[j];
        order[j] = t;
    }
}

/* Returns how many ranks were told of an error. */
static int finish(bool persistent)
{
    int failed = 0;

    for (int i = 0; i < p; i++) {
        for (int polls = 0; !request_is_done(requests[i]); polls++) {
            cr_assert_lt(polls, 1000000, "%s of %d and %d ranks hangs on process %d",
                         coll_names[args[i].kind], sizes[0], sizes[1], i);
            request_poll();
        }
        failed += request_finish(requests[i], NULL, NULL) != MPI_SUCCESS;
        if (persistent) {
            lane_lock();
            request_free(requests[i]);
            lane_unlock();
        }
    }
    return failed;
}

static void run_all(void)
{
    bool persistent = rand() % 2;
    int order[RANKS];

    shuffle(order);
    for (int i = 0; i < p; i++)
        start(order[i], persistent);
    cr_assert_eq(finish(persistent), 0, "%s fails", coll_names[args[0].kind]);
    cr_assert(loop_is_quiet(), "messages of %s are left over", coll_names[args[0].kind]);
}

static void expect(int process, MPI_Count at, const uint64_t *want, MPI_Count n)
{
    cr_assert(!n || !memcmp(in[process] + at, want, (size_t)n * sizeof *want),
              "%s of %d and %d ranks: wrong data on process %d", coll_names[args[process].kind],
              sizes[0], sizes[1], process);
}

/* ---- With a root ---- */

static int root; /* a process */

static struct coll_args rooted(int process, enum coll_kind kind)
{
    struct coll_args a = {.kind = kind, .root = rank_of(root)};

    if (side_of(process) == side_of(root))
        a.root = process == root ? MPI_ROOT : MPI_PROC_NULL;
    return a;
}

static struct coll_side plain(const uint64_t *buf, MPI_Count n)
{
    return (struct coll_side){.buf = buf, .count = n, .type = &datatype_uint64};
}

/* By rank, each part behind a hole; returns where the last ends. */
static MPI_Count lay_out(int process, int which, const MPI_Count *n, int parts)
{
    MPI_Count at = 0;

    for (int i = 0; i < parts; i++) {
        numbers[process][which][i] = n[i];
        displs[process][which][i] = at + 1;
        at += 1 + n[i];
    }
    return at;
}

static struct coll_side by_rank(int process, int which, const uint64_t *buf)
{
    return (struct coll_side){.buf = buf,
                              .counts = VEC(numbers[process][which]),
                              .displs = VEC(displs[process][which]),
                              .type = &datatype_uint64};
}

static void trial_bcast(void)
{
    MPI_Count n = some();

    for (int i = 0; i < p; i++) {
        bool receives = side_of(i) != side_of(root);

        buffers_new(i, receives ? n : 0, i == root ? n : 0);
        args[i] = rooted(i, COLL_BCAST);
        if (receives || i == root)
            args[i].send = plain(receives ? in[i] : out[i], n);
    }
    run_all();
    for (int i = 0; i < p; i++)
        if (side_of(i) != side_of(root))
            expect(i, 0, out[root], n);
}

static void trial_gather(void)
{
    bool v = rand() % 2;
    int there = !side_of(root), parts = sizes[there];
    MPI_Count n[MOST], same = some(), end = 0;

    for (int i = 0; i < parts; i++)
        n[i] = v ? some() : same;
    end = lay_out(root, 0, n, parts);
    for (int i = 0; i < p; i++) {
        bool sends = side_of(i) == there;

        buffers_new(i, i == root ? (v ? end : same * parts) : 0, sends ? n[rank_of(i)] : 0);
        args[i] = rooted(i, v ? COLL_GATHERV : COLL_GATHER);
        if (i == root)
            args[i].recv = v ? by_rank(i, 0, in[i]) : plain(in[i], same);
        if (sends)
            args[i].send = plain(out[i], n[rank_of(i)]);
    }
    run_all();
    for (int i = 0; i < parts; i++)
        expect(root, v ? displs[root][0][i] : i * same, out[process_of(there, i)], n[i]);
}

static void trial_scatter(void)
{
    bool v = rand() % 2;
    int there = !side_of(root), parts = sizes[there];
    MPI_Count n[MOST], same = some(), end = 0;

    for (int i = 0; i < parts; i++)
        n[i] = v ? some() : same;
    end = lay_out(root, 0, n, parts);
    for (int i = 0; i < p; i++) {
        bool receives = side_of(i) == there;

        buffers_new(i, receives ? n[rank_of(i)] : 0, i == root ? (v ? end : same * parts) : 0);
        args[i] = rooted(i, v ? COLL_SCATTERV : COLL_SCATTER);
        if (i == root)
            args[i].send = v ? by_rank(i, 0, out[i]) : plain(out[i], same);
        if (receives)
            args[i].recv = plain(in[i], n[rank_of(i)]);
    }
    run_all();
    for (int i = 0; i < parts; i++)
        expect(process_of(there, i), 0, out[root] + (v ? displs[root][0][i] : i * same), n[i]);
}

/* ---- From all to all ---- */

static void trial_allgather(void)
{
    bool v = rand() % 2;
    MPI_Count n[RANKS], same[2] = {some(), some()};

    for (int i = 0; i < p; i++)
        n[i] = v ? some() : same[side_of(i)];
    for (int i = 0; i < p; i++) {
        int there = !side_of(i);
        MPI_Count end = lay_out(i, 0, n + process_of(there, 0), sizes[there]);

        buffers_new(i, v ? end : same[there] * sizes[there], n[i]);
        args[i] = (struct coll_args){.kind = v ? COLL_ALLGATHERV : COLL_ALLGATHER,
                                     .send = plain(out[i], n[i]),
                                     .recv = v ? by_rank(i, 0, in[i]) : plain(in[i], same[there])};
    }
    run_all();
    for (int i = 0; i < p; i++)
        for (int j = 0; j < sizes[!side_of(i)]; j++) {
            int from = process_of(!side_of(i), j);

            expect(i, v ? displs[i][0][j] : j * n[from], out[from], n[from]);
        }
}

static void trial_alltoall(void)
{
    MPI_Count n[RANKS][MOST], back[MOST];

    for (int i = 0; i < p; i++)
        for (int j = 0; j < sizes[!side_of(i)]; j++)
            n[i][j] = some();
    for (int i = 0; i < p; i++) {
        int there = !side_of(i);

        for (int j = 0; j < sizes[there]; j++)
            back[j] = n[process_of(there, j)][rank_of(i)];
        MPI_Count outs = lay_out(i, 0, n[i], sizes[there]);
        MPI_Count ins = lay_out(i, 1, back, sizes[there]);
        buffers_new(i, ins, outs);
        args[i] = (struct coll_args){
            .kind = COLL_ALLTOALLV, .send = by_rank(i, 0, out[i]), .recv = by_rank(i, 1, in[i])};
    }
    run_all();
    for (int i = 0; i < p; i++)
        for (int j = 0; j < sizes[!side_of(i)]; j++) {
            int from = process_of(!side_of(i), j), me = rank_of(i);

            expect(i, displs[i][1][j], out[from] + displs[from][0][me], n[from][me]);
        }
}

/* ---- Reductions ---- */

/* Of one side, in rank order. */
static uint64_t *reduced(int side, MPI_Count n)
{
    uint64_t *all = malloc((size_t)n * sizeof *all + !n);

    for (MPI_Count j = 0; j < n; j++) {
        all[j] = out[process_of(side, 0)][j];
        for (int i = 1; i < sizes[side]; i++)
            all[j] = composed(all[j], out[process_of(side, i)][j]);
    }
    return all;
}

static void trial_reduce(void)
{
    MPI_Count n = some();

    for (int i = 0; i < p; i++) {
        bool sends = side_of(i) != side_of(root);

        buffers_new(i, i == root ? n : 0, sends ? n : 0);
        args[i] = rooted(i, COLL_REDUCE);
        args[i].op = compose;
        if (sends || i == root) {
            args[i].send = plain(sends ? out[i] : in[i], n);
            args[i].recv = plain(in[i], 0);
        }
    }
    run_all();
    uint64_t *want = reduced(!side_of(root), n);
    expect(root, 0, want, n);
    free(want);
}

static void reduction(int process, enum coll_kind kind, MPI_Count n)
{
    args[process] = (struct coll_args){
        .kind = kind, .send = plain(out[process], n), .recv = plain(in[process], 0), .op = compose};
}

static void trial_allreduce(void)
{
    MPI_Count n = some();

    for (int i = 0; i < p; i++) {
        buffers_new(i, n, n);
        reduction(i, COLL_ALLREDUCE, n);
    }
    run_all();
    for (int i = 0; i < p; i++) {
        uint64_t *want = reduced(!side_of(i), n);

        expect(i, 0, want, n);
        free(want);
    }
}

static void trial_reduce_scatter(void)
{
    bool block = rand() % 2;
    MPI_Count total = block ? some() * sizes[0] * sizes[1] : some() + some();
    MPI_Count n[2][MOST], at[2][MOST];

    for (int side = 0; side < 2; side++) {
        MPI_Count left = total;

        for (int i = 0; i < sizes[side]; i++) {
            n[side][i] = block                  ? total / sizes[side]
                         : i == sizes[side] - 1 ? left
                                                : rand() % (left + 1);
            at[side][i] = total - left;
            left -= n[side][i];
        }
    }
    for (int i = 0; i < p; i++) {
        MPI_Count mine = n[side_of(i)][rank_of(i)];

        buffers_new(i, mine, total);
        reduction(i, block ? COLL_REDUCE_SCATTER_BLOCK : COLL_REDUCE_SCATTER, mine);
        lay_out(i, 0, n[side_of(i)], sizes[side_of(i)]);
        if (!block)
            args[i].recv.counts = VEC(numbers[i][0]);
    }
    run_all();
    for (int i = 0; i < p; i++) {
        uint64_t *want = reduced(!side_of(i), total);

        expect(i, 0, want + at[side_of(i)][rank_of(i)], n[side_of(i)][rank_of(i)]);
        free(want);
    }
}

static void try(void (*trial)(void))
{
    setup();
    for (int i = 0; i < TRIALS; i++) {
        srand((unsigned)i);
        ranks_begin();
        root = rand() % p;
        trial();
        buffers_free();
        ranks_end();
    }
}

Test(inter_rounds, bcast)
{
    try(trial_bcast);
}

Test(inter_rounds, gather)
{
    try(trial_gather);
}

Test(inter_rounds, scatter)
{
    try(trial_scatter);
}

Test(inter_rounds, allgather)
{
    try(trial_allgather);
}

Test(inter_rounds, alltoall)
{
    try(trial_alltoall);
}

Test(inter_rounds, reduce)
{
    try(trial_reduce);
}

Test(inter_rounds, allreduce)
{
    try(trial_allreduce);
}

Test(inter_rounds, reduce_scatter)
{
    try(trial_reduce_scatter);
}

/* ---- Barrier: nobody is through before all of the other group have come ---- */

static void trial_barrier(void)
{
    int order[RANKS], missing[2] = {sizes[0], sizes[1]};

    shuffle(order);
    for (int i = 0; i < p; i++) {
        args[order[i]].kind = COLL_BARRIER;
        start(order[i], false);
        missing[side_of(order[i])]--;
        for (int j = 0; j <= i; j++)
            cr_assert(!missing[!side_of(order[j])] || !request_is_done(requests[order[j]]),
                      "process %d does not wait", order[j]);
    }
    cr_assert_eq(finish(false), 0);
    cr_assert(loop_is_quiet(), "messages are left over");
}

Test(inter_rounds, barrier)
{
    try(trial_barrier);
}

/* ---- One rank is wrong: some are told, and nobody is left waiting ---- */

static const enum coll_kind kinds[] = {COLL_BCAST, COLL_REDUCE, COLL_ALLREDUCE, COLL_ALLGATHER,
                                       COLL_ALLTOALL};

static void disagree(enum coll_kind kind, int odd)
{
    enum { RIGHT = 3, WRONG = 5 };
    int order[RANKS];

    for (int i = 0; i < p; i++) {
        MPI_Count n = i == odd ? WRONG : RIGHT;

        buffers_new(i, WRONG * RANKS, WRONG * RANKS);
        args[i] = (struct coll_args){.kind = kind};
        if (kind == COLL_BCAST || kind == COLL_REDUCE)
            args[i] = rooted(i, kind);
        args[i].op = compose;
        args[i].send = plain(kind == COLL_BCAST && i != root ? in[i] : out[i], n);
        args[i].recv = plain(in[i], n);
    }
    shuffle(order);
    for (int i = 0; i < p; i++)
        start(order[i], false);
    int failed = finish(false);
    if (args[odd].root != MPI_PROC_NULL)
        cr_assert_gt(failed, 0, "%s: nobody is told that process %d is wrong", coll_names[kind],
                     odd);
    for (int i = 0; i < p; i++)
        object_drop(&comms[i]->object);
    loop_forget(); /* what was sent to those who had stopped receiving stays behind */
}

Test(inter_rounds, disagreement_ends_everywhere)
{
    setup();
    for (unsigned kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        for (int i = 0; i < TRIALS; i++) {
            srand((unsigned)i);
            ranks_begin();
            root = rand() % p;
            disagree(kinds[kind], rand() % p);
            buffers_free();
        }
}
