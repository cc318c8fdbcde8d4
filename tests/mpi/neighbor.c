/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbourhood collectives in their six forms on grids (borders, and dimensions of one and two
 * ranks, where both neighbours are the same), graphs, and distributed graphs with loops and with
 * several edges between the same ranks; against a reference that knows everybody's neighbours.
 */
#include "coll_call.h"

enum { MOST = 64 };

static MPI_Comm comm;
static int me, members, is_cart;
static int in, out, sources[MOST], dests[MOST];
static int slots[MOST]; /* which of its source's parts part l comes from */

/* ---- The reference: who sends what to whom ---- */

static void ask_cart(void)
{
    int ndims;

    OK(MPI_Cartdim_get(comm, &ndims));
    in = out = 2 * ndims;
    for (int d = 0; d < ndims; d++)
        OK(MPI_Cart_shift(comm, d, 1, &sources[2 * d], &sources[2 * d + 1]));
    memcpy(dests, sources, sizeof dests);
}

static void ask_graph(void)
{
    OK(MPI_Graph_neighbors_count(comm, me, &in));
    out = in;
    OK(MPI_Graph_neighbors(comm, me, in, sources));
    memcpy(dests, sources, sizeof dests);
}

static void ask_dist_graph(void)
{
    int weighted, none[MOST];

    OK(MPI_Dist_graph_neighbors_count(comm, &in, &out, &weighted));
    OK(MPI_Dist_graph_neighbors(comm, in, sources, none, out, dests, none));
}

/* The part of `theirs` that is for this rank, after `skip` others that are. */
static int nth_for_me(const int *theirs, int skip)
{
    for (int j = 0; j < MOST; j++)
        if (theirs[j] == me && !skip--)
            return j;
    CHECK(!"an edge has both its ends");
    return -1;
}

static void ask(MPI_Comm c)
{
    int *all, kind;

    comm = c;
    OK(MPI_Comm_rank(comm, &me));
    OK(MPI_Comm_size(comm, &members));
    OK(MPI_Topo_test(comm, &kind));
    is_cart = kind == MPI_CART;
    for (int i = 0; i < MOST; i++)
        sources[i] = dests[i] = MPI_PROC_NULL;
    (is_cart ? ask_cart : kind == MPI_GRAPH ? ask_graph : ask_dist_graph)();
    CHECK(in <= MOST && out <= MOST);
    for (int i = out; i < MOST; i++)
        dests[i] = MPI_PROC_NULL;
    all = malloc(sizeof dests * members);
    CHECK(all);
    OK(MPI_Allgather(dests, MOST, MPI_INT, all, MOST, MPI_INT, comm));
    for (int l = 0; l < in; l++) {
        int before = 0;

        for (int i = 0; i < l; i++)
            before += sources[i] == sources[l];
        /* What goes down in a grid comes from above. */
        if (sources[l] != MPI_PROC_NULL)
            slots[l] = is_cart ? l ^ 1 : nth_for_me(all + sources[l] * MOST, before);
    }
    free(all);
}

/* Element i of part j of what a rank sends. */
static int value(int from, int j, int i)
{
    return from * 7919 + j * 104729 + i * 31;
}

/* How many a rank sends in part j: none for some. */
static int count_of(int from, int j, int salt)
{
    return (from + 2 * j + salt) % 4;
}

/* ---- The five operations ---- */

static int send[MOST * 8], recv[MOST * 8];

static void clear(void)
{
    for (int i = 0; i < MOST * 8; i++)
        send[i] = recv[i] = -1;
}

static void test_allgather(int n)
{
    clear();
    for (int i = 0; i < n; i++)
        send[i] = value(me, 0, i);
    CALL(Neighbor_allgather, neighbor_allgather, (send, n, MPI_INT, recv, n, MPI_INT, comm),
         (send, n, MPI_INT, recv, n, MPI_INT, comm));
    for (int l = 0; l < in; l++)
        for (int i = 0; i < n; i++)
            CHECK(recv[l * n + i] == (sources[l] == MPI_PROC_NULL ? -1 : value(sources[l], 0, i)));
    CHECK(recv[in * n] == -1);
}

static void test_alltoall(int n)
{
    clear();
    for (int j = 0; j < out; j++)
        for (int i = 0; i < n; i++)
            send[j * n + i] = value(me, j, i);
    CALL(Neighbor_alltoall, neighbor_alltoall, (send, n, MPI_INT, recv, n, MPI_INT, comm),
         (send, n, MPI_INT, recv, n, MPI_INT, comm));
    for (int l = 0; l < in; l++)
        for (int i = 0; i < n; i++)
            CHECK(recv[l * n + i] ==
                  (sources[l] == MPI_PROC_NULL ? -1 : value(sources[l], slots[l], i)));
    CHECK(recv[in * n] == -1);
}

