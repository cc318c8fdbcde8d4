/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls on files: interrupted and partial ones go on, errors become MPI's (14.7). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file/file_access.h"
#include "core/object/err.h"

/* Linux moves no more than 2^31 - 4096 bytes in a call. */
enum { MOST = 1 << 30 };

static int class_of(int error)
{
    switch (error) {
    case ENOENT:
        return MPI_ERR_NO_SUCH_FILE;
    case EEXIST:
        return MPI_ERR_FILE_EXISTS;
    case EACCES:
    case EPERM:
        return MPI_ERR_ACCESS;
    case ENOSPC:
        return MPI_ERR_NO_SPACE;
    case EDQUOT:
        return MPI_ERR_QUOTA;
    case EROFS:
        return MPI_ERR_READ_ONLY;
    case ETXTBSY:
    case EBUSY:
        return MPI_ERR_FILE_IN_USE;
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return MPI_ERR_BAD_FILE;
    case ENOMEM:
        return MPI_ERR_NO_MEM;
    default:
        return MPI_ERR_IO;
    }
}

int file_error(int error, const char *what, const char *name)
{
    return err_set(class_of(error), "%s %s: %s", what, name, strerror(error));
}

int file_pread(struct file *f, int64_t offset, void *buf, uint64_t len, uint64_t *got)
{
    *got = 0;
    while (*got < len) {
        uint64_t rest = len - *got;
        ssize_t n =
            pread(f->fd, (char *)buf + *got, rest < MOST ? rest : MOST, offset + (int64_t)*got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_error(errno, "reading", f->name);
        if (n == 0)
            break;
        *got += (uint64_t)n;
    }
    return MPI_SUCCESS;
}

int file_pwrite(struct file *f, int64_t offset, const void *buf, uint64_t len, uint64_t *put)
{
    *put = 0;
    while (*put < len) {
        uint64_t rest = len - *put;
        ssize_t n = pwrite(f->fd, (const char *)buf + *put, rest < MOST ? rest : MOST,
                           offset + (int64_t)*put);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_error(n ? errno : EIO, "writing", f->name);
        *put += (uint64_t)n;
    }
    return MPI_SUCCESS;
}

typedef ssize_t vector_call(int fd, const struct iovec *piece, int n, off_t offset);

/* Goes on behind what was moved. */
static void advance(struct iovec **piece, int *n, size_t moved)
{
    while (*n && moved >= (*piece)->iov_len) {
        moved -= (*piece)->iov_len;
        ++*piece;
        --*n;
    }
    if (moved) {
        (*piece)->iov_base = (char *)(*piece)->iov_base + moved;
        (*piece)->iov_len -= moved;
    }
}

static int move_vector(struct file *f, vector_call *call, int64_t offset, struct iovec *piece,
                       int n, uint64_t *moved)
{
    bool reading = call == preadv;

    *moved = 0;
    while (n) {
        ssize_t got = call(f->fd, piece, n, offset + (int64_t)*moved);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (got == 0 && !reading))
            return file_error(got ? errno : EIO, reading ? "reading" : "writing", f->name);
        if (got == 0)
            break;
        *moved += (uint64_t)got;
        advance(&piece, &n, (size_t)got);
    }
    return MPI_SUCCESS;
}

int file_readv(struct file *f, int64_t offset, struct iovec *piece, int n, uint64_t *got)
{
    return move_vector(f, preadv, offset, piece, n, got);
}

int file_writev(struct file *f, int64_t offset, struct iovec *piece, int n, uint64_t *put)
{
    return move_vector(f, pwritev, offset, piece, n, put);
}

/*
 * A lock of the open file and not of the process: two handles of one process exclude each other,
 * and closing one does not drop the other's locks. File systems without them get the older kind.
 */
static int set_lock(struct file *f, short type, int64_t offset, int64_t len)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = len};
    int rc;

    do
        rc = fcntl(f->fd, F_OFD_SETLKW, &l);
    while (rc && errno == EINTR);
    if (rc && errno == EINVAL) {
        do
            rc = fcntl(f->fd, F_SETLKW, &l);
        while (rc && errno == EINTR);
    }
    return rc ? errno : 0;
}

int file_lock(struct file *f, enum file_way way, int64_t offset, int64_t len)
{
    pthread_mutex_lock(&f->turn);
    int error = set_lock(f, way == FILE_READ ? F_RDLCK : F_WRLCK, offset, len);

    if (!error)
        return MPI_SUCCESS;
    pthread_mutex_unlock(&f->turn);
    return file_error(error, "locking a part of", f->name);
}

void file_unlock(struct file *f, int64_t offset, int64_t len)
{
    set_lock(f, F_UNLCK, offset, len);
    pthread_mutex_unlock(&f->turn);
}

int file_bytes(struct file *f, int64_t *size)
{
    struct stat s;

    if (fstat(f->fd, &s))
        return file_error(errno, "asking for the size of", f->name);
    *size = s.st_size;
    return MPI_SUCCESS;
}
