/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Point-to-point communication (chapter 3) as the layers above use it: MPI's calls, the collectives
 * and the windows all send and receive through these few functions.
 *
 * Match bits, 60 of them so that every provider can carry them, without those that are the
 * provider's own (FABRIC_EMPTY_BITS):
 *
 *     59 synchronous | 58..56 channel | 51..32 context id | 31..0 tag
 *
 * The channel keeps the library's own traffic apart from the program's on the same communicator.
 * A receive ignores the synchronous bit; it tells the receiver to acknowledge the match with an
 * empty message of the same context and tag on CHANNEL_ACK (messages of one sender and tag match in
 * order, so acknowledgements need no number). On the other channels, where nothing is synchronous,
 * the bit of an empty message says that its sender had no memory for the data, and ends the receive
 * with MPI_ERR_NO_MEM (p2p_send_failure). The sender's rank travels in the message's data word:
 * as many of its lowest bits as ranks of this job need, and more above them where the message is
 * longer than the provider takes (split.h).
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

_Static_assert(!((uint64_t)(COMM_CONTEXTS - 1) << 32 & FABRIC_EMPTY_BITS), "room for the context");

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

extern uint64_t p2p_rank_mask HOT_DATA; /* the job's, from p2p_open */

/* The sender's rank out of a message's data word. */
static inline int p2p_source(uint64_t data)
{
    return (int)(data & p2p_rank_mask);
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
/* The same for fabric_trecv_or_take. */
node_direct_sink post_received_plain;

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
 * In place of a message for which there is no memory, not on CHANNEL_P2P: without a request, as
 * p2p_try_inject; where that says false, as p2p_send.
 */
bool p2p_try_inject_failure(struct comm *c, enum channel channel, int dest, int tag);
int p2p_send_failure(struct request *r, enum channel channel, int dest, int tag);

/* p2p_try_inject of `len` bytes at `data`, with these match bits, to a peer that is known. */
HOT_INLINE bool p2p_inject_block(struct comm *c, struct fabric_peer *to, enum channel channel,
                                 const void *data, size_t len, uint64_t match)
{
    if (len > fabric_limits()->inject || !credit_take(to, p2p_line(channel), len))
        return false;
    if (UNLIKELY(fabric_tinject(to, data, len, match, (uint64_t)c->rank))) {
        credit_untake(to, p2p_line(channel), len);
        return false;
    }
    p2p_count_sent(channel, len);
    return true;
}

/* The same of at most FABRIC_SMALL bytes, without a call; it asks less, and says no more often. */
HOT_INLINE bool p2p_inject_small(struct comm *c, struct fabric_peer *to, enum channel channel,
                                 const void *data, size_t len, uint64_t match)
{
    if (!credit_has_one(to, p2p_line(channel)) ||
        UNLIKELY(!fabric_tinject_small(to, data, len, match, (uint64_t)c->rank)))
        return false;
    credit_spend_one(to, p2p_line(channel));
    p2p_count_sent(channel, len);
    return true;
}

/*
 * The shortest way for a message that the provider takes at once: no request. True where it is on
 * its way (buf is free again); false: use p2p_send. Lane locked.
 */
bool p2p_try_inject(struct comm *c, struct datatype *t, enum channel channel, const void *buf,
                    MPI_Count count, int dest, int tag);

/* The program's calls, no lock held. All but the starts block; status may be NULL. */
int p2p_send_wait(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                  int tag, enum send_mode mode);
int p2p_send_start(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                   int tag, enum send_mode mode, MPI_Request *request);

struct p2p_receive {
    struct comm *comm;
    struct datatype *type;
    void *buf;
    MPI_Count count;
    int source, tag;
};
int p2p_recv_wait(const struct p2p_receive *x, MPI_Status *status);
int p2p_recv_start(const struct p2p_receive *x, MPI_Request *request);

/* ---- A message that was taken for such a receive, by fabric_trecv_now or _small ---- */

/* It is synchronous or in pieces (whose head says that it is synchronous): p2p_recv_taken. */
static inline bool p2p_is_unusual(const struct node_received *m)
{
    return m->tag & P2P_SYNCHRONOUS;
}

/* Does what such a message asks for, no lock held, and waits for the rest of one in pieces. */
int p2p_recv_taken(const struct p2p_receive *x, const struct node_received *m, MPI_Status *status);

/* Counts a message from that rank as received. Lane locked. */
void post_consumed(struct comm *c, int source, enum channel channel, size_t len);

/* The end of one of the program's, whose sender is `from`, or NULL to find it. Lane locked. */
HOT_INLINE void p2p_took(struct comm *c, struct fabric_peer *from, const struct node_received *m)
{
    if (LIKELY(from != NULL))
        credit_consumed(from, CREDIT_PROGRAM, m->len);
    else
        post_consumed(c, p2p_source(m->data), CHANNEL_P2P, m->len);
    p2p_count_received(CHANNEL_P2P, m->len);
}

HOT_INLINE void p2p_tell(const struct node_received *m, MPI_Status *status)
{
    if (!status)
        return;
    status->MPI_SOURCE = p2p_source(m->data);
    status->MPI_TAG = (int)(uint32_t)m->tag;
    status_set_bytes(status, m->len);
    status_set_cancelled(status, false);
}

/* 3.10: exchange.c says what goes first. `replace`: what is sent is copied before it is
 * overwritten. */
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
    struct kept *kept;       /* where it is one of those; NULL: request->op has claimed it */
    struct message *next;    /* while it is no message */
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

/* `ranks`: of the job. */
int p2p_open(uint32_t ranks);
void p2p_close(void);
/* Gives back what probes keep. Lane locked. */
void probe_close(void);

#endif
