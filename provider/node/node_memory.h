/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory made to be shared: a memfd each, mapped by whoever accesses it through a registered
 * region, so that remote access on the host is load and store. Reached by fi_open_ops on a domain:
 *
 *     struct node_memory_ops *ops;
 *     fi_open_ops(&domain->fid, NODE_MEMORY_OPS, 0, (void **)&ops, NULL);
 */
#ifndef ORIEL_NODE_NODE_MEMORY_H
#define ORIEL_NODE_NODE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define NODE_MEMORY_OPS "oriel_memory"

struct node_memory_ops {
    size_t size;
    /* `len` bytes of zeros, page-aligned: 0 or -ENOMEM. */
    int (*allocate)(size_t len, void **memory);
    /* What allocate gave; no region of it may be registered any more. */
    void (*release)(void *memory);
};

extern const struct node_memory_ops node_memory_ops;

/* The file behind [base, base + len), where it begins and its length; -1 where there is none. */
int node_memory_file(uint64_t base, uint64_t len, uint64_t *file_base, uint64_t *file_len);

#endif
