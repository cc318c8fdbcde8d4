/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the library says of the types it comes with, and of those too large for an int: sizes, pairs
 * (5.9.4), types by size and by Fortran's precision (19.1.9), names, and what a status counts.
 */
#include "mpitest.h"

#include <limits.h>
#include <stdint.h>
#include <wchar.h>

/* ---- Predefined types ---- */

static void sizes(void)
{
    const struct {
        MPI_Datatype type;
        const char *name;
        int size;
    } all[] = {
#define HAS(type, size) {type, #type, size}
        HAS(MPI_CHAR, 1),
        HAS(MPI_SIGNED_CHAR, 1),
        HAS(MPI_UNSIGNED_CHAR, 1),
        HAS(MPI_BYTE, 1),
        HAS(MPI_WCHAR, sizeof(wchar_t)),
        HAS(MPI_SHORT, 2),
        HAS(MPI_UNSIGNED_SHORT, 2),
        HAS(MPI_INT, 4),
        HAS(MPI_UNSIGNED, 4),
        HAS(MPI_LONG, sizeof(long)),
        HAS(MPI_UNSIGNED_LONG, sizeof(long)),
        HAS(MPI_LONG_LONG, 8),
        HAS(MPI_UNSIGNED_LONG_LONG, 8),
        HAS(MPI_FLOAT, 4),
        HAS(MPI_DOUBLE, 8),
        HAS(MPI_LONG_DOUBLE, sizeof(long double)),
        HAS(MPI_C_BOOL, 1),
        HAS(MPI_INT8_T, 1),
        HAS(MPI_INT16_T, 2),
        HAS(MPI_INT32_T, 4),
        HAS(MPI_INT64_T, 8),
        HAS(MPI_UINT8_T, 1),
        HAS(MPI_UINT16_T, 2),
        HAS(MPI_UINT32_T, 4),
        HAS(MPI_UINT64_T, 8),
        HAS(MPI_AINT, sizeof(MPI_Aint)),
        HAS(MPI_COUNT, sizeof(MPI_Count)),
        HAS(MPI_OFFSET, sizeof(MPI_Offset)),
        HAS(MPI_C_FLOAT_COMPLEX, 8),
        HAS(MPI_C_DOUBLE_COMPLEX, 16),
        HAS(MPI_C_LONG_DOUBLE_COMPLEX, 2 * sizeof(long double)),
        HAS(MPI_CXX_BOOL, 1),
        HAS(MPI_CXX_FLOAT_COMPLEX, 8),
        HAS(MPI_CXX_DOUBLE_COMPLEX, 16),
        HAS(MPI_INTEGER1, 1),
        HAS(MPI_INTEGER2, 2),
        HAS(MPI_INTEGER4, 4),
        HAS(MPI_INTEGER8, 8),
        HAS(MPI_REAL4, 4),
        HAS(MPI_REAL8, 8),
        HAS(MPI_COMPLEX8, 8),
        HAS(MPI_COMPLEX16, 16),
        HAS(MPI_CHARACTER, 1),
        HAS(MPI_FLOAT_INT, 8),
        HAS(MPI_DOUBLE_INT, 12),
        HAS(MPI_LONG_INT, sizeof(long) + 4),
        HAS(MPI_2INT, 8),
        HAS(MPI_SHORT_INT, 6),
        HAS(MPI_LONG_DOUBLE_INT, sizeof(long double) + 4),
        HAS(MPI_PACKED, 1),
#undef HAS
    };
    char name[MPI_MAX_OBJECT_NAME];
    int n, integers, addresses, types, combiner;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        OK(MPI_Type_size(all[i].type, &n));
        CHECK(n == all[i].size);
        OK(MPI_Type_get_name(all[i].type, name, &n));
        CHECK(!strcmp(name, all[i].name) && n == (int)strlen(name));
        OK(MPI_Type_get_envelope(all[i].type, &integers, &addresses, &types, &combiner));
        CHECK(combiner == MPI_COMBINER_NAMED && !integers && !addresses && !types);
        CHECK(MPI_Type_free(&(MPI_Datatype){all[i].type}) != MPI_SUCCESS);
    }
}

