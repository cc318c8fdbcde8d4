/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/api/coll_check.h"
#include "core/object/err.h"
#include "core/object/topology.h"

HOT_INLINE int check_coll(struct coll_args *a, enum coll_kind kind, MPI_Comm comm)
{
    int rc = check_comm(comm, &a->comm);

    a->kind = kind;
    return rc;
}

/* Of an intercommunicator, the root is one of the other group, or says that it is in this one. */
static int check_root(struct coll_args *a, int root)
{
    const struct comm *c = a->comm;

    a->root = root;
    if ((unsigned)root < (unsigned)comm_target_size(c) ||
        (comm_is_inter(c) && (root == MPI_ROOT || root == MPI_PROC_NULL)))
        return MPI_SUCCESS;
    if (comm_is_inter(c))
        return err_set(MPI_ERR_ROOT,
                       "root %d is no rank of the remote group, which has %d, nor MPI_ROOT or "
                       "MPI_PROC_NULL",
                       root, c->remote->size);
    return err_set(MPI_ERR_ROOT, "root %d is no rank of the communicator, which has %d", root,
                   c->size);
}

/* What a rank is in an operation with a root; an intercommunicator's root is in no other role. */
static bool is_root(const struct coll_args *a)
{
    return comm_is_inter(a->comm) ? a->root == MPI_ROOT : a->root == a->comm->rank;
}

static bool is_idle(const struct coll_args *a)
{
    return comm_is_inter(a->comm) && a->root == MPI_PROC_NULL;
}

/* The root has a part on both sides. */
static bool is_own_root(const struct coll_args *a)
{
    return !comm_is_inter(a->comm) && is_root(a);
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
    if (rc || is_idle(a))
        return rc;
    return check_side(&a->send, buffer, 1, "broadcast");
}

int coll_check_gather(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                      const struct coll_given *recv, int root, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (!rc)
        rc = check_root(a, root);
    if (rc)
        return rc;
    bool own = is_own_root(a), in_place = own && send->buf == MPI_IN_PLACE;
    a->send.buf = send->buf;
    if (!in_place && !is_idle(a) && (own || !is_root(a)))
        rc = check_side(&a->send, send, 1, "send");
    if (!rc && is_root(a))
        rc = check_side(&a->recv, recv, comm_target_size(a->comm), "receive");
    if (!rc && own && !in_place && has_data(&a->recv, root))
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
    bool own = is_own_root(a), in_place = own && recv->buf == MPI_IN_PLACE;
    a->recv.buf = recv->buf;
    if (!in_place && !is_idle(a) && (own || !is_root(a)))
        rc = check_side(&a->recv, recv, 1, "receive");
    if (!rc && is_root(a))
        rc = check_side(&a->send, send, comm_target_size(a->comm), "send");
    if (!rc && own && !in_place && has_data(&a->send, root))
        rc = check_alias(a->recv.buf, a->recv.count, a->recv.type, part_of(&a->send, root));
    return rc;
}

