/* SPDX-License-Identifier: BSD-3-Clause */
/* Synchronisation of windows (12.5). */
#include "core/api/check_win.h"

/* ---- Fence ---- */

MPI_EXPORT(Win_fence)
int PMPI_Win_fence(int assert, MPI_Win win)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_assert(assert, MPI_MODE_NOSTORE | MPI_MODE_NOPUT | MPI_MODE_NOPRECEDE |
                                      MPI_MODE_NOSUCCEED);
    if (!rc)
        rc = win_fence(w, assert);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

/* ---- Post, start, complete, wait ---- */

static int check_epoch(MPI_Win win, struct win **w, MPI_Group group, struct group **g, int assert,
                       int known)
{
    int rc = check_win(win, w);

    if (!rc)
        rc = check_group(group, g);
    return rc ? rc : check_assert(assert, known);
}

MPI_EXPORT(Win_start)
int PMPI_Win_start(MPI_Group group, int assert, MPI_Win win)
{
    struct win *w = NULL;
    struct group *g = NULL;
    int rc = check_epoch(win, &w, group, &g, assert, MPI_MODE_NOCHECK);

    if (!rc)
        rc = win_start(w, g, assert);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_post)
int PMPI_Win_post(MPI_Group group, int assert, MPI_Win win)
{
    struct win *w = NULL;
    struct group *g = NULL;
    int rc = check_epoch(win, &w, group, &g, assert,
                         MPI_MODE_NOCHECK | MPI_MODE_NOSTORE | MPI_MODE_NOPUT);

    if (!rc)
        rc = win_post(w, g, assert);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

/* The calls that take a window alone. */
static int simple(MPI_Win win, int (*call)(struct win *w), const char *func)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = call(w);
    return rc ? api_fail_win(w, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Win_complete)
int PMPI_Win_complete(MPI_Win win)
{
    return simple(win, win_complete, __func__);
}

MPI_EXPORT(Win_wait)
int PMPI_Win_wait(MPI_Win win)
{
    return simple(win, win_wait, __func__);
}

MPI_EXPORT(Win_test)
int PMPI_Win_test(MPI_Win win, int *flag)
{
    struct win *w = NULL;
    bool done;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc)
        rc = win_test(w, &done);
    if (rc)
        return api_fail_win(w, rc, __func__);
    *flag = done;
    return MPI_SUCCESS;
}

/* ---- Locks ---- */

MPI_EXPORT(Win_lock)
int PMPI_Win_lock(int lock_type, int rank, int assert, MPI_Win win)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc && lock_type != MPI_LOCK_EXCLUSIVE && lock_type != MPI_LOCK_SHARED)
        rc = err_set(MPI_ERR_LOCKTYPE, "lock type %d is neither MPI_LOCK_EXCLUSIVE nor _SHARED",
                     lock_type);
    if (!rc)
        rc = check_win_rank(w, rank);
    if (!rc)
        rc = check_assert(assert, MPI_MODE_NOCHECK);
    if (!rc)
        rc = win_lock(w, lock_type == MPI_LOCK_EXCLUSIVE, rank, assert);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_lock_all)
int PMPI_Win_lock_all(int assert, MPI_Win win)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_assert(assert, MPI_MODE_NOCHECK);
    if (!rc)
        rc = win_lock_all(w, assert);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

/* The calls that take a window and a rank. */
HOT_INLINE int ranked(MPI_Win win, int rank, int (*call)(struct win *w, int rank), const char *func)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_win_rank(w, rank);
    if (!rc)
        rc = call(w, rank);
    return rc ? api_fail_win(w, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Win_unlock)
int PMPI_Win_unlock(int rank, MPI_Win win)
{
    return ranked(win, rank, win_unlock, __func__);
}

MPI_EXPORT(Win_unlock_all)
int PMPI_Win_unlock_all(MPI_Win win)
{
    return simple(win, win_unlock_all, __func__);
}

MPI_EXPORT(Win_flush)
int PMPI_Win_flush(int rank, MPI_Win win)
{
    return ranked(win, rank, win_flush, __func__);
}

MPI_EXPORT(Win_flush_all)
int PMPI_Win_flush_all(MPI_Win win)
{
    return simple(win, win_flush_all, __func__);
}

/* An operation is complete here when it is complete at the target, not before. */
MPI_EXPORT(Win_flush_local)
int PMPI_Win_flush_local(int rank, MPI_Win win)
{
    return ranked(win, rank, win_flush, __func__);
}

MPI_EXPORT(Win_flush_local_all)
int PMPI_Win_flush_local_all(MPI_Win win)
{
    return simple(win, win_flush_all, __func__);
}

MPI_EXPORT(Win_sync)
int PMPI_Win_sync(MPI_Win win)
{
    return simple(win, win_sync, __func__);
}
