/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "provider/base/copy.h"
#include "provider/base/hot.h"
#include "provider/node/node_filling.h"
#include "provider/node/node_offer.h"

_Static_assert(sizeof(struct node_posted) <= sizeof(struct fi_context2), "it has room in one");
_Static_assert(NODE_ANY == FI_ADDR_UNSPEC, "libfabric's name for any source");

/* Whether the cell is a tagged message that can be taken by copying, nothing to be answered. */
HOT_INLINE bool is_plain(const struct node_peer *peer, uint64_t word)
{
    /* Flags, of which one is of no account, and kind. */
    unsigned what = node_word_what(word) & (0xffff & ~(NODE_WIRE_DATA << 8));

    return LIKELY(peer != NULL) &&
           (LIKELY(what == (NODE_WIRE_TAGGED << 8 | NODE_CELL_INLINE)) ||
            what == (NODE_WIRE_TAGGED << 8 | NODE_CELL_PAIR) ||
            (what == (NODE_WIRE_TAGGED << 8 | NODE_CELL_CHUNK) && !peer->gone));
}

/* The message of that reader's next cell, into a buffer with room for it; its part is done. False:
 * it will never be whole, nothing was done. */
HOT_INLINE bool take_cell(struct node_ep *ep, struct node_peer *peer, struct node_reader *r,
                          uint64_t word, void *buf)
{
    const struct node_cell *cell = r->cell;
    size_t len = node_word_length(word);

    if (LIKELY(node_word_kind(word) == NODE_CELL_INLINE)) {
        copy_small(buf, cell->payload, len);
    } else if (node_word_kind(word) == NODE_CELL_PAIR) {
        node_reader_copy_pair(r, buf, len);
        node_inlet_advance(&ep->in, r);
    } else {
        struct node_wire_chunk wire;
        memcpy(&wire, cell->payload, sizeof(wire));
        if (!node_filling_read(peer, cell, wire.chunk, buf, len))
            return false;
        node_filling_end(peer, &wire);
    }
    node_inlet_advance(&ep->in, r);
    return true;
}

/* ---- Receiving without posting ---- */

/* One that came before: the oldest that matches, where it has been copied. */
static int receive_kept(struct node_ep *ep, struct node_unexpected *u, void *buf, size_t len,
                        struct node_received *found)
{
    const struct node_message *m = &u->message;

    if (m->kind == NODE_CELL_RTS || m->kind == NODE_CELL_TRAIN || m->len > len ||
        m->flags & NODE_WIRE_ACK)
        return -FI_EBUSY;
    copy_any(buf, m->bytes, m->len);
    *found = (struct node_received){m->len, m->tag, m->data};
    node_unexpected_free(ep, u);
    return 0;
}

/* A cell that cannot be taken here: what to do instead. */
static int why_not(const struct node_peer *peer, const struct node_cell *cell, uint64_t word,
                   uint64_t source, uint64_t tag, uint64_t ignore)
{
    if (!peer || node_word_kind(word) > NODE_CELL_RTS ||
        !(node_word_flags(word) & NODE_WIRE_TAGGED) ||
        !node_matches(cell->tag, peer->fi_addr, tag, ignore, source))
        return -FI_EINPROGRESS;
    return -FI_EBUSY;
}

/* Where the next message of that source comes, if we have met it; else any. */
HOT_INLINE struct node_reader *reader_of(struct node_ep *ep, uint64_t source)
{
    return LIKELY(source < ep->peer_count && ep->peers[source]) ? ep->peers[source]->out.reader
                                                                : ep->in.at;
}

