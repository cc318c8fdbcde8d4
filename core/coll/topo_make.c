/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/coll/topo.h"
#include "core/object/err.h"

/* What comes out of a split or a selection; takes the topology over, which is NULL on others. */
static int furnish(int rc, struct comm *made, struct topology *t, struct comm **out)
{
    if (rc) {
        topology_drop(t);
        return rc;
    }
    if (made)
        made->topology = t;
    *out = made;
    return MPI_SUCCESS;
}

/* The first `size` ranks. */
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
    return furnish(rc, made, t, out);
}

/* In the order of their places. */
static int make_placed(struct comm *c, int place, struct topology *t, struct comm **out)
{
    struct comm *made = NULL;
    int rc = comm_split(c, place == MPI_UNDEFINED ? MPI_UNDEFINED : 0, place, &made);

    return furnish(rc, made, t, out);
}

int topo_cart(struct comm *c, int ndims, const int *dims, const int *periods, bool reorder,
              struct comm **out)
{
    struct topology *t = NULL;
    int size = 1, place, rc = MPI_SUCCESS;

    for (int d = 0; d < ndims; d++)
        size *= dims[d];
    place = c->rank < size ? c->rank : MPI_UNDEFINED;
    reorder = topo_may_reorder(reorder);
    if (reorder)
        rc = topo_place_cart(c, ndims, dims, periods, &place);
    if (!rc && place != MPI_UNDEFINED)
        rc = topology_cart(ndims, dims, periods, place, &t);
    if (rc)
        return rc;
    return reorder ? make_placed(c, place, t, out) : make(c, size, t, out);
}

int topo_graph(struct comm *c, int nnodes, const int *index, const int *edges, bool reorder,
               struct comm **out)
{
    struct topology *t = NULL;
    int place = c->rank < nnodes ? c->rank : MPI_UNDEFINED, rc = MPI_SUCCESS;

    reorder = topo_may_reorder(reorder) && nnodes;
    if (reorder)
        rc = topo_place_graph(c, nnodes, index, edges, &place);
    if (!rc && place != MPI_UNDEFINED)
        rc = topology_graph(nnodes, index, edges, place, &t);
    if (rc)
        return rc;
    return reorder ? make_placed(c, place, t, out) : make(c, nnodes, t, out);
}

int topo_dist_adjacent(struct comm *c, struct topology *t, bool reorder, struct comm **out)
{
    int place, rc;

    if (!topo_may_reorder(reorder))
        return make(c, c->size, t, out);
    rc = topo_place_dist(c, &t, &place);
    if (rc) {
        topology_drop(t);
        return rc;
    }
    return make_placed(c, place, t, out);
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
