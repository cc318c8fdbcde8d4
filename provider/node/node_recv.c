/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving a message, tagged or not: matched with a posted receive on arrival, or kept until one
 * comes, a short one in a block of its exact size. A message longer than its receive is cut, and
 * the error says the full length.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/copy.h"
#include "provider/base/count.h"
#include "provider/node/node.h"
#include "provider/node/node_fetch.h"
#include "provider/node/node_match.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_train.h"
#include "provider/node/node_way.h"

static struct node_match *match_of(struct node_ep *ep, bool tagged)
{
    return tagged ? &ep->tagged : &ep->plain;
}

static uint64_t completion_flags(const struct node_message *m)
{
    return FI_RECV | (m->flags & NODE_WIRE_TAGGED ? FI_TAGGED : FI_MSG) |
           (m->flags & NODE_WIRE_DATA ? FI_REMOTE_CQ_DATA : 0);
}

/* Says what became of a receive: `moved` bytes are in its buffer, of the message's `m->len`. */
static void received(struct node_ep *ep, uint32_t flags, void *context, void *buf,
                     const struct node_message *m, size_t moved, int error)
{
    if (!error && moved < m->len)
        error = FI_ETRUNC;
    if (error) {
        struct fi_cq_err_entry e = {.op_context = context,
                                    .flags = completion_flags(m),
                                    .len = moved,
                                    .buf = buf,
                                    .data = m->data,
                                    .tag = m->tag,
                                    .olen = m->len - moved,
                                    .err = error};
        node_complete_error(ep, ep->rx_cq, NODE_RECV, &e);
    } else if (flags & NODE_OP_COMPLETE) {
        node_complete(ep, ep->rx_cq, NODE_RECV, context, completion_flags(m), m->len, buf, m->data,
                      m->tag, m->peer->fi_addr);
    } else {
        node_count(ep, NODE_RECV);
    }
}

static void answer(struct node_ep *ep, const struct node_message *m, enum node_kind kind,
                   int status)
{
    struct node_wire_answer wire = {m->sender_op, status};

    node_control_send(ep, m->peer, kind, &wire, sizeof(wire));
}

/* ---- Long messages: streamed through the sender's chunks ---- */

static int stream_in(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                     size_t len)
{
    struct node_op *op = pool_get(&ep->ops);

    if (!op)
        return -ENOMEM;
    list_init(&op->link);
    op->kind = NODE_OP_STREAM_IN;
    op->flags = r->flags;
    op->context = r->posted.buf;
    op->peer = m->peer;
    op->iov_count = r->iov_count;
    memcpy(op->iov, r->iov, sizeof(op->iov));
    op->message = *m;
    op->moved = 0;
    op->limit = len;
    list_add_tail(&ep->coming, &op->link);
    struct node_wire_cts wire = {m->sender_op, (uintptr_t)op, len};
    node_control_send(ep, m->peer, NODE_CELL_CTS, &wire, sizeof(wire));
    return 0;
}

void node_recv_data(struct node_ep *ep, struct node_peer *peer, const struct node_wire_data *data,
                    unsigned len)
{
    struct node_op *op = (struct node_op *)(uintptr_t)data->partner;

    node_iov_fill(op->iov, op->iov_count, data->offset, peer->segment->chunks[data->chunk], len);
    node_chunk_release(peer, data->chunk);
    op->moved += len;
    if (op->kind == NODE_OP_GET) {
        node_rma_data(ep, op);
        return;
    }
    if (op->moved < op->limit)
        return;
    list_drop(&op->link);
    answer(ep, &op->message, NODE_CELL_FIN, 0);
    received(ep, op->flags, op->context, op->iov[0].iov_base, &op->message, op->moved, 0);
    pool_put(&ep->ops, op);
}

void node_recv_lost(struct node_ep *ep, struct node_op *op)
{
    list_drop(&op->link);
    received(ep, op->flags, op->context, op->iov[0].iov_base, &op->message, 0, ESRCH);
    pool_put(&ep->ops, op);
}

/* ---- Long messages: announced, then copied once ---- */

