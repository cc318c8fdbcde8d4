/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Predefined types for the tests of accumulates: what of an element says something (the rest is
 * room between or behind its members), how one is made of a small number, and the operators it has.
 */
#ifndef ORIEL_TESTS_WIN_KIND_H
#define ORIEL_TESTS_WIN_KIND_H

#include <float.h>
#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

enum { KIND_EXTENT = 32, KINDS_MOST = 48 };

/* Sets of operators (6.9.2) and whether MPI_Compare_and_swap takes it. */
enum { SUMS = 1, ORDERED = 2, BITS = 4, LOGIC = 8, LOC = 16, SWAP = 32 };
enum { INTEGER = SUMS | ORDERED | BITS | LOGIC | SWAP };

struct kind {
    const char *name;
    MPI_Datatype type;
    size_t extent;
    struct {
        size_t at, len;
    } part[2]; /* the second's len may be 0 */
    int ops;
    void (*set)(void *at, int value);
};

#define SET(name, ctype)                                                                           \
    static inline void set_##name(void *at, int value)                                             \
    {                                                                                              \
        ctype v = (ctype)value;                                                                    \
        memcpy(at, &v, sizeof v);                                                                  \
    }
SET(int8, int8_t)
SET(int16, int16_t)
SET(int32, int32_t)
SET(int64, int64_t)
SET(float, float)
SET(double, double)
SET(long_double, long double)
SET(bool, bool)
SET(wchar, wchar_t)

#define SET_COMPLEX(name, ctype)                                                                   \
    static inline void set_##name(void *at, int value)                                             \
    {                                                                                              \
        ctype v[2] = {(ctype)value, (ctype)-value};                                                \
        memcpy(at, v, sizeof v);                                                                   \
    }
SET_COMPLEX(float_complex, float)
SET_COMPLEX(double_complex, double)
SET_COMPLEX(long_double_complex, long double)

/* Equal values with different indices occur. */
#define PAIR(name, first, second)                                                                  \
    struct pair_##name {                                                                           \
        first value;                                                                               \
        second index;                                                                              \
    };                                                                                             \
    static inline void set_##name(void *at, int value)                                             \
    {                                                                                              \
        struct pair_##name v;                                                                      \
        memset(&v, 0, sizeof v);                                                                   \
        v.value = (first)(value / 2);                                                              \
        v.index = (second)value;                                                                   \
        memcpy(at, &v, sizeof v);                                                                  \
    }
PAIR(float_int, float, int)
PAIR(double_int, double, int)
PAIR(long_int, long, int)
PAIR(short_int, short, int)
PAIR(int_int, int, int)
PAIR(long_double_int, long double, int)
PAIR(float_float, float, float)
PAIR(double_double, double, double)

/* The bytes of a long double that the processor reads. */
#define LONG_DOUBLE (LDBL_MANT_DIG == 64 ? 10 : sizeof(long double))

/* All of it says something. */
#define WHOLE(mpi, bytes, ops, set)                                                                \
    {                                                                                              \
#mpi, mpi, bytes, {{0, bytes }, {0, 0 } }, ops, set                                        \
    }
#define PARTS(mpi, extent, len0, at1, len1, ops, set)                                              \
    {                                                                                              \
#mpi, mpi, extent, {{0, len0 }, {at1, len1 } }, ops, set                                   \
    }
