/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send-receive (3.10), blocking and nonblocking, also in place. The receive is posted first, unless
 * the send is over at once and the receive needs no posting; where the send then fails, the receive
 * is asked back.
 */
#include "core/object/err.h"
#include "core/p2p/post.h"
#include "core/p2p/quick.h"

/* In place: what is sent is packed before the receive may write over it. */
static int exchange_recv(const struct p2p_exchange *x, struct request *s, struct request *r)
{
    int rc = MPI_SUCCESS;

    if (x->replace && x->dest != MPI_PROC_NULL)
        rc = post_copy(s, x->send, x->send_count);
    return rc ? rc : p2p_recv(r, CHANNEL_P2P, x->recv, x->recv_count, x->source, x->recv_tag);
}

static int exchange_send(const struct p2p_exchange *x, struct request *s)
{
    return p2p_send(s, CHANNEL_P2P, x->send, x->send_count, x->dest, x->send_tag, SEND_STANDARD);
}

/* Whether what that rank sends is read by this process itself, so that a receive can wait for it
 * without being posted. Lane locked. */
static bool exchange_reads(const struct comm *c, int source)
{
    struct fabric_peer *from = comm_met(c, source);

    return source == MPI_ANY_SOURCE ? fabric_receives_now(fabric_any(c->reach))
                                    : from && fabric_receives_now(from);
}

/*
 * Two that exchange short messages have both sent before either reads, since what is read takes
 * most of the time. True: what is sent has left its buffer.
 */
static bool exchange_inject(const struct p2p_exchange *x)
{
    size_t bytes;

    lane_lock();
    bool sent = exchange_reads(x->comm, x->source) &&
                !post_bytes(x->recv_type, x->recv_count, &bytes) &&
                p2p_try_inject(x->comm, x->send_type, CHANNEL_P2P, x->send, x->send_count, x->dest,
                               x->send_tag);
    bool yields = quick_yields(sent);
    lane_unlock();
    if (yields)
        request_poll();
    return sent;
}

int p2p_exchange_wait(const struct p2p_exchange *x, MPI_Status *status)
{
    struct request s, r;

    if (exchange_inject(x))
        return p2p_recv_wait(&(struct p2p_receive){x->comm, x->recv_type, x->recv, x->recv_count,
                                                   x->source, x->recv_tag},
                             status);
    request_make(&s, REQUEST_SEND, x->comm, x->send_type);
    request_make(&r, REQUEST_RECV, x->comm, x->recv_type);
    lane_lock();
    int rc = exchange_recv(x, &s, &r);
    bool receiving = !rc, sending = false;
    if (!rc) {
        rc = exchange_send(x, &s);
        sending = !rc;
        if (rc && !request_is_done(&r))
            fabric_cancel(&r.op);
        lane_progress();
    }
    lane_unlock();
    if (sending) {
        request_wait_flag(&s.done);
        rc = request_status(&s, NULL);
    }
    if (receiving) {
        request_wait(&r);
        int rc_recv = request_status(&r, rc ? NULL : status);
        rc = rc ? rc : rc_recv;
    }
    request_unmake(&s);
    request_unmake(&r);
    return rc;
}

/* One of the two is over; the pair's status is the receive's. */
static void exchange_part(struct request *part)
{
    struct request *pair = part->owner;

    if (part->kind == REQUEST_RECV) {
        pair->source = part->source;
        pair->tag = part->tag;
        pair->len = part->len;
        pair->bytes = part->bytes;
    }
    if (part->error && !pair->error) {
        pair->error = part->error;
        pair->cause = part->cause;
    }
    request_free(part);
    if (--pair->parts == 0)
        request_complete(pair);
}

static struct request *exchange_new(enum request_kind kind, struct comm *c, struct datatype *t,
                                    struct request *pair)
{
    struct request *part = request_new(kind, c, t);

    if (part) {
        part->then = exchange_part;
        part->owner = pair;
    }
    return part;
}

static int exchange_start(const struct p2p_exchange *x, struct request **request)
{
    struct request *pair, *s, *r;
    int rc = MPI_ERR_NO_MEM;

    if (!(pair = request_new(REQUEST_PAIR, x->comm, NULL)))
        return rc;
    pair->parts = 2;
    if (!(s = exchange_new(REQUEST_SEND, x->comm, x->send_type, pair)))
        goto free_pair;
    if (!(r = exchange_new(REQUEST_RECV, x->comm, x->recv_type, pair)))
        goto free_send;
    rc = exchange_recv(x, s, r);
    if (rc)
        goto free_recv;
    rc = exchange_send(x, s);
    if (rc) {
        /* The receive is out, so the error comes with the request; r lives while its part does. */
        if (pair->parts == 2)
            fabric_cancel(&r->op);
        s->error = rc;
        exchange_part(s);
    }
    *request = pair;
    return MPI_SUCCESS;

free_recv:
    request_free(r);
free_send:
    request_free(s);
free_pair:
    request_free(pair);
    return rc;
}

int p2p_exchange_start(const struct p2p_exchange *x, struct request **request)
{
    lane_lock();
    int rc = exchange_start(x, request);
    lane_unlock();
    return rc;
}
