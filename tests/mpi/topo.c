/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Communicators with a topology: who is a member, what the queries say on every rank against
 * arithmetic done here, what duplicates and parts inherit, and which mistakes are told.
 */
#include <limits.h>

#include "mpitest.h"

enum { MOST = 128 };

static MPI_Comm world; /* whose errors return */

/* Variables, since gcc takes the constants for the addresses of arrays that are too short. */
static int *volatile unweighted = MPI_UNWEIGHTED, *volatile weights_empty = MPI_WEIGHTS_EMPTY;

#define FAILS(class, call)                                                                         \
    do {                                                                                           \
        int rc = (call), c = -1;                                                                   \
        MPI_Error_class(rc, &c);                                                                   \
        if (c != (class)) {                                                                        \
            fprintf(stderr, "%s:%d: %s gives class %d, not " #class "\n", __FILE__, __LINE__,      \
                    #call, c);                                                                     \
            CHECK(!"the class of the error");                                                      \
        }                                                                                          \
    } while (0)

static int kind_of(MPI_Comm comm)
{
    int kind;

    OK(MPI_Topo_test(comm, &kind));
    return kind;
}

/* ---- MPI_Dims_create ---- */

/* The least difference of largest and smallest of n factors not above `most`, by trying all. */
static int least_spread(int rest, int n, int first, int most)
{
    int best = INT_MAX;

    if (n == 1)
        return rest <= most ? (first ? first : rest) - rest : INT_MAX;
    for (int d = 1; d <= rest && d <= most; d++) {
        int spread = rest % d ? INT_MAX : least_spread(rest / d, n - 1, first ? first : d, d);

        best = spread < best ? spread : best;
    }
    return best;
}

static void test_dims(void)
{
    int table[][5] = {/* nodes, ndims, result */
                      {6, 2, 3, 2},     {7, 2, 7, 1},         {6, 3, 3, 2, 1}, {12, 2, 4, 3},
                      {16, 2, 4, 4},    {72, 3, 6, 4, 3},     {1, 3, 1, 1, 1}, {60, 3, 5, 4, 3},
                      {144, 2, 12, 12}, {1000, 3, 10, 10, 10}};

    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        int dims[3] = {0}, n = table[i][1];

        OK(MPI_Dims_create(table[i][0], n, dims));
        CHECK(!memcmp(dims, &table[i][2], n * sizeof *dims));
    }
    for (int nodes = 1; nodes <= 400; nodes++)
        for (int n = 1; n <= 4; n++) {
            int dims[4] = {0}, product = 1;

            OK(MPI_Dims_create(nodes, n, dims));
            for (int d = 0; d < n; d++) {
                CHECK(!d || dims[d] <= dims[d - 1]);
                product *= dims[d];
            }
            CHECK(product == nodes);
            CHECK(dims[0] - dims[n - 1] == least_spread(nodes, n, 0, INT_MAX));
        }
}

/* Here the least difference is not that of the least largest factor. */
static void test_dims_large(void)
{
    int table[][5] = {{3600, 10, 10, 6, 6}, {5850, 26, 15, 15, 0}, {4620, 22, 15, 14, 0}};

    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        int dims[4] = {0}, n = table[i][4] ? 4 : 3;

        OK(MPI_Dims_create(table[i][0], n, dims));
        CHECK(!memcmp(dims, &table[i][1], n * sizeof *dims));
    }
}

static void test_dims_given(void)
{
    int a[3] = {0, 3, 0}, b[3] = {0, 4, 0}, c[2] = {2, 3}, many[40] = {0}, none[1] = {5};
    int negative[2] = {-1, 0};

    OK(MPI_Dims_create(6, 3, a));
    CHECK(a[0] == 2 && a[1] == 3 && a[2] == 1);
    FAILS(MPI_ERR_DIMS, MPI_Dims_create(6, 3, b));
    CHECK(b[0] == 0 && b[1] == 4 && b[2] == 0);
    OK(MPI_Dims_create(6, 2, c));
    FAILS(MPI_ERR_DIMS, MPI_Dims_create(12, 2, c));
    OK(MPI_Dims_create(1 << 30, 40, many));
    for (int i = 0; i < 40; i++)
        CHECK(many[i] == (i < 30 ? 2 : 1));
    OK(MPI_Dims_create(6, 0, none));
    CHECK(none[0] == 5);
    FAILS(MPI_ERR_DIMS, MPI_Dims_create(6, 2, negative));
    FAILS(MPI_ERR_ARG, MPI_Dims_create(0, 2, many));
    FAILS(MPI_ERR_DIMS, MPI_Dims_create(6, -1, many));
    FAILS(MPI_ERR_ARG, MPI_Dims_create(6, 2, NULL));
}

