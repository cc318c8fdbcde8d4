/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/crowd.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/place.h"
#include "provider/fabric/wait.h"

enum {
    UNWOKEN_MS = 1, /* where whoever ends the wait may not wake us */
    SLEEP_MS = 20,  /* a wake-up costs 60 to 150 us, 0.3 to 0.8 % of a processor: */
    NAPS = 10,      /* after so many sleeps in vain */
    LONG_SLEEP_MS = 100,
    CLOCK_EVERY = 16, /* yields */
    LOOKS_FREE = 6,   /* in vain, before it matters that others want the processor */
    POLLS_ALONE = 8,  /* before it matters whether a peer needs this processor */
    SAMPLE = 256,     /* one round in so many is timed */
    NET_POLLS = 16,   /* of shared memory in the time of one of a network */
    LAPS = 8,         /* of short waits in a crowd */
    CPUS_MOST = 1 << 16,
};

#define CPUS_KEY "oriel.cpus"

static uint32_t spin; /* polls before the first yield */
static bool on_network;
static uint64_t sleep_after; /* ns of yielding before the first sleep */

static cpu_set_t mine; /* the processors this process may run on */

static double load = 1;

static void set_spin(void)
{
    spin = param.spin > 0 && !crowded ? param.spin : 0;
    if (on_network)
        spin = (spin + NET_POLLS - 1) / NET_POLLS;
}

static void decide(double ranks)
{
    load = ranks / CPU_COUNT(&mine);
    crowded = load > 1 + 1e-6;
    if (!crowded)
        load = 1;
    set_spin();
}

void wait_network(bool open)
{
    on_network = open;
    set_spin();
}

double wait_load(void)
{
    return load;
}

/* A kernel that may have more processors than a cpu_set_t names wants as much room. */
static int read_processors(cpu_set_t *set)
{
    int rc = -1;

    for (int size = CPU_SETSIZE; rc && size <= CPUS_MOST; size *= 2) {
        cpu_set_t *all = CPU_ALLOC(size);
        rc = all ? sched_getaffinity(0, CPU_ALLOC_SIZE(size), all) : -1;
        if (!rc)
            memcpy(set, all, sizeof(*set));
        CPU_FREE(all);
    }
    return rc;
}

/* Those beyond a cpu_set_t are left out; where nothing else is known, all there are. */
static void find_processors(void)
{
    CPU_ZERO(&mine);
    if (!read_processors(&mine) && CPU_COUNT(&mine))
        return;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < CPU_SETSIZE && (!i || i < online); i++)
        CPU_SET(i, &mine);
}

