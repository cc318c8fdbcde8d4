/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Passive target synchronisation (12.5.3). On a native window the locks are on the board; where
 * devices carry out remote atomics they are words of the target's (win_words.h). Elsewhere each
 * process grants the lock on its own memory, to all in the order in which they asked, so that
 * nobody starves: a process asks, for itself too, with a message and waits for the grant.
 */
#include "core/object/err.h"
#include "core/win/win_board.h"
#include "core/win/win_message.h"
#include "core/win/win_words.h"
#include "provider/base/hot.h"

/* ---- The process that grants ---- */

static struct win_target *target_of(struct list *waiting)
{
    return container_of(container_of(waiting, struct win_waiter, link), struct win_target, waiter);
}

/* Grants as many as may hold it together, the first first. */
static void grant(struct win *w)
{
    struct win_lock *l = &w->lock;

    while (!list_empty(&l->waiting)) {
        struct win_target *t = target_of(l->waiting.next);
        if (l->holders && (l->exclusive || t->waiter.exclusive))
            return;
        list_drop(&t->waiter.link);
        l->holders++;
        l->exclusive = t->waiter.exclusive;
        int rc = win_tell(w, (int)(t - w->targets), WIN_MESSAGE_GRANT);
        if (rc)
            w->broken = rc;
    }
}

static void asked(struct win *w, int rank, bool exclusive)
{
    struct win_waiter *waiter = &w->targets[rank].waiter;

    waiter->exclusive = exclusive;
    list_add_tail(&w->lock.waiting, &waiter->link);
    grant(w);
}

void win_lock_told(struct win *w, int rank, enum win_message_kind kind)
{
    switch (kind) {
    case WIN_MESSAGE_LOCK:
    case WIN_MESSAGE_LOCK_SHARED:
        asked(w, rank, kind == WIN_MESSAGE_LOCK);
        break;
    case WIN_MESSAGE_UNLOCK:
        w->lock.holders--;
        grant(w);
        break;
    case WIN_MESSAGE_GRANT:
        w->targets[rank].lock = WIN_LOCKED;
        break;
    default:
        break;
    }
}

bool win_lock_idle(const struct win *w, int rank)
{
    (void)rank;
    return !w->lock.holders && list_empty(&w->lock.waiting);
}

/* ---- The process that asks ---- */

static bool is_granted(const struct win *w, int rank)
{
    return w->targets[rank].lock >= WIN_LOCKED;
}

/* Lane locked. */
static int ask(struct win *w, int rank, bool exclusive, int assert)
{
    struct win_target *t = &w->targets[rank];
    int rc;

    if (assert & MPI_MODE_NOCHECK) {
        t->lock = WIN_LOCK_UNCHECKED;
        return MPI_SUCCESS;
    }
    t->lock = WIN_LOCK_ASKED;
    if (w->board)
        return MPI_SUCCESS; /* wait_for does it, without the lane's lock */
    if (w->words)
        rc = win_words_ask(w, rank, exclusive);
    else
        rc = win_tell(w, rank, exclusive ? WIN_MESSAGE_LOCK : WIN_MESSAGE_LOCK_SHARED);
    if (rc)
        t->lock = WIN_UNLOCKED;
    return rc;
}

/* By remote atomics: one look, and what comes of it. */
static int look(struct win *w, int rank, bool exclusive, bool again)
{
    struct win_target *t = &w->targets[rank];
    bool held = false;
    int rc = win_words_look(w, rank, exclusive, again, &held);

    if (rc)
        t->lock = WIN_UNLOCKED;
    else if (held)
        t->lock = exclusive ? WIN_LOCKED_EXCLUSIVE : WIN_LOCKED;
    return rc;
}

/*
 * Waits for what was asked for of ranks [first, end) by remote atomics. Nobody else helps a reader
 * in, and the next one comes after it: it enters wherever its turn has come, whatever keeps it
 * waiting elsewhere.
 */
static int wait_for_words(struct win *w, int first, int end, bool exclusive)
{
    bool again = false, left;
    int rc = MPI_SUCCESS;

    do {
        left = false;
        for (int i = first; !rc && i < end; i++) {
            if (w->targets[i].lock != WIN_LOCK_ASKED)
                continue; /* unchecked, or held by now */
            rc = look(w, i, exclusive, again);
            left = left || w->targets[i].lock == WIN_LOCK_ASKED;
        }
        again = true;
    } while (!rc && left);
    return rc;
}

/* Waits for what was asked for. No lock held. */
static int wait_for(struct win *w, int rank, bool exclusive)
{
    struct win_target *t = &w->targets[rank];

    if (w->words)
        return wait_for_words(w, rank, rank + 1, exclusive);
    if (!w->board)
        return win_until(w, is_granted, rank);
    if (t->lock != WIN_LOCK_ASKED)
        return MPI_SUCCESS; /* unchecked */
    win_board_lock(w, rank, exclusive);
    t->lock = exclusive ? WIN_LOCKED_EXCLUSIVE : WIN_LOCKED;
    return MPI_SUCCESS;
}

