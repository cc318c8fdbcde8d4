/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast down a tree. */
#include "core/coll/tree.h"

static enum coll_step tree_bcast(struct coll *k, int radix)
{
    const struct coll_side *s = &k->args.send;
    int root = k->args.root;
    struct tree t = tree_of(k, root, radix);

    if (k->round == 0 && t.v) {
        coll_recv(k, coll_wrap(k, tree_parent(&t) + root), (void *)s->buf, s->count, s->type);
        return COLL_MORE;
    }
    for (int w = t.low / radix; w; w /= radix)
        for (int d = 1; d < radix && tree_has_child(&t, k, d, w); d++)
            coll_send(k, coll_wrap(k, t.v + d * w + root), s->buf, s->count, s->type);
    return COLL_LAST;
}

/*
 * Binomial tree: a rank receives from the one without its lowest bit, counted from the root, and
 * sends to those with one lower bit more, the farthest first. ceil(log p) (alpha + n beta).
 */
enum coll_step bcast_binomial(struct coll *k)
{
    return tree_bcast(k, 2);
}

/*
 * The same with three children a level (Karp, Sahay, Santos, Schauser, "Optimal broadcast and
 * summation in the LogP model", 1993: where posting a message costs less than its way, a rank
 * should feed more than one other meanwhile). ceil(log4 p) (alpha + 3 (o + n beta)).
 */
enum coll_step bcast_knomial(struct coll *k)
{
    return tree_bcast(k, 4);
}
