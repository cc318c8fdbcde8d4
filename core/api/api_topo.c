/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process topologies (chapter 8): making communicators that have one, and asking for it. The
 * neighbourhood collectives are in api_coll.c.
 */
#include <limits.h>
#include <string.h>

#include "core/api/check.h"
#include "core/coll/topo.h"
#include "core/object/err.h"

/* ---- Checks ---- */

static int check_old(MPI_Comm comm, struct comm **c)
{
    int rc = check_comm(comm, c);

    if (!rc && comm_is_inter(*c))
        return err_set(MPI_ERR_COMM, "a topology is made of an intracommunicator; this is an "
                                     "intercommunicator");
    return rc;
}

/* A communicator with a topology of that kind. */
static int check_topology(MPI_Comm comm, int kind, struct comm **c)
{
    int rc = check_comm(comm, c);

    if (rc || ((*c)->topology && (*c)->topology->kind == kind))
        return rc;
    return err_set(MPI_ERR_TOPOLOGY, "the communicator has no %s",
                   kind == MPI_CART    ? "grid: MPI_Cart_create makes one"
                   : kind == MPI_GRAPH ? "graph: MPI_Graph_create makes one"
                                       : "distributed graph: MPI_Dist_graph_create makes one");
}

static int check_cart(MPI_Comm comm, struct comm **c)
{
    return check_topology(comm, MPI_CART, c);
}

static int check_rank(const struct comm *c, int rank)
{
    return (unsigned)rank < (unsigned)c->size ? MPI_SUCCESS : check_bad_rank(c, rank, "rank");
}

/* An array of `needed` elements that a call reads or writes. */
static int check_array(const void *array, int needed, const char *name)
{
    return needed ? check_out(array, name) : MPI_SUCCESS;
}

/* The same where the program says how many it has room for. */
static int check_room(const void *array, int room, int needed, const char *name)
{
    if (room < needed)
        return err_set(MPI_ERR_ARG, "%s has room for %d, %d are needed", name, room, needed);
    return check_array(array, needed, name);
}

static int check_grid(const struct comm *c, int ndims, const int *dims, const int *periods)
{
    long long nodes = 1;
    int rc;

    if (ndims < 0)
        return err_set(MPI_ERR_DIMS, "ndims is %d, below zero", ndims);
    rc = check_array(dims, ndims, "dims");
    if (!rc)
        rc = check_array(periods, ndims, "periods");
    for (int d = 0; d < ndims && !rc; d++) {
        if (dims[d] < 1)
            return err_set(MPI_ERR_DIMS, "dims[%d] is %d, a dimension has one rank at least", d,
                           dims[d]);
        nodes *= dims[d];
        if (nodes > c->size)
            return err_set(MPI_ERR_DIMS,
                           "dims[0] to dims[%d] make %lld ranks, the communicator has %d", d, nodes,
                           c->size);
    }
    return rc;
}

static int check_graph(const struct comm *c, int nnodes, const int *index, const int *edges)
{
    int rc;

    if (nnodes < 0 || nnodes > c->size)
        return err_set(MPI_ERR_ARG, "nnodes is %d, the communicator has %d ranks", nnodes, c->size);
    rc = check_array(index, nnodes, "index");
    for (int i = 0; i < nnodes && !rc; i++)
        if (index[i] < (i ? index[i - 1] : 0))
            return err_set(MPI_ERR_ARG, "index[%d] is %d, below what stands before it", i,
                           index[i]);
    if (rc || !nnodes)
        return rc;
    rc = check_array(edges, index[nnodes - 1], "edges");
    for (int i = 0; i < (rc ? 0 : index[nnodes - 1]); i++)
        if (edges[i] < 0 || edges[i] >= nnodes)
            return err_set(MPI_ERR_ARG, "edges[%d] is %d, the graph has the nodes 0 to %d", i,
                           edges[i], nnodes - 1);
    return rc;
}

static int check_weights(const int *weights, int n, const char *name)
{
    if (weights == MPI_UNWEIGHTED || (weights == MPI_WEIGHTS_EMPTY && !n))
        return MPI_SUCCESS;
    if (weights == MPI_WEIGHTS_EMPTY)
        return err_set(MPI_ERR_ARG, "%s is MPI_WEIGHTS_EMPTY, but there are %d edges", name, n);
    int rc = check_array(weights, n, name);
    for (int i = 0; i < n && !rc; i++)
        if (weights[i] < 0)
            return err_set(MPI_ERR_ARG, "%s[%d] is %d, below zero", name, i, weights[i]);
    return rc;
}

