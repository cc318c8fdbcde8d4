/* SPDX-License-Identifier: BSD-3-Clause */
/* Tagged messages: send, receive, peek, cancel. */
#include "provider/fabric/fabric_impl.h"

/* How often a cancelled receive's answer is looked for: providers give it on the next read. */
enum { CANCEL_READS = 16 };

int fabric_tinject(struct fabric_peer *to, const void *buf, size_t len, uint64_t tag, uint64_t data)
{
    if (!list_empty(&to->waiting))
        return -EAGAIN;
    /* The next one goes by itself. */
    if (fabric.direct && fabric.direct->outlet(fabric.ep, to->head.addr, &to->head.outlet))
        to->head.outlet = NULL;
    ssize_t rc = fi_tinjectdata(fabric.ep, buf, len, data, to->head.addr, tag);
    return __builtin_expect(!rc, 1) ? 0 : fabric_errno(rc);
}

int fabric_tsend(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 uint64_t tag, uint64_t data)
{
    op->kind = OP_SEND;
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
    if (fabric.tail && len < fabric.limits.eager) {
        op->iov[1] = (struct iovec){fabric.tail, fabric.limits.eager};
        op->iov_count = 2;
    }
}

int fabric_trecv(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                 uint64_t tag, uint64_t ignore)
{
    if (LIKELY(fabric.direct && list_empty(&fabric.waiting_receives))) {
        struct node_posted *p = (struct node_posted *)op->context;
        op->kind = OP_DIRECT;
        op->state = OP_POSTED;
        op->peer = from;
        op->iov[0].iov_len = len; /* dispatch_entry looks at it */
        p->tag = tag;
        p->ignore = ignore;
        p->source = from ? from->head.addr : FI_ADDR_UNSPEC;
        p->buf = buf;
        p->len = len;
        if (LIKELY(!fabric.direct->post(fabric.ep, p)))
            return 0;
    }
    op->kind = OP_RECV;
    op->peer = from;
    op->tag = tag;
    op->data = ignore;
    receive_buffer(op, buf, len);
    return fabric_post(op);
}

struct fabric_now fabric_now;

int fabric_trecv_claimed(struct fabric_op *claimed, void *buf, size_t len)
{
    claimed->kind = OP_CLAIMED;
    receive_buffer(claimed, buf, len);
    return fabric_post(claimed);
}

bool fabric_hoards(void)
{
    return fabric_is_open() && !fabric.direct;
}

/* ---- Scattered memory ---- */

bool fabric_scatters(void)
{
    return fabric.direct;
}

int fabric_tinject_scattered(struct fabric_peer *to, const struct scatter *s, uint64_t tag,
                             uint64_t data)
{
    if (!list_empty(&to->waiting))
        return -EAGAIN;
    return fabric_errno(
        fabric.direct->send_scattered(fabric.ep, s, to->head.addr, tag, data, NULL));
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
    op->peer = to;
    op->tag = tag;
    op->data = data;
    return post_scattered(op, s);
}

int fabric_trecv_scattered(struct fabric_peer *from, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t ignore)
{
    op->kind = OP_RECV;
    op->peer = from;
    op->tag = tag;
    op->data = ignore;
    return post_scattered(op, s);
}

int fabric_trecv_claimed_scattered(struct fabric_op *claimed, const struct scatter *s)
{
    claimed->kind = OP_CLAIMED;
    return post_scattered(claimed, s);
}

int fabric_tpeek(struct fabric_peer *from, struct fabric_op *claim, uint64_t tag, uint64_t ignore,
                 struct fabric_event *found)
{
    struct fabric_peek peek = {.answered = false};
    struct fabric_op own, *op = claim ? claim : &own;
    int rc;

    /* What is still to be posted comes first: the message may be for one of those. */
    if (!list_empty(&fabric.waiting_receives)) {
        fabric_post_queued();
        if (!list_empty(&fabric.waiting_receives))
            return fabric_progress() < 0 ? -EIO : -ENOMSG;
    }
    op->kind = OP_PEEK;
    op->peer = from;
    op->tag = tag;
    op->data = ignore;
    op->iov[0].iov_base = &peek;
    op->iov_count = claim ? 1 : 0; /* says "claim" to post_peek */
    rc = fabric_post(op);
    if (rc == -EAGAIN)
        return fabric_progress() < 0 ? -EIO : -ENOMSG;
    while (!rc && !peek.answered) {
        int n = fabric_cq_poll();
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

void fabric_cancel(struct fabric_op *op)
{
    static const struct fabric_event cancelled = {.error = -ECANCELED};
    struct fabric_watch watch;

    if (fabric_post_withdraw(op)) {
        fabric_finish(op, &cancelled);
        return;
    }
    fabric_watch(&watch, op);
    fi_cancel(&fabric.ep->fid, op);
    for (int reads = 0; !watch.seen && reads < CANCEL_READS;)
        if (fabric_cq_poll() <= 0)
            reads++;
    fabric_unwatch(&watch);
}
