/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages whose cell goes out before their chunk is full: whoever receives one, in whatever way,
 * gets all of it, and of one that its sender does not live to fill nobody gets anything.
 */
#include <signal.h>

#include "provider/node/node_filling.h"
#include "tests/unit/take_job.h"

enum { LEN = 12000, LATE_US = 20000 };

/* A message of rank 1's to rank 0, of which a part is there. */
struct begun {
    unsigned char bytes[LEN];
    struct node_cell *cell;
    unsigned char *chunk;
};

static void begin(struct side *s, struct begun *b, unsigned seed)
{
    struct node_ep *ep = side_endpoint(s);
    struct node_peer *peer;
    uint64_t stamp;

    fill(b->bytes, LEN, seed);
    CHECK(!node_peer_get(ep, s->e.addr[0], &peer), "peer");
    int chunk = node_chunk_take(ep, peer);
    CHECK(chunk >= 0 && (b->cell = node_outlet_take(&peer->out, &stamp)), "no room");
    b->chunk = ep->segment->chunks[chunk];
    memset(b->chunk, UNCHANGED, NODE_CHUNK);
    memcpy(b->chunk, b->bytes, LEN / 2);
    struct node_wire_chunk wire = {0, chunk, 0};
    memcpy(b->cell->payload, &wire, sizeof(wire));
    atomic_store(node_filling_there(b->cell), LEN / 2);
    b->cell->tag = TAG;
    b->cell->data = DATA + seed;
    node_outlet_publish(&peer->out, b->cell, stamp,
                        node_word(NODE_CELL_CHUNK, NODE_WIRE_TAGGED | NODE_WIRE_DATA) |
                            node_word_of_length(LEN));
    node_chunk_lend(ep, chunk);
}

static void go_on(struct begun *b)
{
    usleep(LATE_US);
    memcpy(b->chunk + LEN / 2, b->bytes + LEN / 2, LEN / 2);
    atomic_store(node_filling_there(b->cell), LEN);
}

/* ---- Ways to receive it ---- */

static void taken_where_it_lies(struct side *s, unsigned seed)
{
    static unsigned char buf[LEN + MARGIN];
    struct node_received m;

    memset(buf, UNCHANGED, sizeof(buf));
    CHECK(!s->ops->receive(s->e.ep, s->e.addr[1], buf, LEN, TAG, 0, &m), "receive");
    CHECK(m.len == LEN && m.tag == TAG && m.data == DATA + seed, "%zu bytes", m.len);
    take_filled(buf, LEN, seed);
}

static void told_by_progress(struct side *s, unsigned seed)
{
    struct take *t = &takes[0];
    unsigned turn = told + 1;

    CHECK(!s->ops->post(s->e.ep, take_ready(t, LEN, TAG, 0, s->e.addr[1], take_tell)), "post");
    side_progress(s, 1);
    take_has(t, turn, TAG, LEN, seed);
}

static void completed_in_the_queue(struct side *s, unsigned seed)
{
    struct take *t = &takes[0];

    take_ready(t, LEN, TAG, 0, s->e.addr[1], NULL);
    POST(&s->e, fi_trecv(s->e.ep, t->buf, LEN, NULL, s->e.addr[1], TAG, 0, t));
    take_completes(s, t, TAG, LEN, seed);
}

static void kept_first(struct side *s, unsigned seed)
{
    while (list_empty(&side_endpoint(s)->tagged.arrivals))
        end_progress(&s->e);
    completed_in_the_queue(s, seed);
}

static void (*const ways[])(struct side *, unsigned) = {
    taken_where_it_lies,
    told_by_progress,
    completed_in_the_queue,
    kept_first,
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* The rest comes while the receiver waits for it. */
NODE_TEST(filling, rest_comes_later, 2)
{
    static struct begun b;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < 3 * WAYS; i++) {
        if (rank == 1)
            begin(&s, &b, i);
        job_barrier();
        if (rank == 1)
            go_on(&b);
        else
            ways[i % WAYS](&s, i);
        job_barrier();
    }
    side_end(&s);
}

/* Its sender is killed before the rest is there: no receive gets any message, nor waits for ever,
 * and those of others come as ever. */
static void never_whole(int rank, void (*look)(struct side *s))
{
    static struct begun b;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 1)
        begin(&s, &b, 1);
    job_barrier();
    if (rank == 1) {
        job_may_die();
        raise(SIGKILL);
    }
    if (rank == 0) {
        look(&s);
        CHECK(list_empty(&side_endpoint(&s)->tagged.arrivals), "a message is kept");
    }
    job_barrier();
    if (rank == 2)
        side_say(&s, TAG, LEN, 2);
    job_barrier();
    if (rank == 0) {
        struct take *t = &takes[1];
        take_ready(t, LEN, TAG, 0, s.e.addr[2], NULL);
        POST(&s.e, fi_trecv(s.e.ep, t->buf, LEN, NULL, s.e.addr[2], TAG, 0, t));
        take_completes(&s, t, TAG, LEN, 2);
    }
    job_barrier();
}

