/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/halving.h"

static MPI_Count items_of(const struct coll *k, int rank)
{
    const struct vec counts = k->args.recv.counts;

    return counts.width ? vec_at(counts, rank) : k->args.send.count;
}

MPI_Count coll_items_before(const struct coll *k, int rank)
{
    MPI_Count sum = 0;

    if (!k->args.recv.counts.width)
        return rank * k->args.send.count;
    for (int i = 0; i < rank; i++)
        sum += vec_at(k->args.recv.counts, i);
    return sum;
}

static void start_reduce(struct coll *k, MPI_Count total, size_t at)
{
    struct datatype *t = k->args.send.type;

    coll_child(
        k, &(struct coll_args){.kind = COLL_REDUCE,
                               .comm = k->comm,
                               .send = {.buf = coll_own(k), .count = total, .type = t},
                               .recv = {.buf = coll_place(k->scratch + at, total, t), .type = t},
                               .op = k->args.op});
}

void coll_deal(struct coll *k, struct comm *c, const void *data, MPI_Count *displs)
{
    struct datatype *t = k->args.send.type;
    struct coll_args a = {
        .kind = COLL_SCATTERV,
        .comm = c,
        .send = {.buf = data, .type = t},
        .recv = {.buf = k->args.recv.buf, .count = items_of(k, k->rank), .type = t}};

    if (!k->args.recv.counts.width) {
        a.kind = COLL_SCATTER;
        a.send.count = k->args.send.count;
    } else if (k->rank == 0) {
        MPI_Count at = 0;

        for (int i = 0; i < k->size; i++) {
            displs[i] = at;
            at += items_of(k, i);
        }
        a.send.counts = k->args.recv.counts;
        a.send.displs = (struct vec){displs, sizeof *displs};
    }
    coll_child(k, &a);
}

/*
 * A reduction to rank 0, then a scatter from there, each as the table chooses: 2 log p alpha +
 * (log p + 1) n beta + log p n gamma. Any operator; for short messages. The displacements that the
 * scatter needs stand in the scratch, before the data.
 */
enum coll_step reduce_scatter_composed(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count total = coll_items_before(k, k->size);
    size_t displs = coll_span(k->size * (MPI_Count)sizeof(MPI_Count), &datatype_byte);

    if (k->round == 0) {
        if (k->rank == 0 && !coll_room_behind(k, displs, coll_span(total, t)))
            return COLL_LAST;
        start_reduce(k, total, displs);
        return COLL_MORE;
    }
    coll_deal(k, k->comm, coll_place(k->scratch + displs, total, t), (MPI_Count *)k->scratch);
    return COLL_LAST;
}

/*
 * Pairwise exchange (Thakur, Rabenseifner, Gropp, 2005): in round i a rank sends the part of the
 * rank i above and folds in its own part from the rank i below. (p - 1) alpha + n beta + n gamma;
 * commutative operators only, for long messages.
 */
enum coll_step reduce_scatter_pairwise(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count n = items_of(k, k->rank);
    const char *own = coll_own(k);
    int i = k->round + 1;

    if (k->round == 0) {
        size_t span = coll_span(n, t);

        coll_room(k, 2 * span);
        k->acc = coll_place(k->scratch, n, t);
        k->tmp = coll_place(k->scratch + span, n, t);
        coll_copy(k, own + coll_items_before(k, k->rank) * t->extent, n, t, k->acc, n, t);
    } else {
        coll_reduce(k, k->tmp, k->acc, n);
    }
    if (i < k->size) {
        int to = coll_wrap(k, k->rank + i);

        coll_recv(k, coll_wrap(k, k->rank - i), k->tmp, n, t);
        coll_send(k, to, own + coll_items_before(k, to) * t->extent, items_of(k, to), t);
        return COLL_MORE;
    }
    coll_copy(k, k->acc, n, t, (void *)k->args.recv.buf, n, t);
    return COLL_LAST;
}

/*
 * Recursive halving, on any number of ranks (halving.h): ceil(log p) alpha + n (beta + gamma), and
 * half of n copied. Commutative operators only.
 */
enum coll_step reduce_scatter_halving(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count n = items_of(k, k->rank);

    if (k->round == 0) {
        MPI_Count total = coll_items_before(k, k->size);
        size_t span = coll_span(total, t);

        coll_room(k, 2 * span);
        k->acc = coll_place(k->scratch, total, t);
        k->tmp = coll_place(k->scratch + span, total, t);
        halving_begin(k);
    }
    if (halving_step(k))
        return COLL_MORE;
    coll_copy(k, k->acc + coll_items_before(k, k->rank) * t->extent, n, t, (void *)k->args.recv.buf,
              n, t);
    return COLL_LAST;
}
