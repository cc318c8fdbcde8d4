/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote atomics in the node provider against a model that is as plain as it can be: every
 * operation on every type, written, fetched and compared, in memory that all map, in memory that
 * only its owner changes, and in one's own.
 */
#include <complex.h>
#include <errno.h>
#include <stdlib.h>

#include "provider/node/node_memory.h"
#include "tests/unit/node_job.h"

enum way { OWNER, MAPPED, SELF };
enum { COUNT = 7, BYTES = COUNT * sizeof(long double _Complex), KEY = 3 };

static const char *const way_names[] = {"by the owner", "mapped", "own memory"};

/* ---- The model ---- */

/* A value of any type: integers by their bits, reals and complex ones as the longest. */
union value {
    int64_t i;
    uint64_t u;
    long double _Complex z;
};

enum kind { SIGNED, UNSIGNED, REAL, COMPLEX };

static const struct type {
    enum fi_datatype type;
    size_t size;
    enum kind kind;
} types[] = {
    {FI_INT8, 1, SIGNED},
    {FI_UINT8, 1, UNSIGNED},
    {FI_INT16, 2, SIGNED},
    {FI_UINT16, 2, UNSIGNED},
    {FI_INT32, 4, SIGNED},
    {FI_UINT32, 4, UNSIGNED},
    {FI_INT64, 8, SIGNED},
    {FI_UINT64, 8, UNSIGNED},
    {FI_FLOAT, sizeof(float), REAL},
    {FI_DOUBLE, sizeof(double), REAL},
    {FI_FLOAT_COMPLEX, sizeof(float _Complex), COMPLEX},
    {FI_DOUBLE_COMPLEX, sizeof(double _Complex), COMPLEX},
    {FI_LONG_DOUBLE, sizeof(long double), REAL},
    {FI_LONG_DOUBLE_COMPLEX, sizeof(long double _Complex), COMPLEX},
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static union value load(const struct type *t, const void *at)
{
    union value v = {.z = 0};

    switch (t->kind) {
    case SIGNED:
        v.i = t->size == 1   ? *(const int8_t *)at
              : t->size == 2 ? *(const int16_t *)at
              : t->size == 4 ? *(const int32_t *)at
                             : *(const int64_t *)at;
        break;
    case UNSIGNED:
        memcpy(&v.u, at, t->size);
        break;
    case REAL:
        v.z = t->size == 4   ? *(const float *)at
              : t->size == 8 ? *(const double *)at
                             : *(const long double *)at;
        break;
    case COMPLEX:
        v.z = t->size == 8    ? *(const float _Complex *)at
              : t->size == 16 ? *(const double _Complex *)at
                              : *(const long double _Complex *)at;
        break;
    }
    return v;
}

static void store(const struct type *t, void *at, union value v)
{
    if (t->kind == SIGNED || t->kind == UNSIGNED)
        memcpy(at, &v.u, t->size);
    else if (t->type == FI_FLOAT)
        *(float *)at = (float)creall(v.z);
    else if (t->type == FI_DOUBLE)
        *(double *)at = (double)creall(v.z);
    else if (t->type == FI_LONG_DOUBLE)
        *(long double *)at = creall(v.z);
    else if (t->type == FI_FLOAT_COMPLEX)
        *(float _Complex *)at = (float _Complex)v.z;
    else if (t->type == FI_DOUBLE_COMPLEX)
        *(double _Complex *)at = (double _Complex)v.z;
    else
        *(long double _Complex *)at = v.z;
}

static bool is_integer(const struct type *t)
{
    return t->kind <= UNSIGNED;
}

static int compare(const struct type *t, union value a, union value b)
{
    if (t->kind == SIGNED)
        return (a.i > b.i) - (a.i < b.i);
    if (t->kind == UNSIGNED)
        return (a.u > b.u) - (a.u < b.u);
    return (creall(a.z) > creall(b.z)) - (creall(a.z) < creall(b.z));
}

static bool equal(const struct type *t, union value a, union value b)
{
    return is_integer(t) ? a.u == b.u : a.z == b.z;
}

static bool truth(const struct type *t, union value a)
{
    return is_integer(t) ? a.u != 0 : a.z != 0;
}

static union value number(const struct type *t, int n)
{
    union value v = {.z = 0};

    if (is_integer(t))
        v.i = n;
    else
        v.z = n;
    return v;
}

/* The product and the sum are taken in the type itself, where it is a real one. */
static union value calculate(const struct type *t, bool product, union value a, union value b)
{
    union value v = {.z = 0};
    unsigned char at[32] = {0};

    if (is_integer(t)) {
        v.u = product ? a.u * b.u : a.u + b.u;
        memcpy(at, &v.u, 8);
        return load(t, at);
    }
    /* Small whole numbers: exact in every type. */
    v.z = product ? a.z * b.z : a.z + b.z;
    return v;
}

/* What is there after `op`; the model of all. */
static union value model(const struct type *t, enum fi_op op, union value old, union value x,
                         union value c)
{
    union value v = {.z = 0};
    bool swap;

    switch ((int)op) {
    case FI_MIN:
        return compare(t, x, old) < 0 ? x : old;
    case FI_MAX:
        return compare(t, x, old) > 0 ? x : old;
    case FI_SUM:
        return calculate(t, false, old, x);
    case FI_PROD:
        return calculate(t, true, old, x);
    case FI_LOR:
        return number(t, truth(t, old) || truth(t, x));
    case FI_LAND:
        return number(t, truth(t, old) && truth(t, x));
    case FI_LXOR:
        return number(t, truth(t, old) != truth(t, x));
    case FI_BOR:
        v.u = old.u | x.u;
        return v;
    case FI_BAND:
        v.u = old.u & x.u;
        return v;
    case FI_BXOR:
        v.u = old.u ^ x.u;
        return v;
    case FI_MSWAP:
        v.u = (x.u & c.u) | (old.u & ~c.u);
        return v;
    case FI_ATOMIC_READ:
        return old;
    case FI_ATOMIC_WRITE:
        return x;
    case FI_CSWAP:
        swap = equal(t, c, old);
        break;
    case FI_CSWAP_NE:
        swap = !equal(t, c, old);
        break;
    case FI_CSWAP_LE:
        swap = compare(t, c, old) <= 0;
        break;
    case FI_CSWAP_LT:
        swap = compare(t, c, old) < 0;
        break;
    case FI_CSWAP_GE:
        swap = compare(t, c, old) >= 0;
        break;
    default: /* FI_CSWAP_GT */
        swap = compare(t, c, old) > 0;
    }
    return swap ? x : old;
}

static bool defined(const struct type *t, enum fi_op op)
{
    bool order = op == FI_MIN || op == FI_MAX || (op >= FI_CSWAP_LE && op <= FI_CSWAP_GT);
    bool bits = op == FI_BOR || op == FI_BAND || op == FI_BXOR || op == FI_MSWAP;

    return !(order && t->kind == COMPLEX) && !(bits && !is_integer(t));
}

static bool is_compare(enum fi_op op)
{
    return op >= FI_CSWAP;
}

/* ---- The target ---- */

struct target {
    unsigned char *memory;
    struct fid_mr *mr;
    uint64_t at;
    fi_addr_t peer;
};

static struct node_memory_ops *memory_ops(struct end *e)
{
    struct node_memory_ops *ops;

    CHECK(!fi_open_ops(&e->domain->fid, NODE_MEMORY_OPS, 0, (void **)&ops, NULL), "ops");
    return ops;
}

static void expose(struct end *e, int rank, enum way way, struct target *t)
{
    int owner = way == SELF ? 0 : 1;
    void *memory = NULL;

    if (rank == owner) {
        if (way == MAPPED)
            CHECK(!memory_ops(e)->allocate(4096, &memory), "allocate");
        else
            CHECK((memory = aligned_alloc(64, 4096)), "memory");
        memset(memory, 0, 4096);
        CHECK(!fi_mr_reg(e->domain, memory, 4096, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, KEY, 0,
                         &t->mr, NULL),
              "fi_mr_reg");
        job_words[0] = (uintptr_t)memory;
        job_words[2] = 0;
    }
    t->memory = memory;
    job_barrier();
    t->at = job_words[0];
    t->peer = e->addr[owner];
    job_barrier();
}

/* The owner works for the others until they say that they are done. */
static void serve(struct end *e, int others)
{
    while (job_words[2] < (uint64_t)others)
        end_progress(e);
}

static void done(void)
{
    __atomic_fetch_add(&job_words[2], 1, __ATOMIC_ACQ_REL);
}

static void hide(struct end *e, enum way way, struct target *t)
{
    job_barrier();
    if (!t->memory)
        return;
    CHECK(!fi_close(&t->mr->fid), "close mr");
    if (way == MAPPED)
        memory_ops(e)->release(t->memory);
    else
        free(t->memory);
}

/* ---- Every operation on every type ---- */

struct buffers {
    _Alignas(64) unsigned char old[BYTES], operand[BYTES], compare[BYTES], result[BYTES],
        expected[BYTES], now[BYTES];
};

static const int numbers[] = {0, 1, 3, -2, 5, 1, 100000};

static void prepare(struct buffers *b, const struct type *t, enum fi_op op, int shift)
{
    memset(b, 0, sizeof(*b));
    for (int i = 0; i < COUNT; i++) {
        union value old = number(t, numbers[i]), x = number(t, numbers[(i + shift) % COUNT]);
        union value c = number(t, numbers[(i * 2 + shift) % COUNT]);
        size_t at = i * t->size;
        store(t, b->old + at, old);
        store(t, b->operand + at, x);
        store(t, b->compare + at, c);
        old = load(t, b->old + at); /* -2 without a sign is another number */
        x = load(t, b->operand + at);
        c = load(t, b->compare + at);
        store(t, b->expected + at, model(t, op, old, x, c));
    }
}

static void set(struct end *e, struct target *target, const void *bytes, size_t len, size_t offset)
{
    POST(e, fi_write(e->ep, bytes, len, NULL, target->peer, target->at + offset, KEY, e));
    end_wait_for(e, e);
}

static void post(struct end *e, struct target *g, struct buffers *b, const struct type *t,
                 enum fi_op op, bool fetch, size_t offset)
{
    uint64_t at = g->at + offset;

    if (is_compare(op))
        POST(e, fi_compare_atomic(e->ep, b->operand, COUNT, NULL, b->compare, NULL, b->result, NULL,
                                  g->peer, at, KEY, t->type, op, b));
    else if (fetch)
        POST(e, fi_fetch_atomic(e->ep, b->operand, COUNT, NULL, b->result, NULL, g->peer, at, KEY,
                                t->type, op, b));
    else
        POST(e, fi_atomic(e->ep, b->operand, COUNT, NULL, g->peer, at, KEY, t->type, op, b));
}

static void check(const struct type *t, const void *is, const void *should, const char *what,
                  enum fi_op op, enum way way)
{
    for (int i = 0; i < COUNT; i++) {
        size_t at = i * t->size;
        CHECK(equal(t, load(t, (const char *)is + at), load(t, (const char *)should + at)),
              "%s, element %d: op %d, type %d, %s", what, i, op, t->type, way_names[way]);
    }
}

static void one_case(struct end *e, struct target *g, const struct type *t, enum fi_op op,
                     bool fetch, int shift, enum way way)
{
    struct buffers b;
    struct fi_cq_tagged_entry c;
    /* Aligned, and so that elements lie across two lines; elements stay aligned to 4. */
    size_t offset = shift % 2 ? 64 - t->size / 2 + (t->size < 8 ? t->size / 2 : 0) : 0;

    prepare(&b, t, op, shift);
    set(e, g, b.old, COUNT * t->size, offset);
    post(e, g, &b, t, op, fetch, offset);
    end_wait(e, &c);
    CHECK(c.op_context == &b, "context");
    CHECK(c.flags == (FI_ATOMIC | (fetch || is_compare(op) ? FI_READ : FI_WRITE)), "%lx", c.flags);
    POST(e, fi_read(e->ep, b.now, COUNT * t->size, NULL, g->peer, g->at + offset, KEY, &b));
    end_wait_for(e, &b);
    check(t, b.now, b.expected, "memory", op, way);
    if (fetch || is_compare(op))
        check(t, b.result, b.old, "result", op, way);
}

static void validity(struct end *e, const struct type *t, enum fi_op op)
{
    size_t count = 0;
    bool write = defined(t, op) && !is_compare(op) && op != FI_ATOMIC_READ;
    bool fetch = defined(t, op) && !is_compare(op);
    bool cas = defined(t, op) && is_compare(op);

    CHECK(!fi_atomicvalid(e->ep, t->type, op, &count) == write, "write %d %d", op, t->type);
    CHECK(!fi_fetch_atomicvalid(e->ep, t->type, op, &count) == fetch, "fetch %d %d", op, t->type);
    CHECK(!fi_compare_atomicvalid(e->ep, t->type, op, &count) == cas, "cas %d %d", op, t->type);
    CHECK(!defined(t, op) || count >= COUNT, "count %zu", count);
    struct fi_atomic_attr attr;
    CHECK(!fi_query_atomic(e->domain, t->type, op, &attr, FI_COMPARE_ATOMIC) == cas, "query");
    CHECK(!fi_query_atomic(e->domain, t->type, op, &attr, FI_FETCH_ATOMIC) == fetch, "query");
    CHECK(!fi_query_atomic(e->domain, t->type, op, &attr, 0) == write, "query");
    CHECK(!write || attr.size == t->size, "size %zu", attr.size);
}

static void every_operation(int rank, enum way way)
{
    struct end e;
    struct target g = {0};

    end_start(&e, NULL);
    expose(&e, rank, way, &g);
    for (int i = 0; rank == 0 && i < TYPES; i++)
        for (enum fi_op op = FI_MIN; op <= FI_MSWAP; op++) {
            const struct type *t = &types[i];
            validity(&e, t, op);
            if (!defined(t, op)) {
                struct buffers b;
                CHECK(fi_atomic(e.ep, &b, 1, NULL, g.peer, g.at, KEY, t->type, op, &b) ==
                          -FI_EOPNOTSUPP,
                      "op %d, type %d", op, t->type);
                continue;
            }
            for (int shift = 0; shift < COUNT; shift++) {
                if (!is_compare(op) && op != FI_ATOMIC_READ)
                    one_case(&e, &g, t, op, false, shift, way);
                one_case(&e, &g, t, op, true, shift, way);
            }
        }
    done();
    serve(&e, job_size);
    hide(&e, way, &g);
    end_finish(&e);
}

NODE_TEST(atomic, by_the_owner, 2)
{
    every_operation(rank, OWNER);
}

NODE_TEST(atomic, mapped, 2)
{
    every_operation(rank, MAPPED);
}

NODE_TEST(atomic, own_memory, 1)
{
    every_operation(rank, SELF);
}

/* ---- Several at once ---- */

/* Four processes add, of which one has the memory: every value is fetched exactly once. */
static void counting(int rank, enum way way, enum fi_datatype type)
{
    enum { EACH = 3000 };
    struct end e;
    struct target g = {0};
    unsigned char *seen = (unsigned char *)(job_words + 16);

    end_start(&e, NULL);
    expose(&e, rank, way, &g);
    for (int i = 0; i < EACH; i++) {
        uint64_t one = 1, got = ~0ull, index;
        long double one_ld = 1, got_ld = -1;
        bool ld = type == FI_LONG_DOUBLE;
        struct fi_cq_tagged_entry c;
        if (rank == 2 && !ld) { /* one of them by compare-and-swap */
            uint64_t old = 0, new = 1;
            for (;;) {
                POST(&e, fi_compare_atomic(e.ep, &new, 1, NULL, &old, NULL, &got, NULL, g.peer,
                                           g.at + 8, KEY, type, FI_CSWAP, &got));
                end_wait(&e, &c);
                if (got == old)
                    break;
                old = got;
                new = old + 1;
            }
        } else {
            POST(&e, fi_fetch_atomic(e.ep, ld ? (void *)&one_ld : &one, 1, NULL,
                                     ld ? (void *)&got_ld : &got, NULL, g.peer,
                                     g.at + (ld ? 16 : 8), KEY, type, FI_SUM, &got));
            end_wait(&e, &c);
        }
        CHECK(c.op_context == &got, "context");
        index = ld ? (uint64_t)got_ld : got;
        CHECK(index < (uint64_t)EACH * job_size, "%lu", index);
        CHECK(!__atomic_exchange_n(&seen[index], 1, __ATOMIC_ACQ_REL), "%lu fetched twice", index);
    }
    done();
    serve(&e, job_size);
    if (rank == 1 && type == FI_UINT64)
        CHECK(*(uint64_t *)(g.memory + 8) == (uint64_t)EACH * job_size, "the sum");
    hide(&e, way, &g);
    end_finish(&e);
}

NODE_TEST(atomic, counting_by_the_owner, 4)
{
    counting(rank, OWNER, FI_UINT64);
}

NODE_TEST(atomic, counting_mapped, 4)
{
    counting(rank, MAPPED, FI_UINT64);
}

NODE_TEST(atomic, counting_long_doubles_mapped, 4)
{
    counting(rank, MAPPED, FI_LONG_DOUBLE);
}

NODE_TEST(atomic, counting_long_doubles_by_the_owner, 4)
{
    counting(rank, OWNER, FI_LONG_DOUBLE);
}

/* ---- The other calls, and errors ---- */

static void calls(int rank, enum way way)
{
    struct end e;
    struct target g = {0};
    uint32_t a[6] = {1, 2, 3, 4, 5, 6}, r[6], zero[6] = {0};
    struct fi_cq_err_entry error;

    end_start(&e, NULL);
    expose(&e, rank, way, &g);
    if (rank == 0) {
        struct fi_ioc in[2] = {{a, 2}, {a + 2, 4}}, out[3] = {{r, 1}, {r + 1, 4}, {r + 5, 1}};
        struct fi_rma_ioc where = {g.at, 6, KEY};
        struct fi_msg_atomic msg = {in, NULL, 2, g.peer, &where, 1, FI_UINT32, FI_SUM, r, 0};
        set(&e, &g, zero, sizeof(zero), 0);
        POST(&e, fi_atomicv(e.ep, in, NULL, 2, g.peer, g.at, KEY, FI_UINT32, FI_SUM, r));
        end_wait_for(&e, r);
        POST(&e, fi_atomicmsg(e.ep, &msg, 0));
        end_wait_for(&e, r);
        POST(&e, fi_fetch_atomicmsg(e.ep, &msg, out, NULL, 3, 0));
        end_wait_for(&e, r);
        for (unsigned i = 0; i < 6; i++)
            CHECK(r[i] == 2 * (i + 1), "r[%u] = %u", i, r[i]);
        POST(&e, fi_inject_atomic(e.ep, a, 6, g.peer, g.at, KEY, FI_UINT32, FI_PROD));
        POST(&e, fi_fetch_atomic(e.ep, NULL, 6, NULL, r, NULL, g.peer, g.at, KEY, FI_UINT32,
                                 FI_ATOMIC_READ, r));
        end_wait_for(&e, r);
        for (unsigned i = 0; i < 6; i++)
            CHECK(r[i] == 3 * (i + 1) * (i + 1), "r[%u] = %u", i, r[i]);
        CHECK(fi_atomic(e.ep, a, 6, NULL, g.peer, g.at, KEY, FI_UINT32, FI_CSWAP, r), "no compare");
        out[0].count = 5;
        CHECK(fi_fetch_atomicmsg(e.ep, &msg, out, NULL, 3, 0) == -FI_EINVAL, "counts");
        CHECK(fi_atomic(e.ep, a, 2000, NULL, g.peer, g.at, KEY, FI_UINT32, FI_SUM, r) == -FI_EINVAL,
              "too many");
        POST(&e, fi_atomic(e.ep, a, 1, NULL, g.peer, g.at, KEY + 1, FI_UINT32, FI_SUM, r));
        end_wait_error(&e, &error);
        CHECK(error.err == FI_ENOKEY && error.op_context == r, "err %d", error.err);
        POST(&e, fi_atomic(e.ep, a, 6, NULL, g.peer, g.at + 4096 - 4, KEY, FI_UINT32, FI_SUM, r));
        end_wait_error(&e, &error);
        CHECK(error.err == ERANGE, "err %d", error.err);
    }
    done();
    serve(&e, job_size);
    end_quiet(&e);
    hide(&e, way, &g);
    end_finish(&e);
}

NODE_TEST(atomic, calls_by_the_owner, 2)
{
    calls(rank, OWNER);
}

NODE_TEST(atomic, calls_mapped, 2)
{
    calls(rank, MAPPED);
}
