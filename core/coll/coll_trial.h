/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm takes least for long data on one host, tried out: the formulas know what copies
 * cost on the machine that they were fitted on, and on others the kernel's copy takes half as long
 * as one through shared memory, or twice. So blocking operations that only move data are done a few
 * times by each of the candidates, which the formulas name; then all ranks add up what each has
 * taken and go on with the one that took least. After 256 operations, and then after each
 * ORIEL_COLL_TRIALS, it is tried again: where a host moves its guest's processors, another may be
 * the best by then.
 *
 * All ranks count alike, so that all change at the same operation. Reductions are left out: with
 * the algorithm their rounding would change.
 */
#ifndef ORIEL_COLL_COLL_TRIAL_H
#define ORIEL_COLL_COLL_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coll;
struct coll_row;
struct coll_shape;

enum {
    TRIAL_ROWS = 4,   /* candidates */
    TRIAL_TIMED = 3,  /* operations in a row by each of them that are timed: median_of_3 */
    TRIAL_KINDS = 3,  /* bcast, allgather, alltoall */
    TRIAL_SIZES = 12, /* by powers of two */
};

/* Of one kind and size, in an area; all zero at first. */
struct coll_trial {
    const struct coll_row *rows[TRIAL_ROWS];    /* the formulas' first choice first */
    unsigned count;                             /* of rows */
    unsigned traits;                            /* of the operations that are counted */
    unsigned operations;                        /* since the last trial, and of this one */
    unsigned pause;                             /* of the former */
    unsigned best;                              /* of rows */
    size_t n;                                   /* bytes of the operation that is timed */
    uint32_t took[TRIAL_TIMED];                 /* ns for 16 KiB, by the row that is being tried */
    uint64_t mine[TRIAL_ROWS], all[TRIAL_ROWS]; /* the same of each; all ranks' together */
};

struct coll_trials {
    struct coll_trial trial[TRIAL_KINDS][TRIAL_SIZES];
};

/* Whether operations like k, of n bytes, are tried out; the same answer on all ranks. */
bool coll_trial_serves(const struct coll *k, size_t n, unsigned traits);
/*
 * What k, of which the shape tells, runs by. Where its time is wanted, k->trial is set and
 * coll_trial_took to be called when it is over, lane locked.
 */
const struct coll_row *coll_trial_row(struct coll *k, const struct coll_shape *s);
void coll_trial_took(struct coll *k);

#endif
