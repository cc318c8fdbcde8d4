/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine: starts operations, calls their round function when a round's messages are complete,
 * and tells the request or the waiting thread when the last round's are.
 */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_quick.h"
#include "core/coll/coll_trial.h"
#include "core/coll/context.h"
#include "core/coll/hosts.h"
#include "core/coll/shm_area.h"
#include "core/object/err.h"
#include "core/object/topology.h"
#include "core/p2p/helper.h"
#include "provider/fabric/wait.h"

/* Operations with a request, and children; blocking ones lie on their caller's stack. */
static struct pool pool;

void coll_fail(struct coll *k, int error)
{
    if (k->error)
        return;
    k->error = error;
    k->starved = error == MPI_ERR_NO_MEM;
}

/* ---- Rounds ---- */

/*
 * Hands the operation over to whoever waits for it. Nothing of a blocking one may be touched
 * afterwards: its thread may have returned.
 */
static void finish(struct coll *k)
{
    struct coll *parent = k->parent;

    if (k->request) {
        atomic_fetch_sub_explicit(&lane.started, 1, memory_order_relaxed);
        k->request->error = k->error;
        request_complete(k->request);
    } else if (parent) {
        if (k->error && !parent->error) {
            coll_fail(parent, k->error);
            parent->bad_peer = k->bad_peer;
            parent->bad_got = k->bad_got;
            parent->bad_want = k->bad_want;
        }
        coll_scratch_free(k);
        pool_put(&pool, k);
        if (!--parent->pending && !parent->busy)
            lane_defer(&parent->deferred);
    } else if (k->then) {
        k->then(k);
    } else {
        atomic_store_explicit(&k->done, true, memory_order_release);
    }
}

/* Those who said COLL_POLL, by `deferred`. */
static struct {
    struct list list;
    unsigned count;
} polled = {LIST_INIT(polled.list), 0};

static void poll_later(struct coll *k)
{
    list_add_tail(&polled.list, &k->deferred.link);
    if (!polled.count++) {
        lane.poll = coll_poll;
        wait_watch = &shm_watch;
    }
}

/*
 * Calls the round function as long as nothing is outstanding. False where it will be asked again
 * (k->went_on: after it got further); else the operation may be gone. Lane locked.
 */
static bool advance(struct coll *k)
{
    enum coll_step step = COLL_MORE;

    if (k->busy)
        return true;
    k->busy = true;
    while (!k->pending && !k->last) {
        step = k->call(k);
        if (step >= COLL_POLL)
            break;
        k->last = step == COLL_LAST;
        k->round++;
    }
    k->busy = false;
    if (step == COLL_POLL)
        poll_later(k);
    else if (!k->pending && step != COLL_PARK)
        finish(k);
    return step != COLL_POLL;
}

bool coll_poll(void)
{
    bool moved = false;

    for (unsigned n = polled.count; n && polled.count; n--) {
        struct list *l = list_pop(&polled.list);
        if (!--polled.count) {
            lane.poll = NULL;
            wait_watch = NULL;
        }
        struct coll *k = container_of(l, struct coll, deferred.link);
        moved |= advance(k) || k->went_on;
    }
    if (moved)
        wait_tell();
    return moved;
}

static void advance_deferred(struct deferred *d)
{
    advance(container_of(d, struct coll, deferred));
}

/* A message of this round is complete. */
static void message_done(struct request *r)
{
    struct coll *k = r->owner;

    bool wrong_length = r->error == MPI_ERR_TRUNCATE ||
                        (!r->error && r->kind == REQUEST_RECV && r->len != r->bytes);

    /* What this rank has no memory for has a length; the sender's word that it has none has not. */
    if (!k->error && (wrong_length || (r->error == MPI_ERR_NO_MEM && !r->len))) {
        k->bad_peer = r->peer;
        k->bad_got = r->len;
        k->bad_want = r->bytes;
    }
    if (wrong_length || r->error)
        coll_fail(k, wrong_length ? MPI_ERR_TRUNCATE : r->error);
    request_free(r);
    if (!--k->pending && !k->busy)
        lane_defer(&k->deferred);
}

/* ---- Turns ---- */

bool coll_take_turn(struct coll_turns *t, struct coll *k)
{
    if (!t->current)
        t->current = k;
    else if (t->current != k)
        list_add_tail(&t->queue, &k->deferred.link);
    return t->current == k;
}

