/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Fortran's default kinds are: a C library cannot know, so until the Fortran bindings say it
 * they have the usual sizes (datatype_basic.def). It is said at most once, before anybody uses
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/object/datatype.h"
#include "core/object/err.h"
#include "core/object/info.h"

enum { KINDS = 5 };

/* A default kind is one of these, by its size. */
static struct datatype *const logicals[KINDS] = {&datatype_logical1, &datatype_logical2,
                                                 &datatype_logical4, &datatype_logical8,
                                                 &datatype_logical16};
static struct datatype *const integers[KINDS] = {&datatype_integer1, &datatype_integer2,
                                                 &datatype_integer4, &datatype_integer8,
                                                 &datatype_integer16};
static struct datatype *const reals[KINDS] = {&datatype_real2, &datatype_real4, &datatype_real8,
                                              &datatype_real16};
static struct datatype *const complexes[KINDS] = {&datatype_complex4, &datatype_complex8,
                                                  &datatype_complex16, &datatype_complex32};

static const struct {
    const char *key;
    struct datatype *type;
} optional[] = {
    {"mpi_logical1_supported", &datatype_logical1},
    {"mpi_logical2_supported", &datatype_logical2},
    {"mpi_logical4_supported", &datatype_logical4},
    {"mpi_logical8_supported", &datatype_logical8},
    {"mpi_logical16_supported", &datatype_logical16},
    {"mpi_integer1_supported", &datatype_integer1},
    {"mpi_integer2_supported", &datatype_integer2},
    {"mpi_integer4_supported", &datatype_integer4},
    {"mpi_integer8_supported", &datatype_integer8},
    {"mpi_integer16_supported", &datatype_integer16},
    {"mpi_real2_supported", &datatype_real2},
    {"mpi_real4_supported", &datatype_real4},
    {"mpi_real8_supported", &datatype_real8},
    {"mpi_real16_supported", &datatype_real16},
    {"mpi_complex4_supported", &datatype_complex4},
    {"mpi_complex8_supported", &datatype_complex8},
    {"mpi_complex16_supported", &datatype_complex16},
    {"mpi_complex32_supported", &datatype_complex32},
    {"mpi_double_complex_supported", &datatype_double_complex},
};

/* Everything but what makes it this object: handle, name, attributes. */
static void become(struct datatype *t, const struct datatype *like)
{
    struct datatype was = *t;

    *t = *like;
    t->object = was.object;
    t->attrs = was.attrs;
    memcpy(t->name, was.name, sizeof t->name);
}

/* As TYPE_MISSING has it. */
static void miss(struct datatype *t)
{
    const struct datatype missing = {.size = MPI_UNDEFINED, .predefined = true, .align = 1};

    become(t, &missing);
}

/* *kind is left alone where the info says nothing. */
static int find_kind(struct info *i, const char *key, struct datatype *const all[KINDS],
                     struct datatype **kind)
{
    char value[MPI_MAX_INFO_VAL] = "", *end;
    size_t len;

    if (!info_copy(i, key, value, sizeof value, &len))
        return MPI_SUCCESS;
    long size = strtol(value, &end, 10);
    for (int k = 0; k < KINDS && end != value && !*end; k++)
        if (all[k] && all[k]->size == size) {
            *kind = all[k];
            return MPI_SUCCESS;
        }
    return err_set(MPI_ERR_INFO_VALUE, "%s is \"%s\": no type of Fortran's has that size", key,
                   value);
}

static struct datatype *complex_of(const struct datatype *real)
{
    for (int k = 0; k < KINDS; k++)
        if (reals[k] == real)
            return complexes[k];
    return NULL;
}

/* Two of a kind: such pairs there are of 4 and 8 bytes. */
static void become_pair(struct datatype *pair, const struct datatype *of,
                        const struct datatype *four, const struct datatype *eight)
{
    if (of->size == 4)
        become(pair, four);
    else if (of->size == 8)
        become(pair, eight);
    else
        miss(pair);
}

/* The kinds may be types that the compiler has not: those have been left before. */
static void set_reals(struct datatype *real, struct datatype *twice)
{
    const struct datatype four = datatype_2real, eight = datatype_2double_precision;

    if (real) {
        become(&datatype_real, real);
        become(&datatype_complex, complex_of(real));
        become_pair(&datatype_2real, real, &four, &eight);
    }
    if (twice) {
        become(&datatype_double_precision, twice);
        become(&datatype_double_complex, complex_of(twice));
        become_pair(&datatype_2double_precision, twice, &four, &eight);
    }
}

static void set_integers(struct datatype *integer)
{
    struct datatype eight = datatype_2int;

    eight.size = eight.extent = eight.true_extent = eight.shape.size = 2 * sizeof(int64_t);
    eight.external = 2 * sizeof(int64_t);
    eight.align = _Alignof(int64_t);
    eight.basic = BASIC_2INT64;
    become(&datatype_integer, integer);
    become_pair(&datatype_2integer, integer, &datatype_2int, &eight);
}

unsigned datatype_stamp = 1;

int datatype_set_fortran(struct info *i)
{
    struct datatype *logical = NULL, *integer = NULL, *real = NULL, *twice = NULL;
    int rc = find_kind(i, "mpi_logical_size", logicals, &logical);
    char value[8];
    size_t len;

    if (!rc)
        rc = find_kind(i, "mpi_integer_size", integers, &integer);
    if (!rc)
        rc = find_kind(i, "mpi_real_size", reals, &real);
    if (!rc)
        rc = find_kind(i, "mpi_double_precision_size", reals, &twice);
    if (rc)
        return rc;
    datatype_stamp++;
    if (logical)
        become(&datatype_logical, logical);
    if (integer)
        set_integers(integer);
    set_reals(real, twice);
    for (size_t k = 0; k < sizeof optional / sizeof optional[0]; k++)
        if (info_copy(i, optional[k].key, value, sizeof value, &len) && !strcmp(value, "false"))
            miss(optional[k].type);
    return MPI_SUCCESS;
}
