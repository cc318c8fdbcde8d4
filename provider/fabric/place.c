/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/fabric/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/crowd.h"
#include "provider/fabric/fabric.h"

enum {
    LOOK_EVERY = 64,    /* yields */
    MATE_AFTER = 32,    /* yields in a row, and a peer is a mate */
    SPREAD_TRIAL = 256, /* yields */
    PART_TRIAL = 32,    /* the least */
};

/* A migration costs some 10 us, and what a peer said of itself may be old. */
#define ASIDE_NS      UINT64_C(5000000)

/* Some slices of the kernel's, so that all who share the processor have had theirs. */
#define PART_TRIAL_NS UINT64_C(20000000)

#define SLICE_NS      UINT64_C(1000000)
#define PAUSE_NS      UINT64_C(25000000)
#define PAUSE_MOST_NS UINT64_C(60000000000)

static cpu_set_t mine;          /* the processors this process may run on */
static uint32_t ranks;          /* of this host */
static _Atomic uint32_t opened; /* so often: peers of times before are no more */

static _Thread_local struct {
    uint32_t opened;
    uint32_t yields;
    struct fabric_peer *peer; /* whom the last yields were for, */
    uint32_t times;           /* how many of them in a row, */
    struct fabric_peer *mate; /* and the last for whom they were enough */
    bool apart;               /* it waits for us alone, too, on another processor */
    uint64_t since, received; /* at the last look at the pace: ns, messages */
    bool together;            /* at the last look it had a reason to part */
    double pace;              /* messages a ns, before it parted */
    enum node_move moved;     /* why it is on trial; NODE_STAYS: it is not */
    uint32_t trial;           /* yields that are left of it */
    int from;                 /* the processor where it was */
    uint64_t pause;           /* ns, after the last trial that failed */
    uint64_t not_before;      /* the end of that */
} place;

void place_open(const cpu_set_t *allowed, uint32_t local_ranks)
{
    mine = *allowed;
    ranks = local_ranks;
    opened++;
}

/* Goes to one of those processors, and may come back. */
static bool move_to(cpu_set_t *there)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return false;
    CPU_AND(there, there, &allowed);
    if (!CPU_COUNT(there) || sched_setaffinity(0, sizeof *there, there))
        return false;
    sched_setaffinity(0, sizeof allowed, &allowed);
    return true;
}

bool place_go(cpu_set_t *there)
{
    static _Atomic uint64_t last;
    uint64_t now = clock_ns();

    if (now - atomic_load_explicit(&last, memory_order_relaxed) < ASIDE_NS)
        return false;
    atomic_store_explicit(&last, now, memory_order_relaxed);
    return move_to(there);
}

/*
 * Whether other programs want a processor, too: more threads can run than there are ranks. Not
 * often: three system calls.
 */
static bool has_company(void)
{
    char text[128];
    unsigned running = 0;
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%*f %*f %*f %u/", &running) == 1 && running > ranks;
}

static void go_back(void)
{
    cpu_set_t back;

    if (place.from < 0)
        return;
    CPU_ZERO(&back);
    CPU_SET(place.from, &back);
    move_to(&back);
    place.pause = place.pause ? 2 * place.pause : PAUSE_NS;
    if (place.pause > PAUSE_MOST_NS)
        place.pause = PAUSE_MOST_NS;
    place.not_before = clock_ns() + place.pause;
}

/* Messages a ns since it was last asked for. */
static double pace(void)
{
    uint64_t now = clock_ns();
    uint64_t all = atomic_load_explicit(&counts.p2p_received, memory_order_relaxed);
    double per_ns = (double)(all - place.received) / (double)(now - place.since + 1);

    place.since = now;
    place.received = all;
    return per_ns;
}

/*
 * Where a yield takes so long, a program that computes has had a slice: the kernel keeps ranks that
 * yield away from it, and they are faster all on one processor than with one at its side. Of two
 * that part it is no sign, where others of ours that have parted keep a processor as long as they
 * can use it; but messages must come more often.
 */
static bool has_failed(uint64_t took, bool over)
{
    if (place.moved == NODE_SPREADS)
        return took >= SLICE_NS;
    return over ? pace() < place.pace : took >= SLICE_NS && has_company();
}

static void judge(uint64_t took)
{
    bool parted = place.moved == NODE_PARTS;

    if (place.trial)
        place.trial--;
    bool over = !place.trial && !(parted && clock_ns() - place.since < PART_TRIAL_NS);
    bool failed = has_failed(took, over);

    if (failed)
        go_back();
    else if (over && parted)
        place.pause = 0;
    if (failed || over)
        place.moved = NODE_STAYS;
}

static void forget_peers(void)
{
    place.opened = opened;
    place.peer = place.mate = NULL;
    place.times = 0;
    place.apart = false;
}

static void look(struct lock *lock)
{
    cpu_set_t to = mine;
    double now = pace();

    if (place.since < place.not_before)
        return;
    if (place.opened != opened)
        forget_peers();
    place.from = sched_getcpu();
    lock_take(lock);
    enum node_move why = fabric_is_open() ? fabric_place(ranks, place.mate, &to) : NODE_STAYS;
    lock_drop(lock);
    /* The first time, the pace may be that of two who were apart until a moment ago. */
    bool again = place.together;
    place.together = why == NODE_PARTS;
    place.apart = why == NODE_APART;
    if (why <= NODE_APART || (place.together && (!again || has_company())) || !place_go(&to))
        return;
    place.moved = why;
    place.pace = now;
    place.trial = why == NODE_PARTS ? PART_TRIAL : SPREAD_TRIAL;
}

bool place_is_apart(const struct fabric_peer *peer)
{
    return place.apart && place.mate == peer;
}

/* Waits for nobody in particular, those in collectives, say nothing against a mate. */
static void count_peer(struct fabric_peer *peer)
{
    if (peer != place.peer) {
        place.peer = peer;
        place.times = 0;
    }
    if (++place.times != MATE_AFTER || peer == place.mate)
        return;
    place.mate = peer;
    place.apart = false;
}

void place_yield(struct fabric_peer *peer, struct lock *lock)
{
    uint64_t since = place.moved ? clock_ns() : 0;

    fabric_rest(true);
    sched_yield();
    fabric_rest(false);
    count_add_unlocked(&counts.yields, 1);
    if (!crowded)
        return;
    if (peer)
        count_peer(peer);
    if (place.moved)
        judge(clock_ns() - since);
    else if (++place.yields % LOOK_EVERY == 0)
        look(lock);
}
