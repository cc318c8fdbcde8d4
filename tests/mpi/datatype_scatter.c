/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layouts to one another, at the lengths where a message changes its way: in a cell, in a chunk, in
 * a train of chunks, as a stream, in one copy of long blocks, in more blocks than are told at once.
 * Expected and unexpected, matched, persistent, and cut short by the receiver.
 */
#include "mpitest.h"

enum {
    MOST = 1500000, /* bytes of data: 92 long blocks, more than are told at once */
    SPREAD = 3,     /* a layout is at most so many times as long */
    GAP = 0x5a,
};

/* `unit` bytes of data in every `step` bytes; step 0: all together. */
struct layout {
    const char *name;
    int unit, step;
};

/* Each meets those that stand an even number of places from it. */
static const struct layout layouts[] = {
    {"block", 0, 0},
    {"rows", 1024, 1536},
    {"doubles", 8, 16},
    {"longer", 100000, 100100},
    {"long", 16384, 16384 + 64},
    {"odd", 7, 12},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static const int sizes[] = {1, 41, 1025, 4097, 16384, 16385, 131072, 131073, MOST};
enum { SIZES = sizeof sizes / sizeof *sizes };

static unsigned char *data, *out, *in;

static long place(const struct layout *l, long i)
{
    return l->step ? i / l->unit * l->step + i % l->unit : i;
}

/* `len` bytes in that layout, the last block as long as what is left. */
static MPI_Datatype make(const struct layout *l, int len)
{
    int whole = l->step ? len / l->unit : 0, lengths[2] = {1, len - whole * l->unit};
    MPI_Aint places[2] = {0, (MPI_Aint)whole * l->step};
    MPI_Datatype types[2] = {MPI_BYTE, MPI_BYTE}, t;

    if (whole)
        OK(MPI_Type_create_hvector(whole, l->unit, l->step, MPI_BYTE, &types[0]));
    else
        lengths[0] = 0;
    OK(MPI_Type_create_struct(2, lengths, places, types, &t));
    OK(MPI_Type_commit(&t));
    if (whole)
        OK(MPI_Type_free(&types[0]));
    return t;
}

static void spread(const struct layout *l, int len)
{
    for (int i = 0; i < len; i++)
        out[place(l, i)] = data[i];
}

/* `len` bytes have come where they belong, and nothing anywhere else. */
static void check(const struct layout *l, int len, const char *what, const struct layout *from)
{
    long at = 0;

    for (int i = 0; i < len; i++) {
        long to = place(l, i);
        while (at < to && in[at] == GAP)
            at++;
        if (at != to || in[to] != data[i]) {
            fprintf(stderr, "rank %d of %d: %s: %s to %s, %d bytes: byte %d is wrong\n", rank, size,
                    what, from->name, l->name, len, i);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
        at++;
    }
    for (long end = at + 64; at < end; at++)
        CHECK(in[at] == GAP);
    memset(in, GAP, (size_t)place(l, len) + 64);
}

static void pass(const struct layout *from, const struct layout *to, int len)
{
    MPI_Datatype send = make(from, len), recv = make(to, len), half = make(to, len / 2);
    MPI_Request r[2];
    MPI_Message m;
    MPI_Status s;

    spread(from, len);
    OK(MPI_Irecv(in, 1, recv, left(), 1, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Isend(out, 1, send, right(), 1, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Wait(&r[0], &s));
    OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
    CHECK(says(&s, left(), 1, MPI_BYTE, len));
    check(to, len, "expected", from);

    OK(MPI_Issend(out, 1, send, right(), 2, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Mprobe(MPI_ANY_SOURCE, 2, MPI_COMM_WORLD, &m, &s));
    CHECK(says(&s, left(), 2, MPI_BYTE, len));
    OK(MPI_Mrecv(in, 1, recv, &m, &s));
    OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
    CHECK(says(&s, left(), 2, MPI_BYTE, len));
    check(to, len, "matched", from);

    OK(MPI_Isend(out, 1, send, right(), 3, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Probe(left(), 3, MPI_COMM_WORLD, &s));
    int rc = MPI_Recv(in, 1, half, left(), 3, MPI_COMM_WORLD, &s);
    CHECK(rc == (len / 2 < len ? MPI_ERR_TRUNCATE : MPI_SUCCESS));
    OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
    check(to, len / 2, "cut short", from);

    OK(MPI_Type_free(&send));
    OK(MPI_Type_free(&recv));
    OK(MPI_Type_free(&half));
}

/* Several at once, of both kinds of request. */
static void persistent(const struct layout *l, int len)
{
    enum { N = 4 };
    MPI_Datatype t = make(l, len);
    MPI_Request r[2 * N];

    spread(l, len);
    for (int i = 0; i < N; i++) {
        OK(MPI_Send_init(out, 1, t, right(), 4 + i, MPI_COMM_WORLD, &r[i]));
        OK(MPI_Recv_init(in, 1, t, left(), 4 + i, MPI_COMM_WORLD, &r[N + i]));
    }
    for (int round = 0; round < 2; round++) {
        OK(MPI_Startall(2 * N, r));
        OK(MPI_Waitall(2 * N, r, MPI_STATUSES_IGNORE));
        check(l, len, "persistent", l);
    }
    for (int i = 0; i < 2 * N; i++)
        OK(MPI_Request_free(&r[i]));
    OK(MPI_Type_free(&t));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    data = malloc(MOST);
    out = malloc((size_t)SPREAD * MOST + 64);
    in = malloc((size_t)SPREAD * MOST + 64);
    for (int i = 0; i < MOST; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 24);
    memset(in, GAP, (size_t)SPREAD * MOST + 64);
    for (int s = 0; s < SIZES; s++) {
        for (int i = 0; i < LAYOUTS; i++)
            for (int k = i % 2; k < LAYOUTS; k += 2)
                pass(&layouts[i], &layouts[k], sizes[s]);
        for (int i = 0; i < LAYOUTS; i++)
            persistent(&layouts[i], sizes[s]);
    }
    free(data);
    free(out);
    free(in);
    return end("datatype_scatter");
}
