/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives on intercommunicators: every operation in every form, with random roots, counts (none
 * too) and layouts that differ between the two sides, against what is computed element by element
 * from all the remote group's data, which has come by point-to-point messages.
 */
#include <unistd.h>

#include "coll_call.h"
#include "inter_test.h"

enum { TRIALS = 20, MANY = 60, GAP = 0x5a5a5a5a };

/* ---- Choices that all ranks make alike ---- */

static uint64_t seed;

static unsigned hash(unsigned a, unsigned b, unsigned c)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + a * 0xbf58476d1ce4e5b9u + b * 0x94d049bb133111ebu + c;

    x ^= x >> 31;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return (unsigned)(x >> 32);
}

/* A count: often none, now and then one whose message is long. */
static int some(unsigned a, unsigned b, unsigned c)
{
    unsigned h = hash(a, b, c);

    return h % 4 == 0 ? 0 : h % 61 == 1 ? (int)(h / 64 % 6000) : (int)(h / 64 % 20);
}

/* ---- The two sides ---- */

static MPI_Comm inter;
static int mine, me, n_mine, n_theirs;       /* side, rank, ranks */
static unsigned **theirs;                    /* the remote ranks' data */
static unsigned *own;                        /* ours */
static int room;                             /* ints in each */
static MPI_Datatype gappy, pair, gappy_pair; /* one item and as much unused behind it */
static MPI_Op compose;

/* Data of all, told one by one. */
static void exchange(int ints)
{
    MPI_Request *r = malloc(2 * (size_t)n_theirs * sizeof *r);

    if (ints > room) {
        room = 2 * ints;
        own = realloc(own, (size_t)room * sizeof *own);
        for (int i = 0; i < n_theirs; i++)
            theirs[i] = realloc(theirs[i], (size_t)room * sizeof **theirs);
    }
    for (int i = 0; i < ints; i++)
        own[i] = hash(1000, (unsigned)rank, (unsigned)i) % 2000;
    for (int i = 0; i < n_theirs; i++)
        OK(MPI_Irecv(theirs[i], ints, MPI_UNSIGNED, i, 77, inter, &r[i]));
    for (int i = 0; i < n_theirs; i++)
        OK(MPI_Isend(own, ints, MPI_UNSIGNED, i, 77, inter, &r[n_theirs + i]));
    OK(MPI_Waitall(2 * n_theirs, r, MPI_STATUSES_IGNORE));
    free(r);
}

/* ---- Buffers: items of `unit` ints, one after the other or with gaps between them ---- */

struct buffer {
    int unit, step; /* ints */
    MPI_Datatype type;
    int items;
    unsigned *at;
};

static struct buffer buffer_new(int items, int unit, unsigned salt)
{
    int gaps = (int)(hash(7, (unsigned)rank, salt) % 2);
    struct buffer b = {.unit = unit, .step = gaps ? 2 * unit : unit, .items = items};

    b.type = unit == 2 ? (gaps ? gappy_pair : pair) : gaps ? gappy : MPI_UNSIGNED;
    b.at = malloc((size_t)(items * b.step + 1) * sizeof *b.at);
    for (int i = 0; i < items * b.step + 1; i++)
        b.at[i] = GAP;
    return b;
}

static void put(struct buffer *b, int first, const unsigned *data, int items)
{
    for (int i = 0; i < items; i++)
        memcpy(b->at + (first + i) * b->step, data + i * b->unit, (size_t)b->unit * sizeof *data);
}

static void expect(const struct buffer *b, int first, const unsigned *want, int items)
{
    for (int i = 0; i < items; i++)
        for (int j = 0; j < b->step; j++) {
            unsigned have = b->at[(first + i) * b->step + j];
            unsigned right = j < b->unit ? want[i * b->unit + j] : GAP;

            if (have != right) {
                fprintf(stderr,
                        "rank %d of %d, seed %d, form %d: item %d of %d at %d: %u, not %u\n", rank,
                        size, (int)seed, form, i, items, first, have, right);
                CHECK(!"the right data");
            }
        }
}

/* Nothing but what was expected has been written. */
static void expect_rest(const struct buffer *b, int first)
{
    for (int i = first * b->step; i < b->items * b->step + 1; i++)
        CHECK(b->at[i] == GAP);
}

static void drop(struct buffer *a, struct buffer *b)
{
    free(a->at);
    free(b->at);
}

/* ---- Roots ---- */

static int root_side, root;

