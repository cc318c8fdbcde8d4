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

#include "core/object/comm.h"
#include "core/object/datatype.h"
#include "core/p2p/lane.h"
#include "provider/fabric/fabric.h"

enum request_kind {
    REQUEST_SEND,
    REQUEST_RECV,
    REQUEST_COLL,    /* completed by a collective: core/coll */
    REQUEST_RMA,     /* completed by a window's operation: core/win */
    REQUEST_GENERAL, /* generalized: completed by the program */
    REQUEST_PART,    /* partitioned */
    REQUEST_DONE,    /* nothing to wait for, MPI_PROC_NULL for one */
};

enum send_mode { SEND_STANDARD, SEND_SYNCHRONOUS, SEND_BUFFERED, SEND_READY };

struct request;

/* What a kind does beyond completing; any may be NULL. No lock is held. */
struct request_ops {
    int (*start)(struct request *r);  /* MPI_Start of an inactive persistent one */
    int (*cancel)(struct request *r); /* MPI_Cancel */
    int (*query)(struct request *r, MPI_Status *status); /* fills the status at completion */
    void (*free)(struct request *r); /* lane locked: the request's last moment */
};

struct request {
    struct object object;
    struct fabric_op op;
    enum request_kind kind;
    atomic_bool done; /* complete, or inactive */
    bool persistent;
    bool active;   /* a persistent one between start and completion */
    bool detached; /* MPI_Request_free: goes back to the pool when it is done */
    bool cancelled;
    uint8_t parts; /* completions that must still come: data, and the acknowledgement of Ssend */
    const struct request_ops *ops;

    /* What the status will say. len in bytes. */
    int source, tag, error;
    size_t len;

    /* What was asked for; comm and type are held while the request lives. */
    struct comm *comm;
    struct datatype *type;
    void *buf;
    MPI_Count count;
    int peer; /* rank or MPI_ANY_SOURCE */
    enum send_mode mode;
    void *bounce; /* packed copy of a non-contiguous buffer; malloc'ed, freed at completion */
    size_t bytes; /* length of the user's data, packed */

    /* Called lane locked at completion, for a request without a handle; owner is the caller's. */
    void (*then)(struct request *r);
    void *owner;
};

static inline struct request *request_find(MPI_Request handle)
{
    return (struct request *)object_find(OBJECT_REQUEST, handle);
}

/* ---- Lane locked ---- */

/* All fields at their rest; NULL when memory is out. References to comm and type are taken. */
struct request *request_new(enum request_kind kind, struct comm *comm, struct datatype *type);
/* Drops what it holds and gives it back to the pool. */
void request_free(struct request *r);
/* Final values are in place: tells waiters and `then`. */
void request_complete(struct request *r);

/* ---- No lock held ---- */

/* Makes progress until *flag, climbing the ladder. */
void request_wait_flag(const atomic_bool *flag);
static inline bool request_is_done(const struct request *r)
{
    return atomic_load_explicit(&r->done, memory_order_acquire);
}
/* One round of progress, for the test calls. */
void request_poll(void);

/* Gives the request a handle for the program. */
int request_publish(struct request *r, MPI_Request *handle);

/*
 * After it is done: fills the status (which may be NULL, MPI_STATUS_IGNORE), frees it or makes a
 * persistent one inactive, sets *handle to MPI_REQUEST_NULL where it is gone. Returns its error.
 */
int request_finish(struct request *r, MPI_Request *handle, MPI_Status *status);

#endif
