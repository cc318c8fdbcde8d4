/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane: an endpoint, its pool of requests and the lock that guards both. There is one to begin
 * with. Everything marked "lane locked" is called with the lock held; nothing sleeps or calls code
 * of the program's while it is.
 *
 * Lock order: lane, then a leaf (object table, info). Never the other way round.
 */
#ifndef ORIEL_P2P_LANE_H
#define ORIEL_P2P_LANE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "provider/base/hot.h"
#include "provider/base/list.h"
#include "provider/base/lock.h"
#include "provider/base/pool.h"

struct request;

enum { LANE_TURN = 256 };

struct lane {
    struct lock lock;
    struct pool requests;
    struct request *spare; /* given back, still with their places in the handle table */
    struct list deferred;  /* of struct deferred: what completions asked to be run after them */
    size_t sending;        /* sends that the fabric still has */
    unsigned turn;         /* messages that short ways take before other work: of LANE_TURN */
    atomic_uint started;   /* collectives with a request that are not over: helper.h */
    bool failed;           /* progress has failed, and it was said */
    /* What else progress looks at, lane locked; true where it found something. NULL: nothing. */
    bool (*poll)(void);
};

extern struct lane lane HOT_DATA;

/*
 * Work that a completion wants done once the completion queue has been read: the next round of a
 * collective, the answer to a window's message. Owned by whoever embeds it; in the list at most
 * once. `run` is called lane locked; it may drop the lock and take it again around a call into the
 * program (and must then stand that other threads progress meanwhile).
 */
struct deferred {
    struct list link;
    void (*run)(struct deferred *d);
};

int lane_open(bool thread_multiple);
void lane_close(void);

static inline void lane_lock(void)
{
    lock_take(&lane.lock);
}

/* True where another thread is about to take the lane. */
static inline bool lane_unlock(void)
{
    return lock_drop(&lane.lock);
}

/* The same for a short way: false where it would take a call, and nothing was done (lock.h). */
HOT_INLINE bool lane_enter(void)
{
    return LIKELY(lock_enter(&lane.lock));
}

HOT_INLINE void lane_leave(void)
{
    lock_leave(&lane.lock);
}

HOT_INLINE void lane_leave_unless_off(void)
{
    lock_leave_unless_off(&lane.lock);
}

/* Lane locked. */
void lane_defer(struct deferred *d);

/* Lane locked: reads completions and runs what they deferred. True where something happened. */
bool lane_progress(void);

/*
 * For a thread of the library's own beside those of the program. Lane locked: reads completions,
 * and of what they deferred runs `work` alone; the rest is for the program's next progress, as it
 * may call functions of the program's.
 */
bool lane_help(struct deferred *work);
/* Before there is such a thread: locks are locks from now on, whatever the program asked for. */
void lane_share(void);

#endif
