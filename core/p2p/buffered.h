/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The buffers of buffered sends (3.6): one for the process, one for each communicator or session
 * that has its own. An owner is named by its handle, 0 is the process. A communicator that was
 * freed leaves its buffer to the messages in it.
 *
 * The attached memory holds each message behind a header, first fit. A message that the provider
 * takes at once, or would take (fabric_limits.inject), needs none of it.
 */
#ifndef ORIEL_P2P_BUFFERED_H
#define ORIEL_P2P_BUFFERED_H

#include "core/p2p/request.h"

/* No lock held. Errors: MPI_ERR_BUFFER where one is attached already, or none is. */
int buffered_attach(uintptr_t owner, void *base, MPI_Count size);
/* Blocks until all messages in it have left. */
int buffered_detach(uintptr_t owner, void **base, MPI_Count *size);
int buffered_flush(uintptr_t owner);
int buffered_iflush(uintptr_t owner, struct request **request);

/* Lane locked: forgets what is attached still. */
void buffered_close(void);

#endif
