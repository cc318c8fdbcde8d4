/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock that costs one compare-and-swap when it is free and sleeps in the kernel when it is not
 * (Drepper, "Futexes are tricky", 2011, mutex 2). `off` makes it a predictable branch, for programs
 * that asked for less than MPI_THREAD_MULTIPLE. Not recursive; zero is its initial state.
 *
 * One that lock_bias has been called for is reserved for the first thread that takes it: as long as
 * no other thread wants it, it costs that one two stores and no atomic operation (Kawachiya, Koseki
 * and Onodera, "Lock Reservation", 2002). The second thread ends that for good. In the place of the
 * full barrier between the owner's store to `inside` and its look at `bias` stands membarrier(2),
 * called by the second thread: after it, either that store is seen or the owner sees that the
 * reservation is over. Nearly all programs that ask for MPI_THREAD_MULTIPLE call MPI from one
 * thread.
 */
#ifndef ORIEL_BASE_LOCK_H
#define ORIEL_BASE_LOCK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "provider/base/hot.h"

enum lock_bias {
    LOCK_ALIKE,    /* all threads go by `state` */
    LOCK_OFFERED,  /* the next to take it becomes the owner */
    LOCK_RESERVED, /* the owner goes by `inside` */
};

struct lock {
    atomic_int state; /* 0 free, 1 held, 2 held and somebody may be asleep */
    bool off;
    atomic_uchar bias;     /* enum lock_bias; changed by whoever holds `state` */
    atomic_bool inside;    /* the owner holds it without `state`; stored by the owner alone */
    _Atomic(char *) owner; /* lock_self of the owner, also after the reservation; or NULL */
};

/* Its address tells threads apart. */
extern _Thread_local char lock_self __attribute__((tls_model("initial-exec")));

/* Reserves a lock that nobody has taken yet, where the system has the means. */
void lock_bias(struct lock *l);

void lock_take_shared(struct lock *l);
bool lock_drop_shared(struct lock *l);

HOT_INLINE bool lock_is_mine(struct lock *l)
{
    return atomic_load_explicit(&l->owner, memory_order_relaxed) == &lock_self;
}

/*
 * For short ways that have a long one beside them: takes the lock where that costs nothing, without
 * a call. What took it so, lock_leave drops.
 */
HOT_INLINE bool lock_enter(struct lock *l)
{
    if (l->off)
        return true;
    if (UNLIKELY(!lock_is_mine(l)))
        return false;
    atomic_store_explicit(&l->inside, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (LIKELY(atomic_load_explicit(&l->bias, memory_order_acquire) == LOCK_RESERVED))
        return true;
    atomic_store_explicit(&l->inside, false, memory_order_relaxed);
    return false;
}

HOT_INLINE void lock_leave(struct lock *l)
{
    atomic_store_explicit(&l->inside, false, memory_order_release);
}

/* The same with no store in vain: for a way whose stores are dear (node_outlet.h). */
HOT_INLINE void lock_leave_unless_off(struct lock *l)
{
    if (!l->off)
        lock_leave(l);
}

HOT_INLINE void lock_take(struct lock *l)
{
    if (UNLIKELY(!lock_enter(l)))
        lock_take_shared(l);
}

/* True where a sleeper was woken, who has not got the lock yet and may find it taken again. */
HOT_INLINE bool lock_drop(struct lock *l)
{
    if (l->off)
        return false;
    if (UNLIKELY(!lock_is_mine(l) || !atomic_load_explicit(&l->inside, memory_order_relaxed)))
        return lock_drop_shared(l);
    atomic_store_explicit(&l->inside, false, memory_order_release);
    return false;
}

/* For assertions only: true where the lock is held, by whomever. */
static inline bool lock_held(struct lock *l)
{
    return l->off || atomic_load_explicit(&l->state, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&l->inside, memory_order_relaxed);
}

#endif
