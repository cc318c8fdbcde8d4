/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "provider/node/node_train.h"

enum {
    SPINS = 20000, /* looks before a reader yields */
    LOOKS = 4096,  /* and before it asks whether the sender is alive */
};

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

/* ---- The sender ---- */

bool node_train_take(struct node_ep *ep, struct node_peer *peer, size_t len,
                     struct node_wire_train *wire)
{
    for (unsigned i = 0; i < chunk_count(len); i++) {
        int chunk = node_chunk_take(ep, peer);
        if (chunk < 0) {
            while (i-- > 0)
                node_chunk_return(ep, wire->chunks[i]);
            return false;
        }
        wire->chunks[i] = chunk;
    }
    wire->len = len;
    return true;
}

void node_train_fill(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     const struct node_wire_train *wire)
{
    uint64_t start = tx->iov_count == NODE_SCATTER ? 0 : node_pace_start(&peer->pace, NODE_CHUNK);

    for (unsigned i = 0; i < chunk_count(wire->len); i++) {
        unsigned chunk = wire->chunks[i];
        node_iov_read(tx->iov, tx->iov_count, (size_t)i * NODE_CHUNK, ep->segment->chunks[chunk],
                      chunk_len(wire->len, i));
        if (UNLIKELY(start && i == 0))
            node_pace_end(&peer->pace, start, NODE_CHUNK);
        atomic_store_explicit(&ep->segment->chunks_full[chunk], ep->chunk_lent[chunk] + 1,
                              memory_order_release);
    }
}

void node_train_lend(struct node_ep *ep, const struct node_wire_train *wire)
{
    for (unsigned i = 0; i < chunk_count(wire->len); i++)
        node_chunk_lend(ep, wire->chunks[i]);
}

void node_train_return(struct node_ep *ep, const struct node_wire_train *wire)
{
    for (unsigned i = chunk_count(wire->len); i-- > 0;)
        node_chunk_return(ep, wire->chunks[i]);
}

/* ---- The receiver ---- */

/* Waits until the sender has filled a chunk; false where it never will. */
static bool wait_full(const struct node_segment *s, unsigned chunk)
{
    /* It is full for its next return. */
    unsigned wanted = atomic_load_explicit(&s->chunks_back[chunk], memory_order_relaxed) + 1;

    for (unsigned looks = 1;
         atomic_load_explicit(&s->chunks_full[chunk], memory_order_acquire) != wanted; looks++) {
        if (looks < SPINS)
            __builtin_ia32_pause();
        else if (looks % LOOKS == 0 && node_segment_is_gone(s))
            return false;
        else
            sched_yield();
    }
    return true;
}

ssize_t node_train_read(const struct node_message *m, const struct iovec *iov, size_t count,
                        size_t room)
{
    const struct node_segment *s = m->peer->segment;
    size_t done = 0, len = m->len < room ? m->len : room;

    for (unsigned i = 0; done < len; i++) {
        size_t n = chunk_len(len, i);
        if (!wait_full(s, m->chunks[i]))
            return -ESRCH;
        node_iov_fill(iov, count, done, s->chunks[m->chunks[i]], n);
        done += n;
    }
    return done;
}

void node_train_release(const struct node_message *m)
{
    /* Those too that nobody read: the sender may not have come to them yet. */
    for (unsigned i = 0; i < chunk_count(m->len); i++)
        if (wait_full(m->peer->segment, m->chunks[i]))
            node_chunk_release(m->peer, m->chunks[i]);
}
