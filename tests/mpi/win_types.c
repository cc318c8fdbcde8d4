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

int main(void)
{
    test_begin();
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    for (int f = 0; f < FLAVOURS; f++) {
        bottom(f);
        by_precision(f);
    }
    wide(MPI_INTEGER16);
    wide(MPI_COMPLEX32);
    wide(MPI_COMPLEX4);
    return test_end();
}
