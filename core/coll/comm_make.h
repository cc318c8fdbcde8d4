/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making communicators from others (7.4, 7.6). All are collective, over both groups of an
 * intercommunicator, and are called with no lock held. What they make has its handle; a rank that
 * is no member gets NULL. A group is one of the local group, and what is made of an
 * intercommunicator is one again, but for comm_merge.
 */
#ifndef ORIEL_COLL_COMM_MAKE_H
#define ORIEL_COLL_COMM_MAKE_H

#include "core/coll/coll.h"

/* The same groups with a context of their own and nothing else, no handle: for the library. */
int comm_twin(struct comm *c, struct comm **out);

/* MPI_Comm_dup: attributes are copied by their callbacks; `info` may be NULL: no hints. */
int comm_dup(struct comm *c, struct info *info, struct comm **out);
/* The communicator may be used when the request is complete, which has its handle, too. */
int comm_idup(struct comm *c, struct info *info, struct comm **out, MPI_Request *request);

/* color MPI_UNDEFINED: no member of anything. */
int comm_split(struct comm *c, int color, int key, struct comm **out);
/* The ranks of one host that the launcher names alike. */
int comm_split_host(struct comm *c, int key, struct comm **out);
/* The color that tells hosts apart: the lowest process, of either group, that is on this one. */
int comm_host_color(const struct comm *c);
/* MPI_Comm_split_type; `info` may be NULL, and is told what an unguided split chose. */
int comm_split_type(struct comm *c, int type, int key, struct info *info, struct comm **out);

int comm_create(struct comm *c, struct group *group, struct comm **out);
/* Collective over the group's members alone. */
int comm_create_group(struct comm *c, struct group *group, int tag, struct comm **out);

/* How a leader reaches the other group's; of no meaning on the other ranks. */
struct comm_leader {
    struct comm *peer; /* both leaders are in it */
    int rank;          /* the other one's there */
    int tag;
    int error; /* why it cannot be reached, found by the caller; all of the group get it */
};
/* MPI_Intercomm_create. Collective over both groups. */
int comm_inter(struct comm *local, int leader, const struct comm_leader *other, struct comm **out);
/*
 * MPI_Comm_create_from_group and MPI_Intercomm_create_from_groups, for a member of the group. The
 * remote group, its leader and why they cannot be used are the leader's to give.
 */
int comm_from_group(struct group *group, const char *stringtag, struct comm **out);
int comm_inter_from_groups(struct group *group, int leader, const struct group *remote,
                           int remote_leader, int error, const char *stringtag, struct comm **out);
/* MPI_Intercomm_merge. */
int comm_merge(struct comm *c, bool high, struct comm **out);

/* MPI_Comm_free: runs the attributes' delete callbacks and drops the program's reference. */
int comm_free(struct comm *c);

#endif
