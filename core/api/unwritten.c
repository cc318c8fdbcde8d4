/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every call that is not written yet, and nothing else: a row goes when its call comes. Each fails
 * with MPI_ERR_UNSUPPORTED_OPERATION and its own name, through the error handler of the object that
 * it was called on. `tools/check-symbols --todo` counts the rows.
 */
#include "core/api/check.h"
#include "core/object/err.h"

/* Nobody reads the arguments yet. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int unwritten(const char *func)
{
    return err_set(MPI_ERR_UNSUPPORTED_OPERATION, "%s is not written yet", func + 1);
}

static int unwritten_comm(MPI_Comm comm, const char *func)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    return api_fail_comm(c, rc ? rc : unwritten(func), func);
}

#define UNWRITTEN_ROW(name, params, result)                                                        \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        return result;                                                                             \
    }

#define UNWRITTEN(name, params) UNWRITTEN_ROW(name, params, api_fail(unwritten(__func__), __func__))
#define UNWRITTEN_COMM(name, params, comm)                                                         \
    UNWRITTEN_ROW(name, params, unwritten_comm(comm, __func__))
/* No file can be open, so the handler is MPI_FILE_NULL's. */
#define UNWRITTEN_FILE(name, params)                                                               \
    UNWRITTEN_ROW(name, params, api_fail_file(NULL, unwritten(__func__), __func__))

/* ---- Processes that come later, and services (11) ---- */

UNWRITTEN(Close_port, (const char *port_name))
UNWRITTEN(Comm_join, (int fd, MPI_Comm *intercomm))
UNWRITTEN(Lookup_name, (const char *service_name, MPI_Info info, char *port_name))
UNWRITTEN(Open_port, (MPI_Info info, char *port_name))
UNWRITTEN(Publish_name, (const char *service_name, MPI_Info info, const char *port_name))
UNWRITTEN(Unpublish_name, (const char *service_name, MPI_Info info, const char *port_name))
UNWRITTEN_COMM(Comm_accept,
               (const char *port_name, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *newcomm),
               comm)
UNWRITTEN_COMM(Comm_connect,
               (const char *port_name, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *newcomm),
               comm)
UNWRITTEN_COMM(Comm_spawn,
               (const char *command, char *argv[], int maxprocs, MPI_Info info, int root,
                MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[]),
               comm)
UNWRITTEN_COMM(Comm_spawn_multiple,
               (int count, char *array_of_commands[], char **array_of_argv[],
                const int array_of_maxprocs[], const MPI_Info array_of_info[], int root,
                MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[]),
               comm)

/* ---- Files (14) ---- */

UNWRITTEN_FILE(File_close, (MPI_File * fh))
UNWRITTEN_FILE(File_delete, (const char *filename, MPI_Info info))
UNWRITTEN_FILE(File_get_amode, (MPI_File fh, int *amode))
UNWRITTEN_FILE(File_get_atomicity, (MPI_File fh, int *flag))
UNWRITTEN_FILE(File_get_byte_offset, (MPI_File fh, MPI_Offset offset, MPI_Offset *disp))
UNWRITTEN_FILE(File_get_group, (MPI_File fh, MPI_Group *group))
UNWRITTEN_FILE(File_get_info, (MPI_File fh, MPI_Info *info_used))
UNWRITTEN_FILE(File_get_position, (MPI_File fh, MPI_Offset *offset))
UNWRITTEN_FILE(File_get_position_shared, (MPI_File fh, MPI_Offset *offset))
UNWRITTEN_FILE(File_get_size, (MPI_File fh, MPI_Offset *size))
UNWRITTEN_FILE(File_get_type_extent, (MPI_File fh, MPI_Datatype datatype, MPI_Aint *extent))
UNWRITTEN_FILE(File_get_type_extent_c, (MPI_File fh, MPI_Datatype datatype, MPI_Count *extent))
UNWRITTEN_FILE(File_get_view, (MPI_File fh, MPI_Offset *disp, MPI_Datatype *etype,
                               MPI_Datatype *filetype, char *datarep))
UNWRITTEN_FILE(File_iread,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_all,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_all_c, (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype,
                                  MPI_Request *request))
