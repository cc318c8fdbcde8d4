/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The queue and the rings of the node provider, with writers that are threads, so that TSan can
 * watch them; a program of its own, because Criterion does not start under TSan.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_inlet.h"
#include "provider/node/node_segment.h"

enum { WRITERS = 4, EACH = 50000 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Nobody sleeps here. */
void node_outlet_wake(struct node_outlet *out)
{
    CHECK(!out);
}

static struct node_segment *segment;
static struct node_inlet inlet;

/* A segment of which so many writers have rings, and its reader. */
static void begin(unsigned rings)
{
    segment = aligned_alloc(alignof(struct node_segment), sizeof(*segment));
    CHECK(segment);
    memset(segment, 0, sizeof(*segment));
    segment->ring_count = rings;
    node_inlet_open(&inlet, segment);
}

static void end(void)
{
    free(segment);
}

/* As node_peer.c does it. */
static unsigned introduce(struct node_outlet *out)
{
    unsigned place = atomic_fetch_add(&segment->sources_taken, 1);

    *out = (struct node_outlet){.from = node_word_of_source(place)};
    node_outlet_open(out, &segment->queue);
    if (place < segment->ring_count)
        node_outlet_open_ring(out, &segment->rings[place]);
    return place;
}

enum { ONE = 1, FIRST, SECOND }; /* kinds */

/* Every third takes a pair. */
static bool is_pair(uint64_t i)
{
    return i % 3 == 2;
}

/* Every field says who wrote it and when. */
static void write_all(struct node_outlet *out, unsigned me)
{
    for (uint64_t i = 0; i < EACH; i++) {
        struct node_cell *cells[2];
        uint64_t stamps[2];
        while (is_pair(i) ? !node_outlet_take_pair(out, cells, stamps)
                          : !(cells[0] = node_outlet_take(out, stamps)))
            sched_yield();
        if (is_pair(i)) {
            memset(node_cell_rest(cells[1]), (int)(i - me), NODE_PAIR_PAYLOAD - NODE_CELL_PAYLOAD);
            node_cell_publish(cells[1], stamps[1] | node_word(SECOND, me));
        }
        cells[0]->tag = i;
        cells[0]->data = i * WRITERS + me;
        memset(cells[0]->payload, (int)(i + me), NODE_CELL_PAYLOAD);
        node_cell_publish(cells[0], stamps[0] | node_word(is_pair(i) ? FIRST : ONE, me) |
                                        node_word_of_length(i & 0xffff));
    }
}

static void *writer(void *arg)
{
    struct node_outlet out;
    unsigned me = introduce(&out);

    (void)arg;
    if (!out.queue)
        out.end = atomic_load(out.head); /* laps_wrap: as if it had been in use for long */
    write_all(&out, me);
    return NULL;
}

static void read_one(uint64_t next[WRITERS])
{
    struct node_cell *cell;
    uint64_t word;

    while (!(cell = node_inlet_peek(&inlet, &word)))
        sched_yield();
    struct node_reader *r = inlet.at;
    unsigned from = node_word_source(word);
    CHECK(from < WRITERS);
    CHECK(r == &inlet.readers[from < segment->ring_count ? 1 + from : 0]);
    CHECK(cell->tag == next[from]);
    CHECK(cell->data == next[from] * WRITERS + from);
    CHECK(node_word_length(word) == (next[from] & 0xffff));
    CHECK(node_word_flags(word) == from);
    for (int i = 0; i < NODE_CELL_PAYLOAD; i++)
        CHECK(cell->payload[i] == (unsigned char)(next[from] + from));
    CHECK(node_word_kind(word) == (is_pair(next[from]) ? FIRST : ONE));
    node_inlet_advance(&inlet, r);
    if (is_pair(next[from])) {
        /* Nobody waits for it. */
        CHECK((cell = node_reader_peek(r, &word)));
        CHECK(node_word_kind(word) == SECOND);
        CHECK(node_word_flags(word) == from);
        for (int i = 0; i < NODE_PAIR_PAYLOAD - NODE_CELL_PAYLOAD; i++)
            CHECK(node_cell_rest(cell)[i] == (unsigned char)(next[from] - from));
        node_inlet_advance(&inlet, r);
    }
    next[from]++;
}

static void run(void)
{
    pthread_t threads[WRITERS];
    uint64_t next[WRITERS] = {0}, word;

    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, writer, NULL);
    for (int n = 0; n < WRITERS * EACH; n++)
        read_one(next);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(!node_inlet_peek_all(&inlet, &word));
    CHECK(inlet.readers[0].position == atomic_load(&segment->queue.tail));
}

/* Nothing is lost, doubled, torn or out of a writer's order, as they come while it is read. */
static void many_writers(unsigned rings)
{
    begin(rings);
    run();
    end();
}

