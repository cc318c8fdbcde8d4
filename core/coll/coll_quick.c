/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_quick.h"

#include <errno.h>
#include <string.h>

#include "core/coll/coll_cost.h"
#include "core/coll/hosts.h"
#include "core/coll/shm_area.h"
#include "provider/fabric/wait.h"

enum { LOOKS = 500 }; /* at what is to come, about a microsecond, with the lane locked */

static int looks(void)
{
    return wait_polls() ? LOOKS : 1;
}

/* ---- Which operations ---- */

/* NULL is the type of a side that is not there, or in place. */
static bool is_plain(const struct datatype *t)
{
    return !t || (t->predefined && t->contiguous && t->true_lb == 0);
}

static bool has_plain_types(const struct coll_args *a)
{
    return is_plain(a->send.type) && is_plain(a->recv.type) &&
           (!a->op || (!op_is_user(a->op) && a->op->commutative));
}

/* Bytes of a rank's part, or 0 where the two sides say different things. */
static size_t part_bytes(const struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;

    switch (k->args.kind) {
    case COLL_BCAST:
    case COLL_ALLREDUCE:
        return coll_bytes(k, s, 0);
    case COLL_ALLGATHER:
    case COLL_ALLTOALL:
        return coll_in_place(s) || coll_bytes(k, s, 0) == coll_bytes(k, r, 0) ? coll_bytes(k, r, 0)
                                                                              : 0;
    default:
        return 0;
    }
}

/* One step, with all that a member has to say in its line. */
static bool is_one_step(const struct coll *k, const struct coll_row *r, size_t len)
{
    if (r->round == shm_barrier)
        return true;
    if (r->round == shm_alltoall)
        return len && len * (size_t)k->size <= SHM_INLINE;
    return (r->round == shm_allgather || r->round == shm_bcast || r->round == shm_allreduce) &&
           k->args.kind != COLL_ALLGATHERV && len && len <= SHM_INLINE;
}

static bool is_few_messages(const struct coll *k, const struct coll_row *r, size_t len)
{
    return r->round == allreduce_doubling && !(k->size & (k->size - 1)) && k->size > 1 && len &&
           len <= FABRIC_SMALL && !k->comm->area && !k->comm->hosts;
}

void coll_quick_note(const struct coll *k, struct coll_choice *c)
{
    const struct coll_args *a = &k->args;

    c->way = COLL_LONG;
    c->stamp = 0;
    if (k->parent || k->persistent || k->channel != CHANNEL_COLL || !has_plain_types(a))
        return;
    c->len = part_bytes(k);
    if (is_one_step(k, c->row, c->len))
        c->way = COLL_STEP;
    else if (is_few_messages(k, c->row, c->len))
        c->way = COLL_MESSAGES;
    c->in_place = coll_in_place(&a->send);
    c->send_count = a->send.count;
    c->send_type = a->send.type;
    c->recv_count = a->recv.count;
    c->recv_type = a->recv.type;
    c->op = a->op;
    c->stamp = c->way ? datatype_stamp : 0;
}

/* The size of a predefined type may have changed: MPI_Abi_set_fortran_info. */
static bool is_same(const struct coll_choice *c, const struct coll_args *a)
{
    return c->stamp == datatype_stamp && c->send_count == a->send.count &&
           c->send_type == a->send.type && c->recv_count == a->recv.count &&
           c->recv_type == a->recv.type && c->op == a->op &&
           c->in_place == coll_in_place(&a->send) && !a->scope && !a->round;
}

/* ---- One step through the area ---- */

/* Whether all have published, and agree about the length; where not, the engine says so. */
HOT_INLINE bool all_there(const struct shm_area *a, size_t len, int looks)
{
    const struct shm_line *l = shm_line(a, 0), *end = l + a->size;
    uint32_t step = a->step;

    for (; l < end; l++) {
        while (atomic_load_explicit(&l->step, memory_order_acquire) != step)
            if (!--looks)
                return false;
        if (UNLIKELY(l->bytes != len))
            return false;
    }
    return true;
}

static __attribute__((noinline)) bool all_there_soon(const struct shm_area *a, size_t len)
{
    return all_there(a, len, looks());
}

