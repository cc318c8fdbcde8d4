/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "guard.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t guard;
static int line = -1;          /* its other end closes when the launcher is no more */
static volatile pid_t *groups; /* shared with the guard, one for each rank, 0 for none */
static int ngroups;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    remove(path);
    return 0;
}

static void remove_folder(const char *path)
{
    if (rmdir(path) != 0 && errno == ENOTEMPTY)
        nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The guard's life. All signals are blocked; only SIGKILL ends it early. */
_Noreturn static void keep_guard(const struct job *job, int other)
{
    char byte;

    setsid();
    prctl(PR_SET_NAME, "mpiexec-guard");
    if (other != 3) {
        dup2(other, 3);
        other = 3;
    }
    close_range(0, 2, 0);
    close_range(4, ~0U, 0);
    while (read(other, &byte, 1) < 0 && errno == EINTR)
        ;
    for (int i = 0; i < ngroups; i++)
        if (groups[i] > 0)
            kill(-groups[i], SIGKILL);
    remove_folder(job->dir);
    _exit(0);
}

static int make_folder(struct job *job)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || *tmp != '/' || strlen(tmp) > NAME_SIZE / 2)
        tmp = "/tmp";
    snprintf(job->dir, sizeof(job->dir), "%s/oriel-mpiexec.XXXXXX", tmp);
    if (mkdtemp(job->dir) == NULL) {
        say("no folder for the session in %s: %s (set TMPDIR)", tmp, strerror(errno));
        return -1;
    }
    return 0;
}

int guard_start(struct job *job)
{
    size_t size = (size_t)job->nranks * sizeof(*groups);
    int ends[2];

    if (make_folder(job) != 0)
        return -1;
    ngroups = job->nranks;
    groups = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (groups == MAP_FAILED)
        goto remove;
    if (pipe2(ends, O_CLOEXEC) != 0)
        goto unmap;
    guard = fork();
    if (guard < 0)
        goto close;
    if (guard == 0) {
        close(ends[1]);
        keep_guard(job, ends[0]);
    }
    close(ends[0]);
    line = ends[1];
    return 0;

close:
    close(ends[0]);
    close(ends[1]);
unmap:
    munmap((void *)groups, size);
remove:
    say("the session cannot be set up: %s", strerror(errno));
    rmdir(job->dir);
    return -1;
}

void guard_watch(int rank, pid_t group)
{
    groups[rank] = group;
}

void guard_forget(int rank)
{
    groups[rank] = 0;
}

bool guard_is(pid_t pid)
{
    return pid == guard;
}

void guard_stop(struct job *job)
{
    kill(guard, SIGKILL);
    while (waitpid(guard, NULL, 0) < 0 && errno == EINTR)
        ;
    close(line);
    remove_folder(job->dir);
}
