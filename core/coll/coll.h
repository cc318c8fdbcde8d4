/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collective operations (chapter 6): one struct holds any operation's arguments, one signature runs
 * any algorithm, one engine serves the blocking, nonblocking and persistent forms.
 *
 * An algorithm is a round function: called once a round, it folds in what the last round received,
 * posts this round's messages with coll_send and coll_recv, and says COLL_MORE or COLL_LAST. The
 * engine calls it again when all of a round's messages are complete. Its memory is what
 * coll_scratch gave it in round 0, O(1) blocks whatever the number of ranks.
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
    COLL_KINDS
};

/* One side of an operation: scalars, or arrays by rank for the v and w forms. */
struct coll_side {
    const void *buf; /* MPI_IN_PLACE as given */
    MPI_Count count;
    struct datatype *type;
    struct vec counts, displs; /* displs: in elements, or bytes for the w forms */
    const MPI_Datatype *types; /* w forms */
};

struct coll_args {
    enum coll_kind kind;
    struct comm *comm;
    struct coll_side send, recv; /* bcast: send is the buffer; reductions: count and type of send */
    struct op *op;
    int root;
};

/*
 * No lock held; the arguments are checked. coll_start gives a request that completes with the
 * operation (persistent: inactive, to be started); coll_run is start and wait.
 */
int coll_start(const struct coll_args *args, bool persistent, struct request **request);
int coll_run(const struct coll_args *args);

/* Shorthands for the library itself. */
int coll_barrier(struct comm *c);
int coll_bcast(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int root);
int coll_allreduce(struct comm *c, const void *send, void *recv, MPI_Count count,
                   struct datatype *t, struct op *op);
int coll_allgather(struct comm *c, const void *send, MPI_Count count, struct datatype *t,
                   void *recv);

#endif