static const char *own_part(const struct coll_args *x, const struct shm_area *a, size_t len)
{
    if (!coll_in_place(&x->send))
        return x->send.buf;
    return (const char *)x->recv.buf + (x->kind == COLL_ALLGATHER ? (size_t)a->rank * len : 0);
}

/* The own part, or what it has for all, into the line. */
static void give(const struct coll_args *x, const struct shm_area *a, size_t len)
{
    char *data = shm_line(a, a->rank)->data;

    if (x->kind == COLL_ALLTOALL)
        memcpy(data, own_part(x, a, len), len * (size_t)a->size);
    else if (x->kind != COLL_BARRIER)
        copy_small(data, own_part(x, a, len), len);
}

/* From the last rank down, as shm_allreduce does; the own data where the program has it. */
static void fold(const struct coll_args *x, const struct shm_area *a, size_t len)
{
    const struct shm_line *lines = shm_line(a, 0);
    const void *own = coll_in_place(&x->send) ? lines[a->rank].data : x->send.buf;
    void *result = (void *)x->recv.buf;
    int i = a->size - 1;

    copy_small(result, i == a->rank ? own : lines[i].data, len);
    while (--i >= 0)
        op_apply(x->op, i == a->rank ? own : lines[i].data, result, x->send.count, x->send.type);
}

static void take(const struct coll_args *x, const struct shm_area *a, size_t len)
{
    size_t at = x->kind == COLL_ALLTOALL ? (size_t)a->rank * len : 0;
    char *to = (char *)x->recv.buf;

    for (int i = 0; i < a->size; i++, to += len)
        if (i != a->rank)
            copy_small(to, shm_line(a, i)->data + at, len);
        else if (!coll_in_place(&x->send))
            copy_small(to, (const char *)x->send.buf + at, len);
}

static void count_one(struct comm *c)
{
    count_add(&counts.coll_started, 1);
    c->coll_sequence++;
}

/* The others are late. */
static enum coll_quick wait_for(const struct coll_args *x, enum coll_quick how)
{
    if (!wait_polls())
        shm_expect(x->comm->area, x);
    return how;
}

/* Only the root gives, and only the others wait. */
static enum coll_quick quick_bcast(const struct coll_args *x, struct shm_area *a, size_t len)
{
    struct shm_line *l = shm_line(a, x->root);

    if (x->root == a->rank) {
        if (!shm_may_write(a, 0))
            return wait_for(x, COLL_LATER);
        copy_small(l->data, x->send.buf, len);
        shm_publish(a, len);
    } else {
        if (!shm_has(a, x->root))
            for (int left = looks(); !shm_has(a, x->root); left--)
                if (!left)
                    return wait_for(x, COLL_LATER);
        if (UNLIKELY(l->bytes != len))
            return COLL_NOT;
        copy_small((void *)x->send.buf, l->data, len);
    }
    count_one(x->comm);
    shm_next(a, false);
    shm_wake(a);
    return COLL_DONE;
}

/* All have published. */
static enum coll_quick end_step(const struct coll_args *x, struct shm_area *a, size_t len)
{
    if (x->kind == COLL_ALLREDUCE)
        fold(x, a, len);
    else if (x->kind != COLL_BARRIER)
        take(x, a, len);
    shm_next(a, true);
    shm_wake(a);
    return COLL_DONE;
}

static enum coll_quick quick_step(const struct coll_args *x, size_t len)
{
    struct shm_area *a = x->comm->area;

    if (UNLIKELY(a->turns.current))
        return COLL_NOT;
    if (x->kind == COLL_BCAST)
        return quick_bcast(x, a, len);
    if (UNLIKELY(!shm_may_write(a, 0)))
        return COLL_NOT;
    give(x, a, len);
    shm_publish(a, len);
    count_one(x->comm);
    if (!all_there(a, len, 1)) {
        shm_wake(a);
        if (!all_there_soon(a, len))
            return wait_for(x, COLL_BEGUN);
    }
    return end_step(x, a, len);
}

/* ---- Recursive doubling, as allreduce_doubling between 2^i ranks ---- */

