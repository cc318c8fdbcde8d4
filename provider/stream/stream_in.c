/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading frames. A frame's bytes go where they belong as soon as that is known: what is read
 * before, together with the header, is copied there, the rest is read into its place, and what
 * follows in the same call into the scratch.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "provider/base/log.h"
#include "provider/stream/stream.h"

/* ---- A frame begins, and ends ---- */

/* Ends it first: what follows may be a frame to this process itself, which has this body too. */
static void body_end(struct stream_ep *ep, struct stream_peer *peer, int error)
{
    struct stream_body *b = &peer->body;
    enum stream_body_kind kind = b->kind;

    b->kind = STREAM_BODY_NONE;
    b->left = 0;
    switch (kind) {
    case STREAM_BODY_RECV:
        stream_recv_end(ep, b->recv, &b->header, error);
        break;
    case STREAM_BODY_KEPT:
        stream_kept_end(ep, b->kept, error);
        break;
    case STREAM_BODY_OP:
        stream_op_end(ep, b->op, error);
        break;
    case STREAM_BODY_WRITE:
        if (!error)
            stream_answer(ep, peer, b->header.id, b->error);
        break;
    case STREAM_BODY_NONE:
        break;
    }
}

/* The bytes that an operation of ours waits for. */
static bool body_of_op(struct stream_ep *ep, struct stream_peer *peer,
                       const struct stream_header *h, enum stream_op_kind kind)
{
    struct stream_body *b = &peer->body;
    struct stream_op *op = stream_op_find(ep, h->id, kind, peer);

    if (!op || h->len != op->len)
        return false;
    b->kind = STREAM_BODY_OP;
    b->op = op;
    b->iov_first = 0;
    b->iov_count = (unsigned)node_iov_slice(op->iov, op->iov_count, 0, h->len, b->iov);
    return true;
}

/* 0, -FI_ENOMEM, or -EPROTO: the peer says what makes no sense. */
static int begin(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h)
{
    struct stream_body *b = &peer->body;

    b->header = *h;
    b->left = h->len;
    switch (h->kind) {
    case STREAM_MESSAGE:
        if (h->len > STREAM_EAGER)
            return -EPROTO;
        return stream_recv_begin(ep, peer, h, b) ? 0 : -FI_ENOMEM;
    case STREAM_DATA:
        return body_of_op(ep, peer, h, STREAM_OP_RECV) ? 0 : -EPROTO;
    case STREAM_REPLY:
        return body_of_op(ep, peer, h, STREAM_OP_READ) ? 0 : -EPROTO;
    case STREAM_WRITE:
        stream_rma_write(ep, h, b);
        return 0;
    case STREAM_RTS:
        b->left = 0;
        return stream_recv_begin(ep, peer, h, b) ? 0 : -FI_ENOMEM;
    case STREAM_CTS:
        b->left = 0;
        stream_send_cts(ep, peer, h);
        return 0;
    case STREAM_READ:
        b->left = 0;
        stream_rma_read(ep, peer, h);
        return 0;
    case STREAM_DONE:
        b->left = 0;
        stream_rma_done(ep, peer, h);
        return 0;
    default:
        return -EPROTO;
    }
}

/* ---- Its bytes ---- */

/* `n` of them are there. */
static void body_moved(struct stream_body *b, size_t n)
{
    b->left -= n;
    while (b->iov_first < b->iov_count && n >= b->iov[b->iov_first].iov_len)
        n -= b->iov[b->iov_first++].iov_len;
    if (b->iov_first == b->iov_count || !n)
        return;
    struct iovec *v = &b->iov[b->iov_first];
    v->iov_base = (char *)v->iov_base + n;
    v->iov_len -= n;
}

/* Copies what is there of them; how many. */
static size_t body_fill(struct stream_body *b, const unsigned char *from, size_t len)
{
    size_t n = len < b->left ? len : (size_t)b->left;

    node_iov_fill(b->iov + b->iov_first, b->iov_count - b->iov_first, 0, from, n);
    body_moved(b, n);
    return n;
}

/*
 * A frame could not begin. For want of memory it stays in the scratch with what is behind it, and
 * nothing else is read until it can.
 */
static COLD void not_begun(struct stream_ep *ep, struct stream_peer *peer, int error,
                           const unsigned char *from, size_t len)
{
    struct stream_header h = peer->body.header;

    peer->body.left = 0;
    if (error == -FI_ENOMEM) {
        if (!ep->stuck_told)
            LOG(LOG_WARN, "no memory for a message of %lu bytes: it has to wait",
                (unsigned long)h.len);
        ep->stuck_told = true;
        ep->stuck = peer;
        ep->stuck_from = from;
        ep->stuck_len = len;
    } else {
        LOG(LOG_ERROR, "a peer's frame of kind %u cannot be taken", h.kind);
        stream_peer_lost(ep, peer, error);
    }
}

