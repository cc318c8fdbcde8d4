/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: opening and closing them, their size and hints, consistency (14.2, 14.6). */
#include "core/api/check_file.h"
#include "core/object/err.h"

/* ---- Life ---- */

/* Errors of a file that is not open yet go to the handler of MPI_FILE_NULL (14.7). */
MPI_EXPORT(File_open)
int PMPI_File_open(MPI_Comm comm, const char *filename, int amode, MPI_Info info, MPI_File *fh)
{
    struct comm *c = NULL;
    struct info *i = NULL;
    struct file *f;
    int rc = check_comm(comm, &c);

    if (!rc && comm_is_inter(c))
        rc = err_set(MPI_ERR_COMM, "a file needs an intracommunicator");
    if (!rc)
        rc = check_out(filename, "filename");
    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = check_out(fh, "fh");
    if (!rc)
        rc = file_open(c, filename, amode, i, &f);
    if (rc)
        return api_fail_file(NULL, rc, __func__);
    errhandler_copy(&f->errhandler, &api_file_errhandler);
    *fh = (MPI_File)f->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(File_close)
int PMPI_File_close(MPI_File *fh)
{
    struct file *f = NULL;
    bool gone = false;
    int rc = check_out(fh, "fh");

    if (!rc)
        rc = check_file(*fh, &f);
    if (!rc)
        rc = file_close(f, &gone);
    if (gone)
        *fh = MPI_FILE_NULL;
    return rc ? api_fail_file(gone ? NULL : f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_delete)
int PMPI_File_delete(const char *filename, MPI_Info info)
{
    struct info *i = NULL;
    int rc = check_running();

    if (!rc)
        rc = check_out(filename, "filename");
    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = file_delete(filename);
    return rc ? api_fail_file(NULL, rc, __func__) : MPI_SUCCESS;
}

/* ---- Size ---- */

MPI_EXPORT(File_set_size)
int PMPI_File_set_size(MPI_File fh, MPI_Offset size)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_set_size(f, size);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_preallocate)
int PMPI_File_preallocate(MPI_File fh, MPI_Offset size)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_preallocate(f, size);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_size)
int PMPI_File_get_size(MPI_File fh, MPI_Offset *size)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(size, "size");
    if (!rc)
        rc = file_get_size(f, size);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

/* ---- What a file is ---- */

MPI_EXPORT(File_get_amode)
int PMPI_File_get_amode(MPI_File fh, int *amode)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(amode, "amode");
    if (rc)
        return api_fail_file(f, rc, __func__);
    *amode = f->amode;
    return MPI_SUCCESS;
}

MPI_EXPORT(File_get_group)
int PMPI_File_get_group(MPI_File fh, MPI_Group *group)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(group, "group");
    if (!rc)
        rc = api_give_group(f->comm, false, group);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_set_info)
int PMPI_File_set_info(MPI_File fh, MPI_Info info)
{
    struct file *f = NULL;
    struct info *i = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = file_set_info(f, i);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_info)
int PMPI_File_get_info(MPI_File fh, MPI_Info *info_used)
{
    struct file *f = NULL;
    struct info *i = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(info_used, "info_used");
    if (!rc)
        rc = file_get_info(f, &i);
    if (!rc)
        rc = object_publish(&i->object);
    if (rc)
        return api_fail_file(f, rc, __func__);
    *info_used = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

/* ---- Consistency ---- */

MPI_EXPORT(File_set_atomicity)
int PMPI_File_set_atomicity(MPI_File fh, int flag)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_set_atomicity(f, flag);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_atomicity)
int PMPI_File_get_atomicity(MPI_File fh, int *flag)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail_file(f, rc, __func__);
    *flag = f->atomic;
    return MPI_SUCCESS;
}

MPI_EXPORT(File_sync)
int PMPI_File_sync(MPI_File fh)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_sync(f);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}
