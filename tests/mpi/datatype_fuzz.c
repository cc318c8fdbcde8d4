/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random nests of all constructors, six deep, against the type maps of datatype_map.c: bounds,
 * sizes, packing, external32, what their contents make again, and messages between neighbours,
 * whole and in part. All ranks draw the same numbers, so each knows what comes. A case that fails
 * prints its number; ORIEL_TEST_SEED=NUMBER ORIEL_TEST_ROUNDS=1 repeats it alone.
 */
#include "datatype_map.h"
#include "mpitest.h"

enum {
    DEPTH = 6,
    REACH = 1 << 17, /* how far from the buffer's origin a map may go, either way */
    ITEMS = 4,
    ROUNDS = 300,
    PACKED = ITEMS * MAP_MOST * 16,
    GAP = 0x5a,
};

static char *origin_out, *origin_in, *origin_want; /* each with REACH bytes on both sides */
static char *packed, *wanted;

static unsigned long long seed, this_case;

/* ---- Random numbers: xorshift64*, the same on every machine ---- */

static unsigned long long next(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1dULL;
}

static int between(int low, int high)
{
    return low + (int)((next() >> 33) % (unsigned)(high - low + 1));
}

static bool coin(void)
{
    return between(0, 1);
}

/* Says which case it is where it is not so. */
#define HOLDS(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "case %llu: ", this_case);                                             \
            CHECK(what);                                                                           \
        }                                                                                          \
    } while (0)
#define DONE(call) HOLDS((call) == MPI_SUCCESS)

/* ---- Basic types ---- */

static const struct basic b1 = {1, 1, 1}, b2 = {2, 1, 2}, b4 = {4, 1, 4}, b8 = {8, 1, 8},
                          c4 = {4, 2, 4}, c8 = {8, 2, 8};

struct made {
    MPI_Datatype type;
    struct map map;
};

/* A pair (5.9.4) counts as two elements. */
static void make_basic(struct made *m)
{
    const struct {
        MPI_Datatype type;
        const struct basic *first, *second;
        int at;
    } all[] = {
        {MPI_CHAR, &b1, NULL, 0},
        {MPI_BYTE, &b1, NULL, 0},
        {MPI_C_BOOL, &b1, NULL, 0},
        {MPI_SHORT, &b2, NULL, 0},
        {MPI_INT, &b4, NULL, 0},
        {MPI_FLOAT, &b4, NULL, 0},
        {MPI_DOUBLE, &b8, NULL, 0},
        {MPI_INT64_T, &b8, NULL, 0},
        {MPI_AINT, &b8, NULL, 0},
        {MPI_C_FLOAT_COMPLEX, &c4, NULL, 0},
        {MPI_C_DOUBLE_COMPLEX, &c8, NULL, 0},
        {MPI_2INT, &b4, &b4, 4},
        {MPI_FLOAT_INT, &b4, &b4, 4},
        {MPI_DOUBLE_INT, &b8, &b4, 8},
        {MPI_SHORT_INT, &b2, &b4, 4},
        {MPI_INTEGER, &b4, NULL, 0},
        {MPI_REAL8, &b8, NULL, 0},
        {MPI_COMPLEX8, &c4, NULL, 0},
    };
    int i = between(0, sizeof all / sizeof *all - 1);

    *m = (struct made){.type = all[i].type};
    map_add(&m->map, 0, all[i].first);
    if (all[i].second)
        map_add(&m->map, all[i].at, all[i].second);
}

static bool is_named(MPI_Datatype t)
{
    MPI_Count integers, addresses, large_counts, types;
    int combiner;

    DONE(MPI_Type_get_envelope_c(t, &integers, &addresses, &large_counts, &types, &combiner));
    return combiner == MPI_COMBINER_NAMED;
}

static void made_free(struct made *m)
{
    if (!is_named(m->type))
        DONE(MPI_Type_free(&m->type));
    map_free(&m->map);
}

/* ---- Constructors: each gives the map first, then the type ---- */

enum { PARTS = 12, DIMS = 3 };

