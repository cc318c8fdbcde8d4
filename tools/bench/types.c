/* SPDX-License-Identifier: BSD-3-Clause */
/* Derived datatypes: how long a message takes whose bytes do not lie side by side. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

struct typed {
    MPI_Datatype type;
    size_t span; /* bytes from the first element to behind the last */
    double *out, *in;
};

/* ---- The shapes; each of `bytes` of data, at least one double ---- */

static int doubles_in(size_t bytes)
{
    return bytes < sizeof(double) ? 1 : (int)(bytes / sizeof(double));
}

/* Every other double. */
static size_t make_strided(size_t bytes, MPI_Datatype *type)
{
    int n = doubles_in(bytes);

    MPI_Type_vector(n, 1, 2, MPI_DOUBLE, type);
    return 2 * (size_t)n * sizeof(double);
}

/* A column of a matrix whose rows are 1024 doubles. */
static size_t make_column(size_t bytes, MPI_Datatype *type)
{
    int n = doubles_in(bytes);

    MPI_Type_vector(n, 1, 1024, MPI_DOUBLE, type);
    return 1024 * (size_t)n * sizeof(double);
}

/*
 * Blocks of 1 to 7 doubles with gaps of 1 to 3 between them, at random, so that no processor learns
 * them by heart; 320000 bytes are 10^4 blocks. The same numbers everywhere: Park and Miller's.
 */
static size_t make_indexed(size_t bytes, MPI_Datatype *type)
{
    int n = doubles_in(bytes), blocks = 0, at = 0;
    int *lengths = take_memory((size_t)n * sizeof(int), 0);
    int *places = take_memory((size_t)n * sizeof(int), 0);

    unsigned long long random = 1;
    for (int left = n; left > 0; blocks++) {
        random = random * 48271 % 2147483647;
        int length = 1 + (int)(random / 4 % 7);

        lengths[blocks] = length < left ? length : left;
        places[blocks] = at;
        at += lengths[blocks] + 1 + (int)(random / 1024 % 3);
        left -= lengths[blocks];
    }
    MPI_Type_indexed(blocks, lengths, places, MPI_DOUBLE, type);
    give_memory(lengths);
    give_memory(places);
    return (size_t)at * sizeof(double);
}

/*
 * The outermost layer of a cube's own cells, inside a layer of the neighbours', as a halo exchange
 * sends it: rows in the middle of the cube, or single cells a row apart.
 */
static int edge_of(size_t bytes)
{
    int edge = 1;

    while ((size_t)(edge + 1) * (size_t)(edge + 1) * sizeof(double) <= bytes)
        edge++;
    return edge;
}

static MPI_Datatype layer(int edge, int dimension, int at)
{
    int whole[3] = {edge + 2, edge + 2, edge + 2};
    int part[3] = {edge, edge, edge};
    int start[3] = {1, 1, 1};
    MPI_Datatype type;

    part[dimension] = 1;
    start[dimension] = at;
    MPI_Type_create_subarray(3, whole, part, start, MPI_ORDER_C, MPI_DOUBLE, &type);
    return type;
}

static size_t make_face(size_t bytes, int dimension, MPI_Datatype *type)
{
    size_t edge = (size_t)edge_of(bytes) + 2;

    *type = layer((int)edge - 2, dimension, 1);
    return edge * edge * edge * sizeof(double);
}

static size_t make_face_x(size_t bytes, MPI_Datatype *type)
{
    return make_face(bytes, 2, type);
}

static size_t make_face_y(size_t bytes, MPI_Datatype *type)
{
    return make_face(bytes, 1, type);
}

static size_t make_face_z(size_t bytes, MPI_Datatype *type)
{
    return make_face(bytes, 0, type);
}

typedef size_t make_fn(size_t bytes, MPI_Datatype *type);
struct shape {
    make_fn *make;
};

static double ping_pong(void *arg, long n)
{
    const struct typed *y = arg;
    double begin = now();

    if (rank > 1)
        return NO_PART;
    for (long i = 0; i < n; i++) {
        if (rank == 0)
            MPI_Send(y->out, 1, y->type, 1, 1, MPI_COMM_WORLD);
        MPI_Recv(y->in, 1, y->type, 1 - rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1)
            MPI_Send(y->out, 1, y->type, 0, 1, MPI_COMM_WORLD);
    }
    return rank == 0 ? now() - begin : NO_PART;
}

/* Packed by the library itself, both sides have the same bytes, and the gaps were left alone. */
static void check_typed(const struct test *t, size_t bytes, const struct typed *y)
{
    int size, at = 0, wanted_at = 0;
    char *got, *wanted;

    MPI_Type_size(y->type, &size);
    got = take_memory((size_t)size, 1);
    wanted = take_memory((size_t)size, 2);
    MPI_Pack(y->in, 1, y->type, got, size, &at, MPI_COMM_WORLD);
    MPI_Pack(y->out, 1, y->type, wanted, size, &wanted_at, MPI_COMM_WORLD);
    if (memcmp(got, wanted, (size_t)size))
        wrong_data(t->name, bytes);

    size_t written = 0;
    for (size_t i = 0; i < y->span / sizeof(double); i++)
        written += y->in[i] != 0;
    if (written != (size_t)size / sizeof(double))
        wrong_data(t->name, bytes);
    give_memory(got);
    give_memory(wanted);
}

