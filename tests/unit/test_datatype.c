/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datatypes against the plain type maps of typemap.c: random nests of all constructors, then the
 * cases that a random nest does not hit. ORIEL_TEST_SEED and ORIEL_TEST_ROUNDS change the first.
 */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/api.h"
#include "core/object/datatype_contents.h"
#include "core/object/datatype_external.h"
#include "core/object/datatype_flat.h"
#include "core/object/status.h"
#include "tests/unit/typemap.h"

static void setup(void)
{
    datatype_open();
    api_phase = API_RUNNING; /* as far as the calls tested here can tell */
}

TestSuite(datatype, .init = setup, .fini = datatype_close);

/* ---- Random numbers: xorshift64*, the same on every machine ---- */

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1dULL;
}

static int between(int low, int high)
{
    return low + (int)(next_random() % (uint64_t)(high - low + 1));
}

/* ---- A pool of types, each beside its type map ---- */

struct both {
    struct datatype *type;
    struct typemap map;
};

enum { POOL = 24, MOST_ENTRIES = 1500, MOST_BYTES = 1 << 18, MOST_DIMS = 3 };

static struct both pool[POOL];
static int pool_count;

static void pool_add_basic(struct datatype *t)
{
    struct both *p = &pool[pool_count++];

    p->type = t;
    typemap_init(&p->map);
    typemap_add(&p->map, 0, (int)t->size, (int)t->align, t->external);
}

static void pool_add_pair(struct datatype *t, int value, int at, int external)
{
    struct both *p = &pool[pool_count++];

    p->type = t;
    typemap_init(&p->map);
    typemap_add(&p->map, 0, value, (int)t->align, external);
    typemap_add(&p->map, at, 4, 4, 4);
}

static void pool_fill(void)
{
    pool_count = 0;
    pool_add_basic(&datatype_char);
    pool_add_basic(&datatype_short);
    pool_add_basic(&datatype_int);
    pool_add_basic(&datatype_double);
    pool_add_basic(&datatype_long_double);
    pool_add_basic(&datatype_c_float_complex);
    pool_add_pair(&datatype_short_int, 2, 4, 2);
    pool_add_pair(&datatype_double_int, 8, 8, 8);
}

enum { BASICS_IN_POOL = 8 };

static void pool_drop(void)
{
    for (int i = 0; i < pool_count; i++) {
        typemap_free(&pool[i].map);
        if (i >= BASICS_IN_POOL) {
            object_retire(&pool[i].type->object);
            object_drop(&pool[i].type->object);
        }
    }
    pool_count = 0;
}

/* ---- One random constructor ---- */

static struct vec random_vec(long *values, int n, int low, int high)
{
    for (int i = 0; i < n; i++)
        values[i] = between(low, high);
    return (struct vec){values, 8};
}

static int build_vector(const struct both *old, struct both *new)
{
    long count = between(0, 4), length = between(0, 3), stride = between(-5, 5);
    bool bytes = between(0, 1);
    struct typemap_bounds b;

    if (bytes)
        stride *= between(1, 9);
    typemap_bounds(&old->map, &b);
    for (long i = 0; i < count; i++)
        typemap_put_block(&new->map, &old->map, length, i * stride * (bytes ? 1 : b.extent));
    return datatype_hvector(count, length, stride, bytes, old->type, &new->type);
}

static int build_contiguous(const struct both *old, struct both *new)
{
    long count = between(0, 4);

    typemap_put_block(&new->map, &old->map, count, 0);
    return datatype_contiguous(count, old->type, &new->type);
}

static int build_indexed(const struct both *old, struct both *new)
{
    long lengths[6], displs[6];
    int count = between(0, 6);
    bool bytes = between(0, 1), same = between(0, 1);
    struct vec l = random_vec(lengths, 6, 0, 3), d = random_vec(displs, 6, -20, 60);
    struct typemap_bounds b;

    if (between(0, 1))
        for (int i = 0; i < count; i++) /* regular, or nearly */
            displs[i] = i * (bytes ? 16 : 2) + (between(0, 5) ? 0 : 1);
    typemap_bounds(&old->map, &b);
    for (int i = 0; i < count; i++)
        typemap_put_block(&new->map, &old->map, lengths[same ? 0 : i],
                          displs[i] * (bytes ? 1 : b.extent));
    if (same)
        return datatype_indexed_block(count, lengths[0], d, bytes, old->type, &new->type);
    return datatype_indexed(count, l, d, bytes, old->type, &new->type);
}

