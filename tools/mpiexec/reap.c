/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "reap.h"
#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rank *find_rank(struct job *job, pid_t pid)
{
    for (int i = 0; i < job->nranks; i++)
        if (job->ranks[i].running && job->ranks[i].pid == pid)
            return &job->ranks[i];
    return NULL;
}

/* A group outlives its leader for as long as it has members, and its number is not given anew. */
static void look_at_group(struct rank *r)
{
    r->leftover = kill(-r->pid, 0) == 0;
    if (!r->leftover)
        guard_forget(r->number);
}

/*
 * The rules. A rank that never asked PMIx for anything is no MPI program and is judged by its
 * status; one that did has to call MPI_Finalize before it exits.
 */
static bool is_failure(const struct job *job, const struct rank *r, int status, struct failure *out)
{
    int size = snprintf(out->text, sizeof(out->text), "rank %d (pid %d on %s) ", r->number,
                        (int)r->pid, job->host);
    char *text = out->text + size;
    size_t room = sizeof(out->text) - (size_t)size;
    bool open = atomic_load(&r->connected) && !atomic_load(&r->finalized);

    if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        const char *name = sigabbrev_np(signal);

        snprintf(text, room, "was killed by signal %d (SIG%s, %s)", signal,
                 name != NULL ? name : "RT", strsignal(signal));
        out->status = 128 + signal;
        out->cause = CAUSE_SIGNAL;
        return true;
    }
    out->status = WEXITSTATUS(status);
    out->cause = open ? CAUSE_LEFT : CAUSE_EXIT;
    if (out->status != 0) {
        snprintf(text, room, "exited with status %d%s", out->status,
                 open ? " without calling MPI_Finalize" : "");
        return true;
    }
    if (!open)
        return false;
    snprintf(text, room, "exited without calling MPI_Finalize");
    out->status = 1;
    return true;
}

/*
 * The children that we had before the job, of the shell whose place we took by exec: not ours. What
 * such a child leaves behind when it ends comes to us, too, as we are a subreaper, and cannot be
 * told from a rank's orphan: it is waited for, and killed, like one.
 */
static pid_t *strangers;
static size_t nstrangers;

static bool is_ours(pid_t pid)
{
    for (size_t i = 0; i < nstrangers; i++)
        if (strangers[i] == pid)
            return false;
    return !guard_is(pid);
}

/* Once reaped, its number may be given to a process of the job. */
static void forget_stranger(pid_t pid)
{
    for (size_t i = 0; i < nstrangers; i++)
        if (strangers[i] == pid)
            strangers[i] = strangers[--nstrangers];
}

bool reap_next(struct job *job, struct failure *out, bool *more)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    struct rank *r;

    *more = pid > 0;
    if (pid <= 0)
        return false;
    forget_stranger(pid);
    r = find_rank(job, pid);
    if (r == NULL) { /* an orphan that came to us */
        for (int i = 0; i < job->nranks; i++)
            if (job->ranks[i].leftover)
                look_at_group(&job->ranks[i]);
        return false;
    }
    r->running = false;
    look_at_group(r);
    return is_failure(job, r, status, out);
}

int reap_running(const struct job *job)
{
    int running = 0;

    for (int i = 0; i < job->nranks; i++)
        running += job->ranks[i].running;
    return running;
}

void reap_signal(struct job *job, int signal)
{
    for (int i = 0; i < job->nranks; i++)
        if (job->ranks[i].running || job->ranks[i].leftover)
            kill(-job->ranks[i].pid, signal);
}

/* Our children; a process whose parent has gone becomes one, as we are a subreaper. */
static void each_child(void (*call)(pid_t pid, void *data), void *data)
{
    char path[64];
    FILE *f;
    int pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "re");
    if (f == NULL)
        return;
    while (fscanf(f, "%d", &pid) == 1)
        call(pid, data);
    fclose(f);
}

static void count_child(pid_t pid, void *data)
{
    *(int *)data += is_ours(pid);
}

static void kill_child(pid_t pid, void *data)
{
    (void)data;
    if (is_ours(pid))
        kill(pid, SIGKILL);
}

static void add_stranger(pid_t pid, void *data)
{
    (void)data;
    strangers = reallocarray(strangers, nstrangers + 1, sizeof(*strangers));
    if (strangers == NULL)
        abort();
    strangers[nstrangers++] = pid;
}

void reap_start(void)
{
    each_child(add_stranger, NULL);
}

bool reap_has_leftovers(struct job *job)
{
    int children = 0;

    for (int i = 0; i < job->nranks; i++)
        if (job->ranks[i].leftover) {
            look_at_group(&job->ranks[i]);
            if (job->ranks[i].leftover)
                return true;
        }
    each_child(count_child, &children);
    return children > 0;
}

void reap_kill_leftovers(struct job *job)
{
    reap_signal(job, SIGKILL);
    each_child(kill_child, NULL);
}
