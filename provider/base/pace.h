/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How near those are who read what we write into shared memory: what it costs to pass cache lines
 * to them. Between processors that share an inner cache a line passes at once. Between two that
 * share the last one, it is sooner there if it has left the inner ones meanwhile. Between two that
 * share none, stores have to fetch each line from the reader's cache first, and copies that go past
 * the caches are two to four times as fast, on some machines. Nothing tells in advance which it is,
 * and where a host moves the processors of its guests it changes under way. So the writer takes the
 * time of some of its copies to where the reader has read before. Three in a row that were slow
 * make the reader a distant one, three that were very slow one beyond the caches, if going past
 * them then takes at most two thirds of the time; after a while it is tried again, with a few
 * copies that go the near one's way. The figures are in docs/performance.md.
 */
#ifndef ORIEL_BASE_PACE_H
#define ORIEL_BASE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/clock.h"
#include "provider/base/hot.h"

enum {
    PACE_LEAST = 4096, /* bytes of the shortest copy that is timed, or goes past the caches */
    PACE_SKIP = 15,    /* copies for each that is timed, while all is well, or asks the time */
};

/* All zero at first: near, and the next copy is timed. */
struct pace {
    uint64_t distant_until; /* ns; 0: the reader is near, as far as we know */
    uint8_t slow;           /* slow copies in a row, */
    uint8_t very_slow;      /* and very slow ones among them */
    uint8_t skip;           /* copies that need no timing, or for a distant reader no look at it */
    uint8_t tries;          /* copies past the caches that have yet to show it is worth it */
    bool beyond;            /* a distant one is beyond the caches */
    uint32_t fastest;       /* ns a KiB, of the very slow ones */
};

/* Asks the clock, where the reader has been a distant one. */
bool pace_is_distant_still(struct pace *p);

/* The time now where the copy that follows is to be timed, or 0. */
HOT_INLINE uint64_t pace_start(struct pace *p, size_t len)
{
    if (len < PACE_LEAST)
        return 0;
    if (UNLIKELY(p->distant_until)) {
        if (p->skip && !p->tries) {
            p->skip--;
            return 0;
        }
        p->skip = PACE_SKIP;
        if (pace_is_distant_still(p))
            return UNLIKELY(p->tries) ? clock_ns() : 0;
    }
    if (p->skip && !p->slow) {
        p->skip--;
        return 0;
    }
    return clock_ns();
}

/* What was begun then has copied `len` bytes. */
void pace_end(struct pace *p, uint64_t start, size_t len);
/* The same: it took so many ns, and is over now. */
void pace_took(struct pace *p, uint64_t now, uint64_t took, size_t len);

/* Whether the reader was a distant one when pace_start last asked the time. */
HOT_INLINE bool pace_is_distant(const struct pace *p)
{
    return UNLIKELY(p->distant_until);
}

/* Whether a copy of that length is to go past the caches (copy_past). */
HOT_INLINE bool pace_goes_past(const struct pace *p, size_t len)
{
    return UNLIKELY(p->beyond) && len >= PACE_LEAST;
}

/* Copies to where the reader has read before, past the caches if it is beyond them. Timed. */
void pace_copy(struct pace *p, void *to, const void *from, size_t len);

#endif