static int build_struct(const struct both *old, struct both *new)
{
    long lengths[4], displs[4], at = between(-8, 8);
    MPI_Datatype types[4];
    int count = between(0, 4);
    struct vec l = random_vec(lengths, 4, 0, 3);

    for (int i = 0; i < count; i++) {
        const struct both *p = i ? &pool[between(0, pool_count - 1)] : old;
        struct typemap_bounds b;
        typemap_bounds(&p->map, &b);
        types[i] = (MPI_Datatype)p->type->object.handle;
        displs[i] = at;
        typemap_put_block(&new->map, &p->map, lengths[i], at);
        at += between(0, 1) ? lengths[i] * b.extent : between(-30, 90);
    }
    return datatype_struct(count, l, (struct vec){displs, 8}, types, &new->type);
}

static int build_resized(const struct both *old, struct both *new)
{
    long lb = between(-20, 20), extent = between(-60, 100);

    typemap_put(&new->map, &old->map, 0);
    typemap_mark(&new->map, lb, extent);
    return datatype_resized(old->type, lb, extent, &new->type);
}

static int build_dup(const struct both *old, struct both *new)
{
    typemap_put(&new->map, &old->map, 0);
    return datatype_dup(old->type, &new->type);
}

struct sub {
    int sizes[MOST_DIMS], subsizes[MOST_DIMS], starts[MOST_DIMS];
};

static bool in_subarray(const void *context, int d, int index)
{
    const struct sub *s = context;

    return index >= s->starts[d] && index < s->starts[d] + s->subsizes[d];
}

static int build_subarray(const struct both *old, struct both *new)
{
    int ndims = between(1, MOST_DIMS), order = between(0, 1) ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
    struct sub s;

    for (int d = 0; d < ndims; d++) {
        s.sizes[d] = between(1, 4);
        s.subsizes[d] = between(1, s.sizes[d]);
        s.starts[d] = between(0, s.sizes[d] - s.subsizes[d]);
    }
    typemap_array(&new->map, &old->map, ndims, s.sizes, order, in_subarray, &s);
    return datatype_subarray(ndims, VEC(s.sizes), VEC(s.subsizes), VEC(s.starts), order, old->type,
                             &new->type);
}

struct part {
    int sizes[MOST_DIMS], distribs[MOST_DIMS], dargs[MOST_DIMS], psizes[MOST_DIMS];
    int blocks[MOST_DIMS], coordinates[MOST_DIMS];
};

static bool in_darray(const void *context, int d, int index)
{
    const struct part *p = context;

    return index / p->blocks[d] % p->psizes[d] == p->coordinates[d];
}

static void random_part(struct part *p, int d)
{
    p->sizes[d] = between(1, 7);
    p->psizes[d] = between(1, 3);
    p->dargs[d] = MPI_DISTRIBUTE_DFLT_DARG;
    switch (between(0, 2)) {
    case 0:
        p->distribs[d] = MPI_DISTRIBUTE_NONE;
        p->psizes[d] = 1;
        p->blocks[d] = p->sizes[d];
        break;
    case 1:
        p->distribs[d] = MPI_DISTRIBUTE_BLOCK;
        p->blocks[d] = (p->sizes[d] + p->psizes[d] - 1) / p->psizes[d];
        if (between(0, 1))
            p->dargs[d] = p->blocks[d] += between(0, 2);
        break;
    default:
        p->distribs[d] = MPI_DISTRIBUTE_CYCLIC;
        p->blocks[d] = 1;
        if (between(0, 1))
            p->dargs[d] = p->blocks[d] = between(1, 3);
    }
}

static int build_darray(const struct both *old, struct both *new)
{
    int ndims = between(1, MOST_DIMS), order = between(0, 1) ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
    int size = 1, rank = 0;
    struct part p;

    for (int d = 0; d < ndims; d++) {
        random_part(&p, d);
        p.coordinates[d] = between(0, p.psizes[d] - 1);
        size *= p.psizes[d];
        rank = rank * p.psizes[d] + p.coordinates[d];
    }
    typemap_array(&new->map, &old->map, ndims, p.sizes, order, in_darray, &p);
    struct type_grid g = {size, rank, ndims, VEC(p.sizes), p.distribs, p.dargs, p.psizes, order};
    return datatype_darray(&g, old->type, &new->type);
}

