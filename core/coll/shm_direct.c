/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Through a communicator's area, data by a single copy: a member says in its line where its memory
 * is, and who wants of it has the kernel copy it. Nobody leaves before all have what they want of
 * its memory.
 *
 * What is not one block of memory is packed first, so that one address says all; what comes is
 * unpacked from a piece that the cache holds.
 */
#include <string.h>

#include "core/coll/shm_area.h"
#include "core/object/err.h"
#include "provider/base/copy.h"
#include "provider/fabric/fabric.h"

enum {
    PIECE = SHM_FETCHED, /* of what is folded or unpacked */
    LONG_FETCH = 16 * 1024,
};

/* What a line says. */
struct offer {
    uint64_t data;   /* what the member contributes, packed */
    uint64_t result; /* where it will have its part of a reduction's */
};

static struct offer *offer_of(const struct shm_area *a, int rank)
{
    return (struct offer *)shm_line(a, rank)->data;
}

/* ---- Fetching ---- */

/* From that member's memory into ours. Other threads may have the lane meanwhile. */
static void fetch(struct coll *k, int from, uint64_t address, void *to, size_t bytes)
{
    uint32_t whom = k->comm->area->whom[from];

    if (!bytes || k->error)
        return;
    if (bytes > LONG_FETCH)
        lane_unlock();
    int rc = fabric_fetch(whom, to, bytes, address);
    if (bytes > LONG_FETCH)
        lane_lock();
    if (rc)
        coll_fail(k, err_from_errno(rc, "copying from another process"));
}

/* A whole part, in whatever layout the receiver wants it. */
static void fetch_part(struct coll *k, int from, uint64_t address, void *to, MPI_Count count,
                       struct datatype *t)
{
    char piece[PIECE];
    size_t bytes = (size_t)count * (size_t)t->size;

    if (t->contiguous) {
        fetch(k, from, address, datatype_address(to, t), bytes);
        return;
    }
    for (size_t at = 0; at < bytes && !k->error; at += PIECE) {
        size_t n = bytes - at < PIECE ? bytes - at : PIECE;

        fetch(k, from, address + at, piece, n);
        if (!k->error)
            datatype_unpack(to, count, t, at, piece, n);
    }
}

/* ---- Offering ---- */

/*
 * Where `count` items are as one block: where they lie, or packed in the scratch. Where memory is
 * out k fails, and what is offered is of no length that anybody expects.
 */
static void *one_block(struct coll *k, const void *buf, MPI_Count count, struct datatype *t)
{
    size_t bytes = (size_t)count * (size_t)t->size;

    if (t->contiguous)
        return datatype_address(buf, t);
    if (!coll_scratch(k, bytes))
        return NULL;
    coll_copy(k, buf, count, t, k->scratch, (MPI_Count)bytes, &datatype_byte);
    return k->scratch;
}

static bool offer(struct coll *k, const void *data, const void *result, size_t bytes)
{
    struct shm_area *a = k->comm->area;

    if (!shm_may_write(a, 0))
        return false;
    *offer_of(a, a->rank) = (struct offer){(uintptr_t)data, (uintptr_t)result};
    shm_publish(a, shm_told(k, bytes));
    return true;
}

enum { OFFER, FETCH, GIVE, TAKE, LEAVE };

/* This member has what it wants; it waits until all others have. */
static void leave(struct coll *k, bool all)
{
    struct shm_area *a = k->comm->area;

    k->at = (int)a->step;
    shm_next(a, all);
    k->phase = LEAVE;
}

static enum coll_step left(const struct coll *k)
{
    return shm_all_did(k->comm->area, (uint32_t)k->at) ? COLL_LAST : COLL_POLL;
}

/* ---- From one to all ---- */

static size_t bytes_at_root(const struct coll *k)
{
    const struct coll_args *args = &k->args;

    if (args->kind == COLL_BCAST)
        return coll_bytes(k, &args->send, 0);
    return k->rank == args->root ? coll_bytes(k, &args->send, 0) : coll_bytes(k, &args->recv, 0);
}