static void choose_root(unsigned salt)
{
    root_side = (int)(hash(2, salt, 0) % 2);
    root = (int)(hash(3, salt, 0) % (unsigned)(root_side == mine ? n_mine : n_theirs));
}

/* The root argument of this rank. */
static int root_arg(void)
{
    if (root_side != mine)
        return root;
    return me == root ? MPI_ROOT : MPI_PROC_NULL;
}

static int is_root(void)
{
    return root_side == mine && me == root;
}

/* What ranks without a part may pass. */
#define NOTHING    NULL, -1, MPI_DATATYPE_NULL
#define NOTHING_V  NULL, NULL, NULL, MPI_DATATYPE_NULL
#define PART(b, n) (b).at, n, (b).type

/* ---- Operations with a root ---- */

static void test_bcast(void)
{
    choose_root(1);
    int n = some(4, 0, 0);
    struct buffer b = buffer_new(n, 1, 0), none = {0};

    exchange(n);
    if (is_root())
        put(&b, 0, own, n);
    if (root_arg() == MPI_PROC_NULL)
        CALL(Bcast, bcast, (NULL, -1, MPI_DATATYPE_NULL, MPI_PROC_NULL, inter),
             (NULL, -1, MPI_DATATYPE_NULL, MPI_PROC_NULL, inter));
    else
        CALL(Bcast, bcast, (b.at, n, b.type, root_arg(), inter),
             (b.at, n, b.type, root_arg(), inter));
    if (root_side != mine)
        expect(&b, 0, theirs[root], n);
    drop(&b, &none);
}

static void test_gather(void)
{
    choose_root(2);
    int n = some(4, 0, 0);
    struct buffer in = buffer_new(n_theirs * n, 1, 1), out = buffer_new(n, 1, 0);

    exchange(n);
    put(&out, 0, own, n);
    if (is_root())
        CALL(Gather, gather, (NOTHING, in.at, n, in.type, MPI_ROOT, inter),
             (NOTHING, in.at, n, in.type, MPI_ROOT, inter));
    else if (root_side == mine)
        CALL(Gather, gather, (NOTHING, NOTHING, MPI_PROC_NULL, inter),
             (NOTHING, NOTHING, MPI_PROC_NULL, inter));
    else
        CALL(Gather, gather, (out.at, n, out.type, NOTHING, root, inter),
             (out.at, n, out.type, NOTHING, root, inter));
    for (int i = 0; i < n_theirs && is_root(); i++)
        expect(&in, i * n, theirs[i], n);
    expect_rest(&in, is_root() ? n_theirs * n : 0);
    drop(&in, &out);
}

static void test_scatter(void)
{
    choose_root(3);
    int n = some(4, 0, 0), most = n * (n_mine > n_theirs ? n_mine : n_theirs);
    struct buffer in = buffer_new(n, 1, 1), out = buffer_new(n_theirs * n, 1, 0);

    exchange(most);
    put(&out, 0, own, n_theirs * n);
    if (is_root())
        CALL(Scatter, scatter, (out.at, n, out.type, NOTHING, MPI_ROOT, inter),
             (out.at, n, out.type, NOTHING, MPI_ROOT, inter));
    else if (root_side == mine)
        CALL(Scatter, scatter, (NOTHING, NOTHING, MPI_PROC_NULL, inter),
             (NOTHING, NOTHING, MPI_PROC_NULL, inter));
    else
        CALL(Scatter, scatter, (NOTHING, in.at, n, in.type, root, inter),
             (NOTHING, in.at, n, in.type, root, inter));
    if (root_side != mine)
        expect(&in, 0, theirs[root] + me * n, n);
    drop(&in, &out);
}

/* Counts and displacements by remote rank, in both widths, with a hole before each part. */
struct table {
    int n[16], at[16], end;
    MPI_Count n_c[16];
    MPI_Aint at_c[16];
};

static void table_add(struct table *t, int i, int n)
{
    t->n[i] = n;
    t->n_c[i] = n;
    t->at[i] = t->end + i % 2;
    t->at_c[i] = t->at[i];
    t->end = t->at[i] + n;
}

