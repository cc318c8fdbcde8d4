/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "provider/base/segment.h"
#include "provider/node/node_segment.h"

/*
 * Where Yama lets only ancestors look into a process, its peers' single copies need leave. Asking
 * is harmless elsewhere, and refused where there is no Yama.
 */
static void allow_single_copy(void)
{
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

/* A child has no part in this: it could only disturb, and keep memory that its parent gave up. */
static void keep_from_children(struct node_segment *s)
{
    madvise(s, sizeof(*s), MADV_DONTFORK);
}

int node_segment_create(uint64_t *probe_word, unsigned rings, struct node_segment **segment,
                        int *fd)
{
    struct node_segment *s;
    uint64_t cookie;
    int ret;

    if (getrandom(&cookie, sizeof(cookie), 0) != sizeof(cookie))
        return -errno;
    *fd = memfd_create("oriel", MFD_CLOEXEC);
    if (*fd < 0)
        return -errno;
    /* Every page is there before it is used, so that memory that has run out is an error, not a
     * signal: all but the chunks now, those when they are first wanted. */
    ret =
        ftruncate(*fd, sizeof(*s)) ? -errno : segment_reserve(*fd, 0, offsetof(typeof(*s), chunks));
    if (ret)
        goto close_fd;
    s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (s == MAP_FAILED) {
        ret = -errno;
        goto close_fd;
    }
    keep_from_children(s);
    *probe_word = cookie;
    s->size = sizeof(*s);
    s->address = (struct node_address){getpid(), *fd, cookie};
    s->cookie_at = (uintptr_t)probe_word;
    s->doorbell_fd = -1;
    s->ring_count = rings;
    atomic_thread_fence(memory_order_release);
    s->magic = NODE_MAGIC;
    allow_single_copy();
    *segment = s;
    return 0;

close_fd:
    close(*fd);
    return ret;
}

int node_segment_back(int fd, unsigned first, unsigned count)
{
    off_t at = (off_t)offsetof(struct node_segment, chunks) + (off_t)first * NODE_CHUNK;

    return segment_reserve(fd, at, (off_t)count * NODE_CHUNK);
}

int node_segment_attach(const struct node_address *address, struct node_segment **segment)
{
    char path[64];
    struct stat st;
    int ret = 0;

    snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd/%" PRId32, address->pid, address->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || (size_t)st.st_size != sizeof(**segment)) {
        ret = -EPROTO;
        goto close_fd;
    }
    struct node_segment *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED) {
        ret = -errno;
        goto close_fd;
    }
    if (s->magic != NODE_MAGIC || s->address.cookie != address->cookie) {
        ret = -EPROTO;
        munmap(s, sizeof(*s));
        goto close_fd;
    }
    keep_from_children(s);
    *segment = s;

close_fd:
    close(fd);
    return ret;
}

int node_segment_gone(const struct node_address *address, struct node_segment **segment)
{
    struct node_segment *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (s == MAP_FAILED)
        return -errno;
    s->address = *address;
    *segment = s;
    return 0;
}

void node_segment_unmap(struct node_segment *segment)
{
    munmap(segment, sizeof(*segment));
}

/* 0 and the cookie as its owner has it, or -errno. */
static int cookie_read(const struct node_segment *segment, uint64_t *cookie)
{
    struct iovec local = {cookie, sizeof(*cookie)};
    struct iovec remote = {(void *)(uintptr_t)segment->cookie_at, sizeof(*cookie)};
    ssize_t n = process_vm_readv(segment->address.pid, &local, 1, &remote, 1, 0);

    return n == sizeof(*cookie) ? 0 : n < 0 ? -errno : -EFAULT;
}

bool node_segment_probe(const struct node_segment *segment)
{
    uint64_t cookie;

    return !cookie_read(segment, &cookie) && cookie == segment->address.cookie;
}

bool node_segment_is_gone(const struct node_segment *segment)
{
    uint64_t cookie;
    int ret = cookie_read(segment, &cookie);

    if (!ret)
        return cookie != segment->address.cookie;
    /* Who may not read another's memory can still ask whether it is there. */
    return ret == -ESRCH || ret == -EFAULT || (kill(segment->address.pid, 0) && errno == ESRCH);
}

void node_address_print(const struct node_address *address, char text[NODE_ADDRESS_TEXT])
{
    snprintf(text, NODE_ADDRESS_TEXT, "oriel:%" PRIu32 ":%" PRId32 ":%016" PRIx64, address->pid,
             address->fd, address->cookie);
}

int node_address_parse(const char *text, struct node_address *address)
{
    struct node_address a;
    int end = 0;

    if (sscanf(text, "oriel:%" SCNu32 ":%" SCNd32 ":%" SCNx64 "%n", &a.pid, &a.fd, &a.cookie,
               &end) != 3 ||
        text[end])
        return -EINVAL;
    *address = a;
    return 0;
}
