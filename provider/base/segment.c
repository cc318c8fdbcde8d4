/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provider/base/segment.h"

/* Bytes that can still be had without taking them from other programs; SIZE_MAX where unknown. */
static size_t memory_available(void)
{
    size_t kib = SIZE_MAX / 1024;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");

    if (!f)
        return SIZE_MAX;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
            break;
    fclose(f);
    return kib * 1024;
}

int segment_reserve(int fd, off_t at, off_t len)
{
    sigset_t all, before;
    int e;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    do
        e = posix_fallocate(fd, at, len);
    while (e == EINTR);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -e;
}

int segment_new(size_t len, int *fd, struct segment_offer *offer)
{
    struct stat st;
    int f, rc;

    /* The kernel would hand out pages one by one until it has to kill somebody. */
    if (len > memory_available())
        return -ENOMEM;
    f = memfd_create("oriel", MFD_CLOEXEC);
    if (f < 0)
        return -errno;
    rc = segment_reserve(f, 0, (off_t)len);
    if (!rc && fstat(f, &st))
        rc = -errno;
    if (rc) {
        close(f);
        return rc == -ENOSPC ? -ENOMEM : rc;
    }
    *fd = f;
    *offer = (struct segment_offer){getpid(), f, st.st_dev, st.st_ino, len};
    return 0;
}

int segment_open(const struct segment_offer *offer, int *fd)
{
    char path[64];
    struct stat st;
    int f;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)offer->pid, (int)offer->fd);
    f = open(path, O_RDWR | O_CLOEXEC);
    if (f < 0)
        return -errno;
    if (fstat(f, &st) || st.st_dev != offer->device || st.st_ino != offer->inode) {
        close(f);
        return -EXDEV;
    }
    *fd = f;
    return 0;
}

int segment_map(int fd, size_t len, void **at)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return -errno;
    *at = p;
    return 0;
}

/* Room is taken for the worst case, and what is too much before and behind given back. */
int segment_map_aligned(int fd, size_t len, size_t offset, size_t alignment, void **at)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (len + page - 1) / page * page, room;
    char *p, *begin;

    if (alignment <= page)
        return segment_map(fd, len, at);
    if (__builtin_add_overflow(pages, alignment, &room))
        return -ENOMEM;
    p = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    begin = p + (-((uintptr_t)p + offset) & (alignment - 1));
    if (mmap(begin, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int e = errno;
        munmap(p, room);
        return -e;
    }
    if (begin > p)
        munmap(p, (size_t)(begin - p));
    if (begin + pages < p + room)
        munmap(begin + pages, (size_t)(p + room - begin) - pages);
    *at = begin;
    return 0;
}

void segment_unmap(void *at, size_t len)
{
    munmap(at, len);
}
