/* SPDX-License-Identifier: BSD-3-Clause */
/* Receives: into the user's buffer where it is one block, through a packed copy where it is not. */
#include <errno.h>

#include "core/object/err.h"
#include "core/object/status.h"
#include "core/p2p/bounce.h"
#include "core/p2p/kept.h"
#include "core/p2p/split.h"
#include "provider/fabric/wait.h"

enum {
    LOOKS_FIRST = 64, /* before anything else: the answer to 8 KiB is there after some 30 */
    LOOKS = 16,       /* for each round of other progress, which takes as long as 3 to 5 */
    LOOKS_CROWD = 2,  /* where the sender has no processor just now */
    LOOKS_OTHERS = 4, /* of these the last is for whatever else may come */
    LAPS_HELP = 4,    /* of one that gives its processor away, to a round of other progress */
    ROUNDS_ALONE = 3, /* before it matters whether a peer needs this processor */
    ROUNDS_MOST = 63,
};

int post_from(struct comm *c, int source, struct fabric_peer **from)
{
    if (source != MPI_ANY_SOURCE)
        return comm_peer(c, source, from);
    /* A process that was started alone opens the fabric at its first contact with any peer. */
    int rc = fabric_is_open() ? MPI_SUCCESS : comm_peer(c, 0, from);
    if (!rc)
        *from = fabric_any(c->reach);
    return rc;
}

int post_room(struct request *r, void *buf, MPI_Count count, struct fabric_peer *from, void **room)
{
    int rc = post_bytes(r->type, count, &r->bytes);

    if (rc)
        return rc;
    r->buf = buf;
    r->count = count;
    r->scattered.type = NULL;
    if (datatype_is_block(r->type, count)) {
        *room = datatype_address(buf, r->type);
        return MPI_SUCCESS;
    }
    if (fabric_scatters(from)) {
        scattered_init(&r->scattered, buf, count, r->type, r->bytes);
        return MPI_SUCCESS;
    }
    r->bounce = bounce_take(r->bytes);
    if (!r->bounce)
        return err_set(MPI_ERR_NO_MEM, "no memory to unpack a message of %zu bytes", r->bytes);
    *room = r->bounce;
    return MPI_SUCCESS;
}

void post_consumed(struct comm *c, int source, enum channel channel, size_t len)
{
    struct fabric_peer *from;

    if (!comm_peer(c, source, &from))
        credit_consumed(from, p2p_line(channel), len);
}

void post_received_whole(struct request *r)
{
    size_t here = r->len < r->bytes ? r->len : r->bytes;

    if (!r->cause)
        p2p_count_received(r->channel, here);
    if (r->bounce)
        datatype_unpack(r->buf, r->count, r->type, 0, r->bounce, here);
    request_complete(r);
}

/* All but a message that is in place, and that is all there is to it. */
static void received_otherwise(struct request *r, const struct fabric_event *event)
{
    r->plain = false;
    r->len = split_length(event);
    if (event->error == -EMSGSIZE || r->len > r->bytes) {
        r->error = MPI_ERR_TRUNCATE;
    } else if (event->error) {
        r->cause = event->error;
        r->error = err_from_errno(event->error, "receiving a message");
    }
    if (split_is_head(event)) {
        split_receive(r, event);
        return;
    }
    if (event->tag & P2P_SYNCHRONOUS && r->channel == CHANNEL_P2P)
        post_ack(r->comm, r->source, r->tag);
    else if (event->tag & P2P_SYNCHRONOUS && !r->error)
        r->error = MPI_ERR_NO_MEM;
    post_received_whole(r);
}

void post_received(struct fabric_op *op, const struct fabric_event *event)
{
    struct request *r = container_of(op, struct request, op);

    credit_posted(op->peer, p2p_line(r->channel), -1);
    if (event->error == -ECANCELED) {
        r->plain = false;
        r->cancelled = true;
        r->len = 0;
        r->source = MPI_ANY_SOURCE;
        r->tag = MPI_ANY_TAG;
        request_complete(r);
        return;
    }
    r->len = event->len;
    r->tag = r->want == MPI_ANY_TAG ? (int)(uint32_t)event->tag : r->want;
    r->source = r->peer == MPI_ANY_SOURCE ? p2p_source(event->data) : r->peer;
    if (op->peer)
        credit_consumed(op->peer, p2p_line(r->channel), r->len);
    else
        post_consumed(r->comm, r->source, r->channel, r->len);
    /* The head of a longer message is synchronous. */
    if (LIKELY(!event->error && !r->bounce && r->len <= r->bytes &&
               !(event->tag & P2P_SYNCHRONOUS))) {
        p2p_count_received(r->channel, r->len);
        request_complete(r);
    } else {
        received_otherwise(r, event);
    }
}

