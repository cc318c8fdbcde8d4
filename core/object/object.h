/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every MPI object begins with, and the table through which a handle finds it.
 *
 * A handle that a program holds is a number, never an address: generation, class and place in the
 * class's table. So a freed handle, one of another class, or any other number is told from a good
 * one with two loads, and nothing foreign is ever dereferenced. 1 to 4095 are the predefined
 * handles of the standard ABI (chapter 20) and index a table of their own.
 *
 *     63..40 generation | 39..32 class | 31..0 4096 + place
 *
 * The low half is what MPI_X_toint gives, so it stays below 2^31.
 *
 * Lifetime: object_publish gives a handle and counts the program's reference; operations in flight
 * hold more; object_retire takes the handle away (MPI_X_free); the last object_drop calls
 * `release`. Predefined objects are never released.
 *
 * Threads: finding needs no lock. Taking a place and giving it back take the table's own lock, a
 * leaf: nothing is called while it is held. An object that has a place already is published again
 * without it.
 */
#ifndef ORIEL_OBJECT_OBJECT_H
#define ORIEL_OBJECT_OBJECT_H

#include <mpi.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/hot.h"
#include "provider/base/list.h"

enum object_class {
    OBJECT_NONE,
    OBJECT_COMM,
    OBJECT_GROUP,
    OBJECT_DATATYPE,
    OBJECT_OP,
    OBJECT_ERRHANDLER,
    OBJECT_INFO,
    OBJECT_REQUEST,
    OBJECT_MESSAGE,
    OBJECT_WIN,
    OBJECT_FILE,
    OBJECT_SESSION,
    OBJECT_CLASSES
};

struct object {
    uintptr_t handle;         /* 0 while the program has none */
    struct object_slot *slot; /* its place, kept from first publishing to object_close, or NULL */
    atomic_int refs;
    uint8_t class;
    void (*release)(struct object *); /* NULL: predefined */
};

enum {
    OBJECT_PREDEFINED = 4096, /* handles below are the ABI's */
    OBJECT_CHUNK = 4096,      /* places a chunk; chunks are made as needed and never move */
    OBJECT_CHUNKS = 4096,
};

struct object_slot {
    _Atomic uintptr_t handle; /* 0 where it means nothing */
    struct object *object;
    uintptr_t coming; /* the handle that is given next */
    uint32_t next;    /* free place after this one, 0 for none */
};

#define OBJECT_GENERATION_STEP (UINT64_C(1) << 40) /* they come round */

extern struct object *object_predefined[OBJECT_PREDEFINED] HOT_DATA;
/* Of each its class, OBJECT_NONE where there is no such object: so that a look does not wait for
 * the object's memory. */
extern uint8_t object_predefined_class[OBJECT_PREDEFINED] HOT_DATA;
extern struct object_slot *_Atomic object_chunks[OBJECT_CLASSES][OBJECT_CHUNKS] HOT_DATA;

/* One reference, no handle. */
static inline void object_init(struct object *o, enum object_class class,
                               void (*release)(struct object *))
{
    o->handle = 0;
    o->slot = NULL;
    o->class = class;
    o->release = release;
    atomic_init(&o->refs, 1);
}

/* Makes a static object the one that the ABI's handle means, `handle` as mpi.h has it; with o NULL
 * the handle means nothing any more. */
void object_predefine(struct object *o, enum object_class class, const void *handle);

/* Takes a place in the table: MPI_SUCCESS or MPI_ERR_NO_MEM. */
int object_open(struct object *o);

/*
 * The same of `n` places in a row, at most OBJECT_CHUNK, for as many handles that all find o, and
 * for ever: the first one's slot, and the low half of its handles. NULL where memory is out.
 */
struct object_slot *object_open_row(struct object *o, uint32_t n, uint32_t *first);

/* A place gets its next handle: that one. */
static inline uintptr_t object_slot_publish(struct object_slot *s)
{
    uintptr_t handle = s->coming;

    s->coming = handle + OBJECT_GENERATION_STEP;
    atomic_store_explicit(&s->handle, handle, memory_order_release);
    return handle;
}

/* The handle finds nothing any more. */
static inline void object_slot_retire(struct object_slot *s)
{
    atomic_store_explicit(&s->handle, 0, memory_order_release);
}

/* Gives a new handle to an object that has a place: that handle. */
static inline uintptr_t object_publish_placed(struct object *o)
{
    return o->handle = object_slot_publish(o->slot);
}

/* The same of any; a predefined object has its own already. MPI_SUCCESS or MPI_ERR_NO_MEM. */
static inline int object_publish(struct object *o)
{
    if (UNLIKELY(!o->slot)) {
        if (!o->release) /* predefined */
            return MPI_SUCCESS;
        int rc = object_open(o);
        if (rc)
            return rc;
    }
    object_publish_placed(o);
    return MPI_SUCCESS;
}

/* The handle finds nothing any more; the place is kept for the next object_publish. */
static inline void object_retire_placed(struct object *o)
{
    object_slot_retire(o->slot);
    o->handle = 0;
}

static inline void object_retire(struct object *o)
{
    if (o->slot)
        object_retire_placed(o);
}

/* Of all objects of a class that have a handle and are not predefined. */
void object_retire_all(enum object_class class);

/* Gives the place back; called by `release` before the memory goes. */
void object_close(struct object *o);

static inline void object_hold(struct object *o)
{
    if (o->release)
        atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
}

static inline void object_drop(struct object *o)
{
    if (o->release && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
        o->release(o);
}

/* The same as below for handles that are not predefined; NULL for those. */
static inline struct object *object_find_own(enum object_class class, const void *handle)
{
    uintptr_t h = (uintptr_t)handle;
    uint32_t place = (uint32_t)h - OBJECT_PREDEFINED;

    if (place >= (uint32_t)OBJECT_CHUNK * OBJECT_CHUNKS)
        return NULL;
    struct object_slot *chunk =
        atomic_load_explicit(&object_chunks[class][place / OBJECT_CHUNK], memory_order_acquire);
    if (!chunk)
        return NULL;
    struct object_slot *s = &chunk[place % OBJECT_CHUNK];
    return atomic_load_explicit(&s->handle, memory_order_acquire) == h ? s->object : NULL;
}

/* The object behind a handle, or NULL where the handle is none of that class. */
static inline struct object *object_find(enum object_class class, const void *handle)
{
    uintptr_t h = (uintptr_t)handle;

    if (h < OBJECT_PREDEFINED) {
        if (object_predefined_class[h] != class)
            return NULL;
        struct object *o = object_predefined[h];
        if (!o)
            __builtin_unreachable(); /* it has a class */
        return o;
    }
    return object_find_own(class, handle);
}

/* The class of a handle that means something, or once did; OBJECT_NONE of any other number. */
enum object_class object_class_of(const void *handle);

/*
 * MPI_X_toint and MPI_X_fromint (20.4). Numbers of predefined handles are their values, whether
 * the library has such an object or not; of others, NULL where the number names nothing.
 */
int object_toint(const void *handle);
void *object_fromint(enum object_class class, int number);

/* Objects with a handle, by class, for the report at finalize in a debugging build. */
unsigned object_count(enum object_class class);

#endif
