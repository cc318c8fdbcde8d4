/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/node/node_pace.h"

/* 17 GB/s: a near peer's lines come at 30 to 60, a distant one's at 5 to 10. */
enum { SLOW_NS_PER_KIB = 60 };

enum {
    IN_A_ROW = 3, /* one that lost its processor decides nothing */
    SKIP = 15,    /* copies for each that is timed, while all is well */
};

/* Four messages in 20 ms that go the slower way cost 0.1 %. */
#define SENTENCE_NS UINT64_C(20000000)

bool node_pace_is_distant_still(struct node_pace *p)
{
    if (clock_ns() < p->distant_until)
        return true;
    *p = (struct node_pace){0};
    return false;
}

void node_pace_took(struct node_pace *p, uint64_t now, uint64_t took, size_t len)
{
    if (took < len / 1024 * SLOW_NS_PER_KIB) {
        p->slow = 0;
        p->skip = SKIP;
    } else if (++p->slow == IN_A_ROW) {
        p->distant_until = now + SENTENCE_NS;
    }
}

void node_pace_end(struct node_pace *p, uint64_t start, size_t len)
{
    uint64_t now = clock_ns();

    node_pace_took(p, now, now - start, len);
}