static bool is_forbidden(int error)
{
    return error == -EPERM || error == -ENOSYS || error == -EACCES;
}

static size_t taken_of(const struct node_recv *r, const struct node_message *m)
{
    return m->len < r->len ? m->len : r->len;
}

void node_recv_fetched(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                       int error)
{
    size_t len = taken_of(r, m);

    /* Forbidden after all (a container's rule, a changed identity): never again with this peer, and
     * never fatal. */
    if (is_forbidden(error)) {
        m->peer->single_copy = false;
        node_way_forget(ep, m->peer);
        error = stream_in(ep, r, m, len);
        if (!error)
            return;
    }
    answer(ep, m, NODE_CELL_FIN, error);
    received(ep, r->flags, r->posted.buf, r->iov_count ? r->iov[0].iov_base : NULL, m,
             error ? 0 : len, -error);
}

/* Takes a message that is announced; its completion may come later. */
static void take_rts(struct node_ep *ep, const struct node_recv *r, const struct node_message *m)
{
    size_t len = taken_of(r, m);
    bool single = m->pieces && m->peer->single_copy && node_scatter_fetches(r->iov, r->iov_count);

    if (len && !single) {
        int error = stream_in(ep, r, m, len);
        if (error)
            node_recv_fetched(ep, r, m, error);
    } else if (len && node_way_is_alone(m) && node_fetch_later(ep, r, m, len)) {
        return;
    } else if (!len || node_way_is_alone(m) || !node_pull_begin(ep, r, m, len)) {
        int error = len ? node_pull_alone(r, m, len) : 0;
        node_way_worked(ep);
        if (UNLIKELY(m->timed))
            node_way_took(ep, m);
        node_recv_fetched(ep, r, m, error);
    }
}

/* ---- All messages ---- */

/* Gives a message to a receive; the message's bytes are free afterwards. */
static void take(struct node_ep *ep, const struct node_recv *r, const struct node_message *m)
{
    if (m->kind == NODE_CELL_RTS) {
        take_rts(ep, r, m);
        return;
    }
    size_t moved;
    int error = 0;
    if (m->kind == NODE_CELL_TRAIN) {
        ssize_t n = node_train_read(m, r->iov, r->iov_count, r->len);
        moved = n < 0 ? 0 : n;
        error = n < 0 ? -n : 0;
        node_train_release(m);
        node_way_worked(ep);
        if (UNLIKELY(m->timed))
            node_way_took(ep, m);
    } else if (__builtin_expect(r->iov_count == 1 && m->len <= r->len, 1)) {
        moved = m->len;
        copy_any(r->iov[0].iov_base, m->bytes, moved);
    } else {
        moved = node_iov_fill(r->iov, r->iov_count, 0, m->bytes, m->len);
    }
    if (m->flags & NODE_WIRE_ACK)
        answer(ep, m, NODE_CELL_ACK, 0);
    received(ep, r->flags, r->posted.buf, r->iov_count ? r->iov[0].iov_base : NULL, m, moved,
             error);
}

/* ---- What is kept, and holds its sender ---- */

/* Whether one that is announced might as well have been in chunks. */
static bool holds_its_sender(const struct node_message *m)
{
    return m->kind == NODE_CELL_RTS && m->len > NODE_CHUNK && m->len <= NODE_TRAIN * NODE_CHUNK &&
           m->pieces == 1 && !(m->flags & NODE_WIRE_ACK);
}

/* Whether node_ep.held counts it. */
static bool is_held(const struct node_unexpected *u)
{
    return holds_its_sender(&u->message) && !u->stays;
}

/* No other block is that long. */
static bool is_taken_in(const struct node_unexpected *u)
{
    return u->block && u->message.len > NODE_CHUNK;
}

enum { TAKEN_IN_MOST = 16 << 20 }; /* bytes */

