/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What waits for a peer: the library's own answers, which must go out some time and which nobody
 * can be told to repeat, and the streams of data that it asked for or that go into its memory. One
 * that finds no room stays with its peer, in order, and goes with the next progress; a peer that
 * never makes room holds up nobody else.
 */
#include <string.h>

#include "provider/node/node.h"

static bool put(struct node_peer *peer, uint64_t bits, const void *payload, size_t len)
{
    uint64_t stamp;
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);

    if (!cell)
        return false;
    memcpy(cell->payload, payload, len);
    cell->tag = cell->data = 0;
    node_outlet_publish(&peer->out, cell, stamp, bits);
    return true;
}

bool node_cell_put(struct node_peer *peer, enum node_kind kind, const void *payload, size_t len)
{
    return put(peer, node_word(kind, 0), payload, len);
}

void node_peer_busy(struct node_ep *ep, struct node_peer *peer)
{
    if (list_empty(&peer->busy))
        list_add_tail(&ep->busy, &peer->busy);
}

void node_control_send(struct node_ep *ep, struct node_peer *peer, enum node_kind kind,
                       const void *payload, size_t len)
{
    if (list_empty(&peer->controls) && node_cell_put(peer, kind, payload, len))
        return;
    struct node_control *c = pool_get(&ep->controls); /* node_ep_ready made sure of it */
    c->bits = node_word(kind, 0);
    memcpy(c->payload, payload, len);
    list_add_tail(&peer->controls, &c->link);
    node_peer_busy(ep, peer);
}

static bool controls_push(struct node_ep *ep, struct node_peer *peer)
{
    while (!list_empty(&peer->controls)) {
        struct node_control *c = container_of(peer->controls.next, struct node_control, link);
        if (!put(peer, c->bits, c->payload, NODE_CELL_PAYLOAD))
            return false;
        list_drop(&c->link);
        pool_put(&ep->controls, c);
    }
    return true;
}

static bool streams_push(struct node_ep *ep, struct node_peer *peer)
{
    while (!list_empty(&peer->streams)) {
        struct node_op *op = container_of(peer->streams.next, struct node_op, link);
        bool rma = op->kind == NODE_OP_PUT || op->kind == NODE_OP_GET;
        if (!(rma ? node_rma_push(ep, op) : node_stream_push(ep, op)))
            return false;
        list_drop(&op->link);
        /* What ends the others is the partner's answer, which follows their last chunk. */
        if (op->kind == NODE_OP_GET_REPLY)
            pool_put(&ep->ops, op);
        else if (op->kind == NODE_OP_GET)
            list_add_tail(&ep->coming, &op->link);
    }
    return true;
}

void node_ep_push(struct node_ep *ep)
{
    struct list *l, *tmp;

    list_each(l, tmp, &ep->busy)
    {
        struct node_peer *peer = container_of(l, struct node_peer, busy);
        /* First: who sleeps makes no room for the others. They may find it asleep once more. */
        node_bell_push(peer);
        if (controls_push(ep, peer) && streams_push(ep, peer) && !peer->unrung)
            list_drop(&peer->busy);
    }
}
