/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/datatype_flat.h"

#include <stdlib.h>

#include "core/object/err.h"

static int no_memory(void)
{
    return err_set(MPI_ERR_NO_MEM, "no memory for the layout of a datatype");
}

void type_loop_hold(struct type_loop *l)
{
    if (l)
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
}

static void drop_onto(struct type_loop **dead, struct type_loop *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    l->next = *dead;
    *dead = l;
}

/* One after the other: a nest may be deeper than the stack. */
void type_loop_drop(struct type_loop *l)
{
    struct type_loop *dead = NULL;

    drop_onto(&dead, l);
    while ((l = dead)) {
        dead = l->next;
        drop_onto(&dead, l->child);
        for (MPI_Count i = 0; l->children && i < l->count; i++)
            drop_onto(&dead, l->children[i]);
        free(l);
    }
}

MPI_Count type_loop_find(const struct type_loop *l, MPI_Count *at)
{
    if (!*at)
        return 0;
    if (l->block) {
        MPI_Count i = *at / l->block;
        *at -= i * l->block;
        return i;
    }
    MPI_Count low = 0, high = l->count;
    while (high - low > 1) {
        MPI_Count middle = low + (high - low) / 2;
        if (l->start[middle] <= *at)
            low = middle;
        else
            high = middle;
    }
    *at -= l->start[low];
    return low;
}

static void shape_share(struct type_shape *out, const struct type_shape *s)
{
    type_loop_hold(s->loop);
    *out = *s;
}

int type_shape_repeat(const struct type_shape *s, MPI_Count count, MPI_Aint stride,
                      struct type_shape *out)
{
    struct type_loop *child = s->loop, *l;
    MPI_Count block = s->size;

    if (!count || !s->size) {
        *out = (struct type_shape){0, 0, NULL};
        return MPI_SUCCESS;
    }
    if (count == 1) {
        shape_share(out, s);
        return MPI_SUCCESS;
    }
    if (!child && s->size == stride) {
        *out = (struct type_shape){s->first, count * s->size, NULL};
        return MPI_SUCCESS;
    }
    /* Two loops that go on in the same step are one. */
    if (child && !child->disp && !(stride % child->count) &&
        child->stride == stride / child->count) {
        count *= child->count;
        stride = child->stride;
        block = child->block;
        child = child->child;
    }
    l = calloc(1, sizeof *l);
    if (!l)
        return no_memory();
    type_loop_hold(child);
    atomic_init(&l->refs, 1);
    l->count = count;
    l->size = count * block;
    l->blocks = count * (child ? child->blocks : 1);
    l->block = block;
    l->stride = stride;
    l->child = child;
    *out = (struct type_shape){s->first, l->size, l};
    return MPI_SUCCESS;
}

int type_parts_add(struct type_parts *p, const struct type_shape *s, MPI_Aint disp)
{
    struct type_shape *last = p->count ? &p->part[p->count - 1] : NULL;
    MPI_Aint first = s->first + disp;

    if (!s->size)
        return MPI_SUCCESS;
    if (last && !last->loop && !s->loop && last->first + last->size == first) {
        last->size += s->size;
        return MPI_SUCCESS;
    }
    if (p->count == p->room) {
        MPI_Count room = p->room ? 2 * p->room : 8;
        struct type_shape *part = realloc(p->part, (size_t)room * sizeof *part);
        if (!part)
            return no_memory();
        p->part = part;
        p->room = room;
    }
    type_loop_hold(s->loop);
    p->part[p->count++] = (struct type_shape){first, s->size, s->loop};
    return MPI_SUCCESS;
}

void type_parts_drop(struct type_parts *p)
{
    for (MPI_Count i = 0; i < p->count; i++)
        type_loop_drop(p->part[i].loop);
    free(p->part);
    *p = (struct type_parts){0};
}

/* What all parts have in common decides how little of each must be kept. */
struct alike {
    bool size, loop, stride;
};

static struct alike compare(const struct type_parts *p)
{
    struct alike a = {true, true, true};
    MPI_Aint stride = p->part[1].first - p->part[0].first;

    for (MPI_Count i = 1; i < p->count; i++) {
        a.size &= p->part[i].size == p->part[0].size;
        a.loop &= p->part[i].loop == p->part[0].loop;
        a.stride &= p->part[i].first - p->part[i - 1].first == stride;
    }
    return a;
}

static struct type_loop *irregular(const struct type_parts *p, struct alike a)
{
    size_t n = (size_t)p->count, bytes = sizeof(struct type_loop) + n * sizeof(MPI_Aint);
    struct type_loop *l;
    MPI_Aint *disp;
    MPI_Count *start = NULL, at = 0;

    bytes += a.size ? 0 : (n + 1) * sizeof *start;
    bytes += a.loop ? 0 : n * sizeof(struct type_loop *);
    l = calloc(1, bytes);
    if (!l)
        return NULL;
    disp = (MPI_Aint *)(l + 1);
    if (!a.size)
        start = (MPI_Count *)(disp + n);
    if (!a.loop)
        l->children =
            start ? (struct type_loop **)(start + n + 1) : (struct type_loop **)(disp + n);
    for (size_t i = 0; i < n; i++) {
        disp[i] = p->part[i].first - p->part[0].first;
        if (start)
            start[i] = at;
        at += p->part[i].size;
        l->blocks += type_shape_blocks(&p->part[i]);
        if (l->children)
            type_loop_hold(l->children[i] = p->part[i].loop);
    }
    if (start)
        start[n] = at;
    atomic_init(&l->refs, 1);
    l->count = p->count;
    l->size = at;
    l->block = a.size ? p->part[0].size : 0;
    l->disp = disp;
    l->start = start;
    if (a.loop)
        type_loop_hold(l->child = p->part[0].loop);
    return l;
}

int type_parts_end(struct type_parts *p, struct type_shape *out)
{
    int rc = MPI_SUCCESS;

    if (p->count < 2) {
        if (p->count)
            shape_share(out, &p->part[0]);
        else
            *out = (struct type_shape){0, 0, NULL};
    } else {
        struct alike a = compare(p);
        if (a.size && a.loop && a.stride) {
            rc = type_shape_repeat(&p->part[0], p->count, p->part[1].first - p->part[0].first, out);
        } else {
            struct type_loop *l = irregular(p, a);
            if (l)
                *out = (struct type_shape){p->part[0].first, l->size, l};
            else
                rc = no_memory();
        }
    }
    type_parts_drop(p);
    return rc;
}
