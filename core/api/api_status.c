/* SPDX-License-Identifier: BSD-3-Clause */
/* What a status says, and what a program may make it say (3.2.5, 13.3). */
#include "core/api/check.h"
#include "core/object/datatype_contents.h"
#include "core/object/err.h"
#include "core/object/status.h"

static int check_status(const MPI_Status *status)
{
    return status ? MPI_SUCCESS : check_bad_arg("status", "is MPI_STATUS_IGNORE");
}

static int status_get(const MPI_Status *status, size_t field, int *value, const char *name,
                      const char *func)
{
    int rc = check_status(status);

    if (!rc)
        rc = check_out(value, name);
    if (rc)
        return api_fail(rc, func);
    *value = *(const int *)((const char *)status + field);
    return MPI_SUCCESS;
}

static int status_put(MPI_Status *status, size_t field, int value, const char *func)
{
    int rc = check_status(status);

    if (rc)
        return api_fail(rc, func);
    *(int *)((char *)status + field) = value;
    return MPI_SUCCESS;
}

MPI_EXPORT(Status_get_source)
int PMPI_Status_get_source(const MPI_Status *status, int *source)
{
    return status_get(status, offsetof(MPI_Status, MPI_SOURCE), source, "source", __func__);
}

MPI_EXPORT(Status_get_tag)
int PMPI_Status_get_tag(const MPI_Status *status, int *tag)
{
    return status_get(status, offsetof(MPI_Status, MPI_TAG), tag, "tag", __func__);
}

MPI_EXPORT(Status_get_error)
int PMPI_Status_get_error(const MPI_Status *status, int *error)
{
    return status_get(status, offsetof(MPI_Status, MPI_ERROR), error, "error", __func__);
}

MPI_EXPORT(Status_set_source)
int PMPI_Status_set_source(MPI_Status *status, int source)
{
    return status_put(status, offsetof(MPI_Status, MPI_SOURCE), source, __func__);
}

MPI_EXPORT(Status_set_tag)
int PMPI_Status_set_tag(MPI_Status *status, int tag)
{
    return status_put(status, offsetof(MPI_Status, MPI_TAG), tag, __func__);
}

MPI_EXPORT(Status_set_error)
int PMPI_Status_set_error(MPI_Status *status, int error)
{
    return status_put(status, offsetof(MPI_Status, MPI_ERROR), error, __func__);
}

MPI_EXPORT(Test_cancelled)
int PMPI_Test_cancelled(const MPI_Status *status, int *flag)
{
    int rc = check_status(status);

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = status_cancelled(status);
    return MPI_SUCCESS;
}

MPI_EXPORT(Status_set_cancelled)
int PMPI_Status_set_cancelled(MPI_Status *status, int flag)
{
    int rc = check_status(status);

    if (rc)
        return api_fail(rc, __func__);
    status_set_cancelled(status, flag);
    return MPI_SUCCESS;
}

MPI_EXPORT(Status_set_elements_c)
int PMPI_Status_set_elements_c(MPI_Status *status, MPI_Datatype datatype, MPI_Count count)
{
    struct datatype *t = NULL;
    int rc = check_status(status);

    if (!rc)
        rc = check_type(datatype, &t);
    if (!rc && count < 0)
        rc = check_bad_count(count);
    MPI_Count bytes = rc ? 0 : type_element_bytes(t, count);
    if (bytes == MPI_UNDEFINED)
        rc = err_set(MPI_ERR_COUNT, "%lld elements are more than 2^63 bytes", (long long)count);
    if (rc)
        return api_fail(rc, __func__);
    status_set_bytes(status, (uint64_t)bytes);
    return MPI_SUCCESS;
}
MPI_SMALL(Status_set_elements, (MPI_Status * status, MPI_Datatype datatype, int count),
          (status, datatype, count))

MPI_EXPORT(Status_set_elements_x)
int PMPI_Status_set_elements_x(MPI_Status *status, MPI_Datatype datatype, MPI_Count count)
{
    return PMPI_Status_set_elements_c(status, datatype, count);
}