static int check_ranks(const struct comm *c, const int *ranks, int n, const char *name)
{
    if (n < 0)
        return err_set(MPI_ERR_ARG, "the number of %s is %d, below zero", name, n);
    int rc = check_array(ranks, n, name);
    for (int i = 0; i < n && !rc; i++)
        if ((unsigned)ranks[i] >= (unsigned)c->size)
            return err_set(MPI_ERR_RANK, "%s[%d] is %d, the communicator has %d ranks", name, i,
                           ranks[i], c->size);
    return rc;
}

/* ---- Making ---- */

MPI_EXPORT(Cart_create)
int PMPI_Cart_create(MPI_Comm comm_old, int ndims, const int dims[], const int periods[],
                     int reorder, MPI_Comm *comm_cart)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_old(comm_old, &c);

    if (!rc)
        rc = check_grid(c, ndims, dims, periods);
    if (!rc)
        rc = check_out(comm_cart, "comm_cart");
    if (!rc)
        rc = topo_cart(c, ndims, dims, periods, reorder, &made);
    return api_give_comm(c, rc, made, comm_cart, __func__);
}

MPI_EXPORT(Cart_sub)
int PMPI_Cart_sub(MPI_Comm comm, const int remain_dims[], MPI_Comm *newcomm)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_cart(comm, &c);

    if (!rc)
        rc = check_array(remain_dims, c->topology->ndims, "remain_dims");
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (!rc)
        rc = topo_cart_sub(c, remain_dims, &made);
    return api_give_comm(c, rc, made, newcomm, __func__);
}

MPI_EXPORT(Graph_create)
int PMPI_Graph_create(MPI_Comm comm_old, int nnodes, const int indx[], const int edges[],
                      int reorder, MPI_Comm *comm_graph)
{
    struct comm *c = NULL, *made = NULL;
    int rc = check_old(comm_old, &c);

    if (!rc)
        rc = check_graph(c, nnodes, indx, edges);
    if (!rc)
        rc = check_out(comm_graph, "comm_graph");
    if (!rc)
        rc = topo_graph(c, nnodes, indx, edges, reorder, &made);
    return api_give_comm(c, rc, made, comm_graph, __func__);
}

/* The neighbours as MPI_Dist_graph_create_adjacent is given them. */
static int check_adjacent(const struct comm *c, int indegree, const int *sources,
                          const int *source_weights, int outdegree, const int *destinations,
                          const int *dest_weights)
{
    int rc = check_ranks(c, sources, indegree, "sources");

    if (!rc)
        rc = check_ranks(c, destinations, outdegree, "destinations");
    if (!rc)
        rc = check_weights(source_weights, indegree, "sourceweights");
    if (!rc)
        rc = check_weights(dest_weights, outdegree, "destweights");
    if (!rc && (source_weights == MPI_UNWEIGHTED) != (dest_weights == MPI_UNWEIGHTED))
        return err_set(MPI_ERR_ARG, "only one of sourceweights and destweights is MPI_UNWEIGHTED");
    return rc;
}

static void copy_ints(int *to, const int *from, int n)
{
    if (n)
        memcpy(to, from, (size_t)n * sizeof *to);
}

MPI_EXPORT(Dist_graph_create_adjacent)
int PMPI_Dist_graph_create_adjacent(MPI_Comm comm_old, int indegree, const int sources[],
                                    const int sourceweights[], int outdegree,
                                    const int destinations[], const int destweights[],
                                    MPI_Info info, int reorder, MPI_Comm *comm_dist_graph)
{
    struct comm *c = NULL, *made = NULL;
    struct info *hints;
    struct topology *t;
    int rc = check_old(comm_old, &c);

    if (!rc)
        rc = check_adjacent(c, indegree, sources, sourceweights, outdegree, destinations,
                            destweights);
    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(comm_dist_graph, "comm_dist_graph");
    if (!rc)
        rc = topology_dist_graph(indegree, outdegree, sourceweights != MPI_UNWEIGHTED, &t);
    if (!rc) {
        copy_ints(t->sources, sources, indegree);
        copy_ints(t->destinations, destinations, outdegree);
        if (t->weighted) {
            copy_ints(t->source_weights, sourceweights, indegree);
            copy_ints(t->destination_weights, destweights, outdegree);
        }
        rc = topo_dist_adjacent(c, t, reorder, &made);
    }
    return api_give_comm(c, rc, made, comm_dist_graph, __func__);
}

