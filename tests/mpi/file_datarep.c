/* SPDX-License-Identifier: BSD-3-Clause */
/* Data representations (14.5): what stands in the file, byte by byte, and the program's own. */
#include <stdint.h>

#include "file_test.h"

enum { RW = MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE };

static MPI_File f;

static void view(MPI_Offset disp, MPI_Datatype etype, MPI_Datatype filetype, const char *rep)
{
    OK(MPI_File_set_view(f, disp, etype, filetype, rep, MPI_INFO_NULL));
}

static void expect_bytes(MPI_Offset at, const void *bytes, int n)
{
    char found[64];
    MPI_Status s;

    view(0, MPI_BYTE, MPI_BYTE, "native");
    OK(MPI_File_read_at(f, at, found, n, MPI_BYTE, &s));
    CHECK(moved(&s, MPI_BYTE, n) && !memcmp(found, bytes, (size_t)n));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

static void big_endian(void)
{
    static const unsigned char want[] = {1,    2,    3, 4, 0xFF, 0xFF, 0xFF, 0xFE,
                                         0x3F, 0xF0, 0, 0, 0,    0,    0,    0};
    int numbers[2] = {0x01020304, -2}, back[3] = {0, 0, 77};
    double one = 1.0, also = 0;
    MPI_Offset at = 16 * (MPI_Offset)rank;
    MPI_Status s;

    view(at, MPI_INT, MPI_INT, "external32");
    OK(MPI_File_write(f, numbers, 2, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, 2));
    view(at + 8, MPI_DOUBLE, MPI_DOUBLE, "external32");
    OK(MPI_File_write_all(f, &one, 1, MPI_DOUBLE, &s));
    OK(MPI_File_read_at(f, 0, &also, 1, MPI_DOUBLE, &s));
    CHECK(also == 1.0);
    expect_bytes(at, want, sizeof want);
    view(at, MPI_INT, MPI_INT, "external32");
    OK(MPI_File_read_all(f, back, 2, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, 2) && back[0] == numbers[0] && back[1] == numbers[1]);
    CHECK(back[2] == 77);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* Types that are shorter in the file, and with less between: layouts follow (14.5.1). */
static void layouts(void)
{
    MPI_Datatype column, tile;
    MPI_Aint extent, longer;
    MPI_Count count;
    long double wide[6], back[6];
    MPI_Offset at;
    MPI_Status s;

    view(0, MPI_BYTE, MPI_BYTE, "external32");
    OK(MPI_File_get_type_extent(f, MPI_INT, &extent));
    CHECK(extent == 4);
    OK(MPI_File_get_type_extent_c(f, MPI_LONG_DOUBLE, &count));
    CHECK(count == 16);
    OK(MPI_File_get_type_extent(f, MPI_DOUBLE_INT, &extent));
    CHECK(extent == 12);
    OK(MPI_Type_vector(3, 1, size, MPI_DOUBLE_INT, &column));
    OK(MPI_File_get_type_extent(f, column, &extent));
    CHECK(extent == 12 * (2 * size + 1));
    OK(MPI_Type_free(&column));

    /* An array of long doubles, dealt in columns. */
    OK(MPI_File_get_type_extent(f, MPI_LONG_DOUBLE, &longer));
    OK(MPI_Type_vector(3, 1, size, MPI_LONG_DOUBLE, &column));
    OK(MPI_Type_create_resized(column, 0, longer * 3 * size, &tile));
    OK(MPI_Type_commit(&tile));
    view(longer * rank, MPI_LONG_DOUBLE, tile, "external32");
    for (int i = 0; i < 6; i++)
        wide[i] = 10.0L * rank + i;
    OK(MPI_File_write_all(f, wide, 6, MPI_LONG_DOUBLE, &s));
    CHECK(moved(&s, MPI_LONG_DOUBLE, 6));
    OK(MPI_File_get_byte_offset(f, 4, &at));
    CHECK(at == longer * (rank + 4 * size));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    view(0, MPI_LONG_DOUBLE, MPI_LONG_DOUBLE, "external32");
    for (int i = 0; i < size; i++) {
        OK(MPI_File_read_at_all(f, 2 * size + i, back, 1, MPI_LONG_DOUBLE, &s));
        CHECK(back[0] == 10.0L * i + 2);
    }
    OK(MPI_Type_free(&column));
    OK(MPI_Type_free(&tile));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* Each a struct of the one before and of none of it: 2^DEPTH parts if those were looked at. */
static void empty_parts(void)
{
    enum { DEPTH = 40 };
    MPI_Datatype t = MPI_DOUBLE, next;
    MPI_Aint extent;

    for (int i = 0; i < DEPTH; i++) {
        OK(MPI_Type_create_struct(2, (int[]){1, 0}, (MPI_Aint[]){0, 0}, (MPI_Datatype[]){t, t},
                                  &next));
        if (i)
            OK(MPI_Type_free(&t));
        t = next;
    }
    OK(MPI_Type_commit(&t));
    view(0, MPI_DOUBLE, t, "external32");
    OK(MPI_File_get_type_extent(f, t, &extent));
    CHECK(extent == 8);
    OK(MPI_Type_free(&t));
}

/* The end of the file within an item of several elements. */
static void partial(void)
{
    MPI_Datatype ten;
    int out[10], in[10], n;
    MPI_Status s;

    OK(MPI_Type_contiguous(10, MPI_INT, &ten));
    OK(MPI_Type_commit(&ten));
    OK(MPI_File_set_size(f, 0));
    view(0, MPI_INT, MPI_INT, "external32");
    for (int i = 0; i < 10; i++) {
        out[i] = 1000 + i;
        in[i] = -1;
    }
    OK(MPI_File_write_at_all(f, 0, out, 7, MPI_INT, &s));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_File_read_at(f, 0, in, 1, ten, &s));
    OK(MPI_Get_elements(&s, ten, &n));
    CHECK(n == 7);
    for (int i = 0; i < 10; i++)
        CHECK(in[i] == (i < 7 ? out[i] : -1));
    OK(MPI_Type_free(&ten));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* ---- The program's: each int is three bytes in the file, the lowest first ---- */

static int calls;

static int extent_of(MPI_Datatype type, MPI_Aint *extent, void *extra)
{
    CHECK(extra == &calls);
    *extent = type == MPI_INT ? 3 : 1;
    return MPI_SUCCESS;
}

static int write_three(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position,
                       void *extra)
{
    const unsigned *from = (const unsigned *)user + position;
    unsigned char *to = file;

    CHECK(type == MPI_INT && extra == &calls);
    calls++;
    for (int i = 0; i < 3 * count; i++)
        to[i] = (unsigned char)(from[i / 3] >> i % 3 * 8);
    return MPI_SUCCESS;
}

static int read_three(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position,
                      void *extra)
{
    unsigned *to = (unsigned *)user + position;
    const unsigned char *from = file;

    CHECK(type == MPI_INT && extra == &calls);
    calls++;
    memset(to, 0, (size_t)count * sizeof *to);
    for (int i = 0; i < 3 * count; i++)
        to[i / 3] |= (unsigned)from[i] << i % 3 * 8;
    return MPI_SUCCESS;
}

static int refuse(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position,
                  void *extra)
{
    (void)user, (void)type, (void)count, (void)file, (void)position, (void)extra;
    return MPI_ERR_OTHER;
}

static int write_large(void *user, MPI_Datatype type, MPI_Count count, void *file,
                       MPI_Offset position, void *extra)
{
    return write_three(user, type, (int)count, file, position, extra);
}

static int read_large(void *user, MPI_Datatype type, MPI_Count count, void *file,
                      MPI_Offset position, void *extra)
{
    return read_three(user, type, (int)count, file, position, extra);
}

static void own(const char *rep)
{
    enum { N = 500000 }; /* more than is converted at once */
    unsigned *out = malloc(N * sizeof *out), *in = malloc(N * sizeof *in);
    MPI_Request q;
    MPI_Status s;

    for (unsigned i = 0; i < N; i++)
        out[i] = (i + 1000u * (unsigned)rank) & 0xFFFFFF;
    calls = 0;
    view(3 * (MPI_Offset)N * rank, MPI_INT, MPI_INT, rep);
    OK(MPI_File_write_at_all(f, 0, out, N, MPI_INT, &s));
    CHECK(moved(&s, MPI_INT, N) && calls > 1);
    OK(MPI_File_iread_at(f, 0, in, N, MPI_INT, &q));
    OK(MPI_Wait(&q, &s));
    CHECK(moved(&s, MPI_INT, N) && !memcmp(in, out, N * sizeof *in));
    OK(MPI_File_seek(f, 0, MPI_SEEK_SET));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    expect_bytes(3 * (MPI_Offset)N * rank + 3,
                 (unsigned char[]){(unsigned char)out[1], (unsigned char)(out[1] >> 8), 0}, 3);
    free(out);
    free(in);
}

static void register_all(void)
{
    int x = 0;

    FAILS(MPI_Register_datarep("native", NULL, NULL, extent_of, &calls), MPI_ERR_DUP_DATAREP);
    FAILS(MPI_Register_datarep("", NULL, NULL, extent_of, &calls), MPI_ERR_ARG);
    FAILS(MPI_Register_datarep("x", NULL, NULL, NULL, &calls), MPI_ERR_ARG);
    OK(MPI_Register_datarep("three", read_three, write_three, extent_of, &calls));
    FAILS(MPI_Register_datarep("three", read_three, write_three, extent_of, &calls),
          MPI_ERR_DUP_DATAREP);
    OK(MPI_Register_datarep_c("large three", read_large, write_large, extent_of, &calls));
    OK(MPI_Register_datarep("never", refuse, refuse, extent_of, &calls));
    own("three");
    own("large three");
    view(0, MPI_INT, MPI_INT, "never");
    FAILS(MPI_File_write_at(f, rank, &x, 1, MPI_INT, MPI_STATUS_IGNORE), MPI_ERR_CONVERSION);
    FAILS(MPI_File_read_at(f, rank, &x, 1, MPI_INT, MPI_STATUS_IGNORE), MPI_ERR_CONVERSION);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    name_file("datarep");
    OK(MPI_File_open(MPI_COMM_WORLD, path, RW, MPI_INFO_NULL, &f));
    big_endian();
    layouts();
    empty_parts();
    partial();
    register_all();
    OK(MPI_File_close(&f));
    return end("file_datarep");
}
