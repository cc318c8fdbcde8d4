/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI_Dist_graph_create: any rank may name any edge, and both of its ends must learn of it. Ranks
 * tell each other how many edges they have for them, then the edges: once to the sources, once to
 * the destinations. Edges arrive by the rank that gave them and in its order, so that both ends of
 * several edges between the same two ranks have them in the same order, as matching needs.
 */
#include <limits.h>
#include <stdlib.h>

#include "core/coll/topo.h"
#include "core/object/err.h"

/* One end's view of an edge: who is at the other end. */
struct edge {
    int peer, weight;
};

enum { EDGE_INTS = sizeof(struct edge) / sizeof(int) };

/* By rank: ints going out and coming in, and where they start. */
struct parts {
    MPI_Count *sends, *send_at, *receives, *receive_at;
};

/* One end of all edges. */
struct ends {
    struct edge *edges;
    int degree;
};

static int parts_new(int size, struct parts *p)
{
    MPI_Count *block = calloc(4 * (size_t)size, sizeof *block);

    if (!block)
        return err_set(MPI_ERR_NO_MEM, "no memory to sort edges by %d ranks", size);
    *p = (struct parts){block, block + size, block + 2 * size, block + 3 * size};
    return MPI_SUCCESS;
}

static void parts_free(struct parts *p)
{
    free(p->sends);
}

/* Starts from counts; the sum. */
static MPI_Count line_up(const MPI_Count *counts, MPI_Count *at, int size)
{
    MPI_Count sum = 0;

    for (int i = 0; i < size; i++) {
        at[i] = sum;
        sum += counts[i];
    }
    return sum;
}

/* The edges by the rank that is told of them: its sources, or its destinations. */
static void sort_edges(const struct topo_edges *e, bool to_sources, int size, struct parts *p,
                       struct edge *out)
{
    for (int i = 0, k = 0; i < e->n; i++)
        for (int end = k + e->degrees[i]; k < end; k++)
            p->sends[to_sources ? e->sources[i] : e->destinations[k]] += EDGE_INTS;
    line_up(p->sends, p->send_at, size);
    for (int i = 0, k = 0; i < e->n; i++)
        for (int end = k + e->degrees[i]; k < end; k++) {
            int whom = to_sources ? e->sources[i] : e->destinations[k];
            int peer = to_sources ? e->destinations[k] : e->sources[i];

            out[p->send_at[whom] / EDGE_INTS] =
                (struct edge){peer, e->weighted ? e->weights[k] : 0};
            p->send_at[whom] += EDGE_INTS;
        }
    line_up(p->sends, p->send_at, size);
}

static int tell_counts(struct comm *c, const struct parts *p)
{
    return coll_run(
        &(struct coll_args){.kind = COLL_ALLTOALL,
                            .comm = c,
                            .send = {.buf = p->sends, .count = 1, .type = &datatype_count},
                            .recv = {.buf = p->receives, .count = 1, .type = &datatype_count}});
}

static int tell_edges(struct comm *c, const struct parts *p, const struct edge *sorted,
                      struct edge *out)
{
    return coll_run(&(struct coll_args){.kind = COLL_ALLTOALLV,
                                        .comm = c,
                                        .send = {.buf = sorted,
                                                 .counts = VEC(p->sends),
                                                 .displs = VEC(p->send_at),
                                                 .type = &datatype_int},
                                        .recv = {.buf = out,
                                                 .counts = VEC(p->receives),
                                                 .displs = VEC(p->receive_at),
                                                 .type = &datatype_int}});
}

/* What the others say of this rank's edges; out->edges is malloc'ed. */
static int exchange(struct comm *c, const struct topo_edges *e, bool to_sources, struct parts *p,
                    struct edge *sorted, struct ends *out)
{
    MPI_Count n;
    int rc;

    sort_edges(e, to_sources, c->size, p, sorted);
    rc = tell_counts(c, p);
    if (rc)
        return rc;
    n = line_up(p->receives, p->receive_at, c->size) / EDGE_INTS;
    if (n > INT_MAX)
        return err_set(MPI_ERR_ARG, "rank %d has %lld edges, more than an int counts", c->rank,
                       (long long)n);
    out->edges = malloc(((size_t)n + 1) * sizeof *out->edges);
    if (!out->edges)
        return err_set(MPI_ERR_NO_MEM, "no memory for %lld edges", (long long)n);
    out->degree = (int)n;
    return tell_edges(c, p, sorted, out->edges);
}

/* One of the two exchanges, with its memory. */
static int learn(struct comm *c, const struct topo_edges *e, bool to_sources, struct ends *out)
{
    size_t given = 0;
    struct parts p = {0};
    struct edge *sorted;
    int rc = parts_new(c->size, &p);

    if (rc)
        return rc;
    for (int i = 0; i < e->n; i++)
        given += (size_t)e->degrees[i];
    sorted = malloc((given + 1) * sizeof *sorted);
    rc = sorted ? exchange(c, e, to_sources, &p, sorted, out)
                : err_set(MPI_ERR_NO_MEM, "no memory to sort %zu edges", given);
    free(sorted);
    parts_free(&p);
    return rc;
}

static void fill_in(const struct ends *ends, int *peers, int *weights)
{
    for (int i = 0; i < ends->degree; i++) {
        peers[i] = ends->edges[i].peer;
        if (weights)
            weights[i] = ends->edges[i].weight;
    }
}

int topo_dist_graph(struct comm *c, const struct topo_edges *edges, bool reorder, struct comm **out)
{
    struct ends sources = {0}, destinations = {0};
    struct topology *t = NULL;
    int rc = learn(c, edges, true, &destinations);

    if (!rc)
        rc = learn(c, edges, false, &sources);
    if (!rc)
        rc = topology_dist_graph(sources.degree, destinations.degree, edges->weighted, &t);
    if (!rc) {
        fill_in(&sources, t->sources, t->source_weights);
        fill_in(&destinations, t->destinations, t->destination_weights);
    }
    free(sources.edges);
    free(destinations.edges);
    return rc ? rc : topo_dist_adjacent(c, t, reorder, out);
}
