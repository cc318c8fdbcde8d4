/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm runs: of the rows of coll_table.def whose needs the operation meets, the one
 * whose formula gives the least. ORIEL_COLL_OPERATION=NAME forces one wherever its needs are met.
 * Every rank must decide alike, so a cost depends on nothing but what all ranks know.
 */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_cost.h"
#include "core/coll/coll_quick.h"
#include "core/coll/coll_trial.h"
#include "core/coll/hosts.h"
#include "core/coll/shm_area.h"
#include "provider/base/log.h"
#include "provider/base/param.h"

const char *const coll_names[COLL_KINDS] = {
    [COLL_BARRIER] = "Barrier",
    [COLL_BCAST] = "Bcast",
    [COLL_GATHER] = "Gather",
    [COLL_GATHERV] = "Gatherv",
    [COLL_SCATTER] = "Scatter",
    [COLL_SCATTERV] = "Scatterv",
    [COLL_ALLGATHER] = "Allgather",
    [COLL_ALLGATHERV] = "Allgatherv",
    [COLL_ALLTOALL] = "Alltoall",
    [COLL_ALLTOALLV] = "Alltoallv",
    [COLL_ALLTOALLW] = "Alltoallw",
    [COLL_REDUCE] = "Reduce",
    [COLL_ALLREDUCE] = "Allreduce",
    [COLL_REDUCE_SCATTER] = "Reduce_scatter",
    [COLL_REDUCE_SCATTER_BLOCK] = "Reduce_scatter_block",
    [COLL_SCAN] = "Scan",
    [COLL_EXSCAN] = "Exscan",
    [COLL_NEIGHBOR_ALLGATHER] = "Neighbor_allgather",
    [COLL_NEIGHBOR_ALLGATHERV] = "Neighbor_allgatherv",
    [COLL_NEIGHBOR_ALLTOALL] = "Neighbor_alltoall",
    [COLL_NEIGHBOR_ALLTOALLV] = "Neighbor_alltoallv",
    [COLL_NEIGHBOR_ALLTOALLW] = "Neighbor_alltoallw",
    [COLL_CONTEXT] = "Comm_dup",
    [COLL_SHARE] = "Comm_create",
};

/* By kind: its rows, which stand together, and the one the environment asks for. */
static struct {
    const struct coll_row *first, *end, *forced;
} kinds[COLL_KINDS];

static bool fits(const struct coll_row *r, unsigned traits)
{
    return !(r->needs & ~traits);
}

/* Bytes of the whole operation, from what this rank's arguments say for all. */
static size_t bytes_of(const struct coll *k)
{
    const struct coll_side *s = &k->args.send, *r = &k->args.recv;
    size_t p = (size_t)k->size, sum = 0;

    switch (k->args.kind) {
    case COLL_BCAST:
    case COLL_REDUCE:
    case COLL_ALLREDUCE:
    case COLL_SCAN:
    case COLL_EXSCAN:
        return coll_bytes(k, s, 0);
    case COLL_GATHER:
        return p * (coll_in_place(s) ? coll_bytes(k, r, 0) : coll_bytes(k, s, 0));
    case COLL_SCATTER:
        return p * (k->rank == k->args.root ? coll_bytes(k, s, 0) : coll_bytes(k, r, 0));
    case COLL_ALLGATHER:
    case COLL_ALLTOALL:
        return p * coll_bytes(k, r, 0);
    case COLL_REDUCE_SCATTER_BLOCK:
        return p * coll_bytes(k, s, 0);
    case COLL_ALLGATHERV:
        for (int i = 0; i < k->size; i++)
            sum += coll_bytes(k, r, i);
        return sum;
    case COLL_REDUCE_SCATTER:
        for (int i = 0; i < k->size; i++)
            sum += (size_t)vec_at(r->counts, i) * (size_t)s->type->size;
        return sum;
    default:
        return 0;
    }
}

/* What holds between all ranks of the operation, and is the same on all of them. */
static enum coll_endpoint endpoint_of(const struct coll *k)
{
    if ((k->comm->reach == FABRIC_LOCAL || hosts_is_here(k)) && fabric_is_shared())
        return COLL_NODE;
    return fabric_limits()->emulated ? COLL_STACK : COLL_DEVICE;
}

size_t coll_segment(const struct coll *k)
{
    return (size_t)coll_costs[endpoint_of(k)].segment;
}

MPI_Count coll_segment_items(const struct coll *k)
{
    MPI_Count n = (MPI_Count)coll_segment(k), size = k->args.send.type->size;

    return size < n ? n / (size ? size : 1) : 1;
}

static unsigned traits_of(const struct coll *k)
{
    unsigned traits = coll_in_place(&k->args.send) ? IN_PLACE : NOT_IN_PLACE;

    if (k->args.op && k->args.op->commutative)
        traits |= COMMUTATIVE;
    if (!(k->size & (k->size - 1)))
        traits |= POWER_OF_2;
    if (shm_serves(k)) {
        if (shm_fits(k))
            traits |= AREA;
        if (k->args.kind == COLL_REDUCE && shm_fits_slot(k))
            traits |= SLOT;
        if (shm_fetches(k))
            traits |= DIRECT;
    }
    if (hosts_serves(k) && hosts_suit(k))
        traits |= HOSTS;
    return traits;
}

