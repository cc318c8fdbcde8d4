/* SPDX-License-Identifier: BSD-3-Clause */
/* From all of one group to all of the other, in both directions at once. */
#include "core/coll/coll_engine.h"

/* Remote partners with whom a rank exchanges at once. */
enum { AT_ONCE = 16 };

/*
 * Each group for itself, then the two ranks 0 tell each other, then each group again: nobody
 * leaves before all of the other group have come. 2 log p + 1 alpha.
 */
enum coll_step inter_barrier(struct coll *k)
{
    if (k->rank == 0 && k->round == 1) {
        coll_await(k, 0);
        coll_signal(k, 0);
        return COLL_MORE;
    }
    coll_child(k, &(struct coll_args){.kind = COLL_BARRIER, .comm = k->comm->local});
    return k->round == 0 ? COLL_MORE : COLL_LAST;
}

/*
 * A reduction to rank 0 on either side, an exchange of the two results, a broadcast. 2 log p + 1
 * (alpha + n beta) and log p n gamma; `both`: the two results are then folded into one, for which
 * the operator must commute.
 */
static enum coll_step allreduce(struct coll *k, bool both)
{
    const struct coll_side *s = &k->args.send;
    void *result = (void *)k->args.recv.buf;

    if (k->round == 0)
        return inter_local_reduce(k, s->count, 0, 0) ? COLL_MORE : COLL_LAST;
    if (k->rank == 0 && k->round == 1) {
        coll_recv(k, 0, result, s->count, s->type);
        coll_send(k, 0, k->acc, s->count, s->type);
        return COLL_MORE;
    }
    if (both && k->rank == 0)
        coll_reduce(k, k->acc, result, s->count);
    inter_local_bcast(k, result, s->count, s->type);
    return COLL_LAST;
}

enum coll_step inter_allreduce(struct coll *k)
{
    return allreduce(k, false);
}

enum coll_step inter_allreduce_both(struct coll *k)
{
    return allreduce(k, true);
}

/*
 * A reduction to rank 0 on either side, an exchange of the two results, a scatter of what came from
 * the other side. Its displacements stand in the scratch, before the two blocks of data.
 */
enum coll_step inter_reduce_scatter(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count total = coll_items_before(k, k->size);
    size_t span = coll_span(total, t);
    size_t displs = coll_span(k->size * (MPI_Count)sizeof(MPI_Count), &datatype_byte);

    if (k->round == 0)
        return inter_local_reduce(k, total, displs, span) ? COLL_MORE : COLL_LAST;
    char *theirs = coll_place(k->scratch + displs + span, total, t);
    if (k->rank == 0 && k->round == 1) {
        coll_recv(k, 0, theirs, total, t);
        coll_send(k, 0, k->acc, total, t);
        return COLL_MORE;
    }
    coll_deal(k, k->comm->local, theirs, (MPI_Count *)k->scratch);
    return COLL_LAST;
}

/*
 * Pairs of ranks that choose each other, whatever the sizes of the groups: in step s rank i's
 * partner is that with i + j = s modulo the larger size, where it exists. Some steps a round.
 */
enum coll_step inter_alltoall(struct coll *k)
{
    int remote = k->sends, steps = k->size > remote ? k->size : remote;
    int first = k->round * AT_ONCE;
    int end = steps - first > AT_ONCE ? first + AT_ONCE : steps;

    for (int step = first; step < end; step++) {
        int partner = step < k->rank ? step - k->rank + steps : step - k->rank;

        if (partner >= remote)
            continue;
        coll_recv_part(k, partner, &k->args.recv, partner);
        coll_send_part(k, partner, &k->args.send, partner);
    }
    return end == steps ? COLL_LAST : COLL_MORE;
}

/* ---- Allgather ---- */

/* The ranks of a group of `n` are dealt out to one of `owners`: the first that belongs to one. */
static int first_of(int owner, int n, int owners)
{
    return (int)((int64_t)owner * n / owners);
}

