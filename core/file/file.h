/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files (chapter 14). A file handle is a POSIX file that each process of a communicator has open,
 * and what the process sees of it: its view, its pointer, and a share in the common pointer. It
 * owns a communicator of its own, of the same members.
 *
 * Every access begins as a range of the view's *stream*: the bytes of the file that the view shows,
 * counted from the first, as they lie one after the other in a program's packed buffer. Offsets and
 * pointers of the interface are in etypes, those in here in bytes of the stream (`at`) or of the
 * file (`offset`).
 *
 *     file.c          open, close, size               file_view.c     stream to file and back
 *     file_posix.c    system calls and their errors   file_datarep.c  other representations
 *     file_access.c   one process's access            file_gather.c   everybody's at once
 *     file_shared.c   the common pointer              file_async.c    requests
 *     file_run.c      blocking and split calls        file_hints.c    hints
 *
 * Functions return MPI_SUCCESS or an error class, and hold no lock of the library's when called.
 * Handles, counts and types have been checked above; whether the file allows an access is checked
 * here.
 */
#ifndef ORIEL_FILE_FILE_H
#define ORIEL_FILE_FILE_H

#include <pthread.h>

#include "core/object/comm.h"
#include "core/object/datatype.h"

struct request;
struct win;
struct file_datarep;

/* Hints (14.2.8), the same on all processes: those of rank 0. Sizes in bytes. */
struct file_hints {
    int64_t cb_buffer_size;            /* what a process that gathers holds at once */
    int64_t cb_nodes;                  /* how many gather */
    int64_t read_buffer;               /* ind_rd_buffer_size: what is read at once, holes and all */
    int64_t file_perm;                 /* of a file that is created */
    int64_t striping_unit;             /* what those who gather divide the file by */
    uint8_t gather_read, gather_write; /* romio_cb_read, _write: enum file_choice */
    uint8_t sieve_read;                /* romio_ds_read */
    uint8_t reserved[5];
};

enum file_choice { FILE_AUTOMATIC, FILE_ENABLE, FILE_DISABLE };

/* What a process sees of the file (14.3). */
struct file_view {
    MPI_Offset disp;
    struct datatype *etype, *filetype; /* as the program gave them; held */
    struct datatype *layout;           /* the filetype as it lies in the file; held */
    const struct file_datarep *rep;
    MPI_Count etype_size; /* bytes in the file */
    bool ordered;         /* offsets in the file never fall as the stream goes on */
};

/* Of a split collective access (14.4.5): from _begin to _end. */
struct file_split {
    int kind; /* enum file_split_kind */
    const void *buf;
    uint64_t moved;
};

enum file_split_kind {
    FILE_SPLIT_NONE,
    FILE_SPLIT_READ_AT,
    FILE_SPLIT_READ,
    FILE_SPLIT_READ_ORDERED,
    FILE_SPLIT_WRITE_AT,
    FILE_SPLIT_WRITE,
    FILE_SPLIT_WRITE_ORDERED,
};

struct file {
    struct object object;
    struct errhandler *errhandler;
    struct comm *comm;
    struct file_hints hints;
    char *name;
    int fd, amode;
    bool atomic;
    struct file_view view;
    int64_t hosts;        /* that its processes are on */
    bool holes;           /* some process's view is no single range of the file */
    pthread_mutex_t lock; /* of the position */
    int64_t position;     /* the individual pointer, in etypes */
    pthread_mutex_t turn; /* atomic mode: this process's accesses, which share the file's locks */
    struct win *shared;   /* rank 0's word in it is the common pointer, in etypes */
    int64_t *shared_word; /* in this process's memory; on rank 0 the word itself */
    struct file_split split;
    atomic_int pending; /* nonblocking accesses that are not complete */
};

static inline struct file *file_find(MPI_File handle)
{
    return (struct file *)object_find(OBJECT_FILE, handle);
}

/* ---- Life: file.c ---- */

/* All that are collective give the same result on all processes, unless said otherwise. */
int file_open(struct comm *c, const char *name, int amode, struct info *info, struct file **file);
/* Collective. Not `gone` where a split access has not been ended; else the file is, whatever is
 * returned. */
int file_close(struct file *f, bool *gone);
int file_delete(const char *name);
int file_set_size(struct file *f, MPI_Offset size);
int file_preallocate(struct file *f, MPI_Offset size);
int file_get_size(struct file *f, MPI_Offset *size);
int file_set_atomicity(struct file *f, bool atomic);
int file_sync(struct file *f);
/* Takes the hints of `info`, which may be NULL; collective. */
int file_set_info(struct file *f, struct info *info);
int file_get_info(struct file *f, struct info **info);

/* ---- Views: file_view.c ---- */

int file_set_view(struct file *f, MPI_Offset disp, struct datatype *etype,
                  struct datatype *filetype, const char *datarep, struct info *info);
const char *file_datarep_name(const struct file_view *v);
int file_type_extent(struct file *f, struct datatype *t, MPI_Count *extent);
int file_byte_offset(struct file *f, MPI_Offset offset, MPI_Offset *disp);

/* The individual pointer. */
int file_seek(struct file *f, MPI_Offset offset, int whence);
int file_position(struct file *f, MPI_Offset *offset);

/* The common pointer; seeking is collective. */
int file_seek_shared(struct file *f, MPI_Offset offset, int whence);
int file_position_shared(struct file *f, MPI_Offset *offset);

/* ---- Representations: file_datarep.c ---- */

struct file_conversion {
    MPI_Datarep_conversion_function *read, *write;       /* the int forms, or else the large ones */
    MPI_Datarep_conversion_function_c *read_c, *write_c; /* both NULL: as it lies in memory */
    MPI_Datarep_extent_function *extent;
    void *extra_state;
};
int file_datarep_register(const char *name, const struct file_conversion *conversion);

/* ---- Access: file_access.c, file_gather.c, file_shared.c, file_async.c ---- */

enum file_way { FILE_READ, FILE_WRITE };

/* Whose pointer says where. */
enum file_where { FILE_EXPLICIT, FILE_INDIVIDUAL, FILE_SHARED };

struct file_access {
    enum file_way way;
    enum file_where where;
    bool collective;   /* with FILE_SHARED: ordered */
    MPI_Offset offset; /* FILE_EXPLICIT: in etypes */
    char *buf;
    MPI_Count count;
    struct datatype *type;
};

/* Bytes of the program's buffer that were moved, for the status. */
int file_run(struct file *f, const struct file_access *a, uint64_t *moved);
/* With a request instead, without a handle. A collective one does not wait for other processes. */
int file_start(struct file *f, const struct file_access *a, struct request **request);
/* Split collectives: one at a time, of one kind and buffer. */
int file_begin(struct file *f, enum file_split_kind kind, const struct file_access *a);
int file_end(struct file *f, enum file_split_kind kind, const void *buf, uint64_t *moved);

#endif
