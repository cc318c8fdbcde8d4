/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The constructors of chapter 5 beside those in datatype.h. Each gives a new type, with one
 * reference, no handle, uncommitted, or returns an error class with its detail. Counts and sizes of
 * arrays are checked here, each element of them.
 */
#ifndef ORIEL_OBJECT_DATATYPE_BUILD_H
#define ORIEL_OBJECT_DATATYPE_BUILD_H

#include "core/object/datatype.h"
#include "core/object/vec.h"

/* `bytes`: the displacements are, as in the h forms; else extents of the old type. */
int datatype_indexed(MPI_Count count, struct vec blocklengths, struct vec displs, bool bytes,
                     struct datatype *old, struct datatype **type);
int datatype_indexed_block(MPI_Count count, MPI_Count blocklength, struct vec displs, bool bytes,
                           struct datatype *old, struct datatype **type);
int datatype_struct(MPI_Count count, struct vec blocklengths, struct vec displs,
                    const MPI_Datatype *types, struct datatype **type);
int datatype_resized(struct datatype *old, MPI_Aint lb, MPI_Aint extent, struct datatype **type);
int datatype_subarray(int ndims, struct vec sizes, struct vec subsizes, struct vec starts,
                      int order, struct datatype *old, struct datatype **type);

/* The grid of processes and this one's part of the array (5.1.4). */
struct type_grid {
    int size, rank, ndims;
    struct vec gsizes;
    const int *distribs, *dargs, *psizes;
    int order;
};
int datatype_darray(const struct type_grid *g, struct datatype *old, struct datatype **type);

/* MPI_Type_create_f90_x: a predefined type without a name, the same one for the same p and r.
 * `integer`: p is not looked at. */
int datatype_f90(int combiner, int p, int r, struct datatype **type);
/* Another handle's worth of the same type, without attributes or a name. */
int datatype_alias(struct datatype *old, struct datatype **type);

/* The insides that the files of constructors share (datatype.c). */
__extension__ typedef __int128 type_wide; /* no product of two counts or displacements overflows */

/* What is known of a type before its shape: size and bounds of all the parts. */
struct type_bounds {
    type_wide size, leaves, external;
    type_wide true_lb, true_ub; /* where `some` */
    type_wide lb, ub;           /* where `marked` */
    type_wide end;              /* of the last part's extent, where `some` */
    bool some, marked, mixed;
    bool large; /* more than can be said: what stands here means nothing */
    unsigned align;
    enum basic basic;
    MPI_Count element; /* bytes of one basic element */
};

/* `copies` of `old` at displacements of which the least is `low`, the greatest `high`. */
void type_bounds_add(struct type_bounds *b, const struct datatype *old, type_wide copies,
                     type_wide low, type_wide high);
/* Bounds set from outside, as by MPI_Type_create_resized. */
void type_bounds_mark(struct type_bounds *b, type_wide lb, type_wide extent);
/* MPI_SUCCESS where everything can be said in 64 bits. */
int type_bounds_check(const struct type_bounds *b);
/* The type; takes the references in `shape` and `c` over, also on failure. `c` may be NULL for want
 * of memory. */
int type_make(const struct type_bounds *b, const struct type_shape *shape, struct type_contents *c,
              struct datatype **type);
/* A step that is taken `count` times, for low and high: what it adds to each. */
void type_span(type_wide *low, type_wide *high, MPI_Count count, type_wide step);
int type_usable(const struct datatype *old);

#endif