static int receive(struct fid_ep *fid, uint64_t source, void *buf, size_t len, uint64_t tag,
                   uint64_t ignore, struct node_received *found)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    uint64_t word;

    if (UNLIKELY(!list_empty(&ep->tagged.arrivals))) {
        struct node_arrival *a = node_match_receive(&ep->tagged, tag, ignore, source);
        if (a)
            return receive_kept(ep, container_of(a, struct node_unexpected, arrival), buf, len,
                                found);
    }
    if (UNLIKELY(ep->tagged.posted_count))
        return -FI_EBUSY;
    struct node_reader *r = reader_of(ep, source);
    struct node_cell *cell = node_reader_peek(r, &word);
    if (!cell) {
        cell = node_inlet_peek(&ep->in, &word);
        r = ep->in.at;
    }
    if (!cell)
        return node_offer_waits(ep) ? -FI_EINPROGRESS : -FI_EAGAIN;
    struct node_peer *peer = ep->sources[node_word_source(word)];
    if (LIKELY(peer != NULL))
        node_outlet_prepare(&peer->out);
    if (UNLIKELY(!is_plain(peer, word) || node_word_length(word) > len ||
                 !node_matches(cell->tag, peer->fi_addr, tag, ignore, source)))
        return why_not(peer, cell, word, source, tag, ignore);
    *found = (struct node_received){node_word_length(word), cell->tag, cell->data};
    return LIKELY(take_cell(ep, peer, r, word, buf)) ? 0 : -FI_EINPROGRESS;
}

static int peek(struct fid_ep *fid, uint64_t source, uint64_t tag, uint64_t ignore, void *claim,
                struct node_received *found)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    int ret = node_source_name(ep, &source);

    if (UNLIKELY(ret))
        return ret;
    struct node_unexpected *u = node_unexpected_find(&ep->tagged, tag, ignore, source);
    if (!u) {
        const struct list *newest = ep->tagged.arrivals.prev;

        node_ep_progress_all(ep);
        if (ep->tagged.arrivals.prev != newest)
            u = node_unexpected_find(&ep->tagged, tag, ignore, source);
    }
    if (!u)
        return -FI_ENOMSG;
    *found = (struct node_received){u->message.len, u->message.tag, u->message.data};
    if (claim)
        node_unexpected_claim(&ep->tagged, u, claim);
    return 0;
}

static int receive_claimed(struct fid_ep *fid, const void *claim, void *buf, size_t len,
                           struct node_received *found)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_unexpected *u = node_unexpected_claimed(&ep->tagged, claim);

    return u ? receive_kept(ep, u, buf, len, found) : -FI_EBUSY;
}

/* ---- Posting ---- */

static int post(struct fid_ep *fid, struct node_posted *p)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    int ret = node_source_name(ep, &p->source);

    if (UNLIKELY(ret))
        return ret;
    if (UNLIKELY(!list_empty(&ep->tagged.arrivals)))
        return node_recv_posted(ep, &ep->tagged, p);
    node_match_post(&ep->tagged, p);
    return 0;
}

static int post_asking(struct fid_ep *fid, struct node_posted *p, node_direct_claim *claim)
{
    container_of(fid, struct node_ep, fid)->tagged.claim = claim;
    p->sink = node_match_asks;
    return post(fid, p);
}

static bool withdraw(struct fid_ep *fid, struct node_posted *p)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return node_match_remove(&ep->tagged, p);
}

/* ---- Progress ---- */

/* Whether a receive's end may be told from here; of those behind which `fresh` is to come, the
 * ends that are told as its own is. */
HOT_INLINE bool tells(const struct node_posted *p, const struct node_posted *fresh)
{
    return fresh ? LIKELY(p->sink == fresh->sink) : p->sink && p->sink != node_match_asks;
}

/*
 * The common case: the cell is a message for a receive that was posted here, or for `fresh` (which
 * may be NULL), that is not yet. Which has got it; NULL: nothing was done.
 */
