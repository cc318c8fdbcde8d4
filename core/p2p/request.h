/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests: one struct for every kind of operation that completes later (3.7). They come from the
 * lane's pool and go back to it. A request that only the library uses (a collective's send) has
 * no handle.
 *
 * `done` is the one word that a waiting thread looks at without the lock; it is stored last, with
 * release order, when everything else in the request has its final value.
 */
#ifndef ORIEL_P2P_REQUEST_H
#define ORIEL_P2P_REQUEST_H

#include <assert.h>

#include "core/object/comm.h"
#include "core/object/datatype.h"
#include "core/object/status.h"
#include "core/p2p/bounce.h"
#include "core/p2p/lane.h"
#include "core/p2p/received.h"
#include "core/p2p/scattered.h"
#include "provider/base/hot.h"
#include "provider/fabric/fabric.h"

enum request_kind {
    REQUEST_SEND,
    REQUEST_RECV,
    REQUEST_PAIR,    /* MPI_Isendrecv: complete when both of its own are */
    REQUEST_FLUSH,   /* MPI_Buffer_iflush */
    REQUEST_COLL,    /* completed by a collective: core/coll */
    REQUEST_RMA,     /* completed by a window's operation: core/win */
    REQUEST_GENERAL, /* generalized: completed by the program */
    REQUEST_PART,    /* partitioned */
    REQUEST_FILE,    /* an access to a file: core/file */
    REQUEST_DONE,    /* nothing to wait for, MPI_PROC_NULL for one */
};

enum send_mode { SEND_STANDARD, SEND_SYNCHRONOUS, SEND_BUFFERED, SEND_READY };

struct request;

/* What a kind does beyond completing; any may be NULL. No lock is held but where it says so. */
struct request_ops {
    int (*start)(struct request *r);  /* MPI_Start of an inactive persistent one */
    int (*cancel)(struct request *r); /* MPI_Cancel */
    int (*query)(struct request *r, MPI_Status *status); /* the status; it may be asked often */
    int (*finish)(struct request *r); /* just before a completed request is freed */
    void (*free)(struct request *r);  /* lane locked: the request's last moment */
    /* Whose error handler is called, where that is no communicator's; lives as long as r. */
    struct object *(*blame)(struct request *r);
};

/* In the order of use: a receive whose message is there needs the first two lines of memory. */
struct request {
    struct object object;
    atomic_bool done; /* complete, or inactive */
    /*
     * Nothing about it is unusual: the program's receive of one block, neither persistent nor
     * detached, without `then`; once it is done: that ended well. So one look tells.
     */
    bool plain;
    bool persistent;
    bool active;   /* a persistent one between MPI_Start and the call that sees it complete */
    bool detached; /* MPI_Request_free: goes back to the pool when it is done */
    bool cancelled;
    bool shared;   /* request_sent, and one that is only shown: done, never freed */
    uint8_t parts; /* completions that must still come: data, and the acknowledgement of Ssend */
    void *owner;   /* the caller's, for `then` */

    /* What was asked for; comm and type are held while the request lives, and may be NULL, as those
     * of a spare one are. */
    struct comm *comm;
    struct datatype *type;
    size_t bytes; /* length of the user's buffer, packed */

    /* What the status will say. len in bytes, of the message as it was sent. */
    size_t len;
    int source, tag;

    int peer; /* rank or MPI_ANY_SOURCE */
    int want; /* tag, or MPI_ANY_TAG */
    void *buf;
    MPI_Count count;
    enum request_kind kind;
    enum send_mode mode;
    uint8_t channel; /* enum channel of a receive */

    struct fabric_op op;

    int error; /* the status's */
    int cause; /* -errno where the provider failed, else 0: `error` is its class */
    const struct request_ops *ops;
    /* Called lane locked at completion, for a request without a handle. */
    void (*then)(struct request *r);
    void *bounce; /* packed form of a non-contiguous buffer (bounce.h), given back at completion */
    struct scattered scattered; /* the buffer as it is; its type NULL: it is one block, or packed */
    /* A send's: the receive of its acknowledgement, while posted. */
    struct fabric_op *ack;
};

/*
 * The handle that every send gets which was over when it was posted: it costs no request. One
 * object, whatever the number of its holders.
 */
extern struct request request_sent HOT_DATA;

static inline bool request_was_sent(MPI_Request handle)
{
    return (uintptr_t)handle == request_sent.object.handle;
}

/*
 * What received.h has no request for is shown as one, which is done: this thread's, until it looks
 * for the next one.
 */
extern struct request request_received;
struct request *request_show(MPI_Request handle);

static inline struct request *request_find(MPI_Request handle)
{
    struct request *r = (struct request *)object_find(OBJECT_REQUEST, handle);

    return UNLIKELY(r == &request_received) ? request_show(handle) : r;
}

/* The same for what is no predefined handle, where nearly all are good; request_received as it is.
 */
HOT_INLINE struct request *request_find_own(MPI_Request handle)
{
    return (struct request *)object_find_own(OBJECT_REQUEST, handle);
}

/* Those fields which a plain request leaves as they are: a spare one has them so. */
HOT_INLINE void request_clear(struct request *r)
{
    r->persistent = r->active = r->detached = r->cancelled = r->shared = r->plain = false;
    r->parts = 1;
    r->mode = SEND_STANDARD;
    r->ops = NULL;
    r->then = NULL;
    r->ack = NULL;
    r->bounce = NULL;
    r->scattered.type = NULL;
    r->error = MPI_SUCCESS;
    r->cause = 0;
}

