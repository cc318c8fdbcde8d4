/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/node/node_inlet.h"
#include "provider/node/node_segment.h"

void node_inlet_open(struct node_inlet *in, struct node_segment *segment)
{
    struct node_queue *q = &segment->queue;

    in->sources = &segment->sources_taken;
    in->rings = segment->rings;
    in->ring_count = segment->ring_count;
    in->at = in->looked = in->readers;
    in->open = 1;
    node_reader_open(in->readers, node_queue_cells(q), &q->head, 0);
}

/* Rings of those who have come since the last look. */
static void open_rings(struct node_inlet *in)
{
    unsigned sources = atomic_load_explicit(in->sources, memory_order_relaxed);

    for (; in->open <= in->ring_count && in->open <= sources; in->open++) {
        struct node_ring *ring = &in->rings[in->open - 1];
        node_reader_open(&in->readers[in->open], node_ring_cells(ring), &ring->head, 0);
    }
}

static struct node_reader *after(struct node_inlet *in, struct node_reader *r)
{
    return ++r < in->readers + in->open ? r : in->readers;
}

struct node_cell *node_inlet_look(struct node_inlet *in, uint64_t *word, unsigned looks)
{
    struct node_reader *r = in->looked;
    struct node_cell *cell = NULL;

    open_rings(in);
    for (unsigned i = looks < in->open ? looks : in->open; i && !cell; i--) {
        r = after(in, r);
        cell = node_reader_peek(r, word);
    }
    in->looked = r;
    if (cell)
        in->at = r;
    return cell;
}

void node_inlet_turn(struct node_inlet *in)
{
    uint64_t word;

    node_inlet_look(in, &word, NODE_LOOKS);
}
