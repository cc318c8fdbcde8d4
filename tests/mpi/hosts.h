/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On which hosts the ranks are, as a test learns it without asking MPI for more than names: the
 * same program runs on one host, on several, and on one that is to pass for several.
 */
#ifndef ORIEL_TESTS_HOSTS_H
#define ORIEL_TESTS_HOSTS_H

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

/* By rank of MPI_COMM_WORLD, a number for its host; malloc'ed. Collective. */
static inline int *hosts_of_ranks(void)
{
    const char *pretend = getenv("ORIEL_PRETEND_HOSTS");
    char own[MPI_MAX_PROCESSOR_NAME] = {0}, *names;
    int n, len, *hosts, count = pretend ? atoi(pretend) : 0;

    MPI_Comm_size(MPI_COMM_WORLD, &n);
    MPI_Get_processor_name(own, &len);
    names = malloc((size_t)n * sizeof own);
    hosts = malloc((size_t)n * sizeof *hosts);
    MPI_Allgather(own, sizeof own, MPI_CHAR, names, sizeof own, MPI_CHAR, MPI_COMM_WORLD);
    if (count > n)
        count = n;
    for (int i = 0; i < n; i++) {
        if (count > 1) {
            hosts[i] = i * count / n;
            continue;
        }
        for (hosts[i] = 0;
             strcmp(names + (size_t)hosts[i] * sizeof own, names + (size_t)i * sizeof own);)
            hosts[i]++;
    }
    free(names);
    return hosts;
}

/* Whether all are on one. Collective. */
static inline int hosts_is_one(void)
{
    int n, *hosts = hosts_of_ranks(), one = 1;

    MPI_Comm_size(MPI_COMM_WORLD, &n);
    for (int i = 0; i < n; i++)
        one = one && hosts[i] == hosts[0];
    free(hosts);
    return one;
}

#endif
