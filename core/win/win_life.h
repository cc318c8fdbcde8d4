/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and undoing the window object itself, for win_create.c. No lock held. */
#ifndef ORIEL_WIN_WIN_LIFE_H
#define ORIEL_WIN_WIN_LIFE_H

#include "core/win/win.h"

/*
 * Collective over c: a window without memory and handle, which messages can find already. Hints of
 * `info` (or NULL) that are known here are taken over.
 */
int win_new(int flavor, struct info *info, struct comm *c, struct win **win);
/* Takes back what there is of a window whose creation failed. */
void win_undo(struct win *w);

/*
 * Shows among the hints what has been decided, for whoever wonders about speed. oriel_locks:
 * "memory" (the processor's atomics on the board), "atomics" (remote ones) or "messages" (the
 * target grants).
 * oriel_accumulates: "processor" (its atomics, or the lock where it has none), "lock" (always under
 * the target's lock) or "target" (which applies messages).
 */
int win_show_ways(struct win *w);

/* Bytes that a process's part of the segment takes. */
static inline size_t win_part(MPI_Aint size, size_t step)
{
    return ((size_t)size + step - 1) / step * step;
}

#endif