typedef int builder(const struct both *old, struct both *new);
static builder *const builders[] = {
    build_contiguous, build_vector, build_indexed,  build_struct,
    build_resized,    build_dup,    build_subarray, build_darray,
};

/* ---- Comparisons ---- */

static void check_bounds(const struct both *p)
{
    struct typemap_bounds b;
    const struct datatype *t = p->type;
    MPI_Count external = 0;

    typemap_bounds(&p->map, &b);
    cr_assert_eq(t->size, b.size, "size %lld, not %ld", (long long)t->size, b.size);
    cr_assert_eq(t->lb, b.lb, "lb %ld, not %ld", t->lb, b.lb);
    cr_assert_eq(t->extent, b.extent, "extent %ld, not %ld", t->extent, b.extent);
    cr_assert_eq(t->true_lb, b.true_lb, "true lb %ld, not %ld", t->true_lb, b.true_lb);
    cr_assert_eq(t->true_extent, b.true_extent, "true extent %ld, not %ld", t->true_extent,
                 b.true_extent);
    cr_assert_eq(t->leaves, p->map.count);
    for (int i = 0; i < p->map.count; i++)
        external += p->map.entry[i].external;
    cr_assert_eq(datatype_external_size(t), external);
    if (t->contiguous && t->size)
        cr_assert_eq(t->size, t->extent);
}

static void check_elements(const struct both *p)
{
    const struct typemap *m = &p->map;
    MPI_Count bytes = 0;

    for (int i = 0; i < 2 * m->count; i++) {
        cr_assert_eq(type_elements(p->type, bytes), i);
        cr_assert_eq(type_element_bytes(p->type, i), bytes);
        if (m->entry[i % m->count].size > 1)
            cr_assert_eq(type_elements(p->type, bytes + 1), MPI_UNDEFINED);
        bytes += m->entry[i % m->count].size;
    }
}

/* Memory for `count` items, no byte more, so that a sanitizer sees one step beside it. */
struct memory {
    char *at, *base;
    size_t bytes;
};

static void memory_get(struct memory *mem, const struct both *p, int count)
{
    struct typemap_bounds b;
    long low, high, last;

    typemap_bounds(&p->map, &b);
    last = (count - 1) * b.extent;
    low = b.true_lb + (last < 0 ? last : 0);
    high = b.true_lb + b.true_extent + (last > 0 ? last : 0);
    mem->bytes = (size_t)(high - low);
    mem->at = malloc(mem->bytes + 1);
    mem->base = type_at(mem->at, -low);
    for (size_t i = 0; i < mem->bytes; i++)
        mem->at[i] = (char)next_random();
}

static void check_pack(const struct both *p, const struct memory *mem, int count, const char *want,
                       size_t total)
{
    char *got = malloc(total + 1);
    size_t at = 0;

    while (at < total) {
        size_t len = (size_t)between(1, between(0, 1) ? 9 : (int)total);
        size_t n = datatype_pack(mem->base, count, p->type, at, got + at, len);
        cr_assert_eq(n, len < total - at ? len : total - at);
        at += n;
    }
    cr_assert_eq(datatype_pack(mem->base, count, p->type, total, got, 5), 0);
    cr_assert_eq(datatype_pack(mem->base, count, p->type, 0, got + total, 0), 0);
    cr_assert_arr_eq(got, want, total, "packed bytes differ");
    free(got);
}

static void check_unpack(const struct both *p, const struct memory *mem, int count,
                         const char *packed, size_t total)
{
    struct memory naive = *mem, fast = *mem;
    size_t at = 0;

    naive.at = calloc(1, mem->bytes + 1);
    fast.at = calloc(1, mem->bytes + 1);
    naive.base = type_at(naive.at, mem->base - mem->at);
    fast.base = type_at(fast.at, mem->base - mem->at);
    typemap_unpack(&p->map, naive.base, count, packed);
    while (at < total)
        at += datatype_unpack(fast.base, count, p->type, at, packed + at,
                              (size_t)between(1, between(0, 1) ? 9 : (int)total));
    cr_assert_arr_eq(fast.at, naive.at, mem->bytes, "unpacked memory differs");
    free(naive.at);
    free(fast.at);
}

