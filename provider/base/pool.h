/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Items of one size, taken and given back in constant time. Memory comes in blocks, grows when the
 * pool runs dry and goes back to the system with pool_close. An item's address never changes. The
 * caller's lock guards the pool.
 */
#ifndef ORIEL_BASE_POOL_H
#define ORIEL_BASE_POOL_H

#include <stddef.h>

struct pool_item {
    struct pool_item *next;
};

struct pool {
    struct pool_item *free;
    struct pool_item *blocks; /* chained through their first word */
    size_t size, per_block;
    size_t taken; /* items out, for leak reports */
};

/* `size` in bytes; items are aligned to 64 bytes. */
void pool_open(struct pool *p, size_t size, size_t per_block);
void pool_close(struct pool *p);
/* Makes room; 0 or -ENOMEM. */
int pool_grow(struct pool *p);

/* An item with undefined content, or NULL when memory is out. */
static inline void *pool_get(struct pool *p)
{
    struct pool_item *i = p->free;

    if (__builtin_expect(!i, 0)) {
        if (pool_grow(p))
            return NULL;
        i = p->free;
    }
    p->free = i->next;
    p->taken++;
    return i;
}

static inline void pool_put(struct pool *p, void *item)
{
    struct pool_item *i = item;

    i->next = p->free;
    p->free = i;
    p->taken--;
}

#endif
