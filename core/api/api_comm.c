/* SPDX-License-Identifier: BSD-3-Clause */
/* What a communicator is asked (7.4.1, 7.6.1, 7.8); making and freeing them is collective. */
#include <string.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/object/hints.h"

MPI_EXPORT(Comm_size)
int PMPI_Comm_size(MPI_Comm comm, int *size)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(size, "size");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *size = c->size;
    return MPI_SUCCESS;
}

MPI_EXPORT(Comm_rank)
int PMPI_Comm_rank(MPI_Comm comm, int *rank)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(rank, "rank");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *rank = c->rank;
    return MPI_SUCCESS;
}

MPI_EXPORT(Comm_remote_size)
int PMPI_Comm_remote_size(MPI_Comm comm, int *size)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(size, "size");
    if (!rc && !comm_is_inter(c))
        rc = err_set(MPI_ERR_COMM, "an intracommunicator has no remote group");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *size = c->remote->size;
    return MPI_SUCCESS;
}

MPI_EXPORT(Comm_test_inter)
int PMPI_Comm_test_inter(MPI_Comm comm, int *flag)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *flag = comm_is_inter(c);
    return MPI_SUCCESS;
}

static int compare(const struct comm *a, const struct comm *b)
{
    if (a == b)
        return MPI_IDENT;
    if (comm_is_inter(a) != comm_is_inter(b))
        return MPI_UNEQUAL;
    int local = group_compare(a->group, b->group);
    int remote = comm_is_inter(a) ? group_compare(a->remote, b->remote) : MPI_IDENT;
    if (local == MPI_UNEQUAL || remote == MPI_UNEQUAL)
        return MPI_UNEQUAL;
    return local == MPI_IDENT && remote == MPI_IDENT ? MPI_CONGRUENT : MPI_SIMILAR;
}

MPI_EXPORT(Comm_compare)
int PMPI_Comm_compare(MPI_Comm comm1, MPI_Comm comm2, int *result)
{
    struct comm *a = NULL, *b = NULL;
    int rc = check_comm(comm1, &a);

    if (!rc)
        rc = check_comm(comm2, &b);
    if (!rc)
        rc = check_out(result, "result");
    if (rc)
        return api_fail_comm(a, rc, __func__);
    *result = compare(a, b);
    return MPI_SUCCESS;
}

/* A process that no other has spawned has no parent (11.8.2). */
MPI_EXPORT(Comm_get_parent)
int PMPI_Comm_get_parent(MPI_Comm *parent)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(parent, "parent");
    if (rc)
        return api_fail(rc, __func__);
    *parent = MPI_COMM_NULL;
    return MPI_SUCCESS;
}

/* ---- Names ---- */

MPI_EXPORT(Comm_set_name)
int PMPI_Comm_set_name(MPI_Comm comm, const char *comm_name)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(comm_name, "comm_name");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    size_t n = strnlen(comm_name, sizeof(c->name) - 1); /* longer ones are cut */
    memmove(c->name, comm_name, n);
    c->name[n] = '\0';
    return MPI_SUCCESS;
}

MPI_EXPORT(Comm_get_name)
int PMPI_Comm_get_name(MPI_Comm comm, char *comm_name, int *resultlen)
{
    struct comm *c = NULL;
    int rc = MPI_SUCCESS;

    if (comm == MPI_COMM_NULL && comm_name && resultlen) { /* has a name too, 7.8 */
        strcpy(comm_name, "MPI_COMM_NULL");
        *resultlen = (int)strlen(comm_name);
        return MPI_SUCCESS;
    }
    rc = check_comm(comm, &c);
    if (!rc)
        rc = check_out(comm_name, "comm_name");
    if (!rc)
        rc = check_out(resultlen, "resultlen");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    strcpy(comm_name, c->name);
    *resultlen = (int)strlen(c->name);
    return MPI_SUCCESS;
}

/* ---- Hints (7.4.4) ---- */

MPI_EXPORT(Comm_set_info)
int PMPI_Comm_set_info(MPI_Comm comm, MPI_Info info)
{
    struct comm *c = NULL;
    struct info *hints = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = hints_set(c, hints);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Comm_get_info)
int PMPI_Comm_get_info(MPI_Comm comm, MPI_Info *info_used)
{
    struct comm *c = NULL;
    struct info *copy;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(info_used, "info_used");
    if (!rc)
        rc = hints_get(c, &copy);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    rc = object_publish(&copy->object);
    if (rc) {
        object_drop(&copy->object);
        return api_fail_comm(c, rc, __func__);
    }
    *info_used = (MPI_Info)copy->object.handle;
    return MPI_SUCCESS;
}
