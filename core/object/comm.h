/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A communicator: a group (two for an intercommunicator), a context id that keeps its messages
 * apart from all others, and what hangs on it. Making one from another is collective and lives in
 * core/coll (comm_dup, comm_split, ...); this is the object itself.
 */
#ifndef ORIEL_OBJECT_COMM_H
#define ORIEL_OBJECT_COMM_H

#include <stdbool.h>

#include "core/object/attr.h"
#include "core/object/errhandler.h"
#include "core/object/group.h"
#include "core/object/info.h"

struct coll_choice;
struct coll_hosts;
struct fabric_peer;
struct shm_area;
struct topology;

struct comm {
    struct object object;
    uint32_t context; /* of messages that come in; the same on the whole group, < COMM_CONTEXTS */
    uint32_t remote_context; /* of those that go out: `context` of the group that is addressed */
    int rank, size;          /* in the local group */
    struct group *group;     /* local */
    uintptr_t session;       /* the handle of the one that it comes from, or 0 */
    struct group *remote;    /* of an intercommunicator, else NULL */
    /*
     * Of an intercommunicator, else NULL: the local group as an intracommunicator, for those parts
     * of the library's own work in which the remote group has none. It shares `context`: as the two
     * groups are disjoint, the sender tells apart whose message it is.
     */
    struct comm *local;
    /*
     * By rank of the group that is addressed (remote where there is one): the peer, or NULL before
     * first contact. Made at the first contact of all, so that a communicator that is never spoken
     * on costs nothing a member.
     */
    struct fabric_peer **peers;
    unsigned peers_len;       /* 0 before it is made */
    uint32_t coll_sequence;   /* of collectives started: keeps two in flight apart */
    struct shm_area *area;    /* core/coll: memory that those on this host share, or NULL */
    struct coll_hosts *hosts; /* the same: which ranks are on which, where it is known; or NULL */
    struct coll_choice *choices; /* the same: algorithms, or NULL; plain memory, owned */
    bool may_share;              /* false: of an intercommunicator */
    uint8_t reach;               /* where the ranks of comm_target are, as fabric_any takes it */
    struct errhandler *errhandler;
    struct attrs attrs;
    struct info *info;         /* hints, or NULL */
    struct topology *topology; /* a reference, or NULL */
    char name[MPI_MAX_OBJECT_NAME];
};

enum {
    COMM_CONTEXT_BITS = 20,
    COMM_CONTEXTS = 1 << COMM_CONTEXT_BITS,
    COMM_CONTEXT_WORLD = 0,
    COMM_CONTEXT_SELF = 1,
    COMM_CONTEXT_FIRST = 2, /* the first that is handed out */
};

extern struct comm *comm_world, *comm_self; /* NULL outside init..finalize */

static inline struct comm *comm_find(MPI_Comm handle)
{
    return (struct comm *)object_find(OBJECT_COMM, handle);
}

static inline bool comm_is_inter(const struct comm *c)
{
    return c->remote;
}

/* The group that ranks given to sends and receives name. */
static inline const struct group *comm_target(const struct comm *c)
{
    return c->remote ? c->remote : c->group;
}

static inline int comm_target_size(const struct comm *c)
{
    return comm_target(c)->size;
}

/*
 * A new communicator, without a handle, of these groups (references taken), with the error handler
 * of `parent` where there is one. It owns the context id, which may be COMM_CONTEXTS until
 * comm_set_contexts; an intercommunicator's remote one is always set by that.
 */
int comm_new(uint32_t context, struct group *group, struct group *remote, struct comm *parent,
             struct comm **comm);
void comm_set_contexts(struct comm *c, uint32_t own, uint32_t remote);
/* Called with each context id that is free again; core/coll/context.c sets it. */
extern void (*comm_context_free)(uint32_t context);
/* Called with one that goes, for its area and hosts; core/coll/hosts.c sets it. */
extern void (*comm_coll_free)(struct comm *c);

/* MPI_COMM_WORLD and MPI_COMM_SELF for a job of `size`, this process being `rank`. */
int comm_open(uint32_t rank, uint32_t size);
void comm_close(void);

/* The way to send or receive at all; harmless where it is open. Lane locked. */
int comm_fabric_open(void);

/* The peer of that rank if it has been met; NULL: it has not, or there is no such rank. Lane
 * locked.
 */
static inline struct fabric_peer *comm_met(const struct comm *c, int rank)
{
    return __builtin_expect((unsigned)rank < c->peers_len, 1) ? c->peers[rank] : NULL;
}

/* The peer behind a rank of comm_target. Lane locked. */
int comm_peer_slow(struct comm *c, int rank, struct fabric_peer **peer);
static inline int comm_peer(struct comm *c, int rank, struct fabric_peer **peer)
{
    *peer = comm_met(c, rank);
    return __builtin_expect(*peer != NULL, 1) ? MPI_SUCCESS : comm_peer_slow(c, rank, peer);
}

/* Where that rank of comm_target is, as fabric_any takes it. */
unsigned comm_reach_of(const struct comm *c, int rank);

#endif
