/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receives beyond what the provider holds (2048 in ofi_rxm) wait in our queue. A message that no
 * receive of the provider's is for stays with it as unexpected, and may be for one of these: they
 * look for it by peeks. While one looks, messages arrive; so what it finds may be for an earlier
 * one that has looked before. Whoever of those finds something comes first, as the order of the
 * calls is that of matching.
 *
 * Nothing is dispatched here: completions that are read on the way wait (fabric_cq_ask), so that
 * nobody changes the queue meanwhile. Everything is called lane locked.
 */
#include <errno.h>

#include "provider/fabric/fabric_impl.h"

enum { LOOKS = 32 }; /* in one round of progress, of each kind */

static struct fabric_op *waiting(struct list *l)
{
    return container_of(l, struct fabric_op, link);
}

/* Whether a message is there: 0, -ENOMSG or -errno. It stays. */
static int look(struct fabric_end *e, struct fabric_peer *from, uint64_t tag, uint64_t ignore,
                struct fabric_event *found)
{
    struct fabric_op peek = {
        .kind = OP_PEEK, .end = e->index, .peer = from, .tag = tag, .data = ignore};

    return fabric_cq_ask(&peek, found);
}

static int look_for(struct fabric_op *op, struct fabric_event *found)
{
    return look(fabric_end_of(op), op->peer, op->tag, op->data, found);
}

/* By its bits a message like that may be for the receive; of its sender nothing is known here. */
static bool may_be_for(const struct fabric_op *op, const struct fabric_event *found)
{
    return !((op->tag ^ found->tag) & ~op->data);
}

/* Of the receives before that place, the first for which that message, or another, is there. */
static struct fabric_op *earlier(struct fabric_end *e, const struct list *end,
                                 const struct fabric_event *found, struct fabric_event *theirs)
{
    for (struct list *l = e->waiting_receives.next; l != end; l = l->next)
        if (may_be_for(waiting(l), found) && !look_for(waiting(l), theirs))
            return waiting(l);
    return NULL;
}

/* Claims what the receive has found, and has it delivered. */
static int take(struct fabric_op *op)
{
    struct fabric_event found;

    op->kind = OP_PEEK; /* with a buffer: claims */
    int rc = fabric_cq_ask(op, &found);
    op->kind = OP_RECV;
    op->state = OP_QUEUED;
    if (rc)
        return rc;
    fabric_post_withdraw(op);
    op->kind = OP_CLAIMED;
    rc = fabric_post(op);
    if (rc)
        fabric_finish(op, &(struct fabric_event){.error = rc});
    return rc;
}

/* The receive has found that; or one before it has found something else. */
static int take_first(struct fabric_op *op, const struct fabric_event *found)
{
    struct fabric_event event = *found, theirs;
    struct fabric_op *before;

    while ((before = earlier(fabric_end_of(op), &op->link, &event, &theirs))) {
        op = before;
        event = theirs;
    }
    return take(op);
}

/* A message that nobody wants hides those behind it: some receives look for themselves. */
static void look_in_turn(struct fabric_end *e)
{
    struct list *head = &e->waiting_receives, *l = e->looked ? e->looked : head->next;
    struct fabric_event found;

    for (int looks = 0; looks < LOOKS && l != head; looks++, l = l->next)
        if (!look_for(waiting(l), &found)) {
            e->looked = NULL;
            take_first(waiting(l), &found);
            return;
        }
    e->looked = l == head ? NULL : l;
}

void fabric_surplus_match(struct fabric_end *e)
{
    struct fabric_event first, found;
    struct fabric_op *op;

    for (int looks = 0; looks < LOOKS; looks++) {
        if (look(e, NULL, 0, ~FABRIC_EMPTY_BITS, &first))
            return; /* nothing has come */
        if (!(op = earlier(e, &e->waiting_receives, &first, &found)))
            break;
        if (take_first(op, &found))
            return;
    }
    look_in_turn(e);
}

int fabric_surplus_peek(struct fabric_end *e, struct fabric_peer *from, struct fabric_op *claim,
                        uint64_t tag, uint64_t ignore, struct fabric_event *found)
{
    struct fabric_event theirs;
    int rc = look(e, from, tag, ignore, found);

    if (!rc && earlier(e, &e->waiting_receives, found, &theirs))
        rc = -ENOMSG;
    if (rc || !claim)
        return rc;
    claim->kind = OP_PEEK;
    claim->end = e->index;
    claim->peer = from;
    claim->tag = tag;
    claim->data = ignore;
    claim->iov_count = 1; /* claims */
    return fabric_cq_ask(claim, found);
}
