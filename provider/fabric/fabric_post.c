/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one way operations take to the provider. What it refuses for now (-FI_EAGAIN: its queue is
 * full, or the connection is not up yet) waits in a queue, and so does all that comes after it for
 * the same peer: nothing overtakes. Receives have one queue, as their order is that of matching,
 * and those in it look for their messages by themselves (fabric_surplus.c). Outstanding operations
 * stay below what the completion queue holds; receives are counted apart from the rest, since they
 * may stay posted for ever, and what is claimed, and traps and notes, apart from those: they must
 * get on.
 */
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "provider/fabric/fabric_impl.h"

/* The caller's buffer, and the tail behind it that keeps the provider from cutting (fabric.h). */
static ssize_t post_receive(struct fabric_op *op, uint64_t flags)
{
    struct fi_msg_tagged m = {.msg_iov = op->iov,
                              .iov_count = op->iov_count,
                              .addr = op->peer ? op->peer->head.addr : FI_ADDR_UNSPEC,
                              .tag = op->tag ^ fabric_end_of(op)->veil,
                              .ignore = op->data,
                              .context = op};

    if (!op->iov[0].iov_len && op->iov_count == 2) {
        m.msg_iov = &op->iov[1];
        m.iov_count = 1;
    }
    return fi_trecvmsg(fabric_end_of(op)->ep, &m, flags);
}

static ssize_t post_peek(struct fabric_op *op)
{
    struct fi_msg_tagged m = {.addr = op->peer ? op->peer->head.addr : FI_ADDR_UNSPEC,
                              .tag = op->tag ^ fabric_end_of(op)->veil,
                              .ignore = op->data,
                              .context = op};

    return fi_trecvmsg(fabric_end_of(op)->ep, &m, FI_PEEK | (op->iov_count ? FI_CLAIM : 0));
}

static ssize_t post_write(struct fabric_op *op)
{
    struct fi_rma_iov remote = {op->tag, op->iov[0].iov_len, op->data};
    struct fi_msg_rma m = {.msg_iov = op->iov,
                           .iov_count = 1,
                           .addr = op->peer->head.addr,
                           .rma_iov = &remote,
                           .rma_iov_count = 1,
                           .context = op};

    return fi_writemsg(fabric_end_of(op)->ep, &m, FI_DELIVERY_COMPLETE | FI_COMPLETION);
}

/* To an endpoint of our own (fabric_scatters). */
static ssize_t post_scattered(struct fabric_op *op)
{
    const struct fabric_end *e = fabric_end_of(op);
    const struct scatter *s = op->iov[0].iov_base;

    if (op->kind == OP_SEND)
        return e->direct->send_scattered(e->ep, s, op->peer->head.addr, op->tag, op->data, op);
    return e->direct->recv_scattered(e->ep, s, op->peer ? op->peer->head.addr : FI_ADDR_UNSPEC,
                                     op->tag, op->data, op->kind == OP_CLAIMED ? FI_CLAIM : 0, op);
}

static ssize_t post(struct fabric_op *op)
{
    const struct fabric_end *e = fabric_end_of(op);
    struct fid_ep *ep = e->ep;

    if (op->iov_count == FABRIC_SCATTER && op->kind <= OP_CLAIMED)
        return post_scattered(op);
    switch ((enum fabric_kind)op->kind) {
    case OP_SEND:
        return fi_tsenddata(ep, op->iov[0].iov_base, op->iov[0].iov_len, NULL, op->data,
                            op->peer->head.addr, op->tag ^ e->veil, op);
    case OP_RECV:
    case OP_TRAP:
        if (op->iov_count == 1)
            return fi_trecv(ep, op->iov[0].iov_base, op->iov[0].iov_len, NULL,
                            op->peer ? op->peer->head.addr : FI_ADDR_UNSPEC, op->tag ^ e->veil,
                            op->data, op);
        return post_receive(op, FI_COMPLETION);
    case OP_CLAIMED:
        return post_receive(op, FI_CLAIM | FI_COMPLETION);
    case OP_PEEK:
        return post_peek(op);
    case OP_DIRECT:
    case OP_BOTH:
        break; /* never wait: fabric_trecv */
    case OP_WRITE:
        return post_write(op);
    case OP_ADD:
        return fi_fetch_atomic(ep, op->iov[1].iov_base, 1, NULL, op->iov[0].iov_base, NULL,
                               op->peer->head.addr, op->tag, op->data, FI_UINT64, FI_SUM, op);
    case OP_NOTE:
        return fi_send(ep, op->iov[0].iov_base, op->iov[0].iov_len, NULL, op->peer->head.addr, op);
    case OP_NOTED:
        return fi_recv(ep, op->iov[0].iov_base, op->iov[0].iov_len, NULL, FI_ADDR_UNSPEC, op);
    case OP_READ:
        return fi_read(ep, op->iov[0].iov_base, op->iov[0].iov_len, NULL, op->peer->head.addr,
                       op->tag, op->data, op);
    }
    return -FI_EINVAL;
}

/* ---- Memory that cannot be registered ---- */

/*
 * Data may lie where the system lets no device read, though every processor may: Linux before 6.2
 * asks to write to what it pins, which a file that is mapped read-only (numpy.memmap) forbids, and
 * verbs' cache asks the same on any Linux. What is sent from there is copied.
 */
struct copy {
    struct fabric_op op;
    struct fabric_op *original;
    char bytes[];
};

static void copy_done(struct fabric_op *op, const struct fabric_event *event)
{
    struct copy *copy = container_of(op, struct copy, op);
    struct fabric_op *original = copy->original;

    free(copy);
    fabric_finish(original, event);
}

