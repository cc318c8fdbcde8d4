/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All ranks want the same: the lock on rank 0's memory, around a counter that is read, increased
 * and written, and the elements of an array, added to by types and operators that must not mix up.
 * Then more operations with a request than any provider has room for.
 *
 *     win_contend [locks [requests]]
 */
#include "win_test.h"

enum { SUMS = 9 };

static int locks, requests;

/* ---- Yields of the processor by this process, ever ---- */

static MPI_T_pvar_session session;
static MPI_T_pvar_handle counter;

static void yields_open(void)
{
    int index, count, provided;

    OK(MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided));
    OK(MPI_T_pvar_get_index("wait_yields", MPI_T_PVAR_CLASS_COUNTER, &index));
    OK(MPI_T_pvar_session_create(&session));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &counter, &count));
    OK(MPI_T_pvar_start(session, counter));
}

static void yields_close(void)
{
    OK(MPI_T_pvar_handle_free(session, &counter));
    OK(MPI_T_pvar_session_free(&session));
    OK(MPI_T_finalize());
}

static unsigned long long yields(void)
{
    unsigned long long n = 0;

    OK(MPI_T_pvar_read(session, counter, &n));
    return n;
}

/* ---- What all want ---- */

/* Nobody else wants it, so there is nothing to wait for. */
static void alone(const struct test_win *w)
{
    unsigned long long begin = yields();

    for (int i = 0; win_one_host && i < locks; i++) {
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, win_rank, 0, w->win));
        OK(MPI_Win_unlock(win_rank, w->win));
    }
    CHECK(yields() == begin, "%llu yields for %d locks that were free", yields() - begin, locks);
}

/*
 * How unevenly the lock went round: most and least that a rank had when the first was through; and
 * the yields of all ranks for it.
 */
static void spread(const struct test_win *w, unsigned long long yielded)
{
    unsigned long long all = 0;
    int least = locks, most = 0;

    MPI_Reduce(&yielded, &all, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
    if (win_rank)
        return;
    for (int i = 0; i < win_size; i++) {
        if (w->mem[2 + i] < least)
            least = w->mem[2 + i];
        if (w->mem[2 + i] > most)
            most = w->mem[2 + i];
    }
    printf(
        "%d ranks, %d locks each, %.2f yields a lock: when the first had all of its own the others "
        "had %d to %d\n",
        win_size, locks, (double)all / win_size / locks, least, most);
}

static void exclusive(enum flavour f)
{
    struct test_win w;
    int value, done, stop, one = 1;
    unsigned long long begin;

    test_win_open(&w, f, 2 + win_size);
    alone(&w);
    MPI_Barrier(MPI_COMM_WORLD);
    begin = yields();
    for (int i = 0; i < locks; i++) {
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, w.win));
        OK(MPI_Get(&value, 1, MPI_INT, 0, test_disp(&w, f, 0, 0), 1, MPI_INT, w.win));
        OK(MPI_Get(&stop, 1, MPI_INT, 0, test_disp(&w, f, 0, 1), 1, MPI_INT, w.win));
        OK(MPI_Win_flush(0, w.win));
        value++;
        OK(MPI_Put(&value, 1, MPI_INT, 0, test_disp(&w, f, 0, 0), 1, MPI_INT, w.win));
        done = i + 1;
        if (!stop)
            OK(MPI_Put(&done, 1, MPI_INT, 0, test_disp(&w, f, 0, 2 + win_rank), 1, MPI_INT, w.win));
        if (done == locks)
            OK(MPI_Put(&one, 1, MPI_INT, 0, test_disp(&w, f, 0, 1), 1, MPI_INT, w.win));
        OK(MPI_Win_unlock(0, w.win));
    }
    begin = yields() - begin;
    MPI_Barrier(MPI_COMM_WORLD);
    if (!win_rank)
        CHECK(w.mem[0] == locks * win_size, "%s: counted to %d, want %d", flavour_name[f], w.mem[0],
              locks * win_size);
    spread(&w, begin);
    test_win_close(&w, f);
}