/* ---- Grids ---- */

/* Row-major rank of coordinates, or MPI_PROC_NULL. */
static int reference_rank(int ndims, const int *dims, const int *periods, const int *coords)
{
    int r = 0;

    for (int d = 0; d < ndims; d++) {
        int x = coords[d];

        if (!periods[d] && (x < 0 || x >= dims[d]))
            return MPI_PROC_NULL;
        while (x < 0)
            x += dims[d];
        r = r * dims[d] + x % dims[d];
    }
    return r;
}

static void check_shifts(MPI_Comm cart, int n, const int *dims, const int *periods,
                         const int *coords)
{
    for (int d = 0; d < n; d++)
        for (int by = -3; by <= 3; by++) {
            int source, dest, there[3];

            OK(MPI_Cart_shift(cart, d, by, &source, &dest));
            memcpy(there, coords, sizeof there);
            there[d] = coords[d] + by;
            CHECK(dest == reference_rank(n, dims, periods, there));
            there[d] = coords[d] - by;
            CHECK(source == reference_rank(n, dims, periods, there));
        }
}

static void check_cart(MPI_Comm cart, int n, const int *dims, const int *periods)
{
    int d[3], p[3], c[3], ndims, me, members;

    OK(MPI_Comm_rank(cart, &me));
    OK(MPI_Comm_size(cart, &members));
    CHECK(kind_of(cart) == MPI_CART);
    OK(MPI_Cartdim_get(cart, &ndims));
    CHECK(ndims == n);
    OK(MPI_Cart_get(cart, 3, d, p, c));
    CHECK(!memcmp(d, dims, n * sizeof *d) && !memcmp(p, periods, n * sizeof *p));
    CHECK(reference_rank(n, dims, periods, c) == me);
    for (int r = 0; r < members; r++) {
        int coords[3], back;

        OK(MPI_Cart_coords(cart, r, 3, coords));
        CHECK(reference_rank(n, dims, periods, coords) == r);
        OK(MPI_Cart_rank(cart, coords, &back));
        CHECK(back == r);
        CHECK(r != me || !memcmp(coords, c, n * sizeof *c));
        for (int i = 0; i < n; i++) {
            coords[i] += 2 * dims[i];
            if (periods[i]) {
                OK(MPI_Cart_rank(cart, coords, &back));
                CHECK(back == r);
            } else {
                FAILS(MPI_ERR_ARG, MPI_Cart_rank(cart, coords, &back));
            }
            coords[i] -= 2 * dims[i];
        }
    }
    check_shifts(cart, n, dims, periods, c);
}

/* Every subset of the dimensions. */
static void test_cart_sub(MPI_Comm cart, int n, const int *dims, const int *periods)
{
    int whole[3];

    OK(MPI_Cart_get(cart, 3, (int[3]){0}, (int[3]){0}, whole));
    for (int mask = 0; mask < 1 << n; mask++) {
        int remain[3], kept_dims[3], kept_periods[3], kept_coords[3], coords[3], kept = 0, sum;
        MPI_Comm sub;

        for (int d = 0; d < n; d++) {
            remain[d] = mask >> d & 1;
            if (!remain[d])
                continue;
            kept_dims[kept] = dims[d];
            kept_periods[kept] = periods[d];
            kept_coords[kept++] = whole[d];
        }
        OK(MPI_Cart_sub(cart, remain, &sub));
        check_cart(sub, kept, kept_dims, kept_periods);
        OK(MPI_Cart_get(sub, 3, (int[3]){0}, (int[3]){0}, coords));
        CHECK(!memcmp(coords, kept_coords, kept * sizeof *coords));
        for (int d = 0; d < n; d++)
            if (!remain[d]) {
                int low = whole[d], high;

                OK(MPI_Allreduce(&low, &sum, 1, MPI_INT, MPI_MIN, sub));
                OK(MPI_Allreduce(&low, &high, 1, MPI_INT, MPI_MAX, sub));
                CHECK(sum == whole[d] && high == whole[d]);
            }
        OK(MPI_Comm_free(&sub));
    }
}

