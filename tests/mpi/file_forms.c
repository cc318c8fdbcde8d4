/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every access there is (14.4), in both forms: each moves a block of its own between a rank's
 * buffer and its part of the file, the pointer goes where it must, and the status says how much it
 * was.
 */
#include "file_test.h"

enum { N = 500 }; /* ints in a block */

static MPI_File f;
static int out[N], in[N + 1];
static int turn; /* of the file: blocks that all ranks have written before */

static MPI_Offset place(void)
{
    return ((MPI_Offset)turn * size + rank) * N;
}

static void refill(void)
{
    for (int i = 0; i < N; i++) {
        out[i] = (turn * 64 + rank) * N + i;
        in[i] = -1;
    }
    in[N] = -1;
}

static void expect_block(void)
{
    for (int i = 0; i < N; i++)
        CHECK(in[i] == (turn * 64 + rank) * N + i);
    CHECK(in[N] == -1);
    turn++;
    refill();
}

/* The individual pointer stands at this rank's block before, and behind it after a call. */
static void at_block(void)
{
    OK(MPI_File_seek(f, place(), MPI_SEEK_SET));
}

static void past_block(void)
{
    MPI_Offset at = -1;

    OK(MPI_File_get_position(f, &at));
    CHECK(at == place() + N);
}

static void wait_for(MPI_Request *q)
{
    MPI_Status s;

    OK(MPI_Wait(q, &s));
    CHECK(*q == MPI_REQUEST_NULL && moved(&s, MPI_INT, N));
}

