/* SPDX-License-Identifier: BSD-3-Clause */
/* libfabric's calls for messages: each puts its arguments into a stream_tx or stream_rx. */
#include "provider/stream/stream.h"

static struct stream_ep *ep_of(struct fid_ep *fid)
{
    return container_of(fid, struct stream_ep, fid);
}

/* ---- Tagged ---- */

static ssize_t trecv(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t source,
                     uint64_t tag, uint64_t ignore, void *context)
{
    struct iovec iov = {buf, len};
    struct stream_rx rx = {&iov, 1, source, tag, ignore, 0, context, true};

    (void)desc;
    return stream_recv(ep_of(fid), &rx);
}

static ssize_t trecvmsg(struct fid_ep *fid, const struct fi_msg_tagged *msg, uint64_t flags)
{
    struct stream_rx rx = {msg->msg_iov, msg->iov_count, msg->addr,    msg->tag,
                           msg->ignore,  flags,          msg->context, true};

    return stream_recv(ep_of(fid), &rx);
}

static ssize_t tsend_with(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                          fi_addr_t dest, uint64_t tag, uint8_t flags, void *context)
{
    struct iovec iov = {(void *)buf, len};
    struct stream_tx tx = {.iov = &iov,
                           .iov_count = 1,
                           .dest = dest,
                           .tag = tag,
                           .data = data,
                           .flags = STREAM_TAGGED | flags,
                           .context = context};

    return stream_send(ep_of(fid), &tx);
}

static ssize_t tsend(struct fid_ep *fid, const void *buf, size_t len, void *desc, fi_addr_t dest,
                     uint64_t tag, void *context)
{
    (void)desc;
    return tsend_with(fid, buf, len, 0, dest, tag, 0, context);
}

static ssize_t tsenddata(struct fid_ep *fid, const void *buf, size_t len, void *desc, uint64_t data,
                         fi_addr_t dest, uint64_t tag, void *context)
{
    (void)desc;
    return tsend_with(fid, buf, len, data, dest, tag, STREAM_HAS_DATA, context);
}

static ssize_t inject_with(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                           fi_addr_t dest, uint64_t tag, uint8_t flags)
{
    struct iovec iov = {(void *)buf, len};
    struct stream_tx tx = {.iov = &iov,
                           .iov_count = 1,
                           .dest = dest,
                           .tag = tag,
                           .data = data,
                           .flags = STREAM_TAGGED | flags,
                           .inject = true};

    return stream_send(ep_of(fid), &tx);
}

static ssize_t tinject(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t dest,
                       uint64_t tag)
{
    return inject_with(fid, buf, len, 0, dest, tag, 0);
}

static ssize_t tinjectdata(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                           fi_addr_t dest, uint64_t tag)
{
    return inject_with(fid, buf, len, data, dest, tag, STREAM_HAS_DATA);
}

struct fi_ops_tagged stream_tagged_ops = {
    .size = sizeof(struct fi_ops_tagged),
    .recv = trecv,
    .recvmsg = trecvmsg,
    .send = tsend,
    .inject = tinject,
    .senddata = tsenddata,
    .injectdata = tinjectdata,
};

/* ---- Untagged ---- */

static ssize_t recv_plain(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t source,
                          void *context)
{
    struct iovec iov = {buf, len};
    struct stream_rx rx = {&iov, 1, source, 0, 0, 0, context, false};

    (void)desc;
    return stream_recv(ep_of(fid), &rx);
}

static ssize_t send_plain(struct fid_ep *fid, const void *buf, size_t len, void *desc,
                          fi_addr_t dest, void *context)
{
    struct iovec iov = {(void *)buf, len};
    struct stream_tx tx = {.iov = &iov, .iov_count = 1, .dest = dest, .context = context};

    (void)desc;
    return stream_send(ep_of(fid), &tx);
}

struct fi_ops_msg stream_msg_ops = {
    .size = sizeof(struct fi_ops_msg),
    .recv = recv_plain,
    .send = send_plain,
};
