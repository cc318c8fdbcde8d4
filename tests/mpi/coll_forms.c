/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every collective in its six forms - blocking, nonblocking, persistent, each with int and large
 * counts - with random counts and roots, in place and not, against naive references. All ranks draw
 * the same random numbers.
 */
#include "coll_call.h"

enum { MOST = 64, ROUNDS = 120 };

static MPI_Op compose;

/* Element i of what `from` has for `to`. */
static int value(int from, int to, int i)
{
    return from * 7919 + to * 104729 + i * 31;
}

static int drawn(int below)
{
    return rand() % below;
}

static int *ints(size_t n)
{
    int *a = malloc((n + 1) * sizeof *a);

    CHECK(a);
    for (size_t i = 0; i <= n; i++)
        a[i] = -1;
    return a;
}

static void test_barrier(void)
{
    MPI_Request r;

    if (form < 2) {
        OK(MPI_Barrier(MPI_COMM_WORLD));
        return;
    }
    if (form < 4)
        OK(MPI_Ibarrier(MPI_COMM_WORLD, &r));
    else
        OK(MPI_Barrier_init(MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    finish(&r);
}

static void test_bcast(int n, int root)
{
    int *a = ints(n);

    for (int i = 0; rank == root && i < n; i++)
        a[i] = value(root, 0, i);
    CALL(Bcast, bcast, (a, n, MPI_INT, root, MPI_COMM_WORLD),
         (a, n, MPI_INT, root, MPI_COMM_WORLD));
    for (int i = 0; i < n; i++)
        CHECK(a[i] == value(root, 0, i));
    free(a);
}

static void test_gather(int n, int root, int in_place)
{
    int *a = ints(n), *b = ints((size_t)n * size), own = in_place && rank == root;
    const void *send = own ? MPI_IN_PLACE : a;

    for (int i = 0; i < n; i++)
        (own ? b + rank * n : a)[i] = value(rank, root, i);
    CALL(Gather, gather, (send, n, MPI_INT, b, n, MPI_INT, root, MPI_COMM_WORLD),
         (send, n, MPI_INT, b, n, MPI_INT, root, MPI_COMM_WORLD));
    for (int i = 0; rank == root && i < n * size; i++)
        CHECK(b[i] == value(i / n, root, i % n));
    free(a);
    free(b);
}

static void test_scatter(int n, int root, int in_place)
{
    int *a = ints((size_t)n * size), *b = ints(n), own = in_place && rank == root;
    void *recv = own ? MPI_IN_PLACE : b;

    for (int i = 0; rank == root && i < n * size; i++)
        a[i] = value(root, i / n, i % n);
    CALL(Scatter, scatter, (a, n, MPI_INT, recv, n, MPI_INT, root, MPI_COMM_WORLD),
         (a, n, MPI_INT, recv, n, MPI_INT, root, MPI_COMM_WORLD));
    for (int i = 0; !own && i < n; i++)
        CHECK(b[i] == value(root, rank, i));
    free(a);
    free(b);
}

static void test_allgather(int n, int in_place)
{
    int *a = ints(n), *b = ints((size_t)n * size);
    const void *send = in_place ? MPI_IN_PLACE : a;

    for (int i = 0; i < n; i++)
        a[i] = b[rank * n + i] = value(rank, 0, i);
    CALL(Allgather, allgather, (send, n, MPI_INT, b, n, MPI_INT, MPI_COMM_WORLD),
         (send, n, MPI_INT, b, n, MPI_INT, MPI_COMM_WORLD));
    for (int i = 0; i < n * size; i++)
        CHECK(b[i] == value(i / n, 0, i % n));
    free(a);
    free(b);
}

static void test_alltoall(int n, int in_place)
{
    int *a = ints((size_t)n * size), *b = ints((size_t)n * size);
    const void *send = in_place ? MPI_IN_PLACE : a;

    for (int i = 0; i < n * size; i++)
        (in_place ? b : a)[i] = value(rank, i / n, i % n);
    CALL(Alltoall, alltoall, (send, n, MPI_INT, b, n, MPI_INT, MPI_COMM_WORLD),
         (send, n, MPI_INT, b, n, MPI_INT, MPI_COMM_WORLD));
    for (int i = 0; i < n * size; i++)
        CHECK(b[i] == value(i / n, rank, i % n));
    free(a);
    free(b);
}

/* ---- Arrays of counts: for rank j (j + base) % 5 ints, one int between the parts ---- */

static int counts[MOST], displs[MOST], bytes[MOST];
static MPI_Count large_counts[MOST];
static MPI_Aint large_displs[MOST], large_bytes[MOST];
static MPI_Datatype types[MOST];

static int make_parts(int base)
{
    int at = 0;

    for (int j = 0; j < size; j++) {
        large_counts[j] = counts[j] = (j + base) % 5;
        large_displs[j] = displs[j] = at;
        large_bytes[j] = bytes[j] = at * (int)sizeof(int);
        types[j] = MPI_INT;
        at += counts[j] + 1;
    }
    return at;
}

static void test_gatherv(int base, int root, int in_place)
{
    int total = make_parts(base), n = counts[rank], own = in_place && rank == root;
    int *a = ints(n), *b = ints(total);
    const void *send = own ? MPI_IN_PLACE : a;

    for (int i = 0; i < n; i++)
        (own ? b + displs[rank] : a)[i] = value(rank, root, i);
    CALL(Gatherv, gatherv, (send, n, MPI_INT, b, counts, displs, MPI_INT, root, MPI_COMM_WORLD),
         (send, n, MPI_INT, b, large_counts, large_displs, MPI_INT, root, MPI_COMM_WORLD));
    for (int j = 0; rank == root && j < size; j++) {
        for (int i = 0; i < counts[j]; i++)
            CHECK(b[displs[j] + i] == value(j, root, i));
        CHECK(b[displs[j] + counts[j]] == -1);
    }
    free(a);
    free(b);
}

static void test_scatterv(int base, int root, int in_place)
{
    int total = make_parts(base), n = counts[rank], own = in_place && rank == root;
    int *a = ints(total), *b = ints(n);
    void *recv = own ? MPI_IN_PLACE : b;

    for (int j = 0; rank == root && j < size; j++)
        for (int i = 0; i < counts[j]; i++)
            a[displs[j] + i] = value(root, j, i);
    CALL(Scatterv, scatterv, (a, counts, displs, MPI_INT, recv, n, MPI_INT, root, MPI_COMM_WORLD),
         (a, large_counts, large_displs, MPI_INT, recv, n, MPI_INT, root, MPI_COMM_WORLD));
    for (int i = 0; !own && i < n; i++)
        CHECK(b[i] == value(root, rank, i));
    free(a);
    free(b);
}

static void test_allgatherv(int base, int in_place)
{
    int total = make_parts(base), n = counts[rank];
    int *a = ints(n), *b = ints(total);
    const void *send = in_place ? MPI_IN_PLACE : a;

    for (int i = 0; i < n; i++)
        a[i] = b[displs[rank] + i] = value(rank, 0, i);
    CALL(Allgatherv, allgatherv, (send, n, MPI_INT, b, counts, displs, MPI_INT, MPI_COMM_WORLD),
         (send, n, MPI_INT, b, large_counts, large_displs, MPI_INT, MPI_COMM_WORLD));
    for (int j = 0; j < size; j++) {
        for (int i = 0; i < counts[j]; i++)
            CHECK(b[displs[j] + i] == value(j, 0, i));
        CHECK(b[displs[j] + counts[j]] == -1);
    }
    free(a);
    free(b);
}

/* Rank i sends (i + j + base) % 5 ints to rank j: what both need for the in-place form. */
static void test_alltoallv(int base, int in_place, int w)
{
    int total = make_parts(base + rank), *a = ints(total), *b = ints(total);
    const void *send = in_place ? MPI_IN_PLACE : a;

    for (int j = 0; j < size; j++)
        for (int i = 0; i < counts[j]; i++)
            (in_place ? b : a)[displs[j] + i] = value(rank, j, i);
    if (w)
        CALL(Alltoallw, alltoallw,
             (send, counts, bytes, types, b, counts, bytes, types, MPI_COMM_WORLD),
             (send, large_counts, large_bytes, types, b, large_counts, large_bytes, types,
              MPI_COMM_WORLD));
    else
        CALL(Alltoallv, alltoallv,
             (send, counts, displs, MPI_INT, b, counts, displs, MPI_INT, MPI_COMM_WORLD),
             (send, large_counts, large_displs, MPI_INT, b, large_counts, large_displs, MPI_INT,
              MPI_COMM_WORLD));
    for (int j = 0; j < size; j++) {
        for (int i = 0; i < counts[j]; i++)
            CHECK(b[displs[j] + i] == value(j, rank, i));
        CHECK(b[displs[j] + counts[j]] == -1);
    }
    free(a);
    free(b);
}

/* ---- Reductions of pairs (a, b): their sum, or the map x -> a x + b, which does not commute ----
 */

static void compose_maps(void *in, void *inout, int *len, MPI_Datatype *type)
{
    unsigned *x = in, *y = inout;

    (void)type;
    for (int i = 0; i < *len; i++, x += 2, y += 2) {
        y[1] = y[0] * x[1] + y[1];
        y[0] *= x[0];
    }
}

/* Pair i of ranks first..last, in rank order. */
static void reference(int composed, int first, int last, int i, unsigned want[2])
{
    want[0] = (unsigned)value(first, 0, 2 * i);
    want[1] = (unsigned)value(first, 0, 2 * i + 1);
    for (int j = first + 1; j <= last; j++) {
        unsigned a = (unsigned)value(j, 0, 2 * i), b = (unsigned)value(j, 0, 2 * i + 1);

        want[1] = composed ? a * want[1] + b : want[1] + b;
        want[0] = composed ? a * want[0] : want[0] + a;
    }
}

static void check_pairs(const int *have, int composed, int last, int from, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned want[2];

        reference(composed, 0, last, from + i, want);
        CHECK((unsigned)have[2 * i] == want[0] && (unsigned)have[2 * i + 1] == want[1]);
    }
}

static void test_reductions(int n, int root, int in_place, int composed, MPI_Datatype pair)
{
    MPI_Datatype t = composed ? pair : MPI_INT;
    MPI_Op op = composed ? compose : MPI_SUM;
    int *a = ints(2 * n), *b = ints(2 * n), items = composed ? n : 2 * n;
    const void *send = in_place ? MPI_IN_PLACE : a;
    const void *at_root = in_place && rank == root ? MPI_IN_PLACE : a;

    for (int i = 0; i < 2 * n; i++)
        a[i] = b[i] = value(rank, 0, i);
    CALL(Reduce, reduce, (at_root, b, items, t, op, root, MPI_COMM_WORLD),
         (at_root, b, items, t, op, root, MPI_COMM_WORLD));
    if (rank == root)
        check_pairs(b, composed, size - 1, 0, n);
    memcpy(b, a, 2 * n * sizeof *b);
    CALL(Allreduce, allreduce, (send, b, items, t, op, MPI_COMM_WORLD),
         (send, b, items, t, op, MPI_COMM_WORLD));
    check_pairs(b, composed, size - 1, 0, n);
    memcpy(b, a, 2 * n * sizeof *b);
    CALL(Scan, scan, (send, b, items, t, op, MPI_COMM_WORLD),
         (send, b, items, t, op, MPI_COMM_WORLD));
    check_pairs(b, composed, rank, 0, n);
    memcpy(b, a, 2 * n * sizeof *b);
    /* Rank 0 has no result, and may name any place for it. */
    void *result = rank || in_place ? b : root ? NULL : a;
    CALL(Exscan, exscan, (send, result, items, t, op, MPI_COMM_WORLD),
         (send, result, items, t, op, MPI_COMM_WORLD));
    if (rank)
        check_pairs(b, composed, rank - 1, 0, n);
    free(a);
    free(b);
}

static void test_reduce_scatter(int n, int in_place, int composed, MPI_Datatype pair)
{
    MPI_Datatype t = composed ? pair : MPI_INT;
    MPI_Op op = composed ? compose : MPI_SUM;
    int each = composed ? 1 : 2, pairs[MOST], first = 0, total = n * size;
    int *a = ints(2 * total), *b = ints(2 * total);
    const void *send = in_place ? MPI_IN_PLACE : a;

    for (int i = 0; i < 2 * total; i++)
        a[i] = b[i] = value(rank, 0, i);
    CALL(Reduce_scatter_block, reduce_scatter_block, (send, b, n * each, t, op, MPI_COMM_WORLD),
         (send, b, n * each, t, op, MPI_COMM_WORLD));
    check_pairs(b, composed, size - 1, rank * n, n);
    memcpy(b, a, 2 * total * sizeof *b);
    for (int j = 0; j < size; j++) {
        pairs[j] = (j + n) % (n + 1);
        large_counts[j] = counts[j] = pairs[j] * each;
        first += j < rank ? pairs[j] : 0;
    }
    CALL(Reduce_scatter, reduce_scatter, (send, b, counts, t, op, MPI_COMM_WORLD),
         (send, b, large_counts, t, op, MPI_COMM_WORLD));
    check_pairs(b, composed, size - 1, first, pairs[rank]);
    free(a);
    free(b);
}

static void test_reduce_local(void)
{
    int a[3] = {1, 2, 3}, b[3] = {10, 20, 30};

    OK(MPI_Reduce_local(a, b, 3, MPI_INT, MPI_SUM));
    OK(MPI_Reduce_local_c(a, b, 3, MPI_INT, MPI_SUM));
    CHECK(b[0] == 12 && b[1] == 24 && b[2] == 36);
}

/* The arrays of counts and displacements may be gone when the operation runs. */
static void test_lost_arrays(void)
{
    int *mine = ints((size_t)(rank + 1)), *all = ints((size_t)(size * (size + 1) / 2));
    int *sum = ints((size_t)(size + 1));
    MPI_Request r[2];

    for (int i = 0; i < size; i++) {
        counts[i] = i + 1;
        displs[i] = i * (i + 1) / 2;
    }
    for (int i = 0; i <= rank; i++)
        mine[i] = value(rank, 0, i);
    OK(MPI_Allgatherv_init(mine, rank + 1, MPI_INT, all, counts, displs, MPI_INT, MPI_COMM_WORLD,
                           MPI_INFO_NULL, &r[0]));
    OK(MPI_Reduce_scatter_init(all, sum, counts, MPI_INT, MPI_MAX, MPI_COMM_WORLD, MPI_INFO_NULL,
                               &r[1]));
    memset(counts, 0x5a, sizeof counts);
    memset(displs, 0x5a, sizeof displs);
    for (int n = 0; n < 2; n++) {
        OK(MPI_Start(&r[n]));
        OK(MPI_Wait(&r[n], MPI_STATUS_IGNORE));
    }
    for (int i = 0; i < size; i++)
        counts[i] = i + 1;
    OK(MPI_Request_free(&r[1]));
    OK(MPI_Ireduce_scatter(all, sum, counts, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &r[1]));
    memset(counts, 0x5a, sizeof counts);
    OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
    for (int from = 0; from < size; from++)
        for (int i = 0; i <= from; i++)
            CHECK(all[from * (from + 1) / 2 + i] == value(from, 0, i));
    for (int i = 0; i <= rank; i++)
        CHECK(sum[i] == value(rank, 0, i));
    OK(MPI_Request_free(&r[0]));
    free(mine);
    free(all);
    free(sum);
}

int main(int argc, char **argv)
{
    MPI_Datatype pair;

    begin(&argc, &argv);
    CHECK(size <= MOST);
    OK(MPI_Type_contiguous(2, MPI_INT, &pair));
    OK(MPI_Type_commit(&pair));
    OK(MPI_Op_create(compose_maps, 0, &compose));
    srand(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
    test_reduce_local();
    test_lost_arrays();
    for (int i = 0; i < ROUNDS; i++) {
        int n = drawn(4) ? drawn(20) : drawn(3000), root = drawn(size);
        int in_place = drawn(2), composed = drawn(2);

        form = i % 6;
        test_barrier();
        test_bcast(n, root);
        test_gather(n, root, in_place);
        test_scatter(n, root, in_place);
        test_allgather(n, in_place);
        test_alltoall(n, in_place);
        test_gatherv(i, root, in_place);
        test_scatterv(i, root, in_place);
        test_allgatherv(i, in_place);
        test_alltoallv(i, in_place, 0);
        test_alltoallv(i, in_place, 1);
        test_reductions(n, root, in_place, composed, pair);
        test_reduce_scatter(n, in_place, composed, pair);
    }
    OK(MPI_Op_free(&compose));
    OK(MPI_Type_free(&pair));
    return end("coll_forms");
}
