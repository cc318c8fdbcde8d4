/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ladder every wait climbs: poll for a while, then yield the processor, then sleep until
 * something arrives. One of it in the library; Init, Finalize and every completion call use it.
 *
 *     struct wait w;
 *     wait_begin(&w);
 *     while (!done) {
 *         take the lock, make progress, drop the lock;
 *         wait_step(&w, progressed);
 *     }
 *
 * The polling step is a few microseconds long, ORIEL_SPIN: where ranks have a processor each, the
 * message is nearly always there before it ends. Where the kernel has put two of them on one, each
 * hop would cost all of it; so ranks tell each other where they last waited, and one that meets
 * another there yields at once, or goes elsewhere if it is the younger one.
 *
 * Where ranks outnumber the processors they may run on, the polling step is skipped: spinning only
 * keeps the one that could help off the processor (docs/design.md has the figures).
 */
#ifndef ORIEL_FABRIC_WAIT_H
#define ORIEL_FABRIC_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/lock.h"

struct wait {
    uint32_t polls, yields;
    uint64_t since;     /* ns, when yielding began; 0 before */
    uint64_t counted;   /* ns, up to when its time has been counted */
    bool tired;         /* it has lasted ORIEL_SLEEP_AFTER */
    uint32_t completed; /* what fabric_completed said when we last thought of sleeping */
    /* Where this wait has an end of its own beside the fabric's completions, as wait_watch. */
    bool (*ready)(void *arg);
    void *arg;
};

/*
 * Once at start-up: how many ranks share this host. Where the ranks are bound, that is not yet who
 * shares our processors: each tells the others its own before the exchange (0 or -errno), and looks
 * at theirs after it.
 */
void wait_open(uint32_t local_ranks);
int wait_publish(void);
void wait_share(void);

/* Polls before the first yield: 0 where ranks outnumber processors. */
uint32_t wait_polls(void);
/* How many ranks of this host there are to each processor that this one may run on; at least 1. */
double wait_load(void);

/*
 * What may end a wait beside the fabric. Called lane locked: `sleeps` before a sleep, after which
 * whoever has something for this process must wake it; then `ready`, and only where that is false
 * the sleep begins; `woke` after it, or after no sleep. Lent; NULL where there is nothing. It
 * changes lane locked.
 */
struct wait_watch {
    void (*sleeps)(void);
    bool (*ready)(void);
    void (*woke)(void);
};

extern const struct wait_watch *wait_watch;

static inline void wait_restart(struct wait *w)
{
    w->polls = w->yields = 0;
    w->since = 0;
    w->tired = false;
}

static inline void wait_begin(struct wait *w)
{
    wait_restart(w);
    w->completed = 0;
    w->ready = NULL;
}

/*
 * `ready` is asked before a sleep, and not under the lock. Whoever makes it true then wakes us; it
 * must know that we wait before wait_may_sleep says yes.
 */
static inline void wait_begin_for(struct wait *w, bool (*ready)(void *arg), void *arg)
{
    wait_restart(w);
    w->completed = 0;
    w->ready = ready;
    w->arg = arg;
}

/* One of the next steps may sleep. */
static inline bool wait_may_sleep(const struct wait *w)
{
    return w->yields;
}

/*
 * One step up, or back to the foot when the last poll brought something. `lock` serialises the
 * fabric's calls; it is not held here, and taken for the moment before a sleep.
 */
void wait_step(struct wait *w, bool progressed, struct lock *lock);

/*
 * The top step at once, for a thread that only fills in where nobody else makes progress: it
 * sleeps, if nothing is there to be looked at, until something may have come or stop_fd is
 * readable.
 */
void wait_doze(struct wait *w, struct lock *lock, int stop_fd);

/*
 * After a call that looks once and found nothing, as MPI_Test does: programs ask it in a loop. No
 * lock held. Where the processor is wanted by others they get it, and not after a whole slice.
 */
void wait_looked(void);

#endif