static void offer_from_root(struct coll *k, size_t bytes)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    bool scatters = k->args.kind == COLL_SCATTER;
    void *data = one_block(k, s->buf, scatters ? k->size * s->count : s->count, s->type);

    if (scatters && !coll_in_place(r))
        coll_copy(k, coll_at(s, k->rank), s->count, s->type, (void *)r->buf, r->count, r->type);
    offer(k, data, NULL, bytes);
}

static enum coll_step from_root(struct coll *k)
{
    const struct coll_side *to = k->args.kind == COLL_BCAST ? &k->args.send : &k->args.recv;
    struct shm_area *a = k->comm->area;
    size_t bytes = bytes_at_root(k);
    int root = k->args.root;

    if (!bytes)
        return COLL_LAST;
    if (k->phase == OFFER && k->rank == root) {
        if (!shm_may_write(a, 0))
            return COLL_POLL;
        offer_from_root(k, bytes);
        leave(k, false);
    }
    if (k->phase == LEAVE)
        return left(k);
    if (!shm_has(a, root))
        return COLL_POLL;
    if (shm_line(a, root)->bytes != bytes)
        shm_disagree(k, root, bytes);
    uint64_t part = k->args.kind == COLL_BCAST ? 0 : (uint64_t)k->rank * bytes;
    fetch_part(k, root, offer_of(a, root)->data + part, (void *)to->buf, to->count, to->type);
    shm_next(a, false);
    return COLL_LAST;
}

/* Everybody copies from the root's memory: alpha + n beta, p - 1 times at once. */
enum coll_step shm_direct_bcast(struct coll *k)
{
    return shm_run(k, from_root);
}

enum coll_step shm_direct_scatter(struct coll *k)
{
    return shm_run(k, from_root);
}

/* ---- From all ---- */

static size_t received_bytes(const struct coll *k, int rank)
{
    return coll_bytes(k, &k->args.recv, rank);
}

/* What this member gives, at its place in its own result or in the send buffer. */
static void offer_part(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (coll_in_place(s)) {
        offer(k, one_block(k, coll_at(r, k->rank), coll_count(r, k->rank), r->type), NULL,
              received_bytes(k, k->rank));
        return;
    }
    offer(k, one_block(k, s->buf, s->count, s->type), NULL, coll_bytes(k, s, 0));
}

static void keep_own(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    if (!coll_in_place(s))
        coll_copy(k, s->buf, s->count, s->type, coll_at(r, k->rank), coll_count(r, k->rank),
                  r->type);
}

/* Beginning with the next member, so that not all copy from the same one. */
static void fetch_from_all(struct coll *k, size_t part)
{
    const struct coll_side *r = &k->args.recv;

    for (int i = 1; i < k->size; i++) {
        int from = coll_wrap(k, k->rank + i);

        fetch_part(k, from, offer_of(k->comm->area, from)->data + part, coll_at(r, from),
                   coll_count(r, from), r->type);
    }
}

static bool takes(const struct coll *k)
{
    return k->args.kind != COLL_GATHER || k->rank == k->args.root;
}

static bool has_data(const struct coll *k)
{
    if (!takes(k))
        return coll_bytes(k, &k->args.send, 0);
    for (int i = 0; i < k->size; i++)
        if (received_bytes(k, i))
            return true;
    return false;
}

static enum coll_step gather(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    if (k->phase == OFFER && !has_data(k))
        return COLL_LAST;
    if (k->phase == OFFER) {
        if (!shm_may_write(a, 0))
            return COLL_POLL;
        offer_part(k);
        if (takes(k))
            keep_own(k);
        k->phase = FETCH;
    }
    if (k->phase == FETCH && takes(k)) {
        if (!shm_all(k, k->size, received_bytes))
            return COLL_POLL;
        fetch_from_all(k, 0);
    }
    if (k->phase == FETCH)
        leave(k, takes(k));
    return left(k);
}

/* Who wants all parts copies them from the others' memory: alpha + n beta. */
enum coll_step shm_direct_gather(struct coll *k)
{
    return shm_run(k, gather);
}

enum coll_step shm_direct_allgather(struct coll *k)
{
    return shm_run(k, gather);
}

/* ---- From all to all ---- */

