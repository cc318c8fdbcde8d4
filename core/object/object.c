/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdlib.h>

#include "core/object/err.h"
#include "core/object/object.h"
#include "provider/base/lock.h"

enum { CLASS_SHIFT = 32 };

struct object *object_predefined[OBJECT_PREDEFINED];
uint8_t object_predefined_class[OBJECT_PREDEFINED];
struct object_slot *_Atomic object_chunks[OBJECT_CLASSES][OBJECT_CHUNKS];

/* Place 0 is never given, so that it can mean none. */
static struct {
    struct lock lock;
    uint32_t fresh; /* places given for the first time so far */
    uint32_t free;  /* first of the chain of free places */
} tables[OBJECT_CLASSES];

void object_predefine(struct object *o, enum object_class class, const void *handle)
{
    assert((uintptr_t)handle < OBJECT_PREDEFINED);
    if (o) {
        object_init(o, class, NULL);
        o->handle = (uintptr_t)handle;
    }
    /* Who has seen a class finds an object. */
    if (o)
        object_predefined[(uintptr_t)handle] = o;
    object_predefined_class[(uintptr_t)handle] = o ? class : OBJECT_NONE;
}

static struct object_slot *slot_at(enum object_class class, uint32_t place)
{
    struct object_slot *chunk =
        atomic_load_explicit(&object_chunks[class][place / OBJECT_CHUNK], memory_order_acquire);

    return chunk ? &chunk[place % OBJECT_CHUNK] : NULL;
}

/* The next place that nobody ever had, with its slot; 0 when memory or places are out. Table
 * locked. */
static uint32_t place_new(enum object_class class)
{
    uint32_t place = tables[class].fresh + 1;

    if (place / OBJECT_CHUNK >= OBJECT_CHUNKS)
        return 0;
    if (!slot_at(class, place)) {
        struct object_slot *chunk = calloc(OBJECT_CHUNK, sizeof(*chunk));
        if (!chunk)
            return 0;
        atomic_store_explicit(&object_chunks[class][place / OBJECT_CHUNK], chunk,
                              memory_order_release);
    }
    slot_at(class, place)->coming =
        (uintptr_t) class << CLASS_SHIFT | OBJECT_GENERATION_STEP | (OBJECT_PREDEFINED + place);
    tables[class].fresh = place;
    return place;
}

/* One that nobody has. */
static uint32_t place_take(enum object_class class)
{
    uint32_t place = tables[class].free;

    if (!place)
        return place_new(class);
    tables[class].free = slot_at(class, place)->next;
    return place;
}

/* Table locked. */
static void place_give(enum object_class class, uint32_t place)
{
    slot_at(class, place)->next = tables[class].free;
    tables[class].free = place;
}

/* Table locked. */
static struct object_slot *row_new(enum object_class class, uint32_t n, uint32_t *first)
{
    /* No row goes over the end of a chunk: who comes later gets the places before that. */
    while ((*first = place_new(class)) && *first % OBJECT_CHUNK + n > OBJECT_CHUNK)
        place_give(class, *first);
    if (!*first)
        return NULL;
    for (uint32_t i = 1; i < n; i++)
        place_new(class); /* in the same chunk, which is there */
    return slot_at(class, *first);
}

struct object_slot *object_open_row(struct object *o, uint32_t n, uint32_t *first)
{
    lock_take(&tables[o->class].lock);
    struct object_slot *row = row_new(o->class, n, first);
    lock_drop(&tables[o->class].lock);
    if (!row) {
        err_set(MPI_ERR_NO_MEM, "no room for more handles");
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        row[i].object = o;
    *first += OBJECT_PREDEFINED;
    return row;
}

int object_open(struct object *o)
{
    lock_take(&tables[o->class].lock);
    uint32_t place = place_take(o->class);
    lock_drop(&tables[o->class].lock);
    if (!place)
        return err_set(MPI_ERR_NO_MEM, "no room for another handle");
    o->slot = slot_at(o->class, place);
    o->slot->object = o;
    return MPI_SUCCESS;
}

void object_close(struct object *o)
{
    struct object_slot *s = o->slot;

    if (!s)
        return;
    object_retire(o);
    lock_take(&tables[o->class].lock);
    place_give(o->class, (uint32_t)s->coming - OBJECT_PREDEFINED);
    lock_drop(&tables[o->class].lock);
    o->slot = NULL;
}

void object_retire_all(enum object_class class)
{
    lock_take(&tables[class].lock);
    for (uint32_t place = 1; place <= tables[class].fresh; place++) {
        struct object_slot *s = slot_at(class, place);
        if (!atomic_load_explicit(&s->handle, memory_order_relaxed))
            continue;
        s->object->handle = 0;
        object_slot_retire(s);
    }
    lock_drop(&tables[class].lock);
}

enum object_class object_class_of(const void *handle)
{
    uintptr_t h = (uintptr_t)handle, class = h >> CLASS_SHIFT & 0xff;
    uint32_t place = (uint32_t)h - OBJECT_PREDEFINED;

    if (h < OBJECT_PREDEFINED)
        return object_predefined_class[h];
    if (class >= OBJECT_CLASSES || place / OBJECT_CHUNK >= OBJECT_CHUNKS)
        return OBJECT_NONE;
    const struct object_slot *s = slot_at(class, place);
    return s && (int64_t)(s->coming - h) > 0 ? class : OBJECT_NONE; /* generations come round */
}

int object_toint(const void *handle)
{
    return (int)(uint32_t)(uintptr_t)handle;
}

void *object_fromint(enum object_class class, int number)
{
    if (number < 0)
        return NULL;
    if (number < OBJECT_PREDEFINED)
        return (void *)(uintptr_t)number;
    uint32_t place = (uint32_t)number - OBJECT_PREDEFINED;
    if (place / OBJECT_CHUNK >= OBJECT_CHUNKS)
        return NULL;
    struct object_slot *s = slot_at(class, place);
    return s ? (void *)atomic_load_explicit(&s->handle, memory_order_acquire) : NULL;
}

unsigned object_count(enum object_class class)
{
    unsigned n = 0;

    lock_take(&tables[class].lock);
    for (uint32_t place = 1; place <= tables[class].fresh; place++)
        if (atomic_load_explicit(&slot_at(class, place)->handle, memory_order_relaxed))
            n++;
    lock_drop(&tables[class].lock);
    return n;
}
