/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random operations of random types with random operators, against a model that every rank keeps of
 * all windows and changes in the same order. Each origin has a slice of each target for each type
 * to itself. Within an epoch it either does one put or get there, or several accumulates one after
 * the other without waiting, whose order must be kept.
 *
 *     win_oracle [operations of a rank [seed]]
 */
#include "win_test.h"

#include <float.h>

enum { SLOTS = 40, MOST = 4, GAP = 3 };

/* Elements, and the bytes of one that say something. Operators that are exact on small numbers. */
enum { ORDERED = 1, BITS = 2, LOGIC = 4, SWAP = 8, LOC = 16, SUMS = 32 };
struct kind {
    MPI_Datatype type;
    size_t extent, bytes;
    int ops;
    void (*set)(void *at, int value);
};

#define SET(name, ctype)                                                                           \
    static void set_##name(void *at, int value)                                                    \
    {                                                                                              \
        ctype v = (ctype)value;                                                                    \
        memcpy(at, &v, sizeof v);                                                                  \
    }
SET(char, signed char)
SET(short, short)
SET(int, int)
SET(long, long)
SET(uint, uint32_t)
SET(float, float)
SET(double, double)
SET(long_double, long double)

static void set_complex(void *at, int value)
{
    double v[2] = {value, -value};

    memcpy(at, v, sizeof v);
}

struct double_int {
    double value;
    int index;
};

static void set_pair(void *at, int value)
{
    struct double_int v;

    memset(&v, 0, sizeof v);
    v.value = value / 2;
    v.index = value;
    memcpy(at, &v, sizeof v);
}

enum { KINDS = 10, INTEGER = SUMS | ORDERED | BITS | LOGIC | SWAP };
static struct kind kinds[KINDS];

static void make_kinds(void)
{
    struct kind all[KINDS] = {
        {MPI_SIGNED_CHAR, 1, 1, INTEGER, set_char},
        {MPI_SHORT, 2, 2, INTEGER, set_short},
        {MPI_INT, 4, 4, INTEGER, set_int},
        {MPI_LONG, 8, 8, INTEGER, set_long},
        {MPI_UINT32_T, 4, 4, INTEGER, set_uint},
        {MPI_FLOAT, 4, 4, SUMS | ORDERED, set_float},
        {MPI_DOUBLE, 8, 8, SUMS | ORDERED, set_double},
        {MPI_LONG_DOUBLE, sizeof(long double), (LDBL_MANT_DIG == 64 ? 10 : sizeof(long double)),
         SUMS | ORDERED, set_long_double},
        {MPI_C_DOUBLE_COMPLEX, 16, 16, SUMS, set_complex},
        {MPI_DOUBLE_INT, sizeof(struct double_int), 12, LOC, set_pair},
    };

    memcpy(kinds, all, sizeof all);
}

static MPI_Op random_op(const struct kind *k, uint64_t *s)
{
    MPI_Op ops[16];
    int n = 0;

    ops[n++] = MPI_REPLACE;
    ops[n++] = MPI_NO_OP;
    if (k->ops & SUMS)
        ops[n++] = MPI_SUM;
    if (k->ops & ORDERED) {
        ops[n++] = MPI_MIN;
        ops[n++] = MPI_MAX;
    }
    if (k->ops & BITS) {
        ops[n++] = MPI_PROD;
        ops[n++] = MPI_BXOR;
        ops[n++] = MPI_BAND;
        ops[n++] = MPI_BOR;
    }
    if (k->ops & LOGIC) {
        ops[n++] = MPI_LAND;
        ops[n++] = MPI_LOR;
        ops[n++] = MPI_LXOR;
    }
    if (k->ops & LOC) {
        ops[n++] = MPI_MINLOC;
        ops[n++] = MPI_MAXLOC;
    }
    return ops[test_below(s, n)];
}

/* ---- Where things are ---- */

static char *model;     /* [target][bytes] */
static size_t bytes;    /* of a window */
static int misaligned;  /* bytes by which this window's elements are off */
static long operations; /* done by all ranks */

