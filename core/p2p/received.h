/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receives whose message was there when they were posted, or that are from nobody (MPI_PROC_NULL):
 * no request is made for them. What their status will say stands in a table, and their handles are
 * places in the table of handles that are kept for them, so that each is told from all others, and
 * is good once. All of those places find one object, request_received; request_find shows it as
 * what it stands for.
 *
 * Such a receive ended well, has no communicator any more, and no need for the lane but to be made
 * and to end.
 */
#ifndef ORIEL_P2P_RECEIVED_H
#define ORIEL_P2P_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/object/object.h"
#include "core/object/status.h"
#include "provider/base/hot.h"

enum { RECEIVED_MOST = 1024 }; /* at once; more are requests */

struct received {
    int source, tag;
    uint32_t len; /* bytes */
};

struct received_table {
    struct object_slot *slots; /* RECEIVED_MOST places in a row; NULL before received_open */
    uint32_t first;            /* the low half of the first one's handle */
    uint32_t free; /* first of the chain of those without a handle; RECEIVED_MOST: none */
    struct received told[RECEIVED_MOST];
};

extern struct received_table received HOT_DATA;

/* Takes the places, which are kept when the library closes, for the object that they shall find:
 * MPI_SUCCESS or MPI_ERR_NO_MEM. */
int received_open(struct object *o);

/* The place of such a receive, or RECEIVED_MOST: the handle is of something else, or has ended. */
HOT_INLINE uint32_t received_place(MPI_Request handle)
{
    uint32_t place = (uint32_t)(uintptr_t)handle - received.first;

    return place < RECEIVED_MOST &&
                   LIKELY(atomic_load_explicit(&received.slots[place].handle,
                                               memory_order_acquire) == (uintptr_t)handle)
               ? place
               : RECEIVED_MOST;
}

HOT_INLINE void received_tell(uint32_t place, MPI_Status *status)
{
    const struct received *r = &received.told[place];

    status->MPI_SOURCE = r->source;
    status->MPI_TAG = r->tag;
    status_set_bytes(status, r->len);
    status_set_cancelled(status, false);
}

/* ---- Lane locked ---- */

HOT_INLINE bool received_has_room(void)
{
    return LIKELY(received.free < RECEIVED_MOST);
}

/* Where there is room. */
HOT_INLINE MPI_Request received_make(int source, int tag, uint32_t len)
{
    uint32_t place = received.free;
    struct object_slot *s = &received.slots[place];

    received.free = s->next;
    received.told[place] = (struct received){source, tag, len};
    return (MPI_Request)object_slot_publish(s);
}

HOT_INLINE void received_end(uint32_t place)
{
    struct object_slot *s = &received.slots[place];

    object_slot_retire(s);
    s->next = received.free;
    received.free = place;
}

#endif
