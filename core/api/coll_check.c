/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/api/coll_check.h"
#include "core/object/err.h"
#include "core/object/topology.h"

static int check_coll(struct coll_args *a, enum coll_kind kind, MPI_Comm comm)
{
    int rc = check_comm(comm, &a->comm);

    if (rc)
        return rc;
    a->kind = kind;
    if (comm_is_inter(a->comm))
        return err_set(MPI_ERR_UNSUPPORTED_OPERATION,
                       "collectives on intercommunicators are not written yet");
    return MPI_SUCCESS;
}

static int check_root(struct coll_args *a, int root)
{
    a->root = root;
    if ((unsigned)root < (unsigned)a->comm->size)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_ROOT, "root %d is no rank of the communicator, which has %d", root,
                   a->comm->size);
}

static int bad_in_place(const char *which)
{
    return err_set(MPI_ERR_BUFFER, "MPI_IN_PLACE is not allowed as the %s buffer here", which);
}

/* A buffer without layout of its own, whose data has that of another. */
static int check_bare(const void *buf, MPI_Count count, const struct datatype *t)
{
    return !buf && count && t->size && t->predefined ? check_bad_buffer() : MPI_SUCCESS;
}

/* Arrays of counts with one type for all. */
static int check_v(struct coll_side *s, const struct coll_given *g, int size)
{
    MPI_Count most = 0;

    if (size && (!g->counts.at || !g->displs.at))
        return check_bad_arg("counts or displacements", "is NULL");
    for (int i = 0; i < size; i++) {
        MPI_Count n = vec_at(g->counts, i);

        if (n < 0)
            return err_set(MPI_ERR_COUNT, "counts[%d] is %lld, below zero", i, (long long)n);
        most = n > most ? n : most;
    }
    s->counts = g->counts;
    s->displs = g->displs;
    return check_buffer(g->buf, most, g->type, &s->type);
}

static int check_w(struct coll_side *s, const struct coll_given *g, int size)
{
    struct datatype *t;
    int rc = MPI_SUCCESS;

    if (size && (!g->counts.at || !g->displs.at || !g->types))
        return check_bad_arg("counts, displacements or types", "is NULL");
    for (int i = 0; i < size && !rc; i++)
        if (vec_at(g->counts, i) || g->types[i] != MPI_DATATYPE_NULL)
            rc = check_buffer(type_at(g->buf, vec_at(g->displs, i)), vec_at(g->counts, i),
                              g->types[i], &t);
    s->counts = g->counts;
    s->displs = g->displs;
    s->types = g->types;
    return rc;
}

/* One side, which may not be MPI_IN_PLACE; `which` is its name in messages. */
static int check_side(struct coll_side *s, const struct coll_given *g, int size, const char *which)
{
    s->buf = g->buf;
    s->count = g->count;
    if (g->buf == MPI_IN_PLACE)
        return bad_in_place(which);
    if (g->types || (g->counts.width && !g->type))
        return check_w(s, g, size);
    if (g->counts.width)
        return check_v(s, g, size);
    return check_buffer(g->buf, g->count, g->type, &s->type);
}

/*
 * The data of one rank in both buffers at the same place: for blocks of memory that is a certain
 * mistake; other types may interleave.
 */
static int check_alias(const void *send, MPI_Count count, const struct datatype *t,
                       const void *recv)
{
    if (send != recv || !send || !count || !t->size || !t->contiguous)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_BUFFER,
                   "send and receive buffer are the same; MPI_IN_PLACE is for that");
}

/* Where rank's data lies in a side of the plain and v forms. */
static const void *part_of(const struct coll_side *s, int rank)
{
    MPI_Count items = s->displs.width ? vec_at(s->displs, rank) : rank * s->count;

    return type_at(s->buf, items * s->type->extent);
}

static bool has_data(const struct coll_side *s, int rank)
{
    return (s->counts.width ? vec_at(s->counts, rank) : s->count) > 0;
}

int coll_check_barrier(struct coll_args *a, MPI_Comm comm)
{
    return check_coll(a, COLL_BARRIER, comm);
}

int coll_check_bcast(struct coll_args *a, const struct coll_given *buffer, int root, MPI_Comm comm)
{
    int rc = check_coll(a, COLL_BCAST, comm);

    if (!rc)
        rc = check_root(a, root);
    return rc ? rc : check_side(&a->send, buffer, 1, "broadcast");
}

int coll_check_gather(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                      const struct coll_given *recv, int root, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (!rc)
        rc = check_root(a, root);
    if (rc)
        return rc;
    bool at_root = a->comm->rank == root, in_place = at_root && send->buf == MPI_IN_PLACE;
    a->send.buf = send->buf;
    if (!in_place)
        rc = check_side(&a->send, send, a->comm->size, "send");
    if (!rc && at_root)
        rc = check_side(&a->recv, recv, a->comm->size, "receive");
    if (!rc && at_root && !in_place && has_data(&a->recv, root))
        rc = check_alias(a->send.buf, a->send.count, a->send.type, part_of(&a->recv, root));
    return rc;
}

