/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/node/node_outlet.h"

void node_outlet_open(struct node_outlet *out, struct node_queue *queue)
{
    out->cells = node_queue_cells(queue);
    out->cell = out->cells.first;
    out->queue = queue;
}

void node_outlet_open_ring(struct node_outlet *out, struct node_ring *ring)
{
    out->cells = node_ring_cells(ring);
    out->cell = out->cells.first;
    out->queue = NULL;
    out->head = &ring->head;
}

static uint64_t stamp_at(const struct node_outlet *out, uint64_t position)
{
    return node_lap_at(out->cells, position) | out->from;
}

static struct node_cell *take_of_queue(struct node_outlet *out, uint64_t *position, unsigned cells)
{
    if (!node_queue_take(out->queue, &out->head_seen, position, cells))
        return NULL;
    out->cell = node_cell_at(out->cells, *position + cells);
    return node_cell_at(out->cells, *position);
}

/* Sees how many cells there are from `end` on, as far as they lie in line. */
static bool look_for_room(struct node_outlet *out)
{
    uint64_t position = out->end;
    uint64_t head = atomic_load_explicit(out->head, memory_order_acquire);
    unsigned room = (unsigned)(head + NODE_RING_CELLS - position);
    unsigned in_line = NODE_RING_CELLS - position % NODE_RING_CELLS;

    out->left = room < in_line ? room : in_line;
    out->end = position + out->left;
    out->cell = node_cell_at(out->cells, position);
    out->stamp = stamp_at(out, position);
    return out->left;
}

struct node_cell *node_outlet_take_more(struct node_outlet *out, uint64_t *stamp)
{
    uint64_t position;

    if (!out->queue)
        return look_for_room(out) ? node_outlet_take(out, stamp) : NULL;
    struct node_cell *cell = take_of_queue(out, &position, 1);
    *stamp = cell ? stamp_at(out, position) : 0;
    return cell;
}

/* Whether there are two, which may lie at the end and the beginning of the ring. */
static bool has_two(struct node_outlet *out)
{
    uint64_t position = out->end - out->left;

    return out->left >= 2 ||
           atomic_load_explicit(out->head, memory_order_acquire) + NODE_RING_CELLS - position >= 2;
}

bool node_outlet_take_pair(struct node_outlet *out, struct node_cell *cells[2], uint64_t stamps[2])
{
    uint64_t position;

    if (!out->queue) {
        if (!has_two(out))
            return false;
        for (int i = 0; i < 2; i++)
            cells[i] = node_outlet_take(out, &stamps[i]);
        return true;
    }
    cells[0] = take_of_queue(out, &position, 2);
    if (!cells[0])
        return false;
    cells[1] = node_cell_at(out->cells, position + 1);
    stamps[0] = stamp_at(out, position);
    stamps[1] = stamp_at(out, position + 1);
    return true;
}
