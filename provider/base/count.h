/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's counters, one row each in count.def: what performance variables show (MPI 15.3.7).
 * They begin at zero when the process does and never go back, but for levels. Any thread may read
 * one at any time, hence the atomics; no counter says anything about the order of other memory.
 * What the shortest way of a send has sent is counted elsewhere till the end: credit_count adds it.
 */
#ifndef ORIEL_BASE_COUNT_H
#define ORIEL_BASE_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

#include "provider/base/hot.h"

struct counts {
#define COUNT(field, name, group, kind, help) _Atomic uint64_t field;
#include "provider/base/count.def"
#undef COUNT
};

extern struct counts counts HOT_DATA;

enum count_group { COUNT_P2P, COUNT_COLL, COUNT_WIN, COUNT_WAIT };
enum count_kind { COUNT_EVENTS, COUNT_BYTES, COUNT_TIME, COUNT_LEVEL };

struct count_row {
    const char *name;
    enum count_group group;
    enum count_kind kind;
    const char *help; /* one sentence */
    _Atomic uint64_t *value;
};

extern const unsigned count_rows_len;
extern const struct count_row count_rows[];

/* Where one lock guards all who change the counter: a load, an add and a store, nothing locked. */
HOT_INLINE void count_add(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

/* Where no lock is held. */
static inline void count_add_unlocked(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
