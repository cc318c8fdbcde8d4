/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operators for reductions and accumulations (6.9): predefined ones with a table of functions by
 * basic kind, and functions of the program.
 */
#ifndef ORIEL_OBJECT_OP_H
#define ORIEL_OBJECT_OP_H

#include "core/object/datatype.h"

enum op_kind {
    OP_USER,
    OP_SUM,
    OP_MIN,
    OP_MAX,
    OP_PROD,
    OP_BAND,
    OP_BOR,
    OP_BXOR,
    OP_LAND,
    OP_LOR,
    OP_LXOR,
    OP_MINLOC,
    OP_MAXLOC,
    OP_REPLACE,
    OP_NO_OP,
    OP_KINDS
};

struct op {
    struct object object;
    enum op_kind kind;
    bool commutative;
    MPI_User_function *user; /* OP_USER: one of the two */
    MPI_User_function_c *user_c;
};

static inline struct op *op_find(MPI_Op handle)
{
    return (struct op *)object_find(OBJECT_OP, handle);
}

void op_open(void);
int op_create(MPI_User_function *f, MPI_User_function_c *f_c, bool commutative, struct op **op);
/* Whether the operator is defined on the type (6.9.2): MPI_SUCCESS, or MPI_ERR_OP with detail. */
int op_check(const struct op *op, const struct datatype *t);
/*
 * inout = in op inout, element by element, `count` items of `t`. A user's function is called with
 * no lock of the library's held: the caller sees to it (op_is_user).
 */
void op_apply(const struct op *op, const void *in, void *inout, MPI_Count count,
              struct datatype *t);

static inline bool op_is_user(const struct op *op)
{
    return op->kind == OP_USER;
}

#endif
