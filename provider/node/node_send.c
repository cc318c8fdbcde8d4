/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending a message, tagged or not: four ways by size (node.h), each taken at once or refused with
 * -FI_EAGAIN. Streams are the exception: once a receiver has asked for one it goes on by itself.
 */
#include <string.h>

#include "provider/base/copy.h"
#include "provider/base/count.h"
#include "provider/node/node_filling.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_train.h"
#include "provider/node/node_way.h"

static uint32_t op_flags(const struct node_tx *tx)
{
    return (tx->fi_flags & FI_COMPLETION ? NODE_OP_COMPLETE : 0) |
           (tx->tagged ? NODE_OP_TAGGED : 0) |
           (tx->fi_flags & FI_DELIVERY_COMPLETE ? NODE_OP_DELIVERY : 0);
}

static unsigned wire_flags(const struct node_tx *tx)
{
    return (tx->tagged ? NODE_WIRE_TAGGED : 0) |
           (tx->fi_flags & FI_REMOTE_CQ_DATA ? NODE_WIRE_DATA : 0);
}

static uint64_t completion_flags(bool tagged)
{
    return FI_SEND | (tagged ? FI_TAGGED : FI_MSG);
}

static void ended(struct node_ep *ep, uint32_t flags, enum node_event event, uint64_t fi_flags,
                  void *context)
{
    if (flags & NODE_OP_COMPLETE)
        node_complete(ep, ep->tx_cq, event, context, fi_flags, 0, NULL, 0, 0, FI_ADDR_NOTAVAIL);
    else
        node_count(ep, event);
}

static void sent(struct node_ep *ep, uint32_t flags, uint64_t fi_flags, void *context)
{
    ended(ep, flags, NODE_SEND, fi_flags, context);
}

static struct node_op *op_new(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                              size_t len)
{
    struct node_op *op = pool_get(&ep->ops);

    if (!op)
        return NULL;
    list_init(&op->link);
    op->kind = NODE_OP_SEND;
    op->flags = op_flags(tx);
    op->event = NODE_SEND;
    op->completion_flags = completion_flags(tx->tagged);
    op->context = tx->context;
    op->peer = peer;
    op->iov_count = tx->iov_count;
    for (size_t i = 0; i < node_iov_entries(tx->iov_count); i++)
        op->iov[i] = tx->iov[i];
    op->len = len;
    op->blocks = NULL;
    op->moved = op->limit = 0;
    op->pull = NODE_PULL_NONE;
    return op;
}

static void publish(struct node_peer *peer, const struct node_tx *tx, struct node_cell *cell,
                    uint64_t stamp, enum node_kind kind, unsigned flags, unsigned length)
{
    cell->tag = tx->tag;
    cell->data = tx->data;
    node_outlet_publish(&peer->out, cell, stamp,
                        node_word(kind, flags) | node_word_of_length(length));
}

static ssize_t send_inline(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                           size_t len)
{
    uint64_t stamp;
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);

    if (!cell)
        return -FI_EAGAIN;
    node_iov_read(tx->iov, tx->iov_count, 0, cell->payload, len);
    publish(peer, tx, cell, stamp, NODE_CELL_INLINE, wire_flags(tx), len);
    sent(ep, op_flags(tx), completion_flags(tx->tagged), tx->context);
    return 0;
}

/* One that is a little longer: through a chunk it would take twice as long. */
static ssize_t send_pair(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                         size_t len)
{
    struct node_cell *cells[2];
    uint64_t stamps[2];

    if (!node_outlet_take_pair(&peer->out, cells, stamps))
        return -FI_EAGAIN;
    node_iov_read(tx->iov, tx->iov_count, NODE_CELL_PAYLOAD, node_cell_rest(cells[1]),
                  len - NODE_CELL_PAYLOAD);
    node_cell_publish(cells[1], stamps[1] | node_word(NODE_CELL_SECOND, 0));
    node_iov_read(tx->iov, tx->iov_count, 0, cells[0]->payload, NODE_CELL_PAYLOAD);
    publish(peer, tx, cells[0], stamps[0], NODE_CELL_PAIR, wire_flags(tx), len);
    sent(ep, op_flags(tx), completion_flags(tx->tagged), tx->context);
    return 0;
}

