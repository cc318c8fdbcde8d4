/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random operations of every predefined type with every operator, on windows of every flavour in
 * epochs of every kind, against a model that every rank keeps of all windows and changes in the
 * same order. Each origin has a slice of each target for each type to itself. Within an epoch it
 * either does one put or get there, or several accumulates one after the other without waiting,
 * whose order must be kept. In the same epoch all add to what they share, where no update may be
 * lost, and draw tickets, of which none may be given out twice.
 *
 *     win_oracle [operations of a rank [seed]]
 */
#include "win_kind.h"
#include "win_test.h"

enum { SLOTS = 40, SLOTS_LONG = 700, MOST = 4, GAP = 3, SHARES = 5, SHARE_ROOM = 256 };

static struct kind kinds[KINDS_MOST];
static int kind_count;

static MPI_Op random_op(const struct kind *k, uint64_t *s)
{
    MPI_Op ops[16];
    int n = kind_ops(k, ops);

    return ops[test_below(s, n)];
}

/* ---- Where things are ---- */

static char *model;     /* [target][bytes] */
static size_t bytes;    /* of a window */
static int slots;       /* elements of a slice */
static int misaligned;  /* bytes by which this window's elements are off */
static long operations; /* done by all ranks */

/* What is shared comes first. */
static size_t slice_at(int kind, int origin)
{
    size_t at = SHARE_ROOM;

    for (int k = 0; k < kind; k++)
        at += (size_t)win_size * (size_t)slots * kinds[k].extent;
    return at + (size_t)(origin * slots) * kinds[kind].extent + (size_t)misaligned;
}

/* ---- One operation ---- */

enum call {
    PUT,
    GET,
    RPUT,
    RGET,
    ACCUMULATE,
    GET_ACCUMULATE,
    RACCUMULATE,
    RGET_ACCUMULATE,
    FETCH_AND_OP,
    SWAP_IT,
    CALLS,
};
static const char *const call_name[] = {"put",          "get",
                                        "rput",         "rget",
                                        "accumulate",   "get_accumulate",
                                        "raccumulate",  "rget_accumulate",
                                        "fetch_and_op", "compare_and_swap"};

/*
 * What an origin does to `count` elements from `first` on, each `step` after the last; its own
 * buffers have steps, too, and are scattered in `in` and `out`.
 */
struct act {
    enum call call;
    const struct kind *kind;
    MPI_Op op;
    int count, first, step, in_step, out_step, target;
    size_t at; /* in the target's window */
    char *in, *out, *want, compare[KIND_EXTENT];
    MPI_Request request;
};

static void act_open(struct act *a)
{
    size_t room = (size_t)SLOTS_LONG * 2 * KIND_EXTENT;

    a->in = malloc(3 * room);
    a->out = a->in + room;
    a->want = a->out + room;
}

static bool has_request(enum call c)
{
    return c == RPUT || c == RGET || c == RACCUMULATE || c == RGET_ACCUMULATE;
}

static bool has_result(enum call c)
{
    return c == GET || c == RGET || c == GET_ACCUMULATE || c >= RGET_ACCUMULATE;
}

static void choose(struct act *a, int origin, int kind, bool accumulates, bool locked, uint64_t *s)
{
    static const enum call without[CALLS] = {
        [RPUT] = PUT, [RGET] = GET, [RACCUMULATE] = ACCUMULATE, [RGET_ACCUMULATE] = GET_ACCUMULATE};

    a->kind = &kinds[kind];
    if (accumulates)
        a->call = ACCUMULATE + (enum call)test_below(s, CALLS - ACCUMULATE);
    else
        a->call = PUT + (enum call)test_below(s, ACCUMULATE);
    if (!locked && has_request(a->call))
        a->call = without[a->call];
    if (a->call == SWAP_IT && !(a->kind->ops & SWAP))
        a->call = GET_ACCUMULATE;
    a->op = random_op(a->kind, s);
    if (a->call < ACCUMULATE ||
        (a->op == MPI_NO_OP && (a->call == ACCUMULATE || a->call == RACCUMULATE)))
        a->op = MPI_REPLACE;
    a->step = 1 + test_below(s, GAP);
    a->in_step = 1 + test_below(s, 2);
    a->out_step = 1 + test_below(s, 2);
    a->count = a->call >= FETCH_AND_OP ? 1 : 1 + test_below(s, (slots - GAP) / a->step);
    a->first = test_below(s, slots - (a->count - 1) * a->step);
    a->at = slice_at(kind, origin) + (size_t)a->first * a->kind->extent;
    for (int i = 0; i < a->count; i++)
        a->kind->set(a->in + (size_t)(i * a->in_step) * a->kind->extent, test_below(s, 4));
    a->kind->set(a->compare, test_below(s, 4));
}

