/* SPDX-License-Identifier: BSD-3-Clause */
/* Broadcast of long messages, in parts. The data travels packed. */
#include "core/coll/coll_engine.h"

static int to_absolute(const struct coll *k, int from_root)
{
    return coll_wrap(k, from_root + k->args.root);
}

/* k->acc: the data as one block, the root's filled. */
static void pack(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    size_t bytes = coll_bytes(k, s, 0);

    if (s->type->contiguous) {
        k->acc = datatype_address(s->buf, s->type);
        return;
    }
    coll_room(k, bytes);
    k->acc = k->scratch;
    if (k->rank == k->args.root)
        coll_copy(k, s->buf, s->count, s->type, k->acc, (MPI_Count)bytes, &datatype_byte);
}

static void unpack(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->rank != k->args.root && !s->type->contiguous)
        coll_copy(k, k->acc, (MPI_Count)coll_bytes(k, s, 0), &datatype_byte, (void *)s->buf,
                  s->count, s->type);
}

/* ---- Scatter and allgather ---- */

/* Where block i of p begins when `bytes` are cut as evenly as whole bytes allow. */
static size_t cut(const struct coll *k, size_t bytes, int i)
{
    size_t each = (bytes + (size_t)k->size - 1) / (size_t)k->size;
    size_t at = each * (size_t)i;
    return at < bytes ? at : bytes;
}

static void send_blocks(struct coll *k, int to, int first, int end)
{
    size_t bytes = coll_bytes(k, &k->args.send, 0);
    size_t from = cut(k, bytes, first), n = cut(k, bytes, end) - from;
    coll_send(k, to, k->acc + from, (MPI_Count)n, &datatype_byte);
}

static void recv_blocks(struct coll *k, int from, int first, int end)
{
    size_t bytes = coll_bytes(k, &k->args.send, 0);
    size_t at = cut(k, bytes, first), n = cut(k, bytes, end) - at;
    coll_recv(k, from, k->acc + at, (MPI_Count)n, &datatype_byte);
}

/* The ranks in the subtree of v, v itself included: they are neighbours. */
static int subtree_end(const struct coll *k, int v, int low)
{
    return v + low < k->size ? v + low : k->size;
}

/* Gives every rank the block of its own number, counted from the root. */
static bool scatter_step(struct coll *k, int v, int low)
{
    if (k->round == 0 && v) {
        recv_blocks(k, to_absolute(k, v - low), v, subtree_end(k, v, low));
        return false;
    }
    for (int bit = low >> 1; bit; bit >>= 1)
        if (v + bit < k->size)
            send_blocks(k, to_absolute(k, v + bit), v + bit, subtree_end(k, v + bit, bit));
    return true;
}

/*
 * Long messages (van de Geijn, in Thakur, Rabenseifner, Gropp, "Optimization of collective
 * communication operations in MPICH", 2005): a binomial scatter of p blocks, then a ring gives all
 * of them to all. (log p + p - 1) alpha + 2 n beta.
 */
enum coll_step bcast_scatter_allgather(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    int v = coll_from_root(k, k->rank), low = v ? v & -v : coll_power_below(k->size) << 1;
    int p = k->size;

    if (k->round == 0)
        pack(k);
    if (k->phase == 0) {
        k->phase = scatter_step(k, v, low);
        return p == 1 ? COLL_LAST : COLL_MORE;
    }
    if (k->at < p - 1) {
        int out = v - k->at < 0 ? v - k->at + p : v - k->at, in = out ? out - 1 : p - 1;

        recv_blocks(k, coll_wrap(k, k->rank - 1), in, in + 1);
        send_blocks(k, coll_wrap(k, k->rank + 1), out, out + 1);
        k->at++;
        return k->at == p - 1 && s->type->contiguous ? COLL_LAST : COLL_MORE;
    }
    unpack(k);
    return COLL_LAST;
}

/* ---- Chain ---- */

static void pass(struct coll *k, size_t piece, bool in)
{
    size_t bytes = coll_bytes(k, &k->args.send, 0), most = coll_segment(k), at = piece * most;
    MPI_Count n = (MPI_Count)(bytes - at < most ? bytes - at : most);

    if (in)
        coll_recv(k, coll_wrap(k, k->rank - 1), k->acc + at, n, &datatype_byte);
    else
        coll_send(k, coll_wrap(k, k->rank + 1), k->acc + at, n, &datatype_byte);
}

/*
 * Pipelined chain (van de Geijn and others; the "pipelined linear" broadcast in Pjesivac-Grbovic et
 * al., "Performance analysis of MPI collective operations", 2007): a rank passes on a piece while
 * the next one comes. (p - 2 + n / s) (alpha + s beta) with pieces of s bytes.
 */
enum coll_step bcast_chain(struct coll *k)
{
    size_t bytes = coll_bytes(k, &k->args.send, 0), round = (size_t)k->round;
    size_t pieces = bytes ? (bytes - 1) / coll_segment(k) + 1 : 0;
    int v = coll_from_root(k, k->rank);
    bool first = v == 0, last = v == k->size - 1;

    if (round == 0)
        pack(k);
    if (!first && round < pieces)
        pass(k, round, true);
    if (!last && first && round < pieces)
        pass(k, round, false);
    else if (!last && !first && round > 0 && round <= pieces)
        pass(k, round - 1, false);
    if (round < pieces)
        return COLL_MORE;
    unpack(k);
    return COLL_LAST;
}