static void offer_parts(struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    size_t bytes = coll_bytes(k, r, 0), all = bytes * (size_t)k->size;

    if (!coll_in_place(s)) {
        offer(k, one_block(k, s->buf, k->size * s->count, s->type), NULL, coll_bytes(k, s, 0));
        coll_copy(k, coll_at(s, k->rank), s->count, s->type, coll_at(r, k->rank), r->count,
                  r->type);
        return;
    }
    /* Others' parts come to where this one's stand. */
    if (coll_scratch(k, all))
        coll_copy(k, r->buf, k->size * r->count, r->type, k->scratch, (MPI_Count)all,
                  &datatype_byte);
    offer(k, k->scratch, NULL, bytes);
}

static enum coll_step alltoall(struct coll *k)
{
    struct shm_area *a = k->comm->area;
    size_t bytes = coll_bytes(k, &k->args.recv, 0);

    if (!bytes)
        return COLL_LAST;
    if (k->phase == OFFER) {
        if (!shm_may_write(a, 0))
            return COLL_POLL;
        offer_parts(k);
        k->phase = FETCH;
    }
    if (k->phase == FETCH) {
        if (!shm_all(k, k->size, received_bytes))
            return COLL_POLL;
        fetch_from_all(k, (size_t)k->rank * bytes);
        leave(k, true);
    }
    return left(k);
}

/* Everybody copies its part from everybody's memory. */
enum coll_step shm_direct_alltoall(struct coll *k)
{
    return shm_run(k, alltoall);
}

/* ---- Reductions ---- */

/* Items of the vector for which this member answers. */
struct stripe {
    MPI_Count at, n;
};

static bool scatters_result(const struct coll *k)
{
    return k->args.kind == COLL_REDUCE_SCATTER || k->args.kind == COLL_REDUCE_SCATTER_BLOCK;
}

static struct stripe stripe_of(const struct coll *k, int rank)
{
    MPI_Count all = k->args.send.count, each = (all + k->size - 1) / k->size, at, end;

    if (scatters_result(k)) {
        at = coll_items_before(k, rank);
        return (struct stripe){at, coll_items_before(k, rank + 1) - at};
    }
    at = rank * each < all ? rank * each : all;
    end = (rank + 1) * each < all ? (rank + 1) * each : all;
    return (struct stripe){at, end - at};
}

static size_t vector_bytes(const struct coll *k, int rank)
{
    MPI_Count n = k->args.send.count;

    (void)rank;
    if (scatters_result(k))
        n = coll_items_before(k, k->size);
    return (size_t)n * (size_t)k->args.send.type->size;
}

/*
 * The stripe of all members' vectors, folded from the last rank down, into `result`, which may be
 * where the own vector has it.
 */
static void fold_stripe(struct coll *k, struct stripe s, char *result)
{
    struct datatype *t = k->args.send.type;
    const char *own = datatype_address(coll_own(k), t);
    const struct shm_area *a = k->comm->area;
    _Alignas(64) char piece[PIECE], mine[PIECE];
    size_t size = (size_t)t->size;
    MPI_Aint lb = t->true_lb; /* the operator wants the address of an item, not of its data */
    MPI_Count most = (MPI_Count)(PIECE / size);

    for (MPI_Count at = 0; at < s.n && !k->error; at += most) {
        MPI_Count n = s.n - at < most ? s.n - at : most;
        size_t from = (size_t)(s.at + at) * size, bytes = (size_t)n * size;
        char *to = result + (size_t)at * size;

        copy_bytes(mine, own + from, bytes); /* the result may come to where it stands */
        for (int i = k->size - 1; i >= 0 && !k->error; i--) {
            const char *in = i == k->rank ? mine : piece;

            if (i != k->rank)
                fetch(k, i, offer_of(a, i)->data + from, i == k->size - 1 ? to : piece, bytes);
            else if (i == k->size - 1)
                copy_bytes(to, mine, bytes);
            if (i < k->size - 1)
                coll_reduce(k, in - lb, to - lb, n);
        }
    }
}

