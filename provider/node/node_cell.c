/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's own cells: answers that must go out some time and that nobody can be told to
 * repeat. One that finds no room waits here, in order, and goes with the next progress.
 */
#include <string.h>

#include "provider/base/log.h"
#include "provider/node/node.h"

static bool put(struct node_peer *peer, uint64_t bits, const void *payload, size_t len)
{
    uint64_t position;
    struct node_cell *cell = node_queue_take(&peer->segment->queue, &peer->head_seen, &position);

    if (!cell)
        return false;
    memcpy(cell->payload, payload, len);
    cell->tag = cell->data = 0;
    node_queue_publish(cell, position, bits | (uint64_t)peer->source << 32);
    node_peer_ring(peer);
    return true;
}

void node_control_send(struct node_ep *ep, struct node_peer *peer, enum node_kind kind,
                       unsigned flags, unsigned length, const void *payload, size_t payload_len)
{
    uint64_t bits = node_word(kind, flags, length, 0);

    if (list_empty(&ep->waiting) && put(peer, bits, payload, payload_len))
        return;
    struct node_control *c = pool_get(&ep->controls);
    if (!c) {
        log_line(LOG_ERROR, "out of memory for an answer to a process on this host");
        return;
    }
    c->peer = peer;
    c->bits = bits;
    memcpy(c->payload, payload, payload_len);
    list_add_tail(&ep->waiting, &c->link);
}

void node_control_flush(struct node_ep *ep)
{
    while (!list_empty(&ep->waiting)) {
        struct node_control *c = container_of(ep->waiting.next, struct node_control, link);
        if (!put(c->peer, c->bits, c->payload, NODE_CELL_PAYLOAD))
            return;
        list_drop(&c->link);
        pool_put(&ep->controls, c);
    }
}
