/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sleeping until something arrives. A sleeper says so in its segment; whoever writes into its queue
 * then writes one byte into its doorbell, a pipe that peers reach through /proc/PID/fd.
 *
 * The writer stores its cell and then looks at the sleeper's word; the sleeper stores its word and
 * then looks at its queue. One of the two must see the other, for which each would need a full
 * barrier between its two steps. The sleeper alone pays: membarrier(2) makes every running thread
 * of the processes that registered pass a barrier, so a sender's path has none. Where the system
 * has no membarrier, sleeps are cut to a millisecond.
 */
#ifndef ORIEL_NODE_NODE_WAIT_H
#define ORIEL_NODE_NODE_WAIT_H

#include "provider/node/node.h"

/* The endpoint behind a link of node_cq's or node_cntr's list. */
static inline struct node_ep *node_cq_ep(struct list *l)
{
    return container_of(l, struct node_ep_link, link)->ep;
}

struct node_waiter {
    uint64_t until; /* ns, or UINT64_MAX for ever */
    unsigned yields;
};

/* timeout in ms, negative for ever. No lock is held here. */
void node_waiter_begin(struct node_waiter *w, int timeout);
/* Waits a while, yielding first and then asleep; false when the time is over. */
bool node_waiter_sleep(struct node_waiter *w, struct list *eps);
/* Wakes a thread of this process that sleeps on one of the endpoints. */
void node_wake_own(struct list *eps);

/* The queue's descriptor shall tell of this endpoint. */
int node_wait_watch(struct node_cq *cq, struct node_ep *ep);
/* FI_GETWAIT: the descriptor to poll after fi_trywait said yes. */
int node_wait_fd(struct node_cq *cq, int *fd);
/* fi_trywait: 0 when it is safe to sleep on the descriptor, -FI_EAGAIN when there is work. */
int node_trywait(struct fid_fabric *fabric, struct fid **fids, int count);

int node_doorbell_open(struct node_ep *ep);
void node_doorbell_close(struct node_ep *ep);

#endif
