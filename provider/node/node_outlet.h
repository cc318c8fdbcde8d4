/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a sender needs of a peer to put a cell where it reads, and what tells its cells: so that the
 * path of a small message is a few dozen instructions, inline wherever it begins. The endpoint owns
 * it; it stays where it is as long as the endpoint. Nothing here knows of libfabric.
 *
 * The first NODE_RINGS writers of an endpoint have a ring each, all others its queue.
 *
 * Where messages follow each other, the stores of one to elsewhere than its cell are dear. A
 * processor commits stores in order, and each cell's line has to come from the reader first; the
 * next ones come meanwhile as far as the processor looks ahead. An AMD EPYC (Zen 4) does so over a
 * dozen runs of stores, each to one 32 bytes: with seven runs a message each message waits for its
 * line alone, with six or five two lines come side by side, with four three (34, 19, 17 and 12 ns a
 * message between cores near each other; 142 and 72 for the first two far apart; prefetchw changes
 * nothing there). Hence all that a message changes here is in one 32 bytes, what its user counts
 * too, and is stored in one go.
 *
 * Whoever uses one serialises that with all other calls on the endpoint.
 */
#ifndef ORIEL_NODE_NODE_OUTLET_H
#define ORIEL_NODE_NODE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "provider/base/count.h"
#include "provider/base/hot.h"
#include "provider/node/node_queue.h"

/* What a cell is; the structs are node.h's. */
enum node_kind {
    NODE_CELL_NONE,
    NODE_CELL_INLINE, /* the payload is the message */
    NODE_CELL_PAIR,   /* the message begins here and ends in the next cell */
    NODE_CELL_CHUNK,  /* struct node_wire_chunk */
    NODE_CELL_TRAIN,  /* struct node_wire_train */
    NODE_CELL_RTS,    /* struct node_wire_rts; length: number of pieces */
    NODE_CELL_FIN,    /* struct node_wire_answer: the data has been fetched */
    NODE_CELL_ACK,    /* struct node_wire_answer: the message has been received */
    NODE_CELL_CTS,    /* struct node_wire_cts: stream it */
    NODE_CELL_DATA,   /* struct node_wire_data: a chunk of a stream */
    NODE_CELL_PUT,    /* struct node_wire_put: a chunk to place by key */
    NODE_CELL_GET,    /* struct node_wire_get: answered by a stream */
    NODE_CELL_NOTICE, /* struct node_wire_notice: a write with data was done at once */
    NODE_CELL_ATOMIC, /* struct node_wire_atomic, operands in a chunk */
    NODE_CELL_SECOND, /* of a pair whose first was passed over: nothing */
};

enum { /* a cell's flags */
       NODE_WIRE_TAGGED = 1,
       NODE_WIRE_DATA = 2, /* `data` is the sender's */
       NODE_WIRE_ACK = 4,  /* answer when a receive has it */
};

struct node_outlet {
    alignas(64) struct node_cell *cell; /* the next one; of a queue: most likely */
    /* What node_outlet_inject_next has sent since the outlet was opened: the user may read it at
     * any time, from any thread. */
    _Atomic uint64_t messages, bytes;
    unsigned left; /* cells from `cell` on that may be taken in line; of a queue: 0 */
    uint32_t
        until; /* the lower half of `messages` at which no more may go: the user's, 0 at first */
    /* That were the 32 bytes that a message changes. */
    uint64_t stamp;              /* of the next cell's word: lap and source */
    const atomic_uint *sleeping; /* in its segment: not 0 where it may have to be woken */
    uint64_t from;               /* what the word of every cell says of us: node_word's source */
    /* What the word of a cell says whose payload is the peer's tagged message: kind, flags and
     * source; 0 before it has sent anything. */
    uint64_t plain;
    struct node_reader *reader; /* where its cells come, once it has sent something */
    const atomic_uint *resting; /* in its segment: 1 where it waits for a processor, or sleeps */
    struct node_cells cells;    /* of the peer's ring, or queue */
    struct node_queue *queue;   /* NULL: a ring, */
    _Atomic uint64_t *head;     /* and that one's; */
    uint64_t end;               /* the position behind those that are left */
    uint64_t head_seen;         /* of a queue: node_queue_take */
};

_Static_assert(offsetof(struct node_outlet, stamp) == 32, "one run of stores");

