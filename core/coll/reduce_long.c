/* SPDX-License-Identifier: BSD-3-Clause */
/* Reduction of long vectors, in parts. */
#include "core/coll/coll_engine.h"

/* ---- Chain ---- */

/* The pieces of the vector, in items. */
static MPI_Count pieces_of(const struct coll *k)
{
    MPI_Count n = k->args.send.count;

    return n ? (n - 1) / coll_segment_items(k) + 1 : 0;
}

static MPI_Count length(const struct coll *k, MPI_Count piece)
{
    MPI_Count most = coll_segment_items(k), left = k->args.send.count - piece * most;

    return left < most ? left : most;
}

static char *at(const struct coll *k, const void *buf, MPI_Count piece)
{
    return type_at(buf, piece * coll_segment_items(k) * k->args.send.type->extent);
}

/* Two places in turn: what is folded in one is sent while the next piece comes into the other. */
static char *place(const struct coll *k, MPI_Count piece)
{
    struct datatype *t = k->args.send.type;
    MPI_Count most = coll_segment_items(k);

    return coll_place(k->scratch + (size_t)(piece % 2) * coll_span(most, t), most, t);
}

/* The piece came from the ranks behind this one. */
static void fold_and_pass(struct coll *k, MPI_Count piece)
{
    struct datatype *t = k->args.send.type;
    MPI_Count n = length(k, piece);
    char *folded = place(k, piece);

    coll_reduce(k, at(k, coll_own(k), piece), folded, n);
    if (k->rank == k->args.root)
        coll_copy(k, folded, n, t, at(k, k->args.recv.buf, piece), n, t);
    else
        coll_send(k, coll_wrap(k, k->rank - 1), folded, n, t);
}

/* The end of the chain has nothing to fold. */
static enum coll_step give(struct coll *k, MPI_Count pieces)
{
    const struct coll_side *s = &k->args.send;

    if (k->size == 1)
        coll_copy(k, coll_own(k), s->count, s->type, (void *)k->args.recv.buf, s->count, s->type);
    else
        coll_send(k, coll_wrap(k, k->rank - 1), at(k, coll_own(k), k->round), length(k, k->round),
                  s->type);
    return k->size == 1 || k->round == pieces - 1 ? COLL_LAST : COLL_MORE;
}

/*
 * Pipelined chain, from the last rank, counted from the root, to the root ("pipeline" in
 * Pjesivac-Grbovic et al., "Performance analysis of MPI collective operations", 2007):
 * (p - 2 + n / s) (alpha + s (beta + gamma)) with pieces of s bytes. Commutative operators only:
 * with others the chain would have to end on rank 0.
 */
enum coll_step reduce_chain(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count pieces = pieces_of(k), most = coll_segment_items(k);

    if (pieces == 0)
        return COLL_LAST;
    if (coll_from_root(k, k->rank) == k->size - 1)
        return give(k, pieces);
    if (k->round == 0)
        coll_room(k, 2 * coll_span(most, t));
    if (k->round < pieces)
        coll_recv(k, coll_wrap(k, k->rank + 1), place(k, k->round), length(k, k->round), t);
    if (k->round > 0)
        fold_and_pass(k, k->round - 1);
    return k->round == pieces ? COLL_LAST : COLL_MORE;
}

/* ---- Scatter and gather ---- */

/* In the scratch: the parts' lengths and places, and behind them the own part of the result. */
static MPI_Count *cut(struct coll *k)
{
    MPI_Count n = k->args.send.count, each = (n + k->size - 1) / k->size;
    MPI_Count *counts = (MPI_Count *)k->scratch, *displs = counts + k->size;

    for (int i = 0; i < k->size; i++) {
        displs[i] = i * each < n ? i * each : n;
        counts[i] = n - displs[i] < each ? n - displs[i] : each;
    }
    return counts;
}

/*
 * Rabenseifner's ("Optimization of collective reduction operations", 2004): a reduce-scatter by
 * recursive halving, then a gather. 2 log p alpha + 2 n beta + n gamma; commutative operators only.
 */
enum coll_step reduce_scatter_gather(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count each = (k->args.send.count + k->size - 1) / k->size;
    size_t table = (2 * (size_t)k->size * sizeof(MPI_Count) + 63) & ~(size_t)63;

    if (k->round == 0 && !coll_room_behind(k, table, coll_span(each, t)))
        return COLL_LAST;
    MPI_Count *counts = k->round == 0 ? cut(k) : (MPI_Count *)k->scratch;
    struct vec lengths = {counts, sizeof *counts};
    char *part = coll_place(k->scratch + table, each, t);

    if (k->round == 0) {
        coll_child(k, &(struct coll_args){
                          .kind = COLL_REDUCE_SCATTER,
                          .comm = k->comm,
                          .send = {.buf = coll_own(k), .count = k->args.send.count, .type = t},
                          .recv = {.buf = part, .type = t, .counts = lengths},
                          .op = k->args.op,
                          .round = reduce_scatter_halving});
        return COLL_MORE;
    }
    coll_child(k, &(struct coll_args){.kind = COLL_GATHERV,
                                      .comm = k->comm,
                                      .send = {.buf = part, .count = counts[k->rank], .type = t},
                                      .recv = {.buf = k->args.recv.buf,
                                               .type = t,
                                               .counts = lengths,
                                               .displs = {counts + k->size, sizeof *counts}},
                                      .root = k->args.root});
    return COLL_LAST;
}
