/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recursive halving on any number of ranks (Traeff, "Optimal, non-pipelined reduce-scatter and
 * allreduce algorithms", 2024; for powers of two it is Rabenseifner's). The vector is cut into one
 * block a rank. A rank that still answers for `whole` blocks, its own and those of the next ranks,
 * gives the farther half of them to the rank that far above, and folds in what it gets from below,
 * until only its own is left: ceil(log p) rounds in which p - 1 blocks go. Commutative operators.
 *
 * k->acc and k->tmp are vectors, k->mask is `whole`.
 */
#ifndef ORIEL_COLL_HALVING_H
#define ORIEL_COLL_HALVING_H

#include "core/coll/coll_engine.h"

/* Items before block i: of reduce_scatter by its counts, of other reductions cut evenly. */
MPI_Count halving_before(const struct coll *k, int i);

/* Blocks first to first + n - 1, counted around the end: at most two messages. */
void halving_send(struct coll *k, int to, const char *vector, int first, int n);
void halving_recv(struct coll *k, int from, char *vector, int first, int n);

/* k->acc holds what the rank itself contributes to the blocks that it does not give away at once.
 */
void halving_begin(struct coll *k);
/* Folds what the last round brought and posts the next one; false: the own block is complete. */
bool halving_step(struct coll *k);

static inline int halving_half(int whole)
{
    return (whole + 1) / 2;
}

#endif
