/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators and the types that they work on, element by element in the plainest way. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "coll_fuzz.h"

enum { SUM, PROD, MIN, MAX, BAND, BOR, BXOR, LAND, LOR, LXOR, PREDEFINED, LOC };

static const MPI_Op ops[] = {MPI_SUM, MPI_PROD, MPI_MIN,  MPI_MAX, MPI_BAND,
                             MPI_BOR, MPI_BXOR, MPI_LAND, MPI_LOR, MPI_LXOR};

/* What a type may be asked to do: bits by the numbers above. */
enum {
    REAL = 1 << SUM | 1 << PROD | 1 << MIN | 1 << MAX,
    BITS = 1 << BAND | 1 << BOR | 1 << BXOR,
    LOGIC = 1 << LAND | 1 << LOR | 1 << LXOR,
    INTEGER = REAL | BITS | LOGIC,
    COMPLEX = 1 << SUM | 1 << PROD,
};

#define FOLD(name, T, ORDER, BIT)                                                                  \
    static void fold_##name(int what, const char *in, char *inout)                                 \
    {                                                                                              \
        T a, b;                                                                                    \
                                                                                                   \
        memcpy(&a, in, sizeof a);                                                                  \
        memcpy(&b, inout, sizeof b);                                                               \
        switch (what) {                                                                            \
            ORDER(T)                                                                               \
            BIT(T)                                                                                 \
        }                                                                                          \
        memcpy(inout, &b, sizeof b);                                                               \
    }

#define WRAPPED(T)                                                                                 \
    case SUM:                                                                                      \
        b = (T)((uint64_t)a + (uint64_t)b);                                                        \
        break;                                                                                     \
    case PROD:                                                                                     \
        b = (T)((uint64_t)a * (uint64_t)b);                                                        \
        break;                                                                                     \
    case MIN:                                                                                      \
        b = a < b ? a : b;                                                                         \
        break;                                                                                     \
    case MAX:                                                                                      \
        b = a > b ? a : b;                                                                         \
        break;
#define EXACT(T)                                                                                   \
    case SUM:                                                                                      \
        b = a + b;                                                                                 \
        break;                                                                                     \
    case PROD:                                                                                     \
        b = a * b;                                                                                 \
        break;                                                                                     \
    case MIN:                                                                                      \
        b = a < b ? a : b;                                                                         \
        break;                                                                                     \
    case MAX:                                                                                      \
        b = a > b ? a : b;                                                                         \
        break;
#define FIELD(T)                                                                                   \
    case SUM:                                                                                      \
        b = a + b;                                                                                 \
        break;                                                                                     \
    case PROD:                                                                                     \
        b = a * b;                                                                                 \
        break;
#define BITWISE(T)                                                                                 \
    case BAND:                                                                                     \
        b = a & b;                                                                                 \
        break;                                                                                     \
    case BOR:                                                                                      \
        b = a | b;                                                                                 \
        break;                                                                                     \
    case BXOR:                                                                                     \
        b = a ^ b;                                                                                 \
        break;                                                                                     \
    case LAND:                                                                                     \
        b = a && b;                                                                                \
        break;                                                                                     \
    case LOR:                                                                                      \
        b = a || b;                                                                                \
        break;                                                                                     \
    case LXOR:                                                                                     \
        b = !a != !b;                                                                              \
        break;
#define NO_BITS(T)

FOLD(i8, int8_t, WRAPPED, BITWISE)
FOLD(u8, uint8_t, WRAPPED, BITWISE)
FOLD(i16, int16_t, WRAPPED, BITWISE)
FOLD(u16, uint16_t, WRAPPED, BITWISE)
FOLD(i32, int32_t, WRAPPED, BITWISE)
FOLD(u32, uint32_t, WRAPPED, BITWISE)
FOLD(i64, int64_t, WRAPPED, BITWISE)
FOLD(u64, uint64_t, WRAPPED, BITWISE)
FOLD(f32, float, EXACT, NO_BITS)
FOLD(f64, double, EXACT, NO_BITS)
FOLD(c32, float _Complex, FIELD, NO_BITS)
FOLD(c64, double _Complex, FIELD, NO_BITS)

/* Numbers small enough for sums and products of sixteen ranks to be exact. */
static double small(int what, uint64_t random)
{
    static const double factor[] = {1, -1, 2, 0.5};

    return what == PROD ? factor[random % 4] : (double)(random % 17) - 8;
}

