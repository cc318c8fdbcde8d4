/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What many ranks do at once to one place: counters by fetch_and_op, by compare_and_swap and under
 * a lock are exact; request forms; every predefined arithmetic type; pair types with gaps.
 *
 *     win_atomic [times]
 */
#include <unistd.h>

#include "win_test.h"

static int times = 50;

static void counters(enum flavour f)
{
    struct test_win w;
    int one = 1, old, last = -1, want, new, seen;
    MPI_Aint disp[3];

    test_win_open(&w, f, 3);
    for (int i = 0; i < 3; i++)
        disp[i] = test_disp(&w, f, 0, i);
    OK(MPI_Win_lock_all(0, w.win));
    for (int i = 0; i < times; i++) {
        OK(MPI_Fetch_and_op(&one, &old, MPI_INT, 0, disp[0], MPI_SUM, w.win));
        OK(MPI_Win_flush(0, w.win));
        CHECK(old > last, "%s: fetched %d after %d", flavour_name[f], old, last);
        last = old;
    }
    for (int i = 0; i < times; i++) {
        OK(MPI_Fetch_and_op(NULL, &seen, MPI_INT, 0, disp[1], MPI_NO_OP, w.win));
        OK(MPI_Win_flush(0, w.win));
        do {
            want = seen;
            new = want + 1;
            OK(MPI_Compare_and_swap(&new, &want, &seen, MPI_INT, 0, disp[1], w.win));
            OK(MPI_Win_flush(0, w.win));
        } while (seen != want && !win_failed);
    }
    OK(MPI_Win_unlock_all(w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < times; i++) {
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, w.win));
        OK(MPI_Get(&old, 1, MPI_INT, 0, disp[2], 1, MPI_INT, w.win));
        OK(MPI_Win_flush(0, w.win));
        old++;
        usleep(200); /* so that a lock that does not exclude is seen */
        OK(MPI_Put(&old, 1, MPI_INT, 0, disp[2], 1, MPI_INT, w.win));
        OK(MPI_Win_unlock(0, w.win));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    OK(MPI_Win_lock(MPI_LOCK_SHARED, win_rank, 0, w.win));
    OK(MPI_Win_unlock(win_rank, w.win));
    for (int i = 0; !win_rank && i < 3; i++)
        CHECK(w.mem[i] == times * win_size, "%s: counter %d is %d, want %d", flavour_name[f], i,
              w.mem[i], times * win_size);
    test_win_close(&w, f);
}

