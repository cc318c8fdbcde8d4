/* SPDX-License-Identifier: BSD-3-Clause */
/* Time that only goes forward, in nanoseconds from an arbitrary start, the same on the whole host.
 */
#ifndef ORIEL_BASE_CLOCK_H
#define ORIEL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

#endif
