/* SPDX-License-Identifier: BSD-3-Clause */
/* Where ranks are bound. hwloc is asked only where binding is. */
#ifndef ORIEL_MPIEXEC_BIND_H
#define ORIEL_MPIEXEC_BIND_H

#include "job.h"

/* Gives each rank its processors, round the objects of the kind asked for. 0 or the exit status. */
int bind_ranks(struct job *job, const struct options *o);

/* One line a rank on standard error. */
void bind_report(const struct job *job);

#endif
