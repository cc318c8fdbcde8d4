/* SPDX-License-Identifier: BSD-3-Clause */
/* Making intercommunicators and merging them (7.6.2). */
#include "core/api/check.h"
#include "core/coll/comm_make.h"
#include "core/object/err.h"

static int check_leader(int leader, int size, const char *what)
{
    if ((unsigned)leader < (unsigned)size)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RANK, "%s %d, its group has %d rank%s", what, leader, size,
                   size == 1 ? "" : "s");
}

/* What only the leader gives. A mistake in it is for all of the group to know of. */
static struct comm_leader other_leader(MPI_Comm peer_comm, int remote_leader, int tag)
{
    struct comm_leader other = {.rank = remote_leader, .tag = tag};

    other.error = check_comm(peer_comm, &other.peer);
    if (!other.error)
        other.error = check_leader(remote_leader, comm_target_size(other.peer), "remote_leader");
    return other;
}

MPI_EXPORT(Intercomm_create)
int PMPI_Intercomm_create(MPI_Comm local_comm, int local_leader, MPI_Comm peer_comm,
                          int remote_leader, int tag, MPI_Comm *newintercomm)
{
    struct comm *c = NULL, *made = NULL;
    struct comm_leader other = {0};
    int rc = check_comm(local_comm, &c);

    if (!rc && comm_is_inter(c))
        rc = err_set(MPI_ERR_COMM, "local_comm is an intercommunicator");
    if (!rc)
        rc = check_leader(local_leader, c->size, "local_leader");
    if (!rc && tag < 0)
        rc = check_bad_tag(tag);
    if (!rc)
        rc = check_out(newintercomm, "newintercomm");
    if (!rc && c->rank == local_leader)
        other = other_leader(peer_comm, remote_leader, tag);
    if (!rc)
        rc = comm_inter(c, local_leader, &other, &made);
    return api_give_comm(c, rc, made, newintercomm, __func__);
}

/* The leader's own arguments, for comm_inter_from_groups to tell the others if they are wrong. */
static int check_remote(MPI_Group remote_group, int remote_leader, struct group **remote)
{
    int rc = check_group(remote_group, remote);

    return rc ? rc : check_leader(remote_leader, (*remote)->size, "remote_leader");
}

static int check_local(const struct group *g, int local_leader)
{
    if (g->rank == MPI_UNDEFINED)
        return err_set(MPI_ERR_GROUP, "this process is no member of local_group");
    return check_leader(local_leader, g->size, "local_leader");
}

static int from_groups(struct group *g, int local_leader, MPI_Group remote_group, int remote_leader,
                       const char *stringtag, struct info *hints, struct errhandler *h,
                       struct comm **made)
{
    struct group *remote = NULL;
    int error = MPI_SUCCESS, rc;

    if (g->rank == local_leader)
        error = check_remote(remote_group, remote_leader, &remote);
    rc = comm_inter_from_groups(g, local_leader, remote, remote_leader, error, stringtag, made);
    return rc ? rc : api_dress_comm(*made, hints, h);
}

MPI_EXPORT(Intercomm_create_from_groups)
int PMPI_Intercomm_create_from_groups(MPI_Group local_group, int local_leader,
                                      MPI_Group remote_group, int remote_leader,
                                      const char *stringtag, MPI_Info info,
                                      MPI_Errhandler errhandler, MPI_Comm *newintercomm)
{
    struct comm *made = NULL;
    struct group *g = NULL;
    struct info *hints = NULL;
    struct errhandler *h = NULL;
    int rc = check_errhandler_of(errhandler, OBJECT_COMM, &h);

    if (!rc)
        rc = check_group(local_group, &g);
    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(stringtag, "stringtag");
    if (!rc)
        rc = check_out(newintercomm, "newintercomm");
    if (!rc)
        rc = check_local(g, local_leader);
    if (!rc)
        rc = from_groups(g, local_leader, remote_group, remote_leader, stringtag, hints, h, &made);
    if (newintercomm)
        *newintercomm = rc ? MPI_COMM_NULL : (MPI_Comm)made->object.handle;
    return rc ? api_fail_handler(h, MPI_COMM_NULL, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Intercomm_merge)
int PMPI_Intercomm_merge(MPI_Comm intercomm, int high, MPI_Comm *newintracomm)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_comm(intercomm, &c);

    if (!rc && !comm_is_inter(c))
        rc = err_set(MPI_ERR_COMM, "an intracommunicator has no other group to merge with");
    if (!rc)
        rc = check_out(newintracomm, "newintracomm");
    if (!rc)
        rc = comm_merge(c, high, &made);
    return api_give_comm(c, rc, made, newintracomm, __func__);
}