static int owner_of(int rank, int n, int owners)
{
    return (int)((((int64_t)rank + 1) * owners - 1) / n);
}

/* Where all that arrives stands packed, and what each local rank gets of it. */
struct deal {
    char *packed;
    MPI_Count *counts, *displs;
};

/* The receive buffer itself is such a place. */
static bool is_packed(const struct coll_side *r)
{
    return !r->counts.width && r->type->contiguous;
}

static size_t bytes_from(const struct coll *k, int first, int end)
{
    const struct coll_side *r = &k->args.recv;
    size_t sum = 0;

    if (!r->counts.width)
        return (size_t)(end - first) * coll_bytes(k, r, 0);
    for (int i = first; i < end; i++)
        sum += coll_bytes(k, r, i);
    return sum;
}

static bool deal_make(struct coll *k, struct deal *d)
{
    const struct coll_side *r = &k->args.recv;
    size_t table = (size_t)k->size * sizeof(MPI_Count);
    size_t bytes = is_packed(r) ? 0 : bytes_from(k, 0, k->receives);

    if (k->round == 0 && !coll_room_behind(k, 2 * table, bytes))
        return false;
    d->counts = (MPI_Count *)k->scratch;
    d->displs = d->counts + k->size;
    d->packed = is_packed(r) ? datatype_address(r->buf, r->type) : k->scratch + 2 * table;
    return true;
}

static void fill_tables(struct coll *k, const struct deal *d)
{
    MPI_Count at = 0;

    for (int i = 0; i < k->size; i++) {
        d->displs[i] = at;
        d->counts[i] = (MPI_Count)bytes_from(k, first_of(i, k->receives, k->size),
                                             first_of(i + 1, k->receives, k->size));
        at += d->counts[i];
    }
}

static void receive_own(struct coll *k, const struct deal *d)
{
    char *at = d->packed + d->displs[k->rank];

    for (int i = first_of(k->rank, k->receives, k->size);
         i < first_of(k->rank + 1, k->receives, k->size); i++) {
        size_t n = coll_bytes(k, &k->args.recv, i);

        coll_recv(k, i, at, (MPI_Count)n, &datatype_byte);
        at += n;
    }
}

static void gather_all(struct coll *k, const struct deal *d)
{
    coll_child(k, &(struct coll_args){.kind = COLL_ALLGATHERV,
                                      .comm = k->comm->local,
                                      .send = {.buf = MPI_IN_PLACE},
                                      .recv = {.buf = d->packed,
                                               .counts = {d->counts, sizeof *d->counts},
                                               .displs = {d->displs, sizeof *d->displs},
                                               .type = &datatype_byte}});
}

static void unpack_all(struct coll *k, const struct deal *d)
{
    const struct coll_side *r = &k->args.recv;
    const char *at = d->packed;

    for (int i = 0; i < k->receives; i++) {
        size_t n = coll_bytes(k, r, i);

        coll_copy(k, at, (MPI_Count)n, &datatype_byte, coll_at(r, i), coll_count(r, i), r->type);
        at += n;
    }
}

/*
 * The parts of one group are dealt out to the ranks of the other, which then have an allgather
 * among themselves: each part crosses once, and no rank is a bottleneck.
 */
enum coll_step inter_allgather(struct coll *k)
{
    const struct coll_side *s = &k->args.send;
    struct deal d;

    if (!deal_make(k, &d))
        return COLL_LAST;
    if (k->round == 0) {
        fill_tables(k, &d);
        receive_own(k, &d);
        coll_send(k, owner_of(k->rank, k->size, k->receives), s->buf, s->count, s->type);
        return COLL_MORE;
    }
    if (k->round == 1) {
        gather_all(k, &d);
        return is_packed(&k->args.recv) ? COLL_LAST : COLL_MORE;
    }
    unpack_all(k, &d);
    return COLL_LAST;
}
