/* SPDX-License-Identifier: BSD-3-Clause */
/* Views (14.3): which bytes of the file make up the stream, and in what order. */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll.h"
#include "core/file/file_access.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

/* ---- The stream and the file. The iterator's addresses are offsets, of which none may be NULL. */

enum { BIAS = 4096 };

static void *base_of(const struct file_view *v)
{
    return (void *)(uintptr_t)(v->disp + BIAS);
}

static int64_t offset_of(const void *address)
{
    return (int64_t)(uintptr_t)address - BIAS;
}

/* Items of the layout that have the bytes before `end`. */
static MPI_Count items_for(const struct file_view *v, int64_t end)
{
    return end / v->layout->size + 1;
}

int64_t file_view_offset(const struct file_view *v, int64_t at)
{
    struct type_iter i;
    struct iovec piece;

    if (!v->layout->size)
        return v->disp;
    if (file_view_is_plain(v))
        return v->disp + v->layout->shape.first + at;
    type_iter_begin(&i, base_of(v), items_for(v, at), v->layout, (size_t)at);
    type_iter_next(&i, 1, &piece);
    return offset_of(piece.iov_base);
}

int64_t file_view_below(const struct file_view *v, int64_t offset)
{
    const struct datatype *t = v->layout;
    int64_t in = offset - v->disp;

    if (in <= 0 || !t->size)
        return 0;
    if (file_view_is_plain(v))
        return in > t->shape.first ? in - t->shape.first : 0;
    /* No tile before `low` reaches the offset, none from `high` on begins before it. */
    int64_t low = 0, high = t->size;
    if (t->extent > 0) {
        int64_t end = t->true_lb + t->true_extent;
        low = in > end ? (in - end) / t->extent * t->size : 0;
        high = (in / t->extent + 1) * t->size;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (file_view_offset(v, middle) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void file_walk_begin(struct file_walk *w, const struct file_view *v, int64_t at, uint64_t len)
{
    w->ahead = (struct iovec){NULL, 0};
    w->left = v->layout->size ? len : 0;
    if (w->left)
        type_iter_begin(&w->iter, base_of(v), items_for(v, at + (int64_t)len), v->layout,
                        (size_t)at);
}

bool file_walk_next(struct file_walk *w, struct file_range *range)
{
    struct iovec piece = w->ahead;

    w->ahead.iov_len = 0;
    while (w->left) {
        struct iovec next;
        type_iter_next(&w->iter, w->left, &next);
        w->left -= next.iov_len;
        if (piece.iov_len && type_at(piece.iov_base, (MPI_Aint)piece.iov_len) != next.iov_base) {
            w->ahead = next;
            break;
        }
        if (!piece.iov_len)
            piece.iov_base = next.iov_base;
        piece.iov_len += next.iov_len;
    }
    *range = (struct file_range){offset_of(piece.iov_base), piece.iov_len};
    return piece.iov_len;
}

void file_view_pack(const struct file_view *v, const char *window, int64_t offset, int64_t at,
                    void *packed, uint64_t len)
{
    datatype_pack(type_at(window, v->disp - offset), items_for(v, at + (int64_t)len), v->layout,
                  (size_t)at, packed, len);
}

/* ---- Making views ---- */

void file_view_plain(struct file_view *v, MPI_Offset disp)
{
    *v = (struct file_view){.disp = disp,
                            .etype = &datatype_byte,
                            .filetype = &datatype_byte,
                            .layout = &datatype_byte,
                            .rep = &file_native,
                            .etype_size = 1,
                            .ordered = true};
}

void file_view_drop(struct file_view *v)
{
    object_drop(&v->etype->object);
    object_drop(&v->filetype->object);
    object_drop(&v->layout->object);
}

static int refuse(const char *what)
{
    return err_set(MPI_ERR_ARG, "the filetype %s (14.1.1)", what);
}

/* Displacements of a filetype are not negative and never fall, and where the file may be written no
 * byte comes twice. */
static int check_order(const struct datatype *layout, bool writable)
{
    struct type_iter i;
    struct iovec piece;
    int64_t begin = -1, end = 0;

    if (!layout->size)
        return MPI_SUCCESS;
    if (layout->true_lb < 0)
        return refuse("has a negative displacement");
    type_iter_begin(&i, (void *)(uintptr_t)BIAS, 1, layout, 0);
    while (type_iter_next(&i, SIZE_MAX, &piece)) {
        int64_t offset = offset_of(piece.iov_base);
        if (offset < begin)
            return refuse("has displacements that fall");
        if (writable && offset < end)
            return refuse("has parts that overlap, in a file that is open for writing");
        begin = offset;
        end = offset + (int64_t)piece.iov_len;
    }
    return MPI_SUCCESS;
}

/* The signature of whole etypes, as far as sizes tell. */
static int check_etype(const struct datatype *etype, const struct datatype *filetype)
{
    if (etype->size <= 0)
        return err_set(MPI_ERR_ARG, "the etype has no data");
    if (filetype->size % etype->size)
        return err_set(MPI_ERR_ARG, "the filetype's %lld bytes are no multiple of the etype's %lld",
                       (long long)filetype->size, (long long)etype->size);
    return MPI_SUCCESS;
}

static int make_view(struct file *f, struct file_view *v)
{
    int rc = check_etype(v->etype, v->filetype);

    if (!rc)
        rc = file_datarep_size(v->rep, v->etype, &v->etype_size);
    if (!rc)
        rc = file_datarep_layout(v->rep, v->filetype, &v->layout);
    if (rc)
        return rc;
    rc = check_order(v->layout, !(f->amode & MPI_MODE_RDONLY));
    if (rc) {
        object_drop(&v->layout->object);
        return rc;
    }
    v->ordered = v->layout->true_extent <= v->layout->extent;
    object_hold(&v->etype->object);
    object_hold(&v->filetype->object);
    return MPI_SUCCESS;
}

static int check_disp(struct file *f, MPI_Offset *disp)
{
    bool sequential = f->amode & MPI_MODE_SEQUENTIAL;

    if (*disp == MPI_DISPLACEMENT_CURRENT && sequential) {
        int64_t etypes = 0;
        int rc = file_position_shared(f, &etypes);
        *disp = rc ? 0 : file_view_offset(&f->view, etypes * f->view.etype_size);
        return rc;
    }
    if (*disp == MPI_DISPLACEMENT_CURRENT)
        return err_set(MPI_ERR_ARG, "MPI_DISPLACEMENT_CURRENT needs MPI_MODE_SEQUENTIAL");
    if (sequential)
        return err_set(MPI_ERR_ARG, "with MPI_MODE_SEQUENTIAL a view begins where the file stands: "
                                    "disp must be MPI_DISPLACEMENT_CURRENT");
    if (*disp < 0)
        return err_set(MPI_ERR_ARG, "the displacement %lld is negative", (long long)*disp);
    return MPI_SUCCESS;
}

static int64_t hash(const char *name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return (int64_t)(h >> 2);
}

int file_set_view(struct file *f, MPI_Offset disp, struct datatype *etype,
                  struct datatype *filetype, const char *datarep, struct info *info)
{
    struct file_view v = {.etype = etype, .filetype = filetype, .rep = file_datarep_find(datarep)};
    int rc = MPI_SUCCESS;
    bool made = false;

    if (!v.rep)
        rc = err_set(MPI_ERR_UNSUPPORTED_DATAREP,
                     "\"%.100s\" is none of native, internal, external32 and those that "
                     "MPI_Register_datarep was given",
                     datarep);
    if (!rc)
        rc = check_disp(f, &disp);
    v.disp = disp;
    if (!rc) {
        rc = make_view(f, &v);
        made = !rc;
    }
    const int64_t same[] = {hash(datarep), v.etype_size};
    rc = file_agree_same(f, rc, same, 2, "the data representation or the etype's extent");
    if (!rc)
        rc = file_hints_take(f, info);
    /* The pointers go to the view's beginning, before anybody uses them. */
    if (!rc)
        rc = file_shared_set(f, 0);
    if (rc) {
        if (made)
            file_view_drop(&v);
        return rc;
    }
    file_settle(f); /* they go by the old one */
    file_view_drop(&f->view);
    f->view = v;
    pthread_mutex_lock(&f->lock);
    f->position = 0;
    pthread_mutex_unlock(&f->lock);
    /* Nobody goes on before all are here. */
    int64_t holes = !file_view_is_plain(&v);
    rc = file_greatest(f, &holes, 1);
    f->holes = holes;
    return rc;
}

/* ---- What a program asks ---- */

int file_type_extent(struct file *f, struct datatype *t, MPI_Count *extent)
{
    struct datatype *layout;
    int rc = file_datarep_layout(f->view.rep, t, &layout);

    if (rc)
        return rc;
    *extent = layout->extent;
    object_drop(&layout->object);
    return MPI_SUCCESS;
}

static int check_offset(struct file *f, MPI_Offset offset)
{
    if (offset < 0)
        return err_set(MPI_ERR_ARG, "the offset %lld is negative", (long long)offset);
    if (offset > INT64_MAX / 4 / f->view.etype_size)
        return err_set(MPI_ERR_ARG, "the offset %lld is beyond any file", (long long)offset);
    return MPI_SUCCESS;
}

static int check_random(const struct file *f)
{
    if (!(f->amode & MPI_MODE_SEQUENTIAL))
        return MPI_SUCCESS;
    return err_set(MPI_ERR_UNSUPPORTED_OPERATION,
                   "%s is open with MPI_MODE_SEQUENTIAL: only shared and ordered accesses are "
                   "allowed",
                   f->name);
}

int file_byte_offset(struct file *f, MPI_Offset offset, MPI_Offset *disp)
{
    int rc = check_random(f);

    if (!rc)
        rc = check_offset(f, offset);
    if (!rc)
        *disp = file_view_offset(&f->view, offset * f->view.etype_size);
    return rc;
}

/* ---- Pointers ---- */

/* The first etype behind the end of the file. */
static int end_of_view(struct file *f, int64_t *etypes)
{
    int64_t size;
    int rc = file_bytes(f, &size);

    if (rc)
        return rc;
    *etypes = (file_view_below(&f->view, size) + f->view.etype_size - 1) / f->view.etype_size;
    return MPI_SUCCESS;
}

int file_seek_target(struct file *f, MPI_Offset offset, int whence, int64_t from, int64_t *to)
{
    int64_t base = 0;
    int rc = MPI_SUCCESS;

    if (whence == MPI_SEEK_END)
        rc = end_of_view(f, &base);
    else if (whence == MPI_SEEK_CUR)
        base = from;
    else if (whence != MPI_SEEK_SET)
        rc = err_set(MPI_ERR_ARG, "whence %d is none of MPI_SEEK_SET, _CUR and _END", whence);
    if (rc)
        return rc;
    if (__builtin_add_overflow(base, offset, to) || *to < 0)
        return err_set(MPI_ERR_ARG, "the pointer would be %lld etypes from the view's beginning",
                       (long long)base + (long long)(offset < 0 ? offset : 0));
    return check_offset(f, *to);
}

int file_seek(struct file *f, MPI_Offset offset, int whence)
{
    int64_t to;
    int rc = check_random(f);

    if (rc)
        return rc;
    pthread_mutex_lock(&f->lock);
    rc = file_seek_target(f, offset, whence, f->position, &to);
    if (!rc)
        f->position = to;
    pthread_mutex_unlock(&f->lock);
    return rc;
}

int file_position(struct file *f, MPI_Offset *offset)
{
    int rc = check_random(f);

    if (rc)
        return rc;
    pthread_mutex_lock(&f->lock);
    *offset = f->position;
    pthread_mutex_unlock(&f->lock);
    return MPI_SUCCESS;
}

/* How many etypes the access moves its pointer by: whole ones, as it begins where one does. */
static int count_etypes(struct file *f, const struct file_access *a, int64_t *etypes)
{
    MPI_Count size;
    int64_t bytes;
    int rc = file_datarep_size(f->view.rep, a->type, &size);

    if (rc)
        return rc;
    if (__builtin_mul_overflow(a->count, size, &bytes) || bytes > INT64_MAX / 4)
        return err_set(MPI_ERR_COUNT, "the access has more bytes than a file");
    if (bytes % f->view.etype_size)
        return err_set(MPI_ERR_TYPE,
                       "the access has %lld bytes, which is no multiple of the "
                       "etype's %lld",
                       (long long)bytes, (long long)f->view.etype_size);
    *etypes = bytes / f->view.etype_size;
    return MPI_SUCCESS;
}

static int check_way(const struct file *f, enum file_way way)
{
    if (way == FILE_WRITE && (f->amode & MPI_MODE_RDONLY))
        return err_set(MPI_ERR_READ_ONLY, "%s is open for reading only", f->name);
    if (way == FILE_READ && (f->amode & MPI_MODE_WRONLY))
        return err_set(MPI_ERR_ACCESS, "%s is open for writing only", f->name);
    return MPI_SUCCESS;
}

/* The ranks' parts one after the other, by one advance for all. */
static int place_ordered(struct file *f, int error, int64_t etypes, int64_t *place)
{
    struct comm *c = f->comm;
    int64_t before = 0, base[2] = {0, error};
    struct coll_args scan = {.kind = COLL_EXSCAN,
                             .comm = c,
                             .send = {.buf = &etypes, .count = 1, .type = &datatype_int64},
                             .recv = {.buf = &before},
                             .op = op_find(MPI_SUM)};
    int rc = coll_run(&scan);

    if (c->rank == 0)
        before = 0;
    if (!rc && c->rank == c->size - 1)
        base[1] = file_shared_advance(f, before + etypes, &base[0]);
    if (!rc)
        rc = coll_bcast(c, base, 2, &datatype_int64, c->size - 1);
    *place = base[0] + before;
    return error ? error : rc ? rc : (int)base[1];
}

int file_access_place(struct file *f, const struct file_access *a, int64_t *at)
{
    int64_t etypes = 0, place = a->offset;
    int rc = check_way(f, a->way);

    if (!rc && a->where != FILE_SHARED)
        rc = check_random(f);
    if (!rc)
        rc = count_etypes(f, a, &etypes);
    if (!rc && a->where == FILE_EXPLICIT)
        rc = check_offset(f, a->offset);
    if (a->where == FILE_SHARED && a->collective) {
        rc = place_ordered(f, rc, rc ? 0 : etypes, &place);
    } else if (!rc && a->where == FILE_SHARED) {
        rc = file_shared_advance(f, etypes, &place);
    } else if (!rc && a->where == FILE_INDIVIDUAL) {
        pthread_mutex_lock(&f->lock);
        place = f->position;
        f->position += etypes;
        pthread_mutex_unlock(&f->lock);
    }
    if (!rc && place > INT64_MAX / 4 / f->view.etype_size)
        rc = err_set(MPI_ERR_ARG, "the access is beyond any file");
    *at = rc ? 0 : place * f->view.etype_size;
    return rc;
}
