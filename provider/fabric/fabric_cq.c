/* SPDX-License-Identifier: BSD-3-Clause */
/* Completions: reading them, and handing operations back to their owners. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/wait.h"

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
    if (op->kind == OP_BOTH) {
        fabric_both_done(op, event);
        return;
    }
    if (op->kind != OP_DIRECT)
        --*fabric_posted(op);
    if (op->kind != OP_PEEK) {
        fabric_finish(op, event);
        return;
    }
    struct fabric_peek *peek = op->iov[0].iov_base;
    op->state = OP_IDLE;
    peek->event = *event;
    peek->answered = true;
}

static struct fabric_event event_of(const struct fi_cq_tagged_entry *entry)
{
    const struct fabric_op *op = entry->op_context;
    struct fabric_event event = {.tag = entry->tag ^ fabric_end_of(op)->veil, .len = entry->len};

    if (!fabric_is_receive(op)) {
        event.tag = 0;
        event.len = op->iov[0].iov_len;
    } else {
        /* Every message of ours carries the word; a peek's entry has it without the flag. */
        event.data = entry->data;
        /* What did not fit went into the tail: the provider saw nothing amiss. */
        if (op->kind != OP_PEEK && entry->len > op->iov[0].iov_len)
            event.error = -EMSGSIZE;
    }
    return event;
}

static void dispatch_entry(const struct fi_cq_tagged_entry *entry)
{
    if (!entry->op_context)
        return;
    struct fabric_event event = event_of(entry);
    dispatch(entry->op_context, &event);
}

/* An operation's bad end, or a message's that has none (*op NULL): 1; 0: there is none; -errno. */
static int read_error(struct fabric_end *e, struct fabric_op **op, struct fabric_event *event)
{
    struct fi_cq_err_entry entry = {0};
    ssize_t rc = fi_cq_readerr(e->cq, &entry, 0);

    if (rc != 1)
        return rc == -FI_EAGAIN ? 0 : fabric_errno(rc);
    *op = entry.op_context;
    *event = (struct fabric_event){
        .error = fabric_errno(entry.err), .tag = entry.tag ^ e->veil, .data = entry.data};
    if (!*op)
        LOG(LOG_INFO, "a small message did not arrive: %s", strerror(-event->error));
    /* len is that of the message in rxm, elsewhere that of the part which fitted, or nothing. */
    else if (event->error == -EMSGSIZE)
        event->len =
            entry.len > (*op)->iov[0].iov_len ? entry.len : (*op)->iov[0].iov_len + entry.olen;
    return 1;
}

static int dispatch_error(struct fabric_end *e)
{
    struct fabric_event event;
    struct fabric_op *op;
    int rc = read_error(e, &op, &event);

    if (rc == 1 && op)
        dispatch(op, &event);
    return rc;
}

void fabric_wake_threads(void)
{
    static const uint64_t one = 1;

    if (atomic_load_explicit(&fabric.sleepers, memory_order_relaxed)) {
        ssize_t written = write(fabric.wake_fd, &one, sizeof(one));
        (void)written; /* it is readable already, then */
    }
}

static int read_batch(struct fabric_end *e)
{
    ssize_t n = fi_cq_read(e->cq, e->entries, CQ_BATCH);

    if (n == -FI_EAGAIN)
        return 0;
    if (n < 0)
        return n == -FI_EAVAIL ? dispatch_error(e) : fabric_errno(n);
    e->entry = 0;
    e->entry_count = n;
    return 0;
}

void fabric_received(struct node_posted *receive, size_t len, uint64_t tag, uint64_t data)
{
    fabric_finish(fabric_op_of(receive),
                  &(struct fabric_event){.len = len, .tag = tag, .data = data});
}

/* Nothing is left of what was read before: looks for more. How many were dispatched, or -errno. */
static int look(struct fabric_end *e)
{
    bool queued = true;
    int done = e->direct ? (int)e->direct->progress(e->ep, &queued) : 0;
    int rc = queued ? read_batch(e) : 0;

    if (e->served && *e->served != e->served_seen) {
        e->served_seen = *e->served;
        done++;
    }
    return rc < 0 ? rc : done + rc;
}

/* ---- What cannot be dispatched when it is read ---- */