/* The way to the peer's queue; or to a ring, which nobody else writes to. `from` is known. */
void node_outlet_open(struct node_outlet *out, struct node_queue *queue);
void node_outlet_open_ring(struct node_outlet *out, struct node_ring *ring);
/* node_outlet_take where that is not so simple. */
struct node_cell *node_outlet_take_more(struct node_outlet *out, uint64_t *stamp);
/* Two that follow each other, the first one and its stamp first; false: no room. The second one is
 * to be published first. */
bool node_outlet_take_pair(struct node_outlet *out, struct node_cell *cells[2], uint64_t stamps[2]);

/* node_wait.c: wakes the peer if it sleeps. */
void node_outlet_wake(struct node_outlet *out);

_Static_assert((int)NODE_CELL_PAYLOAD <= (int)COPY_FEW, "a cell's payload is copied by copy_few");

/* A cell to be filled and published, with nothing that may fail in between; NULL: no room. */
HOT_INLINE struct node_cell *node_outlet_take(struct node_outlet *out, uint64_t *stamp)
{
    struct node_cell *cell = out->cell;

    if (UNLIKELY(!out->left))
        return node_outlet_take_more(out, stamp);
    *stamp = out->stamp;
    out->left--;
    out->cell++;
    prefetch_to_store(cell + NODE_AHEAD); /* near the end it is another's: a moment lost */
    return cell;
}

/*
 * Something has come from it, and the answer may follow: asks for the line of the cell that will
 * have it. The peer, which waits there, has that line, and it comes while the answer is made.
 */
HOT_INLINE void node_outlet_prepare(const struct node_outlet *out)
{
    prefetch_to_store(out->cell);
}

/* Rings the peer's bell if it sleeps; node_wait.h says why no barrier is needed before the look. */
HOT_INLINE void node_outlet_ring(struct node_outlet *out)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (UNLIKELY(atomic_load_explicit(out->sleeping, memory_order_relaxed)))
        node_outlet_wake(out);
}

/* The cell is whole: `bits` are its word without the stamp. */
HOT_INLINE void node_outlet_publish(struct node_outlet *out, struct node_cell *cell, uint64_t stamp,
                                    uint64_t bits)
{
    node_cell_publish(cell, stamp | bits);
    node_outlet_ring(out);
}

/* A message of at most NODE_CELL_PAYLOAD bytes; `flags` are the cell's, NODE_WIRE_*. */
HOT_INLINE void node_outlet_fill(struct node_cell *cell, uint64_t stamp, const void *buf,
                                 size_t len, uint64_t tag, uint64_t data, unsigned flags)
{
    cell->tag = tag;
    cell->data = data;
    copy_few(cell->payload, buf, len);
    node_cell_publish(cell, stamp | node_word(NODE_CELL_INLINE, flags) | node_word_of_length(len));
}

/* Whether there is a cell, for all that is known here, and the user allows a message. */
HOT_INLINE bool node_outlet_has_next(const struct node_outlet *out)
{
    uint64_t sent = atomic_load_explicit(&out->messages, memory_order_relaxed);

    return LIKELY((uint32_t)sent != out->until) &&
           (LIKELY(out->left != 0) ||
            (out->queue && LIKELY(node_queue_has_room(out->queue, out->head_seen))));
}

/* Then: fills it with such a message and publishes it. node_outlet_ring is still to be done. */
HOT_INLINE void node_outlet_inject_next(struct node_outlet *out, const void *buf, size_t len,
                                        uint64_t tag, uint64_t data, unsigned flags)
{
    struct node_cell *cell = out->cell;
    uint64_t stamp = out->stamp;
    unsigned left = out->left;

    if (LIKELY(left)) {
        prefetch_to_store(cell + NODE_AHEAD);
    } else {
        uint64_t position = node_queue_take_now(out->queue, 1);
        cell = node_cell_at(out->cells, position);
        stamp = node_lap_at(out->cells, position) | out->from;
        left = 1;
    }
    node_outlet_fill(cell, stamp, buf, len, tag, data, flags);
    out->left = left - 1;
    out->cell = cell + 1;
    count_add(&out->messages, 1);
    count_add(&out->bytes, len);
}

/* Fills a cell with such a message whatever the user allows, and rings; false: there is no room. */
HOT_INLINE bool node_outlet_inject(struct node_outlet *out, const void *buf, size_t len,
                                   uint64_t tag, uint64_t data, unsigned flags)
{
    uint64_t stamp;
    struct node_cell *cell = node_outlet_take(out, &stamp);

    if (UNLIKELY(!cell))
        return false;
    node_outlet_fill(cell, stamp, buf, len, tag, data, flags);
    node_outlet_ring(out);
    return true;
}

#endif
