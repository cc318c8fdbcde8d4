/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Announced messages that their receiver copies alone (node_way.h), several in one call of the
 * kernel's where they follow each other: a call costs as much as 4 to 8 KiB of what it copies. Each
 * is in one piece on both sides, all are from one peer. What waits here has its receive, and is
 * fetched before the call of progress that found it returns, or, where there is no memory to say
 * so, by the next one.
 */
#ifndef ORIEL_NODE_NODE_FETCH_H
#define ORIEL_NODE_NODE_FETCH_H

#include "provider/node/node.h"

/* Takes it; false: it is to be fetched by itself, as nothing is ahead or behind, or not so simple.
 */
bool node_fetch_later(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                      size_t len);
/* Fetches what waits, and tells: node_recv_fetched. */
void node_fetch_all(struct node_ep *ep);

#endif
