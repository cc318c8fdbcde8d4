/* SPDX-License-Identifier: BSD-3-Clause */
/* Tagged messages: send, receive, peek, cancel. */
#include "provider/fabric/fabric_impl.h"

/* How often a cancelled receive's answer is looked for: providers give it on the next read. */
enum { CANCEL_READS = 16 };

/* The peer, where it is one. */
HOT_INLINE struct fabric_peer *known(struct fabric_peer *from)
{
    return from && from->head.addr != FI_ADDR_UNSPEC ? from : NULL;
}

int fabric_tinject(struct fabric_peer *to, const void *buf, size_t len, uint64_t tag, uint64_t data)
{
    const struct fabric_end *e = fabric_end_to(to);
    struct node_outlet *next;

    if (len <= FABRIC_SMALL && fabric_tinject_small(to, buf, len, tag, data))
        return 0;
    if (!list_empty(&to->waiting) || len > e->inject)
        return -EAGAIN;
    ssize_t rc;
    if (e->direct) {
        /* The next one goes by itself. */
        if (UNLIKELY(!atomic_load_explicit(&to->head.outlet, memory_order_relaxed)) &&
            !e->direct->outlet(e->ep, to->head.addr, &next))
            atomic_store_explicit(&to->head.outlet, next, memory_order_relaxed);
        rc = e->direct->inject(e->ep, buf, len, to->head.addr, tag, data);
    } else {
        rc = fi_tinjectdata(e->ep, buf, len, data, to->head.addr, tag ^ e->veil);
    }
    return LIKELY(!rc) ? 0 : fabric_errno(rc);
}

int fabric_tsend(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 uint64_t tag, uint64_t data)
{
    op->kind = OP_SEND;
    op->end = fabric_end_to(to)->index;
    op->peer = to;
    op->iov[0] = (struct iovec){(void *)buf, len};
    op->iov_count = 1;
    op->tag = tag;
    op->data = data;
    return fabric_post(op);
}

/* The tail makes the whole at least as long as any eager message. */
static void receive_buffer(struct fabric_op *op, void *buf, size_t len)
{
    op->iov[0] = (struct iovec){buf, len};
    op->iov_count = 1;
    const struct fabric_end *e = fabric_end_of(op);
    if (e->tail && len < e->eager) {
        op->iov[1] = (struct iovec){e->tail, e->eager};
        op->iov_count = 2;
    }
}

static int receive(enum fabric_kind kind, struct fabric_end *e, struct fabric_op *op, void *buf,
                   size_t len, uint64_t tag, uint64_t ignore)
{
    op->kind = kind;
    op->end = e->index;
    op->tag = tag;
    op->data = ignore;
    receive_buffer(op, buf, len);
    return fabric_post(op);
}

int fabric_trecv_end(struct fabric_end *e, struct fabric_op *op, void *buf, size_t len,
                     uint64_t tag, uint64_t ignore)
{
    return receive(OP_RECV, e, op, buf, len, tag, ignore);
}

int fabric_trap(struct fabric_end *e, struct fabric_op *op, uint64_t tag, uint64_t ignore)
{
    op->peer = NULL;
    return receive(OP_TRAP, e, op, op, 0, tag, ignore);
}

int fabric_trecv(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                 uint64_t tag, uint64_t ignore)
{
    struct fabric_end *e = from ? fabric_end_to(from) : fabric.only;

    if (UNLIKELY(!e))
        return fabric_both_post(op, buf, len, tag, ignore);
    const struct fabric_now *now = fabric_now_from(from);
    bool posted = LIKELY(now->post != NULL) &&
                  LIKELY(!now->post(now->ep, fabric_trecv_fill(from, op, buf, len, tag, ignore,
                                                               fabric_received)));
    op->peer = known(from);
    if (LIKELY(posted))
        return 0;
    return fabric_trecv_end(e, op, buf, len, tag, ignore);
}

int fabric_trecv_claimed(struct fabric_op *claimed, void *buf, size_t len)
{
    const struct fabric_end *e = fabric_end_of(claimed);
    struct node_received m;

    claimed->kind = OP_CLAIMED;
    if (e->direct && !e->direct->receive_claimed(e->ep, claimed, buf, len, &m)) {
        struct fabric_event event = fabric_event_of(&m);
        fabric_finish(claimed, &event);
        return 0;
    }
    receive_buffer(claimed, buf, len);
    return fabric_post(claimed);
}

bool fabric_hoards(void)
{
    return fabric.ends[END_NET].open;
}

/* ---- Scattered memory ---- */

bool fabric_scatters(const struct fabric_peer *peer)
{
    const struct fabric_end *e = peer ? fabric_end_to(peer) : fabric.only;

    return e && e->direct;
}

int fabric_tinject_scattered(struct fabric_peer *to, const struct scatter *s, uint64_t tag,
                             uint64_t data)
{
    const struct fabric_end *e = fabric_end_to(to);

    if (!list_empty(&to->waiting) || s->len > e->inject)
        return -EAGAIN;
    return fabric_errno(e->direct->send_scattered(e->ep, s, to->head.addr, tag, data, NULL));
}

