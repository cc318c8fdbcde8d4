/* SPDX-License-Identifier: BSD-3-Clause */
/* Argument checks of the windows' calls, as check.h. */
#ifndef ORIEL_API_CHECK_WIN_H
#define ORIEL_API_CHECK_WIN_H

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/win/win.h"

static inline int check_win(MPI_Win win, struct win **out)
{
    struct win *w = win_find(win);

    if (!w)
        return check_bad_win(win);
    *out = w;
    return MPI_SUCCESS;
}

static inline int check_win_rank(const struct win *w, int rank)
{
    if ((unsigned)rank < (unsigned)w->comm->size || rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    return check_bad_rank(w->comm, rank, "target");
}

/* Assertions are a sum of those that the call knows. */
static inline int check_assert(int assert, int known)
{
    if (!(assert & ~known))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_ASSERT, "the assertion %d has bits that this call does not know",
                   assert);
}

#endif
