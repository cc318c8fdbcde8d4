/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/node/node_match.h"

void node_match_open(struct node_match *m)
{
    m->order = 0;
    m->posted_count = 0;
    for (int i = 0; i < NODE_BUCKETS; i++) {
        list_init(&m->posted[i]);
        list_init(&m->unexpected[i]);
    }
    list_init(&m->posted_wild);
    list_init(&m->arrivals);
    list_init(&m->claimed);
}

static struct node_recv *first_posted(struct list *head, uint64_t tag, fi_addr_t from)
{
    for (struct list *l = head->next; l != head; l = l->next) {
        struct node_recv *r = container_of(l, struct node_recv, link);
        if (node_matches(tag, from, r->tag, r->ignore, r->source))
            return r;
    }
    return NULL;
}

struct node_recv *node_match_message(struct node_match *m, uint64_t tag, fi_addr_t from)
{
    struct node_recv *r = first_posted(&m->posted[node_bucket(tag)], tag, from);

    if (__builtin_expect(!list_empty(&m->posted_wild), 0)) {
        struct node_recv *wild = first_posted(&m->posted_wild, tag, from);
        if (wild && (!r || wild->order < r->order))
            r = wild;
    }
    if (r) {
        list_drop(&r->link);
        m->posted_count--;
    }
    return r;
}

static inline bool is_hashed(uint64_t ignore)
{
    return !(ignore & NODE_HASHED_BITS);
}

struct node_unexpected *node_match_receive(struct node_match *m, uint64_t wanted, uint64_t ignore,
                                           fi_addr_t source)
{
    struct list *l, *head;

    if (__builtin_expect(list_empty(&m->arrivals), 1))
        return NULL;
    if (is_hashed(ignore)) {
        head = &m->unexpected[node_bucket(wanted)];
        for (l = head->next; l != head; l = l->next) {
            struct node_unexpected *u = container_of(l, struct node_unexpected, link);
            if (node_matches(u->message.tag, u->message.peer->fi_addr, wanted, ignore, source))
                return u;
        }
        return NULL;
    }
    head = &m->arrivals;
    for (l = head->next; l != head; l = l->next) {
        struct node_unexpected *u = container_of(l, struct node_unexpected, arrival);
        if (node_matches(u->message.tag, u->message.peer->fi_addr, wanted, ignore, source))
            return u;
    }
    return NULL;
}

void node_match_post(struct node_match *m, struct node_recv *r)
{
    r->order = m->order++;
    m->posted_count++;
    list_add_tail(is_hashed(r->ignore) ? &m->posted[node_bucket(r->tag)] : &m->posted_wild,
                  &r->link);
}

void node_match_keep(struct node_match *m, struct node_unexpected *u)
{
    list_add_tail(&m->unexpected[node_bucket(u->message.tag)], &u->link);
    list_add_tail(&m->arrivals, &u->arrival);
}

static struct node_recv *with_context(struct list *head, const void *context)
{
    for (struct list *l = head->next; l != head; l = l->next) {
        struct node_recv *r = container_of(l, struct node_recv, link);
        if (r->context == context)
            return r;
    }
    return NULL;
}

struct node_recv *node_match_withdraw(struct node_match *m, const void *context)
{
    struct node_recv *r = with_context(&m->posted_wild, context);

    for (int i = 0; !r && i < NODE_BUCKETS; i++)
        r = with_context(&m->posted[i], context);
    if (r) {
        list_drop(&r->link);
        m->posted_count--;
    }
    return r;
}