struct fabric_late {
    struct fabric_op *op;
    struct fabric_event event;
};

/* The first of them; how many were dispatched: 1. */
static int late_dispatch(struct fabric_end *e)
{
    struct fabric_late late = e->late[e->late_first++];

    if (!--e->late_count)
        e->late_first = 0;
    dispatch(late.op, &late.event);
    return 1;
}

static int late_add(struct fabric_end *e, struct fabric_op *op, const struct fabric_event *event)
{
    if (e->late_first + e->late_count == e->late_room) {
        unsigned room = e->late_room ? 2 * e->late_room : 4 * CQ_BATCH;
        struct fabric_late *late = realloc(e->late, room * sizeof(*late));
        if (!late)
            return -ENOMEM;
        e->late = late;
        e->late_room = room;
    }
    e->late[e->late_first + e->late_count++] = (struct fabric_late){op, *event};
    return 0;
}

int fabric_cq_poll_end(struct fabric_end *e)
{
    int done = fabric_cq_pending(e) ? 0 : look(e);

    while (e->entry < e->entry_count) {
        struct fi_cq_tagged_entry entry = e->entries[e->entry++];
        dispatch_entry(&entry);
        done++;
    }
    while (UNLIKELY(e->late_count))
        done += late_dispatch(e);
    if (done > 0) /* perhaps what another thread sleeps for */
        wait_tell();
    return done;
}

/* How often the network is looked at where both are open, while shared memory keeps us busy. */
enum { NET_EVERY = 8, IDLE_AFTER = 64 };

/*
 * A look at a network's queue takes ten times as long as one at shared memory's: as long as that
 * may bring something at any moment, the network has every eighth turn.
 */
static int poll_both(void)
{
    struct fabric_end *node = &fabric.ends[END_NODE], *net = &fabric.ends[END_NET];
    int done = fabric_cq_poll_end(node);

    if (done > 0)
        fabric.idle &= NET_EVERY - 1;
    fabric.idle++;
    if (done < 0 || (fabric.idle < IDLE_AFTER && fabric.idle % NET_EVERY && wait_polls() &&
                     !fabric_cq_pending(net)))
        return done;
    int more = fabric_cq_poll_end(net);
    return more < 0 ? more : done + more;
}

int fabric_cq_poll(void)
{
    return LIKELY(fabric.only != NULL) ? fabric_cq_poll_end(fabric.only) : poll_both();
}

/* ---- Taking a receive back ---- */

/* Whether what has been read and not dispatched tells of that operation. */
static bool has_read(const struct fabric_end *e, const struct fabric_op *op)
{
    for (unsigned i = e->entry; i < e->entry_count; i++)
        if (e->entries[i].op_context == op)
            return true;
    for (unsigned i = 0; i < e->late_count; i++)
        if (e->late[e->late_first + i].op == op)
            return true;
    return false;
}

/* Whether that ends the wait for it: a peek's answer, or a receive's cancellation. */
static bool is_answer(const struct fabric_op *op, const struct fabric_event *event)
{
    return op->kind == OP_PEEK || event->error == -ECANCELED;
}

/*
 * Reads what there is, to be dispatched later, up to that operation's answer: 1. 0: nothing is
 * left. Only traps are set again at once: with none, strangers' messages would stay with the
 * provider, and whoever looks there would pass them all.
 */
static int read_until(struct fabric_end *e, const struct fabric_op *wanted,
                      struct fabric_event *answer)
{
    struct fi_cq_tagged_entry entry;
    struct fabric_event event;
    struct fabric_op *op;

    for (;;) {
        ssize_t n = fi_cq_read(e->cq, &entry, 1);
        if (n == -FI_EAGAIN)
            return 0;
        if (n == 1 && !(op = entry.op_context))
            continue;
        if (n == 1)
            event = event_of(&entry);
        int rc = n == 1 ? 1 : n == -FI_EAVAIL ? read_error(e, &op, &event) : fabric_errno(n);
        if (rc < 0)
            return rc;
        if (rc && op == wanted && is_answer(op, &event)) {
            *answer = event;
            return 1;
        }
        if (rc && op && op->kind == OP_TRAP)
            dispatch(op, &event);
        else if (rc && op && late_add(e, op, &event))
            LOG(LOG_ERROR, "no memory to keep a completion: an operation will never end");
    }
}

