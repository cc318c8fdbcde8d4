/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

/* k->acc: the result of the block of ranks seen so far, to give away; both begin with the own. */
static void prepare(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    struct datatype *t = s->type;
    size_t span = coll_span(s->count, t);

    if (k->size > 1) {
        coll_room(k, 2 * span);
        k->acc = coll_place(k->scratch, s->count, t);
        k->tmp = coll_place(k->scratch + span, s->count, t);
        coll_copy(k, coll_own(k), s->count, t, k->acc, s->count, t);
    }
    if (k->args.kind == COLL_SCAN)
        coll_copy(k, coll_own(k), s->count, t, (void *)k->args.recv.buf, s->count, t);
    k->at = k->args.kind == COLL_SCAN; /* the receive buffer holds something already */
    k->mask = 1;
}

/* What came from ranks below belongs into the result as well. */
static void fold_in(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    void *result = (void *)k->args.recv.buf;
    int partner = k->rank ^ k->mask;

    if (partner >= k->size)
        return;
    if (partner < k->rank) {
        if (k->at)
            coll_reduce(k, k->tmp, result, s->count);
        else
            coll_copy(k, k->tmp, s->count, s->type, result, s->count, s->type);
        k->at = 1;
    }
    coll_fold(k, partner < k->rank, s->count);
}

/*
 * Recursive doubling, for MPI_Scan and MPI_Exscan (Hillis, Steele, "Data parallel algorithms",
 * 1986, in MPICH's pairwise form): ceil(log p) (alpha + n beta + 2 n gamma). Rank order is kept.
 */
enum coll_step scan_doubling(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->round == 0) {
        prepare(k);
    } else {
        fold_in(k);
        k->mask <<= 1;
    }
    while (k->mask < k->size && (k->rank ^ k->mask) >= k->size)
        k->mask <<= 1;
    if (k->mask >= k->size)
        return COLL_LAST;
    coll_recv(k, k->rank ^ k->mask, k->tmp, s->count, s->type);
    coll_send(k, k->rank ^ k->mask, k->acc, s->count, s->type);
    return COLL_MORE;
}
