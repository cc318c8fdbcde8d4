/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The queue in front of an endpoint: a ring of cells of one cache line, many writers, one reader,
 * no lock. A writer takes the next cell by a fetch-and-add on `tail`, fills it and stores its first
 * word last; that word carries the number of the lap, so that the reader sees a cell's content
 * exactly when it is whole, and neither side ever clears anything. The only lines that two writers
 * share are the tail's; the only one that reader and writer share is the cell's.
 *
 * A writer may take two cells at once, a pair: the second one's first word is stored before the
 * first one's, so that who sees the first sees both, and says that it is a second, for the reader
 * who passed over a first whose writer was killed.
 *
 * Room: the reader publishes how far it has come every NODE_CELLS / 16 cells. A writer takes cells
 * only while tail + 2 NODE_WRITERS <= head + NODE_CELLS as it last saw them: between its look and
 * its fetch-and-add at most NODE_WRITERS - 1 others can slip in, so no cell is overwritten.
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
    NODE_CELLS = 4096,
    NODE_CELLS_LOG = 12,
    NODE_AHEAD = 4,
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

static inline uint64_t node_lap(uint64_t position)
{
    return (position >> NODE_CELLS_LOG) + 1; /* 1 at first: fresh memory is no message */
}

static inline struct node_cell *node_queue_cell(struct node_queue *q, uint64_t position)
{
    return &q->cells[position % NODE_CELLS];
}

/* Where a pair's second cell has the end of what does not fit into the first one's payload. */
static inline unsigned char *node_cell_rest(struct node_cell *second)
{
    return (unsigned char *)second + offsetof(struct node_cell, tag);
}

/*
 * Takes one cell, or two that follow each other; NULL when there is no room. *head_seen is the
 * writer's own memory of the reader's place. The caller fills the cells and publishes them, the
 * last one first; it must not fail in between.
 */
HOT_INLINE struct node_cell *node_queue_take(struct node_queue *q, uint64_t *head_seen,
                                             uint64_t *position, unsigned cells)
{
    uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

    if (__builtin_expect(tail + 2 * NODE_WRITERS > *head_seen + NODE_CELLS, 0)) {
        *head_seen = atomic_load_explicit(&q->head, memory_order_acquire);
        if (tail + 2 * NODE_WRITERS > *head_seen + NODE_CELLS)
            return NULL;
    }
    *position = atomic_fetch_add_explicit(&q->tail, cells, memory_order_relaxed);
    /*
     * Where one message follows the other, the line that the writer will need is fetched while it
     * fills this one: the fetch-and-add waits for all stores before it, so that it could not wait
     * for two lines at once. The reader does not look there yet.
     */
    for (unsigned i = 0; i < cells; i++)
        prefetch_to_store(node_queue_cell(q, *position + NODE_AHEAD + i));
    return node_queue_cell(q, *position);
}

/* The cell is whole: `bits` are the word's lower 48. */
static inline void node_queue_publish(struct node_cell *cell, uint64_t position, uint64_t bits)
{
    atomic_store_explicit(&cell->word, node_lap(position) << 48 | bits, memory_order_release);
}

/* ---- The reader ---- */

#define NODE_WORD_LAP UINT64_C(0xffff000000000000)

/* Where it has come to; lap and cell follow from the position, but are asked for at every look. */
struct node_reader {
    struct node_queue *queue;
    uint64_t position;      /* of the next cell */
    struct node_cell *cell; /* that one */
    uint64_t lap;           /* its word's upper 16 bits, once it is whole */
};

static inline void node_reader_open(struct node_reader *r, struct node_queue *q, uint64_t position)
{
    *r = (struct node_reader){q, position, node_queue_cell(q, position), node_lap(position) << 48};
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
    struct node_reader next;
    uint64_t word;

    node_reader_open(&next, r->queue, r->position + 1);
    return node_reader_peek(&next, &word);
}

/* The message of `len` bytes that begins in the next cell and ends in the one behind it. */
HOT_INLINE void node_reader_copy_pair(const struct node_reader *r, void *to, unsigned len)
{
    memcpy(to, r->cell->payload, NODE_CELL_PAYLOAD);
    copy_some((char *)to + NODE_CELL_PAYLOAD,
              node_cell_rest(node_queue_cell(r->queue, r->position + 1)), len - NODE_CELL_PAYLOAD);
}

/* The reader is done with the next cell, which a writer may have from now on. */
static inline void node_reader_advance(struct node_reader *r)
{
    r->position++;
    r->cell++;
    if (__builtin_expect(r->position % (NODE_CELLS / 16) == 0, 0)) {
        atomic_store_explicit(&r->queue->head, r->position, memory_order_release);
        node_reader_open(r, r->queue, r->position);
    }
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

/* The parts of a word, to be put together by `|`; its lap is added when it is published. */
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