static void test_gatherv(void)
{
    choose_root(4);
    struct table t = {.end = 0};
    int most = 0;

    for (int i = 0; i < n_theirs; i++)
        table_add(&t, i, some(5, (unsigned)!mine, (unsigned)i));
    for (int i = 0; i < 32; i++)
        most = some(5, i / 16, i % 16) > most ? some(5, i / 16, i % 16) : most;
    int n = some(5, (unsigned)mine, (unsigned)me);
    struct buffer in = buffer_new(t.end, 1, 1), out = buffer_new(n, 1, 0);

    exchange(most);
    put(&out, 0, own, n);
    if (is_root())
        CALL(Gatherv, gatherv, (NOTHING, in.at, t.n, t.at, in.type, MPI_ROOT, inter),
             (NOTHING, in.at, t.n_c, t.at_c, in.type, MPI_ROOT, inter));
    else if (root_side == mine)
        CALL(Gatherv, gatherv, (NOTHING, NOTHING_V, MPI_PROC_NULL, inter),
             (NOTHING, NOTHING_V, MPI_PROC_NULL, inter));
    else
        CALL(Gatherv, gatherv, (out.at, n, out.type, NOTHING_V, root, inter),
             (out.at, n, out.type, NOTHING_V, root, inter));
    for (int i = 0; i < n_theirs && is_root(); i++)
        expect(&in, t.at[i], theirs[i], t.n[i]);
    expect_rest(&in, is_root() ? t.end : 0);
    drop(&in, &out);
}

static void test_scatterv(void)
{
    choose_root(5);
    struct table t = {.end = 0}, there = {.end = 0};

    for (int i = 0; i < n_theirs; i++)
        table_add(&t, i, some(5, (unsigned)!mine, (unsigned)i));
    for (int i = 0; i < n_mine; i++)
        table_add(&there, i, some(5, (unsigned)mine, (unsigned)i));
    int n = there.n[me], most = t.end > there.end ? t.end : there.end;
    struct buffer in = buffer_new(n, 1, 1), out = buffer_new(t.end, 1, 0);

    exchange(most);
    put(&out, 0, own, t.end);
    if (is_root())
        CALL(Scatterv, scatterv, (out.at, t.n, t.at, out.type, NOTHING, MPI_ROOT, inter),
             (out.at, t.n_c, t.at_c, out.type, NOTHING, MPI_ROOT, inter));
    else if (root_side == mine)
        CALL(Scatterv, scatterv, (NOTHING_V, NOTHING, MPI_PROC_NULL, inter),
             (NOTHING_V, NOTHING, MPI_PROC_NULL, inter));
    else
        CALL(Scatterv, scatterv, (NOTHING_V, in.at, n, in.type, root, inter),
             (NOTHING_V, in.at, n, in.type, root, inter));
    if (root_side != mine)
        expect(&in, 0, theirs[root] + there.at[me], n);
    drop(&in, &out);
}

/* ---- From all to all; what goes one way differs from what comes the other ---- */

static void test_allgather(void)
{
    int n[2] = {some(4, 0, 0), some(4, 1, 0)}, most = n[0] > n[1] ? n[0] : n[1];
    struct buffer in = buffer_new(n_theirs * n[!mine], 1, 1), out = buffer_new(n[mine], 1, 0);

    exchange(most);
    put(&out, 0, own, n[mine]);
    CALL(Allgather, allgather, (PART(out, n[mine]), PART(in, n[!mine]), inter),
         (PART(out, n[mine]), PART(in, n[!mine]), inter));
    for (int i = 0; i < n_theirs; i++)
        expect(&in, i * n[!mine], theirs[i], n[!mine]);
    expect_rest(&in, n_theirs * n[!mine]);
    drop(&in, &out);
}

static void test_allgatherv(void)
{
    struct table t = {.end = 0};
    int n = some(5, (unsigned)mine, (unsigned)me), most = 0;

    for (int i = 0; i < n_theirs; i++)
        table_add(&t, i, some(5, (unsigned)!mine, (unsigned)i));
    for (int i = 0; i < 32; i++)
        most = some(5, i / 16, i % 16) > most ? some(5, i / 16, i % 16) : most;
    struct buffer in = buffer_new(t.end, 1, 1), out = buffer_new(n, 1, 0);

    exchange(most);
    put(&out, 0, own, n);
    CALL(Allgatherv, allgatherv, (PART(out, n), in.at, t.n, t.at, in.type, inter),
         (PART(out, n), in.at, t.n_c, t.at_c, in.type, inter));
    for (int i = 0; i < n_theirs; i++)
        expect(&in, t.at[i], theirs[i], t.n[i]);
    expect_rest(&in, t.end);
    drop(&in, &out);
}

