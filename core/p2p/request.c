/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/err.h"
#include "core/object/status.h"
#include "core/p2p/bounce.h"
#include "core/p2p/post.h"
#include "provider/fabric/wait.h"

/* ---- Life ---- */

/* The table of handles publishes what can be released; a request is, by request_free alone. */
static void request_release(struct object *o)
{
    request_free(container_of(o, struct request, object));
}

void request_make(struct request *r, enum request_kind kind, struct comm *comm,
                  struct datatype *type)
{
    object_init(&r->object, OBJECT_REQUEST, request_release);
    request_clear(r);
    request_reset(r, kind, comm, type);
}

void request_unmake(struct request *r)
{
    if (UNLIKELY(r->bounce))
        bounce_give(r->bounce);
    request_drop(r);
}

struct request *request_fresh(void)
{
    struct request *r = pool_get(&lane.requests);

    if (!r) {
        err_set(MPI_ERR_NO_MEM, "no memory for another request");
        return NULL;
    }
    object_init(&r->object, OBJECT_REQUEST, request_release);
    request_clear(r);
    r->comm = NULL;
    r->type = NULL;
    return r;
}

void request_free(struct request *r)
{
    assert(lock_held(&lane.lock));
    if (r->ops && r->ops->free)
        r->ops->free(r);
    if (UNLIKELY(r->bounce))
        bounce_give(r->bounce);
    request_clear(r);
    object_retire(&r->object);
    request_drop(r);
    r->owner = lane.spare;
    lane.spare = r;
}

void request_close_all(void)
{
    while (lane.spare) {
        struct request *r = lane.spare;
        lane.spare = r->owner;
        object_close(&r->object);
        pool_put(&lane.requests, r);
    }
}

int request_unpublished(struct request *r, int rc)
{
    request_cancel(r);
    request_detach(r);
    return rc;
}

struct request request_sent, request_received;

static void make_done(struct request *r, enum request_kind kind)
{
    request_make(r, kind, NULL, NULL);
    r->shared = true;
    atomic_store(&r->done, true);
}

struct request *request_show(MPI_Request handle)
{
    static _Thread_local struct request shown;
    uint32_t place = received_place(handle);
    const struct received *m = &received.told[place];

    if (place == RECEIVED_MOST)
        return NULL; /* another thread has just completed it, which is an error of the program's */
    make_done(&shown, REQUEST_RECV);
    shown.object.handle = (uintptr_t)handle;
    shown.source = m->source;
    shown.tag = m->tag;
    shown.len = shown.bytes = m->len;
    return &shown;
}

/* One that is shared. */
static void end_shared(const struct request *r)
{
    lane_lock();
    uint32_t place = received_place((MPI_Request)r->object.handle);
    if (place < RECEIVED_MOST)
        received_end(place);
    lane_unlock();
}

int request_open(void)
{
    make_done(&request_sent, REQUEST_SEND);
    make_done(&request_received, REQUEST_RECV);
    int rc = received_open(&request_received.object);
    return rc ? rc : object_publish(&request_sent.object);
}

void request_close(void)
{
    object_retire(&request_sent.object);
    object_close(&request_sent.object);
}

/* ---- Completion ---- */

void request_poll(void)
{
    lane_lock();
    bool progressed = lane_progress();
    bool wanted = lane_unlock();
    wait_looked(progressed, wanted);
}

static void wait_flag(struct fabric_peer *peer, const atomic_bool *flag)
{
    struct wait w;

    wait_begin_flag(&w, flag);
    w.peer = peer;
    while (!atomic_load_explicit(flag, memory_order_acquire)) {
        lane_lock();
        bool progressed = lane_progress();
        lane_unlock();
        if (atomic_load_explicit(flag, memory_order_acquire))
            break;
        wait_step(&w, progressed, &lane.lock);
    }
    wait_end(&w, &lane.lock);
}

void request_wait_flag(const atomic_bool *flag)
{
    wait_flag(NULL, flag);
}

void request_wait(struct request *r)
{
    if (!request_is_done(r))
        wait_flag(r->kind == REQUEST_RECV ? r->op.peer : NULL, &r->done);
}