bool fabric_cq_withdraw(struct fabric_op *op)
{
    struct fabric_end *e = fabric_end_of(op);
    struct fabric_event cancelled;

    if (fabric_post_withdraw(op)) {
        op->state = OP_IDLE;
        return true;
    }
    if (has_read(e, op))
        return false;
    fi_cancel(&e->ep->fid, op);
    if (read_until(e, op, &cancelled) != 1)
        return false;
    --*fabric_posted(op);
    op->state = OP_IDLE;
    return true;
}

int fabric_cq_ask(struct fabric_op *peek, struct fabric_event *found)
{
    struct fabric_event answer;
    int rc = fabric_post(peek);

    if (rc)
        return rc;
    while (!(rc = read_until(fabric_end_of(peek), peek, &answer)))
        ;
    --*fabric_posted(peek);
    peek->state = OP_IDLE;
    if (rc < 0 || answer.error)
        return rc < 0 ? rc : answer.error;
    *found = answer;
    return 0;
}

/* ---- Progress and sleep ---- */

int fabric_progress(void)
{
    int n = fabric_cq_poll();

    if (atomic_load_explicit(&fabric.queued, memory_order_relaxed))
        fabric_post_queued();
    return n;
}

static bool end_may_sleep(struct fabric_end *e)
{
    if (!e->open)
        return true;
    struct fid *cq = &e->cq->fid;
    return !fabric_cq_pending(e) && (e->wait_fd < 0 || !fi_trywait(e->fabric, &cq, 1));
}

bool fabric_may_sleep(void)
{
    /* Ours last: it makes the peers pass a barrier. */
    if (!end_may_sleep(&fabric.ends[END_NET]) || !end_may_sleep(&fabric.ends[END_NODE]))
        return false;
    atomic_fetch_add_explicit(&fabric.sleepers, 1, memory_order_relaxed);
    return true;
}

bool fabric_arrived(unsigned *count)
{
    bool all = true;

    *count = fabric.withdrawn; /* from before those that they may have hidden: fabric_surplus.c */
    for (int i = 0; i < FABRIC_ENDS; i++) {
        const struct fabric_end *e = &fabric.ends[i];
        if (e->open && e->arrived)
            *count += *e->arrived;
        else if (e->open)
            all = false;
    }
    return all;
}

void fabric_stay_awake(void)
{
    atomic_fetch_sub_explicit(&fabric.sleepers, 1, memory_order_relaxed);
}

bool fabric_is_attended(void)
{
    return atomic_load_explicit(&fabric.sleepers, memory_order_relaxed);
}

enum { BLOCKED_MS = 1 };

/* Nothing wakes us when a peer takes what is queued, or where there is no wait object. */
static int longest(int timeout_ms)
{
    bool blocked = atomic_load_explicit(&fabric.queued, memory_order_relaxed);

    for (int i = 0; i < FABRIC_ENDS; i++)
        blocked |= fabric.ends[i].open && fabric.ends[i].wait_fd < 0;
    if (blocked && (timeout_ms < 0 || timeout_ms > BLOCKED_MS))
        return BLOCKED_MS;
    return timeout_ms;
}

/* Sleeps until an end, or `fd`, is readable; whether it is that one. */
static bool sleep_on(int fd, int timeout_ms)
{
    struct pollfd p[] = {{.fd = fabric.ends[END_NODE].wait_fd, .events = POLLIN},
                         {.fd = fabric.ends[END_NET].wait_fd, .events = POLLIN},
                         {.fd = fd, .events = POLLIN}};

    poll(p, 3, longest(timeout_ms));
    return p[2].revents & POLLIN;
}

void fabric_sleep(int timeout_ms)
{
    bool woken = sleep_on(fabric.wake_fd, timeout_ms);
    uint64_t wakes;

    fabric_stay_awake();
    if (woken) {
        ssize_t got = read(fabric.wake_fd, &wakes, sizeof(wakes));
        (void)got;
    }
}

void fabric_doze(int stop_fd, int timeout_ms)
{
    fabric_stay_awake();
    sleep_on(stop_fd, timeout_ms);
}
