/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that processes of one host share. It is an unnamed file (memfd) of the process that makes
 * it; the others open it through that one's /proc/PID/fd, which only processes of the same user
 * can. It has no name that could be left behind: when the last process that maps it has ended, in
 * whatever way, it is gone. Its pages are there from the beginning, so that no access can end in
 * SIGBUS.
 *
 * Calls return 0 or -errno.
 */
#ifndef ORIEL_BASE_SEGMENT_H
#define ORIEL_BASE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a segment is: travels as bytes. */
struct segment_offer {
    int32_t pid, fd;
    uint64_t device, inode; /* another process may have that number in another container */
    uint64_t len;
};

/*
 * Has the kernel find room in that part of a file. Signals wait: those in memory begin anew at one
 * (Linux until 2024), and a timer may go off more often than that takes.
 */
int segment_reserve(int fd, off_t at, off_t len);
/* -ENOMEM where the host has not that much free. The descriptor is what the others open. */
int segment_new(size_t len, int *fd, struct segment_offer *offer);
/* -EXDEV where it is not the file that was offered; else what open(2) says. */
int segment_open(const struct segment_offer *offer, int *fd);
int segment_map(int fd, size_t len, void **at);
/* Where byte `offset`, a multiple of a page, is aligned to a power of two. */
int segment_map_aligned(int fd, size_t len, size_t offset, size_t alignment, void **at);
void segment_unmap(void *at, size_t len);

#endif
