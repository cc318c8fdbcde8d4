/* SPDX-License-Identifier: BSD-3-Clause */
/* Single copy between two processes by the kernel (process_vm_readv(2)), which may do it in parts.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "provider/node/node.h"

/* Drops the first `by` bytes. */
static void consume(struct iovec **iov, size_t *count, size_t by)
{
    while (*count && by >= (*iov)->iov_len) {
        by -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + by;
        (*iov)->iov_len -= by;
    }
}

int node_copy(uint32_t pid, bool write, const struct iovec *ours, size_t our_count,
              const struct iovec *theirs, size_t their_count, size_t len)
{
    struct iovec a[NODE_IOV], b[NODE_IOV], *here = a, *there = b;

    memcpy(a, ours, our_count * sizeof(*ours));
    memcpy(b, theirs, their_count * sizeof(*theirs));
    while (len) {
        ssize_t n = write ? process_vm_writev(pid, here, our_count, there, their_count, 0)
                          : process_vm_readv(pid, here, our_count, there, their_count, 0);
        if (n <= 0)
            return n ? -errno : -EFAULT;
        len -= (size_t)n < len ? (size_t)n : len;
        consume(&here, &our_count, n);
        consume(&there, &their_count, n);
    }
    return 0;
}
