/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which rank stands where in a topology whose program allows reordering (8.5): neighbours come on
 * the same host where that can be. Pure functions of arguments that all ranks have, so that all
 * come to the same result. A map is never worse than the order of the ranks as they are, counted
 * in edges between hosts.
 *
 * host[rank] tells hosts apart, any numbers; place[rank] becomes a node, or MPI_UNDEFINED for ranks
 * without one. MPI_SUCCESS or MPI_ERR_NO_MEM.
 */
#ifndef ORIEL_OBJECT_TOPOLOGY_MAP_H
#define ORIEL_OBJECT_TOPOLOGY_MAP_H

/* A grid: blocks of cells for hosts with as many ranks each, else hosts one after the other. */
int topology_map_cart(int ranks, const int *host, int ndims, const int *dims, const int *periods,
                      int *place);

/* Edges of node i: peers[first[i]] to before peers[first[i + 1]]; weights or NULL. */
struct topology_edges {
    int nodes;
    const int *first, *peers, *weights;
};

/* A graph: regions that grow by the node that has most to do with them. */
int topology_map_graph(int ranks, const int *host, const struct topology_edges *e, int *place);

#endif
