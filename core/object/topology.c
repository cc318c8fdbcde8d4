/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/topology.h"

/* NULL, with the detail set, where memory is out. */
static struct topology *topology_new(int kind, size_t ints)
{
    struct topology *t = calloc(1, sizeof *t + ints * sizeof *t->memory);

    if (!t) {
        err_set(MPI_ERR_NO_MEM, "no memory for a topology of %zu numbers", ints);
        return NULL;
    }
    atomic_init(&t->refs, 1);
    t->kind = kind;
    return t;
}

struct topology *topology_hold(struct topology *t)
{
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void topology_drop(struct topology *t)
{
    if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
        free(t);
}

int topology_cart(int ndims, const int *dims, const int *periods, int rank, struct topology **out)
{
    struct topology *t = topology_new(MPI_CART, 5 * (size_t)ndims);

    if (!t)
        return MPI_ERR_NO_MEM;
    t->ndims = ndims;
    t->dims = t->memory;
    t->periods = t->dims + ndims;
    t->coords = t->periods + ndims;
    t->indegree = t->outdegree = 2 * ndims;
    t->sources = t->destinations = t->coords + ndims;
    for (int d = 0; d < ndims; d++) {
        t->dims[d] = dims[d];
        t->periods[d] = periods[d] != 0;
    }
    topology_cart_coords(t, rank, t->coords);
    for (int d = 0; d < ndims; d++) {
        t->sources[2 * d] = topology_cart_step(t, d, -1);
        t->sources[2 * d + 1] = topology_cart_step(t, d, 1);
    }
    *out = t;
    return MPI_SUCCESS;
}

int topology_graph(int nnodes, const int *index, const int *edges, int rank, struct topology **out)
{
    int nedges = index[nnodes - 1];
    struct topology *t = topology_new(MPI_GRAPH, (size_t)nnodes + (size_t)nedges);

    if (!t)
        return MPI_ERR_NO_MEM;
    t->nnodes = nnodes;
    t->nedges = nedges;
    t->index = t->memory;
    t->edges = t->index + nnodes;
    memcpy(t->index, index, (size_t)nnodes * sizeof *index);
    if (nedges)
        memcpy(t->edges, edges, (size_t)nedges * sizeof *edges);
    t->sources = t->destinations = t->edges + topology_first_edge(t, rank);
    t->indegree = t->outdegree = t->index[rank] - topology_first_edge(t, rank);
    *out = t;
    return MPI_SUCCESS;
}

int topology_dist_graph(int indegree, int outdegree, bool weighted, struct topology **out)
{
    size_t edges = (size_t)indegree + (size_t)outdegree;
    struct topology *t = topology_new(MPI_DIST_GRAPH, weighted ? 2 * edges : edges);

    if (!t)
        return MPI_ERR_NO_MEM;
    t->indegree = indegree;
    t->outdegree = outdegree;
    t->sources = t->memory;
    t->destinations = t->sources + indegree;
    t->weighted = weighted;
    if (weighted) {
        t->source_weights = t->destinations + outdegree;
        t->destination_weights = t->source_weights + indegree;
    }
    *out = t;
    return MPI_SUCCESS;
}

/* ---- Grids ---- */

/* A coordinate brought into its dimension, or -1 where it lies outside. */
static int coordinate(const struct topology *t, int d, long long x)
{
    int n = t->dims[d];

    if (x >= 0 && x < n)
        return (int)x;
    if (!t->periods[d])
        return -1;
    x %= n;
    return (int)(x < 0 ? x + n : x);
}

int topology_cart_rank(const struct topology *t, const int *coords)
{
    int rank = 0;

    for (int d = 0; d < t->ndims; d++) {
        int x = coordinate(t, d, coords[d]);

        if (x < 0)
            return MPI_PROC_NULL;
        rank = rank * t->dims[d] + x;
    }
    return rank;
}

void topology_cart_coords(const struct topology *t, int rank, int *coords)
{
    for (int d = t->ndims - 1; d >= 0; d--) {
        coords[d] = rank % t->dims[d];
        rank /= t->dims[d];
    }
}

int topology_cart_step(const struct topology *t, int dimension, long long steps)
{
    int rank = 0;

    for (int d = 0; d < t->ndims; d++) {
        int x = d == dimension ? coordinate(t, d, t->coords[d] + steps) : t->coords[d];

        if (x < 0)
            return MPI_PROC_NULL;
        rank = rank * t->dims[d] + x;
    }
    return rank;
}