/* False where that will never be possible: whoever asks for it is told why. */
static bool take_in(struct node_ep *ep, struct node_unexpected *u)
{
    struct node_message *m = &u->message;
    struct node_recv r = {.iov_count = 1, .len = m->len};

    if (!node_ep_ready(ep) || ep->taken_in + m->len > TAKEN_IN_MOST)
        return true;
    r.iov[0] = (struct iovec){malloc(m->len), m->len};
    if (!r.iov[0].iov_base)
        return true;
    node_way_kept(ep, m);
    int error = m->peer->single_copy ? node_pull_alone(&r, m, m->len) : -EPERM;
    node_way_worked(ep);
    if (error) {
        free(r.iov[0].iov_base);
        return false;
    }
    answer(ep, m, NODE_CELL_FIN, 0);
    ep->held--;
    ep->taken_in += m->len;
    m->bytes = u->block = r.iov[0].iov_base;
    m->kind = NODE_CELL_INLINE;
    return true;
}

/* The same of one that is kept, if it is to be. Whether to go on: there is more, and nothing to
 * read. */
static bool take_in_next(struct node_ep *ep, struct node_unexpected *u)
{
    uint64_t word;

    if (is_held(u) && !take_in(ep, u)) {
        u->stays = true;
        ep->held--;
    }
    return ep->held && !node_inlet_peek(&ep->in, &word);
}

void node_recv_take_in(struct node_ep *ep)
{
    struct node_match *matches[] = {&ep->tagged, &ep->plain};
    bool more = true;

    for (int i = 0; i < 2; i++) {
        struct list *l, *head = &matches[i]->arrivals;
        for (l = head->next; l != head && more; l = l->next)
            more = take_in_next(ep, container_of(l, struct node_unexpected, arrival.in_order));
        head = &matches[i]->claimed;
        for (l = head->next; l != head && more; l = l->next)
            more = take_in_next(ep, container_of(l, struct node_unexpected, arrival.link));
    }
}

/* ---- Arrivals ---- */

/*
 * Keeps a message for a receive to come. Its bytes are copied, so that a chunk can go back; what is
 * announced, or a train, stays where it is, and who asks for one that its sender did not get to
 * fill is told. False where there is no memory.
 */
static bool keep(struct node_ep *ep, struct node_match *match, const struct node_message *m)
{
    struct node_unexpected *u = pool_get(&ep->unexpecteds);

    if (!u)
        return false;
    u->message = *m;
    u->claimed = NULL;
    u->block = NULL;
    u->stays = false;
    u->arrival = (struct node_arrival){.from = &m->peer->fi_addr, .tag = m->tag};
    list_init(&u->arrival.link);
    list_init(&u->arrival.in_order);
    if (m->kind != NODE_CELL_RTS && m->kind != NODE_CELL_TRAIN && m->len) {
        void *room = u->payload;
        if (m->len > NODE_CELL_PAYLOAD)
            room = u->block = malloc(m->len);
        if (!room) {
            pool_put(&ep->unexpecteds, u);
            return false;
        }
        copy_bytes(room, m->bytes, m->len);
        u->message.bytes = room;
        u->message.kind = NODE_CELL_INLINE; /* from now on: the bytes are in one place */
    }
    ep->held += holds_its_sender(m);
    node_match_keep(match, &u->arrival);
    count_add(&counts.unexpected, 1);
    count_add(&counts.unexpected_now, 1);
    return true;
}

/* Gives a message to a receive that was posted, either way. */
static void take_posted(struct node_ep *ep, struct node_posted *p, const struct node_message *m)
{
    if (p->sink) {
        struct node_recv r = {.posted.buf = p,
                              .iov = {{p->buf, p->len}},
                              .iov_count = 1,
                              .flags = NODE_OP_COMPLETE | NODE_OP_TAGGED,
                              .len = p->len};
        take(ep, &r, m);
    } else {
        struct node_recv *r = container_of(p, struct node_recv, posted);
        take(ep, r, m);
        pool_put(&ep->recvs, r);
    }
}

static void judge_way(struct node_ep *ep, struct node_posted *p, struct node_message *m)
{
    if (p->sink || container_of(p, struct node_recv, posted)->iov_count == 1)
        node_way_met(ep, m);
}

