/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the library keeps in the five words of an MPI_Status that are its own:
 *
 *     [0..1] bytes received, low half first    [2] cancelled    [3..4] 0
 *
 * Bytes of the packed form, so that MPI_Get_count can divide by whatever type it is asked about.
 */
#ifndef ORIEL_OBJECT_STATUS_H
#define ORIEL_OBJECT_STATUS_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

static inline void status_set_bytes(MPI_Status *s, uint64_t bytes)
{
    s->MPI_internal[0] = (int)(uint32_t)bytes;
    s->MPI_internal[1] = (int)(uint32_t)(bytes >> 32);
}

static inline uint64_t status_bytes(const MPI_Status *s)
{
    return (uint32_t)s->MPI_internal[0] | (uint64_t)(uint32_t)s->MPI_internal[1] << 32;
}

static inline void status_set_cancelled(MPI_Status *s, bool cancelled)
{
    s->MPI_internal[2] = cancelled;
}

static inline bool status_cancelled(const MPI_Status *s)
{
    return s->MPI_internal[2];
}

/* The empty status of 3.7.3; MPI_ERROR is left alone, as it is everywhere but in multiple
 * completions. */
static inline void status_set_empty(MPI_Status *s)
{
    s->MPI_SOURCE = MPI_ANY_SOURCE;
    s->MPI_TAG = MPI_ANY_TAG;
    status_set_bytes(s, 0);
    status_set_cancelled(s, false);
}

#endif
