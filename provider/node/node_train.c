/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "provider/node/node_filling.h"
#include "provider/node/node_train.h"

static unsigned chunk_count(size_t len)
{
    return (len + NODE_CHUNK - 1) / NODE_CHUNK;
}

/* What of `len` bytes is in chunk i of the train. */
static size_t chunk_len(size_t len, unsigned i)
{
    size_t rest = len - (size_t)i * NODE_CHUNK;

    return rest < NODE_CHUNK ? rest : NODE_CHUNK;
}

/* What chunks_full says: which lending of the chunk, and how many bytes are there. */
static uint64_t full_of(unsigned lending, size_t bytes)
{
    return (uint64_t)lending << 32 | bytes;
}

/* ---- The sender ---- */

int node_train_take(struct node_ep *ep, struct node_peer *peer, size_t len,
                    struct node_wire_train *wire)
{
    wire->len = len;
    return node_chunks_take(ep, peer, chunk_count(len), wire->chunks);
}

/*
 * Copies bytes at .. at + len of the message into a chunk, and says after each part how far that
 * is.
 */
static void fill_chunk(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                       size_t at, unsigned chunk, size_t len)
{
    size_t part = tx->iov_count == NODE_SCATTER ? NODE_TRAIN_PART : NODE_CHUNK;
    unsigned char *to = ep->segment->chunks[chunk];

    for (size_t done = 0; done < len;) {
        size_t n = len - done < part ? len - done : part;
        node_chunk_fill(peer, tx->iov, tx->iov_count, at + done, to + done, n);
        done += n;
        atomic_store_explicit(&ep->segment->chunks_full[chunk],
                              full_of(ep->chunk_lent[chunk] + 1, done), memory_order_release);
    }
}

void node_train_fill(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     const struct node_wire_train *wire)
{
    uint64_t start = tx->iov_count == NODE_SCATTER ? 0 : pace_start(&peer->pace, NODE_CHUNK);

    for (unsigned i = 0; i < chunk_count(wire->len); i++) {
        fill_chunk(ep, peer, tx, (size_t)i * NODE_CHUNK, wire->chunks[i], chunk_len(wire->len, i));
        if (UNLIKELY(start && i == 0))
            pace_end(&peer->pace, start, NODE_CHUNK);
    }
}

void node_train_lend(struct node_ep *ep, const struct node_wire_train *wire)
{
    for (unsigned i = 0; i < chunk_count(wire->len); i++)
        node_chunk_lend(ep, wire->chunks[i]);
}

void node_train_return(struct node_ep *ep, const struct node_wire_train *wire)
{
    for (unsigned i = chunk_count(wire->len); i-- > 0;) {
        /* The next train through it has the same number, and may be published before it is there.
         */
        atomic_store_explicit(&ep->segment->chunks_full[wire->chunks[i]], 0, memory_order_relaxed);
        node_chunk_return(ep, wire->chunks[i]);
    }
}

/* ---- The receiver ---- */

/* Waits until a chunk has more than `had` bytes: how many. 0 where the sender never gets there. */
static size_t wait_more(const struct node_segment *s, unsigned chunk, size_t had)
{
    /* This lending is the one before its next return. */
    unsigned back = atomic_load_explicit(&s->chunks_back[chunk], memory_order_relaxed);
    uint64_t least = full_of(back + 1, had), full;

    for (unsigned looks = 1;; looks++) {
        full = atomic_load_explicit(&s->chunks_full[chunk], memory_order_acquire);
        if (full >> 32 == least >> 32 && full > least)
            return (uint32_t)full;
        if (!node_filling_pause(s, looks))
            return 0;
    }
}

ssize_t node_train_read(const struct node_message *m, const struct iovec *iov, size_t count,
                        size_t room)
{
    const struct node_segment *s = m->peer->segment;
    size_t done = 0, len = m->len < room ? m->len : room;

    while (done < len) {
        unsigned chunk = m->chunks[done / NODE_CHUNK];
        size_t at = done % NODE_CHUNK, there = wait_more(s, chunk, at);
        if (!there)
            return -ESRCH;
        size_t n = there - at < len - done ? there - at : len - done;
        node_iov_fill(iov, count, done, s->chunks[chunk] + at, n);
        done += n;
    }
    return done;
}

void node_train_release(const struct node_message *m)
{
    /* Those too that nobody read: the sender may not have come to them yet. */
    for (unsigned i = 0; i < chunk_count(m->len); i++)
        if (wait_more(m->peer->segment, m->chunks[i], chunk_len(m->len, i) - 1))
            node_chunk_release(m->peer, m->chunks[i]);
}

void node_train_abandon(const struct node_message *m)
{
    const struct node_segment *s = m->peer->segment;

    for (unsigned i = 0; i < chunk_count(m->len); i++) {
        unsigned chunk = m->chunks[i], back = atomic_load(&s->chunks_back[chunk]);
        uint64_t full = atomic_load(&s->chunks_full[chunk]);

        if (full == full_of(back + 1, chunk_len(m->len, i)))
            node_chunk_release(m->peer, chunk);
    }
}