static long extent_of(const struct map *m)
{
    struct bounds b;

    map_bounds(m, &b);
    return b.extent;
}

static int some(void)
{
    /* Mostly a few, sometimes many; seldom nothing, for there is little in a nest around nothing.
     */
    return between(0, 31) ? between(1, coin() ? 3 : PARTS) : 0;
}

static bool contiguous(struct made *old, struct made *new)
{
    int n = between(0, 9) ? some() : between(0, 300);

    if (!map_put(&new->map, &old->map, n, 0))
        return false;
    DONE(coin() ? MPI_Type_contiguous(n, old->type, &new->type)
                : MPI_Type_contiguous_c(n, old->type, &new->type));
    return true;
}

static bool vector(struct made *old, struct made *new)
{
    int n = between(0, 9) ? some() : between(0, 300), length = some();
    int stride = between(-length - 3, length + 5);
    bool bytes = coin();
    long step = bytes ? stride * 4L : stride * extent_of(&old->map);

    for (int i = 0; i < n; i++)
        if (!map_put(&new->map, &old->map, length, i * step))
            return false;
    if (bytes)
        DONE(coin() ? MPI_Type_create_hvector(n, length, step, old->type, &new->type)
                    : MPI_Type_create_hvector_c(n, length, step, old->type, &new->type));
    else
        DONE(coin() ? MPI_Type_vector(n, length, stride, old->type, &new->type)
                    : MPI_Type_vector_c(n, length, stride, old->type, &new->type));
    return true;
}

/* Lengths and places in all widths. The places are elements, or bytes where `bytes`. */
struct list {
    int n, length[PARTS], place[PARTS];
    MPI_Aint at[PARTS];
    MPI_Count length_c[PARTS], place_c[PARTS];
};

static void draw_list(struct list *l, bool bytes, bool same_length)
{
    int place = between(-20, 20), order = between(0, 2), length = some();

    l->n = some();
    for (int i = 0; i < l->n; i++) {
        l->length[i] = same_length ? length : some();
        l->length_c[i] = l->length[i];
        l->place[i] = bytes ? 4 * place : place;
        l->at[i] = l->place_c[i] = l->place[i];
        /* Forward without overlap, in steady steps, or anywhere. */
        place = order == 0   ? place + l->length[i] + between(0, 3)
                : order == 1 ? place + 3
                             : between(-30, 30);
    }
}

static bool put_list(struct map *new, const struct map *old, const struct list *l, bool bytes)
{
    long unit = bytes ? 1 : extent_of(old);

    for (int i = 0; i < l->n; i++)
        if (!map_put(new, old, l->length[i], l->place[i] * unit))
            return false;
    return true;
}

static bool indexed(struct made *old, struct made *new)
{
    bool bytes = coin();
    struct list l;

    draw_list(&l, bytes, false);
    if (!put_list(&new->map, &old->map, &l, bytes))
        return false;
    if (bytes)
        DONE(coin()
                 ? MPI_Type_create_hindexed(l.n, l.length, l.at, old->type, &new->type)
                 : MPI_Type_create_hindexed_c(l.n, l.length_c, l.place_c, old->type, &new->type));
    else
        DONE(coin() ? MPI_Type_indexed(l.n, l.length, l.place, old->type, &new->type)
                    : MPI_Type_indexed_c(l.n, l.length_c, l.place_c, old->type, &new->type));
    return true;
}

static bool indexed_block(struct made *old, struct made *new)
{
    bool bytes = coin();
    struct list l;

    draw_list(&l, bytes, true);
    int length = l.n ? l.length[0] : some();
    if (!put_list(&new->map, &old->map, &l, bytes))
        return false;
    if (bytes)
        DONE(coin()
                 ? MPI_Type_create_hindexed_block(l.n, length, l.at, old->type, &new->type)
                 : MPI_Type_create_hindexed_block_c(l.n, length, l.place_c, old->type, &new->type));
    else
        DONE(coin()
                 ? MPI_Type_create_indexed_block(l.n, length, l.place, old->type, &new->type)
                 : MPI_Type_create_indexed_block_c(l.n, length, l.place_c, old->type, &new->type));
    return true;
}

