/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the job from its first rank to its last process. */
#ifndef ORIEL_MPIEXEC_RUN_H
#define ORIEL_MPIEXEC_RUN_H

#include "job.h"

/* The exit status of the launcher. */
int run_job(struct job *job, const struct options *o);

#endif