static enum coll_step reduce_scatter(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    size_t bytes = vector_bytes(k, 0);
    bool in_place = coll_in_place(&k->args.send);

    if (!bytes)
        return COLL_LAST;
    if (k->phase == OFFER) {
        if (!offer(k, datatype_address(coll_own(k), t), NULL, bytes))
            return COLL_POLL;
        k->phase = FETCH;
    }
    if (k->phase == FETCH) {
        struct stripe s = stripe_of(k, k->rank);

        if (!shm_all(k, k->size, vector_bytes))
            return COLL_POLL;
        /* In place, the result would come to where others still want what stands there. */
        if (!in_place)
            fold_stripe(k, s, datatype_address(k->args.recv.buf, t));
        else if (coll_scratch(k, (size_t)s.n * (size_t)t->size))
            fold_stripe(k, s, k->scratch);
        leave(k, true);
    }
    if (left(k) != COLL_LAST)
        return COLL_POLL;
    if (in_place && !k->error)
        copy_bytes(datatype_address(k->args.recv.buf, t), k->scratch,
                   (size_t)stripe_of(k, k->rank).n * (size_t)t->size);
    return COLL_LAST;
}

/* Everybody folds its stripe of everybody's vector, copied piece by piece into the cache. */
enum coll_step shm_direct_reduce_scatter(struct coll *k)
{
    return shm_run(k, reduce_scatter);
}

static bool takes_result(const struct coll *k)
{
    return k->args.kind == COLL_ALLREDUCE || k->rank == k->args.root;
}

/* Where this member folds its stripe: in its result, or where it has none, in the scratch. */
static char *stripe_place(struct coll *k, struct stripe s)
{
    struct datatype *t = k->args.send.type;

    if (takes_result(k))
        return (char *)datatype_address(k->args.recv.buf, t) + s.at * t->size;
    return coll_scratch(k, (size_t)s.n * (size_t)t->size) ? k->scratch : NULL;
}

/* The others' stripes of the result, each when it is complete. False: one is not there yet. */
static bool take_stripes(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    struct shm_area *a = k->comm->area;
    char *result = datatype_address(k->args.recv.buf, t);
    size_t bytes = vector_bytes(k, 0);

    for (; k->mask < k->size; k->mask++) {
        int from = coll_wrap(k, k->rank + k->mask);
        struct stripe s = stripe_of(k, from);

        if (!shm_has(a, from))
            return false;
        if (shm_line(a, from)->bytes != bytes)
            shm_disagree(k, from, bytes);
        if (from != k->rank)
            fetch(k, from, offer_of(a, from)->result, result + s.at * t->size,
                  (size_t)s.n * (size_t)t->size);
    }
    k->mask = 0;
    return true;
}

static enum coll_step reduce(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    struct shm_area *a = k->comm->area;
    size_t bytes = vector_bytes(k, 0);

    if (!bytes)
        return COLL_LAST;
    if (k->phase == OFFER) {
        if (!offer(k, datatype_address(coll_own(k), t), NULL, bytes))
            return COLL_POLL;
        k->phase = FETCH;
    }
    if (k->phase == FETCH) {
        struct stripe s = stripe_of(k, k->rank);

        if (!shm_all(k, k->size, vector_bytes))
            return COLL_POLL;
        k->acc = stripe_place(k, s);
        if (k->acc)
            fold_stripe(k, s, k->acc);
        shm_next(a, true);
        k->phase = GIVE;
    }
    if (k->phase == GIVE) {
        if (!offer(k, NULL, k->acc, bytes))
            return COLL_POLL;
        k->phase = TAKE;
    }
    if (k->phase == TAKE) {
        if (takes_result(k) && !take_stripes(k))
            return COLL_POLL;
        leave(k, takes_result(k));
    }
    return left(k);
}

/*
 * Everybody folds its stripe, then who wants the result copies the others' stripes. 2 alpha + 2 n
 * beta + n gamma. The result of a stripe may come to where the own vector stands: only this member
 * wants that.
 */
enum coll_step shm_direct_reduce(struct coll *k)
{
    return shm_run(k, reduce);
}

enum coll_step shm_direct_allreduce(struct coll *k)
{
    return shm_run(k, reduce);
}
