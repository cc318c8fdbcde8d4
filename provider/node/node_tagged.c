/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fi_ops_tagged: each call puts its arguments into a node_tx or node_rx. The two that carry most of
 * an MPI program's messages, injectdata and recv, take the short way.
 */
#include <string.h>

#include "provider/base/hot.h"
#include "provider/node/node_ops.h"

static uint64_t tx_flags(const struct node_ep *ep)
{
    return ep->tx_op_flags | (ep->tx_selective ? 0 : FI_COMPLETION);
}

static uint64_t rx_flags(const struct node_ep *ep)
{
    return ep->rx_op_flags | (ep->rx_selective ? 0 : FI_COMPLETION);
}

static ssize_t send_locked(struct node_ep *ep, const struct node_tx *tx)
{
    lock_take(ep->lock);
    ssize_t ret = node_send(ep, tx);
    lock_drop(ep->lock);
    return ret;
}

static ssize_t recv_locked(struct node_ep *ep, struct node_rx *rx)
{
    lock_take(ep->lock);
    ssize_t ret = node_recv(ep, rx);
    lock_drop(ep->lock);
    return ret;
}

static ssize_t trecvv(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                      fi_addr_t source, uint64_t tag, uint64_t ignore, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_rx rx = {iov, count, source, tag, ignore, rx_flags(ep), context, true};

    (void)desc;
    if (count > NODE_IOV)
        return -FI_EINVAL;
    return recv_locked(ep, &rx);
}

static ssize_t trecv(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t source,
                     uint64_t tag, uint64_t ignore, void *context)
{
    struct iovec iov = {buf, len};

    return trecvv(fid, &iov, &desc, 1, source, tag, ignore, context);
}

static ssize_t trecvmsg(struct fid_ep *fid, const struct fi_msg_tagged *msg, uint64_t flags)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_rx rx = {msg->msg_iov, msg->iov_count, msg->addr,    msg->tag,
                         msg->ignore,  flags,          msg->context, true};

    if (!ep->rx_selective)
        rx.fi_flags |= FI_COMPLETION;
    if (msg->iov_count > NODE_IOV)
        return -FI_EINVAL;
    return recv_locked(ep, &rx);
}

static ssize_t send_iov(struct node_ep *ep, const struct iovec *iov, size_t count, fi_addr_t dest,
                        uint64_t tag, uint64_t data, uint64_t flags, void *context)
{
    struct node_tx tx = {iov, count, dest, tag, data, flags, context, true};

    if (count > NODE_IOV)
        return -FI_EINVAL;
    return send_locked(ep, &tx);
}

static ssize_t tsendv(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                      fi_addr_t dest, uint64_t tag, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    (void)desc;
    return send_iov(ep, iov, count, dest, tag, 0, tx_flags(ep), context);
}

static ssize_t tsend(struct fid_ep *fid, const void *buf, size_t len, void *desc, fi_addr_t dest,
                     uint64_t tag, void *context)
{
    struct iovec iov = {(void *)buf, len};

    return tsendv(fid, &iov, &desc, 1, dest, tag, context);
}

static ssize_t tsendmsg(struct fid_ep *fid, const struct fi_msg_tagged *msg, uint64_t flags)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return send_iov(ep, msg->msg_iov, msg->iov_count, msg->addr, msg->tag, msg->data,
                    flags | (ep->tx_selective ? 0 : FI_COMPLETION), msg->context);
}

static ssize_t tsenddata(struct fid_ep *fid, const void *buf, size_t len, void *desc, uint64_t data,
                         fi_addr_t dest, uint64_t tag, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct iovec iov = {(void *)buf, len};

    (void)desc;
    return send_iov(ep, &iov, 1, dest, tag, data, tx_flags(ep) | FI_REMOTE_CQ_DATA, context);
}

/* The short way: a cell is all there is. */
HOT_INLINE ssize_t inject_cell(struct node_ep *ep, const void *buf, size_t len, uint64_t data,
                               fi_addr_t dest, uint64_t tag, unsigned flags)
{
    struct node_peer *peer;
    int ret = node_peer_get(ep, dest, &peer);

    if (ret)
        return ret;
    if (!node_outlet_inject(&peer->out, buf, len, tag, data, flags))
        return -FI_EAGAIN;
    if (ep->cntr[NODE_SEND])
        node_count(ep, NODE_SEND);
    return 0;
}

static ssize_t inject_long(struct node_ep *ep, const void *buf, size_t len, uint64_t data,
                           fi_addr_t dest, uint64_t tag, uint64_t flags)
{
    struct iovec iov = {(void *)buf, len};
    struct node_tx tx = {&iov, 1, dest, tag, data, FI_INJECT | flags, NULL, true};

    return send_locked(ep, &tx);
}

static ssize_t tinject(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t dest,
                       uint64_t tag)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    if (len > NODE_CELL_PAYLOAD)
        return inject_long(ep, buf, len, 0, dest, tag, 0);
    lock_take(ep->lock);
    ssize_t ret = inject_cell(ep, buf, len, 0, dest, tag, NODE_WIRE_TAGGED);
    lock_drop(ep->lock);
    return ret;
}

static ssize_t tinjectdata(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                           fi_addr_t dest, uint64_t tag)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    if (len > NODE_CELL_PAYLOAD)
        return inject_long(ep, buf, len, data, dest, tag, FI_REMOTE_CQ_DATA);
    lock_take(ep->lock);
    ssize_t ret = inject_cell(ep, buf, len, data, dest, tag, NODE_WIRE_TAGGED | NODE_WIRE_DATA);
    lock_drop(ep->lock);
    return ret;
}

struct fi_ops_tagged node_tagged_ops = {
    .size = sizeof(struct fi_ops_tagged),
    .recv = trecv,
    .recvv = trecvv,
    .recvmsg = trecvmsg,
    .send = tsend,
    .sendv = tsendv,
    .sendmsg = tsendmsg,
    .inject = tinject,
    .senddata = tsenddata,
    .injectdata = tinjectdata,
};
