/* SPDX-License-Identifier: BSD-3-Clause */
/* Making communicators and letting them go (7.4). Their accessors: api_comm.c. */
#include "core/api/check.h"
#include "core/coll/comm_make.h"
#include "core/object/err.h"
#include "core/object/hints.h"

static int check_intra(MPI_Comm comm, struct comm **c)
{
    int rc = check_comm(comm, c);

    if (!rc && comm_is_inter(*c))
        return err_set(MPI_ERR_COMM, "an intercommunicator stands where an intracommunicator "
                                     "belongs");
    return rc;
}

/* A group whose processes are all in the communicator. */
static int check_subgroup(const struct comm *c, MPI_Group group, struct group **out)
{
    struct group *g = group_find(group);

    if (!g)
        return check_bad_group(group);
    for (int i = 0; i < g->size; i++)
        if (group_rank_of(c->group, group_process(g, i)) == MPI_UNDEFINED)
            return err_set(MPI_ERR_GROUP, "member %d of the group is not in the communicator", i);
    *out = g;
    return MPI_SUCCESS;
}

int api_give_comm(struct comm *c, int rc, struct comm *made, MPI_Comm *newcomm, const char *func)
{
    if (newcomm)
        *newcomm = made && !rc ? (MPI_Comm)made->object.handle : MPI_COMM_NULL;
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

int api_dress_comm(struct comm *made, struct info *hints, struct errhandler *h)
{
    int rc = hints_set(made, hints);

    if (rc)
        comm_free(made);
    else
        errhandler_assign(&made->errhandler, h);
    return rc;
}

MPI_EXPORT(Comm_dup)
int PMPI_Comm_dup(MPI_Comm comm, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_dup(c, NULL, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

MPI_EXPORT(Comm_dup_with_info)
int PMPI_Comm_dup_with_info(MPI_Comm comm, MPI_Info info, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    struct info *hints = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_dup(c, hints, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

static int idup(MPI_Comm comm, MPI_Info info, MPI_Comm *newcomm, MPI_Request *request,
                const char *func)
{
    struct comm *c = NULL, *made = NULL;
    struct info *hints = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = comm_idup(c, hints, &made, request);
    if (rc && request)
        *request = MPI_REQUEST_NULL;
    return api_give_comm(c, rc, made, newcomm, func);
}

MPI_EXPORT(Comm_idup)
int PMPI_Comm_idup(MPI_Comm comm, MPI_Comm *newcomm, MPI_Request *request)
{
    return idup(comm, MPI_INFO_NULL, newcomm, request, __func__);
}

MPI_EXPORT(Comm_idup_with_info)
int PMPI_Comm_idup_with_info(MPI_Comm comm, MPI_Info info, MPI_Comm *newcomm, MPI_Request *request)
{
    return idup(comm, info, newcomm, request, __func__);
}

MPI_EXPORT(Comm_split)
int PMPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_comm(comm, &c);

    if (!rc && color < 0 && color != MPI_UNDEFINED)
        rc = check_bad_arg("color", "is negative and not MPI_UNDEFINED");
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_split(c, color, key, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

MPI_EXPORT(Comm_split_type)
int PMPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    struct info *hints = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_split_type(c, type, key, hints, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

MPI_EXPORT(Comm_create)
int PMPI_Comm_create(MPI_Comm comm, MPI_Group group, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    struct group *g = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_subgroup(c, group, &g);
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_create(c, g, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

MPI_EXPORT(Comm_create_group)
int PMPI_Comm_create_group(MPI_Comm comm, MPI_Group group, int tag, MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    struct group *g = NULL;
    int rc = check_intra(comm, &c);

    if (!rc)
        rc = check_subgroup(c, group, &g);
    if (!rc && tag < 0)
        rc = check_bad_tag(tag);
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = comm_create_group(c, g, tag, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

static int check_freeable(MPI_Comm *comm, struct comm **c)
{
    int rc = comm ? check_comm(*comm, c) : check_bad_arg("comm", "is NULL");

    if (!rc && (*c == comm_world || *c == comm_self))
        return err_set(MPI_ERR_COMM, "%s cannot be freed", (*c)->name);
    return rc;
}

/* The program's own, whose handle MPI_Finalize has taken away: a destructor may come later. */
static bool is_outlived(MPI_Comm comm)
{
    return api_phase == API_AFTER && (uintptr_t)comm >= OBJECT_PREDEFINED &&
           object_class_of(comm) == OBJECT_COMM;
}

MPI_EXPORT(Comm_free)
int PMPI_Comm_free(MPI_Comm *comm)
{
    struct comm *c = NULL;
    int rc = MPI_SUCCESS;

    if (!comm || !is_outlived(*comm)) {
        rc = check_freeable(comm, &c);
        if (!rc)
            rc = comm_free(c);
    }
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *comm = MPI_COMM_NULL;
    return MPI_SUCCESS;
}

/* The barrier comes behind all that the ranks have waited for: nothing is pending after it. */
MPI_EXPORT(Comm_disconnect)
int PMPI_Comm_disconnect(MPI_Comm *comm)
{
    struct comm *c = NULL;
    int rc = check_freeable(comm, &c);

    if (!rc)
        rc = coll_barrier(c);
    if (!rc)
        rc = comm_free(c);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *comm = MPI_COMM_NULL;
    return MPI_SUCCESS;
}
