/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data representations (14.5): "native" and "internal", which are memory's, "external32", and those
 * of the program. They are known by name and stay for the life of the process.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/file/file_access.h"
#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"
#include "core/object/datatype_external.h"
#include "core/object/err.h"

enum rep_kind { REP_MEMORY, REP_EXTERNAL32, REP_PROGRAM };

struct file_datarep {
    enum rep_kind kind;
    char name[MPI_MAX_DATAREP_STRING];
    struct file_conversion conversion;
    const struct file_datarep *next;
};

const struct file_datarep file_native = {.kind = REP_MEMORY, .name = "native"};
static const struct file_datarep internal = {REP_MEMORY, "internal", {0}, &file_native};
static const struct file_datarep external32 = {REP_EXTERNAL32, "external32", {0}, &internal};

static struct {
    pthread_mutex_t lock;
    const struct file_datarep *first;
} known = {PTHREAD_MUTEX_INITIALIZER, &external32};

static const struct file_datarep *find(const char *name)
{
    const struct file_datarep *r = known.first;

    while (r && strcmp(r->name, name))
        r = r->next;
    return r;
}

const struct file_datarep *file_datarep_find(const char *name)
{
    pthread_mutex_lock(&known.lock);
    const struct file_datarep *r = find(name);
    pthread_mutex_unlock(&known.lock);
    return r;
}

int file_datarep_register(const char *name, const struct file_conversion *conversion)
{
    size_t len = strlen(name);
    struct file_datarep *r;
    int rc = MPI_SUCCESS;

    if (!len || len >= MPI_MAX_DATAREP_STRING)
        return err_set(MPI_ERR_ARG, "a representation's name has 1 to %d characters, not %zu",
                       MPI_MAX_DATAREP_STRING - 1, len);
    r = calloc(1, sizeof *r);
    if (!r)
        return err_set(MPI_ERR_NO_MEM, "no memory for a data representation");
    r->kind = REP_PROGRAM;
    r->conversion = *conversion;
    memcpy(r->name, name, len + 1);
    pthread_mutex_lock(&known.lock);
    if (find(name)) {
        rc = err_set(MPI_ERR_DUP_DATAREP, "\"%s\" is defined already", name);
        free(r);
    } else {
        r->next = known.first;
        known.first = r;
    }
    pthread_mutex_unlock(&known.lock);
    return rc;
}

const char *file_datarep_name(const struct file_view *v)
{
    return v->rep->name;
}

bool file_datarep_converts(const struct file_datarep *rep)
{
    return rep->kind != REP_MEMORY;
}

/* ---- Sizes ---- */

static int program_extent(const struct file_datarep *rep, const struct datatype *t, MPI_Aint *out)
{
    const struct file_conversion *c = &rep->conversion;
    int rc = c->extent((MPI_Datatype)t->object.handle, out, c->extra_state);

    if (rc)
        return err_set(MPI_ERR_CONVERSION, "the extent function of \"%s\" returned %d for %s",
                       rep->name, rc, t->name);
    if (*out < 0)
        return err_set(MPI_ERR_CONVERSION, "the extent function of \"%s\" says %lld bytes for %s",
                       rep->name, (long long)*out, t->name);
    return MPI_SUCCESS;
}

/* Of a predefined type. */
static int basic_size(const struct file_datarep *rep, const struct datatype *t, MPI_Aint *size)
{
    if (rep->kind == REP_PROGRAM)
        return program_extent(rep, t, size);
    *size = rep->kind == REP_EXTERNAL32 ? datatype_external_size(t) : t->size;
    return MPI_SUCCESS;
}

struct sum {
    const struct file_datarep *rep;
    MPI_Count bytes;
    int rc;
};

static void add_run(void *context, const struct datatype *predefined, MPI_Count count)
{
    struct sum *s = context;
    MPI_Aint size = 0;

    if (!s->rc)
        s->rc = basic_size(s->rep, predefined, &size);
    if (!s->rc && (__builtin_mul_overflow(size, count, &size) ||
                   __builtin_add_overflow(s->bytes, size, &s->bytes)))
        s->rc = err_set(MPI_ERR_VALUE_TOO_LARGE, "the type has more than 2^63 bytes in the file");
}

