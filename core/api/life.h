/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's life. MPI_Init and each session use it; the first user opens everything below the
 * entry points, the last closes it.
 */
#ifndef ORIEL_API_LIFE_H
#define ORIEL_API_LIFE_H

#include "core/object/info.h"

/* One more user. Nothing waits for other processes. MPI_SUCCESS or an error class. */
int life_open(int thread_level);
/*
 * One less. When the last has gone and no more can come, the processes wait for each other, so that
 * none loses a peer it still needs, and the library closes.
 */
void life_close(void);

int life_init(int thread_level);
/* Calls the error handler itself. It ends in any case but for a call at the wrong time: what it
 * returns then is what a callback of the program's did. */
int life_finalize(const char *func);
bool life_initialized(void); /* and stays so */
bool life_finalized(void);

/* Where the process started: program, arguments, host, directory (11.2.1). */
int life_describe(struct info *info, int argc, char *const *argv);

/* The level that is given for a level that is asked for; any integer. */
int life_thread_level(int required);
const char *life_thread_name(int level);

#endif
