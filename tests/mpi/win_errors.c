/* SPDX-License-Identifier: BSD-3-Clause */
/* Every wrong use of a window is its error class, on the window's handler, and changes nothing. */
#include "win_test.h"

#define FAILS(call, class)                                                                         \
    do {                                                                                           \
        int rc_ = (call), c_ = rc_;                                                                \
        if (rc_)                                                                                   \
            MPI_Error_class(rc_, &c_);                                                             \
        CHECK(c_ == (class), "error class %d, want " #class, c_);                                  \
    } while (0)

static int handled;

static void handler(MPI_Win *win, int *code, ...)
{
    (void)win;
    (void)code;
    handled++;
}

static void epochs(MPI_Win win)
{
    int v = 0, flag;
    MPI_Request r;
    MPI_Group group;

    FAILS(MPI_Put(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Accumulate(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_SUM, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_unlock(0, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_unlock_all(win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_flush(0, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_flush_local_all(win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_complete(win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_wait(win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_test(win, &flag), MPI_ERR_RMA_SYNC);

    OK(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win));
    FAILS(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_lock_all(0, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_fence(0, win), MPI_ERR_RMA_SYNC);
    FAILS(MPI_Win_unlock_all(win), MPI_ERR_RMA_SYNC);
    if (win_size > 1) {
        FAILS(MPI_Put(&v, 1, MPI_INT, 1, 0, 1, MPI_INT, win), MPI_ERR_RMA_SYNC);
        FAILS(MPI_Win_unlock(1, win), MPI_ERR_RMA_SYNC);
    }
    MPI_Win copy = win;
    FAILS(MPI_Win_free(&copy), MPI_ERR_RMA_SYNC);
    CHECK(copy == win, "the handle is gone");
    OK(MPI_Win_unlock(0, win));

    OK(MPI_Win_fence(0, win));
    FAILS(MPI_Rput(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, win, &r), MPI_ERR_RMA_SYNC);
    OK(MPI_Get(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, win));
    FAILS(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win), MPI_ERR_RMA_SYNC);
    OK(MPI_Win_fence(MPI_MODE_NOSUCCEED, win));
    FAILS(MPI_Get(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, win), MPI_ERR_RMA_SYNC);

    MPI_Win_get_group(win, &group);
    OK(MPI_Win_post(group, 0, win));
    FAILS(MPI_Win_post(group, 0, win), MPI_ERR_RMA_SYNC);
    OK(MPI_Win_start(group, 0, win));
    FAILS(MPI_Win_start(group, 0, win), MPI_ERR_RMA_SYNC);
    OK(MPI_Win_complete(win));
    FAILS(MPI_Win_fence(0, win), MPI_ERR_RMA_SYNC);
    OK(MPI_Win_wait(win));
    MPI_Group_free(&group);
}

/* An operator of the program's, which accumulates do not take (12.3.4). */
static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++)
        ((int *)inout)[i] += ((int *)in)[i] + 1;
}

static void arguments(MPI_Win win, MPI_Aint ints)
{
    int v[4] = {0};
    MPI_Datatype pair, mixed;
    int len[2] = {1, 1};
    MPI_Aint at[2] = {0, 8};
    const MPI_Count most = (MPI_Count)1 << 61;
    MPI_Datatype parts[2] = {MPI_INT, MPI_DOUBLE};
    MPI_Op own;

    OK(MPI_Win_lock_all(0, win));
    FAILS(MPI_Put(v, 1, MPI_INT, win_size, 0, 1, MPI_INT, win), MPI_ERR_RANK);
    FAILS(MPI_Put(v, 1, MPI_INT, -7, 0, 1, MPI_INT, win), MPI_ERR_RANK);
    FAILS(MPI_Put(v, -1, MPI_INT, 0, 0, 1, MPI_INT, win), MPI_ERR_COUNT);
    FAILS(MPI_Put(v, 1, MPI_DATATYPE_NULL, 0, 0, 1, MPI_INT, win), MPI_ERR_TYPE);
    FAILS(MPI_Put(v, 1, MPI_INT, 0, ints, 1, MPI_INT, win), MPI_ERR_RMA_RANGE);
    FAILS(MPI_Put(v, 1, MPI_INT, 0, -1, 1, MPI_INT, win), MPI_ERR_RMA_RANGE);
    FAILS(MPI_Get(v, 2, MPI_INT, win_size - 1, ints - 1, 2, MPI_INT, win), MPI_ERR_RMA_RANGE);
    FAILS(MPI_Get(v, 1, MPI_INT, 0, PTRDIFF_MAX, 1, MPI_INT, win), MPI_ERR_RMA_RANGE);
    FAILS(MPI_Get(v, 2, MPI_INT, 0, 0, 1, MPI_INT, win), MPI_ERR_TRUNCATE);
    FAILS(MPI_Put(NULL, 1, MPI_INT, 0, 0, 1, MPI_INT, win), MPI_ERR_BUFFER);
    OK(MPI_Put(NULL, 0, MPI_INT, 0, 0, 0, MPI_INT, win));
    OK(MPI_Accumulate(NULL, 0, MPI_BYTE, 0, 0, 0, MPI_BYTE, MPI_SUM, win));
    OK(MPI_Put(v, 1, MPI_INT, MPI_PROC_NULL, 1 << 20, 1, MPI_INT, win));
    FAILS(MPI_Accumulate(v, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_NO_OP, win), MPI_ERR_OP);
    FAILS(MPI_Accumulate(v, 1, MPI_FLOAT, 0, 0, 1, MPI_FLOAT, MPI_BXOR, win), MPI_ERR_OP);
    MPI_Op_create(add, 1, &own);
    for (int r = 0; r < win_size; r++) {
        FAILS(MPI_Accumulate(v, 1, MPI_INT, r, 0, 1, MPI_INT, own, win), MPI_ERR_OP);
        FAILS(MPI_Fetch_and_op(v, v, MPI_INT, r, 0, own, win), MPI_ERR_OP);
    }
    MPI_Op_free(&own);
    FAILS(MPI_Accumulate(v, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_OP_NULL, win), MPI_ERR_OP);
    FAILS(MPI_Compare_and_swap(v, v, v, MPI_FLOAT, 0, 0, win), MPI_ERR_TYPE);
    MPI_Type_contiguous(2, MPI_INT, &pair);
    FAILS(MPI_Put(v, 1, pair, 0, 0, 2, MPI_INT, win), MPI_ERR_TYPE);
    MPI_Type_commit(&pair);
    FAILS(MPI_Fetch_and_op(v, v, pair, 0, 0, MPI_SUM, win), MPI_ERR_TYPE);
    MPI_Type_free(&pair);
    MPI_Type_create_struct(2, len, at, parts, &mixed);
    MPI_Type_commit(&mixed);
    FAILS(MPI_Accumulate(v, 1, mixed, 0, 0, 1, mixed, MPI_SUM, win), MPI_ERR_TYPE);
    MPI_Type_free(&mixed);
    FAILS(MPI_Win_flush(win_size, win), MPI_ERR_RANK);
    /* Bytes that 64 bits do not count, as many on both sides. */
    FAILS(MPI_Put_c(v, most, MPI_LONG, 0, 0, most, MPI_LONG, win), MPI_ERR_COUNT);
    FAILS(MPI_Get_c(v, most, MPI_LONG, 0, 0, most, MPI_LONG, win), MPI_ERR_COUNT);
    CHECK(MPI_Accumulate_c(v, most, MPI_LONG, 0, 0, most, MPI_LONG, MPI_SUM, win), "2^64 bytes");
    CHECK(MPI_Get_accumulate_c(v, most, MPI_LONG, v, most, MPI_LONG, 0, 0, most, MPI_LONG, MPI_SUM,
                               win),
          "2^64 bytes");
    FAILS(MPI_Accumulate_c(v, most, MPI_LONG, 0, 0, 0, MPI_LONG, MPI_SUM, win), MPI_ERR_COUNT);
    OK(MPI_Win_unlock_all(win));
    FAILS(MPI_Win_lock(17, 0, 0, win), MPI_ERR_LOCKTYPE);
    FAILS(MPI_Win_lock(MPI_LOCK_SHARED, 0, 1, win), MPI_ERR_ASSERT);
    FAILS(MPI_Win_fence(1, win), MPI_ERR_ASSERT);
    FAILS(MPI_Win_attach(win, v, 4), MPI_ERR_RMA_FLAVOR);
}

static void creation(void)
{
    int v;
    void *p;
    char name[MPI_MAX_OBJECT_NAME];
    int len;
    MPI_Win win = MPI_WIN_NULL, old;

    OK(MPI_Win_get_name(win, name, &len));
    CHECK(!strcmp(name, "MPI_WIN_NULL") && len == 12, "name %s", name);

    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    FAILS(MPI_Win_create(&v, -1, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win), MPI_ERR_SIZE);
    FAILS(MPI_Win_create(&v, 4, 0, MPI_INFO_NULL, MPI_COMM_WORLD, &win), MPI_ERR_DISP);
    FAILS(MPI_Win_create(&v, 4, 1, MPI_INFO_NULL, MPI_COMM_NULL, &win), MPI_ERR_COMM);
    FAILS(MPI_Win_allocate_shared((MPI_Aint)1 << 50, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &p, &win),
          win_one_host ? MPI_ERR_NO_MEM : MPI_ERR_RMA_SHARED);
    FAILS(MPI_Win_allocate(PTRDIFF_MAX, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &p, &win),
          MPI_ERR_NO_MEM);
    FAILS(MPI_Alloc_mem(PTRDIFF_MAX, MPI_INFO_NULL, &p), MPI_ERR_NO_MEM);
    CHECK(win == MPI_WIN_NULL, "a window came of it");
    OK(MPI_Win_create(&v, 4, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    old = win;
    OK(MPI_Win_free(&win));
    FAILS(MPI_Win_fence(0, old), MPI_ERR_WIN);
    FAILS(MPI_Put(&v, 1, MPI_INT, 0, 0, 1, MPI_INT, old), MPI_ERR_WIN);
    FAILS(MPI_Win_free(&old), MPI_ERR_WIN);
    FAILS(MPI_Win_free(&win), MPI_ERR_WIN);
    FAILS(MPI_Win_lock_all(0, (MPI_Win)MPI_COMM_WORLD), MPI_ERR_WIN);
}

int main(void)
{
    int mem[8] = {0};
    MPI_Win win;
    MPI_Errhandler eh;

    test_begin();
    creation();
    OK(MPI_Win_create(mem, sizeof mem, sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    epochs(win);
    arguments(win, 8);
    MPI_Win_create_errhandler(handler, &eh);
    MPI_Win_set_errhandler(win, eh);
    MPI_Errhandler_free(&eh);
    FAILS(MPI_Win_unlock(0, win), MPI_ERR_RMA_SYNC);
    CHECK(handled == 1, "the handler was called %d times", handled);
    OK(MPI_Win_free(&win));
    for (int i = 0; i < 8; i++)
        CHECK(mem[i] == 0, "int %d is %d", i, mem[i]);
    return test_end();
}