static void check_iterator(const struct both *p, const struct memory *mem, int count,
                           const char *packed, size_t total)
{
    struct type_iter i;
    struct iovec piece;
    size_t at = total ? (size_t)between(0, (int)total) : 0;

    type_iter_begin(&i, mem->base, count, p->type, at);
    while (type_iter_next(&i, (size_t)between(1, 40), &piece)) {
        cr_assert(piece.iov_len > 0 && piece.iov_len <= total - at);
        cr_assert_arr_eq(piece.iov_base, packed + at, piece.iov_len, "a piece differs");
        at += piece.iov_len;
    }
    cr_assert_eq(at, total);
}

static void check_external(const struct both *p, const struct memory *mem, int count)
{
    size_t total = (size_t)(count * p->type->size);
    char *big = malloc((size_t)(count * datatype_external_size(p->type)) + 1);
    char *before = malloc(total + 1), *after = malloc(total + 1);

    /* Zeros: any of the random values might not fit, or be no number. */
    for (size_t i = 0; i < mem->bytes; i++)
        mem->at[i] = 0;
    typemap_pack(&p->map, mem->base, count, before);
    datatype_external_pack(mem->base, count, p->type, big);
    memset(mem->at, 0x55, mem->bytes);
    datatype_external_unpack(mem->base, count, p->type, big);
    typemap_pack(&p->map, mem->base, count, after);
    cr_assert_arr_eq(before, after, total);
    free(big);
    free(before);
    free(after);
}

static void check_moves(const struct both *p)
{
    int count = between(1, 3);
    size_t total = (size_t)(count * p->type->size);
    char *packed = malloc(total + 1);
    struct memory mem;

    memory_get(&mem, p, count);
    typemap_pack(&p->map, mem.base, count, packed);
    check_pack(p, &mem, count, packed, total);
    check_unpack(p, &mem, count, packed, total);
    check_iterator(p, &mem, count, packed, total);
    check_external(p, &mem, count);
    free(mem.at);
    free(packed);
}

static bool too_large(const struct typemap *m)
{
    struct typemap_bounds b;

    typemap_bounds(m, &b);
    return m->count > MOST_ENTRIES || labs(b.extent) > MOST_BYTES || b.true_extent > MOST_BYTES ||
           labs(b.lb) > MOST_BYTES || labs(b.true_lb) > MOST_BYTES;
}

/* Grows a pool, each type made of earlier ones: nests as deep as the pool is long. */
static void grow(void)
{
    while (pool_count < POOL) {
        /* The latest half of the time, lest all nests be shallow. */
        const struct both *old = &pool[between(0, 1) ? pool_count - 1 : between(0, pool_count - 1)];
        if (too_large(&old->map))
            return;
        struct both *new = &pool[pool_count];
        typemap_init(&new->map);
        int rc = builders[between(0, sizeof builders / sizeof builders[0] - 1)](old, new);
        cr_assert_eq(rc, MPI_SUCCESS);
        cr_assert_eq(object_publish(&new->type->object), MPI_SUCCESS);
        pool_count++;
        check_bounds(new);
        if (too_large(&new->map))
            continue;
        check_elements(new);
        check_moves(new);
    }
}

Test(datatype, random_nests_equal_their_type_maps, .timeout = 300)
{
    const char *s = getenv("ORIEL_TEST_SEED"), *r = getenv("ORIEL_TEST_ROUNDS");
    int rounds = r ? atoi(r) : 400;
    uint64_t first = s ? strtoull(s, NULL, 0) : 1;

    for (int i = 0; i < rounds; i++) {
        seed = (first + (uint64_t)i) * 0x9e3779b97f4a7c15ULL | 1;
        if (getenv("ORIEL_TEST_VERBOSE"))
            cr_log_info("ORIEL_TEST_SEED=%llu", (unsigned long long)(first + (uint64_t)i));
        pool_fill();
        grow();
        pool_drop();
    }
    cr_assert_eq(object_count(OBJECT_DATATYPE), 0);
}

/* ---- The canonical form ---- */

