/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short ways of the program's calls, from the handles to the fabric without a call between: for
 * what nearly all messages are, right in every argument, in one block, to or from a peer that is
 * known. One pass asks all that the checks of check.h, the posting below and the fabric would ask
 * one after the other. Where an answer is no, nothing has been done and nothing said: the call then
 * takes the long way, which finds out what is wrong, or different. That is also how it goes where
 * threads share the lane. Called without the lane's lock.
 */
#ifndef ORIEL_P2P_QUICK_H
#define ORIEL_P2P_QUICK_H

#include "core/p2p/kept.h"
#include "core/p2p/p2p.h"

/* Below it, a count and a type's size have a product that is right. */
enum { QUICK_MOST = INT32_MAX };

/* The communicator and the block of `len` bytes that a call speaks of; false: the long way. */
HOT_INLINE bool quick_arguments(MPI_Comm comm, MPI_Datatype datatype, const void *buf,
                                MPI_Count count, struct comm **c, struct datatype **t, size_t *len)
{
    *c = comm_find(comm);
    *t = datatype_find(datatype);
    if (UNLIKELY(!*c || !*t || !(*t)->contiguous || !(*t)->committed ||
                 (uint64_t)(*t)->size > QUICK_MOST || (uint64_t)count > QUICK_MOST))
        return false;
    *len = (size_t)(*t)->size * (size_t)count;
    /* Where there is no address there must be no data, or the type's own is absolute. */
    return LIKELY(buf != NULL) || !*len;
}

/* True: the message is on its way, and the buffer free again. */
HOT_INLINE bool quick_send(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest,
                           int tag, MPI_Comm comm)
{
    struct comm *c;
    struct datatype *t;
    size_t len;

    if (!quick_arguments(comm, datatype, buf, count, &c, &t, &len) ||
        UNLIKELY(len > FABRIC_SMALL || tag < 0))
        return false;
    if (!lane_enter())
        return false;
    struct fabric_peer *to = comm_met(c, dest);
    bool sent = LIKELY(to != NULL) && credit_take_one(to, CREDIT_PROGRAM);
    if (LIKELY(sent)) {
        sent = fabric_tinject_small(to, datatype_address(buf, t), len,
                                    p2p_match_out(c, CHANNEL_P2P, tag), (uint64_t)c->rank);
        if (UNLIKELY(!sent))
            credit_untake(to, CREDIT_PROGRAM, len);
        else
            p2p_count_sent(CHANNEL_P2P, len);
    }
    lane_leave();
    return sent;
}

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

enum { QUICK_TAKEN = 256 }; /* messages taken in a row, before other work gets its turn */

/* The end of a short way that has taken a message; true: request_poll is due, once the lane is
 * left. */
HOT_INLINE bool quick_took(void)
{
    return UNLIKELY(++lane.taken % QUICK_TAKEN == 0);
}

/* True: the message was there, and *rc says how that ended; *c is where an error goes. */
HOT_INLINE bool quick_recv(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                           MPI_Comm comm, MPI_Status *status, struct comm **c, int *rc)
{
    struct node_received m;
    struct datatype *t;
    size_t len;
    bool any;

    if (!quick_arguments(comm, datatype, buf, count, c, &t, &len) || !quick_is_tag(tag))
        return false;
    if (!lane_enter())
        return false;
    struct fabric_peer *from = quick_source(*c, source, &any);
    uint64_t match = quick_match(*c, tag), ignore = p2p_ignore(tag);
    void *room = datatype_address(buf, t);
    bool there = LIKELY(from != NULL) && fabric_trecv_small(from, room, len, match, ignore, &m);
    if (there)
        fabric_will_answer(from);
    else if (LIKELY(from != NULL) || any)
        there = !fabric_trecv_now(from, room, len, match, ignore, &m);
    if (LIKELY(there && !p2p_is_unusual(&m)))
        p2p_took(*c, from, &m);
    bool due = there && quick_took();
    lane_leave();
    if (!there)
        return false;
    if (due)
        request_poll();
    *rc = MPI_SUCCESS;
    if (LIKELY(!p2p_is_unusual(&m)))
        p2p_tell(&m, status);
    else
        *rc = p2p_recv_taken(&(struct p2p_receive){*c, t, buf, count, source, tag}, &m, status);
    return true;
}

/* The request of a receive that has been posted, or is over; NULL: the long way. */
HOT_INLINE struct request *quick_post(void *buf, MPI_Count count, MPI_Datatype datatype, int source,
                                      int tag, MPI_Comm comm)
{
    struct request *r = NULL;
    struct node_received m;
    struct comm *c;
    struct datatype *t;
    size_t len;
    bool any, due = false;

    if (!quick_arguments(comm, datatype, buf, count, &c, &t, &len) || UNLIKELY(!quick_is_tag(tag)))
        return NULL;
    if (!lane_enter())
        return NULL;
    struct fabric_peer *from = quick_source(c, source, &any);
    void *room = datatype_address(buf, t);
    if (LIKELY(from != NULL || any))
        r = request_take();
    /* A synchronous message has another tag and is left: it takes more than this. */
    if (LIKELY(r && from && tag >= 0) &&
        fabric_trecv_small(from, room, len, quick_match(c, tag), 0, &m)) {
        request_set_received(r, source, len, &m);
        p2p_took_small(from, &m);
        due = quick_took();
    } else if (LIKELY(r != NULL)) {
        request_set_receive(r, c, t, buf, len, source, tag, CHANNEL_P2P);
        r->op.done = post_received;
        credit_posted(from, CREDIT_PROGRAM, 1);
        if (UNLIKELY(kept_count) ||
            UNLIKELY(!fabric_trecv_or_take(from, &r->op, room, len, quick_match(c, tag),
                                           p2p_ignore(tag), post_received_plain))) {
            credit_posted(from, CREDIT_PROGRAM, -1);
            request_free(r);
            r = NULL;
        }
    }
    lane_leave();
    if (due)
        request_poll();
    return r;
}

#endif