static const struct number {
    MPI_Datatype type;
    int width, may;
    char family; /* i: any bits, f, d, c, z: floating and complex */
    void (*fold)(int what, const char *in, char *inout);
} numbers[] = {
    {MPI_INT8_T, 1, INTEGER, 'i', fold_i8},
    {MPI_UINT8_T, 1, INTEGER, 'i', fold_u8},
    {MPI_INT16_T, 2, INTEGER, 'i', fold_i16},
    {MPI_UINT16_T, 2, INTEGER, 'i', fold_u16},
    {MPI_INT32_T, 4, INTEGER, 'i', fold_i32},
    {MPI_UINT32_T, 4, INTEGER, 'i', fold_u32},
    {MPI_INT64_T, 8, INTEGER, 'i', fold_i64},
    {MPI_UINT64_T, 8, INTEGER, 'i', fold_u64},
    {MPI_SIGNED_CHAR, 1, INTEGER, 'i', fold_i8},
    {MPI_LONG, 8, INTEGER, 'i', fold_i64},
    {MPI_AINT, 8, REAL | BITS, 'i', fold_i64},
    {MPI_BYTE, 1, BITS, 'i', fold_u8},
    {MPI_C_BOOL, 1, LOGIC, 'b', fold_u8},
    {MPI_FLOAT, 4, REAL, 'f', fold_f32},
    {MPI_DOUBLE, 8, REAL, 'd', fold_f64},
    {MPI_C_FLOAT_COMPLEX, 8, COMPLEX, 'c', fold_c32},
    {MPI_C_DOUBLE_COMPLEX, 16, COMPLEX, 'z', fold_c64},
};

/* Values with an index. */
struct float_int {
    float v;
    int i;
};
struct double_int {
    double v;
    int i;
};
struct short_int {
    short v;
    int i;
};

static const struct pair {
    MPI_Datatype type;
    int width;
    MPI_Aint index, extent;
} pairs[] = {
    {MPI_2INT, 4, 4, 8},
    {MPI_FLOAT_INT, 4, offsetof(struct float_int, i), sizeof(struct float_int)},
    {MPI_DOUBLE_INT, 8, offsetof(struct double_int, i), sizeof(struct double_int)},
    {MPI_SHORT_INT, 2, offsetof(struct short_int, i), sizeof(struct short_int)},
};

enum {
    NUMBERS = sizeof numbers / sizeof *numbers,
    PAIRS = sizeof pairs / sizeof *pairs,
    USERS = 5
};
enum { PAIR = NUMBERS, USER = NUMBERS + PAIRS, ALL = USER + 1 };

static struct layout layout_of[ALL], users[USERS];
static MPI_Op compose, compose_c, mix; /* mix commutes */

/* ---- The program's own: pairs of unsigned ---- */

/* x -> a x + b: associative, does not commute. */
static void compose_one(const unsigned *x, unsigned *y)
{
    y[1] = y[0] * x[1] + y[1];
    y[0] *= x[0];
}

static void mix_one(const unsigned *x, unsigned *y)
{
    y[0] += x[0];
    y[1] ^= x[1];
}

static void user(const void *in, void *inout, MPI_Count n, MPI_Datatype type,
                 void (*one)(const unsigned *, unsigned *))
{
    const struct layout *l = NULL;

    for (int i = 0; i < USERS; i++)
        l = users[i].type == type ? &users[i] : l;
    if (!l)
        abort();
    for (MPI_Count i = 0; i < n; i++) {
        unsigned a[2], b[2];
        const char *from = (const char *)in + i * l->extent;
        char *to = (char *)inout + i * l->extent;

        for (int e = 0; e < 2; e++) {
            memcpy(&a[e], from + l->at[e], sizeof *a);
            memcpy(&b[e], to + l->at[e], sizeof *b);
        }
        one(a, b);
        for (int e = 0; e < 2; e++)
            memcpy(to + l->at[e], &b[e], sizeof *b);
    }
}

static void compose_all(void *in, void *inout, int *n, MPI_Datatype *type)
{
    user(in, inout, *n, *type, compose_one);
}

static void compose_all_c(void *in, void *inout, MPI_Count *n, MPI_Datatype *type)
{
    user(in, inout, *n, *type, compose_one);
}

static void mix_all(void *in, void *inout, int *n, MPI_Datatype *type)
{
    user(in, inout, *n, *type, mix_one);
}

/* Two unsigned: `step` apart from `first`, an item every `extent`, in bytes. */
static void make_user(struct layout *l, MPI_Aint first, MPI_Aint step, MPI_Aint extent)
{
    int ones[2] = {1, 1};
    MPI_Datatype both;

    *l = (struct layout){.elements = 2, .width = {4, 4}, .at = {first, first + step}};
    l->extent = extent;
    MPI_Type_create_hindexed(2, ones, l->at, MPI_UNSIGNED, &both);
    MPI_Type_create_resized(both, step < 0 ? first + step : first, extent, &l->type);
    MPI_Type_commit(&l->type);
    MPI_Type_free(&both);
}