UNWRITTEN_FILE(File_iread_at, (MPI_File fh, MPI_Offset offset, void *buf, int count,
                               MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_at_all, (MPI_File fh, MPI_Offset offset, void *buf, int count,
                                   MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_at_all_c, (MPI_File fh, MPI_Offset offset, void *buf, MPI_Count count,
                                     MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_at_c, (MPI_File fh, MPI_Offset offset, void *buf, MPI_Count count,
                                 MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_c, (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype,
                              MPI_Request *request))
UNWRITTEN_FILE(File_iread_shared,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iread_shared_c, (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype,
                                     MPI_Request *request))
UNWRITTEN_FILE(File_iwrite, (MPI_File fh, const void *buf, int count, MPI_Datatype datatype,
                             MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_all, (MPI_File fh, const void *buf, int count, MPI_Datatype datatype,
                                 MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_all_c, (MPI_File fh, const void *buf, MPI_Count count,
                                   MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_at, (MPI_File fh, MPI_Offset offset, const void *buf, int count,
                                MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_at_all, (MPI_File fh, MPI_Offset offset, const void *buf, int count,
                                    MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_at_all_c, (MPI_File fh, MPI_Offset offset, const void *buf,
                                      MPI_Count count, MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_at_c, (MPI_File fh, MPI_Offset offset, const void *buf, MPI_Count count,
                                  MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_c, (MPI_File fh, const void *buf, MPI_Count count, MPI_Datatype datatype,
                               MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_shared, (MPI_File fh, const void *buf, int count, MPI_Datatype datatype,
                                    MPI_Request *request))
UNWRITTEN_FILE(File_iwrite_shared_c, (MPI_File fh, const void *buf, MPI_Count count,
                                      MPI_Datatype datatype, MPI_Request *request))
UNWRITTEN_FILE(File_open,
               (MPI_Comm comm, const char *filename, int amode, MPI_Info info, MPI_File *fh))
UNWRITTEN_FILE(File_preallocate, (MPI_File fh, MPI_Offset size))
UNWRITTEN_FILE(File_read,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_all,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_all_begin, (MPI_File fh, void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_all_begin_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_all_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_all_end, (MPI_File fh, void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_read_at, (MPI_File fh, MPI_Offset offset, void *buf, int count,
                              MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_at_all, (MPI_File fh, MPI_Offset offset, void *buf, int count,
                                  MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_at_all_begin,
               (MPI_File fh, MPI_Offset offset, void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_at_all_begin_c,
               (MPI_File fh, MPI_Offset offset, void *buf, MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_at_all_c, (MPI_File fh, MPI_Offset offset, void *buf, MPI_Count count,
                                    MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_at_all_end, (MPI_File fh, void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_read_at_c, (MPI_File fh, MPI_Offset offset, void *buf, MPI_Count count,
                                MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_ordered,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_ordered_begin, (MPI_File fh, void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_ordered_begin_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_read_ordered_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_ordered_end, (MPI_File fh, void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_read_shared,
               (MPI_File fh, void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_read_shared_c,
               (MPI_File fh, void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_seek, (MPI_File fh, MPI_Offset offset, int whence))
UNWRITTEN_FILE(File_seek_shared, (MPI_File fh, MPI_Offset offset, int whence))
UNWRITTEN_FILE(File_set_atomicity, (MPI_File fh, int flag))
UNWRITTEN_FILE(File_set_info, (MPI_File fh, MPI_Info info))
UNWRITTEN_FILE(File_set_size, (MPI_File fh, MPI_Offset size))
UNWRITTEN_FILE(File_set_view, (MPI_File fh, MPI_Offset disp, MPI_Datatype etype,
                               MPI_Datatype filetype, const char *datarep, MPI_Info info))
UNWRITTEN_FILE(File_sync, (MPI_File fh))
UNWRITTEN_FILE(File_write,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_all,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_all_begin,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_all_begin_c,
               (MPI_File fh, const void *buf, MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_all_c, (MPI_File fh, const void *buf, MPI_Count count,
                                  MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_all_end, (MPI_File fh, const void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_write_at, (MPI_File fh, MPI_Offset offset, const void *buf, int count,
                               MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_at_all, (MPI_File fh, MPI_Offset offset, const void *buf, int count,
                                   MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_at_all_begin,
               (MPI_File fh, MPI_Offset offset, const void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_at_all_begin_c, (MPI_File fh, MPI_Offset offset, const void *buf,
                                           MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_at_all_c, (MPI_File fh, MPI_Offset offset, const void *buf,
                                     MPI_Count count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_at_all_end, (MPI_File fh, const void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_write_at_c, (MPI_File fh, MPI_Offset offset, const void *buf, MPI_Count count,
                                 MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_c, (MPI_File fh, const void *buf, MPI_Count count, MPI_Datatype datatype,
                              MPI_Status *status))
UNWRITTEN_FILE(File_write_ordered,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_ordered_begin,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_ordered_begin_c,
               (MPI_File fh, const void *buf, MPI_Count count, MPI_Datatype datatype))
UNWRITTEN_FILE(File_write_ordered_c, (MPI_File fh, const void *buf, MPI_Count count,
                                      MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_ordered_end, (MPI_File fh, const void *buf, MPI_Status *status))
UNWRITTEN_FILE(File_write_shared,
               (MPI_File fh, const void *buf, int count, MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(File_write_shared_c, (MPI_File fh, const void *buf, MPI_Count count,
                                     MPI_Datatype datatype, MPI_Status *status))
UNWRITTEN_FILE(Register_datarep,
               (const char *datarep, MPI_Datarep_conversion_function *read_conversion_fn,
                MPI_Datarep_conversion_function *write_conversion_fn,
                MPI_Datarep_extent_function *dtype_file_extent_fn, void *extra_state))
UNWRITTEN_FILE(Register_datarep_c,
               (const char *datarep, MPI_Datarep_conversion_function_c *read_conversion_fn,
                MPI_Datarep_conversion_function_c *write_conversion_fn,
                MPI_Datarep_extent_function *dtype_file_extent_fn, void *extra_state))