static int check_edges(const struct comm *c, int n, const int *sources, const int *degrees,
                       const int *destinations, const int *weights)
{
    long long edges = 0;
    int rc = check_ranks(c, sources, n, "sources");

    if (!rc)
        rc = check_array(degrees, n, "degrees");
    for (int i = 0; i < n && !rc; i++) {
        if (degrees[i] < 0)
            return err_set(MPI_ERR_ARG, "degrees[%d] is %d, below zero", i, degrees[i]);
        edges += degrees[i];
    }
    if (!rc && edges > INT_MAX)
        return err_set(MPI_ERR_ARG, "%lld edges are more than an int counts", edges);
    if (!rc)
        rc = check_ranks(c, destinations, (int)edges, "destinations");
    return rc ? rc : check_weights(weights, (int)edges, "weights");
}

MPI_EXPORT(Dist_graph_create)
int PMPI_Dist_graph_create(MPI_Comm comm_old, int n, const int sources[], const int degrees[],
                           const int destinations[], const int weights[], MPI_Info info,
                           int reorder, MPI_Comm *comm_dist_graph)
{
    struct topo_edges edges = {.n = n,
                               .weighted = weights != MPI_UNWEIGHTED,
                               .sources = sources,
                               .degrees = degrees,
                               .destinations = destinations,
                               .weights = weights};
    struct comm *c = NULL, *made = NULL;
    struct info *hints;
    int rc = check_old(comm_old, &c);

    if (!rc)
        rc = check_edges(c, n, sources, degrees, destinations, weights);
    if (!rc)
        rc = check_hints(info, &hints);
    if (!rc)
        rc = check_out(comm_dist_graph, "comm_dist_graph");
    if (!rc)
        rc = topo_dist_graph(c, &edges, reorder, &made);
    return api_give_comm(c, rc, made, comm_dist_graph, __func__);
}

/* ---- Of any communicator ---- */

MPI_EXPORT(Topo_test)
int PMPI_Topo_test(MPI_Comm comm, int *status)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(status, "status");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *status = c->topology ? c->topology->kind : MPI_UNDEFINED;
    return MPI_SUCCESS;
}

MPI_EXPORT(Cart_map)
int PMPI_Cart_map(MPI_Comm comm, int ndims, const int dims[], const int periods[], int *newrank)
{
    struct comm *c = NULL;
    int nodes = 1, rc = check_old(comm, &c);

    if (!rc)
        rc = check_grid(c, ndims, dims, periods);
    if (!rc)
        rc = check_out(newrank, "newrank");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    for (int d = 0; d < ndims; d++)
        nodes *= dims[d];
    *newrank = c->rank < nodes ? c->rank : MPI_UNDEFINED;
    return MPI_SUCCESS;
}

MPI_EXPORT(Graph_map)
int PMPI_Graph_map(MPI_Comm comm, int nnodes, const int indx[], const int edges[], int *newrank)
{
    struct comm *c = NULL;
    int rc = check_old(comm, &c);

    if (!rc)
        rc = check_graph(c, nnodes, indx, edges);
    if (!rc)
        rc = check_out(newrank, "newrank");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *newrank = c->rank < nnodes ? c->rank : MPI_UNDEFINED;
    return MPI_SUCCESS;
}

/* ---- Grids ---- */

MPI_EXPORT(Cartdim_get)
int PMPI_Cartdim_get(MPI_Comm comm, int *ndims)
{
    struct comm *c = NULL;
    int rc = check_cart(comm, &c);

    if (!rc)
        rc = check_out(ndims, "ndims");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *ndims = c->topology->ndims;
    return MPI_SUCCESS;
}

