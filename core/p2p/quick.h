/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short ways of the program's calls, from the handles to the fabric without a call between: for
 * what nearly all messages are, right in every argument, in one block, to or from a peer that is
 * known. One pass asks all that the checks of check.h, the posting below and the fabric would ask
 * one after the other. Where an answer is no, nothing has been done and nothing said: the call then
 * takes the long way, which finds out what is wrong, or different. That is also how it goes where
 * threads share the lane. Called without the lane's lock.
 *
 * The first ways call nothing but to wake a peer, so that they need not save what a call would
 * lose: whatever may need one is asked for before, and left to the second ways.
 */
#ifndef ORIEL_P2P_QUICK_H
#define ORIEL_P2P_QUICK_H

#include "core/p2p/kept.h"
#include "core/p2p/p2p.h"

/* What a call's handles mean, and the bytes of its one block. */
struct quick {
    struct comm *comm;
    struct datatype *type;
    size_t len;
};

HOT_INLINE bool quick_is_item(const struct datatype *t, MPI_Count count)
{
    return t->block == TYPE_ITEM && count == 1;
}

/* The type, if the data is one block. False: the long way. */
HOT_INLINE bool quick_block(struct quick *q, const void *buf, MPI_Count count,
                            MPI_Datatype datatype)
{
    int64_t len;

    q->type = datatype_find(datatype);
    if (UNLIKELY(!q->type || (q->type->block != TYPE_BLOCK && !quick_is_item(q->type, count)) ||
                 count < 0 || __builtin_mul_overflow((int64_t)q->type->size, (int64_t)count, &len)))
        return false;
    q->len = (size_t)len;
    /* Where there is no address there must be no data, or the type's own is absolute. */
    return LIKELY(buf != NULL) || !len;
}

/* And the communicator. */
HOT_INLINE bool quick_find(struct quick *q, const void *buf, MPI_Count count, MPI_Datatype datatype,
                           MPI_Comm comm)
{
    q->comm = comm_find(comm);
    return LIKELY(q->comm != NULL) && quick_block(q, buf, count, datatype);
}

/*
 * The first step of a send: where it may go, the lane entered; NULL: the long way. All that may say
 * no is asked here, so that the call's arguments need not outlive it: each register that has to be
 * saved is one store more (node_outlet.h).
 */
HOT_INLINE struct node_outlet *quick_send_begin(struct quick *q, const void *buf, MPI_Count count,
                                                MPI_Datatype datatype, int dest, int tag,
                                                MPI_Comm comm)
{
    struct node_outlet *outlet = NULL;

    q->comm = comm_find(comm);
    if (UNLIKELY(!q->comm) || UNLIKELY((uint64_t)count > FABRIC_SMALL) || UNLIKELY(tag < 0) ||
        UNLIKELY(!lane_enter()))
        return NULL;
    struct fabric_peer *to = comm_met(q->comm, dest);
    if (LIKELY(to != NULL))
        outlet = fabric_tinject_next(to);
    if (UNLIKELY(!outlet) || UNLIKELY(!quick_block(q, buf, count, datatype)) ||
        UNLIKELY(q->len > FABRIC_SMALL)) {
        lane_leave();
        return NULL;
    }
    return outlet;
}

/* And the second: the message is on its way, and the buffer free again. */
HOT_INLINE void quick_send_end(struct node_outlet *outlet, const struct quick *q, const void *buf,
                               int tag)
{
    fabric_tinject_by(outlet, datatype_address(buf, q->type), q->len,
                      p2p_match_out(q->comm, CHANNEL_P2P, tag), (uint64_t)q->comm->rank);
    fabric_tinject_end(outlet);
    lane_leave_unless_off();
}

/* Both. True: it is on its way. */
HOT_INLINE bool quick_send(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest,
                           int tag, MPI_Comm comm)
{
    struct quick q;
    struct node_outlet *outlet = quick_send_begin(&q, buf, count, datatype, dest, tag, comm);

    if (UNLIKELY(!outlet))
        return false;
    quick_send_end(outlet, &q, buf, tag);
    return true;
}

/* A small one where the first way was not open: at the end of a ring or of a loan, to a queue that
 * looked full, to a peer that is new. Lane locked. */
static inline bool quick_send_small(const struct quick *q, struct fabric_peer *to, const void *buf,
                                    uint64_t match)
{
    if (fabric_outlet(to))
        credit_lend(to); /* for the next ones */
    return p2p_inject_small(q->comm, to, CHANNEL_P2P, buf, q->len, match);
}

/* The second way: those, and (not `small`) longer ones, with a call of the provider's. */
static inline bool quick_send_long(const void *buf, MPI_Count count, MPI_Datatype datatype,
                                   int dest, int tag, MPI_Comm comm, bool small)
{
    struct quick q;
    bool sent = false;

    if (!quick_find(&q, buf, count, datatype, comm) || tag < 0 || (small && q.len > FABRIC_SMALL) ||
        !lane_enter())
        return false;
    struct fabric_peer *to = comm_met(q.comm, dest);
    if (LIKELY(to != NULL)) {
        const void *data = datatype_address(buf, q.type);
        uint64_t match = p2p_match_out(q.comm, CHANNEL_P2P, tag);
        sent = (q.len <= FABRIC_SMALL && quick_send_small(&q, to, data, match)) ||
               p2p_inject_block(q.comm, to, CHANNEL_P2P, data, q.len, match);
    }
    lane_leave();
    return sent;
}

/* ---- Receives: of what is next, and of anything ---- */

/*
 * The message that such a receive asks for, where it is the next from a peer that is named, with
 * the tag that is named, and nothing is due but to count it. `more`: as fabric_trecv_small. Lane
 * locked.
 */
