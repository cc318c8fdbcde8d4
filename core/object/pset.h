/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process sets (11.3.2): mpi://WORLD, mpi://SELF, and those of the process manager that this
 * process is in. They are numbered from 0; a set keeps its number, and more may come at any time.
 * While the library is open.
 */
#ifndef ORIEL_OBJECT_PSET_H
#define ORIEL_OBJECT_PSET_H

#include <stdbool.h>

#include "core/object/group.h"

/* The numbers of those that every process has. */
enum { PSET_WORLD, PSET_SELF, PSET_OWN };

int pset_count(void); /* asks the process manager for new ones */
/* NULL where there is no such number. */
const char *pset_uri(int n);
/* The number, -1 where there is none: names that begin with mpi:// in letters of either case. */
int pset_find(const char *name);
int pset_size(int n);
/* A new reference, without a handle. */
int pset_group(int n, struct group **group);

#endif