static bool structure(struct made *old, struct made *new)
{
    struct made basic[PARTS];
    MPI_Datatype types[PARTS];
    bool fits = true;
    struct list l;
    long end = 0;

    draw_list(&l, true, false);
    for (int i = 0; i < l.n; i++) {
        make_basic(&basic[i]);
        bool nested = coin();
        struct map *m = nested ? &old->map : &basic[i].map;
        types[i] = nested ? old->type : basic[i].type;
        if (between(0, 3)) { /* one behind the other, so that it can be received into */
            struct bounds b;
            map_bounds(m, &b);
            l.place[i] = (int)(end - b.true_lb + between(0, 9));
            l.at[i] = l.place_c[i] = l.place[i];
        }
        fits = fits && map_put(&new->map, m, l.length[i], l.at[i]);
        end = labs(l.at[i]) + labs(extent_of(m)) * l.length[i];
    }
    for (int i = 0; i < l.n; i++)
        map_free(&basic[i].map);
    if (!fits)
        return false;
    DONE(coin() ? MPI_Type_create_struct(l.n, l.length, l.at, types, &new->type)
                : MPI_Type_create_struct_c(l.n, l.length_c, l.place_c, types, &new->type));
    return true;
}

static bool resized(struct made *old, struct made *new)
{
    struct bounds b;

    map_bounds(&old->map, &b);
    long lb = coin() ? b.lb : between(-64, 64);
    long extent = coin() ? b.extent + between(0, 32) : between(-64, 256);
    map_put(&new->map, &old->map, 1, 0);
    new->map.marked = false;
    map_mark(&new->map, lb, lb + extent);
    DONE(coin() ? MPI_Type_create_resized(old->type, lb, extent, &new->type)
                : MPI_Type_create_resized_c(old->type, lb, extent, &new->type));
    return true;
}

static bool duplicate(struct made *old, struct made *new)
{
    map_put(&new->map, &old->map, 1, 0);
    DONE(MPI_Type_dup(old->type, &new->type));
    return true;
}

static bool subarray(struct made *old, struct made *new)
{
    int ndims = between(1, DIMS), order = coin() ? MPI_ORDER_C : MPI_ORDER_FORTRAN;
    int sizes[DIMS], part[DIMS], start[DIMS];
    MPI_Count sizes_c[DIMS], part_c[DIMS], start_c[DIMS];

    for (int d = 0; d < ndims; d++) {
        sizes_c[d] = sizes[d] = between(1, 6);
        part_c[d] = part[d] = between(1, sizes[d]);
        start_c[d] = start[d] = between(0, sizes[d] - part[d]);
    }
    if (!map_subarray(&new->map, &old->map, ndims, sizes, part, start, order == MPI_ORDER_FORTRAN))
        return false;
    DONE(coin() ? MPI_Type_create_subarray(ndims, sizes, part, start, order, old->type, &new->type)
                : MPI_Type_create_subarray_c(ndims, sizes_c, part_c, start_c, order, old->type,
                                             &new->type));
    return true;
}

static bool darray(struct made *old, struct made *new)
{
    static const int kinds[] = {MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_NONE};
    int ndims = between(1, DIMS), order = coin() ? MPI_ORDER_C : MPI_ORDER_FORTRAN, all = 1;
    int gsizes[DIMS], distribs[DIMS], dargs[DIMS], psizes[DIMS];
    MPI_Count gsizes_c[DIMS];

    for (int d = 0; d < ndims; d++) {
        gsizes_c[d] = gsizes[d] = between(1, 7);
        distribs[d] = kinds[between(0, 2)];
        psizes[d] = distribs[d] == MPI_DISTRIBUTE_NONE ? 1 : between(1, 3);
        all *= psizes[d];
        int least =
            distribs[d] == MPI_DISTRIBUTE_BLOCK ? (gsizes[d] + psizes[d] - 1) / psizes[d] : 1;
        dargs[d] = distribs[d] == MPI_DISTRIBUTE_NONE || coin() ? MPI_DISTRIBUTE_DFLT_DARG
                                                                : between(least, least + 2);
    }
    int member = between(0, all - 1);
    struct grid g = {member, ndims, gsizes, psizes, distribs, dargs, order == MPI_ORDER_FORTRAN};
    if (!map_darray(&new->map, &old->map, &g))
        return false;
    DONE(coin() ? MPI_Type_create_darray(all, member, ndims, gsizes, distribs, dargs, psizes, order,
                                         old->type, &new->type)
                : MPI_Type_create_darray_c(all, member, ndims, gsizes_c, distribs, dargs, psizes,
                                           order, old->type, &new->type));
    return true;
}

