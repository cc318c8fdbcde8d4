/* SPDX-License-Identifier: BSD-3-Clause */
#include "coll_fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, FILL = 0x5a, WIDTHS = 4, VARIANTS = 7 };

uint64_t hash(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b * UINT64_C(0xbf58476d1ce4e5b9) +
                 c * UINT64_C(0x94d049bb133111eb) + UINT64_C(0x2545f4914f6cdd1d);

    x = (x ^ x >> 31) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

unsigned below(struct chance *c, unsigned n)
{
    c->state += UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(hash(c->state, 1, 2) >> 33) % n;
}

/* ---- Layouts ---- */

static const MPI_Datatype basic[WIDTHS] = {MPI_UINT8_T, MPI_UINT16_T, MPI_UINT32_T, MPI_UINT64_T};
static struct layout layouts[WIDTHS][VARIANTS][ELEMENTS]; /* by log2 of the width, elements - 1 */

/* Elements from `first` on, `step` apart; an item every `extent`; all in bytes. */
static void make(struct layout *l, int width, int elements, MPI_Aint first, MPI_Aint step,
                 MPI_Aint extent)
{
    MPI_Datatype blocks;
    int lengths[ELEMENTS], low = 0;

    for (int i = 0; i < elements; i++) {
        lengths[i] = 1;
        l->width[i] = width;
        l->at[i] = first + i * step;
        low = l->at[i] < l->at[low] ? i : low;
    }
    l->elements = elements;
    l->extent = extent;
    MPI_Type_create_hindexed(elements, lengths, l->at, basic[__builtin_ctz((unsigned)width)],
                             &blocks);
    MPI_Type_create_resized(blocks, l->at[low], extent, &l->type);
    MPI_Type_commit(&l->type);
    MPI_Type_free(&blocks);
}

static void make_variant(struct layout *l, int variant, MPI_Aint w, int n)
{
    switch (variant) {
    case 0: /* an array */
        make(l, (int)w, n, 0, w, n * w);
        return;
    case 1: /* with gaps inside */
        make(l, (int)w, n, 0, 2 * w, (2 * n - 1) * w);
        return;
    case 2: /* with gaps between items */
        make(l, (int)w, n, 0, w, 3 * n * w);
        return;
    case 3: /* the last element first */
        make(l, (int)w, n, (n - 1) * w, -w, n * w);
        return;
    case 4: /* the last item first */
        make(l, (int)w, n, 0, w, -(n + 1) * w);
        return;
    case 5: /* away from the buffer's address */
        make(l, (int)w, n, 5 * w, w, n * w);
        return;
    default: /* before it */
        make(l, (int)w, n, -3 * w, w, (n + 1) * w);
    }
}

void layouts_open(void)
{
    for (int w = 0; w < WIDTHS; w++)
        for (int v = 0; v < VARIANTS; v++)
            for (int n = 1; n <= ELEMENTS; n++)
                make_variant(&layouts[w][v][n - 1], v, 1 << w, n);
}

void layouts_close(void)
{
    for (int w = 0; w < WIDTHS; w++)
        for (int v = 0; v < VARIANTS; v++)
            for (int n = 0; n < ELEMENTS; n++)
                MPI_Type_free(&layouts[w][v][n].type);
}

const struct layout *layout_draw(struct chance *c, int width, int multiple)
{
    static struct layout plain[WIDTHS];
    int w = __builtin_ctz((unsigned)width), n;

    if (below(c, 3) == 0) {
        plain[w] = (struct layout){basic[w], 1, {width}, {0}, width};
        return &plain[w];
    }
    do
        n = 1 + (int)below(c, ELEMENTS);
    while (multiple % n);
    return &layouts[w][below(c, VARIANTS)][n - 1];
}

/* ---- Sides ---- */

static char *element_at(const struct side *s, int part, MPI_Count i, int element)
{
    const struct part *p = &s->part[part];

    return s->buf + p->at + i * p->layout->extent + p->layout->at[element];
}

/* The first byte of the parts and the one behind the last, from the buffer's address. */
static void bounds(const struct side *s, MPI_Aint *low, MPI_Aint *high)
{
    *low = *high = 0;
    for (int i = 0; i < s->parts; i++) {
        const struct part *p = &s->part[i];

        for (MPI_Count j = 0; j<p->items; j += p->items> 1 ? p->items - 1 : 1)
            for (int e = 0; e < p->layout->elements; e++) {
                MPI_Aint at = p->at + j * p->layout->extent + p->layout->at[e];

                *low = at < *low ? at : *low;
                *high = at + p->layout->width[e] > *high ? at + p->layout->width[e] : *high;
            }
    }
}

void side_open(struct side *s)
{
    MPI_Aint low, high;

    bounds(s, &low, &high);
    s->len = (size_t)(high - low) + 2 * GUARD;
    s->block = malloc(s->len);
    s->image = malloc(s->len);
    s->ignore = calloc(1, s->len);
    if (!s->block || !s->image || !s->ignore)
        abort();
    memset(s->block, FILL, s->len);
    memset(s->image, FILL, s->len);
    s->buf = s->block + GUARD - low;
}

void side_close(struct side *s)
{
    free(s->block);
    free(s->image);
    free(s->ignore);
    memset(s, 0, sizeof *s);
}

void side_put(struct side *s, int part, MPI_Count i, const char *packed, bool expected)
{
    const struct layout *l = s->part[part].layout;

    for (int e = 0; e < l->elements; e++) {
        char *at = element_at(s, part, i, e);

        memcpy(s->image + (at - s->block), packed, (size_t)l->width[e]);
        if (!expected)
            memcpy(at, packed, (size_t)l->width[e]);
        packed += l->width[e];
    }
}

static void set_ignore(struct side *s, int part, int ignore)
{
    const struct part *p = &s->part[part];

    for (MPI_Count i = 0; i < p->items; i++)
        for (int e = 0; e < p->layout->elements; e++)
            memset(s->ignore + (element_at(s, part, i, e) - s->block), ignore,
                   (size_t)p->layout->width[e]);
}

void side_ignore(struct side *s, int part)
{
    set_ignore(s, part, 1);
}

void side_heed(struct side *s, int part)
{
    set_ignore(s, part, 0);
}

long side_check(const struct side *s)
{
    if (!memcmp(s->block, s->image, s->len))
        return -1;
    for (size_t i = 0; i < s->len; i++)
        if (s->block[i] != s->image[i] && !s->ignore[i])
            return (long)i;
    return -1;
}
