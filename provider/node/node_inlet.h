/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an endpoint reads, and what a receiver needs to take a small message that is next: so that
 * this is a few dozen instructions, inline wherever it begins, as sending one is (node_outlet.h).
 * The endpoint owns it. Nothing here knows of libfabric.
 *
 * It reads its queue and the rings of those who have introduced themselves. After NODE_PUBLISH
 * cells of one it is the turn of another that has something; to find that one may take three turns.
 * A look goes to the one that had something last and to NODE_LOOKS of the others in turn, however
 * many there are.
 *
 * Whoever uses one serialises that with all other calls on the endpoint.
 */
#ifndef ORIEL_NODE_NODE_INLET_H
#define ORIEL_NODE_NODE_INLET_H

#include "provider/node/node_match.h"
#include "provider/node/node_outlet.h"

struct node_segment;

enum { NODE_LOOKS = 3 };

struct node_inlet {
    struct node_reader *at;         /* the one that is looked at first */
    const struct node_match *match; /* tagged receives, and messages, that came before */
    const atomic_uint *sources;     /* that have introduced themselves: in the segment */
    struct node_ring *rings;        /* in the segment */
    unsigned ring_count;            /* of them */
    unsigned open;                  /* readers that are in use */
    struct node_reader *looked;     /* the one that was looked at last beside `at` */
    struct node_reader readers[1 + NODE_RINGS]; /* of the queue, and of source i's ring */
};

/* Of a segment that nobody has written to. */
void node_inlet_open(struct node_inlet *in, struct node_segment *segment);
/* The next cell of one of the next `looks` readers, which becomes `at`; NULL: there is none. */
struct node_cell *node_inlet_look(struct node_inlet *in, uint64_t *word, unsigned looks);
/* It is another reader's turn to be `at`, if one of the next has something. */
void node_inlet_turn(struct node_inlet *in);

/* The next cell, of `at`, and its word; NULL: there is none where this look went. */
HOT_INLINE struct node_cell *node_inlet_peek(struct node_inlet *in, uint64_t *word)
{
    struct node_cell *cell = node_reader_peek(in->at, word);

    return LIKELY(cell != NULL) ? cell : node_inlet_look(in, word, NODE_LOOKS);
}

/* The same; NULL: there is none anywhere. */
static inline struct node_cell *node_inlet_peek_all(struct node_inlet *in, uint64_t *word)
{
    struct node_cell *cell = node_reader_peek(in->at, word);

    return cell ? cell : node_inlet_look(in, word, 1 + NODE_RINGS);
}

/* The reader is done with that cell. */
HOT_INLINE void node_inlet_advance(struct node_inlet *in, struct node_reader *r)
{
    if (UNLIKELY(node_reader_advance(r)) && r == in->at)
        node_inlet_turn(in);
}

/*
 * Takes the message of `from` for such a receive (node_match.h), if it is the next and lies in its
 * cell, and nothing that came before has a claim: true, and what it was. False: nothing was done.
 * `more`: the next looks follow at once, so that the line of the one after next is asked for, to
 * come meanwhile. A writer that has not got there yet fetches it back, as it would after that look.
 */
HOT_INLINE bool node_inlet_take(struct node_inlet *in, const struct node_outlet *from, void *buf,
                                size_t room, uint64_t tag, uint64_t ignore, bool more,
                                struct node_received *found)
{
    struct node_reader *r = from->reader;
    const struct node_cell *cell = r->cell;

    if (UNLIKELY(in->match->posted_count || !list_empty(&in->match->arrivals)))
        return false;
    uint64_t word = atomic_load_explicit(&cell->word, memory_order_acquire);
    size_t len = node_word_length(word);
    if (node_word_what(word) != node_word_what(r->lap | from->plain) ||
        UNLIKELY((cell->tag ^ tag) & ~ignore || len > room))
        return false;
    copy_few(buf, cell->payload, len);
    *found = (struct node_received){len, cell->tag, cell->data};
    node_reader_advance(r);
    if (more)
        __builtin_prefetch(r->cell + NODE_READ_AHEAD);
    return true;
}

/* Reading ends while there is more, the last of it from that reader; NULL: there is none. Others
 * may have something, too: it is their turn, if the turn has not come just now. */
HOT_INLINE void node_inlet_leave(struct node_inlet *in, const struct node_reader *last)
{
    if (last && last == in->at)
        node_inlet_turn(in);
}

#endif