typedef bool constructor(struct made *old, struct made *new);
static constructor *const constructors[] = {contiguous, vector,  vector,    indexed,  indexed_block,
                                            structure,  resized, duplicate, subarray, darray};

/* Whether ITEMS of it stay within the buffers. */
static bool in_reach(const struct map *m)
{
    struct bounds b;

    map_bounds(m, &b);
    long step = labs(b.extent) * (ITEMS - 1);
    return labs(b.true_lb) + b.true_extent + step < REACH && labs(b.lb) < REACH &&
           labs(b.extent) < REACH;
}

static void make(int depth, struct made *m)
{
    make_basic(m);
    while (depth-- > 0) {
        struct made new = {.type = MPI_DATATYPE_NULL};
        bool fits =
            constructors[between(0, sizeof constructors / sizeof *constructors - 1)](m, &new);
        if (fits && in_reach(&new.map)) {
            made_free(m);
            *m = new;
        } else if (fits) {
            made_free(&new);
        } else {
            map_free(&new.map);
        }
    }
}

/* ---- What the library says of a type ---- */

static void check_bounds(MPI_Datatype t, const struct map *m)
{
    MPI_Count lb, extent, true_lb, true_extent, bytes;
    MPI_Aint alb, aextent;
    struct bounds b;
    int n;

    map_bounds(m, &b);
    DONE(MPI_Type_get_extent_c(t, &lb, &extent));
    HOLDS(lb == b.lb);
    HOLDS(extent == b.extent);
    DONE(MPI_Type_get_true_extent_c(t, &true_lb, &true_extent));
    HOLDS(true_extent == b.true_extent);
    HOLDS(!m->count || true_lb == b.true_lb);
    DONE(MPI_Type_get_extent(t, &alb, &aextent));
    HOLDS(alb == b.lb && aextent == b.extent);
    DONE(MPI_Type_size_c(t, &bytes));
    HOLDS(bytes == b.size);
    DONE(MPI_Type_size(t, &n));
    HOLDS(n == b.size);
}

static void check_pack(MPI_Datatype t, const struct map *m, int items)
{
    long len = map_pack(m, origin_out, items, wanted);
    MPI_Count room, at = 3;

    DONE(MPI_Pack_size_c(items, t, MPI_COMM_WORLD, &room));
    HOLDS(room >= len);
    memset(packed, GAP, (size_t)len + 8);
    DONE(MPI_Pack_c(origin_out, items, t, packed, at + len, &at, MPI_COMM_WORLD));
    HOLDS(at == 3 + len);
    HOLDS(!memcmp(packed + 3, wanted, (size_t)len));
    HOLDS(packed[2] == GAP && packed[3 + len] == GAP);
    if (map_overlaps(m, items))
        return;
    memset(origin_in - REACH, GAP, 2 * REACH);
    memset(origin_want - REACH, GAP, 2 * REACH);
    map_unpack(m, origin_want, items * m->count, wanted);
    at = 0;
    DONE(MPI_Unpack_c(wanted, len, &at, origin_in, items, t, MPI_COMM_WORLD));
    HOLDS(at == len);
    HOLDS(!memcmp(origin_in - REACH, origin_want - REACH, 2 * REACH));
}

