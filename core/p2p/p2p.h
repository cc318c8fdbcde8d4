/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Point-to-point communication (chapter 3) as the layers above use it: MPI's calls, the collectives
 * and the windows all send and receive through these few functions.
 *
 * Match bits, 60 of them so that every provider can carry them:
 *
 *     59 synchronous | 58..56 channel | 55..32 context id | 31..0 tag
 *
 * The channel keeps the library's own traffic apart from the program's on the same communicator.
 * A receive ignores the synchronous bit; it tells the receiver to acknowledge the match with an
 * empty message of the same context and tag on CHANNEL_ACK (messages of one sender and tag match in
 * order, so acknowledgements need no number). The sender's rank travels as the message's data word.
 */
#ifndef ORIEL_P2P_P2P_H
#define ORIEL_P2P_P2P_H

#include "core/p2p/request.h"

enum channel {
    CHANNEL_P2P,
    CHANNEL_COLL,
    CHANNEL_ACK,
    CHANNEL_WIN,
    CHANNEL_PART,
    CHANNEL_MAKE, /* making communicators: MPI_Comm_create_group and the like */
};

enum { P2P_TAG_BITS = 31 }; /* MPI_TAG_UB is 2^31 - 1 */

/*
 * Posts a send or receive of an existing request, lane locked. r has come from request_new with the
 * communicator and type; arguments are right (checked above); dest and source may be MPI_PROC_NULL
 * and source MPI_ANY_SOURCE, tag MPI_ANY_TAG. On an error nothing has been posted and r is as
 * before.
 */
int p2p_send(struct request *r, enum channel channel, const void *buf, MPI_Count count, int dest,
             int tag, enum send_mode mode);
int p2p_recv(struct request *r, enum channel channel, void *buf, MPI_Count count, int source,
             int tag);

/*
 * The shortest way for a message that the provider takes at once: no request. True where it is on
 * its way (buf is free again); false: use p2p_send. Lane locked.
 */
bool p2p_try_inject(struct comm *c, struct datatype *t, enum channel channel, const void *buf,
                    MPI_Count count, int dest, int tag);

/* No lock held: both block. Status may be NULL. */
int p2p_send_wait(struct comm *c, const void *buf, MPI_Count count, struct datatype *t, int dest,
                  int tag, enum send_mode mode);
int p2p_recv_wait(struct comm *c, void *buf, MPI_Count count, struct datatype *t, int source,
                  int tag, MPI_Status *status);

/* A matched message (3.8.2), claimed from the provider; its handle is an MPI_Message. */
struct message {
    struct object object;
    struct request *request; /* the receive that will be */
};

/* No lock held. `message` NULL: look only. *found false: nothing there. One round of progress. */
int p2p_probe(struct comm *c, int source, int tag, bool *found, struct message **message,
              MPI_Status *status);

int p2p_open(void);
void p2p_close(void);

#endif
