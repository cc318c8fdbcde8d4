/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Context ids: the numbers that keep communicators' messages apart. All members of a new
 * communicator must choose one that is free on each of them. Those of an intercommunicator choose
 * one for each of its groups, as it is the receiver's that a message carries.
 */
#ifndef ORIEL_COLL_CONTEXT_H
#define ORIEL_COLL_CONTEXT_H

#include "core/coll/coll.h"

void context_open(void);

/*
 * No lock held. Collective over the communicator, both groups of it, or over the scope where there
 * is one.
 */
int context_agree(struct comm *c, const struct coll_scope *scope, uint32_t *context);
/* Collective over c; gives `made`, of the same groups, its contexts. */
int context_assign(struct comm *c, struct comm *made);
/* The same, nonblocking: they are there when the request completes. */
int context_assign_start(struct comm *c, struct comm *made, struct request **request);
/* Of the latter: it goes on without its caller, and `made` is dropped when it is complete. */
void context_abandon(struct request *request);
/* For a rank that took part and does not become a member; also run when a communicator goes. */
void context_give_back(uint32_t context);

#endif
