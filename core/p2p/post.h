/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: posting, below the calls of p2p.h. All lane locked. */
#ifndef ORIEL_P2P_POST_H
#define ORIEL_P2P_POST_H

#include "core/p2p/p2p.h"

/* The packed length of a buffer; MPI_ERR_COUNT where no memory can hold it. */
int post_bytes(const struct datatype *t, MPI_Count count, size_t *bytes);

/* Packs into r->bounce; p2p_send then sends that, whatever becomes of the buffer. */
int post_copy(struct request *r, const void *buf, MPI_Count count);

/* Hands one block, or r->scattered, to the fabric; the request completes when the block may be
 * reused. */
int post_send(struct request *r, struct fabric_peer *to, uint64_t match, const void *data,
              size_t len);

/* MPI_Cancel of a send: one that is held back is cancelled, one that has left is not. */
void post_withdraw(struct request *r);

/* Copies what is to be sent, so that r is complete at once (buffered.c). */
int post_buffered(struct request *r, struct fabric_peer *to, uint64_t match, const void *buf,
                  MPI_Count count);

/* The peer that a receive or probe names: NULL for MPI_ANY_SOURCE. */
int post_from(struct comm *c, int source, struct fabric_peer **from);

/* Room for what r receives: the user's buffer, or r->bounce; r->scattered where it leaves *room. */
int post_room(struct request *r, void *buf, MPI_Count count, struct fabric_peer *from, void **room);

/* Tells the sender of a synchronous message that it has matched. */
void post_ack(struct comm *c, int source, int tag);

/* A send has left, or is to leave: 1, or is over: -1. */
static inline void post_pending(int change)
{
    lane.sending += (size_t)change;
    count_add(&counts.sends_pending, (uint64_t)(int64_t)change);
}

/* One of the parts of a send is over: its data, its acknowledgement, the pieces after its head. */
void post_part_sent(struct request *r, int negative_errno);

/* All of a message is in r's room: unpacks it, and completes the request. */
void post_received_whole(struct request *r);

#endif
