/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collective operations (chapter 6): one struct holds any operation's arguments, one signature runs
 * any algorithm, one engine serves the blocking, nonblocking and persistent forms.
 *
 * An algorithm is a round function: called once a round, it folds in what the last round received,
 * posts this round's messages with coll_send and coll_recv, and says COLL_MORE or COLL_LAST. The
 * engine calls it again when all of a round's messages are complete (coll_engine.h).
 *
 * Messages go on the communicator's CHANNEL_COLL with the collective's sequence number as their
 * tag, so that any number may be in flight; starts are in the same order on all ranks (6.14).
 */
#ifndef ORIEL_COLL_COLL_H
#define ORIEL_COLL_COLL_H

#include "core/object/op.h"
#include "core/object/vec.h"
#include "core/p2p/p2p.h"

enum coll_kind {
    COLL_BARRIER,
    COLL_BCAST,
    COLL_GATHER,
    COLL_GATHERV,
    COLL_SCATTER,
    COLL_SCATTERV,
    COLL_ALLGATHER,
    COLL_ALLGATHERV,
    COLL_ALLTOALL,
    COLL_ALLTOALLV,
    COLL_ALLTOALLW,
    COLL_REDUCE,
    COLL_ALLREDUCE,
    COLL_REDUCE_SCATTER,
    COLL_REDUCE_SCATTER_BLOCK,
    COLL_SCAN,
    COLL_EXSCAN,
    COLL_NEIGHBOR_ALLGATHER,
    COLL_NEIGHBOR_ALLGATHERV,
    COLL_NEIGHBOR_ALLTOALL,
    COLL_NEIGHBOR_ALLTOALLV,
    COLL_NEIGHBOR_ALLTOALLW,
    COLL_CONTEXT, /* the library's own: agreement on a context id, context.c */
    COLL_SHARE,   /* the same: agreement on shared memory, shm_area.c */
    COLL_KINDS
};

/* One side of an operation: scalars, or arrays by rank for the v and w forms. */
struct coll_side {
    const void *buf; /* MPI_IN_PLACE as given */
    MPI_Count count;
    struct datatype *type;
    struct vec counts, displs; /* displs: in items, or bytes for the w forms */
    const MPI_Datatype *types; /* w forms */
};

struct coll;
/*
 * POLL: what this round waits for is not a message; ask again at the next progress. PARK: another
 * operation will defer this one (k->deferred) when its turn has come. Neither counts as a round.
 */
enum coll_step { COLL_MORE, COLL_LAST, COLL_POLL, COLL_PARK };
typedef enum coll_step coll_round_fn(struct coll *k);

/* Some ranks of a communicator, apart from its other collectives: for those whom only they call. */
struct coll_scope {
    const int
        *ranks;     /* of the communicator, by rank in the scope; lives as long as the operation */
    int rank, size; /* in the scope */
    enum channel channel;
    int tag;
};

/*
 * bcast: `send` is the buffer. Reductions: count and type of `send`; reduce_scatter: its type, and
 * the counts of `recv`; reduce_scatter_block: its count is one rank's. Arrays by rank live as long
 * as the operation (6.12).
 */
struct coll_args {
    enum coll_kind kind;
    struct comm *comm;
    struct coll_side send, recv;
    struct op *op;
    int root;

    /* The library's own collectives; NULL for the program's. */
    const struct coll_scope *scope;
    coll_round_fn *round; /* instead of what the table selects */
    void *state;          /* for that round function */
};

static inline void coll_side_clear(struct coll_side *s)
{
    s->buf = NULL;
    s->count = 0;
    s->type = NULL;
    s->counts = s->displs = (struct vec){NULL, 0};
    s->types = NULL;
}

/* = {0}, for every call of the program: gcc makes that a "rep stos", a tenth of a small one. */
static inline void coll_args_clear(struct coll_args *a)
{
    a->kind = 0;
    a->comm = NULL;
    coll_side_clear(&a->send);
    coll_side_clear(&a->recv);
    a->op = NULL;
    a->root = 0;
    a->scope = NULL;
    a->round = NULL;
    a->state = NULL;
}

/*
 * No lock held; the arguments are checked. coll_start gives a request that completes with the
 * operation (persistent: inactive, to be started); coll_run is start and wait.
 */
int coll_start(const struct coll_args *args, bool persistent, struct request **request);
int coll_run(const struct coll_args *args);

/* Reads which algorithms the environment forces. */
void coll_open(void);
void coll_close(void);

/* Shorthands for the library itself. */
int coll_barrier(struct comm *c);
int coll_bcast(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int root);
int coll_allreduce(struct comm *c, const void *send, void *recv, MPI_Count count,
                   struct datatype *t, struct op *op);
int coll_allgather(struct comm *c, const void *send, MPI_Count count, struct datatype *t,
                   void *recv);

#endif
