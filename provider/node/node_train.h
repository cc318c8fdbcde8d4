/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ORIEL_NODE_NODE_TRAIN_H
#define ORIEL_NODE_NODE_TRAIN_H

#include "provider/node/node.h"

/* The sender: copies the message into chunks; false where there are not enough. */
bool node_train_load(struct node_ep *ep, struct node_peer *peer, const struct node_tx *tx,
                     size_t len, struct node_wire_train *wire);
/* The reader has them now. */
void node_train_lend(struct node_ep *ep, const struct node_wire_train *wire);
/* It was not sent after all. */
void node_train_return(struct node_ep *ep, const struct node_wire_train *wire);

/* The receiver: copies what there is room for; how much that was. */
size_t node_train_unload(const struct node_message *m, const struct iovec *iov, size_t count,
                         size_t room);
/* Every byte that is wanted has been copied. */
void node_train_release(const struct node_message *m);

#endif
