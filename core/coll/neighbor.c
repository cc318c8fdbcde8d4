/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"
#include "core/object/topology.h"

static bool is_allgather(enum coll_kind kind)
{
    return kind == COLL_NEIGHBOR_ALLGATHER || kind == COLL_NEIGHBOR_ALLGATHERV;
}

/*
 * All neighbours at once (8.6), whichever operation: degree alpha + n beta. Not in rounds of some:
 * neighbourhoods differ, and ranks would wait for each other's later rounds in a circle.
 *
 * Several messages between the same two ranks carry one tag and match in the order of their
 * posting. In graphs that is the order of the edges. In a grid what leaves downwards arrives from
 * above: for dimensions of one and two ranks, where both neighbours are the same, receives are
 * posted upper neighbour first, as the senders see them.
 */
enum coll_step neighbor_linear(struct coll *k)
{
    const struct topology *t = k->comm->topology;
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    int facing = t->kind == MPI_CART;

    for (int i = 0; i < t->indegree; i++) {
        int part = i ^ facing;

        if (t->sources[part] != MPI_PROC_NULL)
            coll_recv_part(k, t->sources[part], r, part);
    }
    for (int i = 0; i < t->outdegree; i++) {
        if (t->destinations[i] == MPI_PROC_NULL)
            continue;
        if (is_allgather(k->args.kind))
            coll_send(k, t->destinations[i], s->buf, s->count, s->type);
        else
            coll_send_part(k, t->destinations[i], s, i);
    }
    return COLL_LAST;
}
