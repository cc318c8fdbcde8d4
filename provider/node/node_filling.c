/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>

#include "provider/node/node_filling.h"

enum {
    SPINS = 20000, /* looks before a reader yields */
    LOOKS = 4096,  /* and before it asks whether the sender is alive */
};

uint32_t node_filling_wait(const struct node_peer *peer, const struct node_cell *cell, uint32_t had)
{
    for (unsigned looks = 1;; looks++) {
        uint32_t there = atomic_load_explicit(node_filling_there(cell), memory_order_acquire);
        if (there > had)
            return there;
        if (looks < 32)
            continue;
        if (looks < SPINS)
            __builtin_ia32_pause();
        else if (looks % LOOKS == 0 && node_segment_is_gone(peer->segment))
            return 0;
        else
            sched_yield();
    }
}
