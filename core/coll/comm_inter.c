/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intercommunicators (7.6): two groups meet through their leaders. Each group chooses the context
 * id of what it receives, the leaders tell each other group and id, and each tells its own group.
 * No agreement spans both, so neither group waits for more than the other's leader.
 */
#include <stdlib.h>

#include "core/coll/coll_engine.h"
#include "core/coll/comm_make.h"
#include "core/coll/context.h"
#include "core/object/err.h"

/* A group as it travels; where `listed`, its members' process ids follow. */
struct side {
    int32_t error; /* the leader's */
    uint32_t context, first;
    int32_t size, stride, listed;
};

/* The other leader and what it says. */
struct meeting {
    struct group *group;
    struct side mine, theirs;
    uint32_t *own, *list; /* of either, malloc'ed, where it is listed */
};

static struct side describe(const struct group *g, uint32_t context)
{
    return (struct side){.context = context,
                         .size = g->size,
                         .first = g->first,
                         .stride = g->stride,
                         .listed = !group_is_sequence(g)};
}

static int make_list(const struct side *s, uint32_t **list)
{
    *list = malloc((size_t)s->size * sizeof **list);
    return *list ? MPI_SUCCESS : err_set(MPI_ERR_NO_MEM, "no memory for %d processes", s->size);
}

static int list_own(struct meeting *m)
{
    int rc = make_list(&m->mine, &m->own);

    for (int i = 0; i < m->mine.size && !rc; i++)
        m->own[i] = group_process(m->group, i);
    return rc;
}

/* One rank, 0, is there: the other leader. */
static enum coll_step meet_round(struct coll *k)
{
    struct meeting *m = k->args.state;

    if (k->round == 0) {
        coll_recv(k, 0, &m->theirs, sizeof m->theirs, &datatype_byte);
        coll_send(k, 0, &m->mine, sizeof m->mine, &datatype_byte);
        return COLL_MORE;
    }
    if (k->error)
        return COLL_LAST;
    if (m->theirs.listed) {
        coll_fail(k, make_list(&m->theirs, &m->list));
        if (m->list)
            coll_recv(k, 0, m->list, m->theirs.size, &datatype_uint32);
    }
    if (m->mine.listed)
        coll_fail(k, list_own(m));
    if (m->own)
        coll_send(k, 0, m->own, m->mine.size, &datatype_uint32);
    return COLL_LAST;
}

/* Takes the list over. */
static int group_of_side(const struct side *s, uint32_t *list, struct group **group)
{
    return s->listed ? group_list(list, s->size, group)
                     : group_range(s->first, s->stride, s->size, group);
}

static int check_disjoint(const struct group *own, const struct meeting *m)
{
    const struct side *s = &m->theirs;

    for (int i = 0; i < s->size; i++) {
        uint32_t process = m->list ? m->list[i] : s->first + (uint32_t)(i * s->stride);

        if (group_rank_of(own, process) != MPI_UNDEFINED)
            return err_set(MPI_ERR_COMM, "process %u of the job is in both groups", process);
    }
    return MPI_SUCCESS;
}

/* Called by the leaders: learns the other side. */
static int meet(const struct comm_leader *other, struct meeting *m)
{
    struct coll_scope scope = {
        .ranks = &other->rank, .size = 1, .channel = CHANNEL_MAKE, .tag = other->tag};
    int rc = other->error;

    if (!rc)
        rc = coll_run(&(struct coll_args){.kind = COLL_CONTEXT,
                                          .comm = other->peer,
                                          .scope = &scope,
                                          .round = meet_round,
                                          .state = m});
    return rc ? rc : check_disjoint(m->group, m);
}

/* Called by all of the local group: what the leader has learnt. */
static int tell(struct comm *local, int leader, struct meeting *m, int error)
{
    int rc;

    m->theirs.error = error;
    rc = coll_bcast(local, &m->theirs, sizeof m->theirs, &datatype_byte, leader);
    if (rc)
        return rc;
    if (m->theirs.error)
        return local->rank == leader ? error
                                     : err_set(m->theirs.error,
                                               "rank %d, the group's leader, could "
                                               "not agree with the remote leader",
                                               leader);
    if (!m->theirs.listed)
        return MPI_SUCCESS;
    if (!m->list)
        rc = make_list(&m->theirs, &m->list);
    return rc ? rc : coll_bcast(local, m->list, m->theirs.size, &datatype_uint32, leader);
}

static int make(struct comm *local, struct meeting *m, struct comm **out)
{
    struct group *remote;
    struct comm *made;
    int rc = group_of_side(&m->theirs, m->list, &remote);

    m->list = NULL;
    if (rc)
        return rc;
    rc = comm_new(COMM_CONTEXTS, local->group, remote, local, &made);
    object_drop(&remote->object);
    if (rc)
        return rc;
    rc = object_publish(&made->object);
    if (rc) {
        object_drop(&made->object);
        return rc;
    }
    comm_set_contexts(made, m->mine.context, m->theirs.context);
    *out = made;
    return MPI_SUCCESS;
}

int comm_inter(struct comm *local, int leader, const struct comm_leader *other, struct comm **out)
{
    struct meeting m = {.group = local->group};
    uint32_t context;
    int rc = context_agree(local, NULL, &context), met = MPI_SUCCESS;

    if (rc)
        return rc;
    m.mine = describe(local->group, context);
    if (local->rank == leader)
        met = meet(other, &m);
    rc = tell(local, leader, &m, met);
    if (!rc)
        rc = make(local, &m, out);
    if (rc)
        context_give_back(context);
    free(m.own);
    free(m.list);
    return rc;
}

/* ---- Merging ---- */

/* The members of both, the low ones first. */
static int unite(const struct group *low, const struct group *high, struct group **group)
{
    uint32_t *list = malloc(((size_t)low->size + (size_t)high->size) * sizeof *list);

    if (!list)
        return err_set(MPI_ERR_NO_MEM, "no memory for a group of %d", low->size + high->size);
    for (int i = 0; i < low->size; i++)
        list[i] = group_process(low, i);
    for (int i = 0; i < high->size; i++)
        list[low->size + i] = group_process(high, i);
    return group_list(list, low->size + high->size, group);
}

/*
 * Where both sides call themselves high, or both low, the group comes first whose rank 0 is the
 * lower in the job, as with MPICH and Open MPI.
 */
static int merged_group(struct comm *c, bool high, struct group **group)
{
    int mine = high, theirs;
    int rc = coll_allreduce(c, &mine, &theirs, 1, &datatype_int, op_find(MPI_MAX));

    if (rc)
        return rc;
    if (mine == theirs)
        mine = group_process(c->group, 0) > group_process(c->remote, 0);
    return mine ? unite(c->remote, c->group, group) : unite(c->group, c->remote, group);
}

int comm_merge(struct comm *c, bool high, struct comm **out)
{
    struct group *group;
    struct comm *made = NULL;
    uint32_t context;
    int rc = merged_group(c, high, &group);

    if (rc)
        return rc;
    rc = context_agree(c, NULL, &context);
    if (!rc) {
        rc = comm_new(context, group, NULL, c, &made);
        if (rc)
            context_give_back(context);
    }
    object_drop(&group->object);
    if (!rc)
        rc = object_publish(&made->object);
    if (rc) {
        if (made)
            object_drop(&made->object);
        return rc;
    }
    *out = made;
    return MPI_SUCCESS;
}
