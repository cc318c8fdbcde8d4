/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment (9): versions, names, clocks, memory, addresses, error classes and codes. */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/object/hints.h"
#include "core/object/info.h"
#include "provider/boot/hardware.h"

/* ---- Versions and names: any time ---- */

MPI_EXPORT(Get_version)
int PMPI_Get_version(int *version, int *subversion)
{
    int rc = check_out(version, "version");

    if (!rc)
        rc = check_out(subversion, "subversion");
    if (rc)
        return api_fail(rc, __func__);
    *version = MPI_VERSION;
    *subversion = MPI_SUBVERSION;
    return MPI_SUCCESS;
}

MPI_EXPORT(Get_library_version)
int PMPI_Get_library_version(char *version, int *resultlen)
{
    static const char text[] = "Oriel " PACKAGE_VERSION ", MPI 5.0, standard ABI 1.0";
    int rc = check_out(version, "version");

    if (!rc)
        rc = check_out(resultlen, "resultlen");
    if (rc)
        return api_fail(rc, __func__);
    memcpy(version, text, sizeof(text));
    *resultlen = sizeof(text) - 1;
    return MPI_SUCCESS;
}

MPI_EXPORT(Get_processor_name)
int PMPI_Get_processor_name(char *name, int *resultlen)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(name, "name");
    if (!rc)
        rc = check_out(resultlen, "resultlen");
    if (!rc && gethostname(name, MPI_MAX_PROCESSOR_NAME))
        rc = err_from_errno(-errno, "gethostname");
    if (rc)
        return api_fail(rc, __func__);
    name[MPI_MAX_PROCESSOR_NAME - 1] = '\0';
    *resultlen = (int)strlen(name);
    return MPI_SUCCESS;
}

/* ---- Hardware (9.1.2) ---- */

/* For each kind that this host has, whether this process runs on one instance of it alone. */
static int describe_hardware(struct info *i)
{
    int rc = MPI_SUCCESS;

    for (int kind = 0; kind < hardware_kinds() && !rc; kind++)
        rc = info_set(i, hardware_name(kind), hardware_instance(kind) >= 0 ? "true" : "false");
    return rc;
}

MPI_EXPORT(Get_hw_resource_info)
int PMPI_Get_hw_resource_info(MPI_Info *hw_info)
{
    struct info *i = NULL;
    int rc = check_running();

    if (!rc)
        rc = check_out(hw_info, "hw_info");
    if (!rc)
        rc = info_new(&i);
    if (!rc)
        rc = describe_hardware(i);
    if (!rc)
        rc = object_publish(&i->object);
    if (rc) {
        if (i)
            object_drop(&i->object);
        return api_fail(rc, __func__);
    }
    *hw_info = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

/* ---- Clocks (9.6): the same origin for all processes of a host ---- */

MPI_EXPORT(Wtime)
double PMPI_Wtime(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

MPI_EXPORT(Wtick)
double PMPI_Wtick(void)
{
    struct timespec t;

    clock_getres(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* For profilers, which put their own in front of it (15.2.4). */
MPI_EXPORT(Pcontrol)
int PMPI_Pcontrol(const int level, ...)
{
    (void)level;
    return MPI_SUCCESS;
}

/* ---- Memory and addresses ---- */

MPI_EXPORT(Alloc_mem)
int PMPI_Alloc_mem(MPI_Aint size, MPI_Info info, void *baseptr)
{
    struct info *i = NULL;
    void *memory = NULL;
    int rc = check_running();

    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = check_out(baseptr, "baseptr");
    if (!rc && size < 0)
        rc = err_set(MPI_ERR_ARG, "size %lld is negative", (long long)size);
    if (!rc && posix_memalign(&memory, hint_alignment(i), size ? size : 1))
        rc = err_set(MPI_ERR_NO_MEM, "%lld bytes", (long long)size);
    if (rc)
        return api_fail(rc, __func__);
    *(void **)baseptr = memory;
    return MPI_SUCCESS;
}

MPI_EXPORT(Free_mem)
int PMPI_Free_mem(void *base)
{
    free(base);
    return MPI_SUCCESS;
}

MPI_EXPORT(Get_address)
int PMPI_Get_address(const void *location, MPI_Aint *address)
{
    int rc = check_out(address, "address");

    if (rc)
        return api_fail(rc, __func__);
    *address = (MPI_Aint)location;
    return MPI_SUCCESS;
}

/* Addresses are added as unsigned numbers: MPI_BOTTOM plus one beyond 2^63 is no overflow. */
MPI_EXPORT(Aint_add)
MPI_Aint PMPI_Aint_add(MPI_Aint base, MPI_Aint disp)
{
    return (MPI_Aint)((uintptr_t)base + (uintptr_t)disp);
}

MPI_EXPORT(Aint_diff)
MPI_Aint PMPI_Aint_diff(MPI_Aint addr1, MPI_Aint addr2)
{
    return (MPI_Aint)((uintptr_t)addr1 - (uintptr_t)addr2);
}

/* ---- Error classes, codes and strings (9.4, 9.5): any time ---- */

MPI_EXPORT(Error_class)
int PMPI_Error_class(int errorcode, int *errorclass)
{
    int class = err_class(errorcode);
    int rc = check_out(errorclass, "errorclass");

    if (!rc && class < 0)
        rc = err_set(MPI_ERR_ARG, "%d is no error code", errorcode);
    if (rc)
        return api_fail(rc, __func__);
    *errorclass = class;
    return MPI_SUCCESS;
}

/* With the detail, where this thread's last error was of that class. */
MPI_EXPORT(Error_string)
int PMPI_Error_string(int errorcode, char *string, int *resultlen)
{
    int rc = check_out(string, "string");

    if (!rc)
        rc = check_out(resultlen, "resultlen");
    const char *sentence = err_sentence(errorcode);
    if (!rc && !sentence)
        rc = err_set(MPI_ERR_ARG, "%d is no error code", errorcode);
    if (rc)
        return api_fail(rc, __func__);
    const char *detail = err_detail(errorcode);
    snprintf(string, MPI_MAX_ERROR_STRING, "%s%s%s", sentence, detail ? ": " : "",
             detail ? detail : "");
    *resultlen = (int)strlen(string);
    return MPI_SUCCESS;
}

MPI_EXPORT(Add_error_class)
int PMPI_Add_error_class(int *errorclass)
{
    int class, rc = check_out(errorclass, "errorclass");

    if (!rc)
        rc = err_add_class(&class);
    if (rc)
        return api_fail(rc, __func__);
    *errorclass = class;
    return MPI_SUCCESS;
}

MPI_EXPORT(Add_error_code)
int PMPI_Add_error_code(int errorclass, int *errorcode)
{
    int code, rc = check_out(errorcode, "errorcode");

    if (!rc)
        rc = err_add_code(errorclass, &code);
    if (rc)
        return api_fail(rc, __func__);
    *errorcode = code;
    return MPI_SUCCESS;
}

MPI_EXPORT(Add_error_string)
int PMPI_Add_error_string(int errorcode, const char *string)
{
    int rc = check_out(string, "string");

    if (!rc)
        rc = err_add_string(errorcode, string);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Remove_error_class)
int PMPI_Remove_error_class(int errorclass)
{
    int rc = err_remove_class(errorclass);

    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Remove_error_code)
int PMPI_Remove_error_code(int errorcode)
{
    int rc = err_remove_code(errorcode);

    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Remove_error_string)
int PMPI_Remove_error_string(int errorcode)
{
    int rc = err_remove_string(errorcode);

    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}
