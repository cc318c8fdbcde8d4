/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process topology (chapter 8): what MPI_Cart_create, MPI_Graph_create and the two forms of
 * MPI_Dist_graph_create hang on a communicator. One block of memory, made for one rank, never
 * changed after it is made, counted: a duplicate shares its original's.
 *
 * Whatever its kind, it says whom the neighbourhood collectives (8.6) receive from and send to.
 */
#ifndef ORIEL_OBJECT_TOPOLOGY_H
#define ORIEL_OBJECT_TOPOLOGY_H

#include <mpi.h>
#include <stdatomic.h>
#include <stdbool.h>

struct topology {
    atomic_int refs;
    int kind; /* MPI_CART, MPI_GRAPH or MPI_DIST_GRAPH */

    /*
     * In the order of the buffers' parts. Of a grid both are the lower and the upper neighbour in
     * each dimension, MPI_PROC_NULL beyond a border; of a graph both are the rank's edges.
     */
    int indegree, outdegree;
    int *sources, *destinations;

    /* MPI_CART; row-major, the last dimension runs fastest */
    int ndims;
    int *dims, *periods, *coords; /* coords: this rank's own */

    /* MPI_GRAPH, as MPI_Graph_create has it: index[i] edges belong to nodes 0..i */
    int nnodes, nedges;
    int *index, *edges;

    /* MPI_DIST_GRAPH */
    bool weighted;
    int *source_weights, *destination_weights; /* where weighted */

    int memory[]; /* of all the arrays */
};

/*
 * New ones for `rank`, with one reference. The arguments are right: MPI_SUCCESS or MPI_ERR_NO_MEM.
 * A distributed graph comes with its arrays still to be filled in.
 */
int topology_cart(int ndims, const int *dims, const int *periods, int rank, struct topology **out);
int topology_graph(int nnodes, const int *index, const int *edges, int rank, struct topology **out);
int topology_dist_graph(int indegree, int outdegree, bool weighted, struct topology **out);

struct topology *topology_hold(struct topology *t); /* NULL stays NULL */
void topology_drop(struct topology *t);             /* NULL: nothing */

/* Of a grid: the rank at coordinates, MPI_PROC_NULL outside; periodic dimensions wrap. */
int topology_cart_rank(const struct topology *t, const int *coords);
void topology_cart_coords(const struct topology *t, int rank, int *coords);
/* The rank `steps` along a dimension from this one, or MPI_PROC_NULL. */
int topology_cart_step(const struct topology *t, int dimension, long long steps);

/* The first of a node's edges in t->edges; they end at t->index[node]. */
static inline int topology_first_edge(const struct topology *t, int node)
{
    return node ? t->index[node - 1] : 0;
}

/*
 * MPI_Dims_create's rule (topology_dims.c): those dims that are 0 become factors of `nodes` in
 * falling order, as close to each other as can be. nodes > 0. MPI_SUCCESS or MPI_ERR_NO_MEM.
 */
int topology_dims(int nodes, int ndims, int *dims);

#endif