bool coll_end_turn(struct coll_turns *t)
{
    struct list *l = list_pop(&t->queue);

    t->current = NULL;
    if (!l)
        return false;
    struct deferred *next = container_of(l, struct deferred, link);
    t->current = container_of(next, struct coll, deferred);
    lane_defer(next);
    return true;
}

/* ---- Messages ---- */

static int peer_of(const struct coll *k, int rank)
{
    return k->ranks ? k->ranks[rank] : rank;
}

static struct request *message(struct coll *k, enum request_kind kind, struct datatype *t)
{
    struct request *r = request_new(kind, k->comm, t);

    if (!r) {
        coll_fail(k, err_set(MPI_ERR_NO_MEM, "no memory for a message of MPI_%s",
                             coll_names[k->args.kind]));
        return NULL;
    }
    r->then = message_done;
    r->owner = k;
    k->pending++;
    return r;
}

static void unpost(struct coll *k, struct request *r, int error)
{
    k->pending--;
    request_free(r);
    coll_fail(k, error);
}

/* An MPI class where nothing was sent. */
static int post_send(struct coll *k, int to, const void *buf, MPI_Count count, struct datatype *t)
{
    struct request *r;
    int rc;

    to = peer_of(k, to);
    if (p2p_try_inject(k->comm, t, k->channel, buf, count, to, k->tag))
        return MPI_SUCCESS;
    r = message(k, REQUEST_SEND, t);
    if (!r)
        return MPI_ERR_NO_MEM;
    rc = p2p_send(r, k->channel, buf, count, to, k->tag, SEND_STANDARD);
    if (rc)
        unpost(k, r, rc);
    return rc;
}

/* What a rank that has failed sends in place of data: coll_engine.h. */
static void send_failure(struct coll *k, int to)
{
    if (!k->starved) {
        post_send(k, to, NULL, 0, &datatype_byte);
        return;
    }
    to = peer_of(k, to);
    if (p2p_try_inject_failure(k->comm, k->channel, to, k->tag))
        return;
    struct request *r = message(k, REQUEST_SEND, NULL);
    int rc = r ? p2p_send_failure(r, k->channel, to, k->tag) : MPI_SUCCESS;
    if (rc)
        unpost(k, r, rc);
}

static void post_recv(struct coll *k, int from, void *buf, MPI_Count count, struct datatype *t)
{
    struct request *r;
    int rc;

    if (UNLIKELY(k->error) && !k->starved)
        return;
    r = message(k, REQUEST_RECV, t);
    if (!r)
        return;
    from = peer_of(k, from);
    rc = p2p_recv(r, k->channel, buf, k->error ? 0 : count, from, k->tag);
    if (rc == MPI_ERR_NO_MEM && !k->error) {
        coll_fail(k, rc);
        rc = p2p_recv(r, k->channel, NULL, 0, from, k->tag);
    }
    if (rc)
        unpost(k, r, rc);
}

void coll_send(struct coll *k, int to, const void *buf, MPI_Count count, struct datatype *t)
{
    if (!count || !t->size)
        return;
    if (UNLIKELY(k->error) || UNLIKELY(post_send(k, to, buf, count, t)))
        send_failure(k, to);
}

void coll_recv(struct coll *k, int from, void *buf, MPI_Count count, struct datatype *t)
{
    if (count && t->size)
        post_recv(k, from, buf, count, t);
}

void coll_signal(struct coll *k, int to)
{
    post_send(k, to, NULL, 0, &datatype_byte);
}

void coll_await(struct coll *k, int from)
{
    post_recv(k, from, NULL, 0, &datatype_byte);
}

/* ---- Starting ---- */

/* The w forms' types may be freed by the program while the operation runs: they are held. */
static int hold_types(struct coll *k)
{
    int n = k->sends + k->receives;

    if (!n)
        return MPI_SUCCESS;
    k->types = calloc((size_t)n, sizeof *k->types);
    if (!k->types)
        return err_set(MPI_ERR_NO_MEM, "no memory for %d datatypes", n);
    if (k->args.send.types && !coll_in_place(&k->args.send))
        for (int i = 0; i < k->sends; i++)
            k->types[i] = datatype_find(k->args.send.types[i]);
    for (int i = 0; i < k->receives; i++)
        k->types[k->sends + i] = datatype_find(k->args.recv.types[i]);
    for (int i = 0; i < n; i++)
        if (k->types[i])
            object_hold(&k->types[i]->object);
    return MPI_SUCCESS;
}

