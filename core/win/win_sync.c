/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Synchronisation (12.5): fences, post-start-complete-wait, and flushing. The locks are in
 * win_lock.c.
 */
#include <stdlib.h>

#include "core/coll/coll.h"
#include "core/object/err.h"
#include "core/win/win_board.h"
#include "core/win/win_message.h"
#include "provider/fabric/wait.h"

/* ---- Waiting ---- */

int win_until(struct win *w, bool (*ready)(const struct win *w, int rank), int rank)
{
    struct wait wait;
    int broken = MPI_SUCCESS;
    bool done, moved;

    wait_begin(&wait);
    do {
        lane_lock();
        moved = lane_progress();
        done = ready(w, rank);
        if (!done)
            broken = w->broken;
        lane_unlock();
        if (!done && !broken)
            wait_step(&wait, moved, &lane.lock);
    } while (!done && !broken);
    wait_end(&wait, &lane.lock);
    return broken;
}

static bool nothing_pending(const struct win *w, int rank)
{
    return rank < 0 ? !w->pending : !w->targets[rank].pending;
}

/* Takes the error of what was done to that rank. Lane locked. */
static int take_error(struct win *w, int rank)
{
    int first = rank < 0 ? 0 : rank, last = rank < 0 ? w->comm->size - 1 : rank;
    int rc = MPI_SUCCESS;

    for (int i = first; i <= last; i++) {
        if (w->targets[i].error && !rc)
            rc = err_set(w->targets[i].error,
                         w->targets[i].error == MPI_ERR_RMA_RANGE
                             ? "rank %d refused an access to memory that is not in its window"
                             : "an operation on the window of rank %d failed",
                         i);
        w->targets[i].error = MPI_SUCCESS;
    }
    return rc;
}

int win_finish(struct win *w, int rank)
{
    int rc, failed;

    if (w->board) {
        win_native_finish(w);
        return MPI_SUCCESS;
    }
    rc = win_until(w, nothing_pending, rank);

    lane_lock();
    failed = take_error(w, rank);
    lane_unlock();
    /* Loads and stores to a shared window are ordered with whatever tells the others. */
    atomic_thread_fence(memory_order_seq_cst);
    return rc ? rc : failed;
}

/* ---- Messages ---- */

void win_told(struct win *w, const struct win_head *m)
{
    struct win_target *t = &w->targets[m->rank];

    switch (m->kind) {
    case WIN_MESSAGE_POST:
        t->posts++;
        break;
    case WIN_MESSAGE_COMPLETE:
        t->completes++;
        break;
    default:
        win_lock_told(w, (int)m->rank, m->kind);
    }
}

/* ---- Fence ---- */

/* An epoch that something happened in must be closed by its own kind. */
int win_check_no_epoch(const struct win *w, const char *call)
{
    static const char *const open[] = {
        [WIN_ACCESS_FENCE] = "MPI_Win_fence (end it with a fence)",
        [WIN_ACCESS_START] = "MPI_Win_start (end it with MPI_Win_complete)",
        [WIN_ACCESS_LOCK] = "MPI_Win_lock (end it with MPI_Win_unlock)",
        [WIN_ACCESS_LOCK_ALL] = "MPI_Win_lock_all (end it with MPI_Win_unlock_all)",
    };

    if (w->access == WIN_ACCESS_NONE || (w->access == WIN_ACCESS_FENCE && !w->fence_used))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_SYNC, "%s: an access epoch is open since %s", call, open[w->access]);
}

static int check_fence(const struct win *w)
{
    if (w->exposed)
        return err_set(MPI_ERR_RMA_SYNC,
                       "MPI_Win_fence: the window is exposed by MPI_Win_post (end it with "
                       "MPI_Win_wait)");
    return w->access == WIN_ACCESS_FENCE ? MPI_SUCCESS : win_check_no_epoch(w, "MPI_Win_fence");
}

