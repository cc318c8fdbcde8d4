/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes travel as untagged messages, which providers match apart from tagged ones: the receives
 * that wait for them are in no tagged receive's way. A note is the sender's rank, 32 bits of the
 * job's secret (fabric_veil.c) and the word, all in the operation itself.
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

/*
 * Through shared memory it goes without a completion: that would stand in the queue until somebody
 * reads it, and as long as one does, what comes for posted receives waits (node_direct.h).
 */
int fabric_note(struct fabric_peer *to, struct fabric_op *op, uint64_t word)
{
    struct fabric_end *e = fabric_end_to(to);

    op->tag = (uint64_t)e->note_veil << 32 | boot_info()->rank;
    op->data = word;
    if (!e->direct || fi_inject(e->ep, &op->tag, NOTE_BYTES, to->head.addr))
        return note_post(op, OP_NOTE, e, to);
    op->done(op, &(struct fabric_event){0});
    return 0;
}

static void noted(struct fabric_op *op, const struct fabric_event *event)
{
    struct fabric_end *e = fabric_end_of(op);
    uint64_t proof = op->tag >> 32, word = op->data;
    uint32_t rank = (uint32_t)op->tag;
    struct fabric_peer *from;

    if (event->error == -ECANCELED)
        return;
    bool whole = !event->error && event->len == NOTE_BYTES && proof == e->note_veil;
    note_post(op, OP_NOTED, e, NULL);
    if (!whole)
        fabric_veil_dropped();
    else if (note_came && !fabric_peer(rank, &from))
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
