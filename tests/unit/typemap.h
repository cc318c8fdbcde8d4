/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datatypes as the standard defines them: a type map, entry after entry (5.1), built by loops that
 * are too plain to be wrong. The measure of what core/object/datatype*.c does faster.
 */
#ifndef ORIEL_TESTS_TYPEMAP_H
#define ORIEL_TESTS_TYPEMAP_H

#include <stdbool.h>

#include "core/object/datatype_build.h"

struct typemap_entry {
    long disp;
    int size, align, external;
};

struct typemap {
    int count, room;
    struct typemap_entry *entry;
    bool marked;
    long lb, ub; /* the markers' where marked; else typemap_bounds gives them */
    long end;    /* of the last part's extent, where there is an entry */
    long align;
};

void typemap_init(struct typemap *m);
void typemap_free(struct typemap *m);
void typemap_add(struct typemap *m, long disp, int size, int align, int external);
/* All of `old`, at `disp`, with its markers. */
void typemap_put(struct typemap *m, const struct typemap *old, long disp);
/* `n` of them, an extent apart. */
void typemap_put_block(struct typemap *m, const struct typemap *old, long n, long disp);
void typemap_mark(struct typemap *m, long lb, long extent);

struct typemap_bounds {
    long size, lb, extent, true_lb, true_extent;
};
void typemap_bounds(const struct typemap *m, struct typemap_bounds *b);

/* The part of an array that `owned` says, in the order of memory. */
typedef bool typemap_owned(const void *context, int dimension, int index);
void typemap_array(struct typemap *m, const struct typemap *old, int ndims, const int *sizes,
                   int order, typemap_owned *owned, const void *context);

/* `buf` is what displacements are counted from. */
void typemap_pack(const struct typemap *m, const char *buf, int count, char *out);
void typemap_unpack(const struct typemap *m, char *buf, int count, const char *in);

#endif
