/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What collectives must take as programs bring it: reductions of types whose items interleave, as
 * the columns of a matrix do; types freed while an operation of them is under way; parts of one
 * buffer on both sides; statuses that still say what was before.
 */
#include "mpitest.h"

enum { COLUMNS_MOST = 96 };

static MPI_Comm comm; /* of ranks 0 to members - 1 */
static int members, me;
static int rows, columns; /* of the matrices; `columns` are reduced, there is room for `rows` */
static double in[COLUMNS_MOST * COLUMNS_MOST], out[COLUMNS_MOST * COLUMNS_MOST];

/* One column of `rows` doubles; the next one begins 8 bytes further on. */
static MPI_Datatype column_type(void)
{
    MPI_Datatype vector, column;

    OK(MPI_Type_vector(rows, 1, rows, MPI_DOUBLE, &vector));
    OK(MPI_Type_create_resized(vector, 0, sizeof(double), &column));
    OK(MPI_Type_commit(&column));
    OK(MPI_Type_free(&vector));
    return column;
}

/* Asks the type for its extent, as a program's own operator does. */
static void add_columns(void *from, void *to, int *count, MPI_Datatype *type)
{
    MPI_Aint lb, extent;

    OK(MPI_Type_get_extent(*type, &lb, &extent));
    CHECK(lb == 0 && extent == sizeof(double));
    for (int c = 0; c < *count; c++)
        for (int r = 0; r < rows; r++)
            ((double *)to)[r * rows + c] += ((double *)from)[r * rows + c];
}

static double value(int who, int row, int column)
{
    return who * 10000 + row * 100 + column;
}

static void set_matrices(void)
{
    for (int i = 0; i < rows * rows; i++) {
        in[i] = value(me, i / rows, i % rows);
        out[i] = -1;
    }
}

/* The first n columns of `out` are the sums of ranks 0 to last of those from `first` on. */
static void check_columns(const char *what, int first, int n, int last)
{
    for (int i = 0; i < rows * rows; i++) {
        int row = i / rows, column = i % rows;
        double want = -1;

        for (int who = 0; column < n && who <= last; who++)
            want = (who ? want : 0) + value(who, row, first + column);
        if (out[i] != want) {
            fprintf(stderr, "%s, %d ranks, %d of %d columns: row %d, column %d is %g, not %g\n",
                    what, members, n, rows, row, column, out[i], want);
            CHECK(!"the sum");
        }
    }
}

static void reduce_whole(MPI_Datatype type, MPI_Op op)
{
    MPI_Request r;

    set_matrices();
    OK(MPI_Allreduce(in, out, columns, type, op, comm));
    check_columns("allreduce", 0, columns, members - 1);
    set_matrices();
    OK(MPI_Reduce(in, out, columns, type, op, members - 1, comm));
    check_columns("reduce", 0, me == members - 1 ? columns : 0, members - 1);
    set_matrices();
    OK(MPI_Scan(in, out, columns, type, op, comm));
    check_columns("scan", 0, columns, me);
    set_matrices();
    OK(MPI_Exscan(in, out, columns, type, op, comm));
    check_columns("exscan", 0, me ? columns : 0, me - 1);
    OK(MPI_Allreduce_init(in, out, columns, type, op, comm, MPI_INFO_NULL, &r));
    for (int i = 0; i < 2; i++) {
        set_matrices();
        OK(MPI_Start(&r));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        check_columns("persistent allreduce", 0, columns, members - 1);
    }
    OK(MPI_Request_free(&r));
}

static void reduce_parts(MPI_Datatype type, MPI_Op op)
{
    int counts[64], first = 0;

    set_matrices();
    OK(MPI_Reduce_scatter_block(in, out, columns / members, type, op, comm));
    check_columns("reduce_scatter_block", me * (columns / members), columns / members, members - 1);
    for (int i = 0; i < members; i++)
        counts[i] = i == members / 2 ? columns - (members - 1) : 1;
    for (int i = 0; i < me; i++)
        first += counts[i];
    set_matrices();
    OK(MPI_Reduce_scatter(in, out, counts, type, op, comm));
    check_columns("reduce_scatter", first, counts[me], members - 1);
}

