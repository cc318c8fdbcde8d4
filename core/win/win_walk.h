/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks the target's side of an accumulate element by element, as far as they lie side by side. The
 * element is the predefined type that the target's type is made of; it may have room between its
 * members (pairs), which is not part of the data.
 */
#ifndef ORIEL_WIN_WIN_WALK_H
#define ORIEL_WIN_WIN_WALK_H

#include "core/win/win.h"

/* Elements side by side in the target's memory. Travels in messages. */
struct win_run {
    uint64_t at;  /* from the base that the walk was begun with */
    uint64_t len; /* bytes of data, without what a pair type has between its members */
};

struct win_walk {
    const struct win_side *target;
    const struct datatype *element;
    uint64_t base;
    struct type_iter i;
    bool whole, spread;
};

/* `base` is where the target's buffer begins; `from` counts bytes of data. */
void win_walk_begin(struct win_walk *k, const struct win_side *target,
                    const struct datatype *element, uint64_t base, size_t from);
/* What begins with the data's byte `from`, where the last run ended; at most `most` bytes of it, a
 * multiple of the element's size. */
struct win_run win_walk_next(struct win_walk *k, size_t from, size_t most);

/* Bytes of memory that a run of `len` bytes of data covers. */
static inline size_t win_run_span(const struct datatype *element, size_t len)
{
    if (element->size == element->extent)
        return len;
    return element->size ? len / (size_t)element->size * (size_t)element->extent : 0;
}

#endif
