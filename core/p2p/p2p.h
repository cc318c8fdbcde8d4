/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Point-to-point communication (chapter 3) as the layers above use it: MPI's calls, the collectives
 * and the windows all send and receive through these few functions.
 *
 * Match bits, 60 of them so that every provider can carry them:
 *
 *     59 synchronous | 58..56 channel | 55..32 context id | 31..0 tag
 *
 * The channel keeps the library's own traffic apart from the program's on the same communicator.
 * A receive ignores the synchronous bit; it tells the receiver to acknowledge the match with an
 * empty message of the same context and tag on CHANNEL_ACK (messages of one sender and tag match in
 * order, so acknowledgements need no number). The sender's rank travels as the message's data word,
 * with more above it where the message is longer than the provider takes (split.h).
 */
#ifndef ORIEL_P2P_P2P_H
#define ORIEL_P2P_P2P_H

#include "core/p2p/credit.h"
#include "core/p2p/request.h"
#include "provider/base/count.h"
#include "provider/base/hot.h"

enum channel {
    CHANNEL_P2P,
    CHANNEL_COLL,
    CHANNEL_ACK,
    CHANNEL_WIN,
    CHANNEL_PART,
    CHANNEL_MAKE,  /* making communicators: MPI_Comm_create_group and the like */
    CHANNEL_END,   /* the last barrier, of MPI_Finalize */
    CHANNEL_PIECE, /* of messages that are longer than the provider takes: split.h */
};

enum { P2P_TAG_BITS = 31 }; /* MPI_TAG_UB is 2^31 - 1 */

#define P2P_SYNCHRONOUS (UINT64_C(1) << 59)

/* The channel that match bits name. */
static inline enum channel p2p_channel(uint64_t match)
{
    return (enum channel)(match >> 56 & 7);
}

static inline uint64_t p2p_bits(enum channel channel, uint32_t context, int tag)
{
    return (uint64_t)channel << 56 | (uint64_t)context << 32 | (uint32_t)tag;
}

/* What a receive or probe asks for. */
static inline uint64_t p2p_match(const struct comm *c, enum channel channel, int tag)
{
    return p2p_bits(channel, c->context, tag);
}

/* What a message says: the context id is that of its receiver. */
static inline uint64_t p2p_match_out(const struct comm *c, enum channel channel, int tag)
{
    return p2p_bits(channel, c->remote_context, tag);
}

/* The bits that a receive or probe does not look at. */
static inline uint64_t p2p_ignore(int tag)
{
    return P2P_SYNCHRONOUS | (tag == MPI_ANY_TAG ? UINT32_MAX : 0);
}

/* Which of the two lines to a peer a message takes (credit.h). */
static inline enum credit_line p2p_line(enum channel channel)
{
    return channel == CHANNEL_P2P ? CREDIT_PROGRAM : CREDIT_LIBRARY;
}

/* Counts a message as the program's or as one of a collective's. Lane locked. */
HOT_INLINE void p2p_count_sent(enum channel channel, size_t len)
{
    bool own = channel == CHANNEL_P2P || channel == CHANNEL_PART;

    count_add(own ? &counts.p2p_sent : &counts.coll_sent, 1);
    count_add(own ? &counts.p2p_sent_bytes : &counts.coll_sent_bytes, len);
}

HOT_INLINE void p2p_count_received(enum channel channel, size_t len)
{
    bool own = channel == CHANNEL_P2P || channel == CHANNEL_PART;

    count_add(own ? &counts.p2p_received : &counts.coll_received, 1);
    count_add(own ? &counts.p2p_received_bytes : &counts.coll_received_bytes, len);
}

/* A receive's completion: fills the status, unpacks, acknowledges. Lane locked. */
void post_received(struct fabric_op *op, const struct fabric_event *event);

/*
 * Posts a send or receive of an existing request, lane locked. r has come from request_new with the
 * communicator and type; arguments are right (checked above); dest and source may be MPI_PROC_NULL
 * and source MPI_ANY_SOURCE, tag MPI_ANY_TAG. The request may be complete, and its `then` called,
 * before these return. On an error nothing has been posted and r is as before. Synchronous and
 * buffered sends are CHANNEL_P2P's alone.
 */
int p2p_send(struct request *r, enum channel channel, const void *buf, MPI_Count count, int dest,
             int tag, enum send_mode mode);
int p2p_recv(struct request *r, enum channel channel, void *buf, MPI_Count count, int source,
             int tag);

/*
 * The shortest way for a message that the provider takes at once: no request. True where it is on
 * its way (buf is free again); false: use p2p_send. Lane locked.
 */
bool p2p_try_inject(struct comm *c, struct datatype *t, enum channel channel, const void *buf,
                    MPI_Count count, int dest, int tag);

/*
 * The same for what nearly all messages are, small and in one block and not the first to that peer,
 * without a call between the entry point and the fabric. Lane locked.
 */
HOT_INLINE bool p2p_inject_block(struct comm *c, struct datatype *t, enum channel channel,
                                 const void *buf, MPI_Count count, int dest, int tag)
{
    size_t len;

    if (dest < 0 || !c->peers || !c->peers[dest] || !t->contiguous ||
        __builtin_mul_overflow((size_t)t->size, (size_t)count, &len) || len > fabric_inject_most ||
        !credit_take(c->peers[dest], p2p_line(channel), len))
        return false;
    if (fabric_tinject(c->peers[dest], datatype_address(buf, t), len,
                       p2p_match_out(c, channel, tag), (uint64_t)c->rank)) {
        credit_untake(c->peers[dest], p2p_line(channel), len);
        return false;
    }
    p2p_count_sent(channel, len);
    return true;
}