static void test_cart(int n, const int *dims, const int *periods)
{
    int nodes = 1, mapped, r;
    MPI_Comm cart, dup, idup, none;
    MPI_Request request;

    for (int d = 0; d < n; d++)
        nodes *= dims[d];
    OK(MPI_Cart_map(world, n, dims, periods, &mapped));
    CHECK(mapped == (rank < nodes ? rank : MPI_UNDEFINED));
    OK(MPI_Cart_create(world, n, dims, periods, 1, &cart));
    if (rank >= nodes) {
        CHECK(cart == MPI_COMM_NULL);
        return;
    }
    check_cart(cart, n, dims, periods);
    test_cart_sub(cart, n, dims, periods);
    OK(MPI_Comm_dup(cart, &dup));
    OK(MPI_Comm_idup(cart, &idup, &request));
    OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    FAILS(MPI_ERR_RANK, MPI_Cart_coords(cart, nodes, 3, (int[3]){0}));
    FAILS(MPI_ERR_DIMS, MPI_Cart_shift(cart, n, 1, &r, &r));
    FAILS(MPI_ERR_DIMS, MPI_Cart_shift(cart, -1, 1, &r, &r));
    FAILS(MPI_ERR_TOPOLOGY, MPI_Graphdims_get(cart, &r, &r));
    if (n) {
        FAILS(MPI_ERR_ARG, MPI_Cart_coords(cart, 0, n - 1, (int[3]){0}));
        none = cart;
        FAILS(MPI_ERR_ARG, MPI_Cart_sub(cart, NULL, &none));
        CHECK(none == MPI_COMM_NULL); /* no handle that the program might free */
    }
    OK(MPI_Comm_free(&cart)); /* the duplicates keep what they share with it */
    check_cart(dup, n, dims, periods);
    OK(MPI_Comm_free(&dup));
    check_cart(idup, n, dims, periods);
    OK(MPI_Comm_free(&idup));
}

static void test_carts(void)
{
    for (int a = 1; a <= size; a++)
        for (int b = 1; a * b <= size; b++) {
            int c = size / (a * b), dims[3] = {a, b, c};

            for (int mask = 0; mask < 8; mask++) {
                int periods[3] = {mask & 1, mask >> 1 & 1, mask >> 2};

                for (int n = 0; n <= 3; n++)
                    if (mask < 1 << n)
                        test_cart(n, dims, periods);
            }
        }
}

