/* SPDX-License-Identifier: BSD-3-Clause */
/* Derived types: a column of a matrix, sent and received as such or as its elements; parts. */
#include <stdbool.h>

#include "mpitest.h"

static int *out, *in, *flat;

static void columns(int rows, int width)
{
    MPI_Datatype column;
    MPI_Request r;
    MPI_Status s;

    OK(MPI_Type_vector(rows, 1, width, MPI_INT, &column));
    OK(MPI_Type_commit(&column));
    for (int i = 0; i < rows * width; i++) {
        out[i] = rank * 1000000 + i;
        in[i] = -1;
    }
    /* Column to elements: packed on the way out. */
    OK(MPI_Irecv(flat, rows, MPI_INT, left(), 1, MPI_COMM_WORLD, &r));
    OK(MPI_Send(out + 1, 1, column, right(), 1, MPI_COMM_WORLD));
    OK(MPI_Wait(&r, &s));
    CHECK(says(&s, left(), 1, MPI_INT, rows));
    for (int i = 0; i < rows; i++)
        CHECK(flat[i] == left() * 1000000 + i * width + 1);
    /* Elements to column: unpacked on the way in, and nothing beside it is touched. The type is
     * freed while the receive is under way. */
    OK(MPI_Irecv(in + 2, 1, column, left(), 2, MPI_COMM_WORLD, &r));
    OK(MPI_Type_free(&column));
    OK(MPI_Send(flat, rows, MPI_INT, right(), 2, MPI_COMM_WORLD));
    OK(MPI_Wait(&r, &s));
    CHECK(says(&s, left(), 2, MPI_INT, rows));
    int sender = (left() + size - 1) % size;
    for (int i = 0; i < rows * width; i++)
        CHECK(in[i] == (i % width == 2 ? sender * 1000000 + i / width * width + 1 : -1));
}

/* Fewer elements than the receive has room for. */
static void partial(void)
{
    MPI_Datatype pair;
    MPI_Status s;
    MPI_Request r;
    int n;

    OK(MPI_Type_vector(2, 1, 2, MPI_INT, &pair));
    OK(MPI_Type_commit(&pair));
    for (int i = 0; i < 12; i++) {
        out[i] = i;
        in[i] = -1;
    }
    OK(MPI_Isend(out, 3, MPI_INT, right(), 3, MPI_COMM_WORLD, &r));
    OK(MPI_Recv(in, 4, pair, left(), 3, MPI_COMM_WORLD, &s));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    CHECK(in[0] == 0 && in[1] == -1 && in[2] == 1 && in[3] == 2 && in[4] == -1);
    OK(MPI_Get_count(&s, pair, &n));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Get_elements(&s, pair, &n));
    CHECK(n == 3);
    OK(MPI_Type_free(&pair));
}

/* In place, with another type than its bytes in a row. */
static void replace(int rows, int width)
{
    MPI_Datatype column;

    OK(MPI_Type_vector(rows, 1, width, MPI_INT, &column));
    OK(MPI_Type_commit(&column));
    for (int i = 0; i < rows * width; i++)
        out[i] = rank * 1000000 + i;
    OK(MPI_Sendrecv_replace(out, 1, column, right(), 4, left(), 4, MPI_COMM_WORLD,
                            MPI_STATUS_IGNORE));
    for (int i = 0; i < rows * width; i++)
        CHECK(out[i] == (i % width ? rank : left()) * 1000000 + i);
    OK(MPI_Type_free(&column));
}

/*
 * The inner part of a board's middle row: one such item is one block, two are not. Received by a
 * call that waits for it and by one that does not.
 */
static void parts(int items, int width)
{
    static int (*const ways[])(const void *, int, MPI_Datatype, int, int, MPI_Comm,
                               MPI_Request *) = {MPI_Isend, MPI_Issend, MPI_Ibsend};
    const int board[2] = {3, width + 2}, part[2] = {1, width}, at[2] = {1, 1};
    int cells = board[0] * board[1], room;
    MPI_Datatype type;
    MPI_Request r[2];
    MPI_Status s;

    OK(MPI_Type_create_subarray(2, board, part, at, MPI_ORDER_C, MPI_INT, &type));
    OK(MPI_Type_commit(&type));
    OK(MPI_Pack_size(items, type, MPI_COMM_WORLD, &room));
    room = 2 * (room + MPI_BSEND_OVERHEAD); /* the neighbour may not have the last one yet */
    void *buffer = malloc((size_t)room);
    OK(MPI_Buffer_attach(buffer, room));
    for (int way = 0; way < 6; way++) {
        for (int i = 0; i < items * cells; i++) {
            out[i] = rank * 1000000 + i;
            in[i] = -1;
        }
        if (way % 2)
            OK(MPI_Irecv(in, items, type, left(), 5, MPI_COMM_WORLD, &r[0]));
        OK(ways[way / 2](out, items, type, right(), 5, MPI_COMM_WORLD, &r[1]));
        if (way % 2)
            OK(MPI_Wait(&r[0], &s));
        else
            OK(MPI_Recv(in, items, type, left(), 5, MPI_COMM_WORLD, &s));
        OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
        CHECK(says(&s, left(), 5, MPI_INT, items * width));
        for (int i = 0; i < items * cells; i++) {
            int row = i % cells / board[1], column = i % board[1];
            bool inner = row == 1 && column > 0 && column <= width;
            CHECK(in[i] == (inner ? left() * 1000000 + i : -1));
        }
    }
    OK(MPI_Buffer_detach(&buffer, &room));
    free(buffer);
    OK(MPI_Type_free(&type));
}

int main(int argc, char **argv)
{
    static const int rows[] = {1, 2, 10, 64, 65, 500, 5000};
    enum { MOST = 5000 * 7 };

    begin(&argc, &argv);
    out = malloc(MOST * sizeof(int));
    in = malloc(MOST * sizeof(int));
    flat = malloc(MOST * sizeof(int));
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        columns(rows[i], 7);
        replace(rows[i], 3);
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    partial();
    for (int items = 1; items <= 2; items++) {
        parts(items, 1);
        parts(items, 20);
        parts(items, 5000);
    }
    free(out);
    free(in);
    free(flat);
    return end("p2p_vector");
}