/* Many request operations in flight at once. */
static void requests(enum flavour f)
{
    enum { N = 300 };
    int next = (win_rank + 1) % win_size, prev = (win_rank + win_size - 1) % win_size;
    int a[N], b[N], c[N], d[N];
    MPI_Request r[N];
    struct test_win w;

    test_win_open(&w, f, N);
    for (int i = 0; i < N; i++)
        a[i] = i + 10 * win_rank;
    OK(MPI_Win_lock_all(MPI_MODE_NOCHECK, w.win));
    for (int i = 0; i < N; i++)
        OK(MPI_Rput(&a[i], 1, MPI_INT, next, test_disp(&w, f, next, i), 1, MPI_INT, w.win, &r[i]));
    OK(MPI_Waitall(N, r, MPI_STATUSES_IGNORE));
    OK(MPI_Win_flush_all(w.win));
    for (int i = 0; i < N; i++)
        OK(MPI_Rget(&b[i], 1, MPI_INT, next, test_disp(&w, f, next, i), 1, MPI_INT, w.win, &r[i]));
    OK(MPI_Waitall(N, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < N; i++)
        OK(MPI_Raccumulate(&a[i], 1, MPI_INT, next, test_disp(&w, f, next, i), 1, MPI_INT, MPI_SUM,
                           w.win, &r[i]));
    OK(MPI_Waitall(N, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < N; i++)
        OK(MPI_Rget_accumulate(&a[i], 1, MPI_INT, &c[i], 1, MPI_INT, next,
                               test_disp(&w, f, next, i), 1, MPI_INT, MPI_PROD, w.win, &r[i]));
    OK(MPI_Waitall(N, r, MPI_STATUSES_IGNORE));
    OK(MPI_Rget(d, 1, MPI_INT, MPI_PROC_NULL, 0, 1, MPI_INT, w.win, r));
    OK(MPI_Wait(r, MPI_STATUS_IGNORE));
    OK(MPI_Win_unlock_all(w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < N; i++) {
        int v = i + 10 * prev;
        CHECK(b[i] == a[i] && c[i] == 2 * a[i], "%s: got %d and %d, want %d and twice that",
              flavour_name[f], b[i], c[i], a[i]);
        CHECK(w.mem[i] == 2 * v * v, "%s: int %d is %d, want %d", flavour_name[f], i, w.mem[i],
              2 * v * v);
    }
    test_win_close(&w, f);
}

#define SUMS(T, mpi)                                                                               \
    do {                                                                                           \
        T *m, in[50];                                                                              \
        MPI_Win win;                                                                               \
        MPI_Win_allocate(50 * sizeof(T), sizeof(T), MPI_INFO_NULL, MPI_COMM_WORLD, &m, &win);      \
        for (int i = 0; i < 50; i++) {                                                             \
            in[i] = (T)(i % 3);                                                                    \
            m[i] = (T)1;                                                                           \
        }                                                                                          \
        OK(MPI_Win_fence(0, win));                                                                 \
        OK(MPI_Accumulate(in, 50, mpi, 0, 0, 50, mpi, MPI_SUM, win));                              \
        OK(MPI_Win_fence(0, win));                                                                 \
        for (int i = 0; !win_rank && i < 50; i++)                                                  \
            CHECK(m[i] == (T)(1 + win_size * (i % 3)), #mpi " is wrong at %d", i);                 \
        MPI_Win_free(&win);                                                                        \
    } while (0)

static void types(void)
{
    SUMS(signed char, MPI_SIGNED_CHAR);
    SUMS(short, MPI_SHORT);
    SUMS(unsigned, MPI_UNSIGNED);
    SUMS(long long, MPI_LONG_LONG);
    SUMS(float, MPI_FLOAT);
    SUMS(double, MPI_DOUBLE);
    SUMS(long double, MPI_LONG_DOUBLE);
    SUMS(double _Complex, MPI_C_DOUBLE_COMPLEX);
    SUMS(uint8_t, MPI_UINT8_T);
    SUMS(int64_t, MPI_INT64_T);
}

/* The greatest value and the rank that has it, in types with room between or after the members. */
static void pairs(void)
{
    enum { N = 1000 };
    struct short_int {
        short v;
        int i;
    } * s, ins[N], olds[N];
    struct double_int {
        double v;
        int i;
    } * d, ind[N];
    MPI_Win ws, wd;
    MPI_Datatype every;

    MPI_Win_allocate(N * sizeof *s, sizeof *s, MPI_INFO_NULL, MPI_COMM_WORLD, &s, &ws);
    MPI_Win_allocate(N * sizeof *d, sizeof *d, MPI_INFO_NULL, MPI_COMM_WORLD, &d, &wd);
    for (int i = 0; i < N; i++) {
        ins[i] = (struct short_int){(short)((win_rank * 7 + i) % win_size), win_rank};
        ind[i] = (struct double_int){(win_rank * 5 + i) % win_size, win_rank};
        s[i] = (struct short_int){-1, -1};
        d[i] = (struct double_int){-1, -1};
    }
    MPI_Type_vector(N / 2, 1, 2, MPI_DOUBLE_INT, &every);
    MPI_Type_commit(&every);
    OK(MPI_Win_fence(0, ws));
    OK(MPI_Win_fence(0, wd));
    OK(MPI_Get_accumulate(ins, N, MPI_SHORT_INT, olds, N, MPI_SHORT_INT, 0, 0, N, MPI_SHORT_INT,
                          MPI_MAXLOC, ws));
    OK(MPI_Accumulate(ind, 1, every, 0, 0, 1, every, MPI_MAXLOC, wd));
    OK(MPI_Win_fence(0, ws));
    OK(MPI_Win_fence(0, wd));
    for (int i = 0; !win_rank && i < N; i++) {
        int bs = -1, bd = -1, rs = -1, rd = -1;
        for (int r = 0; r < win_size; r++) {
            if ((r * 7 + i) % win_size > bs)
                bs = (r * 7 + i) % win_size, rs = r;
            if (i % 2 == 0 && (r * 5 + i) % win_size > bd)
                bd = (r * 5 + i) % win_size, rd = r;
        }
        CHECK(s[i].v == bs && s[i].i == rs, "short_int %d is %d of %d, want %d of %d", i, s[i].v,
              s[i].i, bs, rs);
        CHECK(d[i].v == bd && d[i].i == rd, "double_int %d is %g of %d, want %d of %d", i, d[i].v,
              d[i].i, bd, rd);
    }
    MPI_Type_free(&every);
    MPI_Win_free(&ws);
    MPI_Win_free(&wd);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        times = atoi(argv[1]);
    test_begin();
    for (int f = 0; f < FLAVOURS; f++) {
        counters(f);
        requests(f);
    }
    types();
    pairs();
    return test_end();
}
