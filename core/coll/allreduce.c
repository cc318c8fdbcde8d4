/* SPDX-License-Identifier: BSD-3-Clause */
/* Of short vectors; any operator, rank order is kept. */
#include "core/coll/coll_quick.h"

/* ---- Recursive doubling ---- */

enum { BEGIN, GIVEN, PAIRED, DOUBLE };

/*
 * A power of two of ranks, p2, exchange. Of the first 2 (p - p2), each even one gives its data to
 * the odd one above it, and gets the result in the end; the others keep their order, so that a
 * block of partners is a block of ranks.
 */
struct partners {
    int p2, extra;
    bool paired, idle; /* idle: the even one of a pair */
    int number;        /* among the p2 */
};

static struct partners partners_of(const struct coll *k)
{
    struct partners q = {.p2 = coll_power_below(k->size)};

    q.extra = k->size - q.p2;
    q.paired = k->rank < 2 * q.extra;
    q.idle = q.paired && k->rank % 2 == 0;
    q.number = q.paired ? k->rank / 2 : k->rank - q.extra;
    return q;
}

static int rank_of(const struct partners *q, int number)
{
    return number < q->extra ? 2 * number + 1 : number + q->extra;
}

/* The first and last steps of the pairs. False: the rank has partners to exchange with now. */
static bool pair_up(struct coll *k, const struct partners *q)
{
    const struct coll_side *s = &k->args.send;

    if (k->phase == BEGIN && q->idle) {
        coll_send(k, k->rank + 1, coll_own(k), s->count, s->type);
        k->phase = GIVEN;
        return true;
    }
    if (k->phase == BEGIN && q->paired) {
        coll_recv(k, k->rank - 1, k->tmp, s->count, s->type);
        k->phase = PAIRED;
        return true;
    }
    if (k->phase == PAIRED)
        coll_fold(k, true, s->count);
    if (k->phase == BEGIN || k->phase == PAIRED)
        k->phase = DOUBLE;
    return false;
}

static enum coll_step take_result(struct coll *k)
{
    const struct coll_side *s = &k->args.send;

    coll_recv(k, k->rank + 1, (void *)k->args.recv.buf, s->count, s->type);
    return COLL_LAST;
}

static enum coll_step give_result(struct coll *k, const struct partners *q)
{
    const struct coll_side *s = &k->args.send;
    void *result = (void *)k->args.recv.buf;

    coll_copy(k, k->acc, s->count, s->type, result, s->count, s->type);
    if (q->paired)
        coll_send(k, k->rank - 1, result, s->count, s->type);
    return COLL_LAST;
}

/*
 * Recursive doubling (Thakur, Rabenseifner, Gropp, 2005): after round i, 2^i neighbouring ranks
 * have the result of them all. ceil(log p) (alpha + n beta + n gamma), two rounds more where p is
 * no power of two. Rank order is kept. The first message goes from where the program has its data:
 * memory that a partner on the same host has read costs more to write afterwards.
 */
enum coll_step allreduce_doubling(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    struct partners q = partners_of(k);

    if (k->phase == GIVEN)
        return take_result(k);
    if (k->round == 0 && !q.idle)
        coll_accumulate(k, s->count);
    if (k->phase == DOUBLE) {
        coll_fold(k, q.number & k->mask, s->count);
        k->mask <<= 1;
    } else {
        if (pair_up(k, &q))
            return COLL_MORE;
        k->mask = 1;
    }
    if (k->mask == q.p2)
        return give_result(k, &q);
    int partner = rank_of(&q, q.number ^ k->mask);
    coll_recv(k, partner, k->tmp, s->count, s->type);
    coll_send(k, partner, k->mask == 1 && !q.paired ? coll_own(k) : k->acc, s->count, s->type);
    return COLL_MORE;
}

void allreduce_doubling_from(struct coll *k, int mask, bool sent)
{
    const struct coll_side *s = &k->args.send;
    int partner = k->rank ^ mask;

    k->acc = (void *)k->args.recv.buf;
    k->tmp = k->small;
    k->phase = DOUBLE;
    k->mask = mask;
    k->round = mask; /* not the first */
    coll_recv(k, partner, k->tmp, s->count, s->type);
    if (!sent)
        coll_send(k, partner, k->acc, s->count, s->type);
}

/* ---- Gathering ---- */

static size_t vector_bytes(const struct coll *k)
{
    return coll_bytes(k, &k->args.send, 0);
}

/* Vector i, of the rank i above. They lie one behind the other and packed: as items they might
 * interleave, as the columns of a matrix do. */
static char *vector(const struct coll *k, int i)
{
    return k->scratch + (size_t)i * vector_bytes(k);
}

/* Room for all of them, and behind them for one that is not packed: k->tmp. */
static void vectors_make(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    size_t all = coll_span(k->size * (MPI_Count)vector_bytes(k), &datatype_byte);

    coll_room(k, all + (s->type->contiguous ? 0 : coll_span(s->count, s->type)));
    k->tmp = coll_place(k->scratch + all, s->count, s->type);
}

static void unpack(struct coll *k, const char *from, void *to)
{
    const struct coll_side *s = &k->args.send;

    coll_copy(k, from, (MPI_Count)vector_bytes(k), &datatype_byte, to, s->count, s->type);
}

static void fold_all(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    void *result = (void *)k->args.recv.buf;

    unpack(k, vector(k, coll_wrap(k, -1 - k->rank)), result);
    for (int i = k->size - 2; i >= 0; i--) {
        char *from = vector(k, coll_wrap(k, i - k->rank));

        if (s->type->contiguous) {
            from = coll_place(from, s->count, s->type);
        } else {
            unpack(k, from, k->tmp);
            from = k->tmp;
        }
        coll_reduce(k, from, result, s->count);
    }
}

/*
 * Everybody's vector to everybody, by Bruck's allgather (1997), and everybody folds: ceil(log p)
 * alpha + p n (beta + gamma). For vectors so short that rounds are all that counts, where p is no
 * power of two.
 */
enum coll_step allreduce_bruck(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    MPI_Count bytes = (MPI_Count)vector_bytes(k);
    int p = k->size, d = 1 << k->round;

    if (k->round == 0) {
        vectors_make(k);
        coll_copy(k, coll_own(k), s->count, s->type, vector(k, 0), bytes, &datatype_byte);
    }
    if (d >= p) {
        fold_all(k);
        return COLL_LAST;
    }
    int n = d < p - d ? d : p - d;
    coll_recv(k, coll_wrap(k, k->rank + d), vector(k, d), n * bytes, &datatype_byte);
    coll_send(k, coll_wrap(k, k->rank - d), vector(k, 0), n * bytes, &datatype_byte);
    return COLL_MORE;
}
