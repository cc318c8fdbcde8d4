/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chunks of our segment, through which middle-sized messages go. A chunk is free, or ours to
 * fill between take and lend, or lent: in the hands of the reader, who clears its flag when done.
 * Lent chunks are looked at when a chunk is wanted, oldest first; the one freed last is used first,
 * while its lines are still in the cache.
 *
 * A reader may have as many as are free (the dynamic threshold of Choudhury and Hahne, "Dynamic
 * Queue Length Thresholds for Shared-Memory Packet Switches", 1998): alone it gets half of them,
 * and one that does not look never takes the last from the others.
 */
#include "provider/node/node.h"

void node_chunks_open(struct node_ep *ep)
{
    for (unsigned i = 0; i < NODE_CHUNKS; i++)
        ep->chunk_free[i] = NODE_CHUNKS - 1 - i;
    ep->chunk_free_count = NODE_CHUNKS;
    ep->chunk_out_first = ep->chunk_out_count = 0;
}

/* Moves what readers have given back to the stack; one still lent stays behind without blocking. */
static void collect(struct node_ep *ep)
{
    for (unsigned n = ep->chunk_out_count; n > 0; n--) {
        unsigned chunk = ep->chunk_out[ep->chunk_out_first];
        ep->chunk_out_first = (ep->chunk_out_first + 1) % NODE_CHUNKS;
        ep->chunk_out_count--;
        if (atomic_load_explicit(&ep->segment->chunk_flags[chunk].busy, memory_order_acquire))
            ep->chunk_out[(ep->chunk_out_first + ep->chunk_out_count++) % NODE_CHUNKS] = chunk;
        else
            node_chunk_return(ep, chunk);
    }
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
    /* One is looked at while messages go one by one; all of them only at the limit. */
    if (ep->chunk_out_count &&
        (peer->chunks >= ep->chunk_free_count ||
         !atomic_load_explicit(&ep->segment->chunk_flags[ep->chunk_out[ep->chunk_out_first]].busy,
                               memory_order_acquire)))
        collect(ep);
    if (peer->chunks >= ep->chunk_free_count)
        return -FI_EAGAIN;
    unsigned chunk = ep->chunk_free[ep->chunk_free_count - 1];
    if (__builtin_expect(chunk >= ep->chunks_backed, 0) && !back(ep))
        return -FI_EAGAIN;
    ep->chunk_free_count--;
    ep->chunk_peer[chunk] = peer;
    peer->chunks++;
    atomic_store_explicit(&ep->segment->chunk_flags[chunk].busy, NODE_CHUNK_BUSY,
                          memory_order_relaxed);
    return chunk;
}

void node_chunk_lend(struct node_ep *ep, unsigned chunk)
{
    ep->chunk_out[(ep->chunk_out_first + ep->chunk_out_count++) % NODE_CHUNKS] = chunk;
}

void node_chunk_return(struct node_ep *ep, unsigned chunk)
{
    ep->chunk_peer[chunk]->chunks--;
    ep->chunk_free[ep->chunk_free_count++] = chunk;
}