Test(datatype, what_lies_together_is_one_block)
{
    struct datatype *a, *b, *c;
    int displs[] = {0, 3, 6}, lengths[] = {3, 3, 2};

    cr_assert_eq(datatype_hvector(8, 3, 3, false, &datatype_double, &a), MPI_SUCCESS);
    cr_assert(a->contiguous && !a->shape.loop && a->size == 192);
    cr_assert_eq(datatype_indexed(3, VEC(lengths), VEC(displs), false, &datatype_int, &b), 0);
    cr_assert(b->contiguous && !b->shape.loop && b->size == 32);
    cr_assert_eq(datatype_contiguous(10, b, &c), MPI_SUCCESS);
    cr_assert(c->contiguous && !c->shape.loop && c->size == 320);
    object_drop(&a->object);
    object_drop(&b->object);
    object_drop(&c->object);
}

Test(datatype, a_nest_of_vectors_is_one_loop_and_of_any_length)
{
    const MPI_Count million = 1000000;
    struct datatype *column, *resized, *many;

    cr_assert_eq(datatype_hvector(million, 1, 7, false, &datatype_double, &column), MPI_SUCCESS);
    cr_assert_eq(column->shape.loop->count, million);
    cr_assert_null(column->shape.loop->child);
    cr_assert_eq(datatype_resized(column, 0, 7 * 8 * million, &resized), MPI_SUCCESS);
    cr_assert_eq(datatype_contiguous(5, resized, &many), MPI_SUCCESS);
    cr_assert_eq(many->shape.loop->count, 5 * million);
    cr_assert_null(many->shape.loop->child);
    object_drop(&column->object);
    object_drop(&resized->object);
    object_drop(&many->object);
}

Test(datatype, regular_indices_are_a_vector)
{
    struct datatype *a, *b;
    int displs[] = {4, 7, 10, 13};

    cr_assert_eq(datatype_indexed_block(4, 2, VEC(displs), false, &datatype_int, &a), MPI_SUCCESS);
    cr_assert(!a->shape.loop->disp && a->shape.loop->stride == 12 && a->shape.first == 16);
    displs[3] = 14;
    cr_assert_eq(datatype_indexed_block(4, 2, VEC(displs), false, &datatype_int, &b), MPI_SUCCESS);
    cr_assert(b->shape.loop->disp && b->shape.loop->block == 8 && !b->shape.loop->start);
    object_drop(&a->object);
    object_drop(&b->object);
}

/* ---- Predefined types ---- */

Test(datatype, predefined_types_are_as_the_abi_says)
{
    static const struct {
        MPI_Datatype handle;
        int size, extent;
        const char *name;
    } row[] = {
        {MPI_INT, 4, 4, "MPI_INT"},
        {MPI_DOUBLE_INT, 12, 16, "MPI_DOUBLE_INT"},
        {MPI_SHORT_INT, 6, 8, "MPI_SHORT_INT"},
        {MPI_LONG_DOUBLE_INT, 20, 32, "MPI_LONG_DOUBLE_INT"},
        {MPI_2DOUBLE_PRECISION, 16, 16, "MPI_2DOUBLE_PRECISION"},
        {MPI_LOGICAL, 4, 4, "MPI_LOGICAL"},
        {MPI_COMPLEX32, 32, 32, "MPI_COMPLEX32"},
        {MPI_LONG_LONG_INT, 8, 8, "MPI_LONG_LONG"},
        {MPI_WCHAR, 4, 4, "MPI_WCHAR"},
    };
    int found = 0;

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        const struct datatype *t = datatype_find(row[i].handle);
        cr_assert_not_null(t);
        cr_assert_eq(t->size, row[i].size, "%s", row[i].name);
        cr_assert_eq(t->extent, row[i].extent, "%s", row[i].name);
        cr_assert_str_eq(t->name, row[i].name);
    }
    /* Fixed-size handles carry their size in bits 3 to 5 (20.3.3). */
    for (uintptr_t h = 0x200; h < 0x300; h++) {
        const struct datatype *t = datatype_find((MPI_Datatype)h);
        found += t != NULL;
        if (t && h & 0x40 && t->size > 0)
            cr_assert_eq(t->size, 1 << (h >> 3 & 7), "%s", t->name);
    }
    cr_assert_eq(found, 70);
    cr_assert_null(datatype_find(MPI_DATATYPE_NULL));
}

