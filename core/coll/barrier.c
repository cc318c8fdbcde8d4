/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_engine.h"

/*
 * Dissemination (Hensgen, Finkel, Manber, "Two algorithms for barrier synchronization", 1988): in
 * round i every rank tells the one 2^i above and hears from the one 2^i below. ceil(log p) alpha.
 */
enum coll_step barrier_dissemination(struct coll *k)
{
    int distance = 1 << k->round;

    if (distance >= k->size)
        return COLL_LAST;
    coll_await(k, coll_wrap(k, k->rank - distance));
    coll_signal(k, coll_wrap(k, k->rank + distance));
    return distance >= k->size - distance ? COLL_LAST : COLL_MORE;
}
