/* SPDX-License-Identifier: BSD-3-Clause */
/* Sends: inject where the provider takes the message at once, an operation where it does not. */
#include <assert.h>

#include "core/object/err.h"
#include "core/p2p/bounce.h"
#include "core/p2p/split.h"

int post_bytes(const struct datatype *t, MPI_Count count, size_t *bytes)
{
    size_t n;

    if (__builtin_mul_overflow((size_t)t->size, (size_t)count, &n) || n > PTRDIFF_MAX)
        return err_set(MPI_ERR_COUNT, "%lld items of %lld bytes are more than memory can hold",
                       (long long)count, (long long)t->size);
    *bytes = n;
    return MPI_SUCCESS;
}

int post_copy(struct request *r, const void *buf, MPI_Count count)
{
    int rc = post_bytes(r->type, count, &r->bytes);

    if (rc)
        return rc;
    r->bounce = bounce_take(r->bytes);
    if (!r->bounce)
        return err_set(MPI_ERR_NO_MEM, "no memory to pack a message of %zu bytes", r->bytes);
    datatype_pack(buf, count, r->type, 0, r->bounce, r->bytes);
    return MPI_SUCCESS;
}

void post_part_sent(struct request *r, int negative_errno)
{
    if (negative_errno) {
        r->cause = negative_errno;
        r->error = err_from_errno(negative_errno, "sending a message");
    }
    if (--r->parts == 0)
        request_complete(r);
}

static void sent(struct fabric_op *op, const struct fabric_event *event)
{
    post_pending(-1);
    post_part_sent(container_of(op, struct request, op), event->error);
}

int post_send(struct request *r, struct fabric_peer *to, uint64_t match, const void *data,
              size_t len)
{
    r->op.done = sent;
    if (len > fabric_limits()->transfer)
        return split_send(r, to, match, data, len);
    enum channel channel = p2p_channel(match);
    uint64_t from = (uint64_t)r->comm->rank;
    int rc;
    if (channel == CHANNEL_ACK) { /* it is expected: it goes whatever else waits */
        rc = fabric_tsend(to, &r->op, data, len, match, from);
    } else {
        credit_message(&r->op, data, len, r->scattered.type ? &r->scattered.scatter : NULL);
        rc = credit_send(to, p2p_line(channel), &r->op, match, from);
    }
    if (rc)
        return err_from_errno(rc, "sending a message");
    post_pending(1);
    return MPI_SUCCESS;
}

bool p2p_try_inject(struct comm *c, struct datatype *t, enum channel channel, const void *buf,
                    MPI_Count count, int dest, int tag)
{
    struct fabric_peer *to;
    size_t len;

    if (dest == MPI_PROC_NULL)
        return true;
    if (comm_peer(c, dest, &to) || __builtin_mul_overflow((size_t)t->size, (size_t)count, &len))
        return false;
    if (LIKELY(datatype_is_block(t, count)))
        return p2p_inject_block(c, to, channel, datatype_address(buf, t), len,
                                p2p_match_out(c, channel, tag));
    if (len > fabric_limits()->inject || !credit_take(to, p2p_line(channel), len))
        return false;
    if (scattered_inject(to, buf, count, t, len, p2p_match_out(c, channel, tag),
                         (uint64_t)c->rank)) {
        credit_untake(to, p2p_line(channel), len);
        return false;
    }
    p2p_count_sent(channel, len);
    return true;
}

/* ---- Synchronous sends: the acknowledgement ---- */

static void acked(struct fabric_op *op, const struct fabric_event *event)
{
    struct request *ack = container_of(op, struct request, op), *r = ack->owner;

    request_free(ack);
    if (!r)
        return;
    r->ack = NULL;
    post_part_sent(r, r->cancelled ? 0 : event->error);
}

/* Posts the receive for it; in front of the send, so that it is never unexpected. */
static int ack_expect(struct request *r, struct fabric_peer *from, int tag, struct request **ack)
{
    struct request *a = request_new(REQUEST_RECV, r->comm, NULL);

    if (!a)
        return MPI_ERR_NO_MEM;
    a->owner = r;
    a->op.done = acked;
    int rc = fabric_trecv(from, &a->op, NULL, 0, p2p_match(r->comm, CHANNEL_ACK, tag), 0);
    if (rc) {
        request_free(a);
        return err_from_errno(rc, "waiting for the receiver of a synchronous send");
    }
    *ack = a;
    return MPI_SUCCESS;
}

static void ack_gone(struct request *r)
{
    request_free(r);
}

void post_ack(struct comm *c, int source, int tag)
{
    struct fabric_peer *to;
    uint64_t match = p2p_match_out(c, CHANNEL_ACK, tag);

    if (comm_peer(c, source, &to) || !fabric_tinject(to, NULL, 0, match, (uint64_t)c->rank))
        return;
    struct request *r = request_new(REQUEST_SEND, c, NULL);
    if (!r)
        return;
    r->then = ack_gone;
    if (post_send(r, to, match, NULL, 0))
        request_free(r);
}

static int send_synchronous(struct request *r, struct fabric_peer *to, uint64_t match,
                            const void *data, int tag)
{
    struct request *ack = NULL;
    int rc = ack_expect(r, to, tag, &ack);

    if (rc)
        return rc;
    r->parts = 2;
    r->ack = &ack->op;
    rc = post_send(r, to, match | P2P_SYNCHRONOUS, data, r->bytes);
    if (rc) {
        r->ack = NULL;
        ack->owner = NULL;
        fabric_cancel(&ack->op);
    }
    return rc;
}

