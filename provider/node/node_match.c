/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>

#include "provider/node/node_match.h"

void node_match_open(struct node_match *m)
{
    m->order = 0;
    m->posted_count = 0;
    for (int i = 0; i < NODE_BUCKETS; i++) {
        node_line_open(&m->posted[i]);
        list_init(&m->unexpected[i]);
    }
    node_line_open(&m->posted_wild);
    list_init(&m->arrivals);
    list_init(&m->claimed);
}

struct node_posted *node_match_message(struct node_match *m, uint64_t tag, uint64_t from)
{
    struct node_line *line;
    struct node_posted **at, *p = NULL;

    do {
        at = node_match_find(m, tag, from, &line);
        p = *at ? node_match_take(m, line, at) : NULL;
    } while (p && !node_match_may(m, p));
    return p;
}

struct node_arrival *node_match_receive(struct node_match *m, uint64_t wanted, uint64_t ignore,
                                        uint64_t source)
{
    struct list *l, *head;

    if (__builtin_expect(list_empty(&m->arrivals), 1))
        return NULL;
    if (node_is_hashed(ignore)) {
        head = &m->unexpected[node_bucket(wanted)];
        for (l = head->next; l != head; l = l->next) {
            struct node_arrival *a = container_of(l, struct node_arrival, link);
            if (node_matches(a->tag, *a->from, wanted, ignore, source))
                return a;
        }
        return NULL;
    }
    head = &m->arrivals;
    for (l = head->next; l != head; l = l->next) {
        struct node_arrival *a = container_of(l, struct node_arrival, in_order);
        if (node_matches(a->tag, *a->from, wanted, ignore, source))
            return a;
    }
    return NULL;
}

void node_match_keep(struct node_match *m, struct node_arrival *a)
{
    list_add_tail(&m->unexpected[node_bucket(a->tag)], &a->link);
    list_add_tail(&m->arrivals, &a->in_order);
    m->arrived++;
}

bool node_match_remove(struct node_match *m, struct node_posted *p)
{
    struct node_line *line =
        node_is_hashed(p->ignore) ? &m->posted[node_bucket(p->tag)] : &m->posted_wild;
    struct node_posted **at = &line->first;

    while (*at && *at != p)
        at = &(*at)->next;
    return *at && node_match_take(m, line, at);
}

void node_match_asks(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    (void)p, (void)len, (void)tag, (void)data;
    assert(false); /* it is a mark */
}

static bool has_context(const struct node_posted *p, const void *context)
{
    return context == (p->sink ? (const void *)p : p->buf);
}

static struct node_posted **find_context(struct node_line *line, const void *context)
{
    struct node_posted **at = &line->first;

    while (*at && !has_context(*at, context))
        at = &(*at)->next;
    return at;
}

struct node_posted *node_match_withdraw(struct node_match *m, const void *context)
{
    struct node_line *line = &m->posted_wild;
    struct node_posted **at = find_context(line, context);

    for (int i = 0; !*at && i < NODE_BUCKETS; i++) {
        line = &m->posted[i];
        at = find_context(line, context);
    }
    return *at ? node_match_take(m, line, at) : NULL;
}
