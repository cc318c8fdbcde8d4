/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One process's access to its part of the file. What lies together in file and memory goes in one
 * call; memory in large pieces goes as it is, in small ones through a buffer. A view with small
 * holes is read holes and all ("data sieving": Thakur, Gropp and Lusk, "Data sieving and collective
 * I/O in ROMIO", 1999). It is never written so: what stands in a hole may be another's to write at
 * this very moment, and nobody would know.
 */
#include <stdlib.h>
#include <string.h>

#include "core/file/file_access.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

enum {
    STAGE = 1 << 20,        /* bytes of memory's packed form that are held at once */
    LARGE_PIECE = 4096,     /* of memory: worth a place in an I/O vector */
    VECTOR = 64,            /* pieces of one */
    SMALL_HOLE = 16 * 1024, /* of the file: reading it costs less than a call more */
    LARGE_RANGE = 64 * 1024,
};

/* Where an access stands. */
struct transfer {
    struct file *f;
    const struct file_access *a;
    int64_t at;     /* of the stream, where the access begins */
    uint64_t len;   /* of it all */
    uint64_t moved; /* from its beginning on */
    char *stage;    /* STAGE bytes, once they are needed */
    char *window;   /* the buffer for sieving */
    int64_t window_size;
    bool short_read; /* the file has ended */
};

static bool in_one_block(const struct file_access *a)
{
    return datatype_is_block(a->type, a->count);
}

static char *block_of(const struct file_access *a)
{
    return type_at(a->buf, a->type->shape.first);
}

static int get_stage(struct transfer *t)
{
    if (!t->stage)
        t->stage = malloc(t->len < STAGE ? t->len : STAGE);
    return t->stage ? MPI_SUCCESS
                    : err_set(MPI_ERR_NO_MEM, "no memory for a buffer of %d bytes", STAGE);
}

/* ---- A range of the file ---- */

static int range_direct(struct transfer *t, int64_t offset, uint64_t len)
{
    char *at = block_of(t->a) + t->moved;
    uint64_t n;
    int rc = t->a->way == FILE_READ ? file_pread(t->f, offset, at, len, &n)
                                    : file_pwrite(t->f, offset, at, len, &n);

    t->moved += n;
    t->short_read = n < len;
    return rc;
}

/* Pieces of memory from where the access stands, `len` bytes at most; how many, and their bytes. */
static int pieces_from(const struct transfer *t, uint64_t len, struct iovec *piece, uint64_t *bytes)
{
    struct type_iter i;
    int n = 0;

    *bytes = 0;
    type_iter_begin(&i, t->a->buf, t->a->count, t->a->type, t->moved);
    while (n < VECTOR && *bytes < len && type_iter_next(&i, len - *bytes, &piece[n]))
        *bytes += piece[n++].iov_len;
    return n;
}

static int range_vector(struct transfer *t, int64_t offset, uint64_t len)
{
    while (len && !t->short_read) {
        struct iovec piece[VECTOR];
        uint64_t bytes, done;
        int n = pieces_from(t, len, piece, &bytes);
        int rc = t->a->way == FILE_READ ? file_readv(t->f, offset, piece, n, &done)
                                        : file_writev(t->f, offset, piece, n, &done);

        t->moved += done;
        offset += (int64_t)done;
        len -= done;
        t->short_read = done < bytes;
        if (rc)
            return rc;
    }
    return MPI_SUCCESS;
}

static int range_staged(struct transfer *t, int64_t offset, uint64_t len)
{
    int rc = get_stage(t);

    while (!rc && len && !t->short_read) {
        const struct file_access *a = t->a;
        uint64_t n = len < STAGE ? len : STAGE, done;

        if (a->way == FILE_READ) {
            rc = file_pread(t->f, offset, t->stage, n, &done);
            datatype_unpack(a->buf, a->count, a->type, t->moved, t->stage, done);
        } else {
            datatype_pack(a->buf, a->count, a->type, t->moved, t->stage, n);
            rc = file_pwrite(t->f, offset, t->stage, n, &done);
        }
        t->moved += done;
        offset += (int64_t)done;
        len -= done;
        t->short_read = done < n;
    }
    return rc;
}

static bool in_large_pieces(const struct file_access *a)
{
    return a->type->size / type_shape_blocks(&a->type->shape) >= LARGE_PIECE;
}

/* The access's next `len` bytes. */
static int range_move(struct transfer *t, int64_t offset, uint64_t len)
{
    if (in_one_block(t->a))
        return range_direct(t, offset, len);
    if (in_large_pieces(t->a))
        return range_vector(t, offset, len);
    return range_staged(t, offset, len);
}

/* ---- A view with holes ---- */

/* Range by range. With memory in one block; else some of its packed form at a time. */
static int ranges_direct(struct transfer *t)
{
    struct file_walk w;
    struct file_range r;
    int rc = MPI_SUCCESS;

    file_walk_begin(&w, &t->f->view, t->at, t->len);
    while (!rc && !t->short_read && file_walk_next(&w, &r))
        rc = range_move(t, r.offset, r.len);
    return rc;
}

static int ranges_staged(struct transfer *t)
{
    const struct file_access *a = t->a;
    int rc = get_stage(t);

    while (!rc && t->moved < t->len && !t->short_read) {
        uint64_t left = t->len - t->moved, n = left < STAGE ? left : STAGE;
        struct file_access packed = {
            .way = a->way, .buf = t->stage, .count = (MPI_Count)n, .type = &datatype_byte};
        struct transfer part = {t->f, &packed, t->at + (int64_t)t->moved, n, 0, NULL, NULL,
                                0,    false};

        if (a->way == FILE_WRITE)
            datatype_pack(a->buf, a->count, a->type, t->moved, t->stage, n);
        rc = ranges_direct(&part);
        if (a->way == FILE_READ)
            datatype_unpack(a->buf, a->count, a->type, t->moved, t->stage, part.moved);
        t->moved += part.moved;
        t->short_read = part.short_read;
    }
    return rc;
}

/* From the window to memory: the stream's next `n` bytes. */
static int take_from_window(struct transfer *t, int64_t offset, uint64_t n)
{
    const struct file_access *a = t->a;
    const struct file_view *v = &t->f->view;

    if (in_one_block(a)) {
        file_view_pack(v, t->window, offset, t->at + (int64_t)t->moved, block_of(a) + t->moved, n);
        t->moved += n;
        return MPI_SUCCESS;
    }
    int rc = get_stage(t);
    while (!rc && n) {
        uint64_t part = n < STAGE ? n : STAGE;
        file_view_pack(v, t->window, offset, t->at + (int64_t)t->moved, t->stage, part);
        datatype_unpack(a->buf, a->count, a->type, t->moved, t->stage, part);
        t->moved += part;
        n -= part;
    }
    return rc;
}

/* Reads a window of the file and takes what belongs to the access, window after window. */
static int ranges_sieved(struct transfer *t)
{
    const struct file_view *v = &t->f->view;
    int64_t end = t->at + (int64_t)t->len;
    int64_t last = file_view_offset(v, end - 1) + 1;
    int rc = MPI_SUCCESS;

    t->window_size = last - file_view_offset(v, t->at);
    if (t->window_size > t->f->hints.read_buffer)
        t->window_size = t->f->hints.read_buffer;
    t->window = malloc((size_t)t->window_size);
    if (!t->window)
        return err_set(MPI_ERR_NO_MEM, "no memory for a buffer of %lld bytes",
                       (long long)t->window_size);
    while (!rc && t->moved < t->len && !t->short_read) {
        int64_t from = t->at + (int64_t)t->moved, offset = file_view_offset(v, from);
        int64_t size = last - offset < t->window_size ? last - offset : t->window_size;
        int64_t until = offset + size == last ? end : file_view_below(v, offset + size);
        uint64_t got;

        rc = file_pread(t->f, offset, t->window, (uint64_t)size, &got);
        if ((int64_t)got < size) {
            int64_t there = file_view_below(v, offset + (int64_t)got);
            t->short_read = there < until;
            until = there < until ? there : until;
        }
        if (!rc && until > from)
            rc = take_from_window(t, offset, (uint64_t)(until - from));
    }
    return rc;
}

static bool worth_sieving(const struct transfer *t)
{
    const struct datatype *l = t->f->view.layout;
    MPI_Count blocks = type_shape_blocks(&l->shape);
    uint8_t choice = t->f->hints.sieve_read;

    if (t->a->way == FILE_WRITE || !t->f->view.ordered || choice == FILE_DISABLE)
        return false;
    /* What one range has needs no sieve. */
    if (t->len <= (uint64_t)(l->size / blocks))
        return false;
    if (choice == FILE_ENABLE)
        return true;
    return (l->extent - l->size) / blocks <= SMALL_HOLE && l->size / blocks <= LARGE_RANGE;
}

static int move_all(struct transfer *t)
{
    const struct file_view *v = &t->f->view;

    if (!t->len || !v->layout->size)
        return MPI_SUCCESS;
    if (file_view_is_plain(v))
        return range_move(t, file_view_offset(v, t->at), t->len);
    if (worth_sieving(t))
        return ranges_sieved(t);
    return in_one_block(t->a) ? ranges_direct(t) : ranges_staged(t);
}

static int access_as_it_is(struct file *f, const struct file_access *a, int64_t at, uint64_t *moved)
{
    struct transfer t = {.f = f, .a = a, .at = at};

    t.len = (uint64_t)a->count * (uint64_t)a->type->size;
    int rc = move_all(&t);
    free(t.stage);
    free(t.window);
    *moved = t.moved;
    return rc;
}

/* ---- Other representations: items are converted on their way, some at a time ---- */

/*
 * What the end of the file left of the last item: whole elements, where all are of one kind, so
 * that it is known where they end in memory.
 */
static int read_rest(struct file *f, const struct file_access *a, MPI_Count item, MPI_Count size,
                     char *bytes, uint64_t got, uint64_t *moved)
{
    const struct datatype *t = a->type;
    struct file_access one = *a;
    char *whole, *packed;
    int rc = MPI_SUCCESS;

    if (t->basic == BASIC_NONE || !t->elements)
        return MPI_SUCCESS;
    uint64_t elements = got / (uint64_t)(size / t->elements);
    uint64_t native = elements * (uint64_t)(t->size / t->elements);
    whole = malloc((size_t)t->true_extent);
    packed = malloc((size_t)t->size);
    if (whole && packed) {
        memset(bytes + got, 0, (size_t)size - got);
        one.buf = type_at(whole, -t->true_lb);
        rc = file_datarep_read(f->view.rep, &one, 0, 1, bytes);
        datatype_pack(one.buf, 1, t, 0, packed, native);
        datatype_unpack(type_at(a->buf, item * t->extent), 1, t, 0, packed, native);
        *moved += native;
    } else {
        rc = err_set(MPI_ERR_NO_MEM, "no memory for an item of %lld bytes", (long long)t->size);
    }
    free(whole);
    free(packed);
    return rc;
}

static int convert_some(struct file *f, const struct file_access *a, MPI_Count first,
                        MPI_Count count, MPI_Count size, int64_t at, char *bytes, uint64_t *moved,
                        bool *ended)
{
    struct file_access plain = {
        .way = a->way, .buf = bytes, .count = count * size, .type = &datatype_byte};
    uint64_t done = 0;
    int rc = MPI_SUCCESS;

    if (a->way == FILE_WRITE)
        rc = file_datarep_write(f->view.rep, a, first, count, bytes);
    if (!rc)
        rc = access_as_it_is(f, &plain, at + first * size, &done);
    MPI_Count items = (MPI_Count)done / size;
    if (!rc && a->way == FILE_READ && items)
        rc = file_datarep_read(f->view.rep, a, first, items, bytes);
    *moved += (uint64_t)(items * a->type->size);
    *ended = items < count;
    uint64_t rest = done % (uint64_t)size;
    if (!rc && rest && a->way == FILE_READ)
        rc = read_rest(f, a, first + items, size, bytes + items * size, rest, moved);
    return rc;
}

static int access_converted(struct file *f, const struct file_access *a, int64_t at,
                            uint64_t *moved)
{
    MPI_Count size, some;
    bool ended = false;
    int rc = file_datarep_size(f->view.rep, a->type, &size);

    *moved = 0;
    if (rc || !size || !a->count)
        return rc;
    some = size < STAGE ? STAGE / size : 1;
    if (some > a->count)
        some = a->count;
    char *bytes = malloc((size_t)(some * size));
    if (!bytes)
        return err_set(MPI_ERR_NO_MEM, "no memory for a buffer of %lld bytes",
                       (long long)(some * size));
    for (MPI_Count i = 0; i < a->count && !rc && !ended; i += some) {
        MPI_Count n = a->count - i < some ? a->count - i : some;
        rc = convert_some(f, a, i, n, size, at, bytes, moved, &ended);
    }
    free(bytes);
    return rc;
}

/* ---- Atomic mode (14.6.1): the access is one under a lock of what it touches ---- */

/* The part of the file that an access touches. */
static void span_of(const struct file_view *v, int64_t at, uint64_t len, int64_t *offset,
                    int64_t *bytes)
{
    if (v->ordered) {
        *offset = file_view_offset(v, at);
        *bytes = file_view_offset(v, at + (int64_t)len - 1) + 1 - *offset;
    } else { /* whatever comes from the view's beginning on */
        *offset = v->disp;
        *bytes = 0;
    }
}

static int access_any(struct file *f, const struct file_access *a, int64_t at, uint64_t *moved)
{
    if (file_datarep_converts(f->view.rep))
        return access_converted(f, a, at, moved);
    return access_as_it_is(f, a, at, moved);
}

int file_access_alone(struct file *f, const struct file_access *a, int64_t at, uint64_t *moved)
{
    int64_t offset, bytes;
    MPI_Count size;

    *moved = 0;
    if (!f->atomic)
        return access_any(f, a, at, moved);
    int rc = file_datarep_size(f->view.rep, a->type, &size);
    if (rc || !size || !a->count)
        return rc;
    span_of(&f->view, at, (uint64_t)(a->count * size), &offset, &bytes);
    rc = file_lock(f, a->way, offset, bytes);
    if (rc)
        return rc;
    rc = access_any(f, a, at, moved);
    file_unlock(f, offset, bytes);
    return rc;
}
