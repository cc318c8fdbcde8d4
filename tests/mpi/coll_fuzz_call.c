/* SPDX-License-Identifier: BSD-3-Clause */
/* An error ends the job: no communicator here returns them. */
#include <stddef.h>

#include "coll_fuzz.h"

/* In the task's form; small and large: the arguments with int and MPI_Count arrays. */
#define START(Name, name, small, large)                                                            \
    do {                                                                                           \
        switch (t->form) {                                                                         \
        case 0:                                                                                    \
            MPI_##Name(UNWRAP small);                                                              \
            break;                                                                                 \
        case 1:                                                                                    \
            MPI_##Name##_c(UNWRAP large);                                                          \
            break;                                                                                 \
        case 2:                                                                                    \
            MPI_I##name(UNWRAP small, &t->request);                                                \
            break;                                                                                 \
        case 3:                                                                                    \
            MPI_I##name##_c(UNWRAP large, &t->request);                                            \
            break;                                                                                 \
        case 4:                                                                                    \
            MPI_##Name##_init(UNWRAP small, MPI_INFO_NULL, &t->request);                           \
            break;                                                                                 \
        default:                                                                                   \
            MPI_##Name##_init_c(UNWRAP large, MPI_INFO_NULL, &t->request);                         \
        }                                                                                          \
    } while (0)
#define UNWRAP(...)           __VA_ARGS__
#define SAME(Name, name, ...) START(Name, name, (__VA_ARGS__), (__VA_ARGS__))

/* Counts that stand for nothing are wrong on purpose where they must not be looked at. */
struct plain {
    void *buf;
    int count;
    MPI_Datatype type;
};

static struct plain plain_side(const struct task *t, bool out)
{
    const struct side *s = out ? &t->send : &t->recv;

    if (!s->parts && !is_rooted(t->kind))
        return (struct plain){s->buf, 0, MPI_BYTE};
    if (!s->parts)
        return (struct plain){NULL, -1, MPI_DATATYPE_NULL};
    return (struct plain){s->buf, t->counts[out][0], t->types[out][0]};
}

static int root_argument(const struct task *t)
{
    if (!place.remote || place.side != t->root_side)
        return t->root;
    return is_root(t) ? MPI_ROOT : MPI_PROC_NULL;
}

static void start_barrier(struct task *t)
{
    if (t->form < 2)
        MPI_Barrier(place.comm);
    else if (t->form < 4)
        MPI_Ibarrier(place.comm, &t->request);
    else
        MPI_Barrier_init(place.comm, MPI_INFO_NULL, &t->request);
}

static void start_rooted(struct task *t)
{
    struct plain s = plain_side(t, true), r = plain_side(t, false);
    int root = root_argument(t), *n = t->counts[0], *d = t->displs[0];
    MPI_Count *large = t->large[0];
    MPI_Aint *large_d = t->large_displs[0];

    switch (t->kind) {
    case BCAST:
        s = t->send.parts ? s : r;
        SAME(Bcast, bcast, s.buf, s.count, s.type, root, place.comm);
        return;
    case GATHER:
        s.buf = is_in_place(t) ? MPI_IN_PLACE : s.buf;
        SAME(Gather, gather, s.buf, s.count, s.type, r.buf, r.count, r.type, root, place.comm);
        return;
    case GATHERV:
        s.buf = is_in_place(t) ? MPI_IN_PLACE : s.buf;
        START(Gatherv, gatherv, (s.buf, s.count, s.type, r.buf, n, d, r.type, root, place.comm),
              (s.buf, s.count, s.type, r.buf, large, large_d, r.type, root, place.comm));
        return;
    case SCATTER:
        r.buf = is_in_place(t) ? MPI_IN_PLACE : r.buf;
        SAME(Scatter, scatter, s.buf, s.count, s.type, r.buf, r.count, r.type, root, place.comm);
        return;
    default:
        n = t->counts[1], d = t->displs[1], large = t->large[1], large_d = t->large_displs[1];
        r.buf = is_in_place(t) ? MPI_IN_PLACE : r.buf;
        START(Scatterv, scatterv, (s.buf, n, d, s.type, r.buf, r.count, r.type, root, place.comm),
              (s.buf, large, large_d, s.type, r.buf, r.count, r.type, root, place.comm));
    }
}