void request_wait_until(bool (*ready)(void *arg), void *arg)
{
    struct wait w;

    wait_begin_for(&w, ready, arg);
    while (!ready(arg)) {
        lane_lock();
        bool progressed = lane_progress();
        lane_unlock();
        if (ready(arg))
            break;
        wait_step(&w, progressed, &lane.lock);
    }
    wait_end(&w, &lane.lock);
}

/* ---- What the program learns ---- */

/*
 * The detail of an error belongs to the thread that is told of it, which need not be the one that
 * saw the completion: so it is made here.
 */
static int request_error(const struct request *r)
{
    if (r->cause)
        return err_from_errno(r->cause, r->kind == REQUEST_RECV ? "receiving a message"
                                                                : "sending a message");
    if (r->error == MPI_ERR_TRUNCATE && r->len > r->bytes)
        return err_set(r->error,
                       "the message from rank %d with tag %d has %zu bytes, the receive only has "
                       "room for %zu",
                       r->source, r->tag, r->len, r->bytes);
    if (r->error == MPI_ERR_TRUNCATE)
        return err_set(r->error,
                       "the message from rank %d with tag %d is longer than the %zu bytes of the "
                       "receive",
                       r->source, r->tag, r->bytes);
    return r->error;
}

int request_status(struct request *r, MPI_Status *status)
{
    MPI_Status unseen;

    if (r->ops && r->ops->query) {
        /* MPI lets a query function assume a status to write to. */
        if (!status)
            status_set_empty(status = &unseen);
        return r->ops->query(r, status);
    }
    if (status)
        request_tell(r, status);
    return r->error ? request_error(r) : MPI_SUCCESS;
}

int request_finish(struct request *r, MPI_Request *handle, MPI_Status *status)
{
    int rc = request_status(r, status);

    if (r->persistent) {
        r->active = false;
        return rc;
    }
    if (r->shared) {
        end_shared(r);
        *handle = MPI_REQUEST_NULL;
        return rc;
    }
    if (r->ops && r->ops->finish) {
        int rc_finish = r->ops->finish(r);
        rc = rc ? rc : rc_finish;
    }
    lane_lock();
    request_free(r);
    lane_unlock();
    if (handle)
        *handle = MPI_REQUEST_NULL;
    return rc;
}

/* ---- MPI_Request_free, MPI_Cancel, MPI_Start ---- */

int request_detach(struct request *r)
{
    int rc = MPI_SUCCESS;

    if (r->shared) {
        end_shared(r);
        return rc;
    }
    lane_lock();
    bool done = request_is_done(r);
    if (!done) {
        r->detached = true;
        r->plain = false;
        /* The program still names a generalized request to MPI_Grequest_complete. */
        if (r->kind != REQUEST_GENERAL)
            object_retire(&r->object);
    }
    lane_unlock();
    if (!done)
        return MPI_SUCCESS;
    if (r->ops && r->ops->finish)
        rc = r->ops->finish(r);
    lane_lock();
    request_free(r);
    lane_unlock();
    return rc;
}

int request_cancel(struct request *r)
{
    if (r->persistent && !r->active)
        return err_set(MPI_ERR_REQUEST, "an inactive persistent request cannot be cancelled");
    if (r->ops && r->ops->cancel)
        return r->ops->cancel(r);
    if (r->kind == REQUEST_COLL || r->kind == REQUEST_RMA || r->kind == REQUEST_PART)
        return err_set(MPI_ERR_REQUEST, "only sends, receives and generalized requests can be "
                                        "cancelled");
    lane_lock();
    if (r->kind == REQUEST_RECV && !request_is_done(r))
        fabric_cancel(&r->op);
    else if (r->kind == REQUEST_SEND && !request_is_done(r))
        post_withdraw(r);
    wait_tell();
    lane_unlock();
    return MPI_SUCCESS;
}

int request_start(struct request *r)
{
    if (!r->persistent)
        return err_set(MPI_ERR_REQUEST, "only a persistent request can be started");
    if (r->active)
        return err_set(MPI_ERR_REQUEST, "the request is active already: wait for it first");
    return r->ops->start(r);
}
