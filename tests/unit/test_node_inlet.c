/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that are taken without any call where they are next: node_inlet_take. */
#include <sched.h>

#include "provider/base/param.h"
#include "tests/unit/take_job.h"

/* node_inlet_take of that peer's; where it says no, nothing has changed. */
static bool takes_now(struct side *s, int from, struct take *t, size_t room, uint64_t tag,
                      uint64_t ignore)
{
    struct node_received found = {1, 2, 3};
    const struct node_reader *r = s->out[from]->reader;
    uint64_t position = r->position;

    memset(t->buf, UNCHANGED, room + MARGIN);
    t->turn = 0;
    if (node_inlet_take(s->in, s->out[from], room ? t->buf : NULL, room, tag, ignore, told % 2,
                        &found)) {
        CHECK(r->position == position + 1, "the next place");
        t->turn = ++told;
        t->len = found.len;
        t->tag = found.tag;
        t->data = found.data;
        return true;
    }
    CHECK(r->position == position, "refused, and past it");
    CHECK(found.len == 1 && found.tag == 2 && found.data == 3, "refused, and told");
    take_filled(t->buf, 0, 0);
    return false;
}

/* The message that was refused is received as ever. */
static void receives(struct side *s, int from, uint64_t tag, size_t len, unsigned seed)
{
    struct take *t = &takes[0];

    take_ready(t, ROOM, tag, 0, s->e.addr[from], NULL);
    POST(&s->e, fi_trecv(s->e.ep, t->buf, ROOM, NULL, s->e.addr[from], tag, 0, t));
    take_completes(s, t, tag, len, seed);
}

NODE_TEST(node_inlet, next, 2)
{
    static const size_t lens[] = {0, 1, 7, 8, 9, 39, 40};
    static const uint64_t ignored[] = {0, TOP, ~UINT64_C(0)};
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    CHECK(s.in, "no inlet");
    for (unsigned i = 0; i < 3 * sizeof(lens) / sizeof(lens[0]); i++) {
        uint64_t ignore = ignored[i % 3];
        if (rank == 0)
            CHECK(!takes_now(&s, 1, t, 40, TAG, ~UINT64_C(0)), "there is nothing");
        job_barrier();
        if (rank == 1)
            side_say(&s, TAG | TOP, lens[i / 3], i);
        job_barrier();
        if (rank == 0) {
            CHECK(takes_now(&s, 1, t, lens[i / 3], ignore ? TAG : TAG | TOP, ignore), "no");
            take_has(t, i + 1, TAG | TOP, lens[i / 3], i);
        }
    }
    side_end(&s);
}

/* Messages that are next and are left: of another tag, too long, or not of the simplest kind. */
NODE_TEST(node_inlet, left, 2)
{
    static const struct {
        enum side_way way;
        uint64_t sent, wanted, ignore;
        size_t len, room;
    } rows[] = {
        {INJECTED, TAG, OTHER, 0, 8, 8},
        {INJECTED, TAG, TAG | TOP, 0, 8, 8},
        {INJECTED, TAG, TAG | TOP, ~TOP, 8, 8},
        {INJECTED, TAG, TAG ^ 3, 1, 8, 8},
        {INJECTED, TAG, TAG, 0, 1, 0},
        {INJECTED, TAG, TAG, 0, 8, 7},
        {INJECTED, TAG, TAG, ~UINT64_C(0), 9, 8},
        {INJECTED, TAG, TAG, 0, 40, 39},
        {INJECTED, TAG, TAG, 0, 41, ROOM},
        {INJECTED, TAG, TAG, 0, NODE_CHUNK, ROOM},
        {SENT, TAG, TAG, 0, NODE_CHUNK + 1, ROOM},
        {SENT, TAG, TAG, 0, ROOM, ROOM},
        {ANSWERED, TAG, TAG, 0, 8, ROOM},
        {WITHOUT_DATA, TAG, TAG, 0, 8, ROOM},
        {UNTAGGED, TAG, 0, ~UINT64_C(0), 8, ROOM},
    };
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rank == 1) {
            side_say_and_wait(&s, rows[i].way, rows[i].sent, rows[i].len, i);
            continue;
        }
        job_barrier();
        CHECK(!takes_now(&s, 1, t, rows[i].room, rows[i].wanted, rows[i].ignore), "row %u", i);
        if (rows[i].way == UNTAGGED)
            POST(&s.e, fi_recv(s.e.ep, t->buf, 8, NULL, s.e.addr[1], t));
        else if (rows[i].way == WITHOUT_DATA)
            POST(&s.e, fi_trecv(s.e.ep, t->buf, 8, NULL, s.e.addr[1], TAG, 0, t));
        else
            receives(&s, 1, rows[i].sent, rows[i].len, i);
        if (rows[i].way == UNTAGGED || rows[i].way == WITHOUT_DATA) {
            end_wait_for(&s.e, t);
            take_filled(t->buf, 8, i);
        }
        job_barrier();
    }
    side_end(&s);
}

