/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "provider/base/crowd.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_way.h"

/*
 * BLOCKS a message, so that both are done at about the same time, within these limits: below the
 * first the call costs more than what it copies, above the last one waits too long for the other.
 */
enum { BLOCKS = 8, BLOCK_LEAST = 32 << 10, BLOCK_MOST = 256 << 10, PAGE = 4096 };

/*
 * Where one message follows the other, one of at most so many bytes is a block: its halves would
 * wait for each other, and so each end copies whole messages, also those that are not worth it
 * alone.
 */
enum { FLOOD_LEAST = 16 << 10, FLOOD_WHOLE = 128 << 10 };

#define FAILED UINT64_MAX /* in `done` */

struct node_pull {
    struct list link; /* in pulls.begun or pulls.ending */
    struct node_pull_slot *slot;
    struct node_recv recv; /* a copy: the posted one is given back */
    struct node_message message;
    struct iovec theirs[NODE_IOV];
    uint64_t len, block;
    unsigned tail; /* in `ending`: blocks that the sender has taken */
    int error;     /* 0 or -errno of our own copying */
};

/* ---- The slot's word: blocks taken from the front, from the back, and how many there are ---- */

enum { FIELD = 20 };
#define FIELD_MASK ((UINT64_C(1) << FIELD) - 1)

static unsigned front_of(uint64_t word)
{
    return word & FIELD_MASK;
}

static unsigned back_of(uint64_t word)
{
    return word >> FIELD & FIELD_MASK;
}

static unsigned total_of(uint64_t word)
{
    return word >> 2 * FIELD;
}

/* The next block from one end; false where none is left, or the slot is not open. */
static bool take(struct node_pull_slot *slot, bool back, unsigned *index)
{
    uint64_t word = atomic_load_explicit(&slot->taken, memory_order_acquire);

    do {
        if (front_of(word) + back_of(word) >= total_of(word))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&slot->taken, &word,
                                                    word + (back ? UINT64_C(1) << FIELD : 1),
                                                    memory_order_acq_rel, memory_order_acquire));
    *index = back ? total_of(word) - 1 - back_of(word) : front_of(word);
    return true;
}

/* Takes whatever is left, so that the sender gets no more. How many it has. */
static unsigned take_rest(struct node_pull_slot *slot)
{
    uint64_t word = atomic_load_explicit(&slot->taken, memory_order_acquire);
    uint64_t all;

    do {
        all = (word & ~FIELD_MASK) | (total_of(word) - back_of(word));
    } while (!atomic_compare_exchange_weak_explicit(&slot->taken, &word, all, memory_order_acq_rel,
                                                    memory_order_acquire));
    return back_of(word);
}

static uint64_t block_for(uint64_t len, bool alone)
{
    uint64_t block = alone ? (len / BLOCKS + PAGE - 1) / PAGE * PAGE : BLOCK_MOST;

    block = block < BLOCK_LEAST ? BLOCK_LEAST : block > BLOCK_MOST ? BLOCK_MOST : block;
    while (len / block >= FIELD_MASK)
        block *= 2;
    return block;
}

/* ---- The receiver ---- */

/* The iovecs that lie in the sender's memory: 0 or -errno. */
static int fetch_pieces(const struct node_message *m, struct iovec *pieces)
{
    struct iovec local, remote;

    if (m->pieces == 1) {
        pieces[0] = (struct iovec){(void *)(uintptr_t)m->address, m->len};
        return 0;
    }
    local = (struct iovec){pieces, m->pieces * sizeof(pieces[0])};
    remote = (struct iovec){(void *)(uintptr_t)m->address, local.iov_len};
    return node_copy(m->peer->segment->address.pid, false, &local, 1, &remote, 1, local.iov_len);
}

static bool is_scattered(const struct node_recv *r, const struct node_message *m)
{
    return r->iov_count == NODE_SCATTER || m->pieces > NODE_IOV;
}

int node_pull_alone(const struct node_recv *r, const struct node_message *m, size_t len)
{
    struct iovec theirs[NODE_BLOCKS];
    uint32_t pid = m->peer->segment->address.pid;
    int ret = fetch_pieces(m, theirs);

    if (ret)
        return ret;
    return is_scattered(r, m)
               ? node_scatter_fetch(pid, r->iov, r->iov_count, theirs, m->pieces, len)
               : node_copy(pid, false, r->iov, r->iov_count, theirs, m->pieces, len);
}

/* Shows the sender where our memory is. */
static void slot_open(const struct node_pull *p)
{
    struct node_pull_slot *slot = p->slot;
    struct iovec ours[NODE_IOV] = {{0}};
    uint64_t total = (p->len + p->block - 1) / p->block;

    node_iov_slice(p->recv.iov, p->recv.iov_count, 0, p->len, ours);
    for (int i = 0; i < NODE_PULL_PIECES; i++) {
        slot->pieces[i].address = (uintptr_t)ours[i].iov_base;
        slot->pieces[i].len = ours[i].iov_len;
    }
    slot->len = p->len;
    slot->block = p->block;
    atomic_store_explicit(&slot->done, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->taken, total << 2 * FIELD, memory_order_release);
    atomic_fetch_or_explicit(&p->message.peer->segment->pulls_open, UINT64_C(1) << p->message.pull,
                             memory_order_release);
}

