/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/lock.h"

static void futex(atomic_int *word, int op, int value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

void lock_sleep(struct lock *l)
{
    /* From here on the state is 2, so that whoever drops the lock wakes a sleeper. */
    while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0)
        futex(&l->state, FUTEX_WAIT, 2);
}

void lock_wake(struct lock *l)
{
    futex(&l->state, FUTEX_WAKE, 1);
}
