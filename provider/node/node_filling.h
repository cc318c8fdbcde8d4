/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chunk that is lent before it is full: its cell goes out when the first part is there, and says
 * from then on how many bytes are, so that a reader who waits copies them out while the sender
 * copies the rest in. In a crowd, where the sender may lose its processor in between, chunks are
 * filled first, as they are where the reader sleeps, or the filling is timed (pace.h).
 */
#ifndef ORIEL_NODE_NODE_FILLING_H
#define ORIEL_NODE_NODE_FILLING_H

#include <stddef.h>

#include "provider/base/copy.h"
#include "provider/base/crowd.h"
#include "provider/node/node.h"

enum { NODE_FILLING_LEAST = 4096 }; /* bytes that one of more is worth it for */

/* Four parts, of whole lines. */
static inline size_t node_filling_part(size_t len)
{
    return (len / 4 + 63) & ~(size_t)63;
}

/* Whether the peer has answered our last one, so that it may wait for what we send. Two that send
 * to each other at the same time have not: they read when they have sent. */
static inline bool node_filling_is_awaited(const struct node_peer *peer)
{
    return peer->dialogue.told == peer->dialogue.sent;
}

/* Whether the peer may read what is there while we copy the rest: both have a processor. One that
 * sleeps would come too late to gain by it, perhaps on the processor that we need. */
static inline bool node_filling_is_read_along(const struct node_peer *peer)
{
    return !crowded &&
           !(atomic_load_explicit(peer->out.sleeping, memory_order_relaxed) & NODE_ASLEEP);
}

/* Where a cell says how many bytes there are. */
static inline _Atomic uint32_t *node_filling_there(const struct node_cell *cell)
{
    return (_Atomic uint32_t *)(cell->payload + sizeof(struct node_wire_chunk));
}

/* Between two looks of who waits for the owner of that segment to fill what has been announced: how
 * many there have been. False: the owner is no more. */
bool node_filling_pause(const struct node_segment *s, unsigned looks);

/* Waits until more than `had` bytes are there: how many. 0: the sender will never get that far. */
uint32_t node_filling_wait(const struct node_peer *peer, const struct node_cell *cell,
                           uint32_t had);

/* The message has been copied out of its chunk. */
HOT_INLINE void node_filling_end(struct node_peer *peer, const struct node_wire_chunk *wire)
{
    peer->dialogue.taken++;
    peer->dialogue.told = wire->taken;
    node_chunk_release(peer, wire->chunk);
}

/* Copies the message out of its chunk, as it comes; false: it will never be whole. */
HOT_INLINE bool node_filling_read(const struct node_peer *peer, const struct node_cell *cell,
                                  unsigned chunk, void *buf, size_t len)
{
    const unsigned char *from = peer->segment->chunks[chunk];
    size_t done = 0, there = atomic_load_explicit(node_filling_there(cell), memory_order_acquire);

    for (;;) {
        copy_bytes((char *)buf + done, from + done, there - done);
        done = there;
        if (done >= len)
            return true;
        there = node_filling_wait(peer, cell, (uint32_t)done);
        if (UNLIKELY(!there))
            return false;
    }
}

#endif
