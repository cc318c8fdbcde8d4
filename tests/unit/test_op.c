/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every operator on every kind of element that it is defined on, at lengths that leave a remainder
 * of any vector width and at addresses that fit none, against one element at a time.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/datatype_build.h"
#include "core/object/op.h"

static void setup(void)
{
    datatype_open();
    op_open();
}

TestSuite(op, .init = setup);

static uint64_t seed = 88172645463325252ULL;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

enum { MOST = 67 };

#define FOR_EACH_LENGTH(n) for (int n = 0; n <= MOST; n += n < 20 ? 1 : 9)

/*
 * in and inout of `n` elements, one byte beside the alignment of any; `expression` of a and b.
 * Comparing bytes: -0.0 and NaN are none of what fill makes.
 */
#define CHECK(op_, type_, c, fill, expression)                                                     \
    FOR_EACH_LENGTH(n)                                                                             \
    for (int shift = 0; shift < 2; shift++) {                                                      \
        char *x = malloc((size_t)n * sizeof(c) + 1), *y = malloc((size_t)n * sizeof(c) + 1);       \
        c *want = calloc((size_t)n + 1, sizeof(c));                                                \
        for (int i = 0; i < n; i++) {                                                              \
            c a, b, r;                                                                             \
            memset(&a, 0, sizeof a);                                                               \
            memset(&b, 0, sizeof b);                                                               \
            memset(&r, 0, sizeof r);                                                               \
            a = (c)(fill);                                                                         \
            b = (c)(fill);                                                                         \
            r = (c)(expression);                                                                   \
            memcpy(x + shift + (size_t)i * sizeof(c), &a, sizeof a);                               \
            memcpy(y + shift + (size_t)i * sizeof(c), &b, sizeof b);                               \
            want[i] = r;                                                                           \
        }                                                                                          \
        cr_assert_eq(op_check(op_find(op_), &type_), MPI_SUCCESS);                                 \
        op_apply(op_find(op_), x + shift, y + shift, n, &type_);                                   \
        for (int i = 0; i < n; i++) {                                                              \
            c got;                                                                                 \
            memcpy(&got, y + shift + (size_t)i * sizeof(c), sizeof got);                           \
            cr_assert(got == want[i], "%s on %s: element %d of %d", #op_, type_.name, i, n);       \
        }                                                                                          \
        free(x);                                                                                   \
        free(y);                                                                                   \
        free(want);                                                                                \
    }

/* Wrapping arithmetic in the widest unsigned type, then cut. */
__extension__ typedef unsigned __int128 wide;

static wide wide_random(void)
{
    wide v = (wide)next_random() << 64 | next_random();

    return next_random() % 4 ? v : v % 3; /* zeros and equals, too */
}

#define ORDER(type, c)                                                                             \
    CHECK(MPI_MIN, type, c, wide_random(), a < b ? a : b)                                          \
    CHECK(MPI_MAX, type, c, wide_random(), a > b ? a : b)
#define ARITHMETIC(type, c)                                                                        \
    CHECK(MPI_SUM, type, c, wide_random(), (wide)a + (wide)b)                                      \
    CHECK(MPI_PROD, type, c, wide_random(), (wide)a *(wide)b)
#define BITS(type, c)                                                                              \
    CHECK(MPI_BAND, type, c, wide_random(), a &b)                                                  \
    CHECK(MPI_BOR, type, c, wide_random(), a | b)                                                  \
    CHECK(MPI_BXOR, type, c, wide_random(), a ^ b)
#define LOGICAL(type, c)                                                                           \
    CHECK(MPI_LAND, type, c, wide_random(), a &&b)                                                 \
    CHECK(MPI_LOR, type, c, wide_random(), a || b)                                                 \
    CHECK(MPI_LXOR, type, c, wide_random(), !a != !b)
#define INTEGER(type, c)                                                                           \
    ORDER(type, c)                                                                                 \
    ARITHMETIC(type, c)                                                                            \
    BITS(type, c)                                                                                  \
    LOGICAL(type, c)

Test(op, integers_of_c){
    INTEGER(datatype_signed_char, signed char) INTEGER(datatype_unsigned_char, unsigned char)
        INTEGER(datatype_short, short) INTEGER(datatype_unsigned_short, unsigned short)
            INTEGER(datatype_int, int) INTEGER(datatype_unsigned, unsigned)
                INTEGER(datatype_long, long) INTEGER(datatype_unsigned_long, unsigned long)
                    INTEGER(datatype_long_long, long long)
                        INTEGER(datatype_unsigned_long_long, unsigned long long)}

Test(op, integers_of_fixed_size){
    INTEGER(datatype_int8, int8_t) INTEGER(datatype_uint8, uint8_t) INTEGER(datatype_int16, int16_t)
        INTEGER(datatype_uint16, uint16_t) INTEGER(datatype_int32, int32_t)
            INTEGER(datatype_uint32, uint32_t) INTEGER(datatype_int64, int64_t)
                INTEGER(datatype_uint64, uint64_t)}

Test(op, integers_of_fortran_and_of_mpi){
    INTEGER(datatype_integer, int32_t) INTEGER(datatype_integer1, int8_t)
        INTEGER(datatype_integer2, int16_t) INTEGER(datatype_integer4, int32_t)
            INTEGER(datatype_integer8, int64_t) INTEGER(datatype_integer16, __int128)
                INTEGER(datatype_aint, MPI_Aint) INTEGER(datatype_count, MPI_Count)
                    INTEGER(datatype_offset, MPI_Offset)}

Test(op, logicals){LOGICAL(datatype_logical, int32_t) LOGICAL(datatype_logical1, int8_t)
                       LOGICAL(datatype_logical2, int16_t) LOGICAL(datatype_logical4, int32_t)
                           LOGICAL(datatype_logical8, int64_t) LOGICAL(datatype_logical16, __int128)
                               LOGICAL(datatype_c_bool, _Bool) LOGICAL(datatype_cxx_bool, _Bool)}

Test(op, bytes)
{
    BITS(datatype_byte, unsigned char)
    BITS(datatype_packed, unsigned char)
}

static double real_random(void)
{
    return (double)((int64_t)next_random() >> 50) / 8;
}

#define FLOAT(type, c)                                                                             \
    CHECK(MPI_SUM, type, c, real_random(), a + b)                                                  \
    CHECK(MPI_PROD, type, c, real_random(), a *b)                                                  \
    CHECK(MPI_MIN, type, c, real_random(), a < b ? a : b)                                          \
    CHECK(MPI_MAX, type, c, real_random(), a > b ? a : b)
#define COMPLEX(type, c)                                                                           \
    CHECK(MPI_SUM, type, c, real_random() + 1.0i * real_random(), a + b)                           \
    CHECK(MPI_PROD, type, c, real_random() + 1.0i * real_random(), a * b)

Test(op, floating_point){FLOAT(datatype_float, float) FLOAT(datatype_double, double)
                             FLOAT(datatype_long_double, long double) FLOAT(datatype_real, float)
                                 FLOAT(datatype_double_precision, double)
                                     FLOAT(datatype_real4, float) FLOAT(datatype_real8, double)
#ifdef __SIZEOF_FLOAT128__
                                         FLOAT(datatype_real16, __float128)
#endif
#ifdef __FLT16_MANT_DIG__
                                             FLOAT(datatype_real2, _Float16)
#endif
}

Test(op, complex){COMPLEX(datatype_c_float_complex, float _Complex)
                      COMPLEX(datatype_c_double_complex, double _Complex)
                          COMPLEX(datatype_c_long_double_complex, long double _Complex)
                              COMPLEX(datatype_cxx_double_complex, double _Complex)
                                  COMPLEX(datatype_complex, float _Complex)
                                      COMPLEX(datatype_double_complex, double _Complex)
                                          COMPLEX(datatype_complex8, float _Complex)
                                              COMPLEX(datatype_complex16, double _Complex)}

#define PAIR(type, value_, index_)                                                                 \
    do {                                                                                           \
        struct pair {                                                                              \
            value_ value;                                                                          \
            index_ index;                                                                          \
        } a[MOST], b[MOST], least[MOST], most[MOST];                                               \
        for (int i = 0; i < MOST; i++) {                                                           \
            a[i] = (struct pair){(value_)(next_random() % 5), (index_)(next_random() % 100)};      \
            b[i] = (struct pair){(value_)(next_random() % 5), (index_)(next_random() % 100)};      \
            least[i] = most[i] = b[i];                                                             \
            if (a[i].value == b[i].value)                                                          \
                least[i].index = most[i].index =                                                   \
                    a[i].index < b[i].index ? a[i].index : b[i].index;                             \
            else                                                                                   \
                *(a[i].value < b[i].value ? &least[i] : &most[i]) = a[i];                          \
        }                                                                                          \
        struct pair c[MOST];                                                                       \
        memcpy(c, b, sizeof b);                                                                    \
        op_apply(op_find(MPI_MINLOC), a, b, MOST, &type);                                          \
        op_apply(op_find(MPI_MAXLOC), a, c, MOST, &type);                                          \
        for (int i = 0; i < MOST; i++) {                                                           \
            cr_assert(b[i].value == least[i].value && b[i].index == least[i].index, #type);        \
            cr_assert(c[i].value == most[i].value && c[i].index == most[i].index, #type);          \
        }                                                                                          \
    } while (0)

Test(op, pairs)
{
    PAIR(datatype_float_int, float, int);
    PAIR(datatype_double_int, double, int);
    PAIR(datatype_long_int, long, int);
    PAIR(datatype_short_int, short, int);
    PAIR(datatype_2int, int, int);
    PAIR(datatype_long_double_int, long double, int);
    PAIR(datatype_2real, float, float);
    PAIR(datatype_2double_precision, double, double);
    PAIR(datatype_2integer, int, int);
}

/* What 6.9.2 leaves out is an error, but for MPI_CHAR; nothing else is. */
Test(op, what_is_not_defined_is_refused)
{
    static const struct {
        MPI_Op op;
        MPI_Datatype type;
    } row[] = {
        {MPI_SUM, MPI_BYTE},      {MPI_SUM, MPI_WCHAR},      {MPI_MAX, MPI_C_DOUBLE_COMPLEX},
        {MPI_BAND, MPI_DOUBLE},   {MPI_LAND, MPI_FLOAT},     {MPI_SUM, MPI_LOGICAL},
        {MPI_MINLOC, MPI_DOUBLE}, {MPI_SUM, MPI_DOUBLE_INT}, {MPI_BOR, MPI_C_BOOL},
        {MPI_MAX, MPI_WCHAR},     {MPI_PROD, MPI_CHARACTER}, {MPI_LXOR, MPI_BYTE},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        cr_assert_eq(op_check(op_find(row[i].op), datatype_find(row[i].type)), MPI_ERR_OP, "%zu",
                     i);
    cr_assert_eq(op_check(op_find(MPI_REPLACE), &datatype_char), MPI_SUCCESS);
    cr_assert_null(op_find(MPI_OP_NULL));
}

/* MPICH and Open MPI take it for a number, and programs reduce their flags so. */
Test(op, plain_char_is_a_number)
{
    char a[3] = {3, (char)-1, 100}, b[3] = {4, 1, 7};

    cr_assert_eq(op_check(op_find(MPI_SUM), &datatype_char), MPI_SUCCESS);
    op_apply(op_find(MPI_SUM), a, b, 3, &datatype_char);
    cr_expect(b[0] == 7 && b[1] == 0 && b[2] == 107);
    op_apply(op_find(MPI_MAX), a, b, 3, &datatype_char);
    cr_expect(b[0] == 7 && b[1] == (a[1] > 0 ? a[1] : 0) && b[2] == 107);
    op_apply(op_find(MPI_LOR), a, b, 3, &datatype_char);
    cr_expect(b[0] == 1 && b[1] == 1 && b[2] == 1);
}

/* ---- Derived types, as accumulation has them ---- */

Test(op, every_other_element)
{
    double a[11], b[11];
    struct datatype *t;

    for (int i = 0; i < 11; i++) {
        a[i] = i;
        b[i] = 100;
    }
    cr_assert_eq(datatype_hvector(3, 1, 2, false, &datatype_double, &t), MPI_SUCCESS);
    op_apply(op_find(MPI_SUM), a, b, 2, t); /* items at 0 and 5 */
    for (int i = 0; i < 11; i++)
        cr_assert_eq(b[i],
                     i == 0 || i == 2 || i == 4 || i == 5 || i == 7 || i == 9 ? 100 + i : 100);
    op_apply(op_find(MPI_REPLACE), a, b, 1, t);
    cr_assert(b[0] == 0 && b[1] == 100 && b[2] == 2 && b[4] == 4 && b[5] == 105);
    op_apply(op_find(MPI_NO_OP), a, b, 2, t);
    cr_assert_eq(b[7], 107);
    object_drop(&t->object);
}

Test(op, pairs_in_a_derived_type)
{
    struct pair {
        short value;
        int index;
    } a[5] = {{5, 1}, {5, 2}, {5, 3}, {5, 4}, {5, 5}}, b[5] = {{0}};
    struct datatype *t;

    cr_assert_eq(datatype_hvector(2, 1, 3, false, &datatype_short_int, &t), MPI_SUCCESS);
    op_apply(op_find(MPI_MAXLOC), a, b, 1, t);
    cr_assert(b[0].value == 5 && b[0].index == 1 && b[3].value == 5 && b[3].index == 4);
    cr_assert(!b[1].value && !b[2].index && !b[4].value);
    object_drop(&t->object);
}

/* ---- Functions of the program ---- */

static long long seen;
static int calls;

static void subtract(void *in, void *inout, int *len, MPI_Datatype *type)
{
    cr_assert_eq(*type, MPI_INT);
    for (int i = 0; i < *len; i++)
        ((int *)inout)[i] = ((int *)in)[i] - ((int *)inout)[i];
}

/* Counts without touching the memory, of which there is none. */
static void count_items(void *in, void *inout, int *len, MPI_Datatype *type)
{
    (void)type;
    cr_assert_eq((char *)inout - (char *)in, 8);
    cr_assert(*len > 0);
    seen += *len;
    calls++;
}

static void count_large(void *in, void *inout, MPI_Count *len, MPI_Datatype *type)
{
    (void)in;
    (void)inout;
    (void)type;
    seen += *len;
    calls++;
}

Test(op, functions_of_the_program)
{
    int a[] = {5, 6}, b[] = {1, 2};
    struct op *o;

    cr_assert_eq(op_create(subtract, NULL, false, &o), MPI_SUCCESS);
    cr_assert(op_is_user(o) && !o->commutative);
    op_apply(o, a, b, 2, &datatype_int);
    cr_assert(b[0] == 4 && b[1] == 4);
    object_drop(&o->object);
}

Test(op, more_items_than_an_int_counts)
{
    const MPI_Count many = 2LL * INT_MAX + 5;
    char *nowhere = (char *)64;
    struct op *o;

    cr_assert_eq(op_create(count_items, NULL, true, &o), MPI_SUCCESS);
    op_apply(o, nowhere, nowhere + 8, many, &datatype_char);
    cr_assert(seen == many && calls == 3);
    object_drop(&o->object);
    seen = calls = 0;
    cr_assert_eq(op_create(NULL, count_large, true, &o), MPI_SUCCESS);
    op_apply(o, nowhere, nowhere, many, &datatype_char);
    cr_assert(seen == many && calls == 1);
    object_drop(&o->object);
}