static bool is_one_block(const struct node_pull *p)
{
    return p->len <= p->block;
}

/*
 * Whether a message of that length is to be a block: it has others ahead or behind. One that would
 * wait for one that is copied in many blocks is better copied at once.
 */
static bool is_whole(const struct node_ep *ep, size_t len)
{
    return len <= FLOOD_WHOLE && !ep->pulls.long_begun &&
           (!list_empty(&ep->pulls.begun) || node_reader_sees_two(ep->in.at));
}

bool node_pull_begin(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                     size_t len)
{
    bool whole = is_whole(ep, len);
    struct node_pull *p;

    if (m->pull >= NODE_PULLS || len <= (whole ? FLOOD_LEAST : BLOCK_LEAST) || is_scattered(r, m) ||
        (len <= FLOOD_WHOLE && ep->pulls.long_begun) || !(p = pool_get(&ep->pulls.pool)))
        return false;
    if (fetch_pieces(m, p->theirs)) {
        pool_put(&ep->pulls.pool, p); /* the caller will see the same error */
        return false;
    }
    p->slot = &m->peer->segment->pulls[m->pull];
    p->recv = *r;
    p->message = *m;
    p->len = len;
    p->block = whole ? len : block_for(len, list_empty(&ep->pulls.begun));
    p->error = 0;
    slot_open(p);
    list_init(&p->link);
    list_add_tail(&ep->pulls.begun, &p->link);
    ep->pulls.long_begun += !is_one_block(p);
    ep->pulls.active++;
    return true;
}

