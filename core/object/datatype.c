/* SPDX-License-Identifier: BSD-3-Clause */
/* A datatype's life: bounds, making, committing, copies, release. */
#include "core/object/datatype.h"

#include <stdlib.h>
#include <string.h>

#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

static void release(struct object *o)
{
    struct datatype *t = (struct datatype *)o;

    object_close(o);
    type_loop_drop(t->shape.loop);
    type_contents_drop(t->contents);
    free(t);
}

int type_usable(const struct datatype *old)
{
    if (old->size >= 0)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_TYPE,
                   "%s is not supported: the compiler of this library has no such type", old->name);
}

/* Beyond all that is allowed, and small enough that a product with a count does not overflow. */
static bool is_wide(type_wide v)
{
    const type_wide most = (type_wide)1 << 64;

    return v > most || v < -most;
}

static bool fits(type_wide v)
{
    return v == (int64_t)v;
}

void type_span(type_wide *low, type_wide *high, MPI_Count count, type_wide step)
{
    if (count < 2)
        return;
    type_wide last = is_wide(step) ? step : (count - 1) * step;
    if (is_wide(*low) || is_wide(*high))
        return; /* and so it stays */
    if (is_wide(last))
        *low = *high = last;
    else if (last < 0)
        *low += last;
    else
        *high += last;
}

static void keep_least(type_wide *least, type_wide v, bool first)
{
    if (first || v < *least)
        *least = v;
}

static void keep_most(type_wide *most, type_wide v, bool first)
{
    if (first || v > *most)
        *most = v;
}

void type_bounds_add(struct type_bounds *b, const struct datatype *old, type_wide copies,
                     type_wide low, type_wide high)
{
    if (!copies || (!old->marked && !old->size))
        return;
    /* The shape is made with the displacement itself, whatever the sum is. */
    b->large |=
        copies > INT64_MAX || !fits(low) || is_wide(high) || is_wide(b->size) || is_wide(b->leaves);
    if (b->large)
        return;
    if (old->marked) {
        keep_least(&b->lb, low + old->lb, !b->marked);
        keep_most(&b->ub, high + old->lb + old->extent, !b->marked);
        b->marked = true;
    }
    if (!old->size)
        return;
    MPI_Count element = old->elements ? old->size / old->elements : 0;
    b->mixed |= b->some && (old->basic != b->basic || element != b->element);
    b->basic = old->basic;
    b->element = element;
    keep_least(&b->true_lb, low + old->true_lb, !b->some);
    keep_most(&b->true_ub, high + old->true_lb + old->true_extent, !b->some);
    keep_most(&b->end, high + old->lb + old->extent, !b->some);
    b->some = true;
    b->align = old->align > b->align ? old->align : b->align;
    b->size += copies * old->size;
    b->leaves += copies * old->leaves;
    b->external += copies * old->external; /* no element is longer there than in memory */
}

void type_bounds_mark(struct type_bounds *b, type_wide lb, type_wide extent)
{
    b->marked = true;
    b->lb = lb;
    b->ub = lb + extent;
}

int type_bounds_check(const struct type_bounds *b)
{
    /* The padding of the extent is below 64. */
    if (!b->large && fits(b->size) && fits(b->leaves) && fits(b->true_lb) && fits(b->true_ub) &&
        fits(b->end) && fits(b->true_ub - b->true_lb) && fits(b->end - b->true_lb + 64) &&
        fits(b->lb) && fits(b->ub) && fits(b->ub - b->lb))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_VALUE_TOO_LARGE,
                   "the new type's size or bounds need more than 64 bits: use smaller counts, "
                   "strides or displacements");
}

static void set_bounds(struct datatype *t, const struct type_bounds *b)
{
    t->size = (MPI_Count)b->size;
    t->leaves = (MPI_Count)b->leaves;
    t->external = (MPI_Count)b->external;
    t->align = b->align ? b->align : 1;
    t->marked = b->marked;
    t->true_lb = (MPI_Aint)b->true_lb;
    t->true_extent = (MPI_Aint)(b->true_ub - b->true_lb);
    if (b->marked) {
        t->lb = (MPI_Aint)b->lb;
        t->extent = (MPI_Aint)(b->ub - b->lb);
    } else {
        /* The padding of a part counts: so an array of such types has whole items in it, as MPICH
         * and Open MPI have it. It shows only where displacements are not aligned. */
        MPI_Aint len = (MPI_Aint)(b->end - b->true_lb), odd = len % t->align;
        t->lb = t->true_lb;
        t->extent = len + (odd ? (MPI_Aint)t->align - odd : 0);
    }
    if (!b->mixed && b->element) {
        t->basic = b->basic;
        t->elements = t->size / b->element;
    }
}

/* Items that go on in the step of their own loop: one loop, as type_shape_repeat makes it. */
static bool is_even(const struct datatype *t)
{
    const struct type_loop *l = t->shape.loop;

    return l && !l->disp && t->extent % l->count == 0 && l->stride == t->extent / l->count;
}

int type_make(const struct type_bounds *b, const struct type_shape *shape, struct type_contents *c,
              struct datatype **type)
{
    struct datatype *t = calloc(1, sizeof *t);

    if (!t || !c) {
        free(t);
        type_contents_drop(c);
        type_loop_drop(shape->loop);
        return err_set(MPI_ERR_NO_MEM, "no memory for a datatype");
    }
    object_init(&t->object, OBJECT_DATATYPE, release);
    set_bounds(t, b);
    t->shape = *shape;
    t->contents = c;
    t->contiguous = !t->size || (!shape->loop && t->extent == t->size);
    t->even = is_even(t);
    *type = t;
    return MPI_SUCCESS;
}

static enum type_block block_of(const struct datatype *t)
{
    return t->contiguous ? TYPE_BLOCK : t->shape.loop ? TYPE_PIECES : TYPE_ITEM;
}

int datatype_commit(struct datatype *t)
{
    int rc = type_usable(t);

    if (!rc && !t->committed) {
        t->committed = true;
        t->block = block_of(t);
    }
    return rc;
}

/* Other threads may use the old one, and count its holders and attributes up and down. */
int datatype_alias(struct datatype *old, struct datatype **type)
{
    const size_t begin = offsetof(struct datatype, size), end = offsetof(struct datatype, attrs);
    struct datatype *t = calloc(1, sizeof *t);

    if (!t)
        return err_set(MPI_ERR_NO_MEM, "no memory for a datatype");
    memcpy((char *)t + begin, (const char *)old + begin, end - begin);
    /* One that is just being committed has half of it. */
    t->block = t->committed ? block_of(t) : TYPE_PIECES;
    object_init(&t->object, OBJECT_DATATYPE, release);
    t->predefined = false;
    type_loop_hold(t->shape.loop);
    type_contents_hold(t->contents);
    *type = t;
    return MPI_SUCCESS;
}

int datatype_dup(struct datatype *old, struct datatype **type)
{
    struct type_contents *c;
    int rc = type_usable(old);

    if (rc)
        return rc;
    c = type_contents_new(MPI_COMBINER_DUP, 0, 1);
    if (!c)
        return err_set(MPI_ERR_NO_MEM, "no memory for a datatype");
    type_contents_add_type(c, old);
    rc = datatype_alias(old, type);
    if (rc) {
        type_contents_drop(c);
        return rc;
    }
    type_contents_drop((*type)->contents);
    (*type)->contents = c;
    return MPI_SUCCESS;
}
