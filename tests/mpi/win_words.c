/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks by the network's remote atomics, asked for by ORIEL_LOCKS: devices that carry them out by
 * themselves are rare, but rxm and psm2 have them from the target's library. The counter is exact,
 * readers are in together, and nobody has such locks who asked for none.
 */
#include <unistd.h>

#include "win_test.h"

enum { LOCKS = 60, ROUNDS = 8 };

static int is_by(MPI_Win win, const char *want)
{
    char locks[MPI_MAX_INFO_VAL + 1] = "";
    MPI_Info info;
    int flag;

    OK(MPI_Win_get_info(win, &info));
    MPI_Info_get(info, "oriel_locks", MPI_MAX_INFO_VAL, locks, &flag);
    MPI_Info_free(&info);
    return !strcmp(locks, want);
}

/* Between ranks that share no memory it must be as asked for, where the network has any: our own
 * over sockets has none. Ranks that share some have two ways to each other, and shared memory's
 * atomics are not those of the network. */
static const char *wanted(void)
{
    const char *node = getenv("ORIEL_NODE"), *provider = getenv("ORIEL_PROVIDER");

    if (!node || strcmp(node, "no") || win_size == 1)
        return "memory";
    return provider && strcmp(provider, "stream") ? "atomics" : "messages";
}

static void chosen(void)
{
    MPI_Info info;
    MPI_Win win;
    int value;

    OK(MPI_Win_create(&value, sizeof value, sizeof value, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    CHECK(is_by(win, wanted()) ||
              (!win_one_host && (is_by(win, "atomics") || is_by(win, "messages"))),
          "another kind of lock");
    if (!win_rank)
        printf("locks by atomics: %s\n", is_by(win, "atomics") ? "yes" : "no");
    OK(MPI_Win_free(&win));
    MPI_Info_create(&info);
    MPI_Info_set(info, "no_locks", "true");
    OK(MPI_Win_create(&value, sizeof value, sizeof value, info, MPI_COMM_WORLD, &win));
    CHECK(!is_by(win, "atomics"), "locks where there are to be none");
    OK(MPI_Win_free(&win));
    MPI_Info_free(&info);
}

/* One at a time, now and then two others that read. */
static void counted(enum flavour f)
{
    struct test_win w;
    int value, again, writes = 0, all = 0;

    test_win_open(&w, f, 1);
    for (int i = 0; i < LOCKS; i++) {
        int writer = (i + win_rank) % 4 != 0;
        OK(MPI_Win_lock(writer ? MPI_LOCK_EXCLUSIVE : MPI_LOCK_SHARED, 0, 0, w.win));
        OK(MPI_Get(&value, 1, MPI_INT, 0, test_disp(&w, f, 0, 0), 1, MPI_INT, w.win));
        OK(MPI_Win_flush(0, w.win));
        if (writer) {
            value++;
            writes++;
            OK(MPI_Put(&value, 1, MPI_INT, 0, test_disp(&w, f, 0, 0), 1, MPI_INT, w.win));
        } else {
            OK(MPI_Get(&again, 1, MPI_INT, 0, test_disp(&w, f, 0, 0), 1, MPI_INT, w.win));
            OK(MPI_Win_flush(0, w.win));
            CHECK(value == again, "read %d, then %d while nobody else can write", value, again);
        }
        OK(MPI_Win_unlock(0, w.win));
    }
    MPI_Allreduce(&writes, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!win_rank)
        CHECK(w.mem[0] == all, "%s: counted to %d, want %d", flavour_name[f], w.mem[0], all);
    test_win_close(&w, f);
}

/* All hold the same locks at once, or the barrier would never end. */
static void together(void)
{
    struct test_win w;

    test_win_open(&w, ALLOCATE, 1);
    for (int i = 0; i < ROUNDS; i++) {
        OK(MPI_Win_lock(MPI_LOCK_SHARED, i % win_size, 0, w.win));
        MPI_Barrier(MPI_COMM_WORLD);
        OK(MPI_Win_unlock(i % win_size, w.win));
        OK(MPI_Win_lock_all(0, w.win));
        MPI_Barrier(MPI_COMM_WORLD);
        OK(MPI_Win_unlock_all(w.win));
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, win_rank, 0, w.win));
        MPI_Barrier(MPI_COMM_WORLD);
        OK(MPI_Win_unlock(win_rank, w.win));
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, (win_rank + 1) % win_size, MPI_MODE_NOCHECK, w.win));
        MPI_Barrier(MPI_COMM_WORLD);
        OK(MPI_Win_unlock((win_rank + 1) % win_size, w.win));
    }
    test_win_close(&w, ALLOCATE);
}

/* One that waits for all of its locks keeps no other reader out where it has one already. */
static void readers(void)
{
    int last = win_size - 1;
    struct test_win w;

    test_win_open(&w, ALLOCATE, 1);
    if (win_rank == last)
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, w.win));
    MPI_Barrier(MPI_COMM_WORLD);
    if (last && !win_rank) {
        OK(MPI_Win_lock_all(0, w.win));
        OK(MPI_Win_unlock_all(w.win));
    }
    if (last && win_rank == last) {
        usleep(50000); /* so that the other one has asked */
        OK(MPI_Win_lock(MPI_LOCK_SHARED, last, 0, w.win));
        OK(MPI_Win_unlock(last, w.win));
    }
    if (win_rank == last)
        OK(MPI_Win_unlock(0, w.win));
    test_win_close(&w, ALLOCATE);
}

int main(void)
{
    setenv("ORIEL_LOCKS", "atomics", 1);
    test_begin();
    chosen();
    counted(CREATE);
    counted(ALLOCATE);
    counted(DYNAMIC);
    together();
    readers();
    return test_end();
}
