/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group: an ordered set of processes, each named by its rank in the job (a "process id" here).
 * A group whose members form an arithmetic sequence is kept as such, at any size in the same few
 * bytes; one that is made of a few of them, as when some ranks are left out, is their list; only
 * others have a number for each member. Groups never change after they are made.
 */
#ifndef ORIEL_OBJECT_GROUP_H
#define ORIEL_OBJECT_GROUP_H

#include <stdbool.h>

#include "core/object/object.h"

/* Members start, start + 1, ... up to the next run's start are first, first + stride, ... */
struct group_run {
    uint32_t first;
    int32_t stride;
    int start;
};

enum { GROUP_RUNS = 64 }; /* at most: one is looked for in all of them */

struct group {
    struct object object;
    int size;
    int rank; /* this process's, or MPI_UNDEFINED */
    uint32_t first;
    int32_t stride; /* where there is neither runs nor list: member i is first + i * stride */
    int nruns;      /* where runs is not NULL */
    struct group_run *runs; /* owned, or lent by `owner`; so is the list */
    uint32_t *list;
    struct group *owner; /* of a copy; held */
    uintptr_t session;   /* the handle of the one that it comes from, or 0; nobody is held by it */
    /*
     * process id << 32 | rank in rising order, for a group with a list. Made at the first lookup.
     */
    uint64_t *_Atomic index;
};

extern struct group group_empty;

static inline struct group *group_find(MPI_Group handle)
{
    return (struct group *)object_find(OBJECT_GROUP, handle);
}

static inline bool group_is_sequence(const struct group *g)
{
    return !g->runs && !g->list;
}

uint32_t group_process_slow(const struct group *g, int rank);
/* The process id of a member. (Not group_member: unistd.h has that name.) */
static inline uint32_t group_process(const struct group *g, int rank)
{
    if (group_is_sequence(g))
        return g->first + (uint32_t)(rank * g->stride);
    return group_process_slow(g, rank);
}

void group_open(void);
/* This process's id in the job, for `rank` of new groups. Set once at start-up. */
void group_set_self(uint32_t process);

/* first, first + stride, ...: `size` members. */
int group_range(uint32_t first, int32_t stride, int size, struct group **group);
/* Takes the list over (malloc'ed), or frees it where a few sequences describe it. */
int group_list(uint32_t *list, int size, struct group **group);
/* The same members under a handle of its own, for MPI_Comm_group and the like; takes no copy. */
int group_copy(struct group *from, struct group **group);
/* Rank of a process id, or MPI_UNDEFINED. O(1) for a few sequences, else O(log size). */
int group_rank_of(const struct group *g, uint32_t process);

int group_compare(const struct group *a, const struct group *b); /* MPI_IDENT, SIMILAR, UNEQUAL */
/*
 * The operations of 7.3.2. The result is a new reference without a handle, or group_empty where it
 * has no members. Ranks are checked: MPI_ERR_RANK, MPI_ERR_ARG. O(n log n) at most.
 */
int group_union(struct group *a, struct group *b, struct group **group);
int group_intersection(struct group *a, struct group *b, struct group **group);
int group_difference(struct group *a, struct group *b, struct group **group);
int group_incl(struct group *g, int n, const int *ranks, struct group **group);
int group_excl(struct group *g, int n, const int *ranks, struct group **group);
int group_range_incl(struct group *g, int n, int ranges[][3], struct group **group);
int group_range_excl(struct group *g, int n, int ranges[][3], struct group **group);

#endif
