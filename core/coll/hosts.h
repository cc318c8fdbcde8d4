/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives in two levels: on each host by itself, through shared memory where there is any, and
 * between one rank of each, the leaders. Each level is a child, for which the table chooses among
 * the flat algorithms.
 *
 * Who is where is learnt once a communicator, at its ORIEL_COLL_AREA_AFTER-th collective, together
 * with the areas of its hosts: a rank knows only which others are beside it (fabric.h), so all tell
 * each other the lowest of those. The operations take turns in the order of their start: their
 * parts on a host then start in the same order on all its ranks, as its area wants it. Persistent
 * ones, which may be started in any order, go without areas.
 */
#ifndef ORIEL_COLL_HOSTS_H
#define ORIEL_COLL_HOSTS_H

#include "core/coll/coll_engine.h"
#include "provider/base/param.h"

/* NONE: on each host one rank, so that a second level would be empty. */
enum hosts_state { HOSTS_ASKING, HOSTS_READY, HOSTS_NONE };

/* Owned by the communicator. Hosts are numbered in the order of their lowest ranks, the leaders. */
struct coll_hosts {
    enum hosts_state state;
    int count, here;
    int *leaders, *sizes; /* by host */
    int *host_of;         /* by rank */
    int *members;         /* of this host: ranks, ascending */
    int rank, size;       /* among them */
    int most;             /* ranks on one host */
    bool blocks;          /* a host's ranks follow each other */
    bool even;            /* each host has as many */
    bool shared;          /* there are hosts whose ranks share memory */
    double load;          /* ranks a processor, the most of any host; at least 1 */
    struct coll_turns turns;

    struct comm *comm;  /* held while the agreement is under way */
    struct list asking; /* in the list of those of which it is */
    struct coll setup;
};

/* At the start of every collective that all members start, before it takes its tag. */
void hosts_share(struct comm *c);
static inline bool hosts_are_due(const struct comm *c)
{
    return __builtin_expect((long)c->coll_sequence == param.coll_area_after, 0);
}
static inline void hosts_consider(struct comm *c)
{
    if (hosts_are_due(c) && !c->area && !c->hosts)
        hosts_share(c);
}

/* Whether the operation may be done in two levels; the same answer on all ranks. */
bool hosts_serves(const struct coll *k);
/* Where it may, and who is where is known: whether the order of the ranks suits it. */
bool hosts_suit(const struct coll *k);
/* For the formulas. */
struct coll_shape;
void hosts_shape(const struct coll *k, struct coll_shape *s);

/* Whether it is the part of one that is done on this host. */
static inline bool hosts_is_here(const struct coll *k)
{
    return k->ranks && k->comm->hosts && k->ranks == k->comm->hosts->members;
}

void hosts_open(void);
/* Gives up what the ranks have not agreed on by the end of the library. */
void hosts_close(void);

#endif
