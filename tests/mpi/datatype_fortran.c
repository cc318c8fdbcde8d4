/* SPDX-License-Identifier: BSD-3-Clause */
/* Fortran's types as MPI_Abi_set_fortran_info says they are, here with INTEGER and REAL of 8 bytes.
 */
#include <stdint.h>

#include "mpitest.h"

static MPI_Info info_of(const char *const pairs[][2], int n)
{
    MPI_Info info;

    OK(MPI_Info_create(&info));
    for (int i = 0; i < n; i++)
        OK(MPI_Info_set(info, pairs[i][0], pairs[i][1]));
    return info;
}

static void has_size(MPI_Datatype t, int size)
{
    MPI_Count lb, extent;
    int n;

    OK(MPI_Type_size(t, &n));
    CHECK(n == size);
    if (size == MPI_UNDEFINED)
        return;
    OK(MPI_Type_get_extent_c(t, &lb, &extent));
    CHECK(lb == 0 && extent == size);
}

/* What it is said to be is refused where there is no such type, and nothing is changed by it. */
static void set(void)
{
    static const char *const wrong[][2] = {{"mpi_real_size", "8"}, {"mpi_integer_size", "3"}};
    static const char *const odd[][2] = {{"mpi_logical_size", "four"}};
    static const char *const right[][2] = {
        {"mpi_logical_size", "8"},
        {"mpi_integer_size", "8"},
        {"mpi_real_size", "8"},
        {"mpi_double_precision_size", "16"},
        {"mpi_integer8_supported", "true"},
        {"mpi_integer16_supported", "false"},
        {"mpi_complex4_supported", "false"},
        {"mpi_real2_supported", "false"},
    };
    MPI_Info info = info_of(wrong, 2);
    int flag, len = 8, class;
    char value[8];

    OK(MPI_Error_class(MPI_Abi_set_fortran_info(info), &class));
    CHECK(class == MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
    info = info_of(odd, 1);
    OK(MPI_Error_class(MPI_Abi_set_fortran_info(info), &class));
    CHECK(class == MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_fortran_info(&info));
    CHECK(info == MPI_INFO_NULL);
    has_size(MPI_REAL, 4);
    has_size(MPI_INTEGER, 4);

    info = info_of(right, 8);
    OK(MPI_Abi_set_fortran_info(info));
    OK(MPI_Error_class(MPI_Abi_set_fortran_info(info), &class));
    CHECK(class == MPI_ERR_ABI);
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_fortran_info(&info));
    OK(MPI_Info_get_string(info, "mpi_integer_size", &len, value, &flag));
    CHECK(flag && !strcmp(value, "8"));
    OK(MPI_Info_free(&info));
}

static void sizes(void)
{
    char name[MPI_MAX_OBJECT_NAME];
    MPI_Datatype t;
    int n, class;

    has_size(MPI_LOGICAL, 8);
    has_size(MPI_INTEGER, 8);
    has_size(MPI_REAL, 8);
    has_size(MPI_COMPLEX, 16);
    has_size(MPI_DOUBLE_PRECISION, 16);
    has_size(MPI_DOUBLE_COMPLEX, 32);
    has_size(MPI_2INTEGER, 16);
    has_size(MPI_2REAL, 16);
    has_size(MPI_2DOUBLE_PRECISION, MPI_UNDEFINED);
    has_size(MPI_INTEGER8, 8);
    has_size(MPI_INTEGER16, MPI_UNDEFINED);
    has_size(MPI_REAL2, MPI_UNDEFINED);
    has_size(MPI_COMPLEX4, MPI_UNDEFINED);
    has_size(MPI_INT, 4);
    has_size(MPI_2INT, 8);
    OK(MPI_Type_get_name(MPI_INTEGER, name, &n));
    CHECK(!strcmp(name, "MPI_INTEGER"));
    OK(MPI_Error_class(MPI_Type_contiguous(2, MPI_INTEGER16, &t), &class));
    CHECK(class == MPI_ERR_TYPE);
    OK(MPI_Error_class(MPI_Send(&n, 1, MPI_REAL2, MPI_PROC_NULL, 0, MPI_COMM_WORLD), &class));
    CHECK(class == MPI_ERR_TYPE);
    OK(MPI_Type_match_size(MPI_TYPECLASS_INTEGER, 8, &t));
    CHECK(t == MPI_INTEGER8);
    OK(MPI_Error_class(MPI_Type_match_size(MPI_TYPECLASS_INTEGER, MPI_UNDEFINED, &t), &class));
    CHECK(class == MPI_ERR_ARG);
    OK(MPI_Type_get_value_index(MPI_REAL, MPI_REAL, &t));
    CHECK(t == MPI_2REAL);
    OK(MPI_Type_get_value_index(MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION, &t));
    CHECK(t == MPI_DATATYPE_NULL);
}