/* Copies bytes at .. at + len of the message to the same place of a chunk. */
HOT_INLINE void fill(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     unsigned chunk, size_t at, size_t len)
{
    unsigned char *to = ep->segment->chunks[chunk] + at;

    if (pace_goes_past(&peer->pace, len)) {
        node_chunk_fill(peer, tx->iov, tx->iov_count, at, to, len);
        return;
    }
    size_t ready = chunk == ep->chunk_next ? ep->chunk_ready : 0;
    if (ready < at + len)
        prefetch_block_to_store(to, len);
    if (tx->iov_count == 1)
        copy_bytes(to, (char *)tx->iov->iov_base + at, len);
    else
        node_iov_read(tx->iov, tx->iov_count, at, to, len);
}

/* Whether the cell goes out when the first part is in its chunk. */
HOT_INLINE bool fills_later(const struct node_peer *peer, const struct node_tx *tx, size_t len,
                            bool timed)
{
    return len > NODE_FILLING_LEAST && node_filling_is_awaited(peer) && tx->iov_count == 1 &&
           !timed && node_filling_is_read_along(peer) && !pace_goes_past(&peer->pace, len);
}

/* All but the first part, of a chunk whose cell is out. */
HOT_INLINE void fill_rest(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                          unsigned chunk, struct node_cell *cell, size_t len)
{
    size_t part = node_filling_part(len);

    for (size_t at = part; at < len;) {
        size_t n = len - at < part ? len - at : part;
        fill(ep, peer, tx, chunk, at, n);
        at += n;
        atomic_store_explicit(node_filling_there(cell), (uint32_t)at, memory_order_release);
    }
}

/* Inline, so that one of known flags in one block does without the questions. */
HOT_INLINE ssize_t send_chunk(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                              size_t len)
{
    bool answered = tx->fi_flags & FI_DELIVERY_COMPLETE;
    struct node_op *op = NULL;
    uint64_t stamp;
    uint64_t start = tx->iov_count == NODE_SCATTER ? 0 : pace_start(&peer->pace, len);
    int chunk = node_chunk_take(ep, peer);

    if (chunk < 0)
        return chunk;
    if (answered && !(op = op_new(ep, peer, tx, len)))
        goto return_chunk;
    bool later = fills_later(peer, tx, len, start);
    uint32_t first = (uint32_t)(later ? node_filling_part(len) : len);
    fill(ep, peer, tx, chunk, 0, first);
    if (UNLIKELY(start))
        pace_end(&peer->pace, start, len);
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);
    if (!cell)
        goto free_op;
    struct node_wire_chunk wire = {(uintptr_t)op, chunk, peer->dialogue.taken};
    memcpy(cell->payload, &wire, sizeof(wire));
    atomic_store_explicit(node_filling_there(cell), first, memory_order_relaxed);
    publish(peer, tx, cell, stamp, NODE_CELL_CHUNK, wire_flags(tx) | (op ? NODE_WIRE_ACK : 0), len);
    peer->dialogue.sent++;
    if (later)
        fill_rest(ep, peer, tx, chunk, cell, len);
    node_chunk_lend(ep, chunk);
    node_chunk_prepare(ep, peer, len);
    if (!op)
        sent(ep, op_flags(tx), completion_flags(tx->tagged), tx->context);
    return 0;

free_op:
    if (op)
        pool_put(&ep->ops, op);
return_chunk:
    node_chunk_return(ep, chunk);
    return -FI_EAGAIN;
}