/* By the system, which finds out whether the memory is there at all. */
static bool copy_by_system(char *to, const struct iovec *from)
{
    struct iovec local = {to, from->iov_len};

    return process_vm_readv(getpid(), &local, 1, from, 1, 0) == (ssize_t)from->iov_len;
}

static ssize_t post_copy(struct fabric_op *op)
{
    const struct iovec *from = &op->iov[0];
    struct copy *copy = malloc(sizeof(*copy) + from->iov_len);

    if (!copy)
        return -FI_ENOMEM;
    copy->op = *op;
    copy->op.done = copy_done;
    copy->op.iov[0].iov_base = copy->bytes;
    copy->original = op;
    ssize_t rc = copy_by_system(copy->bytes, from) ? post(&copy->op) : -FI_EFAULT;
    if (rc)
        free(copy);
    else
        copy->op.state = OP_POSTED;
    return rc;
}

static bool may_copy(const struct fabric_op *op)
{
    return (op->kind == OP_SEND || op->kind == OP_WRITE) && op->iov_count == 1;
}

static unsigned most_of(const struct fabric_op *op)
{
    const struct fabric_end *e = fabric_end_of(op);

    return fabric_is_reserved(op)  ? e->reserved_max
           : fabric_is_receive(op) ? e->receives_max
                                   : e->sends_max;
}

static ssize_t post_within_bounds(struct fabric_op *op)
{
    unsigned *count = fabric_posted(op);

    /* A peek is answered at once and never stays in the queue. */
    if (op->kind != OP_PEEK && *count >= most_of(op))
        return -FI_EAGAIN;
    ssize_t rc = post(op);
    if (UNLIKELY(rc == -FI_EFAULT) && may_copy(op))
        rc = post_copy(op);
    if (rc)
        return rc;
    op->state = OP_POSTED;
    ++*count;
    return 0;
}

static struct list *queue_of(struct fabric_op *op)
{
    struct fabric_end *e = fabric_end_of(op);

    return fabric_is_reserved(op)  ? &e->waiting_reserved
           : fabric_is_receive(op) ? &e->waiting_receives
                                   : &op->peer->waiting;
}

/* Changed under the caller's lock and read without it by fabric_sleep. */
static void count_queued(int change)
{
    unsigned n = atomic_load_explicit(&fabric.queued, memory_order_relaxed);

    atomic_store_explicit(&fabric.queued, n + change, memory_order_relaxed);
}

void fabric_now_update(struct fabric_end *e)
{
    bool now = e->direct && list_empty(&e->waiting_receives);

    e->now = (struct fabric_now){.ep = e->ep};
    if (now) {
        e->now.inlet = e->direct->inlet(e->ep);
        e->now.receive = e->direct->receive;
        e->now.post = e->direct->post;
        e->now.post_or_take = e->direct->post_or_take;
    }
}

/* Nothing takes a short way past what waits. */
static void enqueue(struct fabric_op *op)
{
    list_add_tail(queue_of(op), &op->link);
    op->state = OP_QUEUED;
    count_queued(1);
    if (fabric_is_receive(op)) {
        fabric_now_update(fabric_end_of(op));
        return;
    }
    atomic_store_explicit(&op->peer->head.outlet, NULL, memory_order_relaxed);
    if (list_empty(&op->peer->blocked))
        list_add_tail(&fabric.blocked, &op->peer->blocked);
}

int fabric_post(struct fabric_op *op)
{
    if (op->kind == OP_PEEK || list_empty(queue_of(op))) {
        ssize_t rc = post_within_bounds(op);
        if (!rc)
            return 0;
        if (rc != -FI_EAGAIN)
            return fabric_errno(rc);
        if (op->kind == OP_PEEK)
            return -EAGAIN;
    }
    enqueue(op);
    return 0;
}

/* It has left its queue. */
static void not_waiting(struct fabric_op *op)
{
    struct fabric_end *e = fabric_end_of(op);

    count_queued(-1);
    if (e->looked == &op->link)
        e->looked = NULL;
}

/* True when the queue has run empty. */
static bool post_from(struct list *queue)
{
    struct list *l;

    while ((l = list_pop(queue))) {
        struct fabric_op *op = container_of(l, struct fabric_op, link);
        ssize_t rc = post_within_bounds(op);
        if (rc == -FI_EAGAIN) {
            list_add_head(queue, l);
            return false;
        }
        not_waiting(op);
        if (rc) {
            struct fabric_event failed = {.error = fabric_errno(rc)};
            fabric_finish(op, &failed);
        }
    }
    return true;
}

void fabric_post_queued(void)
{
    struct list tried, *l;

    for (struct fabric_end *e = fabric.ends; e < fabric.ends + FABRIC_ENDS; e++) {
        if (!e->open)
            continue;
        post_from(&e->waiting_reserved);
        if (post_from(&e->waiting_receives))
            fabric_now_update(e);
        else
            fabric_surplus_match(e);
    }
    list_init(&tried);
    while ((l = list_pop(&fabric.blocked))) {
        struct fabric_peer *p = container_of(l, struct fabric_peer, blocked);
        /* Where an operation's end has queued another to the same peer it is blocked again, and its
         * turn comes once more. */
        if (!post_from(&p->waiting) && list_empty(l))
            list_add_tail(&tried, l);
    }
    while ((l = list_pop(&tried)))
        list_add_tail(&fabric.blocked, l);
}

bool fabric_post_withdraw(struct fabric_op *op)
{
    if (op->state != OP_QUEUED || fabric_is_reserved(op))
        return false;
    list_drop(&op->link);
    not_waiting(op);
    fabric_now_update(fabric_end_of(op));
    fabric.withdrawn++;
    return true;
}
