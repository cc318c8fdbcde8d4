/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to cut MPI_COMM_WORLD into two groups, with an intercommunicator between them. */
#ifndef ORIEL_TESTS_INTER_TEST_H
#define ORIEL_TESTS_INTER_TEST_H

#include "mpitest.h"

/*
 * ONE: rank 0 against all others. HALVES: the second is the larger. PARITY: odd against even.
 * BUT_ONE: rank 1 against all others, which are no sequence where there are three.
 */
enum cut { ONE, HALVES, PARITY, BUT_ONE, CUTS };

static inline int side_of(enum cut cut, int world_rank)
{
    switch (cut) {
    case ONE:
        return world_rank > 0;
    case HALVES:
        return world_rank >= size / 2;
    case BUT_ONE:
        return world_rank == 1;
    default:
        return world_rank % 2;
    }
}

static inline int size_of(enum cut cut, int side)
{
    int n = 0;

    for (int i = 0; i < size; i++)
        n += side_of(cut, i) == side;
    return n;
}

/* The rank in the world of a rank of one side. */
static inline int world_of(enum cut cut, int side, int r)
{
    int i = 0;

    while (side_of(cut, i) != side || r--)
        i++;
    return i;
}

static inline int rank_of(enum cut cut, int world_rank)
{
    int n = 0;

    for (int i = 0; i < world_rank; i++)
        n += side_of(cut, i) == side_of(cut, world_rank);
    return n;
}

/* The leaders are the last of side 0 and the first of side 1. `local` too is the caller's. */
static inline MPI_Comm inter_make(enum cut cut, int tag, MPI_Comm *local)
{
    int mine = side_of(cut, rank), leaders[2] = {size_of(cut, 0) - 1, 0};
    int theirs = world_of(cut, !mine, leaders[!mine]);
    MPI_Comm inter, peer = MPI_COMM_WORLD, more;

    OK(MPI_Comm_split(MPI_COMM_WORLD, mine, rank, local));
    if (mine) /* the sides' free context ids differ from here on */
        OK(MPI_Comm_dup(*local, &more));
    if (rank_of(cut, rank) != leaders[mine]) { /* of no meaning there */
        peer = MPI_COMM_NULL;
        theirs = -77;
    }
    OK(MPI_Intercomm_create(*local, leaders[mine], peer, theirs, tag, &inter));
    if (mine)
        OK(MPI_Comm_free(&more));
    return inter;
}

#endif
