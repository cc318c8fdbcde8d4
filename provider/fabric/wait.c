/* SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/crowd.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"

enum {
    UNWOKEN_MS = 1,   /* where whoever ends the wait cannot wake us */
    SLEEP_MS = 20,    /* a wake-up costs some 60 us: 0.3 % of a processor */
    CLOCK_EVERY = 16, /* yields */
    POLLS_ALONE = 8,  /* before it matters whether a peer needs this processor */
    SAMPLE = 256,     /* one round in so many is timed */
};

/* A migration costs some 10 us, and what a peer said of itself may be old. */
#define ASIDE_NS UINT64_C(5000000)

#define CPUS_KEY "oriel.cpus"

static uint32_t spin;        /* polls before the first yield */
static uint64_t sleep_after; /* ns of yielding before the first sleep */

static cpu_set_t mine; /* the processors this process may run on */

static double load = 1;

static void decide(double ranks)
{
    load = ranks / CPU_COUNT(&mine);
    crowded = load > 1 + 1e-6;
    if (!crowded)
        load = 1;
    spin = param.spin > 0 && !crowded ? param.spin : 0;
}

double wait_load(void)
{
    return load;
}

void wait_open(uint32_t local_ranks)
{
    if (sched_getaffinity(0, sizeof(mine), &mine) || !CPU_COUNT(&mine))
        CPU_SET(0, &mine);
    decide(local_ranks);
    sleep_after = param.sleep_after > 0 ? param.sleep_after * UINT64_C(1000) : 0;
}

/* Unbound ranks need no telling: all share all processors. */
static bool is_bound(void)
{
    return CPU_COUNT(&mine) < sysconf(_SC_NPROCESSORS_ONLN);
}

int wait_publish(void)
{
    return is_bound() ? boot_put(CPUS_KEY, &mine, sizeof(mine)) : 0;
}

/* How much of `set`'s rank runs on our processors, if it spreads evenly over all of its own. */
static double share_of(const cpu_set_t *set)
{
    cpu_set_t both;
    int all = CPU_COUNT(set);

    CPU_AND(&both, set, &mine);
    return all ? (double)CPU_COUNT(&both) / all : 0;
}

void wait_share(void)
{
    const uint32_t *ranks = boot_local_ranks();
    double sum = 0;

    if (!is_bound())
        return;
    for (uint32_t i = 0; i < boot_info()->local_size; i++) {
        cpu_set_t set;
        size_t len = sizeof(set);
        if (boot_get(ranks[i], CPUS_KEY, &set, &len) || len != sizeof(set))
            return; /* a rank that does not say: what wait_open thought stands */
        sum += share_of(&set);
    }
    decide(sum);
}

uint32_t wait_polls(void)
{
    return spin;
}

const struct wait_watch *wait_watch;

static void sleep_now(const struct wait *w, bool open)
{
    uint64_t start = clock_ns();

    if (open)
        fabric_sleep(w->ready && !fabric_is_shared() ? UNWOKEN_MS : SLEEP_MS);
    else
        poll(NULL, 0, 1); /* only another thread of this process can help */
    count_add_unlocked(&counts.sleeps, 1);
    count_add_unlocked(&counts.sleep_ns, clock_ns() - start);
}

/* Whether there is something to look at instead of sleeping. Lane locked. */
static bool is_needed(struct wait *w)
{
    uint32_t completed = fabric_is_open() ? fabric_completed() : 0;
    bool more = completed != w->completed;

    w->completed = completed;
    return more || (wait_watch && wait_watch->ready());
}

enum { NO_FD = -1, FOR_EVER = -1 };

/* `stop_fd`: of a thread that only fills in. */
static void rest(struct wait *w, struct lock *lock, int stop_fd)
{
    lock_take(lock);
    const struct wait_watch *watch = wait_watch;
    if (watch)
        watch->sleeps();
    bool open = fabric_is_open(), idle = !open || fabric_may_sleep();
    if (idle && (is_needed(w) || (w->ready && w->ready(w->arg)))) {
        if (open)
            fabric_stay_awake();
        idle = false;
    }
    lock_drop(lock);
    if (idle && stop_fd == NO_FD)
        sleep_now(w, open);
    else if (idle)
        fabric_doze(stop_fd, FOR_EVER);
    if (!watch)
        return;
    lock_take(lock);
    watch->woke();
    lock_drop(lock);
}

void wait_doze(struct wait *w, struct lock *lock, int stop_fd)
{
    rest(w, lock, stop_fd);
}

/* Goes to a processor where no peer is, and may come back: the kernel is slow to part two. */
static bool step_aside(const cpu_set_t *taken)
{
    static _Atomic uint64_t last;
    uint64_t now = clock_ns();
    cpu_set_t allowed, free;

    if (now - atomic_load_explicit(&last, memory_order_relaxed) < ASIDE_NS ||
        sched_getaffinity(0, sizeof allowed, &allowed))
        return false;
    atomic_store_explicit(&last, now, memory_order_relaxed);
    CPU_XOR(&free, &allowed, taken);
    CPU_AND(&free, &free, &allowed);
    if (!CPU_COUNT(&free) || sched_setaffinity(0, sizeof free, &free))
        return false;
    sched_setaffinity(0, sizeof allowed, &allowed);
    return true;
}

/* Whether a peer needs this processor to do what is waited for. One of the two goes. */
static bool meets_peer(struct lock *lock)
{
    cpu_set_t taken;
    bool first;

    lock_take(lock);
    int met = fabric_is_open() ? fabric_meet(&taken, &first) : 0;
    lock_drop(lock);
    return met && (first || !step_aside(&taken));
}

void wait_looked(void)
{
    if (!crowded)
        return;
    sched_yield();
    count_add_unlocked(&counts.yields, 1);
}

/*
 * Times a round now and then, from one vain poll to the next: a clock at each would cost as much as
 * what it measures. `since` is free before the yields.
 */
static void sample_poll(struct wait *w)
{
    static _Thread_local uint32_t rounds;

    if (w->since) {
        count_add_unlocked(&counts.poll_ns, SAMPLE * (clock_ns() - w->since));
        w->since = 0;
    } else if (++rounds % SAMPLE == 0 && w->polls < spin) {
        w->since = clock_ns();
    }
}

void wait_step(struct wait *w, bool progressed, struct lock *lock)
{
    if (progressed) {
        wait_restart(w);
        return;
    }
    if (w->polls < spin) {
        w->polls++;
        sample_poll(w);
        if (w->polls == POLLS_ALONE + 1 && meets_peer(lock)) {
            w->polls = spin;
            w->since = 0;
        }
        __builtin_ia32_pause();
        return;
    }
    /* The clock costs as much as a look at the queue. */
    if (w->yields++ % CLOCK_EVERY == 0) {
        uint64_t now = clock_ns();
        if (!w->since)
            w->since = now;
        else
            count_add_unlocked(&counts.yield_ns, now - w->counted);
        w->counted = now;
        w->tired = now - w->since >= sleep_after;
    }
    if (!w->tired) {
        sched_yield();
        count_add_unlocked(&counts.yields, 1);
    } else {
        rest(w, lock, NO_FD);
    }
}
