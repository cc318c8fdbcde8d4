/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Argument checks of the collectives: each turns one operation's arguments into a struct coll_args,
 * the same for all its forms, or returns an error class with the detail set. a->comm is set as soon
 * as it is known, for the error handler. Only what is significant on this rank is looked at.
 */
#ifndef ORIEL_API_COLL_CHECK_H
#define ORIEL_API_COLL_CHECK_H

#include "core/api/check.h"
#include "core/coll/coll.h"

/* One side as the program gave it; the plain forms have a count, the others arrays by rank. */
struct coll_given {
    const void *buf;
    MPI_Count count;
    struct vec counts, displs;
    MPI_Datatype type;
    const MPI_Datatype *types; /* w forms */
};

int coll_check_barrier(struct coll_args *a, MPI_Comm comm);
int coll_check_bcast(struct coll_args *a, const struct coll_given *buffer, int root, MPI_Comm comm);
int coll_check_gather(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                      const struct coll_given *recv, int root, MPI_Comm comm);
int coll_check_scatter(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                       const struct coll_given *recv, int root, MPI_Comm comm);
/* Allgather and alltoall, all forms. */
int coll_check_all(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                   const struct coll_given *recv, MPI_Comm comm);
/* All forms. A side has a part for each neighbour, of what the topology says. */
int coll_check_neighbor(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                        const struct coll_given *recv, MPI_Comm comm);
int coll_check_reduce(struct coll_args *a, const struct coll_given *send, void *recvbuf, MPI_Op op,
                      int root, MPI_Comm comm);
/* Allreduce, scan, exscan and reduce_scatter_block. */
int coll_check_reduce_all(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                          void *recvbuf, MPI_Op op, MPI_Comm comm);
int coll_check_reduce_scatter(struct coll_args *a, const void *sendbuf, void *recvbuf,
                              struct vec counts, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm);
/* MPI_Reduce_local, which has no communicator. */
int coll_check_local(const void *inbuf, void *inoutbuf, MPI_Count count, MPI_Datatype datatype,
                     MPI_Op op, struct datatype **t, struct op **o);

#endif