int coll_check_scatter(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                       const struct coll_given *recv, int root, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (!rc)
        rc = check_root(a, root);
    if (rc)
        return rc;
    bool at_root = a->comm->rank == root, in_place = at_root && recv->buf == MPI_IN_PLACE;
    a->recv.buf = recv->buf;
    if (!in_place)
        rc = check_side(&a->recv, recv, a->comm->size, "receive");
    if (!rc && at_root)
        rc = check_side(&a->send, send, a->comm->size, "send");
    if (!rc && at_root && !in_place && has_data(&a->send, root))
        rc = check_alias(a->recv.buf, a->recv.count, a->recv.type, part_of(&a->send, root));
    return rc;
}

static bool is_allgather(enum coll_kind kind)
{
    return kind == COLL_ALLGATHER || kind == COLL_ALLGATHERV;
}

int coll_check_all(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                   const struct coll_given *recv, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (rc)
        return rc;
    rc = check_side(&a->recv, recv, a->comm->size, "receive");
    a->send.buf = send->buf;
    if (rc || send->buf == MPI_IN_PLACE)
        return rc;
    rc = check_side(&a->send, send, a->comm->size, "send");
    if (rc || kind == COLL_ALLTOALLW || !has_data(&a->recv, a->comm->rank))
        return rc;
    if (is_allgather(kind))
        return check_alias(a->send.buf, a->send.count, a->send.type,
                           part_of(&a->recv, a->comm->rank));
    return check_alias(a->send.buf, has_data(&a->send, a->comm->rank), a->send.type, a->recv.buf);
}

/* Without neighbours on a side nothing of it is significant. */
static int check_neighbor_side(struct coll_side *s, const struct coll_given *g, int degree,
                               const char *which)
{
    struct coll_given none = *g;

    if (!degree)
        none.count = 0;
    return check_side(s, &none, degree, which);
}

int coll_check_neighbor(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                        const struct coll_given *recv, MPI_Comm comm)
{
    int rc = check_comm(comm, &a->comm);

    if (rc)
        return rc;
    a->kind = kind;
    const struct topology *t = a->comm->topology;
    if (!t)
        return err_set(
            MPI_ERR_TOPOLOGY,
            "the communicator has no topology, so there are no neighbours: make one with "
            "MPI_Cart_create or MPI_Dist_graph_create");
    rc = check_neighbor_side(&a->send, send, t->outdegree, "send");
    return rc ? rc : check_neighbor_side(&a->recv, recv, t->indegree, "receive");
}

static int check_op(struct coll_args *a, MPI_Op op)
{
    struct op *o = op_find(op);

    if (!o)
        return check_bad_op(op);
    a->op = o;
    return op_check(o, a->send.type);
}

/* Count and type belong to whichever buffer holds the contribution. */
static int check_contribution(struct coll_args *a, const struct coll_given *send,
                              const void *recvbuf)
{
    const void *buf = send->buf == MPI_IN_PLACE ? recvbuf : send->buf;
    int rc = check_buffer(buf, send->count, send->type, &a->send.type);

    a->send.buf = send->buf;
    a->send.count = send->count;
    a->recv.buf = recvbuf;
    a->recv.type = a->send.type;
    return rc;
}

static int check_result(const struct coll_args *a)
{
    int rc;

    if (a->recv.buf == MPI_IN_PLACE)
        return bad_in_place("receive");
    rc = check_bare(a->recv.buf, a->send.count, a->send.type);
    return rc ? rc : check_alias(a->send.buf, a->send.count, a->send.type, a->recv.buf);
}

int coll_check_reduce(struct coll_args *a, const struct coll_given *send, void *recvbuf, MPI_Op op,
                      int root, MPI_Comm comm)
{
    int rc = check_coll(a, COLL_REDUCE, comm);

    if (!rc)
        rc = check_root(a, root);
    if (rc)
        return rc;
    if (send->buf == MPI_IN_PLACE && a->comm->rank != root)
        return bad_in_place("send");
    rc = check_contribution(a, send, recvbuf);
    if (!rc)
        rc = check_op(a, op);
    if (!rc && a->comm->rank == root)
        rc = check_result(a);
    return rc;
}

int coll_check_reduce_all(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                          void *recvbuf, MPI_Op op, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (!rc)
        rc = check_contribution(a, send, recvbuf);
    if (!rc)
        rc = check_op(a, op);
    return rc ? rc : check_result(a);
}

int coll_check_reduce_scatter(struct coll_args *a, const void *sendbuf, void *recvbuf,
                              struct vec counts, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm)
{
    int rc = check_coll(a, COLL_REDUCE_SCATTER, comm);
    MPI_Count total = 0;

    if (rc)
        return rc;
    if (!counts.at)
        return check_bad_arg("recvcounts", "is NULL");
    for (int i = 0; i < a->comm->size; i++) {
        MPI_Count n = vec_at(counts, i);

        if (n < 0)
            return err_set(MPI_ERR_COUNT, "the count for rank %d is %lld, below zero", i,
                           (long long)n);
        total += n;
    }
    rc = check_contribution(a, &(struct coll_given){sendbuf, total, {0}, {0}, datatype, NULL},
                            recvbuf);
    if (!rc)
        rc = check_op(a, op);
    if (rc)
        return rc;
    a->recv.counts = counts;
    if (recvbuf == MPI_IN_PLACE)
        return bad_in_place("receive");
    rc = check_bare(recvbuf, vec_at(counts, a->comm->rank), a->send.type);
    return rc ? rc : check_alias(sendbuf, total, a->send.type, recvbuf);
}
