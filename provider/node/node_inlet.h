/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an endpoint reads its queue, and what a receiver needs to take a small message out of it
 * that is next: so that this is a few dozen instructions, inline wherever it begins, as sending one
 * is (node_outlet.h). The endpoint owns it. Nothing here knows of libfabric.
 *
 * Whoever uses one serialises that with all other calls on the endpoint.
 */
#ifndef ORIEL_NODE_NODE_INLET_H
#define ORIEL_NODE_NODE_INLET_H

#include "provider/node/node_match.h"
#include "provider/node/node_outlet.h"

struct node_inlet {
    struct node_reader reader;      /* of the endpoint's own queue */
    const struct node_match *match; /* tagged receives, and messages, that came before */
};

/*
 * Takes the message of `from` for such a receive (node_match.h), if it is the next and lies in its
 * cell, and nothing that came before has a claim: true, and what it was. False: nothing was done.
 * `more`: the next look follows at once, so that the next line is asked for, to come meanwhile. A
 * writer that has not got there yet fetches it back, as it would after that look.
 */
HOT_INLINE bool node_inlet_take(struct node_inlet *in, const struct node_outlet *from, void *buf,
                                size_t room, uint64_t tag, uint64_t ignore, bool more,
                                struct node_received *found)
{
    const struct node_cell *cell = in->reader.cell;

    if (UNLIKELY(in->match->posted_count || !list_empty(&in->match->arrivals)))
        return false;
    uint64_t word = atomic_load_explicit(&cell->word, memory_order_acquire);
    size_t len = node_word_length(word);
    if (node_word_what(word) != node_word_what(in->reader.lap | from->plain) ||
        UNLIKELY((cell->tag ^ tag) & ~ignore || len > room))
        return false;
    copy_few(buf, cell->payload, len);
    *found = (struct node_received){len, cell->tag, cell->data};
    node_reader_advance(&in->reader);
    if (more)
        __builtin_prefetch(in->reader.cell);
    return true;
}

#endif
