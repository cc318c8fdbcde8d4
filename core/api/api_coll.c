/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The collectives' entry points. An operation is written once: its parameters, with COUNT and
 * ADDRESS standing for the types that differ between the int and the _c form and `...` for what
 * the nonblocking and persistent forms have behind them, and the check that turns them into a
 * struct coll_args. FORMS makes the six functions of it:
 *
 *     MPI_Bcast     MPI_Ibcast     MPI_Bcast_init
 *     MPI_Bcast_c   MPI_Ibcast_c   MPI_Bcast_init_c
 */
#include "core/api/coll_check.h"

static int run(const struct coll_args *a, int rc, const char *func)
{
    if (!rc)
        rc = coll_run(a);
    return rc ? api_fail_comm(a->comm, rc, func) : MPI_SUCCESS;
}

static int start(const struct coll_args *a, int rc, bool persistent, MPI_Request *request,
                 const char *func)
{
    struct request *r;

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = coll_start(a, persistent, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(a->comm, rc, func) : MPI_SUCCESS;
}

static int check_info_too(MPI_Info info, int rc)
{
    if (rc || info == MPI_INFO_NULL || info_find(info))
        return rc;
    return check_bad_info(info);
}

#define BLOCKING(name, params, check)                                                              \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        struct coll_args a;                                                                        \
        coll_args_clear(&a);                                                                       \
        int rc = check;                                                                            \
        return run(&a, rc, __func__);                                                              \
    }

#define NONBLOCKING(name, params, check)                                                           \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        struct coll_args a;                                                                        \
        coll_args_clear(&a);                                                                       \
        int rc = check;                                                                            \
        return start(&a, rc, false, request, __func__);                                            \
    }

#define PERSISTENT(name, params, check)                                                            \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        struct coll_args a;                                                                        \
        coll_args_clear(&a);                                                                       \
        int rc = check_info_too(info, check);                                                      \
        return start(&a, rc, true, request, __func__);                                             \
    }

