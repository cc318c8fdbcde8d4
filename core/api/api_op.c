/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators of the program's own (6.9.5); MPI_Reduce_local is in api_coll.c. */
#include "core/api/check.h"
#include "core/object/err.h"

static int create(MPI_User_function *f, MPI_User_function_c *f_c, int commute, MPI_Op *op,
                  const char *func)
{
    struct op *o = NULL;
    int rc = f || f_c ? check_out(op, "op") : check_bad_arg("user_fn", "is NULL");

    if (!rc)
        rc = op_create(f, f_c, commute, &o);
    if (!rc) {
        rc = object_publish(&o->object);
        if (rc)
            object_drop(&o->object);
    }
    if (rc)
        return api_fail(rc, func);
    *op = (MPI_Op)o->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Op_create)
int PMPI_Op_create(MPI_User_function *user_fn, int commute, MPI_Op *op)
{
    return create(user_fn, NULL, commute, op, __func__);
}

MPI_EXPORT(Op_create_c)
int PMPI_Op_create_c(MPI_User_function_c *user_fn, int commute, MPI_Op *op)
{
    return create(NULL, user_fn, commute, op, __func__);
}

static int check_op(MPI_Op op, struct op **out)
{
    struct op *o = op_find(op);

    if (!o)
        return check_bad_op(op);
    *out = o;
    return MPI_SUCCESS;
}

MPI_EXPORT(Op_free)
int PMPI_Op_free(MPI_Op *op)
{
    struct op *o = NULL;
    int rc = check_out(op, "op");

    if (!rc)
        rc = check_op(*op, &o);
    if (!rc && !op_is_user(o))
        rc = err_set(MPI_ERR_OP, "a predefined operator cannot be freed");
    if (rc)
        return api_fail(rc, __func__);
    object_retire(&o->object);
    object_drop(&o->object);
    *op = MPI_OP_NULL;
    return MPI_SUCCESS;
}

MPI_EXPORT(Op_commutative)
int PMPI_Op_commutative(MPI_Op op, int *commute)
{
    struct op *o = NULL;
    int rc = check_op(op, &o);

    if (!rc)
        rc = check_out(commute, "commute");
    if (rc)
        return api_fail(rc, __func__);
    *commute = o->commutative;
    return MPI_SUCCESS;
}
