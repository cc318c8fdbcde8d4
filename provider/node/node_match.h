/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Matching: receives wait for messages, messages for receives, each in order. A tag's bucket is
 * made of its lower 56 bits, so that a receive which ignores no more than the top byte (a
 * protocol's flags) is found in one bucket; one that ignores more waits in the wild list. Where
 * both lists hold a match, the older one wins.
 */
#ifndef ORIEL_NODE_MATCH_H
#define ORIEL_NODE_MATCH_H

#include "provider/node/node.h"

#define NODE_HASHED_BITS 0x00ffffffffffffffull

void node_match_open(struct node_match *m);

static inline unsigned node_bucket(uint64_t tag)
{
    tag &= NODE_HASHED_BITS;
    return (tag ^ tag >> 32 ^ tag >> 8) % NODE_BUCKETS;
}

static inline bool node_matches(uint64_t tag, fi_addr_t from, uint64_t wanted, uint64_t ignore,
                                fi_addr_t source)
{
    return !((tag ^ wanted) & ~ignore) && (source == FI_ADDR_UNSPEC || source == from);
}

/* The oldest receive for that message, taken out; or NULL. */
struct node_recv *node_match_message(struct node_match *m, uint64_t tag, fi_addr_t from);
/* The oldest message for that receive, still in; or NULL. */
struct node_unexpected *node_match_receive(struct node_match *m, uint64_t wanted, uint64_t ignore,
                                           fi_addr_t source);
void node_match_post(struct node_match *m, struct node_recv *r);
void node_match_keep(struct node_match *m, struct node_unexpected *u);
/* The receive with that context, taken out; or NULL. */
struct node_recv *node_match_withdraw(struct node_match *m, const void *context);

#endif