static ssize_t send_train(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                          size_t len)
{
    bool answered = tx->fi_flags & FI_DELIVERY_COMPLETE;
    struct node_wire_train wire = {0};
    struct node_op *op = NULL;
    uint64_t stamp;

    if (answered && !(op = op_new(ep, peer, tx, len)))
        return -FI_EAGAIN;
    int ret = node_train_take(ep, peer, len, &wire);
    if (ret)
        goto free_op;
    ret = -FI_EAGAIN;
    bool along = node_filling_is_read_along(peer);
    wire.op = (uintptr_t)op;
    wire.sent = node_way_stamp(ep, len);
    if (!along)
        node_train_fill(ep, peer, tx, &wire);
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);
    if (!cell)
        goto return_chunks;
    memcpy(cell->payload, &wire, sizeof(wire));
    publish(peer, tx, cell, stamp, NODE_CELL_TRAIN, wire_flags(tx) | (op ? NODE_WIRE_ACK : 0), 0);
    if (along)
        node_train_fill(ep, peer, tx, &wire);
    node_way_filled(ep, peer);
    node_train_lend(ep, &wire);
    if (!op)
        sent(ep, op_flags(tx), completion_flags(tx->tagged), tx->context);
    return 0;

return_chunks:
    node_train_return(ep, &wire);
free_op:
    if (op)
        pool_put(&ep->ops, op);
    return ret;
}

/* How many pieces the receiver is told of, where they are; none: it asks for a stream. */
static unsigned rts_pieces(struct node_ep *ep, struct node_op *op, uint64_t *address)
{
    const struct iovec *iov = op->iov;
    unsigned count = op->iov_count;

    if (count == NODE_SCATTER) {
        op->blocks = op->peer->single_copy ? node_scatter_blocks(ep, node_scatter_of(iov)) : NULL;
        iov = op->blocks ? op->blocks->iov : NULL;
        count = op->blocks ? op->blocks->count : 0;
    }
    *address = count == 1 ? (uintptr_t)iov->iov_base : (uintptr_t)iov;
    return count;
}

static void op_free(struct node_ep *ep, struct node_op *op)
{
    if (op->blocks)
        pool_put(&ep->blocks, op->blocks);
    pool_put(&ep->ops, op);
}

/* Announces the message; the receiver has it copied from where it is, and says so (FIN). */
static ssize_t send_rts(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                        size_t len)
{
    uint64_t stamp;
    struct node_op *op = op_new(ep, peer, tx, len);

    if (!op)
        return -FI_EAGAIN;
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);
    if (!cell) {
        pool_put(&ep->ops, op);
        return -FI_EAGAIN;
    }
    struct node_wire_rts wire = {.op = (uintptr_t)op, .len = len, .sent = node_way_stamp(ep, 0)};
    unsigned pieces = rts_pieces(ep, op, &wire.address);
    wire.pull = op->pull = node_pull_offer(ep, op);
    count_add(&counts.rendezvous, 1);
    memcpy(cell->payload, &wire, sizeof(wire));
    publish(peer, tx, cell, stamp, NODE_CELL_RTS,
            wire_flags(tx) | (tx->fi_flags & FI_DELIVERY_COMPLETE ? NODE_WIRE_ACK : 0), pieces);
    return 0;
}

/* Above it a train is worth its cell. */
static size_t train_above(const struct node_tx *tx)
{
    return tx->iov_count == NODE_SCATTER ? NODE_TRAIN_PART : NODE_CHUNK;
}

/* Where no chunk has memory, what is announced must not become a stream. */
static bool may_announce(const struct node_ep *ep, const struct node_peer *peer,
                         const struct node_tx *tx)
{
    return ep->chunks_backed || !ep->chunks_refused ||
           (peer->single_copy && tx->iov_count != NODE_SCATTER);
}

static bool is_announced(const struct node_peer *peer, const struct node_tx *tx, size_t len)
{
    return tx->iov_count == 1 && node_way_is_announced(peer, len);
}