#define PAIR_KIND(mpi, name, first)                                                                \
    PARTS(mpi, sizeof(struct pair_##name), first, offsetof(struct pair_##name, index),             \
          sizeof(((struct pair_##name *)0)->index), LOC, set_##name)

static inline int kinds_make(struct kind kinds[KINDS_MOST])
{
    enum { LD = sizeof(long double) };
    const struct kind all[] = {
        WHOLE(MPI_SIGNED_CHAR, 1, INTEGER, set_int8),
        WHOLE(MPI_UNSIGNED_CHAR, 1, INTEGER, set_int8),
        WHOLE(MPI_SHORT, 2, INTEGER, set_int16),
        WHOLE(MPI_UNSIGNED_SHORT, 2, INTEGER, set_int16),
        WHOLE(MPI_INT, 4, INTEGER, set_int32),
        WHOLE(MPI_UNSIGNED, 4, INTEGER, set_int32),
        WHOLE(MPI_LONG_LONG, 8, INTEGER, set_int64),
        WHOLE(MPI_UNSIGNED_LONG_LONG, 8, INTEGER, set_int64),
        WHOLE(MPI_INT8_T, 1, INTEGER, set_int8),
        WHOLE(MPI_UINT16_T, 2, INTEGER, set_int16),
        WHOLE(MPI_INT32_T, 4, INTEGER, set_int32),
        WHOLE(MPI_UINT64_T, 8, INTEGER, set_int64),
        WHOLE(MPI_INTEGER, 4, INTEGER, set_int32),
        WHOLE(MPI_INTEGER8, 8, INTEGER, set_int64),
        WHOLE(MPI_AINT, 8, INTEGER, set_int64),
        WHOLE(MPI_COUNT, 8, INTEGER, set_int64),
        WHOLE(MPI_OFFSET, 8, INTEGER, set_int64),
        WHOLE(MPI_BYTE, 1, BITS | SWAP, set_int8),
        WHOLE(MPI_C_BOOL, 1, LOGIC | SWAP, set_bool),
        WHOLE(MPI_CHAR, 1, 0, set_int8),
        WHOLE(MPI_WCHAR, sizeof(wchar_t), 0, set_wchar),
        WHOLE(MPI_FLOAT, 4, SUMS | ORDERED, set_float),
        WHOLE(MPI_DOUBLE, 8, SUMS | ORDERED, set_double),
        WHOLE(MPI_REAL8, 8, SUMS | ORDERED, set_double),
        PARTS(MPI_LONG_DOUBLE, LD, LONG_DOUBLE, 0, 0, SUMS | ORDERED, set_long_double),
        WHOLE(MPI_C_FLOAT_COMPLEX, 8, SUMS, set_float_complex),
        WHOLE(MPI_C_DOUBLE_COMPLEX, 16, SUMS, set_double_complex),
        WHOLE(MPI_COMPLEX, 8, SUMS, set_float_complex),
        PARTS(MPI_C_LONG_DOUBLE_COMPLEX, 2 * LD, LONG_DOUBLE, LD, LONG_DOUBLE, SUMS,
              set_long_double_complex),
        PAIR_KIND(MPI_FLOAT_INT, float_int, 4),
        PAIR_KIND(MPI_DOUBLE_INT, double_int, 8),
        PAIR_KIND(MPI_LONG_INT, long_int, sizeof(long)),
        PAIR_KIND(MPI_SHORT_INT, short_int, 2),
        PAIR_KIND(MPI_2INT, int_int, 4),
        PAIR_KIND(MPI_LONG_DOUBLE_INT, long_double_int, LONG_DOUBLE),
        PAIR_KIND(MPI_2REAL, float_float, 4),
        PAIR_KIND(MPI_2DOUBLE_PRECISION, double_double, 8),
        PAIR_KIND(MPI_2INTEGER, int_int, 4),
    };
    _Static_assert(sizeof all / sizeof all[0] <= KINDS_MOST, "room for all kinds");

    memcpy(kinds, all, sizeof all);
    return (int)(sizeof all / sizeof all[0]);
}

/* Every predefined operator that the kind has, as many as 16. */
static inline int kind_ops(const struct kind *k, MPI_Op ops[16])
{
    static const struct {
        int set;
        MPI_Op op;
    } all[] = {
        {0, MPI_REPLACE},   {0, MPI_NO_OP},     {SUMS, MPI_SUM},  {SUMS, MPI_PROD},
        {ORDERED, MPI_MIN}, {ORDERED, MPI_MAX}, {BITS, MPI_BAND}, {BITS, MPI_BOR},
        {BITS, MPI_BXOR},   {LOGIC, MPI_LAND},  {LOGIC, MPI_LOR}, {LOGIC, MPI_LXOR},
        {LOC, MPI_MINLOC},  {LOC, MPI_MAXLOC},
    };
    int n = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!all[i].set || (k->ops & all[i].set))
            ops[n++] = all[i].op;
    return n;
}

/* n elements, each of which begins `extent` bytes after the last. */
static inline bool kind_same(const struct kind *k, const char *a, const char *b, int n)
{
    for (int i = 0; i < n; i++, a += k->extent, b += k->extent)
        for (int p = 0; p < 2; p++)
            if (memcmp(a + k->part[p].at, b + k->part[p].at, k->part[p].len))
                return false;
    return true;
}

#endif
