/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reordering: all ranks learn who is on which host, and, of a distributed graph, all edges; then
 * each computes the same map (topology_map.h) and takes its own place from it. A program that runs
 * on one host has nothing to gain, and nothing is gathered.
 */
#include <stdlib.h>

#include "core/coll/topo.h"
#include "core/object/err.h"
#include "core/object/topology_map.h"
#include "provider/boot/boot.h"

bool topo_may_reorder(bool reorder)
{
    return reorder && !boot_info()->one_host;
}

/* By rank: host and place. */
struct map {
    int *host, *place;
};

static int map_open(struct comm *c, struct map *m)
{
    int color = comm_host_color(c), rc;

    m->host = malloc(2 * (size_t)c->size * sizeof(*m->host));
    if (!m->host)
        return err_set(MPI_ERR_NO_MEM, "no memory to place %d ranks", c->size);
    m->place = m->host + c->size;
    rc = coll_allgather(c, &color, 1, &datatype_int, m->host);
    if (rc)
        free(m->host);
    return rc;
}

/* This process's place. */
static int map_close(struct comm *c, struct map *m)
{
    int place = m->place[c->rank];

    free(m->host);
    return place;
}

int topo_place_cart(struct comm *c, int ndims, const int *dims, const int *periods, int *place)
{
    struct map m;
    int rc = map_open(c, &m);

    if (rc)
        return rc;
    rc = topology_map_cart(c->size, m.host, ndims, dims, periods, m.place);
    *place = map_close(c, &m);
    return rc;
}

int topo_place_graph(struct comm *c, int nnodes, const int *index, const int *edges, int *place)
{
    struct map m;
    int rc = map_open(c, &m);

    if (rc)
        return rc;
    int *first = malloc(((size_t)nnodes + 1) * sizeof(*first));
    if (!first) {
        map_close(c, &m);
        return err_set(MPI_ERR_NO_MEM, "no memory to place %d nodes", nnodes);
    }
    first[0] = 0;
    for (int i = 0; i < nnodes; i++)
        first[i + 1] = index[i];
    rc = topology_map_graph(c->size, m.host, &(struct topology_edges){nnodes, first, edges, NULL},
                            m.place);
    free(first);
    *place = map_close(c, &m);
    return rc;
}

/* ---- Distributed graphs ---- */

/* What a rank has given: its degrees, and whether it has weights. */
struct degrees {
    int in, out, weighted;
};

enum { DEGREES_INTS = sizeof(struct degrees) / sizeof(int) };

/* By rank: degrees, and where its edges start, sources first; weights where all have them. */
struct whole {
    int size;
    struct degrees *degrees;
    MPI_Count *counts, *starts;
    int *first, *peers, *weights;
};

static void whole_close(struct whole *w)
{
    free(w->degrees);
    free(w->counts);
    free(w->first);
    free(w->peers);
    free(w->weights);
}

static int no_memory(const struct whole *w)
{
    return err_set(MPI_ERR_NO_MEM, "no memory for the edges of %d ranks", w->size);
}

static int gather_ints(struct comm *c, const int *mine, const struct whole *w, int *all)
{
    return coll_run(&(struct coll_args){
        .kind = COLL_ALLGATHERV,
        .comm = c,
        .send = {.buf = mine, .count = w->counts[c->rank], .type = &datatype_int},
        .recv = {.buf = all,
                 .counts = VEC(w->counts),
                 .displs = VEC(w->starts),
                 .type = &datatype_int}});
}

/* Degrees, and what follows from them. */
static int gather_degrees(struct comm *c, const struct topology *t, struct whole *w, bool *weighted)
{
    struct degrees mine = {t->indegree, t->outdegree, t->weighted};
    size_t n = (size_t)w->size;
    int rc;

    w->degrees = malloc(n * sizeof(*w->degrees));
    w->counts = malloc(2 * n * sizeof(*w->counts));
    w->first = calloc(n + 1, sizeof(*w->first));
    if (!w->degrees || !w->counts || !w->first)
        return no_memory(w);
    w->starts = w->counts + n;
    rc = coll_allgather(c, &mine, DEGREES_INTS, &datatype_int, w->degrees);
    *weighted = true;
    for (size_t i = 0; i < n && !rc; i++) {
        w->counts[i] = w->degrees[i].in + w->degrees[i].out;
        w->starts[i] = w->first[i];
        w->first[i + 1] = w->first[i] + (int)w->counts[i];
        *weighted &= w->degrees[i].weighted;
    }
    return rc;
}

/* topology_dist_graph lays sources and destinations out as one array, and their weights too. */
static int gather_edges(struct comm *c, const struct topology *t, struct whole *w)
{
    bool weighted;
    int rc = gather_degrees(c, t, w, &weighted);

    if (rc)
        return rc;
    size_t edges = (size_t)w->first[w->size];
    w->peers = malloc((edges + 1) * sizeof(*w->peers));
    w->weights = weighted ? malloc((edges + 1) * sizeof(*w->weights)) : NULL;
    if (!w->peers || (weighted && !w->weights))
        return no_memory(w);
    rc = gather_ints(c, t->sources, w, w->peers);
    if (!rc && weighted)
        rc = gather_ints(c, t->source_weights, w, w->weights);
    return rc;
}

static int topology_of_node(const struct whole *w, int node, struct topology **out)
{
    const struct degrees *d = &w->degrees[node];
    struct topology *t;
    int rc = topology_dist_graph(d->in, d->out, w->weights, &t);

    if (rc)
        return rc;
    for (int i = 0; i < d->in + d->out; i++) {
        t->sources[i] = w->peers[w->first[node] + i];
        if (w->weights)
            t->source_weights[i] = w->weights[w->first[node] + i];
    }
    *out = t;
    return MPI_SUCCESS;
}

int topo_place_dist(struct comm *c, struct topology **t, int *place)
{
    struct whole w = {.size = c->size};
    struct topology *own = NULL;
    struct map m;
    int rc = map_open(c, &m);

    if (rc)
        return rc;
    rc = gather_edges(c, *t, &w);
    if (!rc)
        rc = topology_map_graph(c->size, m.host,
                                &(struct topology_edges){w.size, w.first, w.peers, w.weights},
                                m.place);
    int mine = map_close(c, &m);
    if (!rc)
        rc = topology_of_node(&w, mine, &own);
    whole_close(&w);
    if (rc)
        return rc;
    topology_drop(*t);
    *t = own;
    *place = mine;
    return MPI_SUCCESS;
}
