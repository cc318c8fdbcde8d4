/* SPDX-License-Identifier: BSD-3-Clause */
/* The constructors of 5.1.2 but for those of arrays, which are in datatype_array.c. */
#include "core/object/datatype_build.h"

#include "core/object/datatype_contents.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

static int bad_block(MPI_Count i, MPI_Count length)
{
    return err_set(MPI_ERR_ARG, "blocklength %lld is %lld: it must not be negative", (long long)i,
                   (long long)length);
}

/* `count` blocks of `blocklength` items, `stride` bytes apart. */
static int vector(MPI_Count count, MPI_Count blocklength, type_wide stride,
                  const struct datatype *old, struct type_bounds *b, struct type_shape *shape)
{
    struct type_shape block;
    type_wide low = 0, high = 0;
    int rc = type_usable(old);

    if (!rc && blocklength < 0)
        rc = bad_block(0, blocklength);
    if (rc)
        return rc;
    type_span(&low, &high, blocklength, old->extent);
    type_span(&low, &high, count, stride);
    type_bounds_add(b, old, (type_wide)count * blocklength, low, high);
    rc = type_bounds_check(b);
    if (!rc)
        rc = type_shape_repeat(&old->shape, count ? blocklength : 0, old->extent, &block);
    if (rc)
        return rc;
    rc = type_shape_repeat(&block, count, (MPI_Aint)stride, shape);
    type_loop_drop(block.loop);
    return rc;
}

int datatype_contiguous(MPI_Count count, struct datatype *old, struct datatype **type)
{
    struct type_bounds b = {0};
    struct type_shape shape;
    struct type_contents *c;
    int rc = vector(1, count, 0, old, &b, &shape);

    if (rc)
        return rc;
    c = type_contents_new(MPI_COMBINER_CONTIGUOUS, 1, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_COUNT, count);
        type_contents_add_type(c, old);
    }
    return type_make(&b, &shape, c, type);
}

int datatype_hvector(MPI_Count count, MPI_Count blocklength, MPI_Aint stride, bool stride_in_bytes,
                     struct datatype *old, struct datatype **type)
{
    struct type_bounds b = {0};
    struct type_shape shape;
    struct type_contents *c;
    type_wide step = stride_in_bytes ? stride : (type_wide)stride * old->extent;
    int rc = vector(count, blocklength, step, old, &b, &shape);

    if (rc)
        return rc;
    c = type_contents_new(stride_in_bytes ? MPI_COMBINER_HVECTOR : MPI_COMBINER_VECTOR, 3, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_COUNT, count);
        type_contents_add(c, TYPE_ARG_COUNT, blocklength);
        type_contents_add(c, stride_in_bytes ? TYPE_ARG_ADDRESS : TYPE_ARG_COUNT, stride);
        type_contents_add_type(c, old);
    }
    return type_make(&b, &shape, c, type);
}

/* Blocks at displacements; `lengths` of width 0: all of them `length`. */
struct blocks {
    MPI_Count count, length;
    struct vec lengths, displs;
    MPI_Aint unit;
};

static MPI_Count block_length(const struct blocks *k, MPI_Count i)
{
    return k->lengths.width ? vec_at(k->lengths, i) : k->length;
}

static int blocks_bounds(const struct blocks *k, const struct datatype *old, struct type_bounds *b)
{
    for (MPI_Count i = 0; i < k->count; i++) {
        MPI_Count n = block_length(k, i);
        type_wide low = (type_wide)vec_at(k->displs, i) * k->unit, high = low;

        if (n < 0)
            return bad_block(i, n);
        type_span(&low, &high, n, old->extent);
        type_bounds_add(b, old, n, low, high);
    }
    return type_bounds_check(b);
}

static int blocks_shape(const struct blocks *k, const struct datatype *old,
                        struct type_shape *shape)
{
    struct type_parts parts = {0};
    struct type_shape block = {0, 0, NULL};
    MPI_Count n = 0;
    int rc = MPI_SUCCESS;

    for (MPI_Count i = 0; old->size && i < k->count && !rc; i++) {
        /* Blocks of one length, the common case, share one loop. */
        if (block_length(k, i) != n) {
            type_loop_drop(block.loop);
            block.loop = NULL;
            n = block_length(k, i);
            rc = type_shape_repeat(&old->shape, n, old->extent, &block);
        }
        if (!rc && n)
            rc = type_parts_add(&parts, &block, vec_at(k->displs, i) * k->unit);
    }
    type_loop_drop(block.loop);
    if (!rc)
        return type_parts_end(&parts, shape);
    type_parts_drop(&parts);
    return rc;
}

static int indexed(const struct blocks *k, const struct datatype *old, struct type_bounds *b,
                   struct type_shape *shape)
{
    int rc = type_usable(old);

    if (!rc)
        rc = blocks_bounds(k, old, b);
    if (!rc)
        rc = blocks_shape(k, old, shape);
    return rc;
}

