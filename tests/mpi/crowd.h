/* SPDX-License-Identifier: BSD-3-Clause */
/* For programs about ranks that outnumber the processors: held to two of them, and what else runs.
 */
#ifndef ORIEL_TESTS_CROWD_H
#define ORIEL_TESTS_CROWD_H

#include <sched.h>

#include "mpitest.h"

/* The first two of the processors that this process may run on; how many those are. */
static inline int first_two(cpu_set_t *two)
{
    cpu_set_t mine;

    CHECK(sched_getaffinity(0, sizeof mine, &mine) == 0);
    CPU_ZERO(two);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(two) < 2; i++)
        if (CPU_ISSET(i, &mine))
            CPU_SET(i, two);
    return CPU_COUNT(two);
}

/* Whether more threads can run than there are ranks. */
static inline int has_company(void)
{
    FILE *f = fopen("/proc/loadavg", "r");
    int running = 0, n = f ? fscanf(f, "%*s %*s %*s %d/", &running) : 0;

    if (f)
        fclose(f);
    return n == 1 && running > size;
}

#endif