static void test_alltoall(void)
{
    int n[2] = {some(4, 0, 0), some(4, 1, 0)}; /* from each of the side to each of the other */
    int in_each = n[!mine], out_each = n[mine];
    struct buffer in = buffer_new(n_theirs * in_each, 1, 1);
    struct buffer out = buffer_new(n_theirs * out_each, 1, 0);

    exchange((n[0] + n[1]) * size);
    put(&out, 0, own, n_theirs * out_each);
    CALL(Alltoall, alltoall, (PART(out, out_each), PART(in, in_each), inter),
         (PART(out, out_each), PART(in, in_each), inter));
    for (int i = 0; i < n_theirs; i++)
        expect(&in, i * in_each, theirs[i] + me * in_each, in_each);
    expect_rest(&in, n_theirs * in_each);
    drop(&in, &out);
}

/* What a rank of `side` sends to each of the other side. */
static struct table sent_by(int side, int r)
{
    struct table t = {.end = 0};

    for (int i = 0; i < (side == mine ? n_theirs : n_mine); i++)
        table_add(&t, i, some(6 + (unsigned)side, (unsigned)r, (unsigned)i));
    return t;
}

static int most_sent(void)
{
    int most = 0;

    for (int side = 0; side < 2; side++)
        for (int i = 0; i < (side == mine ? n_mine : n_theirs); i++) {
            int end = sent_by(side, i).end;
            most = end > most ? end : most;
        }
    return most;
}

static void test_alltoallv(int w)
{
    struct table s = sent_by(mine, me), t = {.end = 0};
    MPI_Datatype in_types[16], out_types[16];

    for (int i = 0; i < n_theirs; i++)
        table_add(&t, i, sent_by(!mine, i).n[me]);
    struct buffer in = buffer_new(t.end, 1, 1), out = buffer_new(s.end, 1, 0);
    exchange(most_sent());
    put(&out, 0, own, s.end);
    for (int i = 0; i < n_theirs; i++) {
        in_types[i] = in.type;
        out_types[i] = out.type;
    }
    if (w) {
        for (int i = 0; i < n_theirs; i++) {
            s.at_c[i] = s.at[i] *= 4 * out.step;
            t.at_c[i] = t.at[i] *= 4 * in.step;
        }
        CALL(Alltoallw, alltoallw,
             (out.at, s.n, s.at, out_types, in.at, t.n, t.at, in_types, inter),
             (out.at, s.n_c, s.at_c, out_types, in.at, t.n_c, t.at_c, in_types, inter));
    } else {
        CALL(Alltoallv, alltoallv, (out.at, s.n, s.at, out.type, in.at, t.n, t.at, in.type, inter),
             (out.at, s.n_c, s.at_c, out.type, in.at, t.n_c, t.at_c, in.type, inter));
    }
    t.end = 0;
    for (int i = 0; i < n_theirs; i++) {
        table_add(&t, i, t.n[i]);
        expect(&in, t.at[i], theirs[i] + sent_by(!mine, i).at[me], t.n[i]);
    }
    expect_rest(&in, t.end);
    drop(&in, &out);
}

/* ---- Reductions: sums, or the composition of maps x -> a x + b, which does not commute ---- */

static void compose_maps(void *in, void *inout, int *len, MPI_Datatype *type)
{
    int step = *type == gappy_pair ? 4 : 2;

    for (int i = 0; i < *len; i++) {
        unsigned *x = (unsigned *)in + i * step, *y = (unsigned *)inout + i * step;

        y[1] = y[0] * x[1] + y[1];
        y[0] *= x[0];
    }
}

/* A predefined operator takes no pairs; sums of single ints. */
static int unit_of(unsigned salt)
{
    return hash(8, salt, 0) % 2 ? 2 : 1;
}

static unsigned *reduced(int items, int unit)
{
    unsigned *sum = malloc((size_t)(items * unit + 1) * sizeof *sum);

    for (int i = 0; i < items * unit; i++)
        sum[i] = theirs[0][i];
    for (int r = 1; r < n_theirs; r++)
        for (int i = 0; i < items * unit; i += unit) {
            unsigned *x = sum + i, *y = theirs[r] + i;

            if (unit == 1) {
                x[0] += y[0];
            } else {
                x[1] = y[0] * x[1] + y[1];
                x[0] *= y[0];
            }
        }
    return sum;
}

/* Sums want a predefined type. */
static struct buffer reduce_buffer(int items, int unit, unsigned salt)
{
    struct buffer b = buffer_new(items, unit, salt);

