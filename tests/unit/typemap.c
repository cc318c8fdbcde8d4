/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/typemap.h"

#include <stdlib.h>
#include <string.h>

void typemap_init(struct typemap *m)
{
    *m = (struct typemap){.align = 1};
}

void typemap_free(struct typemap *m)
{
    free(m->entry);
    typemap_init(m);
}

void typemap_add(struct typemap *m, long disp, int size, int align, int external)
{
    if (m->count == m->room) {
        m->room = m->room ? 2 * m->room : 16;
        m->entry = realloc(m->entry, (size_t)m->room * sizeof *m->entry);
    }
    m->entry[m->count++] = (struct typemap_entry){disp, size, align, external};
    m->align = align > m->align ? align : m->align;
}

void typemap_put(struct typemap *m, const struct typemap *old, long disp)
{
    struct typemap_bounds b;
    bool first = !m->count;

    typemap_bounds(old, &b);
    if (old->count && (first || disp + b.lb + b.extent > m->end))
        m->end = disp + b.lb + b.extent;
    for (int i = 0; i < old->count; i++)
        typemap_add(m, disp + old->entry[i].disp, old->entry[i].size, old->entry[i].align,
                    old->entry[i].external);
    if (!old->marked)
        return;
    if (!m->marked || disp + old->lb < m->lb)
        m->lb = disp + old->lb;
    if (!m->marked || disp + old->ub > m->ub)
        m->ub = disp + old->ub;
    m->marked = true;
}

void typemap_put_block(struct typemap *m, const struct typemap *old, long n, long disp)
{
    struct typemap_bounds b;

    typemap_bounds(old, &b);
    for (long i = 0; i < n; i++)
        typemap_put(m, old, disp + i * b.extent);
}

void typemap_mark(struct typemap *m, long lb, long extent)
{
    m->marked = true;
    m->lb = lb;
    m->ub = lb + extent;
}

void typemap_bounds(const struct typemap *m, struct typemap_bounds *b)
{
    long low = 0, high = 0;

    *b = (struct typemap_bounds){0};
    for (int i = 0; i < m->count; i++) {
        const struct typemap_entry *e = &m->entry[i];
        if (!i || e->disp < low)
            low = e->disp;
        if (!i || e->disp + e->size > high)
            high = e->disp + e->size;
        b->size += e->size;
    }
    b->true_lb = b->lb = low;
    b->true_extent = high - low;
    b->extent = (m->count && m->end > high ? m->end : high) - low;
    while (b->extent % m->align)
        b->extent++;
    if (m->marked) {
        b->lb = m->lb;
        b->extent = m->ub - m->lb;
    }
}

void typemap_array(struct typemap *m, const struct typemap *old, int ndims, const int *sizes,
                   int order, typemap_owned *owned, const void *context)
{
    struct typemap_bounds b;
    long total = 1;

    typemap_bounds(old, &b);
    for (int d = 0; d < ndims; d++)
        total *= sizes[d];
    for (long at = 0; at < total; at++) {
        bool mine = true;
        long rest = at;
        for (int i = 0; i < ndims; i++) {
            int d = order == MPI_ORDER_C ? ndims - 1 - i : i;
            mine = mine && owned(context, d, (int)(rest % sizes[d]));
            rest /= sizes[d];
        }
        if (mine)
            typemap_put(m, old, at * b.extent);
    }
    typemap_mark(m, 0, total * b.extent);
}

void typemap_pack(const struct typemap *m, const char *buf, int count, char *out)
{
    struct typemap_bounds b;

    typemap_bounds(m, &b);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < m->count; i++) {
            memcpy(out, buf + n * b.extent + m->entry[i].disp, (size_t)m->entry[i].size);
            out += m->entry[i].size;
        }
}

void typemap_unpack(const struct typemap *m, char *buf, int count, const char *in)
{
    struct typemap_bounds b;

    typemap_bounds(m, &b);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < m->count; i++) {
            memcpy(buf + n * b.extent + m->entry[i].disp, in, (size_t)m->entry[i].size);
            in += m->entry[i].size;
        }
}
