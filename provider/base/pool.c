/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "provider/base/pool.h"

enum { LINE = 64 };

void pool_open(struct pool *p, size_t size, size_t per_block)
{
    *p = (struct pool){.size = (size + LINE - 1) / LINE * LINE, .per_block = per_block};
}

int pool_grow(struct pool *p)
{
    char *block = aligned_alloc(LINE, LINE + p->size * p->per_block);

    if (!block)
        return -ENOMEM;
    struct pool_item *head = (struct pool_item *)block;
    head->next = p->blocks;
    p->blocks = head;
    for (size_t n = p->per_block; n-- > 0;) {
        struct pool_item *i = (struct pool_item *)(block + LINE + n * p->size);
        i->next = p->free;
        p->free = i;
    }
    return 0;
}

void pool_close(struct pool *p)
{
    while (p->blocks) {
        struct pool_item *next = p->blocks->next;
        free(p->blocks);
        p->blocks = next;
    }
    p->free = NULL;
    p->taken = 0;
}