bool node_recv_message(struct node_ep *ep, struct node_message *m)
{
    struct node_match *match = match_of(ep, m->flags & NODE_WIRE_TAGGED);
    struct node_posted *p = node_match_message(match, m->tag, m->peer->fi_addr);

    if (!p)
        return keep(ep, match, m);
    if (UNLIKELY(m->len > NODE_CHUNK))
        judge_way(ep, p, m);
    take_posted(ep, p, m);
    return true;
}

void node_unexpected_free(struct node_ep *ep, struct node_unexpected *u)
{
    count_add(&counts.unexpected_now, (uint64_t)-1);
    ep->held -= is_held(u);
    ep->taken_in -= is_taken_in(u) ? u->message.len : 0;
    node_match_drop(&u->arrival);
    free(u->block);
    pool_put(&ep->unexpecteds, u);
}

/* A message that nobody wants: the sender is told as if it had been received. */
static void discard(struct node_ep *ep, struct node_unexpected *u)
{
    if (u->message.kind == NODE_CELL_RTS)
        answer(ep, &u->message, NODE_CELL_FIN, 0);
    else if (u->message.flags & NODE_WIRE_ACK)
        answer(ep, &u->message, NODE_CELL_ACK, 0);
    if (u->message.kind == NODE_CELL_TRAIN)
        node_train_release(&u->message);
    node_unexpected_free(ep, u);
}

static void recv_fill(struct node_recv *r, const struct node_rx *rx)
{
    r->posted.tag = rx->tag;
    r->posted.ignore = rx->ignore;
    r->posted.source = rx->source;
    r->posted.sink = NULL;
    r->iov_count = rx->iov_count;
    r->len = 0;
    for (size_t i = 0; i < node_iov_entries(rx->iov_count); i++) {
        r->iov[i] = rx->iov[i];
        r->len += rx->iov[i].iov_len;
    }
    r->flags =
        (rx->fi_flags & FI_COMPLETION ? NODE_OP_COMPLETE : 0) | (rx->tagged ? NODE_OP_TAGGED : 0);
    r->posted.buf = rx->context;
}

struct node_unexpected *node_unexpected_find(struct node_match *match, uint64_t tag,
                                             uint64_t ignore, fi_addr_t source)
{
    struct node_arrival *a = node_match_receive(match, tag, ignore, source);

    return a ? container_of(a, struct node_unexpected, arrival) : NULL;
}

void node_unexpected_claim(struct node_match *match, struct node_unexpected *u, void *context)
{
    node_match_drop(&u->arrival);
    u->claimed = context;
    list_add_tail(&match->claimed, &u->arrival.link);
}

/* FI_PEEK: says what is there, takes it out of matching (FI_CLAIM) or throws it away. */
static ssize_t peek(struct node_ep *ep, struct node_match *match, const struct node_rx *rx)
{
    struct node_unexpected *u;

    /* What has come must be seen, also by a program that does nothing but look. */
    node_ep_progress_all(ep);
    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    u = node_unexpected_find(match, rx->tag, rx->ignore, rx->source);
    if (!u) {
        struct fi_cq_err_entry e = {.op_context = rx->context,
                                    .flags = FI_RECV | (rx->tagged ? FI_TAGGED : FI_MSG),
                                    .tag = rx->tag,
                                    .err = FI_ENOMSG};
        node_complete_error(ep, ep->rx_cq, NODE_EVENTS, &e);
        return 0;
    }
    const struct node_message *m = &u->message;
    node_complete(ep, ep->rx_cq, NODE_EVENTS, rx->context, completion_flags(m), m->len, NULL,
                  m->data, m->tag, m->peer->fi_addr);
    if (rx->fi_flags & FI_DISCARD) {
        discard(ep, u);
    } else if (rx->fi_flags & FI_CLAIM) {
        node_unexpected_claim(match, u, rx->context);
    }
    return 0;
}

struct node_unexpected *node_unexpected_claimed(struct node_match *match, const void *context)
{
    for (struct list *l = match->claimed.next; l != &match->claimed; l = l->next) {
        struct node_unexpected *u = container_of(l, struct node_unexpected, arrival.link);

        if (u->claimed == context)
            return u;
    }
    return NULL;
}

