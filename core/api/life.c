/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/api.h"
#include "core/api/life.h"
#include "core/coll/coll.h"
#include "core/file/file_async.h"
#include "core/object/err.h"
#include "core/object/hints.h"
#include "core/p2p/helper.h"
#include "core/win/win.h"
#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/wait.h"

enum api_phase api_phase = API_BEFORE;
int api_thread_level = MPI_THREAD_SINGLE;

/* Guards the two counters below; held while the library opens and closes, by one thread at most. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users;
/* Where the library as a whole is: open while it has users, and longer, see close_locked. */
static enum { NEVER_OPEN, OPEN, CLOSED } state;
static pid_t opener; /* a child that was forked has nothing to close */
static enum { WORLD_BEFORE, WORLD_RUNNING, WORLD_AFTER } world;

/*
 * Error handlers and info objects may be used before MPI_Init (11.4.1), so their predefined handles
 * mean something from the moment the library is loaded.
 */
static void __attribute__((constructor)) life_load(void)
{
    errhandler_open();
    info_open();
}

int life_thread_level(int required)
{
    static const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED};

    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (required <= levels[i])
            return levels[i];
    return MPI_THREAD_MULTIPLE;
}

const char *life_thread_name(int level)
{
    return level == MPI_THREAD_SINGLE       ? "MPI_THREAD_SINGLE"
           : level == MPI_THREAD_FUNNELED   ? "MPI_THREAD_FUNNELED"
           : level == MPI_THREAD_SERIALIZED ? "MPI_THREAD_SERIALIZED"
                                            : "MPI_THREAD_MULTIPLE";
}

/* The program's own name and arguments, 0-separated; at most `room` bytes, longer ones are cut. */
static ssize_t command_line(char *text, size_t room)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n >= 0)
        text[n] = '\0';
    return n;
}

/* Arguments after the first, joined by blanks, as the value of "argv". */
static int describe_arguments(struct info *info, int argc, char *const *argv)
{
    char value[MPI_MAX_INFO_VAL];
    size_t at = 0;

    value[0] = '\0';
    for (int i = 1; i < argc && at < sizeof(value); i++)
        at += snprintf(value + at, sizeof(value) - at, "%s%s", i > 1 ? " " : "", argv[i]);
    return info_set(info, "argv", value);
}

