/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random operations on windows of every flavour in epochs of every kind, against a model that every
 * rank keeps of all windows. Within an epoch each origin has a slice of each target to itself for
 * puts, gets and fetches, whose result is then known, and all share one part that they add to.
 *
 *     win_fuzz [rounds [seed]]
 */
#include "win_test.h"

enum { SLICE = 96, SHARED_PART = 64, OPS = 6, BIG = 5000 };
enum epoch { FENCE, LOCK, LOCK_ALL, PSCW, EPOCHS };
static const char *const epoch_name[] = {"fence", "lock", "lock_all", "pscw"};

/* A pattern of ints: count blocks of len, each stride after the last. */
struct shape {
    int count, len, stride;
};

struct result {
    int *got, *want;
    int n;
};

static int *model; /* [target][ints] */
static MPI_Aint ints;
static struct result results[OPS];
static int result_count;

static int *model_of(int target)
{
    return model + (MPI_Aint)target * ints;
}

static struct shape random_shape(uint64_t *s, int room)
{
    struct shape h;

    h.len = 1 + test_below(s, 4);
    h.stride = h.len + test_below(s, 4);
    h.count = 1 + test_below(s, (room - h.len) / h.stride + 1);
    return h;
}

static MPI_Datatype shape_type(struct shape h)
{
    MPI_Datatype t;

    MPI_Type_vector(h.count, h.len, h.stride, MPI_INT, &t);
    MPI_Type_commit(&t);
    return t;
}

static int shape_at(struct shape h, int i)
{
    return i / h.len * h.stride + i % h.len;
}

static void expect(int *got, int *want, int n)
{
    results[result_count++] = (struct result){got, want, n};
}

static int apply(int kind, int old, int in)
{
    switch (kind) {
    case 0: /* put and replace */
    case 1:
        return in;
    case 2:
        return old + in;
    case 3:
        return old > in ? old : in;
    case 4:
        return old ^ in;
    default:
        return old;
    }
}

static MPI_Op op_of(int kind)
{
    static MPI_Op ops[6];

    ops[0] = ops[1] = MPI_REPLACE;
    ops[2] = MPI_SUM;
    ops[3] = MPI_MAX;
    ops[4] = MPI_BXOR;
    ops[5] = MPI_NO_OP;
    return ops[kind];
}

/*
 * One operation of `origin` on the target's elements first + shape. All ranks compute it in the
 * model, the origin also issues it. kind 0 put, 1..5 get_accumulate with an operator, 6 get, 7
 * accumulate.
 */
static void operate(struct test_win *w, enum flavour f, int origin, int target, int first,
                    struct shape h, int kind, uint64_t *s)
{
    int n = h.count * h.len, acc = 2 + test_below(s, 3), seed = test_below(s, 1000);
    int *in = malloc((size_t)n * 2 * sizeof *in), *out = NULL, *want = NULL;
    int *m = model_of(target) + first, me = origin == win_rank;
    MPI_Datatype there, here;
    MPI_Aint disp = test_disp(w, f, target, first);

    for (int i = 0; i < 2 * n; i++)
        in[i] = seed * 7 + i + origin;
    if (kind && kind != 7) {
        out = malloc((size_t)n * sizeof *out);
        want = malloc((size_t)n * sizeof *want);
        memset(out, 0xee, (size_t)n * sizeof *out);
    }
    for (int i = 0; i < n; i++) {
        int *e = &m[shape_at(h, i)];
        if (want)
            want[i] = *e;
        if (kind != 6)
            *e = apply(kind == 7 ? acc : kind, *e, in[2 * i]);
    }
    if (me) {
        there = shape_type(h);
        MPI_Type_vector(n, 1, 2, MPI_INT, &here); /* every second int of the origin's buffer */
        MPI_Type_commit(&here);
        if (kind == 0)
            OK(MPI_Put(in, 1, here, target, disp, 1, there, w->win));
        else if (kind == 6)
            OK(MPI_Get(out, n, MPI_INT, target, disp, 1, there, w->win));
        else if (kind == 7)
            OK(MPI_Accumulate(in, 1, here, target, disp, 1, there, op_of(acc), w->win));
        else
            OK(MPI_Get_accumulate(in, 1, here, out, n, MPI_INT, target, disp, 1, there, op_of(kind),
                                  w->win));
        /* The types may go at once; the buffers stay until the epoch ends. */
        MPI_Type_free(&there);
        MPI_Type_free(&here);
        expect(out, want, n);
        results[result_count - 1].n = out ? n : 0;
        if (!out)
            results[result_count - 1].got = in;
        else
            results[result_count++] = (struct result){in, NULL, 0};
    } else {
        free(in);
        free(out);
        free(want);
    }
}

static void check_results(const char *what)
{
    for (int r = 0; r < result_count; r++) {
        for (int i = 0; i < results[r].n; i++)
            if (results[r].got[i] != results[r].want[i]) {
                CHECK(results[r].got[i] == results[r].want[i], "%s: fetched %d, want %d at %d",
                      what, results[r].got[i], results[r].want[i], i);
                break;
            }
        free(results[r].got);
        free(results[r].want);
    }
    result_count = 0;
}

