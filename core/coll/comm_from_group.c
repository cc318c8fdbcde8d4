/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Communicators that have no parent (7.4.2, 7.6.2). The messages that make them go on
 * MPI_COMM_WORLD's context, where the string, hashed to a tag, keeps them apart.
 */
#include "core/coll/comm_make.h"
#include "core/object/err.h"

/* FNV-1a */
static int tag_of(const char *string)
{
    uint32_t hash = 2166136261u;

    for (; *string; string++)
        hash = (hash ^ (unsigned char)*string) * 16777619u;
    return (int)(hash >> 1);
}

int comm_from_group(struct group *group, const char *stringtag, struct comm **out)
{
    return comm_create_group(comm_world, group, tag_of(stringtag), out);
}

int comm_inter_from_groups(struct group *group, int leader, const struct group *remote,
                           int remote_leader, int error, const char *stringtag, struct comm **out)
{
    struct comm_leader other = {.peer = comm_world, .tag = tag_of(stringtag), .error = error};
    struct comm *local;
    int rc = comm_from_group(group, stringtag, &local);

    if (rc)
        return rc;
    if (local->rank == leader && !error)
        other.rank = (int)group_process(remote, remote_leader);
    rc = comm_inter(local, leader, &other, out);
    comm_free(local);
    return rc;
}