/* FI_CLAIM without FI_PEEK: receives, or throws away, what an earlier peek claimed. */
static ssize_t claimed(struct node_ep *ep, struct node_match *match, const struct node_rx *rx)
{
    struct node_unexpected *u = node_unexpected_claimed(match, rx->context);
    struct node_recv r;

    if (!u)
        return -FI_ENOMSG;
    recv_fill(&r, rx);
    if (rx->fi_flags & FI_DISCARD) {
        struct node_message m = u->message;
        discard(ep, u);
        if (r.flags & NODE_OP_COMPLETE)
            node_complete(ep, ep->rx_cq, NODE_RECV, rx->context, completion_flags(&m), 0, NULL,
                          m.data, m.tag, m.peer->fi_addr);
    } else {
        if (UNLIKELY(u->message.len > NODE_CHUNK) && !is_taken_in(u))
            node_way_kept(ep, &u->message);
        take(ep, &r, &u->message);
        node_unexpected_free(ep, u);
    }
    return 0;
}

/* Posts a receive, or gives it a message that came before. */
static void receive_posted(struct node_ep *ep, struct node_match *match, struct node_posted *p)
{
    struct node_unexpected *u = node_unexpected_find(match, p->tag, p->ignore, p->source);

    if (!u) {
        node_match_post(match, p);
    } else if (node_match_may(match, p)) {
        if (UNLIKELY(u->message.len > NODE_CHUNK) && !is_taken_in(u))
            node_way_kept(ep, &u->message);
        take_posted(ep, p, &u->message);
        node_unexpected_free(ep, u);
    }
}

ssize_t node_recv(struct node_ep *ep, struct node_rx *rx)
{
    struct node_match *match = match_of(ep, rx->tagged);
    int ret = node_source_name(ep, &rx->source);

    if (ret)
        return ret;
    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    if (__builtin_expect(rx->fi_flags & (FI_PEEK | FI_CLAIM), 0))
        return rx->fi_flags & FI_PEEK ? peek(ep, match, rx) : claimed(ep, match, rx);
    struct node_recv *r = pool_get(&ep->recvs);
    if (!r)
        return -FI_EAGAIN;
    recv_fill(r, rx);
    receive_posted(ep, match, &r->posted);
    return 0;
}

int node_recv_posted(struct node_ep *ep, struct node_match *match, struct node_posted *p)
{
    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    receive_posted(ep, match, p);
    return 0;
}

ssize_t node_recv_cancel(struct node_ep *ep, void *context)
{
    struct node_posted *p;
    uint64_t flags = FI_RECV | FI_TAGGED;

    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    p = node_match_withdraw(&ep->tagged, context);
    if (!p) {
        flags = FI_RECV | FI_MSG;
        p = node_match_withdraw(&ep->plain, context);
    }
    if (!p)
        return -FI_ENOENT;
    struct fi_cq_err_entry e = {
        .op_context = context, .flags = flags, .tag = p->tag, .err = FI_ECANCELED};
    node_complete_error(ep, ep->rx_cq, NODE_RECV, &e);
    if (!p->sink)
        pool_put(&ep->recvs, container_of(p, struct node_recv, posted));
    return 0;
}

static void unread(struct node_ep *ep, struct node_unexpected *u)
{
    free(u->block);
    if (u->message.kind == NODE_CELL_TRAIN && getpid() == ep->pid)
        node_train_abandon(&u->message);
}

static void all_unread(struct node_ep *ep, struct node_match *m)
{
    struct list *l;

    for (l = m->arrivals.next; l != &m->arrivals; l = l->next)
        unread(ep, container_of(l, struct node_unexpected, arrival.in_order));
    for (l = m->claimed.next; l != &m->claimed; l = l->next)
        unread(ep, container_of(l, struct node_unexpected, arrival.link));
}

void node_recvs_close(struct node_ep *ep)
{
    all_unread(ep, &ep->tagged);
    all_unread(ep, &ep->plain);
}
