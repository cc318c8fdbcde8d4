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

extern struct info info_env; /* MPI_INFO_ENV: how this process was started (11.2.1) */

void info_open(void); /* the predefined handle; MPI_Init fills it */
int info_new(struct info **info);
int info_set(struct info *info, const char *key, const char *value);
/*
 * Copies the value, cut to room - 1 characters and terminated; *len is its whole length. False
 * where there is no such key. room 0: only the length.
 */
bool info_copy(struct info *info, const char *key, char *value, size_t room, size_t *len);
int info_count(struct info *info);
/* The n-th key in order of setting; false where there are fewer. */
bool info_key(struct info *info, int n, char key[MPI_MAX_INFO_KEY]);
int info_delete(struct info *info, const char *key); /* MPI_ERR_INFO_NOKEY */
int info_dup(struct info *from, struct info **info);

#endif