const struct coll_row *coll_cheapest(enum coll_kind kind, const struct coll_shape *s)
{
    const struct coll_row *best = NULL;
    double least = 0;

    for (const struct coll_row *r = kinds[kind].first; r < kinds[kind].end; r++) {
        double cost = fits(r, s->traits) ? r->cost(s) : -1;

        if (cost >= 0 && (!best || cost < least)) {
            best = r;
            least = cost;
        }
    }
    return best;
}

static struct coll_shape shape_of(const struct coll *k, size_t n, unsigned traits)
{
    struct coll_shape s = {.p = k->size,
                           .n = (double)n,
                           .load = traits & (AREA | DIRECT) ? k->comm->area->load : 1,
                           .c = &coll_costs[endpoint_of(k)],
                           .traits = traits};

    if (traits & HOSTS)
        hosts_shape(k, &s);
    return s;
}

static const struct coll_row *compare(const struct coll *k, size_t n, unsigned traits)
{
    struct coll_shape s = shape_of(k, n, traits);

    return coll_cheapest(k->args.kind, &s);
}

/* The forced row, or the cheapest, which is often that of the last time. */
static const struct coll_row *choose(struct coll *k)
{
    enum coll_kind kind = k->args.kind;
    struct comm *c = k->comm;
    const struct coll_row *forced = kinds[kind].forced;

    if (kinds[kind].end - kinds[kind].first == 1)
        return kinds[kind].first;
    unsigned traits = traits_of(k);
    if (forced && fits(forced, traits))
        return forced;
    size_t n = bytes_of(k);
    if (k->ranks) /* some of the communicator's */
        return compare(k, n, traits);
    if (coll_trial_serves(k, n, traits)) {
        struct coll_shape s = shape_of(k, n, traits);
        return coll_trial_row(k, &s);
    }
    if (!c->choices && !(c->choices = calloc(COLL_KINDS, sizeof *c->choices)))
        return compare(k, n, traits);
    struct coll_choice *last = &c->choices[kind];
    if (!last->row || last->n != n || last->traits != traits)
        *last = (struct coll_choice){.row = compare(k, n, traits), .n = n, .traits = traits};
    coll_quick_note(k, last);
    return last->row;
}

coll_round_fn *coll_take_row(struct coll *k, const struct coll_row *r)
{
    k->in_area = r->needs & (AREA | SLOT | DIRECT);
    k->in_hosts = r->needs & HOSTS;
    return r->round;
}

coll_round_fn *coll_select(struct coll *k)
{
    if (k->args.round)
        return k->args.round;
    if (comm_is_inter(k->comm))
        return inter_select(k->args.kind);
    /* Until it is known on all ranks whether there is an area, nobody can decide as the others. */
    if (shm_serves(k) && k->comm->area->state == SHM_ASKING)
        return shm_pending;
    if (hosts_serves(k) && k->comm->hosts->state == HOSTS_ASKING)
        return hosts_pending;
    return coll_take_row(k, choose(k));
}

/* ---- What the environment forces ---- */

static void force(enum coll_kind kind, const char *parameter, const char *name)
{
    char known[128] = "";

    if (!name || !*name)
        return;
    for (const struct coll_row *r = kinds[kind].first; r < kinds[kind].end; r++) {
        if (!strcmp(r->name, name)) {
            kinds[kind].forced = r;
            return;
        }
        if (*known)
            strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, r->name, sizeof known - strlen(known) - 1);
    }
    log_line(LOG_WARN, "%s=%s names no algorithm; known are %s", parameter, name, known);
}

void coll_select_open(void)
{
    coll_cost_open();
    for (const struct coll_row *r = coll_rows; r < coll_rows + coll_row_count; r++) {
        if (!kinds[r->kind].first)
            kinds[r->kind].first = r;
        kinds[r->kind].end = r + 1;
    }
#define FORCE(KIND, field) force(COLL_##KIND, "ORIEL_COLL_" #KIND, param.coll_##field)
    FORCE(BARRIER, barrier);
    FORCE(BCAST, bcast);
    FORCE(GATHER, gather);
    FORCE(GATHERV, gatherv);
    FORCE(SCATTER, scatter);
    FORCE(SCATTERV, scatterv);
    FORCE(ALLGATHER, allgather);
    FORCE(ALLGATHERV, allgatherv);
    FORCE(ALLTOALL, alltoall);
    FORCE(ALLTOALLV, alltoallv);
    FORCE(ALLTOALLW, alltoallw);
    FORCE(REDUCE, reduce);
    FORCE(ALLREDUCE, allreduce);
    FORCE(REDUCE_SCATTER, reduce_scatter);
    FORCE(REDUCE_SCATTER_BLOCK, reduce_scatter_block);
    FORCE(SCAN, scan);
    FORCE(EXSCAN, exscan);
#undef FORCE
}