#define FORMS(Name, name, PARAMS, check)                                                           \
    BLOCKING(Name, PARAMS(int, int, ), check)                                                      \
    BLOCKING(Name##_c, PARAMS(MPI_Count, MPI_Aint, ), check)                                       \
    NONBLOCKING(I##name, PARAMS(int, int, , MPI_Request *request), check)                          \
    NONBLOCKING(I##name##_c, PARAMS(MPI_Count, MPI_Aint, , MPI_Request *request), check)           \
    PERSISTENT(Name##_init, PARAMS(int, int, , MPI_Info info, MPI_Request *request), check)        \
    PERSISTENT(Name##_init_c, PARAMS(MPI_Count, MPI_Aint, , MPI_Info info, MPI_Request *request),  \
               check)

/* What the checks are given: one side of the plain, v and w forms. */
#define PLAIN(b, n, t)                                                                             \
    &(struct coll_given)                                                                           \
    {                                                                                              \
        .buf = b, .count = n, .type = t                                                            \
    }
#define BY_RANK(b, n, d, t)                                                                        \
    &(struct coll_given)                                                                           \
    {                                                                                              \
        .buf = b, .counts = VEC(n), .displs = VEC(d), .type = t                                    \
    }
#define BY_RANK_W(b, n, d, t)                                                                      \
    &(struct coll_given)                                                                           \
    {                                                                                              \
        .buf = b, .counts = VEC(n), .displs = VEC(d), .types = t                                   \
    }

/* ---- Barrier has no counts: three forms ---- */

BLOCKING(Barrier, (MPI_Comm comm), coll_check_barrier(&a, comm))
NONBLOCKING(Ibarrier, (MPI_Comm comm, MPI_Request *request), coll_check_barrier(&a, comm))
PERSISTENT(Barrier_init, (MPI_Comm comm, MPI_Info info, MPI_Request *request),
           coll_check_barrier(&a, comm))

/* ---- From and to one rank ---- */

#define BCAST(COUNT, ADDRESS, ...)                                                                 \
    (void *buffer, COUNT count, MPI_Datatype datatype, int root, MPI_Comm comm __VA_ARGS__)
FORMS(Bcast, bcast, BCAST, coll_check_bcast(&a, PLAIN(buffer, count, datatype), root, comm))

#define GATHER(COUNT, ADDRESS, ...)                                                                \
    (const void *sendbuf, COUNT sendcount, MPI_Datatype sendtype, void *recvbuf, COUNT recvcount,  \
     MPI_Datatype recvtype, int root, MPI_Comm comm __VA_ARGS__)
FORMS(Gather, gather, GATHER,
      coll_check_gather(&a, COLL_GATHER, PLAIN(sendbuf, sendcount, sendtype),
                        PLAIN(recvbuf, recvcount, recvtype), root, comm))
FORMS(Scatter, scatter, GATHER,
      coll_check_scatter(&a, COLL_SCATTER, PLAIN(sendbuf, sendcount, sendtype),
                         PLAIN(recvbuf, recvcount, recvtype), root, comm))

#define GATHERV(COUNT, ADDRESS, ...)                                                               \
    (const void *sendbuf, COUNT sendcount, MPI_Datatype sendtype, void *recvbuf,                   \
     const COUNT recvcounts[], const ADDRESS displs[], MPI_Datatype recvtype, int root,            \
     MPI_Comm comm __VA_ARGS__)
FORMS(Gatherv, gatherv, GATHERV,
      coll_check_gather(&a, COLL_GATHERV, PLAIN(sendbuf, sendcount, sendtype),
                        BY_RANK(recvbuf, recvcounts, displs, recvtype), root, comm))

#define SCATTERV(COUNT, ADDRESS, ...)                                                              \
    (const void *sendbuf, const COUNT sendcounts[], const ADDRESS displs[], MPI_Datatype sendtype, \
     void *recvbuf, COUNT recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm __VA_ARGS__)
FORMS(Scatterv, scatterv, SCATTERV,
      coll_check_scatter(&a, COLL_SCATTERV, BY_RANK(sendbuf, sendcounts, displs, sendtype),
                         PLAIN(recvbuf, recvcount, recvtype), root, comm))

/* ---- From all to all ---- */

#define ALLGATHER(COUNT, ADDRESS, ...)                                                             \
    (const void *sendbuf, COUNT sendcount, MPI_Datatype sendtype, void *recvbuf, COUNT recvcount,  \
     MPI_Datatype recvtype, MPI_Comm comm __VA_ARGS__)
FORMS(Allgather, allgather, ALLGATHER,
      coll_check_all(&a, COLL_ALLGATHER, PLAIN(sendbuf, sendcount, sendtype),
                     PLAIN(recvbuf, recvcount, recvtype), comm))
FORMS(Alltoall, alltoall, ALLGATHER,
      coll_check_all(&a, COLL_ALLTOALL, PLAIN(sendbuf, sendcount, sendtype),
                     PLAIN(recvbuf, recvcount, recvtype), comm))

#define ALLGATHERV(COUNT, ADDRESS, ...)                                                            \
    (const void *sendbuf, COUNT sendcount, MPI_Datatype sendtype, void *recvbuf,                   \
     const COUNT recvcounts[], const ADDRESS displs[], MPI_Datatype recvtype,                      \
     MPI_Comm comm __VA_ARGS__)
FORMS(Allgatherv, allgatherv, ALLGATHERV,
      coll_check_all(&a, COLL_ALLGATHERV, PLAIN(sendbuf, sendcount, sendtype),
                     BY_RANK(recvbuf, recvcounts, displs, recvtype), comm))

#define ALLTOALLV(COUNT, ADDRESS, ...)                                                             \
    (const void *sendbuf, const COUNT sendcounts[], const ADDRESS sdispls[],                       \
     MPI_Datatype sendtype, void *recvbuf, const COUNT recvcounts[], const ADDRESS rdispls[],      \
     MPI_Datatype recvtype, MPI_Comm comm __VA_ARGS__)
FORMS(Alltoallv, alltoallv, ALLTOALLV,
      coll_check_all(&a, COLL_ALLTOALLV, BY_RANK(sendbuf, sendcounts, sdispls, sendtype),
                     BY_RANK(recvbuf, recvcounts, rdispls, recvtype), comm))

#define ALLTOALLW(COUNT, ADDRESS, ...)                                                             \
    (const void *sendbuf, const COUNT sendcounts[], const ADDRESS sdispls[],                       \
     const MPI_Datatype sendtypes[], void *recvbuf, const COUNT recvcounts[],                      \
     const ADDRESS rdispls[], const MPI_Datatype recvtypes[], MPI_Comm comm __VA_ARGS__)
FORMS(Alltoallw, alltoallw, ALLTOALLW,
      coll_check_all(&a, COLL_ALLTOALLW, BY_RANK_W(sendbuf, sendcounts, sdispls, sendtypes),
                     BY_RANK_W(recvbuf, recvcounts, rdispls, recvtypes), comm))

/* ---- With the neighbours in a topology (8.6) ---- */

#define NEIGHBOR(kind, send, recv) coll_check_neighbor(&a, kind, send, recv, comm)
FORMS(Neighbor_allgather, neighbor_allgather, ALLGATHER,
      NEIGHBOR(COLL_NEIGHBOR_ALLGATHER, PLAIN(sendbuf, sendcount, sendtype),
               PLAIN(recvbuf, recvcount, recvtype)))
FORMS(Neighbor_alltoall, neighbor_alltoall, ALLGATHER,
      NEIGHBOR(COLL_NEIGHBOR_ALLTOALL, PLAIN(sendbuf, sendcount, sendtype),
               PLAIN(recvbuf, recvcount, recvtype)))
FORMS(Neighbor_allgatherv, neighbor_allgatherv, ALLGATHERV,
      NEIGHBOR(COLL_NEIGHBOR_ALLGATHERV, PLAIN(sendbuf, sendcount, sendtype),
               BY_RANK(recvbuf, recvcounts, displs, recvtype)))
FORMS(Neighbor_alltoallv, neighbor_alltoallv, ALLTOALLV,
      NEIGHBOR(COLL_NEIGHBOR_ALLTOALLV, BY_RANK(sendbuf, sendcounts, sdispls, sendtype),
               BY_RANK(recvbuf, recvcounts, rdispls, recvtype)))

/* Displacements in bytes are MPI_Aint in both forms. */
#define NEIGHBOR_ALLTOALLW(COUNT, ADDRESS, ...)                                                    \
    (const void *sendbuf, const COUNT sendcounts[], const MPI_Aint sdispls[],                      \
     const MPI_Datatype sendtypes[], void *recvbuf, const COUNT recvcounts[],                      \
     const MPI_Aint rdispls[], const MPI_Datatype recvtypes[], MPI_Comm comm __VA_ARGS__)
FORMS(Neighbor_alltoallw, neighbor_alltoallw, NEIGHBOR_ALLTOALLW,
      NEIGHBOR(COLL_NEIGHBOR_ALLTOALLW, BY_RANK_W(sendbuf, sendcounts, sdispls, sendtypes),
               BY_RANK_W(recvbuf, recvcounts, rdispls, recvtypes)))

/* ---- Reductions ---- */

#define REDUCE(COUNT, ADDRESS, ...)                                                                \
    (const void *sendbuf, void *recvbuf, COUNT count, MPI_Datatype datatype, MPI_Op op, int root,  \
     MPI_Comm comm __VA_ARGS__)
FORMS(Reduce, reduce, REDUCE,
      coll_check_reduce(&a, PLAIN(sendbuf, count, datatype), recvbuf, op, root, comm))

#define ALLREDUCE(COUNT, ADDRESS, ...)                                                             \
    (const void *sendbuf, void *recvbuf, COUNT count, MPI_Datatype datatype, MPI_Op op,            \
     MPI_Comm comm __VA_ARGS__)
#define REDUCE_ALL(kind)                                                                           \
    coll_check_reduce_all(&a, kind, PLAIN(sendbuf, count, datatype), recvbuf, op, comm)
FORMS(Allreduce, allreduce, ALLREDUCE, REDUCE_ALL(COLL_ALLREDUCE))
FORMS(Scan, scan, ALLREDUCE, REDUCE_ALL(COLL_SCAN))
FORMS(Exscan, exscan, ALLREDUCE, REDUCE_ALL(COLL_EXSCAN))
FORMS(Reduce_scatter_block, reduce_scatter_block, ALLREDUCE, REDUCE_ALL(COLL_REDUCE_SCATTER_BLOCK))

#define REDUCE_SCATTER(COUNT, ADDRESS, ...)                                                        \
    (const void *sendbuf, void *recvbuf, const COUNT recvcounts[], MPI_Datatype datatype,          \
     MPI_Op op, MPI_Comm comm __VA_ARGS__)
FORMS(Reduce_scatter, reduce_scatter, REDUCE_SCATTER,
      coll_check_reduce_scatter(&a, sendbuf, recvbuf, VEC(recvcounts), datatype, op, comm))

/* ---- On this rank alone ---- */

MPI_EXPORT(Reduce_local_c)
int PMPI_Reduce_local_c(const void *inbuf, void *inoutbuf, MPI_Count count, MPI_Datatype datatype,
                        MPI_Op op)
{
    struct datatype *t = NULL;
    struct op *o = NULL;
    int rc = coll_check_local(inbuf, inoutbuf, count, datatype, op, &t, &o);

    if (rc)
        return api_fail(rc, __func__);
    op_apply(o, inbuf, inoutbuf, count, t);
    return MPI_SUCCESS;
}
MPI_SMALL(Reduce_local,
          (const void *inbuf, void *inoutbuf, int count, MPI_Datatype datatype, MPI_Op op),
          (inbuf, inoutbuf, count, datatype, op))
