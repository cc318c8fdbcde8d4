/* SPDX-License-Identifier: BSD-3-Clause */
/* A datatype's life and name: 5.1.9, 7.8. */
#include <string.h>

#include "core/api/check.h"
#include "core/object/err.h"

static int check_handle(const MPI_Datatype *datatype, struct datatype **t)
{
    int rc = check_out(datatype, "datatype");

    return rc ? rc : check_type(*datatype, t);
}

MPI_EXPORT(Type_commit)
int PMPI_Type_commit(MPI_Datatype *datatype)
{
    struct datatype *t = NULL;
    int rc = check_handle(datatype, &t);

    if (!rc)
        rc = datatype_commit(t);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Type_free)
int PMPI_Type_free(MPI_Datatype *datatype)
{
    struct datatype *t = NULL;
    int rc = check_handle(datatype, &t);

    if (!rc && t->predefined)
        rc = err_set(MPI_ERR_TYPE, "a predefined datatype cannot be freed");
    if (!rc)
        rc = attr_delete_all(&t->attrs, OBJECT_DATATYPE, *datatype);
    if (rc)
        return api_fail(rc, __func__);
    object_retire(&t->object);
    object_drop(&t->object);
    *datatype = MPI_DATATYPE_NULL;
    return MPI_SUCCESS;
}

static int dup_attributed(struct datatype *old, struct datatype **type)
{
    struct datatype *t = NULL;
    int rc = datatype_dup(old, &t);

    if (rc)
        return rc;
    rc = object_publish(&t->object);
    if (rc)
        goto drop;
    rc = attr_copy_all(&old->attrs, OBJECT_DATATYPE, (void *)old->object.handle, &t->attrs);
    if (rc)
        goto retire;
    *type = t;
    return MPI_SUCCESS;
retire:
    attr_clear(&t->attrs, (void *)t->object.handle);
    object_retire(&t->object);
drop:
    object_drop(&t->object);
    return rc;
}

MPI_EXPORT(Type_dup)
int PMPI_Type_dup(MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_type(oldtype, &old);

    if (!rc)
        rc = check_out(newtype, "newtype");
    if (!rc)
        rc = dup_attributed(old, &t);
    if (rc) {
        if (newtype)
            *newtype = MPI_DATATYPE_NULL; /* no handle that the program might free */
        return api_fail(rc, __func__);
    }
    *newtype = (MPI_Datatype)t->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_set_name)
int PMPI_Type_set_name(MPI_Datatype datatype, const char *type_name)
{
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_out(type_name, "type_name");
    if (rc)
        return api_fail(rc, __func__);
    size_t n = strnlen(type_name, MPI_MAX_OBJECT_NAME - 1);
    memmove(t->name, type_name, n);
    t->name[n] = 0;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_get_name)
int PMPI_Type_get_name(MPI_Datatype datatype, char *type_name, int *resultlen)
{
    struct datatype *t = NULL;
    /* The null handle has a name too (7.8). */
    int rc = datatype == MPI_DATATYPE_NULL ? MPI_SUCCESS : check_type(datatype, &t);

    if (!rc)
        rc = check_out(type_name, "type_name");
    if (!rc)
        rc = check_out(resultlen, "resultlen");
    if (rc)
        return api_fail(rc, __func__);
    const char *name = t ? t->name : "MPI_DATATYPE_NULL";
    size_t n = strlen(name);
    memcpy(type_name, name, n + 1);
    *resultlen = (int)n;
    return MPI_SUCCESS;
}
