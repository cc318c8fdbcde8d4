/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_MINLOC and MPI_MAXLOC: of equal values the lowest index (6.9.4). */
#include "core/object/op_table.h"

#define LOOP(name, type, better)                                                                   \
    static void name(const void *in, void *inout, MPI_Count count)                                 \
    {                                                                                              \
        const type *restrict from = in;                                                            \
        type *restrict to = inout;                                                                 \
                                                                                                   \
        for (MPI_Count i = 0; i < count; i++) {                                                    \
            const type *a = &from[i];                                                              \
            type *b = &to[i];                                                                      \
            if (a->value better b->value || (a->value == b->value && a->index < b->index)) {       \
                b->value = a->value;                                                               \
                b->index = a->index;                                                               \
            }                                                                                      \
        }                                                                                          \
    }

#define PAIR(name, value_, index_)                                                                 \
    struct pair_##name {                                                                           \
        value_ value;                                                                              \
        index_ index;                                                                              \
    };                                                                                             \
    typedef struct pair_##name unaligned_##name OP_UNALIGNED;                                      \
    LOOP(min_##name, unaligned_##name, <)                                                          \
    LOOP(max_##name, unaligned_##name, >)

PAIR(float_int, float, int)
PAIR(double_int, double, int)
PAIR(long_int, long, int)
PAIR(short_int, short, int)
PAIR(2int, int, int)
PAIR(2int64, int64_t, int64_t)
PAIR(long_double_int, long double, int)
PAIR(2real, float, float)
PAIR(2double, double, double)

#define PAIRS(op)                                                                                  \
    [BASIC_FLOAT_INT] = op##_float_int, [BASIC_DOUBLE_INT] = op##_double_int,                      \
    [BASIC_LONG_INT] = op##_long_int, [BASIC_SHORT_INT] = op##_short_int,                          \
    [BASIC_2INT] = op##_2int, [BASIC_2INT64] = op##_2int64,                                        \
    [BASIC_LONG_DOUBLE_INT] = op##_long_double_int, [BASIC_2REAL] = op##_2real,                    \
    [BASIC_2DOUBLE] = op##_2double

op_loop *const op_pair[OP_KINDS][BASICS] = {
    [OP_MINLOC] = {PAIRS(min)},
    [OP_MAXLOC] = {PAIRS(max)},
};