/* Shared locks do not keep each other out, exclusive ones keep everybody out. */
static void shared(void)
{
    struct test_win w;
    int in[2];

    test_win_open(&w, ALLOCATE, 2);
    for (int i = 0; i < locks / 10; i++) {
        int writer = (i + win_rank) % 4 == 0, both[2] = {i, i};

        OK(MPI_Win_lock(writer ? MPI_LOCK_EXCLUSIVE : MPI_LOCK_SHARED, 0, 0, w.win));
        if (writer) {
            OK(MPI_Put(&both[0], 1, MPI_INT, 0, 0, 1, MPI_INT, w.win));
            OK(MPI_Win_flush(0, w.win));
            OK(MPI_Put(&both[1], 1, MPI_INT, 0, 1, 1, MPI_INT, w.win));
        } else {
            OK(MPI_Get(&in[0], 1, MPI_INT, 0, 0, 1, MPI_INT, w.win));
            OK(MPI_Get(&in[1], 1, MPI_INT, 0, 1, 1, MPI_INT, w.win));
            OK(MPI_Win_flush(0, w.win));
            CHECK(in[0] == in[1], "read %d and %d while somebody wrote", in[0], in[1]);
        }
        OK(MPI_Win_unlock(0, w.win));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    test_win_close(&w, ALLOCATE);
}

/* Every element gets a sum from every rank, `locks` times; none may be lost. */
static void sums(int flavour)
{
    static const MPI_Aint at[SUMS] = {0, 8, 16, 24, 32, 48, 64, 96, 129};
    char *mem, *mine = calloc(1, 256);
    MPI_Win win;
    signed char c = 1;
    short s = 1;
    int i = 1, back;
    long l = 1, old;
    float f = 1;
    double d = 1;
    double dc[2] = {1, -1};
    long double ld = 1;
    struct {
        double value;
        int index;
    } best;

    if (flavour == CREATE)
        MPI_Win_create(mem = mine, 256, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
    else
        MPI_Win_allocate(256, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mem, &win);
    memset(mem, 0, 256);
    MPI_Barrier(MPI_COMM_WORLD);
    OK(MPI_Win_lock_all(0, win));
    for (int n = 0; n < locks; n++) {
        OK(MPI_Accumulate(&c, 1, MPI_SIGNED_CHAR, 0, at[0], 1, MPI_SIGNED_CHAR, MPI_SUM, win));
        OK(MPI_Accumulate(&s, 1, MPI_SHORT, 0, at[1], 1, MPI_SHORT, MPI_SUM, win));
        OK(MPI_Get_accumulate(&i, 1, MPI_INT, &back, 1, MPI_INT, 0, at[2], 1, MPI_INT, MPI_SUM,
                              win));
        OK(MPI_Fetch_and_op(&l, &old, MPI_LONG, 0, at[3], MPI_SUM, win));
        OK(MPI_Accumulate(&f, 1, MPI_FLOAT, 0, at[4], 1, MPI_FLOAT, MPI_SUM, win));
        OK(MPI_Accumulate(dc, 1, MPI_C_DOUBLE_COMPLEX, 0, at[5], 1, MPI_C_DOUBLE_COMPLEX, MPI_SUM,
                          win));
        OK(MPI_Accumulate(&ld, 1, MPI_LONG_DOUBLE, 0, at[6], 1, MPI_LONG_DOUBLE, MPI_SUM, win));
        best.value = n;
        best.index = win_rank;
        OK(MPI_Accumulate(&best, 1, MPI_DOUBLE_INT, 0, at[7], 1, MPI_DOUBLE_INT, MPI_MAXLOC, win));
        OK(MPI_Accumulate(&d, 1, MPI_DOUBLE, 0, at[8], 1, MPI_DOUBLE, MPI_SUM, win));
        OK(MPI_Win_flush_local(0, win));
    }
    OK(MPI_Win_unlock_all(win));
    MPI_Barrier(MPI_COMM_WORLD);
    if (!win_rank) {
        int all = locks * win_size;

        CHECK(*(signed char *)(mem + at[0]) == (signed char)all, "chars: %d", mem[at[0]]);
        CHECK(*(short *)(mem + at[1]) == (short)all, "shorts: %d", *(short *)(mem + at[1]));
        CHECK(*(int *)(mem + at[2]) == all, "ints: %d", *(int *)(mem + at[2]));
        CHECK(*(long *)(mem + at[3]) == all, "longs: %ld", *(long *)(mem + at[3]));
        CHECK(*(float *)(mem + at[4]) == all, "floats: %f", *(float *)(mem + at[4]));
        memcpy(dc, mem + at[5], sizeof dc);
        CHECK(dc[0] == all && dc[1] == -all, "complex numbers: %f %f", dc[0], dc[1]);
        CHECK(*(long double *)(mem + at[6]) == all, "long doubles");
        memcpy(&best, mem + at[7], sizeof best);
        CHECK(best.value == locks - 1, "the most: %f", best.value);
        memcpy(&d, mem + at[8], sizeof d);
        CHECK(d == all, "doubles that are not aligned: %f", d);
    }
    MPI_Win_free(&win);
    free(mine);
}

static void outstanding(enum flavour f)
{
    struct test_win w;
    MPI_Request *r = malloc((size_t)requests * sizeof *r);
    int *v = malloc((size_t)requests * sizeof *v), next = (win_rank + 1) % win_size;

    test_win_open(&w, f, 1000);
    OK(MPI_Win_lock_all(0, w.win));
    for (int i = 0; i < requests; i++) {
        v[i] = i;
        OK(MPI_Rput(&v[i], 1, MPI_INT, next, test_disp(&w, f, next, i % 1000), 1, MPI_INT, w.win,
                    &r[i]));
    }
    for (int i = 0; i < requests; i++)
        OK(MPI_Wait(&r[i], MPI_STATUS_IGNORE));
    OK(MPI_Win_unlock_all(w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < 1000 && i < requests; i++)
        CHECK(w.mem[i] % 1000 == i, "%s: int %d is %d", flavour_name[f], i, w.mem[i]);
    test_win_close(&w, f);
    free(r);
    free(v);
}

int main(int argc, char **argv)
{
    locks = argc > 1 ? atoi(argv[1]) : 300;
    requests = argc > 2 ? atoi(argv[2]) : 3000;
    test_begin();
    yields_open();
    exclusive(ALLOCATE);
    exclusive(CREATE);
    shared();
    sums(ALLOCATE);
    sums(CREATE);
    outstanding(ALLOCATE);
    outstanding(CREATE);
    yields_close();
    return test_end();
}