int win_fence(struct win *w, int assert)
{
    bool apart = (assert &MPI_MODE_NOPRECEDE) && (assert &MPI_MODE_NOSUCCEED);
    int rc, met = MPI_SUCCESS;

    lane_lock();
    rc = check_fence(w);
    lane_unlock();
    if (rc)
        return rc;
    rc = win_finish(w, -1);
    /* Both assertions are given by all or by none. One alone still orders this process's stores
     * before the others' accesses, or the other way round. */
    if (!apart && w->board)
        win_board_meet(w);
    else if (!apart)
        met = coll_barrier(w->comm);
    atomic_thread_fence(memory_order_seq_cst);
    lane_lock();
    w->access = assert &MPI_MODE_NOSUCCEED ? WIN_ACCESS_NONE : WIN_ACCESS_FENCE;
    w->fence_used = false;
    lane_unlock();
    return rc ? rc : met;
}

/* ---- Post, start, complete, wait ---- */

/* The group's members as ranks of the window. malloc'ed. */
static int window_ranks(const struct win *w, const struct group *g, int **ranks)
{
    int *r = malloc((size_t)(g->size ? g->size : 1) * sizeof *r);

    if (!r)
        return err_set(MPI_ERR_NO_MEM, "no memory for a list of %d ranks", g->size);
    for (int i = 0; i < g->size; i++) {
        r[i] = group_rank_of(w->comm->group, group_process(g, i));
        if (r[i] == MPI_UNDEFINED) {
            free(r);
            return err_set(MPI_ERR_GROUP, "member %d of the group is not in the window's group", i);
        }
    }
    *ranks = r;
    return MPI_SUCCESS;
}

static bool all_posted_there(const struct win *w)
{
    for (int i = 0; i < w->start_count; i++)
        if (!win_board_posted(w, w->start_ranks[i]))
            return false;
    return true;
}

static bool all_completed_there(const struct win *w)
{
    unsigned completes =
        atomic_load_explicit(&w->board->seats[w->comm->rank].completes, memory_order_acquire);

    return completes - w->completes >= (unsigned)w->post_count;
}

static bool all_posted(const struct win *w, int rank)
{
    (void)rank;
    for (int i = 0; i < w->start_count; i++)
        if (!w->targets[w->start_ranks[i]].posts)
            return false;
    return true;
}

static bool all_completed(const struct win *w, int rank)
{
    (void)rank;
    if (w->board)
        return all_completed_there(w);
    for (int i = 0; i < w->post_count; i++)
        if (!w->targets[w->post_ranks[i]].completes)
            return false;
    return true;
}

/* Lane locked. */
static int start_begin(struct win *w, const struct group *group)
{
    int *ranks, rc = win_check_no_epoch(w, "MPI_Win_start");

    if (!rc)
        rc = window_ranks(w, group, &ranks);
    if (rc)
        return rc;
    w->access = WIN_ACCESS_START;
    w->start_ranks = ranks;
    w->start_count = group->size;
    for (int i = 0; i < group->size; i++)
        w->targets[ranks[i]].started = true;
    return MPI_SUCCESS;
}

int win_start(struct win *w, struct group *group, int assert)
{
    int rc;

    lane_lock();
    rc = start_begin(w, group);
    lane_unlock();
    /* With MPI_MODE_NOCHECK the posts were without a message too. */
    if (rc || assert & MPI_MODE_NOCHECK)
        return rc;
    if (w->board)
        win_board_wait(w, all_posted_there);
    else
        rc = win_until(w, all_posted, 0);
    lane_lock();
    for (int i = 0; !rc && i < w->start_count; i++)
        w->targets[w->start_ranks[i]].posts += w->board ? 1u : -1u;
    lane_unlock();
    return rc;
}

/* Lane locked. */
static int complete_end(struct win *w)
{
    int rc = MPI_SUCCESS, one;

    for (int i = 0; i < w->start_count; i++) {
        w->targets[w->start_ranks[i]].started = false;
        if (w->board)
            continue;
        one = win_tell(w, w->start_ranks[i], WIN_MESSAGE_COMPLETE);
        rc = rc ? rc : one;
    }
    free(w->start_ranks);
    w->start_ranks = NULL;
    w->start_count = 0;
    w->access = WIN_ACCESS_NONE;
    return rc;
}