/* Another's is next, whether or not ours is behind it; or it is in another ring. */
static void of_another_source(int rank, bool ring)
{
    struct take *t = &takes[1];
    struct side s;

    param_open(); /* not again */
    param.node_rings = ring ? NODE_RINGS : 0;
    side_begin(&s, rank, false);
    if (rank == 2)
        side_say(&s, TAG, 8, 2);
    job_barrier();
    if (rank == 0)
        CHECK(!takes_now(&s, 1, t, 8, TAG, 0), "rank 2's");
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        CHECK(takes_now(&s, 1, t, 8, TAG, 0) == ring, "the next?");
        CHECK(takes_now(&s, 2, t, 8, TAG, 0), "no");
        take_has(t, ring ? 2 : 1, TAG, 8, 2);
        CHECK(!takes_now(&s, 2, t, 8, TAG, ~UINT64_C(0)), "rank 1's");
        if (!ring)
            receives(&s, 1, TAG, 8, 1);
    }
    side_end(&s);
}

NODE_TEST(node_inlet, of_another_source, 3)
{
    of_another_source(rank, true);
}

NODE_TEST(node_inlet, of_another_source_in_the_queue, 3)
{
    of_another_source(rank, false);
}

/* Those that were posted before have the message. */
NODE_TEST(node_inlet, behind_a_receive, 2)
{
    struct take *t = &takes[1], *now = &takes[2];
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned wild = 0; wild < 2; wild++) {
        if (rank == 0)
            take_want_so(&s, t, 8, TAG, wild ? ~UINT64_C(0) : 0, NODE_ANY);
        job_barrier();
        side_come(&s, rank, TAG, 2 * wild, 2);
        if (rank == 0) {
            CHECK(!takes_now(&s, 1, now, 8, TAG, 0), "the other's");
            take_completes(&s, t, TAG, 8, 2 * wild); /* reads all */
            CHECK(!takes_now(&s, 1, now, 8, TAG, 0), "kept");
            receives(&s, 1, TAG, 8, 2 * wild + 1);
        }
        job_barrier();
    }
    side_end(&s);
}

/* One that was kept comes before what is next. */
NODE_TEST(node_inlet, behind_a_message, 2)
{
    struct take *t = &takes[1];
    struct side s;

    side_begin(&s, rank, false);
    side_come(&s, rank, TAG, 0, 1);
    end_quiet(&s.e);
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        CHECK(!takes_now(&s, 1, t, 8, TAG, 0), "not the oldest");
        receives(&s, 1, TAG, 8, 0);
        receives(&s, 1, TAG, 8, 1);
    }
    job_barrier();
    side_come(&s, rank, TAG, 2, 1);
    if (rank == 0) {
        CHECK(takes_now(&s, 1, t, 8, TAG, 0), "no");
        take_has(t, 1, TAG, 8, 2);
    }
    side_end(&s);
}

/* Nothing is taken of a peer that progress has not met. */
NODE_TEST(node_inlet, of_a_new_peer, 2)
{
    struct take *t = &takes[1];
    struct side s;

    side_begin_unmet(&s, false);
    side_come(&s, rank, TAG, 0, 1);
    if (rank == 0) {
        CHECK(!takes_now(&s, 1, t, 8, TAG, 0), "of a stranger");
        receives(&s, 1, TAG, 8, 0);
    }
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        CHECK(takes_now(&s, 1, t, 8, TAG, 0), "no");
        take_has(t, 1, TAG, 8, 1);
    }
    side_end(&s);
}

/* ---- Streams, more than twice around the ring ---- */

enum { LAPS = 3 * NODE_CELLS + 100 };

