/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm runs on an intercommunicator (6.2.3). An operation's k->rank and k->size are
 * those of the local group, and messages go to ranks of the remote group. What a group does by
 * itself is an operation on the intercommunicator's `local`, started as a part of a round, for
 * which the table of coll_select.c chooses.
 */
#include "core/coll/coll_engine.h"

static coll_round_fn *const rounds[COLL_KINDS] = {
    [COLL_BARRIER] = inter_barrier,
    [COLL_BCAST] = inter_bcast,
    [COLL_GATHER] = inter_gather,
    [COLL_GATHERV] = inter_gather,
    [COLL_SCATTER] = inter_scatter,
    [COLL_SCATTERV] = inter_scatter,
    [COLL_ALLGATHER] = inter_allgather,
    [COLL_ALLGATHERV] = inter_allgather,
    [COLL_ALLTOALL] = inter_alltoall,
    [COLL_ALLTOALLV] = inter_alltoall,
    [COLL_ALLTOALLW] = inter_alltoall,
    [COLL_REDUCE] = inter_reduce,
    [COLL_ALLREDUCE] = inter_allreduce,
    [COLL_REDUCE_SCATTER] = inter_reduce_scatter,
    [COLL_REDUCE_SCATTER_BLOCK] = inter_reduce_scatter,
};

coll_round_fn *inter_select(enum coll_kind kind)
{
    return rounds[kind];
}

void inter_local_bcast(struct coll *k, const void *buf, MPI_Count count, struct datatype *t)
{
    coll_child(k, &(struct coll_args){.kind = COLL_BCAST,
                                      .comm = k->comm->local,
                                      .send = {.buf = buf, .count = count, .type = t}});
}

bool inter_local_reduce(struct coll *k, MPI_Count count, size_t tables, size_t more)
{
    struct datatype *t = k->args.send.type;

    if (k->rank == 0 && !coll_room_behind(k, tables, coll_span(count, t) + more))
        return false;
    k->acc = coll_place(k->scratch + tables, count, t);
    coll_child(k, &(struct coll_args){.kind = COLL_REDUCE,
                                      .comm = k->comm->local,
                                      .send = {.buf = k->args.send.buf, .count = count, .type = t},
                                      .recv = {.buf = k->acc, .type = t},
                                      .op = k->args.op});
    return true;
}
