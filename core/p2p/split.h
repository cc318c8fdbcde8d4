/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that are longer than the provider takes at once (limits.transfer).
 *
 * The head is a message like any other, with the program's match bits: it is matched, probed and
 * truncated as such, and carries the first bytes, as many as leave whole pieces. Its data word
 * tells that it is one and how many pieces there are, so that whoever sees it knows the length of
 * the whole. The receiver answers under the sender's number: which number of its own it expects the
 * pieces under, whose receives are posted by then, and how many bytes it has room for. So nothing
 * is in the way of other messages but the head, and nothing is sent that does not fit.
 *
 *     data word, from below: rank (p2p.h) | 1: this is a head | sender's number | pieces that
 * follow
 *     answer: CHANNEL_PIECE | 51 set | sender's number
 *     pieces: CHANNEL_PIECE | 50..20 receiver's number | 19..0 piece
 *
 * How wide the number and the count of pieces are depends on the provider's word: 8 bytes as a
 * rule, but 4 in psm2, where what is too long for them is refused: with 2^16 ranks 256 pieces of
 * 4 GiB, from 128 sends at once. A head has the synchronous bit, too. Both sides must have the
 * same limits. Lane locked.
 */
#ifndef ORIEL_P2P_SPLIT_H
#define ORIEL_P2P_SPLIT_H

#include "core/p2p/post.h"

static inline bool split_is_head(const struct fabric_event *event)
{
    return event->data & (p2p_rank_mask + 1);
}

/* The length of the whole message whose head an event tells of. */
size_t split_whole(const struct fabric_event *head);

/* The same, whether it is a head or not. */
static inline size_t split_length(const struct fabric_event *event)
{
    return UNLIKELY(split_is_head(event)) ? split_whole(event) : event->len;
}

/* A send of `len` bytes, longer than limits.transfer: as post_send, and it completes once it has
 * been received. */
int split_send(struct request *r, struct fabric_peer *to, uint64_t match, const void *data,
               size_t len);

/*
 * The head of such a message is in r's room, and r knows all about the message but its end: what
 * there is room for is asked for, and post_received_whole called when it is there.
 */
void split_receive(struct request *r, const struct fabric_event *head);

#endif
