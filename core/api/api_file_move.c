/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: the accesses (14.4), one row for both forms of each. */
#include "core/api/check_file.h"
#include "core/object/err.h"
#include "core/p2p/request.h"

static int check_access(MPI_File fh, struct file **f, struct file_access *a, const void *buf,
                        MPI_Count count, MPI_Datatype datatype)
{
    int rc = check_file(fh, f);

    if (!rc)
        rc = check_buffer(buf, count, datatype, &a->type);
    a->buf = (char *)buf;
    a->count = count;
    return rc;
}

static void tell(MPI_Status *status, uint64_t moved)
{
    if (!status)
        return;
    status_set_empty(status);
    status_set_bytes(status, moved);
}

static int move(MPI_File fh, struct file_access a, const void *buf, MPI_Count count,
                MPI_Datatype datatype, MPI_Status *status, const char *func)
{
    struct file *f = NULL;
    uint64_t moved = 0;
    int rc = check_access(fh, &f, &a, buf, count, datatype);

    if (!rc)
        rc = file_run(f, &a, &moved);
    if (f)
        tell(status, moved);
    return rc ? api_fail_file(f, rc, func) : MPI_SUCCESS;
}

static int start(MPI_File fh, struct file_access a, const void *buf, MPI_Count count,
                 MPI_Datatype datatype, MPI_Request *request, const char *func)
{
    struct file *f = NULL;
    struct request *r;
    int rc = check_access(fh, &f, &a, buf, count, datatype);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = file_start(f, &a, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_file(f, rc, func) : MPI_SUCCESS;
}

static int begin(MPI_File fh, struct file_access a, enum file_split_kind kind, const void *buf,
                 MPI_Count count, MPI_Datatype datatype, const char *func)
{
    struct file *f = NULL;
    int rc = check_access(fh, &f, &a, buf, count, datatype);

    if (!rc)
        rc = file_begin(f, kind, &a);
    return rc ? api_fail_file(f, rc, func) : MPI_SUCCESS;
}

static int end(MPI_File fh, enum file_split_kind kind, const void *buf, MPI_Status *status,
               const char *func)
{
    struct file *f = NULL;
    uint64_t moved = 0;
    int rc = check_file(fh, &f);

    if (!rc)
        rc = file_end(f, kind, buf, &moved);
    if (rc)
        return api_fail_file(f, rc, func);
    tell(status, moved);
    return MPI_SUCCESS;
}

#define ACCESS(way_, where_, collective_)                                                          \
    ((struct file_access){.way = (way_), .where = (where_), .collective = (collective_)})
#define ACCESS_AT(way_, offset_, collective_)                                                      \
    ((struct file_access){                                                                         \
        .way = (way_), .where = FILE_EXPLICIT, .collective = (collective_), .offset = (offset_)})

/* `buffer`: void * or const void *. */
#define MOVE(name, buffer, ...)                                                                    \
    MPI_EXPORT(File_##name##_c)                                                                    \
    int PMPI_File_##name##_c(MPI_File fh, buffer buf, MPI_Count count, MPI_Datatype datatype,      \
                             MPI_Status *status)                                                   \
    {                                                                                              \
        return move(fh, ACCESS(__VA_ARGS__), buf, count, datatype, status, __func__);              \
    }                                                                                              \
    MPI_SMALL(File_##name,                                                                         \
              (MPI_File fh, buffer buf, int count, MPI_Datatype datatype, MPI_Status *status),     \
              (fh, buf, count, datatype, status))

#define MOVE_AT(name, buffer, way, collective)                                                     \
    MPI_EXPORT(File_##name##_c)                                                                    \
    int PMPI_File_##name##_c(MPI_File fh, MPI_Offset offset, buffer buf, MPI_Count count,          \
                             MPI_Datatype datatype, MPI_Status *status)                            \
    {                                                                                              \
        return move(fh, ACCESS_AT(way, offset, collective), buf, count, datatype, status,          \
                    __func__);                                                                     \
    }                                                                                              \
    MPI_SMALL(File_##name,                                                                         \
              (MPI_File fh, MPI_Offset offset, buffer buf, int count, MPI_Datatype datatype,       \
               MPI_Status *status),                                                                \
              (fh, offset, buf, count, datatype, status))

#define START(name, buffer, ...)                                                                   \
    MPI_EXPORT(File_##name##_c)                                                                    \
    int PMPI_File_##name##_c(MPI_File fh, buffer buf, MPI_Count count, MPI_Datatype datatype,      \
                             MPI_Request *request)                                                 \
    {                                                                                              \
        return start(fh, ACCESS(__VA_ARGS__), buf, count, datatype, request, __func__);            \
    }                                                                                              \
    MPI_SMALL(File_##name,                                                                         \
              (MPI_File fh, buffer buf, int count, MPI_Datatype datatype, MPI_Request *request),   \
              (fh, buf, count, datatype, request))

#define START_AT(name, buffer, way, collective)                                                    \
    MPI_EXPORT(File_##name##_c)                                                                    \
    int PMPI_File_##name##_c(MPI_File fh, MPI_Offset offset, buffer buf, MPI_Count count,          \
                             MPI_Datatype datatype, MPI_Request *request)                          \
    {                                                                                              \
        return start(fh, ACCESS_AT(way, offset, collective), buf, count, datatype, request,        \
                     __func__);                                                                    \
    }                                                                                              \
    MPI_SMALL(File_##name,                                                                         \
              (MPI_File fh, MPI_Offset offset, buffer buf, int count, MPI_Datatype datatype,       \
               MPI_Request *request),                                                              \
              (fh, offset, buf, count, datatype, request))

/* MPI_File_x_begin and MPI_File_x_end. */
#define END(name, buffer, kind)                                                                    \
    MPI_EXPORT(File_##name##_end)                                                                  \
    int PMPI_File_##name##_end(MPI_File fh, buffer buf, MPI_Status *status)                        \
    {                                                                                              \
        return end(fh, kind, buf, status, __func__);                                               \
    }

#define SPLIT(name, buffer, kind, ...)                                                             \
    MPI_EXPORT(File_##name##_begin_c)                                                              \
    int PMPI_File_##name##_begin_c(MPI_File fh, buffer buf, MPI_Count count,                       \
                                   MPI_Datatype datatype)                                          \
    {                                                                                              \
        return begin(fh, ACCESS(__VA_ARGS__), kind, buf, count, datatype, __func__);               \
    }                                                                                              \
    MPI_SMALL(File_##name##_begin, (MPI_File fh, buffer buf, int count, MPI_Datatype datatype),    \
              (fh, buf, count, datatype))                                                          \
    END(name, buffer, kind)

#define SPLIT_AT(name, buffer, kind, way)                                                          \
    MPI_EXPORT(File_##name##_begin_c)                                                              \
    int PMPI_File_##name##_begin_c(MPI_File fh, MPI_Offset offset, buffer buf, MPI_Count count,    \
                                   MPI_Datatype datatype)                                          \
    {                                                                                              \
        return begin(fh, ACCESS_AT(way, offset, true), kind, buf, count, datatype, __func__);      \
    }                                                                                              \
    MPI_SMALL(File_##name##_begin,                                                                 \
              (MPI_File fh, MPI_Offset offset, buffer buf, int count, MPI_Datatype datatype),      \
              (fh, offset, buf, count, datatype))                                                  \
    END(name, buffer, kind)

/* ---- Explicit offsets (14.4.2) ---- */

MOVE_AT(read_at, void *, FILE_READ, false)
MOVE_AT(read_at_all, void *, FILE_READ, true)
MOVE_AT(write_at, const void *, FILE_WRITE, false)
MOVE_AT(write_at_all, const void *, FILE_WRITE, true)
START_AT(iread_at, void *, FILE_READ, false)
START_AT(iread_at_all, void *, FILE_READ, true)
START_AT(iwrite_at, const void *, FILE_WRITE, false)
START_AT(iwrite_at_all, const void *, FILE_WRITE, true)
SPLIT_AT(read_at_all, void *, FILE_SPLIT_READ_AT, FILE_READ)
SPLIT_AT(write_at_all, const void *, FILE_SPLIT_WRITE_AT, FILE_WRITE)

/* ---- The individual pointer (14.4.3) ---- */

MOVE(read, void *, FILE_READ, FILE_INDIVIDUAL, false)
MOVE(read_all, void *, FILE_READ, FILE_INDIVIDUAL, true)
MOVE(write, const void *, FILE_WRITE, FILE_INDIVIDUAL, false)
MOVE(write_all, const void *, FILE_WRITE, FILE_INDIVIDUAL, true)
START(iread, void *, FILE_READ, FILE_INDIVIDUAL, false)
START(iread_all, void *, FILE_READ, FILE_INDIVIDUAL, true)
START(iwrite, const void *, FILE_WRITE, FILE_INDIVIDUAL, false)
START(iwrite_all, const void *, FILE_WRITE, FILE_INDIVIDUAL, true)
SPLIT(read_all, void *, FILE_SPLIT_READ, FILE_READ, FILE_INDIVIDUAL, true)
SPLIT(write_all, const void *, FILE_SPLIT_WRITE, FILE_WRITE, FILE_INDIVIDUAL, true)

/* ---- The common pointer (14.4.4) ---- */

MOVE(read_shared, void *, FILE_READ, FILE_SHARED, false)
MOVE(read_ordered, void *, FILE_READ, FILE_SHARED, true)
MOVE(write_shared, const void *, FILE_WRITE, FILE_SHARED, false)
MOVE(write_ordered, const void *, FILE_WRITE, FILE_SHARED, true)
START(iread_shared, void *, FILE_READ, FILE_SHARED, false)
START(iwrite_shared, const void *, FILE_WRITE, FILE_SHARED, false)
SPLIT(read_ordered, void *, FILE_SPLIT_READ_ORDERED, FILE_READ, FILE_SHARED, true)
SPLIT(write_ordered, const void *, FILE_SPLIT_WRITE_ORDERED, FILE_WRITE, FILE_SHARED, true)
