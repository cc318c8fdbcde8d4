/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/base/copy.h"
#include "provider/base/pace.h"

/*
 * 17 and 9 GB/s. On an AMD EPYC lines of a reader on the same core take 30 to 60 ns a KiB, of one
 * that shares the last cache 50 to 90, of others 120 to 260. A short copy has more around it, which
 * counts where the other way would be a loss.
 */
enum { SLOW_NS_PER_KIB = 60, VERY_SLOW_NS_PER_KIB = 110, AROUND_NS = 100 };

enum {
    IN_A_ROW = 3, /* one that lost its processor decides nothing */
    TRIES = 3,
};

/* Four copies in 20 ms that go the slower way cost 0.1 %. */
#define SENTENCE_NS UINT64_C(20000000)

bool pace_is_distant_still(struct pace *p)
{
    if (clock_ns() < p->distant_until)
        return true;
    *p = (struct pace){0};
    return false;
}

/* A copy past the caches, while it is not known whether that is worth it. */
static void tried(struct pace *p, uint64_t ns_per_kib)
{
    if (3 * ns_per_kib <= 2 * (uint64_t)p->fastest)
        p->tries = 0;
    else if (!--p->tries)
        p->beyond = false;
}

static void very_slow(struct pace *p, uint64_t ns_per_kib)
{
    if (!p->very_slow++ || ns_per_kib < p->fastest)
        p->fastest = ns_per_kib < UINT32_MAX ? (uint32_t)ns_per_kib : UINT32_MAX;
}

void pace_took(struct pace *p, uint64_t now, uint64_t took, size_t len)
{
    uint64_t ns_per_kib = took * 1024 / len;

    if (p->distant_until) {
        tried(p, ns_per_kib);
        return;
    }
    if (ns_per_kib < SLOW_NS_PER_KIB) {
        p->slow = p->very_slow = 0;
        p->skip = PACE_SKIP;
        return;
    }
    if (took >= AROUND_NS + len / 1024 * VERY_SLOW_NS_PER_KIB)
        very_slow(p, ns_per_kib);
    if (++p->slow == IN_A_ROW) {
        p->distant_until = now + SENTENCE_NS;
        p->beyond = p->very_slow == IN_A_ROW;
        p->tries = p->beyond ? TRIES : 0;
    }
}

void pace_end(struct pace *p, uint64_t start, size_t len)
{
    uint64_t now = clock_ns();

    pace_took(p, now, now - start, len);
}

void pace_copy(struct pace *p, void *to, const void *from, size_t len)
{
    uint64_t start = pace_start(p, len);

    if (pace_goes_past(p, len))
        copy_past(to, from, len);
    else
        copy_bytes(to, from, len);
    if (UNLIKELY(start))
        pace_end(p, start, len);
}