HOT_INLINE bool quick_take(const struct quick *q, struct fabric_peer *from, void *buf, int tag,
                           bool more, struct node_received *m)
{
    if (UNLIKELY(!from || !lane.turn) || !credit_owes_more(from, CREDIT_PROGRAM) ||
        !fabric_trecv_small(from, datatype_address(buf, q->type), q->len,
                            p2p_match(q->comm, CHANNEL_P2P, tag), 0, more, m))
        return false;
    lane.turn--;
    credit_owe_less(from, CREDIT_PROGRAM);
    p2p_count_received(CHANNEL_P2P, m->len);
    return true;
}

/* True: the message was there, *request says so. */
HOT_INLINE bool quick_irecv(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                            MPI_Comm comm, MPI_Request *request)
{
    struct quick q;
    struct node_received m;

    if (!quick_find(&q, buf, count, datatype, comm) || UNLIKELY(!request || tag < 0) ||
        UNLIKELY(!lane_enter()))
        return false;
    bool there =
        received_has_room() && quick_take(&q, comm_met(q.comm, source), buf, tag, true, &m);
    if (LIKELY(there))
        *request = received_make(source, tag, (uint32_t)m.len);
    lane_leave();
    return there;
}

/* True: the message was there. */
HOT_INLINE bool quick_recv(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                           MPI_Comm comm, MPI_Status *status)
{
    struct quick q;
    struct node_received m;

    if (!quick_find(&q, buf, count, datatype, comm) || UNLIKELY(tag < 0) || UNLIKELY(!lane_enter()))
        return false;
    struct fabric_peer *from = comm_met(q.comm, source);
    bool there = quick_take(&q, from, buf, tag, false, &m);
    if (LIKELY(there))
        fabric_will_answer(from);
    lane_leave();
    if (there)
        p2p_tell(&m, status);
    return there;
}

/* ---- The same of any message, with a call of the provider's: the second way ---- */

/* The peer that a receive names; NULL with *any false: the long way. Lane locked. */
HOT_INLINE struct fabric_peer *quick_source(const struct comm *c, int source, bool *any)
{
    *any = UNLIKELY(source == MPI_ANY_SOURCE) && c->peers_len && !fabric_has_two;
    return *any ? NULL : comm_met(c, source);
}

HOT_INLINE uint64_t quick_match(const struct comm *c, int tag)
{
    return p2p_match(c, CHANNEL_P2P, UNLIKELY(tag == MPI_ANY_TAG) ? 0 : tag);
}

HOT_INLINE bool quick_is_tag(int tag)
{
    return LIKELY(tag >= 0) || tag == MPI_ANY_TAG;
}

/* The end of a second way, which `took` a message or not. True where it is other work's turn: the
 * caller leaves the lane, and calls request_poll. Lane locked. */
HOT_INLINE bool quick_yields(bool took)
{
    if (took && lane.turn)
        lane.turn--;
    if (LIKELY(lane.turn))
        return false;
    lane.turn = LANE_TURN;
    return true;
}

/* True: the message was there, and *rc says how that ended; *c is where an error goes. */
static inline bool quick_recv_any(void *buf, MPI_Count count, MPI_Datatype datatype, int source,
                                  int tag, MPI_Comm comm, MPI_Status *status, struct comm **c,
                                  int *rc)
{
    struct quick q;
    struct node_received m;
    bool any, there = false;

    if (!quick_find(&q, buf, count, datatype, comm) || !quick_is_tag(tag) || !lane_enter())
        return false;
    *c = q.comm;
    struct fabric_peer *from = quick_source(q.comm, source, &any);
    if (LIKELY(from != NULL) || any)
        there = !fabric_trecv_now(from, datatype_address(buf, q.type), q.len,
                                  quick_match(q.comm, tag), p2p_ignore(tag), &m);
    if (LIKELY(there && !p2p_is_unusual(&m)))
        p2p_took(q.comm, from, &m);
    bool yields = quick_yields(there);
    lane_leave();
    if (yields)
        request_poll();
    if (!there)
        return false;
    *rc = MPI_SUCCESS;
    if (LIKELY(!p2p_is_unusual(&m)))
        p2p_tell(&m, status);
    else
        *rc = p2p_recv_taken(&(struct p2p_receive){q.comm, q.type, buf, count, source, tag}, &m,
                             status);
    return true;
}

/* The request of a receive that has been posted, or is over; NULL: the long way. */
static inline struct request *quick_post(void *buf, MPI_Count count, MPI_Datatype datatype,
                                         int source, int tag, MPI_Comm comm)
{
    struct quick q;
    struct request *r = NULL;
    bool any;

    if (!quick_find(&q, buf, count, datatype, comm) || UNLIKELY(!quick_is_tag(tag)) ||
        !lane_enter())
        return NULL;
    struct fabric_peer *from = quick_source(q.comm, source, &any);
    void *room = datatype_address(buf, q.type);
    if (LIKELY(from != NULL || any))
        r = request_take();
    if (LIKELY(r != NULL)) {
        request_set_receive(r, q.comm, q.type, buf, q.len, source, tag, CHANNEL_P2P);
        r->op.done = post_received;
        credit_posted(from, CREDIT_PROGRAM, 1);
        if (UNLIKELY(kept_count) ||
            UNLIKELY(!fabric_trecv_or_take(from, &r->op, room, q.len, quick_match(q.comm, tag),
                                           p2p_ignore(tag), post_received_plain))) {
            credit_posted(from, CREDIT_PROGRAM, -1);
            request_free(r);
            r = NULL;
        }
    }
    bool yields = quick_yields(r && request_is_done(r));
    lane_leave();
    if (yields)
        request_poll();
    return r;
}

#endif
