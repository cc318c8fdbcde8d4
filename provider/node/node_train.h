/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of a few chunks, behind one cell: the kernel's copy from process to process is no match
 * for the caches, since it looks up and pins every page. The cell goes out before the chunks are
 * filled, so that a reader who waits copies out what is there while the rest is still copied in.
 * In a crowd, where the sender may lose its processor in between, or where the reader sleeps, the
 * chunks are filled first. A message that nobody has asked for stays where it is.
 *
 * Memory in one block is published by the chunk. Scattered memory takes longer to collect and to
 * put back: it goes this way from NODE_TRAIN_PART bytes on, which is what is published at once.
 */
#ifndef ORIEL_NODE_NODE_TRAIN_H
#define ORIEL_NODE_NODE_TRAIN_H

#include "provider/node/node.h"

enum { NODE_TRAIN_PART = 4096 };

/* The sender: takes chunks for `len` bytes, all or none: 0 or -errno. */
int node_train_take(struct node_ep *ep, struct node_peer *peer, size_t len,
                    struct node_wire_train *wire);
/* Copies the message into them; the reader may follow. */
void node_train_fill(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     const struct node_wire_train *wire);
/* The reader has them now. */
void node_train_lend(struct node_ep *ep, const struct node_wire_train *wire);
/* It was not sent after all, though it may have been filled. */
void node_train_return(struct node_ep *ep, const struct node_wire_train *wire);

/*
 * The receiver: copies what there is room for, and waits where the sender has not got that far. How
 * much that was; -ESRCH where the sender will never get that far.
 */
ssize_t node_train_read(const struct node_message *m, const struct iovec *iov, size_t count,
                        size_t room);
/* Every byte that is wanted has been copied. */
void node_train_release(const struct node_message *m);
/* The same, of a message that nobody will read any more: what is not there yet does not go back. */
void node_train_abandon(const struct node_message *m);

#endif
