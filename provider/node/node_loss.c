/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What waits for data of a peer that is no more, or for room there, ends with -ESRCH, now and then,
 * when nothing comes. What that one sent before may still name such an operation: so all is read
 * first. A send, put or atomic that has gone out whole and waits for its answer does not end.
 */
#include <errno.h>

#include "provider/node/node.h"

bool node_peer_is_gone(const struct node_peer *peer)
{
    return peer->gone || peer->ended ||
           atomic_load_explicit(&peer->segment->closed, memory_order_acquire) ||
           node_segment_is_gone(peer->segment);
}

/* Asked after it was seen that a writer is gone. A cell that one left unfilled hides others. */
static bool all_is_read(struct node_ep *ep)
{
    uint64_t word;

    atomic_thread_fence(memory_order_seq_cst);
    return !node_inlet_peek_all(&ep->in, &word) &&
           atomic_load_explicit(&ep->segment->queue.tail, memory_order_relaxed) ==
               ep->in.readers[0].position;
}

/* Messages and reads whose data was to come. */
static void end_coming(struct node_ep *ep)
{
    struct node_peer *alive = NULL;
    struct list *l, *tmp;

    list_each(l, tmp, &ep->coming)
    {
        struct node_op *op = container_of(l, struct node_op, link);
        if (op->peer == alive)
            continue;
        if (!node_peer_is_gone(op->peer)) {
            alive = op->peer;
            continue;
        }
        if (!all_is_read(ep) || !node_ep_ready(ep))
            return;
        if (op->kind == NODE_OP_STREAM_IN)
            node_recv_lost(ep, op);
        else
            node_send_answered(ep, &(struct node_wire_answer){(uintptr_t)op, -ESRCH});
    }
}

static void drop_controls(struct node_ep *ep, struct node_peer *peer)
{
    struct list *l;

    while ((l = list_pop(&peer->controls)))
        pool_put(&ep->controls, container_of(l, struct node_control, link));
}

/* What was to go to it in pieces; false where there is no memory to say so now. */
static bool end_streams(struct node_ep *ep, struct node_peer *peer)
{
    while (!list_empty(&peer->streams)) {
        struct node_op *op = container_of(peer->streams.next, struct node_op, link);
        if (!node_ep_ready(ep))
            return false;
        list_drop(&op->link);
        if (op->kind == NODE_OP_GET_REPLY)
            pool_put(&ep->ops, op);
        else
            node_send_answered(ep, &(struct node_wire_answer){(uintptr_t)op, -ESRCH});
    }
    return true;
}

/* What waits for room, which nobody makes any more; as long as it did, nobody here could sleep. */
static void end_busy(struct node_ep *ep)
{
    struct list *l, *tmp;

    list_each(l, tmp, &ep->busy)
    {
        struct node_peer *peer = container_of(l, struct node_peer, busy);
        if (!node_peer_is_gone(peer))
            continue;
        if (!all_is_read(ep))
            return;
        drop_controls(ep, peer);
        if (end_streams(ep, peer))
            list_drop(&peer->busy);
    }
}

void node_losses_end(struct node_ep *ep)
{
    end_coming(ep);
    end_busy(ep);
}
