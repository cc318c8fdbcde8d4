/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The board: where the processes of a window that are all on one host synchronise, by the
 * processor's atomics in memory that they share (in a window of one process, in its own). Locks,
 * posts, completes, the fence's barrier and the order of accumulates are words of it; no process
 * ever helps another one along.
 *
 * A process that waits climbs the ladder of wait.h. Before it may sleep it says so (`asleep`), and
 * whoever changes a word it may wait for rings it; as each such change is a locked instruction, one
 * of the two sees the other.
 *
 * No lock is held here unless it says otherwise.
 */
#ifndef ORIEL_WIN_WIN_BOARD_H
#define ORIEL_WIN_WIN_BOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct win;

enum { WIN_LINE = 64 };

/*
 * A lock for one or for many, in the order of asking, so that nobody starves: a ticket lock with a
 * turn for readers of its own (Mellor-Crummey and Scott, "Scalable Reader-Writer Synchronization
 * for Shared-Memory Multiprocessors", 1991). Counters run freely.
 */
struct win_turns {
    atomic_uint next;  /* the ticket that the next asker takes */
    atomic_uint read;  /* tickets up to here may share it */
    atomic_uint write; /* tickets up to here have given it back */
    atomic_uint sleepers;
};

/* A process's place. What different processes write at the same time is on different lines. */
struct win_seat {
    alignas(WIN_LINE) struct win_turns lock; /* MPI_Win_lock of this process's memory */
    /* The one who accumulates into this process's memory what no instruction does by itself. */
    alignas(WIN_LINE) atomic_uint accumulating;
    alignas(WIN_LINE) atomic_uint completes; /* of MPI_Win_complete for this process, ever */
    atomic_uint asleep;                      /* its threads that may sleep */
    int32_t pid; /* of the process; written before the window is there */
    /* What is attached to a dynamic window: odd while it changes. The table is in its owner's own
     * memory. */
    alignas(WIN_LINE) atomic_uint attach_generation;
    atomic_uint attach_count;
    _Atomic uint64_t attach_table; /* address of its entries */
};

/* The barrier of a fence. */
struct win_meeting {
    alignas(WIN_LINE) atomic_uint arrived; /* ever */
    alignas(WIN_LINE) atomic_uint over;    /* barriers that all have reached */
    atomic_uint sleepers;
};

struct win_board {
    struct win_meeting meeting;
    struct win_seat seats[]; /* by rank, then by target and origin the posts of MPI_Win_post */
};

/* Bytes that it takes for so many processes, a multiple of a page. Zeros are its initial state. */
size_t win_board_size(int processes);

/* The lock on rank's memory, for this process; the exclusive one is nobody else's. */
void win_board_lock(struct win *w, int rank, bool exclusive);
void win_board_unlock(struct win *w, int rank, bool exclusive);

/* Returns when all processes of the window have called it. */
void win_board_meet(struct win *w);

/* Says that this process's exposure epoch is open to rank, or its access epoch to rank is over. */
void win_board_post(struct win *w, int rank);
void win_board_complete(struct win *w, int rank);
/* Whether rank has posted once more than this process has started. */
bool win_board_posted(const struct win *w, int rank);

/* Waits until ready(w); it is asked without a lock, and must depend on words of the board alone. */
void win_board_wait(struct win *w, bool (*ready)(const struct win *w));

/* Keeps others from accumulating into rank's memory; for microseconds. One who died meanwhile does
 * not hold up the rest. */
void win_board_hold(struct win *w, int rank);
void win_board_let_go(struct win *w, int rank);

#endif
