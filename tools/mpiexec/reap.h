/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends of processes: which of them ends the job, and that none is left. */
#ifndef ORIEL_MPIEXEC_REAP_H
#define ORIEL_MPIEXEC_REAP_H

#include "job.h"

/* What has ended a job; one with a greater number is rather the cause of the others. */
enum cause {
    CAUSE_NONE,
    CAUSE_EXIT,   /* a rank's status was not 0 */
    CAUSE_ABORT,  /* a rank asked for it */
    CAUSE_LEFT,   /* a rank exited without calling MPI_Finalize */
    CAUSE_SIGNAL, /* a rank was killed */
};

struct failure {
    enum cause cause;
    int status;     /* what the launcher is to exit with */
    char text[768]; /* rank, host, pid, and what happened */
};

/* To be called before anything is started: the children that are there already are let alone. */
void reap_start(void);

/* Takes one ended process, if there is one; true if it was a rank that failed. */
bool reap_next(struct job *job, struct failure *out, bool *more);

/* Number of ranks that have been started and not reaped. */
int reap_running(const struct job *job);

/* Whether any process that the ranks left behind is still there. */
bool reap_has_leftovers(struct job *job);

/* Sends a signal to every rank's process group. */
void reap_signal(struct job *job, int signal);

/* Kills what is left: groups, and those that left their group. */
void reap_kill_leftovers(struct job *job);

#endif