/* No lock held: all block. Status may be NULL. */
int p2p_send_wait_slow(struct comm *c, const void *buf, MPI_Count count, struct datatype *t,
                       int dest, int tag, enum send_mode mode);
HOT_INLINE int p2p_send_wait(struct comm *c, const void *buf, MPI_Count count, struct datatype *t,
                             int dest, int tag, enum send_mode mode)
{
    if (mode != SEND_SYNCHRONOUS) {
        lane_lock();
        bool sent = p2p_inject_block(c, t, CHANNEL_P2P, buf, count, dest, tag);
        lane_unlock();
        if (__builtin_expect(sent, 1))
            return MPI_SUCCESS;
    }
    return p2p_send_wait_slow(c, buf, count, t, dest, tag, mode);
}
int p2p_recv_wait(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int source,
                  int tag, MPI_Status *status);

/* Nonblocking: as the two above, with a request that has a handle. */
int p2p_send_start_slow(struct comm *c, const void *buf, MPI_Count count, struct datatype *t,
                        int dest, int tag, enum send_mode mode, MPI_Request *request);
HOT_INLINE int p2p_send_start(struct comm *c, const void *buf, MPI_Count count, struct datatype *t,
                              int dest, int tag, enum send_mode mode, MPI_Request *request)
{
    if (mode != SEND_SYNCHRONOUS) {
        lane_lock();
        bool sent = p2p_inject_block(c, t, CHANNEL_P2P, buf, count, dest, tag);
        lane_unlock();
        if (__builtin_expect(sent, 1)) {
            *request = (MPI_Request)request_sent.object.handle;
            return MPI_SUCCESS;
        }
    }
    return p2p_send_start_slow(c, buf, count, t, dest, tag, mode, request);
}

/*
 * Posts what nearly all of the program's receives are, into one block and from a peer that is
 * known, without a call between the entry point and the fabric. NULL: use p2p_recv. Lane locked.
 */
HOT_INLINE struct request *p2p_recv_block(struct comm *c, struct datatype *t, void *buf,
                                          MPI_Count count, int source, int tag)
{
    struct fabric_peer *from = NULL;
    size_t len;

    if (UNLIKELY(!t->contiguous || !c->peers || source < MPI_ANY_SOURCE ||
                 __builtin_mul_overflow((size_t)t->size, (size_t)count, &len) || len > PTRDIFF_MAX))
        return NULL;
    if (source != MPI_ANY_SOURCE && UNLIKELY(!(from = c->peers[source])))
        return NULL;
    struct request *r = request_new(REQUEST_RECV, c, t);
    if (UNLIKELY(!r))
        return NULL;
    r->buf = buf;
    r->bytes = len;
    r->peer = source;
    r->want = tag;
    r->channel = CHANNEL_P2P;
    r->plain = true;
    r->op.done = post_received;
    if (UNLIKELY(fabric_trecv(from, &r->op, datatype_address(buf, t), len,
                              p2p_match(c, CHANNEL_P2P, tag == MPI_ANY_TAG ? 0 : tag),
                              p2p_ignore(tag)))) {
        request_free(r);
        return NULL;
    }
    credit_posted(from, CREDIT_PROGRAM, 1);
    return r;
}

int p2p_recv_start_slow(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int source,
                        int tag, MPI_Request *request);
HOT_INLINE int p2p_recv_start(struct comm *c, void *buf, MPI_Count count, struct datatype *t,
                              int source, int tag, MPI_Request *request)
{
    lane_lock();
    struct request *r = p2p_recv_block(c, t, buf, count, source, tag);
    lane_unlock();
    if (LIKELY(r))
        return request_publish(r, request);
    return p2p_recv_start_slow(c, buf, count, t, source, tag, request);
}

/* 3.10: the receive is posted first. `replace`: what is sent is copied before it is overwritten. */
struct p2p_exchange {
    struct comm *comm;
    const void *send;
    MPI_Count send_count;
    struct datatype *send_type;
    int dest, send_tag;
    void *recv;
    MPI_Count recv_count;
    struct datatype *recv_type;
    int source, recv_tag;
    bool replace; /* send and recv are the same buffer */
};
int p2p_exchange_wait(const struct p2p_exchange *x, MPI_Status *status);
int p2p_exchange_start(const struct p2p_exchange *x, struct request **request);

/* A matched message (3.8.2), claimed from the provider; its handle is an MPI_Message. */
struct message {
    struct object object;
    struct request *request; /* the receive that will be; NULL: MPI_MESSAGE_NO_PROC's */
};

extern struct message message_no_proc;

static inline struct message *message_find(MPI_Message handle)
{
    return (struct message *)object_find(OBJECT_MESSAGE, handle);
}

/*
 * No lock held. `message` NULL: look only. *found false: nothing there. One round of progress. A
 * message that is found has a handle.
 */
int p2p_probe(struct comm *c, int source, int tag, bool *found, struct message **message,
              MPI_Status *status);
int p2p_probe_wait(struct comm *c, int source, int tag, struct message **message,
                   MPI_Status *status);
/* Receives a matched message, which is gone afterwards. The request has no handle yet. */
int p2p_mrecv(struct message *m, void *buf, MPI_Count count, struct datatype *t,
              struct request **request);

/* A persistent send or receive (3.9), inactive. No lock held. */
int p2p_send_init(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                  int tag, enum send_mode mode, struct request **request);
int p2p_recv_init(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int source,
                  int tag, struct request **request);

/*
 * Waits until every send has left: those of freed requests and of buffered messages too.
 * MPI_Finalize calls it before its barrier, so that all ranks still make progress.
 */
void p2p_drain(void);

int p2p_open(void);
void p2p_close(void);

#endif
