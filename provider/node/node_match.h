/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Matching: receives wait for messages, messages for receives, each in order. A tag's bucket is
 * made of its lower 56 bits, so that a receive which ignores no more than the top byte (a
 * protocol's flags) is found in one bucket; one that ignores more waits in the wild list. Where
 * both lists hold a match, the older one wins. The stream provider matches by it, too.
 */
#ifndef ORIEL_NODE_MATCH_H
#define ORIEL_NODE_MATCH_H

#include "provider/base/hot.h"
#include "provider/base/list.h"
#include "provider/node/node_direct.h"

#define NODE_HASHED_BITS 0x00ffffffffffffffull

enum { NODE_BUCKETS = 256 };

/* Receives in the order of posting. */
struct node_line {
    struct node_posted *first, **end;
};

/* What matching needs to know of a message that came before its receive, and is a part of. */
struct node_arrival {
    struct list link;     /* in its bucket; of a claimed one, in the list of those */
    struct list in_order; /* in the order of all */
    const uint64_t *from; /* the sender's name, which may change while the message waits */
    uint64_t tag;
};

/* Matching for one kind of message, tagged or not. */
struct node_match {
    uint64_t order;
    size_t posted_count;                   /* receives in the lines */
    node_direct_claim *claim;              /* of those that ask */
    struct node_line posted[NODE_BUCKETS]; /* receives whose tag says their bucket */
    struct node_line posted_wild;          /* the others */
    struct list unexpected[NODE_BUCKETS];  /* by tag */
    struct list arrivals;
    unsigned arrived; /* grows with each of them */
    struct list claimed;
};

void node_match_open(struct node_match *m);

/* ---- Lines of posted receives; `at` is the link that leads to one ---- */

static inline void node_line_open(struct node_line *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static inline void node_line_add(struct node_line *l, struct node_posted *p)
{
    p->next = NULL;
    *l->end = p;
    l->end = &p->next;
}

static inline struct node_posted *node_line_take(struct node_line *l, struct node_posted **at)
{
    struct node_posted *p = *at;

    *at = p->next;
    if (!p->next)
        l->end = at;
    return p;
}

static inline unsigned node_bucket(uint64_t tag)
{
    return (tag ^ tag >> 32 ^ tag >> 8) % NODE_BUCKETS; /* of NODE_HASHED_BITS alone */
}

static inline bool node_matches(uint64_t tag, uint64_t from, uint64_t wanted, uint64_t ignore,
                                uint64_t source)
{
    return !((tag ^ wanted) & ~ignore) && (source == NODE_ANY || source == from);
}

/* Of the receives of a line the oldest for that message, or where that would be appended. */
static inline struct node_posted **node_line_find(struct node_line *l, uint64_t tag, uint64_t from)
{
    struct node_posted **at = &l->first;

    while (*at && !node_matches(tag, from, (*at)->tag, (*at)->ignore, (*at)->source))
        at = &(*at)->next;
    return at;
}

/* Where the oldest receive for that message is: its line, and the link that leads to it, which is
 * NULL where there is none. */
static inline struct node_posted **node_match_find(struct node_match *m, uint64_t tag,
                                                   uint64_t from, struct node_line **line)
{
    struct node_posted **at;

    *line = &m->posted[node_bucket(tag)];
    at = node_line_find(*line, tag, from);
    if (UNLIKELY(m->posted_wild.first)) {
        struct node_posted **wild = node_line_find(&m->posted_wild, tag, from);
        if (*wild && (!*at || (*wild)->order < (*at)->order)) {
            *line = &m->posted_wild;
            return wild;
        }
    }
    return at;
}

static inline struct node_posted *node_match_take(struct node_match *m, struct node_line *line,
                                                  struct node_posted **at)
{
    m->posted_count--;
    return node_line_take(line, at);
}

static inline bool node_is_hashed(uint64_t ignore)
{
    return !(ignore & NODE_HASHED_BITS);
}

static inline void node_match_post(struct node_match *m, struct node_posted *p)
{
    p->order = m->order++;
    m->posted_count++;
    node_line_add(node_is_hashed(p->ignore) ? &m->posted[node_bucket(p->tag)] : &m->posted_wild, p);
}

/* The oldest receive for that message that may have it (node_direct.h), taken out; or NULL. */
struct node_posted *node_match_message(struct node_match *m, uint64_t tag, uint64_t from);
/* The oldest message for that receive, still in; or NULL. */
struct node_arrival *node_match_receive(struct node_match *m, uint64_t wanted, uint64_t ignore,
                                        uint64_t source);
void node_match_keep(struct node_match *m, struct node_arrival *a);
/* Takes a message out of matching. */
static inline void node_match_drop(struct node_arrival *a)
{
    list_drop(&a->link);
    list_drop(&a->in_order);
}

/* Stands in the place of a sink where the endpoint must ask first; such a receive ends in the
 * queue.
 */
node_direct_sink node_match_asks;
/* Whether a receive may have the message that has come for it; false: it is to be forgotten. */
static inline bool node_match_may(const struct node_match *m, struct node_posted *p)
{
    return LIKELY(p->sink != node_match_asks) || m->claim(p);
}

/* Takes that receive out; false where it is not in. */
bool node_match_remove(struct node_match *m, struct node_posted *p);
/* The receive with that context, taken out; or NULL. */
struct node_posted *node_match_withdraw(struct node_match *m, const void *context);

#endif
