/* SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>
#include <sched.h>

#include "provider/base/clock.h"
#include "provider/base/param.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"

enum { SLEEP_MS = 20 }; /* a wake-up costs some 60 us: 0.3 % of a processor */

static uint32_t spin;        /* polls before the first yield */
static uint64_t sleep_after; /* ns of yielding before the first sleep */

void wait_open(uint32_t local_ranks)
{
    cpu_set_t set;
    unsigned processors = 1;

    if (!sched_getaffinity(0, sizeof(set), &set))
        processors = CPU_COUNT(&set);
    spin = param.spin > 0 && local_ranks <= processors ? param.spin : 0;
    sleep_after = param.sleep_after > 0 ? param.sleep_after * UINT64_C(1000) : 0;
}

uint32_t wait_polls(void)
{
    return spin;
}

static void rest(struct lock *lock)
{
    lock_take(lock);
    bool open = fabric_is_open(), idle = open && fabric_may_sleep();
    lock_drop(lock);
    if (!open)
        poll(NULL, 0, 1); /* only another thread of this process can help */
    else if (idle)
        fabric_sleep(SLEEP_MS);
}

void wait_step(struct wait *w, bool progressed, struct lock *lock)
{
    if (progressed) {
        wait_begin(w);
        return;
    }
    if (w->polls < spin) {
        w->polls++;
        __builtin_ia32_pause();
        return;
    }
    if (!w->since)
        w->since = clock_ns();
    w->yields++;
    if (clock_ns() - w->since < sleep_after)
        sched_yield();
    else
        rest(lock);
}
