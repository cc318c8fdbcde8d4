/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "pollset.h"

#include <stdlib.h>
#include <time.h>

void poll_clear(struct poll_set *set)
{
    set->n = 0;
}

size_t poll_add(struct poll_set *set, int fd, short events)
{
    if (set->n == set->room) {
        set->room = set->room > 0 ? 2 * set->room : 32;
        set->v = reallocarray(set->v, set->room, sizeof(*set->v));
        if (set->v == NULL)
            abort();
    }
    set->v[set->n] = (struct pollfd){.fd = fd, .events = events};
    return set->n++;
}

short poll_got(const struct poll_set *set, size_t slot)
{
    return slot < set->n ? set->v[slot].revents : 0;
}

long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
