/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Integers, logicals and bits. Everything but the order is done in unsigned arithmetic, which wraps
 * as the machine does and is the same for both signs.
 */
#include <stdint.h>

#include "core/object/op_table.h"

OP_VECTORISE

#define WIDTHS(X)                                                                                  \
    X(8, uint32_t)                                                                                 \
    X(16, uint32_t)                                                                                \
    X(32, uint32_t)                                                                                \
    X(64, uint64_t)

typedef int8_t s8 OP_UNALIGNED;
typedef uint8_t u8 OP_UNALIGNED;
typedef int16_t s16 OP_UNALIGNED;
typedef uint16_t u16 OP_UNALIGNED;
typedef int32_t s32 OP_UNALIGNED;
typedef uint32_t u32 OP_UNALIGNED;
typedef int64_t s64 OP_UNALIGNED;
typedef uint64_t u64 OP_UNALIGNED;
#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 s128 OP_UNALIGNED;
__extension__ typedef unsigned __int128 u128 OP_UNALIGNED;
#endif

/* `wide`: unsigned and not narrower than int, lest a product be promoted to a signed one. */
#define LOOPS(bits, wide)                                                                          \
    OP_LOOP(sum_##bits, u##bits, (wide)a + (wide)b)                                                \
    OP_LOOP(prod_##bits, u##bits, (wide)a *(wide)b)                                                \
    OP_LOOP(band_##bits, u##bits, a &b)                                                            \
    OP_LOOP(bor_##bits, u##bits, a | b)                                                            \
    OP_LOOP(bxor_##bits, u##bits, a ^ b)                                                           \
    OP_LOOP(land_##bits, u##bits, (a != 0) & (b != 0))                                             \
    OP_LOOP(lor_##bits, u##bits, (a != 0) | (b != 0))                                              \
    OP_LOOP(lxor_##bits, u##bits, (a != 0) ^ (b != 0))                                             \
    OP_LOOP(smin_##bits, s##bits, a < b ? a : b)                                                   \
    OP_LOOP(smax_##bits, s##bits, a > b ? a : b)
#define ORDER(bits, wide)                                                                          \
    OP_LOOP(umin_##bits, u##bits, a < b ? a : b)                                                   \
    OP_LOOP(umax_##bits, u##bits, a > b ? a : b)

WIDTHS(LOOPS)
WIDTHS(ORDER)
#ifdef __SIZEOF_INT128__
LOOPS(128, u128)
#endif

#define SIGNED(op)                                                                                 \
    [BASIC_INT8] = op##_8, [BASIC_INT16] = op##_16, [BASIC_INT32] = op##_32,                       \
    [BASIC_INT64] = op##_64, SIGNED_WIDEST(op)
#define UNSIGNED(op)                                                                               \
    [BASIC_UINT8] = op##_8, [BASIC_UINT16] = op##_16, [BASIC_UINT32] = op##_32,                    \
    [BASIC_UINT64] = op##_64
#define LOGICAL(op)                                                                                \
    [BASIC_BOOL] = op##_8, [BASIC_LOGICAL1] = op##_8, [BASIC_LOGICAL2] = op##_16,                  \
    [BASIC_LOGICAL4] = op##_32, [BASIC_LOGICAL8] = op##_64, LOGICAL_WIDEST(op)
#ifdef __SIZEOF_INT128__
#define SIGNED_WIDEST(op)  [BASIC_INT128] = op##_128
#define LOGICAL_WIDEST(op) [BASIC_LOGICAL16] = op##_128
#else
#define SIGNED_WIDEST(op)
#define LOGICAL_WIDEST(op)
#endif

op_loop *const op_integer[OP_KINDS][BASICS] = {
    [OP_SUM] = {SIGNED(sum), UNSIGNED(sum)},
    [OP_MIN] = {SIGNED(smin), UNSIGNED(umin)},
    [OP_MAX] = {SIGNED(smax), UNSIGNED(umax)},
    [OP_PROD] = {SIGNED(prod), UNSIGNED(prod)},
    [OP_BAND] = {SIGNED(band), UNSIGNED(band), [BASIC_BYTE] = band_8},
    [OP_BOR] = {SIGNED(bor), UNSIGNED(bor), [BASIC_BYTE] = bor_8},
    [OP_BXOR] = {SIGNED(bxor), UNSIGNED(bxor), [BASIC_BYTE] = bxor_8},
    [OP_LAND] = {SIGNED(land), UNSIGNED(land), LOGICAL(land)},
    [OP_LOR] = {SIGNED(lor), UNSIGNED(lor), LOGICAL(lor)},
    [OP_LXOR] = {SIGNED(lxor), UNSIGNED(lxor), LOGICAL(lxor)},
};