/* ---- Cancelling ---- */

/* A synchronous one's acknowledgement will not come: its receive is taken back, and ends it. */
void post_withdraw(struct request *r)
{
    if (!credit_withdraw(&r->op, CREDIT_PROGRAM))
        return;
    post_pending(-1);
    r->cancelled = true;
    if (r->ack)
        fabric_cancel(r->ack);
    post_part_sent(r, 0);
}

/* ---- The calls ---- */

/* The message as one block, or as r->scattered. */
static int send_data(struct request *r, const void *buf, MPI_Count count,
                     const struct fabric_peer *to, const void **data)
{
    int rc = post_bytes(r->type, count, &r->bytes);

    if (rc)
        return rc;
    bool scattered = !r->bounce && !datatype_is_block(r->type, count);
    r->scattered.type = NULL;
    if (scattered && fabric_scatters(to))
        scattered_init(&r->scattered, buf, count, r->type, r->bytes);
    else if (scattered)
        rc = post_copy(r, buf, count);
    if (!rc)
        *data = r->bounce ? r->bounce : datatype_address(buf, r->type);
    return rc;
}

int p2p_send(struct request *r, enum channel channel, const void *buf, MPI_Count count, int dest,
             int tag, enum send_mode mode)
{
    struct fabric_peer *to;
    const void *data = NULL;
    uint64_t match = p2p_match_out(r->comm, channel, tag);

    assert(mode == SEND_STANDARD || mode == SEND_READY || channel == CHANNEL_P2P);
    if (dest == MPI_PROC_NULL ||
        (mode != SEND_SYNCHRONOUS && !r->bounce &&
         p2p_try_inject(r->comm, r->type, channel, buf, count, dest, tag))) {
        request_complete(r);
        return MPI_SUCCESS;
    }
    int rc = comm_peer(r->comm, dest, &to);
    if (rc)
        return rc;
    if (mode == SEND_BUFFERED)
        return post_buffered(r, to, match, buf, count);
    rc = send_data(r, buf, count, to, &data);
    size_t len = r->bytes; /* the request may be gone when it has been posted */
    if (!rc && mode == SEND_SYNCHRONOUS && len <= fabric_limits()->transfer)
        rc = send_synchronous(r, to, match, data, tag);
    else if (!rc)
        rc = post_send(r, to, match, data, len);
    if (rc) {
        bounce_give(r->bounce);
        r->bounce = NULL;
        return rc;
    }
    p2p_count_sent(channel, len);
    return MPI_SUCCESS;
}

bool p2p_try_inject_failure(struct comm *c, enum channel channel, int dest, int tag)
{
    struct fabric_peer *to;

    assert(channel != CHANNEL_P2P);
    return !comm_peer(c, dest, &to) &&
           p2p_inject_block(c, to, channel, NULL, 0,
                            p2p_match_out(c, channel, tag) | P2P_SYNCHRONOUS);
}

int p2p_send_failure(struct request *r, enum channel channel, int dest, int tag)
{
    struct fabric_peer *to;
    int rc = comm_peer(r->comm, dest, &to);

    assert(channel != CHANNEL_P2P);
    r->bytes = 0;
    r->scattered.type = NULL;
    if (!rc)
        rc = post_send(r, to, p2p_match_out(r->comm, channel, tag) | P2P_SYNCHRONOUS, NULL, 0);
    if (!rc)
        p2p_count_sent(channel, 0);
    return rc;
}

int p2p_send_wait(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                  int tag, enum send_mode mode)
{
    struct request r;
    void *packed;

    if (dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    int rc = scattered_pack(c, dest, buf, count, t, &packed);
    if (rc)
        return rc;
    lane_lock();
    if (!packed && mode != SEND_SYNCHRONOUS &&
        p2p_try_inject(c, t, CHANNEL_P2P, buf, count, dest, tag)) {
        lane_unlock();
        return MPI_SUCCESS;
    }
    request_make(&r, REQUEST_SEND, c, t);
    r.bounce = packed;
    rc = p2p_send(&r, CHANNEL_P2P, buf, count, dest, tag, mode);
    lane_unlock();
    if (!rc) {
        request_wait_flag(&r.done);
        rc = request_status(&r, NULL);
    }
    request_unmake(&r);
    return rc;
}

int p2p_send_start(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                   int tag, enum send_mode mode, MPI_Request *request)
{
    void *packed;

    if (dest == MPI_PROC_NULL) {
        *request = (MPI_Request)request_sent.object.handle;
        return MPI_SUCCESS;
    }
    int rc = scattered_pack(c, dest, buf, count, t, &packed);
    if (rc)
        return rc;
    lane_lock();
    if (!packed && mode != SEND_SYNCHRONOUS &&
        p2p_try_inject(c, t, CHANNEL_P2P, buf, count, dest, tag)) {
        lane_unlock();
        *request = (MPI_Request)request_sent.object.handle;
        return MPI_SUCCESS;
    }
    struct request *r = request_new(REQUEST_SEND, c, t);
    if (r) {
        r->bounce = packed;
        rc = p2p_send(r, CHANNEL_P2P, buf, count, dest, tag, mode);
    } else {
        bounce_give(packed);
        rc = MPI_ERR_NO_MEM;
    }
    if (rc && r)
        request_free(r);
    lane_unlock();
    return rc ? rc : request_publish(r, request);
}
