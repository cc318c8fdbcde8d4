/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: views, pointers and data representations (14.3, 14.4, 14.5). */
#include <limits.h>
#include <string.h>

#include "core/api/check_file.h"
#include "core/object/datatype_build.h"
#include "core/object/err.h"

/* ---- Views ---- */

static int check_committed(MPI_Datatype datatype, struct datatype **t)
{
    int rc = check_type(datatype, t);

    return !rc && !(*t)->committed ? check_uncommitted(*t) : rc;
}

MPI_EXPORT(File_set_view)
int PMPI_File_set_view(MPI_File fh, MPI_Offset disp, MPI_Datatype etype, MPI_Datatype filetype,
                       const char *datarep, MPI_Info info)
{
    struct file *f = NULL;
    struct datatype *e = NULL, *t = NULL;
    struct info *i = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_committed(etype, &e);
    if (!rc)
        rc = check_committed(filetype, &t);
    if (!rc)
        rc = check_out(datarep, "datarep");
    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = file_set_view(f, disp, e, t, datarep, i);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

/* A handle for the program: a predefined type's own, else a new one, which it frees. */
static int give_type(struct datatype *t, MPI_Datatype *handle)
{
    int rc = MPI_SUCCESS;

    if (!t->predefined) {
        rc = datatype_alias(t, &t);
        if (!rc) {
            rc = object_publish(&t->object);
            if (rc)
                object_drop(&t->object);
        }
    }
    if (!rc)
        *handle = (MPI_Datatype)t->object.handle;
    return rc;
}

MPI_EXPORT(File_get_view)
int PMPI_File_get_view(MPI_File fh, MPI_Offset *disp, MPI_Datatype *etype, MPI_Datatype *filetype,
                       char *datarep)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(disp, "disp");
    if (!rc)
        rc = check_out(etype, "etype");
    if (!rc)
        rc = check_out(filetype, "filetype");
    if (!rc)
        rc = check_out(datarep, "datarep");
    if (!rc)
        rc = give_type(f->view.etype, etype);
    if (!rc) {
        rc = give_type(f->view.filetype, filetype);
        if (rc && !f->view.etype->predefined)
            PMPI_Type_free(etype);
    }
    if (rc)
        return api_fail_file(f, rc, __func__);
    *disp = f->view.disp;
    strcpy(datarep, file_datarep_name(&f->view));
    return MPI_SUCCESS;
}

static int type_extent(MPI_File fh, MPI_Datatype datatype, struct file **f, MPI_Count *extent)
{
    struct datatype *t = NULL;
    int rc = check_file(fh, f);

    if (!rc)
        rc = check_type(datatype, &t);
    return rc ? rc : file_type_extent(*f, t, extent);
}

MPI_EXPORT(File_get_type_extent_c)
int PMPI_File_get_type_extent_c(MPI_File fh, MPI_Datatype datatype, MPI_Count *extent)
{
    struct file *f = NULL;
    int rc = check_out(extent, "extent");

    if (!rc)
        rc = type_extent(fh, datatype, &f, extent);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_type_extent)
int PMPI_File_get_type_extent(MPI_File fh, MPI_Datatype datatype, MPI_Aint *extent)
{
    struct file *f = NULL;
    MPI_Count large;
    int rc = check_out(extent, "extent");

    if (!rc)
        rc = type_extent(fh, datatype, &f, &large);
    if (rc)
        return api_fail_file(f, rc, __func__);
    *extent = (MPI_Aint)large;
    return MPI_SUCCESS;
}

MPI_EXPORT(File_get_byte_offset)
int PMPI_File_get_byte_offset(MPI_File fh, MPI_Offset offset, MPI_Offset *disp)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(disp, "disp");
    if (!rc)
        rc = file_byte_offset(f, offset, disp);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

/* ---- Pointers ---- */

MPI_EXPORT(File_seek)
int PMPI_File_seek(MPI_File fh, MPI_Offset offset, int whence)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_seek(f, offset, whence);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_position)
int PMPI_File_get_position(MPI_File fh, MPI_Offset *offset)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(offset, "offset");
    if (!rc)
        rc = file_position(f, offset);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_seek_shared)
int PMPI_File_seek_shared(MPI_File fh, MPI_Offset offset, int whence)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_seek_shared(f, offset, whence);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_get_position_shared)
int PMPI_File_get_position_shared(MPI_File fh, MPI_Offset *offset)
{
    struct file *f = NULL;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = check_out(offset, "offset");
    if (!rc)
        rc = file_position_shared(f, offset);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

/* ---- Data representations ---- */

static int register_datarep(const char *datarep, const struct file_conversion *c, const char *func)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(datarep, "datarep");
    if (!rc && !c->extent)
        rc = check_bad_arg("dtype_file_extent_fn", "is NULL");
    if (!rc)
        rc = file_datarep_register(datarep, c);
    return rc ? api_fail_file(NULL, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Register_datarep)
int PMPI_Register_datarep(const char *datarep, MPI_Datarep_conversion_function *read_conversion_fn,
                          MPI_Datarep_conversion_function *write_conversion_fn,
                          MPI_Datarep_extent_function *dtype_file_extent_fn, void *extra_state)
{
    struct file_conversion c = {.read = read_conversion_fn,
                                .write = write_conversion_fn,
                                .extent = dtype_file_extent_fn,
                                .extra_state = extra_state};

    return register_datarep(datarep, &c, __func__);
}

MPI_EXPORT(Register_datarep_c)
int PMPI_Register_datarep_c(const char *datarep,
                            MPI_Datarep_conversion_function_c *read_conversion_fn,
                            MPI_Datarep_conversion_function_c *write_conversion_fn,
                            MPI_Datarep_extent_function *dtype_file_extent_fn, void *extra_state)
{
    struct file_conversion c = {.read_c = read_conversion_fn,
                                .write_c = write_conversion_fn,
                                .extent = dtype_file_extent_fn,
                                .extra_state = extra_state};

    return register_datarep(datarep, &c, __func__);
}
