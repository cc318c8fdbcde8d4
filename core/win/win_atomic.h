/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accumulates by the processor's atomic instructions, for integers and logicals of up to 8 bytes
 * that are aligned. Everything else is combined under the target's lock (win_board_hold). Which of
 * the two it is depends on the kind of element and its address alone, so that they never meet at
 * one location (12.7.1 speaks of operations with the same predefined type).
 */
#ifndef ORIEL_WIN_WIN_ATOMIC_H
#define ORIEL_WIN_WIN_ATOMIC_H

#include "core/object/op.h"

/*
 * at[i] = in[i] op at[i] for n elements side by side, each at once; what was there before goes to
 * `out` where that is not NULL. in and out need no alignment and may be the same.
 */
typedef void win_atomic_fn(void *at, const void *in, void *out, size_t n);

/* NULL where no instruction does it. */
extern win_atomic_fn *const win_atomic_table[OP_KINDS][BASICS];

/* Bytes of an element for which there are instructions, else 0. */
extern const uint8_t win_atomic_size[BASICS];

static inline bool win_atomic_aligned(enum basic basic, uintptr_t at)
{
    unsigned size = win_atomic_size[basic];

    return size && !(at & (size - 1));
}

/* Replaces *at by *value where it equals *compare; *result is what was there before. */
void win_atomic_swap(enum basic basic, void *at, const void *compare, const void *value,
                     void *result);

#endif