/* All other fields but the object's and the operation's, which the pool's requests keep. */
HOT_INLINE void request_reset(struct request *r, enum request_kind kind, struct comm *comm,
                              struct datatype *type)
{
    atomic_init(&r->done, false);
    r->kind = kind;
    r->owner = NULL;
    r->comm = comm;
    r->type = type;
    r->peer = MPI_PROC_NULL;
    r->buf = NULL;
    r->count = 0;
    r->bytes = r->len = 0;
    r->source = MPI_ANY_SOURCE;
    r->tag = MPI_ANY_TAG;
    if (comm)
        object_hold(&comm->object);
    if (type)
        object_hold(&type->object);
}

/* ---- Lane locked ---- */

/* A request from the pool, as a spare one; NULL, with the detail set, when memory is out. */
struct request *request_fresh(void);

/* One to be reset; NULL as above. */
HOT_INLINE struct request *request_take(void)
{
    struct request *r = lane.spare;

    assert(lock_held(&lane.lock));
    if (UNLIKELY(!r))
        return request_fresh();
    lane.spare = r->owner;
    return r;
}

/*
 * All fields at their rest; NULL, with the detail set, when memory is out. References to comm and
 * type are taken where they are not NULL.
 */
HOT_INLINE struct request *request_new(enum request_kind kind, struct comm *comm,
                                       struct datatype *type)
{
    struct request *r = request_take();

    if (LIKELY(r))
        request_reset(r, kind, comm, type);
    return r;
}

/*
 * A plain receive, from request_take: of one block, with all that is known when it is posted. What
 * its completion stores is left open until then.
 */
HOT_INLINE void request_set_receive(struct request *r, struct comm *comm, struct datatype *type,
                                    void *buf, size_t bytes, int source, int tag, uint8_t channel)
{
    atomic_init(&r->done, false);
    r->plain = true;
    r->kind = REQUEST_RECV;
    r->channel = channel;
    r->comm = comm;
    r->type = type;
    r->buf = buf;
    r->bytes = bytes;
    r->peer = source;
    r->want = tag;
    object_hold(&comm->object);
    object_hold(&type->object);
}

/* Drops what it holds and gives it back to the pool. */
void request_free(struct request *r);
/* Drops what it holds. */
HOT_INLINE void request_drop(struct request *r)
{
    if (r->comm)
        object_drop(&r->comm->object);
    if (r->type)
        object_drop(&r->type->object);
    r->comm = NULL;
    r->type = NULL;
}

HOT_INLINE void request_tell(const struct request *r, MPI_Status *status)
{
    status->MPI_SOURCE = r->source;
    status->MPI_TAG = r->tag;
    status_set_bytes(status, r->len < r->bytes ? r->len : r->bytes);
    status_set_cancelled(status, r->cancelled);
}

/* request_finish of a plain request that is done and has a handle. */
HOT_INLINE void request_finish_plain(struct request *r, MPI_Request *handle, MPI_Status *status)
{
    if (status)
        request_tell(r, status);
    r->plain = false;
    object_retire_placed(&r->object);
    if (r->comm)
        request_drop(r);
    r->owner = lane.spare;
    lane.spare = r;
    *handle = MPI_REQUEST_NULL;
}

/*
 * Final values are in place: tells waiters and `then`, frees it where it is detached. Without
 * `then` the request may be gone when this returns.
 */
HOT_INLINE void request_complete(struct request *r)
{
    void (*then)(struct request *) = r->then;
    bool detached = r->detached;

    assert(lock_held(&lane.lock));
    if (UNLIKELY(r->bounce)) {
        bounce_give(r->bounce);
        r->bounce = NULL;
    }
    /* From here on a request without `then` may be on a stack that is gone. */
    atomic_store_explicit(&r->done, true, memory_order_release);
    if (then)
        then(r);
    else if (UNLIKELY(detached))
        request_free(r);
}
/* The shared request; no lock needed. */
int request_open(void);
void request_close(void);
/* Gives the memory of the pool's requests back; the lane is closing. */
void request_close_all(void);

/* ---- With or without the lock ---- */

/*
 * A request that a blocking call keeps on its own stack: made ready as request_new does, and
 * request_unmake drops what it holds once it is done.
 */
void request_make(struct request *r, enum request_kind kind, struct comm *comm,
                  struct datatype *type);
void request_unmake(struct request *r);

/* ---- No lock held ---- */

/* Makes progress until *flag, climbing the ladder. */
void request_wait_flag(const atomic_bool *flag);
/* The same for that request, which is looked at less hopefully where its peer is known to rest. */
void request_wait(struct request *r);
/* The same until ready(arg), which is asked after every round. */
void request_wait_until(bool (*ready)(void *arg), void *arg);
static inline bool request_is_done(const struct request *r)
{
    return atomic_load_explicit(&r->done, memory_order_acquire);
}
/* One round of progress, for the test calls. */
void request_poll(void);

/* Gives the request a handle for the program; where memory is out, it is detached. */
int request_unpublished(struct request *r, int rc);
HOT_INLINE int request_publish(struct request *r, MPI_Request *handle)
{
    int rc = object_publish(&r->object);

    if (UNLIKELY(rc))
        return request_unpublished(r, rc);
    *handle = (MPI_Request)r->object.handle;
    return MPI_SUCCESS;
}

/*
 * After it is done: fills the status (which may be NULL, MPI_STATUS_IGNORE; MPI_ERROR is left
 * alone). Returns the request's error, with the detail in the calling thread.
 */
int request_status(struct request *r, MPI_Status *status);
/*
 * request_status, then frees it or makes a persistent one inactive, and sets *handle to
 * MPI_REQUEST_NULL where it is gone (handle may be NULL).
 */
int request_finish(struct request *r, MPI_Request *handle, MPI_Status *status);

/* MPI_Request_free, MPI_Cancel, MPI_Start. */
int request_detach(struct request *r);
int request_cancel(struct request *r);
int request_start(struct request *r);

#endif
