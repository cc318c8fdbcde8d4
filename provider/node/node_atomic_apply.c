/* SPDX-License-Identifier: BSD-3-Clause */
#include <complex.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "provider/node/node_atomic.h"

typedef float _Complex float_complex;
typedef double _Complex double_complex;
typedef long double _Complex long_double_complex;
typedef long double long_double;

enum { MAX_ELEMENT = sizeof(long_double_complex) };

/* ---- One element: the new value, and whether it is to be stored ---- */

typedef bool element_fn(enum fi_op op, const void *old, const void *operand, const void *compare,
                        void *new);

#define CASE_ANY(T)                                                                                \
    case FI_LOR:                                                                                   \
        n = (o != 0) || (x != 0);                                                                  \
        break;                                                                                     \
    case FI_LAND:                                                                                  \
        n = (o != 0) && (x != 0);                                                                  \
        break;                                                                                     \
    case FI_LXOR:                                                                                  \
        n = (o != 0) != (x != 0);                                                                  \
        break;                                                                                     \
    case FI_ATOMIC_READ:                                                                           \
        return false;                                                                              \
    case FI_ATOMIC_WRITE:                                                                          \
        n = x;                                                                                     \
        break;                                                                                     \
    case FI_CSWAP:                                                                                 \
        store = c == o;                                                                            \
        n = x;                                                                                     \
        break;                                                                                     \
    case FI_CSWAP_NE:                                                                              \
        store = c != o;                                                                            \
        n = x;                                                                                     \
        break;

#define CASE_ORDERED(T)                                                                            \
    case FI_MIN:                                                                                   \
        n = x;                                                                                     \
        store = x < o;                                                                             \
        break;                                                                                     \
    case FI_MAX:                                                                                   \
        n = x;                                                                                     \
        store = x > o;                                                                             \
        break;                                                                                     \
    case FI_CSWAP_LE:                                                                              \
        store = c <= o;                                                                            \
        n = x;                                                                                     \
        break;                                                                                     \
    case FI_CSWAP_LT:                                                                              \
        store = c < o;                                                                             \
        n = x;                                                                                     \
        break;                                                                                     \
    case FI_CSWAP_GE:                                                                              \
        store = c >= o;                                                                            \
        n = x;                                                                                     \
        break;                                                                                     \
    case FI_CSWAP_GT:                                                                              \
        store = c > o;                                                                             \
        n = x;                                                                                     \
        break;

/* Sums and products of integers wrap; those of others are what the processor says. */
#define CASE_REAL(T)                                                                               \
    case FI_SUM:                                                                                   \
        n = o + x;                                                                                 \
        break;                                                                                     \
    case FI_PROD:                                                                                  \
        n = o * x;                                                                                 \
        break;

#define CASE_INTEGER(T)                                                                            \
    case FI_SUM:                                                                                   \
        (void)__builtin_add_overflow(o, x, &n);                                                    \
        break;                                                                                     \
    case FI_PROD:                                                                                  \
        (void)__builtin_mul_overflow(o, x, &n);                                                    \
        break;                                                                                     \
    case FI_BOR:                                                                                   \
        n = o | x;                                                                                 \
        break;                                                                                     \
    case FI_BAND:                                                                                  \
        n = o & x;                                                                                 \
        break;                                                                                     \
    case FI_BXOR:                                                                                  \
        n = o ^ x;                                                                                 \
        break;                                                                                     \
    case FI_MSWAP:                                                                                 \
        n = (x & c) | (o & ~c);                                                                    \
        break;

#define CASE_NONE(T)

#define ELEMENT(T, ORDERED, BITS)                                                                  \
    static bool element_##T(enum fi_op op, const void *old, const void *operand,                   \
                            const void *compare, void *new)                                        \
    {                                                                                              \
        T o, x = 0, c = 0, n = 0;                                                                  \
        bool store = true;                                                                         \
                                                                                                   \
        memcpy(&o, old, sizeof(o));                                                                \
        if (operand)                                                                               \
            memcpy(&x, operand, sizeof(x));                                                        \
        if (compare)                                                                               \
            memcpy(&c, compare, sizeof(c));                                                        \
        switch ((int)op) {                                                                         \
            CASE_ANY(T)                                                                            \
            ORDERED(T)                                                                             \
            BITS(T)                                                                                \
        default:                                                                                   \
            return false;                                                                          \
        }                                                                                          \
        memcpy(new, &n, sizeof(n));                                                                \
        return store;                                                                              \
    }