static void start_all(struct task *t)
{
    struct plain s = plain_side(t, true), r = plain_side(t, false);
    int *n = t->counts[1], *m = t->counts[0], *d = t->displs[1], *e = t->displs[0];
    MPI_Count *ln = t->large[1], *lm = t->large[0];
    MPI_Aint *ld = t->large_displs[1], *le = t->large_displs[0];
    MPI_Datatype *st = t->types[1], *rt = t->types[0];

    s.buf = is_in_place(t) ? MPI_IN_PLACE : s.buf;
    switch (t->kind) {
    case ALLGATHER:
        SAME(Allgather, allgather, s.buf, s.count, s.type, r.buf, r.count, r.type, place.comm);
        return;
    case ALLGATHERV:
        START(Allgatherv, allgatherv, (s.buf, s.count, s.type, r.buf, m, e, r.type, place.comm),
              (s.buf, s.count, s.type, r.buf, lm, le, r.type, place.comm));
        return;
    case ALLTOALL:
        SAME(Alltoall, alltoall, s.buf, s.count, s.type, r.buf, r.count, r.type, place.comm);
        return;
    case ALLTOALLV:
        START(Alltoallv, alltoallv, (s.buf, n, d, s.type, r.buf, m, e, r.type, place.comm),
              (s.buf, ln, ld, s.type, r.buf, lm, le, r.type, place.comm));
        return;
    default:
        START(Alltoallw, alltoallw, (s.buf, n, d, st, r.buf, m, e, rt, place.comm),
              (s.buf, ln, ld, st, r.buf, lm, le, rt, place.comm));
    }
}

static void start_neighbor(struct task *t)
{
    struct plain s = plain_side(t, true), r = plain_side(t, false);
    int *n = t->counts[1], *m = t->counts[0], *d = t->displs[1], *e = t->displs[0];
    MPI_Count *ln = t->large[1], *lm = t->large[0];
    MPI_Aint *ld = t->large_displs[1], *le = t->large_displs[0];
    MPI_Datatype *st = t->types[1], *rt = t->types[0];

    switch (t->kind) {
    case NEIGHBOR_ALLGATHER:
        SAME(Neighbor_allgather, neighbor_allgather, s.buf, s.count, s.type, r.buf, r.count, r.type,
             place.comm);
        return;
    case NEIGHBOR_ALLGATHERV:
        START(Neighbor_allgatherv, neighbor_allgatherv,
              (s.buf, s.count, s.type, r.buf, m, e, r.type, place.comm),
              (s.buf, s.count, s.type, r.buf, lm, le, r.type, place.comm));
        return;
    case NEIGHBOR_ALLTOALL:
        SAME(Neighbor_alltoall, neighbor_alltoall, s.buf, s.count, s.type, r.buf, r.count, r.type,
             place.comm);
        return;
    case NEIGHBOR_ALLTOALLV:
        START(Neighbor_alltoallv, neighbor_alltoallv,
              (s.buf, n, d, s.type, r.buf, m, e, r.type, place.comm),
              (s.buf, ln, ld, s.type, r.buf, lm, le, r.type, place.comm));
        return;
    default:
        START(Neighbor_alltoallw, neighbor_alltoallw,
              (s.buf, n, ld, st, r.buf, m, le, rt, place.comm),
              (s.buf, ln, ld, st, r.buf, lm, le, rt, place.comm));
    }
}

static void start_reduction(struct task *t)
{
    void *s = is_in_place(t) ? MPI_IN_PLACE : t->send.buf, *r = t->recv.buf;
    int n = (int)t->most, root = root_argument(t);
    MPI_Datatype type = t->op.layout->type;
    MPI_Op op = t->op.op;

    switch (t->kind) {
    case REDUCE:
        SAME(Reduce, reduce, s, r, n, type, op, root, place.comm);
        return;
    case ALLREDUCE:
        SAME(Allreduce, allreduce, s, r, n, type, op, place.comm);
        return;
    case REDUCE_SCATTER:
        START(Reduce_scatter, reduce_scatter, (s, r, t->counts[0], type, op, place.comm),
              (s, r, t->large[0], type, op, place.comm));
        return;
    case REDUCE_SCATTER_BLOCK:
        n = t->counts[0][0];
        SAME(Reduce_scatter_block, reduce_scatter_block, s, r, n, type, op, place.comm);
        return;
    case SCAN:
        SAME(Scan, scan, s, r, n, type, op, place.comm);
        return;
    default:
        SAME(Exscan, exscan, s, r, n, type, op, place.comm);
    }
}

void start(struct task *t)
{
    if (t->kind == BARRIER)
        start_barrier(t);
    else if (is_reduction(t->kind))
        start_reduction(t);
    else if (t->kind <= SCATTERV)
        start_rooted(t);
    else if (t->kind <= ALLTOALLW)
        start_all(t);
    else
        start_neighbor(t);
}
