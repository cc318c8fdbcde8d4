/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives in two levels, on each host and between the leaders [Karonis et al., "Exploiting
 * Hierarchy in Parallel Computer Networks to Optimize Collective Operation Performance", IPDPS
 * 2000]. Where there is a root, it leads its host.
 */
#include "core/coll/hosts.h"

/* ---- Turns ---- */

/* Waits as one that may be in two levels; then all know who is where, and choose alike. */
enum coll_step hosts_pending(struct coll *k)
{
    struct coll_hosts *h = k->comm->hosts;

    if (!k->persistent && !coll_take_turn(&h->turns, k))
        return COLL_PARK;
    if (h->state == HOSTS_ASKING)
        return COLL_POLL;
    k->call = coll_select(k);
    if (!k->in_hosts && !k->persistent)
        coll_end_turn(&h->turns);
    return k->call(k);
}

/*
 * The next one's turn begins as soon as the last part of this one has been started: on a host, that
 * part is before all of the next one's.
 */
static enum coll_step run(struct coll *k, coll_round_fn *body)
{
    struct coll_turns *t = &k->comm->hosts->turns;

    if (!k->persistent && !coll_take_turn(t, k))
        return COLL_PARK;
    enum coll_step step = body(k);
    if (step == COLL_LAST && !k->persistent)
        coll_end_turn(t);
    return step;
}

/* ---- The two levels ---- */

static bool alone(const struct coll *k)
{
    return k->comm->hosts->size == 1;
}

static void inside(struct coll *k, struct coll_args args)
{
    const struct coll_hosts *h = k->comm->hosts;
    struct coll_scope members = {.ranks = h->members, .rank = h->rank, .size = h->size};

    if (alone(k))
        return;
    args.comm = k->comm;
    args.scope = &members;
    args.op = k->args.op;
    coll_child(k, &args);
}

/* On leaders; `leaders` lasts as long as k. */
static void among(struct coll *k, const int *leaders, struct coll_args args)
{
    const struct coll_hosts *h = k->comm->hosts;
    struct coll_scope scope = {.ranks = leaders, .rank = h->here, .size = h->count};

    args.comm = k->comm;
    args.scope = &scope;
    args.op = k->args.op;
    coll_child(k, &args);
}

static bool leads(const struct coll *k)
{
    return k->comm->hosts->rank == 0;
}

/* ---- Without a root ---- */

static enum coll_step barrier(struct coll *k)
{
    struct coll_side byte = {.buf = k->scratch, .count = 1, .type = &datatype_byte};

    switch (k->round) {
    case 0:
        k->scratch[0] = 0;
        inside(k, (struct coll_args){.kind = COLL_BARRIER});
        return COLL_MORE;
    case 1:
        if (leads(k))
            among(k, k->comm->hosts->leaders, (struct coll_args){.kind = COLL_BARRIER});
        return COLL_MORE;
    default:
        inside(k, (struct coll_args){.kind = COLL_BCAST, .send = byte});
        return COLL_LAST;
    }
}

/* All are there on each host, then on all, which a byte tells the others. */
enum coll_step hosts_barrier(struct coll *k)
{
    return run(k, barrier);
}

static enum coll_step allreduce(struct coll *k)
{
    const struct coll_args *args = &k->args;
    struct coll_side own = args->send, result = args->send;

    result.buf = args->recv.buf;
    switch (k->round) {
    case 0:
        if (!leads(k))
            own.buf = coll_own(k);
        inside(k, (struct coll_args){.kind = COLL_REDUCE, .send = own, .recv = args->recv});
        return COLL_MORE;
    case 1:
        if (!alone(k))
            own.buf = MPI_IN_PLACE;
        if (leads(k))
            among(k, k->comm->hosts->leaders,
                  (struct coll_args){.kind = COLL_ALLREDUCE, .send = own, .recv = args->recv});
        return COLL_MORE;
    default:
        inside(k, (struct coll_args){.kind = COLL_BCAST, .send = result});
        return COLL_LAST;
    }
}

/* Reduce on each host, allreduce between the leaders, bcast on each host. */
enum coll_step hosts_allreduce(struct coll *k)
{
    return run(k, allreduce);
}

/* The parts of this host to where they belong on its leader. */
static void gather_here(struct coll *k)
{
    const struct coll_side *r = &k->args.recv;
    struct coll_side own = k->args.send, here = *r;

    if (alone(k)) {
        if (!coll_in_place(&own))
            coll_copy(k, own.buf, own.count, own.type, coll_at(r, k->rank), r->count, r->type);
        return;
    }
    here.buf = coll_at(r, k->comm->hosts->members[0]);
    if (coll_in_place(&own) && !leads(k)) {
        own = *r;
        own.buf = coll_at(r, k->rank);
    }
    inside(k, (struct coll_args){.kind = COLL_GATHER, .send = own, .recv = here});
}