static size_t slice_at(int kind, int origin)
{
    size_t at = 0;

    for (int k = 0; k < kind; k++)
        at += (size_t)win_size * SLOTS * kinds[k].extent;
    return at + (size_t)origin * SLOTS * kinds[kind].extent + (size_t)misaligned;
}

/* ---- One operation ---- */

enum call { PUT, GET, RPUT, RGET, ACCUMULATE, GET_ACCUMULATE, RACCUMULATE, FETCH_AND_OP, SWAP_IT };

/* What an origin does to `count` elements from `first` on, each `step` after the last. */
struct act {
    enum call call;
    const struct kind *kind;
    MPI_Op op;
    int count, first, step, target;
    size_t at; /* in the target's window */
    char in[SLOTS * 16], compare[16], out[SLOTS * 16], want[SLOTS * 16];
    MPI_Request request;
};

static void choose(struct act *a, int origin, int kind, int accumulates, int locked, uint64_t *s)
{
    a->kind = &kinds[kind];
    if (accumulates)
        a->call = ACCUMULATE + test_below(s, 5);
    else
        a->call = PUT + test_below(s, 4);
    if (!locked && (a->call == RPUT || a->call == RGET))
        a->call -= 2;
    if ((!locked && a->call == RACCUMULATE) || (a->call == SWAP_IT && !(a->kind->ops & SWAP)))
        a->call = GET_ACCUMULATE;
    a->op = random_op(a->kind, s);
    if (a->op == MPI_NO_OP && (a->call == ACCUMULATE || a->call == RACCUMULATE))
        a->op = MPI_REPLACE;
    a->step = 1 + test_below(s, GAP);
    a->count = a->call >= FETCH_AND_OP ? 1 : 1 + test_below(s, (SLOTS - GAP) / a->step);
    a->first = test_below(s, SLOTS - (a->count - 1) * a->step);
    a->at = slice_at(kind, origin) + (size_t)a->first * a->kind->extent;
    memset(a->in, 0, sizeof a->in);
    for (int i = 0; i < a->count; i++)
        a->kind->set(a->in + (size_t)i * a->kind->extent, test_below(s, 4));
    a->kind->set(a->compare, test_below(s, 4));
}

static void model_one(struct act *a, char *there, char *in)
{
    if (a->call == SWAP_IT) {
        if (!memcmp(there, a->compare, a->kind->bytes))
            memcpy(there, in, a->kind->bytes);
    } else if (a->call == GET || a->call == RGET || a->op == MPI_NO_OP) {
        return;
    } else if (a->call == PUT || a->call == RPUT || a->op == MPI_REPLACE) {
        memcpy(there, in, a->kind->extent);
    } else {
        char b[16], c[16]; /* aligned enough for MPI_Reduce_local's own loops */
        memcpy(b, there, a->kind->extent);
        memcpy(c, in, a->kind->extent);
        MPI_Reduce_local(c, b, 1, a->kind->type, a->op);
        memcpy(there, b, a->kind->extent);
    }
}

static void in_model(struct act *a)
{
    char *there = model + (size_t)a->target * bytes + a->at;

    if (a->call < ACCUMULATE)
        a->op = MPI_REPLACE;
    for (int i = 0; i < a->count; i++) {
        char *e = there + (size_t)(i * a->step) * a->kind->extent;
        memcpy(a->want + (size_t)i * a->kind->extent, e, a->kind->extent);
        model_one(a, e, a->in + (size_t)i * a->kind->extent);
    }
}