static void look_where_it_lies(struct side *s)
{
    static unsigned char buf[LEN];
    struct node_received m;

    int ret = s->ops->receive(s->e.ep, s->e.addr[1], buf, LEN, TAG, 0, &m);
    CHECK(ret == -FI_EINPROGRESS, "half a message: %d", ret);
    end_quiet(&s->e);
    ret = s->ops->receive(s->e.ep, s->e.addr[1], buf, LEN, TAG, 0, &m);
    CHECK(ret == -FI_EAGAIN, "it is still there: %d", ret);
}

static void look_by_progress(struct side *s)
{
    struct node_posted *p = take_ready(&takes[0], LEN, TAG, 0, s->e.addr[1], take_tell);

    CHECK(!s->ops->post(s->e.ep, p), "post");
    end_quiet(&s->e);
    side_progress(s, 0);
    side_posts(s, 1);
    CHECK(s->ops->withdraw(s->e.ep, p), "it is not posted any more");
}

static void look_without_a_receive(struct side *s)
{
    end_quiet(&s->e);
}

NODE_TEST(filling, never_whole_where_it_lies, 3)
{
    never_whole(rank, look_where_it_lies);
}

NODE_TEST(filling, never_whole_by_progress, 3)
{
    never_whole(rank, look_by_progress);
}

NODE_TEST(filling, never_whole_without_a_receive, 3)
{
    never_whole(rank, look_without_a_receive);
}

/* ---- Who sends so ---- */

static bool is_awaited(struct side *s, int rank)
{
    struct node_peer *peer;

    CHECK(!node_peer_get(side_endpoint(s), s->e.addr[rank], &peer), "peer");
    return node_filling_is_awaited(peer);
}

static void inject(struct side *s, int to, const void *buf, size_t len)
{
    POST(&s->e, s->ops->inject(s->e.ep, buf, len, s->e.addr[to], TAG, DATA));
}

/* Bytes of that seed from the other one; they may come while they are read. */
static void receive(struct side *s, int from, size_t len, unsigned seed)
{
    static unsigned char buf[NODE_CHUNK + MARGIN];
    struct node_received m;
    int ret;

    memset(buf, UNCHANGED, sizeof(buf));
    while ((ret = s->ops->receive(s->e.ep, s->e.addr[from], buf, len, TAG, 0, &m)))
        if (ret != -FI_EAGAIN)
            end_progress(&s->e);
    CHECK(m.len == len, "%zu bytes", m.len);
    take_filled(buf, len, seed);
}

/* One who answers waits for the next, and is awaited; all lengths are whole. */
NODE_TEST(filling, dialogue, 2)
{
    static unsigned char buf[NODE_CHUNK];
    struct side s;

    side_begin(&s, rank, false);
    for (size_t len = 97; len <= NODE_CHUNK; len += len < NODE_CHUNK - 61 ? 61 : 1) {
        fill(buf, len, rank);
        if (rank == 1)
            receive(&s, 0, len, 0);
        CHECK(is_awaited(&s, 1 - rank), "%zu bytes", len);
        inject(&s, 1 - rank, buf, len);
        CHECK(!is_awaited(&s, 1 - rank), "without an answer, %zu bytes", len);
        if (rank == 0)
            receive(&s, 1, len, 1);
    }
    side_end(&s);
}

/* One who sleeps is woken when all is there: it could not read along. */
NODE_TEST(filling, sleeper, 2)
{
    static unsigned char buf[LEN];
    struct fi_cq_tagged_entry c;
    struct node_peer *peer;
    struct end e;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    if (rank == 0) {
        POST(&e, fi_trecv(e.ep, buf, LEN, NULL, e.addr[1], TAG, 0, buf));
        while (fi_cq_sread(e.cq, &c, 1, NULL, -1) != 1)
            ;
        CHECK(c.op_context == buf && filled(buf, LEN, 1), "the message");
    } else {
        CHECK(!node_peer_get(container_of(e.ep, struct node_ep, fid), e.addr[0], &peer), "peer");
        while (!(atomic_load(&peer->segment->sleeping) & NODE_ASLEEP))
            sched_yield();
        CHECK(!node_filling_is_read_along(peer), "it sleeps");
        fill(buf, LEN, 1);
        POST(&e, fi_tinject(e.ep, buf, LEN, e.addr[0], TAG));
    }
    end_finish(&e);
}

/* Two that send at the same time wait for nothing when they send. */
NODE_TEST(filling, exchange, 2)
{
    static unsigned char buf[LEN];
    struct side s;

    side_begin(&s, rank, false);
    fill(buf, LEN, rank);
    for (int i = 0; i < 100; i++) {
        inject(&s, 1 - rank, buf, LEN);
        job_barrier();
        receive(&s, 1 - rank, LEN, 1 - rank);
        CHECK(!is_awaited(&s, 1 - rank), "in round %d", i);
        job_barrier();
    }
    side_end(&s);
}
