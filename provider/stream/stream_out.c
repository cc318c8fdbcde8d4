/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing frames. One goes to the system at once where nothing waits before it; what the system
 * does not take waits in the peer's queue, in order, until there is room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "provider/base/log.h"
#include "provider/stream/stream.h"

enum {
    GATHERED = 32, /* pieces written at once */
    SHORT = 512,   /* bytes of a frame that is copied into one piece: send costs 0.1 us less */
};

/*
 * Bytes taken: none where there is no room now, and where the connection is broken. Then something
 * may still be there to be read, after which the reader hears of it, too.
 */
static size_t write_some(struct stream_peer *peer, struct iovec *iov, unsigned count)
{
    enum { flags = MSG_DONTWAIT | MSG_NOSIGNAL };
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = count};
    ssize_t n;

    peer->in_row = 0;
    do
        n = count == 1 ? send(peer->socket.fd, iov->iov_base, iov->iov_len, flags)
                       : sendmsg(peer->socket.fd, &m, flags);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* The last byte of its frame is taken. */
static void written(struct stream_ep *ep, struct stream_op *op)
{
    if (op && (op->kind == STREAM_OP_SEND || op->kind == STREAM_OP_ANSWER))
        stream_op_end(ep, op, 0);
}

/* What is left of a list behind its first `n` bytes. */
static void advance(struct stream_out *out, size_t n)
{
    while (out->first < out->count && n >= out->iov[out->first].iov_len)
        n -= out->iov[out->first++].iov_len;
    if (!n)
        return;
    out->iov[out->first].iov_base = (char *)out->iov[out->first].iov_base + n;
    out->iov[out->first].iov_len -= n;
}

/* A frame of which `taken` bytes have gone waits for the rest to go. */
static int keep(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h,
                const struct iovec *iov, unsigned count, struct stream_op *op, size_t taken)
{
    size_t copied = op ? 0 : stream_iov_length(iov, count);
    struct stream_out *out = malloc(sizeof(*out) + copied);

    if (!out)
        return -FI_ENOMEM;
    out->op = op;
    out->id = op ? op->id : 0;
    out->header = *h;
    out->first = 0;
    out->iov[0] = (struct iovec){&out->header, sizeof(out->header)};
    if (op) {
        out->count = 1 + count;
        for (unsigned i = 0; i < count; i++)
            out->iov[1 + i] = iov[i];
    } else {
        node_iov_read(iov, count, 0, out->copy, copied);
        out->iov[1] = (struct iovec){out->copy, copied};
        out->count = copied ? 2 : 1;
    }
    advance(out, taken);
    list_add_tail(&peer->out, &out->link);
    if (peer->state == STREAM_UP)
        stream_watch_room(ep, &peer->socket, true);
    return 0;
}

/* At once, as nothing waits: bytes taken, of header and `len` more. */
static size_t write_now(struct stream_peer *peer, const struct stream_header *h,
                        const struct iovec *iov, unsigned count, size_t len)
{
    struct iovec all[STREAM_IOV + 1] = {{(void *)h, sizeof(*h)}};
    unsigned char piece[sizeof(*h) + SHORT];

    if (len <= SHORT) {
        memcpy(piece, h, sizeof(*h));
        node_iov_read(iov, count, 0, piece + sizeof(*h), len);
        return write_some(peer, &(struct iovec){piece, sizeof(*h) + len}, 1);
    }
    for (unsigned i = 0; i < count; i++)
        all[1 + i] = iov[i];
    return write_some(peer, all, 1 + count);
}

enum { RETRIES = 3 }; /* where both dial, one of them once more */

/* It may never be reached: what is to go there waits with the others for the time to give up. */
static bool is_troubled(const struct stream_peer *peer)
{
    return peer->state == STREAM_LOST || (peer->retry && peer->retries > RETRIES);
}

int stream_out(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h,
               const struct iovec *iov, unsigned count, struct stream_op *op, bool must)
{
    size_t taken = 0;

    if (UNLIKELY(peer->is_self)) {
        int ret = stream_in_local(ep, peer, h, iov, count);
        if (!ret)
            written(ep, op);
        return ret;
    }
    if (LIKELY(peer->state == STREAM_UP && list_empty(&peer->out))) {
        size_t len = stream_iov_length(iov, count);
        taken = write_now(peer, h, iov, count, len);
        if (LIKELY(taken == sizeof(*h) + len)) {
            peer->tally.sent++;
            written(ep, op);
            return 0;
        }
    }
    if (UNLIKELY(peer->state == STREAM_BROKEN))
        return peer->error;
    if (!taken && !op && !must && !is_troubled(peer)) {
        /* Whose message is said to have gone may not look again for long. */
        stream_dial(ep, peer);
        return -FI_EAGAIN;
    }
    int ret = keep(ep, peer, h, iov, count, op, taken);
    if (ret && taken) {
        /* Half a frame cannot be taken back. */
        LOG(LOG_ERROR, "no memory for the rest of a message");
        stream_peer_lost(ep, peer, -ENOMEM);
    }
    if (!ret && peer->state == STREAM_IDLE)
        stream_dial(ep, peer);
    return ret;
}

static unsigned gather(struct stream_peer *peer, struct iovec *iov)
{
    unsigned n = 0;

    for (struct list *l = peer->out.next; l != &peer->out; l = l->next) {
        const struct stream_out *out = container_of(l, struct stream_out, link);
        for (unsigned i = out->first; i < out->count; i++) {
            if (n == GATHERED)
                return n;
            iov[n++] = out->iov[i];
        }
    }
    return n;
}

static size_t left_of(const struct stream_out *out)
{
    return stream_iov_length(out->iov + out->first, out->count - out->first);
}

static void take(struct stream_ep *ep, struct stream_peer *peer, size_t n)
{
    while (!list_empty(&peer->out)) {
        struct stream_out *out = container_of(peer->out.next, struct stream_out, link);
        size_t left = left_of(out);
        if (n < left) {
            advance(out, n);
            return;
        }
        n -= left;
        peer->tally.sent++;
        list_drop(&out->link);
        if (out->op && out->op->id == out->id)
            written(ep, out->op);
        free(out);
    }
}

void stream_out_push(struct stream_ep *ep, struct stream_peer *peer)
{
    struct iovec iov[GATHERED];

    while (!list_empty(&peer->out)) {
        unsigned count = gather(peer, iov);
        size_t n = write_some(peer, iov, count);
        take(ep, peer, n);
        if (n < stream_iov_length(iov, count))
            break;
    }
    stream_watch_room(ep, &peer->socket, !list_empty(&peer->out));
}

/* Nobody but this entry tells of a message that was injected. */
static void tell(struct stream_ep *ep, const struct stream_header *h, int error)
{
    struct stream_completion c = {.entry = {.flags = FI_SEND, .tag = h->tag, .data = h->data},
                                  .error = -error};

    stream_complete(ep, &c);
}

void stream_out_drop(struct stream_ep *ep, struct stream_peer *peer, int error)
{
    struct list *l;

    while ((l = list_pop(&peer->out))) {
        struct stream_out *out = container_of(l, struct stream_out, link);
        if (ep->cq && !out->op && out->header.kind == STREAM_MESSAGE)
            tell(ep, &out->header, error);
        free(out);
    }
}
