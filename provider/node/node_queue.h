/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What others write into in front of an endpoint: cells of one cache line, in rings, without a
 * lock. A writer fills the next cell and stores its first word last; that word carries the number
 * of the lap, so that the reader sees a cell's content exactly when it is whole, and neither side
 * ever clears anything. The only line that reader and writer share is the cell's.
 *
 * A ring has one writer, which knows by itself what the next cell is. The queue has any number:
 * they take cells by a fetch-and-add on `tail`. That is dear where messages follow each other and
 * the reader is on another processor, since it waits until the stores before it are done, which
 * have to fetch their lines first: 64 ns a cell, for 22 in a ring (Intel Xeon, cores apart).
 *
 * A writer may take two cells at once, a pair: the second one's first word is stored before the
 * first one's, so that who sees the first sees both, and says that it is a second, for the reader
 * who passed over a first whose writer was killed.
 *
 * Room: the reader publishes how far it has come every NODE_PUBLISH cells. A ring's writer stays
 * behind that. A writer of the queue takes cells only while tail + 2 NODE_WRITERS <= head +
 * NODE_CELLS as it last saw them: between its look and its fetch-and-add at most NODE_WRITERS - 1
 * others can slip in, so no cell is overwritten.
 */
#ifndef ORIEL_NODE_QUEUE_H
#define ORIEL_NODE_QUEUE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/base/hot.h"

enum {
    NODE_CELL_PAYLOAD = 40,
    NODE_PAIR_PAYLOAD = NODE_CELL_PAYLOAD + 56, /* of a pair: all of the second but its word */
    NODE_CELLS_LOG = 12,                        /* of the queue's */
    NODE_CELLS = 1 << NODE_CELLS_LOG,
    NODE_RING_LOG = 9,
    NODE_RING_CELLS = 1 << NODE_RING_LOG,
    NODE_RINGS = 8, /* writers that have one, at most */
    NODE_PUBLISH = 64,
    NODE_AHEAD = 4, /* the line that a writer asks for, and a reader who knows of more */
    NODE_READ_AHEAD = 8,
    NODE_WRITERS =
        1024, /* threads that may be between their look and their fetch-and-add at once */
};

struct node_cell {
    alignas(64) _Atomic uint64_t word; /* 63..48 lap, 47..32 source, 31..24 flags, 23..16 kind,
                                          15..0 length */
    uint64_t tag;
    uint64_t data;
    unsigned char payload[NODE_CELL_PAYLOAD];
};

struct node_queue {
    alignas(64) _Atomic uint64_t tail; /* cells taken by writers */
    alignas(64) _Atomic uint64_t head; /* cells the reader is done with, published now and then */
    alignas(64) struct node_cell cells[NODE_CELLS];
};

struct node_ring {
    alignas(64) _Atomic uint64_t head; /* as a queue's */
    alignas(64) struct node_cell cells[NODE_RING_CELLS];
};

/* The cells of either. */
struct node_cells {
    struct node_cell *first;
    unsigned log;
};

static inline struct node_cell *node_cell_at(struct node_cells c, uint64_t position)
{
    return &c.first[position & ((UINT64_C(1) << c.log) - 1)];
}

/* In the upper 16 bits of a word. */
static inline uint64_t node_lap_at(struct node_cells c, uint64_t position)
{
    return ((position >> c.log) + 1) << 48; /* 1 at first: fresh memory is no message */
}

static inline struct node_cells node_queue_cells(struct node_queue *q)
{
    return (struct node_cells){q->cells, NODE_CELLS_LOG};
}

static inline struct node_cells node_ring_cells(struct node_ring *r)
{
    return (struct node_cells){r->cells, NODE_RING_LOG};
}

/* Where a pair's second cell has the end of what does not fit into the first one's payload. */
static inline unsigned char *node_cell_rest(struct node_cell *second)
{
    return (unsigned char *)second + offsetof(struct node_cell, tag);
}

/* ---- Writers ---- */

/* Whether a writer who last saw the reader at `head_seen` may take cells. */
HOT_INLINE bool node_queue_has_room(const struct node_queue *q, uint64_t head_seen)
{
    return atomic_load_explicit(&q->tail, memory_order_relaxed) + 2 * NODE_WRITERS <=
           head_seen + NODE_CELLS;
}

