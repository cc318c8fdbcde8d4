/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ABI about itself (20): any time. What a Fortran compiler calls LOGICAL and how it spells
 * .TRUE. is unknown to a C library until the Fortran bindings say it, once.
 */
#include <string.h>

#include "core/api/check.h"
#include "core/object/err.h"

enum { LOGICAL_BYTES = 16 };

static struct {
    struct lock lock;
    struct info *info; /* NULL until set */
    int logical_size;  /* bytes; 0 until set */
    unsigned char logical_true[LOGICAL_BYTES], logical_false[LOGICAL_BYTES];
} fortran;

MPI_EXPORT(Abi_get_version)
int PMPI_Abi_get_version(int *abi_major, int *abi_minor)
{
    int rc = check_out(abi_major, "abi_major");

    if (!rc)
        rc = check_out(abi_minor, "abi_minor");
    if (rc)
        return api_fail(rc, __func__);
    *abi_major = MPI_ABI_VERSION;
    *abi_minor = MPI_ABI_SUBVERSION;
    return MPI_SUCCESS;
}

/* Gives the info its handle, or ends it. */
static int publish(struct info *i, MPI_Info *info)
{
    int rc = object_publish(&i->object);

    if (rc) {
        object_drop(&i->object);
        return rc;
    }
    *info = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

static int set_sizes(struct info *i)
{
    _Static_assert(sizeof(MPI_Aint) == 8 && sizeof(MPI_Count) == 8 && sizeof(MPI_Offset) == 8,
                   "the sizes below");
    static const char *const keys[] = {"mpi_aint_size", "mpi_count_size", "mpi_offset_size"};
    int rc = MPI_SUCCESS;

    for (unsigned k = 0; k < sizeof(keys) / sizeof(keys[0]) && !rc; k++)
        rc = info_set(i, keys[k], "8");
    return rc;
}

MPI_EXPORT(Abi_get_info)
int PMPI_Abi_get_info(MPI_Info *info)
{
    struct info *i;
    int rc = check_out(info, "info");

    if (!rc)
        rc = info_new(&i);
    if (rc)
        return api_fail(rc, __func__);
    rc = set_sizes(i);
    if (rc)
        object_drop(&i->object);
    else
        rc = publish(i, info);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Abi_set_fortran_info)
int PMPI_Abi_set_fortran_info(MPI_Info info)
{
    struct info *i = NULL, *copy = NULL;
    int rc = check_info(info, &i);

    if (!rc)
        rc = info_dup(i, &copy);
    if (rc)
        return api_fail(rc, __func__);
    lock_take(&fortran.lock);
    rc = fortran.info ? err_set(MPI_ERR_ABI, "Fortran's types have been set already")
                      : datatype_set_fortran(copy);
    if (!rc)
        fortran.info = copy;
    lock_drop(&fortran.lock);
    if (!rc)
        return MPI_SUCCESS;
    object_drop(&copy->object);
    return api_fail(rc, __func__);
}

MPI_EXPORT(Abi_get_fortran_info)
int PMPI_Abi_get_fortran_info(MPI_Info *info)
{
    struct info *copy;
    int rc = check_out(info, "info");

    if (rc)
        return api_fail(rc, __func__);
    lock_take(&fortran.lock);
    struct info *i = fortran.info; /* never changes once it is there */
    lock_drop(&fortran.lock);
    if (!i) {
        *info = MPI_INFO_NULL;
        return MPI_SUCCESS;
    }
    rc = info_dup(i, &copy);
    if (!rc)
        rc = publish(copy, info);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

static int check_logical(int size, const void *logical_true, const void *logical_false)
{
    if (size < 1 || size > LOGICAL_BYTES || (size & (size - 1)))
        return err_set(MPI_ERR_ABI, "a LOGICAL of %d bytes; 1, 2, 4, 8 and 16 are possible", size);
    int rc = check_out(logical_true, "logical_true");
    return rc ? rc : check_out(logical_false, "logical_false");
}

MPI_EXPORT(Abi_set_fortran_booleans)
int PMPI_Abi_set_fortran_booleans(int logical_size, void *logical_true, void *logical_false)
{
    int rc = check_logical(logical_size, logical_true, logical_false);

    if (rc)
        return api_fail(rc, __func__);
    lock_take(&fortran.lock);
    bool first = !fortran.logical_size;
    if (first) {
        fortran.logical_size = logical_size;
        memcpy(fortran.logical_true, logical_true, logical_size);
        memcpy(fortran.logical_false, logical_false, logical_size);
    }
    lock_drop(&fortran.lock);
    if (first)
        return MPI_SUCCESS;
    return api_fail(err_set(MPI_ERR_ABI, "Fortran's booleans have been set already"), __func__);
}

MPI_EXPORT(Abi_get_fortran_booleans)
int PMPI_Abi_get_fortran_booleans(int logical_size, void *logical_true, void *logical_false,
                                  int *is_set)
{
    int rc = check_logical(logical_size, logical_true, logical_false);

    if (!rc)
        rc = check_out(is_set, "is_set");
    if (rc)
        return api_fail(rc, __func__);
    lock_take(&fortran.lock);
    int size = fortran.logical_size;
    if (size == logical_size) {
        memcpy(logical_true, fortran.logical_true, size);
        memcpy(logical_false, fortran.logical_false, size);
    }
    lock_drop(&fortran.lock);
    if (size && size != logical_size)
        return api_fail(
            err_set(MPI_ERR_ABI, "Fortran's LOGICAL has %d bytes, not %d", size, logical_size),
            __func__);
    *is_set = size != 0;
    return MPI_SUCCESS;
}
