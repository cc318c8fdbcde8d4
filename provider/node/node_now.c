/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "provider/base/hot.h"
#include "provider/node/node_match.h"
#include "provider/node/node_now.h"

/* The cell's payload, or the chunk that it names. Small sizes are moves, not calls. */
static inline void copy_out(void *buf, const void *from, size_t len)
{
    if (len == 8)
        memcpy(buf, from, 8);
    else if (len)
        memcpy(buf, from, len);
}

/* One that came before: the oldest that matches, in its copy. */
static int receive_kept(struct node_ep *ep, struct node_unexpected *u, void *buf, size_t len,
                        struct node_now *found)
{
    const struct node_message *m = &u->message;

    if (m->kind == NODE_CELL_RTS || m->len > len || m->flags & NODE_WIRE_ACK)
        return -FI_EBUSY;
    copy_out(buf, m->bytes, m->len);
    *found = (struct node_now){m->len, m->tag, m->data};
    node_unexpected_free(ep, u);
    return 0;
}

/* The one in the next cell. */
static int receive_cell(struct node_ep *ep, const struct node_cell *cell, uint64_t word, void *buf,
                        size_t len, struct node_now *found)
{
    struct node_peer *peer = ep->sources[node_word_source(word)];
    size_t n = node_word_length(word);

    if (n > len || node_word_flags(word) & NODE_WIRE_ACK)
        return -FI_EBUSY;
    if (node_word_kind(word) == NODE_CELL_INLINE) {
        copy_out(buf, cell->payload, n);
    } else if (node_word_kind(word) == NODE_CELL_CHUNK) {
        struct node_wire_chunk wire;
        memcpy(&wire, cell->payload, sizeof(wire));
        copy_out(buf, peer->segment->chunks[wire.chunk], n);
        node_chunk_release(peer, wire.chunk);
    } else {
        return -FI_EBUSY;
    }
    *found = (struct node_now){n, cell->tag, cell->data};
    ep->position = node_queue_advance(&ep->segment->queue, ep->position);
    return 0;
}

HOT_INLINE int receive(struct node_ep *ep, fi_addr_t source, void *buf, size_t len, uint64_t tag,
                       uint64_t ignore, struct node_now *found)
{
    struct node_unexpected *u = node_match_receive(&ep->tagged, tag, ignore, source);
    uint64_t word;

    if (u)
        return receive_kept(ep, u, buf, len, found);
    if (ep->tagged.posted_count)
        return -FI_EBUSY;
    struct node_cell *cell = node_queue_peek(&ep->segment->queue, ep->position, &word);
    if (!cell)
        return -FI_EAGAIN;
    struct node_peer *peer = ep->sources[node_word_source(word)];
    if (!peer || node_word_kind(word) > NODE_CELL_RTS ||
        !(node_word_flags(word) & NODE_WIRE_TAGGED) ||
        !node_matches(cell->tag, peer->fi_addr, tag, ignore, source))
        return -FI_EINPROGRESS;
    return receive_cell(ep, cell, word, buf, len, found);
}

static int receive_locked(struct fid_ep *fid, fi_addr_t source, void *buf, size_t len, uint64_t tag,
                          uint64_t ignore, struct node_now *found)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    lock_take(ep->lock);
    int ret = receive(ep, source, buf, len, tag, ignore, found);
    lock_drop(ep->lock);
    return ret;
}

static void wake_locked(struct fid_ep *fid, fi_addr_t address)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_peer *peer;

    lock_take(ep->lock);
    if (!node_peer_get(ep, address, &peer))
        node_peer_wake(peer);
    lock_drop(ep->lock);
}

const struct node_now_ops node_now_ops = {sizeof(node_now_ops), receive_locked, node_scatter_send,
                                          node_scatter_recv, wake_locked};
