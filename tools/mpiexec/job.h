/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The job: its programs, its ranks, and what each rank is started with. Made once from the options;
 * afterwards the main thread alone changes it, but for the two flags that the PMIx server sets.
 */
#ifndef ORIEL_MPIEXEC_JOB_H
#define ORIEL_MPIEXEC_JOB_H

#include "options.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/types.h>

#define NAME_SIZE      256
#define PMIX_NAME_SIZE 256 /* PMIX_MAX_NSLEN + 1, which libpmix reads whole */

/* A program of the job, ready to be started. */
struct program {
    char *path; /* as execve() takes it, after a change to wdir */
    char **argv;
    int argc;
    const char *wdir; /* NULL for the launcher's own */
    int first;        /* its first rank */
    int count;        /* its number of ranks */
    char **env;       /* what every rank of it gets, before PMIx's own variables */
};

struct rank {
    struct program *program;
    int number;
    int appnum;
    pid_t pid;       /* 0 before it is started; kept after its end, for messages */
    bool running;    /* started and not yet reaped */
    bool leftover;   /* reaped, but processes of its group were still there */
    cpu_set_t *cpus; /* where it is bound, NULL where it is not */
    size_t cpus_size;
    char **env;
    atomic_bool connected; /* it called PMIx_Init */
    atomic_bool finalized; /* it called PMIx_Finalize */
};

struct job {
    struct program *programs;
    int nprograms;
    struct rank *ranks;
    int nranks;
    char name[PMIX_NAME_SIZE]; /* name space; hard to guess, as knowing it lets a client in */
    char host[NAME_SIZE];
    char dir[NAME_SIZE]; /* the session's folder, private and removed at the end */
};

/* 0, or the exit status with the reason said: nothing has been started. */
int job_make(struct job *job, const struct options *o, char **environment);

/* Number of processors that this process may use. */
int job_processors(void);

/* The environment without what an outer PMIx server put there for us; a new list. */
char **job_clean_environment(char **environment);

#endif
