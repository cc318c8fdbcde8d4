/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A doubly linked list whose links live in its members. The list owns nothing; a member is in one
 * list at a time through one link. An unlinked link points to itself, so list_drop may be repeated.
 */
#ifndef ORIEL_BASE_LIST_H
#define ORIEL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(head)                                                                            \
    {                                                                                              \
        &(head), &(head)                                                                           \
    }

#ifndef container_of /* libfabric has the same */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#endif

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline void list_add_head(struct list *head, struct list *l)
{
    list_add_tail(head->next, l);
}

static inline void list_drop(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

/* The first member, dropped from the list, or NULL. */
static inline struct list *list_pop(struct list *head)
{
    struct list *l = head->next;

    if (l == head)
        return NULL;
    list_drop(l);
    return l;
}

/* The body may drop `l` from the list, and nothing else. */
#define list_each(l, tmp, head)                                                                    \
    for ((l) = (head)->next, (tmp) = (l)->next; (l) != (head); (l) = (tmp), (tmp) = (l)->next)

#endif
