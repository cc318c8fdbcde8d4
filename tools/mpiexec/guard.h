/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small process that outlives the launcher only where that one is killed with SIGKILL: it then
 * ends the ranks' process groups and removes the session's folder, so that nothing is left behind.
 */
#ifndef ORIEL_MPIEXEC_GUARD_H
#define ORIEL_MPIEXEC_GUARD_H

#include "job.h"

/* Makes job->dir and starts the guard; before any thread. 0, or -1 with the reason said. */
int guard_start(struct job *job);

/* Tells it of a rank's process group, and that the group is empty again. */
void guard_watch(int rank, pid_t group);
void guard_forget(int rank);

bool guard_is(pid_t pid);

/* Ends the guard and removes the folder. */
void guard_stop(struct job *job);

#endif
