/* SPDX-License-Identifier: BSD-3-Clause */
/* Completions: reading them, and handing operations back to their owners. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/fabric/fabric_impl.h"

int fabric_errno(long error)
{
    error = error < 0 ? -error : error;
    switch (error) {
    case FI_ETRUNC:
        return -EMSGSIZE;
    case FI_ENORX:
    case FI_ETOOSMALL:
        return -ENOBUFS;
    default:
        /* libfabric's first 256 are the system's own. */
        return error < FI_ERRNO_OFFSET ? -(int)error : -EIO;
    }
}

void fabric_watch(struct fabric_watch *w, const struct fabric_op *op)
{
    *w = (struct fabric_watch){op, false, fabric.watches};
    fabric.watches = w;
}

void fabric_unwatch(struct fabric_watch *w)
{
    assert(fabric.watches == w);
    fabric.watches = w->outer;
}

/* A posted operation came back: count it, answer a peek's caller or finish the operation. */
static void dispatch(struct fabric_op *op, const struct fabric_event *event)
{
    if (op->kind != OP_DIRECT)
        --*(fabric_is_receive(op) ? &fabric.receives : &fabric.sends);
    if (op->kind != OP_PEEK) {
        fabric_finish(op, event);
        return;
    }
    struct fabric_peek *peek = op->iov[0].iov_base;
    op->state = OP_IDLE;
    peek->event = *event;
    peek->answered = true;
}

static void dispatch_entry(const struct fi_cq_tagged_entry *e)
{
    struct fabric_op *op = e->op_context;
    struct fabric_event event = {.tag = e->tag, .len = e->len};

    if (!op)
        return;
    if (!fabric_is_receive(op)) {
        event.tag = 0;
        event.len = op->iov[0].iov_len;
    } else {
        /* Every message of ours carries the word; a peek's entry has it without the flag. */
        event.data = e->data;
        /* What did not fit went into the tail: the provider saw nothing amiss. */
        if (op->kind != OP_PEEK && e->len > op->iov[0].iov_len)
            event.error = -EMSGSIZE;
    }
    dispatch(op, &event);
}

static int dispatch_error(void)
{
    struct fi_cq_err_entry e = {0};
    ssize_t rc = fi_cq_readerr(fabric.cq, &e, 0);

    if (rc != 1)
        return rc == -FI_EAGAIN ? 0 : fabric_errno(rc);
    struct fabric_op *op = e.op_context;
    struct fabric_event event = {.error = fabric_errno(e.err), .tag = e.tag, .data = e.data};
    if (!op) {
        LOG(LOG_INFO, "a small message did not arrive: %s", strerror(-event.error));
        return 1;
    }
    /* len is that of the message in rxm, that of the part which fitted elsewhere. */
    if (event.error == -EMSGSIZE)
        event.len = e.len > op->iov[0].iov_len ? e.len : e.len + e.olen;
    dispatch(op, &event);
    return 1;
}

void fabric_wake_threads(void)
{
    static const uint64_t one = 1;

    if (atomic_load_explicit(&fabric.sleepers, memory_order_relaxed)) {
        ssize_t written = write(fabric.wake_fd, &one, sizeof(one));
        (void)written; /* it is readable already, then */
    }
}

static int read_batch(void)
{
    ssize_t n = fi_cq_read(fabric.cq, fabric.entries, CQ_BATCH);

    if (n == -FI_EAGAIN)
        return 0;
    if (n < 0)
        return n == -FI_EAVAIL ? dispatch_error() : fabric_errno(n);
    fabric.entry = 0;
    fabric.entry_count = n;
    return 0;
}

/* A receive that our own provider tells of without the queue. */
static void received(struct node_posted *receive, const struct node_received *message)
{
    struct fabric_op *op = (struct fabric_op *)receive;
    struct fabric_event event = {.len = message->len, .tag = message->tag, .data = message->data};

    fabric_finish(op, &event);
}

/* Nothing is left of what was read before: looks for more. How many were dispatched, or -errno. */
static int look(void)
{
    bool queued = true;
    int done = fabric.direct ? (int)fabric.direct->progress(fabric.ep, received, &queued) : 0;
    int rc = queued ? read_batch() : 0;

    return rc < 0 ? rc : done + rc;
}

int fabric_cq_poll(void)
{
    int done = fabric.entry == fabric.entry_count ? look() : 0;

    while (fabric.entry < fabric.entry_count) {
        struct fi_cq_tagged_entry e = fabric.entries[fabric.entry++];
        dispatch_entry(&e);
        done++;
    }
    if (done > 0) { /* perhaps what another thread sleeps for */
        fabric.completed++;
        fabric_wake_threads();
    }
    return done;
}

int fabric_progress(void)
{
    int n = fabric_cq_poll();

    if (atomic_load_explicit(&fabric.queued, memory_order_relaxed))
        fabric_post_queued();
    return n;
}

bool fabric_may_sleep(void)
{
    struct fid *cq = &fabric.cq->fid;

    if (fabric.wait_fd >= 0 && fi_trywait(fabric.fabric, &cq, 1))
        return false;
    atomic_fetch_add_explicit(&fabric.sleepers, 1, memory_order_relaxed);
    return true;
}

void fabric_stay_awake(void)
{
    atomic_fetch_sub_explicit(&fabric.sleepers, 1, memory_order_relaxed);
}

bool fabric_is_attended(void)
{
    return atomic_load_explicit(&fabric.sleepers, memory_order_relaxed);
}

uint32_t fabric_completed(void)
{
    return fabric.completed;
}

enum { BLOCKED_MS = 1 };

/* Nothing wakes us when a peer takes what is queued, or where there is no wait object. */
static int longest(int timeout_ms)
{
    bool blocked = atomic_load_explicit(&fabric.queued, memory_order_relaxed);

    if ((blocked || fabric.wait_fd < 0) && (timeout_ms < 0 || timeout_ms > BLOCKED_MS))
        return BLOCKED_MS;
    return timeout_ms;
}

void fabric_sleep(int timeout_ms)
{
    struct pollfd p[] = {{.fd = fabric.wait_fd, .events = POLLIN},
                         {.fd = fabric.wake_fd, .events = POLLIN}};
    uint64_t wakes;

    poll(p, 2, longest(timeout_ms));
    fabric_stay_awake();
    if (p[1].revents & POLLIN) {
        ssize_t got = read(fabric.wake_fd, &wakes, sizeof(wakes));
        (void)got; /* another sleeper was first */
    }
}

void fabric_doze(int stop_fd, int timeout_ms)
{
    struct pollfd p[] = {{.fd = fabric.wait_fd, .events = POLLIN},
                         {.fd = stop_fd, .events = POLLIN}};

    fabric_stay_awake();
    poll(p, 2, longest(timeout_ms));
}
