/* SPDX-License-Identifier: BSD-3-Clause */
/* The descriptors of one turn of the poll() loop. */
#ifndef ORIEL_MPIEXEC_POLLSET_H
#define ORIEL_MPIEXEC_POLLSET_H

#include <poll.h>
#include <stddef.h>

struct poll_set {
    struct pollfd *v;
    size_t n;
    size_t room;
};

#define POLL_SLOT_NONE ((size_t)-1)

void poll_clear(struct poll_set *set);

/* Returns the place at which poll_got() finds the answer in this turn. */
size_t poll_add(struct poll_set *set, int fd, short events);

/* The events that came, 0 for POLL_SLOT_NONE. */
short poll_got(const struct poll_set *set, size_t slot);

/* Monotonic time. */
long long now_ms(void);

#endif
