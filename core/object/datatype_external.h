/* SPDX-License-Identifier: BSD-3-Clause */
/* external32, the data representation that every machine reads: big-endian, no padding (14.5.2). */
#ifndef ORIEL_OBJECT_DATATYPE_EXTERNAL_H
#define ORIEL_OBJECT_DATATYPE_EXTERNAL_H

#include "core/object/datatype.h"

/* Bytes of one item. */
static inline MPI_Count datatype_external_size(const struct datatype *t)
{
    return t->external;
}

/* All of `count` items. MPI_SUCCESS, or MPI_ERR_CONVERSION for a value that does not fit. */
int datatype_external_pack(const void *buf, MPI_Count count, const struct datatype *t, void *out);
int datatype_external_unpack(void *buf, MPI_Count count, const struct datatype *t, const void *in);

#endif
