/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rank's place in the k-nomial tree of p ranks, where v counts from the root: written in base k,
 * its parent is v without its lowest digit that is not 0, and its children are those with one more
 * digit below that. A child v + d w, of weight w, stands for the ranks up to v + (d + 1) w. With
 * k = 2 the tree is binomial.
 */
#ifndef ORIEL_COLL_TREE_H
#define ORIEL_COLL_TREE_H

#include "core/coll/coll_engine.h"

struct tree {
    int radix, v;
    int low; /* weight of the lowest digit that is not 0; of the root: the first not below p */
};

static inline struct tree tree_of(const struct coll *k, int top, int radix)
{
    struct tree t = {.radix = radix, .v = coll_wrap(k, k->rank - top), .low = 1};

    while (t.low < k->size && (!t.v || t.v / t.low % radix == 0))
        t.low *= radix;
    return t;
}

static inline int tree_parent(const struct tree *t)
{
    return t->v - t->v / t->low % t->radix * t->low;
}

/* Whether there is one of weight w: those below it then have it too. */
static inline bool tree_has_child(const struct tree *t, const struct coll *k, int digit, int w)
{
    return w < t->low && t->v + digit * w < k->size;
}

#endif
