/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Put and get (12.3): the two sides' datatypes are walked together, and each stretch that is
 * contiguous on both is one remote write or read, or a copy where the target is mapped here.
 */
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_message.h"
#include "provider/base/copy.h"
#include "provider/base/count.h"
#include "provider/base/hot.h"

enum direction { PUT, GET };

struct fragment {
    struct fabric_op op;
    struct win_op *parent;
};

/* Most operations are one fragment: it comes with them. */
struct put {
    struct win_op op;
    struct fragment first;
};

/* Two iterators in step. */
struct pair {
    struct type_iter here, there;
    struct iovec a, b; /* what is left of each one's piece */
};

void win_pools_open(size_t small, size_t large)
{
    pool_open(&win_pools.puts, sizeof(struct put), 64);
    pool_open(&win_pools.fragments, sizeof(struct fragment), 64);
    pool_open(&win_pools.streams, sizeof(struct win_stream), 32);
    pool_open(&win_pools.small, sizeof(struct win_packet) + small, 64);
    pool_open(&win_pools.large, sizeof(struct win_packet) + large, 16);
}

void win_pools_close(void)
{
    pool_close(&win_pools.puts);
    pool_close(&win_pools.fragments);
    pool_close(&win_pools.streams);
    pool_close(&win_pools.small);
    pool_close(&win_pools.large);
}

/* ---- Requests ---- */

static struct object *request_blame(struct request *r)
{
    return &((struct win *)r->owner)->object;
}

/* The program may look at it after MPI_Win_free. */
static void request_let_go(struct request *r)
{
    object_drop(request_blame(r));
}

static const struct request_ops request_ops = {.free = request_let_go, .blame = request_blame};

struct request *win_request_new(struct win *w, struct datatype *type)
{
    struct request *r = request_new(REQUEST_RMA, w->comm, type);

    if (!r)
        return NULL;
    r->ops = &request_ops;
    r->owner = w;
    object_hold(&w->object);
    return r;
}

/* ---- Both sides in step ---- */

/* `there` is where the target's buffer begins: an address here, or a number for the fabric. */
static void pair_begin(struct pair *p, const struct win_side *origin, uintptr_t there,
                       const struct win_side *target)
{
    type_iter_begin(&p->here, origin->buf, origin->count, origin->type, 0);
    type_iter_begin(&p->there, (void *)there, target->count, target->type, 0);
    p->a.iov_len = p->b.iov_len = 0;
}

static bool pair_next(struct pair *p, size_t most, void **here, uintptr_t *there, size_t *len)
{
    if (!p->a.iov_len && !type_iter_next(&p->here, SIZE_MAX, &p->a))
        return false;
    if (!p->b.iov_len && !type_iter_next(&p->there, SIZE_MAX, &p->b))
        return false;
    size_t n = p->a.iov_len < p->b.iov_len ? p->a.iov_len : p->b.iov_len;
    if (n > most)
        n = most;
    *here = p->a.iov_base;
    *there = (uintptr_t)p->b.iov_base;
    *len = n;
    p->a.iov_base = (char *)p->a.iov_base + n;
    p->a.iov_len -= n;
    p->b.iov_base = (char *)p->b.iov_base + n;
    p->b.iov_len -= n;
    return true;
}

/* Two buffers that do not overlap but for a process's own window. */
static inline void copy(enum direction way, void *here, void *there, size_t n)
{
    if (n == 8 && way == PUT)
        memcpy(there, here, 8);
    else if (n == 8)
        memcpy(here, there, 8);
    else if (way == PUT)
        copy_over(there, here, n);
    else
        copy_over(here, there, n);
}

static void copy_scattered(enum direction way, const struct win_side *origin, char *there,
                           const struct win_side *target)
{
    struct pair p;
    void *a;
    uintptr_t b;
    size_t n;

    pair_begin(&p, origin, (uintptr_t)there, target);
    while (pair_next(&p, SIZE_MAX, &a, &b, &n))
        copy(way, a, (void *)b, n);
}

