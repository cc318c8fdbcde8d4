/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An info object: key and value pairs in the order in which they were first set (chapter 10).
 * Legal before MPI_Init and after MPI_Finalize, from any thread: it has a lock of its own.
 */
#ifndef ORIEL_OBJECT_INFO_H
#define ORIEL_OBJECT_INFO_H

#include <stdbool.h>

#include "core/object/object.h"
#include "provider/base/lock.h"

struct info_pair {
    char *key, *value;
};

struct info {
    struct object object;
    struct lock lock;
    int count, room;
    struct info_pair *pairs;
};

static inline struct info *info_find(MPI_Info handle)
{
    return (struct info *)object_find(OBJECT_INFO, handle);
}

void info_open(void); /* MPI_INFO_ENV */
int info_new(struct info **info);
int info_set(struct info *info, const char *key, const char *value);
/* The value, copied by the caller before the info may change, or NULL. */
const char *info_get(struct info *info, const char *key);
int info_delete(struct info *info, const char *key); /* MPI_ERR_INFO_NOKEY */
int info_dup(struct info *from, struct info **info);

#endif
