/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sleeping until something arrives. A sleeper says so in its segment; whoever writes a cell to it
 * then writes one byte into its doorbell, a pipe that peers reach through /proc/PID/fd.
 *
 * The writer stores its cell and then looks at the sleeper's word; the sleeper stores its word and
 * then looks at its cells. One of the two must see the other, for which each needs a full barrier
 * between its two steps. The sleeper alone pays: membarrier(2) makes every running thread of the
 * processes that registered pass one, so a sender's path has none. Where the sleeper cannot use it
 * its word says NODE_FENCE from the beginning, and where a writer cannot be reached by it the
 * writer says that there: then all who write to this process pass a barrier of their own.
 */
#ifndef ORIEL_NODE_NODE_WAIT_H
#define ORIEL_NODE_NODE_WAIT_H

#include "provider/node/node.h"

/* The endpoint behind a link of node_cq's or node_cntr's list. */
static inline struct node_ep *node_cq_ep(struct list *l)
{
    return container_of(l, struct node_ep_link, link)->ep;
}

/*
 * A wait for a queue or counter:
 *
 *     begin; while (nothing) { if (!step) time-out; if (announced && something) break; sleep; }
 */
struct node_waiter {
    struct node_domain *domain;
    struct node_alarm *alarm;
    struct list *eps;
    int epoll;      /* tells of all of these at once, where there is such a descriptor, else -1 */
    uint64_t until; /* ns, or UINT64_MAX for ever */
    unsigned yields;
    bool announced; /* step said that this thread is about to sleep: look once more */
};

/* timeout in ms, negative for ever. No lock is held here, nor below. */
void node_waiter_begin(struct node_waiter *w, struct node_domain *domain, struct node_alarm *alarm,
                       struct list *eps, int timeout);
/* Yields at first, then announces a sleep; false when the time is over. */
bool node_waiter_step(struct node_waiter *w);
/* Sleeps, if it was announced. */
void node_waiter_sleep(struct node_waiter *w);

int node_alarm_open(struct node_alarm *alarm);

/* What a queue with FI_WAIT_FD needs. */
int node_wait_open(struct node_cq *cq);
void node_wait_close(struct node_cq *cq);
/* The queue's descriptor shall tell of this endpoint, or no more. */
int node_wait_watch(struct node_cq *cq, struct node_ep *ep);
void node_wait_forget(struct node_cq *cq, struct node_ep *ep);
/* FI_GETWAIT: the descriptor to poll after fi_trywait said yes. */
int node_wait_fd(struct node_cq *cq, int *fd);
/* fi_trywait: 0 when it is safe to sleep on the descriptor, -FI_EAGAIN when there is work. */
int node_trywait(struct fid_fabric *fabric, struct fid **fids, int count);

int node_doorbell_open(struct node_ep *ep);
/* Nobody need ring any more. */
void node_doorbell_silence(struct node_ep *ep);
void node_doorbell_close(struct node_ep *ep);
/* At the first contact: this process's writes to the peer can be waited for. */
void node_doorbell_meet(struct node_segment *peer);

#endif
