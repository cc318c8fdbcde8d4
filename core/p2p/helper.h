/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The helper: a thread that makes progress while the program computes or sleeps. There is one of
 * it, for two that may need it:
 *
 * - windows whose targets must answer messages, while there is one that may be locked. For them it
 *   lets the fabric carry out remote writes and reads too, but of what completions defer it runs
 * the windows' part alone, so that no function of the program's is called from it;
 * - the program, which asked for it with ORIEL_PROGRESS=thread. Then it does whatever a call of MPI
 *   would do, functions of the program's (operators) included, until MPI is finalized.
 *
 * It stands back where the program makes progress by itself, looks around once more a moment after
 * the program has left, and then sleeps until something arrives. After helper_call it keeps looking
 * while operations are under way and move.
 */
#ifndef ORIEL_P2P_HELPER_H
#define ORIEL_P2P_HELPER_H

#include "core/p2p/lane.h"

/*
 * One more window needs it; no lock held. `work` is what it runs, the same every time. MPI_SUCCESS,
 * or MPI_ERR_OTHER where no thread could be started.
 */
int helper_begin(struct deferred *work);
/* One less; the last one ends it. No lock held. */
void helper_end(void);

/* For the program, if it asked for it. Before there are other threads in the library. */
int helper_open(void);
/* Ends it, whoever still needs it; MPI is being finalized. */
void helper_stop(void);

/* After lane.started has grown: it may have to begin. Any thread, no lock needed. */
extern bool helper_serves_all;
void helper_wake(void);
static inline void helper_call(void)
{
    if (__builtin_expect(helper_serves_all, 0))
        helper_wake();
}

#endif
