/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Through a communicator's area: operations that move data. Data lies packed in the area, so that
 * any layout meets any other; long data goes in pieces, one a step.
 */
#include "core/coll/shm_area.h"

enum { BCAST_PIECE = SHM_SET / 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Barrier ---- */

static enum coll_step barrier(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    if (!k->phase) {
        if (!shm_may_write(a, 0))
            return COLL_POLL;
        shm_publish(a, 0);
        k->phase = 1;
    }
    if (!shm_all(k, k->size, NULL))
        return COLL_POLL;
    shm_next(a, true);
    return COLL_LAST;
}

/*
 * Everyone stores a number and looks for everyone's. On two processors, eight members that yield
 * need one lap of the scheduler, as with a counter, and half as many as by dissemination.
 */
enum coll_step shm_barrier(struct coll *k)
{
    return shm_run(k, barrier);
}

/* ---- From one to all ---- */

static char *root_data(const struct shm_area *a, int root, size_t len)
{
    return shm_data(a, len <= SHM_INLINE ? root : 0, len);
}

/* The others follow the root, whatever they expected: then all go the same number of steps. */
static bool learn_length(struct coll *k, const struct shm_area *a, size_t want)
{
    bool root = k->rank == k->args.root;

    if (!root && !shm_has(a, k->args.root))
        return false;
    uint64_t told = root ? shm_told(k, want) : shm_line(a, k->args.root)->bytes;
    k->block = told >= SHM_NO_DATA ? 1 : told; /* a step that says so */
    if (!root && told != want)
        shm_disagree(k, k->args.root, want);
    return true;
}

/* One piece of the root's, or false: not yet. */
static bool bcast_piece(struct coll *k, struct shm_area *a)
{
    const struct coll_side *s = &k->args.send;
    size_t n = least(k->block - k->moved, BCAST_PIECE);
    bool root = k->rank == k->args.root;

    if (root && !shm_may_write(a, n))
        return false;
    if (!root && !shm_has(a, k->args.root))
        return false;
    char *data = root_data(a, k->args.root, n);
    if (root) {
        shm_pack(k, s->buf, s->count, s->type, k->moved, data, n);
        shm_publish(a, shm_told(k, k->block));
    } else if (!k->error) {
        datatype_unpack((void *)s->buf, s->count, s->type, k->moved, data, n);
    }
    shm_next(a, false);
    k->moved += n;
    return true;
}

static enum coll_step bcast(struct coll *k)
{
    struct shm_area *a = k->comm->area;
    size_t bytes = coll_bytes(k, &k->args.send, 0);

    if (!bytes || (!k->moved && !learn_length(k, a, bytes)))
        return bytes ? COLL_POLL : COLL_LAST;
    while (k->moved < k->block)
        if (!bcast_piece(k, a))
            return COLL_POLL;
    return COLL_LAST;
}

/* The root fills a set, and the next one while the others read. n / piece steps, 2 n beta. */
enum coll_step shm_bcast(struct coll *k)
{
    return shm_run(k, bcast);
}

/* Where in the root's data a member's piece of n bytes is. */
static char *dealt(const struct shm_area *a, int root, int member, size_t n)
{
    size_t all = n * (size_t)a->size;

    return all <= SHM_INLINE ? shm_data(a, root, all) + (size_t)member * n
                             : shm_data(a, member, all);
}

static void deal(struct coll *k, const struct shm_area *a, size_t n)
{
    const struct coll_side *s = &k->args.send;

    for (int i = 0; i < k->size; i++)
        if (i != k->rank)
            shm_pack(k, coll_at(s, i), s->count, s->type, k->moved, dealt(a, k->rank, i, n), n);
}

static bool scatter_piece(struct coll *k, struct shm_area *a)
{
    const struct coll_side *r = &k->args.recv;
    size_t n = least(k->block - k->moved, a->slot), all = n * (size_t)k->size;
    bool root = k->rank == k->args.root;

    if (root && !shm_may_write(a, all))
        return false;
    if (!root && !shm_has(a, k->args.root))
        return false;
    if (root) {
        deal(k, a, n);
        shm_publish(a, shm_told(k, k->block));
    } else if (!k->error) {
        datatype_unpack((void *)r->buf, r->count, r->type, k->moved,
                        dealt(a, k->args.root, k->rank, n), n);
    }
    shm_next(a, false);
    k->moved += n;
    return true;
}

static enum coll_step scatter(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    struct shm_area *a = k->comm->area;
    bool root = k->rank == k->args.root;
    size_t bytes = coll_bytes(k, root ? s : r, 0);

    if (!bytes)
        return COLL_LAST;
    /* First: what it finds wrong decides how many steps there are. */
    if (root && !k->moved && !k->phase++ && !coll_in_place(r))
        coll_copy(k, coll_at(s, k->rank), s->count, s->type, (void *)r->buf, r->count, r->type);
    if (!k->moved && !learn_length(k, a, bytes))
        return COLL_POLL;
    while (k->moved < k->block)
        if (!scatter_piece(k, a))
            return COLL_POLL;
    return COLL_LAST;
}

/* The root deals a piece of everyone's part into everyone's slot. */
enum coll_step shm_scatter(struct coll *k)
{
    return shm_run(k, scatter);
}

/* ---- From all ---- */

static size_t received_bytes(const struct coll *k, int rank)
{
    return coll_bytes(k, &k->args.recv, rank);
}

static enum coll_step gather(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    struct shm_area *a = k->comm->area;
    bool root = k->rank == k->args.root;
    size_t n = coll_bytes(k, root ? r : s, 0);

    if (!n)
        return COLL_LAST;
    if (!k->phase) {
        if (!shm_may_write(a, n))
            return COLL_POLL;
        if (!root)
            shm_pack(k, s->buf, s->count, s->type, 0, shm_data(a, k->rank, n), n);
        else if (!coll_in_place(s))
            coll_copy(k, s->buf, s->count, s->type, coll_at(r, k->rank), r->count, r->type);
        shm_publish(a, shm_told(k, n));
        k->phase = 1;
    }
    if (root && !shm_all(k, k->size, received_bytes))
        return COLL_POLL;
    for (int i = 0; root && !k->error && i < k->size; i++)
        if (i != k->rank)
            datatype_unpack(coll_at(r, i), r->count, r->type, 0, shm_data(a, i, n), n);
    shm_next(a, root);
    return COLL_LAST;
}

/* One step, for parts that fit a slot: alpha + p n beta on the root. */
enum coll_step shm_gather(struct coll *k)
{
    return shm_run(k, gather);
}

/* ---- From all to all ---- */

static size_t most_received(const struct coll *k)
{
    size_t most = 0;

    if (!k->args.recv.counts.width)
        return received_bytes(k, 0);
    for (int i = 0; i < k->size; i++)
        most = received_bytes(k, i) > most ? received_bytes(k, i) : most;
    return most;
}

/* What is left of a part, when pieces of n bytes have been moved. */
static size_t piece_of(const struct coll *k, int rank, size_t n)
{
    size_t bytes = received_bytes(k, rank);

    return bytes > k->moved ? least(bytes - k->moved, n) : 0;
}

static void give_piece(struct coll *k, struct shm_area *a, size_t n)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    size_t mine = piece_of(k, k->rank, n);

