/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing by hand (5.2, 5.3). The packed form has no header, so that its size is that of the data.
 */
#include <limits.h>
#include <string.h>

#include "core/api/check.h"
#include "core/object/datatype_build.h"
#include "core/object/datatype_external.h"
#include "core/object/err.h"

/* `bytes` more of the packed form at `buf`, of which `size` are there. */
static int check_room(MPI_Count bytes, const void *buf, const MPI_Count *position, MPI_Count size,
                      const char *which)
{
    int rc = check_out(position, "position");

    if (!rc && *position < 0)
        rc = check_bad_arg("position", "is negative");
    if (!rc && bytes)
        rc = check_out(buf, which);
    if (rc || (*position <= size && bytes <= size - *position))
        return rc;
    return err_set(MPI_ERR_TRUNCATE, "%lld bytes do not fit %s of %lld bytes at position %lld",
                   (long long)bytes, which, (long long)size, (long long)*position);
}

static int check_product(MPI_Count count, MPI_Count size, MPI_Count *bytes)
{
    if (!__builtin_mul_overflow(count, size, bytes))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_COUNT, "%lld items of %lld bytes are more than 2^63 bytes",
                   (long long)count, (long long)size);
}

static int check_datarep(const char *datarep)
{
    if (datarep && !strcmp(datarep, "external32"))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_ARG, "datarep is \"%s\": only \"external32\" is external",
                   datarep ? datarep : "(null)");
}

/* Like check_type, but for a type whose items have a size. */
static int check_sized(MPI_Count count, MPI_Datatype datatype, struct datatype **t)
{
    int rc = count < 0 ? check_bad_count(count) : check_type(datatype, t);

    return rc ? rc : type_usable(*t);
}

MPI_EXPORT(Pack_c)
int PMPI_Pack_c(const void *inbuf, MPI_Count incount, MPI_Datatype datatype, void *outbuf,
                MPI_Count outsize, MPI_Count *position, MPI_Comm comm)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_buffer(inbuf, incount, datatype, &t);
    if (!rc)
        rc = check_product(incount, t->size, &bytes);
    if (!rc)
        rc = check_room(bytes, outbuf, position, outsize, "outbuf");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    if (bytes)
        datatype_pack(inbuf, incount, t, 0, (char *)outbuf + *position, (size_t)bytes);
    *position += bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Pack)
int PMPI_Pack(const void *inbuf, int incount, MPI_Datatype datatype, void *outbuf, int outsize,
              int *position, MPI_Comm comm)
{
    MPI_Count at = position ? *position : 0;
    int rc = PMPI_Pack_c(inbuf, incount, datatype, outbuf, outsize, position ? &at : NULL, comm);

    if (!rc)
        *position = (int)at;
    return rc;
}

MPI_EXPORT(Unpack_c)
int PMPI_Unpack_c(const void *inbuf, MPI_Count insize, MPI_Count *position, void *outbuf,
                  MPI_Count outcount, MPI_Datatype datatype, MPI_Comm comm)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_buffer(outbuf, outcount, datatype, &t);
    if (!rc)
        rc = check_product(outcount, t->size, &bytes);
    if (!rc)
        rc = check_room(bytes, inbuf, position, insize, "inbuf");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    if (bytes)
        datatype_unpack(outbuf, outcount, t, 0, (const char *)inbuf + *position, (size_t)bytes);
    *position += bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Unpack)
int PMPI_Unpack(const void *inbuf, int insize, int *position, void *outbuf, int outcount,
                MPI_Datatype datatype, MPI_Comm comm)
{
    MPI_Count at = position ? *position : 0;
    int rc = PMPI_Unpack_c(inbuf, insize, position ? &at : NULL, outbuf, outcount, datatype, comm);

    if (!rc)
        *position = (int)at;
    return rc;
}