/* Each pair writes by one call and reads by its counterpart. */
#define BLOCKING(name, large, ...)                                                                 \
    OK(MPI_File_write##name##large(f, __VA_ARGS__ out, N, MPI_INT, &s));                           \
    CHECK(moved(&s, MPI_INT, N));                                                                  \
    BETWEEN;                                                                                       \
    OK(MPI_File_read##name##large(f, __VA_ARGS__ in, N, MPI_INT, &s));                             \
    CHECK(moved(&s, MPI_INT, N));                                                                  \
    AFTER;                                                                                         \
    expect_block()

#define NONBLOCKING(name, large, ...)                                                              \
    OK(MPI_File_iwrite##name##large(f, __VA_ARGS__ out, N, MPI_INT, &q));                          \
    wait_for(&q);                                                                                  \
    BETWEEN;                                                                                       \
    OK(MPI_File_iread##name##large(f, __VA_ARGS__ in, N, MPI_INT, &q));                            \
    wait_for(&q);                                                                                  \
    AFTER;                                                                                         \
    expect_block()

#define SPLIT(name, large, ...)                                                                    \
    OK(MPI_File_write##name##_begin##large(f, __VA_ARGS__ out, N, MPI_INT));                       \
    OK(MPI_File_write##name##_end(f, out, &s));                                                    \
    CHECK(moved(&s, MPI_INT, N));                                                                  \
    BETWEEN;                                                                                       \
    OK(MPI_File_read##name##_begin##large(f, __VA_ARGS__ in, N, MPI_INT));                         \
    OK(MPI_File_read##name##_end(f, in, &s));                                                      \
    CHECK(moved(&s, MPI_INT, N));                                                                  \
    AFTER;                                                                                         \
    expect_block()

#define COMMA ,

static void explicit_offsets(void)
{
    MPI_Status s;
    MPI_Request q;

#define BETWEEN (void)0
#define AFTER   (void)0
    BLOCKING(_at, , place() COMMA);
    BLOCKING(_at, _c, place() COMMA);
    BLOCKING(_at_all, , place() COMMA);
    BLOCKING(_at_all, _c, place() COMMA);
    NONBLOCKING(_at, , place() COMMA);
    NONBLOCKING(_at, _c, place() COMMA);
    NONBLOCKING(_at_all, , place() COMMA);
    NONBLOCKING(_at_all, _c, place() COMMA);
    SPLIT(_at_all, , place() COMMA);
    SPLIT(_at_all, _c, place() COMMA);
#undef BETWEEN
#undef AFTER
}

static void individual_pointers(void)
{
    MPI_Status s;
    MPI_Request q;

#define BETWEEN (past_block(), at_block())
#define AFTER   (past_block(), turn++, at_block(), turn--)
    at_block();
    BLOCKING(, , );
    BLOCKING(, _c, );
    BLOCKING(_all, , );
    BLOCKING(_all, _c, );
    NONBLOCKING(, , );
    NONBLOCKING(, _c, );
    NONBLOCKING(_all, , );
    NONBLOCKING(_all, _c, );
    SPLIT(_all, , );
    SPLIT(_all, _c, );
#undef BETWEEN
#undef AFTER
}

static void shared_at(MPI_Offset wanted)
{
    MPI_Offset at = -1;

    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_File_get_position_shared(f, &at));
    CHECK(at == wanted);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* All ranks' blocks lie there, one after the other in the ranks' order. */
static void ordered(void)
{
    MPI_Status s;
    MPI_Offset first;

#define BETWEEN                                                                                    \
    (shared_at(first + (MPI_Offset)size * N), OK_IN(MPI_File_seek_shared(f, first, MPI_SEEK_SET)))
#define OK_IN(call) ((call) == MPI_SUCCESS ? (void)0 : abort())
#define AFTER       (shared_at(first + (MPI_Offset)size * N), first += (MPI_Offset)size * N)
    first = (MPI_Offset)turn * size * N;
    OK(MPI_File_seek_shared(f, first, MPI_SEEK_SET));
    BLOCKING(_ordered, , );
    BLOCKING(_ordered, _c, );
    SPLIT(_ordered, , );
    SPLIT(_ordered, _c, );
#undef BETWEEN
#undef AFTER
}

/* Each block is written once by some rank, and read once by some rank. */
static int whose(const int *block)
{
    int who = block[0] / N - turn * 64;

    CHECK(who >= 0 && who < size);
    for (int i = 0; i < N; i++)
        CHECK(block[i] == (turn * 64 + who) * N + i);
    return who;
}

static void everybody_once(void)
{
    int *count = calloc((size_t)size, sizeof *count);

    count[whose(in)] = 1;
    OK(MPI_Allreduce(MPI_IN_PLACE, count, size, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    for (int i = 0; i < size; i++)
        CHECK(count[i] == 1);
    free(count);
    turn++;
    refill();
}

static void shared(void)
{
    MPI_Status s;
    MPI_Request q;

    for (int form = 0; form < 4; form++) {
        MPI_Offset first = (MPI_Offset)turn * size * N, next = first + (MPI_Offset)size * N;
        OK(MPI_File_seek_shared(f, first, MPI_SEEK_SET));
        switch (form) {
        case 0:
            OK(MPI_File_write_shared(f, out, N, MPI_INT, &s));
            break;
        case 1:
            OK(MPI_File_write_shared_c(f, out, N, MPI_INT, &s));
            break;
        case 2:
            OK(MPI_File_iwrite_shared(f, out, N, MPI_INT, &q));
            break;
        case 3:
            OK(MPI_File_iwrite_shared_c(f, out, N, MPI_INT, &q));
        }
        if (form >= 2)
            wait_for(&q);
        shared_at(next);
        OK(MPI_File_seek_shared(f, first - next, MPI_SEEK_CUR));
        switch (form) {
        case 0:
            OK(MPI_File_read_shared(f, in, N, MPI_INT, &s));
            break;
        case 1:
            OK(MPI_File_read_shared_c(f, in, N, MPI_INT, &s));
            break;
        case 2:
            OK(MPI_File_iread_shared(f, in, N, MPI_INT, &q));
            break;
        case 3:
            OK(MPI_File_iread_shared_c(f, in, N, MPI_INT, &q));
        }
        if (form >= 2)
            wait_for(&q);
        shared_at(next);
        everybody_once();
    }
}

/* The end of the file: what is there is read, the status says how much, the pointer goes on. */
static void end_of_file(void)
{
    MPI_Offset end = (MPI_Offset)turn * size * N, at;
    MPI_Status s;
    MPI_Request q;
    int n;

    OK(MPI_File_seek(f, -10, MPI_SEEK_END));
    OK(MPI_File_get_position(f, &at));
    CHECK(at == end - 10);
    OK(MPI_File_read(f, in, N, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, 10));
    OK(MPI_File_get_position(f, &at));
    CHECK(at == end - 10 + N);
    OK(MPI_File_read(f, in, N, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, 0));
    OK(MPI_File_iread_at(f, end - 3, in, N, MPI_INT, &q));
    OK(MPI_Wait(&q, &s));
    CHECK(moved(&s, MPI_INT, 3));
    OK(MPI_File_read_at_all(f, rank == 0 ? end - 3 : end + 1000, in, N, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, rank == 0 ? 3 : 0));
    OK(MPI_File_seek_shared(f, -1, MPI_SEEK_END));
    OK(MPI_File_read_ordered(f, in, 1, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, rank == 0));
    OK(MPI_Get_elements(&s, MPI_INT, &n));
    CHECK(n == (rank == 0));
}

/* Longer than what one call, one buffer or one request's own time takes. */
static void long_ones(void)
{
    enum { LONG = 3 << 20 };
    char *a = malloc(LONG), *b = malloc(LONG);
    MPI_Offset at = (MPI_Offset)rank * LONG;
    MPI_Request q[2];
    MPI_Status s[2];
    MPI_Datatype pairs;

    meet(f);
    OK(MPI_File_set_view(f, 0, MPI_BYTE, MPI_BYTE, "native", MPI_INFO_NULL));
    fill(a, LONG, rank);
    OK(MPI_File_iwrite_at(f, at, a, LONG / 2, MPI_BYTE, &q[0]));
    OK(MPI_File_iwrite_at_all(f, at + LONG / 2, a + LONG / 2, LONG / 2, MPI_BYTE, &q[1]));
    OK(MPI_Waitall(2, q, s));
    CHECK(moved(&s[0], MPI_BYTE, LONG / 2) && moved(&s[1], MPI_BYTE, LONG / 2));
    memset(b, 0, LONG);
    /* Memory in pieces of 3 bytes, with one between. */
    OK(MPI_Type_vector(LONG / 8, 3, 4, MPI_BYTE, &pairs));
    OK(MPI_Type_commit(&pairs));
    OK(MPI_File_iread_at(f, at, b, 1, pairs, &q[0]));
    OK(MPI_Wait(&q[0], &s[0]));
    CHECK(moved(&s[0], pairs, 1));
    for (int i = 0; i < LONG / 8; i++)
        CHECK(!memcmp(b + 4 * i, a + 3 * i, 3) && !b[4 * i + 3]);
    OK(MPI_File_write_at(f, at, b, 1, pairs, &s[0]));
    CHECK(moved(&s[0], pairs, 1));
    memset(b, 0, LONG);
    OK(MPI_File_read_at(f, at, b, LONG, MPI_BYTE, &s[0]));
    CHECK(moved(&s[0], MPI_BYTE, LONG) && !memcmp(a, b, LONG));
    OK(MPI_Type_free(&pairs));
    /* In large ones: with one call, and no buffer. */
    OK(MPI_Type_vector(100, 5000, 10000, MPI_BYTE, &pairs));
    OK(MPI_Type_commit(&pairs));
    OK(MPI_File_write_at(f, at, a, 1, pairs, &s[0]));
    memset(b, 0, LONG);
    OK(MPI_File_read_at(f, at, b, 1, pairs, &s[0]));
    CHECK(moved(&s[0], pairs, 1));
    for (int i = 0; i < 100; i++)
        CHECK(!memcmp(a + 10000 * i, b + 10000 * i, 5000) && !b[10000 * i + 5000]);
    OK(MPI_Type_free(&pairs));
    free(a);
    free(b);
}

int main(int argc, char **argv)
{
    int flag = -1;

    begin(&argc, &argv);
    name_file("forms");
    OK(MPI_File_open(MPI_COMM_WORLD, path,
                     MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL,
                     &f));
    OK(MPI_File_set_view(f, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
    for (int atomic = 0; atomic < 2; atomic++) {
        OK(MPI_File_set_atomicity(f, atomic));
        OK(MPI_File_get_atomicity(f, &flag));
        CHECK(flag == atomic);
        refill();
        explicit_offsets();
        individual_pointers();
        ordered();
        shared();
        meet(f);
        end_of_file();
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    long_ones();
    OK(MPI_File_close(&f));
    return end("file_forms");
}
