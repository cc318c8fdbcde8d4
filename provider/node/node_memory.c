/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provider/base/list.h"
#include "provider/base/lock.h"
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
    int ret;

    if (!m)
        return -ENOMEM;
    m->len = len ? len : 1;
    m->fd = memfd_create("oriel-memory", MFD_CLOEXEC);
    if (m->fd < 0) {
        ret = -errno;
        goto free_memory;
    }
    ret = -posix_fallocate(m->fd, 0, m->len);
    if (ret)
        goto close_fd;
    void *at = mmap(NULL, m->len, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (at == MAP_FAILED) {
        ret = -errno;
        goto close_fd;
    }
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
        munmap(at, m->len);
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