    if (unit == 1) {
        b.step = 1;
        b.type = MPI_UNSIGNED;
    }
    return b;
}

static void test_reduce(void)
{
    choose_root(6);
    int n = some(4, 0, 0), unit = unit_of(1);
    MPI_Op op = unit == 2 ? compose : MPI_SUM;
    /* Count and type are significant on both sides, and the same. */
    struct buffer in = reduce_buffer(n, unit, 1), out = reduce_buffer(n, unit, 1);

    exchange(n * unit);
    put(&out, 0, own, n);
    if (is_root())
        CALL(Reduce, reduce, (NULL, in.at, n, in.type, op, MPI_ROOT, inter),
             (NULL, in.at, n, in.type, op, MPI_ROOT, inter));
    else if (root_side == mine)
        CALL(Reduce, reduce, (NULL, NULL, -1, MPI_DATATYPE_NULL, MPI_OP_NULL, MPI_PROC_NULL, inter),
             (NULL, NULL, -1, MPI_DATATYPE_NULL, MPI_OP_NULL, MPI_PROC_NULL, inter));
    else
        CALL(Reduce, reduce, (out.at, NULL, n, out.type, op, root, inter),
             (out.at, NULL, n, out.type, op, root, inter));
    if (is_root()) {
        unsigned *want = reduced(n, unit);
        expect(&in, 0, want, n);
        free(want);
    } else {
        expect_rest(&in, 0);
    }
    drop(&in, &out);
}

static void test_allreduce(void)
{
    int n = some(4, 0, 0), unit = unit_of(2);
    MPI_Op op = unit == 2 ? compose : MPI_SUM;
    struct buffer in = reduce_buffer(n, unit, 1), out = reduce_buffer(n, unit, 1);

    exchange(n * unit);
    put(&out, 0, own, n);
    CALL(Allreduce, allreduce, (out.at, in.at, n, out.type, op, inter),
         (out.at, in.at, n, out.type, op, inter));
    unsigned *want = reduced(n, unit);
    expect(&in, 0, want, n);
    expect_rest(&in, n);
    free(want);
    drop(&in, &out);
}

static void test_reduce_scatter_block(void)
{
    int n = some(4, 0, 0) * n_theirs, total = n * n_mine, unit = unit_of(3);
    MPI_Op op = unit == 2 ? compose : MPI_SUM;
    struct buffer in = reduce_buffer(n, unit, 1), out = reduce_buffer(total, unit, 1);

    exchange(total * unit);
    put(&out, 0, own, total);
    CALL(Reduce_scatter_block, reduce_scatter_block, (out.at, in.at, n, out.type, op, inter),
         (out.at, in.at, n, out.type, op, inter));
    unsigned *want = reduced(total, unit);
    expect(&in, 0, want + me * n * unit, n);
    expect_rest(&in, n);
    free(want);
    drop(&in, &out);
}

/* The same total on both sides, cut differently. */
static void test_reduce_scatter(void)
{
    int total = some(4, 0, 0) + some(4, 0, 1), left = total, unit = unit_of(4), counts[16], at = 0;
    MPI_Op op = unit == 2 ? compose : MPI_SUM;
    MPI_Count counts_c[16];

    for (int i = 0; i < n_mine; i++) {
        counts[i] =
            i == n_mine - 1 ? left : (int)(hash(9, (unsigned)mine, i) % (unsigned)(left + 1));
        counts_c[i] = counts[i];
        left -= counts[i];
        at += i < me ? counts[i] : 0;
    }
    struct buffer in = reduce_buffer(counts[me], unit, 1), out = reduce_buffer(total, unit, 1);
    exchange(total * unit);
    put(&out, 0, own, total);
    CALL(Reduce_scatter, reduce_scatter, (out.at, in.at, counts, out.type, op, inter),
         (out.at, in.at, counts_c, out.type, op, inter));
    unsigned *want = reduced(total, unit);
    expect(&in, 0, want + at * unit, counts[me]);
    expect_rest(&in, counts[me]);
    free(want);
    drop(&in, &out);
}

/* ---- Barrier: nobody leaves before all of the other side have come ---- */