static void check_memory(const struct test_win *w, const char *what)
{
    const int *m = model_of(win_rank);

    for (MPI_Aint i = 0; i < ints; i++)
        if (w->mem[i] != m[i]) {
            CHECK(w->mem[i] == m[i], "%s: int %ld is %d, want %d", what, (long)i, w->mem[i], m[i]);
            break;
        }
}

/* ---- Epochs ---- */

static void epoch_open(MPI_Win win, enum epoch e, int target)
{
    MPI_Group group;

    switch (e) {
    case FENCE:
        OK(MPI_Win_fence(0, win));
        break;
    case LOCK:
        OK(MPI_Win_lock(win_rank % 2 ? MPI_LOCK_SHARED : MPI_LOCK_EXCLUSIVE, target, 0, win));
        break;
    case LOCK_ALL:
        OK(MPI_Win_lock_all(0, win));
        break;
    default:
        MPI_Win_get_group(win, &group);
        OK(MPI_Win_post(group, 0, win));
        OK(MPI_Win_start(group, 0, win));
        MPI_Group_free(&group);
    }
}

static void epoch_close(MPI_Win win, enum epoch e, int target)
{
    switch (e) {
    case FENCE:
        OK(MPI_Win_fence(MPI_MODE_NOSUCCEED, win));
        break;
    case LOCK:
        OK(MPI_Win_unlock(target, win));
        MPI_Barrier(MPI_COMM_WORLD);
        break;
    case LOCK_ALL:
        OK(MPI_Win_flush_all(win));
        OK(MPI_Win_unlock_all(win));
        MPI_Barrier(MPI_COMM_WORLD);
        break;
    default:
        OK(MPI_Win_complete(win));
        OK(MPI_Win_wait(win));
    }
    OK(MPI_Win_sync(win));
}

/* One epoch: everybody's operations, the slices first and then the shared part. */
static void round_of(struct test_win *w, enum flavour f, enum epoch e, uint64_t *seed)
{
    int target[64], sum[SHARED_PART], n = 1 + test_below(seed, SHARED_PART);
    char what[64];

    snprintf(what, sizeof what, "%s, %s", flavour_name[f], epoch_name[e]);
    for (int o = 0; o < win_size; o++)
        target[o] = test_below(seed, win_size);
    epoch_open(w->win, e, target[win_rank]);
    for (int o = 0; o < win_size; o++) {
        struct shape h = random_shape(seed, SLICE);
        int kind = test_below(seed, 8);
        operate(w, f, o, target[o], SHARED_PART + o * SLICE, h, kind, seed);
    }
    for (int o = 0; o < win_size; o++)
        for (int i = 0; i < n; i++)
            model_of(target[o])[i] += o + i;
    for (int i = 0; i < n; i++)
        sum[i] = win_rank + i;
    OK(MPI_Accumulate(sum, n, MPI_INT, target[win_rank], test_disp(w, f, target[win_rank], 0), n,
                      MPI_INT, MPI_SUM, w->win));
    epoch_close(w->win, e, target[win_rank]);
    check_results(what);
    check_memory(w, what);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Longer than any message: put, accumulate and fetch of BIG ints to the neighbour. */
static void big(enum flavour f)
{
    int next = (win_rank + 1) % win_size, prev = (win_rank + win_size - 1) % win_size;
    struct test_win w;
    int *a = malloc(BIG * sizeof *a), *b = malloc(BIG * sizeof *b);

    test_win_open(&w, f, BIG);
    for (int i = 0; i < BIG; i++)
        a[i] = i * 3 + win_rank;
    OK(MPI_Win_lock_all(0, w.win));
    OK(MPI_Put(a, BIG, MPI_INT, next, test_disp(&w, f, next, 0), BIG, MPI_INT, w.win));
    OK(MPI_Win_flush(next, w.win));
    OK(MPI_Accumulate(a, BIG, MPI_INT, next, test_disp(&w, f, next, 0), BIG, MPI_INT, MPI_SUM,
                      w.win));
    OK(MPI_Get_accumulate(NULL, 0, MPI_INT, b, BIG, MPI_INT, next, test_disp(&w, f, next, 0), BIG,
                          MPI_INT, MPI_NO_OP, w.win));
    OK(MPI_Win_unlock_all(w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < BIG; i++) {
        CHECK(w.mem[i] == 2 * (i * 3 + prev), "%s: big: int %d is %d", flavour_name[f], i,
              w.mem[i]);
        CHECK(b[i] == 2 * a[i], "%s: big: fetched %d at %d", flavour_name[f], b[i], i);
    }
    test_win_close(&w, f);
    free(a);
    free(b);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 12345;

    test_begin();
    ints = SHARED_PART + (MPI_Aint)win_size * SLICE;
    model = malloc((size_t)(ints * win_size) * sizeof *model);
    for (int f = 0; f < FLAVOURS; f++) {
        struct test_win w;
        test_win_open(&w, f, ints);
        memset(model, 0, (size_t)(ints * win_size) * sizeof *model);
        for (int e = 0; e < EPOCHS; e++)
            for (int r = 0; r < rounds; r++)
                round_of(&w, f, e, &seed);
        test_win_close(&w, f);
        big(f);
    }
    free(model);
    return test_end();
}
