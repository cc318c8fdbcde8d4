/* SPDX-License-Identifier: BSD-3-Clause */
/* Reduction up a tree. */
#include "core/coll/tree.h"

/* Where the tree converges: an operator that does not commute wants rank order. */
static int top_of(const struct coll *k)
{
    return k->args.op->commutative ? k->args.root : 0;
}

/*
 * Vectors: number 0 is where the result belongs, or in the scratch; the others are in the scratch.
 * k->at is that of the accumulator; the next radix - 1, counted around, are free.
 */
static char *vector(const struct coll *k, const struct tree *t, int i)
{
    struct datatype *type = k->args.send.type;
    MPI_Count n = k->args.send.count;
    bool at_root = !t->v && k->rank == k->args.root;
    int at = i % t->radix;

    if (at == 0 && at_root)
        return (char *)k->args.recv.buf;
    return coll_place(k->scratch + (size_t)(at_root ? at - 1 : at) * coll_span(n, type), n, type);
}

/* The accumulator holds the own contribution; a leaf sends it from where it stands. */
static void prepare(struct coll *k, const struct tree *t)
{
    MPI_Count n = k->args.send.count;
    struct datatype *type = k->args.send.type;

    k->mask = 1;
    if (t->v && !tree_has_child(t, k, 1, 1)) {
        k->acc = (char *)coll_own(k);
        return;
    }
    coll_room(k, (size_t)t->radix * coll_span(n, type));
    k->acc = vector(k, t, 0);
    coll_copy(k, coll_own(k), n, type, k->acc, n, type);
}

/* Those of this level are there, the accumulator's ranks before theirs. */
static void fold_level(struct coll *k, const struct tree *t)
{
    MPI_Count n = k->args.send.count;
    int last = 0;

    while (last < t->radix - 1 && tree_has_child(t, k, last + 1, k->mask))
        last++;
    if (k->args.op->commutative) {
        for (int d = 1; d <= last; d++)
            coll_reduce(k, vector(k, t, k->at + d), k->acc, n);
        return;
    }
    for (int d = 1; d <= last; d++)
        coll_reduce(k, vector(k, t, k->at + d - 1), vector(k, t, k->at + d), n);
    k->at = (k->at + last) % t->radix;
    k->acc = vector(k, t, k->at);
}

/* All children are folded in: up the tree, or to where the result belongs. */
static enum coll_step hand_on(struct coll *k, const struct tree *t, int top)
{
    const struct coll_side *s = &k->args.send;
    bool root = k->rank == k->args.root;

    if (t->v) {
        coll_send(k, coll_wrap(k, tree_parent(t) + top), k->acc, s->count, s->type);
        k->phase = 1;
        return root ? COLL_MORE : COLL_LAST;
    }
    if (root)
        coll_copy(k, k->acc, s->count, s->type, (void *)k->args.recv.buf, s->count, s->type);
    else
        coll_send(k, k->args.root, k->acc, s->count, s->type);
    return COLL_LAST;
}

static enum coll_step tree_reduce(struct coll *k, int radix)
{
    const struct coll_side *s = &k->args.send;
    int top = top_of(k);
    struct tree t = tree_of(k, top, radix);

    if (k->phase) {
        coll_recv(k, top, (void *)k->args.recv.buf, s->count, s->type);
        return COLL_LAST;
    }
    if (k->round == 0) {
        prepare(k, &t);
    } else {
        fold_level(k, &t);
        k->mask *= radix;
    }
    if (!tree_has_child(&t, k, 1, k->mask))
        return hand_on(k, &t, top);
    for (int d = 1; d < radix && tree_has_child(&t, k, d, k->mask); d++)
        coll_recv(k, coll_wrap(k, k->rank + d * k->mask), vector(k, &t, k->at + d), s->count,
                  s->type);
    return COLL_MORE;
}

/*
 * Binomial tree (Thakur, Rabenseifner, Gropp, 2005): ceil(log p) (alpha + n beta + n gamma). An
 * operator that does not commute keeps rank order by converging on rank 0, which sends the result
 * to the root: one alpha + n beta more.
 */
enum coll_step reduce_binomial(struct coll *k)
{
    return tree_reduce(k, 2);
}

/* The same with three children a level: ceil(log4 p) (alpha + 3 (o + n beta + n gamma)). */
enum coll_step reduce_knomial(struct coll *k)
{
    return tree_reduce(k, 4);
}
