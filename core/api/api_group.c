/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups (7.3). */
#include "core/api/check.h"
#include "core/object/err.h"
#include "core/object/session.h"

/*
 * An error of a procedure on groups: where one comes from a session, that one's error handler is
 * called (9.3). The handle of a session that has been finalized finds none. Each group may be NULL,
 * where the call did not get so far.
 */
static int fail_two(const struct group *a, const struct group *b, int rc, const char *func)
{
    uintptr_t session = a && a->session ? a->session : b ? b->session : 0;

    return api_fail_session(session_find((MPI_Session)session), rc, func);
}

static int fail(const struct group *g, int rc, const char *func)
{
    return fail_two(g, NULL, rc, func);
}

/* Gives a group that was just made its handle, or ends it. */
static int publish(struct group *g, MPI_Group *handle)
{
    int rc = object_publish(&g->object);

    if (rc) {
        object_drop(&g->object);
        return rc;
    }
    *handle = (MPI_Group)g->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Group_free)
int PMPI_Group_free(MPI_Group *group)
{
    struct group *g = NULL;
    int rc = check_out(group, "group");

    if (!rc)
        rc = check_group(*group, &g);
    if (rc)
        return fail(g, rc, __func__);
    *group = MPI_GROUP_NULL;
    object_retire(&g->object);
    object_drop(&g->object);
    return MPI_SUCCESS;
}

MPI_EXPORT(Group_size)
int PMPI_Group_size(MPI_Group group, int *size)
{
    struct group *g = NULL;
    int rc = check_group(group, &g);

    if (!rc)
        rc = check_out(size, "size");
    if (rc)
        return fail(g, rc, __func__);
    *size = g->size;
    return MPI_SUCCESS;
}

MPI_EXPORT(Group_rank)
int PMPI_Group_rank(MPI_Group group, int *rank)
{
    struct group *g = NULL;
    int rc = check_group(group, &g);

    if (!rc)
        rc = check_out(rank, "rank");
    if (rc)
        return fail(g, rc, __func__);
    *rank = g->rank;
    return MPI_SUCCESS;
}

MPI_EXPORT(Group_compare)
int PMPI_Group_compare(MPI_Group group1, MPI_Group group2, int *result)
{
    struct group *a = NULL, *b = NULL;
    int rc = check_group(group1, &a);

    if (!rc)
        rc = check_group(group2, &b);
    if (!rc)
        rc = check_out(result, "result");
    if (rc)
        return fail_two(a, b, rc, __func__);
    *result = group_compare(a, b);
    return MPI_SUCCESS;
}

static int translate(const struct group *a, int n, const int ranks1[], const struct group *b,
                     int ranks2[])
{
    for (int i = 0; i < n; i++)
        if ((ranks1[i] < 0 || ranks1[i] >= a->size) && ranks1[i] != MPI_PROC_NULL)
            return err_set(MPI_ERR_RANK, "rank %d, the group has %d members", ranks1[i], a->size);
    for (int i = 0; i < n; i++)
        ranks2[i] = ranks1[i] == MPI_PROC_NULL ? MPI_PROC_NULL
                                               : group_rank_of(b, group_process(a, ranks1[i]));
    return MPI_SUCCESS;
}

MPI_EXPORT(Group_translate_ranks)
int PMPI_Group_translate_ranks(MPI_Group group1, int n, const int ranks1[], MPI_Group group2,
                               int ranks2[])
{
    struct group *a = NULL, *b = NULL;
    int rc = check_group(group1, &a);

    if (!rc)
        rc = check_group(group2, &b);
    if (!rc && n < 0)
        rc = check_bad_arg("n", "is negative");
    if (!rc && n && (!ranks1 || !ranks2))
        rc = check_bad_arg("an array of ranks", "is NULL");
    if (!rc)
        rc = translate(a, n, ranks1, b, ranks2);
    return rc ? fail_two(a, b, rc, __func__) : MPI_SUCCESS;
}

/* ---- New groups from two ---- */