/* Copies `len` bytes from byte `at` on: 0 or -errno. */
static int copy_in(const struct node_pull *p, uint64_t at, uint64_t len)
{
    struct iovec here[NODE_IOV], there[NODE_IOV];
    size_t n = node_iov_slice(p->recv.iov, p->recv.iov_count, at, len, here);
    size_t m = node_iov_slice(p->theirs, p->message.pieces, at, len, there);

    return node_copy(p->message.peer->segment->address.pid, false, here, n, there, m, len);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Copies our next block of the oldest pull; false where there is no pull to take one from. */
static bool pull_block(struct node_ep *ep)
{
    unsigned index;

    if (list_empty(&ep->pulls.begun))
        return false;
    struct node_pull *p = container_of(ep->pulls.begun.next, struct node_pull, link);
    if (take(p->slot, false, &index)) {
        uint64_t at = index * p->block;
        p->error = copy_in(p, at, least(p->block, p->len - at));
        node_way_worked(ep);
    }
    uint64_t word = atomic_load_explicit(&p->slot->taken, memory_order_acquire);
    if (p->error || front_of(word) + back_of(word) >= total_of(word)) {
        p->tail = take_rest(p->slot);
        list_drop(&p->link);
        list_add_tail(&ep->pulls.ending, &p->link);
        ep->pulls.long_begun -= !is_one_block(p);
    }
    return true;
}

/* Whether the sender has nothing more to do with our memory. */
static bool sender_done(const struct node_pull *p)
{
    uint64_t done = atomic_load_explicit(&p->slot->done, memory_order_acquire);

    return done == p->tail || done == FAILED;
}

/* The sender's part, where it has failed at it. */
static int pull_tail(const struct node_pull *p)
{
    uint64_t total = (p->len + p->block - 1) / p->block, at = (total - p->tail) * p->block;

    return p->tail ? copy_in(p, at, p->len - at) : 0;
}

static void pull_end(struct node_ep *ep, struct node_pull *p)
{
    if (!p->error && atomic_load_explicit(&p->slot->done, memory_order_relaxed) == FAILED)
        p->error = pull_tail(p);
    list_drop(&p->link);
    ep->pulls.active--;
    node_way_worked(ep);
    if (UNLIKELY(p->message.timed))
        node_way_took(ep, &p->message);
    node_recv_fetched(ep, &p->recv, &p->message, p->error);
    pool_put(&ep->pulls.pool, p);
}

static bool end_pulls(struct node_ep *ep)
{
    struct list *l, *tmp;
    bool any = false;

    list_each(l, tmp, &ep->pulls.ending)
    {
        struct node_pull *p = container_of(l, struct node_pull, link);
        if (!sender_done(p) && p->error != -ESRCH)
            continue;
        if (!node_ep_ready(ep))
            break;
        pull_end(ep, p);
        any = true;
    }
    return any;
}

void node_pull_mend(struct node_ep *ep)
{
    for (struct list *l = ep->pulls.ending.next; l != &ep->pulls.ending; l = l->next) {
        struct node_pull *p = container_of(l, struct node_pull, link);
        if (!sender_done(p) && node_segment_is_gone(p->message.peer->segment))
            p->error = -ESRCH;
    }
}

/* ---- The sender ---- */

uint32_t node_pull_offer(struct node_ep *ep, struct node_op *op)
{
    struct node_pulls *pulls = &ep->pulls;

    /* In a crowd, a block that the sender has begun may wait long for a processor. */
    if (crowded || op->len <= FLOOD_LEAST || op->iov_count > NODE_IOV || !op->peer->single_copy ||
        op->peer->is_self || !~pulls->slots_used)
        return NODE_PULL_NONE;
    unsigned slot = __builtin_ctzll(~pulls->slots_used);
    pulls->slots_used |= UINT64_C(1) << slot;
    pulls->slot_op[slot] = op;
    pulls->active++;
    atomic_store_explicit(&ep->segment->pulls[slot].taken, 0, memory_order_relaxed);
    return slot;
}

static void slot_hide(struct node_ep *ep, unsigned slot)
{
    atomic_fetch_and_explicit(&ep->segment->pulls_open, ~(UINT64_C(1) << slot),
                              memory_order_relaxed);
}

void node_pull_withdraw(struct node_ep *ep, struct node_op *op)
{
    if (op->pull == NODE_PULL_NONE)
        return;
    if (atomic_load_explicit(&ep->segment->pulls_open, memory_order_relaxed) >> op->pull & 1)
        slot_hide(ep, op->pull);
    ep->pulls.slots_used &= ~(UINT64_C(1) << op->pull);
    ep->pulls.active--;
}

/* An open slot, from the last one on; there is one. */
static unsigned next_open(const struct node_pulls *pulls, uint64_t open)
{
    unsigned at = pulls->cursor;
    uint64_t turned = at ? open >> at | open << (NODE_PULLS - at) : open;

    return (at + __builtin_ctzll(turned)) % NODE_PULLS;
}

/* Copies one block into the receiver's memory: 0 or -errno. */
static int copy_out(const struct node_op *op, const struct node_pull_slot *slot, unsigned index)
{
    struct iovec theirs[NODE_PULL_PIECES], here[NODE_IOV], there[NODE_IOV];
    uint64_t at = index * slot->block, len = least(slot->block, slot->len - at);

    for (int i = 0; i < NODE_PULL_PIECES; i++)
        theirs[i] = (struct iovec){(void *)(uintptr_t)slot->pieces[i].address, slot->pieces[i].len};
    size_t n = node_iov_slice(op->iov, op->iov_count, at, len, here);
    size_t m = node_iov_slice(theirs, NODE_PULL_PIECES, at, len, there);
    return node_copy(op->peer->segment->address.pid, true, here, n, there, m, len);
}

/* A block from the back of a message that its receiver copies. */
static bool help(struct node_ep *ep)
{
    struct node_pulls *pulls = &ep->pulls;
    uint64_t open;
    unsigned index;

    while ((open = atomic_load_explicit(&ep->segment->pulls_open, memory_order_acquire))) {
        unsigned i = pulls->cursor = next_open(pulls, open);
        struct node_pull_slot *slot = &ep->segment->pulls[i];
        if (!take(slot, true, &index)) {
            slot_hide(ep, i);
            continue;
        }
        struct node_op *op = pulls->slot_op[i];
        uint64_t done = atomic_load_explicit(&slot->done, memory_order_relaxed) + 1;
        int ret = copy_out(op, slot, index);
        node_way_worked(ep);
        if (ret) {
            done = FAILED;
            slot_hide(ep, i);
        }
        if (ret == -EPERM || ret == -EACCES || ret == -ENOSYS) {
            op->peer->single_copy = false;
            node_way_forget(ep, op->peer);
        }
        atomic_store_explicit(&slot->done, done, memory_order_release);
        node_outlet_ring(&op->peer->out);
        return true;
    }
    return false;
}

/* ---- Both ---- */

bool node_pull_progress(struct node_ep *ep)
{
    bool any = pull_block(ep);

    any |= end_pulls(ep);
    return any || help(ep);
}

bool node_pull_has_work(struct node_ep *ep)
{
    if (!ep->pulls.active)
        return false;
    if (!list_empty(&ep->pulls.begun) ||
        atomic_load_explicit(&ep->segment->pulls_open, memory_order_acquire))
        return true;
    for (struct list *l = ep->pulls.ending.next; l != &ep->pulls.ending; l = l->next) {
        struct node_pull *p = container_of(l, struct node_pull, link);
        if (p->error == -ESRCH || sender_done(p))
            return true;
    }
    return false;
}

void node_pulls_open(struct node_ep *ep)
{
    list_init(&ep->pulls.begun);
    list_init(&ep->pulls.ending);
    pool_open(&ep->pulls.pool, sizeof(struct node_pull), 16);
}

/* Waits for the block that the sender may just be copying into our memory. */
static void pull_stop(struct node_pull *p)
{
    p->tail = take_rest(p->slot);
    while (!sender_done(p) && !node_segment_is_gone(p->message.peer->segment))
        sched_yield();
}

void node_pulls_close(struct node_ep *ep)
{
    struct list *l;

    while ((l = list_pop(&ep->pulls.begun)) || (l = list_pop(&ep->pulls.ending)))
        pull_stop(container_of(l, struct node_pull, link));
}
