/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Agreement on a context id, after MPICH's (Gropp, Lusk, "User's guide", and Goodell et al.,
 * "Minimizing MPI resource contention in multithreaded multicore environments", 2010): the bit
 * masks of free ids are ANDed over the members, and one of the common bits is the id. ceil(log p)
 * messages of 392 bytes where all goes well.
 *
 * The ids are cut into windows, and one agreement looks at one window. While it is under way no
 * other agreement of this process offers ids of that window, so two threads never choose the same
 * one. No agreement waits for another one: it finds an empty mask where the window is taken on some
 * member, and goes on to another window that all members call free, chosen by a hash of what
 * distinguishes the two, so that rivals part.
 */
#include <string.h>

#include "core/coll/coll_engine.h"
#include "core/coll/context.h"
#include "core/object/err.h"

enum {
    WINDOW_BITS = 10,
    WINDOW = 1 << WINDOW_BITS, /* ids */
    WINDOWS = COMM_CONTEXTS >> WINDOW_BITS,
    MASK_WORDS = WINDOW / 64,
    SUMMARY_WORDS = WINDOWS / 64,
    ATTEMPTS = 1 << 16, /* then the ids are called used up */
};

/* What is ANDed: free ids of the window, and windows where ids are free, or free and not taken. */
struct offer {
    uint64_t ids[MASK_WORDS];
    uint64_t some_free[SUMMARY_WORDS];
    uint64_t available[SUMMARY_WORDS];
};

enum { OFFER_WORDS = sizeof(struct offer) / sizeof(uint64_t) };

/* An agreement under way; it lies in the scratch of its collective. */
struct claim {
    int window, attempt;
    bool taken; /* the window is this claim's */
    uint32_t key;
    struct offer mine, common;
};

static struct {
    struct lock lock; /* a leaf */
    uint64_t used[COMM_CONTEXTS / 64];
    uint16_t count[WINDOWS];      /* ids used */
    uint64_t full[SUMMARY_WORDS]; /* windows all of whose ids are */
    uint64_t taken[SUMMARY_WORDS];
} ids;

