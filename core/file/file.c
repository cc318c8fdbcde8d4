/* SPDX-License-Identifier: BSD-3-Clause */
/* A file's life (14.2): opening, closing, its size. One process asks the file system where that
 * does for all, and tells the others what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/coll/coll.h"
#include "core/coll/comm_make.h"
#include "core/file/file_access.h"
#include "core/object/err.h"
#include "provider/base/segment.h"

/* ---- Agreement ---- */

int file_greatest(struct file *f, int64_t *values, int n)
{
    return coll_run(
        &(struct coll_args){.kind = COLL_ALLREDUCE,
                            .comm = f->comm,
                            .send = {.buf = MPI_IN_PLACE, .count = n, .type = &datatype_int64},
                            .recv = {.buf = values},
                            .op = op_find(MPI_MAX)});
}

static int say(int own, int64_t all, const char *what)
{
    if (own || !all)
        return own;
    return err_set((int)all, "%s failed on another process", what);
}

int file_agree(struct file *f, int error, const char *what)
{
    int64_t all = error;
    int rc = f->comm->size > 1 ? file_greatest(f, &all, 1) : MPI_SUCCESS;

    return rc ? rc : say(error, all, what);
}

int file_agree_same(struct file *f, int error, const int64_t *values, int n, const char *what)
{
    enum { MOST = 2 };
    int64_t all[1 + 2 * MOST] = {error};
    int rc;

    if (f->comm->size == 1)
        return error;
    /* The least is the greatest of the negated. */
    for (int i = 0; i < n; i++) {
        all[1 + i] = values[i];
        all[1 + n + i] = -values[i];
    }
    rc = file_greatest(f, all, 1 + 2 * n);
    if (rc || all[0])
        return rc ? rc : say(error, all[0], "the call");
    for (int i = 0; i < n; i++)
        if (all[1 + i] != -all[1 + n + i])
            return err_set(MPI_ERR_NOT_SAME, "%s differs between the processes", what);
    return MPI_SUCCESS;
}

/* ---- Names and modes ---- */

/* ROMIO's programs may say which kind of file system it is; to the library all are alike. */
static const char *path_of(const char *name)
{
    static const char *const kinds[] = {"ufs:", "nfs:",   "lustre:", "gpfs:",   "panfs:",
                                        "xfs:", "pvfs2:", "testfs:", "beegfs:", "file:"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strncmp(name, kinds[i], strlen(kinds[i])))
            return name + strlen(kinds[i]);
    return name;
}

static int check_amode(int amode)
{
    const int ways = MPI_MODE_RDONLY | MPI_MODE_WRONLY | MPI_MODE_RDWR;
    const int known = ways | MPI_MODE_CREATE | MPI_MODE_EXCL | MPI_MODE_DELETE_ON_CLOSE |
                      MPI_MODE_UNIQUE_OPEN | MPI_MODE_SEQUENTIAL | MPI_MODE_APPEND;
    int way = amode & ways;

    if (amode & ~known)
        return err_set(MPI_ERR_AMODE, "the mode %d has bits that are none of MPI_MODE_x", amode);
    if (!way || (way & (way - 1)))
        return err_set(MPI_ERR_AMODE,
                       "the mode must have one of MPI_MODE_RDONLY, _WRONLY and _RDWR");
    if (way == MPI_MODE_RDONLY && (amode & (MPI_MODE_CREATE | MPI_MODE_EXCL)))
        return err_set(MPI_ERR_AMODE, "a file that is only read cannot be created: MPI_MODE_RDONLY "
                                      "goes with neither MPI_MODE_CREATE nor _EXCL");
    if (way == MPI_MODE_RDWR && (amode & MPI_MODE_SEQUENTIAL))
        return err_set(MPI_ERR_AMODE, "MPI_MODE_SEQUENTIAL does not go with MPI_MODE_RDWR");
    return MPI_SUCCESS;
}

static int open_flags(int amode)
{
    return O_CLOEXEC | (amode & MPI_MODE_RDONLY   ? O_RDONLY
                        : amode & MPI_MODE_WRONLY ? O_WRONLY
                                                  : O_RDWR);
}

/* ---- Life ---- */

static void file_release(struct object *o)
{
    struct file *f = container_of(o, struct file, object);

    object_close(o);
    file_view_drop(&f->view);
    if (f->errhandler)
        object_drop(&f->errhandler->object);
    if (f->comm)
        object_drop(&f->comm->object);
    if (f->fd >= 0)
        close(f->fd);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->turn);
    free(f->name);
    free(f);
}

static int file_new(const char *name, int amode, struct file **out)
{
    struct file *f = calloc(1, sizeof *f);

    if (!f)
        return err_set(MPI_ERR_NO_MEM, "no memory for a file");
    object_init(&f->object, OBJECT_FILE, file_release);
    file_view_plain(&f->view, 0);
    f->fd = -1;
    f->amode = amode;
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->turn, NULL);
    f->name = strdup(path_of(name));
    if (!f->name) {
        object_drop(&f->object);
        return err_set(MPI_ERR_NO_MEM, "no memory for a file's name");
    }
    *out = f;
    return MPI_SUCCESS;
}

static int open_here(struct file *f, int flags)
{
    f->fd = open(f->name, flags, (mode_t)f->hints.file_perm);
    if (f->fd < 0)
        return file_error(errno, "opening", f->name);
    return MPI_SUCCESS;
}