static void test_cart_errors(void)
{
    int dims[2] = {size, 2}, zero[1] = {0}, periods[2] = {0}, r;
    MPI_Comm comm;

    FAILS(MPI_ERR_DIMS, MPI_Cart_create(world, 2, dims, periods, 0, &comm));
    FAILS(MPI_ERR_DIMS, MPI_Cart_create(world, -1, dims, periods, 0, &comm));
    FAILS(MPI_ERR_DIMS, MPI_Cart_create(world, 1, zero, periods, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Cart_create(world, 1, NULL, periods, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Cart_create(world, 1, dims, NULL, 0, &comm));
    FAILS(MPI_ERR_COMM, MPI_Cart_create(MPI_COMM_NULL, 1, dims, periods, 0, &comm));
    FAILS(MPI_ERR_TOPOLOGY, MPI_Cartdim_get(world, &r));
    FAILS(MPI_ERR_TOPOLOGY, MPI_Cart_sub(world, dims, &comm));
    CHECK(kind_of(world) == MPI_UNDEFINED);
}

/* ---- Graphs: node i has an edge to each of 0..i, a loop among them ---- */

static void test_graph(int nodes)
{
    int index[MOST], edges[MOST * 4], have_index[MOST], have_edges[MOST * 4], n = 0, a, b;
    MPI_Comm graph, dup;

    for (int i = 0; i < nodes; i++) {
        for (int j = 0; j <= i && j < 4; j++)
            edges[n++] = j;
        index[i] = n;
    }
    OK(MPI_Graph_map(world, nodes, index, edges, &a));
    CHECK(a == (rank < nodes ? rank : MPI_UNDEFINED));
    OK(MPI_Graph_create(world, nodes, index, edges, 1, &graph));
    if (rank >= nodes) {
        CHECK(graph == MPI_COMM_NULL);
        return;
    }
    OK(MPI_Comm_dup(graph, &dup));
    OK(MPI_Comm_free(&graph));
    CHECK(kind_of(dup) == MPI_GRAPH);
    OK(MPI_Comm_size(dup, &a));
    CHECK(a == nodes);
    OK(MPI_Graphdims_get(dup, &a, &b));
    CHECK(a == nodes && b == n);
    OK(MPI_Graph_get(dup, nodes, n, have_index, have_edges));
    CHECK(!memcmp(have_index, index, nodes * sizeof *index));
    CHECK(!memcmp(have_edges, edges, n * sizeof *edges));
    for (int i = 0; i < nodes; i++) {
        OK(MPI_Graph_neighbors_count(dup, i, &a));
        CHECK(a == (i < 4 ? i + 1 : 4));
        OK(MPI_Graph_neighbors(dup, i, a, have_edges));
        for (int j = 0; j < a; j++)
            CHECK(have_edges[j] == j);
    }
    FAILS(MPI_ERR_ARG, MPI_Graph_neighbors(dup, 0, 0, have_edges));
    FAILS(MPI_ERR_RANK, MPI_Graph_neighbors_count(dup, nodes, &a));
    FAILS(MPI_ERR_ARG, MPI_Graph_get(dup, nodes - 1, n, have_index, have_edges));
    FAILS(MPI_ERR_TOPOLOGY, MPI_Cartdim_get(dup, &a));
    OK(MPI_Comm_free(&dup));
}

static void test_graph_errors(void)
{
    int index[2] = {1, 0}, edges[2] = {0, 0}, outside[2] = {size, 0};
    MPI_Comm comm = world;

    FAILS(MPI_ERR_ARG, MPI_Graph_create(world, size + 1, index, edges, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Graph_create(world, -1, index, edges, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Graph_create(world, 1, index, outside, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Graph_create(world, 1, index, NULL, 0, &comm));
    if (size > 1)
        FAILS(MPI_ERR_ARG, MPI_Graph_create(world, 2, index, edges, 0, &comm));
    OK(MPI_Graph_create(world, 0, NULL, NULL, 0, &comm));
    CHECK(comm == MPI_COMM_NULL);
}

/* ---- Distributed graphs ---- */

/*
 * How often rank a has an edge to rank b, twice for some, none for others. Its weights rise in the
 * order in which they are given.
 */
static int edges_between(int a, int b)
{
    return (a * 5 + b * 3) % 4 % 3;
}

static int weight_of(int a, int b, int i)
{
    return a * 1000 + b * 10 + i;
}

/* Neighbours in any order of ranks, but several edges to the same one in the order given. */
static void check_side(const int *peers, const int *weights, int degree, int weighted, int out)
{
    int seen[MOST] = {0}, want = 0;

    for (int b = 0; b < size; b++)
        want += out ? edges_between(rank, b) : edges_between(b, rank);
    CHECK(degree == want);
    for (int i = 0; i < degree; i++) {
        int b = peers[i], k = seen[b]++;

        CHECK(weights[i] == (!weighted ? -7 : out ? weight_of(rank, b, k) : weight_of(b, rank, k)));
    }
    for (int b = 0; b < size; b++)
        CHECK(seen[b] == (out ? edges_between(rank, b) : edges_between(b, rank)));
}

static void check_dist_graph(MPI_Comm graph, int weighted)
{
    int in, out, w, from[MOST], to[MOST], from_weights[MOST], to_weights[MOST], again[MOST];

    CHECK(kind_of(graph) == MPI_DIST_GRAPH);
    OK(MPI_Dist_graph_neighbors_count(graph, &in, &out, &w));
    CHECK(w == weighted && in < MOST && out < MOST);
    for (int i = 0; i < MOST; i++)
        from_weights[i] = to_weights[i] = -7;
    OK(MPI_Dist_graph_neighbors(graph, in, from, from_weights, out, to, to_weights));
    check_side(from, from_weights, in, weighted, 0);
    check_side(to, to_weights, out, weighted, 1);
    if (out > 1) { /* the first ones where there is less room */
        again[1] = -9;
        OK(MPI_Dist_graph_neighbors(graph, in, from, unweighted, 1, again, unweighted));
        CHECK(again[0] == to[0] && again[1] == -9);
    }
    FAILS(MPI_ERR_ARG,
          MPI_Dist_graph_neighbors(graph, -1, from, from_weights, out, to, to_weights));
    FAILS(MPI_ERR_TOPOLOGY, MPI_Cartdim_get(graph, &in));
}

static void check_and_free(MPI_Comm graph, int weighted)
{
    MPI_Comm dup;

    check_dist_graph(graph, weighted);
    OK(MPI_Comm_dup(graph, &dup));
    OK(MPI_Comm_free(&graph));
    check_dist_graph(dup, weighted);
    OK(MPI_Comm_free(&dup));
}

/* Rank r names the edges of the ranks a with (a + shift) % size == r, so of others' too. */
static void test_dist_graph(int weighted, int shift, int one_names_all)
{
    int sources[MOST], degrees[MOST], dests[MOST * 8], weights[MOST * 8], n = 0, k = 0;
    MPI_Comm graph;

    for (int a = 0; a < size; a++) {
        if (one_names_all ? rank != size - 1 : (a + shift) % size != rank)
            continue;
        sources[n] = a;
        degrees[n] = 0;
        for (int b = 0; b < size; b++)
            for (int i = 0; i < edges_between(a, b); i++, k++, degrees[n]++) {
                dests[k] = b;
                weights[k] = weight_of(a, b, i);
            }
        n++;
    }
    /* Who names nothing may have no arrays, and yet the graph has weights. */
    OK(MPI_Dist_graph_create(world, n, sources, degrees, dests,
                             !weighted       ? unweighted
                             : k             ? weights
                             : one_names_all ? NULL
                                             : weights_empty,
                             MPI_INFO_NULL, 0, &graph));
    check_and_free(graph, weighted);
}

static void test_dist_adjacent(int weighted)
{
    int from[MOST], to[MOST], from_weights[MOST], to_weights[MOST], in = 0, out = 0;
    MPI_Comm graph;

    for (int b = size - 1; b >= 0; b--) {
        for (int i = 0; i < edges_between(b, rank); i++, in++) {
            from[in] = b;
            from_weights[in] = weight_of(b, rank, i);
        }
        for (int i = 0; i < edges_between(rank, b); i++, out++) {
            to[out] = b;
            to_weights[out] = weight_of(rank, b, i);
        }
    }
    OK(MPI_Dist_graph_create_adjacent(world, in, from,
                                      !weighted ? unweighted
                                      : in      ? from_weights
                                                : weights_empty,
                                      out, to,
                                      !weighted ? unweighted
                                      : out     ? to_weights
                                                : weights_empty,
                                      MPI_INFO_NULL, 0, &graph));
    check_and_free(graph, weighted);
}

static void test_dist_errors(void)
{
    int self[1] = {rank}, outside[1] = {size}, one[1] = {1}, negative[1] = {-1};
    MPI_Comm comm;

#define ADJACENT(in, from, from_weights, out, to, to_weights)                                      \
    MPI_Dist_graph_create_adjacent(world, in, from, from_weights, out, to, to_weights,             \
                                   MPI_INFO_NULL, 0, &comm)
    FAILS(MPI_ERR_RANK, ADJACENT(1, outside, unweighted, 0, self, unweighted));
    FAILS(MPI_ERR_RANK, ADJACENT(0, self, unweighted, 1, negative, unweighted));
    FAILS(MPI_ERR_ARG, ADJACENT(-1, self, unweighted, 0, self, unweighted));
    FAILS(MPI_ERR_ARG, ADJACENT(1, self, unweighted, 1, self, one));
    FAILS(MPI_ERR_ARG, ADJACENT(1, self, weights_empty, 1, self, one));
    FAILS(MPI_ERR_ARG, ADJACENT(1, self, negative, 1, self, one));
#define GIVEN(n, sources, degrees, dests, weights)                                                 \
    MPI_Dist_graph_create(world, n, sources, degrees, dests, weights, MPI_INFO_NULL, 0, &comm)
    FAILS(MPI_ERR_RANK, GIVEN(1, outside, one, self, unweighted));
    FAILS(MPI_ERR_RANK, GIVEN(1, self, one, outside, unweighted));
    FAILS(MPI_ERR_ARG, GIVEN(1, self, negative, self, unweighted));
    FAILS(MPI_ERR_ARG, GIVEN(-1, self, one, self, unweighted));
    FAILS(MPI_ERR_ARG, GIVEN(1, self, one, self, negative));
    FAILS(MPI_ERR_ARG, GIVEN(1, self, one, self, weights_empty));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    CHECK(size <= 16);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &world));
    OK(MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN));
    test_dims();
    test_dims_large();
    test_dims_given();
    test_carts();
    test_cart_errors();
    for (int nodes = 1; nodes <= size; nodes++)
        test_graph(nodes);
    test_graph_errors();
    for (int weighted = 0; weighted < 2; weighted++) {
        test_dist_graph(weighted, 0, 0);
        test_dist_graph(weighted, 1, 0);
        test_dist_graph(weighted, 0, 1);
        test_dist_adjacent(weighted);
    }
    test_dist_errors();
    OK(MPI_Comm_free(&world));
    return end("topo");
}
