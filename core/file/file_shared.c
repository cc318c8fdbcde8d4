/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common pointer (14.4.4): a word in a window of rank 0's memory, which the others move by
 * fetch-and-add. On one host that is a processor's atomic; elsewhere a message that rank 0 answers
 * whatever its program does. So nothing is left behind on the file system, and none of its locks is
 * needed.
 */
#include "core/coll/coll.h"
#include "core/file/file_access.h"
#include "core/object/err.h"
#include "core/win/win.h"

int file_shared_open(struct file *f)
{
    MPI_Aint size = f->comm->rank == 0 ? sizeof(int64_t) : 0;
    void *base = NULL;
    int rc = win_allocate(size, sizeof(int64_t), NULL, f->comm, &base, &f->shared);

    if (rc)
        return rc;
    f->shared_word = base;
    rc = win_lock_all(f->shared, 0);
    return rc;
}

int file_shared_close(struct file *f)
{
    bool gone;

    if (!f->shared)
        return MPI_SUCCESS;
    int rc = win_unlock_all(f->shared);
    int freed = win_free(f->shared, &gone);
    f->shared = NULL;
    return rc ? rc : freed;
}

/* Fetches the word, and adds to it or replaces it. */
static int fetch(struct file *f, MPI_Op op, int64_t value, int64_t *before)
{
    struct win_side origin = {.buf = &value, .count = 1, .type = &datatype_int64};
    struct win_side result = {.buf = before, .count = 1, .type = &datatype_int64};
    struct win_side target = {.count = 1, .type = &datatype_int64};
    int rc = win_accumulate(f->shared, &origin, &result, 0, &target, op_find(op), NULL);

    return rc ? rc : win_flush(f->shared, 0);
}

int file_shared_advance(struct file *f, int64_t etypes, int64_t *before)
{
    return fetch(f, MPI_SUM, etypes, before);
}

int file_shared_set(struct file *f, int64_t etypes)
{
    int64_t before;

    return f->comm->rank == 0 ? fetch(f, MPI_REPLACE, etypes, &before) : MPI_SUCCESS;
}

int file_position_shared(struct file *f, MPI_Offset *offset)
{
    int64_t now = 0;
    int rc = fetch(f, MPI_NO_OP, 0, &now);

    if (!rc)
        *offset = now;
    return rc;
}

int file_seek_shared(struct file *f, MPI_Offset offset, int whence)
{
    const int64_t same[] = {offset, whence};
    int64_t from, to = 0;
    int rc = file_agree_same(f, MPI_SUCCESS, same, 2, "the offset or whence");

    if (rc)
        return rc;
    if (f->comm->rank == 0) {
        rc = file_position_shared(f, &from);
        if (!rc)
            rc = file_seek_target(f, offset, whence, from, &to);
        if (!rc)
            rc = file_shared_set(f, to);
    }
    return file_agree(f, rc, "moving the shared pointer");
}
