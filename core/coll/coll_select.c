/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm runs: one row each, with what it needs and what it costs. The cheapest row wins;
 * ORIEL_COLL_OPERATION=NAME forces one wherever its needs are met. Every rank must decide alike, so
 * a cost depends on nothing but what all ranks know.
 */
#include <string.h>

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

/*
 * Microseconds a message, a byte moved, a byte reduced, a byte copied on the own rank: a present
 * host's shared memory. To be measured per endpoint.
 */
static const double message = 0.5, beta = 1.0e-4, gamma_ = 0.35e-4, copy = 0.8e-4;
/* A step through a communicator's area, a look at a member's line there, a byte in or out. */
static const double area_step = 0.1, look = 0.01, move = 0.25e-4;
/*
 * Where ranks outnumber processors, whoever waits for the others waits until each has had its turn:
 * a rank's share of that lap.
 */
static const double turn = 0.55;

/* What the formulas know: ranks, rounded-up log of them, bytes of the whole operation. */
struct shape {
    double p, log_p, n;
    double alpha, step; /* what waiting for a message costs, or for a step */
    unsigned traits;
};

/* What an operation is, and what an algorithm needs it to be. */
enum traits {
    ANY = 0,
    COMMUTATIVE = 1,
    IN_PLACE = 2,
    NOT_IN_PLACE = 4,
    AREA = 8,  /* served by the communicator's area */
    SLOT = 16, /* the same, and a vector fits a slot there */
};

static double barrier_cost(const struct shape *s)
{
    return s->log_p * s->alpha;
}

static double bcast_tree_cost(const struct shape *s)
{
    return s->log_p * (s->alpha + s->n * beta);
}

static double bcast_cut_cost(const struct shape *s)
{
    return (s->log_p + s->p - 1) * s->alpha + 2 * s->n * beta;
}

static double linear_cost(const struct shape *s)
{
    return (s->p - 1) * s->alpha + s->n * beta;
}

/* Subtrees travel packed: half the data crosses an inner rank. */
static double packed_tree_cost(const struct shape *s)
{
    return s->log_p * s->alpha + s->n * (beta + copy) + s->n / 2 * beta;
}

static double allgather_bruck_cost(const struct shape *s)
{
    return s->log_p * s->alpha + s->n * (beta + copy);
}

static double alltoall_bruck_cost(const struct shape *s)
{
    return s->log_p * (s->alpha + s->n / 2 * (beta + 2 * copy)) + 2 * s->n * copy;
}

static double alltoall_in_place_cost(const struct shape *s)
{
    return s->p * s->alpha + s->n * (2 * beta + copy);
}

static double reduce_tree_cost(const struct shape *s)
{
    return s->log_p * (s->alpha + s->n * (beta + gamma_));
}

static double rabenseifner_cost(const struct shape *s)
{
    return 2 * s->log_p * s->alpha + s->n * (2 * beta + gamma_);
}

static double composed_cost(const struct shape *s)
{
    return 2 * s->log_p * s->alpha + s->n * ((s->log_p + 1) * beta + s->log_p * gamma_);
}

static double pairwise_cost(const struct shape *s)
{
    return (s->p - 1) * s->alpha + s->n * (beta + gamma_);
}

static double scan_cost(const struct shape *s)
{
    return s->log_p * (s->alpha + s->n * (beta + 2 * gamma_));
}

/* Pieces of what one step holds, room bytes of the operation's. */
static double area_cost(const struct shape *s, double room, double per_byte)
{
    return s->step * (1 + s->n / room) + s->p * look + s->n * per_byte;
}

static double area_bcast_cost(const struct shape *s)
{
    return area_cost(s, SHM_SET / 4, 2 * move);
}

static double area_parts_cost(const struct shape *s)
{
    return area_cost(s, SHM_SET, 1.2 * move);
}

/* A step holds a piece for each of p from each of p. */
static double area_alltoall_cost(const struct shape *s)
{
    return area_cost(s, SHM_SET / s->p, 1.2 * move);
}

static double area_fold_cost(const struct shape *s)
{
    return area_cost(s, SHM_SET / s->p, s->p * gamma_ + move);
}

static double area_stripes_cost(const struct shape *s)
{
    return 2 * area_cost(s, SHM_SET / s->p, (gamma_ + 1.5 * move) / 2);
}

static double area_fold_parts_cost(const struct shape *s)
{
    return area_cost(s, SHM_SET / s->p, gamma_ + move);
}

