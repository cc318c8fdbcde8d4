/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/helper.h"

#include <mpi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/object/err.h"
#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/param.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"

enum {
    STAND_BACK_US = 2000, /* while the program makes progress by itself */
    ATTENDED_US = 10000,  /* while it sleeps in a call */
    SHARE_US = 100,       /* while it makes progress, and operations are under way */
    HOLD_OFF_NS = 30000,  /* after a start: who waits at once makes progress without us */
    LEFT_ALONE = 64,    /* looks in vain before a wait object that does not let us sleep is left */
    PURSUE_NS = 100000, /* without a move, before it sleeps while operations are under way */
    SLICE_NS = 100000,  /* the shortest that there is */
    STACK = 256 * 1024,
};

static struct {
    pthread_mutex_t lock; /* of the rest; held while the thread is started and ended */
    pthread_t thread;
    unsigned users; /* windows, and the program */
    int call_fd;    /* readable: there is something to do, or an end of it */
    struct deferred *work;
    atomic_bool stopping;
    atomic_bool away; /* it sleeps, or is about to: only a call or a message brings it back */
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .call_fd = -1};

bool helper_serves_all;

static uint64_t polls(void)
{
    return atomic_load_explicit(&counts.polls, memory_order_relaxed);
}

static bool shall_stop(void)
{
    return atomic_load_explicit(&helper.stopping, memory_order_relaxed);
}

static bool has_started(void)
{
    return helper_serves_all && atomic_load(&lane.started);
}

/* ---- Sleeping ---- */

/* Who calls from now on writes; who called before has been seen by has_started. */
static void go_away(void)
{
    atomic_store(&helper.away, true);
}

static void come_back(void)
{
    uint64_t calls;

    atomic_store(&helper.away, false);
    ssize_t n = read(helper.call_fd, &calls, sizeof calls);
    (void)n; /* none */
}

void helper_wake(void)
{
    static const uint64_t one = 1;

    if (!atomic_load(&helper.away) || !atomic_exchange(&helper.away, false))
        return;
    ssize_t n = write(helper.call_fd, &one, sizeof one);
    (void)n;
}

/* For so long, or until it is called. */
static void stand_back(long microseconds)
{
    struct pollfd p = {.fd = helper.call_fd, .events = POLLIN};
    struct timespec t = {0, microseconds * 1000};

    go_away();
    if (!has_started() || microseconds == SHARE_US)
        ppoll(&p, 1, &t, NULL);
    come_back();
}

/* ---- Progress ---- */

/* Lane locked. */
static bool progress(void)
{
    return helper_serves_all ? lane_progress() : lane_help(helper.work);
}

/* Does what there is to do. Whether it is safe to sleep now, and `seen`: the polls until then. */
static bool look_around(uint64_t *seen)
{
    bool moved = true, idle = false;

    for (int vain = 0; (moved || !idle) && vain < LEFT_ALONE; vain += !moved) {
        lane_lock();
        moved = progress();
        idle = !moved && wait_all_quiet();
        *seen = polls();
        lane_unlock();
        if (!idle)
            sched_yield();
    }
    return idle;
}

static void sleep_until_called(uint64_t *seen)
{
    go_away();
    if (has_started())
        come_back();
    else if (look_around(seen)) {
        fabric_doze(helper.call_fd, -1);
        come_back();
    } else {
        come_back();
        stand_back(STAND_BACK_US);
    }
}

/*
 * Asks for short slices: the scheduler (Linux 6.12 and later) then lets the thread run as soon as
 * it is woken, though a thread that computes has not used up its own 3 ms. Earlier ones take no
 * notice. Nothing more is to be had without privileges.
 */
static void ask_for_short_slices(void)
{
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
    /* Of <linux/sched/types.h>, which cannot stand beside <sched.h>; the first version. */
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a = {.size = sizeof a};

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) || a.policy != SCHED_OTHER)
        return;
    a.runtime = SLICE_NS;
    syscall(SYS_sched_setattr, 0, &a, 0);
