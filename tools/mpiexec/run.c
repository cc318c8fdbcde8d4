/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "run.h"
#include "bind.h"
#include "guard.h"
#include "input.h"
#include "launch.h"
#include "output.h"
#include "pollset.h"
#include "reap.h"
#include "say.h"
#include "server.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    GRACE_FAILURE_MS = 500, /* between SIGTERM and SIGKILL, when a rank has failed */
    GRACE_ASKED_MS = 2000,  /* the same, when the user ends the job */
    LEFTOVER_MS = 500,      /* what a rank leaves behind may finish in this time (a tee) */
    PIPE_MS = 500,          /* and then their pipes are closed */
    VERDICT_MS = 20,        /* a failure may be the consequence of one that we see later */
    STATUS_TIMEOUT = 124,
};

enum phase {
    RUNNING,
    ENDING,    /* SIGTERM has been sent */
    KILLING,   /* SIGKILL has been sent */
    FINISHING, /* no rank is left; what they left behind, and their last output, are waited for */
    CLEANING,  /* the left behind have been killed */
    CLOSED,    /* nothing more is read; what was read is being written */
};

struct run {
    struct job *job;
    enum phase phase;
    int status;       /* 0 until something fails; the first failure stays */
    bool interrupted; /* the user has asked for the end once */
    struct failure failure;
    long long verdict_at; /* when the failure is taken for the cause, -1 where there is none */
    long long deadline;   /* of the phase, -1 for none */
    long long timeout_at; /* -1 for none */
    int timeout;
    int signal_fd;
    struct poll_set set;
    size_t signal_slot, wake_slot;
};

static void enter(struct run *r, enum phase phase, int ms)
{
    r->phase = phase;
    r->deadline = ms < 0 ? -1 : now_ms() + ms;
}

static void end_job(struct run *r, int status, int grace)
{
    if (r->phase != RUNNING)
        return;
    r->status = status;
    reap_signal(r->job, SIGTERM);
    reap_signal(r->job, SIGCONT);
    input_close();
    enter(r, ENDING, grace);
}

static void kill_job(struct run *r)
{
    reap_signal(r->job, SIGKILL);
    enter(r, KILLING, -1);
}

/*
 * One rank's end makes others fail, and their end may be seen before its own: sockets close before
 * a process can be waited for. So a failure is held for a moment, but for one that has no other
 * cause.
 */
static void consider(struct run *r, const struct failure *failure)
{
    if (r->phase != RUNNING || failure->cause <= r->failure.cause)
        return;
    if (r->verdict_at < 0)
        r->verdict_at = now_ms() + VERDICT_MS;
    if (failure->cause == CAUSE_SIGNAL)
        r->verdict_at = now_ms();
    r->failure = *failure;
}

static void judge(struct run *r)
{
    bool others = reap_running(r->job) > 0;

    if (r->phase != RUNNING || r->verdict_at < 0 || (others && now_ms() < r->verdict_at))
        return;
    say("%s%s", r->failure.text,
        others && r->failure.cause != CAUSE_ABORT ? "; the other ranks have been ended" : "");
    end_job(r, r->failure.status, GRACE_FAILURE_MS);
}

static void take_aborts(struct run *r)
{
    struct failure failure = {.cause = CAUSE_ABORT};
    struct server_abort a;

    if (!server_next_abort(&a))
        return;
    if (a.message[0] != '\0')
        snprintf(failure.text, sizeof(failure.text), "%s", a.message);
    else
        snprintf(failure.text, sizeof(failure.text),
                 "rank %d (pid %d on %s) aborted the job with status %d", a.rank,
                 (int)r->job->ranks[a.rank].pid, r->job->host, a.status);
    failure.status = a.status & 0xff;
    if (a.status != 0 && failure.status == 0)
        failure.status = 1; /* 256 is still a failure */
    consider(r, &failure);
}

static void take_exits(struct run *r)
{
    struct failure failure;
    bool more = true;

    while (more)
        if (reap_next(r->job, &failure, &more))
            consider(r, &failure);
}

static void stop_and_continue(struct run *r)
{
    reap_signal(r->job, SIGSTOP);
    raise(SIGSTOP);
    reap_signal(r->job, SIGCONT);
}

static void take_end_signal(struct run *r, int signal)
{
    if (r->interrupted) {
        kill_job(r);
        output_discard();
        return;
    }
    r->interrupted = true;
    if (r->phase != RUNNING)
        return;
    say("the job was ended by SIG%s", sigabbrev_np(signal));
    end_job(r, 128 + signal, GRACE_ASKED_MS);
}

static void take_signal(struct run *r, int signal)
{
    switch (signal) {
    case SIGCHLD:
        take_exits(r);
        break;
    case SIGTSTP:
        stop_and_continue(r);
        break;
    case SIGCONT:
        reap_signal(r->job, SIGCONT);
        break;
    case SIGUSR1:
    case SIGUSR2:
        reap_signal(r->job, signal);
        break;
    default:
        take_end_signal(r, signal);
    }
}

static void take_signals(struct run *r)
{
    struct signalfd_siginfo info;

    while (read(r->signal_fd, &info, sizeof(info)) == sizeof(info))
        take_signal(r, (int)info.ssi_signo);
}

static void drain_wake(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) > 0)
        ;
}

