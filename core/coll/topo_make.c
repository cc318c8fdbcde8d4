/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/coll/topo.h"
#include "core/object/err.h"

/* The first `size` ranks; takes the topology over, which is NULL on others. */
static int make(struct comm *c, int size, struct topology *t, struct comm **out)
{
    int first_ones[1][3] = {{0, size - 1, 1}};
    struct group *g;
    struct comm *made = NULL;
    int rc = group_range_incl(c->group, size > 0, first_ones, &g);

    if (!rc) {
        rc = comm_create(c, g, &made);
        object_drop(&g->object);
    }
    if (rc) {
        topology_drop(t);
        return rc;
    }
    if (made)
        made->topology = t;
    *out = made;
    return MPI_SUCCESS;
}

int topo_cart(struct comm *c, int ndims, const int *dims, const int *periods, struct comm **out)
{
    struct topology *t = NULL;
    int size = 1, rc = MPI_SUCCESS;

    for (int d = 0; d < ndims; d++)
        size *= dims[d];
    if (c->rank < size)
        rc = topology_cart(ndims, dims, periods, c->rank, &t);
    return rc ? rc : make(c, size, t, out);
}

int topo_graph(struct comm *c, int nnodes, const int *index, const int *edges, struct comm **out)
{
    struct topology *t = NULL;
    int rc = MPI_SUCCESS;

    if (c->rank < nnodes)
        rc = topology_graph(nnodes, index, edges, c->rank, &t);
    return rc ? rc : make(c, nnodes, t, out);
}

int topo_dist_adjacent(struct comm *c, struct topology *t, struct comm **out)
{
    return make(c, c->size, t, out);
}

/* Who shares the coordinates of the dropped dimensions comes together, in the others' order. */
int topo_cart_sub(struct comm *c, const int *remain, struct comm **out)
{
    const struct topology *t = c->topology;
    int ndims = 0, color = 0, rank = 0, rc;
    int *kept = malloc((2 * (size_t)t->ndims + 1) * sizeof *kept), *periods = kept + t->ndims;
    struct topology *sub;

    if (!kept)
        return err_set(MPI_ERR_NO_MEM, "no memory for %d dimensions", t->ndims);
    for (int d = 0; d < t->ndims; d++) {
        if (!remain[d]) {
            color = color * t->dims[d] + t->coords[d];
            continue;
        }
        rank = rank * t->dims[d] + t->coords[d];
        kept[ndims] = t->dims[d];
        periods[ndims++] = t->periods[d];
    }
    rc = topology_cart(ndims, kept, periods, rank, &sub);
    free(kept);
    if (rc)
        return rc;
    rc = comm_split(c, color, rank, out);
    if (rc)
        topology_drop(sub);
    else
        (*out)->topology = sub;
    return rc;
}
