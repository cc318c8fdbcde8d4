/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages to and from buffers that do not lie in one block (provider/base/scatter.h). The owner's
 * own code copies such a buffer into chunks and out of them, so that each side of a message has one
 * copy to make, whatever the layouts, and both make theirs at the same time. Where the blocks are
 * few and long on both sides, the receiver fetches them in a single copy instead.
 */
#include <errno.h>
#include <sys/uio.h>

#include "provider/node/node.h"

/* Mean length from which the kernel's work for each block is less than that of a second copy. */
enum { LONG_BLOCK = 8192 };

static bool has_long_blocks(const struct scatter *s)
{
    return s->count && s->len / s->count >= LONG_BLOCK;
}

struct node_blocks *node_scatter_blocks(struct node_ep *ep, const struct scatter *s)
{
    if (!has_long_blocks(s) || s->count > NODE_BLOCKS)
        return NULL;
    struct node_blocks *b = pool_get(&ep->blocks);
    if (!b)
        return NULL;
    /* `count` is no promise: what does not fit is left to a stream. */
    b->count = s->ops->blocks(s, 0, b->iov, NODE_BLOCKS);
    /* Not node_iov_length: this many blocks may be what says NODE_SCATTER there. */
    size_t len = 0;
    for (size_t i = 0; i < b->count; i++)
        len += b->iov[i].iov_len;
    if (len == s->len)
        return b;
    pool_put(&ep->blocks, b);
    return NULL;
}

bool node_scatter_fetches(const struct iovec *iov, unsigned count)
{
    return count != NODE_SCATTER || has_long_blocks(node_scatter_of(iov));
}

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

/* Keeps the first `len` bytes: how many pieces they are. */
static size_t shorten(struct iovec *iov, size_t count, size_t len)
{
    size_t n = 0;

    for (; n < count && len; n++) {
        if (iov[n].iov_len > len)
            iov[n].iov_len = len;
        len -= iov[n].iov_len;
    }
    return n;
}

/* The blocks from byte `at` on: as many as there is room for. */
static size_t blocks_from(const struct iovec *iov, unsigned count, size_t at,
                          struct iovec room[NODE_BLOCKS])
{
    if (count == NODE_SCATTER) {
        const struct scatter *s = node_scatter_of(iov);
        return s->ops->blocks(s, at, room, NODE_BLOCKS);
    }
    struct iovec *rest = room;
    size_t n = count;
    for (size_t i = 0; i < n; i++)
        room[i] = iov[i];
    consume(&rest, &n, at);
    for (size_t i = 0; i < n; i++)
        room[i] = rest[i];
    return n;
}

int node_scatter_fetch(uint32_t pid, const struct iovec *iov, unsigned count, struct iovec *theirs,
                       size_t their_count, size_t len)
{
    struct iovec ours[NODE_BLOCKS];
    size_t done = 0;

    while (done < len) {
        size_t n = shorten(ours, blocks_from(iov, count, done, ours), len - done);
        ssize_t got = process_vm_readv(pid, ours, n, theirs, their_count, 0);
        if (got <= 0)
            return got ? -errno : -EFAULT;
        done += got;
        consume(&theirs, &their_count, got);
    }
    return 0;
}

/* ---- The calls: struct node_direct_ops ---- */

ssize_t node_scatter_send(struct fid_ep *fid, const struct scatter *s, fi_addr_t dest, uint64_t tag,
                          uint64_t data, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct iovec iov = {(void *)s, s->len};
    uint64_t flags = FI_REMOTE_CQ_DATA | (context ? FI_COMPLETION : FI_INJECT);
    struct node_tx tx = {&iov, NODE_SCATTER, dest, tag, data, flags, context, true};

    lock_take(ep->lock);
    ssize_t ret = node_send(ep, &tx);
    lock_drop(ep->lock);
    return ret;
}

ssize_t node_scatter_recv(struct fid_ep *fid, const struct scatter *s, fi_addr_t source,
                          uint64_t tag, uint64_t ignore, uint64_t flags, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct iovec iov = {(void *)s, s->len};
    struct node_rx rx = {&iov,   NODE_SCATTER,          source,  tag,
                         ignore, flags | FI_COMPLETION, context, true};

    lock_take(ep->lock);
    ssize_t ret = node_recv(ep, &rx);
    lock_drop(ep->lock);
    return ret;
}
