/* SPDX-License-Identifier: BSD-3-Clause */
/* libfabric's calls for messages: each puts its arguments into a stream_tx or stream_rx. */
#include "provider/stream/stream.h"

static struct stream_ep *ep_of(struct fid_ep *fid)
{
    return container_of(fid, struct stream_ep, fid);
}

/* What is sent as `tx` says lies in one piece. */
static ssize_t send_buffer(struct fid_ep *fid, const void *buf, size_t len, struct stream_tx tx)
{
    struct iovec iov = {(void *)buf, len};

    tx.iov = &iov;
    tx.iov_count = 1;
    return stream_send(ep_of(fid), &tx);
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

static ssize_t tsend(struct fid_ep *fid, const void *buf, size_t len, void *desc, fi_addr_t dest,
                     uint64_t tag, void *context)
{
    (void)desc;
    return send_buffer(
        fid, buf, len,
        (struct stream_tx){.dest = dest, .tag = tag, .flags = STREAM_TAGGED, .context = context});
}

static ssize_t tsenddata(struct fid_ep *fid, const void *buf, size_t len, void *desc, uint64_t data,
                         fi_addr_t dest, uint64_t tag, void *context)
{
    (void)desc;
    return send_buffer(fid, buf, len,
                       (struct stream_tx){.dest = dest,
                                          .tag = tag,
                                          .data = data,
                                          .flags = STREAM_TAGGED | STREAM_HAS_DATA,
                                          .context = context});
}

static ssize_t tinject(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t dest,
                       uint64_t tag)
{
    return send_buffer(
        fid, buf, len,
        (struct stream_tx){.dest = dest, .tag = tag, .flags = STREAM_TAGGED, .inject = true});
}

static ssize_t tinjectdata(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                           fi_addr_t dest, uint64_t tag)
{
    return send_buffer(fid, buf, len,
                       (struct stream_tx){.dest = dest,
                                          .tag = tag,
                                          .data = data,
                                          .flags = STREAM_TAGGED | STREAM_HAS_DATA,
                                          .inject = true});
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
    (void)desc;
    return send_buffer(fid, buf, len, (struct stream_tx){.dest = dest, .context = context});
}

struct fi_ops_msg stream_msg_ops = {
    .size = sizeof(struct fi_ops_msg),
    .recv = recv_plain,
    .send = send_plain,
};
