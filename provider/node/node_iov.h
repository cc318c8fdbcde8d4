/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of pieces of memory, as libfabric's calls have them: the stream provider's, too. */
#ifndef ORIEL_NODE_NODE_IOV_H
#define ORIEL_NODE_NODE_IOV_H

#include <stddef.h>
#include <sys/uio.h>

#include "provider/base/scatter.h"

/*
 * Memory is given as up to NODE_IOV pieces, or as one piece whose address is that of a struct
 * scatter and whose count is NODE_SCATTER.
 */
enum { NODE_IOV = 4, NODE_SCATTER = NODE_IOV + 1 };

static inline size_t node_iov_entries(size_t count)
{
    return count == NODE_SCATTER ? 1 : count;
}

static inline const struct scatter *node_scatter_of(const struct iovec *iov)
{
    return iov->iov_base;
}

/* Copies between an iovec list and flat memory from byte `at` of the list: bytes
 * copied. */
size_t node_iov_fill(const struct iovec *iov, size_t count, size_t at, const void *from,
                     size_t len);
size_t node_iov_read(const struct iovec *iov, size_t count, size_t at, void *to, size_t len);
/*
 * The same, into lines that somebody else had before: rows of 1 KiB pass at 5.5 GB/s where each is
 * asked for when the stores reach it, at 8 where they are asked for together. Short blocks take
 * longer to collect than the lines to come.
 */
size_t node_iov_read_apart(const struct iovec *iov, size_t count, size_t at, void *to, size_t len);
/* The same, past the caches, where it is no scatter list. */
size_t node_iov_read_past(const struct iovec *iov, size_t count, size_t at, void *to, size_t len);
/* Bytes at .. at + len of the list as a list of their own: how many iovecs it has. */
size_t node_iov_slice(const struct iovec *iov, size_t count, size_t at, size_t len,
                      struct iovec out[NODE_IOV]);

static inline size_t node_iov_length(const struct iovec *iov, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < node_iov_entries(count); i++)
        len += iov[i].iov_len;
    return len;
}

#endif