int datatype_indexed(MPI_Count count, struct vec blocklengths, struct vec displs, bool bytes,
                     struct datatype *old, struct datatype **type)
{
    struct blocks k = {count, 0, blocklengths, displs, bytes ? 1 : old->extent};
    struct type_bounds b = {0};
    struct type_shape shape;
    struct type_contents *c;
    int rc = indexed(&k, old, &b, &shape);

    if (rc)
        return rc;
    c = type_contents_new(bytes ? MPI_COMBINER_HINDEXED : MPI_COMBINER_INDEXED, 1 + 2 * count, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_COUNT, count);
        type_contents_add_vec(c, TYPE_ARG_COUNT, blocklengths, count);
        type_contents_add_vec(c, bytes ? TYPE_ARG_ADDRESS : TYPE_ARG_COUNT, displs, count);
        type_contents_add_type(c, old);
    }
    return type_make(&b, &shape, c, type);
}

int datatype_indexed_block(MPI_Count count, MPI_Count blocklength, struct vec displs, bool bytes,
                           struct datatype *old, struct datatype **type)
{
    struct blocks k = {count, blocklength, {NULL, 0}, displs, bytes ? 1 : old->extent};
    struct type_bounds b = {0};
    struct type_shape shape;
    struct type_contents *c;
    int rc = blocklength < 0 ? bad_block(0, blocklength) : indexed(&k, old, &b, &shape);

    if (rc)
        return rc;
    c = type_contents_new(bytes ? MPI_COMBINER_HINDEXED_BLOCK : MPI_COMBINER_INDEXED_BLOCK,
                          2 + count, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_COUNT, count);
        type_contents_add(c, TYPE_ARG_COUNT, blocklength);
        type_contents_add_vec(c, bytes ? TYPE_ARG_ADDRESS : TYPE_ARG_COUNT, displs, count);
        type_contents_add_type(c, old);
    }
    return type_make(&b, &shape, c, type);
}

static int struct_bounds(MPI_Count count, struct vec lengths, struct vec displs,
                         const MPI_Datatype *types, struct type_bounds *b)
{
    for (MPI_Count i = 0; i < count; i++) {
        struct datatype *old = datatype_find(types[i]);
        MPI_Count n = vec_at(lengths, i);
        type_wide low = vec_at(displs, i), high = low;
        int rc;

        if (!old)
            return err_set(MPI_ERR_TYPE, "type %lld of the array is no datatype", (long long)i);
        if (n < 0)
            return bad_block(i, n);
        rc = type_usable(old);
        if (rc)
            return rc;
        type_span(&low, &high, n, old->extent);
        type_bounds_add(b, old, n, low, high);
    }
    return type_bounds_check(b);
}

static int struct_shape(MPI_Count count, struct vec lengths, struct vec displs,
                        const MPI_Datatype *types, struct type_shape *shape)
{
    struct type_parts parts = {0};

    for (MPI_Count i = 0; i < count; i++) {
        const struct datatype *old = datatype_find(types[i]);
        struct type_shape block;
        int rc = type_shape_repeat(&old->shape, vec_at(lengths, i), old->extent, &block);

        if (!rc) {
            rc = block.size ? type_parts_add(&parts, &block, vec_at(displs, i)) : MPI_SUCCESS;
            type_loop_drop(block.loop);
        }
        if (rc) {
            type_parts_drop(&parts);
            return rc;
        }
    }
    return type_parts_end(&parts, shape);
}

int datatype_struct(MPI_Count count, struct vec blocklengths, struct vec displs,
                    const MPI_Datatype *types, struct datatype **type)
{
    struct type_bounds b = {0};
    struct type_shape shape;
    struct type_contents *c;
    int rc = struct_bounds(count, blocklengths, displs, types, &b);

    if (!rc)
        rc = struct_shape(count, blocklengths, displs, types, &shape);
    if (rc)
        return rc;
    c = type_contents_new(MPI_COMBINER_STRUCT, 1 + 2 * count, count);
    if (c) {
        type_contents_add(c, TYPE_ARG_COUNT, count);
        type_contents_add_vec(c, TYPE_ARG_COUNT, blocklengths, count);
        type_contents_add_vec(c, TYPE_ARG_ADDRESS, displs, count);
        for (MPI_Count i = 0; i < count; i++)
            type_contents_add_type(c, datatype_find(types[i]));
    }
    return type_make(&b, &shape, c, type);
}

int datatype_resized(struct datatype *old, MPI_Aint lb, MPI_Aint extent, struct datatype **type)
{
    struct type_bounds b = {0};
    struct type_shape shape = old->shape;
    struct type_contents *c;
    int rc = type_usable(old);

    type_bounds_add(&b, old, 1, 0, 0);
    type_bounds_mark(&b, lb, extent);
    if (!rc)
        rc = type_bounds_check(&b);
    if (rc)
        return rc;
    c = type_contents_new(MPI_COMBINER_RESIZED, 2, 1);
    if (c) {
        type_contents_add(c, TYPE_ARG_ADDRESS, lb);
        type_contents_add(c, TYPE_ARG_ADDRESS, extent);
        type_contents_add_type(c, old);
    }
    type_loop_hold(shape.loop);
    return type_make(&b, &shape, c, type);
}
