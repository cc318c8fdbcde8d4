/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making communicators with a topology (8.5). As in comm_make.h: collective, no lock held, the
 * arguments are checked, what is made has its handle, a rank that is no member gets NULL. Ranks
 * keep their order, unless `reorder` allows another and there are several hosts.
 */
#ifndef ORIEL_COLL_TOPO_H
#define ORIEL_COLL_TOPO_H

#include "core/coll/comm_make.h"
#include "core/object/topology.h"

int topo_cart(struct comm *c, int ndims, const int *dims, const int *periods, bool reorder,
              struct comm **out);
/* The grid of those dimensions whose flag is set, through this rank. */
int topo_cart_sub(struct comm *c, const int *remain, struct comm **out);
int topo_graph(struct comm *c, int nnodes, const int *index, const int *edges, bool reorder,
               struct comm **out);
/* Each rank gives its own neighbours; takes `t` over. */
int topo_dist_adjacent(struct comm *c, struct topology *t, bool reorder, struct comm **out);

/* Edges of any ranks, as MPI_Dist_graph_create has them; without any, all arrays may be NULL. */
struct topo_edges {
    int n;
    bool weighted; /* the graph; the same on all ranks */
    const int *sources, *degrees, *destinations, *weights;
};
int topo_dist_graph(struct comm *c, const struct topo_edges *edges, bool reorder,
                    struct comm **out);

/*
 * Where this process is to stand: a node of the topology, or MPI_UNDEFINED (topo_reorder.c). Of a
 * distributed graph *t becomes that node's, on success.
 */
bool topo_may_reorder(bool reorder);
int topo_place_cart(struct comm *c, int ndims, const int *dims, const int *periods, int *place);
int topo_place_graph(struct comm *c, int nnodes, const int *index, const int *edges, int *place);
int topo_place_dist(struct comm *c, struct topology **t, int *place);

#endif
