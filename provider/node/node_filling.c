/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>

#include "provider/node/node_filling.h"

enum {
    EAGER = 32,    /* looks without a pause: the next part is nearly there */
    SPINS = 20000, /* before a reader yields */
    LOOKS = 4096,  /* and before it asks whether the sender is alive */
};

bool node_filling_pause(const struct node_segment *s, unsigned looks)
{
    if (looks < SPINS)
        __builtin_ia32_pause();
    else if (looks % LOOKS == 0 && node_segment_is_gone(s))
        return false;
    else
        sched_yield();
    return true;
}

uint32_t node_filling_wait(const struct node_peer *peer, const struct node_cell *cell, uint32_t had)
{
    for (unsigned looks = 1;; looks++) {
        uint32_t there = atomic_load_explicit(node_filling_there(cell), memory_order_acquire);
        if (there > had)
            return there;
        if (looks >= EAGER && !node_filling_pause(peer->segment, looks))
            return 0;
    }
}