/* Frames, and the last one's beginning, out of the scratch. */
static void parse(struct stream_ep *ep, struct stream_peer *peer, const unsigned char *from,
                  size_t len)
{
    struct stream_header h;

    for (;;) {
        if (peer->body.left) {
            size_t n = body_fill(&peer->body, from, len);
            from += n;
            len -= n;
            if (peer->body.left)
                return;
        }
        if (peer->body.kind != STREAM_BODY_NONE) {
            peer->tally.heard++;
            body_end(ep, peer, 0);
        }
        if (len < sizeof(h))
            break;
        memcpy(&h, from, sizeof(h));
        int error = begin(ep, peer, &h);
        if (UNLIKELY(error)) {
            not_begun(ep, peer, error, from, len);
            return;
        }
        from += sizeof(h);
        len -= sizeof(h);
        if (peer->body.kind == STREAM_BODY_NONE)
            peer->tally.heard++;
        if (UNLIKELY(peer->state != STREAM_UP))
            return;
    }
    memcpy(peer->start, from, len);
    peer->got = (unsigned)len;
}

static ssize_t read_some(struct stream_ep *ep, struct stream_peer *peer, size_t *placed)
{
    const struct stream_body *b = &peer->body;
    struct iovec iov[STREAM_IOV + 1];
    unsigned n = b->left ? b->iov_count - b->iov_first : 0;
    size_t got = peer->got;
    ssize_t r;

    if (LIKELY(!n)) {
        memcpy(ep->scratch, peer->start, got);
        *placed = 0;
        do
            r = recv(peer->socket.fd, ep->scratch + got, sizeof(ep->scratch) - got, MSG_DONTWAIT);
        while (r < 0 && errno == EINTR);
        return r;
    }
    memcpy(iov, b->iov + b->iov_first, n * sizeof(*iov));
    *placed = stream_iov_length(iov, n);
    iov[n] = (struct iovec){ep->scratch, sizeof(ep->scratch)};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = n + 1};
    do
        r = recvmsg(peer->socket.fd, &m, MSG_DONTWAIT);
    while (r < 0 && errno == EINTR);
    return r;
}

bool stream_in_retry(struct stream_ep *ep)
{
    struct stream_peer *peer = ep->stuck;

    ep->stuck = NULL;
    parse(ep, peer, ep->stuck_from, ep->stuck_len);
    return !ep->stuck;
}

size_t stream_in_read(struct stream_ep *ep, struct stream_peer *peer)
{
    if (UNLIKELY(ep->stuck) && (!stream_in_retry(ep) || peer->state != STREAM_UP))
        return 0;
    size_t placed, got = peer->got;
    ssize_t n = read_some(ep, peer, &placed);

    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            stream_peer_lost(ep, peer, n ? -errno : 0);
        return 0;
    }
    stream_watch_spoke(ep, peer);
    stream_watch_pace(ep, peer, (size_t)n);
    size_t len = (size_t)n;
    if (placed) {
        size_t here = len < placed ? len : placed;
        body_moved(&peer->body, here);
        len -= here;
    } else {
        peer->got = 0;
        len += got;
    }
    parse(ep, peer, ep->scratch, len);
    return (size_t)n;
}

int stream_in_local(struct stream_ep *ep, struct stream_peer *self, const struct stream_header *h,
                    const struct iovec *iov, unsigned count)
{
    struct stream_body *b = &self->body;

    int ret = begin(ep, self, h);
    if (ret) {
        b->left = 0;
        return ret;
    }
    for (unsigned i = 0; i < count && b->left; i++)
        body_fill(b, iov[i].iov_base, iov[i].iov_len);
    if (b->kind != STREAM_BODY_NONE)
        body_end(ep, self, 0);
    /* It may have come for a thread that sleeps, without a completion. */
    if (UNLIKELY(ep->cq && ep->cq->armed) && !ep->cq->reading)
        stream_cq_wake(ep->cq);
    return 0;
}

void stream_in_unregister(struct stream_ep *ep, uint64_t key)
{
    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next) {
        struct stream_body *b = &container_of(l, struct stream_peer, link)->body;
        if (b->kind != STREAM_BODY_WRITE || b->header.data != key)
            continue;
        b->iov_first = b->iov_count = 0;
        b->error = -FI_ENOKEY;
    }
}

void stream_in_drop(struct stream_ep *ep, struct stream_peer *peer, int error)
{
    if (peer->body.kind != STREAM_BODY_NONE)
        body_end(ep, peer, error);
    if (ep->stuck == peer)
        ep->stuck = NULL;
    peer->body.left = 0;
    peer->got = 0;
}
