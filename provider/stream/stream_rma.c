/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote memory: the origin's operations, and what the target's progress does for others. A write
 * is over when the target has said so, whatever completion is asked for.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "provider/stream/stream.h"

/* ---- Origin ---- */

static ssize_t begin(struct stream_ep *ep, enum stream_op_kind kind, const struct iovec *iov,
                     size_t count, fi_addr_t dest, uint64_t offset, uint64_t key, void *context)
{
    struct stream_peer *peer;
    int ret = stream_peer_get(ep, dest, &peer);

    if (ret)
        return ret;
    if (count > STREAM_IOV)
        return -FI_EINVAL;
    struct stream_op *op = stream_op_get(ep, kind, peer);
    if (!op)
        return -FI_EAGAIN;
    op->context = context;
    op->flags = FI_RMA | (kind == STREAM_OP_WRITE ? FI_WRITE : FI_READ);
    op->len = stream_iov_length(iov, count);
    op->iov_count = (uint32_t)count;
    memcpy(op->iov, iov, count * sizeof(*iov));
    struct stream_header h = {.kind = kind == STREAM_OP_WRITE ? STREAM_WRITE : STREAM_READ,
                              .id = op->id,
                              .len = op->len,
                              .tag = offset,
                              .data = key};
    if (kind == STREAM_OP_WRITE)
        ret = stream_out(ep, peer, &h, op->iov, op->iov_count, op, true);
    else
        ret = stream_out(ep, peer, &h, NULL, 0, NULL, true);
    if (ret)
        stream_op_put(ep, op);
    return ret;
}

static ssize_t read_now(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t from,
                        uint64_t offset, uint64_t key, void *context)
{
    struct iovec iov = {buf, len};

    (void)desc;
    return begin(container_of(fid, struct stream_ep, fid), STREAM_OP_READ, &iov, 1, from, offset,
                 key, context);
}

static ssize_t write_now(struct fid_ep *fid, const void *buf, size_t len, void *desc,
                         fi_addr_t dest, uint64_t offset, uint64_t key, void *context)
{
    struct iovec iov = {(void *)buf, len};

    (void)desc;
    return begin(container_of(fid, struct stream_ep, fid), STREAM_OP_WRITE, &iov, 1, dest, offset,
                 key, context);
}

static ssize_t writemsg(struct fid_ep *fid, const struct fi_msg_rma *m, uint64_t flags)
{
    if (m->rma_iov_count != 1 || flags & ~(FI_COMPLETION | FI_DELIVERY_COMPLETE))
        return -FI_EINVAL;
    return begin(container_of(fid, struct stream_ep, fid), STREAM_OP_WRITE, m->msg_iov,
                 m->iov_count, m->addr, m->rma_iov[0].addr, m->rma_iov[0].key, m->context);
}

void stream_rma_done(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h)
{
    struct stream_op *op = stream_op_find(ep, h->id, STREAM_OP_WRITE, peer);
    int64_t status = (int64_t)h->data;
    bool good = !status && op; /* what else has an end that is good comes with its bytes */

    if (!op)
        op = stream_op_find(ep, h->id, STREAM_OP_READ, peer);
    if (!op)
        op = stream_op_find(ep, h->id, STREAM_OP_RECV, peer);
    if (op)
        stream_op_end(ep, op, good ? 0 : status < 0 && status > INT_MIN ? (int)status : -EPROTO);
}

/* ---- Target ---- */

void stream_answer(struct stream_ep *ep, struct stream_peer *peer, uint32_t id, int error)
{
    struct stream_header h = {.kind = STREAM_DONE, .id = id, .data = (uint64_t)(int64_t)error};
    int ret = stream_out(ep, peer, &h, NULL, 0, NULL, true);

    if (ret) /* no memory: the origin would wait for ever */
        stream_peer_lost(ep, peer, ret);
}

void stream_rma_write(struct stream_ep *ep, const struct stream_header *h, struct stream_body *b)
{
    void *place;

    ep->served++;
    b->kind = STREAM_BODY_WRITE;
    b->error = stream_mr_find(ep->domain, h->data, h->tag, h->len, FI_REMOTE_WRITE, &place);
    b->iov_first = 0;
    b->iov_count = !b->error && h->len ? 1 : 0;
    if (b->iov_count)
        b->iov[0] = (struct iovec){place, h->len};
}

void stream_rma_read(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h)
{
    struct stream_header reply = {.kind = STREAM_REPLY, .id = h->id, .len = h->len};
    struct stream_op *op;
    void *place;
    int ret = stream_mr_find(ep->domain, h->data, h->tag, h->len, FI_REMOTE_READ, &place);

    ep->served++;
    if (!ret) {
        op = stream_op_get(ep, STREAM_OP_ANSWER, peer);
        ret = op ? 0 : -FI_ENOMEM;
    }
    if (ret) {
        stream_answer(ep, peer, h->id, ret);
        return;
    }
    op->iov[0] = (struct iovec){place, h->len};
    op->iov_count = h->len ? 1 : 0;
    ret = stream_out(ep, peer, &reply, op->iov, op->iov_count, op, true);
    if (!ret)
        return;
    stream_op_put(ep, op);
    stream_answer(ep, peer, h->id, ret);
}

struct fi_ops_rma stream_rma_ops = {
    .size = sizeof(struct fi_ops_rma),
    .read = read_now,
    .write = write_now,
    .writemsg = writemsg,
};