Test(datatype, fortran_kinds_are_found_by_precision_and_range)
{
    struct datatype *a = NULL, *b = NULL;
    struct type_envelope e;
    int integers[2];

    cr_assert_eq(datatype_f90(MPI_COMBINER_F90_REAL, 15, 307, &a), MPI_SUCCESS);
    cr_assert_eq(datatype_f90(MPI_COMBINER_F90_REAL, 15, 307, &b), MPI_SUCCESS);
    cr_assert(a == b && a->size == 8 && a->committed && a->predefined);
    type_envelope(a, &e);
    cr_assert(e.combiner == MPI_COMBINER_F90_REAL && e.integers == 2 && !e.types);
    type_contents_integers(a->contents, 2, integers);
    cr_assert(integers[0] == 15 && integers[1] == 307);
    cr_assert_eq(datatype_f90(MPI_COMBINER_F90_INTEGER, 0, 10, &b), MPI_SUCCESS);
    cr_assert_eq(b->size, 8);
    cr_assert_eq(datatype_f90(MPI_COMBINER_F90_COMPLEX, 6, MPI_UNDEFINED, &b), MPI_SUCCESS);
    cr_assert_eq(b->size, 8);
    cr_assert_eq(datatype_f90(MPI_COMBINER_F90_REAL, 99, 0, &b), MPI_ERR_ARG);
}

/* ---- external32 ---- */