static void check_external(MPI_Datatype t, const struct map *m, int items)
{
    long len = map_pack_external(m, origin_out, items, wanted);
    MPI_Count room, at = 0;

    DONE(MPI_Pack_external_size_c("external32", items, t, &room));
    HOLDS(room == len);
    memset(packed, GAP, (size_t)len + 1);
    DONE(MPI_Pack_external_c("external32", origin_out, items, t, packed, len, &at));
    HOLDS(at == len && packed[len] == GAP);
    HOLDS(!memcmp(packed, wanted, (size_t)len));
    if (map_overlaps(m, items))
        return;
    memset(origin_in - REACH, GAP, 2 * REACH);
    at = 0;
    DONE(MPI_Unpack_external_c("external32", packed, len, &at, origin_in, items, t));
    HOLDS(at == len);
    map_pack(m, origin_out, items, wanted);
    memset(origin_want - REACH, GAP, 2 * REACH);
    map_unpack(m, origin_want, items * m->count, wanted);
    HOLDS(!memcmp(origin_in - REACH, origin_want - REACH, 2 * REACH));
}

/* ---- Contents ---- */

static MPI_Datatype rebuild(MPI_Datatype t);

/* The integers as the constructor took them: as int, or as large counts where it was a _c form. */
struct contents {
    int *i;
    MPI_Aint *a;
    MPI_Count *c;
    MPI_Datatype *t;
    MPI_Count types;
    bool large;
};

static MPI_Count at(const struct contents *x, int n)
{
    return x->large ? x->c[n] : x->i[n];
}

static MPI_Datatype rebuild_list(const struct contents *x, int combiner)
{
    int n = (int)at(x, 0), length[PARTS], place[PARTS];
    bool block = combiner == MPI_COMBINER_INDEXED_BLOCK || combiner == MPI_COMBINER_HINDEXED_BLOCK;
    bool bytes = combiner == MPI_COMBINER_HINDEXED || combiner == MPI_COMBINER_HINDEXED_BLOCK ||
                 combiner == MPI_COMBINER_STRUCT;
    int behind = block ? 2 : 1 + n; /* where the places begin */
    MPI_Datatype t = MPI_DATATYPE_NULL;
    MPI_Aint where[PARTS];

    HOLDS(n <= PARTS);
    for (int k = 0; k < n; k++) {
        length[k] = (int)at(x, block ? 1 : 1 + k);
        where[k] = bytes && !x->large ? x->a[k] : (MPI_Aint)at(x, behind + k);
        place[k] = (int)where[k];
    }
    switch (combiner) {
    case MPI_COMBINER_INDEXED:
        DONE(MPI_Type_indexed(n, length, place, x->t[0], &t));
        break;
    case MPI_COMBINER_HINDEXED:
        DONE(MPI_Type_create_hindexed(n, length, where, x->t[0], &t));
        break;
    case MPI_COMBINER_INDEXED_BLOCK:
        DONE(MPI_Type_create_indexed_block(n, (int)at(x, 1), place, x->t[0], &t));
        break;
    case MPI_COMBINER_HINDEXED_BLOCK:
        DONE(MPI_Type_create_hindexed_block(n, (int)at(x, 1), where, x->t[0], &t));
        break;
    default:
        DONE(MPI_Type_create_struct(n, length, where, x->t, &t));
    }
    return t;
}

static MPI_Datatype rebuild_array(const struct contents *x, int combiner)
{
    int sizes[DIMS], n, *i = x->i;
    MPI_Datatype t;

    if (combiner == MPI_COMBINER_SUBARRAY) {
        int values[3][DIMS];
        n = i[0];
        for (int k = 0; k < 3 * n; k++)
            values[k / n][k % n] = x->large ? (int)x->c[k] : i[1 + k];
        DONE(MPI_Type_create_subarray(n, values[0], values[1], values[2],
                                      x->large ? i[1] : i[1 + 3 * n], x->t[0], &t));
        return t;
    }
    n = i[2];
    for (int k = 0; k < n; k++)
        sizes[k] = x->large ? (int)x->c[k] : i[3 + k];
    int *rest = x->large ? i + 3 : i + 3 + n;
    DONE(MPI_Type_create_darray(i[0], i[1], n, sizes, rest, rest + n, rest + 2 * n, rest[3 * n],
                                x->t[0], &t));
    return t;
}

