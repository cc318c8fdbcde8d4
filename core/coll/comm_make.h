/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making communicators from others (7.4). All are collective and are called with no lock held. What
 * they make has its handle; a rank that is no member gets NULL.
 */
#ifndef ORIEL_COLL_COMM_MAKE_H
#define ORIEL_COLL_COMM_MAKE_H

#include "core/coll/coll.h"

/* The same groups with a context of their own and nothing else, no handle: for the library. */
int comm_twin(struct comm *c, struct comm **out);

/* MPI_Comm_dup: attributes are copied by their callbacks; `info` may be NULL: no hints. */
int comm_dup(struct comm *c, struct info *info, struct comm **out);
/* The communicator may be used when the request is complete. */
int comm_idup(struct comm *c, struct info *info, struct comm **out, struct request **request);

/* color MPI_UNDEFINED: no member of anything. */
int comm_split(struct comm *c, int color, int key, struct comm **out);
/* The ranks of one host that the launcher names alike. */
int comm_split_host(struct comm *c, int key, struct comm **out);

int comm_create(struct comm *c, struct group *group, struct comm **out);
/* Collective over the group's members alone. */
int comm_create_group(struct comm *c, struct group *group, int tag, struct comm **out);

/* MPI_Comm_free: runs the attributes' delete callbacks and drops the program's reference. */
int comm_free(struct comm *c);

#endif
