/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How near a peer is: what it costs to pass cache lines to it. Two processors that share a cache
 * pass a message of 64 KiB through chunks three times as fast as the kernel copies it from process
 * to process; between two that share none it is the other way round. Nothing tells in advance which
 * it is, and where a host moves the processors of its guests it changes under way. So the sender
 * takes the time of some of its copies into chunks, whose lines the peer has read before: they
 * come quickly from near by. Three in a row that were slow make the peer a distant one; after a
 * while it is tried again, with a few messages that go the near one's way.
 *
 *     near:    up to NODE_TRAIN chunks; the chunk freed last is used next, as it is warm
 *     distant: one chunk, then single copies; the chunk freed first is used next, as its lines have
 *              moved on from the innermost caches, and is made ready for stores where time is left
 *
 * The figures are in docs/performance.md.
 */
#ifndef ORIEL_NODE_NODE_PACE_H
#define ORIEL_NODE_NODE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/clock.h"
#include "provider/base/hot.h"

enum { NODE_PACE_LEAST = 4096 }; /* bytes of the shortest copy that is timed */

/* All zero at first: near, and the next copy is timed. */
struct node_pace {
    uint64_t distant_until; /* ns; 0: the peer is near, as far as we know */
    uint8_t slow;           /* slow copies in a row */
    uint8_t skip;           /* copies that need no timing */
};

/* Asks the clock, where the peer has been a distant one. */
bool node_pace_is_distant_still(struct node_pace *p);

/* Whether to go the distant peer's way. */
HOT_INLINE bool node_pace_is_distant(struct node_pace *p)
{
    return UNLIKELY(p->distant_until) && node_pace_is_distant_still(p);
}

/* The time now where the copy that follows is to be timed, or 0. */
HOT_INLINE uint64_t node_pace_start(struct node_pace *p, size_t len)
{
    if (len < NODE_PACE_LEAST || node_pace_is_distant(p))
        return 0;
    if (p->skip && !p->slow) {
        p->skip--;
        return 0;
    }
    return clock_ns();
}

/* What was begun then has copied `len` bytes. */
void node_pace_end(struct node_pace *p, uint64_t start, size_t len);
/* The same: it took so many ns, and is over now. */
void node_pace_took(struct node_pace *p, uint64_t now, uint64_t took, size_t len);

#endif
