/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations, in a table. Their names on the wire are their places and how often those have been
 * used: what an earlier one was asked for, over a connection that broke, is nothing to a later one.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/stream/stream.h"

enum {
    BLOCK = 64, /* operations that come at once, in one piece of memory */
    PLACE_BITS = 20,
    PLACES = 1 << PLACE_BITS,
};

static uint32_t place_of(uint32_t id)
{
    return id % PLACES;
}

static bool more(struct stream_ep *ep)
{
    if (ep->op_count + BLOCK > PLACES)
        return false;
    if (ep->op_count + BLOCK > ep->op_room) {
        uint32_t room = ep->op_room ? 2 * ep->op_room : 4 * BLOCK;
        struct stream_op **ops = realloc(ep->ops, room * sizeof(*ops));
        if (!ops)
            return false;
        ep->ops = ops;
        ep->op_room = room;
    }
    struct stream_op *block = calloc(BLOCK, sizeof(*block));
    if (!block)
        return false;
    for (uint32_t i = 0; i < BLOCK; i++) {
        block[i].id = ep->op_count;
        block[i].next = i + 1 < BLOCK ? ep->op_count + 1 : ep->op_free;
        ep->ops[ep->op_count++] = &block[i];
    }
    ep->op_free = block->id;
    return true;
}

struct stream_op *stream_op_get(struct stream_ep *ep, enum stream_op_kind kind,
                                struct stream_peer *peer)
{
    if (UNLIKELY(ep->op_free == STREAM_NO_ID) && !more(ep))
        return NULL;
    struct stream_op *op = ep->ops[ep->op_free];
    ep->op_free = op->next;
    op->kind = kind;
    op->peer = peer;
    return op;
}

void stream_op_put(struct stream_ep *ep, struct stream_op *op)
{
    op->peer = NULL;
    op->next = ep->op_free;
    ep->op_free = place_of(op->id);
    op->id += PLACES;
}

struct stream_op *stream_op_find(struct stream_ep *ep, uint32_t id, enum stream_op_kind kind,
                                 const struct stream_peer *peer)
{
    struct stream_op *op = place_of(id) < ep->op_count ? ep->ops[place_of(id)] : NULL;

    return op && op->id == id && op->peer == peer && op->kind == kind ? op : NULL;
}

void stream_op_end(struct stream_ep *ep, struct stream_op *op, int error)
{
    struct stream_completion c = {
        .entry = {.op_context = op->context, .flags = op->flags, .len = op->len}, .error = -error};

    if (op->kind == STREAM_OP_RECV) {
        c.entry.tag = op->tag;
        c.entry.data = op->data;
        if (!error && op->whole > op->len) {
            c.error = FI_ETRUNC;
            c.olen = op->whole - op->len;
        }
    }
    if (error)
        c.entry.len = 0;
    bool told = op->kind != STREAM_OP_ANSWER;
    stream_op_put(ep, op);
    if (told)
        stream_complete(ep, &c);
}

bool stream_ops_any(const struct stream_ep *ep, const struct stream_peer *peer)
{
    for (uint32_t i = 0; i < ep->op_count; i++)
        if (ep->ops[i]->peer == peer)
            return true;
    return false;
}

void stream_ops_fail(struct stream_ep *ep, const struct stream_peer *peer, int error)
{
    for (uint32_t i = 0; i < ep->op_count; i++)
        if (ep->ops[i]->peer == peer)
            stream_op_end(ep, ep->ops[i], error);
}

void stream_ops_close(struct stream_ep *ep)
{
    for (uint32_t i = 0; i < ep->op_count; i += BLOCK)
        free(ep->ops[i]);
    free(ep->ops);
}
