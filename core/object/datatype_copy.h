/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inner loops of packing and unpacking: blocks of one size, in steps or at places of their own,
 * copied out of memory or into it. The sizes that programs have columns of are the compiler's to
 * unroll.
 */
#ifndef ORIEL_OBJECT_DATATYPE_COPY_H
#define ORIEL_OBJECT_DATATYPE_COPY_H

#include <mpi.h>
#include <string.h>

#include "provider/base/copy.h"
#include "provider/base/hot.h"

enum copy_way { COPY_OUT, COPY_IN }; /* of memory to the packed form, and back */

/* `inner` blocks `inner_stride` bytes apart, and that `outer` times. */
struct copy_grid {
    MPI_Count outer, inner;
    MPI_Aint outer_stride, inner_stride;
};

/* All counts and sizes above zero. */
void copy_grid(char *mem, const struct copy_grid *g, MPI_Count block, char *packed,
               enum copy_way way);
void copy_places(char *mem, const MPI_Aint *place, MPI_Count count, MPI_Count block, char *packed,
                 enum copy_way way);

/*
 * n > 0. A short block in two moves that may overlap, which costs less than calling memcpy.
 */
static inline void copy_block(char *to, const char *from, size_t n)
{
    if (n > 128) {
        copy_bytes(to, from, n);
    } else if (n > 64) {
        memcpy(to, from, 64);
        memcpy(to + n - 64, from + n - 64, 64);
    } else {
        copy_some(to, from, n);
    }
}

#endif