static void drop_types(struct coll *k)
{
    for (int i = 0; k->types && i < k->sends + k->receives; i++)
        if (k->types[i])
            object_drop(&k->types[i]->object);
    free(k->types);
}

/* Replaces the program's array by a copy behind *to. */
static void keep_vec(struct vec *v, int n, char **to)
{
    size_t bytes = (size_t)n * (size_t)v->width;

    if (!v->at || !bytes)
        return;
    memcpy(*to, v->at, bytes);
    v->at = *to;
    *to += (bytes + 7) & ~(size_t)7;
}

/* The counts and displacements of an operation that has a request: the standard lets the program
 * lose its arrays only with the operation, but programs lose them sooner (mpi4py 4.1.2 right after
 * Ireduce_scatter, Reduce_scatter_init and Allgatherv_init). */
static int keep_vecs(struct coll *k)
{
    const struct coll_args *a = &k->args;
    int root = a->comm->remote ? MPI_ROOT : k->rank;
    int sends =
        coll_in_place(&a->send) || (a->kind == COLL_SCATTERV && a->root != root) ? 0 : k->sends;
    int receives = a->kind == COLL_GATHERV && a->root != root ? 0 : k->receives;
    char *to;

    if (a->kind == COLL_REDUCE_SCATTER)
        receives = k->size; /* the local group's, on an intercommunicator too */
    k->vecs = to = calloc(2 * ((size_t)sends + (size_t)receives) + 4, sizeof(MPI_Count));
    if (!to)
        return err_set(MPI_ERR_NO_MEM, "no memory for the counts of MPI_%s", coll_names[a->kind]);
    keep_vec(&k->args.send.counts, sends, &to);
    keep_vec(&k->args.send.displs, sends, &to);
    keep_vec(&k->args.recv.counts, receives, &to);
    keep_vec(&k->args.recv.displs, receives, &to);
    return MPI_SUCCESS;
}

static bool has_vecs(const struct coll_args *args)
{
    return args->send.counts.width || args->recv.counts.width;
}

static bool is_w(const struct coll_args *args)
{
    return args->send.types || args->recv.types;
}

static void count_parts(struct coll *k)
{
    k->sends = k->receives = k->comm->remote ? k->comm->remote->size : k->size;
    if (k->args.kind >= COLL_NEIGHBOR_ALLGATHER && k->args.kind <= COLL_NEIGHBOR_ALLTOALLW) {
        k->sends = k->comm->topology->outdegree;
        k->receives = k->comm->topology->indegree;
    }
}

/* One by one: clearing it all as memory takes longer than a small operation's work. */
static void rewind_rounds(struct coll *k)
{
    k->round = k->error = 0;
    k->starved = false;
    k->last = false;
    k->bad_peer = -1;
    k->phase = k->mask = k->at = 0;
    k->acc = k->tmp = NULL;
    k->block = k->moved = 0;
}

static void begin(struct coll *k, const struct coll_args *args)
{
    list_init(&k->deferred.link);
    k->deferred.run = advance_deferred;
    k->args = *args;
    k->comm = args->comm;
    k->rank = args->comm->rank;
    k->size = args->comm->size;
    k->ranks = NULL;
    k->channel = CHANNEL_COLL;
    k->pending = 0;
    k->busy = k->went_on = k->persistent = k->blocking = k->in_area = k->in_hosts = false;
    atomic_init(&k->done, false);
    k->request = NULL;
    k->parent = NULL;
    k->then = NULL;
    k->trial = NULL;
    k->bad_got = k->bad_want = 0;
    k->types = NULL;
    k->vecs = NULL;
    k->scratch = k->small;
    k->room = COLL_SMALL;
    rewind_rounds(k);
    if (args->scope) {
        k->ranks = args->scope->ranks;
        k->rank = args->scope->rank;
        k->size = args->scope->size;
        k->channel = args->scope->channel;
        k->tag = args->scope->tag;
        k->args.scope = NULL; /* the caller's own, perhaps gone when this one runs */
    }
    count_parts(k);
}

/* The place of this operation in the communicator's order is its tag. Lane locked. */
static void take_tag(struct coll *k)
{
    if (k->channel != CHANNEL_COLL)
        return;
    hosts_consider(k->comm);
    k->tag = coll_next_tag(k->comm);
    k->comm->coll_sequence++;
}

void coll_release(struct coll *k)
{
    drop_types(k);
    free(k->vecs);
    coll_scratch_free(k);
}

