/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ladder every wait climbs: poll for a while, then yield the processor, then sleep until
 * something arrives. One of it in the library; Init, Finalize and every completion call use it.
 *
 *     struct wait w;
 *     wait_begin(&w);
 *     while (!done) {
 *         take the lock, make progress, drop the lock;
 *         wait_step(&w, progressed, &lock);
 *     }
 *     wait_end(&w, &lock);
 *
 * The polling step is some hundred microseconds long, ORIEL_SPIN: where ranks have a processor
 * each, the message is nearly always there before it ends. Where programs beside the job want a
 * processor too, a yield costs a slice of the scheduler's, which is 3 ms: one in a thousand
 * messages doubled the time of all. Where the kernel has put two of them on one, each hop would
 * cost all of it; so ranks tell each other where they last waited, and one that meets another there
 * yields at once, or goes elsewhere if it is the younger one.
 *
 * Of the threads that wait one sleeps on the fabric's wait object, and listens for all of them:
 * were there two, one could take the sign that was meant for both. The others sleep on a word of
 * their own until what they wait for has come, or the listener has got what it waited for and it is
 * theirs to listen. So a message wakes two threads, and not all.
 *
 * Where ranks outnumber the processors they may run on, the polling step is skipped: spinning only
 * keeps the one that could help off the processor (docs/design.md has the figures). Unless that one
 * is on another processor just now: wait_stays.
 */
#ifndef ORIEL_FABRIC_WAIT_H
#define ORIEL_FABRIC_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/hot.h"
#include "provider/base/list.h"
#include "provider/base/lock.h"

struct fabric_peer;

struct wait {
    uint32_t polls, yields;
    uint32_t stays;       /* looks since the last yield */
    uint64_t stays_until; /* ns; set with the first look */
    uint32_t laps;        /* short ones: wait_lap */
    uint64_t since;       /* ns, when yielding began; 0 before */
    uint64_t counted;     /* ns, up to when its time has been counted */
    bool tired;           /* it has lasted ORIEL_SLEEP_AFTER */
    uint32_t naps;        /* sleeps in vain */
    uint32_t told;        /* wait_told when we last thought of sleeping */
    /* What is waited for: one of these, or neither where it is not known. */
    const atomic_bool *flag;
    bool (*ready)(void *arg);
    void *arg;
    bool by_words;    /* peers end it in shared memory */
    bool unseen;      /* by a message that no receive has asked for: there is no completion */
    unsigned seen;    /* of those so far, when it was looked for */
    bool seen_all;    /* all endpoints count them */
    bool listens;     /* asleep on the fabric, or up and not yet at its end */
    bool follows;     /* asleep on `woken` */
    struct list link; /* while this thread sleeps: in wait.c's list of those who do */
    atomic_uint woken;
    struct fabric_peer *peer; /* who ends it, if that is one; else NULL */
};

/*
 * Once at start-up: how many ranks share this host. Where the ranks are bound, that is not yet who
 * shares our processors: each tells the others its own before the exchange (0 or -errno), and looks
 * at theirs after it.
 */
void wait_open(uint32_t local_ranks);
int wait_publish(void);
void wait_share(void);
/*
 * So many ranks, of this host and of others, are on this machine: its hosts are containers. Where
 * they are bound, each container is taken to have processors of its own.
 */
void wait_share_machine(uint32_t ranks);
/* Whether polls are a network's, which take longer: fewer of them then. */
void wait_network(bool open);

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

/* In a crowd, a hint of who polls what is watched: it comes from ranks that have other processors
 * than this process. For all threads, and so also for waits that have nothing to do with it. */
extern atomic_bool wait_expects;
static inline void wait_expect(bool soon)
{
    atomic_store_explicit(&wait_expects, soon, memory_order_relaxed);
}

static inline void wait_restart(struct wait *w)
{
    w->polls = w->yields = w->stays = w->laps = 0;
    w->since = 0;
    w->tired = false;
    w->naps = 0;
}

static inline void wait_begin(struct wait *w)
{
    wait_restart(w);
    w->told = 0;
    w->ready = NULL;
    w->peer = NULL;
    w->flag = NULL;
    w->by_words = w->unseen = w->listens = w->follows = false;
}

/* For something that comes from that peer; NULL: from anybody. */
static inline void wait_begin_peer(struct wait *w, struct fabric_peer *peer)
{
    wait_begin(w);
    w->peer = peer;
}