MPI_EXPORT(Pack_size_c)
int PMPI_Pack_size_c(MPI_Count incount, MPI_Datatype datatype, MPI_Comm comm, MPI_Count *size)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_sized(incount, datatype, &t);
    if (!rc)
        rc = check_product(incount, t->size, &bytes);
    if (!rc)
        rc = check_out(size, "size");
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *size = bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Pack_size)
int PMPI_Pack_size(int incount, MPI_Datatype datatype, MPI_Comm comm, int *size)
{
    MPI_Count bytes = 0;
    int rc = PMPI_Pack_size_c(incount, datatype, comm, size ? &bytes : NULL);

    if (!rc)
        *size = bytes > INT_MAX ? MPI_UNDEFINED : (int)bytes;
    return rc;
}

/* ---- external32 ---- */

static int check_external(const char *datarep, const void *buf, MPI_Count count,
                          MPI_Datatype datatype, struct datatype **t, MPI_Count *bytes)
{
    int rc = check_datarep(datarep);

    if (!rc)
        rc = check_buffer(buf, count, datatype, t);
    if (!rc)
        rc = check_product(count, datatype_external_size(*t), bytes);
    return rc;
}

MPI_EXPORT(Pack_external_c)
int PMPI_Pack_external_c(const char *datarep, const void *inbuf, MPI_Count incount,
                         MPI_Datatype datatype, void *outbuf, MPI_Count outsize,
                         MPI_Count *position)
{
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_external(datarep, inbuf, incount, datatype, &t, &bytes);

    if (!rc)
        rc = check_room(bytes, outbuf, position, outsize, "outbuf");
    if (!rc && bytes)
        rc = datatype_external_pack(inbuf, incount, t, (char *)outbuf + *position);
    if (rc)
        return api_fail(rc, __func__);
    *position += bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Pack_external)
int PMPI_Pack_external(const char *datarep, const void *inbuf, int incount, MPI_Datatype datatype,
                       void *outbuf, MPI_Aint outsize, MPI_Aint *position)
{
    return PMPI_Pack_external_c(datarep, inbuf, incount, datatype, outbuf, outsize,
                                (MPI_Count *)position);
}

MPI_EXPORT(Unpack_external_c)
int PMPI_Unpack_external_c(const char *datarep, const void *inbuf, MPI_Count insize,
                           MPI_Count *position, void *outbuf, MPI_Count outcount,
                           MPI_Datatype datatype)
{
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_external(datarep, outbuf, outcount, datatype, &t, &bytes);

    if (!rc)
        rc = check_room(bytes, inbuf, position, insize, "inbuf");
    if (!rc && bytes)
        rc = datatype_external_unpack(outbuf, outcount, t, (const char *)inbuf + *position);
    if (rc)
        return api_fail(rc, __func__);
    *position += bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Unpack_external)
int PMPI_Unpack_external(const char *datarep, const void *inbuf, MPI_Aint insize,
                         MPI_Aint *position, void *outbuf, int outcount, MPI_Datatype datatype)
{
    return PMPI_Unpack_external_c(datarep, inbuf, insize, (MPI_Count *)position, outbuf, outcount,
                                  datatype);
}

MPI_EXPORT(Pack_external_size_c)
int PMPI_Pack_external_size_c(const char *datarep, MPI_Count incount, MPI_Datatype datatype,
                              MPI_Count *size)
{
    struct datatype *t = NULL;
    MPI_Count bytes = 0;
    int rc = check_datarep(datarep);

    if (!rc)
        rc = check_sized(incount, datatype, &t);
    if (!rc)
        rc = check_product(incount, datatype_external_size(t), &bytes);
    if (!rc)
        rc = check_out(size, "size");
    if (rc)
        return api_fail(rc, __func__);
    *size = bytes;
    return MPI_SUCCESS;
}

MPI_EXPORT(Pack_external_size)
int PMPI_Pack_external_size(const char *datarep, int incount, MPI_Datatype datatype, MPI_Aint *size)
{
    return PMPI_Pack_external_size_c(datarep, incount, datatype, (MPI_Count *)size);
}