static MPI_Datatype rebuild_from(const struct contents *x, int combiner)
{
    MPI_Datatype t = MPI_DATATYPE_NULL;

    switch (combiner) {
    case MPI_COMBINER_DUP:
        DONE(MPI_Type_dup(x->t[0], &t));
        return t;
    case MPI_COMBINER_CONTIGUOUS:
        DONE(MPI_Type_contiguous((int)at(x, 0), x->t[0], &t));
        return t;
    case MPI_COMBINER_VECTOR:
        DONE(MPI_Type_vector((int)at(x, 0), (int)at(x, 1), (int)at(x, 2), x->t[0], &t));
        return t;
    case MPI_COMBINER_HVECTOR:
        DONE(MPI_Type_create_hvector((int)at(x, 0), (int)at(x, 1),
                                     x->large ? (MPI_Aint)x->c[2] : x->a[0], x->t[0], &t));
        return t;
    case MPI_COMBINER_RESIZED:
        DONE(MPI_Type_create_resized(x->t[0], x->large ? (MPI_Aint)x->c[0] : x->a[0],
                                     x->large ? (MPI_Aint)x->c[1] : x->a[1], &t));
        return t;
    case MPI_COMBINER_SUBARRAY:
    case MPI_COMBINER_DARRAY:
        return rebuild_array(x, combiner);
    default:
        return rebuild_list(x, combiner);
    }
}

static void *room(MPI_Count n, size_t each)
{
    void *p = calloc((size_t)n + 1, each);

    HOLDS(p != NULL);
    return p;
}

/* A type made of what get_contents says; predefined ones are themselves. */
static MPI_Datatype rebuild(MPI_Datatype t)
{
    MPI_Count ni, na, nc, nt;
    int combiner;

    DONE(MPI_Type_get_envelope_c(t, &ni, &na, &nc, &nt, &combiner));
    if (combiner == MPI_COMBINER_NAMED)
        return t;
    struct contents x = {room(ni, sizeof *x.i),
                         room(na, sizeof *x.a),
                         room(nc, sizeof *x.c),
                         room(nt, sizeof *x.t),
                         nt,
                         nc > 0};
    DONE(MPI_Type_get_contents_c(t, ni, na, nc, nt, x.i, x.a, x.c, x.t));
    for (MPI_Count k = 0; k < nt; k++) {
        MPI_Datatype told = x.t[k], again = rebuild(told);
        if (again != told)
            DONE(MPI_Type_free(&told));
        x.t[k] = again;
    }
    MPI_Datatype new = rebuild_from(&x, combiner);
    for (MPI_Count k = 0; k < nt; k++) {
        if (!is_named(x.t[k]))
            DONE(MPI_Type_free(&x.t[k]));
    }
    free(x.i);
    free(x.a);
    free(x.c);
    free(x.t);
    return new;
}

static void check_contents(const struct made *m, int items)
{
    struct made again = {.type = rebuild(m->type)};

    if (again.type == m->type)
        return;
    DONE(MPI_Type_commit(&again.type));
    check_bounds(again.type, &m->map);
    check_pack(again.type, &m->map, items);
    made_free(&again);
}

/* ---- Messages ---- */

enum form { TYPED, FLAT };

/*
 * `elements` of them go to the right, as items of the type or as bytes, and are received likewise;
 * the receive may have room for more.
 */
