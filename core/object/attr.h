/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes cached on communicators, datatypes and windows (7.7), and their keys. Callbacks may
 * call MPI: no lock is held while one runs.
 */
#ifndef ORIEL_OBJECT_ATTR_H
#define ORIEL_OBJECT_ATTR_H

#include <stdbool.h>

#include "core/object/object.h"

struct attr {
    int keyval;
    void *value;
    struct attr *next; /* the newest first, so that deletion is last in, first out */
};

struct attrs {
    struct attr *first;
};

/* target: OBJECT_COMM, OBJECT_DATATYPE or OBJECT_WIN; copy and delete as that class's prototypes.
 */
int attr_key_create(enum object_class target, void (*copy)(void), void (*delete)(void),
                    void *extra_state, int *keyval);
/* The key lives on until the last attribute under it is gone; till then freeing it again does
 * nothing. */
int attr_key_free(enum object_class target, int keyval);

/* `handle` is the object's own, for the callbacks. All return MPI_SUCCESS, MPI_ERR_KEYVAL or what
 * a callback returned. */
int attr_set(struct attrs *a, enum object_class target, void *handle, int keyval, void *value);
int attr_get(const struct attrs *a, enum object_class target, int keyval, void **value,
             bool *found);
int attr_delete(struct attrs *a, enum object_class target, void *handle, int keyval);
/* For duplication: runs the copy callbacks of `from` into `to`. */
int attr_copy_all(const struct attrs *from, enum object_class target, void *old_handle,
                  struct attrs *to);
/* Up to the first whose delete function fails, which stays, with all behind it. */
int attr_delete_all(struct attrs *a, enum object_class target, void *handle);
/* For an object that goes in any case: all of them. The first error, without a detail. */
int attr_clear(struct attrs *a, void *handle);

#endif