static int describe_command(struct info *info)
{
    char text[4096], *argv[256];
    int argc = 0;
    ssize_t n = command_line(text, sizeof(text));

    for (ssize_t at = 0; at < n && argc < 256; at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    if (!argc)
        return MPI_SUCCESS;
    char value[MPI_MAX_INFO_VAL];
    snprintf(value, sizeof(value), "%s", argv[0]);
    int rc = info_set(info, "command", value);
    return rc ? rc : describe_arguments(info, argc, argv);
}

int life_describe(struct info *info, int argc, char *const *argv)
{
    char text[MPI_MAX_INFO_VAL];
    int rc;

    if (argc > 0 && argv) {
        snprintf(text, sizeof(text), "%s", argv[0]);
        rc = info_set(info, "command", text);
        if (!rc)
            rc = describe_arguments(info, argc, argv);
    } else {
        rc = describe_command(info);
    }
    if (!rc && api_phase == API_RUNNING) {
        snprintf(text, sizeof(text), "%u", boot_info()->size);
        rc = info_set(info, "maxprocs", text);
        if (!rc)
            rc = info_set(info, "thread_level", life_thread_name(api_thread_level));
        if (!rc)
            rc = info_set(info, HINT_MEMORY_KINDS, MEMORY_KINDS);
    }
    if (!rc && !gethostname(text, sizeof(text)))
        rc = info_set(info, "host", text);
    if (!rc && getcwd(text, sizeof(text)))
        rc = info_set(info, "wdir", text);
    return rc;
}

/* ---- Everything below the entry points ---- */

/*
 * -ENOTCONN: the process is one of several that were started without PMIx. That has been said in
 * one line; it must end now, and say no more.
 */
static int open_boot(void)
{
    int rc = boot_open();

    if (rc == -ENOTCONN)
        exit(EXIT_FAILURE);
    return err_from_errno(rc, "the process manager gives this process no place in a job");
}

static int open_objects(const struct boot_info *b)
{
    group_open();
    group_set_self(b->rank);
    datatype_open();
    op_open();
    int rc = comm_open(b->rank, b->size);
    if (!rc)
        coll_open();
    return rc;
}

static int open_messages(const struct boot_info *b)
{
    int rc = lane_open(api_thread_level == MPI_THREAD_MULTIPLE);

    if (rc)
        return rc;
    rc = p2p_open(b->size);
    if (rc)
        goto close_lane;
    if (b->size > 1) { /* a process alone opens it when it first needs it: comm_peer_slow */
        rc = comm_fabric_open();
        if (rc)
            goto close_p2p;
        rc = err_from_errno(boot_exchange_start(), "the exchange of addresses did not start");
        if (rc)
            goto close_fabric;
    }
    return MPI_SUCCESS;

close_fabric:
    fabric_close();
close_p2p:
    p2p_close();
close_lane:
    lane_close();
    return rc;
}

/* ORIEL_VERBOSE: the one line of the job. */
static void tell_start(const struct boot_info *b, uint64_t ns)
{
    const uint32_t *leaders;
    size_t hosts = 1;
    char network[256];

    if (!b->singleton && boot_leaders(&leaders, &hosts))
        hosts = 0;
    fabric_describe(network, sizeof(network));
    log_line(LOG_INFO, "%u rank%s on %zu host%s: %s; MPI_Init took %.1f ms", b->size,
             b->size == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s",
             *network ? network : "no network opened yet", (double)ns / 1e6);
}

/*
 * The process manager stays connected where something fails: whoever has said good-bye may end in
 * any way without ending the job, and the others would wait for it.
 */
static int open_all(void)
{
    uint64_t start = clock_ns();

    param_open();
    int rc = open_boot();
    if (rc)
        return rc;
    const struct boot_info *b = boot_info();
    log_open(b->size > 1 ? (int)b->rank : -1);
    wait_open(b->machine_size);
    rc = open_objects(b);
    if (rc)
        return rc;
    rc = open_messages(b);
    if (rc)
        goto close_comm;
    if (b->size > 1 && helper_open())
        LOG(LOG_WARN, "there is no thread for ORIEL_PROGRESS: %s", err_detail(MPI_ERR_OTHER));
    api_phase = API_RUNNING;
    if (param.verbose && b->rank == 0)
        tell_start(b, clock_ns() - start);
    return MPI_SUCCESS;

close_comm:
    comm_close();
    return rc;
}

static void report_leaks(void)
{
    static const char *const nouns[OBJECT_CLASSES] = {
        [OBJECT_COMM] = "communicators", [OBJECT_GROUP] = "groups",
        [OBJECT_DATATYPE] = "datatypes", [OBJECT_OP] = "operators",
        [OBJECT_REQUEST] = "requests",   [OBJECT_WIN] = "windows",
    };

    for (int c = 0; c < OBJECT_CLASSES; c++)
        if (nouns[c] && log_limit >= LOG_INFO && object_count(c))
            LOG(LOG_INFO, "MPI_Finalize: %u %s have not been freed", object_count(c), nouns[c]);
}

/*
 * All processes meet for the last time. On a channel of its own: the barrier is not one of the
 * program's collectives, of which a process may have started fewer than the others (an exception
 * of Python's before one, and finalizing all the same). An error means that another process is gone
 * already; there is nothing left to wait for.
 */
static void last_barrier(void)
{
    struct coll_scope apart = {
        .rank = comm_world->rank, .size = comm_world->size, .channel = CHANNEL_END};

    (void)coll_run(&(struct coll_args){.kind = COLL_BARRIER, .comm = comm_world, .scope = &apart});
}

/*
 * Nobody leaves while another still needs its progress: what this process sends is on its way, then
 * all meet.
 */
static void close_all(void)
{
    if (comm_world->size > 1) {
        p2p_drain();
        last_barrier();
        p2p_drain();
    }
    file_async_stop();
    helper_stop();
    p2p_close();
    datatype_close();
    report_leaks();
    win_close();
    comm_close();
    fabric_part();
    fabric_close();
    lane_close();
    coll_close();
    boot_close();
    api_phase = API_AFTER;
}

static int open_locked(int thread_level)
{
    if (state == CLOSED && !boot_info()->singleton)
        return err_set(MPI_ERR_OTHER, "MPI has been closed, and the other processes with it");
    if (state != OPEN) {
        api_thread_level = life_thread_level(thread_level);
        int rc = open_all();
        if (rc)
            return rc;
        state = OPEN;
        opener = getpid();
    }
    users++;
    return MPI_SUCCESS;
}

int life_open(int thread_level)
{
    pthread_mutex_lock(&lock);
    int rc = open_locked(thread_level);
    pthread_mutex_unlock(&lock);
    return rc;
}

static void close_at_exit(void)
{
    if (state == OPEN && users == 0 && getpid() == opener) {
        close_all();
        state = CLOSED;
    }
}

/*
 * After MPI_Finalize nothing is expected to come. After the last session more may: another session,
 * or MPI_Init. The other processes would have to close and open at the same time, and no call says
 * so; the library stays open until the program ends.
 */
static void close_locked(void)
{
    static bool waiting;

    if (--users > 0)
        return;
    if (world == WORLD_AFTER) {
        close_all();
        state = CLOSED;
    } else if (!waiting) {
        waiting = !atexit(close_at_exit);
    }
}

void life_close(void)
{
    pthread_mutex_lock(&lock);
    close_locked();
    pthread_mutex_unlock(&lock);
}

/* ---- The world model ---- */

int life_init(int thread_level)
{
    int rc;

    pthread_mutex_lock(&lock);
    if (world != WORLD_BEFORE)
        rc = err_set(MPI_ERR_OTHER, world == WORLD_RUNNING
                                        ? "MPI is initialized already"
                                        : "MPI cannot be initialized again after MPI_Finalize");
    else
        rc = open_locked(thread_level);
    if (!rc) {
        world = WORLD_RUNNING;
        rc = life_describe(&info_env, 0, NULL);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

/*
 * First what MPI_Comm_free would do to MPI_COMM_SELF (11.2.4), with MPI still there for the
 * callbacks; an error of theirs does not keep the rest from being done.
 */
static int delete_attributes(void)
{
    int rc = attr_clear(&comm_self->attrs, MPI_COMM_SELF);
    int rc_world = attr_clear(&comm_world->attrs, MPI_COMM_WORLD);

    rc = rc ? rc : rc_world;
    return rc ? err_set(rc, "returned by an attribute's delete function") : MPI_SUCCESS;
}

int life_finalize(const char *func)
{
    if (world != WORLD_RUNNING)
        return api_fail(err_set(MPI_ERR_OTHER, world == WORLD_BEFORE
                                                   ? "MPI_Init has not been called yet"
                                                   : "MPI_Finalize has been called already"),
                        func);
    int rc = delete_attributes();
    if (rc) /* now: the program's handler goes with what it is set on */
        rc = api_fail(rc, func);
    pthread_mutex_lock(&lock);
    world = WORLD_AFTER;
    close_locked();
    pthread_mutex_unlock(&lock);
    return rc;
}

bool life_initialized(void)
{
    return world != WORLD_BEFORE;
}

bool life_finalized(void)
{
    return world == WORLD_AFTER;
}