static const struct row {
    enum coll_kind kind;
    const char *name;
    coll_round_fn *round;
    unsigned needs; /* enum traits */
    double (*cost)(const struct shape *s);
} rows[] = {
    {COLL_BARRIER, "dissemination", barrier_dissemination, ANY, barrier_cost},
    {COLL_BARRIER, "area", shm_barrier, AREA, area_parts_cost},
    {COLL_BCAST, "binomial", bcast_binomial, ANY, bcast_tree_cost},
    {COLL_BCAST, "scatter_allgather", bcast_scatter_allgather, ANY, bcast_cut_cost},
    {COLL_BCAST, "area", shm_bcast, AREA, area_bcast_cost},
    {COLL_GATHER, "linear", gather_linear, ANY, linear_cost},
    {COLL_GATHER, "binomial", gather_binomial, ANY, packed_tree_cost},
    {COLL_GATHER, "area", shm_gather, AREA, area_parts_cost},
    {COLL_GATHERV, "linear", gather_linear, ANY, linear_cost},
    {COLL_SCATTER, "linear", scatter_linear, ANY, linear_cost},
    {COLL_SCATTER, "binomial", scatter_binomial, ANY, packed_tree_cost},
    {COLL_SCATTER, "area", shm_scatter, AREA, area_parts_cost},
    {COLL_SCATTERV, "linear", scatter_linear, ANY, linear_cost},
    {COLL_ALLGATHER, "ring", allgather_ring, ANY, linear_cost},
    {COLL_ALLGATHER, "bruck", allgather_bruck, ANY, allgather_bruck_cost},
    {COLL_ALLGATHER, "area", shm_allgather, AREA, area_parts_cost},
    {COLL_ALLGATHERV, "ring", allgather_ring, ANY, linear_cost},
    {COLL_ALLGATHERV, "bruck", allgather_bruck, ANY, allgather_bruck_cost},
    {COLL_ALLGATHERV, "area", shm_allgather, AREA, area_parts_cost},
    {COLL_ALLTOALL, "scattered", alltoall_scattered, NOT_IN_PLACE, linear_cost},
    {COLL_ALLTOALL, "in_place", alltoall_in_place, IN_PLACE, alltoall_in_place_cost},
    {COLL_ALLTOALL, "bruck", alltoall_bruck, ANY, alltoall_bruck_cost},
    {COLL_ALLTOALL, "area", shm_alltoall, AREA, area_alltoall_cost},
    {COLL_ALLTOALLV, "scattered", alltoall_scattered, NOT_IN_PLACE, linear_cost},
    {COLL_ALLTOALLV, "in_place", alltoall_in_place, IN_PLACE, alltoall_in_place_cost},
    {COLL_ALLTOALLW, "scattered", alltoall_scattered, NOT_IN_PLACE, linear_cost},
    {COLL_ALLTOALLW, "in_place", alltoall_in_place, IN_PLACE, alltoall_in_place_cost},
    {COLL_REDUCE, "binomial", reduce_binomial, ANY, reduce_tree_cost},
    {COLL_REDUCE, "area", shm_reduce, SLOT, area_fold_cost},
    {COLL_REDUCE, "stripes", shm_stripes, AREA, area_stripes_cost},
    {COLL_ALLREDUCE, "doubling", allreduce_doubling, ANY, reduce_tree_cost},
    {COLL_ALLREDUCE, "rabenseifner", allreduce_rabenseifner, COMMUTATIVE, rabenseifner_cost},
    {COLL_ALLREDUCE, "area", shm_allreduce, AREA, area_fold_cost},
    {COLL_ALLREDUCE, "stripes", shm_stripes, AREA, area_stripes_cost},
    {COLL_REDUCE_SCATTER, "composed", reduce_scatter_composed, ANY, composed_cost},
    {COLL_REDUCE_SCATTER, "pairwise", reduce_scatter_pairwise, COMMUTATIVE, pairwise_cost},
    {COLL_REDUCE_SCATTER, "area", shm_reduce_scatter, AREA, area_fold_parts_cost},
    {COLL_REDUCE_SCATTER_BLOCK, "composed", reduce_scatter_composed, ANY, composed_cost},
    {COLL_REDUCE_SCATTER_BLOCK, "pairwise", reduce_scatter_pairwise, COMMUTATIVE, pairwise_cost},
    {COLL_REDUCE_SCATTER_BLOCK, "area", shm_reduce_scatter, AREA, area_fold_parts_cost},
    {COLL_SCAN, "doubling", scan_doubling, ANY, scan_cost},
    {COLL_SCAN, "area", shm_scan, AREA, area_fold_cost},
    {COLL_EXSCAN, "doubling", scan_doubling, ANY, scan_cost},
    {COLL_EXSCAN, "area", shm_scan, AREA, area_fold_cost},
    {COLL_NEIGHBOR_ALLGATHER, "linear", neighbor_linear, ANY, linear_cost},
    {COLL_NEIGHBOR_ALLGATHERV, "linear", neighbor_linear, ANY, linear_cost},
    {COLL_NEIGHBOR_ALLTOALL, "linear", neighbor_linear, ANY, linear_cost},
    {COLL_NEIGHBOR_ALLTOALLV, "linear", neighbor_linear, ANY, linear_cost},
    {COLL_NEIGHBOR_ALLTOALLW, "linear", neighbor_linear, ANY, linear_cost},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* By kind: its rows, which stand together, and the one the environment asks for. */
static struct {
    const struct row *first, *end, *forced;
} kinds[COLL_KINDS];

static bool fits(const struct row *r, const struct shape *s)
{
    return !(r->needs & ~s->traits);
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

static struct shape shape_of(const struct coll *k)
{
    bool area = shm_serves(k), crowded = area && k->comm->area->crowded;
    struct shape s = {.p = k->size, .n = (double)bytes_of(k)};

    s.log_p = k->size > 1 ? 32 - __builtin_clz((unsigned)k->size - 1) : 0;
    s.alpha = crowded ? turn * s.p : message;
    s.step = crowded ? turn * s.p : area_step;
    s.traits = coll_in_place(&k->args.send) ? IN_PLACE : NOT_IN_PLACE;
    if (k->args.op && k->args.op->commutative)
        s.traits |= COMMUTATIVE;
    if (area)
        s.traits |= AREA;
    if (area && k->args.kind == COLL_REDUCE && shm_fits_slot(k))
        s.traits |= SLOT;
    return s;
}

static const struct row *cheapest(enum coll_kind kind, const struct shape *s)
{
    const struct row *best = NULL;
    double least = 0;

    for (const struct row *r = kinds[kind].first; r < kinds[kind].end; r++) {
        double cost = fits(r, s) ? r->cost(s) : -1;

        if (cost >= 0 && (!best || cost < least)) {
            best = r;
            least = cost;
        }
    }
    return best;
}

/* The forced row, or the cheapest, which is often that of the last time. */
static const struct row *choose(const struct coll *k)
{
    enum coll_kind kind = k->args.kind;
    const struct row *forced = kinds[kind].forced;

    if (kinds[kind].end - kinds[kind].first == 1)
        return kinds[kind].first;
    struct shape s = shape_of(k);
    if (forced && fits(forced, &s))
        return forced;
    if (!(s.traits & AREA))
        return cheapest(kind, &s);
    struct shm_choice *last = &k->comm->area->choices[kind];
    if (!last->row || last->n != s.n || last->traits != s.traits)
        *last = (struct shm_choice){cheapest(kind, &s), s.n, s.traits};
    return last->row;
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
    const struct row *r = choose(k);
    k->in_area = r->needs & (AREA | SLOT);
    return r->round;
}

/* ---- What the environment forces ---- */

static void force(enum coll_kind kind, const char *parameter, const char *name)
{
    char known[128] = "";

    if (!name || !*name)
        return;
    for (const struct row *r = kinds[kind].first; r < kinds[kind].end; r++) {
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
    for (int i = 0; i < ROWS; i++) {
        if (!kinds[rows[i].kind].first)
            kinds[rows[i].kind].first = &rows[i];
        kinds[rows[i].kind].end = &rows[i] + 1;
    }
    force(COLL_BARRIER, "ORIEL_COLL_BARRIER", param.coll_barrier);
    force(COLL_BCAST, "ORIEL_COLL_BCAST", param.coll_bcast);
    force(COLL_GATHER, "ORIEL_COLL_GATHER", param.coll_gather);
    force(COLL_SCATTER, "ORIEL_COLL_SCATTER", param.coll_scatter);
    force(COLL_ALLGATHER, "ORIEL_COLL_ALLGATHER", param.coll_allgather);
    force(COLL_ALLGATHERV, "ORIEL_COLL_ALLGATHERV", param.coll_allgatherv);
    force(COLL_ALLTOALL, "ORIEL_COLL_ALLTOALL", param.coll_alltoall);
    force(COLL_REDUCE, "ORIEL_COLL_REDUCE", param.coll_reduce);
    force(COLL_ALLREDUCE, "ORIEL_COLL_ALLREDUCE", param.coll_allreduce);
    force(COLL_REDUCE_SCATTER, "ORIEL_COLL_REDUCE_SCATTER", param.coll_reduce_scatter);
    force(COLL_REDUCE_SCATTER_BLOCK, "ORIEL_COLL_REDUCE_SCATTER_BLOCK",
          param.coll_reduce_scatter_block);
    force(COLL_SCAN, "ORIEL_COLL_SCAN", param.coll_scan);
    force(COLL_EXSCAN, "ORIEL_COLL_EXSCAN", param.coll_exscan);
}