static int post_scattered(struct fabric_op *op, const struct scatter *s)
{
    op->iov[0] = (struct iovec){(void *)s, s->len};
    op->iov_count = FABRIC_SCATTER;
    return fabric_post(op);
}

int fabric_tsend_scattered(struct fabric_peer *to, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t data)
{
    op->kind = OP_SEND;
    op->end = fabric_end_to(to)->index;
    op->peer = to;
    op->tag = tag;
    op->data = data;
    return post_scattered(op, s);
}

int fabric_trecv_scattered(struct fabric_peer *from, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t ignore)
{
    op->kind = OP_RECV;
    op->end = (from ? fabric_end_to(from) : fabric.only)->index;
    op->peer = known(from);
    op->tag = tag;
    op->data = ignore;
    return post_scattered(op, s);
}

int fabric_trecv_claimed_scattered(struct fabric_op *claimed, const struct scatter *s)
{
    claimed->kind = OP_CLAIMED;
    return post_scattered(claimed, s);
}

/* By a peek, this time: whoever goes on asking makes progress. */
static int nothing_found(void)
{
    return fabric_progress() < 0 ? -EIO : -ENOMSG;
}

/* Where the provider answers at once. */
static int peek_direct(struct fabric_end *e, struct fabric_peer *from, struct fabric_op *claim,
                       uint64_t tag, uint64_t ignore, struct fabric_event *found)
{
    uint64_t source = known(from) ? from->head.addr : FI_ADDR_UNSPEC;
    struct node_received m;
    int rc = e->direct->peek(e->ep, source, tag, ignore, claim, &m);

    /* Its progress may have completed other operations, which nobody would be told of. */
    if (rc == -FI_ENOMSG)
        return nothing_found();
    if (rc)
        return fabric_errno(rc);
    *found = fabric_event_of(&m);
    if (claim) {
        claim->end = e->index;
        claim->peer = known(from);
        claim->tag = tag;
        claim->data = ignore;
    }
    return 0;
}

/* At one end. */
static int peek_end(struct fabric_end *e, struct fabric_peer *from, struct fabric_op *claim,
                    uint64_t tag, uint64_t ignore, struct fabric_event *found)
{
    struct fabric_peek peek = {.answered = false};
    struct fabric_op own, *op = claim ? claim : &own;
    int rc;

    /* What is still to be posted comes first: the message may be for one of those. */
    if (!list_empty(&e->waiting_receives)) {
        fabric_post_queued();
        if (!list_empty(&e->waiting_receives)) {
            rc = fabric_surplus_peek(e, known(from), claim, tag, ignore, found);
            return (rc == -ENOMSG || rc == -EAGAIN) ? nothing_found() : rc;
        }
    }
    if (e->direct)
        return peek_direct(e, from, claim, tag, ignore, found);
    op->kind = OP_PEEK;
    op->end = e->index;
    op->peer = known(from);
    op->tag = tag;
    op->data = ignore;
    op->iov[0].iov_base = &peek;
    op->iov_count = claim ? 1 : 0; /* says "claim" to post_peek */
    rc = fabric_post(op);
    if (rc == -EAGAIN)
        return nothing_found();
    while (!rc && !peek.answered) {
        int n = fabric_cq_poll_end(e);
        rc = n < 0 ? n : 0;
    }
    if (!rc)
        rc = peek.event.error;
    /* The answer was there at once, so nothing has been fetched: fetch for the next peek. */
    if (rc == -ENOMSG)
        fabric_progress();
    if (!rc)
        *found = peek.event;
    return rc;
}

int fabric_tpeek(struct fabric_peer *from, struct fabric_op *claim, uint64_t tag, uint64_t ignore,
                 struct fabric_event *found)
{
    struct fabric_end *e = from ? fabric_end_to(from) : fabric.only;

    if (e)
        return peek_end(e, from, claim, tag, ignore, found);
    int rc = peek_end(&fabric.ends[END_NODE], NULL, claim, tag, ignore, found);
    return rc != -ENOMSG ? rc : peek_end(&fabric.ends[END_NET], NULL, claim, tag, ignore, found);
}

void fabric_cancel(struct fabric_op *op)
{
    static const struct fabric_event cancelled = {.error = -ECANCELED};
    struct fabric_watch watch;

    if (op->state == OP_IDLE)
        return; /* `done` has been called, whatever its owner still does about it */
    if (op->kind == OP_BOTH) {
        fabric_both_cancel(op);
        return;
    }
    if (fabric_post_withdraw(op)) {
        fabric_finish(op, &cancelled);
        return;
    }
    struct fabric_end *e = fabric_end_of(op);
    fabric_watch(&watch, op);
    fi_cancel(&e->ep->fid, op);
    for (int reads = 0; !watch.seen && reads < CANCEL_READS;)
        if (fabric_cq_poll_end(e) <= 0)
            reads++;
    fabric_unwatch(&watch);
}
