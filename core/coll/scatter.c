/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (!coll_in_place(r))
        coll_copy(k, coll_at(s, k->rank), coll_count(s, k->rank), coll_type(k, s, k->rank),
                  (void *)r->buf, r->count, r->type);
}

/* The root sends to everybody. (p - 1) alpha + n beta at the root, n in all. */
enum coll_step scatter_linear(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (k->rank != k->args.root) {
        coll_recv(k, k->args.root, (void *)r->buf, r->count, r->type);
        return COLL_LAST;
    }
    for (int i = 0; i < k->size; i++)
        if (i != k->rank)
            coll_send_part(k, i, s, i);
    keep_own(k);
    return COLL_LAST;
}

/* At the root: the blocks packed in the tree's order, which counts from the root. */
static void collect(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    for (int v = 1; v < k->size; v++) {
        int rank = coll_wrap(k, v + k->args.root);

        coll_copy(k, coll_at(s, rank), s->count, s->type, k->scratch + (size_t)v * k->block,
                  (MPI_Count)k->block, &datatype_byte);
    }
    keep_own(k);
}

static void send_to_children(struct coll *k, int v, int low)
{
    for (int bit = low >> 1; bit; bit >>= 1) {
        int end = v + 2 * bit < k->size ? v + 2 * bit : k->size;

        if (v + bit < k->size)
            coll_send(k, coll_wrap(k, v + bit + k->args.root), k->scratch + (size_t)bit * k->block,
                      (MPI_Count)(k->block * (size_t)(end - v - bit)), &datatype_byte);
    }
}

/*
 * Binomial tree, the root first: a rank receives the packed blocks of its subtree and passes on the
 * halves, the larger first. ceil(log p) alpha + n beta at the root.
 */
enum coll_step scatter_binomial(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    int v = coll_from_root(k, k->rank);
    int low = v ? v & -v : coll_power_below(k->size) << 1;
    int end = v + low < k->size ? v + low : k->size;
    int parent = coll_wrap(k, v - low + k->args.root);

    if (k->round == 0) {
        k->block = v ? coll_bytes(k, r, 0) : coll_bytes(k, s, 0);
        if (v && end == v + 1) {
            coll_recv(k, parent, (void *)r->buf, r->count, r->type);
            return COLL_LAST;
        }
        coll_room(k, k->block * (size_t)(end - v));
        if (v) {
            coll_recv(k, parent, k->scratch, (MPI_Count)(k->block * (size_t)(end - v)),
                      &datatype_byte);
            return COLL_MORE;
        }
        collect(k);
    }
    send_to_children(k, v, low);
    if (v)
        coll_copy(k, k->scratch, (MPI_Count)k->block, &datatype_byte, (void *)r->buf, r->count,
                  r->type);
    return COLL_LAST;
}