/* The target's memory is mapped here (or is our own): complete when this returns. */
HOT_INLINE void copy_pairs(enum direction way, const struct win_side *origin, char *there,
                           const struct win_side *target)
{
    if (LIKELY(origin->type->contiguous && target->type->contiguous))
        copy(way, datatype_address(origin->buf, origin->type),
             datatype_address(there, target->type), (size_t)(origin->count * origin->type->size));
    else
        copy_scattered(way, origin, there, target);
}

/* The kernel copies: likewise. Also for a process's own part of a dynamic window. */
static int copy_kernel(struct win *w, enum direction way, const struct win_side *origin, int rank,
                       const struct win_side *target, uint64_t at)
{
    struct pair p;
    void *a;
    uintptr_t b;
    size_t n;
    int rc = MPI_SUCCESS;

    pair_begin(&p, origin, at, target);
    while (!rc && pair_next(&p, SIZE_MAX, &a, &b, &n))
        rc = win_native_copy(w, way == PUT, a, n, rank, b);
    return rc;
}

static void put_free(struct win_op *op)
{
    pool_put(&win_pools.puts, container_of(op, struct put, op));
}

static void fragment_done(struct fabric_op *op, const struct fabric_event *event)
{
    struct fragment *f = container_of(op, struct fragment, op);
    struct win_op *parent = f->parent;

    if (f != &container_of(parent, struct put, op)->first)
        pool_put(&win_pools.fragments, f);
    win_op_step(parent, event->error ? err_from_errno(event->error, "remote memory access") : 0);
}

static int post_fragment(struct put *put, struct fragment *f, enum direction way,
                         struct fabric_peer *peer, void *a, uintptr_t b, size_t n)
{
    const struct fabric_key *key = &put->op.win->targets[put->op.rank].key;
    int e;

    f->op.done = fragment_done;
    f->parent = &put->op;
    put->op.left++;
    e = way == PUT ? fabric_write(peer, &f->op, a, n, key, b)
                   : fabric_read(peer, &f->op, a, n, key, b);
    if (!e)
        return MPI_SUCCESS;
    put->op.left--;
    return err_from_errno(e, way == PUT ? "writing remote memory" : "reading remote memory");
}

/* Posts all of it. What has been posted when something fails completes by itself. */
static int post_pairs(struct put *put, enum direction way, struct fabric_peer *peer, struct pair *p)
{
    size_t most = fabric_limits()->transfer, n;
    struct fragment *f = &put->first;
    void *a;
    uintptr_t b;
    int rc = MPI_SUCCESS;

    while (!rc && pair_next(p, most, &a, &b, &n)) {
        if (!f && !(f = pool_get(&win_pools.fragments)))
            return err_set(MPI_ERR_NO_MEM, "no memory for a fragment of a put or get");
        rc = post_fragment(put, f, way, peer, a, b, n);
        if (rc && f != &put->first)
            pool_put(&win_pools.fragments, f);
        f = NULL;
    }
    return rc;
}

static int move_remote(struct win *w, enum direction way, const struct win_side *origin, int rank,
                       const struct win_side *target, uint64_t at, struct request **request)
{
    struct fabric_peer *peer;
    struct request *r = NULL;
    struct pair pair;
    int rc = comm_peer(w->comm, rank, &peer);

    if (rc)
        return rc;
    struct put *put = pool_get(&win_pools.puts);
    if (!put)
        return err_set(MPI_ERR_NO_MEM, "no memory for a put or get");
    if (request && !(r = win_request_new(w, origin->type))) {
        pool_put(&win_pools.puts, put);
        return err_set(MPI_ERR_NO_MEM, "no memory for a request");
    }
    win_op_begin(&put->op, w, rank, r, put_free);
    pair_begin(&pair, origin, at, target);
    rc = post_pairs(put, way, peer, &pair);
    if (request)
        *request = r;
    /* A part that could not be posted is an error of the operation: others of it may be on their
     * way, and it must stay counted until they are there. */
    win_op_step(&put->op, rc);
    return MPI_SUCCESS;
}

