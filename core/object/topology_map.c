/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/topology_map.h"

/* The ranks by host, hosts in the order of their first rank: those of h from start[h] on. */
struct hosts {
    int count;
    int *of;    /* by rank: the host's number */
    int *start; /* one more than there are hosts */
    int *ranks;
};

static int no_memory(int ranks)
{
    return err_set(MPI_ERR_NO_MEM, "no memory to place %d ranks", ranks);
}

struct colored {
    int color, rank;
};

static int by_color(const void *a, const void *b)
{
    const struct colored *x = a, *y = b;

    if (x->color != y->color)
        return x->color < y->color ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Sorted by color, each rank's `of` becomes the lowest rank of its host. */
static void find_leaders(struct colored *sorted, int n, int *of)
{
    for (int i = 0, leader = 0; i < n; i++) {
        if (i == 0 || sorted[i].color != sorted[i - 1].color)
            leader = sorted[i].rank;
        of[sorted[i].rank] = leader;
    }
}

/* Leaders are numbered as they come, and their ranks get the numbers; start[] counts, then sums. */
static void number_hosts(struct hosts *h, int n)
{
    for (int r = 0; r < n; r++) {
        h->of[r] = h->of[r] == r ? h->count++ : h->of[h->of[r]];
        h->start[h->of[r] + 1]++;
    }
    for (int i = 0; i < h->count; i++)
        h->start[i + 1] += h->start[i];
    for (int r = 0; r < n; r++)
        h->ranks[h->start[h->of[r]]++] = r;
    for (int i = h->count; i > 0; i--)
        h->start[i] = h->start[i - 1];
    h->start[0] = 0;
}

static int hosts_open(struct hosts *h, int n, const int *color)
{
    struct colored *sorted = malloc((size_t)n * sizeof(*sorted));
    int *memory = calloc(3 * (size_t)n + 1, sizeof(*memory));

    *h = (struct hosts){.of = memory, .ranks = memory + n, .start = memory + 2 * (size_t)n};
    if (!sorted || !memory) {
        free(sorted);
        free(memory);
        return no_memory(n);
    }
    for (int r = 0; r < n; r++)
        sorted[r] = (struct colored){color[r], r};
    qsort(sorted, (size_t)n, sizeof(*sorted), by_color);
    find_leaders(sorted, n, h->of);
    number_hosts(h, n);
    free(sorted);
    return MPI_SUCCESS;
}

static void hosts_close(struct hosts *h)
{
    free(h->of);
}

static void in_order(int ranks, int nodes, int *place)
{
    for (int r = 0; r < ranks; r++)
        place[r] = r < nodes ? r : MPI_UNDEFINED;
}

/* Hosts one after the other. */
static void by_host(const struct hosts *h, int ranks, int nodes, int *place)
{
    for (int i = 0; i < ranks; i++)
        place[h->ranks[i]] = i < nodes ? i : MPI_UNDEFINED;
}

/* By node, the host that has it. */
static void hosts_of_nodes(const struct hosts *h, int ranks, const int *place, int *host)
{
    for (int r = 0; r < ranks; r++)
        if (place[r] >= 0)
            host[place[r]] = h->of[r];
}

/* ---- Grids ---- */

struct grid {
    int ndims, nodes;
    const int *dims, *periods;
    int *block, *best; /* sizes of a host's block of cells */
    long long best_cut;
};

/* Edges between hosts, to upper neighbours. */
static long long grid_cut(const struct grid *g, const int *host)
{
    long long cut = 0;

    for (int node = 0; node < g->nodes; node++)
        for (int d = g->ndims - 1, step = 1; d >= 0; step *= g->dims[d--]) {
            bool last = node / step % g->dims[d] == g->dims[d] - 1;

            if (!last)
                cut += host[node] != host[node + step];
            else if (g->periods[d])
                cut += host[node] != host[node - step * (g->dims[d] - 1)];
        }
    return cut;
}

/* Edges between blocks of `across` in a dimension. */
static long long faces(const struct grid *g, int d, int across)
{
    int times = across == 1 ? 0 : g->periods[d] ? across : across - 1;

    return (long long)times * (g->nodes / g->dims[d]);
}

/* All blocks of `left` cells for the dimensions from d on, `cut` being that of those before. */
static void try_blocks(struct grid *g, int d, int left, long long cut)
{
    if (d == g->ndims) {
        if (left == 1 && cut < g->best_cut) {
            g->best_cut = cut;
            memcpy(g->best, g->block, (size_t)g->ndims * sizeof(*g->best));
        }
        return;
    }
    for (int b = 1; b <= g->dims[d] && b <= left; b++)
        if (left % b == 0 && g->dims[d] % b == 0) {
            g->block[d] = b;
            try_blocks(g, d + 1, left / b, cut + faces(g, d, g->dims[d] / b));
        }
}

/* The cell of a host's i-th rank. */
static int block_cell(const struct grid *g, int host, int i)
{
    int cell = 0, step = 1;

    for (int d = g->ndims - 1; d >= 0; d--) {
        int across = g->dims[d] / g->best[d];

        cell += step * (host % across * g->best[d] + i % g->best[d]);
        host /= across;
        i /= g->best[d];
        step *= g->dims[d];
    }
    return cell;
}

static bool hosts_alike(const struct hosts *h)
{
    for (int i = 1; i < h->count; i++)
        if (h->start[i + 1] - h->start[i] != h->start[1])
            return false;
    return true;
}

static void map_cart(struct grid *g, const struct hosts *h, int ranks, int *place)
{
    if (ranks == g->nodes && hosts_alike(h))
        try_blocks(g, 0, h->start[1], 0);
    if (g->best_cut == LLONG_MAX) {
        by_host(h, ranks, g->nodes, place);
        return;
    }
    for (int host = 0; host < h->count; host++)
        for (int i = 0; i < h->start[1]; i++)
            place[h->ranks[h->start[host] + i]] = block_cell(g, host, i);
}

int topology_map_cart(int ranks, const int *host, int ndims, const int *dims, const int *periods,
                      int *place)
{
    struct grid g = {
        .ndims = ndims, .nodes = 1, .dims = dims, .periods = periods, .best_cut = LLONG_MAX};
    struct hosts h;
    int *of_node, rc = hosts_open(&h, ranks, host);

    if (rc)
        return rc;
    for (int d = 0; d < ndims; d++)
        g.nodes *= dims[d];
    g.block = malloc((2 * (size_t)ndims + 1) * sizeof(*g.block));
    g.best = g.block + ndims;
    of_node = malloc((size_t)ranks * sizeof(*of_node));
    if (g.block && of_node) {
        map_cart(&g, &h, ranks, place);
        hosts_of_nodes(&h, ranks, place, of_node);
        if (grid_cut(&g, of_node) >= grid_cut(&g, h.of))
            in_order(ranks, g.nodes, place);
    } else {
        rc = no_memory(ranks);
    }
    free(g.block);
    free(of_node);
    hosts_close(&h);
    return rc;
}

/* ---- Graphs ---- */

static int weight(const struct topology_edges *e, int edge)
{
    return e->weights ? e->weights[edge] : 1;
}

static long long graph_cut(const struct topology_edges *e, const int *host)
{
    long long cut = 0;

    for (int node = 0; node < e->nodes; node++)
        for (int i = e->first[node]; i < e->first[node + 1]; i++)
            if (host[node] != host[e->peers[i]])
                cut += weight(e, i);
    return cut;
}

/* A region's frontier: nodes that nobody has and that have something to do with it. */
struct growth {
    const struct topology_edges *edges;
    int *host;       /* by node, -1 where nobody has it */
    long long *gain; /* by node: weight of the edges into the region */
    int *frontier;
    int length, next; /* next: all nodes below it are taken */
};

static void take(struct growth *w, int node, int host)
{
    w->host[node] = host;
    for (int i = w->edges->first[node]; i < w->edges->first[node + 1]; i++) {
        int peer = w->edges->peers[i];

        if (w->host[peer] >= 0)
            continue;
        if (!w->gain[peer])
            w->frontier[w->length++] = peer;
        w->gain[peer] += weight(w->edges, i) + 1LL; /* above 0 at any weight */
    }
}

/* The node that the region gains most by; the first free one where it touches none. */
static int choose(struct growth *w)
{
    int best = 0, node;

    if (!w->length) {
        while (w->host[w->next] >= 0)
            w->next++;
        return w->next;
    }
    for (int i = 1; i < w->length; i++)
        if (w->gain[w->frontier[i]] > w->gain[w->frontier[best]])
            best = i;
    node = w->frontier[best];
    memmove(w->frontier + best, w->frontier + best + 1,
            (size_t)(--w->length - best) * sizeof(*w->frontier));
    return node;
}

static void new_region(struct growth *w)
{
    while (w->length)
        w->gain[w->frontier[--w->length]] = 0;
}

/* Each host's region in turn; its ranks take its nodes in rising order. */
static void grow(struct growth *w, const struct hosts *h, int ranks, int *place)
{
    int taken = 0;

    for (int host = 0; host < h->count; host++, new_region(w))
        for (int i = h->start[host]; i < h->start[host + 1] && taken < w->edges->nodes;
             i++, taken++)
            take(w, choose(w), host);
    in_order(ranks, 0, place);
    for (int node = 0; node < w->edges->nodes; node++)
        place[h->ranks[h->start[w->host[node]]++]] = node;
}

int topology_map_graph(int ranks, const int *host, const struct topology_edges *e, int *place)
{
    struct hosts h;
    int rc = hosts_open(&h, ranks, host);
    struct growth w = {.edges = e};

    if (rc)
        return rc;
    w.host = malloc(2 * ((size_t)ranks + 1) * sizeof(*w.host));
    w.frontier = w.host + ranks + 1;
    w.gain = calloc((size_t)ranks + 1, sizeof(*w.gain));
    if (w.host && w.gain) {
        for (int node = 0; node < ranks; node++)
            w.host[node] = -1;
        grow(&w, &h, ranks, place);
        if (graph_cut(e, w.host) >= graph_cut(e, h.of))
            in_order(ranks, e->nodes, place);
    } else {
        rc = no_memory(ranks);
    }
    free(w.host);
    free(w.gain);
    hosts_close(&h);
    return rc;
}
