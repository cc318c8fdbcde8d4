/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/received.h"

/* Before they have been taken no handle is one of them. */
struct received_table received = {.free = RECEIVED_MOST, .first = UINT32_C(1) << 31};

int received_open(struct object *o)
{
    if (!received.slots) {
        received.slots = object_open_row(o, RECEIVED_MOST, &received.first);
        if (!received.slots)
            return MPI_ERR_NO_MEM;
    }
    /* Those that the program never completed before the library was closed are no more. */
    for (uint32_t place = 0; place < RECEIVED_MOST; place++) {
        object_slot_retire(&received.slots[place]);
        received.slots[place].next = place + 1;
    }
    received.free = 0;
    return MPI_SUCCESS;
}
