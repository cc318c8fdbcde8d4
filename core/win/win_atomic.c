/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "core/win/win_atomic.h"

/* Accumulates to different locations are not ordered with each other (12.7.2), but a counter often
 * guards other data, and on the common processors sequential consistency costs no more. */
enum { ORDER = __ATOMIC_SEQ_CST };

/* One instruction, `made` with the value that was there; `blind` where nobody wants that. */
#define LOOP(name, type, made, blind)                                                              \
    static void name(void *at, const void *in, void *out, size_t n)                                \
    {                                                                                              \
        type *to = at, x, was;                                                                     \
                                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            memcpy(&x, (const char *)in + i * sizeof x, sizeof x);                                 \
            if (out) {                                                                             \
                was = made;                                                                        \
                memcpy((char *)out + i * sizeof was, &was, sizeof was);                            \
            } else {                                                                               \
                blind;                                                                             \
            }                                                                                      \
        }                                                                                          \
    }

/* What has no instruction of its own: tried until nobody came in between. */
#define RETRY(name, type, wide, expression)                                                        \
    static inline type name##_one(type *to, type a)                                                \
    {                                                                                              \
        type b = __atomic_load_n(to, __ATOMIC_RELAXED), made;                                      \
                                                                                                   \
        do                                                                                         \
            made = (type)(expression);                                                             \
        while (!__atomic_compare_exchange_n(to, &b, made, false, ORDER, __ATOMIC_RELAXED));        \
        return b;                                                                                  \
    }                                                                                              \
    LOOP(name, type, name##_one(&to[i], x), (void)name##_one(&to[i], x))

#define FETCH(name, type, call)                                                                    \
    LOOP(name, type, call(&to[i], x, ORDER), (void)call(&to[i], x, ORDER))

/* `wide`: unsigned and not narrower than int, lest a product be promoted to a signed one. */
#define WIDTH(bits, u, s, wide)                                                                    \
    FETCH(sum_##bits, u, __atomic_fetch_add)                                                       \
    FETCH(band_##bits, u, __atomic_fetch_and)                                                      \
    FETCH(bor_##bits, u, __atomic_fetch_or)                                                        \
    FETCH(bxor_##bits, u, __atomic_fetch_xor)                                                      \
    LOOP(replace_##bits, u, __atomic_exchange_n(&to[i], x, ORDER),                                 \
         __atomic_store_n(&to[i], x, __ATOMIC_RELEASE))                                            \
    RETRY(prod_##bits, u, wide, (wide)a *(wide)b)                                                  \
    RETRY(land_##bits, u, wide, (a != 0) & (b != 0))                                               \
    RETRY(lor_##bits, u, wide, (a != 0) | (b != 0))                                                \
    RETRY(lxor_##bits, u, wide, (a != 0) ^ (b != 0))                                               \
    RETRY(smin_##bits, s, wide, a < b ? a : b)                                                     \
    RETRY(smax_##bits, s, wide, a > b ? a : b)                                                     \
    RETRY(umin_##bits, u, wide, a < b ? a : b)                                                     \
    RETRY(umax_##bits, u, wide, a > b ? a : b)                                                     \
    static void no_op_##bits(void *at, const void *in, void *out, size_t n)                        \
    {                                                                                              \
        u *from = at, was;                                                                         \
                                                                                                   \
        (void)in;                                                                                  \
        for (size_t i = 0; out && i < n; i++) {                                                    \
            was = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);                                     \
            memcpy((char *)out + i * sizeof was, &was, sizeof was);                                \
        }                                                                                          \
    }                                                                                              \
    static void swap_##bits(void *at, const void *compare, const void *value, void *result)        \
    {                                                                                              \
        u was, x;                                                                                  \
                                                                                                   \
        memcpy(&was, compare, sizeof was);                                                         \
        memcpy(&x, value, sizeof x);                                                               \
        __atomic_compare_exchange_n((u *)at, &was, x, false, ORDER, ORDER);                        \
        memcpy(result, &was, sizeof was);                                                          \
    }

WIDTH(8, uint8_t, int8_t, uint32_t)
WIDTH(16, uint16_t, int16_t, uint32_t)
WIDTH(32, uint32_t, int32_t, uint32_t)
WIDTH(64, uint64_t, int64_t, uint64_t)

#define SIGNED(op)                                                                                 \
    [BASIC_INT8] = op##_8, [BASIC_INT16] = op##_16, [BASIC_INT32] = op##_32, [BASIC_INT64] = op##_64
#define UNSIGNED(op)                                                                               \
    [BASIC_UINT8] = op##_8, [BASIC_UINT16] = op##_16, [BASIC_UINT32] = op##_32,                    \
    [BASIC_UINT64] = op##_64
#define LOGICAL(op)                                                                                \
    [BASIC_BOOL] = op##_8, [BASIC_LOGICAL1] = op##_8, [BASIC_LOGICAL2] = op##_16,                  \
    [BASIC_LOGICAL4] = op##_32, [BASIC_LOGICAL8] = op##_64

win_atomic_fn *const win_atomic_table[OP_KINDS][BASICS] = {
    [OP_SUM] = {SIGNED(sum), UNSIGNED(sum)},
    [OP_MIN] = {SIGNED(smin), UNSIGNED(umin)},
    [OP_MAX] = {SIGNED(smax), UNSIGNED(umax)},
    [OP_PROD] = {SIGNED(prod), UNSIGNED(prod)},
    [OP_BAND] = {SIGNED(band), UNSIGNED(band)},
    [OP_BOR] = {SIGNED(bor), UNSIGNED(bor)},
    [OP_BXOR] = {SIGNED(bxor), UNSIGNED(bxor)},
    [OP_LAND] = {SIGNED(land), UNSIGNED(land), LOGICAL(land)},
    [OP_LOR] = {SIGNED(lor), UNSIGNED(lor), LOGICAL(lor)},
    [OP_LXOR] = {SIGNED(lxor), UNSIGNED(lxor), LOGICAL(lxor)},
    [OP_REPLACE] = {SIGNED(replace), UNSIGNED(replace), LOGICAL(replace)},
    [OP_NO_OP] = {SIGNED(no_op), UNSIGNED(no_op), LOGICAL(no_op)},
};

/* Bytes and characters are combined in long runs, which memcpy does better under the lock. */
const uint8_t win_atomic_size[BASICS] = {
    [BASIC_INT8] = 1,     [BASIC_INT16] = 2,    [BASIC_INT32] = 4,    [BASIC_INT64] = 8,
    [BASIC_UINT8] = 1,    [BASIC_UINT16] = 2,   [BASIC_UINT32] = 4,   [BASIC_UINT64] = 8,
    [BASIC_BOOL] = 1,     [BASIC_LOGICAL1] = 1, [BASIC_LOGICAL2] = 2, [BASIC_LOGICAL4] = 4,
    [BASIC_LOGICAL8] = 8,
};

void win_atomic_swap(enum basic basic, void *at, const void *compare, const void *value,
                     void *result)
{
    switch (win_atomic_size[basic]) {
    case 1:
        swap_8(at, compare, value, result);
        break;
    case 2:
        swap_16(at, compare, value, result);
        break;
    case 4:
        swap_32(at, compare, value, result);
        break;
    default:
        swap_64(at, compare, value, result);
    }
}
