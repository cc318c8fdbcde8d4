/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of core/file share among themselves. */
#ifndef ORIEL_FILE_FILE_ACCESS_H
#define ORIEL_FILE_FILE_ACCESS_H

#include "core/file/file.h"

/* ---- System calls: file_posix.c. Offsets and lengths in bytes ---- */

/* The class of an errno, with the detail: what was done to which file. */
int file_error(int error, const char *what, const char *name);
/* `got` is less than `len` only at the end of the file, or where there was an error. */
int file_pread(struct file *f, int64_t offset, void *buf, uint64_t len, uint64_t *got);
int file_pwrite(struct file *f, int64_t offset, const void *buf, uint64_t len, uint64_t *put);
/* The same to and from `n` pieces of memory; the array is used up. */
int file_readv(struct file *f, int64_t offset, struct iovec *piece, int n, uint64_t *got);
int file_writev(struct file *f, int64_t offset, struct iovec *piece, int n, uint64_t *put);
/*
 * Locks the bytes against all other open files, of this process too, while an access in atomic mode
 * runs. Unlocks by the same range.
 */
int file_lock(struct file *f, enum file_way way, int64_t offset, int64_t len);
void file_unlock(struct file *f, int64_t offset, int64_t len);
int file_bytes(struct file *f, int64_t *size);

/* ---- The stream and the file: file_view.c ---- */

/* The whole file as bytes; also what a file begins with. */
void file_view_plain(struct file_view *v, MPI_Offset disp);
void file_view_drop(struct file_view *v);
/* Where a byte of the stream lies in the file. */
int64_t file_view_offset(const struct file_view *v, int64_t at);
/* How many bytes of the stream lie before that offset; for a view that is `ordered`. */
int64_t file_view_below(const struct file_view *v, int64_t offset);
/* The stream is one range of the file. */
static inline bool file_view_is_plain(const struct file_view *v)
{
    return v->layout->contiguous;
}

/* Ranges of the file in the order of the stream, those that touch joined. */
struct file_walk {
    struct type_iter iter;
    struct iovec ahead; /* taken from the iterator, not given yet */
    uint64_t left;      /* bytes of the stream that are still in the iterator */
};
struct file_range {
    int64_t offset;
    uint64_t len;
};
void file_walk_begin(struct file_walk *w, const struct file_view *v, int64_t at, uint64_t len);
bool file_walk_next(struct file_walk *w, struct file_range *range);

/*
 * Between a window of the file, whose first byte is at `offset`, and the packed form of the
 * stream's bytes [at, at + len), which all lie in it.
 */
void file_view_pack(const struct file_view *v, const char *window, int64_t offset, int64_t at,
                    void *packed, uint64_t len);

/* ---- Representations: file_datarep.c ---- */

extern const struct file_datarep file_native;

const struct file_datarep *file_datarep_find(const char *name); /* NULL: there is none */
bool file_datarep_converts(const struct file_datarep *rep);
/* Bytes of one item in the file. */
int file_datarep_size(const struct file_datarep *rep, const struct datatype *t, MPI_Count *size);
/* The type with everything where it lies in the file; a reference. */
int file_datarep_layout(const struct file_datarep *rep, struct datatype *t,
                        struct datatype **layout);
/*
 * Whole items between a program's buffer, from its item `first` on, and the file's bytes.
 */
int file_datarep_read(const struct file_datarep *rep, const struct file_access *a, MPI_Count first,
                      MPI_Count count, void *bytes);
int file_datarep_write(const struct file_datarep *rep, const struct file_access *a, MPI_Count first,
                       MPI_Count count, void *bytes);

/* ---- Accesses ---- */

/* One process's own, from that byte of the stream on: in representation of the program's memory or
 * of another. */
int file_access_alone(struct file *f, const struct file_access *a, int64_t at, uint64_t *moved);
/* Everybody's; file_gather.c. `error`: why this process takes no part in it. */
int file_access_together(struct file *f, const struct file_access *a, int64_t at, int error,
                         uint64_t *moved);

/* Waits for the nonblocking accesses of this process. */
void file_settle(struct file *f);

/* Where the access begins, in bytes of the stream; moves the pointer. Collective where that is. */
int file_access_place(struct file *f, const struct file_access *a, int64_t *at);

/* Moves the common pointer by `etypes` and gives where it was. */
int file_shared_advance(struct file *f, int64_t etypes, int64_t *before);
/* Rank 0's alone: no other process may use it until all have passed the next barrier. */
int file_shared_set(struct file *f, int64_t etypes);

int file_shared_open(struct file *f);
int file_shared_close(struct file *f);

/* seek's arithmetic: `from` is the present position. */
int file_seek_target(struct file *f, MPI_Offset offset, int whence, int64_t from, int64_t *to);

/* ---- Agreement ---- */

/*
 * The greatest of everybody's error, for all; `what` the caller's part of the sentence where it is
 * not this process's own.
 */
int file_agree(struct file *f, int error, const char *what);
/* The same with arguments that must be the same on all processes: MPI_ERR_NOT_SAME. */
int file_agree_same(struct file *f, int error, const int64_t *values, int n, const char *what);

/* The greatest of everybody's values, for all; in place. */
int file_greatest(struct file *f, int64_t *values, int n);

/* Takes rank 0's hints; collective. */
int file_hints_take(struct file *f, struct info *info);

#endif
