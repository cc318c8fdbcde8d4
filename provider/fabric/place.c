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
    MATE_AFTER = 32,    /* yields in a row, and a peer is a mate, */
    MATE_UNTIL = 256,   /* so many that were for it not, and it is none */
    SPREAD_TRIAL = 256, /* yields */
    PART_TRIAL = 32,    /* the least */
};

/* A migration costs some 10 us, and what a peer said of itself may be old. */
#define ASIDE_NS      UINT64_C(5000000)

/* Some slices of the kernel's, so that all who share the processor have had theirs; and where it
 * was much longer, the program did something else meanwhile. */
#define PART_TRIAL_NS UINT64_C(20000000)
#define PART_MOST_NS  UINT64_C(200000000)

#define SLICE_NS      UINT64_C(1000000)
#define PAUSE_NS      UINT64_C(25000000)
#define PAUSE_MOST_NS UINT64_C(60000000000)

static cpu_set_t mine;   /* the processors this process may run on */
static uint32_t ranks;   /* of this host, */
static uint32_t machine; /* and of all hosts that are on this machine */

/* Between two tries that failed. */
struct pause {
    uint64_t length; /* ns, of the last */
    uint64_t end;
};

static _Thread_local struct {
    uint32_t yields;
    struct fabric_peer *peer; /* whom the last yields were for, */
    uint32_t times;           /* how many of them in a row, */
    struct fabric_peer *mate; /* and the last for whom they were enough */
    uint32_t others;          /* yields since then that were not for the mate */
    bool apart;               /* it waits for us alone, too, on another processor */
    bool together;            /* at the last look it had a reason to part */
    uint64_t since, received; /* at the last look at the pace: ns, messages */
    double pace;              /* messages a ns, before it parted */
    enum node_move moved;     /* why it is on trial; NODE_STAYS: it is not */
    uint32_t trial;           /* yields that are left of it */
    int from;                 /* the processor where it was */
    struct pause spreading, parting;
} place;

void place_open(const cpu_set_t *allowed, uint32_t local_ranks)
{
    mine = *allowed;
    ranks = machine = local_ranks;
}

void place_share_machine(uint32_t all_ranks)
{
    machine = all_ranks;
}

/* ---- Moving ---- */

/* Goes to one of those processors, and may come back. */
static bool move_to(cpu_set_t *there)
{
    cpu_set_t allowed;

    if (!CPU_COUNT(there) || sched_getaffinity(0, sizeof allowed, &allowed))
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

    if (now - atomic_load_explicit(&last, memory_order_relaxed) < ASIDE_NS || !move_to(there))
        return false;
    atomic_store_explicit(&last, now, memory_order_relaxed);
    return true;
}

static void begin_pause(struct pause *p)
{
    p->length = p->length ? 2 * p->length : PAUSE_NS;
    if (p->length > PAUSE_MOST_NS)
        p->length = PAUSE_MOST_NS;
    p->end = clock_ns() + p->length;
}

static void go_back(void)
{
    cpu_set_t back;

    place.apart = false;
    begin_pause(place.moved == NODE_PARTS ? &place.parting : &place.spreading);
    if (place.from < 0)
        return;
    CPU_ZERO(&back);
    CPU_SET(place.from, &back);
    move_to(&back);
}

/* ---- Whether it was good ---- */

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
    return sscanf(text, "%*s %*s %*s %u/", &running) == 1 && running > machine;
}

/* Messages a ns since it was last asked for. */
static double take_pace(uint64_t now)
{
    uint64_t all = atomic_load_explicit(&counts.p2p_received, memory_order_relaxed);
    double per_ns = (double)(all - place.received) / (double)(now - place.since + 1);

    place.since = now;
    place.received = all;
    return per_ns;
}

enum verdict { NOT_YET, GOOD, BAD, NONE };

/*
 * Where a yield takes so long, a program that computes has had a slice: the kernel keeps ranks that
 * yield away from it, and they are faster all on one processor than with one at its side.
 */
static enum verdict judge_spread(uint64_t took)
{
    if (took >= SLICE_NS)
        return BAD;
    return place.trial ? NOT_YET : GOOD;
}

/*
 * Of two that part that is no sign by itself, since others of ours that have parted keep a
 * processor as long as they can use it. But messages must come more often.
 */
static enum verdict judge_parting(uint64_t now, uint64_t took)
{
    uint64_t lasted = now - place.since;

    if (took >= SLICE_NS && has_company())
        return BAD;
    if (place.trial || lasted < PART_TRIAL_NS)
        return NOT_YET;
    if (lasted > PART_MOST_NS)
        return NONE;
    return take_pace(now) > place.pace ? GOOD : BAD;
}

/* After each yield of a trial. */
static void judge(uint64_t since)
{
    bool parted = place.moved == NODE_PARTS;
    uint64_t now = clock_ns(), took = now - since;

    if (place.trial)
        place.trial--;
    enum verdict v = parted ? judge_parting(now, took) : judge_spread(took);
    if (v == BAD)
        go_back();
    else if (v == GOOD && parted)
        place.parting.length = 0;
    if (v != NOT_YET)
        place.moved = NODE_STAYS;
}

/* ---- Looking where all are ---- */

/* Tells the others, too. */
static enum node_move look(struct lock *lock, bool may_part, cpu_set_t *to)
{
    *to = mine;
    lock_take(lock);
    enum node_move why =
        fabric_is_open() ? fabric_place(ranks, place.mate, may_part, to) : NODE_STAYS;
    lock_drop(lock);
    place.apart = why == NODE_APART;
    return why;
}

/* Whether there is a reason to go just now. */
static bool may_go(enum node_move why, uint64_t now)
{
    bool again = place.together;

    place.together = why == NODE_PARTS;
    if (why == NODE_SPREADS)
        return now >= place.spreading.end;
    /* The first time, the pace may be that of two who were apart until a moment ago. */
    if (why != NODE_PARTS || !again)
        return false;
    if (!has_company())
        return true;
    place.parting.end = now + PAUSE_NS;
    return false;
}

static void look_round(struct lock *lock)
{
    cpu_set_t to;
    uint64_t now = clock_ns();
    enum node_move why = look(lock, now >= place.parting.end, &to);

    if (place.moved)
        return;
    double before = take_pace(now);
    place.from = place_here();
    if (!may_go(why, now) || !place_go(&to))
        return;
    place.moved = why;
    place.pace = before;
    place.trial = why == NODE_PARTS ? PART_TRIAL : SPREAD_TRIAL;
    look(lock, false, &to);
}

/* ---- Mates ---- */

static void count_peer(struct fabric_peer *peer)
{
    if (peer == place.mate) {
        place.others = 0;
    } else if (place.mate && ++place.others == MATE_UNTIL) {
        place.mate = NULL;
        place.apart = false;
    }
    if (!peer) /* nobody in particular, as in collectives */
        return;
    if (peer != place.peer) {
        place.peer = peer;
        place.times = 0;
    }
    if (++place.times != MATE_AFTER || peer == place.mate)
        return;
    place.mate = peer;
    place.others = 0;
    place.apart = false;
}

bool place_is_apart(const struct fabric_peer *peer)
{
    return place.apart && place.mate == peer;
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
    count_peer(peer);
    if (place.moved)
        judge(since);
    if (++place.yields % LOOK_EVERY == 0)
        look_round(lock);
}
