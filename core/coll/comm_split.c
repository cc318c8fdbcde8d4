/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/coll/comm_make.h"
#include "core/coll/context.h"
#include "core/object/err.h"
#include "provider/boot/boot.h"

/* What a rank says of itself: `context` is its group's for all that are made. */
struct choice {
    int color, key;
    uint32_t context;
};

enum { CHOICE_INTS = sizeof(struct choice) / sizeof(int) };

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

/* These ranks of a group, in their new order. */
static int group_of_members(const struct group *from, struct member *m, int n, struct group **group)
{
    uint32_t *list = malloc((size_t)n * sizeof *list);

    if (!list)
        return err_set(MPI_ERR_NO_MEM, "no memory for a group of %d", n);
    qsort(m, (size_t)n, sizeof *m, by_key);
    for (int i = 0; i < n; i++)
        list[i] = group_process(from, m[i].rank);
    return group_list(list, n, group);
}

/* Those who chose the color; NULL where it is nobody. */
static int group_of_color(const struct group *from, const struct choice *all, int color,
                          struct group **group)
{
    struct member *m = malloc((size_t)from->size * sizeof *m);
    int n = 0, rc = MPI_SUCCESS;

    if (!m)
        return err_set(MPI_ERR_NO_MEM, "no memory to sort %d ranks", from->size);
    for (int i = 0; i < from->size; i++)
        if (all[i].color == color)
            m[n++] = (struct member){all[i].key, i};
    if (n)
        rc = group_of_members(from, m, n, group);
    free(m);
    return rc;
}

/* A communicator with these contexts, of which the own is given back where there is none. */
static int make_member(struct comm *c, struct group *group, struct group *remote, uint32_t context,
                       uint32_t remote_context, struct comm **out)
{
    struct comm *made;
    int rc = comm_new(context, group, remote, c, &made);

    if (rc) {
        context_give_back(context);
        return rc;
    }
    comm_set_contexts(made, context, remote_context);
    rc = object_publish(&made->object);
    if (rc) {
        object_drop(&made->object);
        return rc;
    }
    *out = made;
    return MPI_SUCCESS;
}

/* ---- Within an intracommunicator ---- */

/* The groups are disjoint, so one context id serves them all. NULL: no member of any. */
static int make(struct comm *c, struct group *group, struct comm **out)
{
    uint32_t context;
    int rc = context_agree(c, NULL, &context);

    if (rc)
        return rc;
    if (group)
        return make_member(c, group, NULL, context, context, out);
    context_give_back(context);
    *out = NULL;
    return MPI_SUCCESS;
}

static int split_intra(struct comm *c, int color, int key, struct comm **out)
{
    struct choice mine = {color, key, 0}, *all = malloc((size_t)c->size * sizeof *all);
    struct group *group = NULL;
    int rc;

    if (!all)
        return err_set(MPI_ERR_NO_MEM, "no memory for the colors of %d ranks", c->size);
    rc = coll_allgather(c, &mine, CHOICE_INTS, &datatype_int, all);
    if (!rc && color != MPI_UNDEFINED)
        rc = group_of_color(c->group, all, color, &group);
    free(all);
    if (!rc)
        rc = make(c, group, out);
    if (group)
        object_drop(&group->object);
    return rc;
}

/* ---- Within an intercommunicator: each side for itself, then both tell each other ---- */

/*
 * The local group alone, apart from the intercommunicator's collectives, which may be under way and
 * have parts within the local group too.
 */
static struct coll_scope local_scope(const struct comm *local)
{
    return (struct coll_scope){.rank = local->rank, .size = local->size, .channel = CHANNEL_MAKE};
}

static int gather_local(struct comm *local, const struct choice *mine, struct choice *all)
{
    struct coll_scope scope = local_scope(local);

    return coll_run(
        &(struct coll_args){.kind = COLL_ALLGATHER,
                            .comm = local,
                            .scope = &scope,
                            .send = {.buf = mine, .count = CHOICE_INTS, .type = &datatype_int},
                            .recv = {.buf = all, .count = CHOICE_INTS, .type = &datatype_int}});
}

/* Groups of our color on both sides, or none: then there is no communicator. */
static int make_inter(struct comm *c, const struct choice *mine, const struct choice *local,
                      const struct choice *remote, struct comm **out)
{
    struct group *groups[2] = {NULL, NULL};
    int rc = MPI_SUCCESS;

    if (mine->color != MPI_UNDEFINED)
        rc = group_of_color(c->remote, remote, mine->color, &groups[1]);
    if (!rc && groups[1])
        rc = group_of_color(c->group, local, mine->color, &groups[0]);
    if (!rc && groups[0]) {
        rc = make_member(c, groups[0], groups[1], mine->context, remote[0].context, out);
    } else {
        context_give_back(mine->context);
        *out = NULL;
    }
    for (int i = 0; i < 2; i++)
        if (groups[i])
            object_drop(&groups[i]->object);
    return rc;
}

static int split_inter(struct comm *c, int color, int key, struct comm **out)
{
    struct coll_scope scope = local_scope(c->local);
    struct choice mine = {color, key, COMM_CONTEXTS};
    struct choice *all = malloc(((size_t)c->size + (size_t)c->remote->size) * sizeof *all);
    int rc;

    if (!all)
        return err_set(MPI_ERR_NO_MEM, "no memory for the colors of %d ranks",
                       c->size + c->remote->size);
    rc = context_agree(c->local, &scope, &mine.context);
    if (!rc)
        rc = gather_local(c->local, &mine, all);
    if (!rc)
        rc = coll_allgather(c, &mine, CHOICE_INTS, &datatype_int, all + c->size);
    if (!rc)
        rc = make_inter(c, &mine, all, all + c->size, out);
    else
        context_give_back(mine.context);
    free(all);
    return rc;
}

/* ---- The calls ---- */

int comm_split(struct comm *c, int color, int key, struct comm **out)
{
    return comm_is_inter(c) ? split_inter(c, color, key, out) : split_intra(c, color, key, out);
}

static uint32_t lowest_here(const struct group *g, uint32_t lowest)
{
    for (int i = 0; i < g->size; i++) {
        uint32_t process = group_process(g, i);

        if (process < lowest && boot_same_host(process))
            lowest = process;
    }
    return lowest;
}

int comm_host_color(const struct comm *c)
{
    uint32_t lowest = lowest_here(c->group, group_process(c->group, c->rank));

    return (int)(comm_is_inter(c) ? lowest_here(c->remote, lowest) : lowest);
}

int comm_split_host(struct comm *c, int key, struct comm **out)
{
    return comm_split(c, comm_host_color(c), key, out);
}

static bool is_member(const struct group *g)
{
    return g->rank != MPI_UNDEFINED;
}

/* Between intercommunicators' groups it is a split: all who are in have one color. */
int comm_create(struct comm *c, struct group *group, struct comm **out)
{
    if (comm_is_inter(c))
        return split_inter(c, is_member(group) ? 0 : MPI_UNDEFINED, group->rank, out);
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
    return make_member(c, group, NULL, context, context, out);
}