/* A reader and its writers that are there. */
static void start_at(struct node_reader *r, struct node_cells c, _Atomic uint64_t *head,
                     uint64_t start)
{
    atomic_store(head, start);
    node_reader_open(r, c, head, start);
}

/* The same where the number of the lap, which has 16 bits, begins anew. */
static void laps_wrap(unsigned rings)
{
    const uint64_t wrap = (uint64_t)1 << (16 + NODE_CELLS_LOG);
    const uint64_t ring_wrap = (uint64_t)1 << (16 + NODE_RING_LOG);
    struct node_queue *q;

    begin(rings);
    q = &segment->queue;
    start_at(&inlet.readers[0], node_queue_cells(q), &q->head, wrap - 10 * NODE_CELLS);
    atomic_store(&q->tail, wrap - 10 * NODE_CELLS);
    for (; inlet.open <= rings; inlet.open++) {
        struct node_ring *ring = &segment->rings[inlet.open - 1];
        start_at(&inlet.readers[inlet.open], node_ring_cells(ring), &ring->head,
                 ring_wrap - 20 * NODE_RING_CELLS);
    }
    run();
    CHECK(rings == WRITERS || inlet.readers[0].position > wrap);
    CHECK(!rings || inlet.readers[1].position > ring_wrap);
    end();
}

/* ---- Messages by the short way, where that is open: what it counts goes beyond 2^32 ---- */

static const uint64_t COUNTED = UINT64_C(0xffffff00);

static size_t length_of(uint64_t i)
{
    return i % (NODE_CELL_PAYLOAD + 1);
}

static void *sender(void *arg)
{
    struct node_outlet out;
    const atomic_uint *awake = arg;
    unsigned me = introduce(&out);
    uint64_t sent = 0, bytes = 0;

    out.sleeping = awake;
    atomic_store(&out.messages, COUNTED);
    out.until = (uint32_t)COUNTED;
    for (uint64_t i = 0; i < EACH; i++) {
        unsigned char payload[NODE_CELL_PAYLOAD];
        size_t len = length_of(i);
        memset(payload, (int)(i + me), sizeof(payload));
        if (node_outlet_has_next(&out)) {
            node_outlet_inject_next(&out, payload, len, i, i * WRITERS + me, me);
            sent++;
            bytes += len;
            continue;
        }
        if (out.until == (uint32_t)atomic_load(&out.messages))
            out.until += 20;
        while (!node_outlet_inject(&out, payload, len, i, i * WRITERS + me, me))
            sched_yield();
    }
    CHECK(sent > EACH / 2 && atomic_load(&out.messages) == COUNTED + sent);
    CHECK(atomic_load(&out.bytes) == bytes);
    return NULL;
}

static void read_message(uint64_t next[WRITERS])
{
    struct node_cell *cell;
    uint64_t word;

    while (!(cell = node_inlet_peek(&inlet, &word)))
        sched_yield();
    unsigned from = node_word_source(word);
    CHECK(from < WRITERS && node_word_flags(word) == from);
    CHECK(node_word_kind(word) == NODE_CELL_INLINE);
    CHECK(cell->tag == next[from] && cell->data == next[from] * WRITERS + from);
    CHECK(node_word_length(word) == length_of(next[from]));
    for (size_t i = 0; i < length_of(next[from]); i++)
        CHECK(cell->payload[i] == (unsigned char)(next[from] + from));
    node_inlet_advance(&inlet, inlet.at);
    next[from]++;
}

static void short_way(unsigned rings)
{
    pthread_t threads[WRITERS];
    uint64_t next[WRITERS] = {0}, word;
    atomic_uint awake = 0;

    begin(rings);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, sender, &awake);
    for (int n = 0; n < WRITERS * EACH; n++)
        read_message(next);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(!node_inlet_peek_all(&inlet, &word));
    end();
}

/* As many as there is room for, each with its number from `count` on; how many there are then. */
static uint64_t fill(struct node_outlet *out, uint64_t count)
{
    uint64_t stamp;
    struct node_cell *cell;

    for (; (cell = node_outlet_take(out, &stamp)); count++) {
        cell->tag = count;
        node_cell_publish(cell, stamp | node_word(ONE, 0));
    }
    return count;
}

/* Full is full, never overwritten; and there is room again when the reader has said so. */
static void full(unsigned rings, uint64_t room)
{
    struct node_outlet out;
    struct node_cell *cell;
    uint64_t word, count, read = 0;

    begin(rings);
    introduce(&out);
    count = fill(&out, 0);
    CHECK(count == room);
    CHECK(fill(&out, count) == count);
    for (; read < NODE_PUBLISH; read++) {
        CHECK((cell = node_inlet_peek(&inlet, &word)) && cell->tag == read);
        node_inlet_advance(&inlet, inlet.at);
    }
    count = fill(&out, count);
    CHECK(count == room + NODE_PUBLISH);
    for (; (cell = node_inlet_peek(&inlet, &word)); read++) {
        CHECK(cell->tag == read);
        node_inlet_advance(&inlet, inlet.at);
    }
    CHECK(read == count);
    end();
}

