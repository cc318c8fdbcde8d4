/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chunks of our segment, through which middle-sized messages go. A chunk is free, or ours to
 * fill between take and lend, or lent: in the hands of the reader, who counts it back when done.
 * Lent chunks are looked at when a chunk is wanted, oldest first. For a peer that is near (pace.h),
 * the chunk freed last is used next, as it is warm. For a distant one it is the chunk freed first,
 * as its lines have moved on from the innermost caches; and its lines are asked for as soon as the
 * message before is on its way, unless stores go past the caches.
 *
 * A reader may have as many as are free (the dynamic threshold of Choudhury and Hahne, "Dynamic
 * Queue Length Thresholds for Shared-Memory Packet Switches", 1998): alone it gets half of them,
 * and one that does not look never takes the last from the others. It copies out what nobody has
 * asked for, so they come back whenever it looks. Chunks of trains do not: those stay where they
 * are until somebody asks for the message. So they are at most half of all that have memory, and do
 * not count here.
 */
#include <string.h>

#include "provider/base/hot.h"
#include "provider/base/log.h"
#include "provider/node/node.h"

/*
 * Chunks lent between two looks at what has come back, at least: a look is a miss for us and makes
 * the reader's next return one. 8 KiB in windows of 64 between distant processors: 15.9 GB/s with
 * 1 or 2, 16.4 with 4; more would let a slow exchange wander through more memory than need be.
 */
enum { LOOK = 4 };

/* What a train waits for chunks, before its message goes another way. */
enum { PATIENCE_NS = 30000 };

/* Between two looks whether a reader is no more, which cost a system call for each. */
enum { RECLAIM_NS = 1000000 };

/* None is free at first: they are as they get memory. */
void node_chunks_open(struct node_ep *ep)
{
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

/*
 * Takes back what readers have who will never look at it: they have ended, or closed. It counts as
 * come back, which nobody else says any more: each lending keeps a number of its own, by which a
 * train's reader tells what was filled for it.
 */
static COLD void reclaim(struct node_ep *ep)
{
    const struct node_peer *alive = NULL;
    uint64_t now = clock_ns();

    if (now - ep->chunks_reclaimed < RECLAIM_NS)
        return;
    ep->chunks_reclaimed = now;
    for (unsigned n = 0; n < ep->chunk_out_count; n++) {
        unsigned chunk = ep->chunk_out[(ep->chunk_out_first + n) % NODE_CHUNKS];
        struct node_peer *peer = ep->chunk_peer[chunk];
        if (peer == alive)
            continue;
        if (!node_peer_is_gone(peer)) {
            alive = peer;
            continue;
        }
        peer->ended = true;
        atomic_store_explicit(&ep->segment->chunks_back[chunk], ep->chunk_lent[chunk],
                              memory_order_relaxed);
    }
    collect(ep);
}

/* Gets memory for some more of them: 0 or -errno. */
static int back(struct node_ep *ep)
{
    enum { STEP = 8 };
    int ret = node_segment_back(ep->segment_fd, ep->chunks_backed, STEP);

    if (ret && !ep->chunks_refused)
        log_line(LOG_ERROR, "no shared memory for messages beyond %u KiB: %s",
                 ep->chunks_backed * NODE_CHUNK / 1024, strerror(-ret));
    ep->chunks_refused = ret;
    if (ret)
        return ret;
    for (unsigned i = 0; i < STEP; i++)
        ep->chunk_free[(ep->chunk_free_first + ep->chunk_free_count++) % NODE_CHUNKS] =
            ep->chunks_backed++;
    return 0;
}

static unsigned take_first(struct node_ep *ep)
{
    unsigned chunk = ep->chunk_free[ep->chunk_free_first];

    ep->chunk_free_first = (ep->chunk_free_first + 1) % NODE_CHUNKS;
    ep->chunk_free_count--;
    return chunk;
}

static unsigned take_last(struct node_ep *ep)
{
    return ep->chunk_free[(ep->chunk_free_first + --ep->chunk_free_count) % NODE_CHUNKS];
}

/* How many have no memory, and may get some. */
static unsigned bare_chunks(const struct node_ep *ep)
{
    return ep->chunks_refused ? 0 : NODE_CHUNKS - ep->chunks_backed;
}

static bool may_have(const struct node_ep *ep, const struct node_peer *peer)
{
    return peer->chunks < ep->chunk_free_count + bare_chunks(ep);
}

/* Where no chunk has memory it is asked for again instead. */
static bool is_refused(const struct node_ep *ep, const struct node_peer *peer)
{
    return !may_have(ep, peer) && !(ep->chunks_refused && !ep->chunk_free_count);
}

static COLD bool is_refused_still(struct node_ep *ep, const struct node_peer *peer)
{
    reclaim(ep);
    return is_refused(ep, peer);
}

static int take(struct node_ep *ep, struct node_peer *peer, bool train)
{
    unsigned chunk = pace_is_distant(&peer->pace) ? take_first(ep) : take_last(ep);

    ep->chunk_peer[chunk] = peer;
    ep->chunk_in_train[chunk] = train;
    if (train)
        ep->train_chunks++;
    else
        peer->chunks++;
    return (int)chunk;
}

int node_chunk_take(struct node_ep *ep, struct node_peer *peer)
{
    int ret = -FI_EAGAIN;

    if (ep->chunk_out_count &&
        (ep->chunk_out_count >= ep->chunk_look || !ep->chunk_free_count || !may_have(ep, peer)))
        collect(ep);
    if (UNLIKELY(is_refused(ep, peer)) && is_refused_still(ep, peer))
        return -FI_EAGAIN;
    /* A distant peer's go round all that there are. */
    if (UNLIKELY(!ep->chunk_free_count || (bare_chunks(ep) && pace_is_distant(&peer->pace))))
        ret = back(ep);
    if (UNLIKELY(!ep->chunk_free_count))
        reclaim(ep);
    if (ep->chunk_free_count)
        return take(ep, peer, false);
    /* Trains have at most half of those that have memory: one of the others will come back. */
    return ep->chunks_backed ? -FI_EAGAIN : ret;
}

int node_chunk_take_piece(struct node_ep *ep, struct node_peer *peer, struct node_cell **cell,
                          uint64_t *stamp)
{
    int chunk = node_chunk_take(ep, peer);

    if (chunk < 0)
        return chunk;
    /* That it is dead is found out when a chunk is wanted. */
    *cell = peer->ended ? NULL : node_outlet_take(&peer->out, stamp);
    if (*cell)
        return chunk;
    node_chunk_return(ep, chunk);
    return -FI_EAGAIN;
}

/* Trains leave as many to other messages as they have. */
static bool have_chunks(const struct node_ep *ep, unsigned count)
{
    return 2 * (ep->train_chunks + count) <= ep->chunks_backed && count <= ep->chunk_free_count;
}

bool node_chunks_fail(const struct node_peer *peer)
{
    return peer->waits_since && clock_ns() - peer->waits_since >= PATIENCE_NS;
}

/* What was refused is asked for again when the message is about to go another way. */
static bool may_back(const struct node_ep *ep, const struct node_peer *peer)
{
    return ep->chunks_backed < NODE_CHUNKS && (!ep->chunks_refused || node_chunks_fail(peer));
}

int node_chunks_take(struct node_ep *ep, struct node_peer *peer, unsigned count, uint8_t *chunks)
{
    if (ep->chunk_out_count >= ep->chunk_look || !have_chunks(ep, count))
        collect(ep);
    while (!have_chunks(ep, count) && may_back(ep, peer) && !back(ep))
        ;
    if (!have_chunks(ep, count))
        reclaim(ep);
    if (!have_chunks(ep, count)) {
        if (!peer->waits_since)
            peer->waits_since = clock_ns();
        return -FI_EAGAIN;
    }
    peer->waits_since = 0;
    for (unsigned i = 0; i < count; i++)
        chunks[i] = (uint8_t)take(ep, peer, true);
    return 0;
}

void node_chunk_lend(struct node_ep *ep, unsigned chunk)
{
    ep->chunk_lent[chunk]++;
    ep->chunk_out[(ep->chunk_out_first + ep->chunk_out_count++) % NODE_CHUNKS] = chunk;
}

void node_chunk_return(struct node_ep *ep, unsigned chunk)
{
    if (ep->chunk_in_train[chunk]) {
        ep->train_chunks--;
    } else {
        ep->chunk_peer[chunk]->chunks--;
    }
    ep->chunk_free[(ep->chunk_free_first + ep->chunk_free_count++) % NODE_CHUNKS] = chunk;
}

void node_chunk_fill(struct node_peer *peer, const struct iovec *iov, size_t count, size_t at,
                     void *to, size_t len)
{
    if (pace_goes_past(&peer->pace, len) && pace_is_distant_still(&peer->pace))
        node_iov_read_past(iov, count, at, to, len);
    else
        node_iov_read_apart(iov, count, at, to, len);
}

void node_chunk_prepare(struct node_ep *ep, const struct node_peer *peer, size_t len)
{
    ep->chunk_ready = 0;
    if (LIKELY(!pace_is_distant(&peer->pace)) || peer->pace.beyond || !ep->chunk_free_count)
        return;
    ep->chunk_next = ep->chunk_free[ep->chunk_free_first];
    ep->chunk_ready = (unsigned)len;
    prefetch_block_to_store(ep->segment->chunks[ep->chunk_next], len);
}
