/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "provider/base/list.h"
#include "provider/base/lock.h"
#include "provider/base/segment.h"
#include "provider/node/node_memory.h"

struct memory {
    struct list link;
    uint64_t base, len;
    int fd;
};

static struct list memories = LIST_INIT(memories);
static struct lock memories_lock;

static int allocate(size_t len, void **out)
{
    struct memory *m = malloc(sizeof(*m));
    struct segment_offer offer;
    void *at;
    int ret;

    if (!m)
        return -ENOMEM;
    m->len = len ? len : 1;
    ret = segment_new(m->len, &m->fd, &offer);
    if (ret)
        goto free_memory;
    ret = segment_map(m->fd, m->len, &at);
    if (ret)
        goto close_fd;
    m->base = (uintptr_t)at;
    lock_take(&memories_lock);
    list_add_tail(&memories, &m->link);
    lock_drop(&memories_lock);
    *out = at;
    return 0;

close_fd:
    close(m->fd);
free_memory:
    free(m);
    return ret;
}

/* The one that holds [base, base + len), or NULL. The list's lock is held. */
static struct memory *holding(uint64_t base, uint64_t len)
{
    for (struct list *l = memories.next; l != &memories; l = l->next) {
        struct memory *m = container_of(l, struct memory, link);
        if (base >= m->base && base - m->base <= m->len && len <= m->len - (base - m->base))
            return m;
    }
    return NULL;
}

static void release(void *at)
{
    lock_take(&memories_lock);
    struct memory *m = holding((uintptr_t)at, 1);
    if (m)
        list_drop(&m->link);
    lock_drop(&memories_lock);
    if (m) {
        segment_unmap(at, m->len);
        close(m->fd);
        free(m);
    }
}

int node_memory_file(uint64_t base, uint64_t len, uint64_t *file_base, uint64_t *file_len)
{
    int fd = -1;

    lock_take(&memories_lock);
    struct memory *m = holding(base, len);
    if (m) {
        *file_base = m->base;
        *file_len = m->len;
        fd = m->fd;
    }
    lock_drop(&memories_lock);
    return fd;
}

const struct node_memory_ops node_memory_ops = {sizeof(node_memory_ops), allocate, release};
