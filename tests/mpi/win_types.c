/* SPDX-License-Identifier: BSD-3-Clause */
/* Types that are not simply named ones with a buffer that has an address. */
#include "win_test.h"

/* One int, wherever it is: for MPI_BOTTOM. */
static MPI_Datatype absolute(const int *where)
{
    MPI_Datatype t;
    MPI_Aint at;
    int one = 1;

    MPI_Get_address(where, &at);
    MPI_Type_create_hindexed(1, &one, &at, MPI_INT, &t);
    MPI_Type_commit(&t);
    return t;
}

/* From this rank itself and from the next one: what is fetched arrives, by each call. */
static void bottom(enum flavour f)
{
    int give = 5, take = -1, next = (win_rank + 1) % win_size;
    MPI_Datatype from = absolute(&give), to = absolute(&take);
    struct test_win w;

    test_win_open(&w, f, 2);
    w.mem[0] = w.mem[1] = 40 + win_rank;
    OK(MPI_Win_fence(0, w.win));
    for (int i = 0, r = win_rank; i < 2; i++, r = next) {
        MPI_Aint at = test_disp(&w, f, r, i);
        OK(MPI_Get_accumulate(NULL, 0, MPI_INT, MPI_BOTTOM, 1, to, r, at, 1, MPI_INT, MPI_NO_OP,
                              w.win));
        OK(MPI_Win_fence(0, w.win));
        CHECK(take == 40 + r, "%s: MPI_NO_OP fetched %d from %d", flavour_name[f], take, r);
        take = -1;
        OK(MPI_Get_accumulate(MPI_BOTTOM, 1, from, MPI_BOTTOM, 1, to, r, at, 1, MPI_INT, MPI_SUM,
                              w.win));
        OK(MPI_Win_fence(0, w.win));
        CHECK(take == 40 + r, "%s: MPI_SUM fetched %d from %d", flavour_name[f], take, r);
        take = -1;
        OK(MPI_Get(MPI_BOTTOM, 1, to, r, at, 1, MPI_INT, w.win));
        OK(MPI_Win_fence(0, w.win));
        CHECK(take == 45 + r, "%s: got %d from %d", flavour_name[f], take, r);
        take = -1;
    }
    test_win_close(&w, f);
    MPI_Type_free(&from);
    MPI_Type_free(&to);
}

