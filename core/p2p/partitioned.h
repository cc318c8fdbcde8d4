/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Partitioned communication (chapter 4): one persistent message whose parts leave when they are
 * ready and are seen when they have arrived.
 *
 * Psend_init sends a notice on CHANNEL_PART, under the program's tag: how many partitions there
 * are, of how many bytes, and the number that this sender's data will carry. Precv_init posts the
 * receive for it, so the two sides match in the order of their initialisation. From then on each
 * partition of the sender is a message of its own, straight into its place; nothing is answered and
 * the sender waits for nobody. The receiver counts, for each of its own partitions, the messages
 * that still have to come.
 */
#ifndef ORIEL_P2P_PARTITIONED_H
#define ORIEL_P2P_PARTITIONED_H

#include "core/p2p/p2p.h"

/* Inactive requests without a handle; `count` items in each partition. No lock held, as below. */
int part_send_init(struct comm *c, const void *buf, int partitions, MPI_Count count,
                   struct datatype *t, int dest, int tag, struct request **request);
int part_recv_init(struct comm *c, void *buf, int partitions, MPI_Count count, struct datatype *t,
                   int source, int tag, struct request **request);

/*
 * Sends n partitions: those of `list`, or from `low` on where it is NULL. All of them are good (in
 * range, not ready before, the request an active send) or none is sent. What goes wrong on the way
 * is told by the request's completion.
 */
int part_ready(struct request *r, const int *list, int low, int n);

/* One round of progress where it has not arrived. True for an inactive receive. */
int part_arrived(struct request *r, int partition, bool *arrived);

#endif
