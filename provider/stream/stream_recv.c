/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving a message: matched with a posted receive when its header comes, or kept in a block of
 * its exact size until one does; the receive may then have to wait for the rest of the bytes. A
 * message longer than its receive is cut, and the error says the full length.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/base/count.h"
#include "provider/base/log.h"
#include "provider/stream/stream.h"

static struct node_match *match_of(struct stream_ep *ep, bool tagged)
{
    return tagged ? &ep->tagged : &ep->plain;
}

static bool is_tagged(const struct stream_header *h)
{
    return h->flags & STREAM_TAGGED;
}

static uint64_t completion_flags(const struct stream_header *h)
{
    return FI_RECV | (is_tagged(h) ? FI_TAGGED : FI_MSG) |
           (h->flags & STREAM_HAS_DATA ? FI_REMOTE_CQ_DATA : 0);
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Says what became of a receive whose message is there, or (error) will not be. */
static void report(struct stream_ep *ep, const struct stream_recv *r, const struct stream_header *h,
                   int error)
{
    struct stream_completion c = {.entry = {.op_context = r->posted.buf,
                                            .flags = completion_flags(h),
                                            .len = h->len,
                                            .buf = r->iov_count ? r->iov[0].iov_base : NULL,
                                            .data = h->data,
                                            .tag = h->tag},
                                  .error = -error};

    if (error) {
        c.entry.len = 0;
    } else if (UNLIKELY(h->len > r->len)) {
        c.error = FI_ETRUNC;
        c.entry.len = r->len;
        c.olen = h->len - r->len;
    }
    stream_complete(ep, &c);
}

/* ---- Announced messages ---- */

/* Asks for the bytes; from now on an operation has what is known of the receive. 0 or -errno. */
static int ask_for(struct stream_ep *ep, struct stream_peer *peer, const struct stream_recv *r,
                   const struct stream_header *h)
{
    struct stream_op *op = stream_op_get(ep, STREAM_OP_RECV, peer);

    if (!op)
        return -FI_ENOMEM;
    op->context = r->posted.buf;
    op->flags = completion_flags(h);
    op->tag = h->tag;
    op->data = h->data;
    op->whole = h->len;
    op->len = least(h->len, r->len);
    op->iov_count = r->iov_count;
    memcpy(op->iov, r->iov, sizeof(op->iov));
    struct stream_header cts = {.kind = STREAM_CTS, .id = h->id, .tag = op->id, .len = op->len};
    int ret = stream_out(ep, peer, &cts, NULL, 0, NULL, true);
    if (ret)
        stream_op_put(ep, op);
    return ret;
}

static void take_announced(struct stream_ep *ep, struct stream_peer *peer,
                           const struct stream_recv *r, const struct stream_header *h)
{
    int ret = ask_for(ep, peer, r, h);

    if (ret)
        report(ep, r, h, ret);
}

/* ---- A message comes ---- */

/* Its bytes go into the receive as they come. */
static void give(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h,
                 struct stream_recv *r, struct stream_body *b)
{
    if (h->kind == STREAM_RTS) {
        take_announced(ep, peer, r, h);
        pool_put(&ep->recvs, r);
        return;
    }
    b->kind = STREAM_BODY_RECV;
    b->recv = r;
    b->iov_first = 0;
    b->iov_count = (unsigned)node_iov_slice(r->iov, r->iov_count, 0, least(h->len, r->len), b->iov);
}

/* No receive is there: it is kept. */
static bool keep(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h,
                 struct stream_body *b)
{
    struct stream_unexpected *u = pool_get(&ep->unexpecteds);

    if (!u)
        return false;
    *u = (struct stream_unexpected){
        .arrival = {.from = &peer->fi_addr, .tag = h->tag}, .peer = peer, .header = *h};
    list_init(&u->arrival.link);
    list_init(&u->arrival.in_order);
    if (h->kind == STREAM_MESSAGE) {
        u->block = h->len ? malloc(h->len) : NULL;
        if (h->len && !u->block) {
            pool_put(&ep->unexpecteds, u);
            return false;
        }
        b->kind = STREAM_BODY_KEPT;
        b->kept = u;
        b->iov_first = 0;
        b->iov[0] = (struct iovec){u->block, h->len};
        b->iov_count = h->len ? 1 : 0;
    }
    node_match_keep(match_of(ep, is_tagged(h)), &u->arrival);
    count_add(&counts.unexpected, 1);
    count_add(&counts.unexpected_now, 1);
    return true;
}

bool stream_recv_begin(struct stream_ep *ep, struct stream_peer *peer,
                       const struct stream_header *h, struct stream_body *b)
{
    struct node_match *match = match_of(ep, is_tagged(h));
    struct node_posted *p = node_match_message(match, h->tag, peer->fi_addr);

    if (!p)
        return keep(ep, peer, h, b);
    give(ep, peer, h, container_of(p, struct stream_recv, posted), b);
    return true;
}

static void forget(struct stream_ep *ep, struct stream_unexpected *u)
{
    count_add(&counts.unexpected_now, (uint64_t)-1);
    node_match_drop(&u->arrival);
    free(u->block);
    pool_put(&ep->unexpecteds, u);
}

/* A kept message whose bytes are there goes to a receive. */
static void deliver(struct stream_ep *ep, struct stream_unexpected *u, struct stream_recv *r)
{
    node_iov_fill(r->iov, r->iov_count, 0, u->block, least(u->header.len, r->len));
    report(ep, r, &u->header, 0);
    pool_put(&ep->recvs, r);
    forget(ep, u);
}

void stream_kept_end(struct stream_ep *ep, struct stream_unexpected *u, int error)
{
    struct stream_recv *r = u->taker;

    u->whole = true;
    if (error && r) {
        report(ep, r, &u->header, error);
        pool_put(&ep->recvs, r);
    }
    if (error)
        forget(ep, u);
    else if (r)
        deliver(ep, u, r);
}

void stream_recv_end(struct stream_ep *ep, struct stream_recv *r, const struct stream_header *h,
                     int error)
{
    report(ep, r, h, error);
    pool_put(&ep->recvs, r);
}

/* ---- A receive is posted ---- */

static struct stream_recv *recv_make(struct stream_ep *ep, const struct stream_rx *rx)
{
    struct stream_recv *r = pool_get(&ep->recvs);

    if (!r)
        return NULL;
    r->posted = (struct node_posted){
        .tag = rx->tag, .ignore = rx->ignore, .source = rx->source, .buf = rx->context};
    r->iov_count = (uint32_t)rx->iov_count;
    r->len = 0;
    for (size_t i = 0; i < rx->iov_count; i++) {
        r->iov[i] = rx->iov[i];
        r->len += rx->iov[i].iov_len;
    }
    return r;
}

/* A message that came before, for this receive. */
static void take_kept(struct stream_ep *ep, struct stream_unexpected *u, struct stream_recv *r)
{
    if (u->header.kind == STREAM_RTS) {
        take_announced(ep, u->peer, r, &u->header);
        pool_put(&ep->recvs, r);
        forget(ep, u);
    } else if (u->whole) {
        deliver(ep, u, r);
    } else {
        node_match_drop(&u->arrival);
        u->taker = r;
    }
}

static struct stream_unexpected *find_kept(struct node_match *match, const struct stream_rx *rx)
{
    struct node_arrival *a = node_match_receive(match, rx->tag, rx->ignore, rx->source);

    return a ? container_of(a, struct stream_unexpected, arrival) : NULL;
}

/* Says what is there, and with FI_CLAIM takes it out of matching. */
static void answer(struct stream_ep *ep, struct node_match *match, const struct stream_rx *rx)
{
    struct stream_completion c = {.entry = {.op_context = rx->context}};
    struct stream_unexpected *u = find_kept(match, rx);

    if (!u) {
        c.entry.flags = FI_RECV | (rx->tagged ? FI_TAGGED : FI_MSG);
        c.entry.tag = rx->tag;
        c.error = FI_ENOMSG;
        stream_complete(ep, &c);
        return;
    }
    c.entry.flags = completion_flags(&u->header);
    c.entry.len = u->header.len;
    c.entry.tag = u->header.tag;
    c.entry.data = u->header.data;
    stream_complete(ep, &c);
    if (rx->flags & FI_CLAIM) {
        node_match_drop(&u->arrival);
        u->claimed = rx->context;
        list_add_tail(&match->claimed, &u->arrival.link);
    }
}

/* FI_PEEK. Who looks is awake, and reads the answer: it needs no bell. */
static ssize_t peek(struct stream_ep *ep, struct node_match *match, const struct stream_rx *rx)
{
    ep->cq->reading = true;
    /* What has come must be seen, also by a program that does nothing but look. */
    stream_progress(ep);
    answer(ep, match, rx);
    ep->cq->reading = false;
    return 0;
}

/* FI_CLAIM without FI_PEEK: receives what an earlier peek claimed. */
static ssize_t receive_claimed(struct stream_ep *ep, struct node_match *match,
                               const struct stream_rx *rx)
{
    for (struct list *l = match->claimed.next; l != &match->claimed; l = l->next) {
        struct stream_unexpected *u = container_of(l, struct stream_unexpected, arrival.link);
        if (u->claimed != rx->context)
            continue;
        struct stream_recv *r = recv_make(ep, rx);
        if (!r)
            return -FI_EAGAIN;
        take_kept(ep, u, r);
        return 0;
    }
    return -FI_ENOMSG;
}

/* Whom a receive is for, under the name that arrivals carry. */
static int name_source(struct stream_ep *ep, fi_addr_t *source)
{
    struct stream_peer *peer;

    if (*source == FI_ADDR_UNSPEC)
        return 0;
    int ret = stream_peer_get(ep, *source, &peer);
    if (!ret)
        *source = peer->fi_addr;
    return ret;
}

ssize_t stream_recv(struct stream_ep *ep, struct stream_rx *rx)
{
    struct node_match *match = match_of(ep, rx->tagged);
    int ret = name_source(ep, &rx->source);

    if (ret)
        return ret;
    if (rx->iov_count > STREAM_IOV || rx->flags & FI_DISCARD)
        return -FI_EINVAL;
    if (UNLIKELY(rx->flags & (FI_PEEK | FI_CLAIM)))
        return rx->flags & FI_PEEK ? peek(ep, match, rx) : receive_claimed(ep, match, rx);
    struct stream_recv *r = recv_make(ep, rx);
    if (!r)
        return -FI_EAGAIN;
    struct stream_unexpected *u = find_kept(match, rx);
    if (u)
        take_kept(ep, u, r);
    else
        node_match_post(match, &r->posted);
    return 0;
}

ssize_t stream_recv_cancel(struct stream_ep *ep, void *context)
{
    struct stream_completion c = {.entry = {.op_context = context, .flags = FI_RECV | FI_TAGGED},
                                  .error = FI_ECANCELED};
    struct node_posted *p = node_match_withdraw(&ep->tagged, context);

    if (!p) {
        c.entry.flags = FI_RECV | FI_MSG;
        p = node_match_withdraw(&ep->plain, context);
    }
    if (!p)
        return -FI_ENOENT;
    c.entry.tag = p->tag;
    stream_complete(ep, &c);
    pool_put(&ep->recvs, container_of(p, struct stream_recv, posted));
    return 0;
}

static void blocks_free(struct node_match *m)
{
    struct list *l;

    for (l = m->arrivals.next; l != &m->arrivals; l = l->next)
        free(container_of(l, struct stream_unexpected, arrival.in_order)->block);
    for (l = m->claimed.next; l != &m->claimed; l = l->next)
        free(container_of(l, struct stream_unexpected, arrival.link)->block);
}

void stream_recvs_close(struct stream_ep *ep)
{
    blocks_free(&ep->tagged);
    blocks_free(&ep->plain);
}
