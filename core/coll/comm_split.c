/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/coll/comm_make.h"
#include "core/coll/context.h"
#include "core/object/err.h"
#include "provider/boot/boot.h"

struct choice {
    int color, key;
};

struct member {
    int key, rank;
};

/* By key, then by rank in the old communicator: a total order, so the sort need not be stable. */
static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* The members whose color is ours, in their new order. */
static int group_of_members(const struct comm *c, struct member *m, int n, struct group **group)
{
    uint32_t *list = malloc((size_t)n * sizeof *list);

    if (!list)
        return err_set(MPI_ERR_NO_MEM, "no memory for a group of %d", n);
    qsort(m, (size_t)n, sizeof *m, by_key);
    for (int i = 0; i < n; i++)
        list[i] = group_process(c->group, m[i].rank);
    return group_list(list, n, group);
}

static int own_group(const struct comm *c, const struct choice *all, struct group **group)
{
    struct member *m = malloc((size_t)c->size * sizeof *m);
    int n = 0, rc;

    if (!m)
        return err_set(MPI_ERR_NO_MEM, "no memory to sort %d ranks", c->size);
    for (int i = 0; i < c->size; i++)
        if (all[i].color == all[c->rank].color)
            m[n++] = (struct member){all[i].key, i};
    rc = group_of_members(c, m, n, group);
    free(m);
    return rc;
}

/* A communicator with this context, which is given back where there is none. */
static int make_member(struct comm *c, struct group *group, uint32_t context, struct comm **out)
{
    struct comm *made;
    int rc = comm_new(context, group, NULL, c, &made);

    if (rc) {
        context_give_back(context);
        return rc;
    }
    rc = object_publish(&made->object);
    if (rc) {
        object_drop(&made->object);
        return rc;
    }
    *out = made;
    return MPI_SUCCESS;
}

/* The groups are disjoint, so one context id serves them all. NULL: no member of any. */
static int make(struct comm *c, struct group *group, struct comm **out)
{
    uint32_t context;
    int rc = context_agree(c, NULL, &context);

    if (rc)
        return rc;
    if (group)
        return make_member(c, group, context, out);
    context_give_back(context);
    *out = NULL;
    return MPI_SUCCESS;
}

int comm_split(struct comm *c, int color, int key, struct comm **out)
{
    struct choice mine = {color, key}, *all = malloc((size_t)c->size * sizeof *all);
    struct group *group = NULL;
    int rc;

    if (!all)
        return err_set(MPI_ERR_NO_MEM, "no memory for the colors of %d ranks", c->size);
    rc = coll_allgather(c, &mine, 2, &datatype_int, all);
    if (!rc && color != MPI_UNDEFINED)
        rc = own_group(c, all, &group);
    free(all);
    if (!rc)
        rc = make(c, group, out);
    if (group)
        object_drop(&group->object);
    return rc;
}

/* A host's color is the lowest rank of the communicator that is on it. */
int comm_split_host(struct comm *c, int key, struct comm **out)
{
    int color = 0;

    while (color < c->rank && !boot_same_host(group_process(c->group, color)))
        color++;
    return comm_split(c, color, key, out);
}

static bool is_member(const struct group *g)
{
    return g->rank != MPI_UNDEFINED;
}

int comm_create(struct comm *c, struct group *group, struct comm **out)
{
    return make(c, is_member(group) ? group : NULL, out);
}

int comm_create_group(struct comm *c, struct group *group, int tag, struct comm **out)
{
    int *ranks, rc;
    uint32_t context;

    if (!is_member(group)) {
        *out = NULL;
        return MPI_SUCCESS;
    }
    ranks = malloc((size_t)group->size * sizeof *ranks);
    if (!ranks)
        return err_set(MPI_ERR_NO_MEM, "no memory for %d ranks", group->size);
    for (int i = 0; i < group->size; i++)
        ranks[i] = group_rank_of(c->group, group_process(group, i));
    rc = context_agree(c,
                       &(struct coll_scope){.ranks = ranks,
                                            .rank = group->rank,
                                            .size = group->size,
                                            .channel = CHANNEL_MAKE,
                                            .tag = tag},
                       &context);
    free(ranks);
    if (rc)
        return rc;
    return make_member(c, group, context, out);
}