static void issue(struct act *a, MPI_Win win, MPI_Aint base)
{
    MPI_Datatype t = a->kind->type, there;
    MPI_Aint at = base + (MPI_Aint)a->at;
    int n = a->count, to = a->target;

    MPI_Type_vector(n, 1, a->step, t, &there);
    MPI_Type_commit(&there);
    a->request = MPI_REQUEST_NULL;
    switch (a->call) {
    case PUT:
        OK(MPI_Put(a->in, n, t, to, at, 1, there, win));
        break;
    case GET:
        OK(MPI_Get(a->out, n, t, to, at, 1, there, win));
        break;
    case RPUT:
        OK(MPI_Rput(a->in, n, t, to, at, 1, there, win, &a->request));
        break;
    case RGET:
        OK(MPI_Rget(a->out, n, t, to, at, 1, there, win, &a->request));
        break;
    case ACCUMULATE:
        OK(MPI_Accumulate(a->in, n, t, to, at, 1, there, a->op, win));
        break;
    case GET_ACCUMULATE:
        OK(MPI_Get_accumulate(a->in, n, t, a->out, n, t, to, at, 1, there, a->op, win));
        break;
    case RACCUMULATE:
        OK(MPI_Raccumulate(a->in, n, t, to, at, 1, there, a->op, win, &a->request));
        break;
    case FETCH_AND_OP:
        OK(MPI_Fetch_and_op(a->in, a->out, t, to, at, a->op, win));
        break;
    case SWAP_IT:
        OK(MPI_Compare_and_swap(a->in, a->compare, a->out, t, to, at, win));
    }
    MPI_Type_free(&there);
}

static int same(const struct kind *k, const char *a, const char *b, int n)
{
    for (int i = 0; i < n; i++)
        if (memcmp(a + (size_t)i * k->extent, b + (size_t)i * k->extent, k->bytes))
            return 0;
    return 1;
}

static void check_act(struct act *a, const char *what)
{
    static const char *const names[] = {"put",         "get",          "rput",
                                        "rget",        "accumulate",   "get_accumulate",
                                        "raccumulate", "fetch_and_op", "swap"};
    int fetched =
        a->call == GET || a->call == RGET || a->call == GET_ACCUMULATE || a->call >= FETCH_AND_OP;

    CHECK(!fetched || same(a->kind, a->out, a->want, a->count),
          "%s: %s of %d elements of kind %d brought something else", what, names[a->call], a->count,
          (int)(a->kind - kinds));
}

static void check_memory(const char *mem, const char *what)
{
    for (int k = 0; k < KINDS; k++) {
        size_t at = slice_at(k, 0);
        CHECK(same(&kinds[k], mem + at, model + (size_t)win_rank * bytes + at, win_size * SLOTS),
              "%s: memory of kind %d", what, k);
    }
}

/* ---- Epochs ---- */

enum epoch { FENCE, LOCK, LOCK_ALL, PSCW, EPOCHS };
static const char *const epoch_name[] = {"fence", "lock", "lock_all", "pscw"};

static void epoch_open(MPI_Win win, enum epoch e, int target)
{
    MPI_Group group;

    if (e == FENCE) {
        OK(MPI_Win_fence(0, win));
    } else if (e == LOCK) {
        OK(MPI_Win_lock(win_rank % 2 ? MPI_LOCK_SHARED : MPI_LOCK_EXCLUSIVE, target, 0, win));
    } else if (e == LOCK_ALL) {
        OK(MPI_Win_lock_all(0, win));
    } else {
        MPI_Win_get_group(win, &group);
        OK(MPI_Win_post(group, 0, win));
        OK(MPI_Win_start(group, 0, win));
        MPI_Group_free(&group);
    }
}

