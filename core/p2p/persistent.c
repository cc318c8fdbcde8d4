/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistent sends and receives (3.9): the arguments are kept, every start posts them again. */
#include "core/p2p/p2p.h"

static int persistent_start(struct request *r)
{
    lane_lock();
    atomic_store_explicit(&r->done, false, memory_order_relaxed);
    r->active = true;
    r->cancelled = false;
    r->parts = 1;
    r->source = MPI_ANY_SOURCE;
    r->tag = MPI_ANY_TAG;
    r->error = MPI_SUCCESS;
    r->cause = 0;
    r->len = 0;
    int rc = r->kind == REQUEST_SEND
                 ? p2p_send(r, CHANNEL_P2P, r->buf, r->count, r->peer, r->want, r->mode)
                 : p2p_recv(r, CHANNEL_P2P, r->buf, r->count, r->peer, r->want);
    if (rc) {
        r->active = false;
        atomic_store_explicit(&r->done, true, memory_order_release);
    }
    lane_unlock();
    return rc;
}

static const struct request_ops persistent_ops = {.start = persistent_start};

static int persistent_new(enum request_kind kind, struct comm *c, void *buf, MPI_Count count,
                          struct datatype *t, int peer, int tag, enum send_mode mode,
                          struct request **request)
{
    lane_lock();
    struct request *r = request_new(kind, c, t);
    lane_unlock();
    if (!r)
        return MPI_ERR_NO_MEM;
    r->ops = &persistent_ops;
    r->persistent = true;
    r->buf = buf;
    r->count = count;
    r->peer = peer;
    r->want = tag;
    r->mode = mode;
    atomic_store_explicit(&r->done, true, memory_order_release);
    *request = r;
    return MPI_SUCCESS;
}

int p2p_send_init(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                  int tag, enum send_mode mode, struct request **request)
{
    return persistent_new(REQUEST_SEND, c, (void *)buf, count, t, dest, tag, mode, request);
}

int p2p_recv_init(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int source,
                  int tag, struct request **request)
{
    return persistent_new(REQUEST_RECV, c, buf, count, t, source, tag, SEND_STANDARD, request);
}
