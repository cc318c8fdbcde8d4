/* SPDX-License-Identifier: BSD-3-Clause */
/* The constructors of arrays' parts: 5.1.3 and 5.1.4. */
#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

/*
 * What one dimension adds: the shape of the dimensions inside it, times some indices, `step` bytes
 * apart. Low and high follow for the bounds.
 */
struct array {
    struct type_shape shape;
    type_wide step, low, high, copies;
    type_wide item; /* bytes of data in one element */
};

static void array_begin(struct array *a, const struct datatype *old)
{
    *a = (struct array){old->shape, old->extent, 0, 0, 1, old->size};
    type_loop_hold(a->shape.loop);
}

static void array_shape(struct array *a, const struct type_shape *shape)
{
    type_loop_drop(a->shape.loop);
    a->shape = *shape;
}

/* One more dimension, of `size` indices and `part` of them; no array has a dimension without any,
 * so its extent only grows. */
static int array_grow(struct array *a, MPI_Count size, MPI_Count part)
{
    a->step *= size;
    a->copies *= part;
    if (a->step == (int64_t)a->step && a->copies <= INT64_MAX && a->copies * a->item <= INT64_MAX)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_VALUE_TOO_LARGE, "the array needs more than 2^63 bytes");
}

static int array_make(struct array *a, const struct datatype *old, struct type_contents *c,
                      struct datatype **type)
{
    struct type_bounds b = {0};
    int rc;

    type_bounds_add(&b, old, a->copies, a->low, a->high);
    type_bounds_mark(&b, 0, a->step);
    rc = type_bounds_check(&b);
    if (!rc)
        return type_make(&b, &a->shape, c, type);
    type_contents_drop(c);
    type_loop_drop(a->shape.loop);
    return rc;
}

static int check_order(int ndims, int order)
{
    if (ndims < 1)
        return err_set(MPI_ERR_ARG, "ndims is %d: an array has one dimension at least", ndims);
    if (order != MPI_ORDER_C && order != MPI_ORDER_FORTRAN)
        return err_set(MPI_ERR_ARG, "order is %d: it must be MPI_ORDER_C or MPI_ORDER_FORTRAN",
                       order);
    return MPI_SUCCESS;
}

/* The i-th dimension from the one whose elements lie together. */
static int dimension(int i, int ndims, int order)
{
    return order == MPI_ORDER_C ? ndims - 1 - i : i;
}

/* ---- Subarray ---- */

static int check_subarray(int d, MPI_Count size, MPI_Count part, MPI_Count start)
{
    if (size >= 1 && part >= 1 && part <= size && start >= 0 && start <= size - part)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_ARG,
                   "dimension %d has size %lld, subsize %lld and start %lld: the part must have "
                   "one element and lie inside",
                   d, (long long)size, (long long)part, (long long)start);
}

static int subarray_dimension(struct array *a, MPI_Count size, MPI_Count part, MPI_Count start)
{
    type_wide step = a->step;
    struct type_shape shape;
    int rc = array_grow(a, size, part);

    if (!rc)
        rc = type_shape_repeat(&a->shape, part, (MPI_Aint)step, &shape);
    if (rc)
        return rc;
    shape.first += (MPI_Aint)(start * step);
    array_shape(a, &shape);
    a->low += start * step;
    a->high += start * step;
    type_span(&a->low, &a->high, part, step);
    return MPI_SUCCESS;
}

int datatype_subarray(int ndims, struct vec sizes, struct vec subsizes, struct vec starts,
                      int order, struct datatype *old, struct datatype **type)
{
    struct type_contents *c;
    struct array a;
    int rc = type_usable(old);

    if (!rc)
        rc = check_order(ndims, order);
    for (int d = 0; d < ndims && !rc; d++)
        rc = check_subarray(d, vec_at(sizes, d), vec_at(subsizes, d), vec_at(starts, d));
    if (rc)
        return rc;
    array_begin(&a, old);
    for (int i = 0; i < ndims; i++) {
        int d = dimension(i, ndims, order);
        rc = subarray_dimension(&a, vec_at(sizes, d), vec_at(subsizes, d), vec_at(starts, d));
        if (rc) {
            type_loop_drop(a.shape.loop);
            return rc;
        }
    }
    c = type_contents_new(MPI_COMBINER_SUBARRAY, 2 + 3 * (MPI_Count)ndims, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_INT, ndims);
        type_contents_add_vec(c, TYPE_ARG_COUNT, sizes, ndims);
        type_contents_add_vec(c, TYPE_ARG_COUNT, subsizes, ndims);
        type_contents_add_vec(c, TYPE_ARG_COUNT, starts, ndims);
        type_contents_add(c, TYPE_ARG_INT, order);
        type_contents_add_type(c, old);
    }
    return array_make(&a, old, c, type);
}

/* ---- Darray ---- */

/* One dimension of a process's part: blocks of `block` indices, one in every `period`. */
struct share {
    MPI_Count first, block, period, size;
};