/* Rank 0 creates the file and looks whether it may; then it is there for all. */
static int open_everywhere(struct file *f)
{
    int flags = open_flags(f->amode), rc = MPI_SUCCESS;

    if (f->comm->rank == 0) {
        int create = f->amode & MPI_MODE_CREATE ? O_CREAT : 0;
        int alone = create && (f->amode & MPI_MODE_EXCL) ? O_EXCL : 0;
        rc = open_here(f, flags | create | alone);
    }
    rc = file_agree(f, rc, "opening the file");
    if (rc || f->comm->size == 1)
        return rc;
    if (f->comm->rank != 0)
        rc = open_here(f, flags);
    return file_agree(f, rc, "opening the file");
}

/* MPI_MODE_APPEND: all pointers begin at the end. */
static int set_pointers(struct file *f)
{
    int64_t end = 0;
    int rc = f->amode & MPI_MODE_APPEND ? file_bytes(f, &end) : MPI_SUCCESS;

    f->position = end;
    if (!rc)
        rc = file_shared_set(f, end);
    return file_agree(f, rc, "opening the file");
}

static int open_steps(struct file *f, struct comm *c, struct info *info)
{
    const int64_t same[] = {f->amode};
    /* The same members, without the attributes that a duplicate would have. */
    int rc = comm_twin(c, &f->comm);

    if (!rc)
        rc = file_agree_same(f, check_amode(f->amode), same, 1, "the access mode");
    if (!rc)
        rc = file_hints_take(f, info);
    if (!rc)
        rc = open_everywhere(f);
    if (!rc)
        rc = file_shared_open(f);
    return rc ? rc : set_pointers(f);
}

int file_open(struct comm *c, const char *name, int amode, struct info *info, struct file **file)
{
    struct file *f = NULL;
    int rc = file_new(name, amode, &f);

    if (rc)
        return rc;
    rc = open_steps(f, c, info);
    if (!rc)
        rc = object_publish(&f->object);
    if (rc) {
        file_shared_close(f);
        object_drop(&f->object);
        return rc;
    }
    *file = f;
    return MPI_SUCCESS;
}

/*
 * What was written is in the kernel's hands, where every later open of the file sees it; whether it
 * is on a disk is MPI_File_sync's to say.
 */
int file_close(struct file *f, bool *gone)
{
    int rc = MPI_SUCCESS;

    *gone = false;
    if (f->split.kind != FILE_SPLIT_NONE)
        return err_set(MPI_ERR_OTHER, "a split collective access of %s has not been ended",
                       f->name);
    file_settle(f);
    object_retire(&f->object);
    /* Everybody's accesses are over. */
    rc = file_shared_close(f);
    int met = coll_barrier(f->comm);
    if (f->fd >= 0 && close(f->fd) && errno != EINTR)
        rc = rc ? rc : file_error(errno, "closing", f->name);
    f->fd = -1;
    if (f->amode & MPI_MODE_DELETE_ON_CLOSE) {
        /* The name goes when no process has it open, and is gone when the call returns. */
        rc = file_agree(f, rc, "closing the file");
        if (f->comm->rank == 0 && unlink(f->name) && !rc)
            rc = file_error(errno, "deleting", f->name);
    }
    rc = file_agree(f, rc, "closing the file");
    object_drop(&f->object);
    *gone = true;
    return rc ? rc : met;
}

int file_delete(const char *name)
{
    const char *path = path_of(name);

    return unlink(path) ? file_error(errno, "deleting", path) : MPI_SUCCESS;
}

/* ---- Size ---- */

/* What all size calls want of the file and of their argument. */
static int check_size(struct file *f, MPI_Offset size)
{
    int rc = MPI_SUCCESS;

    if (f->amode & MPI_MODE_RDONLY)
        rc = err_set(MPI_ERR_READ_ONLY, "%s is open for reading only", f->name);
    else if (f->amode & MPI_MODE_SEQUENTIAL)
        rc = err_set(MPI_ERR_UNSUPPORTED_OPERATION, "%s is open with MPI_MODE_SEQUENTIAL", f->name);
    else if (size < 0)
        rc = err_set(MPI_ERR_ARG, "the size %lld is negative", (long long)size);
    const int64_t same[] = {size};
    return file_agree_same(f, rc, same, 1, "the size");
}

int file_set_size(struct file *f, MPI_Offset size)
{
    int rc = check_size(f, size);

    if (rc)
        return rc;
    if (f->comm->rank == 0 && ftruncate(f->fd, size))
        rc = file_error(errno, "setting the size of", f->name);
    return file_agree(f, rc, "setting the size");
}

int file_preallocate(struct file *f, MPI_Offset size)
{
    int rc = check_size(f, size);

    if (rc)
        return rc;
    if (f->comm->rank == 0 && size) {
        int error = posix_fallocate(f->fd, 0, size);
        if (error == EINTR) /* a file in memory, perhaps: see there */
            error = -segment_reserve(f->fd, 0, size);
        if (error)
            rc = file_error(error, "reserving space for", f->name);
    }
    return file_agree(f, rc, "reserving space");
}

int file_get_size(struct file *f, MPI_Offset *size)
{
    int64_t bytes;
    int rc = file_bytes(f, &bytes);

    if (!rc)
        *size = bytes;
    return rc;
}

/* ---- Consistency (14.6) ---- */

int file_set_atomicity(struct file *f, bool atomic)
{
    const int64_t same[] = {atomic};
    int rc = file_agree_same(f, MPI_SUCCESS, same, 1, "the atomicity");

    if (!rc)
        f->atomic = atomic;
    return rc;
}

int file_sync(struct file *f)
{
    int rc = MPI_SUCCESS, error;

    do
        error = f->amode & MPI_MODE_RDONLY ? 0 : fsync(f->fd);
    while (error && errno == EINTR);
    if (error && errno != EINVAL && errno != EROFS) /* what cannot be synchronised needs not */
        rc = file_error(errno, "synchronising", f->name);
    return file_agree(f, rc, "synchronising the file");
}