static void messages(void)
{
    int64_t out[3] = {rank, INT64_MAX - rank, -rank}, in[3] = {0};
    MPI_Status s;

    OK(MPI_Sendrecv(out, 3, MPI_INTEGER, right(), 1, in, 3, MPI_INTEGER, left(), 1, MPI_COMM_WORLD,
                    &s));
    CHECK(says(&s, left(), 1, MPI_INTEGER, 3));
    CHECK(in[0] == left() && in[1] == INT64_MAX - left() && in[2] == -left());
}

/* Every other pair of the buffer, and pairs in a row. */
static void pairs(void)
{
    struct {
        int64_t value, index;
    } mine[2] = {{((int64_t)rank << 40) + 1, rank}, {-((int64_t)rank << 40), rank}}, best[3];
    double reals[2] = {1.0 / (rank + 1), rank}, least[2];
    MPI_Datatype every;

    OK(MPI_Allreduce(mine, best, 2, MPI_2INTEGER, MPI_MAXLOC, MPI_COMM_WORLD));
    CHECK(best[0].value == ((int64_t)(size - 1) << 40) + 1 && best[0].index == size - 1);
    CHECK(best[1].value == 0 && best[1].index == 0);
    OK(MPI_Type_create_resized(MPI_2INTEGER, 0, 32, &every));
    OK(MPI_Type_commit(&every));
    best[1].index = 77;
    OK(MPI_Allreduce(mine, best, 1, every, MPI_MINLOC, MPI_COMM_WORLD));
    CHECK(best[0].value == 1 && best[0].index == 0 && best[1].index == 77);
    OK(MPI_Type_free(&every));
    OK(MPI_Allreduce(reals, least, 1, MPI_2REAL, MPI_MINLOC, MPI_COMM_WORLD));
    CHECK(least[0] == 1.0 / size && least[1] == size - 1);
}

static void sums(void)
{
    int64_t i = (int64_t)1 << 40, total;
    double r = 0.5, sum;
    int64_t yes = 1, all;

    OK(MPI_Allreduce(&i, &total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD));
    CHECK(total == size * i);
    OK(MPI_Allreduce(&r, &sum, 1, MPI_REAL, MPI_SUM, MPI_COMM_WORLD));
    CHECK(sum == size * 0.5);
    OK(MPI_Allreduce(&yes, &all, 1, MPI_LOGICAL, MPI_LAND, MPI_COMM_WORLD));
    CHECK(all == 1);
}

/* In a window, the pair and what is made of it. */
static void window(void)
{
    int64_t add[2] = {rank + 1, rank}, *base;
    double more[2] = {rank, 0.5}, seen[2] = {-1, -1};
    MPI_Datatype twice;
    MPI_Win w;

    OK(MPI_Type_contiguous(1, MPI_2REAL, &twice));
    OK(MPI_Type_commit(&twice));
    OK(MPI_Win_allocate(4 * sizeof *base, sizeof *base, MPI_INFO_NULL, MPI_COMM_WORLD, &base, &w));
    memset(base, 0, 4 * sizeof *base);
    OK(MPI_Win_fence(0, w));
    OK(MPI_Accumulate(add, 1, MPI_2INTEGER, 0, 0, 1, MPI_2INTEGER, MPI_MAXLOC, w));
    OK(MPI_Accumulate(more, 1, twice, 0, 2, 1, twice, MPI_MAXLOC, w));
    OK(MPI_Win_fence(0, w));
    if (rank == 0) {
        memcpy(seen, base + 2, sizeof seen);
        CHECK(base[0] == size && base[1] == size - 1);
        CHECK(seen[0] == size - 1 && (size == 1 || seen[1] == 0.5));
    }
    OK(MPI_Win_free(&w));
    OK(MPI_Type_free(&twice));
}

/* Collectives that have gone a short way with a type see that it has changed. */
static void bcast_integer(int64_t wanted, int size_now)
{
    for (int i = 0; i < 20; i++) {
        int64_t value = rank ? 0 : INT64_C(0x1122334455667788);

        OK(MPI_Bcast(&value, 1, MPI_INTEGER, 0, MPI_COMM_WORLD));
        CHECK(!rank || value == wanted);
        OK(MPI_Bcast(&value, 1, MPI_INTEGER, 0, MPI_COMM_SELF));
    }
    has_size(MPI_INTEGER, size_now);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    bcast_integer(0x55667788, 4);
    set();
    bcast_integer(INT64_C(0x1122334455667788), 8);
    sizes();
    messages();
    pairs();
    sums();
    window();
    return end("datatype_fortran");
}
