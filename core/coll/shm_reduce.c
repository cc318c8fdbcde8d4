/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Through a communicator's area: reductions. Contributions lie in the area in the layout of their
 * type, so that the operator can read them there; they are folded from the last rank down, which
 * is rank order and the same on all who fold the same ones. Long vectors go in pieces.
 */
#include "core/coll/shm_area.h"

/* Bytes from the first to the last of n items. */
static size_t extent_of(MPI_Count n, const struct datatype *t)
{
    return n ? (size_t)(t->true_extent + (n - 1) * t->extent) : 0;
}

/* Items that `room` bytes hold; no division where all fit. */
static MPI_Count items_in(size_t room, MPI_Count items, const struct datatype *t)
{
    if (extent_of(items, t) <= room)
        return items;
    return (MPI_Count)((room - (size_t)t->true_extent) / (size_t)t->extent) + 1;
}

static size_t total_bytes(const struct coll *k, int rank)
{
    (void)rank;
    return coll_bytes(k, &k->args.send, 0);
}

/* What folding needs to know of a step: n items each, of which this member folds some. */
struct piece {
    MPI_Count n;
    size_t len; /* in the slot */
    size_t at;  /* bytes there before those to be folded */
};

static const char *contribution(const struct coll *k, const struct piece *p, int rank)
{
    return coll_place(shm_data(k->comm->area, rank, p->len), p->n, k->args.send.type) + p->at;
}

/*
 * Those of ranks 0 to last, into `result`. The own one is read where the program has it, at `own`:
 * its line in the area may have gone to the first who read it. In place, that is the result.
 */
static void fold(struct coll *k, const struct piece *p, MPI_Count items, int last, const char *own,
                 void *result)
{
    struct datatype *t = k->args.send.type;
    const char *from;

    if (!items || k->error)
        return;
    for (int i = last; i >= 0; i--) {
        from = i == k->rank && !coll_in_place(&k->args.send) ? own : contribution(k, p, i);
        if (i == last)
            coll_copy(k, from, items, t, result, items, t);
        else
            coll_reduce(k, from, result, items);
    }
}

/* The program's data from that item on. */
static const char *own_at(const struct coll *k, size_t items)
{
    return (const char *)coll_own(k) + (MPI_Aint)items * k->args.send.type->extent;
}

static struct piece next_piece(const struct coll *k, const struct shm_area *a)
{
    const struct coll_side *s = &k->args.send;
    struct piece p = {.n = s->count - (MPI_Count)k->moved};

    p.n = items_in(a->slot, p.n, s->type);
    p.len = extent_of(p.n, s->type);
    return p;
}

static bool contribute(struct coll *k, struct shm_area *a, const struct piece *p)
{
    const struct coll_side *s = &k->args.send;

    if (!shm_may_write(a, p->len))
        return false;
    shm_put(k, own_at(k, k->moved), p->n, s->type, (void *)contribution(k, p, k->rank));
    shm_publish(a, shm_told(k, total_bytes(k, 0)));
    return true;
}

static void *result_at(const struct coll *k, size_t items)
{
    return (char *)k->args.recv.buf + (MPI_Aint)items * k->args.send.type->extent;
}

/* Where lengths disagree, the step that was begun is the last. */
static bool goes_on(const struct coll *k)
{
    return k->phase || !k->comm->area->disagree;
}

/* ---- Everyone folds, or the root ---- */

static enum coll_step allreduce(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    while ((MPI_Count)k->moved < k->args.send.count && goes_on(k)) {
        struct piece p = next_piece(k, a);

        if (!k->phase) {
            if (!contribute(k, a, &p))
                return COLL_POLL;
            k->phase = 1;
        }
        if (!shm_all(k, k->size, total_bytes))
            return COLL_POLL;
        fold(k, &p, p.n, k->size - 1, own_at(k, k->moved), result_at(k, k->moved));
        shm_next(a, true);
        k->phase = 0;
        k->moved += (size_t)p.n;
    }
    return COLL_LAST;
}

/* Everyone folds everything: alpha + p n gamma, and nobody waits twice. For short vectors. */
enum coll_step shm_allreduce(struct coll *k)
{
    return shm_run(k, allreduce);
}

