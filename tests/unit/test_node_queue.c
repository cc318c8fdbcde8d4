/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The queue of the node provider with many writers, as threads, so that TSan can watch it;
 * a program of its own, because Criterion does not start under TSan.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_queue.h"

enum { WRITERS = 4, EACH = 50000 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct node_queue *queue;

static struct node_queue *queue_new(void)
{
    struct node_queue *q = aligned_alloc(64, sizeof(*q));

    CHECK(q);
    memset(q, 0, sizeof(*q));
    return q;
}

enum { ONE = 1, FIRST, SECOND }; /* kinds */

/* Every third takes a pair. */
static bool is_pair(uint64_t i)
{
    return i % 3 == 2;
}

/* Every field says who wrote it and when. */
static void *writer(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;
    uint64_t seen = 0, position;

    for (uint64_t i = 0; i < EACH; i++) {
        struct node_cell *cell;
        while (!(cell = node_queue_take(queue, &seen, &position, is_pair(i) ? 2 : 1)))
            sched_yield();
        if (is_pair(i)) {
            struct node_cell *second = node_queue_cell(queue, position + 1);
            memset(node_cell_rest(second), (int)(i - me), NODE_PAIR_PAYLOAD - NODE_CELL_PAYLOAD);
            node_queue_publish(second, position + 1, node_word(SECOND, me));
        }
        cell->tag = i;
        cell->data = i * WRITERS + me;
        memset(cell->payload, (int)(i + me), NODE_CELL_PAYLOAD);
        node_queue_publish(cell, position,
                           node_word(is_pair(i) ? FIRST : ONE, me) |
                               node_word_of_length(i & 0xffff) | node_word_of_source(me));
    }
    return NULL;
}

static uint64_t read_all(uint64_t position)
{
    uint64_t next[WRITERS] = {0}, word;
    struct node_reader reader;

    node_reader_open(&reader, queue, position);
    for (int n = 0; n < WRITERS * EACH; n++) {
        struct node_cell *cell;
        while (!(cell = node_reader_peek(&reader, &word)))
            sched_yield();
        unsigned from = node_word_source(word);
        CHECK(from < WRITERS);
        CHECK(cell->tag == next[from]);
        CHECK(cell->data == next[from] * WRITERS + from);
        CHECK(node_word_length(word) == (next[from] & 0xffff));
        CHECK(node_word_flags(word) == from);
        for (int i = 0; i < NODE_CELL_PAYLOAD; i++)
            CHECK(cell->payload[i] == (unsigned char)(next[from] + from));
        CHECK(node_word_kind(word) == (is_pair(next[from]) ? FIRST : ONE));
        node_reader_advance(&reader);
        if (is_pair(next[from])) {
            /* Nobody waits for it. */
            CHECK((cell = node_reader_peek(&reader, &word)));
            CHECK(node_word_kind(word) == SECOND);
            CHECK(node_word_flags(word) == from);
            for (int i = 0; i < NODE_PAIR_PAYLOAD - NODE_CELL_PAYLOAD; i++)
                CHECK(node_cell_rest(cell)[i] == (unsigned char)(next[from] - from));
            node_reader_advance(&reader);
        }
        next[from]++;
    }
    return reader.position;
}

static void run(void)
{
    pthread_t threads[WRITERS];
    uint64_t position = atomic_load(&queue->head);

    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, writer, (void *)i);
    position = read_all(position);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(position == atomic_load(&queue->tail));
}

/* Nothing is lost, doubled, torn or out of a writer's order. */
static void many_writers(void)
{
    queue = queue_new();
    run();
    free(queue);
}

/* The same where the number of the lap, which has 16 bits, begins anew. */
static void laps_wrap(void)
{
    uint64_t start = ((uint64_t)1 << 28) - 20 * NODE_CELLS;

    queue = queue_new();
    atomic_store(&queue->tail, start);
    atomic_store(&queue->head, start);
    run();
    CHECK(atomic_load(&queue->tail) > (uint64_t)1 << 28);
    free(queue);
}

/* Full is full, never overwritten; and there is room again when the reader has said so. */
static void full(void)
{
    uint64_t seen = 0, position, taken = 0, word;
    struct node_reader reader;
    struct node_cell *cell;

    queue = queue_new();
    for (; (cell = node_queue_take(queue, &seen, &position, 1)); taken++) {
        cell->tag = taken;
        node_queue_publish(cell, position, node_word(1, 0));
    }
    CHECK(taken == NODE_CELLS - 2 * NODE_WRITERS + 1);
    for (node_reader_open(&reader, queue, 0); (cell = node_reader_peek(&reader, &word));
         node_reader_advance(&reader))
        CHECK(cell->tag == reader.position);
    CHECK(reader.position == taken);
    CHECK(node_queue_take(queue, &seen, &position, 1));
    free(queue);
}

int main(void)
{
    many_writers();
    laps_wrap();
    full();
    return 0;
}