/* Takes cells, from the position it gives on, where there is room. */
HOT_INLINE uint64_t node_queue_take_now(struct node_queue *q, unsigned cells)
{
    uint64_t position = atomic_fetch_add_explicit(&q->tail, cells, memory_order_relaxed);

    /* Where one message follows the other, the line that the writer will need comes while it fills
     * this one. The reader does not look there yet. */
    for (unsigned i = 0; i < cells; i++)
        prefetch_to_store(node_cell_at(node_queue_cells(q), position + NODE_AHEAD + i));
    return position;
}

/*
 * Takes one cell of the queue, or two that follow each other, from *position on; false when there
 * is no room. *head_seen is the writer's own memory of the reader's place. The caller fills the
 * cells and publishes them, the last one first; it must not fail in between.
 */
static inline bool node_queue_take(struct node_queue *q, uint64_t *head_seen, uint64_t *position,
                                   unsigned cells)
{
    if (UNLIKELY(!node_queue_has_room(q, *head_seen))) {
        *head_seen = atomic_load_explicit(&q->head, memory_order_acquire);
        if (!node_queue_has_room(q, *head_seen))
            return false;
    }
    *position = node_queue_take_now(q, cells);
    return true;
}

/* The cell is whole. */
HOT_INLINE void node_cell_publish(struct node_cell *cell, uint64_t word)
{
    atomic_store_explicit(&cell->word, word, memory_order_release);
}

/* ---- The reader ---- */

#define NODE_WORD_LAP UINT64_C(0xffff000000000000)

/* Where it has come to; lap and cell follow from the position, but are asked for at every look. */
struct node_reader {
    struct node_cells cells;
    _Atomic uint64_t *head; /* where that is published */
    uint64_t position;      /* of the next cell */
    struct node_cell *cell; /* that one */
    uint64_t lap;           /* its word's upper 16 bits, once it is whole */
    uint64_t left;          /* the position behind a cell that progress has left once */
};

static inline void node_reader_open(struct node_reader *r, struct node_cells c,
                                    _Atomic uint64_t *head, uint64_t position)
{
    *r = (struct node_reader){
        c, head, position, node_cell_at(c, position), node_lap_at(c, position), 0};
}

/* The next cell and its word, or NULL while it is not whole. */
static inline struct node_cell *node_reader_peek(const struct node_reader *r, uint64_t *word)
{
    *word = atomic_load_explicit(&r->cell->word, memory_order_acquire);
    return (*word & NODE_WORD_LAP) == r->lap ? r->cell : NULL;
}

/* Whether the one behind it is whole, too. */
static inline bool node_reader_sees_two(const struct node_reader *r)
{
    uint64_t at = r->position + 1;
    uint64_t word = atomic_load_explicit(&node_cell_at(r->cells, at)->word, memory_order_acquire);

    return (word & NODE_WORD_LAP) == node_lap_at(r->cells, at);
}

/* The message of `len` bytes that begins in the next cell and ends in the one behind it. */
HOT_INLINE void node_reader_copy_pair(const struct node_reader *r, void *to, unsigned len)
{
    memcpy(to, r->cell->payload, NODE_CELL_PAYLOAD);
    copy_some((char *)to + NODE_CELL_PAYLOAD,
              node_cell_rest(node_cell_at(r->cells, r->position + 1)), len - NODE_CELL_PAYLOAD);
}

/* The reader is done with the next cell, which a writer may have from now on. True every
 * NODE_PUBLISH cells. */
HOT_INLINE bool node_reader_advance(struct node_reader *r)
{
    r->position++;
    r->cell++;
    if (LIKELY(r->position % NODE_PUBLISH))
        return false;
    atomic_store_explicit(r->head, r->position, memory_order_release);
    node_reader_open(r, r->cells, r->head, r->position);
    return true;
}

/* ---- Words ---- */

static inline unsigned node_word_kind(uint64_t word)
{
    return word >> 16 & 0xff;
}

static inline unsigned node_word_flags(uint64_t word)
{
    return word >> 24 & 0xff;
}

static inline unsigned node_word_length(uint64_t word)
{
    return word & 0xffff;
}

/* All of a word but the length. */
static inline uint64_t node_word_what(uint64_t word)
{
    return word >> 16;
}

static inline unsigned node_word_source(uint64_t word)
{
    return word >> 32 & 0xffff;
}

/* The parts of a word, to be put together by `|` with its lap (node_lap_at). */
static inline uint64_t node_word(unsigned kind, unsigned flags)
{
    return (uint64_t)(kind | flags << 8) << 16;
}

static inline uint64_t node_word_of_length(unsigned length)
{
    return length;
}

static inline uint64_t node_word_of_source(unsigned source)
{
    return (uint64_t)source << 32;
}

#endif
