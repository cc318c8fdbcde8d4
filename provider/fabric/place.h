/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a rank waits in a crowd. The kernel, to which all ranks that yield look alike, may leave
 * five of eight on one processor: then all need the time of five, so one of them goes. It may also
 * put two that wait for each other alone on one: then each message costs the turns of all who are
 * there, where on two processors both run at once; so they part. Who has gone is on trial, and
 * comes back for a while if it was the worse for it.
 *
 * Threads each have a place of their own; nothing here needs a lock to be held.
 */
#ifndef ORIEL_FABRIC_PLACE_H
#define ORIEL_FABRIC_PLACE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "provider/base/lock.h"

struct fabric_peer;

/* Once at start-up: where this process may run, and how many ranks share this host. */
void place_open(const cpu_set_t *allowed, uint32_t local_ranks);
/* And how many share this machine, where its hosts are containers. */
void place_share_machine(uint32_t all_ranks);

/* Gives the processor away once; `peer` is who ends the wait, NULL: more than one may. In a crowd,
 * now and then, the thread then finds itself elsewhere. Takes the lane's lock for that. */
void place_yield(struct fabric_peer *peer, struct lock *lock);

/*
 * Whether that peer is this thread's mate on another processor: the two have waited for each other
 * alone of late.
 */
bool place_is_apart(const struct fabric_peer *peer);

/* The number of the processor this thread runs on just now; -1: not known. */
static inline int place_here(void)
{
    return sched_getcpu();
}

/* Goes to one of those processors, unless it has moved a moment ago. It is not bound to it. */
bool place_go(cpu_set_t *there);

#endif