MPI_EXPORT(Cart_get)
int PMPI_Cart_get(MPI_Comm comm, int maxdims, int dims[], int periods[], int coords[])
{
    struct comm *c = NULL;
    int rc = check_cart(comm, &c);
    int n = rc ? 0 : c->topology->ndims;

    if (!rc)
        rc = check_room(dims, maxdims, n, "dims");
    if (!rc)
        rc = check_array(periods, n, "periods");
    if (!rc)
        rc = check_array(coords, n, "coords");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    copy_ints(dims, c->topology->dims, n);
    copy_ints(periods, c->topology->periods, n);
    copy_ints(coords, c->topology->coords, n);
    return MPI_SUCCESS;
}

MPI_EXPORT(Cart_rank)
int PMPI_Cart_rank(MPI_Comm comm, const int coords[], int *rank)
{
    struct comm *c = NULL;
    int rc = check_cart(comm, &c), found = MPI_PROC_NULL;

    if (!rc)
        rc = check_array(coords, c->topology->ndims, "coords");
    if (!rc)
        rc = check_out(rank, "rank");
    if (!rc)
        found = topology_cart_rank(c->topology, coords);
    if (!rc && found == MPI_PROC_NULL)
        rc = check_bad_arg("coords", "lie outside the grid, in a dimension that is not periodic");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *rank = found;
    return MPI_SUCCESS;
}

MPI_EXPORT(Cart_coords)
int PMPI_Cart_coords(MPI_Comm comm, int rank, int maxdims, int coords[])
{
    struct comm *c = NULL;
    int rc = check_cart(comm, &c);

    if (!rc)
        rc = check_rank(c, rank);
    if (!rc)
        rc = check_room(coords, maxdims, c->topology->ndims, "coords");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    topology_cart_coords(c->topology, rank, coords);
    return MPI_SUCCESS;
}

MPI_EXPORT(Cart_shift)
int PMPI_Cart_shift(MPI_Comm comm, int direction, int disp, int *rank_source, int *rank_dest)
{
    struct comm *c = NULL;
    int rc = check_cart(comm, &c);

    if (!rc && (direction < 0 || direction >= c->topology->ndims))
        rc = err_set(MPI_ERR_DIMS, "direction is %d, the grid has %d dimensions, counted from 0",
                     direction, c->topology->ndims);
    if (!rc)
        rc = check_out(rank_source, "rank_source");
    if (!rc)
        rc = check_out(rank_dest, "rank_dest");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *rank_source = topology_cart_step(c->topology, direction, -(long long)disp);
    *rank_dest = topology_cart_step(c->topology, direction, disp);
    return MPI_SUCCESS;
}

/* ---- Graphs ---- */

MPI_EXPORT(Graphdims_get)
int PMPI_Graphdims_get(MPI_Comm comm, int *nnodes, int *nedges)
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_GRAPH, &c);

    if (!rc)
        rc = check_out(nnodes, "nnodes");
    if (!rc)
        rc = check_out(nedges, "nedges");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *nnodes = c->topology->nnodes;
    *nedges = c->topology->nedges;
    return MPI_SUCCESS;
}

MPI_EXPORT(Graph_get)
int PMPI_Graph_get(MPI_Comm comm, int maxindex, int maxedges, int indx[], int edges[])
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_GRAPH, &c);

    if (!rc)
        rc = check_room(indx, maxindex, c->topology->nnodes, "index");
    if (!rc)
        rc = check_room(edges, maxedges, c->topology->nedges, "edges");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    copy_ints(indx, c->topology->index, c->topology->nnodes);
    copy_ints(edges, c->topology->edges, c->topology->nedges);
    return MPI_SUCCESS;
}

static int degree(const struct topology *t, int rank)
{
    return t->index[rank] - topology_first_edge(t, rank);
}

MPI_EXPORT(Graph_neighbors_count)
int PMPI_Graph_neighbors_count(MPI_Comm comm, int rank, int *nneighbors)
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_GRAPH, &c);

    if (!rc)
        rc = check_rank(c, rank);
    if (!rc)
        rc = check_out(nneighbors, "nneighbors");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *nneighbors = degree(c->topology, rank);
    return MPI_SUCCESS;
}

MPI_EXPORT(Graph_neighbors)
int PMPI_Graph_neighbors(MPI_Comm comm, int rank, int maxneighbors, int neighbors[])
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_GRAPH, &c);

    if (!rc)
        rc = check_rank(c, rank);
    if (!rc)
        rc = check_room(neighbors, maxneighbors, degree(c->topology, rank), "neighbors");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    copy_ints(neighbors, c->topology->edges + topology_first_edge(c->topology, rank),
              degree(c->topology, rank));
    return MPI_SUCCESS;
}

