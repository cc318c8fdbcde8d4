/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receives from any source where shared memory and a network are open: posted at both, since the
 * message may come either way, and given a message once.
 *
 * Our own endpoint asks before it gives such a receive a message (node_direct.h). Then its twin at
 * the network is taken back: that succeeds, or it has matched there, and our own forgets the
 * receive. A network that has matched completes the twin, and the receive is taken back from our
 * own, which is exact. Both keep receives in the order of posting, and messages of one sender come
 * one way, so the order of MPI is kept.
 */
#include "provider/base/pool.h"
#include "provider/fabric/fabric_impl.h"

enum both_state {
    BOTH_POSTING, /* not at the network yet */
    BOTH_POSTED,
    BOTH_NODE, /* shared memory has a message for it, the network has it no more */
    BOTH_NET,  /* the other way round */
};

struct both {
    struct fabric_op twin; /* at the network's endpoint */
    struct fabric_op *op;
    enum both_state state;
};

enum { PER_BLOCK = 32 };

static struct pool pool;

static struct node_posted *posted(struct fabric_op *op)
{
    return (struct node_posted *)op->context;
}

static struct both *both_of(const struct fabric_op *op)
{
    return op->iov[1].iov_base;
}

static bool claim(struct node_posted *p)
{
    struct both *b = both_of((struct fabric_op *)p);

    if (b->state == BOTH_POSTED && !fabric_cq_withdraw(&b->twin)) {
        b->state = BOTH_NET;
        return false;
    }
    b->state = BOTH_NODE;
    return true;
}

static void finish(struct both *b, const struct fabric_event *event)
{
    struct fabric_op *op = b->op;

    pool_put(&pool, b);
    fabric_finish(op, event);
}

static void twin_done(struct fabric_op *twin, const struct fabric_event *event)
{
    const struct fabric_end *node = &fabric.ends[END_NODE];
    struct both *b = container_of(twin, struct both, twin);

    if (b->state == BOTH_POSTED)
        node->direct->withdraw(node->ep, posted(b->op));
    finish(b, event);
}

void fabric_both_done(struct fabric_op *op, const struct fabric_event *event)
{
    finish(both_of(op), event);
}

static int post_twin(struct both *b, void *buf, size_t len, uint64_t tag, uint64_t ignore)
{
    b->twin.done = twin_done;
    b->twin.peer = NULL;
    b->state = BOTH_POSTED;
    return fabric_trecv_end(&fabric.ends[END_NET], &b->twin, buf, len, tag, ignore);
}

int fabric_both_post(struct fabric_op *op, void *buf, size_t len, uint64_t tag, uint64_t ignore)
{
    const struct fabric_end *node = &fabric.ends[END_NODE];
    struct node_posted *p = posted(op);

    if (!pool.size)
        pool_open(&pool, sizeof(struct both), PER_BLOCK);
    struct both *b = pool_get(&pool);
    if (!b)
        return -ENOMEM;
    b->op = op;
    b->state = BOTH_POSTING;
    op->kind = OP_BOTH;
    op->state = OP_POSTED;
    op->end = END_NODE;
    op->peer = NULL;
    op->iov[0].iov_len = len;
    op->iov[1].iov_base = b;
    op->iov_count = 1;
    *p = (struct node_posted){
        .tag = tag, .ignore = ignore, .source = FI_ADDR_UNSPEC, .buf = buf, .len = len};
    int rc = node->direct->post_asking(node->ep, p, claim);
    if (rc)
        goto put;
    /* One that was there already: it will complete. */
    rc = b->state == BOTH_NODE ? 0 : post_twin(b, buf, len, tag, ignore);
    if (!rc)
        return 0;
    node->direct->withdraw(node->ep, p);
put:
    pool_put(&pool, b);
    return rc;
}

void fabric_both_cancel(struct fabric_op *op)
{
    static const struct fabric_event cancelled = {.error = -ECANCELED};
    const struct fabric_end *node = &fabric.ends[END_NODE];
    struct both *b = both_of(op);

    if (b->state != BOTH_POSTED)
        return; /* it has matched */
    if (fabric_cq_withdraw(&b->twin)) {
        node->direct->withdraw(node->ep, posted(op));
        finish(b, &cancelled);
    }
}

void fabric_both_close(void)
{
    if (pool.size)
        pool_close(&pool);
}
