/* SPDX-License-Identifier: BSD-3-Clause */
/* Where ranks stand in a topology when there are several hosts: fewer edges between hosts. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/object/topology.h"
#include "core/object/topology_map.h"

enum { MOST = 4096 };

static int host[MOST], place[MOST], at[MOST];

/* Host of rank r where each has k ranks: one after the other, or dealt round. */
static void blocked(int n, int k)
{
    for (int r = 0; r < n; r++)
        host[r] = 70 - r / k;
}

static void dealt(int n, int hosts)
{
    for (int r = 0; r < n; r++)
        host[r] = r % hosts * 3;
}

/* Every node once, ranks beyond them nowhere; at[] becomes the host by node. */
static void expect_whole(int ranks, int nodes)
{
    bool seen[MOST] = {0};
    int placed = 0;

    for (int r = 0; r < ranks; r++) {
        if (place[r] == MPI_UNDEFINED)
            continue;
        cr_assert(place[r] >= 0 && place[r] < nodes, "rank %d at %d", r, place[r]);
        cr_assert(!seen[place[r]], "two ranks at %d", place[r]);
        seen[place[r]] = true;
        at[place[r]] = host[r];
        placed++;
    }
    cr_assert_eq(placed, nodes);
}

static int cut_2d(int rows, int columns, bool wrap)
{
    int cut = 0;

    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            if (i + 1 < rows || wrap)
                cut += at[i * columns + j] != at[(i + 1) % rows * columns + j];
            if (j + 1 < columns || wrap)
                cut += at[i * columns + j] != at[i * columns + (j + 1) % columns];
        }
    return cut;
}

static int map_2d(int ranks, int rows, int columns, bool wrap)
{
    int dims[] = {rows, columns}, periods[] = {wrap, wrap};

    cr_assert_eq(topology_map_cart(ranks, host, 2, dims, periods, place), MPI_SUCCESS);
    expect_whole(ranks, rows * columns);
    return cut_2d(rows, columns, wrap);
}

static void expect_identity(int ranks)
{
    for (int r = 0; r < ranks; r++)
        cr_assert_eq(place[r], r);
}

Test(topology_map, one_host)
{
    blocked(64, 64);
    cr_expect_eq(map_2d(64, 8, 8, false), 0);
    expect_identity(64);
}

/* Squares of 4 by 4 instead of two rows of 8, or of nothing at all. */
Test(topology_map, squares)
{
    blocked(64, 16);
    cr_expect_eq(map_2d(64, 8, 8, false), 16);
    cr_expect_eq(map_2d(64, 8, 8, true), 32);
    dealt(64, 4);
    cr_expect_eq(map_2d(64, 8, 8, false), 16);
    blocked(64, 8); /* 2 by 4 */
    cr_expect_eq(map_2d(64, 8, 8, false), 8 + 24);
}

/* Rows are the best there is: the order stays. */
Test(topology_map, rows)
{
    blocked(32, 16);
    cr_expect_eq(map_2d(32, 8, 4, false), 4);
    expect_identity(32);
}

/* Hosts of different sizes, and ranks that are left over. */
Test(topology_map, uneven)
{
    for (int r = 0; r < 30; r++)
        host[r] = r % 7 == 0 ? 1 : r % 2 ? 2 : 3;
    int cut = map_2d(30, 5, 5, false);
    for (int r = 0; r < 25; r++)
        at[r] = host[r];
    cr_expect_lt(cut, cut_2d(5, 5, false));
}

Test(topology_map, three_dimensions)
{
    int dims[] = {4, 4, 4}, none[3] = {0}, cut = 0;

    dealt(64, 8);
    cr_assert_eq(topology_map_cart(64, host, 3, dims, none, place), MPI_SUCCESS);
    expect_whole(64, 64);
    for (int node = 0; node < 64; node++) {
        cut += node / 16 < 3 && at[node] != at[node + 16];
        cut += node / 4 % 4 < 3 && at[node] != at[node + 4];
        cut += node % 4 < 3 && at[node] != at[node + 1];
    }
    cr_expect_eq(cut, 3 * 16, "cubes of 2 by 2 by 2, and not %d", cut);
    cr_assert_eq(topology_map_cart(1, host, 0, NULL, NULL, place), MPI_SUCCESS);
    cr_expect_eq(place[0], 0, "a grid without dimensions has one cell");
}

/* A ring whose numbering jumps about. */
Test(topology_map, ring)
{
    int first[MOST + 1], peers[2 * MOST], n = 96, cut = 0;

    for (int i = 0; i < n; i++) { /* i is next to i + 5, and 5 has no divisor of 96 */
        first[i] = 2 * i;
        peers[2 * i] = (i + 5) % n;
        peers[2 * i + 1] = (i + n - 5) % n;
    }
    first[n] = 2 * n;
    dealt(n, 4);
    struct topology_edges e = {n, first, peers, NULL};
    cr_assert_eq(topology_map_graph(n, host, &e, place), MPI_SUCCESS);
    expect_whole(n, n);
    for (int i = 0; i < n; i++)
        cut += at[i] != at[(i + 5) % n];
    cr_expect_leq(cut, 8, "4 regions of a ring have 4 ends: %d", cut);
}

/* Weights decide: pairs that are heavy stay together. */
Test(topology_map, weights)
{
    int first[9], peers[64], weights[64], k = 0;

    for (int i = 0; i < 8; i++) { /* everybody with everybody, i with i ^ 4 most */
        first[i] = k;
        for (int j = 0; j < 8; j++)
            if (i != j) {
                peers[k] = j;
                weights[k++] = (i ^ j) == 4 ? 100 : 1;
            }
    }
    first[8] = k;
    blocked(8, 2);
    struct topology_edges e = {8, first, peers, weights};
    cr_assert_eq(topology_map_graph(8, host, &e, place), MPI_SUCCESS);
    expect_whole(8, 8);
    for (int i = 0; i < 8; i++)
        cr_expect_eq(at[i], at[i ^ 4]);
}

/* Random graphs and hosts: always whole, never worse than the order of the ranks. */
Test(topology_map, never_worse)
{
    srand48(1);
    for (int round = 0; round < 300; round++) {
        int ranks = 1 + (int)(lrand48() % 60), nodes = 1 + (int)(lrand48() % ranks), k = 0;
        int first[62], peers[600], before = 0, after = 0;

        for (int r = 0; r < ranks; r++)
            host[r] = (int)(lrand48() % 5) - 2;
        for (int i = 0; i < nodes; i++) {
            first[i] = k;
            for (int j = (int)(lrand48() % 9); j > 0; j--)
                peers[k++] = (int)(lrand48() % nodes);
        }
        first[nodes] = k;
        struct topology_edges e = {nodes, first, peers, NULL};
        cr_assert_eq(topology_map_graph(ranks, host, &e, place), MPI_SUCCESS);
        expect_whole(ranks, nodes);
        for (int i = 0; i < nodes; i++)
            for (int j = first[i]; j < first[i + 1]; j++) {
                before += host[i] != host[peers[j]];
                after += at[i] != at[peers[j]];
            }
        cr_assert_leq(after, before);
    }
}
