/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying a long message together. The sender offers a slot of its segment with the announcement;
 * a receive that matches says there where its memory is and opens the slot. From then on both
 * processes take blocks of the message and copy them: the receiver from the front
 * (process_vm_readv), the sender, whenever its progress has nothing to receive, from the back
 * (process_vm_writev). When all is copied the receiver answers as if it had done it alone.
 *
 * Either may stay away: a sender that computes, or sleeps, leaves all to the receiver, and the
 * other way round. Only a block that the sender has taken must be waited for, until it is copied,
 * has failed (then the receiver copies the sender's part again) or the sender is no more.
 */
#ifndef ORIEL_NODE_PULL_H
#define ORIEL_NODE_PULL_H

#include "provider/node/node.h"

void node_pulls_open(struct node_ep *ep);
/* No peer writes into our memory any more. */
void node_pulls_close(struct node_ep *ep);

/* The sender: a slot for this message, or NODE_PULL_NONE; given back when it has been answered. */
uint32_t node_pull_offer(struct node_ep *ep, struct node_op *op);
void node_pull_withdraw(struct node_ep *ep, struct node_op *op);

/*
 * The receiver: begins to copy the first `len` bytes of an announced message; node_recv_fetched
 * will be called. False: not worth while, or no slot or memory for it.
 */
bool node_pull_begin(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                     size_t len);
/* The receiver alone, at once: 0 or -errno. */
int node_pull_alone(const struct node_recv *r, const struct node_message *m, size_t len);

/* Copies a block, ends what is whole. Called while pulls.active; true where something was done. */
bool node_pull_progress(struct node_ep *ep);
/* Whether node_pull_progress has something to do now. */
bool node_pull_has_work(struct node_ep *ep);
/* Now and then, when nothing comes: ends what waits for a sender that is no more. */
void node_pull_mend(struct node_ep *ep);

#endif
