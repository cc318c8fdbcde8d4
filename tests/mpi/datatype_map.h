/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a datatype means, by the standard's own words: a list of basic elements and where each lies
 * (5.1), with markers of the bounds where a constructor sets them. Written with nothing in mind but
 * to be right; it knows nothing of the library.
 */
#ifndef ORIEL_TESTS_DATATYPE_MAP_H
#define ORIEL_TESTS_DATATYPE_MAP_H

#include <stdbool.h>

/* A basic type: `parts` numbers (two of a complex one), each of `size` bytes here and `external`
 * bytes in external32, where that differs only in the order of bytes. */
struct basic {
    int size, parts, align;
};

struct entry {
    long at;
    const struct basic *basic;
};

struct map {
    int count, room;
    struct entry *entry;
    bool marked;
    long lb, ub; /* where marked */
    long end;    /* of the last part's extent, where there is an entry */
};

enum { MAP_MOST = 4000 }; /* entries; a map that would have more stays short and says so */

void map_free(struct map *m);
void map_add(struct map *m, long at, const struct basic *b);
void map_mark(struct map *m, long lb, long ub);
/* `copies` of the other one at `at`, one extent after the other. False: more than MAP_MOST. */
bool map_put(struct map *m, const struct map *old, long copies, long at);

struct bounds {
    long size, lb, extent, true_lb, true_extent;
};
void map_bounds(const struct map *m, struct bounds *b);
/* Whether two entries of `items` items share a byte. */
bool map_overlaps(const struct map *m, int items);

/* The packed form of `items` items at `buf`, from element `first` on at most `most` elements; the
 * bytes of it. */
long map_pack(const struct map *m, const char *buf, int items, char *out);
/* The first `elements` elements of it, back into memory; the bytes used. */
long map_unpack(const struct map *m, char *buf, int elements, const char *in);
/* external32 (14.5.2), where no type has another size there. */
long map_pack_external(const struct map *m, const char *buf, int items, char *out);

/* 5.1.3: the elements of a part of an array, in the order of the array's own. */
bool map_subarray(struct map *m, const struct map *old, int ndims, const int *sizes,
                  const int *subsizes, const int *starts, bool fortran);
/* 5.1.4: those that the distribution gives to `rank`. */
struct grid {
    int rank, ndims;
    const int *gsizes, *psizes, *distribs, *dargs;
    bool fortran;
};
bool map_darray(struct map *m, const struct map *old, const struct grid *g);

#endif
