/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a window is: attributes, names, hints, group; memory of other ranks through shared windows,
 * windows without memory, attached memory that comes and goes, and many windows at once.
 */
#include "win_test.h"

/* The hints that tell who synchronises: both of them from the same side. */
static void decided(MPI_Win win, int shared)
{
    char locks[MPI_MAX_INFO_VAL + 1] = "", accumulates[MPI_MAX_INFO_VAL + 1] = "";
    const char *node = getenv("ORIEL_NODE");
    int told = 0, flag;
    MPI_Info info;

    OK(MPI_Win_get_info(win, &info));
    MPI_Info_get(info, "oriel_locks", MPI_MAX_INFO_VAL, locks, &flag);
    MPI_Info_get(info, "oriel_accumulates", MPI_MAX_INFO_VAL, accumulates, &flag);
    MPI_Info_free(&info);
    told = !strcmp(locks, "messages") || !strcmp(locks, "atomics");
    CHECK(told || !strcmp(locks, "memory"), "oriel_locks is '%s'", locks);
    CHECK(told ? !strcmp(accumulates, "target")
               : !strcmp(accumulates, shared || win_size == 1 ? "processor" : "lock"),
          "oriel_accumulates is '%s', oriel_locks '%s'", accumulates, locks);
    CHECK(!told || (!shared && win_size > 1), "messages where all is shared");
    CHECK(told || shared || win_size == 1 || !node || strcmp(node, "no"),
          "locks in memory without shared memory");
}