/* check_alias of what a rank sends to itself, where each rank has its own type. */
static int check_own_alias(const struct coll_args *a)
{
    const struct coll_side *s = &a->send, *r = &a->recv;
    int me = a->comm->rank;

    if (!vec_at(s->counts, me) || !vec_at(r->counts, me))
        return MPI_SUCCESS;
    return check_alias(type_at(s->buf, vec_at(s->displs, me)), vec_at(s->counts, me),
                       datatype_find(s->types[me]), type_at(r->buf, vec_at(r->displs, me)));
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
    bool inter = comm_is_inter(a->comm);
    rc = check_side(&a->recv, recv, comm_target_size(a->comm), "receive");
    a->send.buf = send->buf;
    if (rc || (send->buf == MPI_IN_PLACE && !inter))
        return rc;
    rc = check_side(&a->send, send, comm_target_size(a->comm), "send");
    if (rc || inter)
        return rc;
    if (kind == COLL_ALLTOALLW)
        return check_own_alias(a);
    if (!has_data(&a->recv, a->comm->rank))
        return MPI_SUCCESS;
    if (is_allgather(kind))
        return check_alias(a->send.buf, a->send.count, a->send.type,
                           part_of(&a->recv, a->comm->rank));
    return check_alias(part_of(&a->send, a->comm->rank), has_data(&a->send, a->comm->rank),
                       a->send.type, part_of(&a->recv, a->comm->rank));
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

HOT_INLINE int check_op(struct coll_args *a, MPI_Op op)
{
    struct op *o = op_find(op);

    if (!o)
        return check_bad_op(op);
    a->op = o;
    return op_check(o, a->send.type);
}

/* Count and type belong to whichever buffer holds the contribution. */
HOT_INLINE int check_contribution(struct coll_args *a, const struct coll_given *send,
                                  const void *recvbuf)
{
    bool in_place = send->buf == MPI_IN_PLACE;
    int rc = check_buffer(in_place ? recvbuf : send->buf, send->count, send->type, &a->send.type);

    if (!rc && in_place && comm_is_inter(a->comm))
        return bad_in_place("send");
    a->send.buf = send->buf;
    a->send.count = send->count;
    a->recv.buf = recvbuf;
    a->recv.type = a->send.type;
    return rc;
}

HOT_INLINE int check_result(const struct coll_args *a)
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
    struct coll_given given = *send;
    int rc = check_coll(a, COLL_REDUCE, comm);

    if (!rc)
        rc = check_root(a, root);
    if (rc || is_idle(a))
        return rc;
    if (is_root(a) && !is_own_root(a))
        given.buf = recvbuf; /* the root itself contributes nothing */
    else if (send->buf == MPI_IN_PLACE && !is_root(a))
        return bad_in_place("send");
    rc = check_contribution(a, &given, recvbuf);
    if (!rc)
        rc = check_op(a, op);
    if (!rc && is_own_root(a))
        rc = check_result(a);
    return rc;
}

/* Rank 0 of MPI_Exscan: its recvbuf is not significant but where its contribution is there. */
HOT_INLINE bool has_no_result(const struct coll_args *a)
{
    return a->kind == COLL_EXSCAN && a->comm->rank == 0 && a->send.buf != MPI_IN_PLACE;
}

int coll_check_reduce_all(struct coll_args *a, enum coll_kind kind, const struct coll_given *send,
                          void *recvbuf, MPI_Op op, MPI_Comm comm)
{
    int rc = check_coll(a, kind, comm);

    if (!rc && comm_is_inter(a->comm) && (kind == COLL_SCAN || kind == COLL_EXSCAN))
        rc = err_set(MPI_ERR_COMM, "an intercommunicator has no order of all its ranks to scan in");
    if (!rc)
        rc = check_contribution(a, send, recvbuf);
    if (!rc)
        rc = check_op(a, op);
    return rc || has_no_result(a) ? rc : check_result(a);
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
    MPI_Count own = vec_at(counts, a->comm->rank);
    rc = check_bare(recvbuf, own, a->send.type);
    return rc ? rc : check_alias(sendbuf, own, a->send.type, recvbuf);
}

int coll_check_local(const void *inbuf, void *inoutbuf, MPI_Count count, MPI_Datatype datatype,
                     MPI_Op op, struct datatype **t, struct op **o)
{
    int rc;

    if (inbuf == MPI_IN_PLACE || inoutbuf == MPI_IN_PLACE)
        return bad_in_place(inbuf == MPI_IN_PLACE ? "first" : "second");
    rc = check_buffer(inbuf, count, datatype, t);
    if (!rc)
        rc = check_buffer(inoutbuf, count, datatype, t);
    *o = op_find(op);
    if (!rc && !*o)
        rc = check_bad_op(op);
    if (!rc)
        rc = op_check(*o, *t);
    if (!rc && inbuf == inoutbuf && inbuf && count)
        rc = err_set(MPI_ERR_BUFFER, "both buffers are the same");
    return rc;
}
