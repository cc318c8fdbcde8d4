/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/op.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/datatype_build.h"
#include "core/object/err.h"
#include "core/object/op_table.h"
#include "provider/base/copy.h"
#include "provider/base/hot.h"

static struct op predefined[OP_KINDS];

static const struct {
    MPI_Op handle;
    const char *name;
} row[OP_KINDS] = {
    [OP_SUM] = {MPI_SUM, "MPI_SUM"},
    [OP_MIN] = {MPI_MIN, "MPI_MIN"},
    [OP_MAX] = {MPI_MAX, "MPI_MAX"},
    [OP_PROD] = {MPI_PROD, "MPI_PROD"},
    [OP_BAND] = {MPI_BAND, "MPI_BAND"},
    [OP_BOR] = {MPI_BOR, "MPI_BOR"},
    [OP_BXOR] = {MPI_BXOR, "MPI_BXOR"},
    [OP_LAND] = {MPI_LAND, "MPI_LAND"},
    [OP_LOR] = {MPI_LOR, "MPI_LOR"},
    [OP_LXOR] = {MPI_LXOR, "MPI_LXOR"},
    [OP_MINLOC] = {MPI_MINLOC, "MPI_MINLOC"},
    [OP_MAXLOC] = {MPI_MAXLOC, "MPI_MAXLOC"},
    [OP_REPLACE] = {MPI_REPLACE, "MPI_REPLACE"},
    [OP_NO_OP] = {MPI_NO_OP, "MPI_NO_OP"},
};

void op_open(void)
{
    for (int k = OP_USER + 1; k < OP_KINDS; k++) {
        predefined[k].kind = (enum op_kind)k;
        predefined[k].commutative = k != OP_REPLACE && k != OP_NO_OP;
        object_predefine(&predefined[k].object, OBJECT_OP, row[k].handle);
    }
}

static void release(struct object *o)
{
    object_close(o);
    free(o);
}

int op_create(MPI_User_function *f, MPI_User_function_c *f_c, bool commutative, struct op **op)
{
    struct op *o = calloc(1, sizeof *o);

    if (!o)
        return err_set(MPI_ERR_NO_MEM, "no memory for an operator");
    object_init(&o->object, OBJECT_OP, release);
    o->kind = OP_USER;
    o->commutative = commutative;
    o->user = f;
    o->user_c = f_c;
    *op = o;
    return MPI_SUCCESS;
}

static op_loop *find_loop(enum op_kind kind, enum basic basic)
{
    if (op_integer[kind][basic])
        return op_integer[kind][basic];
    if (op_float[kind][basic])
        return op_float[kind][basic];
    return op_pair[kind][basic];
}

int op_check(const struct op *op, const struct datatype *t)
{
    if (find_loop(op->kind, t->basic) || op->kind == OP_USER || op->kind == OP_REPLACE ||
        op->kind == OP_NO_OP)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_OP, "%s is not defined on %s (see MPI-5.0, 6.9.2)", row[op->kind].name,
                   t->predefined && t->name[0] ? t->name : "the elements of this derived datatype");
}

static void call_user(const struct op *op, const void *in, void *inout, MPI_Count count,
                      const struct datatype *t, MPI_Datatype handle)
{
    if (op->user_c) {
        op->user_c((void *)in, inout, &count, &handle);
        return;
    }
    while (count) {
        int n = count < INT_MAX ? (int)count : INT_MAX;
        op->user((void *)in, inout, &n, &handle);
        n = count < INT_MAX ? (int)count : INT_MAX; /* the function may have changed its own */
        in = type_at(in, n * t->extent);
        inout = type_at(inout, n * t->extent);
        count -= n;
    }
}

/* The program may have freed the type while the operation was under way: its function gets another
 * handle of the same. */
static void apply_user(const struct op *op, const void *in, void *inout, MPI_Count count,
                       struct datatype *t)
{
    /* Once: another thread may free it meanwhile. */
    MPI_Datatype handle = (MPI_Datatype)t->object.handle;
    struct datatype *again = NULL;

    if (!handle && !datatype_alias(t, &again) && !object_publish(&again->object))
        handle = (MPI_Datatype)again->object.handle;
    call_user(op, in, inout, count, t, handle);
    if (!again)
        return;
    object_retire(&again->object);
    object_drop(&again->object);
}

/* Runs the loop, or where that is NULL replaces, on each piece; both buffers have one layout. */
static void apply_pieces(op_loop *loop, const void *in, void *inout, MPI_Count count,
                         const struct datatype *t, MPI_Count element)
{
    struct type_iter i;
    struct iovec piece;

    type_iter_begin(&i, inout, count, t, 0);
    while (type_iter_next(&i, SIZE_MAX, &piece)) {
        const char *from = type_at(in, (char *)piece.iov_base - (char *)inout);
        if (loop)
            loop(from, piece.iov_base, (MPI_Count)piece.iov_len / element);
        else
            copy_bytes(piece.iov_base, from, piece.iov_len);
    }
}

/* Pairs that may have holes: two of one kind are one block. */
static const struct datatype *const pair_type[BASICS] = {
    [BASIC_FLOAT_INT] = &datatype_float_int,
    [BASIC_DOUBLE_INT] = &datatype_double_int,
    [BASIC_LONG_INT] = &datatype_long_int,
    [BASIC_SHORT_INT] = &datatype_short_int,
    [BASIC_LONG_DOUBLE_INT] = &datatype_long_double_int,
};

/* The pieces of such are no arrays of them: one by one, through the packed form. */
static void apply_pairs(op_loop *loop, const void *in, void *inout, MPI_Count count,
                        const struct datatype *t)
{
    const struct datatype *pair = pair_type[t->basic];
    size_t size = (size_t)pair->size, end = (size_t)(count * t->size);
    _Alignas(16) char packed[32], a[32] = {0}, b[32] = {0};

    for (size_t at = 0; at < end; at += size) {
        datatype_pack(in, count, t, at, packed, size);
        datatype_unpack(a, 1, pair, 0, packed, size);
        datatype_pack(inout, count, t, at, packed, size);
        datatype_unpack(b, 1, pair, 0, packed, size);
        loop(a, b, 1);
        datatype_pack(b, 1, pair, 0, packed, size);
        datatype_unpack(inout, count, t, at, packed, size);
    }
}

/* An array of the predefined pair itself, holes and all. */
static bool is_pair_array(const struct datatype *t)
{
    const struct datatype *p = pair_type[t->basic];

    return p && t->size == p->size && t->extent == p->extent && !t->shape.first &&
           t->shape.loop == p->shape.loop;
}

void op_apply(const struct op *op, const void *in, void *inout, MPI_Count count, struct datatype *t)
{
    op_loop *loop = find_loop(op->kind, t->basic);

    if (LIKELY(loop && t->contiguous))
        loop(datatype_address(in, t), datatype_address(inout, t), count * t->elements);
    else if (op->kind == OP_USER)
        apply_user(op, in, inout, count, t);
    else if (op->kind == OP_NO_OP || !t->size)
        return;
    else if (op->kind == OP_REPLACE)
        apply_pieces(NULL, in, inout, count, t, 1);
    else if (is_pair_array(t))
        loop(in, inout, count);
    else if (pair_type[t->basic])
        apply_pairs(loop, in, inout, count, t);
    else
        apply_pieces(loop, in, inout, count, t, t->size / t->elements);
}