/* In the thread that waits, where the program will ask for the detail. */
static int explain(const struct coll *k)
{
    if (k->error == MPI_ERR_NO_MEM && k->bad_peer >= 0)
        return err_set(k->error,
                       "MPI_%s: no data from rank %d: there was no memory, on it or behind",
                       coll_names[k->args.kind], k->bad_peer);
    if (k->error && k->bad_peer >= 0)
        return err_set(k->error,
                       "MPI_%s: a message from rank %d has %zu bytes where %zu are expected; the "
                       "ranks disagree about count or datatype",
                       coll_names[k->args.kind], k->bad_peer, k->bad_got, k->bad_want);
    return k->error;
}

void coll_launch(struct coll *k, const struct coll_args *args, void (*then)(struct coll *k))
{
    begin(k, args);
    k->then = then;
    take_tag(k);
    k->call = coll_select(k);
    advance(k);
}

enum { SHORT_POLLS = 64 };

/*
 * Where the others have processors of their own, what they store is mostly there within a
 * microsecond: no look at the fabric so long.
 */
static void poll_shortly(const struct coll *k)
{
    if (!wait_polls())
        return;
    for (int i = 0; i < SHORT_POLLS; i++) {
        if (atomic_load_explicit(&k->done, memory_order_acquire))
            return;
        lane_lock();
        bool found = lane.poll && lane.poll();
        bool polls = lane.poll;
        lane_unlock();
        if (!found && !polls)
            return;
    }
}

/* Starts a blocking one; `b`: where it has begun already, else NULL. Lane locked. */
static int start_blocking(struct coll *k, const struct coll_args *args, const struct coll_begun *b)
{
    int rc;

    begin(k, args);
    if (b) {
        k->tag = coll_last_tag(k->comm);
        coll_quick_go_on(k, b);
    } else {
        if (is_w(args) && (rc = hold_types(k)))
            return rc;
        count_add(&counts.coll_started, 1);
        take_tag(k);
        k->blocking = true;
        k->call = coll_select(k);
    }
    advance(k);
    return MPI_SUCCESS;
}

/* Looking again may be enough. */
static bool may_come(enum coll_quick quick)
{
    return quick == COLL_BEGUN || quick == COLL_LATER;
}

/* A turn of a rank in a crowd costs 250 instructions in this way, and 1600 with the engine. */
static __attribute__((noinline)) enum coll_quick
wait_laps(const struct coll_args *args, struct coll_begun *b, enum coll_quick quick)
{
    struct wait w;

    wait_begin(&w);
    while (may_come(quick) && (wait_stays(&w) || wait_lap(&w, &lane.lock))) {
        lane_lock();
        quick = coll_quick_again(args, b);
        lane_unlock();
    }
    wait_expect(false);
    return quick;
}

int coll_run(const struct coll_args *args)
{
    struct coll_begun b;
    struct coll k;
    int rc = MPI_SUCCESS;

    bool entered = lane_enter();
    if (UNLIKELY(!entered))
        lane_lock();
    enum coll_quick quick = coll_quick(args, &b);
    if (LIKELY(quick == COLL_DONE && entered)) {
        lane_leave();
        return MPI_SUCCESS;
    }
    /* Who spins goes on without giving the lane away. */
    if (may_come(quick) && b.in_area && !wait_polls()) {
        lane_unlock();
        quick = wait_laps(args, &b, quick);
        lane_lock();
    }
    if (quick != COLL_DONE)
        rc = start_blocking(&k, args, quick == COLL_BEGUN ? &b : NULL);
    lane_unlock();
    if (quick == COLL_DONE || rc)
        return rc;
    poll_shortly(&k);
    request_wait_flag(&k.done);
    if (k.trial) {
        lane_lock();
        coll_trial_took(&k);
        lane_unlock();
    }
    coll_release(&k);
    return explain(&k);
}

void coll_child(struct coll *k, const struct coll_args *args)
{
    struct coll *child = pool_get(&pool);

    if (!child) {
        coll_fail(k, err_set(MPI_ERR_NO_MEM, "no memory for MPI_%s", coll_names[args->kind]));
        return;
    }
    begin(child, args);
    if (args->comm == k->comm && !args->scope) {
        child->ranks = k->ranks;
        child->rank = k->rank;
        child->size = k->size;
    }
    child->channel = k->channel;
    child->tag = k->tag;
    child->error = k->error;
    child->starved = k->starved;
    child->parent = k;
    child->call = coll_select(child);
    k->pending++;
    advance(child);
}