static void model_one(struct act *a, char *there, char *in)
{
    const struct kind *k = a->kind;
    size_t len = k->part[0].len;
    _Alignas(16) char b[KIND_EXTENT], c[KIND_EXTENT]; /* as MPI_Reduce_local wants them */

    if (a->call == SWAP_IT) {
        if (!memcmp(there, a->compare, len))
            memcpy(there, in, len);
    } else if (a->call == GET || a->call == RGET || a->op == MPI_NO_OP) {
        return;
    } else if (a->op == MPI_REPLACE) {
        memcpy(there, in, k->extent);
    } else {
        memcpy(b, there, k->extent);
        memcpy(c, in, k->extent);
        MPI_Reduce_local(c, b, 1, k->type, a->op);
        memcpy(there, b, k->extent);
    }
}

static void in_model(struct act *a)
{
    size_t extent = a->kind->extent;
    char *there = model + (size_t)a->target * bytes + a->at;

    for (int i = 0; i < a->count; i++) {
        char *e = there + (size_t)(i * a->step) * extent;
        memcpy(a->want + (size_t)i * extent, e, extent);
        model_one(a, e, a->in + (size_t)(i * a->in_step) * extent);
    }
}

static MPI_Datatype every(int count, int step, MPI_Datatype t)
{
    MPI_Datatype made;

    MPI_Type_vector(count, 1, step, t, &made);
    MPI_Type_commit(&made);
    return made;
}

static void issue(struct act *a, MPI_Win win, MPI_Aint base)
{
    int n = a->count, to = a->target;
    MPI_Datatype t = a->kind->type, there = every(n, a->step, t), here = every(n, a->in_step, t),
                 back = every(n, a->out_step, t);
    MPI_Aint at = base + (MPI_Aint)a->at;
    /* Nothing is read where nothing is combined. */
    void *in = a->op == MPI_NO_OP ? NULL : a->in;

    a->request = MPI_REQUEST_NULL;
    switch (a->call) {
    case PUT:
        OK(MPI_Put(a->in, 1, here, to, at, 1, there, win));
        break;
    case GET:
        OK(MPI_Get(a->out, 1, back, to, at, 1, there, win));
        break;
    case RPUT:
        OK(MPI_Rput(a->in, 1, here, to, at, 1, there, win, &a->request));
        break;
    case RGET:
        OK(MPI_Rget(a->out, 1, back, to, at, 1, there, win, &a->request));
        break;
    case ACCUMULATE:
        OK(MPI_Accumulate(a->in, 1, here, to, at, 1, there, a->op, win));
        break;
    case RACCUMULATE:
        OK(MPI_Raccumulate(a->in, 1, here, to, at, 1, there, a->op, win, &a->request));
        break;
    case GET_ACCUMULATE:
        OK(MPI_Get_accumulate(in, in ? 1 : 0, here, a->out, 1, back, to, at, 1, there, a->op, win));
        break;
    case RGET_ACCUMULATE:
        OK(MPI_Rget_accumulate(in, in ? 1 : 0, here, a->out, 1, back, to, at, 1, there, a->op, win,
                               &a->request));
        break;
    case FETCH_AND_OP:
        OK(MPI_Fetch_and_op(in, a->out, t, to, at, a->op, win));
        break;
    default:
        OK(MPI_Compare_and_swap(a->in, a->compare, a->out, t, to, at, win));
    }
    MPI_Type_free(&there);
    MPI_Type_free(&here);
    MPI_Type_free(&back);
}

static void check_act(const struct act *a, const char *what)
{
    size_t extent = a->kind->extent;

    if (!has_result(a->call))
        return;
    for (int i = 0; i < a->count; i++)
        if (!kind_same(a->kind, a->out + (size_t)(i * a->out_step) * extent,
                       a->want + (size_t)i * extent, 1)) {
            CHECK(0, "%s: %s of %d elements of %s brought something else at %d", what,
                  call_name[a->call], a->count, a->kind->name, i);
            return;
        }
}

static void check_memory(const char *mem, const char *what)
{
    const char *m = model + (size_t)win_rank * bytes;

    for (int k = 0; k < kind_count; k++) {
        size_t at = slice_at(k, 0);
        CHECK(kind_same(&kinds[k], mem + at, m + at, win_size * slots), "%s: memory of %s", what,
              kinds[k].name);
    }
}

/* ---- What all add to at the same time ---- */

/* Of a window, as they must be: small numbers, so that all of them are exact. */
struct shares {
    int64_t ticket;
    double d;
    float f;
    int32_t i;
    int16_t h;
};
_Static_assert(sizeof(struct shares) + 16 <= SHARE_ROOM, "room for the shares");

static struct shares *shares; /* [target] */
static int64_t ticket;        /* that this rank has drawn */