/* A pair needs room for two, which may lie at the ring's two ends. */
static void pair_at_the_end(void)
{
    struct node_ring *ring;
    struct node_outlet out;
    struct node_cell *cells[2];
    uint64_t stamps[2];

    begin(1);
    introduce(&out);
    ring = &segment->rings[0];
    for (int i = 0; i < NODE_RING_CELLS - 1; i++)
        CHECK(node_outlet_take(&out, stamps));
    CHECK(!node_outlet_take_pair(&out, cells, stamps));
    atomic_store(&ring->head, NODE_PUBLISH);
    CHECK(node_outlet_take_pair(&out, cells, stamps));
    CHECK(cells[0] == &ring->cells[NODE_RING_CELLS - 1] && cells[1] == ring->cells);
    CHECK(stamps[0] == UINT64_C(1) << 48 && stamps[1] == UINT64_C(2) << 48);
    for (int i = 0; i < NODE_PUBLISH - 2; i++)
        CHECK(node_outlet_take(&out, stamps));
    CHECK(!node_outlet_take_pair(&out, cells, stamps));
    CHECK(node_outlet_take(&out, stamps) == &ring->cells[NODE_PUBLISH - 1]);
    CHECK(!node_outlet_take(&out, stamps));
    end();
}

/* One who always has something does not keep the others out. */
static void in_turn(void)
{
    struct node_outlet outs[3];
    uint64_t word, counts[3] = {0};
    unsigned most = 0, run = 0, last = 0;

    begin(2);
    for (int i = 0; i < 3; i++)
        introduce(&outs[i]);
    for (int n = 0; n < 3000; n++) {
        for (int i = 0; i < 3; i++)
            counts[i] = fill(&outs[i], counts[i]);
        CHECK(node_inlet_peek(&inlet, &word));
        run = node_word_source(word) == last ? run + 1 : 1;
        last = node_word_source(word);
        most = run > most ? run : most;
        node_inlet_advance(&inlet, inlet.at);
    }
    CHECK(most == NODE_PUBLISH);
    for (int i = 0; i < 3; i++)
        CHECK(inlet.readers[i].position > 900);
    end();
}

/* A look costs the same however many there are, and some look finds what there is. */
static void looks_in_turn(void)
{
    struct node_outlet outs[1 + NODE_RINGS];
    uint64_t word;

    begin(NODE_RINGS);
    for (int i = 0; i <= NODE_RINGS; i++)
        introduce(&outs[i]);
    for (int i = NODE_RINGS; i >= 0; i--)
        for (int looks = 1;; looks++) {
            if (looks == 1)
                fill(&outs[i], 0);
            if (!node_inlet_peek(&inlet, &word)) {
                CHECK(looks <= NODE_RINGS / NODE_LOOKS + 1);
                continue;
            }
            CHECK(node_word_source(word) == (unsigned)i);
            while (node_reader_peek(inlet.at, &word))
                node_reader_advance(inlet.at);
            break;
        }
    for (int i = NODE_RINGS; i >= 0; i--) {
        fill(&outs[i], 0);
        CHECK(node_inlet_peek_all(&inlet, &word) && node_word_source(word) == (unsigned)i);
        while (node_reader_peek(inlet.at, &word))
            node_reader_advance(inlet.at);
    }
    end();
}

/* Nor do two, where calls of progress end after as many cells as a turn has. */
static void in_turn_by_batches(void)
{
    struct node_outlet outs[4];
    uint64_t word, counts[4] = {0};

    begin(3);
    for (int i = 0; i < 4; i++)
        introduce(&outs[i]);
    for (int batch = 0; batch < 100; batch++) {
        const struct node_reader *last = NULL;
        for (int i = 0; i < 4; i++)
            counts[i] = fill(&outs[i], counts[i]);
        for (int n = 0; n < NODE_PUBLISH; n++) {
            CHECK(node_inlet_peek(&inlet, &word));
            last = inlet.at;
            node_inlet_advance(&inlet, inlet.at);
        }
        node_inlet_leave(&inlet, last);
    }
    for (int i = 0; i < 4; i++)
        CHECK(inlet.readers[i].position >= 24 * NODE_PUBLISH);
    end();
}

int main(void)
{
    const unsigned rings[] = {0, 2, WRITERS};

    for (int i = 0; i < 3; i++) {
        many_writers(rings[i]);
        laps_wrap(rings[i]);
        short_way(rings[i]);
    }
    full(0, NODE_CELLS - 2 * NODE_WRITERS + 1);
    full(1, NODE_RING_CELLS);
    pair_at_the_end();
    in_turn();
    looks_in_turn();
    in_turn_by_batches();
    return 0;
}