int file_datarep_size(const struct file_datarep *rep, const struct datatype *t, MPI_Count *size)
{
    struct sum s = {rep, 0, MPI_SUCCESS};

    if (rep->kind == REP_MEMORY)
        s.bytes = t->size;
    else if (rep->kind == REP_EXTERNAL32)
        s.bytes = datatype_external_size(t);
    else
        type_signature(t, 1, add_run, &s);
    *size = s.bytes;
    return s.rc;
}

/* ---- Layouts: the type once more, made of what its elements are in the file (14.5.1) ---- */

static int layout_of(const struct file_datarep *rep, struct datatype *t, struct datatype **out);

static int basic_layout(const struct file_datarep *rep, struct datatype *t, struct datatype **out)
{
    MPI_Aint size;
    int rc = basic_size(rep, t, &size);

    if (rc)
        return rc;
    if (size == t->size && size == t->extent) {
        object_hold(&t->object);
        *out = t;
        return MPI_SUCCESS;
    }
    return datatype_contiguous(size, &datatype_byte, out);
}

/* Displacements in bytes are the file's already. */
static int struct_layout(const struct file_datarep *rep, const struct type_contents *c,
                         struct datatype **out)
{
    MPI_Count n = c->types;
    struct datatype **part = calloc((size_t)n, sizeof *part);
    MPI_Datatype *handle = calloc((size_t)n, sizeof *handle);
    int rc = part && handle ? MPI_SUCCESS : err_set(MPI_ERR_NO_MEM, "no memory for a view");

    for (MPI_Count i = 0; i < n && !rc; i++) {
        handle[i] = MPI_BYTE; /* of no items: any type is as good */
        if (!type_struct_block(c, i))
            continue;
        rc = layout_of(rep, c->type[i], &part[i]);
        if (!rc && !part[i]->object.handle)
            rc = object_publish(&part[i]->object);
        if (!rc)
            handle[i] = (MPI_Datatype)part[i]->object.handle;
    }
    if (!rc)
        rc = datatype_struct(n, (struct vec){c->value + 1, sizeof(MPI_Count)},
                             (struct vec){c->value + 1 + n, sizeof(MPI_Count)}, handle, out);
    for (MPI_Count i = 0; part && i < n; i++)
        if (part[i])
            object_drop(&part[i]->object);
    free(part);
    free(handle);
    return rc;
}

static int darray_layout(const struct type_contents *c, struct datatype *old, struct datatype **out)
{
    const MPI_Count *v = c->value;
    int ndims = (int)v[2], *list = malloc((size_t)ndims * 3 * sizeof *list);

    if (!list)
        return err_set(MPI_ERR_NO_MEM, "no memory for a view");
    for (int i = 0; i < 3 * ndims; i++)
        list[i] = (int)v[3 + ndims + i];
    struct type_grid g = {.size = (int)v[0],
                          .rank = (int)v[1],
                          .ndims = ndims,
                          .gsizes = {v + 3, sizeof *v},
                          .distribs = list,
                          .dargs = list + ndims,
                          .psizes = list + 2 * ndims,
                          .order = (int)v[3 + 4 * ndims]};
    int rc = datatype_darray(&g, old, out);
    free(list);
    return rc;
}

/* The constructor again, over another old type. */
static int build_again(const struct type_contents *c, struct datatype *old, struct datatype **out)
{
    const MPI_Count *v = c->value;
    const int width = sizeof *v;
    MPI_Count n = v[0];
    struct vec second = {v + 1, width};

    switch (c->combiner) {
    case MPI_COMBINER_DUP:
        return datatype_dup(old, out);
    case MPI_COMBINER_CONTIGUOUS:
        return datatype_contiguous(n, old, out);
    case MPI_COMBINER_VECTOR:
        return datatype_hvector(n, v[1], v[2], false, old, out);
    case MPI_COMBINER_HVECTOR:
        return datatype_hvector(n, v[1], v[2], true, old, out);
    case MPI_COMBINER_INDEXED:
        return datatype_indexed(n, second, (struct vec){v + 1 + n, width}, false, old, out);
    case MPI_COMBINER_HINDEXED:
        return datatype_indexed(n, second, (struct vec){v + 1 + n, width}, true, old, out);
    case MPI_COMBINER_INDEXED_BLOCK:
        return datatype_indexed_block(n, v[1], (struct vec){v + 2, width}, false, old, out);
    case MPI_COMBINER_HINDEXED_BLOCK:
        return datatype_indexed_block(n, v[1], (struct vec){v + 2, width}, true, old, out);
    case MPI_COMBINER_RESIZED:
        return datatype_resized(old, v[0], v[1], out);
    case MPI_COMBINER_SUBARRAY:
        return datatype_subarray((int)n, second, (struct vec){v + 1 + n, width},
                                 (struct vec){v + 1 + 2 * n, width}, (int)v[1 + 3 * n], old, out);
    case MPI_COMBINER_DARRAY:
        return darray_layout(c, old, out);
    default:
        return err_set(MPI_ERR_TYPE, "a type of combiner %d cannot be laid out in a file",
                       c->combiner);
    }
}

