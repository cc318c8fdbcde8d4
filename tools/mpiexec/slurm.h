/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside a Slurm allocation, srun starts the ranks. */
#ifndef ORIEL_MPIEXEC_SLURM_H
#define ORIEL_MPIEXEC_SLURM_H

#include "options.h"

/* Whether the job is srun's to start: in an allocation, and not itself a task of a step. */
bool slurm_wanted(void);

/* Executes srun with the options translated; returns only an exit status, with the reason said. */
int slurm_exec(const struct options *o);

#endif
