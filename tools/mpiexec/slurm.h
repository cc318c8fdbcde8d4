/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside a Slurm allocation, srun starts the ranks. */
#ifndef ORIEL_MPIEXEC_SLURM_H
#define ORIEL_MPIEXEC_SLURM_H

#include "options.h"

/* Whether the job is srun's to start: in an allocation, and not itself a task of a step. */
bool slurm_wanted(void);

/* Runs srun with the options translated, and returns its exit status; 126 or 127, and why, where it
 * does not start. */
int slurm_exec(const struct options *o);

#endif
