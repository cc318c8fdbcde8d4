/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A short access to memory that is the peer's alone, carried out by the peer where it happens to be
 * looking: 0.2 to 0.6 us, where the kernel's copy is a system call of 0.9 to 1.8. The accessing
 * process puts what it wants into the one line of the peer's segment for that, and takes it back
 * where the peer has not begun within 1 to 2 us; then the kernel copies. So nobody depends on a
 * peer that computes or sleeps, and offers to it become rare. Who is stopped in the midst of one,
 * which is a few instructions long, holds up the other.
 *
 * Memory that is not there any more, in a region that is still open, is -EFAULT where the kernel
 * copies; here it is the owner that meets it.
 */
#ifndef ORIEL_NODE_NODE_OFFER_H
#define ORIEL_NODE_NODE_OFFER_H

#include "provider/node/node.h"

/* The place has been looked up, and is not mapped here. True: done; false: nothing has been done.
 */
bool node_offer(struct node_ep *ep, struct node_peer *peer, const struct iovec *iov, size_t count,
                const struct fi_rma_iov *target, bool write);

/* One is there. */
HOT_INLINE bool node_offer_waits(const struct node_ep *ep)
{
    return UNLIKELY(atomic_load_explicit(&ep->segment->offer.state, memory_order_relaxed) ==
                    NODE_OFFERED);
}

/* Carries it out; false: it is not there any more. */
bool node_offer_serve(struct node_ep *ep);

#endif
