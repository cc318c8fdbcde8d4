/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standard input goes to rank 0; the others read /dev/null. Rank 0 has our own descriptor, so that
 * it takes what it reads and no more; only a terminal is read here and passed on through a pipe, as
 * the rank is not in the terminal's foreground.
 */
#ifndef ORIEL_MPIEXEC_INPUT_H
#define ORIEL_MPIEXEC_INPUT_H

#include "job.h"
#include "pollset.h"

/* 0, or -1 with the reason said. */
int input_start(void);

/* The descriptor that a rank is to have as standard input; stays ours. */
int input_fd(const struct rank *r);

/* All ranks have been started. */
void input_started(void);

void input_poll(struct poll_set *set);
void input_polled(const struct poll_set *set);

/* Milliseconds until the terminal should be looked at again, -1 for never. */
int input_due(void);

void input_close(void);

#endif