HOT_INLINE struct node_posted *deliver(struct node_ep *ep, const struct node_cell *cell,
                                       uint64_t word, struct node_posted *fresh)
{
    struct node_peer *peer = ep->sources[node_word_source(word)];
    size_t len = node_word_length(word);
    struct node_line *line;

    if (!is_plain(peer, word))
        return NULL;
    uint64_t tag = cell->tag, data = cell->data; /* a writer may have the cell once it is taken */
    struct node_posted **at = node_match_find(&ep->tagged, tag, peer->fi_addr, &line);
    struct node_posted *p = *at;
    if (!p && fresh && node_matches(tag, peer->fi_addr, fresh->tag, fresh->ignore, fresh->source))
        p = fresh;
    if (UNLIKELY(!p || !tells(p, fresh) || len > p->len))
        return NULL;
    if (UNLIKELY(!take_cell(ep, peer, ep->in.at, word, p->buf)))
        return NULL;
    if (p != fresh)
        node_match_take(&ep->tagged, line, at);
    if (UNLIKELY(ep->cntr[NODE_RECV]))
        node_count(ep, NODE_RECV);
    /* Last: it may come back into this endpoint. */
    p->sink(p, len, tag, data);
    return p;
}

/* Nothing that came before waits for its receive, nor anybody for its end. */
HOT_INLINE bool may_deliver(const struct node_ep *ep)
{
    return list_empty(&ep->tagged.arrivals) && ep->rx_cq->head == ep->rx_cq->tail;
}

/* For a receive that may find its message among those that came before. */
static int post_or_take_kept(struct node_ep *ep, struct node_posted *p)
{
    struct node_received m;
    struct node_arrival *a = ep->rx_cq->head != ep->rx_cq->tail
                                 ? NULL
                                 : node_match_receive(&ep->tagged, p->tag, p->ignore, p->source);

    if (!a ||
        receive_kept(ep, container_of(a, struct node_unexpected, arrival), p->buf, p->len, &m))
        return node_recv_posted(ep, &ep->tagged, p);
    if (UNLIKELY(ep->cntr[NODE_RECV]))
        node_count(ep, NODE_RECV);
    p->sink(p, m.len, m.tag, m.data);
    return 0;
}

enum { TURN = 4 }; /* messages that a new receive delivers: more than come while one is posted */

static int post_or_take(struct fid_ep *fid, struct node_posted *p)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    int ret = node_source_name(ep, &p->source);
    struct node_cell *cell;
    uint64_t word;

    if (UNLIKELY(ret))
        return ret;
    if (UNLIKELY(!list_empty(&ep->tagged.arrivals)))
        return post_or_take_kept(ep, p);
    for (int i = 0; i < TURN; i++) {
        if (UNLIKELY(!may_deliver(ep)) || !(cell = node_inlet_peek(&ep->in, &word)))
            break;
        /* Who posts a receive has more to do, such as to send the other side what it waits for. */
        if (node_word_kind(word) == NODE_CELL_CHUNK)
            break;
        const struct node_posted *got = deliver(ep, cell, word, p);
        if (got == p)
            return 0;
        if (!got)
            break;
    }
    /* A sink may have made progress, which kept the message that we came for. */
    if (UNLIKELY(!list_empty(&ep->tagged.arrivals)))
        return node_recv_posted(ep, &ep->tagged, p);
    node_match_post(&ep->tagged, p);
    return 0;
}

/* Whether the cell is a tagged message that no receive waits for. */
static bool is_unasked(struct node_ep *ep, const struct node_cell *cell, uint64_t word)
{
    const struct node_peer *peer = ep->sources[node_word_source(word)];
    struct node_line *line;

    return peer && node_word_kind(word) <= NODE_CELL_RTS &&
           node_word_flags(word) & NODE_WIRE_TAGGED &&
           !*node_match_find(&ep->tagged, cell->tag, peer->fi_addr, &line);
}

/* The same, but of each cell only once: it may have something behind it, and others' rings may
 * never be empty. */
static bool is_left(struct node_ep *ep, const struct node_cell *cell, uint64_t word)
{
    struct node_reader *r = ep->in.at;

    if (r->left == r->position + 1 || !is_unasked(ep, cell, word))
        return false;
    r->left = r->position + 1;
    return true;
}

/*
 * Messages without a receive that a call of progress takes out of their cells, if none has
 * ended for one: whoever gets that may come with a receive for the next. Few, since those that stay
 * may yet find theirs without being kept, and as long as some are kept no receive can do with a
 * look at the queue. More than one, since whoever waits for what is behind them calls as often.
 */