ssize_t node_send(struct node_ep *ep, const struct node_tx *tx)
{
    struct node_peer *peer;
    size_t len = node_iov_length(tx->iov, tx->iov_count);
    int ret = node_peer_get(ep, tx->dest, &peer);

    if (ret)
        return ret;
    if (tx->fi_flags & FI_COMPLETION && !node_cq_room(ep->tx_cq))
        return -FI_EAGAIN;
    if (len <= NODE_PAIR_PAYLOAD && !(tx->fi_flags & FI_DELIVERY_COMPLETE))
        return len <= NODE_CELL_PAYLOAD ? send_inline(ep, peer, tx, len)
                                        : send_pair(ep, peer, tx, len);
    if (len <= train_above(tx))
        return send_chunk(ep, peer, tx, len);
    if (len > NODE_CHUNK && tx->fi_flags & FI_INJECT)
        return -FI_EMSGSIZE;
    if (len <= NODE_TRAIN * NODE_CHUNK && !is_announced(peer, tx, len)) {
        ret = send_train(ep, peer, tx, len);
        if (ret != -FI_EAGAIN || !node_chunks_fail(peer))
            return ret;
        /* They are full of messages that nobody asks for, perhaps not before this one comes. */
        if (len <= NODE_CHUNK)
            return send_chunk(ep, peer, tx, len);
    }
    return may_announce(ep, peer, tx) ? send_rts(ep, peer, tx, len) : -FI_ENOSPC;
}

ssize_t node_send_inject(struct node_ep *ep, const void *buf, size_t len, uint64_t dest,
                         uint64_t tag, uint64_t data)
{
    struct iovec iov = {(void *)buf, len};
    struct node_tx tx = {&iov, 1, dest, tag, data, FI_INJECT | FI_REMOTE_CQ_DATA, NULL, true};
    struct node_peer *peer;

    if (UNLIKELY(len <= NODE_PAIR_PAYLOAD || len > NODE_CHUNK))
        return node_send(ep, &tx);
    int ret = node_peer_get(ep, dest, &peer);
    return UNLIKELY(ret) ? ret : send_chunk(ep, peer, &tx, len);
}

void node_send_answered(struct node_ep *ep, const struct node_wire_answer *answer)
{
    struct node_op *op = (struct node_op *)(uintptr_t)answer->op;

    list_drop(&op->link); /* out of ep->coming, where it was in it */
    if (op->kind == NODE_OP_SEND)
        node_pull_withdraw(ep, op);
    if (op->kind == NODE_OP_ATOMIC || op->kind == NODE_OP_PUT)
        op->peer->writes--;
    if (op->kind == NODE_OP_ATOMIC)
        node_atomic_answered(ep, op, !answer->status);
    if (answer->status) {
        struct fi_cq_err_entry error = {
            .op_context = op->context, .flags = op->completion_flags, .err = -answer->status};
        node_complete_error(ep, ep->tx_cq, op->event, &error);
    } else {
        ended(ep, op->flags, op->event, op->completion_flags, op->context);
    }
    if (op->kind == NODE_OP_SEND)
        op_free(ep, op);
    else
        pool_put(&ep->ops, op);
}

void node_send_cts(struct node_ep *ep, const struct node_wire_cts *cts)
{
    struct node_op *op = (struct node_op *)(uintptr_t)cts->op;

    op->partner = cts->partner;
    op->limit = cts->limit;
    list_add_tail(&op->peer->streams, &op->link);
    node_peer_busy(ep, op->peer);
}

/* One chunk of a stream; false where there is no chunk or no room for the cell. */
static bool stream_step(struct node_ep *ep, struct node_op *op)
{
    struct node_cell *cell;
    uint64_t stamp;
    int chunk = node_chunk_take_piece(ep, op->peer, &cell, &stamp);

    if (chunk < 0)
        return false;
    size_t left = op->limit - op->moved;
    size_t len = left < NODE_CHUNK ? left : NODE_CHUNK;
    node_chunk_fill(op->peer, op->iov, op->iov_count, op->moved, ep->segment->chunks[chunk], len);
    struct node_wire_data wire = {op->partner, op->moved, chunk};
    memcpy(cell->payload, &wire, sizeof(wire));
    cell->tag = cell->data = 0;
    node_outlet_publish(&op->peer->out, cell, stamp,
                        node_word(NODE_CELL_DATA, 0) | node_word_of_length(len));
    node_chunk_lend(ep, chunk);
    op->moved += len;
    return true;
}

bool node_stream_push(struct node_ep *ep, struct node_op *op)
{
    while (op->moved < op->limit)
        if (!stream_step(ep, op))
            return false;
    return true;
}
