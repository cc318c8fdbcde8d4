/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way of the calls for one element, as core/p2p/quick.h for messages: what nearly all of
 * them are, right in every argument, by a processor's atomic in memory that is mapped here. One
 * pass asks what the checks and the functions below them would ask one after the other. Where an
 * answer is no, nothing has been done and nothing said, and the call takes the long way.
 */
#ifndef ORIEL_WIN_WIN_QUICK_H
#define ORIEL_WIN_WIN_QUICK_H

#include "core/win/win_atomic.h"
#include "core/win/win_message.h"

/* Where the element is, if it may be accessed and an atomic reaches it; else NULL. */
HOT_INLINE char *win_quick_place(const struct win *w, struct datatype *t, int rank, MPI_Aint disp)
{
    const struct win_side one = {.disp = disp, .count = 1, .type = t};
    uint64_t at;

    if (UNLIKELY(!w->board || w->coarse || (unsigned)rank >= (unsigned)w->comm->size))
        return NULL;
    const struct win_target *target = &w->targets[rank];
    if (UNLIKELY(target->reach != WIN_BY_STORE || !win_is_locked(w, rank) || !t->predefined ||
                 !win_target_range_plain(w, rank, &one, &at)))
        return NULL;
    char *place = target->mapped + at;
    return LIKELY(win_atomic_aligned(t->basic, (uintptr_t)place)) ? place : NULL;
}

/* True: done. */
HOT_INLINE bool win_quick_fetch(const void *origin, void *result, MPI_Datatype datatype, int rank,
                                MPI_Aint disp, MPI_Op op, MPI_Win win)
{
    const struct win *w = win_find(win);
    struct datatype *t = datatype_find(datatype);
    const struct op *o = op_find(op);

    if (UNLIKELY(!w || !t || !o || !origin || !result))
        return false;
    char *place = win_quick_place(w, t, rank, disp);
    win_atomic_fn *fn = win_atomic_table[o->kind][t->basic];
    if (UNLIKELY(!place || !fn))
        return false;
    win_count(&counts.win_accumulated, 1);
    fn(place, origin, result, 1);
    return true;
}

/* True: done. */
HOT_INLINE bool win_quick_swap(const void *origin, const void *compare, void *result,
                               MPI_Datatype datatype, int rank, MPI_Aint disp, MPI_Win win)
{
    const struct win *w = win_find(win);
    struct datatype *t = datatype_find(datatype);

    if (UNLIKELY(!w || !t || !origin || !compare || !result))
        return false;
    char *place = win_quick_place(w, t, rank, disp);
    if (UNLIKELY(!place))
        return false;
    win_count(&counts.win_accumulated, 1);
    win_atomic_swap(t->basic, place, compare, origin, result);
    return true;
}

#endif
