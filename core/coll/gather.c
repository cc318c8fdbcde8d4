/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

/* The root's own part, at its place. */
static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (!coll_in_place(s))
        coll_copy(k, s->buf, s->count, s->type, coll_at(r, k->rank), coll_count(r, k->rank),
                  coll_type(k, r, k->rank));
}

/*
 * Everybody sends to the root, which has all receives posted before it waits. (p - 1) alpha +
 * n beta at the root, n in all. For counts that only the root knows there is no other way.
 */
enum coll_step gather_linear(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (k->rank != k->args.root) {
        coll_send(k, k->args.root, s->buf, s->count, s->type);
        return COLL_LAST;
    }
    for (int i = 0; i < k->size; i++)
        if (i != k->rank)
            coll_recv_part(k, i, r, i);
    keep_own(k);
    return COLL_LAST;
}

/* Bytes of one rank's part, the same everywhere. */
static size_t block_bytes(const struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    return coll_in_place(s) ? coll_bytes(k, r, 0) : coll_bytes(k, s, 0);
}

/* At the root: from the packed blocks, counted from the root, to where they belong. */
static void spread(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;

    keep_own(k);
    for (int v = 1; v < k->size; v++) {
        int rank = coll_wrap(k, v + k->args.root);

        coll_copy(k, k->scratch + (size_t)v * k->block, (MPI_Count)k->block, &datatype_byte,
                  coll_at(r, rank), r->count, r->type);
    }
}

/*
 * Binomial tree, leaves first: a rank collects the packed blocks of its subtree and hands them to
 * the rank without its lowest bit, counted from the root. ceil(log p) alpha + n beta at the root.
 */
enum coll_step gather_binomial(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    int v = coll_from_root(k, k->rank);
    int low = v ? v & -v : coll_power_below(k->size) << 1;
    int end = v + low < k->size ? v + low : k->size;
    int parent = coll_wrap(k, v - low + k->args.root);

    if (k->round > 0) {
        if (v)
            coll_send(k, parent, k->scratch, (MPI_Count)(k->block * (size_t)(end - v)),
                      &datatype_byte);
        else
            spread(k);
        return COLL_LAST;
    }
    k->block = block_bytes(k);
    if (v && end == v + 1) {
        coll_send(k, parent, s->buf, s->count, s->type);
        return COLL_LAST;
    }
    coll_room(k, k->block * (size_t)(end - v));
    for (int bit = 1; bit < low && v + bit < k->size; bit <<= 1) {
        int child_end = v + 2 * bit < k->size ? v + 2 * bit : k->size;

        coll_recv(k, coll_wrap(k, v + bit + k->args.root), k->scratch + (size_t)bit * k->block,
                  (MPI_Count)(k->block * (size_t)(child_end - v - bit)), &datatype_byte);
    }
    if (v)
        coll_copy(k, s->buf, s->count, s->type, k->scratch, (MPI_Count)k->block, &datatype_byte);
    return COLL_MORE;
}