enum { KEPT = 4 };

static unsigned progress(struct fid_ep *fid, bool *queued)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_cq *cq = ep->rx_cq;
    const struct node_reader *from = NULL;
    unsigned told = 0, seen = 0, kept = 0;
    struct node_cell *cell;
    uint64_t word;

    *queued = cq->head != cq->tail;
    if (UNLIKELY(*queued))
        return 0;
    ep->fetches.open = true;
    for (; seen < NODE_BATCH && kept < KEPT; seen++) {
        const struct list *last = ep->tagged.arrivals.prev;
        cell = node_inlet_peek(&ep->in, &word);
        if (!cell)
            break;
        from = ep->in.at;
        if (LIKELY(cq->head == cq->tail) && deliver(ep, cell, word, NULL)) {
            told++;
            continue;
        }
        if ((told || cq->head != cq->tail) && is_left(ep, cell, word))
            break;
        if (!node_ep_step(ep, cell, word))
            break;
        kept += ep->tagged.arrivals.prev != last;
    }
    node_inlet_leave(&ep->in, cell ? from : NULL);
    told += kept == KEPT;
    /* What is done for others is progress, too: who waits goes on looking. */
    told += node_ep_rest(ep, seen) > seen;
    *queued = cq->head != cq->tail;
    return told;
}

static ssize_t inject(struct fid_ep *fid, const void *buf, size_t len, uint64_t dest, uint64_t tag,
                      uint64_t data)
{
    return node_send_inject(container_of(fid, struct node_ep, fid), buf, len, dest, tag, data);
}

static int outlet(struct fid_ep *fid, uint64_t address, struct node_outlet **out)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_peer *peer;
    int ret = ep->cntr[NODE_SEND] ? -FI_EOPNOTSUPP : node_peer_get(ep, address, &peer);

    if (!ret)
        *out = &peer->out;
    return ret;
}

static struct node_inlet *inlet(struct fid_ep *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return ep->cntr[NODE_RECV] ? NULL : &ep->in;
}

static const unsigned *arrived(struct fid_ep *fid)
{
    return &container_of(fid, struct node_ep, fid)->tagged.arrived;
}

static void wake(struct fid_ep *fid, uint64_t address)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_peer *peer;

    if (!node_peer_get(ep, address, &peer))
        node_outlet_wake(&peer->out);
}

static bool fetches(struct fid_ep *fid, uint64_t address, uint32_t *whom)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_peer *peer;

    if (node_peer_get(ep, address, &peer) || !peer->single_copy)
        return false;
    *whom = peer->segment->address.pid;
    return true;
}

int node_direct_fetch(uint32_t whom, void *buf, size_t len, uint64_t address)
{
    struct iovec ours = {buf, len}, theirs = {(void *)(uintptr_t)address, len};

    return node_copy(whom, false, &ours, 1, &theirs, 1, len);
}

static atomic_uint *resting(struct fid_ep *fid)
{
    return &container_of(fid, struct node_ep, fid)->segment->resting;
}

static bool needs_barrier(struct fid_ep *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return atomic_load_explicit(&ep->segment->sleeping, memory_order_relaxed) & NODE_FENCE;
}

const struct node_direct_ops node_direct_ops = {.size = sizeof(node_direct_ops),
                                                .receive = receive,
                                                .peek = peek,
                                                .receive_claimed = receive_claimed,
                                                .inject = inject,
                                                .outlet = outlet,
                                                .inlet = inlet,
                                                .arrived = arrived,
                                                .post = post,
                                                .post_or_take = post_or_take,
                                                .post_asking = post_asking,
                                                .withdraw = withdraw,
                                                .progress = progress,
                                                .send_scattered = node_scatter_send,
                                                .recv_scattered = node_scatter_recv,
                                                .wake = wake,
                                                .meet = node_place_meet,
                                                .place = node_place,
                                                .fetches = fetches,
                                                .resting = resting,
                                                .needs_barrier = needs_barrier};