/* Through messages: memory whose key we do not have, and where they are faster. */
static int move_told(struct win *w, enum direction way, const struct win_side *origin, int rank,
                     const struct win_side *target, struct request **request)
{
    return win_move_told(w, origin, way == PUT ? NULL : origin, rank, target, request);
}

/* One that others do not wait behind: the messages to a target are few at a time. */
static bool is_faster_told(const struct win_target *t, const struct win_side *origin,
                           const struct win_side *target)
{
    enum { SHORT = 1024 };
    bool alone;

    if (!fabric_limits()->emulated || !origin->type->contiguous || !target->type->contiguous ||
        !target->type->predefined || target->count * target->type->size > SHORT)
        return false;
    lane_lock();
    alone = !t->pending;
    lane_unlock();
    return alone;
}

static int move_posted(struct win *w, enum direction way, const struct win_side *origin, int rank,
                       const struct win_side *target, uint64_t at, struct request **request)
{
    int rc;

    lane_lock();
    rc = move_remote(w, way, origin, rank, target, at, request);
    /* So that a program that only issues does not outrun the network for ever. */
    if (w->issued % 64 == 0 && w->pending)
        lane_progress();
    lane_unlock();
    return rc;
}

HOT_INLINE int move_somewhere(struct win *w, enum direction way, const struct win_side *origin,
                              int rank, const struct win_side *target, struct request **request)
{
    const struct win_target *t = &w->targets[rank];
    bool dynamic = w->flavor == MPI_WIN_FLAVOR_DYNAMIC;
    uint64_t at;
    int rc;

    if (UNLIKELY(dynamic && !w->board))
        return move_told(w, way, origin, rank, target, request);
    rc = win_may_access(w, rank, request);
    if (!rc)
        rc = win_target_range(w, rank, target, &at);
    if (UNLIKELY(rc))
        return rc;
    if (!origin->count || !origin->type->size) {
        win_request_done(request);
        return MPI_SUCCESS;
    }
    if (t->reach == WIN_BY_POST && is_faster_told(t, origin, target))
        return move_told(w, way, origin, rank, target, request);
    if (t->reach == WIN_BY_POST)
        return move_posted(w, way, origin, rank, target, at, request);
    if (way == PUT)
        w->stored = true;
    if (LIKELY(t->reach == WIN_BY_STORE && !dynamic))
        copy_pairs(way, origin, t->mapped + at, target);
    else
        rc = copy_kernel(w, way, origin, rank, target, at);
    win_request_done(request);
    return rc;
}

HOT_INLINE int move(struct win *w, enum direction way, const struct win_side *origin, int rank,
                    const struct win_side *target, struct request **request)
{
    size_t here = 0, there = 0;
    int rc = win_side_bytes(origin, &here);

    if (LIKELY(!rc))
        rc = win_side_bytes(target, &there);
    if (UNLIKELY(rc))
        return rc;
    if (UNLIKELY(here != there))
        return err_set(MPI_ERR_TRUNCATE,
                       "the origin describes %zu bytes of data and the target %zu", here, there);
    if (rank == MPI_PROC_NULL) {
        win_request_done(request);
        return MPI_SUCCESS;
    }
    rc = move_somewhere(w, way, origin, rank, target, request);
    if (!rc) {
        win_count(way == PUT ? &counts.win_put : &counts.win_got, 1);
        win_count(way == PUT ? &counts.win_put_bytes : &counts.win_got_bytes, here);
    }
    return rc;
}

int win_put(struct win *w, const struct win_side *origin, int rank, const struct win_side *target,
            struct request **request)
{
    return move(w, PUT, origin, rank, target, request);
}

int win_get(struct win *w, const struct win_side *origin, int rank, const struct win_side *target,
            struct request **request)
{
    return move(w, GET, origin, rank, target, request);
}