/* ---- Requests ---- */

static void hold_objects(struct coll *k)
{
    if (k->args.send.type)
        object_hold(&k->args.send.type->object);
    if (k->args.recv.type)
        object_hold(&k->args.recv.type->object);
    if (k->args.op)
        object_hold(&k->args.op->object);
}

static void forget(struct request *r)
{
    struct coll *k = r->owner;

    if (k->args.send.type)
        object_drop(&k->args.send.type->object);
    if (k->args.recv.type)
        object_drop(&k->args.recv.type->object);
    if (k->args.op)
        object_drop(&k->args.op->object);
    coll_release(k);
    pool_put(&pool, k);
}

static void begin_with_request(struct coll *k)
{
    count_add(&counts.coll_started, 1);
    atomic_fetch_add_explicit(&lane.started, 1, memory_order_relaxed);
    advance(k);
}

/* A persistent one keeps its tag: its messages match those of the other ranks' starts in order. */
static int start_again(struct request *r)
{
    struct coll *k = r->owner;

    lane_lock();
    r->active = true;
    r->error = MPI_SUCCESS;
    atomic_store_explicit(&r->done, false, memory_order_relaxed);
    rewind_rounds(k);
    begin_with_request(k);
    lane_unlock();
    helper_call();
    return MPI_SUCCESS;
}

static int report(struct request *r, MPI_Status *status)
{
    status_set_empty(status);
    return explain(r->owner);
}

static const struct request_ops coll_ops = {.start = start_again, .query = report, .free = forget};

/* The parts of coll_start that need the lock. */
static int start_locked(const struct coll_args *args, bool persistent, struct request **request)
{
    struct request *r = request_new(REQUEST_COLL, args->comm, NULL);
    struct coll *k = pool_get(&pool);
    int rc = MPI_SUCCESS;

    if (!r || !k) {
        rc = err_set(MPI_ERR_NO_MEM, "no memory for a request of MPI_%s", coll_names[args->kind]);
        goto free_both;
    }
    begin(k, args);
    if (is_w(args))
        rc = hold_types(k);
    if (!rc && has_vecs(args))
        rc = keep_vecs(k);
    if (rc)
        goto drop_types;
    hold_objects(k);
    k->persistent = persistent;
    take_tag(k);
    k->call = coll_select(k);
    k->request = r;
    r->ops = &coll_ops;
    r->owner = k;
    r->persistent = persistent;
    *request = r;
    if (persistent) {
        atomic_store_explicit(&r->done, true, memory_order_relaxed);
        return MPI_SUCCESS;
    }
    begin_with_request(k);
    return MPI_SUCCESS;

drop_types:
    drop_types(k);
free_both:
    if (k)
        pool_put(&pool, k);
    if (r)
        request_free(r);
    return rc;
}

int coll_start(const struct coll_args *args, bool persistent, struct request **request)
{
    int rc;

    lane_lock();
    rc = start_locked(args, persistent, request);
    lane_unlock();
    helper_call();
    return rc;
}

void coll_open(void)
{
    pool_open(&pool, sizeof(struct coll), 16);
    coll_select_open();
    context_open();
    hosts_open();
}

void coll_close(void)
{
    shm_close();
    hosts_close();
    pool_close(&pool);
    coll_scratch_close();
}

/* ---- Shorthands ---- */

int coll_barrier(struct comm *c)
{
    return coll_run(&(struct coll_args){.kind = COLL_BARRIER, .comm = c});
}

int coll_bcast(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int root)
{
    return coll_run(&(struct coll_args){.kind = COLL_BCAST,
                                        .comm = c,
                                        .send = {.buf = buf, .count = count, .type = t},
                                        .root = root});
}

int coll_allreduce(struct comm *c, const void *send, void *recv, MPI_Count count,
                   struct datatype *t, struct op *op)
{
    return coll_run(&(struct coll_args){.kind = COLL_ALLREDUCE,
                                        .comm = c,
                                        .send = {.buf = send, .count = count, .type = t},
                                        .recv = {.buf = recv},
                                        .op = op});
}

int coll_allgather(struct comm *c, const void *send, MPI_Count count, struct datatype *t,
                   void *recv)
{
    return coll_run(&(struct coll_args){.kind = COLL_ALLGATHER,
                                        .comm = c,
                                        .send = {.buf = send, .count = count, .type = t},
                                        .recv = {.buf = recv, .count = count, .type = t}});
}
