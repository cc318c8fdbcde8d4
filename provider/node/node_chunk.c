/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chunks of our segment, through which middle-sized messages go. A chunk is free, or ours to
 * fill between take and lend, or lent: in the hands of the reader, who counts it back when done.
 * Lent chunks are looked at when a chunk is wanted, oldest first; the one freed last is used first,
 * while its lines are still in the cache.
 *
 * A reader may have as many as are free (the dynamic threshold of Choudhury and Hahne, "Dynamic
 * Queue Length Thresholds for Shared-Memory Packet Switches", 1998): alone it gets half of them,
 * and one that does not look never takes the last from the others.
 */
#include "provider/node/node.h"

/*
 * Chunks lent between two looks at what has come back, at least: a look is a miss for us and makes
 * the reader's next return one. 8 KiB in windows of 64 between distant processors: 15.9 GB/s with
 * 1 or 2, 16.4 with 4; more would let a slow exchange wander through more memory than need be.
 */
enum { LOOK = 4 };

void node_chunks_open(struct node_ep *ep)
{
    for (unsigned i = 0; i < NODE_CHUNKS; i++)
        ep->chunk_free[i] = NODE_CHUNKS - 1 - i;
    ep->chunk_free_count = NODE_CHUNKS;
    ep->chunk_out_first = ep->chunk_out_count = 0;
    ep->chunk_look = LOOK;
}

/* Moves what readers have given back to the stack; one still lent stays behind without blocking. */
static void collect(struct node_ep *ep)
{
    for (unsigned n = ep->chunk_out_count; n > 0; n--) {
        unsigned chunk = ep->chunk_out[ep->chunk_out_first];
        ep->chunk_out_first = (ep->chunk_out_first + 1) % NODE_CHUNKS;
        ep->chunk_out_count--;
        if (node_chunk_is_out(ep, chunk))
            ep->chunk_out[(ep->chunk_out_first + ep->chunk_out_count++) % NODE_CHUNKS] = chunk;
        else
            node_chunk_return(ep, chunk);
    }
    ep->chunk_look = ep->chunk_out_count + ep->chunk_out_count / 2 + LOOK;
}

/* Chunks are first taken in the order of their numbers. */
static bool back(struct node_ep *ep)
{
    enum { STEP = 8 };

    if (node_segment_back(ep->segment_fd, ep->chunks_backed, STEP))
        return false;
    ep->chunks_backed += STEP;
    return true;
}

int node_chunk_take(struct node_ep *ep, struct node_peer *peer)
{
    if (ep->chunk_out_count &&
        (ep->chunk_out_count >= ep->chunk_look || peer->chunks >= ep->chunk_free_count))
        collect(ep);
    if (peer->chunks >= ep->chunk_free_count)
        return -FI_EAGAIN;
    unsigned chunk = ep->chunk_free[ep->chunk_free_count - 1];
    if (__builtin_expect(chunk >= ep->chunks_backed, 0) && !back(ep))
        return -FI_EAGAIN;
    ep->chunk_free_count--;
    ep->chunk_peer[chunk] = peer;
    peer->chunks++;
    return chunk;
}

void node_chunk_lend(struct node_ep *ep, unsigned chunk)
{
    ep->chunk_lent[chunk]++;
    ep->chunk_out[(ep->chunk_out_first + ep->chunk_out_count++) % NODE_CHUNKS] = chunk;
}

void node_chunk_return(struct node_ep *ep, unsigned chunk)
{
    ep->chunk_peer[chunk]->chunks--;
    ep->chunk_free[ep->chunk_free_count++] = chunk;
}