    if (coll_in_place(s))
        shm_pack(k, coll_at(r, k->rank), coll_count(r, k->rank), r->type, k->moved,
                 shm_data(a, k->rank, n), mine);
    else
        shm_pack(k, s->buf, s->count, s->type, k->moved, shm_data(a, k->rank, n), mine);
    shm_publish(a,
                shm_told(k, coll_in_place(s) ? received_bytes(k, k->rank) : coll_bytes(k, s, 0)));
}

static enum coll_step allgather(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    struct shm_area *a = k->comm->area;

    if (!k->block) {
        k->block = most_received(k);
        if (!k->block)
            return COLL_LAST;
        if (!coll_in_place(s))
            coll_copy(k, s->buf, s->count, s->type, coll_at(r, k->rank), coll_count(r, k->rank),
                      r->type);
    }
    do {
        size_t n = least(k->block - k->moved, a->slot);

        if (!k->phase) {
            if (!shm_may_write(a, n))
                return COLL_POLL;
            give_piece(k, a, n);
            k->phase = 1;
        }
        if (!shm_all(k, k->size, received_bytes))
            return COLL_POLL;
        for (int i = 0; !k->error && i < k->size; i++)
            if (i != k->rank)
                datatype_unpack(coll_at(r, i), coll_count(r, i), r->type, k->moved,
                                shm_data(a, i, n), piece_of(k, i, n));
        shm_next(a, true);
        k->phase = 0;
        k->moved += n;
    } while (k->moved < k->block && !a->disagree);
    return COLL_LAST;
}

/* Everyone puts a piece into its slot and reads all others'. Also with counts by rank. */
enum coll_step shm_allgather(struct coll *k)
{
    return shm_run(k, allgather);
}

/* Where a member's slot, or its line, has the piece for another. A slot has none for itself. */
static size_t piece_place(const struct shm_area *a, int giver, int taker, size_t n)
{
    bool skips = n * (size_t)a->size > SHM_INLINE && taker > giver;

    return (size_t)(skips ? taker - 1 : taker) * n;
}

/* A piece for everyone, one behind the other. Where it is in place, it goes before any comes. */
static void give_pieces(struct coll *k, struct shm_area *a, size_t n)
{
    const struct coll_side *s = coll_in_place(&k->args.send) ? &k->args.recv : &k->args.send;
    char *data = shm_data(a, k->rank, n * (size_t)k->size);
    size_t bytes = coll_bytes(k, s, 0);
    size_t own = bytes > k->moved ? least(bytes - k->moved, n) : 0;

    for (int i = 0; i < k->size; i++)
        if (i != k->rank)
            shm_pack(k, coll_at(s, i), s->count, s->type, k->moved,
                     data + piece_place(a, k->rank, i, n), own);
    shm_publish(a, shm_told(k, bytes));
}

static enum coll_step alltoall(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    struct shm_area *a = k->comm->area;

    if (!k->block) {
        k->block = received_bytes(k, 0);
        if (!k->block)
            return COLL_LAST;
        if (!coll_in_place(s))
            coll_copy(k, coll_at(s, k->rank), s->count, s->type, coll_at(r, k->rank), r->count,
                      r->type);
    }
    do {
        size_t n = least(k->block - k->moved, a->share), all = n * (size_t)k->size;

        if (!k->phase) {
            if (!shm_may_write(a, all))
                return COLL_POLL;
            give_pieces(k, a, n);
            k->phase = 1;
        }
        if (!shm_all(k, k->size, received_bytes))
            return COLL_POLL;
        for (int i = 0; !k->error && i < k->size; i++)
            if (i != k->rank)
                datatype_unpack(coll_at(r, i), r->count, r->type, k->moved,
                                shm_data(a, i, all) + piece_place(a, i, k->rank, n), n);
        shm_next(a, true);
        k->phase = 0;
        k->moved += n;
    } while (k->moved < k->block && !a->disagree);
    return COLL_LAST;
}

/* Everyone's slot holds a piece for each; the readers come to fetch theirs. */
enum coll_step shm_alltoall(struct coll *k)
{
    return shm_run(k, alltoall);
}
