/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

/* A rank's place in the binomial tree: children are v + 1, v + 2, v + 4, ... below v + low. */
struct place {
    int top; /* the rank on whom the tree converges */
    int v;   /* counted from there */
    int low;
    bool has_child;
};

static struct place place_of(const struct coll *k)
{
    struct place p = {.top = k->args.op->commutative ? k->args.root : 0};

    p.v = coll_wrap(k, k->rank - p.top);
    p.low = p.v ? p.v & -p.v : coll_power_below(k->size) << 1;
    p.has_child = p.low > 1 && p.v + 1 < k->size;
    return p;
}

/* k->acc holds the own contribution; a leaf sends it from where it stands. */
static bool prepare(struct coll *k, const struct place *p)
{
    MPI_Count n = k->args.send.count;
    struct datatype *t = k->args.send.type;
    size_t span = coll_span(n, t);

    k->mask = 1;
    if (p->v && !p->has_child) {
        k->acc = (char *)coll_own(k);
        return true;
    }
    if (!p->v && k->rank == k->args.root)
        return coll_accumulate(k, n);
    if (!coll_scratch(k, 2 * span))
        return false;
    k->acc = coll_place(k->scratch, n, t);
    k->tmp = coll_place(k->scratch + span, n, t);
    coll_copy(k, coll_own(k), n, t, k->acc, n, t);
    return true;
}

/* All children are folded in: up the tree, or to where the result belongs. */
static enum coll_step hand_on(struct coll *k, const struct place *p)
{
    const struct coll_side *s = &k->args.send;
    bool root = k->rank == k->args.root;

    if (p->v) {
        coll_send(k, coll_wrap(k, p->v - p->low + p->top), k->acc, s->count, s->type);
        k->phase = 1;
        return root ? COLL_MORE : COLL_LAST;
    }
    if (root)
        coll_copy(k, k->acc, s->count, s->type, (void *)k->args.recv.buf, s->count, s->type);
    else
        coll_send(k, k->args.root, k->acc, s->count, s->type);
    return COLL_LAST;
}

/*
 * Binomial tree (Thakur, Rabenseifner, Gropp, 2005): ceil(log p) (alpha + n beta + n gamma). An
 * operator that does not commute keeps rank order by converging on rank 0, which sends the result
 * to the root: one alpha + n beta more.
 */
enum coll_step reduce_binomial(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    struct place p = place_of(k);

    if (k->phase) {
        coll_recv(k, p.top, (void *)k->args.recv.buf, s->count, s->type);
        return COLL_LAST;
    }
    if (k->round == 0) {
        if (!prepare(k, &p))
            return COLL_LAST;
    } else {
        coll_fold(k, false, s->count);
        k->mask <<= 1;
    }
    if (k->mask < p.low && p.v + k->mask < k->size) {
        coll_recv(k, coll_wrap(k, k->rank + k->mask), k->tmp, s->count, s->type);
        return COLL_MORE;
    }
    return hand_on(k, &p);
}
