/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/p2p/buffered.h"
#include "core/p2p/kept.h"
#include "core/p2p/p2p.h"
#include "provider/fabric/wait.h"

uint64_t p2p_rank_mask = 0xffffff;

int p2p_open(uint32_t ranks)
{
    for (p2p_rank_mask = 1; p2p_rank_mask < ranks - 1;)
        p2p_rank_mask = 2 * p2p_rank_mask + 1;
    credit_open();
    kept_open();
    object_init(&message_no_proc.object, OBJECT_MESSAGE, NULL);
    object_predefine(&message_no_proc.object, OBJECT_MESSAGE, MPI_MESSAGE_NO_PROC);
    return request_open();
}

void p2p_drain(void)
{
    struct wait w;

    wait_begin(&w);
    lane_lock();
    credit_finish();
    lane_unlock();
    for (;;) {
        lane_lock();
        bool progressed = lane_progress();
        size_t left = lane.sending;
        lane_unlock();
        if (!left)
            break;
        wait_step(&w, progressed, &lane.lock);
    }
    wait_end(&w, &lane.lock);
}

void p2p_close(void)
{
    lane_lock();
    buffered_close();
    probe_close();
    kept_close();
    credit_close();
    lane_unlock();
    request_close();
}