ELEMENT(int8_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(uint8_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(int16_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(uint16_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(int32_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(uint32_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(int64_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(uint64_t, CASE_ORDERED, CASE_INTEGER)
ELEMENT(float, CASE_ORDERED, CASE_REAL)
ELEMENT(double, CASE_ORDERED, CASE_REAL)
ELEMENT(long_double, CASE_ORDERED, CASE_REAL)
ELEMENT(float_complex, CASE_NONE, CASE_REAL)
ELEMENT(double_complex, CASE_NONE, CASE_REAL)
ELEMENT(long_double_complex, CASE_NONE, CASE_REAL)

static const struct type {
    size_t size;
    bool ordered, bits;
    element_fn *element;
} types[FI_DATATYPE_LAST] = {
    [FI_INT8] = {1, true, true, element_int8_t},
    [FI_UINT8] = {1, true, true, element_uint8_t},
    [FI_INT16] = {2, true, true, element_int16_t},
    [FI_UINT16] = {2, true, true, element_uint16_t},
    [FI_INT32] = {4, true, true, element_int32_t},
    [FI_UINT32] = {4, true, true, element_uint32_t},
    [FI_INT64] = {8, true, true, element_int64_t},
    [FI_UINT64] = {8, true, true, element_uint64_t},
    [FI_FLOAT] = {sizeof(float), true, false, element_float},
    [FI_DOUBLE] = {sizeof(double), true, false, element_double},
    [FI_FLOAT_COMPLEX] = {sizeof(float_complex), false, false, element_float_complex},
    [FI_DOUBLE_COMPLEX] = {sizeof(double_complex), false, false, element_double_complex},
    [FI_LONG_DOUBLE] = {sizeof(long_double), true, false, element_long_double},
    [FI_LONG_DOUBLE_COMPLEX] = {sizeof(long_double_complex), false, false,
                                element_long_double_complex},
};

size_t node_atomic_size(enum fi_datatype type)
{
    return (unsigned)type < FI_DATATYPE_LAST ? types[type].size : 0;
}

bool node_atomic_valid(enum fi_datatype type, enum fi_op op)
{
    if (!node_atomic_size(type))
        return false;
    switch ((int)op) {
    case FI_MIN:
    case FI_MAX:
    case FI_CSWAP_LE:
    case FI_CSWAP_LT:
    case FI_CSWAP_GE:
    case FI_CSWAP_GT:
        return types[type].ordered;
    case FI_BOR:
    case FI_BAND:
    case FI_BXOR:
    case FI_MSWAP:
        return types[type].bits;
    default:
        return (unsigned)op <= FI_MSWAP;
    }
}

/* ---- In memory ---- */

/* Compare-and-swap until nobody came between; *old is what was there. */
#define SWAP_LOOP(W)                                                                               \
    {                                                                                              \
        W was = __atomic_load_n((W *)target, __ATOMIC_ACQUIRE), new = 0;                           \
        while (t->element(a->op, &was, operand, compare, &new) &&                                  \
               !__atomic_compare_exchange_n((W *)target, &was, new, false, __ATOMIC_ACQ_REL,       \
                                            __ATOMIC_ACQUIRE))                                     \
            ;                                                                                      \
        memcpy(old, &was, sizeof(was));                                                            \
        return;                                                                                    \
    }

static void swap_short(const struct node_atomic *a, const struct type *t, void *target,
                       const void *operand, const void *compare, void *old)
{
    switch (t->size) {
    case 1:
        SWAP_LOOP(uint8_t)
    case 2:
        SWAP_LOOP(uint16_t)
    case 4:
        SWAP_LOOP(uint32_t)
    default:
        SWAP_LOOP(uint64_t)
    }
}

static void swap_alone(const struct node_atomic *a, const struct type *t, void *target,
                       const void *operand, const void *compare, void *old)
{
    unsigned char new[MAX_ELEMENT];

    memcpy(old, target, t->size);
    if (t->element(a->op, old, operand, compare, new))
        memcpy(target, new, t->size);
}

/* The holder's pid is in the lock: one that died in there holds up nobody for long. */
static void stripe_take(struct node_stripe *s)
{
    enum { PATIENCE = 256 };
    unsigned holder = 0, me = getpid();

    for (unsigned n = 1;; n++) {
        if (atomic_compare_exchange_strong_explicit(&s->held, &holder, me, memory_order_acquire,
                                                    memory_order_relaxed))
            return;
        if (n % PATIENCE || holder == me || !kill(holder, 0) || errno != ESRCH)
            holder = 0;
        sched_yield();
    }
}

static void stripe_drop(struct node_stripe *s)
{
    atomic_store_explicit(&s->held, 0, memory_order_release);
}

void node_atomic_do(const struct node_atomic *a, void *target, struct node_stripe *locks,
                    uint64_t name)
{
    const struct type *t = &types[a->type];
    unsigned char old[MAX_ELEMENT];

    for (size_t i = 0; i < a->count; i++) {
        size_t at = i * t->size;
        void *here = (char *)target + at;
        const void *operand = a->operand ? (const char *)a->operand + at : NULL;
        const void *compare = a->compare ? (const char *)a->compare + at : NULL;

        /* An element that is not aligned may span two lines, where no processor's atomic helps. */
        if (!locks) {
            swap_alone(a, t, here, operand, compare, old);
        } else if (t->size <= 8 && !((name + at) % t->size)) {
            swap_short(a, t, here, operand, compare, old);
        } else {
            struct node_stripe *s = &locks[(name + at) / 64 % NODE_STRIPES];
            stripe_take(s);
            swap_alone(a, t, here, operand, compare, old);
            stripe_drop(s);
        }
        if (a->result)
            memcpy((char *)a->result + at, old, t->size);
    }
}
