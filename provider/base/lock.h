/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock that costs one compare-and-swap when it is free and sleeps in the kernel when it is not
 * (Drepper, "Futexes are tricky", 2011, mutex 2). `off` makes it a predictable branch, for programs
 * that asked for less than MPI_THREAD_MULTIPLE. Not recursive; zero is its initial state.
 */
#ifndef ORIEL_BASE_LOCK_H
#define ORIEL_BASE_LOCK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

struct lock {
    atomic_int state; /* 0 free, 1 held, 2 held and somebody may be asleep */
    bool off;
};

void lock_sleep(struct lock *l);
void lock_wake(struct lock *l);

static inline void lock_take(struct lock *l)
{
    int free_state = 0;

    if (l->off)
        return;
    if (!atomic_compare_exchange_strong_explicit(&l->state, &free_state, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        lock_sleep(l);
}

static inline void lock_drop(struct lock *l)
{
    if (l->off)
        return;
    if (atomic_exchange_explicit(&l->state, 0, memory_order_release) == 2)
        lock_wake(l);
}

/* For assertions only: true where the lock is held, by whomever. */
static inline bool lock_held(struct lock *l)
{
    return l->off || atomic_load_explicit(&l->state, memory_order_relaxed) != 0;
}

#endif