/* Types that precision and range name: their handles are of one process. */
static void by_precision(enum flavour f)
{
    int next = (win_rank + 1) % win_size, one = 1, two = 2, was = -1;
    float v = 3, got = 0;
    MPI_Datatype real, integer;
    struct test_win w;

    MPI_Type_create_f90_real(6, 30, &real);
    MPI_Type_create_f90_integer(9, &integer);
    test_win_open(&w, f, 2);
    MPI_Aint at = test_disp(&w, f, next, 0), after = test_disp(&w, f, next, 1);
    OK(MPI_Win_lock_all(0, w.win));
    OK(MPI_Put(&v, 1, real, next, at, 1, real, w.win));
    OK(MPI_Win_flush(next, w.win));
    OK(MPI_Accumulate(&v, 1, real, next, at, 1, real, MPI_SUM, w.win));
    OK(MPI_Win_flush(next, w.win));
    OK(MPI_Get(&got, 1, real, next, at, 1, real, w.win));
    OK(MPI_Win_flush(next, w.win));
    CHECK(got == 6, "%s: got %g", flavour_name[f], (double)got);
    OK(MPI_Fetch_and_op(&one, &was, integer, next, after, MPI_SUM, w.win));
    OK(MPI_Win_flush(next, w.win));
    CHECK(was == 0, "%s: fetched %d", flavour_name[f], was);
    OK(MPI_Compare_and_swap(&two, &one, &was, integer, next, after, w.win));
    OK(MPI_Win_flush(next, w.win));
    CHECK(was == 1, "%s: swapped %d", flavour_name[f], was);
    OK(MPI_Win_unlock_all(w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(w.mem[1] == 2, "%s: there is %d", flavour_name[f], w.mem[1]);
    test_win_close(&w, f);
}

/* Elements that C has no common name for, in a derived type. Nothing is added to nothing. */
static void wide(MPI_Datatype element)
{
    int next = (win_rank + 1) % win_size, size = 0;
    char give[64], take[64] = {0}, zero[64] = {0}, *mem;
    MPI_Datatype two;
    MPI_Win win;

    if (MPI_Type_size(element, &size) || size <= 0)
        return; /* the compiler has none */
    MPI_Type_contiguous(2, element, &two);
    MPI_Type_commit(&two);
    memset(give, win_rank + 1, sizeof give);
    OK(MPI_Win_allocate(2 * size, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mem, &win));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    memset(mem, 0, 2 * (size_t)size);
    OK(MPI_Win_fence(0, win));
    OK(MPI_Accumulate(zero, 1, two, next, 0, 1, two, MPI_SUM, win));
    OK(MPI_Win_fence(0, win));
    OK(MPI_Get_accumulate(give, 1, two, take, 1, two, next, 0, 1, two, MPI_REPLACE, win));
    OK(MPI_Win_fence(0, win));
    CHECK(!memcmp(take, zero, sizeof take), "elements of %d bytes: zero and zero are not", size);
    OK(MPI_Get(take, 1, two, next, 0, 1, two, win));
    OK(MPI_Win_fence(0, win));
    CHECK(!memcmp(take, give, 2 * (size_t)size), "elements of %d bytes are others", size);
    OK(MPI_Win_free(&win));
    MPI_Type_free(&two);
}

/*
 * What lies behind the members of a pair is no part of it: while others combine pairs, the first
 * rank has a number of its own there.
 */
static void holes(enum flavour f, MPI_Op op)
{
    enum { N = 32, TIMES = 200, SPIN = 1000 };
    struct {
        double value;
        int index, hole;
    } in[N], *pairs;
    int done = 0, lost = 0;
    MPI_Request all;
    struct test_win w;

    for (int i = 0; i < N; i++)
        in[i].value = -win_rank, in[i].index = i, in[i].hole = -1;
    test_win_open(&w, f, N * (MPI_Aint)(sizeof *in / sizeof(int)));
    pairs = (void *)w.mem;
    OK(MPI_Win_lock_all(0, w.win));
    for (int i = 0; win_rank && i < TIMES; i++) {
        OK(MPI_Accumulate(in, N, MPI_DOUBLE_INT, 0, test_disp(&w, f, 0, 0), N, MPI_DOUBLE_INT, op,
                          w.win));
        OK(MPI_Win_flush(0, w.win));
    }
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    for (int k = 1; !done; k++) {
        volatile int *hole = &pairs[N / 2].hole;
        if (!win_rank)
            *hole = k;
        for (int i = 0; !win_rank && i < SPIN && *hole == k; i++)
            ;
        lost += !win_rank && *hole != k;
        MPI_Test(&all, &done, MPI_STATUS_IGNORE);
    }
    OK(MPI_Win_unlock_all(w.win));
    CHECK(!lost, "%s: %d numbers between pairs were undone", flavour_name[f], lost);
    if (!win_rank && win_size > 1)
        CHECK(pairs[1].value < 0 && pairs[1].index == 1, "%s: %g of %d", flavour_name[f],
              pairs[1].value, pairs[1].index);
    test_win_close(&w, f);
}

int main(void)
{
    test_begin();
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    for (int f = 0; f < FLAVOURS; f++) {
        bottom(f);
        by_precision(f);
        holes(f, MPI_REPLACE);
        holes(f, MPI_MINLOC);
    }
    wide(MPI_INTEGER16);
    wide(MPI_COMPLEX32);
    wide(MPI_COMPLEX4);
    return test_end();
}