static bool bit(const uint64_t *words, int i)
{
    return words[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *words, int i, bool value)
{
    uint64_t mask = (uint64_t)1 << (i % 64);

    words[i / 64] = value ? words[i / 64] | mask : words[i / 64] & ~mask;
}

/* Takes the window where nobody else has it, and says what is free here. */
static void make_offer(struct claim *c)
{
    struct offer *o = &c->mine;

    memset(o, 0, sizeof *o);
    lock_take(&ids.lock);
    if (!bit(ids.taken, c->window)) {
        for (int i = 0; i < MASK_WORDS; i++)
            o->ids[i] = ~ids.used[c->window * MASK_WORDS + i];
        set_bit(ids.taken, c->window, true);
        c->taken = true;
    }
    for (int i = 0; i < SUMMARY_WORDS; i++) {
        o->some_free[i] = ~ids.full[i];
        o->available[i] = ~ids.full[i] & ~ids.taken[i];
    }
    lock_drop(&ids.lock);
}

/* Locked. */
static void set_used(int context, bool used)
{
    int w = context >> WINDOW_BITS;

    set_bit(ids.used, context, used);
    ids.count[w] = (uint16_t)(used ? ids.count[w] + 1 : ids.count[w] - 1);
    set_bit(ids.full, w, ids.count[w] == WINDOW);
}

static void give_window_back(struct claim *c)
{
    if (!c->taken)
        return;
    lock_take(&ids.lock);
    set_bit(ids.taken, c->window, false);
    lock_drop(&ids.lock);
    c->taken = false;
}

static bool any(const uint64_t *words, int n)
{
    for (int i = 0; i < n; i++)
        if (words[i])
            return true;
    return false;
}

/*
 * The id that all have free, now used; -1 where there is none in this window. The search begins one
 * further for each new communicator, so that an id rests before it comes again: what an operation
 * that failed has left on its way finds no receiver.
 */
static int choose(struct claim *c)
{
    int at = -1;

    for (int i = 0; i < WINDOW && at < 0; i++)
        if (bit(c->common.ids, (int)((c->key + (uint32_t)i) % WINDOW)))
            at = (int)((c->key + (uint32_t)i) % WINDOW);
    if (at < 0)
        return -1;
    lock_take(&ids.lock);
    set_used(c->window * WINDOW + at, true);
    lock_drop(&ids.lock);
    return c->window * WINDOW + at;
}

/* The same on all members: it depends on common words and on what names the agreement. */
static void next_window(struct claim *c)
{
    int most = c->attempt < 8 ? 4 << c->attempt : WINDOWS, n = 0, list[WINDOWS];
    uint32_t hash = (c->key + (uint32_t)c->attempt) * 2654435761u;

    for (int w = 0; w < WINDOWS && n < most; w++)
        if (w != c->window && bit(c->common.available, w))
            list[n++] = w;
    if (n)
        c->window = list[(hash >> 16) % (uint32_t)n];
    c->attempt++;
}

static int exhausted(void)
{
    return err_set(MPI_ERR_OTHER,
                   "no context id is free on all ranks; at most %d communicators may live at once",
                   COMM_CONTEXTS);
}

static void start_and(struct coll *k, struct claim *c)
{
    make_offer(c);
    coll_child(k, &(struct coll_args){
                      .kind = COLL_ALLREDUCE,
                      .comm = k->comm,
                      .send = {.buf = &c->mine, .count = OFFER_WORDS, .type = &datatype_uint64},
                      .recv = {.buf = &c->common, .type = &datatype_uint64},
                      .op = op_find(MPI_BAND),
                      .round = comm_is_inter(k->comm) ? inter_allreduce_both : allreduce_doubling});
}

/* One attempt a round. ceil(log p) alpha each. */
static enum coll_step context_round(struct coll *k)
{
    struct claim *c;
    int id;

    if (!coll_scratch(k, sizeof *c))
        return COLL_LAST;
    c = (struct claim *)k->scratch;
    if (k->round == 0) {
        memset(c, 0, sizeof *c);
        c->key = (k->comm->context + k->comm->remote_context) * 31 + (uint32_t)k->tag;
        start_and(k, c);
        return COLL_MORE;
    }
    id = k->error ? -1 : choose(c);
    give_window_back(c);
    if (id >= 0)
        *(uint32_t *)k->args.state = (uint32_t)id;
    if (id >= 0 || k->error)
        return COLL_LAST;
    if (!any(c->common.some_free, SUMMARY_WORDS) || c->attempt == ATTEMPTS) {
        coll_fail(k, exhausted());
        return COLL_LAST;
    }
    next_window(c);
    start_and(k, c);
    return COLL_MORE;
}

int context_agree(struct comm *c, const struct coll_scope *scope, uint32_t *context)
{
    return coll_run(&(struct coll_args){
        .kind = COLL_CONTEXT, .comm = c, .scope = scope, .round = context_round, .state = context});
}

/* The local group agrees; then its id is exchanged for the remote group's. */
static enum coll_step assign_round(struct coll *k)
{
    struct comm *made = k->args.state;

    if (k->round == 0) {
        coll_child(k, &(struct coll_args){.kind = COLL_CONTEXT,
                                          .comm = made->local ? k->comm->local : k->comm,
                                          .round = context_round,
                                          .state = &made->context});
        return COLL_MORE;
    }
    if (k->round == 1 && made->local) {
        coll_child(k, &(struct coll_args){
                          .kind = COLL_ALLREDUCE,
                          .comm = k->comm,
                          .send = {.buf = &made->context, .count = 1, .type = &datatype_uint32},
                          .recv = {.buf = &made->remote_context, .type = &datatype_uint32},
                          .op = op_find(MPI_MAX)});
        return COLL_MORE;
    }
    comm_set_contexts(made, made->context, made->local ? made->remote_context : made->context);
    return COLL_LAST;
}

static struct coll_args assignment(struct comm *c, struct comm *made)
{
    return (struct coll_args){
        .kind = COLL_CONTEXT, .comm = c, .round = assign_round, .state = made};
}

int context_assign(struct comm *c, struct comm *made)
{
    struct coll_args a = assignment(c, made);

    return coll_run(&a);
}

int context_assign_start(struct comm *c, struct comm *made, struct request **request)
{
    struct coll_args a = assignment(c, made);

    return coll_start(&a, false, request);
}

/* Lane locked. */
static void drop_made(struct request *r)
{
    struct coll *k = r->owner;
    struct comm *made = k->args.state;

    request_free(r);
    object_drop(&made->object);
}

void context_abandon(struct request *request)
{
    lane_lock();
    if (request_is_done(request))
        drop_made(request);
    else
        request->then = drop_made;
    lane_unlock();
}

void context_give_back(uint32_t context)
{
    if (context < COMM_CONTEXT_FIRST || context >= COMM_CONTEXTS)
        return;
    lock_take(&ids.lock);
    set_used((int)context, false);
    lock_drop(&ids.lock);
}

void context_open(void)
{
    memset(&ids, 0, sizeof ids);
    for (int i = 0; i < COMM_CONTEXT_FIRST; i++)
        set_used(i, true);
    comm_context_free = context_give_back;
}