static bool is_basic(const struct datatype *t)
{
    const struct type_contents *c = t->contents;

    return !c || c->combiner == MPI_COMBINER_F90_REAL || c->combiner == MPI_COMBINER_F90_COMPLEX ||
           c->combiner == MPI_COMBINER_F90_INTEGER;
}

static int layout_of(const struct file_datarep *rep, struct datatype *t, struct datatype **out)
{
    struct datatype *old;

    if (is_basic(t))
        return basic_layout(rep, t, out);
    if (t->contents->combiner == MPI_COMBINER_STRUCT)
        return struct_layout(rep, t->contents, out);
    int rc = layout_of(rep, t->contents->type[0], &old);
    if (rc)
        return rc;
    rc = build_again(t->contents, old, out);
    object_drop(&old->object);
    return rc;
}

int file_datarep_layout(const struct file_datarep *rep, struct datatype *t,
                        struct datatype **layout)
{
    if (rep->kind != REP_MEMORY)
        return layout_of(rep, t, layout);
    object_hold(&t->object);
    *layout = t;
    return MPI_SUCCESS;
}

/* ---- Conversion ---- */

static int call_failed(const struct file_datarep *rep, int rc)
{
    if (!rc)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_CONVERSION, "the conversion function of \"%s\" returned %d", rep->name,
                   rc);
}

/* The program's functions take a type by its handle, which that of a request may have lost. */
static int program_convert(const struct file_datarep *rep, const struct file_access *a,
                           MPI_Count first, MPI_Count count, void *bytes)
{
    const struct file_conversion *c = &rep->conversion;
    bool reading = a->way == FILE_READ;
    MPI_Datarep_conversion_function *call = reading ? c->read : c->write;
    MPI_Datarep_conversion_function_c *call_c = reading ? c->read_c : c->write_c;
    MPI_Datatype type = (MPI_Datatype)a->type->object.handle;
    char *buf = type_at(a->buf, first * a->type->extent);

    if (call_c)
        return call_failed(rep, call_c(a->buf, type, count, bytes, first, c->extra_state));
    if (call && count > INT_MAX)
        return err_set(MPI_ERR_COUNT, "\"%s\" converts no more than INT_MAX items", rep->name);
    if (call)
        return call_failed(rep, call(a->buf, type, (int)count, bytes, first, c->extra_state));
    if (reading)
        datatype_unpack(buf, count, a->type, 0, bytes, SIZE_MAX);
    else
        datatype_pack(buf, count, a->type, 0, bytes, SIZE_MAX);
    return MPI_SUCCESS;
}

int file_datarep_read(const struct file_datarep *rep, const struct file_access *a, MPI_Count first,
                      MPI_Count count, void *bytes)
{
    if (rep->kind == REP_PROGRAM)
        return program_convert(rep, a, first, count, bytes);
    return datatype_external_unpack(type_at(a->buf, first * a->type->extent), count, a->type,
                                    bytes);
}

int file_datarep_write(const struct file_datarep *rep, const struct file_access *a, MPI_Count first,
                       MPI_Count count, void *bytes)
{
    if (rep->kind == REP_PROGRAM)
        return program_convert(rep, a, first, count, bytes);
    return datatype_external_pack(type_at(a->buf, first * a->type->extent), count, a->type, bytes);
}
