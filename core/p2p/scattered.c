/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/scattered.h"

#include <errno.h>

#include "core/object/datatype_flat.h"
#include "core/object/err.h"
#include "core/p2p/bounce.h"
#include "core/p2p/post.h"

enum { SMALL = 1024 }; /* bytes that are packed on the stack */

static const struct scattered *scattered_of(const struct scatter *s)
{
    return container_of(s, const struct scattered, scatter);
}

static void gather(const struct scatter *scatter, size_t at, void *to, size_t len)
{
    const struct scattered *s = scattered_of(scatter);

    datatype_pack(s->buf, s->count, s->type, at, to, len);
}

static void spread(const struct scatter *scatter, size_t at, const void *from, size_t len)
{
    const struct scattered *s = scattered_of(scatter);

    datatype_unpack(s->buf, s->count, s->type, at, from, len);
}

static size_t blocks(const struct scatter *scatter, size_t at, struct iovec *iov, size_t most)
{
    const struct scattered *s = scattered_of(scatter);
    struct type_iter i;
    size_t n = 0;

    type_iter_begin(&i, s->buf, s->count, s->type, at);
    while (n < most && type_iter_next(&i, SIZE_MAX, &iov[n]))
        n++;
    return n;
}

static const struct scatter_ops scattered_ops = {gather, spread, blocks};

void scattered_init(struct scattered *s, const void *buf, MPI_Count count, const struct datatype *t,
                    size_t len)
{
    size_t each = (size_t)type_shape_blocks(&t->shape);

    s->scatter = (struct scatter){&scattered_ops, len, (size_t)count * each};
    s->buf = (char *)buf;
    s->count = count;
    s->type = t;
}

int scattered_inject(struct fabric_peer *to, const void *buf, MPI_Count count,
                     const struct datatype *t, size_t len, uint64_t match, uint64_t data)
{
    char small[SMALL];
    struct scattered s;

    if (len <= sizeof small) {
        datatype_pack(buf, count, t, 0, small, len);
        return fabric_tinject(to, small, len, match, data);
    }
    if (!fabric_scatters(to))
        return -EAGAIN;
    scattered_init(&s, buf, count, t, len);
    return fabric_tinject_scattered(to, &s.scatter, match, data);
}

static bool goes_scattered(const struct comm *c, int dest)
{
    return fabric_scatters(UNLIKELY(fabric_has_two) ? fabric_any(comm_reach_of(c, dest)) : NULL);
}

int scattered_pack(const struct comm *c, int dest, const void *buf, MPI_Count count,
                   const struct datatype *t, void **block)
{
    size_t len;

    *block = NULL;
    if (LIKELY(datatype_is_block(t, count)) || !fabric_is_open() || goes_scattered(c, dest))
        return MPI_SUCCESS;
    int rc = post_bytes(t, count, &len);
    if (rc || len <= SMALL)
        return rc;
    *block = bounce_take(len);
    if (!*block)
        return err_set(MPI_ERR_NO_MEM, "no memory to pack a message of %zu bytes", len);
    datatype_pack(buf, count, t, 0, *block, len);
    return MPI_SUCCESS;
}