void wait_open(uint32_t local_ranks)
{
    find_processors();
    place_open(&mine, local_ranks);
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

void wait_share_machine(uint32_t ranks)
{
    if (is_bound())
        return;
    decide(ranks);
    place_share_machine(ranks);
}

uint32_t wait_polls(void)
{
    return spin;
}

const struct wait_watch *wait_watch;
atomic_bool wait_expects;

/* ---- Threads that sleep: all of it lane locked ---- */

uint32_t wait_told;
unsigned wait_asleep, wait_unseen;

static struct list sleepers = LIST_INIT(sleepers);
static bool listened; /* one listens: it sleeps on the fabric, or is up and not yet at its end */

static void wake(struct wait *w)
{
    if (atomic_exchange(&w->woken, 1))
        return;
    if (!w->follows)
        fabric_wake_threads();
    else
        syscall(SYS_futex, &w->woken, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool has_arrived(const struct wait *w)
{
    unsigned count;

    fabric_arrived(&count);
    return count != w->seen;
}

/* `told`: something is complete. One of which nothing is known shall look itself. */
static bool is_over(const struct wait *w, bool told)
{
    if (w->flag)
        return atomic_load_explicit(w->flag, memory_order_acquire);
    if (w->ready)
        return w->ready(w->arg);
    return w->unseen ? has_arrived(w) : told;
}

static void ask(bool told)
{
    struct list *l, *tmp;

    list_each(l, tmp, &sleepers)
    {
        struct wait *w = container_of(l, struct wait, link);
        if (is_over(w, told))
            wake(w);
    }
}

void wait_tell_slow(void)
{
    ask(true);
}

void wait_progressed_slow(void)
{
    ask(false);
}

void wait_looks(struct wait *w)
{
    w->seen_all = fabric_arrived(&w->seen);
}

void wait_saw(struct wait *w)
{
    w->told = wait_told;
}

static void lie_down(struct wait *w)
{
    atomic_store(&w->woken, 0);
    list_add_tail(&sleepers, &w->link);
    wait_asleep++;
    wait_unseen += w->unseen;
}

static void get_up(struct wait *w)
{
    list_drop(&w->link);
    wait_asleep--;
    wait_unseen -= w->unseen;
}

/* The listener goes: the first of those who follow shall listen. */
static void hand_over(void)
{
    struct list *l, *tmp;

    listened = false;
    list_each(l, tmp, &sleepers)
    {
        struct wait *w = container_of(l, struct wait, link);
        if (w->follows) {
            w->listens = true;
            listened = true;
            wake(w);
            return;
        }
    }
}

void wait_end_slow(struct wait *w, struct lock *lock)
{
    lock_take(lock);
    w->listens = false;
    hand_over();
    lock_drop(lock);
}

/* ---- Sleeping ---- */

/*
 * Whoever ends the wait wakes us; what else may have happened (a peer's death) is looked for now
 * and then.
 */
static int sleep_ms(struct wait *w)
{
    if ((w->by_words && !fabric_is_shared()) || (w->unseen && !w->seen_all))
        return UNWOKEN_MS;
    if (w->naps == NAPS)
        return LONG_SLEEP_MS;
    w->naps++;
    return SLEEP_MS;
}

static void sleep_until_woken(struct wait *w)
{
    struct timespec t = {0, sleep_ms(w) * 1000000L};

    syscall(SYS_futex, &w->woken, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
}

static void sleep_now(struct wait *w, bool open)
{
    uint64_t start = clock_ns();

    fabric_rest(true);
    if (w->follows)
        sleep_until_woken(w);
    else if (open)
        fabric_sleep(sleep_ms(w));
    else
        poll(NULL, 0, 1); /* only another thread of this process can help */
    fabric_rest(false);
    count_add_unlocked(&counts.sleeps, 1);
    count_add_unlocked(&counts.sleep_ns, clock_ns() - start);
}

/* ---- In a crowd ---- */

enum {
    STAYS = 16,          /* looks for a peer that runs */
    STAY_NS = 1500,      /* for who is on another processor, and runs there now and then, */
    STAY_RUNS_NS = 6000, /* and for a mate that runs */
    PATIENCE = 63,       /* yields at most that are not preceded by looks */
};

/* Of the whole process: a hint, so threads may disturb each other. */
static _Atomic uint32_t in_vain; /* the next so many times nothing is hoped for, */
static _Atomic uint32_t vanity;  /* and after the next disappointment this often */
static atomic_bool hoping;       /* the last time has not ended in vain, as far as is known */

static void stays_begin(void)
{
    /* The last one brought what was waited for. */
    if (atomic_load_explicit(&hoping, memory_order_relaxed))
        atomic_store_explicit(&vanity, 0, memory_order_relaxed);
    atomic_store_explicit(&hoping, true, memory_order_relaxed);
}

static void stays_in_vain(void)
{
    uint32_t next = 2 * atomic_load_explicit(&vanity, memory_order_relaxed) + 1;

    if (next > PATIENCE)
        next = PATIENCE;
    atomic_store_explicit(&vanity, next, memory_order_relaxed);
    atomic_store_explicit(&in_vain, next, memory_order_relaxed);
    atomic_store_explicit(&hoping, false, memory_order_relaxed);
}

static bool stays_ns(struct wait *w, uint64_t most)
{
    uint64_t now = clock_ns();

    if (!w->stays++)
        w->stays_until = now + most;
    if (now >= w->stays_until)
        return false;
    __builtin_ia32_pause();
    return true;
}

/*
 * Two mates on two processors meet by chance, if each stays for a moment at each turn; and once
 * they have met, each message finds the other one looking.
 */
static bool stays_for_mate(struct wait *w)
{
    return stays_ns(w, fabric_peer_runs(w->peer) ? STAY_RUNS_NS : STAY_NS);
}

bool wait_stays(struct wait *w)
{
    if (!crowded)
        return false;
    if (!w->peer)
        return atomic_load_explicit(&wait_expects, memory_order_relaxed) && stays_ns(w, STAY_NS);
    if (place_is_apart(w->peer))
        return stays_for_mate(w);
    if (w->stays >= STAYS || !fabric_peer_runs(w->peer))
        return false;
    if (!w->stays) {
        uint32_t left = atomic_load_explicit(&in_vain, memory_order_relaxed);
        if (left) {
            atomic_store_explicit(&in_vain, left - 1, memory_order_relaxed);
            w->stays = STAYS;
            return false;
        }
        stays_begin();
    }
    if (++w->stays == STAYS) {
        stays_in_vain();
        return false;
    }
    __builtin_ia32_pause();
    return true;
}

bool wait_lap(struct wait *w, struct lock *lock)
{
    if (spin || w->laps == LAPS)
        return false;
    w->laps++;
    w->stays = 0;
    place_yield(w->peer, lock);
    return true;
}

/* ---- The ladder ---- */

/* Whether there is something to look at instead of sleeping. Lane locked. */
static bool is_needed(struct wait *w)
{
    /* First what may give the lane away meanwhile. */
    bool more = (w->ready && w->ready(w->arg)) || (wait_watch && wait_watch->ready());

    more |= w->told != wait_told || (w->unseen && has_arrived(w));
    w->told = wait_told;
    return more || (w->flag && atomic_load_explicit(w->flag, memory_order_acquire));
}

enum { NO_FD = -1, FOR_EVER = -1 };

bool wait_all_quiet(void)
{
    if (!fabric_may_sleep())
        return false;
    ask(false);
    return true;
}

/* Lane locked. Whether this thread may sleep now. */
static bool may_sleep(struct wait *w, bool open)
{
    bool on_fabric = open && !w->follows;

    if (on_fabric && !wait_all_quiet())
        return false;
    /* The listener may have gone, where is_needed gave the lane away. */
    if (!is_needed(w) && (on_fabric || !open || listened))
        return true;
    if (on_fabric)
        fabric_stay_awake();
    return false;
}

/* `stop_fd`: of a thread that only fills in. */
static void rest(struct wait *w, struct lock *lock, int stop_fd)
{
    lock_take(lock);
    const struct wait_watch *watch = wait_watch;
    if (watch)
        watch->sleeps();
    bool dozes = stop_fd != NO_FD, open = fabric_is_open();
    w->follows = !dozes && listened && !w->listens;
    if (!dozes && !listened)
        listened = w->listens = true;
    bool idle = may_sleep(w, open);
    if (idle && !dozes)
        lie_down(w);
    lock_drop(lock);
    if (idle && dozes)
        fabric_doze(stop_fd, FOR_EVER);
    else if (idle)
        sleep_now(w, open);
    if (!watch && (!idle || dozes))
        return;
    lock_take(lock);
    if (idle && !dozes)
        get_up(w);
    if (watch)
        watch->woke();
    lock_drop(lock);
}

void wait_doze(struct wait *w, struct lock *lock, int stop_fd)
{
    rest(w, lock, stop_fd);
}

bool wait_meets(struct lock *lock)
{
    cpu_set_t taken, free = mine;
    bool first;

    lock_take(lock);
    int met = fabric_is_open() ? fabric_meet(&taken, &first) : 0;
    lock_drop(lock);
    if (!met || first)
        return met;
    CPU_AND(&taken, &taken, &mine);
    CPU_XOR(&free, &free, &taken);
    return !place_go(&free); /* the kernel is slow to part two */
}

/* Looks in vain in a row. Of the whole process: a hint, so threads may disturb each other. */
static _Atomic uint32_t vain_looks;

void wait_looked(bool found, bool wanted)
{
    if (!crowded && (found || !wanted))
        return;
    uint32_t n = found ? 0 : atomic_load_explicit(&vain_looks, memory_order_relaxed) + 1;
    atomic_store_explicit(&vain_looks, n, memory_order_relaxed);
    if (found || (n <= LOOKS_FREE && !wanted))
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
        if (w->polls == POLLS_ALONE + 1 && wait_meets(lock)) {
            w->polls = spin;
            w->since = 0;
        }
        __builtin_ia32_pause();
        return;
    }
    if (wait_stays(w))
        return;
    w->stays = 0;
    atomic_store_explicit(&vain_looks, 0, memory_order_relaxed);
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
        place_yield(w->peer, lock);
    } else {
        rest(w, lock, NO_FD);
    }
}
