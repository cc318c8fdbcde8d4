/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hints on communicators (6.4.4, 7.4.4), and the kinds of memory (12.4.3) that sessions and
 * everything made from them may be given. Hints that are not known here are ignored, and so are
 * values that a hint cannot have: what is returned is what is used. Then memory's alignment (10).
 */
#ifndef ORIEL_OBJECT_HINTS_H
#define ORIEL_OBJECT_HINTS_H

#include "core/object/comm.h"

#define HINT_MEMORY_KINDS "mpi_memory_alloc_kinds"
/* Every kind that the library works with, whatever was asked for. */
#define MEMORY_KINDS      "system,mpi,mpi:alloc_mem,mpi:win_allocate,mpi:win_allocate_shared"

#define HINT_ALIGNMENT    "mpi_minimum_memory_alignment"
/* What the hint says, or what a cache line needs where it says less, nothing (NULL too) or no power
 * of two. Bytes. */
size_t hint_alignment(struct info *given);

/* The communicator's hints become those of `given` (or NULL) where it has some, and stay else. */
int hints_set(struct comm *c, struct info *given);
/* A new info object with every hint and its value. */
int hints_get(struct comm *c, struct info **used);

#endif