void operations_open(void)
{
    for (int i = 0; i < NUMBERS; i++)
        layout_of[i] = (struct layout){
            numbers[i].type, 1, {numbers[i].width}, {0}, (MPI_Aint)numbers[i].width};
    for (int i = 0; i < PAIRS; i++)
        layout_of[PAIR + i] = (struct layout){
            pairs[i].type, 2, {pairs[i].width, 4}, {0, pairs[i].index}, pairs[i].extent};
    make_user(&users[0], 0, 4, 8);
    make_user(&users[1], 0, 8, 12);
    make_user(&users[2], 4, -4, 24);
    make_user(&users[3], 0, 4, -12);
    make_user(&users[4], 40, 4, 8);
    MPI_Op_create(compose_all, 0, &compose);
    MPI_Op_create_c(compose_all_c, 0, &compose_c);
    MPI_Op_create(mix_all, 1, &mix);
}

void operations_close(void)
{
    for (int i = 0; i < USERS; i++)
        MPI_Type_free(&users[i].type);
    MPI_Op_free(&compose);
    MPI_Op_free(&compose_c);
    MPI_Op_free(&mix);
}

/* ---- Drawing, values, folding ---- */

struct operation operation_draw(struct chance *c)
{
    struct operation o = {.commutative = true};
    unsigned which = below(c, 8);

    if (which < 3) {
        o.kind = USER;
        o.layout = &users[below(c, USERS)];
        o.commutative = which == 0;
        o.op = which == 0 ? mix : which == 1 ? compose : compose_c;
        return o;
    }
    if (which == 3) {
        o.kind = PAIR + (int)below(c, PAIRS);
        o.what = LOC + (int)below(c, 2);
        o.op = o.what == LOC ? MPI_MINLOC : MPI_MAXLOC;
    } else {
        o.kind = (int)below(c, NUMBERS);
        do
            o.what = (int)below(c, PREDEFINED);
        while (!(numbers[o.kind].may & 1 << o.what));
        o.op = ops[o.what];
    }
    o.layout = &layout_of[o.kind];
    return o;
}

/* Complex factors are such that no product has a part that is 0, whose sign would depend on order.
 */
static void number(const struct operation *o, char family, uint64_t random, char *packed)
{
    bool factor = o->what == PROD, complex = family == 'c' || family == 'z';
    double sign = random & 1 ? 1 : -1, real = factor && complex ? sign : small(o->what, random);
    double d[2] = {real, factor ? 2 * sign : (double)(random >> 8 & 7)};
    float f[2] = {(float)d[0], (float)d[1]};
    char truth = random % 3 != 0;

    switch (family) {
    case 'f':
    case 'c':
        memcpy(packed, f, complex ? 8 : 4);
        return;
    case 'd':
    case 'z':
        memcpy(packed, d, complex ? 16 : 8);
        return;
    case 'b':
        memcpy(packed, &truth, 1);
        return;
    default:
        random = o->what >= LAND && random % 3 == 0 ? 0 : random;
        memcpy(packed, &random, sizeof random);
    }
}

void operation_value(const struct operation *o, uint64_t random, char *packed)
{
    int value = (int)(random % 5), index = (int)(random >> 16 & 255);

    if (o->kind == USER) {
        memcpy(packed, &random, 8);
        return;
    }
    if (o->kind < PAIR) {
        number(o, numbers[o->kind].family, random, packed);
        return;
    }
    const struct pair *p = &pairs[o->kind - PAIR];
    if (p->type == MPI_2INT)
        memcpy(packed, &value, sizeof value);
    else if (p->type == MPI_FLOAT_INT)
        memcpy(packed, &(float){(float)value}, sizeof(float));
    else if (p->type == MPI_DOUBLE_INT)
        memcpy(packed, &(double){value}, sizeof(double));
    else
        memcpy(packed, &(short){(short)value}, sizeof(short));
    memcpy(packed + p->width, &index, sizeof index);
}

static double pair_value(const struct pair *p, const char *packed)
{
    int i;
    float f;
    double d;
    short s;

    if (p->type == MPI_2INT)
        return memcpy(&i, packed, sizeof i), i;
    if (p->type == MPI_FLOAT_INT)
        return memcpy(&f, packed, sizeof f), f;
    if (p->type == MPI_DOUBLE_INT)
        return memcpy(&d, packed, sizeof d), d;
    return memcpy(&s, packed, sizeof s), s;
}

static void fold_pair(const struct operation *o, const char *in, char *inout)
{
    const struct pair *p = &pairs[o->kind - PAIR];
    double a = pair_value(p, in), b = pair_value(p, inout);
    int i, j;

    memcpy(&i, in + p->width, sizeof i);
    memcpy(&j, inout + p->width, sizeof j);
    if ((o->what == LOC ? a < b : a > b) || (a == b && i < j))
        memcpy(inout, in, (size_t)p->width + 4);
}

void operation_fold(const struct operation *o, const char *in, char *inout)
{
    unsigned a[2], b[2];

    if (o->kind < PAIR) {
        numbers[o->kind].fold(o->what, in, inout);
    } else if (o->kind < USER) {
        fold_pair(o, in, inout);
    } else {
        memcpy(a, in, sizeof a);
        memcpy(b, inout, sizeof b);
        (o->commutative ? mix_one : compose_one)(a, b);
        memcpy(inout, b, sizeof b);
    }
}
