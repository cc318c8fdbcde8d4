/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocking accesses and the split collective ones (14.4.2, 14.4.5). */
#include "core/file/file_access.h"
#include "core/object/err.h"

int file_run(struct file *f, const struct file_access *a, uint64_t *moved)
{
    int64_t at;
    int rc = file_access_place(f, a, &at);

    *moved = 0;
    /* Ordered accesses follow each other in the file: there is nothing to gather. */
    if (a->collective && a->where != FILE_SHARED)
        return file_access_together(f, a, at, rc, moved);
    return rc ? rc : file_access_alone(f, a, at, moved);
}

static const char *const names[] = {
    [FILE_SPLIT_READ_AT] = "MPI_File_read_at_all",
    [FILE_SPLIT_READ] = "MPI_File_read_all",
    [FILE_SPLIT_READ_ORDERED] = "MPI_File_read_ordered",
    [FILE_SPLIT_WRITE_AT] = "MPI_File_write_at_all",
    [FILE_SPLIT_WRITE] = "MPI_File_write_all",
    [FILE_SPLIT_WRITE_ORDERED] = "MPI_File_write_ordered",
};

/* The standard lets all of it happen in the first of the two calls. */
int file_begin(struct file *f, enum file_split_kind kind, const struct file_access *a)
{
    struct file_split *s = &f->split;

    if (s->kind != FILE_SPLIT_NONE)
        return err_set(MPI_ERR_OTHER,
                       "%s_begin has not been ended yet, and a file has one split "
                       "collective access at a time",
                       names[s->kind]);
    *s = (struct file_split){.kind = kind, .buf = a->buf};
    int rc = file_run(f, a, &s->moved);
    if (rc)
        s->kind = FILE_SPLIT_NONE;
    return rc;
}

int file_end(struct file *f, enum file_split_kind kind, const void *buf, uint64_t *moved)
{
    struct file_split *s = &f->split;

    if (s->kind != (int)kind)
        return err_set(MPI_ERR_OTHER, "%s_end ends nothing: %s%s", names[kind],
                       s->kind ? "what has begun is " : "no split collective access has begun",
                       s->kind ? names[s->kind] : "");
    if (s->buf != buf)
        return err_set(MPI_ERR_BUFFER, "%s_end has another buffer than _begin", names[kind]);
    *moved = s->moved;
    s->kind = FILE_SPLIT_NONE;
    return MPI_SUCCESS;
}
