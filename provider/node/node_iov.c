/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <string.h>

#include "provider/base/copy.h"
#include "provider/base/hot.h"
#include "provider/node/node_iov.h"

/* Walks to byte `at` of the list; the index of the iovec there, *skip bytes into it. */
static size_t seek(const struct iovec *iov, size_t count, size_t at, size_t *skip)
{
    size_t i = 0;

    while (i < count && at >= iov[i].iov_len)
        at -= iov[i++].iov_len;
    *skip = at;
    return i;
}

/* What of `len` bytes from `at` on there is. */
static size_t within(const struct scatter *s, size_t at, size_t len)
{
    size_t rest = at < s->len ? s->len - at : 0;

    return len < rest ? len : rest;
}

size_t node_iov_fill(const struct iovec *iov, size_t count, size_t at, const void *from, size_t len)
{
    size_t skip, done = 0;

    if (count == NODE_SCATTER) {
        const struct scatter *s = node_scatter_of(iov);
        len = within(s, at, len);
        s->ops->spread(s, at, from, len);
        return len;
    }
    for (size_t i = seek(iov, count, at, &skip); i < count && done < len; i++, skip = 0) {
        size_t room = iov[i].iov_len - skip;
        size_t n = len - done < room ? len - done : room;
        copy_bytes((char *)iov[i].iov_base + skip, (const char *)from + done, n);
        done += n;
    }
    return done;
}

HOT_INLINE size_t read_blocks(const struct iovec *iov, size_t count, size_t at, void *to,
                              size_t len, bool past)
{
    size_t skip, done = 0;

    for (size_t i = seek(iov, count, at, &skip); i < count && done < len; i++, skip = 0) {
        size_t room = iov[i].iov_len - skip;
        size_t n = len - done < room ? len - done : room;
        const char *from = (const char *)iov[i].iov_base + skip;
        if (past)
            copy_past((char *)to + done, from, n);
        else
            copy_bytes((char *)to + done, from, n);
        done += n;
    }
    return done;
}

size_t node_iov_read(const struct iovec *iov, size_t count, size_t at, void *to, size_t len)
{
    if (count == NODE_SCATTER) {
        const struct scatter *s = node_scatter_of(iov);
        len = within(s, at, len);
        s->ops->gather(s, at, to, len);
        return len;
    }
    return read_blocks(iov, count, at, to, len, false);
}

size_t node_iov_read_past(const struct iovec *iov, size_t count, size_t at, void *to, size_t len)
{
    return count == NODE_SCATTER ? node_iov_read_apart(iov, count, at, to, len)
                                 : read_blocks(iov, count, at, to, len, true);
}

size_t node_iov_read_apart(const struct iovec *iov, size_t count, size_t at, void *to, size_t len)
{
    enum { AT_ONCE = 4096, SHORT = 256 };
    const struct scatter *s = count == NODE_SCATTER ? node_scatter_of(iov) : NULL;
    size_t done = 0;

    if (s && s->len < s->count * SHORT)
        return node_iov_read(iov, count, at, to, len);
    for (size_t n; done < len; done += n) {
        n = len - done < AT_ONCE ? len - done : AT_ONCE;
        prefetch_block_to_store((char *)to + done, n);
        node_iov_read(iov, count, at + done, (char *)to + done, n);
    }
    return done;
}

size_t node_iov_slice(const struct iovec *iov, size_t count, size_t at, size_t len,
                      struct iovec out[NODE_IOV])
{
    size_t skip, n = 0;

    for (size_t i = seek(iov, count, at, &skip); i < count && len; i++, skip = 0) {
        size_t room = iov[i].iov_len - skip;
        out[n] = (struct iovec){(char *)iov[i].iov_base + skip, room < len ? room : len};
        len -= out[n++].iov_len;
    }
    return n;
}
