/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts ranks. */
#ifndef ORIEL_MPIEXEC_LAUNCH_H
#define ORIEL_MPIEXEC_LAUNCH_H

#include "job.h"

#include <signal.h>
#include <sys/resource.h>

/* How the launcher itself was started; ranks get the same. */
struct launch_origin {
    sigset_t mask;
    struct sigaction pipe; /* what SIGPIPE did */
    struct rlimit files;
};

/* Starts one rank in a process group of its own. 0, or an exit status with the reason said. */
int launch_rank(const struct job *job, struct rank *r, const struct launch_origin *origin);

#endif
