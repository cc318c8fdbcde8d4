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

int main(void)
{
    test_begin();
    for (int f = 0; f < FLAVOURS; f++)
        bottom(f);
    return test_end();
}