static int combine(int (*operation)(struct group *, struct group *, struct group **),
                   MPI_Group group1, MPI_Group group2, MPI_Group *newgroup, const char *func)
{
    struct group *a = NULL, *b = NULL, *g;
    int rc = check_group(group1, &a);

    if (!rc)
        rc = check_group(group2, &b);
    if (!rc)
        rc = check_out(newgroup, "newgroup");
    if (!rc)
        rc = operation(a, b, &g);
    if (!rc)
        rc = publish(g, newgroup);
    return rc ? fail_two(a, b, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Group_union)
int PMPI_Group_union(MPI_Group group1, MPI_Group group2, MPI_Group *newgroup)
{
    return combine(group_union, group1, group2, newgroup, __func__);
}

MPI_EXPORT(Group_intersection)
int PMPI_Group_intersection(MPI_Group group1, MPI_Group group2, MPI_Group *newgroup)
{
    return combine(group_intersection, group1, group2, newgroup, __func__);
}

MPI_EXPORT(Group_difference)
int PMPI_Group_difference(MPI_Group group1, MPI_Group group2, MPI_Group *newgroup)
{
    return combine(group_difference, group1, group2, newgroup, __func__);
}

/* ---- New groups by rank ---- */

static int check_selection(MPI_Group group, struct group **g, int n, const void *ranks,
                           const MPI_Group *newgroup)
{
    int rc = check_group(group, g);

    if (!rc && n < 0)
        rc = check_bad_arg("n", "is negative");
    if (!rc && n && !ranks)
        rc = check_bad_arg("the array of ranks", "is NULL");
    return rc ? rc : check_out(newgroup, "newgroup");
}

MPI_EXPORT(Group_incl)
int PMPI_Group_incl(MPI_Group group, int n, const int ranks[], MPI_Group *newgroup)
{
    struct group *g = NULL, *new;
    int rc = check_selection(group, &g, n, ranks, newgroup);

    if (!rc)
        rc = group_incl(g, n, ranks, &new);
    if (!rc)
        rc = publish(new, newgroup);
    return rc ? fail(g, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Group_excl)
int PMPI_Group_excl(MPI_Group group, int n, const int ranks[], MPI_Group *newgroup)
{
    struct group *g = NULL, *new;
    int rc = check_selection(group, &g, n, ranks, newgroup);

    if (!rc)
        rc = group_excl(g, n, ranks, &new);
    if (!rc)
        rc = publish(new, newgroup);
    return rc ? fail(g, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Group_range_incl)
int PMPI_Group_range_incl(MPI_Group group, int n, int ranges[][3], MPI_Group *newgroup)
{
    struct group *g = NULL, *new;
    int rc = check_selection(group, &g, n, ranges, newgroup);

    if (!rc)
        rc = group_range_incl(g, n, ranges, &new);
    if (!rc)
        rc = publish(new, newgroup);
    return rc ? fail(g, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Group_range_excl)
int PMPI_Group_range_excl(MPI_Group group, int n, int ranges[][3], MPI_Group *newgroup)
{
    struct group *g = NULL, *new;
    int rc = check_selection(group, &g, n, ranges, newgroup);

    if (!rc)
        rc = group_range_excl(g, n, ranges, &new);
    if (!rc)
        rc = publish(new, newgroup);
    return rc ? fail(g, rc, __func__) : MPI_SUCCESS;
}

/* ---- Groups of communicators (7.3.2) ---- */

int api_give_group(struct comm *c, bool remote, MPI_Group *group)
{
    struct group *g;
    int rc = group_copy(remote ? c->remote : c->group, &g);

    if (rc)
        return rc;
    if (c->session && g != &group_empty)
        g->session = c->session;
    return publish(g, group);
}

static int group_of(MPI_Comm comm, bool remote, MPI_Group *group, const char *func)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(group, "group");
    if (!rc && remote && !comm_is_inter(c))
        rc = err_set(MPI_ERR_COMM, "an intracommunicator has no remote group");
    if (!rc)
        rc = api_give_group(c, remote, group);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Comm_group)
int PMPI_Comm_group(MPI_Comm comm, MPI_Group *group)
{
    return group_of(comm, false, group, __func__);
}

MPI_EXPORT(Comm_remote_group)
int PMPI_Comm_remote_group(MPI_Comm comm, MPI_Group *group)
{
    return group_of(comm, true, group, __func__);
}
