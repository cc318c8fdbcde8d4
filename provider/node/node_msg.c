/* SPDX-License-Identifier: BSD-3-Clause */
/* fi_ops_msg: messages without a tag, through the same two functions as those with one. */
#include "provider/node/node_ops.h"

static ssize_t recv_iov(struct fid_ep *fid, const struct iovec *iov, size_t count, fi_addr_t source,
                        uint64_t flags, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_rx rx = {
        iov, count, source, 0, 0, flags | (ep->rx_selective ? 0 : FI_COMPLETION), context, false};

    if (count > NODE_IOV)
        return -FI_EINVAL;
    lock_take(ep->lock);
    ssize_t ret = node_recv(ep, &rx);
    lock_drop(ep->lock);
    return ret;
}

static ssize_t msg_recvv(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                         fi_addr_t source, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    (void)desc;
    return recv_iov(fid, iov, count, source, ep->rx_op_flags, context);
}

static ssize_t msg_recv(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t source,
                        void *context)
{
    struct iovec iov = {buf, len};

    return msg_recvv(fid, &iov, &desc, 1, source, context);
}

static ssize_t msg_recvmsg(struct fid_ep *fid, const struct fi_msg *msg, uint64_t flags)
{
    return recv_iov(fid, msg->msg_iov, msg->iov_count, msg->addr, flags, msg->context);
}

static ssize_t send_iov(struct fid_ep *fid, const struct iovec *iov, size_t count, fi_addr_t dest,
                        uint64_t data, uint64_t flags, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_tx tx = {iov, count, dest, 0, data, flags, context, false};

    if (count > NODE_IOV)
        return -FI_EINVAL;
    lock_take(ep->lock);
    ssize_t ret = node_send(ep, &tx);
    lock_drop(ep->lock);
    return ret;
}

static uint64_t tx_flags(struct fid_ep *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return ep->tx_op_flags | (ep->tx_selective ? 0 : FI_COMPLETION);
}

static ssize_t msg_sendv(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                         fi_addr_t dest, void *context)
{
    (void)desc;
    return send_iov(fid, iov, count, dest, 0, tx_flags(fid), context);
}

static ssize_t msg_send(struct fid_ep *fid, const void *buf, size_t len, void *desc, fi_addr_t dest,
                        void *context)
{
    struct iovec iov = {(void *)buf, len};

    return msg_sendv(fid, &iov, &desc, 1, dest, context);
}

static ssize_t msg_sendmsg(struct fid_ep *fid, const struct fi_msg *msg, uint64_t flags)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return send_iov(fid, msg->msg_iov, msg->iov_count, msg->addr, msg->data,
                    flags | (ep->tx_selective ? 0 : FI_COMPLETION), msg->context);
}

static ssize_t msg_senddata(struct fid_ep *fid, const void *buf, size_t len, void *desc,
                            uint64_t data, fi_addr_t dest, void *context)
{
    struct iovec iov = {(void *)buf, len};

    (void)desc;
    return send_iov(fid, &iov, 1, dest, data, tx_flags(fid) | FI_REMOTE_CQ_DATA, context);
}

static ssize_t msg_inject(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t dest)
{
    struct iovec iov = {(void *)buf, len};

    return send_iov(fid, &iov, 1, dest, 0, FI_INJECT, NULL);
}

static ssize_t msg_injectdata(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                              fi_addr_t dest)
{
    struct iovec iov = {(void *)buf, len};

    return send_iov(fid, &iov, 1, dest, data, FI_INJECT | FI_REMOTE_CQ_DATA, NULL);
}

struct fi_ops_msg node_msg_ops = {
    .size = sizeof(struct fi_ops_msg),
    .recv = msg_recv,
    .recvv = msg_recvv,
    .recvmsg = msg_recvmsg,
    .send = msg_send,
    .sendv = msg_sendv,
    .sendmsg = msg_sendmsg,
    .inject = msg_inject,
    .senddata = msg_senddata,
    .injectdata = msg_injectdata,
};
