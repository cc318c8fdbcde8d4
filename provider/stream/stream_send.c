/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending a message: whole with its header, or, where it is long, announced and then asked for. */
#include <errno.h>
#include <string.h>

#include "provider/stream/stream.h"

static struct stream_op *op_make(struct stream_ep *ep, struct stream_peer *peer,
                                 const struct stream_tx *tx, size_t len)
{
    struct stream_op *op = stream_op_get(ep, STREAM_OP_SEND, peer);

    if (!op)
        return NULL;
    op->context = tx->context;
    op->flags = FI_SEND | (tx->flags & STREAM_TAGGED ? FI_TAGGED : FI_MSG);
    op->len = len;
    op->iov_count = (uint32_t)tx->iov_count;
    memcpy(op->iov, tx->iov, tx->iov_count * sizeof(*tx->iov));
    return op;
}

ssize_t stream_send(struct stream_ep *ep, const struct stream_tx *tx)
{
    size_t len = stream_iov_length(tx->iov, tx->iov_count);
    struct stream_header h = {
        .kind = STREAM_MESSAGE, .flags = tx->flags, .len = len, .tag = tx->tag, .data = tx->data};
    struct stream_peer *peer;
    int ret = stream_peer_get(ep, tx->dest, &peer);

    if (ret)
        return ret;
    if (tx->inject)
        return len > STREAM_INJECT
                   ? -FI_EMSGSIZE
                   : stream_out(ep, peer, &h, tx->iov, (unsigned)tx->iov_count, NULL, false);
    struct stream_op *op = op_make(ep, peer, tx, len);
    if (!op)
        return -FI_EAGAIN;
    if (len <= STREAM_EAGER) {
        ret = stream_out(ep, peer, &h, tx->iov, (unsigned)tx->iov_count, op, false);
    } else {
        h.kind = STREAM_RTS;
        op->kind = STREAM_OP_ANNOUNCED;
        h.id = op->id;
        ret = stream_out(ep, peer, &h, NULL, 0, NULL, true);
    }
    if (ret)
        stream_op_put(ep, op);
    return ret;
}

void stream_send_cts(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h)
{
    struct stream_op *op = stream_op_find(ep, h->id, STREAM_OP_ANNOUNCED, peer);
    struct stream_header data = {.kind = STREAM_DATA, .id = (uint32_t)h->tag, .len = h->len};
    struct iovec iov[STREAM_IOV];

    if (!op || h->len > op->len) {
        /* It ended with an error, when an earlier connection broke. */
        stream_answer(ep, peer, (uint32_t)h->tag, -ECONNRESET);
        return;
    }
    op->kind = STREAM_OP_SEND;
    unsigned count = (unsigned)node_iov_slice(op->iov, op->iov_count, 0, h->len, iov);
    int ret = stream_out(ep, peer, &data, iov, count, op, true);
    if (ret) /* no memory: the receiver would wait for ever */
        stream_peer_lost(ep, peer, ret);
}