/* Blocks of hosts: their counts and displacements in the scratch, where they differ. */
static void gather_hosts(struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;
    struct coll_side all = k->args.recv;
    enum coll_kind kind = h->even ? COLL_ALLGATHER : COLL_ALLGATHERV;

    if (h->even) {
        all.count *= h->most;
    } else {
        MPI_Count *counts = (MPI_Count *)k->scratch, *displs = counts + h->count;

        for (int i = 0; i < h->count; i++) {
            counts[i] = h->sizes[i] * k->args.recv.count;
            displs[i] = h->leaders[i] * k->args.recv.count;
        }
        all.counts = VEC(counts);
        all.displs = VEC(displs);
    }
    among(k, h->leaders,
          (struct coll_args){.kind = kind, .send = {.buf = MPI_IN_PLACE}, .recv = all});
}

static enum coll_step allgather(struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;
    struct coll_side all = k->args.recv;

    all.count *= k->size;
    switch (k->round) {
    case 0:
        if (!h->even && !coll_scratch(k, 2 * (size_t)h->count * sizeof(MPI_Count)))
            return COLL_LAST;
        gather_here(k);
        return COLL_MORE;
    case 1:
        if (leads(k))
            gather_hosts(k);
        return COLL_MORE;
    default:
        inside(k, (struct coll_args){.kind = COLL_BCAST, .send = all});
        return COLL_LAST;
    }
}

/* Gather on each host, allgather of their blocks between the leaders, bcast on each host. */
enum coll_step hosts_allgather(struct coll *k)
{
    return run(k, allgather);
}

/* ---- With a root ---- */

static int root_host(const struct coll *k)
{
    return k->comm->hosts->host_of[k->args.root];
}

/* The rank among this host's that leads it. */
static int leader_here(const struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;
    int i = 0;

    if (root_host(k) == h->here)
        while (h->members[i] != k->args.root)
            i++;
    return i;
}

static size_t list_room(const struct coll *k)
{
    return ((size_t)k->comm->hosts->count * sizeof(int) + 63) & ~(size_t)63;
}

/* The leaders, the root among them: in the scratch where it is not one anyway. */
static const int *leaders_with_root(struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;
    int *list = (int *)k->scratch;

    if (h->leaders[root_host(k)] == k->args.root)
        return h->leaders;
    for (int i = 0; i < h->count; i++)
        list[i] = h->leaders[i];
    list[root_host(k)] = k->args.root;
    return list;
}

static enum coll_step bcast(struct coll *k)
{
    int leader = leader_here(k);
    struct coll_args args = {.kind = COLL_BCAST, .send = k->args.send, .root = root_host(k)};

    if (k->round == 0) {
        if (!coll_scratch(k, list_room(k)))
            return COLL_LAST;
        if (leader == k->comm->hosts->rank)
            among(k, leaders_with_root(k), args);
        return COLL_MORE;
    }
    args.root = leader;
    inside(k, args);
    return COLL_LAST;
}

/* From the root to the leaders, from each of them to its host. */
enum coll_step hosts_bcast(struct coll *k)
{
    return run(k, bcast);
}

/* Where this host's result comes to: the receive buffer, or the scratch behind the leaders. */
static bool place_result(struct coll *k, bool leader)
{
    const struct coll_side *s = &k->args.send;
    bool root = k->rank == k->args.root;

    if (!coll_room_behind(k, list_room(k), leader && !root ? coll_span(s->count, s->type) : 0))
        return false;
    k->acc = root     ? (char *)k->args.recv.buf
             : leader ? coll_place(k->scratch + list_room(k), s->count, s->type)
                      : NULL;
    return true;
}

static enum coll_step reduce(struct coll *k)
{
    int at = leader_here(k);
    bool leader = at == k->comm->hosts->rank, root = k->rank == k->args.root;
    struct coll_args args = {.kind = COLL_REDUCE, .send = k->args.send};

    if (k->round == 0) {
        if (!place_result(k, leader))
            return COLL_LAST;
        args.recv.buf = k->acc;
        args.root = at;
        inside(k, args);
        return leader ? COLL_MORE : COLL_LAST;
    }
    if (!alone(k))
        args.send.buf = root ? MPI_IN_PLACE : k->acc;
    args.recv.buf = k->args.recv.buf;
    args.root = root_host(k);
    among(k, leaders_with_root(k), args);
    return COLL_LAST;
}

/* To the leader of each host, from them to the root. */
enum coll_step hosts_reduce(struct coll *k)
{
    return run(k, reduce);
}