void post_received_plain(struct node_posted *context, size_t len, uint64_t tag, uint64_t data)
{
    struct request *r = container_of(fabric_op_of(context), struct request, op);
    struct fabric_peer *from = r->op.peer;

    if (UNLIKELY(!r->plain || !from || tag & P2P_SYNCHRONOUS)) {
        fabric_received(context, len, tag, data);
        return;
    }
    credit_posted(from, CREDIT_PROGRAM, -1);
    credit_consumed(from, CREDIT_PROGRAM, len);
    p2p_count_received(CHANNEL_P2P, len);
    r->len = len;
    r->tag = (int)(uint32_t)tag;
    r->source = r->peer;
    atomic_store_explicit(&r->done, true, memory_order_release);
}

/* A message that is kept comes before all that are with the provider. */
static bool recv_kept(struct request *r, struct fabric_peer *from, uint64_t match, void *room)
{
    struct kept *k = kept_find(match, p2p_ignore(r->want), r->peer);

    if (!k)
        return false;
    r->op.peer = from;
    credit_posted(from, CREDIT_PROGRAM, 1);
    kept_receive(k, r, room);
    return true;
}

int p2p_recv(struct request *r, enum channel channel, void *buf, MPI_Count count, int source,
             int tag)
{
    struct fabric_peer *from = NULL;
    uint64_t match = p2p_match(r->comm, channel, tag == MPI_ANY_TAG ? 0 : tag);
    void *room = NULL;

    if (source == MPI_PROC_NULL) {
        r->source = MPI_PROC_NULL;
        r->tag = MPI_ANY_TAG;
        request_complete(r);
        return MPI_SUCCESS;
    }
    int rc = post_from(r->comm, source, &from);

    if (!rc)
        rc = post_room(r, buf, count, from, &room);
    if (rc)
        return rc;
    r->peer = source;
    r->want = tag;
    r->channel = channel;
    r->op.done = post_received;
    if (UNLIKELY(kept_count) && channel == CHANNEL_P2P && recv_kept(r, from, match, room))
        return MPI_SUCCESS;
    rc = r->scattered.type
             ? fabric_trecv_scattered(from, &r->op, &r->scattered.scatter, match, p2p_ignore(tag))
             : fabric_trecv(from, &r->op, room, r->bytes, match, p2p_ignore(tag));
    if (rc) {
        bounce_give(r->bounce);
        r->bounce = NULL;
        return err_from_errno(rc, "posting a receive");
    }
    credit_posted(r->op.peer, p2p_line(channel), 1);
    return MPI_SUCCESS;
}

/* ---- Blocking ---- */

/* r, which takes x's place, has got the head of a message in pieces and receives the rest. */
static void recv_rest(struct request *r, const struct p2p_receive *x,
                      const struct fabric_event *head)
{
    request_make(r, REQUEST_RECV, x->comm, x->type);
    r->buf = x->buf;
    r->count = x->count;
    r->bytes = (size_t)x->type->size * (size_t)x->count;
    r->peer = x->source;
    r->want = x->tag;
    r->channel = CHANNEL_P2P;
    r->op.peer = NULL;
    credit_posted(NULL, CREDIT_PROGRAM, 1); /* as post_received takes it off */
    post_received(&r->op, head);
}

/* Waits for a request on the caller's stack. */
static int recv_end(struct request *r, MPI_Status *status)
{
    request_wait(r);
    int rc = request_status(r, status);
    request_unmake(r);
    return rc;
}

int p2p_recv_taken(const struct p2p_receive *x, const struct node_received *m, MPI_Status *status)
{
    struct fabric_event event = fabric_event_of(m);
    bool head = split_is_head(&event);
    struct request r;

    lane_lock();
    if (head) {
        recv_rest(&r, x, &event);
    } else {
        post_ack(x->comm, p2p_source(event.data), (int)(uint32_t)event.tag);
        p2p_took(x->comm, NULL, m);
    }
    lane_unlock();
    if (head)
        return recv_end(&r, status);
    p2p_tell(m, status);
    return MPI_SUCCESS;
}

static int looks_of(uint32_t round, bool spins)
{
    return !spins ? LOOKS_CROWD : round ? LOOKS : LOOKS_FIRST;
}

/* What a receive looks for. */
struct look {
    struct fabric_peer *from; /* NULL: any */
    struct fabric_peer *near; /* the same, where it writes into our memory; else NULL */
    void *buf;
    size_t len;
    uint64_t match, ignore;
};