#endif
}

/*
 * Whoever started an operation and woke this thread by it is still in that call, perhaps on this
 * very processor: it shall return from there, and not when the operation is over.
 */
static void hold_off(void)
{
    struct timespec t = {0, HOLD_OFF_NS};

    nanosleep(&t, NULL);
}

/*
 * While operations are under way: looks as long as something moves, and where each rank has a
 * processor a little longer, as what a peer's helper does takes no longer than a copy. It does not
 * yield: the program, which computes, would have the processor for milliseconds.
 */
static void pursue(void)
{
    uint64_t since = 0, seen;
    struct wait w;

    hold_off();
    seen = polls();
    wait_begin(&w);
    while (has_started() && !shall_stop()) {
        lane_lock();
        bool alone = polls() == seen, moved = lane_progress();
        seen = polls();
        lane_unlock();
        uint64_t now = clock_ns();
        if (moved || !since) {
            since = now;
        } else if (!alone) {
            stand_back(SHARE_US);
        } else if (!wait_polls() || now - since > PURSUE_NS) {
            go_away();
            wait_doze(&w, &lane.lock, helper.call_fd);
            come_back();
            since = 0;
        }
        __builtin_ia32_pause();
    }
}

static void *help(void *unused)
{
    uint64_t seen = polls() - 1;

    (void)unused;
    ask_for_short_slices();
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    while (!shall_stop()) {
        uint64_t now = polls();
        if (has_started()) {
            pursue();
        } else if (now != seen || fabric_is_attended()) {
            stand_back(now != seen ? STAND_BACK_US : ATTENDED_US);
            seen = now;
        } else {
            sleep_until_called(&seen);
        }
    }
    return NULL;
}

/* ---- Life ---- */

/* The program's signals are the program's. */
static int start_thread(void)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int e;

    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    e = pthread_create(&helper.thread, &attr, help, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return e;
}

/* helper.lock held. */
static int start(void)
{
    int e;

    lane_share();
    atomic_store(&helper.stopping, false);
    helper.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (helper.call_fd < 0)
        return err_set(MPI_ERR_OTHER, "no eventfd for the helper thread");
    e = start_thread();
    if (!e)
        return MPI_SUCCESS;
    close(helper.call_fd);
    helper.call_fd = -1;
    return err_set(MPI_ERR_OTHER, "starting the helper thread: %s", strerror(e));
}

/* One more user. helper.lock held. */
static int begin(void)
{
    int rc = helper.users ? MPI_SUCCESS : start();

    helper.users += !rc;
    return rc;
}

int helper_begin(struct deferred *work)
{
    pthread_mutex_lock(&helper.lock);
    helper.work = work;
    int rc = begin();
    pthread_mutex_unlock(&helper.lock);
    return rc;
}

/* helper.lock held. */
static void stop(void)
{
    static const uint64_t one = 1;

    atomic_store(&helper.stopping, true);
    ssize_t n = write(helper.call_fd, &one, sizeof one);
    (void)n;
    pthread_join(helper.thread, NULL);
    close(helper.call_fd);
    helper.call_fd = -1;
    helper.users = 0;
    helper_serves_all = false;
}

void helper_end(void)
{
    pthread_mutex_lock(&helper.lock);
    if (helper.users && !--helper.users)
        stop();
    pthread_mutex_unlock(&helper.lock);
}

int helper_open(void)
{
    int rc;

    if (!strcmp(param.progress, "calls"))
        return MPI_SUCCESS;
    pthread_mutex_lock(&helper.lock);
    helper_serves_all = true;
    rc = begin();
    helper_serves_all = !rc;
    pthread_mutex_unlock(&helper.lock);
    return rc;
}

void helper_stop(void)
{
    pthread_mutex_lock(&helper.lock);
    if (helper.users)
        stop();
    pthread_mutex_unlock(&helper.lock);
}