HOT_INLINE bool send_now(struct comm *c, struct fabric_peer *to, const void *buf, size_t len,
                         int tag)
{
    return p2p_inject_small(c, to, CHANNEL_COLL, buf, len, p2p_match_out(c, CHANNEL_COLL, tag));
}

/* The heads of longer messages are not looked for: their receives must be posted. */
HOT_INLINE bool recv_now(struct comm *c, struct fabric_peer *from, void *buf, size_t len, int tag,
                         size_t *got)
{
    uint64_t match = p2p_match(c, CHANNEL_COLL, tag);
    struct node_received m;

    if (LIKELY(fabric_trecv_small(from, buf, len, match, 0, false, &m))) {
        fabric_will_answer(from);
    } else {
        int rc = fabric_trecv_now(from, buf, len, match, 0, &m);
        for (int left = looks(); rc == -EAGAIN && left; left--)
            rc = fabric_trecv_now(from, buf, len, match, 0, &m);
        if (UNLIKELY(rc))
            return false;
    }
    credit_consumed_one(from, CREDIT_LIBRARY); /* len is at most FABRIC_SMALL */
    p2p_count_received(CHANNEL_COLL, m.len);
    *got = m.len;
    return true;
}

static enum coll_quick quick_messages(const struct coll_args *x, const struct coll_choice *choice,
                                      struct coll_begun *b)
{
    struct comm *c = x->comm;
    int tag = coll_next_tag(c);
    void *result = (void *)x->recv.buf;
    const void *data = coll_in_place(&x->send) ? result : x->send.buf;
    size_t len = choice->len, got;
    char other[FABRIC_SMALL];

    if (UNLIKELY(c->area || c->hosts || hosts_are_due(c)))
        return COLL_NOT;
    for (b->mask = 1; b->mask < c->size; b->mask <<= 1) {
        struct fabric_peer *peer = comm_met(c, c->rank ^ b->mask);

        b->sent = peer && send_now(c, peer, data, len, tag);
        if (UNLIKELY(!b->sent && b->mask == 1))
            return COLL_NOT;
        if (b->mask == 1) {
            count_one(c);
            if (data != result)
                copy_small(result, data, len);
            data = result;
        }
        if (UNLIKELY(!b->sent || !recv_now(c, peer, other, len, tag, &got)))
            return COLL_BEGUN;
        if (UNLIKELY(got != len)) {
            b->got = got;
            return COLL_BEGUN;
        }
        op_apply(x->op, other, result, x->send.count, x->send.type);
    }
    return COLL_DONE;
}

/* ---- */

enum coll_quick coll_quick(const struct coll_args *args, struct coll_begun *b)
{
    const struct coll_choice *c = args->comm->choices;

    if (UNLIKELY(!c))
        return COLL_NOT;
    c += args->kind;
    /* What else is under way gets on with the engine. */
    if (!is_same(c, args) || lane.poll || atomic_load_explicit(&lane.started, memory_order_relaxed))
        return COLL_NOT;
    b->row = c->row;
    b->got = SIZE_MAX;
    b->in_area = c->way == COLL_STEP;
    if (UNLIKELY(!b->in_area))
        return quick_messages(args, c, b);
    b->len = c->len;
    return quick_step(args, b->len);
}

enum coll_quick coll_quick_again(const struct coll_args *args, struct coll_begun *b)
{
    struct shm_area *a = args->comm->area;

    if (args->kind == COLL_BCAST)
        return coll_quick(args, b);
    return all_there(a, b->len, 1) ? end_step(args, a, b->len) : wait_for(args, COLL_BEGUN);
}

void coll_quick_go_on(struct coll *k, const struct coll_begun *b)
{
    k->call = b->row->round;
    k->in_area = b->row->needs & AREA;
    k->phase = 1; /* what this rank gives, it has published */
    if (k->in_area)
        return;
    if (b->got != SIZE_MAX) {
        k->bad_peer = k->rank ^ b->mask;
        k->bad_got = b->got;
        k->bad_want = coll_bytes(k, &k->args.send, 0);
        coll_fail(k, MPI_ERR_TRUNCATE);
    }
    allreduce_doubling_from(k, b->mask, b->sent);
}
