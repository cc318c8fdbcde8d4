/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's messages that came before their receives and were taken over from the provider.
 *
 * A network provider may hold a whole receive buffer for each message that nobody has asked for
 * (16 KiB in ofi_rxm), and search all of them for every receive. While they are no more than the
 * credit that is of no account. Where the program looks for something behind them, and senders are
 * granted more than the credit (credit.h), what is there is fetched first: in the order of arrival,
 * into blocks of just its length, and into hash tables. A message that is only announced stays with
 * its sender, claimed.
 *
 * What is kept came before all that the provider still has, so receives and probes look here first.
 * Everything is called lane locked.
 */
#ifndef ORIEL_P2P_KEPT_H
#define ORIEL_P2P_KEPT_H

#include <stdint.h>

#include "provider/fabric/fabric.h"

struct kept;
struct request;

extern unsigned kept_count HOT_DATA; /* messages that can be found */

/* Takes over all that has come, where the provider is one that needs it. */
void kept_fetch(void);

/* The first message for such a receive or probe: the bits and what to ignore of them as p2p.h has
 * them, a rank or MPI_ANY_SOURCE. NULL where there is none. */
struct kept *kept_find(uint64_t match, uint64_t ignore, int source);
/* What it is: its whole length, bits and data word. */
const struct fabric_event *kept_event(const struct kept *k);
/* Takes it out of matching, for a matched probe. */
void kept_claim(struct kept *k);
/*
 * Gives it to r, whose room, `bytes` long, is one block: as if r->op had been posted and had found
 * it, at once or when the data is there. k is gone.
 */
void kept_receive(struct kept *k, struct request *r, void *room);

void kept_open(void);
void kept_close(void);

#endif
