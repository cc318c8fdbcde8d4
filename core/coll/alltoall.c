/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (coll_bytes(k, s, k->rank) + coll_bytes(k, r, k->rank))
        coll_copy(k, coll_at(s, k->rank), coll_count(s, k->rank), coll_type(k, s, k->rank),
                  coll_at(r, k->rank), coll_count(r, k->rank), coll_type(k, r, k->rank));
}

/* Partners with whom a rank exchanges at once: enough to hide latency, bounded at any size. */
enum { AT_ONCE = 16 };

/*
 * Scattered: a rank sends to those above it and receives from those below, AT_ONCE of them a
 * round, so that no rank is everybody's first. (p - 1) alpha + n beta.
 */
enum coll_step alltoall_scattered(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    int first = 1 + k->round * AT_ONCE;
    int end = k->size - first > AT_ONCE ? first + AT_ONCE : k->size;

    for (int i = first; i < end; i++) {
        int from = coll_wrap(k, k->rank - i);

        coll_recv_part(k, from, r, from);
    }
    for (int i = first; i < end; i++) {
        int to = coll_wrap(k, k->rank + i);

        coll_send_part(k, to, s, to);
    }
    if (k->round == 0)
        keep_own(k);
    return end == k->size ? COLL_LAST : COLL_MORE;
}

/*
 * Pairwise exchange (Thakur, Rabenseifner, Gropp, 2005): one partner a round, another one for each
 * rank, so that nobody has more than one message to take: (p - 1) alpha + n beta, for long parts.
 */
enum coll_step alltoall_pairwise(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    int i = k->round + 1, p = k->size;
    bool pairs = !(p & (p - 1)); /* both choose each other */

    if (i < p) {
        int from = pairs ? k->rank ^ i : coll_wrap(k, k->rank - i);
        int to = pairs ? from : coll_wrap(k, k->rank + i);

        coll_recv_part(k, from, r, from);
        coll_send_part(k, to, s, to);
    }
    if (k->round == 0)
        keep_own(k);
    return i >= p - 1 ? COLL_LAST : COLL_MORE;
}

/*
 * In place, any form: one partner a round, such that both choose each other; what goes out is
 * packed first, and what comes in takes its place. p (alpha + 2 n / p beta).
 */
enum coll_step alltoall_in_place(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    int partner = coll_wrap(k, k->round - k->rank);

    if (k->round == 0) {
        size_t most = 0;

        for (int i = 0; i < k->size; i++)
            most = coll_bytes(k, r, i) > most ? coll_bytes(k, r, i) : most;
        coll_room(k, most);
    }
    if (partner != k->rank) {
        size_t n = coll_bytes(k, r, partner);

        if (n)
            coll_copy(k, coll_at(r, partner), coll_count(r, partner), coll_type(k, r, partner),
                      k->scratch, (MPI_Count)n, &datatype_byte);
        coll_recv_part(k, partner, r, partner);
        coll_send(k, partner, k->scratch, (MPI_Count)n, &datatype_byte);
    }
    return k->round == k->size - 1 ? COLL_LAST : COLL_MORE;
}

/* Packs the blocks whose distance has the bit, or puts them back. Returns their bytes. */
static size_t move_blocks(struct coll *k, int bit, char *block, char *packed, bool out)
{
    size_t n = 0;

    for (int i = bit; i < k->size; i = (i + 1) | bit) {
        char *one = block + (size_t)i * k->block;

        coll_copy(k, out ? one : packed + n, (MPI_Count)k->block, &datatype_byte,
                  out ? packed + n : one, (MPI_Count)k->block, &datatype_byte);
        n += k->block;
    }
    return n;
}

/*
 * Bruck et al., 1997: a block for the rank i above travels along the bits of i, with all others
 * that have the bit, in one message. ceil(log p) (alpha + n/2 beta): for short blocks. Serves the
 * in-place form too, as everything is copied first.
 */
enum coll_step alltoall_bruck(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    const struct coll_side *s = coll_in_place(&k->args.send) ? r : &k->args.send;
    int p = k->size, bit = 1 << k->round;
    size_t half = ((size_t)p / 2 + 1) * coll_bytes(k, s, 0);
    char *in = k->scratch + half, *block = in + half;

    if (k->round == 0) {
        k->block = coll_bytes(k, s, 0);
        coll_room(k, 2 * half + (size_t)p * k->block);
        in = k->scratch + half;
        block = in + half;
        for (int i = 0; i < p; i++)
            coll_copy(k, coll_at(s, coll_wrap(k, k->rank + i)), s->count, s->type,
                      block + (size_t)i * k->block, (MPI_Count)k->block, &datatype_byte);
    } else {
        move_blocks(k, bit >> 1, block, in, false);
    }
    if (bit < p) {
        size_t n = move_blocks(k, bit, block, k->scratch, true);

        coll_recv(k, coll_wrap(k, k->rank - bit), in, (MPI_Count)n, &datatype_byte);
        coll_send(k, coll_wrap(k, k->rank + bit), k->scratch, (MPI_Count)n, &datatype_byte);
        return COLL_MORE;
    }
    for (int i = 0; i < p; i++)
        coll_copy(k, block + (size_t)i * k->block, (MPI_Count)k->block, &datatype_byte,
                  coll_at(r, coll_wrap(k, k->rank - i)), r->count, r->type);
    return COLL_LAST;
}
