/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/win/win_help.h"

#include <mpi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/object/err.h"
#include "provider/base/count.h"
#include "provider/fabric/fabric.h"

enum {
    STAND_BACK_MS = 2, /* while the program makes progress by itself */
    ATTENDED_MS = 10,  /* while it sleeps in a call */
    LEFT_ALONE = 64,   /* looks in vain before a wait object that does not let us sleep is left */
    STACK = 256 * 1024,
    FOR_EVER = -1,
};

static struct {
    pthread_mutex_t lock; /* of the rest; held while the thread is started and ended */
    pthread_t thread;
    unsigned users;
    int stop_fd; /* readable: the thread shall end */
    struct deferred *work;
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .stop_fd = -1};

static uint64_t polls(void)
{
    return atomic_load_explicit(&counts.polls, memory_order_relaxed);
}

static bool shall_stop(int timeout_ms)
{
    struct pollfd p = {.fd = helper.stop_fd, .events = POLLIN};

    return poll(&p, 1, timeout_ms) > 0;
}

/* Does what there is to do. Whether it is safe to sleep now, and `seen`: the polls until then. */
static bool look_around(uint64_t *seen)
{
    bool moved = true, idle = false;

    for (int vain = 0; (moved || !idle) && vain < LEFT_ALONE; vain += !moved) {
        lane_lock();
        moved = lane_help(helper.work);
        idle = !moved && fabric_may_sleep();
        *seen = polls();
        lane_unlock();
        if (!idle)
            sched_yield();
    }
    return idle;
}

static void *help(void *unused)
{
    uint64_t seen = polls() - 1;

    (void)unused;
    while (!shall_stop(0)) {
        uint64_t now = polls();
        if (now != seen || fabric_is_attended()) {
            shall_stop(now != seen ? STAND_BACK_MS : ATTENDED_MS);
            seen = now;
            continue;
        }
        if (look_around(&seen))
            fabric_doze(helper.stop_fd, FOR_EVER);
        else
            shall_stop(STAND_BACK_MS);
    }
    return NULL;
}

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
    helper.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (helper.stop_fd < 0)
        return err_set(MPI_ERR_OTHER, "no eventfd for the windows' helper thread");
    e = start_thread();
    if (!e)
        return MPI_SUCCESS;
    close(helper.stop_fd);
    helper.stop_fd = -1;
    return err_set(MPI_ERR_OTHER, "starting the windows' helper thread: %s", strerror(e));
}

int win_help_begin(struct deferred *work)
{
    int rc = MPI_SUCCESS;

    pthread_mutex_lock(&helper.lock);
    helper.work = work;
    if (!helper.users)
        rc = start();
    if (!rc)
        helper.users++;
    pthread_mutex_unlock(&helper.lock);
    return rc;
}

/* helper.lock held. */
static void stop(void)
{
    static const uint64_t one = 1;
    ssize_t n = write(helper.stop_fd, &one, sizeof one);

    (void)n;
    pthread_join(helper.thread, NULL);
    close(helper.stop_fd);
    helper.stop_fd = -1;
    helper.users = 0;
}

void win_help_end(void)
{
    pthread_mutex_lock(&helper.lock);
    if (helper.users && !--helper.users)
        stop();
    pthread_mutex_unlock(&helper.lock);
}

void win_help_stop(void)
{
    pthread_mutex_lock(&helper.lock);
    if (helper.users)
        stop();
    pthread_mutex_unlock(&helper.lock);
}