/* A wait for one flag, which is set by whoever has the lock, and calls wait_tell then. */
static inline void wait_begin_flag(struct wait *w, const atomic_bool *flag)
{
    wait_begin(w);
    w->flag = flag;
}

/*
 * `ready` is asked before a sleep, and while this thread sleeps by others of its process: under the
 * lock, and it must do nothing but look, as it is asked in the middle of progress.
 */
static inline void wait_begin_for(struct wait *w, bool (*ready)(void *arg), void *arg)
{
    wait_begin(w);
    w->ready = ready;
    w->arg = arg;
}

/* The same for words in shared memory. Whoever changes them wakes us then, by fabric_wake; it must
 * know that we wait before wait_may_sleep says yes. */
static inline void wait_begin_words(struct wait *w, bool (*ready)(void *arg), void *arg)
{
    wait_begin_for(w, ready, arg);
    w->by_words = true;
}

/*
 * For a message that no receive has asked for, as a probe does. Each look for it, in one piece with
 * the lane locked, stands between the two: what comes meanwhile, as looking makes progress, asks
 * for another; the look's own answer does not.
 */
static inline void wait_begin_unseen(struct wait *w)
{
    wait_begin(w);
    w->unseen = true;
}
void wait_looks(struct wait *w);
void wait_saw(struct wait *w);

/* One of the next steps may sleep. */
static inline bool wait_may_sleep(const struct wait *w)
{
    return w->yields;
}

/*
 * In a crowd: whether to look again at once instead of yielding, since the peer has a processor
 * too and may answer sooner than this one would come back. A few microseconds at most between two
 * yields, and less often where it was in vain. At each turn, but for a shorter time, for a mate on
 * another processor (place.h), and without a peer where wait_expect said so.
 */
bool wait_stays(struct wait *w);

/*
 * Whether a peer needs this processor to do what is waited for, so that it is time to yield; one of
 * the two goes elsewhere if it can. The lock is taken for a moment.
 */
bool wait_meets(struct lock *lock);

/*
 * In a crowd: gives the processor away once, to look at what is waited for and at nothing else
 * after that; a turn should be short, as all others wait for its end. False: it was done often
 * enough, or there is no crowd; then wait_step, and progress. No lock held.
 */
bool wait_lap(struct wait *w, struct lock *lock);

/*
 * One step up, or back to the foot when the last poll brought something. `lock` serialises the
 * fabric's calls; it is not held here, and taken for the moment before a sleep.
 */
void wait_step(struct wait *w, bool progressed, struct lock *lock);

/* It is over. The lock is not held here, and taken where others sleep. */
void wait_end_slow(struct wait *w, struct lock *lock);
static inline void wait_end(struct wait *w, struct lock *lock)
{
    if (UNLIKELY(w->listens))
        wait_end_slow(w, lock);
}

/*
 * Something is complete: wakes the threads of this process that sleep for it. Lane locked; called
 * by whoever makes progress, or completes a request that another thread may wait for.
 */
extern uint32_t wait_told;
extern unsigned wait_asleep; /* threads */
void wait_tell_slow(void);
static inline void wait_tell(void)
{
    wait_told++;
    if (UNLIKELY(wait_asleep))
        wait_tell_slow();
}

/* After progress and peeks: messages may have come without a completion. Lane locked. */
extern unsigned wait_unseen; /* sleepers that wait for some */
void wait_progressed_slow(void);
static inline void wait_progressed(void)
{
    if (UNLIKELY(wait_unseen))
        wait_progressed_slow();
}

/* As fabric_may_sleep, for a thread that sleeps on the fabric in the name of all. */
bool wait_all_quiet(void);

/*
 * The top step at once, for a thread that only fills in where nobody else makes progress: it
 * sleeps, if nothing is there to be looked at, until something may have come or stop_fd is
 * readable.
 */
void wait_doze(struct wait *w, struct lock *lock, int stop_fd);

/*
 * After a call that looks once, as MPI_Test does: programs ask it in a loop. No lock held. Where
 * the processor is wanted by other ranks they get it after a few looks in a row that found nothing,
 * and not after a whole slice. A single look keeps it: where the machine is busy with other things
 * too, each yield costs a turn of all, and a program that asks once between computations would
 * crawl. A thread that slept for the lock (`wanted`), and would find it taken again, gets it at
 * once.
 */
void wait_looked(bool found, bool wanted);

#endif