/* One step: ranks 0 to last, for whom the caller is among those who want it. */
static enum coll_step fold_once(struct coll *k, bool wants, int last)
{
    struct shm_area *a = k->comm->area;
    struct piece p = next_piece(k, a);

    if (!p.n)
        return COLL_LAST;
    if (!k->phase) {
        if (!contribute(k, a, &p))
            return COLL_POLL;
        k->phase = 1;
    }
    if (wants && !shm_all(k, last + 1, total_bytes))
        return COLL_POLL;
    if (wants)
        fold(k, &p, p.n, last, own_at(k, 0), result_at(k, 0));
    shm_next(a, wants && last == k->size - 1);
    return COLL_LAST;
}

static enum coll_step reduce(struct coll *k)
{
    return fold_once(k, k->rank == k->args.root, k->size - 1);
}

/* The root folds what fits a slot: alpha + p n gamma. */
enum coll_step shm_reduce(struct coll *k)
{
    return shm_run(k, reduce);
}

static enum coll_step scan(struct coll *k)
{
    int last = k->args.kind == COLL_SCAN ? k->rank : k->rank - 1;

    return fold_once(k, last >= 0, last);
}

/* Everyone folds those below; one step, for what fits a slot. */
enum coll_step shm_scan(struct coll *k)
{
    return shm_run(k, scan);
}

/* ---- Everyone folds a stripe ---- */

enum { GIVE, FOLD, TAKE };

struct stripe {
    MPI_Count at, n;
};

static struct stripe stripe_of(const struct coll *k, const struct piece *p, int rank)
{
    MPI_Count each = (p->n + k->size - 1) / k->size;
    MPI_Count at = rank * each < p->n ? rank * each : p->n;
    MPI_Count end = (rank + 1) * each < p->n ? (rank + 1) * each : p->n;

    return (struct stripe){at, end - at};
}

static bool takes_result(const struct coll *k)
{
    return k->args.kind == COLL_ALLREDUCE || k->rank == k->args.root;
}

/* Both steps of a piece find it in the same place, which is a slot: lines change with the step. */
static struct piece next_slot(const struct coll *k, const struct shm_area *a)
{
    struct piece p = next_piece(k, a);

    if (p.len <= SHM_INLINE)
        p.len = SHM_INLINE + 1;
    return p;
}

/* The own stripe, where the result belongs or in the scratch, and from there into the slot. */
static void fold_stripe(struct coll *k, const struct piece *whole)
{
    struct datatype *t = k->args.send.type;
    struct stripe s = stripe_of(k, whole, k->rank);
    struct piece p = {whole->n, whole->len, (size_t)(s.at * t->extent)};
    void *result;

    if (takes_result(k)) {
        result = result_at(k, k->moved + (size_t)s.at);
    } else {
        if (!coll_scratch(k, coll_span(s.n, t)))
            return;
        result = coll_place(k->scratch, s.n, t);
    }
    fold(k, &p, s.n, k->size - 1, own_at(k, k->moved + (size_t)s.at), result);
    shm_put(k, result, s.n, t, (void *)contribution(k, &p, k->rank));
}

static void take_stripes(struct coll *k, const struct piece *whole)
{
    struct datatype *t = k->args.send.type;

    for (int i = 0; !k->error && i < k->size; i++) {
        struct stripe s = stripe_of(k, whole, i);
        struct piece p = {whole->n, whole->len, (size_t)(s.at * t->extent)};

        if (i != k->rank)
            coll_copy(k, contribution(k, &p, i), s.n, t, result_at(k, k->moved + (size_t)s.at), s.n,
                      t);
    }
}

/* In the second step a member that had no memory says so by a length that nobody expects. */
static enum coll_step stripes(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    while ((MPI_Count)k->moved < k->args.send.count && goes_on(k)) {
        struct piece p = next_slot(k, a);

        if (k->phase == GIVE) {
            if (!contribute(k, a, &p))
                return COLL_POLL;
            k->phase = FOLD;
        }
        if (k->phase == FOLD) {
            if (!shm_all(k, k->size, total_bytes))
                return COLL_POLL;
            fold_stripe(k, &p);
            shm_next_in_set(a, true);
            shm_publish(a, shm_told(k, total_bytes(k, 0)));
            k->phase = TAKE;
        }
        if (takes_result(k)) {
            bool known = a->disagree, all = shm_all(k, k->size, total_bytes);

            a->disagree = known; /* who takes nothing does not learn of it, and goes on */
            if (!all)
                return COLL_POLL;
            take_stripes(k, &p);
        }
        shm_next(a, takes_result(k));
        k->phase = GIVE;
        k->moved += (size_t)p.n;
    }
    return COLL_LAST;
}

