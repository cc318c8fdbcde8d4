/* SPDX-License-Identifier: BSD-3-Clause */
/* Which signals the launcher takes from whoever started it. */
#ifndef ORIEL_MPIEXEC_SIGNALS_H
#define ORIEL_MPIEXEC_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Adds signals to the set, less those that nohup and shells ignore for what is to live on in the
 * background: blocked, they would come all the same.
 */
void signals_add(sigset_t *set, const int *signals, size_t count);

/* Whether whoever started us has any of those ignored. */
bool signals_any_unwanted(void);

#endif