/* A side's arrays; parts lie backwards in the buffer, seven elements for each. */
struct side {
    int counts[MOST], displs[MOST];
    MPI_Count large_counts[MOST];
    MPI_Aint large_displs[MOST], bytes[MOST];
    MPI_Datatype types[MOST];
};

static struct side sent, got;

static void lay_out(struct side *x, int part, int parts, int count)
{
    x->large_counts[part] = x->counts[part] = count;
    x->large_displs[part] = x->displs[part] = 7 * (parts - 1 - part);
    x->bytes[part] = x->displs[part] * (MPI_Aint)sizeof(int);
    x->types[part] = MPI_INT;
}

/* `step` is 2 for a part whose elements have a hole behind them. */
static void check_part(int l, int count, int from_slot, int step)
{
    const int *at = recv + got.displs[l];

    for (int i = 0; i < 7; i++) {
        int here = sources[l] != MPI_PROC_NULL && i % step == 0 && i / step < count;

        CHECK(at[i] == (here ? value(sources[l], from_slot, i / step) : -1));
    }
}

static void test_allgatherv(int salt)
{
    int n = count_of(me, 0, salt);

    clear();
    for (int i = 0; i < n; i++)
        send[i] = value(me, 0, i);
    for (int l = 0; l < in; l++)
        lay_out(&got, l, in, sources[l] == MPI_PROC_NULL ? 3 : count_of(sources[l], 0, salt));
    CALL(Neighbor_allgatherv, neighbor_allgatherv,
         (send, n, MPI_INT, recv, got.counts, got.displs, MPI_INT, comm),
         (send, n, MPI_INT, recv, got.large_counts, got.large_displs, MPI_INT, comm));
    for (int l = 0; l < in; l++)
        check_part(l, got.counts[l], 0, 1);
}

static void lay_out_both(int salt)
{
    clear();
    for (int j = 0; j < out; j++)
        lay_out(&sent, j, out, count_of(me, j, salt));
    for (int l = 0; l < in; l++)
        lay_out(&got, l, in,
                sources[l] == MPI_PROC_NULL ? 3 : count_of(sources[l], slots[l], salt));
}

static void test_alltoallv(int salt)
{
    lay_out_both(salt);
    for (int j = 0; j < out; j++)
        for (int i = 0; i < sent.counts[j]; i++)
            send[sent.displs[j] + i] = value(me, j, i);
    CALL(Neighbor_alltoallv, neighbor_alltoallv,
         (send, sent.counts, sent.displs, MPI_INT, recv, got.counts, got.displs, MPI_INT, comm),
         (send, sent.large_counts, sent.large_displs, MPI_INT, recv, got.large_counts,
          got.large_displs, MPI_INT, comm));
    for (int l = 0; l < in; l++)
        check_part(l, got.counts[l], slots[l], 1);
}

/* Every third part sent, and every second one received, has holes. */
static void test_alltoallw(int salt, MPI_Datatype holes)
{
    lay_out_both(salt);
    for (int j = 0; j < out; j++) {
        int step = j % 3 ? 1 : 2;

        if (step == 2)
            sent.types[j] = holes;
        for (int i = 0; i < sent.counts[j]; i++)
            send[sent.displs[j] + i * step] = value(me, j, i);
    }
    for (int l = 0; l < in; l += 2)
        got.types[l] = holes;
    CALL(Neighbor_alltoallw, neighbor_alltoallw,
         (send, sent.counts, sent.bytes, sent.types, recv, got.counts, got.bytes, got.types, comm),
         (send, sent.large_counts, sent.bytes, sent.types, recv, got.large_counts, got.bytes,
          got.types, comm));
    for (int l = 0; l < in; l++)
        check_part(l, got.counts[l], slots[l], l % 2 ? 1 : 2);
}

/* Parts that no provider takes at once, so that sends wait for their receives. */
static void test_large(void)
{
    int n = 50000, *a = malloc(sizeof *a * n * (out + 1)), *b = malloc(sizeof *b * n * (in + 1));

    CHECK(a && b);
    for (int j = 0; j < out; j++)
        for (int i = 0; i < n; i++)
            a[j * n + i] = value(me, j, i);
    OK(MPI_Neighbor_alltoall(a, n, MPI_INT, b, n, MPI_INT, comm));
    for (int l = 0; l < in; l++)
        for (int i = 0; i < n && sources[l] != MPI_PROC_NULL; i++)
            CHECK(b[l * n + i] == value(sources[l], slots[l], i));
    free(a);
    free(b);
}

static void test_all(MPI_Comm c, MPI_Datatype holes)
{
    if (c == MPI_COMM_NULL)
        return;
    ask(c);
    for (form = 0; form < 6; form++) {
        for (int n = 0; n < 4; n++) {
            test_allgather(n);
            test_alltoall(n);
            test_allgatherv(n);
            test_alltoallv(n);
            test_alltoallw(n, holes);
        }
    }
    test_large();
    OK(MPI_Comm_free(&c));
}

/* ---- On what ---- */

