/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/kept.h"

#include <errno.h>
#include <stdlib.h>

#include "core/p2p/p2p.h"
#include "provider/base/copy.h"

enum { BUCKETS = 1024 };

/* Context id and tag, of the match bits. */
#define NAME_BITS (((UINT64_C(1) << 56) - 1) & ~FABRIC_EMPTY_BITS)

/* One message. It is in all three lists, or, claimed, in none. */
struct kept {
    struct list arrival; /* of all messages */
    struct list named;   /* of those with about this context id and tag, */
    struct list exact;   /* and about this source */
    struct fabric_op op; /* what claimed it, and fetches it */
    struct fabric_event event;
    bool here;             /* its data has come, or will not */
    struct request *taker; /* the receive that waits for it */
    void *room;            /* the taker's */
    char *data;            /* NULL: only announced */
};

unsigned kept_count;

static struct list arrivals, named[BUCKETS], exact[BUCKETS];
static struct kept *spare; /* for the next message */

static unsigned bucket_named(uint64_t match)
{
    match &= NAME_BITS;
    return (unsigned)((match ^ match >> 32 ^ match >> 8) % BUCKETS);
}

static unsigned bucket_exact(uint64_t match, int source)
{
    return (bucket_named(match) + (unsigned)source * 61) % BUCKETS;
}

/* ---- Matching ---- */

static bool matches(const struct kept *k, uint64_t match, uint64_t ignore, int source)
{
    return !((k->event.tag ^ match) & ~ignore) &&
           (source == MPI_ANY_SOURCE || source == p2p_source(k->event.data));
}

struct kept *kept_find(uint64_t match, uint64_t ignore, int source)
{
    struct list *l;

    if (ignore & NAME_BITS) {
        for (l = arrivals.next; l != &arrivals; l = l->next)
            if (matches(container_of(l, struct kept, arrival), match, ignore, source))
                return container_of(l, struct kept, arrival);
    } else if (source == MPI_ANY_SOURCE) {
        struct list *head = &named[bucket_named(match)];
        for (l = head->next; l != head; l = l->next)
            if (matches(container_of(l, struct kept, named), match, ignore, source))
                return container_of(l, struct kept, named);
    } else {
        struct list *head = &exact[bucket_exact(match, source)];
        for (l = head->next; l != head; l = l->next)
            if (matches(container_of(l, struct kept, exact), match, ignore, source))
                return container_of(l, struct kept, exact);
    }
    return NULL;
}

const struct fabric_event *kept_event(const struct kept *k)
{
    return &k->event;
}

static void keep(struct kept *k)
{
    uint64_t match = k->event.tag;

    list_add_tail(&arrivals, &k->arrival);
    list_add_tail(&named[bucket_named(match)], &k->named);
    list_add_tail(&exact[bucket_exact(match, p2p_source(k->event.data))], &k->exact);
    kept_count++;
}

void kept_claim(struct kept *k)
{
    list_drop(&k->arrival);
    list_drop(&k->named);
    list_drop(&k->exact);
    kept_count--;
}

/* ---- Receiving ---- */

static void give(struct kept *k)
{
    struct request *r = k->taker;
    struct fabric_event event = k->event;
    size_t len = event.len < r->bytes ? event.len : r->bytes;

    if (event.len > r->bytes)
        event.error = event.error ? event.error : -EMSGSIZE;
    if (len)
        copy_bytes(k->room, k->data, len);
    free(k->data);
    free(k);
    post_received(&r->op, &event);
}

static void fetched(struct fabric_op *op, const struct fabric_event *event)
{
    struct kept *k = container_of(op, struct kept, op);

    k->event.error = event->error;
    k->here = true;
    if (k->taker)
        give(k);
}

/* Of an announced one: it has come into the taker's room. */
static void passed(struct fabric_op *op, const struct fabric_event *event)
{
    struct kept *k = container_of(op, struct kept, op);
    struct request *r = k->taker;

    free(k);
    post_received(&r->op, event);
}

void kept_receive(struct kept *k, struct request *r, void *room)
{
    if (!list_empty(&k->arrival))
        kept_claim(k);
    k->taker = r;
    k->room = room;
    r->op.state = 0; /* it is not with the fabric, which has nothing to cancel */
    if (k->data) {
        if (k->here)
            give(k);
        return;
    }
    k->op.done = passed;
    int rc = fabric_trecv_claimed(&k->op, room, r->bytes);
    if (rc) {
        struct fabric_event failed = k->event;
        failed.error = rc;
        passed(&k->op, &failed);
    }
}

/* ---- Taking over ---- */

/* One that has come whole is fetched; it takes memory, and without that it stays as it is. */
static void fetch(struct kept *k)
{
    if (k->event.len > fabric_limits()->eager || !(k->data = malloc(k->event.len + 1)))
        return;
    k->op.done = fetched;
    int rc = fabric_trecv_claimed(&k->op, k->data, k->event.len);
    if (rc) {
        k->event.error = rc;
        k->here = true;
    }
}

void kept_fetch(void)
{
    const uint64_t any = P2P_SYNCHRONOUS | NAME_BITS;

    while (fabric_hoards()) {
        struct kept *k = spare ? spare : malloc(sizeof *k);
        spare = NULL;
        if (!k)
            return;
        *k = (struct kept){.here = false};
        list_init(&k->arrival);
        if (fabric_tpeek(fabric_any(FABRIC_REMOTE), &k->op, p2p_bits(CHANNEL_P2P, 0, 0), any,
                         &k->event)) {
            spare = k;
            return;
        }
        keep(k);
        fetch(k);
    }
}

/* ---- Life ---- */

void kept_open(void)
{
    list_init(&arrivals);
    for (int i = 0; i < BUCKETS; i++) {
        list_init(&named[i]);
        list_init(&exact[i]);
    }
    kept_count = 0;
}

void kept_close(void)
{
    struct list *l;

    while ((l = list_pop(&arrivals))) {
        struct kept *k = container_of(l, struct kept, arrival);
        free(k->data);
        free(k);
    }
    free(spare);
    spare = NULL;
    kept_count = 0;
}