/* Fortran's default kinds are what MPI_Abi_get_fortran_info says, and 4 and 8 bytes without it. */
static void fortran(void)
{
    const struct {
        MPI_Datatype type;
        const char *key;
        int usual;
    } all[] = {{MPI_LOGICAL, "mpi_logical_size", 4},
               {MPI_INTEGER, "mpi_integer_size", 4},
               {MPI_REAL, "mpi_real_size", 4},
               {MPI_DOUBLE_PRECISION, "mpi_double_precision_size", 8}};
    MPI_Info info;

    OK(MPI_Abi_get_fortran_info(&info));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int said = all[i].usual, length = 16, found = 0, n;
        char value[16];
        if (info != MPI_INFO_NULL)
            OK(MPI_Info_get_string(info, all[i].key, &length, value, &found));
        if (found)
            said = atoi(value);
        OK(MPI_Type_size(all[i].type, &n));
        CHECK(n == said);
    }
    if (info != MPI_INFO_NULL)
        OK(MPI_Info_free(&info));
}

static void pairs(void)
{
    const MPI_Datatype all[][3] = {
        {MPI_FLOAT, MPI_INT, MPI_FLOAT_INT}, {MPI_DOUBLE, MPI_INT, MPI_DOUBLE_INT},
        {MPI_LONG, MPI_INT, MPI_LONG_INT},   {MPI_INT, MPI_INT, MPI_2INT},
        {MPI_SHORT, MPI_INT, MPI_SHORT_INT}, {MPI_LONG_DOUBLE, MPI_INT, MPI_LONG_DOUBLE_INT},
        {MPI_REAL, MPI_REAL, MPI_2REAL},     {MPI_INTEGER, MPI_INTEGER, MPI_2INTEGER}};
    MPI_Datatype pair;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        OK(MPI_Type_get_value_index(all[i][0], all[i][1], &pair));
        CHECK(pair == all[i][2]);
    }
    OK(MPI_Type_get_value_index(MPI_CHAR, MPI_FLOAT, &pair));
    CHECK(pair == MPI_DATATYPE_NULL);
    CHECK(MPI_Type_get_value_index(MPI_DATATYPE_NULL, MPI_INT, &pair) != MPI_SUCCESS);
}

static void by_size(void)
{
    static const int classes[] = {MPI_TYPECLASS_INTEGER, MPI_TYPECLASS_REAL, MPI_TYPECLASS_COMPLEX};
    MPI_Datatype t;
    int n;

    for (int c = 0; c < 3; c++)
        for (int bytes = c == 2 ? 8 : 4; bytes <= (c == 2 ? 16 : 8); bytes *= 2) {
            OK(MPI_Type_match_size(classes[c], bytes, &t));
            OK(MPI_Type_size(t, &n));
            CHECK(n == bytes);
        }
    CHECK(MPI_Type_match_size(MPI_TYPECLASS_REAL, 3, &t) != MPI_SUCCESS);
    CHECK(MPI_Type_match_size(-1, 4, &t) != MPI_SUCCESS);
}

static void by_precision(void)
{
    int n, integers, addresses, types, combiner, asked[2];
    MPI_Datatype t, again;

    OK(MPI_Type_create_f90_real(15, 307, &t));
    OK(MPI_Type_create_f90_real(15, 307, &again));
    CHECK(t == again);
    OK(MPI_Type_size(t, &n));
    CHECK(n == 8);
    OK(MPI_Type_get_envelope(t, &integers, &addresses, &types, &combiner));
    CHECK(combiner == MPI_COMBINER_F90_REAL && integers == 2 && !addresses && !types);
    OK(MPI_Type_get_contents(t, 2, 0, 0, asked, NULL, NULL));
    CHECK(asked[0] == 15 && asked[1] == 307);
    CHECK(MPI_Type_free(&t) != MPI_SUCCESS);
    OK(MPI_Type_create_f90_complex(6, MPI_UNDEFINED, &t));
    OK(MPI_Type_size(t, &n));
    CHECK(n == 8);
    OK(MPI_Type_create_f90_integer(9, &t));
    OK(MPI_Type_size(t, &n));
    CHECK(n == 4);
    OK(MPI_Type_get_contents(t, 1, 0, 0, asked, NULL, NULL));
    CHECK(asked[0] == 9);
    CHECK(MPI_Type_create_f90_real(1000, 1000, &t) != MPI_SUCCESS);
    /* One of the two may be left out (19.1.9). */
    CHECK(MPI_Type_create_f90_real(MPI_UNDEFINED, MPI_UNDEFINED, &t) != MPI_SUCCESS);
    CHECK(MPI_Type_create_f90_complex(MPI_UNDEFINED, MPI_UNDEFINED, &t) != MPI_SUCCESS);
    CHECK(MPI_Type_create_f90_integer(MPI_UNDEFINED, &t) != MPI_SUCCESS);
}