static void pass(const struct made *m, int items, int elements, enum form from, enum form to,
                 bool early)
{
    long len = map_unpack(&m->map, origin_want, elements, wanted);
    int all = items * m->map.count, n;
    MPI_Request r[2];
    MPI_Status s;
    MPI_Count c;

    memset(origin_in - REACH, GAP, 2 * REACH);
    memset(packed, GAP, (size_t)len + 1);
    if (early && to == TYPED)
        DONE(MPI_Irecv(origin_in, items, m->type, left(), 5, MPI_COMM_WORLD, &r[0]));
    else if (early)
        DONE(MPI_Irecv(packed, PACKED, MPI_BYTE, left(), 5, MPI_COMM_WORLD, &r[0]));
    if (from == TYPED)
        DONE(MPI_Isend(origin_out, elements / (m->map.count ? m->map.count : 1), m->type, right(),
                       5, MPI_COMM_WORLD, &r[1]));
    else
        DONE(MPI_Isend(wanted, (int)len, MPI_BYTE, right(), 5, MPI_COMM_WORLD, &r[1]));
    if (early)
        DONE(MPI_Wait(&r[0], &s));
    else if (to == TYPED)
        DONE(MPI_Recv(origin_in, items, m->type, left(), 5, MPI_COMM_WORLD, &s));
    else
        DONE(MPI_Recv(packed, PACKED, MPI_BYTE, left(), 5, MPI_COMM_WORLD, &s));
    DONE(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
    HOLDS(says(&s, left(), 5, MPI_BYTE, len));
    if (to == FLAT) {
        HOLDS(!memcmp(packed, wanted, (size_t)len) && packed[len] == GAP);
        return;
    }
    memset(origin_want - REACH, GAP, 2 * REACH);
    map_unpack(&m->map, origin_want, elements, wanted);
    HOLDS(!memcmp(origin_in - REACH, origin_want - REACH, 2 * REACH));
    if (!all)
        return;
    DONE(MPI_Get_elements(&s, m->type, &n));
    HOLDS(n == elements);
    DONE(MPI_Get_elements_c(&s, m->type, &c));
    HOLDS(c == elements);
    DONE(MPI_Get_count(&s, m->type, &n));
    HOLDS(n == (elements % m->map.count ? MPI_UNDEFINED : elements / m->map.count));
}

static void check_messages(const struct made *m, int items)
{
    int all = items * m->map.count;
    bool receives = !map_overlaps(&m->map, items), early = coin();
    int part = between(0, all);

    map_pack(&m->map, origin_out, items, wanted);
    pass(m, items, all, TYPED, FLAT, early);
    if (!receives)
        return;
    pass(m, items, all, TYPED, TYPED, early);
    pass(m, items, part, FLAT, TYPED, !early);
}

static void run(unsigned long long number)
{
    struct made m;

    this_case = number;
    seed = number * 0x9e3779b97f4a7c15ULL | 1;
    next();
    make(between(0, DEPTH), &m);
    int items = between(0, ITEMS);
    check_bounds(m.type, &m.map);
    DONE(MPI_Type_commit(&m.type));
    check_pack(m.type, &m.map, items);
    check_external(m.type, &m.map, items);
    check_contents(&m, items);
    check_messages(&m, items);
    made_free(&m);
}

static char *take(size_t bytes)
{
    char *p = malloc(bytes);

    CHECK(p != NULL);
    return p;
}

int main(int argc, char **argv)
{
    const char *first = getenv("ORIEL_TEST_SEED"), *rounds = getenv("ORIEL_TEST_ROUNDS");
    unsigned long long from = first ? strtoull(first, NULL, 0) : 1;
    int n = rounds ? atoi(rounds) : ROUNDS;

    begin(&argc, &argv);
    char *out = take(2 * REACH), *in = take(2 * REACH), *want = take(2 * REACH);
    packed = take(PACKED + 16);
    wanted = take(PACKED + 16);
    origin_out = out + REACH;
    origin_in = in + REACH;
    origin_want = want + REACH;
    for (int i = 0; i < 2 * REACH; i++)
        out[i] = (char)((unsigned)i * 2654435761u >> 24);
    for (int i = 0; i < n; i++)
        run(from + (unsigned)i);
    free(out);
    free(in);
    free(want);
    free(packed);
    free(wanted);
    return end("datatype_fuzz");
}
