/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ranks write: read from pipes, passed on in whole lines. A line goes out in one piece,
 * whoever else is writing; only a terminal, and of rank 0 also a pipe, sees the beginning of a line
 * before its end (a prompt), and then another rank's line starts on a line of its own.
 *
 * One thread uses it, from a poll() loop: poll_set entries are added before, looked at after.
 */
#ifndef ORIEL_MPIEXEC_OUTPUT_H
#define ORIEL_MPIEXEC_OUTPUT_H

#include "job.h"
#include "pollset.h"

/* To be called before anything else here. 0, or -1 with the reason said. */
int output_start(struct job *job, const struct options *o);

/* The descriptors that a rank is to have as standard output and error; both may be the same one. */
int output_open(const struct rank *r, int *out, int *err);

/* Closes them in the launcher once the rank has them. */
void output_opened(int out, int err);

void output_poll(struct poll_set *set);
void output_polled(const struct poll_set *set);

/* Milliseconds until output_polled() has something to do of itself, -1 for never. */
int output_due(void);

/* Whether a pipe from a rank is still open, and whether something read is not yet written. */
bool output_has_streams(void);
bool output_has_unwritten(void);

/* Reads what is in the pipes now and no more; what has been read is still written. */
void output_close_streams(void);

/* Gives up writing, too. */
void output_discard(void);

/* The reader of our standard output has gone. */
bool output_reader_gone(void);

/* Standard output could not be written (a full disk); said once. */
bool output_failed(void);

#endif
