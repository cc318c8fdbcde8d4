/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The target of put, get, atomics and locks makes no call while they are done: it sleeps, or
 * computes, until its memory shows that all of them have completed. Where they need its help the
 * test fails after LIMIT seconds.
 *
 *     win_progress [seconds]
 *
 * With an argument the target is away for that long, and rank 0 prints how long each operation
 * took.
 */
#include "win_test.h"

#include <time.h>

enum { LIMIT = 30, WORDS = 8, DONE = 7, ROUNDS = 10 };

static double away; /* seconds, at least */

static void nap(void)
{
    struct timespec t = {0, 1000000};

    nanosleep(&t, NULL);
}

/* The target: no call of MPI until the flag is there. */
static void be_away(volatile int *mem, int computes)
{
    double begin = MPI_Wtime();

    while (!mem[DONE] || MPI_Wtime() - begin < away) {
        if (!computes)
            nap();
        if (MPI_Wtime() - begin > LIMIT + away) {
            CHECK(0, "nothing has arrived for %d s", LIMIT);
            return;
        }
    }
}

static double now_us(void)
{
    return MPI_Wtime() * 1e6;
}

static double longest[4];

static void note(int what, double *since)
{
    double t = now_us();

    if (t - *since > longest[what])
        longest[what] = t - *since;
    *since = now_us();
}

static void work(const struct test_win *w, enum flavour f)
{
    int v = 41, got = 0, old = -1, one = 1;
    double since;

    for (int i = 0; i < ROUNDS; i++) {
        if (away)
            nap();
        since = now_us();
        OK(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 1, 0, w->win));
        OK(MPI_Win_unlock(1, w->win));
        note(0, &since);
        OK(MPI_Win_lock_all(0, w->win));
        since = now_us();
        OK(MPI_Put(&v, 1, MPI_INT, 1, test_disp(w, f, 1, 0), 1, MPI_INT, w->win));
        OK(MPI_Win_flush(1, w->win));
        note(1, &since);
        OK(MPI_Get(&got, 1, MPI_INT, 1, test_disp(w, f, 1, 0), 1, MPI_INT, w->win));
        OK(MPI_Win_flush(1, w->win));
        note(2, &since);
        CHECK(got == 41, "%s: got %d", flavour_name[f], got);
        OK(MPI_Fetch_and_op(&one, &old, MPI_INT, 1, test_disp(w, f, 1, 1), MPI_SUM, w->win));
        OK(MPI_Win_flush(1, w->win));
        note(3, &since);
        CHECK(old == i, "%s: counted to %d in round %d", flavour_name[f], old, i);
        OK(MPI_Win_unlock_all(w->win));
    }
    OK(MPI_Win_lock(MPI_LOCK_SHARED, 1, 0, w->win));
    OK(MPI_Put(&one, 1, MPI_INT, 1, test_disp(w, f, 1, DONE), 1, MPI_INT, w->win));
    OK(MPI_Win_unlock(1, w->win));
}

static void run(enum flavour f, int computes)
{
    struct test_win w;

    test_win_open(&w, f, WORDS);
    memset(longest, 0, sizeof longest);
    if (win_rank == 1)
        be_away(w.mem, computes);
    else if (win_rank == 0)
        work(&w, f);
    MPI_Barrier(MPI_COMM_WORLD);
    if (away && win_rank == 0)
        printf("%-12s %s: lock %.0f us, put %.0f us, get %.0f us, fetch_and_op %.0f us at most\n",
               flavour_name[f], computes ? "computes" : "sleeps", longest[0], longest[1],
               longest[2], longest[3]);
    test_win_close(&w, f);
}

int main(int argc, char **argv)
{
    away = argc > 1 ? atof(argv[1]) : 0;
    test_begin();
    for (int f = 0; win_size > 1 && f < FLAVOURS; f++) {
        run(f, 0);
        run(f, 1);
    }
    return test_end();
}
