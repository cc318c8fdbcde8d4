/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "launch.h"
#include "guard.h"
#include "input.h"
#include "output.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What the child needs; it shares our memory until it executes the program. */
struct child {
    const struct program *program;
    const struct rank *rank;
    const struct launch_origin *origin;
    char **script; /* the program as an argument of a shell, for a script without #! */
    pid_t launcher;
    int in, out, err;
    int error;        /* set by the child that fails, errno */
    const char *what; /* and what failed */
};

static int fail(struct child *c, const char *what)
{
    c->what = what;
    return -1;
}

/* Only calls that are safe in a child that borrows its parent's memory. Returns where it failed. */
static int become_rank(struct child *c)
{
    const struct rank *r = c->rank;

    if (setpgid(0, 0) != 0)
        return fail(c, "setpgid");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != c->launcher)
        return fail(c, "prctl");
    if (r->cpus != NULL && sched_setaffinity(0, r->cpus_size, r->cpus) != 0)
        return fail(c, "binding");
    if (dup2(c->in, STDIN_FILENO) < 0 || dup2(c->out, STDOUT_FILENO) < 0 ||
        dup2(c->err, STDERR_FILENO) < 0)
        return fail(c, "dup2");
    if (c->program->wdir != NULL && chdir(c->program->wdir) != 0)
        return fail(c, c->program->wdir);
    setrlimit(RLIMIT_NOFILE, &c->origin->files);
    sigaction(SIGPIPE, &c->origin->pipe, NULL);
    sigprocmask(SIG_SETMASK, &c->origin->mask, NULL);
    execve(c->program->path, c->program->argv, r->env);
    if (errno == ENOEXEC)
        execve("/bin/sh", c->script, r->env);
    return fail(c, c->program->argv[0]);
}

/* vfork() and no more, so that nothing of the parent's frame is at stake. */
__attribute__((noinline)) static pid_t start(struct child *c)
{
    pid_t pid = vfork();

    if (pid == 0) {
        become_rank(c);
        c->error = errno;
        _exit(127);
    }
    return pid;
}

static char **make_script(const struct program *p)
{
    char **argv = calloc((size_t)p->argc + 2, sizeof(*argv));

    if (argv == NULL)
        abort();
    argv[0] = (char *)"sh";
    argv[1] = p->path;
    for (int i = 1; i < p->argc; i++)
        argv[i + 1] = p->argv[i];
    return argv;
}

int launch_rank(const struct job *job, struct rank *r, const struct launch_origin *origin)
{
    struct child c = {
        .program = r->program,
        .rank = r,
        .origin = origin,
        .script = make_script(r->program),
        .launcher = getpid(),
        .in = input_fd(r),
    };
    int status = 0;
    pid_t pid;

    if (output_open(r, &c.out, &c.err) != 0) {
        status = 1;
        goto free_script;
    }
    pid = start(&c);
    output_opened(c.out, c.err);
    if (pid < 0) {
        say("rank %d on %s cannot be started: %s (see ulimit -u)", r->number, job->host,
            strerror(errno));
        status = 1;
        goto free_script;
    }
    r->pid = pid;
    r->running = true;
    guard_watch(r->number, pid);
    if (c.error != 0) {
        say("rank %d on %s cannot be started: %s: %s", r->number, job->host, c.what,
            strerror(c.error));
        status = c.error == ENOENT ? 127 : 126;
    }

free_script:
    free(c.script);
    return status;
}
