/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes at the limits: of what 64 bits can say, of the stack, of what is allowed. */
#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>

#include "core/object/datatype_build.h"
#include "core/object/datatype_external.h"
#include "core/object/err.h"

TestSuite(datatype_limits, .init = datatype_open, .fini = datatype_close);

Test(datatype_limits, what_needs_more_than_64_bits_is_refused)
{
    struct datatype *big = NULL, *t = NULL;
    MPI_Count sizes[] = {1LL << 40, 1LL << 40}, ones[] = {1, 1}, zeros[] = {0, 0};

    cr_assert_eq(datatype_contiguous(1LL << 60, &datatype_byte, &big), MPI_SUCCESS);
    cr_assert_eq(datatype_contiguous(8, big, &t), MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_hvector(1LL << 32, 1, 1LL << 32, true, &datatype_byte, &t),
                 MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_hvector(LLONG_MAX, 0, LLONG_MAX, false, &datatype_byte, &t), 0);
    cr_assert_eq(t->size, 0);
    object_drop(&t->object);
    cr_assert_eq(datatype_hvector(0, 1LL << 62, 1, false, &datatype_double, &t), 0);
    cr_assert_eq(t->size, 0);
    object_drop(&t->object);
    cr_assert_eq(datatype_resized(&datatype_byte, LLONG_MAX, 10, &t), MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(
        datatype_subarray(2, VEC(sizes), VEC(ones), VEC(zeros), MPI_ORDER_C, &datatype_byte, &t),
        MPI_ERR_VALUE_TOO_LARGE);
    object_drop(&big->object);
}

/* The sums are none too large where their parts are. */
Test(datatype_limits, steps_of_more_than_64_bits)
{
    MPI_Count far[] = {-(1LL << 62)}, back[] = {(1LL << 61) + 5};
    struct datatype *low = NULL, *t = NULL;
    struct type_iter i;
    struct iovec piece;

    cr_assert_eq(datatype_indexed_block(1, 1, VEC(far), true, &datatype_int, &low), 0);
    cr_assert_eq(datatype_indexed_block(1, 1, VEC(back), false, low, &t), MPI_ERR_VALUE_TOO_LARGE);
    object_drop(&low->object);
    /* Two blocks, and an extent of less than two strides. */
    cr_assert_eq(datatype_hvector(2, 1, (1LL << 62) + 8, true, &datatype_double, &t), 0);
    char pair[2][8] = {"forward", ""};
    cr_assert_eq(datatype_pack(pair[0], 1, t, 0, pair[1], 8), 8);
    cr_assert_str_eq(pair[1], "forward");
    type_iter_begin(&i, (void *)4096, 1, t, 8);
    cr_assert(type_iter_next(&i, SIZE_MAX, &piece));
    cr_assert_eq((uintptr_t)piece.iov_base, 4096 + (1LL << 62) + 8);
    object_drop(&t->object);
}

/* Types whose parts lie in one place can have any number of them. */
Test(datatype_limits, what_overflows_twice_is_refused)
{
    const MPI_Count most = 1LL << 62;
    struct datatype *wide = NULL, *spot = NULL, *t = NULL;
    MPI_Count all[] = {most, most, most}, ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
    int none[] = {MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_NONE, MPI_DISTRIBUTE_NONE};
    int single[] = {1, 1, 1};
    struct type_grid g = {1, 0, 3, VEC(all), none, single, single, MPI_ORDER_C};
    MPI_Count lengths[] = {LLONG_MAX, LLONG_MAX, 2}, places[] = {most, most, -most};

    cr_assert_eq(datatype_resized(&datatype_byte, 0, 16, &wide), 0);
    cr_assert_eq(datatype_resized(&datatype_c_double_complex, 0, 0, &spot), 0);
    /* A step of 2^66 bytes, 2^62 times: 2^128. */
    cr_assert_eq(datatype_hvector(most + 1, 1, most, false, wide, &t), MPI_ERR_VALUE_TOO_LARGE);
    /* 2^62 x 2^62 items of 16 bytes in one place. */
    cr_assert_eq(datatype_hvector(most, most, 0, true, spot, &t), MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_indexed(3, VEC(lengths), VEC(places), true, spot, &t),
                 MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_indexed(3, VEC(lengths), VEC(places), false, wide, &t),
                 MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_subarray(3, VEC(all), VEC(all), VEC(zeros), MPI_ORDER_C, spot, &t),
                 MPI_ERR_VALUE_TOO_LARGE);
    cr_assert_eq(datatype_subarray(3, VEC(all), VEC(ones), VEC(zeros), MPI_ORDER_C, spot, &t), 0);
    object_drop(&t->object);
    cr_assert_eq(datatype_darray(&g, spot, &t), MPI_ERR_VALUE_TOO_LARGE);
    object_drop(&wide->object);
    object_drop(&spot->object);
}

/* ---- Chains of types, each made of the one before ---- */

enum { LINKS = 20000 };

static struct datatype *dup_of(struct datatype *old, MPI_Count i)
{
    struct datatype *t = NULL;

    (void)i;
    cr_assert_eq(datatype_dup(old, &t), 0);
    return t;
}

/* The old type, and an int far behind it: a loop in a loop. */
static struct datatype *struct_of(struct datatype *old, MPI_Count i)
{
    MPI_Count ones[] = {1, 1}, places[] = {0, 16 + 8 * i};
    struct datatype *t = NULL;

    cr_assert_eq(object_publish(&old->object), 0);
    MPI_Datatype types[] = {(MPI_Datatype)old->object.handle, MPI_INT};
    cr_assert_eq(datatype_struct(2, VEC(ones), VEC(places), types, &t), 0);
    object_retire(&old->object);
    return t;
}

static struct datatype *chain(struct datatype *(*of)(struct datatype *, MPI_Count), MPI_Count links)
{
    struct datatype *t = of(&datatype_double, 0);

    for (MPI_Count i = 1; i < links; i++) {
        struct datatype *next = of(t, i);
        object_drop(&t->object);
        t = next;
    }
    return t;
}

static void *drop(void *type)
{
    object_drop(&((struct datatype *)type)->object);
    return NULL;
}

Test(datatype_limits, a_chain_is_freed_on_a_small_stack)
{
    pthread_attr_t small;
    pthread_t thread;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    cr_assert_eq(pthread_create(&thread, &small, drop, chain(dup_of, LINKS)), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(pthread_create(&thread, &small, drop, chain(struct_of, LINKS)), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
}

/* Twice the old type, once of them in a block of no items. */
static struct datatype *once_of(struct datatype *old, MPI_Count i)
{
    MPI_Count lengths[] = {1, 0}, places[] = {0, 0};
    struct datatype *t = NULL;

    (void)i;
    cr_assert_eq(object_publish(&old->object), 0);
    MPI_Datatype types[] = {(MPI_Datatype)old->object.handle, (MPI_Datatype)old->object.handle};
    cr_assert_eq(datatype_struct(2, VEC(lengths), VEC(places), types, &t), 0);
    object_retire(&old->object);
    return t;
}

Test(datatype_limits, a_chain_has_its_size_in_external32_at_once, .timeout = 20)
{
    struct datatype *t = chain(once_of, 60), *d = chain(dup_of, LINKS);

    cr_expect_eq(datatype_external_size(t), 8);
    cr_expect_eq(datatype_external_size(d), 8);
    object_drop(&t->object);
    object_drop(&d->object);
}

Test(datatype_limits, bad_arguments_are_refused)
{
    struct datatype *t = NULL;
    int minus[] = {1, -1}, zero[] = {0, 0}, two[] = {2, 2}, three[] = {3, 3};
    int block[] = {MPI_DISTRIBUTE_BLOCK}, none[] = {MPI_DISTRIBUTE_NONE}, one[] = {1};
    MPI_Datatype types[] = {MPI_INT, MPI_DATATYPE_NULL};
    MPI_Aint at[] = {0, 8};
    struct type_grid g = {2, 0, 1, VEC(three), block, one, two, MPI_ORDER_C};

    cr_assert_eq(datatype_indexed(2, VEC(minus), VEC(zero), false, &datatype_int, &t), MPI_ERR_ARG);
    cr_assert_eq(datatype_hvector(1, -1, 1, true, &datatype_int, &t), MPI_ERR_ARG);
    cr_assert_eq(datatype_struct(2, VEC(two), VEC(at), types, &t), MPI_ERR_TYPE);
    cr_assert_eq(
        datatype_subarray(2, VEC(two), VEC(three), VEC(zero), MPI_ORDER_C, &datatype_int, &t),
        MPI_ERR_ARG);
    cr_assert_eq(
        datatype_subarray(0, VEC(two), VEC(two), VEC(zero), MPI_ORDER_C, &datatype_int, &t),
        MPI_ERR_ARG);
    cr_assert_eq(datatype_darray(&g, &datatype_int, &t), MPI_ERR_ARG); /* 2 blocks of 1 for 3 */
    g.distribs = none;
    cr_assert_eq(datatype_darray(&g, &datatype_int, &t), MPI_ERR_ARG); /* none over 2 processes */
    g.rank = 2;
    cr_assert_eq(datatype_darray(&g, &datatype_int, &t), MPI_ERR_ARG);
    cr_assert_null(t);
}