/* Gives it back. */
static int release(struct win *w, int rank)
{
    struct win_target *t = &w->targets[rank];
    enum win_lock_state held = t->lock;
    bool counts = held != WIN_LOCK_UNCHECKED;
    int rc = MPI_SUCCESS;

    if (w->board && counts)
        win_board_unlock(w, rank, held == WIN_LOCKED_EXCLUSIVE);
    else if (w->words && counts)
        rc = win_words_release(w, rank, held == WIN_LOCKED_EXCLUSIVE);
    lane_lock();
    t->lock = WIN_UNLOCKED;
    if (!w->board && !w->words && counts)
        rc = win_tell(w, rank, WIN_MESSAGE_UNLOCK);
    lane_unlock();
    return rc;
}

static int check_locks_allowed(const struct win *w, const char *call)
{
    if (!w->lockless)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_SYNC, "%s: the window has the hint no_locks", call);
}

/* Lane locked. */
static int lock_begin(struct win *w, bool exclusive, int rank, int assert)
{
    int rc = check_locks_allowed(w, "MPI_Win_lock");

    if (!rc && w->access != WIN_ACCESS_LOCK)
        rc = win_check_no_epoch(w, "MPI_Win_lock");

    if (rc)
        return rc;
    if (w->targets[rank].lock)
        return err_set(MPI_ERR_RMA_SYNC, "MPI_Win_lock: rank %d is locked already", rank);
    rc = ask(w, rank, exclusive, assert);
    if (rc)
        return rc;
    w->access = WIN_ACCESS_LOCK;
    w->locked++;
    return MPI_SUCCESS;
}

int win_lock(struct win *w, bool exclusive, int rank, int assert)
{
    int rc;

    if (rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    lane_lock();
    rc = lock_begin(w, exclusive, rank, assert);
    lane_unlock();
    return rc ? rc : wait_for(w, rank, exclusive);
}

/* Lane locked. */
static int lock_all_begin(struct win *w, int assert)
{
    int rc = check_locks_allowed(w, "MPI_Win_lock_all");

    if (!rc)
        rc = win_check_no_epoch(w, "MPI_Win_lock_all");
    for (int i = 0; !rc && i < w->comm->size; i++)
        rc = ask(w, i, false, assert);
    if (!rc)
        w->access = WIN_ACCESS_LOCK_ALL;
    return rc;
}

int win_lock_all(struct win *w, int assert)
{
    int rc;

    lane_lock();
    rc = lock_all_begin(w, assert);
    lane_unlock();
    if (!rc && w->words)
        return wait_for_words(w, 0, w->comm->size, false);
    for (int i = 0; !rc && i < w->comm->size; i++)
        rc = wait_for(w, i, false);
    return rc;
}

static int not_locked(int rank, const char *call)
{
    if (rank < 0)
        return err_set(MPI_ERR_RMA_SYNC, "%s: no lock is held", call);
    return err_set(MPI_ERR_RMA_SYNC, "%s: no lock is held on rank %d", call, rank);
}

/* Whether a lock is held on rank, or with -1 on any. No lock of ours is needed: the call that took
 * it has returned. */
HOT_INLINE int check_locked(const struct win *w, int rank, const char *call)
{
    bool held = w->access == WIN_ACCESS_LOCK_ALL;

    if (LIKELY(held))
        return MPI_SUCCESS;
    held = rank < 0 ? w->access == WIN_ACCESS_LOCK : w->targets[rank].lock >= WIN_LOCKED;

    return LIKELY(held) ? MPI_SUCCESS : not_locked(rank, call);
}

static int check_unlock(const struct win *w, int rank)
{
    if (w->access == WIN_ACCESS_LOCK_ALL)
        return err_set(MPI_ERR_RMA_SYNC,
                       "MPI_Win_unlock: the locks are MPI_Win_lock_all's (end them with "
                       "MPI_Win_unlock_all)");
    return check_locked(w, rank, "MPI_Win_unlock");
}

int win_unlock(struct win *w, int rank)
{
    int rc, told;

    if (rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    lane_lock();
    rc = check_unlock(w, rank);
    lane_unlock();
    if (rc)
        return rc;
    rc = win_finish(w, rank);
    told = release(w, rank);
    lane_lock();
    if (!--w->locked)
        w->access = WIN_ACCESS_NONE;
    lane_unlock();
    return rc ? rc : told;
}

int win_unlock_all(struct win *w)
{
    int rc = MPI_SUCCESS, told;

    lane_lock();
    if (w->access != WIN_ACCESS_LOCK_ALL)
        rc = err_set(MPI_ERR_RMA_SYNC, "MPI_Win_unlock_all without MPI_Win_lock_all");
    lane_unlock();
    if (rc)
        return rc;
    rc = win_finish(w, -1);
    for (int i = 0; i < w->comm->size; i++) {
        told = release(w, i);
        rc = rc ? rc : told;
    }
    lane_lock();
    w->access = WIN_ACCESS_NONE;
    lane_unlock();
    return rc;
}

int win_flush(struct win *w, int rank)
{
    int rc;

    if (rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    rc = check_locked(w, rank, "MPI_Win_flush");
    if (UNLIKELY(rc))
        return rc;
    if (!w->board)
        return win_finish(w, rank);
    win_native_finish(w);
    return MPI_SUCCESS;
}

int win_flush_all(struct win *w)
{
    int rc;

    rc = check_locked(w, -1, "MPI_Win_flush_all");
    return rc ? rc : win_finish(w, -1);
}