int win_complete(struct win *w)
{
    int rc, told;
    bool open;

    lane_lock();
    open = w->access == WIN_ACCESS_START;
    lane_unlock();
    if (!open)
        return err_set(MPI_ERR_RMA_SYNC, "MPI_Win_complete without MPI_Win_start");
    rc = win_finish(w, -1);
    for (int i = 0; w->board && i < w->start_count; i++)
        win_board_complete(w, w->start_ranks[i]);
    lane_lock();
    told = complete_end(w);
    lane_unlock();
    return rc ? rc : told;
}

/* Lane locked. */
static int post_begin(struct win *w, const struct group *group, int assert)
{
    int *ranks, rc = MPI_SUCCESS;

    if (w->exposed)
        return err_set(MPI_ERR_RMA_SYNC, "MPI_Win_post: the window is exposed already (end it "
                                         "with MPI_Win_wait)");
    if (w->access == WIN_ACCESS_FENCE)
        rc = win_check_no_epoch(w, "MPI_Win_post");
    if (!rc)
        rc = window_ranks(w, group, &ranks);
    if (rc)
        return rc;
    w->exposed = true;
    w->post_ranks = ranks;
    w->post_count = group->size;
    for (int i = 0; !w->board && !(assert &MPI_MODE_NOCHECK) && i < group->size; i++) {
        int one = win_tell(w, ranks[i], WIN_MESSAGE_POST);
        rc = rc ? rc : one;
    }
    return rc;
}

int win_post(struct win *w, struct group *group, int assert)
{
    int rc;

    /* What this process stored before is there for whoever is told. */
    atomic_thread_fence(memory_order_seq_cst);
    lane_lock();
    rc = post_begin(w, group, assert);
    lane_unlock();
    for (int i = 0; !rc && w->board && !(assert &MPI_MODE_NOCHECK) && i < w->post_count; i++)
        win_board_post(w, w->post_ranks[i]);
    return rc;
}

/* Lane locked. */
static void end_exposure(struct win *w)
{
    w->completes += (unsigned)w->post_count;
    for (int i = 0; !w->board && i < w->post_count; i++)
        w->targets[w->post_ranks[i]].completes--;
    free(w->post_ranks);
    w->post_ranks = NULL;
    w->post_count = 0;
    w->exposed = false;
    atomic_thread_fence(memory_order_seq_cst);
}

/* Lane locked. */
static int check_exposed(const struct win *w, const char *call)
{
    if (w->exposed)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_SYNC, "%s without MPI_Win_post", call);
}

int win_wait(struct win *w)
{
    int rc;

    lane_lock();
    rc = check_exposed(w, "MPI_Win_wait");
    lane_unlock();
    if (!rc && w->board)
        win_board_wait(w, all_completed_there);
    else if (!rc)
        rc = win_until(w, all_completed, 0);
    if (rc)
        return rc;
    lane_lock();
    end_exposure(w);
    lane_unlock();
    return MPI_SUCCESS;
}

int win_test(struct win *w, bool *flag)
{
    bool done = false;
    int rc;

    lane_lock();
    rc = check_exposed(w, "MPI_Win_test");
    if (!rc) {
        lane_progress();
        done = all_completed(w, 0);
        if (done)
            end_exposure(w);
        rc = done ? MPI_SUCCESS : w->broken;
    }
    lane_unlock();
    if (!rc)
        *flag = done;
    return rc;
}

/* ---- Sync ---- */

int win_sync(struct win *w)
{
    (void)w;
    atomic_thread_fence(memory_order_seq_cst);
    lane_lock();
    lane_progress();
    lane_unlock();
    atomic_thread_fence(memory_order_seq_cst);
    return MPI_SUCCESS;
}
