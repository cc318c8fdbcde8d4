/* SPDX-License-Identifier: BSD-3-Clause */
#include "datatype_map.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

void map_free(struct map *m)
{
    free(m->entry);
    *m = (struct map){0};
}

void map_add(struct map *m, long at, const struct basic *b)
{
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 16;
        m->entry = realloc(m->entry, (size_t)m->room * sizeof *m->entry);
        if (!m->entry)
            abort();
    }
    m->entry[m->count++] = (struct entry){at, b};
}

void map_mark(struct map *m, long lb, long ub)
{
    if (!m->marked || lb < m->lb)
        m->lb = lb;
    if (!m->marked || ub > m->ub)
        m->ub = ub;
    m->marked = true;
}

bool map_put(struct map *m, const struct map *old, long copies, long at)
{
    struct bounds b;
    bool some = m->count > 0;

    map_bounds(old, &b);
    if (m->count + copies * old->count > MAP_MOST)
        return false;
    for (long c = 0; c < copies; c++, at += b.extent) {
        for (int i = 0; i < old->count; i++)
            map_add(m, at + old->entry[i].at, old->entry[i].basic);
        if (old->marked)
            map_mark(m, at + old->lb, at + old->ub);
        if (old->count && (!some || at + b.lb + b.extent > m->end))
            m->end = at + b.lb + b.extent;
        some |= old->count > 0;
    }
    return true;
}

static int bytes_of(const struct entry *e)
{
    return e->basic->size * e->basic->parts;
}

void map_bounds(const struct map *m, struct bounds *b)
{
    long low = 0, high = 0, align = 1;

    *b = (struct bounds){0};
    for (int i = 0; i < m->count; i++) {
        const struct entry *e = &m->entry[i];
        b->size += bytes_of(e);
        if (i == 0 || e->at < low)
            low = e->at;
        if (i == 0 || e->at + bytes_of(e) > high)
            high = e->at + bytes_of(e);
        if (e->basic->align > align)
            align = e->basic->align;
    }
    b->true_lb = low;
    b->true_extent = high - low;
    if (m->count && m->end > high)
        high = m->end; /* the padding of a part counts */
    b->lb = m->marked ? m->lb : low;
    b->extent = m->marked ? m->ub - m->lb : (high - low + align - 1) / align * align;
}

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

bool map_overlaps(const struct map *m, int items)
{
    struct bounds b;
    size_t n = (size_t)m->count * (size_t)items;
    struct entry *e = malloc((n ? n : 1) * sizeof *e);
    bool found = false;

    if (!e)
        abort();
    map_bounds(m, &b);
    for (int c = 0; c < items; c++)
        for (int i = 0; i < m->count; i++)
            e[c * m->count + i] = (struct entry){m->entry[i].at + c * b.extent, m->entry[i].basic};
    qsort(e, n, sizeof *e, compare);
    for (size_t i = 1; i < n; i++)
        found |= e[i].at < e[i - 1].at + bytes_of(&e[i - 1]);
    free(e);
    return found;
}

long map_pack(const struct map *m, const char *buf, int items, char *out)
{
    struct bounds b;
    char *to = out;

    map_bounds(m, &b);
    for (int c = 0; c < items; c++, buf += b.extent)
        for (int i = 0; i < m->count; i++) {
            memcpy(to, buf + m->entry[i].at, (size_t)bytes_of(&m->entry[i]));
            to += bytes_of(&m->entry[i]);
        }
    return to - out;
}

long map_unpack(const struct map *m, char *buf, int elements, const char *in)
{
    struct bounds b;
    const char *from = in;

    map_bounds(m, &b);
    for (int i = 0; i < elements; i++) {
        const struct entry *e = &m->entry[i % m->count];
        memcpy(buf + i / m->count * b.extent + e->at, from, (size_t)bytes_of(e));
        from += bytes_of(e);
    }
    return from - in;
}

long map_pack_external(const struct map *m, const char *buf, int items, char *out)
{
    struct bounds b;
    char *to = out;

    map_bounds(m, &b);
    for (int c = 0; c < items; c++, buf += b.extent)
        for (int i = 0; i < m->count; i++) {
            const struct basic *k = m->entry[i].basic;
            const char *from = buf + m->entry[i].at;
            for (int p = 0; p < k->parts; p++, from += k->size)
                for (int byte = k->size - 1; byte >= 0; byte--)
                    *to++ = from[byte];
        }
    return to - out;
}

/* ---- Arrays ---- */

typedef bool owned_fn(const void *context, int dimension, int index);

/* All indices in the array's order, those that are owned put into the map. */
static bool array(struct map *m, const struct map *old, int ndims, const int *sizes, bool fortran,
                  owned_fn *owned, const void *context)
{
    struct bounds b;
    long total = 1;

    map_bounds(old, &b);
    for (int d = 0; d < ndims; d++)
        total *= sizes[d];
    for (long n = 0; n < total; n++) {
        bool mine = true;
        long rest = n;
        for (int k = 0; k < ndims; k++) {
            int d = fortran ? k : ndims - 1 - k; /* the one that varies fastest first */
            mine &= owned(context, d, (int)(rest % sizes[d]));
            rest /= sizes[d];
        }
        if (mine && !map_put(m, old, 1, n * b.extent))
            return false;
    }
    m->marked = false;
    map_mark(m, 0, total * b.extent);
    return true;
}

struct part {
    const int *subsizes, *starts;
};

static bool in_part(const void *context, int d, int index)
{
    const struct part *p = context;

    return index >= p->starts[d] && index < p->starts[d] + p->subsizes[d];
}

bool map_subarray(struct map *m, const struct map *old, int ndims, const int *sizes,
                  const int *subsizes, const int *starts, bool fortran)
{
    struct part p = {subsizes, starts};

    return array(m, old, ndims, sizes, fortran, in_part, &p);
}

/* The grid is row-major whatever the array's order. */
static int coordinate(const struct grid *g, int dimension)
{
    int rank = g->rank;

    for (int d = g->ndims - 1; d > dimension; d--)
        rank /= g->psizes[d];
    return rank % g->psizes[dimension];
}

static bool in_share(const void *context, int d, int index)
{
    const struct grid *g = context;
    int block = g->dargs[d], all = g->psizes[d];

    if (g->distribs[d] == MPI_DISTRIBUTE_NONE)
        return true;
    if (g->distribs[d] == MPI_DISTRIBUTE_BLOCK) {
        if (block == MPI_DISTRIBUTE_DFLT_DARG)
            block = (g->gsizes[d] + all - 1) / all;
        return index / block == coordinate(g, d);
    }
    if (block == MPI_DISTRIBUTE_DFLT_DARG)
        block = 1;
    return index / block % all == coordinate(g, d);
}

bool map_darray(struct map *m, const struct map *old, const struct grid *g)
{
    return array(m, old, g->ndims, g->gsizes, g->fortran, in_share, g);
}