/* ---- Distributed graphs ---- */

MPI_EXPORT(Dist_graph_neighbors_count)
int PMPI_Dist_graph_neighbors_count(MPI_Comm comm, int *indegree, int *outdegree, int *weighted)
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_DIST_GRAPH, &c);

    if (!rc)
        rc = check_out(indegree, "indegree");
    if (!rc)
        rc = check_out(outdegree, "outdegree");
    if (!rc)
        rc = check_out(weighted, "weighted");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *indegree = c->topology->indegree;
    *outdegree = c->topology->outdegree;
    *weighted = c->topology->weighted;
    return MPI_SUCCESS;
}

/* Where there is less room than neighbours, the first ones (8.5.5). */
static int check_listing(const int *ranks, const int *weights, int room, int degree, bool weighted,
                         const char *ranks_name, const char *weights_name)
{
    int rc;

    if (room < 0)
        return err_set(MPI_ERR_ARG, "the room for %s is %d, below zero", ranks_name, room);
    int n = room < degree ? room : degree;
    rc = check_array(ranks, n, ranks_name);
    return rc || !weighted ? rc : check_array(weights, n, weights_name);
}

static void list(int *ranks, int *weights, int room, int degree, const int *from,
                 const int *from_weights)
{
    int n = room < degree ? room : degree;

    copy_ints(ranks, from, n);
    if (from_weights && weights != MPI_UNWEIGHTED && weights != MPI_WEIGHTS_EMPTY)
        copy_ints(weights, from_weights, n);
}

MPI_EXPORT(Dist_graph_neighbors)
int PMPI_Dist_graph_neighbors(MPI_Comm comm, int maxindegree, int sources[], int sourceweights[],
                              int maxoutdegree, int destinations[], int destweights[])
{
    struct comm *c = NULL;
    int rc = check_topology(comm, MPI_DIST_GRAPH, &c);
    const struct topology *t = rc ? NULL : c->topology;

    if (!rc)
        rc = check_listing(sources, sourceweights, maxindegree, t->indegree, t->weighted, "sources",
                           "sourceweights");
    if (!rc)
        rc = check_listing(destinations, destweights, maxoutdegree, t->outdegree, t->weighted,
                           "destinations", "destweights");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    list(sources, sourceweights, maxindegree, t->indegree, t->sources, t->source_weights);
    list(destinations, destweights, maxoutdegree, t->outdegree, t->destinations,
         t->destination_weights);
    return MPI_SUCCESS;
}

/* ---- Balanced dimensions ---- */

/* `left`: the nodes for the dimensions that are to be chosen. */
static int check_dims(int nnodes, int ndims, const int *dims, int *left)
{
    int fixed = 1, given = 0, rc;

    if (nnodes < 1)
        return err_set(MPI_ERR_ARG, "nnodes is %d, not above zero", nnodes);
    if (ndims < 0)
        return err_set(MPI_ERR_DIMS, "ndims is %d, below zero", ndims);
    rc = check_array(dims, ndims, "dims");
    for (int d = 0; d < ndims && !rc; d++) {
        if (dims[d] < 0)
            return err_set(MPI_ERR_DIMS, "dims[%d] is %d, below zero", d, dims[d]);
        if (!dims[d])
            continue;
        if (dims[d] > nnodes / fixed || nnodes % (fixed * dims[d]))
            return err_set(MPI_ERR_DIMS, "%d nodes cannot be divided by the given dimensions",
                           nnodes);
        fixed *= dims[d];
        given++;
    }
    if (!rc && ndims && given == ndims && fixed != nnodes)
        return err_set(MPI_ERR_DIMS, "the dimensions are all given and make %d nodes, not %d",
                       fixed, nnodes);
    *left = nnodes / fixed;
    return rc;
}

MPI_EXPORT(Dims_create)
int PMPI_Dims_create(int nnodes, int ndims, int dims[])
{
    int left = 0, rc = check_dims(nnodes, ndims, dims, &left);

    if (!rc)
        rc = topology_dims(left, ndims, dims);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}
