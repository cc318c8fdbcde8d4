/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The helper: a thread that answers the windows' messages, and lets the fabric carry out remote
 * writes and reads, while the program computes or sleeps. Only windows that are not native need it,
 * and only where locks may be asked for; it exists while there is such a window.
 *
 * It stands back where the program makes progress by itself, looks around once more a moment after
 * the program has left, and then sleeps until something arrives. Of what completions defer it runs
 * the windows' part alone, so that no function of the program's is ever called from it.
 */
#ifndef ORIEL_WIN_WIN_HELP_H
#define ORIEL_WIN_WIN_HELP_H

#include "core/p2p/lane.h"

/*
 * One more window needs it; no lock held. `work` is what it runs, the same every time. MPI_SUCCESS,
 * or MPI_ERR_OTHER where no thread could be started.
 */
int win_help_begin(struct deferred *work);
/* One less; the last one ends it. No lock held. */
void win_help_end(void);
/* Ends it for those who never will; MPI is being finalized. */
void win_help_stop(void);

#endif