/* The type is gone, as far as the program is concerned, before the operation is over. */
static void reduce_freed(MPI_Op op)
{
    MPI_Datatype type = column_type();
    MPI_Request r[2];

    set_matrices();
    OK(MPI_Iallreduce(in, out, columns, type, op, comm, &r[0]));
    OK(MPI_Type_free(&type));
    OK(MPI_Wait(&r[0], MPI_STATUS_IGNORE));
    check_columns("of a freed type", 0, columns, members - 1);
    type = column_type();
    OK(MPI_Scan_init(in, out, columns, type, op, comm, MPI_INFO_NULL, &r[1]));
    OK(MPI_Type_free(&type));
    for (int i = 0; i < 2; i++) {
        set_matrices();
        OK(MPI_Start(&r[1]));
        OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
        check_columns("persistent, of a freed type", 0, columns, me);
    }
    OK(MPI_Request_free(&r[1]));
}

static void test_columns(void)
{
    static const int sizes[] = {16, 64, COLUMNS_MOST};
    MPI_Op op;

    OK(MPI_Op_create(add_columns, 1, &op));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rows = sizes[i];
        MPI_Datatype type = column_type();
        static const int few[] = {1, 2, 5};
        for (unsigned k = 0; k < sizeof few / sizeof *few + 1; k++) {
            columns = k < sizeof few / sizeof *few ? few[k] * members : rows;
            if (columns > rows)
                continue;
            reduce_whole(type, op);
            reduce_parts(type, op);
            reduce_freed(op);
        }
        OK(MPI_Type_free(&type));
    }
    OK(MPI_Op_free(&op));
}

/* What goes and what comes are halves of one buffer, told by displacements. */
static void test_halves(void)
{
    int both[128], counts[64], out_at[64], in_at[64];

    for (int i = 0; i < members; i++) {
        both[i] = me * 100 + i;
        both[members + i] = -1;
        counts[i] = 1;
        out_at[i] = i;
        in_at[i] = members + i;
    }
    OK(MPI_Alltoallv(both, counts, out_at, MPI_INT, both, counts, in_at, MPI_INT, comm));
    for (int i = 0; i < members; i++)
        CHECK(both[i] == me * 100 + i && both[members + i] == i * 100 + me);
}

static void check_empty(MPI_Request *request)
{
    MPI_Status s;
    int cancelled = -1, bytes = -1;

    memset(&s, 0x5a, sizeof s);
    OK(MPI_Wait(request, &s));
    OK(MPI_Test_cancelled(&s, &cancelled));
    OK(MPI_Get_count(&s, MPI_BYTE, &bytes));
    CHECK(!cancelled && bytes == 0);
}

static void test_statuses(void)
{
    MPI_Request r;
    MPI_Comm twin;
    int one = 1, sum;

    OK(MPI_Ibarrier(comm, &r));
    check_empty(&r);
    OK(MPI_Iallreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm, &r));
    check_empty(&r);
    OK(MPI_Comm_idup(comm, &twin, &r));
    check_empty(&r);
    OK(MPI_Comm_free(&twin));
    OK(MPI_Barrier_init(comm, MPI_INFO_NULL, &r));
    OK(MPI_Start(&r));
    check_empty(&r);
    OK(MPI_Request_free(&r));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    for (int n = 1; n <= size; n++) {
        OK(MPI_Comm_split(MPI_COMM_WORLD, rank < n ? 0 : MPI_UNDEFINED, rank, &comm));
        if (rank >= n)
            continue;
        OK(MPI_Comm_size(comm, &members));
        OK(MPI_Comm_rank(comm, &me));
        test_columns();
        test_halves();
        test_statuses();
        OK(MPI_Comm_free(&comm));
    }
    return end("coll_types");
}