/* Moves to the next phase when its condition has come or its time is over. */
static void advance(struct run *r)
{
    bool late = r->deadline >= 0 && now_ms() >= r->deadline;
    bool failed = r->status != 0;

    if (r->timeout_at >= 0 && now_ms() >= r->timeout_at && r->phase == RUNNING) {
        say("the job was ended after %d second%s (--timeout)", r->timeout,
            r->timeout == 1 ? "" : "s");
        end_job(r, STATUS_TIMEOUT, GRACE_ASKED_MS);
    }
    judge(r);
    if (r->phase == RUNNING && output_reader_gone())
        end_job(r, 128 + SIGPIPE, GRACE_FAILURE_MS); /* as any filter: without a word */
    if (r->phase == ENDING && late)
        kill_job(r);
    if (r->phase <= KILLING && reap_running(r->job) == 0)
        enter(r, FINISHING, failed ? 0 : LEFTOVER_MS);
    if (r->phase == FINISHING) {
        bool left = output_has_streams() || reap_has_leftovers(r->job);

        if (!left || now_ms() >= r->deadline) {
            reap_kill_leftovers(r->job);
            enter(r, CLEANING, PIPE_MS);
        }
    }
    if (r->phase == CLEANING) {
        bool left = output_has_streams() || reap_has_leftovers(r->job);

        if (left)
            reap_kill_leftovers(r->job); /* one that started another meanwhile */
        if (!left || now_ms() >= r->deadline) {
            output_close_streams();
            enter(r, CLOSED, -1);
        }
    }
}

static void earlier(int *wait, long long ms)
{
    if (ms < 0)
        return;
    if (*wait < 0 || ms < *wait)
        *wait = (int)ms;
}

static long long left_until(long long when)
{
    long long left;

    if (when < 0)
        return -1;
    left = when - now_ms();
    return left > 0 ? left : 0;
}

static void turn(struct run *r)
{
    int wait = -1;

    poll_clear(&r->set);
    r->signal_slot = poll_add(&r->set, r->signal_fd, POLLIN);
    r->wake_slot = poll_add(&r->set, server_wake_fd(), POLLIN);
    output_poll(&r->set);
    input_poll(&r->set);
    earlier(&wait, left_until(r->deadline));
    if (r->phase == RUNNING) {
        earlier(&wait, left_until(r->timeout_at));
        earlier(&wait, left_until(r->verdict_at));
    }
    earlier(&wait, output_due());
    earlier(&wait, input_due());
    if (r->phase == FINISHING || r->phase == CLEANING)
        earlier(&wait, 10); /* a process that is not our child ends without telling us */
    if (poll(r->set.v, r->set.n, wait) < 0)
        poll_clear(&r->set);
    output_polled(&r->set);
    input_polled(&r->set);
    if (poll_got(&r->set, r->wake_slot) != 0) {
        drain_wake(server_wake_fd());
        take_aborts(r);
    }
    if (poll_got(&r->set, r->signal_slot) != 0)
        take_signals(r);
    advance(r);
}

/* Signals come through a descriptor, from before libpmix's threads start: they inherit the mask. */
static int catch_signals(struct launch_origin *old)
{
    static const int caught[] = {SIGCHLD, SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
                                 SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, plain = {.sa_handler = SIG_DFL};
    sigset_t set;

    sigemptyset(&set);
    signals_add(&set, caught, sizeof(caught) / sizeof(caught[0]));
    sigprocmask(SIG_BLOCK, &set, &old->mask);
    sigaction(SIGPIPE, &ignore, &old->pipe);
    sigaction(SIGCHLD, &plain, NULL); /* an ignored one would take the ranks' statuses away */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A socket for each rank, and its pipes. Where they are too many nothing is started. */
static int allow_files(const struct job *job, const struct options *o, struct launch_origin *old)
{
    rlim_t pipes = o->output_dir != NULL ? 0 : o->merge_stderr ? 1 : 2;
    rlim_t needed = 32 + (1 + pipes) * (rlim_t)job->nranks;
    struct rlimit more;

    getrlimit(RLIMIT_NOFILE, &old->files);
    more = old->files;
    if (more.rlim_cur >= needed)
        return 0;
    if (more.rlim_max < needed) {
        say("%d ranks need %ju open files, and %ju are allowed (ulimit -n)", job->nranks,
            (uintmax_t)needed, (uintmax_t)more.rlim_max);
        return -1;
    }
    more.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return 0;
    say("%d ranks need %ju open files: %s", job->nranks, (uintmax_t)needed, strerror(errno));
    return -1;
}

static int launch_all(struct run *r, const struct launch_origin *origin)
{
    for (int i = 0; i < r->job->nranks; i++) {
        int status = launch_rank(r->job, &r->job->ranks[i], origin);

        if (status != 0)
            return status;
    }
    return 0;
}

/* Starts the ranks and stays until nothing is left of them. */
static int start_and_wait(struct run *r, const struct options *o,
                          const struct launch_origin *origin)
{
    int status;

    if (server_start(r->job) != 0 || input_start() != 0 || output_start(r->job, o) != 0)
        return 1;
    if (o->report_bindings)
        bind_report(r->job);
    if (o->timeout > 0)
        r->timeout_at = now_ms() + 1000LL * o->timeout;
    status = launch_all(r, origin);
    input_started();
    if (status != 0) {
        end_job(r, status, 0);
        kill_job(r);
    }
    while (r->phase != CLOSED || output_has_unwritten())
        turn(r);
    if (r->status == 0 && output_failed())
        return 1;
    return r->status;
}

int run_job(struct job *job, const struct options *o)
{
    struct run r = {
        .job = job,
        .phase = RUNNING,
        .verdict_at = -1,
        .deadline = -1,
        .timeout_at = -1,
        .timeout = o->timeout,
    };
    struct launch_origin origin;
    int status;

    r.signal_fd = catch_signals(&origin);
    if (r.signal_fd < 0) {
        say("no signal descriptor: %s", strerror(errno));
        return 1;
    }
    if (allow_files(job, o, &origin) != 0)
        return 1;
    reap_start();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (guard_start(job) != 0)
        return 1;
    status = start_and_wait(&r, o, &origin);
    guard_stop(job);
    return status;
}
