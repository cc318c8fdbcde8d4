/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both algorithms want a power of two of partners, p2. Of the first 2 (p - p2) ranks, each even one
 * gives its data to the odd one above it, and gets the result in the end; the others keep their
 * order, so that a block of partners is a block of ranks.
 */
#include "core/coll/coll_engine.h"

enum { BEGIN, GIVEN, PAIRED, HALVE, DOUBLE };

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
static bool pair_up(struct coll *k, const struct partners *q, int next)
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
        k->phase = next;
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
    if (k->round == 0 && !q.idle && !coll_accumulate(k, s->count))
        return COLL_LAST;
    if (k->phase == DOUBLE) {
        coll_fold(k, q.number & k->mask, s->count);
        k->mask <<= 1;
    } else {
        if (pair_up(k, &q, DOUBLE))
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

/* `n` of the p2 blocks into which the items are cut, from block `first` on. */
struct blocks {
    MPI_Count at, count;
};

static struct blocks blocks_of(const struct coll *k, const struct partners *q, int first, int n)
{
    MPI_Count items = k->args.send.count;
    MPI_Count each = (items + q->p2 - 1) >> __builtin_ctz((unsigned)q->p2);
    MPI_Count at = first * each < items ? first * each : items;
    MPI_Count end = (first + n) * each < items ? (first + n) * each : items;

    return (struct blocks){at, end - at};
}

/* The own half of what is still wanted comes in, the partner's goes out. */
static void halve(struct coll *k, const struct partners *q)
{
    struct datatype *t = k->args.send.type;
    int other = q->number ^ k->mask, partner = rank_of(q, other);
    struct blocks mine = blocks_of(k, q, q->number & -k->mask, k->mask);
    struct blocks theirs = blocks_of(k, q, other & -k->mask, k->mask);

    coll_recv(k, partner, k->tmp + mine.at * t->extent, mine.count, t);
    coll_send(k, partner, k->acc + theirs.at * t->extent, theirs.count, t);
}

static void fold_half(struct coll *k, const struct partners *q)
{
    struct datatype *t = k->args.send.type;
    struct blocks mine = blocks_of(k, q, q->number & -k->mask, k->mask);

    coll_reduce(k, k->tmp + mine.at * t->extent, k->acc + mine.at * t->extent, mine.count);
}

static void twice(struct coll *k, const struct partners *q)
{
    struct datatype *t = k->args.send.type;
    int other = q->number ^ k->mask, partner = rank_of(q, other);
    struct blocks mine = blocks_of(k, q, q->number & -k->mask, k->mask);
    struct blocks theirs = blocks_of(k, q, other & -k->mask, k->mask);

    coll_recv(k, partner, k->acc + theirs.at * t->extent, theirs.count, t);
    coll_send(k, partner, k->acc + mine.at * t->extent, mine.count, t);
}

/*
 * Rabenseifner ("Optimization of collective reduction operations", 2004): a reduce-scatter by
 * recursive halving, then an allgather by recursive doubling. 2 log p alpha + 2 n beta + n gamma:
 * for long messages. Commutative operators only.
 */
enum coll_step allreduce_rabenseifner(struct coll *k)
{
    struct partners q = partners_of(k);

    if (k->phase == GIVEN)
        return take_result(k);
    if (k->round == 0 && !q.idle && !coll_accumulate(k, k->args.send.count))
        return COLL_LAST;
    if (k->phase == HALVE) {
        fold_half(k, &q);
        k->mask >>= 1;
    } else if (k->phase == DOUBLE) {
        k->mask <<= 1;
    } else {
        if (pair_up(k, &q, HALVE))
            return COLL_MORE;
        k->mask = q.p2 >> 1;
    }
    if (k->phase == HALVE && k->mask) {
        halve(k, &q);
        return COLL_MORE;
    }
    if (k->phase == HALVE) {
        k->phase = DOUBLE;
        k->mask = 1;
    }
    if (k->mask >= q.p2)
        return give_result(k, &q);
    twice(k, &q);
    return COLL_MORE;
}
