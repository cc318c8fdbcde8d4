/* SPDX-License-Identifier: BSD-3-Clause */
/* Of long vectors, in blocks, one a rank; commutative operators. */
#include "core/coll/halving.h"

static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    coll_copy(k, coll_own(k), s->count, s->type, (void *)k->args.recv.buf, s->count, s->type);
}

/* ---- Rabenseifner ---- */

enum { HALVE, DOUBLE };

/* Of how many blocks `half` was the half. */
static int whole_of(const struct coll *k, int half)
{
    int whole = k->size;

    while (halving_half(whole) != half)
        whole = halving_half(whole);
    return whole;
}

/* The halving backwards: who got blocks then gives the same ones back, complete. */
static void twice(struct coll *k)
{
    int have = k->mask, more;

    k->mask = whole_of(k, have);
    more = k->mask - have;
    halving_recv(k, coll_wrap(k, k->rank + have), k->acc, k->rank + have, more);
    halving_send(k, coll_wrap(k, k->rank - have), k->acc, k->rank, more);
}

/*
 * Rabenseifner ("Optimization of collective reduction operations", 2004): a reduce-scatter by
 * recursive halving, then an allgather by recursive doubling, on any number of ranks (halving.h).
 * 2 ceil(log p) alpha + 2 n beta + n gamma.
 */
enum coll_step allreduce_rabenseifner(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    if (k->size == 1) {
        keep_own(k);
        return COLL_LAST;
    }
    if (k->round == 0) {
        size_t span = coll_span(s->count, s->type);

        coll_room(k, span);
        k->tmp = coll_place(k->scratch, s->count, s->type);
        k->acc = (char *)k->args.recv.buf;
        halving_begin(k);
    }
    if (k->phase == HALVE && halving_step(k))
        return COLL_MORE;
    k->phase = DOUBLE;
    twice(k);
    return k->mask == k->size ? COLL_LAST : COLL_MORE;
}

/* ---- Ring ---- */

/*
 * The first p - 1 steps reduce: what is passed on is cut into pieces, so that one is folded while
 * the next one comes. Piece number u is piece u % cuts of step u / cuts.
 */
struct ring {
    MPI_Count each, most; /* items of a block, of a piece */
    int cuts;             /* pieces of a block */
    int pieces;           /* of all those steps */
};

static struct ring ring_of(const struct coll *k)
{
    struct ring r = {.each = (k->args.send.count + k->size - 1) / k->size};

    r.most = (coll_segment_items(k) + 1) / 2;
    r.cuts = r.each > r.most ? (int)((r.each - 1) / r.most) + 1 : 1;
    r.pieces = (k->size - 1) * r.cuts;
    return r;
}

/* Where piece c of a block lies, and how long it is. */
static MPI_Count piece_of(const struct coll *k, const struct ring *r, int block, int c,
                          MPI_Count *items)
{
    MPI_Count n = k->args.send.count, end = (block + 1) * r->each,
              at = block * r->each + c * r->most;

    end = end < n ? end : n;
    *items = at >= end ? 0 : end - at < r->most ? end - at : r->most;
    return at;
}

/* In step s a rank gets the block of the rank s + 1 below, and gives that of the rank s below. */
static int block_at(const struct coll *k, int step)
{
    return coll_wrap(k, k->rank - step);
}

static char *piece_in(const struct coll *k, const struct ring *r, int u)
{
    struct datatype *t = k->args.send.type;

    return coll_place(k->scratch + (size_t)(u % 2) * coll_span(r->most, t), r->most, t);
}

static void pass_piece(struct coll *k, const struct ring *r, int u)
{
    struct datatype *t = k->args.send.type;
    int step = u / r->cuts, c = u % r->cuts;
    MPI_Count items, at = piece_of(k, r, block_at(k, step + 1), c, &items);

    coll_recv(k, coll_wrap(k, k->rank - 1), piece_in(k, r, u), items, t);
    at = piece_of(k, r, block_at(k, step), c, &items);
    /* What nothing has been folded into yet goes from where the program has it. */
    coll_send(k, coll_wrap(k, k->rank + 1),
              type_at(step ? k->args.recv.buf : coll_own(k), at * t->extent), items, t);
}

/* The result is the own contribution with the piece folded in, at its place in the result. */
static void fold_piece(struct coll *k, const struct ring *r, int u)
{
    struct datatype *t = k->args.send.type;
    MPI_Count items, at = piece_of(k, r, block_at(k, u / r->cuts + 1), u % r->cuts, &items);
    char *result = type_at(k->args.recv.buf, at * t->extent);

    coll_copy(k, type_at(coll_own(k), at * t->extent), items, t, result, items, t);
    coll_reduce(k, piece_in(k, r, u), result, items);
}

/* The last p - 1 steps hand complete blocks around; this rank has that of the rank above. */
static void pass_block(struct coll *k, const struct ring *r, int step)
{
    struct datatype *t = k->args.send.type;
    int give = coll_wrap(k, k->rank + 1 - step), get = coll_wrap(k, k->rank - step);
    MPI_Count n = k->args.send.count, at = get * r->each;

    if (at < n)
        coll_recv(k, coll_wrap(k, k->rank - 1), type_at(k->args.recv.buf, at * t->extent),
                  n - at < r->each ? n - at : r->each, t);
    at = give * r->each;
    if (at < n)
        coll_send(k, coll_wrap(k, k->rank + 1), type_at(k->args.recv.buf, at * t->extent),
                  n - at < r->each ? n - at : r->each, t);
}

/*
 * Ring (Patarasuk, Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
 * 2009): a block goes around once to be reduced and once to be known, only between neighbours.
 * 2 (p - 1) (alpha + n / p beta), the folding behind it.
 */
enum coll_step allreduce_ring(struct coll *k)
{
    struct ring r = ring_of(k);
    int u = k->round;

    if (k->size == 1) {
        keep_own(k);
        return COLL_LAST;
    }
    if (u == 0)
        coll_room(k, 2 * coll_span(r.most, k->args.send.type));
    /* With one piece a block, what is to be passed on is what has just come. */
    if (u > 0 && u <= r.pieces && r.cuts == 1)
        fold_piece(k, &r, u - 1);
    if (u < r.pieces)
        pass_piece(k, &r, u);
    if (u > 0 && u <= r.pieces && r.cuts > 1)
        fold_piece(k, &r, u - 1);
    if (u < r.pieces)
        return COLL_MORE;
    int step = u - r.pieces;
    pass_block(k, &r, step);
    return step == k->size - 2 ? COLL_LAST : COLL_MORE;
}
