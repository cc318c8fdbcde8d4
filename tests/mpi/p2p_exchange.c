/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours that exchange messages of all ways to travel, in the forms that programs use: the send
 * and the receive in one call, also in place, and in calls of their own in either order. And an
 * exchange that goes on for ever does not keep others from being served.
 */
#include "mpitest.h"

enum { ROUNDS = 8, MOST = 300000, LONG = 1 << 20, SECONDS = 60 };

static const int lengths[] = {0,    1,    8,     40,    41,    96,    97,     2048, 4096,
                              4097, 8192, 12345, 16384, 16385, 70000, 262145, MOST};

static char out[MOST], in[MOST + 1], twice[2 * MOST];

static void check_in(const char *buf, int len, int seed, MPI_Status *s, int tag)
{
    CHECK(says(s, left(), tag, MPI_BYTE, len));
    CHECK(filled(buf, len, left() * 1000 + seed));
}

static void in_one_call(int len, int seed, int any)
{
    MPI_Status s;

    in[len] = 55;
    OK(MPI_Sendrecv(out, len, MPI_BYTE, right(), seed, in, len, MPI_BYTE,
                    any ? MPI_ANY_SOURCE : left(), any ? MPI_ANY_TAG : seed, MPI_COMM_WORLD, &s));
    check_in(in, len, seed, &s, seed);
    CHECK(in[len] == 55);
}

static void in_place(int len, int seed)
{
    MPI_Status s;

    memcpy(in, out, len);
    OK(MPI_Sendrecv_replace(in, len, MPI_BYTE, right(), seed, left(), seed, MPI_COMM_WORLD, &s));
    check_in(in, len, seed, &s, seed);
}

/* Every other byte goes, and to every other one. */
static void with_gaps(int len, int seed)
{
    MPI_Datatype t;
    MPI_Status s;

    OK(MPI_Type_vector(len, 1, 2, MPI_BYTE, &t));
    OK(MPI_Type_commit(&t));
    memset(twice, 55, sizeof(twice));
    for (int i = 0; i < len; i++)
        twice[2 * i] = out[i];
    OK(MPI_Sendrecv_replace(twice, 1, t, right(), seed, left(), seed, MPI_COMM_WORLD, &s));
    CHECK(says(&s, left(), seed, MPI_BYTE, len));
    for (int i = 0; i < len; i++) {
        CHECK(twice[2 * i + 1] == 55);
        in[i] = twice[2 * i];
    }
    CHECK(filled(in, len, left() * 1000 + seed));
    OK(MPI_Type_free(&t));
}

static void in_own_calls(int len, int seed, int receive_first)
{
    MPI_Request r[2];
    MPI_Status s[2];

    for (int i = 0; i < 2; i++) {
        if (i == !receive_first)
            OK(MPI_Irecv(in, len, MPI_BYTE, left(), seed, MPI_COMM_WORLD, &r[0]));
        else
            OK(MPI_Isend(out, len, MPI_BYTE, right(), seed, MPI_COMM_WORLD, &r[1]));
    }
    OK(MPI_Waitall(2, r, s));
    check_in(in, len, seed, &s[0], seed);
}

/* At the ends of a line there is nobody, and then nothing comes. */
static void at_the_ends(int len, int seed)
{
    int to = rank + 1 < size ? rank + 1 : MPI_PROC_NULL, from = rank ? rank - 1 : MPI_PROC_NULL;
    MPI_Status s;

    in[0] = 55;
    OK(MPI_Sendrecv(out, len, MPI_BYTE, to, seed, in, len, MPI_BYTE, from, seed, MPI_COMM_WORLD,
                    &s));
    if (rank)
        check_in(in, len, seed, &s, seed);
    else
        CHECK(says(&s, MPI_PROC_NULL, MPI_ANY_TAG, MPI_BYTE, 0) && in[0] == 55);
}

static void all_forms(void)
{
    int seed = 0;

    for (int i = 0; i < ROUNDS * (int)(sizeof(lengths) / sizeof(lengths[0])); i++) {
        int len = lengths[i / ROUNDS];
        for (int form = 0; form < 7; form++) {
            fill(out, len, rank * 1000 + ++seed);
            switch (form) {
            case 0:
            case 1:
                in_one_call(len, seed, form);
                break;
            case 2:
                in_place(len, seed);
                break;
            case 3:
                with_gaps(len, seed);
                break;
            case 4:
                at_the_ends(len, seed);
                break;
            default:
                in_own_calls(len, seed, form - 5);
            }
        }
    }
}

/* What is received is longer than its buffer: that is an error, and what was sent has arrived. */
static void too_long(void)
{
    MPI_Status s;

    fill(out, 100, rank);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    for (int len = 1; len <= 100; len += 33) {
        int rc = MPI_Sendrecv(out, len, MPI_BYTE, right(), len, in, len - 1, MPI_BYTE, left(), len,
                              MPI_COMM_WORLD, &s),
            class;
        OK(MPI_Error_class(rc, &class));
        CHECK(class == MPI_ERR_TRUNCATE);
    }
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
}

/* A wrong receive is told before anything is sent. */
static void wrong_receive(void)
{
    static const MPI_Count huge = (MPI_Count)1 << 61;
    int class, flag;

    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Error_class(MPI_Sendrecv(out, 1, MPI_BYTE, right(), 3, in, 1, MPI_BYTE, size, 3,
                                    MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                       &class));
    CHECK(class == MPI_ERR_RANK);
    OK(MPI_Error_class(MPI_Sendrecv_c(out, 1, MPI_BYTE, right(), 3, in, huge, MPI_DOUBLE, left(), 3,
                                      MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                       &class));
    CHECK(class == MPI_ERR_COUNT);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Iprobe(left(), 3, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE));
    CHECK(!flag);
}

/* Ranks 0 and 1 exchange until rank 1 hears that what rank 2 sent to rank 0 has been fetched. */
static void others_are_served(void)
{
    static char block[LONG];
    int told[2] = {0}, heard[2];
    MPI_Request r;

    if (rank == 0) {
        OK(MPI_Irecv(block, LONG, MPI_BYTE, 2, 1, MPI_COMM_WORLD, &r));
    } else if (rank == 2) {
        fill(block, LONG, 2);
        OK(MPI_Ssend(block, LONG, MPI_BYTE, 0, 1, MPI_COMM_WORLD));
        OK(MPI_Send(NULL, 0, MPI_BYTE, 1, 2, MPI_COMM_WORLD));
    }
    double start = MPI_Wtime();
    while (rank < 2 && !told[0] && MPI_Wtime() - start < SECONDS) {
        if (rank == 1)
            OK(MPI_Iprobe(2, 2, MPI_COMM_WORLD, &told[0], MPI_STATUS_IGNORE));
        heard[0] = 0;
        OK(MPI_Sendrecv(told, 2, MPI_INT, 1 - rank, 5, heard, 2, MPI_INT, 1 - rank, 5,
                        MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        told[0] |= heard[0];
    }
    if (rank < 2)
        CHECK(told[0]);
    if (rank == 1) {
        OK(MPI_Recv(NULL, 0, MPI_BYTE, 2, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    } else if (rank == 0) {
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        CHECK(filled(block, LONG, 2));
    }
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    all_forms();
    too_long();
    wrong_receive();
    if (size > 2)
        others_are_served();
    return end("p2p_exchange");
}
