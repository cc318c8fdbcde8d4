/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_MINLOC and MPI_MAXLOC: of equal values the lowest index (6.9.4). */
#include "core/object/op_table.h"

OP_VECTORISE

/* Both are chosen by one condition, and written in any case: no branch, so that it is vectorised.
 */
#define LOOP(name, type, value_, index_, better)                                                   \
    OP_CLONES static void name(const void *in, void *inout, MPI_Count count)                       \
    {                                                                                              \
        const type *restrict from = in;                                                            \
        type *restrict to = inout;                                                                 \
                                                                                                   \
        for (MPI_Count i = 0; i < count; i++) {                                                    \
            value_ a = from[i].value, b = to[i].value;                                             \
            index_ p = from[i].index, q = to[i].index;                                             \
            bool take = (a better b) | ((a == b) & (p < q));                                       \
                                                                                                   \
            to[i].value = take ? a : b;                                                            \
            to[i].index = take ? p : q;                                                            \
        }                                                                                          \
    }

#define PAIR(name, value_, index_)                                                                 \
    struct pair_##name {                                                                           \
        value_ value;                                                                              \
        index_ index;                                                                              \
    };                                                                                             \
    typedef struct pair_##name unaligned_##name OP_UNALIGNED;                                      \
    LOOP(min_##name, unaligned_##name, value_, index_, <)                                          \
    LOOP(max_##name, unaligned_##name, value_, index_, >)

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
