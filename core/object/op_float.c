/* SPDX-License-Identifier: BSD-3-Clause */
/* Floating-point and complex numbers. */
#include "core/object/op_table.h"

OP_VECTORISE

#define FLOAT(name)                                                                                \
    OP_LOOP(sum_##name, name, a + b)                                                               \
    OP_LOOP(prod_##name, name, a *b)                                                               \
    OP_LOOP(min_##name, name, a < b ? a : b)                                                       \
    OP_LOOP(max_##name, name, a > b ? a : b)

/*
 * The product is written out: C's own looks after infinities that became NaN (annex G), in a call
 * an element.
 */
#define COMPLEX(name, real)                                                                        \
    OP_LOOP(sum_##name, name, a + b)                                                               \
    OP_CLONES_UNFUSED static void prod_##name(const void *in, void *inout, MPI_Count count)        \
    {                                                                                              \
        const real *restrict from = in;                                                            \
        real *restrict to = inout;                                                                 \
                                                                                                   \
        for (MPI_Count i = 0; i < 2 * count; i += 2) {                                             \
            real a = from[i], b = from[i + 1], c = to[i], d = to[i + 1];                           \
                                                                                                   \
            to[i] = a * c - b * d;                                                                 \
            to[i + 1] = a * d + b * c;                                                             \
        }                                                                                          \
    }

typedef float f32 OP_UNALIGNED;
typedef double f64 OP_UNALIGNED;
typedef long double fld OP_UNALIGNED;
typedef float _Complex c32 OP_UNALIGNED;
typedef double _Complex c64 OP_UNALIGNED;
typedef long double _Complex cld OP_UNALIGNED;
FLOAT(f32)
FLOAT(f64)
FLOAT(fld)
COMPLEX(c32, f32)
COMPLEX(c64, f64)
COMPLEX(cld, fld)

#ifdef __FLT16_MANT_DIG__
typedef _Float16 f16 OP_UNALIGNED;
typedef _Float16 _Complex c16 OP_UNALIGNED;
FLOAT(f16)
COMPLEX(c16, f16)
#define FLOAT16(op)   , [BASIC_FLOAT16] = op##_f16
#define COMPLEX16(op) , [BASIC_COMPLEX4] = op##_c16
#else
#define FLOAT16(op)
#define COMPLEX16(op)
#endif

#ifdef __SIZEOF_FLOAT128__
typedef __float128 f128 OP_UNALIGNED;
typedef _Complex float __attribute__((mode(TC))) tc; /* the compilers' name for the complex one */
typedef tc c128 OP_UNALIGNED;
FLOAT(f128)
COMPLEX(c128, f128)
#define FLOAT128(op)   , [BASIC_FLOAT128] = op##_f128
#define COMPLEX128(op) , [BASIC_COMPLEX_FLOAT128] = op##_c128
#else
#define FLOAT128(op)
#define COMPLEX128(op)
#endif

#define FLOATS(op)                                                                                 \
    [BASIC_FLOAT] = op##_f32, [BASIC_DOUBLE] = op##_f64,                                           \
    [BASIC_LONG_DOUBLE] = op##_fld FLOAT16(op) FLOAT128(op)
#define COMPLEXES(op)                                                                              \
    [BASIC_COMPLEX8] = op##_c32, [BASIC_COMPLEX16] = op##_c64,                                     \
    [BASIC_COMPLEX32] = op##_cld COMPLEX16(op) COMPLEX128(op)

op_loop *const op_float[OP_KINDS][BASICS] = {
    [OP_SUM] = {FLOATS(sum), COMPLEXES(sum)},
    [OP_PROD] = {FLOATS(prod), COMPLEXES(prod)},
    [OP_MIN] = {FLOATS(min)},
    [OP_MAX] = {FLOATS(max)},
};