/* Nothing but these, at both ends. */
NODE_TEST(node_inlet, for_laps, 2)
{
    unsigned char buf[NODE_CELL_PAYLOAD];
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < LAPS; i++) {
        size_t len = i % (NODE_CELL_PAYLOAD + 1);
        struct node_received found;
        if (rank == 1) {
            fill(buf, len, i);
            while (!node_outlet_inject(s.out[0], buf, len, TAG, DATA + i,
                                       NODE_WIRE_TAGGED | NODE_WIRE_DATA))
                sched_yield();
            continue;
        }
        while (!node_inlet_take(s.in, s.out[1], buf, sizeof(buf), TAG, 0, i % 2, &found))
            sched_yield();
        CHECK(found.len == len && found.tag == TAG && found.data == DATA + i, "message %u", i);
        CHECK(filled(buf, len, i), "message %u", i);
    }
    side_end(&s);
}

static size_t len_of(unsigned i)
{
    static const size_t lens[] = {8, 40, 0, 41, 8, 500, 1, 96};

    return lens[i % 8];
}

/* Receives number i, by one way or the other. */
static void start(struct side *s, struct take *t, unsigned i)
{
    struct node_received found;
    uint64_t tag = TAG + i % 2;

    if (i % 3 && node_inlet_take(s->in, s->out[1], t->buf, 500, tag, 0, i % 4 == 1, &found)) {
        t->turn = 0;
        take_tell(&t->posted, found.len, found.tag, found.data);
    } else {
        take_want_so(s, t, 500, tag, 0, i % 5 ? NODE_ANY : s->e.addr[1]);
    }
}

/* Waits until it is over, and looks at what it has. */
static void finish(struct side *s, const struct take *t, unsigned i)
{
    while (!t->turn) {
        struct fi_cq_tagged_entry c;
        bool queued;
        if (!s->ops->progress(s->e.ep, &queued) && !queued)
            sched_yield();
        if (queued && fi_cq_read(s->e.cq, &c, 1) == 1)
            take_tell(c.op_context, c.len, c.tag, c.data);
    }
    CHECK(t->tag == TAG + i % 2 && t->len == len_of(i) && t->data == DATA + i,
          "receive %u: tag %lu, %zu bytes, message %lu", i, t->tag, t->len, t->data - DATA);
    CHECK(filled(t->buf, t->len, i), "receive %u", i);
}

/* Two tags, several receives at once, whatever way each takes: every one has its message. */
NODE_TEST(node_inlet, all_ways_for_laps, 2)
{
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; rank == 1 && i < LAPS; i++)
        side_say(&s, TAG + i % 2, len_of(i), i);
    for (unsigned i = 0; rank == 0 && i < LAPS + OLDER; i++) {
        struct take *t = &takes[i % OLDER];
        if (i >= OLDER)
            finish(&s, t, i - OLDER);
        if (i < LAPS)
            start(&s, t, i);
    }
    side_end(&s);
}

/* ---- Where receives are counted ---- */

/* Whether an endpoint with one such counter has an inlet. */
static bool has_inlet(struct end *e, uint64_t counts)
{
    struct fi_cntr_attr attr = {.events = FI_CNTR_EVENTS_COMP, .wait_obj = FI_WAIT_UNSPEC};
    struct node_direct_ops *ops;
    struct fid_cntr *cntr;
    struct fid_ep *ep;

    CHECK(!fi_endpoint(e->domain, e->info, &ep, NULL), "fi_endpoint");
    CHECK(!fi_ep_bind(ep, &e->cq->fid, FI_TRANSMIT | FI_RECV), "bind cq");
    CHECK(!fi_ep_bind(ep, &e->av->fid, 0), "bind av");
    CHECK(!fi_cntr_open(e->domain, &attr, &cntr, NULL), "fi_cntr_open");
    CHECK(!fi_ep_bind(ep, &cntr->fid, counts), "bind counter");
    CHECK(!fi_enable(ep), "fi_enable");
    CHECK(!fi_open_ops(&ep->fid, NODE_DIRECT_OPS, 0, (void **)&ops, NULL), "fi_open_ops");
    bool has = ops->inlet(ep) != NULL;
    CHECK(!fi_close(&ep->fid), "close ep");
    CHECK(!fi_close(&cntr->fid), "close counter");
    return has;
}

NODE_TEST(node_inlet, of_a_counted_endpoint, 1)
{
    struct end e;

    (void)rank;
    end_start(&e, &(struct end_want){.threading = FI_THREAD_DOMAIN});
    CHECK(has_inlet(&e, FI_SEND | FI_READ | FI_WRITE), "none, though only others are counted");
    CHECK(!has_inlet(&e, FI_RECV), "receives are counted");
    end_finish(&e);
}