/*
 * So many looks at most, as fabric_trecv_now. Most go to the line where a peer that is near will
 * write: each costs little more than the pause, and a small message is taken without a call; as
 * many in a row as lane.turn lets pass before other work.
 */
HOT_INLINE int look_for(const struct look *l, int looks, struct node_received *m)
{
    int rc = -EAGAIN;

    for (; looks && rc == -EAGAIN; looks--) {
        __builtin_ia32_pause(); /* each look takes the line from who is about to write it */
        if (l->near && lane.turn &&
            fabric_trecv_small(l->near, l->buf, l->len, l->match, l->ignore, false, m)) {
            fabric_will_answer(l->near);
            lane.turn--;
            return 0;
        }
        if (!l->near || looks % LOOKS_OTHERS == 1 || fabric_has_next(l->near))
            rc = fabric_trecv_now(l->from, l->buf, l->len, l->match, l->ignore, m);
    }
    return rc;
}

/*
 * A blocking receive need not be posted while its thread can look by itself: it takes the message
 * out of the endpoint's queue when it comes. Other work is done meanwhile.
 */
static bool recv_now(const struct p2p_receive *x, struct node_received *m)
{
    struct look l = {.match = p2p_match(x->comm, CHANNEL_P2P, x->tag == MPI_ANY_TAG ? 0 : x->tag),
                     .ignore = p2p_ignore(x->tag),
                     .buf = datatype_address(x->buf, x->type)};
    bool any = x->source == MPI_ANY_SOURCE;
    struct wait w;
    int rc;

    if (!datatype_is_block(x->type, x->count) || x->source == MPI_PROC_NULL ||
        __builtin_mul_overflow((size_t)x->type->size, (size_t)x->count, &l.len))
        return false;
    lane_lock();
    l.from = any ? fabric_any(x->comm->reach) : comm_met(x->comm, x->source);
    if (!any && !l.from) {
        lane_unlock();
        return false;
    }
    l.near = !any && fabric_is_near(l.from) ? l.from : NULL;
    if (UNLIKELY(!lane.turn)) { /* nor do the short ways, where threads share the lane */
        lane.turn = LANE_TURN;
        lane_progress();
    }
    wait_begin_peer(&w, l.from);
    uint32_t rounds = wait_polls() / LOOKS;
    if (rounds > ROUNDS_MOST)
        rounds = ROUNDS_MOST;
    for (uint32_t round = 0;; round++) {
        if (round)
            lane_lock();
        rc = look_for(&l, looks_of(round, rounds || w.stays), m);
        if (rc == -EINPROGRESS || (rc == -EAGAIN && w.laps % LAPS_HELP == 0))
            lane_progress();
        else if (LIKELY(!rc && !p2p_is_unusual(m)))
            p2p_took(x->comm, any ? NULL : l.from, m);
        lane_unlock();
        if (!rc || rc == -EBUSY ||
            (round >= rounds && !wait_stays(&w) && !wait_lap(&w, &lane.lock)) ||
            (rounds && round == ROUNDS_ALONE && wait_meets(&lane.lock)))
            break;
    }
    return !rc;
}

int p2p_recv_wait(const struct p2p_receive *x, MPI_Status *status)
{
    struct node_received m;
    struct request r;

    if (recv_now(x, &m)) {
        if (UNLIKELY(p2p_is_unusual(&m)))
            return p2p_recv_taken(x, &m, status);
        p2p_tell(&m, status);
        return MPI_SUCCESS;
    }
    request_make(&r, REQUEST_RECV, x->comm, x->type);
    lane_lock();
    int rc = p2p_recv(&r, CHANNEL_P2P, x->buf, x->count, x->source, x->tag);
    if (!rc && !request_is_done(&r))
        lane_progress();
    lane_unlock();
    if (!rc)
        return recv_end(&r, status);
    request_unmake(&r);
    return rc;
}

int p2p_recv_start(const struct p2p_receive *x, MPI_Request *request)
{
    lane_lock();
    if (x->source == MPI_PROC_NULL && received_has_room()) {
        *request = received_make(MPI_PROC_NULL, MPI_ANY_TAG, 0);
        lane_unlock();
        return MPI_SUCCESS;
    }
    struct request *r = request_new(REQUEST_RECV, x->comm, x->type);
    int rc = r ? p2p_recv(r, CHANNEL_P2P, x->buf, x->count, x->source, x->tag) : MPI_ERR_NO_MEM;
    if (rc && r)
        request_free(r);
    lane_unlock();
    return rc ? rc : request_publish(r, request);
}
