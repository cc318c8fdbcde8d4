/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From one rank to the other group, and back. In the root's group the root says MPI_ROOT and the
 * others, who have no part in it, MPI_PROC_NULL; in the other group all say the root's rank.
 */
#include "core/coll/coll_engine.h"

/* To the other group's rank 0, then a broadcast there: one alpha + n beta more than that. */
enum coll_step inter_bcast(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->args.root == MPI_PROC_NULL)
        return COLL_LAST;
    if (k->args.root == MPI_ROOT) {
        coll_send(k, 0, s->buf, s->count, s->type);
        return COLL_LAST;
    }
    if (k->rank == 0 && k->round == 0) {
        coll_recv(k, k->args.root, (void *)s->buf, s->count, s->type);
        return COLL_MORE;
    }
    inter_local_bcast(k, s->buf, s->count, s->type);
    return COLL_LAST;
}

/* Linear, both forms: what a tree in the other group saves in alphas it costs in copies. */
enum coll_step inter_gather(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->args.root == MPI_ROOT)
        for (int i = 0; i < k->receives; i++)
            coll_recv_part(k, i, &k->args.recv, i);
    else if (k->args.root != MPI_PROC_NULL)
        coll_send(k, k->args.root, s->buf, s->count, s->type);
    return COLL_LAST;
}

enum coll_step inter_scatter(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;

    if (k->args.root == MPI_ROOT)
        for (int i = 0; i < k->sends; i++)
            coll_send_part(k, i, &k->args.send, i);
    else if (k->args.root != MPI_PROC_NULL)
        coll_recv(k, k->args.root, (void *)r->buf, r->count, r->type);
    return COLL_LAST;
}

/* A reduction to the other group's rank 0, in rank order, which sends the result. */
enum coll_step inter_reduce(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->args.root == MPI_PROC_NULL)
        return COLL_LAST;
    if (k->args.root == MPI_ROOT) {
        coll_recv(k, 0, (void *)k->args.recv.buf, s->count, s->type);
        return COLL_LAST;
    }
    if (k->round == 0)
        return inter_local_reduce(k, s->count, 0, 0) && k->rank == 0 ? COLL_MORE : COLL_LAST;
    coll_send(k, k->args.root, k->acc, s->count, s->type);
    return COLL_LAST;
}