static void test_barrier(void)
{
    double came, left, *all = malloc(3 * (size_t)size * sizeof *all);
    MPI_Request r = MPI_REQUEST_NULL;

    if (hash(10, 0, 0) % (unsigned)size == (unsigned)rank)
        usleep(2000);
    came = MPI_Wtime(); /* of one clock, as all are on one host */
    if (form < 2)
        OK(MPI_Barrier(inter));
    else if (form < 4)
        OK(MPI_Ibarrier(inter, &r));
    else
        OK(MPI_Barrier_init(inter, MPI_INFO_NULL, &r));
    if (form > 1)
        finish(&r);
    left = MPI_Wtime();
    double times[3] = {came, left, mine};
    OK(MPI_Allgather(times, 3, MPI_DOUBLE, all, 3, MPI_DOUBLE, MPI_COMM_WORLD));
    for (int i = 0; i < size; i++)
        CHECK(all[3 * i + 2] == mine || all[3 * i] <= left);
    free(all);
}

/* ---- Many under way, and communicators made meanwhile ---- */

static void test_many(void)
{
    int in[MANY], all[MANY][16], out[MANY], n = 0;
    MPI_Request r[3 * MANY];
    MPI_Comm dup, split, merged;

    for (int i = 0; i < MANY; i++) {
        out[i] = i * 100 + mine;
        OK(MPI_Iallreduce(&out[i], &in[i], 1, MPI_INT, MPI_MAX, inter, &r[n++]));
        OK(MPI_Ibarrier(i % 2 ? inter : MPI_COMM_WORLD, &r[n++]));
        OK(MPI_Iallgather(&out[i], 1, MPI_INT, all[i], 1, MPI_INT, inter, &r[n++]));
        if (i == MANY / 3)
            OK(MPI_Comm_split(inter, 0, 0, &split));
        if (i == MANY / 2)
            OK(MPI_Comm_dup(inter, &dup));
        if (i == MANY * 2 / 3)
            OK(MPI_Intercomm_merge(inter, mine, &merged));
    }
    for (int i = n - 1; i >= 0; i--)
        OK(MPI_Wait(&r[i], MPI_STATUS_IGNORE));
    for (int i = 0; i < MANY; i++) {
        CHECK(in[i] == i * 100 + !mine);
        for (int j = 0; j < n_theirs; j++)
            CHECK(all[i][j] == i * 100 + !mine);
    }
    OK(MPI_Comm_free(&dup));
    OK(MPI_Comm_free(&split));
    OK(MPI_Comm_free(&merged));
}

/* ---- */

static void test_all(void)
{
    test_barrier();
    test_bcast();
    test_gather();
    test_gatherv();
    test_scatter();
    test_scatterv();
    test_allgather();
    test_allgatherv();
    test_alltoall();
    test_alltoallv(0);
    test_alltoallv(1);
    test_reduce();
    test_allreduce();
    test_reduce_scatter();
    test_reduce_scatter_block();
}

static void make_types(void)
{
    OK(MPI_Type_create_resized(MPI_UNSIGNED, 0, 8, &gappy));
    OK(MPI_Type_contiguous(2, MPI_UNSIGNED, &pair));
    OK(MPI_Type_create_resized(pair, 0, 16, &gappy_pair));
    OK(MPI_Type_commit(&gappy));
    OK(MPI_Type_commit(&pair));
    OK(MPI_Type_commit(&gappy_pair));
    OK(MPI_Op_create(compose_maps, 0, &compose));
}

static void test_cut(enum cut cut, int trials)
{
    MPI_Comm local;

    inter = inter_make(cut, 0, &local);
    mine = side_of(cut, rank);
    me = rank_of(cut, rank);
    n_mine = size_of(cut, mine);
    n_theirs = size_of(cut, !mine);
    theirs = calloc((size_t)n_theirs, sizeof *theirs);
    for (int i = 0; i < trials; i++)
        for (form = 0; form < 6; form++) {
            seed = (uint64_t)i * 6 + (uint64_t)form + 1;
            test_all();
        }
    test_many();
    for (int i = 0; i < n_theirs; i++)
        free(theirs[i]);
    free(theirs);
    free(own);
    own = NULL;
    room = 0;
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* Argument 1: trials of each operation in each form. */
int main(int argc, char **argv)
{
    begin(&argc, &argv);
    CHECK(size <= 16);
    make_types();
    starts = 2;
    for (int cut = 0; cut < CUTS && size > 1; cut++)
        test_cut((enum cut)cut, argc > 1 ? atoi(argv[1]) : TRIALS);
    OK(MPI_Type_free(&gappy));
    OK(MPI_Type_free(&pair));
    OK(MPI_Type_free(&gappy_pair));
    OK(MPI_Op_free(&compose));
    return end("inter_coll");
}