static int share_of(const struct type_grid *g, int d, int coordinate, struct share *s)
{
    MPI_Count size = vec_at(g->gsizes, d), block = g->dargs[d];
    int p = g->psizes[d];

    switch (g->distribs[d]) {
    case MPI_DISTRIBUTE_NONE:
        if (p != 1)
            return err_set(MPI_ERR_ARG, "dimension %d is not distributed but has %d processes", d,
                           p);
        block = size;
        break;
    case MPI_DISTRIBUTE_BLOCK:
        if (g->dargs[d] == MPI_DISTRIBUTE_DFLT_DARG)
            block = (size - 1) / p + 1;
        if (block < 1 || (type_wide)block * p < size)
            return err_set(MPI_ERR_ARG, "dimension %d: %d blocks of %lld do not hold %lld", d, p,
                           (long long)block, (long long)size);
        break;
    case MPI_DISTRIBUTE_CYCLIC:
        if (g->dargs[d] == MPI_DISTRIBUTE_DFLT_DARG)
            block = 1;
        if (block < 1)
            return err_set(MPI_ERR_ARG, "dimension %d has cyclic blocks of %lld", d,
                           (long long)block);
        break;
    default:
        return err_set(MPI_ERR_ARG, "dimension %d has the distribution %d, which is none", d,
                       g->distribs[d]);
    }
    /* Beyond the array there is nothing: cut there, no product below overflows. */
    block = block < size ? block : size;
    type_wide first = (type_wide)coordinate * block, period = (type_wide)p * block;
    s->first = (MPI_Count)(first < size ? first : size);
    s->block = block;
    s->period = (MPI_Count)(period < size ? period : size);
    s->size = size;
    return MPI_SUCCESS;
}

/* The indices of a share: whole blocks, then perhaps a shorter one. */
static int share_shape(const struct share *s, const struct type_shape *inner, MPI_Aint step,
                       MPI_Count whole, MPI_Count rest, struct type_shape *out)
{
    struct type_parts parts = {0};
    struct type_shape block = {0, 0, NULL}, blocks = {0, 0, NULL}, last = {0, 0, NULL};
    int rc = type_shape_repeat(inner, whole ? s->block : 0, step, &block);

    if (!rc)
        rc = type_shape_repeat(&block, whole, s->period * step, &blocks);
    if (!rc)
        rc = type_shape_repeat(inner, rest, step, &last);
    if (!rc && whole)
        rc = type_parts_add(&parts, &blocks, s->first * step);
    if (!rc && rest)
        rc = type_parts_add(&parts, &last, (s->first + whole * s->period) * step);
    if (rc)
        type_parts_drop(&parts);
    else
        rc = type_parts_end(&parts, out);
    type_loop_drop(block.loop);
    type_loop_drop(blocks.loop);
    type_loop_drop(last.loop);
    return rc;
}

static int darray_dimension(struct array *a, const struct share *s)
{
    type_wide step = a->step;
    MPI_Count left = s->size - s->first; /* from the first block on */
    MPI_Count whole = left / s->period, rest = left % s->period;
    struct type_shape shape;

    if (rest >= s->block) {
        whole++;
        rest = 0;
    }
    int rc = array_grow(a, s->size, whole * s->block + rest);
    if (!rc)
        rc = share_shape(s, &a->shape, (MPI_Aint)step, whole, rest, &shape);
    if (rc)
        return rc;
    array_shape(a, &shape);
    if (a->copies) {
        MPI_Count last = rest ? s->first + whole * s->period + rest - 1
                              : s->first + (whole - 1) * s->period + s->block - 1;
        a->low += s->first * step;
        a->high += s->first * step;
        type_span(&a->low, &a->high, last - s->first + 1, step);
    }
    return MPI_SUCCESS;
}

static int check_grid(const struct type_grid *g)
{
    type_wide processes = 1;

    if (g->rank < 0 || g->rank >= g->size)
        return err_set(MPI_ERR_ARG, "rank %d is not below size %d", g->rank, g->size);
    for (int d = 0; d < g->ndims; d++) {
        if (vec_at(g->gsizes, d) < 1 || g->psizes[d] < 1)
            return err_set(MPI_ERR_ARG, "dimension %d has size %lld and %d processes", d,
                           (long long)vec_at(g->gsizes, d), g->psizes[d]);
        if (processes <= g->size)
            processes *= g->psizes[d];
    }
    if (processes != g->size)
        return err_set(MPI_ERR_ARG, "the process grid has not %d members, as size says", g->size);
    return check_order(g->ndims, g->order);
}

/* The process's coordinate: the grid is always in C order, the last dimension fastest. */
static int coordinate(const struct type_grid *g, int d)
{
    int rank = g->rank;

    for (int i = g->ndims - 1; i > d; i--)
        rank /= g->psizes[i];
    return rank % g->psizes[d];
}

static struct type_contents *darray_contents(const struct type_grid *g, struct datatype *old)
{
    struct type_contents *c =
        type_contents_new(MPI_COMBINER_DARRAY, 4 + 4 * (MPI_Count)g->ndims, 1);

    if (!c)
        return NULL;
    type_contents_add(c, TYPE_ARG_INT, g->size);
    type_contents_add(c, TYPE_ARG_INT, g->rank);
    type_contents_add(c, TYPE_ARG_INT, g->ndims);
    type_contents_add_vec(c, TYPE_ARG_COUNT, g->gsizes, g->ndims);
    type_contents_add_vec(c, TYPE_ARG_INT, VEC(g->distribs), g->ndims);
    type_contents_add_vec(c, TYPE_ARG_INT, VEC(g->dargs), g->ndims);
    type_contents_add_vec(c, TYPE_ARG_INT, VEC(g->psizes), g->ndims);
    type_contents_add(c, TYPE_ARG_INT, g->order);
    type_contents_add_type(c, old);
    return c;
}

int datatype_darray(const struct type_grid *g, struct datatype *old, struct datatype **type)
{
    struct array a;
    int rc = type_usable(old);

    if (!rc)
        rc = check_grid(g);
    if (rc)
        return rc;
    array_begin(&a, old);
    for (int i = 0; i < g->ndims; i++) {
        int d = dimension(i, g->ndims, g->order);
        struct share s = {0};
        rc = share_of(g, d, coordinate(g, d), &s);
        if (!rc)
            rc = darray_dimension(&a, &s);
        if (rc) {
            type_loop_drop(a.shape.loop);
            return rc;
        }
    }
    return array_make(&a, old, darray_contents(g, old), type);
}
