/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The locks of a window whose processes reach each other by a network that does remote atomics: an
 * origin takes and gives them by itself, and nobody helps it. Each process has three words for the
 * lock on its memory, and the lock is the board's (struct win_turns): tickets, and a turn for
 * readers of its own, so that all have it in the order of asking.
 *
 * Free, it takes one round trip, as the ticket and the turn are fetched at once; given back,
 * another one. One who waits looks again, the less often the more are before it.
 *
 * Errors are MPI's classes; memory and the fabric's region are the window's until win_words_close.
 */
#ifndef ORIEL_WIN_WIN_WORDS_H
#define ORIEL_WIN_WIN_WORDS_H

#include <stdbool.h>

struct fabric_key;
struct win;

/*
 * Makes this process's words, and says how others reach them. False, and nothing was made: locks
 * need no network or are not by remote atomics, or there is no memory for them. No lock held.
 */
bool win_words_open(struct win *w, struct fabric_key *key);
/* Where rank's are. */
void win_words_know(struct win *w, int rank, const struct fabric_key *key);
/* Lane locked; may be called where there are none. */
void win_words_close(struct win *w);

/* Asks for the lock on rank's memory. Lane locked. */
int win_words_ask(struct win *w, int rank, bool exclusive);
/*
 * Looks once whether what was asked for is held: at first at what came with the ticket, later
 * `again`. Once it is held it is not to be looked at any more. No lock held; nor by the next one.
 */
int win_words_look(struct win *w, int rank, bool exclusive, bool again, bool *held);
/* Gives it back; when it returns, the next one can have it. */
int win_words_release(struct win *w, int rank, bool exclusive);

#endif
