/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libfabric's atomic operations do to memory: node_atomic_apply.c computes, node_atomic.c
 * carries. Every operation is defined on the types that fi_atomic(3) gives it: all on integers,
 * all but the bitwise ones on real numbers, and on complex ones those that need no order.
 */
#ifndef ORIEL_NODE_NODE_ATOMIC_H
#define ORIEL_NODE_NODE_ATOMIC_H

#include "provider/node/node.h"

enum { NODE_ATOMIC_BYTES = 4096 }; /* of one operand of one operation, at the most */

/* Bytes of an element, 0 where the type is none of ours. */
size_t node_atomic_size(enum fi_datatype type);
bool node_atomic_valid(enum fi_datatype type, enum fi_op op);

struct node_atomic {
    enum fi_datatype type;
    enum fi_op op;
    size_t count;
    const void *operand; /* NULL for FI_ATOMIC_READ */
    const void *compare; /* compare-and-swap: what is compared with, or the mask of FI_MSWAP */
    void *result;        /* what was there before, or NULL */
};

/*
 * Applies it to `count` elements at `target`. `locks` NULL: the caller sees to it that nobody else
 * touches the memory meanwhile. Otherwise others do the same at the same time, from any process:
 * elements of up to 8 bytes change by compare-and-swap, longer ones under one of the locks.
 */
void node_atomic_do(const struct node_atomic *a, void *target, struct node_stripe *locks,
                    uint64_t name);

#endif