/* In the model; `n` is what this origin adds. */
static void share_in_model(int target, int n)
{
    struct shares *h = &shares[target];

    h->ticket++;
    h->d += n;
    h->f += (float)n;
    h->i += n;
    h->h = (int16_t)(h->h + n);
}

static void share(MPI_Win win, MPI_Aint base, int target, int n)
{
    static const int64_t one = 1;
    static double d;
    static float f;
    static int32_t i;
    static int16_t h;
    MPI_Aint at = base + misaligned;

    d = f = (float)n;
    h = (int16_t)(i = n);
    OK(MPI_Fetch_and_op(&one, &ticket, MPI_INT64_T, target,
                        at + (MPI_Aint)offsetof(struct shares, ticket), MPI_SUM, win));
    OK(MPI_Accumulate(&d, 1, MPI_DOUBLE, target, at + (MPI_Aint)offsetof(struct shares, d), 1,
                      MPI_DOUBLE, MPI_SUM, win));
    OK(MPI_Accumulate(&f, 1, MPI_FLOAT, target, at + (MPI_Aint)offsetof(struct shares, f), 1,
                      MPI_FLOAT, MPI_SUM, win));
    OK(MPI_Accumulate(&i, 1, MPI_INT32_T, target, at + (MPI_Aint)offsetof(struct shares, i), 1,
                      MPI_INT32_T, MPI_SUM, win));
    OK(MPI_Accumulate(&h, 1, MPI_INT16_T, target, at + (MPI_Aint)offsetof(struct shares, h), 1,
                      MPI_INT16_T, MPI_SUM, win));
}

/* The sum and the sum of squares of the numbers from 0 on, `n` of them. */
static void add_tickets(int64_t n, int64_t sums[2])
{
    for (int64_t i = 0; i < n; i++) {
        sums[0] += i;
        sums[1] += i * i;
    }
}

