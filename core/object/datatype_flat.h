/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The canonical form of a datatype: nested loops over blocks of memory, as in Gropp, Lusk and
 * Swider, "Improving the performance of MPI derived datatypes" (1999). The constructors build it
 * from their old types' forms, which they share, and merge what lies together at once, so that two
 * types of the same layout have the same loops however they were made and a vector of a million
 * blocks is one loop.
 *
 * Loops are immutable and counted; whoever holds a shape with a loop holds a reference to it.
 */
#ifndef ORIEL_OBJECT_DATATYPE_FLAT_H
#define ORIEL_OBJECT_DATATYPE_FLAT_H

#include "core/object/datatype.h"

/*
 * `count` entries, one after the other in the packed form. Entry i lies at i * stride, or where
 * `disp` is given, at disp[i]; entry 0 at 0. An entry is a loop of its own, or where that is NULL a
 * block of memory.
 */
struct type_loop {
    atomic_int refs;
    MPI_Count count;         /* at least 1 */
    MPI_Count size;          /* bytes of the packed form, of all entries */
    MPI_Count blocks;        /* of memory, in all entries and what is inside them */
    MPI_Count block;         /* of each entry where all are alike, else 0 */
    MPI_Aint stride;         /* regular */
    const MPI_Aint *disp;    /* irregular, else NULL */
    const MPI_Count *start;  /* of entry i in the packed form, count + 1 of them; where !block */
    struct type_loop *child; /* of all entries */
    struct type_loop **children; /* or of each; NULL where `child` is for all */
    struct type_loop *next;      /* nobody's any more, to be freed after this */
};

static inline MPI_Aint type_loop_offset(const struct type_loop *l, MPI_Count i)
{
    return l->disp ? l->disp[i] : i * l->stride;
}

static inline MPI_Count type_loop_bytes(const struct type_loop *l, MPI_Count i)
{
    return l->block ? l->block : l->start[i + 1] - l->start[i];
}

static inline struct type_loop *type_loop_child(const struct type_loop *l, MPI_Count i)
{
    return l->children ? l->children[i] : l->child;
}

/* The blocks of memory in one item. */
static inline MPI_Count type_shape_blocks(const struct type_shape *s)
{
    return s->loop ? s->loop->blocks : s->size != 0;
}

/* The entry that byte *at of the packed form is in; *at becomes the byte within it. */
MPI_Count type_loop_find(const struct type_loop *l, MPI_Count *at);

void type_loop_hold(struct type_loop *l);
void type_loop_drop(struct type_loop *l); /* NULL is nothing */

/*
 * `count` of the shape, each `stride` bytes after the last. Like all that follow: MPI_SUCCESS with
 * a new reference in *out, or MPI_ERR_NO_MEM. The caller has made sure that nothing overflows.
 */
int type_shape_repeat(const struct type_shape *s, MPI_Count count, MPI_Aint stride,
                      struct type_shape *out);

/* Shapes in a row, each at its own displacement: add any number, then end, or drop. */
struct type_parts {
    MPI_Count count, room;
    struct type_shape *part; /* `first` is from the whole's origin; loops are held */
};
int type_parts_add(struct type_parts *p, const struct type_shape *s, MPI_Aint disp);
int type_parts_end(struct type_parts *p, struct type_shape *out); /* frees them, also on failure */
void type_parts_drop(struct type_parts *p);

#endif