/* Two steps a piece: 2 alpha + n (gamma + 3 beta). For long vectors; MPI_Reduce's too. */
enum coll_step shm_stripes(struct coll *k)
{
    return shm_run(k, stripes);
}

/* ---- Everyone folds its part ---- */

static MPI_Count items_of(const struct coll *k, int rank)
{
    const struct vec counts = k->args.recv.counts;

    return counts.width ? vec_at(counts, rank) : k->args.send.count;
}

static size_t all_bytes(const struct coll *k, int rank)
{
    (void)rank;
    return (size_t)coll_items_before(k, k->size) * (size_t)k->args.send.type->size;
}

static MPI_Count most_items(const struct coll *k)
{
    MPI_Count most = 0;

    for (int i = 0; i < k->size; i++)
        most = items_of(k, i) > most ? items_of(k, i) : most;
    return most;
}

/* A piece of every part, one behind the other. */
static struct piece next_pieces(const struct coll *k, const struct shm_area *a, size_t *stride)
{
    struct datatype *t = k->args.send.type;
    struct piece p = {.n = (MPI_Count)(k->block - k->moved)};

    /* Items that interleave must not do so with those of another part. */
    *stride = t->extent < t->true_extent ? (extent_of(p.n, t) + 15) & ~(size_t)15
                                         : (size_t)(p.n * t->extent);
    p.len = *stride * (size_t)k->size;
    if (p.len > SHM_INLINE) {
        p.n = items_in(a->part, p.n, t);
        *stride = a->part;
        p.len = *stride * (size_t)k->size;
    }
    p.at = *stride * (size_t)k->rank;
    return p;
}

static MPI_Count left_of(const struct coll *k, MPI_Count items, const struct piece *p)
{
    MPI_Count left = items - (MPI_Count)k->moved;

    return left <= 0 ? 0 : left < p->n ? left : p->n;
}

static bool contribute_parts(struct coll *k, struct shm_area *a, struct piece p, size_t stride)
{
    struct datatype *t = k->args.send.type;
    const char *own = coll_own(k);

    if (!shm_may_write(a, p.len))
        return false;
    p.at = 0;
    for (int i = 0; i < k->size; i++) {
        MPI_Count n = left_of(k, items_of(k, i), &p);

        shm_put(k, own + (MPI_Aint)k->moved * t->extent, n, t,
                (void *)contribution(k, &p, k->rank));
        own += items_of(k, i) * t->extent;
        p.at += stride;
    }
    shm_publish(a, shm_told(k, all_bytes(k, 0)));
    return true;
}

static enum coll_step reduce_scatter(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    if (!k->block)
        k->block = (size_t)most_items(k);
    while (k->moved < k->block && goes_on(k)) {
        size_t stride;
        struct piece p = next_pieces(k, a, &stride);

        if (!k->phase) {
            if (!contribute_parts(k, a, p, stride))
                return COLL_POLL;
            k->phase = 1;
        }
        if (!shm_all(k, k->size, all_bytes))
            return COLL_POLL;
        fold(k, &p, left_of(k, items_of(k, k->rank), &p), k->size - 1,
             own_at(k, (size_t)coll_items_before(k, k->rank) + k->moved), result_at(k, k->moved));
        shm_next(a, true);
        k->phase = 0;
        k->moved += (size_t)p.n;
    }
    return COLL_LAST;
}

/*
 * Everyone folds its part of what all have put down: alpha + n (beta + gamma). In place, the result
 * is written where nothing is left to be given: a step gives all that the result of it overwrites.
 */
enum coll_step shm_reduce_scatter(struct coll *k)
{
    return shm_run(k, reduce_scatter);
}
