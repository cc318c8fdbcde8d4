/* SPDX-License-Identifier: BSD-3-Clause */
/* An array of counts or displacements, 32 or 64 bits wide as the program passed it: never copied.
 */
#ifndef ORIEL_OBJECT_VEC_H
#define ORIEL_OBJECT_VEC_H

#include <mpi.h>

struct vec {
    const void *at;
    int width; /* bytes of one element: 4 or 8; 0 for none */
};

static inline MPI_Count vec_at(struct vec v, MPI_Count i)
{
    return v.width == 4 ? ((const int *)v.at)[i] : ((const MPI_Count *)v.at)[i];
}

/* Of an array of int, MPI_Aint or MPI_Count. */
#define VEC(array) ((struct vec){(array), sizeof *(array)})

#endif
