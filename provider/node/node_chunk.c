/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chunks of our segment, through which middle-sized messages go. A chunk is free, or ours to
 * fill between take and lend, or lent: in the hands of the reader, who counts it back when done.
 * Lent chunks are looked at when a chunk is wanted, oldest first. For a peer that is near (pace.h),
 * the chunk freed last is used next, as it is warm. For a distant one it is the chunk freed first,
 * as its lines have moved on from the innermost caches; and it is made ready for stores where time
 * is left, unless these go past the caches.
 *
 * A reader may have as many as are free (the dynamic threshold of Choudhury and Hahne, "Dynamic
 * Queue Length Thresholds for Shared-Memory Packet Switches", 1998): alone it gets half of them,
 * and one that does not look never takes the last from the others. It copies out what nobody has
 * asked for, so they come back whenever it looks. Chunks of trains do not: those stay where they
 * are until somebody asks for the message. So they are at most half of all, and do not count here.
 */
#include <string.h>

#include "provider/base/log.h"
#include "provider/node/node.h"

/*
 * Chunks lent between two looks at what has come back, at least: a look is a miss for us and makes
 * the reader's next return one. 8 KiB in windows of 64 between distant processors: 15.9 GB/s with
 * 1 or 2, 16.4 with 4; more would let a slow exchange wander through more memory than need be.
 */
enum { LOOK = 4 };

enum { TRAIN_CHUNKS = NODE_CHUNKS / 2 };

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

/* Gets memory for some more of them: 0 or -errno. */
static int back(struct node_ep *ep)
{
    enum { STEP = 8 };
    int ret = node_segment_back(ep->segment_fd, ep->chunks_backed, STEP);

    if (ret) {
        if (!ep->chunks_refused)
            log_line(LOG_ERROR, "no shared memory for messages beyond %u KiB: %s",
                     ep->chunks_backed * NODE_CHUNK / 1024, strerror(-ret));
        ep->chunks_refused = true;
        return ret;
    }
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

/* The next one, of `bare` that have no memory yet, too; where there is none, -errno. */
static int take(struct node_ep *ep, unsigned bare, bool distant)
{
    /* A distant peer's go round all that there are. */
    if (UNLIKELY(bare && (distant || !ep->chunk_free_count))) {
        int ret = back(ep);
        if (ret && !ep->chunk_free_count) /* one that is out will come back */
            return ep->chunk_out_count ? -FI_EAGAIN : ret;
    }
    return (int)(distant ? take_first(ep) : take_last(ep));
}

static unsigned bare_chunks(const struct node_ep *ep)
{
    return NODE_CHUNKS - ep->chunks_backed;
}

int node_chunk_take(struct node_ep *ep, struct node_peer *peer)
{
    unsigned bare = bare_chunks(ep);

    if (ep->chunk_out_count && (ep->chunk_out_count >= ep->chunk_look || !ep->chunk_free_count ||
                                peer->chunks >= ep->chunk_free_count + bare))
        collect(ep);
    if (peer->chunks >= ep->chunk_free_count + bare)
        return -FI_EAGAIN;
    int chunk = take(ep, bare, pace_is_distant(&peer->pace));
    if (chunk < 0)
        return chunk;
    ep->chunk_peer[chunk] = peer;
    ep->chunk_in_train[chunk] = false;
    peer->chunks++;
    return chunk;
}

static bool have_chunks(const struct node_ep *ep, unsigned count)
{
    return ep->train_chunks + count <= TRAIN_CHUNKS &&
           count <= ep->chunk_free_count + bare_chunks(ep);
}

int node_chunks_take(struct node_ep *ep, struct node_peer *peer, unsigned count, uint8_t *chunks)
{
    if (ep->chunk_out_count >= ep->chunk_look || !have_chunks(ep, count))
        collect(ep);
    if (!have_chunks(ep, count)) {
        ep->trains_in_vain++;
        return -FI_EAGAIN;
    }
    for (unsigned i = 0; i < count; i++) {
        int chunk = take(ep, bare_chunks(ep), pace_is_distant(&peer->pace));
        if (chunk < 0) {
            while (i-- > 0)
                node_chunk_return(ep, chunks[i]);
            return chunk;
        }
        ep->chunk_peer[chunk] = peer;
        ep->chunk_in_train[chunk] = true;
        ep->train_chunks++;
        chunks[i] = (uint8_t)chunk;
    }
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
        ep->trains_in_vain = 0;
    } else {
        ep->chunk_peer[chunk]->chunks--;
    }
    ep->chunk_free[(ep->chunk_free_first + ep->chunk_free_count++) % NODE_CHUNKS] = chunk;
}

void node_chunk_fill(const struct node_peer *peer, const struct iovec *iov, size_t count, size_t at,
                     void *to, size_t len)
{
    if (pace_goes_past(&peer->pace, len))
        node_iov_read_past(iov, count, at, to, len);
    else
        node_iov_read_apart(iov, count, at, to, len);
}

void node_chunk_prepare(struct node_ep *ep)
{
    enum { LINES = 8 }; /* so many misses at once do not hold up the looks between them */

    if (!ep->chunk_free_count) {
        ep->chunk_wanted = 0;
        return;
    }
    unsigned char *chunk = ep->segment->chunks[ep->chunk_free[ep->chunk_free_first]];
    for (unsigned i = 0; i < LINES && ep->chunk_ready < ep->chunk_wanted; i++) {
        prefetch_to_store(chunk + ep->chunk_ready);
        ep->chunk_ready += NODE_LINE;
    }
}