static void check_shares(const char *mem, const int64_t before[], const char *what)
{
    struct shares have;
    int64_t drawn[2] = {ticket, ticket * ticket}, all[2], want[2] = {0, 0};

    memcpy(&have, mem + misaligned, sizeof have);
    CHECK(have.ticket == shares[win_rank].ticket && have.d == shares[win_rank].d &&
              have.f == shares[win_rank].f && have.i == shares[win_rank].i &&
              have.h == shares[win_rank].h,
          "%s: an update is lost: %g %g %d %d, want %g", what, have.d, (double)have.f, have.i,
          have.h, shares[win_rank].d);
    MPI_Allreduce(drawn, all, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    for (int t = 0; t < win_size; t++) {
        int64_t begin[2] = {0, 0}, end[2] = {0, 0};
        add_tickets(before[t], begin);
        add_tickets(shares[t].ticket, end);
        want[0] += end[0] - begin[0];
        want[1] += end[1] - begin[1];
    }
    CHECK(all[0] == want[0] && all[1] == want[1], "%s: a ticket was drawn twice", what);
}

/* ---- Epochs ---- */

enum epoch { FENCE, LOCK, LOCK_ALL, PSCW, EPOCHS };
static const char *const epoch_name[] = {"fence", "lock", "lock_all", "pscw"};

/* Those whose target this rank is, or all: who may start when this one has posted. */
static MPI_Group partners(MPI_Win win, const int *target, bool few)
{
    MPI_Group all, some;
    int ranks[64], n = 0;

    MPI_Win_get_group(win, &all);
    for (int o = 0; o < win_size; o++)
        if (!few || target[o] == win_rank)
            ranks[n++] = o;
    MPI_Group_incl(all, n, ranks, &some);
    MPI_Group_free(&all);
    return some;
}

/* `hints`: random bits, the same on all ranks, for assertions that hold. */
static void epoch_open(MPI_Win win, enum epoch e, const int *target, int hints)
{
    int mine = target[win_rank];
    MPI_Group origins, targets, all;

    if (e == FENCE) {
        OK(MPI_Win_fence(hints & 1 ? MPI_MODE_NOPRECEDE | MPI_MODE_NOSTORE : 0, win));
    } else if (e == LOCK) {
        OK(MPI_Win_lock(win_rank % 2 ? MPI_LOCK_SHARED : MPI_LOCK_EXCLUSIVE, mine, 0, win));
    } else if (e == LOCK_ALL) {
        OK(MPI_Win_lock_all(hints & 1 ? MPI_MODE_NOCHECK : 0, win));
    } else {
        int check = hints & 2 ? MPI_MODE_NOCHECK : 0;
        origins = partners(win, target, hints & 1);
        MPI_Win_get_group(win, &all);
        if (hints & 1)
            MPI_Group_incl(all, 1, &mine, &targets);
        else
            MPI_Group_incl(all, 0, NULL, &targets);
        OK(MPI_Win_post(origins, check, win));
        if (check)
            MPI_Barrier(MPI_COMM_WORLD);
        OK(MPI_Win_start(hints & 1 ? targets : all, check, win));
        MPI_Group_free(&origins);
        MPI_Group_free(&targets);
        MPI_Group_free(&all);
    }
}

static void epoch_close(MPI_Win win, enum epoch e, int target, int hints)
{
    int done = 0;

    if (e == FENCE) {
        OK(MPI_Win_fence(MPI_MODE_NOSUCCEED, win));
    } else if (e == LOCK) {
        OK(MPI_Win_unlock(target, win));
    } else if (e == LOCK_ALL) {
        OK(MPI_Win_unlock_all(win));
    } else {
        OK(MPI_Win_complete(win));
        if (hints & 4)
            OK(MPI_Win_wait(win));
        while (!(hints & 4) && !done)
            OK(MPI_Win_test(win, &done));
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* In the middle of a passive epoch: what was issued so far is done here afterwards. */
static void flush(MPI_Win win, int target, int how, struct act *acts, int n, const char *what)
{
    switch (how) {
    case 0:
        OK(MPI_Win_flush(target, win));
        break;
    case 1:
        OK(MPI_Win_flush_local(target, win));
        break;
    case 2:
        OK(MPI_Win_flush_all(win));
        break;
    case 3:
        OK(MPI_Win_flush_local_all(win));
        break;
    default:
        return;
    }
    for (int i = 0; i < n; i++)
        check_act(&acts[i], what);
}

static struct act mine[MOST], other;

/* Everybody's operations in the model, and this rank's in `mine`. Their number. */
static int plan(bool locked, int *target, int *added, uint64_t *s)
{
    int count = 0;

    for (int o = 0; o < win_size; o++) {
        int kind = test_below(s, kind_count);
        bool accumulates = test_below(s, 3) > 0;
        int n = accumulates ? 1 + test_below(s, MOST) : 1;

        target[o] = test_below(s, win_size);
        added[o] = test_below(s, 9) - 4;
        for (int i = 0; i < n; i++) {
            struct act *a = o == win_rank ? &mine[i] : &other;
            a->target = target[o];
            choose(a, o, kind, accumulates, locked, s);
            in_model(a);
        }
        share_in_model(target[o], added[o]);
        operations += n + SHARES;
        if (o == win_rank)
            count = n;
    }
    return count;
}

static void round_of(MPI_Win win, const char *mem, const MPI_Aint *bases, enum epoch e, uint64_t *s,
                     const char *what)
{
    bool locked = e == LOCK || e == LOCK_ALL;
    int target[64], added[64], hints = test_below(s, 8);
    int64_t before[64];

    for (int t = 0; t < win_size; t++)
        before[t] = shares[t].ticket;
    int count = plan(locked, target, added, s), flushes = test_below(s, 1 << 12);
    int to = target[win_rank];
    epoch_open(win, e, target, hints);
    for (int i = 0; i < count; i++) {
        issue(&mine[i], win, bases[to]);
        if (i == 0)
            share(win, bases[to], to, added[win_rank]);
        if (locked)
            flush(win, to, flushes >> 3 * i & 7, mine, i + 1, what);
    }
    for (int i = 0; i < count; i++)
        OK(MPI_Wait(&mine[i].request, MPI_STATUS_IGNORE));
    epoch_close(win, e, to, hints);
    for (int i = 0; i < count; i++)
        check_act(&mine[i], what);
    check_memory(mem, what);
    check_shares(mem, before, what);
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
    memset(shares, 0, sizeof *shares * (size_t)win_size);
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

/* Slices of so many elements from here on. */
static void resize(int n)
{
    slots = n;
    misaligned = 0;
    bytes = (slice_at(kind_count, 0) + 127) / 64 * 64;
    free(model);
    model = malloc(bytes * (size_t)win_size);
}

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? atol(argv[1]) : 200, windows = 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 4711;

    test_begin();
    kind_count = kinds_make(kinds);
    shares = malloc(sizeof *shares * (size_t)win_size);
    for (int i = 0; i < MOST; i++)
        act_open(&mine[i]);
    act_open(&other);
    while (operations < wanted * win_size)
        for (int f = 0; f < FLAVOURS; f++) {
            bool longer = ++windows % 9 == 0;
            resize(longer ? SLOTS_LONG : SLOTS);
            misaligned = test_below(&seed, 3) ? 0 : test_below(&seed, 16);
            window_of((enum flavour)f, test_below(&seed, 2) * 64, longer ? 4 : 20, &seed);
        }
    if (!win_rank && argc > 1)
        printf("%d ranks, %ld operations\n", win_size, operations);
    for (int i = 0; i < MOST; i++)
        free(mine[i].in);
    free(other.in);
    free(shares);
    free(model);
    return test_end();
}