static void epoch_close(MPI_Win win, enum epoch e, int target)
{
    if (e == FENCE) {
        OK(MPI_Win_fence(MPI_MODE_NOSUCCEED, win));
    } else if (e == LOCK) {
        OK(MPI_Win_unlock(target, win));
    } else if (e == LOCK_ALL) {
        OK(MPI_Win_unlock_all(win));
    } else {
        OK(MPI_Win_complete(win));
        OK(MPI_Win_wait(win));
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void round_of(MPI_Win win, const char *mem, const MPI_Aint *bases, enum epoch e, uint64_t *s,
                     const char *what)
{
    static struct act mine[MOST], other;
    int count = 0, target = 0;

    for (int o = 0; o < win_size; o++) {
        int to = test_below(s, win_size), kind = test_below(s, KINDS);
        int accumulates = test_below(s, 3) > 0, n = accumulates ? 1 + test_below(s, MOST) : 1;

        for (int i = 0; i < n; i++) {
            struct act *a = o == win_rank ? &mine[i] : &other;
            choose(a, o, kind, accumulates, e == LOCK || e == LOCK_ALL, s);
            a->target = to;
            in_model(a);
        }
        operations += n;
        if (o == win_rank) {
            count = n;
            target = to;
        }
    }
    epoch_open(win, e, target);
    for (int i = 0; i < count; i++)
        issue(&mine[i], win, bases[target]);
    for (int i = 0; i < count; i++)
        OK(MPI_Wait(&mine[i].request, MPI_STATUS_IGNORE));
    epoch_close(win, e, target);
    for (int i = 0; i < count; i++)
        check_act(&mine[i], what);
    check_memory(mem, what);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- Windows ---- */

static void window_of(enum flavour f, int granularity, int rounds, uint64_t *s)
{
    MPI_Aint here = 0, *bases = calloc((size_t)win_size, sizeof *bases);
    char *mem = NULL, *own = NULL, text[16], what[64];
    MPI_Info info;
    MPI_Win win;

    snprintf(text, sizeof text, "%d", granularity);
    MPI_Info_create(&info);
    MPI_Info_set(info, "mpi_accumulate_granularity", text);
    MPI_Info_set(info, "alloc_shared_noncontig", f == SHARED_APART ? "true" : "false");
    if (f == CREATE || f == DYNAMIC)
        mem = own = malloc(bytes);
    if (f == CREATE) {
        OK(MPI_Win_create(mem, (MPI_Aint)bytes, 1, info, MPI_COMM_WORLD, &win));
    } else if (f == DYNAMIC) {
        OK(MPI_Win_create_dynamic(info, MPI_COMM_WORLD, &win));
        OK(MPI_Win_attach(win, mem, (MPI_Aint)bytes));
        MPI_Get_address(mem, &here);
    } else if (f == ALLOCATE || !win_one_host) {
        OK(MPI_Win_allocate((MPI_Aint)bytes, 1, info, MPI_COMM_WORLD, &mem, &win));
    } else {
        OK(MPI_Win_allocate_shared((MPI_Aint)bytes, 1, info, MPI_COMM_WORLD, &mem, &win));
    }
    MPI_Info_free(&info);
    MPI_Allgather(&here, 1, MPI_AINT, bases, 1, MPI_AINT, MPI_COMM_WORLD);
    memset(mem, 0, bytes);
    memset(model, 0, bytes * (size_t)win_size);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int r = 0; r < rounds; r++) {
        enum epoch e = (enum epoch)test_below(s, EPOCHS);
        snprintf(what, sizeof what, "%s, %s, granularity %d, off by %d", flavour_name[f],
                 epoch_name[e], granularity, misaligned);
        round_of(win, mem, bases, e, s, what);
    }
    if (f == DYNAMIC)
        OK(MPI_Win_detach(win, mem));
    OK(MPI_Win_free(&win));
    free(own);
    free(bases);
}

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? atol(argv[1]) : 200;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 4711;

    test_begin();
    make_kinds();
    bytes = 64;
    for (int k = 0; k < KINDS; k++)
        bytes += (size_t)win_size * SLOTS * kinds[k].extent;
    bytes = (bytes + 63) / 64 * 64;
    model = malloc(bytes * (size_t)win_size);
    while (operations < wanted * win_size)
        for (int f = 0; f < FLAVOURS; f++) {
            misaligned = test_below(&seed, 3) ? 0 : test_below(&seed, 16);
            window_of((enum flavour)f, test_below(&seed, 2) * 64, 20, &seed);
        }
    if (!win_rank && argc > 1)
        printf("%d ranks, %ld operations\n", win_size, operations);
    free(model);
    return test_end();
}