/* ---- Beyond an int ---- */

/* The size of as many structs is not found by counting them. */
static void external(MPI_Count many)
{
    const int lengths[] = {1, 2};
    const MPI_Aint places[] = {0, 8};
    const MPI_Datatype types[] = {MPI_INT, MPI_LONG_DOUBLE};
    MPI_Datatype one, all;
    MPI_Count value;

    OK(MPI_Type_create_struct(2, lengths, places, types, &one));
    OK(MPI_Type_contiguous_c(many, one, &all));
    OK(MPI_Pack_external_size_c("external32", 3, all, &value));
    CHECK(value == 3 * many * (4 + 2 * 16));
    OK(MPI_Type_free(&one));
    OK(MPI_Type_free(&all));
}

static void large(void)
{
    const MPI_Count many = (MPI_Count)INT_MAX + 17;
    MPI_Datatype t, twice;
    MPI_Count value, lb, extent;
    MPI_Status s;
    int n;

    OK(MPI_Type_contiguous_c(many, MPI_SHORT, &t));
    OK(MPI_Type_vector_c(2, 1, 3, t, &twice));
    OK(MPI_Type_size(twice, &n));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Type_size_c(twice, &value));
    CHECK(value == 4 * many);
    OK(MPI_Type_size_x(twice, &value));
    CHECK(value == 4 * many);
    OK(MPI_Type_get_extent_x(twice, &lb, &extent));
    CHECK(lb == 0 && extent == 8 * many);
    OK(MPI_Type_get_true_extent_x(twice, &lb, &extent));
    CHECK(lb == 0 && extent == 8 * many);
    memset(&s, 0, sizeof s);
    OK(MPI_Status_set_elements_c(&s, MPI_SHORT, 2 * many));
    OK(MPI_Get_elements(&s, twice, &n));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Get_elements_c(&s, twice, &value));
    CHECK(value == 2 * many);
    OK(MPI_Get_elements_x(&s, twice, &value));
    CHECK(value == 2 * many);
    OK(MPI_Get_count(&s, t, &n));
    CHECK(n == 2);
    OK(MPI_Get_count(&s, MPI_SHORT, &n));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Status_set_elements_x(&s, MPI_SHORT, many + 1));
    OK(MPI_Get_count(&s, t, &n));
    CHECK(n == MPI_UNDEFINED);
    OK(MPI_Get_elements_x(&s, t, &value));
    CHECK(value == many + 1);
    OK(MPI_Pack_size_c(2, twice, MPI_COMM_WORLD, &value));
    CHECK(value >= 8 * many);
    OK(MPI_Pack_size(2, twice, MPI_COMM_WORLD, &n));
    CHECK(n == MPI_UNDEFINED);
    external(many);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&twice));
}

static void names(void)
{
    char name[MPI_MAX_OBJECT_NAME];
    MPI_Datatype t, copy;
    int n;

    OK(MPI_Type_contiguous(3, MPI_INT, &t));
    OK(MPI_Type_get_name(t, name, &n));
    CHECK(n == 0 && !name[0]);
    OK(MPI_Type_set_name(t, "three"));
    OK(MPI_Type_get_name(t, name, &n));
    CHECK(n == 5 && !strcmp(name, "three"));
    OK(MPI_Type_dup(t, &copy));
    OK(MPI_Type_get_name(copy, name, &n));
    CHECK(n == 0);
    OK(MPI_Type_free(&t));
    OK(MPI_Type_free(&copy));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    sizes();
    fortran();
    pairs();
    by_size();
    by_precision();
    large();
    names();
    return end("datatype_query");
}
