/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/lock.h"

_Thread_local char lock_self __attribute__((tls_model("initial-exec")));

/* ---- The lock that all threads share ---- */

static void futex(atomic_int *word, int op, int value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void state_take(struct lock *l)
{
    int free_state = 0;

    if (atomic_compare_exchange_strong_explicit(&l->state, &free_state, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    /* From here on the state is 2, so that whoever drops the lock wakes a sleeper. */
    while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0)
        futex(&l->state, FUTEX_WAIT, 2);
}

bool lock_drop_shared(struct lock *l)
{
    if (atomic_exchange_explicit(&l->state, 0, memory_order_release) != 2)
        return false;
    futex(&l->state, FUTEX_WAKE, 1);
    return true;
}

/* ---- The reservation ---- */

#if defined(__SANITIZE_THREAD__)
#define BARRIER_IS_SEEN false /* the sanitizer knows nothing of membarrier */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BARRIER_IS_SEEN false
#endif
#endif
#ifndef BARRIER_IS_SEEN
#define BARRIER_IS_SEEN true
#endif

static int membarrier(int command)
{
    return (int)syscall(SYS_membarrier, command, 0, 0);
}

void lock_bias(struct lock *l)
{
    enum { NEEDED = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED };
    int commands = membarrier(MEMBARRIER_CMD_QUERY);

    if (BARRIER_IS_SEEN && commands > 0 && (commands & NEEDED) == NEEDED)
        atomic_store_explicit(&l->bias, LOCK_OFFERED, memory_order_relaxed);
}

/*
 * The caller holds `state` and wants the lock, which is reserved for another thread. To register
 * is late enough here: it takes the kernel a while where there are threads, and most processes
 * never come here. The first command may only be refused to those who have not registered.
 */
static void take_back(struct lock *l)
{
    atomic_store_explicit(&l->bias, LOCK_ALIKE, memory_order_relaxed);
    while (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
            sched_yield();
    while (atomic_load_explicit(&l->inside, memory_order_acquire))
        sched_yield();
}

void lock_take_shared(struct lock *l)
{
    state_take(l);
    switch (atomic_load_explicit(&l->bias, memory_order_relaxed)) {
    case LOCK_OFFERED:
        atomic_store_explicit(&l->inside, true, memory_order_relaxed);
        atomic_store_explicit(&l->owner, &lock_self, memory_order_relaxed);
        atomic_store_explicit(&l->bias, LOCK_RESERVED, memory_order_relaxed);
        lock_drop_shared(l); /* what holds it is `inside` from now on */
        break;
    case LOCK_RESERVED: /* for another: the owner comes here no more until that is over */
        take_back(l);
        break;
    }
}
