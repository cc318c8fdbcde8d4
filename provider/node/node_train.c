/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of a few chunks: copied in and out as those of one are, and announced by one cell when
 * all of it is in. The kernel's copy from process to process is no match for that as long as the
 * message stays in the caches: it looks up and pins every page.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_train.h"

static size_t chunk_len(size_t len, unsigned i)
{
    size_t rest = len - (size_t)i * NODE_CHUNK;

    return rest < NODE_CHUNK ? rest : NODE_CHUNK;
}

static unsigned chunk_count(size_t len)
{
    return (len + NODE_CHUNK - 1) / NODE_CHUNK;
}

bool node_train_load(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     size_t len, struct node_wire_train *wire)
{
    unsigned count = chunk_count(len);

    for (unsigned i = 0; i < count; i++) {
        int chunk = node_chunk_take(ep, peer);
        if (chunk < 0) {
            while (i-- > 0)
                node_chunk_return(ep, wire->chunks[i]);
            return false;
        }
        wire->chunks[i] = chunk;
    }
    for (unsigned i = 0; i < count; i++)
        node_iov_read(tx->iov, tx->iov_count, (size_t)i * NODE_CHUNK,
                      ep->segment->chunks[wire->chunks[i]], chunk_len(len, i));
    wire->len = len;
    return true;
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

size_t node_train_unload(const struct node_message *m, const struct iovec *iov, size_t count,
                         size_t room)
{
    size_t done = 0, len = m->len < room ? m->len : room;

    for (unsigned i = 0; done < len; i++) {
        size_t n = chunk_len(len, i);
        node_iov_fill(iov, count, done, m->peer->segment->chunks[m->chunks[i]], n);
        done += n;
    }
    return done;
}

void node_train_release(const struct node_message *m)
{
    for (unsigned i = 0; i < chunk_count(m->len); i++)
        node_chunk_release(m->peer, m->chunks[i]);
}