#define EXTERNAL(type, c, value_, ...)                                                             \
    do {                                                                                           \
        const unsigned char want[] = {__VA_ARGS__};                                                \
        unsigned char got[32];                                                                     \
        c in = (value_), out = 0;                                                                  \
        cr_assert_eq(datatype_external_size(&type), (MPI_Count)sizeof want);                       \
        cr_assert_eq(datatype_external_pack(&in, 1, &type, got), MPI_SUCCESS);                     \
        cr_assert_arr_eq(got, want, sizeof want, #type);                                           \
        cr_assert_eq(datatype_external_unpack(&out, 1, &type, got), MPI_SUCCESS);                  \
        cr_assert(in == out, #type);                                                               \
    } while (0)

Test(datatype, external32_is_big_endian_and_of_fixed_size)
{
    EXTERNAL(datatype_int, int, 0x01020304, 1, 2, 3, 4);
    EXTERNAL(datatype_long, long, -2, 0xff, 0xff, 0xff, 0xfe);
    EXTERNAL(datatype_unsigned_long, unsigned long, 0xfffffffe, 0xff, 0xff, 0xff, 0xfe);
    EXTERNAL(datatype_long_long, long long, -2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe);
    EXTERNAL(datatype_wchar, wchar_t, 0x20ac, 0x20, 0xac);
    EXTERNAL(datatype_double, double, 1.0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0);
    EXTERNAL(datatype_c_float_complex, float _Complex, 1.0f + 2.0fi, 0x3f, 0x80, 0, 0, 0x40, 0, 0,
             0);
    EXTERNAL(datatype_long_double, long double, -1.5L, 0xbf, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0,
             0, 0, 0, 0);
}

Test(datatype, external32_says_what_does_not_fit)
{
    unsigned char out[8];
    long large = 1L << 40;

    cr_assert_eq(datatype_external_pack(&large, 1, &datatype_long, out), MPI_ERR_CONVERSION);
}

Test(datatype, external32_of_a_pair_has_no_padding)
{
    const unsigned char want[] = {0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    unsigned char out[12];
    struct {
        double value;
        int index;
    } pair = {2.0, 7};

    cr_assert_eq(datatype_external_pack(&pair, 1, &datatype_double_int, out), MPI_SUCCESS);
    cr_assert_arr_eq(out, want, sizeof want);
}

/* ---- The entry points: contents, counts, lifetime ---- */

Test(datatype, contents_are_the_arguments_of_the_call)
{
    int lengths[] = {1, 2}, integers[5], ni, na, nt, combiner;
    MPI_Aint displs[] = {0, 16}, addresses[2];
    MPI_Datatype types[] = {MPI_INT, MPI_DOUBLE}, vector, t, got[2];

    cr_assert_eq(MPI_Type_vector(3, 1, 2, MPI_INT, &vector), MPI_SUCCESS);
    types[1] = vector;
    cr_assert_eq(MPI_Type_create_struct(2, lengths, displs, types, &t), MPI_SUCCESS);
    cr_assert_eq(MPI_Type_free(&vector), MPI_SUCCESS);
    cr_assert_eq(vector, MPI_DATATYPE_NULL);
    cr_assert_eq(MPI_Type_get_envelope(t, &ni, &na, &nt, &combiner), MPI_SUCCESS);
    cr_assert(ni == 3 && na == 2 && nt == 2 && combiner == MPI_COMBINER_STRUCT);
    cr_assert_eq(MPI_Type_get_contents(t, 3, 2, 2, integers, addresses, got), MPI_SUCCESS);
    cr_assert(integers[0] == 2 && integers[1] == 1 && integers[2] == 2 && addresses[1] == 16);
    cr_assert_eq(got[0], MPI_INT);
    cr_assert_eq(MPI_Type_get_envelope(got[1], &ni, &na, &nt, &combiner), MPI_SUCCESS);
    cr_assert(ni == 3 && !na && nt == 1 && combiner == MPI_COMBINER_VECTOR);
    cr_assert_eq(MPI_Type_free(&got[1]), MPI_SUCCESS);
    cr_assert_eq(MPI_Type_free(&t), MPI_SUCCESS);
    cr_assert_eq(object_count(OBJECT_DATATYPE), 0);
}

Test(datatype, contents_of_the_large_form_are_large_counts)
{
    const int sizes[] = {4, 5}, ones[] = {1, 1}, zeros[] = {0, 0};
    const MPI_Count large[] = {4, 5}, one[] = {1, 1}, zero[] = {0, 0};
    MPI_Count ni, na, nc, nt, counts[6];
    int integers[8], combiner;
    MPI_Datatype t, got[1];

    cr_assert_eq(MPI_Type_create_subarray_c(2, large, one, zero, MPI_ORDER_C, MPI_INT, &t), 0);
    cr_assert_eq(MPI_Type_get_envelope_c(t, &ni, &na, &nc, &nt, &combiner), MPI_SUCCESS);
    cr_assert(ni == 2 && !na && nc == 6 && nt == 1 && combiner == MPI_COMBINER_SUBARRAY);
    cr_assert_eq(MPI_Type_get_contents_c(t, 2, 0, 6, 1, integers, NULL, counts, got), 0);
    cr_assert(integers[0] == 2 && integers[1] == MPI_ORDER_C && counts[1] == 5 && counts[2] == 1);
    MPI_Type_free(&t);
    cr_assert_eq(MPI_Type_create_subarray(2, sizes, ones, zeros, MPI_ORDER_FORTRAN, MPI_INT, &t),
                 0);
    cr_assert_eq(MPI_Type_get_envelope_c(t, &ni, &na, &nc, &nt, &combiner), MPI_SUCCESS);
    cr_assert(ni == 8 && !na && !nc && nt == 1);
    cr_assert_eq(MPI_Type_get_contents_c(t, 8, 0, 0, 1, integers, NULL, NULL, got), 0);
    cr_assert(integers[0] == 2 && integers[2] == 5 && integers[7] == MPI_ORDER_FORTRAN);
    MPI_Type_free(&t);
}

Test(datatype, counts_of_a_status_are_in_the_type_asked_for)
{
    MPI_Status s = {0};
    MPI_Datatype t;
    MPI_Count large;
    int n;

    cr_assert_eq(MPI_Type_contiguous(3, MPI_INT, &t), MPI_SUCCESS);
    status_set_bytes(&s, 20);
    MPI_Get_count(&s, t, &n);
    cr_assert_eq(n, MPI_UNDEFINED);
    MPI_Get_elements(&s, t, &n);
    cr_assert_eq(n, 5);
    MPI_Get_count(&s, MPI_INT, &n);
    cr_assert_eq(n, 5);
    status_set_bytes(&s, 5ULL << 32);
    MPI_Get_count(&s, MPI_BYTE, &n);
    cr_assert_eq(n, MPI_UNDEFINED);
    MPI_Get_count_c(&s, MPI_BYTE, &large);
    cr_assert_eq(large, 5LL << 32);
    MPI_Type_free(&t);
}

Test(datatype, absolute_addresses_from_bottom)
{
    int a[3] = {1, 2, 3}, b = 4, lengths[] = {2, 1}, got[3];
    MPI_Aint displs[] = {(MPI_Aint)&a[1], (MPI_Aint)&b};
    struct datatype *t;

    cr_assert_eq(datatype_indexed(2, VEC(lengths), VEC(displs), true, &datatype_int, &t), 0);
    cr_assert_eq(datatype_pack(MPI_BOTTOM, 1, t, 0, got, sizeof got), sizeof got);
    cr_assert(got[0] == 2 && got[1] == 3 && got[2] == 4);
    object_drop(&t->object);
}