static void test_carts(MPI_Datatype holes)
{
    MPI_Comm cart;

    for (int a = 1; a <= size && a <= 3; a++)
        for (int b = 1; a * b <= size; b++) {
            int dims[3] = {a, b, size / (a * b)};

            for (int mask = 0; mask < 8; mask++) {
                int periods[3] = {mask & 1, mask >> 1 & 1, mask >> 2};

                OK(MPI_Cart_create(MPI_COMM_WORLD, 3, dims, periods, 0, &cart));
                test_all(cart, holes);
            }
        }
    OK(MPI_Cart_create(MPI_COMM_WORLD, 0, NULL, NULL, 0, &cart));
    test_all(cart, holes);
}

/* All with rank 0, and each with itself, twice. */
static void test_graph(MPI_Datatype holes)
{
    int index[MOST], edges[MOST * 4], n = 0;
    MPI_Comm graph, dup;

    for (int i = 0; i < size; i++) {
        for (int j = 1; !i && j < size; j++)
            edges[n++] = j;
        if (i)
            edges[n++] = 0;
        edges[n++] = i;
        edges[n++] = i;
        index[i] = n;
    }
    OK(MPI_Graph_create(MPI_COMM_WORLD, size, index, edges, 0, &graph));
    OK(MPI_Comm_dup(graph, &dup));
    OK(MPI_Comm_free(&graph));
    test_all(dup, holes);
}

/* Up to two edges from a to b, loops among them; rank 0 names them all. */
static void test_dist_graph(int salt, MPI_Datatype holes)
{
    int from[MOST * 8], degrees[MOST * 8], to[MOST * 8], n = 0;
    MPI_Comm graph;

    for (int a = 0; rank == 0 && a < size; a++)
        for (int b = 0; b < size; b++)
            for (int i = 0; i < (a * 5 + b * 3 + salt) % 4 % 3; i++) {
                from[n] = a;
                degrees[n] = 1;
                to[n++] = b;
            }
    OK(MPI_Dist_graph_create(MPI_COMM_WORLD, n, from, degrees, to, degrees, MPI_INFO_NULL, 0,
                             &graph));
    test_all(graph, holes);
}

/* ---- Mistakes ---- */

static int class_of(int rc)
{
    int class;

    OK(MPI_Error_class(rc, &class));
    return class;
}

static void test_errors(void)
{
    int a[8] = {0}, b[8], bad[2] = {1, -1}, zero[2] = {0};
    MPI_Comm ring, plain;

    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN)); /* of no communicator */
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &plain));
    OK(MPI_Comm_set_errhandler(plain, MPI_ERRORS_RETURN));
    OK(MPI_Cart_create(plain, 1, &size, (int[1]){1}, 0, &ring)); /* inherits the handler */
#define FAILS(want, call) CHECK(class_of(call) == (want))
    FAILS(MPI_ERR_TOPOLOGY, MPI_Neighbor_allgather(a, 1, MPI_INT, b, 1, MPI_INT, plain));
    FAILS(MPI_ERR_COMM, MPI_Neighbor_allgather(a, 1, MPI_INT, b, 1, MPI_INT, MPI_COMM_NULL));
    FAILS(MPI_ERR_BUFFER, MPI_Neighbor_alltoall(MPI_IN_PLACE, 1, MPI_INT, b, 1, MPI_INT, ring));
    FAILS(MPI_ERR_BUFFER, MPI_Neighbor_alltoall(a, 1, MPI_INT, NULL, 1, MPI_INT, ring));
    FAILS(MPI_ERR_COUNT, MPI_Neighbor_alltoall(a, -1, MPI_INT, b, 1, MPI_INT, ring));
    FAILS(MPI_ERR_TYPE, MPI_Neighbor_alltoall(a, 1, MPI_DATATYPE_NULL, b, 1, MPI_INT, ring));
    FAILS(MPI_ERR_COUNT, MPI_Neighbor_allgatherv(a, 1, MPI_INT, b, bad, zero, MPI_INT, ring));
    FAILS(MPI_ERR_ARG, MPI_Neighbor_allgatherv(a, 1, MPI_INT, b, bad, NULL, MPI_INT, ring));
    /* All send one and expect two. */
    FAILS(MPI_ERR_TRUNCATE, MPI_Neighbor_alltoall(a, 1, MPI_INT, b, 2, MPI_INT, ring));
    OK(MPI_Comm_free(&ring));
    OK(MPI_Comm_free(&plain));
}

int main(int argc, char **argv)
{
    MPI_Datatype holes;

    begin(&argc, &argv);
    CHECK(size <= 16);
    starts = 3;
    OK(MPI_Type_create_resized(MPI_INT, 0, 2 * sizeof(int), &holes));
    OK(MPI_Type_commit(&holes));
    test_carts(holes);
    test_graph(holes);
    for (int salt = 0; salt < 4; salt++)
        test_dist_graph(salt, holes);
    OK(MPI_Type_free(&holes));
    test_errors();
    return end("neighbor");
}