static void run_typed(const struct test *t, size_t bytes)
{
    const struct shape *s = t->detail;
    struct typed y;
    double seconds;

    y.span = s->make(bytes, &y.type);
    MPI_Type_commit(&y.type);
    y.out = take_memory(y.span, 0);
    y.in = take_memory(y.span, 0);
    for (size_t i = 0; i < y.span / sizeof(double); i++)
        y.out[i] = 1 + (double)i;
    seconds = measure_loop(ping_pong, &y, MEAN);
    if (rank < 2)
        check_typed(t, bytes, &y);
    report(t, bytes, seconds / 2 * 1e6);
    MPI_Type_free(&y.type);
    give_memory(y.out);
    give_memory(y.in);
}

/* ---- The halo of a cube ---- */

struct halo {
    double *cube;
    int peer[6];           /* lower and upper neighbour in each dimension */
    MPI_Datatype inner[6]; /* the outermost layer of this rank's own cells */
    MPI_Datatype outer[6]; /* the layer around them, the neighbour's */
};

/* Three factors of n as near to each other as may be, the largest first. */
static void spread(int n, int dims[3])
{
    dims[0] = n, dims[1] = 1, dims[2] = 1;
    for (int a = 1; a <= n; a++)
        for (int b = 1; b <= a && a * b <= n; b++) {
            int c = n / (a * b);

            if (a * b * c == n && c <= b && a < dims[0])
                dims[0] = a, dims[1] = b, dims[2] = c;
        }
}

static void open_halo(struct halo *h, int edge)
{
    int dims[3], stride = ranks;
    size_t cells = (size_t)(edge + 2) * (size_t)(edge + 2) * (size_t)(edge + 2);

    spread(ranks, dims);
    for (int d = 0; d < 3; d++) {
        stride /= dims[d];

        int at = rank / stride % dims[d];
        h->peer[2 * d] = at > 0 ? rank - stride : MPI_PROC_NULL;
        h->peer[2 * d + 1] = at < dims[d] - 1 ? rank + stride : MPI_PROC_NULL;
        h->inner[2 * d] = layer(edge, d, 1);
        h->inner[2 * d + 1] = layer(edge, d, edge);
        h->outer[2 * d] = layer(edge, d, 0);
        h->outer[2 * d + 1] = layer(edge, d, edge + 1);
    }
    for (int k = 0; k < 6; k++) {
        MPI_Type_commit(&h->inner[k]);
        MPI_Type_commit(&h->outer[k]);
    }
    h->cube = take_memory(cells * sizeof(double), 0);
    for (size_t i = 0; i < cells; i++)
        h->cube[i] = rank + 1;
}

static double exchange(void *arg, long n)
{
    const struct halo *h = arg;
    double begin = now();
    MPI_Request r[12];

    for (long i = 0; i < n; i++) {
        for (int k = 0; k < 6; k++)
            MPI_Irecv(h->cube, 1, h->outer[k], h->peer[k], k ^ 1, MPI_COMM_WORLD, &r[k]);
        for (int k = 0; k < 6; k++)
            MPI_Isend(h->cube, 1, h->inner[k], h->peer[k], k, MPI_COMM_WORLD, &r[6 + k]);
        MPI_Waitall(12, r, MPI_STATUSES_IGNORE);
    }
    return now() - begin;
}

/* Each outer layer holds its neighbour's number, or this rank's own where there is none. */
static void check_halo(const struct test *t, size_t bytes, const struct halo *h, int edge)
{
    size_t cells = (size_t)edge * (size_t)edge;
    double *face = take_memory(cells * sizeof(double), 0);

    for (int k = 0; k < 6; k++) {
        double wanted = (h->peer[k] == MPI_PROC_NULL ? rank : h->peer[k]) + 1;
        int at = 0;

        MPI_Pack(h->cube, 1, h->outer[k], face, (int)(cells * sizeof(double)), &at, MPI_COMM_WORLD);
        for (size_t i = 0; i < cells; i++)
            if (face[i] != wanted)
                wrong_data(t->name, bytes);
    }
    give_memory(face);
}

static void run_halo(const struct test *t, size_t bytes)
{
    struct halo h;
    int edge = edge_of(bytes);

    open_halo(&h, edge);

    double seconds = measure_loop(exchange, &h, SLOWEST);

    check_halo(t, bytes, &h, edge);
    report(t, bytes, seconds * 1e6);
    for (int k = 0; k < 6; k++) {
        MPI_Type_free(&h.inner[k]);
        MPI_Type_free(&h.outer[k]);
    }
    give_memory(h.cube);
}

static const struct shape strided = {make_strided}, column = {make_column},
                          indexed = {make_indexed}, face_x = {make_face_x}, face_y = {make_face_y},
                          face_z = {make_face_z};

const struct test type_tests[] = {
    {"vector", "us", "latency of every other double", "1024,65536,1048576", "2", run_typed,
     &strided},
    {"column", "us", "latency of a column of a matrix 1024 wide", "1024,65536", "2", run_typed,
     &column},
    {"indexed", "us", "latency of irregular blocks", "1024,65536,320000", "2", run_typed, &indexed},
    {"face_x", "us", "latency of a cube's face: cells a row apart", "8192,131072", "2", run_typed,
     &face_x},
    {"face_y", "us", "latency of a cube's face: rows a plane apart", "8192,131072", "2", run_typed,
     &face_y},
    {"face_z", "us", "latency of a cube's face: a plane's rows", "8192,131072", "2", run_typed,
     &face_z},
    {"halo", "us", "exchange of a cube's faces with up to 6 neighbours", "2048,32768,131072", "2",
     run_halo, NULL},
    {0},
};
