/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes travel as untagged messages, which providers match apart from tagged ones: the receives
 * that wait for them are in no tagged receive's way. A note is the sender's rank and the word, both
 * in the operation itself.
 */
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"

enum { NOTES = 8, NOTE_BYTES = 16 }; /* receives posted; more that come at once are kept */

static_assert(offsetof(struct fabric_op, data) == offsetof(struct fabric_op, tag) + 8,
              "the words of a note follow each other");

static fabric_note_fn *note_came;
static struct fabric_op expected[FABRIC_ENDS][NOTES];

void fabric_note_set(fabric_note_fn *came)
{
    note_came = came;
}

static int note_post(struct fabric_op *op, enum fabric_kind kind, struct fabric_end *end,
                     struct fabric_peer *to)
{
    op->kind = kind;
    op->end = end->index;
    op->peer = to;
    op->iov[0] = (struct iovec){&op->tag, NOTE_BYTES};
    op->iov_count = 1;
    return fabric_post(op);
}

int fabric_note(struct fabric_peer *to, struct fabric_op *op, uint64_t word)
{
    op->tag = boot_info()->rank;
    op->data = word;
    return note_post(op, OP_NOTE, fabric_end_to(to), to);
}

static void noted(struct fabric_op *op, const struct fabric_event *event)
{
    uint64_t rank = op->tag, word = op->data;
    struct fabric_peer *from;

    if (event->error == -ECANCELED)
        return;
    note_post(op, OP_NOTED, fabric_end_of(op), NULL);
    if (!event->error && note_came && !fabric_peer((uint32_t)rank, &from))
        note_came(from, word);
}

int fabric_notes_open(struct fabric_end *e)
{
    struct fabric_op *ops = expected[e->index];
    int rc = 0;

    for (int i = 0; i < NOTES && !rc; i++) {
        ops[i] = (struct fabric_op){.done = noted};
        rc = note_post(&ops[i], OP_NOTED, e, NULL);
    }
    return rc;
}
