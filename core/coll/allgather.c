/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (!coll_in_place(s))
        coll_copy(k, s->buf, s->count, s->type, coll_at(r, k->rank), coll_count(r, k->rank),
                  r->type);
}

/*
 * Ring: in round i every rank passes on to the next what it got in the round before, in place.
 * (p - 1) alpha + n beta: the least traffic, and only between neighbours. The own part goes from
 * where the program has it: memory that a neighbour on the same host has read costs more to write
 * afterwards.
 */
enum coll_step allgather_ring(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    int out = coll_wrap(k, k->rank - k->round);

    if (k->round == 0)
        keep_own(k);
    if (k->size == 1)
        return COLL_LAST;
    coll_recv_part(k, coll_wrap(k, k->rank - 1), r, coll_wrap(k, out - 1));
    if (k->round == 0 && !coll_in_place(&k->args.send))
        coll_send(k, coll_wrap(k, k->rank + 1), k->args.send.buf, k->args.send.count,
                  k->args.send.type);
    else
        coll_send_part(k, coll_wrap(k, k->rank + 1), r, out);
    return k->round == k->size - 2 ? COLL_LAST : COLL_MORE;
}

/*
 * Recursive doubling (Thakur, Rabenseifner, Gropp, 2005), for a power of two of ranks and parts of
 * one length: after round i, 2^i neighbouring ranks have each other's parts, in place. log p alpha
 * + n beta, and nothing is copied.
 */
enum coll_step allgather_doubling(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    int d = 1 << k->round, partner = k->rank ^ d;

    if (k->round == 0)
        keep_own(k);
    if (d >= k->size)
        return COLL_LAST;
    coll_recv(k, partner, coll_at(r, partner & -d), d * r->count, r->type);
    coll_send(k, partner, coll_at(r, k->rank & -d), d * r->count, r->type);
    return COLL_MORE;
}

/* Packed bytes of the parts of `n` ranks from the own one upwards. */
static size_t bytes_from_own(const struct coll *k, int n)
{
    const struct coll_side *r = &k->args.recv;
    size_t sum = 0;

    if (!r->counts.width)
        return (size_t)n * coll_bytes(k, r, 0);
    for (int i = 0; i < n; i++)
        sum += coll_bytes(k, r, coll_wrap(k, k->rank + i));
    return sum;
}

static void unpack_all(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    size_t at = bytes_from_own(k, 1);

    for (int i = 1; i < k->size; i++) {
        int rank = coll_wrap(k, k->rank + i);
        size_t n = coll_bytes(k, r, rank);

        coll_copy(k, k->scratch + at, (MPI_Count)n, &datatype_byte, coll_at(r, rank),
                  coll_count(r, rank), r->type);
        at += n;
    }
}

/*
 * Bruck et al., "Efficient algorithms for all-to-all communications in multiport message-passing
 * systems", 1997: with the parts of d ranks from the own one upwards packed, those of the next d
 * come from the rank d above. ceil(log p) alpha + n beta, and n copied twice.
 */
enum coll_step allgather_bruck(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    int p = k->size, d = 1 << k->round;

    if (k->round == 0) {
        size_t own = bytes_from_own(k, 1);

        keep_own(k);
        coll_room(k, bytes_from_own(k, p));
        coll_copy(k, coll_at(r, k->rank), coll_count(r, k->rank), r->type, k->scratch,
                  (MPI_Count)own, &datatype_byte);
    }
    if (d >= p) {
        unpack_all(k);
        return COLL_LAST;
    }
    int n = d < p - d ? d : p - d;
    size_t at = bytes_from_own(k, d);
    coll_recv(k, coll_wrap(k, k->rank + d), k->scratch + at,
              (MPI_Count)(bytes_from_own(k, d + n) - at), &datatype_byte);
    coll_send(k, coll_wrap(k, k->rank - d), k->scratch, (MPI_Count)bytes_from_own(k, n),
              &datatype_byte);
    return COLL_MORE;
}