static void attributes(void)
{
    int buf[10], flag, *unit, *flavor, *model, n, same;
    MPI_Aint *size;
    void *base;
    char name[MPI_MAX_OBJECT_NAME], value[MPI_MAX_INFO_VAL + 1];
    MPI_Win win;
    MPI_Info info;
    MPI_Group mine, world;

    OK(MPI_Win_create(buf, sizeof buf, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    OK(MPI_Win_get_attr(win, MPI_WIN_BASE, &base, &flag));
    CHECK(flag && base == buf, "base %p, want %p", base, (void *)buf);
    OK(MPI_Win_get_attr(win, MPI_WIN_SIZE, &size, &flag));
    CHECK(flag && *size == sizeof buf, "size %ld", (long)*size);
    OK(MPI_Win_get_attr(win, MPI_WIN_DISP_UNIT, &unit, &flag));
    CHECK(flag && *unit == 4, "unit %d", *unit);
    OK(MPI_Win_get_attr(win, MPI_WIN_CREATE_FLAVOR, &flavor, &flag));
    CHECK(flag && *flavor == MPI_WIN_FLAVOR_CREATE, "flavor %d", *flavor);
    OK(MPI_Win_get_attr(win, MPI_WIN_MODEL, &model, &flag));
    CHECK(flag && *model == MPI_WIN_UNIFIED, "model %d", *model);
    decided(win, 0);
    OK(MPI_Win_set_name(win, "a window"));
    OK(MPI_Win_get_name(win, name, &n));
    CHECK(n == 8 && !strcmp(name, "a window"), "name %s", name);
    OK(MPI_Win_get_info(win, &info));
    OK(MPI_Info_get(info, "no_locks", MPI_MAX_INFO_VAL, value, &flag));
    CHECK(flag && !strcmp(value, "false"), "no_locks %s", flag ? value : "is missing");
    MPI_Info_set(info, "no_locks", "true");
    OK(MPI_Win_set_info(win, info));
    MPI_Info_free(&info);
    OK(MPI_Win_get_info(win, &info));
    MPI_Info_get(info, "no_locks", MPI_MAX_INFO_VAL, value, &flag);
    CHECK(flag && !strcmp(value, "true"), "no_locks %s", flag ? value : "is missing");
    MPI_Info_free(&info);
    MPI_Win_get_group(win, &mine);
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_compare(mine, world, &same);
    CHECK(same == MPI_IDENT, "groups compare as %d", same);
    MPI_Group_free(&mine);
    MPI_Group_free(&world);
    OK(MPI_Win_free(&win));
}

static void shared(int apart)
{
    int n = win_rank + 1, *mine, *theirs, unit;
    MPI_Aint size;
    MPI_Info info;
    MPI_Win win;

    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", apart ? "true" : "false");
    OK(MPI_Win_allocate_shared(n * (MPI_Aint)sizeof(int), sizeof(int), info, MPI_COMM_WORLD, &mine,
                               &win));
    MPI_Info_free(&info);
    decided(win, 1);
    for (int i = 0; i < n; i++)
        mine[i] = 100 * win_rank + i;
    MPI_Win_lock_all(0, win);
    MPI_Win_sync(win);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_sync(win);
    int *after = NULL;
    for (int r = 0; r < win_size; r++) {
        OK(MPI_Win_shared_query(win, r, &size, &unit, &theirs));
        CHECK(size == (r + 1) * (MPI_Aint)sizeof(int) && unit == sizeof(int),
              "rank %d: size %ld, unit %d", r, (long)size, unit);
        CHECK(apart || !after || theirs == after, "rank %d does not follow the one before", r);
        for (int i = 0; i <= r; i++)
            CHECK(theirs[i] == 100 * r + i, "rank %d: int %d is %d", r, i, theirs[i]);
        after = theirs + r + 1;
    }
    OK(MPI_Win_shared_query(win, MPI_PROC_NULL, &size, &unit, &theirs));
    CHECK(size == sizeof(int) && theirs[0] == 0, "MPI_PROC_NULL: size %ld", (long)size);
    MPI_Win_unlock_all(win);
    OK(MPI_Win_free(&win));
}

/*
 * mpi_minimum_memory_alignment, with different wishes: the greatest counts. Parts that follow each
 * other without a gap begin where their sizes put them, and what is shown holds for all of them.
 */
static void aligned(enum flavour f, long alignment)
{
    MPI_Aint bytes = 104 + 8 * win_rank;
    char value[MPI_MAX_INFO_VAL + 1] = "", *mem;
    MPI_Info info;
    MPI_Win win;
    int flag;

    MPI_Info_create(&info);
    snprintf(value, sizeof value, "%ld", win_rank == win_size - 1 ? alignment : 64);
    MPI_Info_set(info, "mpi_minimum_memory_alignment", value);
    MPI_Info_set(info, "alloc_shared_noncontig", f == SHARED_APART ? "true" : "false");
    if (f == ALLOCATE)
        OK(MPI_Win_allocate(bytes, 1, info, MPI_COMM_WORLD, &mem, &win));
    else
        OK(MPI_Win_allocate_shared(bytes, 1, info, MPI_COMM_WORLD, &mem, &win));
    MPI_Info_free(&info);
    OK(MPI_Win_get_info(win, &info));
    MPI_Info_get(info, "mpi_minimum_memory_alignment", MPI_MAX_INFO_VAL, value, &flag);
    MPI_Info_free(&info);
    CHECK(flag, "%s: no alignment is shown", flavour_name[f]);
    CHECK((uintptr_t)mem % strtoul(value, NULL, 10) == 0, "%s: %p is not aligned to %s",
          flavour_name[f], (void *)mem, value);
    CHECK(f == SHARED || atol(value) >= alignment, "%s: asked for %ld, got %s", flavour_name[f],
          alignment, value);
    CHECK(f != SHARED || win_rank || (uintptr_t)mem % (size_t)alignment == 0,
          "%s: the first part is at %p", flavour_name[f], (void *)mem);
    memset(mem, win_rank, (size_t)bytes);
    OK(MPI_Win_fence(0, win));
    char got = -1;
    OK(MPI_Get(&got, 1, MPI_CHAR, win_size - 1, bytes - 1, 1, MPI_CHAR, win));
    OK(MPI_Win_fence(0, win));
    CHECK(got == win_size - 1, "%s: got %d", flavour_name[f], got);
    OK(MPI_Win_free(&win));
}

/* The first rank has all of the memory, the others none. */
static void lopsided(int allocated)
{
    int n = win_rank ? 0 : win_size, *mem = NULL, own[64] = {0}, v = 7 * win_rank;
    MPI_Win win;

    if (allocated)
        OK(MPI_Win_allocate(n * (MPI_Aint)sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD,
                            &mem, &win));
    else
        OK(MPI_Win_create(win_rank ? NULL : own, n * (MPI_Aint)sizeof(int), sizeof(int),
                          MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win));
    OK(MPI_Put(&v, 1, MPI_INT, 0, win_rank, 1, MPI_INT, win));
    OK(MPI_Win_unlock(0, win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < n; i++)
        CHECK((allocated ? mem : own)[i] == 7 * i, "int %d is %d", i, (allocated ? mem : own)[i]);
    OK(MPI_Win_free(&win));
}

/* The origin may know that the memory is not attached at once, or when it asks the target. */
static int put_and_flush(const int *v, int target, MPI_Aint at, MPI_Win win)
{
    int rc = MPI_Put(v, 1, MPI_INT, target, at, 1, MPI_INT, win);
    int flushed = MPI_Win_flush(target, win);

    return rc ? rc : flushed;
}

/* Hints that are honoured, and that are shown as they are. */
static void hints(void)
{
    char value[MPI_MAX_INFO_VAL + 1];
    MPI_Info info, used;
    MPI_Win win;
    int *mem, flag;

    MPI_Info_create(&info);
    MPI_Info_set(info, "no_locks", "true");
    MPI_Info_set(info, "mpi_accumulate_granularity", "64");
    MPI_Info_set(info, "accumulate_ordering", "none");
    MPI_Info_set(info, "same_size", "true");
    OK(MPI_Win_allocate(64, 1, info, MPI_COMM_WORLD, &mem, &win));
    MPI_Info_free(&info);
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    CHECK(MPI_Win_lock_all(0, win) == MPI_ERR_RMA_SYNC, "a lock in spite of no_locks");
    CHECK(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win) == MPI_ERR_RMA_SYNC, "likewise");
    OK(MPI_Win_get_info(win, &used));
    MPI_Info_get(used, "mpi_accumulate_granularity", MPI_MAX_INFO_VAL, value, &flag);
    CHECK(flag && !strcmp(value, "64"), "granularity %s", flag ? value : "is missing");
    MPI_Info_get(used, "accumulate_ordering", MPI_MAX_INFO_VAL, value, &flag);
    CHECK(flag && !strcmp(value, "rar,raw,war,waw"), "ordering %s", flag ? value : "is missing");
    MPI_Info_get(used, "same_size", MPI_MAX_INFO_VAL, value, &flag);
    CHECK(!flag, "same_size is %s, and changes nothing", value);
    MPI_Info_free(&used);
    mem[0] = 0;
    OK(MPI_Win_fence(0, win));
    OK(MPI_Accumulate(&(int){1}, 1, MPI_INT, 0, 0, 1, MPI_INT, MPI_SUM, win));
    OK(MPI_Win_fence(0, win));
    CHECK(win_rank || mem[0] == win_size, "summed up to %d", mem[0]);
    OK(MPI_Win_free(&win));
}

static void attached(void)
{
    enum { PARTS = 20 };
    int *part[PARTS], next = (win_rank + 1) % win_size, v;
    MPI_Aint mine[PARTS], theirs[PARTS];
    MPI_Win win;

    OK(MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    for (int i = 0; i < PARTS; i++) {
        part[i] = calloc(10, sizeof(int));
        OK(MPI_Win_attach(win, part[i], 10 * sizeof(int)));
        MPI_Get_address(part[i], &mine[i]);
    }
    CHECK(MPI_Win_attach(win, part[3] + 1, 4) == MPI_ERR_RMA_ATTACH, "attached twice");
    MPI_Sendrecv(mine, PARTS, MPI_AINT, (win_rank + win_size - 1) % win_size, 0, theirs, PARTS,
                 MPI_AINT, next, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int i = 0; i < PARTS; i += 2)
        OK(MPI_Win_detach(win, part[i]));
    MPI_Barrier(MPI_COMM_WORLD);
    OK(MPI_Win_lock(MPI_LOCK_SHARED, next, 0, win));
    for (int i = 0; i < PARTS; i++) {
        int rc;
        v = 50 + i;
        rc = put_and_flush(&v, next, theirs[i] + 9 * (MPI_Aint)sizeof(int), win);
        CHECK(rc == (i % 2 ? MPI_SUCCESS : MPI_ERR_RMA_RANGE), "part %d: %d", i, rc);
        rc = put_and_flush(&v, next, theirs[i] + 10 * (MPI_Aint)sizeof(int), win);
        CHECK(rc == MPI_ERR_RMA_RANGE, "behind part %d: %d", i, rc);
    }
    OK(MPI_Win_unlock(next, win));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < PARTS; i++)
        CHECK(part[i][9] == (i % 2 ? 50 + i : 0), "part %d has %d", i, part[i][9]);
    CHECK(MPI_Win_detach(win, part[0]) != MPI_SUCCESS, "detached twice");
    OK(MPI_Win_free(&win));
    for (int i = 0; i < PARTS; i++)
        free(part[i]);
}

/* Regions without bytes are in nobody's way, wherever they are. */
static void attached_empty(void)
{
    enum { INT = sizeof(int) };
    int mem[16] = {0}, give[4] = {1, 2, 3, 4}, next = (win_rank + 1) % win_size;
    MPI_Aint mine, theirs;
    MPI_Win win;

    OK(MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    MPI_Win_set_errhandler(win, MPI_ERRORS_RETURN);
    OK(MPI_Win_attach(win, mem, 4 * INT));
    OK(MPI_Win_attach(win, mem + 4, 0));
    OK(MPI_Win_attach(win, mem + 4, 4 * INT));
    OK(MPI_Win_attach(win, mem + 2, 0));
    OK(MPI_Win_attach(win, mem + 10, 0));
    OK(MPI_Win_attach(win, mem + 9, 2 * INT));
    CHECK(MPI_Win_attach(win, mem + 3, INT) == MPI_ERR_RMA_ATTACH, "attached twice");
    CHECK(MPI_Win_attach(win, mem + 8, 4 * INT) == MPI_ERR_RMA_ATTACH, "attached around");
    MPI_Get_address(mem, &mine);
    MPI_Sendrecv(&mine, 1, MPI_AINT, (win_rank + win_size - 1) % win_size, 0, &theirs, 1, MPI_AINT,
                 next, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    OK(MPI_Win_lock(MPI_LOCK_SHARED, next, 0, win));
    OK(MPI_Put(give, 4, MPI_INT, next, theirs + 2 * INT, 4, MPI_INT, win));
    OK(MPI_Win_flush(next, win));
    OK(put_and_flush(give, next, theirs + 10 * INT, win));
    CHECK(put_and_flush(give, next, theirs + 8 * INT, win) == MPI_ERR_RMA_RANGE, "between regions");
    OK(MPI_Win_unlock(next, win));
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(!memcmp(mem + 2, give, sizeof give) && mem[8] == 0 && mem[10] == 1,
          "put %d to %d, %d and %d", mem[2], mem[5], mem[8], mem[10]);
    OK(MPI_Win_detach(win, mem + 4));
    OK(MPI_Win_detach(win, mem + 4));
    OK(MPI_Win_detach(win, mem + 2));
    OK(MPI_Win_detach(win, mem));
    OK(MPI_Win_free(&win));
}

static void many(void)
{
    enum { N = 40 };
    MPI_Win win[N];
    int v[N] = {0}, one = 1, next = (win_rank + 1) % win_size;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            OK(MPI_Win_create(&v[i], sizeof(int), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win[i]));
        for (int i = 0; i < N; i++)
            MPI_Win_fence(0, win[i]);
        for (int i = 0; i < N; i++)
            OK(MPI_Accumulate(&one, 1, MPI_INT, next, 0, 1, MPI_INT, MPI_SUM, win[i]));
        for (int i = 0; i < N; i++)
            MPI_Win_fence(0, win[i]);
        for (int i = N - 1; i >= 0; i--)
            OK(MPI_Win_free(&win[i]));
    }
    for (int i = 0; i < N; i++)
        CHECK(v[i] == 3, "window %d has %d", i, v[i]);
}

int main(void)
{
    test_begin();
    attributes();
    if (win_one_host) {
        shared(0);
        shared(1);
    }
    for (int f = ALLOCATE; f <= (win_one_host ? SHARED_APART : ALLOCATE); f++)
        for (long a = 8; a <= 1L << 21; a *= 8)
            aligned((enum flavour)f, a);
    lopsided(0);
    lopsided(1);
    hints();
    attached();
    attached_empty();
    many();
    return test_end();
}
