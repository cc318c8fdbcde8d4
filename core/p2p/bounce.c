/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/bounce.h"

#include <stdlib.h>

#include "provider/base/lock.h"

enum {
    LEAST = 10,   /* 2^10 bytes: the smallest class */
    CLASSES = 11, /* up to 1 MiB; what is longer goes back to the system at once */
    KEPT = 4,     /* of each class */
};

struct block {
    unsigned class; /* CLASSES: of no class */
    struct block *next;
    _Alignas(64) char data[];
};

static struct {
    struct lock lock;
    struct block *free[CLASSES];
    unsigned count[CLASSES];
} bounce;

static unsigned class_of(size_t len)
{
    unsigned c = 0;

    while (c < CLASSES && len > (size_t)1 << (LEAST + c))
        c++;
    return c;
}

void bounce_open(bool thread_multiple)
{
    bounce.lock.off = !thread_multiple;
}

void bounce_close(void)
{
    for (unsigned c = 0; c < CLASSES; c++) {
        struct block *b;
        while ((b = bounce.free[c])) {
            bounce.free[c] = b->next;
            free(b);
        }
        bounce.count[c] = 0;
    }
}

void *bounce_take(size_t len)
{
    unsigned class = class_of(len);
    struct block *b = NULL;

    if (class < CLASSES) {
        len = (size_t)1 << (LEAST + class);
        lock_take(&bounce.lock);
        b = bounce.free[class];
        if (b) {
            bounce.free[class] = b->next;
            bounce.count[class]--;
        }
        lock_drop(&bounce.lock);
    }
    if (!b) {
        size_t lines = (len + 63) / 64;
        b = aligned_alloc(64, sizeof *b + lines * 64);
        if (!b)
            return NULL;
        b->class = class;
    }
    return b->data;
}

void bounce_give(void *block)
{
    if (!block)
        return;
    struct block *b = (struct block *)((char *)block - offsetof(struct block, data));
    unsigned class = b->class;
    bool kept = false;

    if (class < CLASSES) {
        lock_take(&bounce.lock);
        kept = bounce.count[class] < KEPT;
        if (kept) {
            b->next = bounce.free[class];
            bounce.free[class] = b;
            bounce.count[class]++;
        }
        lock_drop(&bounce.lock);
    }
    if (!kept)
        free(b);
}
