/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which way messages of a few chunks go: what the receiver makes of the times that it takes, that
 * the sender does what it is asked for, and that nothing is lost or mixed up while that changes.
 */
#include <stdlib.h>

#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/crowd.h"
#include "provider/node/node.h"
#include "provider/node/node_way.h"
#include "tests/unit/node_job.h"

enum { KIB = 1024, SOME = 48 * KIB, MOST = NODE_TRAIN * NODE_CHUNK };

static struct node_ep *ep_of(struct end *e)
{
    return container_of(e->ep, struct node_ep, fid);
}

static struct node_peer *peer_of(struct end *e, int rank)
{
    struct node_peer *peer;

    CHECK(!node_peer_get(ep_of(e), e->addr[rank], &peer), "peer");
    return peer;
}

/* The receiver asks for a way of all lengths, and makes no trial of its own. */
static void ask(struct end *e, int rank, enum node_way way)
{
    struct node_peer *peer = peer_of(e, rank);
    unsigned word = 0;

    for (unsigned c = 0; c < NODE_WAY_CLASSES; c++) {
        peer->ways.classes[c] =
            (struct node_way_class){.again = UINT64_MAX, .wanted = way, .best = way};
        word |= (unsigned)way << 2 * c;
    }
    atomic_store(&ep_of(e)->segment->sources[node_word_source(peer->out.plain)].ways, word);
}

/* ---- What the receiver makes of times ---- */

/* A receiver with one sender, as that one sees it. */
struct pair {
    struct node_ep ep;
    struct node_peer sender; /* the receiver's view */
    struct node_peer out;    /* the sender's view of the receiver */
};

static struct pair *pair_new(void)
{
    struct pair *p = aligned_alloc(64, (sizeof(*p) + 63) / 64 * 64);

    cr_assert(p);
    memset(p, 0, sizeof(*p));
    p->ep.segment = aligned_alloc(alignof(struct node_segment), sizeof(*p->ep.segment));
    cr_assert(p->ep.segment);
    memset(p->ep.segment, 0, sizeof(*p->ep.segment));
    p->sender.out.plain = p->out.out.from = node_word_of_source(3);
    p->sender.single_copy = p->out.single_copy = true;
    p->out.segment = p->ep.segment;
    return p;
}

static void pair_free(struct pair *p)
{
    free(p->ep.segment);
    free(p);
}

static void spin(unsigned us)
{
    for (uint64_t until = clock_ns() + 1000u * us; clock_ns() < until;)
        ;
}

/* One message that found its receive, the way that the sender was asked for. */
static void message(struct pair *p, size_t len, const unsigned us[NODE_WAYS])
{
    struct node_message m = {
        .peer = &p->sender, .len = len, .kind = NODE_CELL_TRAIN, .sent = node_way_stamp(&p->ep, 0)};
    enum node_way way = NODE_WAY_TRAIN;

    if (node_way_is_announced(&p->out, len)) {
        m.kind = NODE_CELL_RTS;
        way = node_way_is_alone(&m) ? NODE_WAY_ALONE : NODE_WAY_BOTH;
    }
    node_way_met(&p->ep, &m);
    if (!m.timed)
        return;
    spin(us[way]);
    node_way_took(&p->ep, &m);
}

static enum node_way wanted(const struct pair *p, size_t len)
{
    struct node_message m = {.peer = (struct node_peer *)&p->sender, .len = len};

    return !node_way_is_announced(&p->out, len) ? NODE_WAY_TRAIN
           : node_way_is_alone(&m)              ? NODE_WAY_ALONE
                                                : NODE_WAY_BOTH;
}

/* Messages until a trial is over. */
static void trial(struct pair *p, size_t len, const unsigned us[NODE_WAYS])
{
    struct node_way_class *k = &p->sender.ways.classes[len > 32 * KIB];

    k->again = 0;
    while (!k->trial)
        message(p, len, us);
    while (k->trial)
        message(p, len, us);
}

/* ---- What a receiver's own trains count for ---- */

static void fill_train(struct pair *p, unsigned us)
{
    node_way_stamp(&p->ep, SOME);
    spin(us);
    node_way_filled(&p->ep, &p->sender);
}

static struct node_message came(struct pair *p, enum node_kind kind)
{
    return (struct node_message){.peer = &p->sender,
                                 .len = SOME,
                                 .kind = kind,
                                 .way = p->sender.ways.classes[1].wanted,
                                 .sent = node_way_stamp(&p->ep, 0)};
}

/* What one costs that is read in no time, ns. */
static uint64_t cost(struct pair *p, struct node_message *m)
{
    struct node_way_class *k = &p->sender.ways.classes[1];

    m->timed = clock_ns();
    node_way_took(&p->ep, m);
    uint64_t took = k->took;
    k->took = k->bytes = k->messages = 0;
    return took;
}

/* Too much, for what ought to be nothing: another program's turn may look like it, not each time.
 */
#define SELDOM(what)                                                                               \
    do {                                                                                           \
        int i = 0;                                                                                 \
        while (i < 5 && (what) > 2000000)                                                          \
            i++;                                                                                   \
        cr_assert_lt(i, 5, "%s", #what);                                                           \
    } while (0)

static uint64_t cost_of_second(struct pair *p)
{
    struct node_message first = came(p, NODE_CELL_TRAIN), second = first;

    spin(1); /* a stamp leaves out some bits */
    fill_train(p, 8000);
    uint64_t ns = cost(p, &first);
    cr_assert(ns >= 4000000, "%lu ns of a half of 8 ms", ns);
    return cost(p, &second);
}

static uint64_t cost_of_later(struct pair *p)
{
    fill_train(p, 8000);
    spin(1);
    struct node_message m = came(p, NODE_CELL_TRAIN);
    return cost(p, &m);
}

static uint64_t cost_of_rts(struct pair *p)
{
    struct node_message m = came(p, NODE_CELL_RTS);

    p->sender.ways.classes[1].wanted = m.way = NODE_WAY_ALONE;
    fill_train(p, 8000);
    uint64_t ns = cost(p, &m);
    p->sender.ways.classes[1].wanted = NODE_WAY_TRAIN;
    p->sender.ways.filled_from = p->sender.ways.filled_until;
    return ns;
}

static uint64_t cost_of_another(struct pair *p)
{
    struct node_message m = came(p, NODE_CELL_TRAIN);

    node_way_stamp(&p->ep, SOME);
    spin(8000);
    node_way_filled(&p->ep, &p->out);
    return cost(p, &m);
}

/* A receiver that fills a train while one waits for it would not have to by another way. It counts
 * once, for a train of that peer's that was there meanwhile. */
Test(way, own_filling_counts)
{
    struct pair *p = pair_new();

    p->sender.ways.classes[1].trial = true;
    SELDOM(cost_of_second(p));
    SELDOM(cost_of_later(p));
    SELDOM(cost_of_rts(p));
    SELDOM(cost_of_another(p));
    /* One after the other are one. */
    struct node_message m = came(p, NODE_CELL_TRAIN);
    spin(1);
    fill_train(p, 4000);
    fill_train(p, 4000);
    uint64_t ns = cost(p, &m);
    cr_assert(ns >= 4000000, "%lu ns of a half of twice 4 ms", ns);
    pair_free(p);
}

/* The time that a trial takes may be another program's: it is repeated. */
static void settles(struct pair *p, size_t len, const unsigned us[NODE_WAYS], enum node_way way)
{
    for (int i = 0; i < 50; i++) {
        trial(p, len, us);
        if (wanted(p, len) == way)
            return;
    }
    cr_assert(false, "%zu bytes still go by way %d, not %d", len, wanted(p, len), way);
}

Test(way, the_fastest)
{
    struct pair *p = pair_new();

    settles(p, SOME, (unsigned[]){200, 100, 300}, NODE_WAY_BOTH);
    settles(p, SOME, (unsigned[]){200, 200, 100}, NODE_WAY_ALONE);
    settles(p, SOME, (unsigned[]){100, 200, 200}, NODE_WAY_TRAIN);
    settles(p, SOME, (unsigned[]){300, 200, 100}, NODE_WAY_ALONE);
    cr_assert_eq(wanted(p, 20 * KIB), NODE_WAY_TRAIN, "another length has its own");
    cr_assert_eq(wanted(p, NODE_CHUNK), NODE_WAY_TRAIN, "chunks are no trains");
    cr_assert_eq(wanted(p, MOST + 1), NODE_WAY_TRAIN, "nor is what is always announced");
    pair_free(p);
}

/* A gain that is none is no reason to change; other programs' turns may look like one. */
Test(way, worth_while)
{
    struct pair *p = pair_new();
    int changed = 0;

    for (int i = 0; i < 20; i++) {
        trial(p, SOME, (unsigned[]){30, 29, 29});
        changed += wanted(p, SOME) != NODE_WAY_TRAIN;
        p->sender.ways.classes[1].best = NODE_WAY_TRAIN;
    }
    cr_assert_lt(changed, 15);
    pair_free(p);
}

Test(way, not_all_the_time)
{
    struct pair *p = pair_new();
    struct node_way_class *k = &p->sender.ways.classes[1];
    const unsigned us[NODE_WAYS] = {0};

    for (int i = 0; i < 20; i++)
        message(p, SOME, us);
    cr_assert_not(k->trial, "a few messages go one way");
    trial(p, SOME, us);
    cr_assert_gt(k->again, clock_ns() + 10000000u);
    k->again = UINT64_MAX;
    for (int i = 0; i < 1000; i++)
        message(p, SOME, us);
    cr_assert_not(k->trial);
    pair_free(p);
}

/* Nobody waits for them: the sender is to have them off its hands. */
Test(way, late_receives)
{
    struct pair *p = pair_new();
    struct node_way_class *k = &p->sender.ways.classes[1];
    struct node_message m = {.peer = &p->sender, .len = SOME, .kind = NODE_CELL_RTS};
    const unsigned us[NODE_WAYS] = {0};

    settles(p, SOME, (unsigned[]){200, 100, 200}, NODE_WAY_BOTH);
    k->again = UINT64_MAX;
    for (int i = 0; i < 400; i++) {
        m.sent = node_way_stamp(&p->ep, 0);
        if (i % 20 == 0)
            spin(200);
        node_way_kept(&p->ep, &m);
        message(p, SOME, us);
    }
    cr_assert_eq(wanted(p, SOME), NODE_WAY_BOTH, "some may be late");
    for (int i = 0; i < 100; i++) {
        m.sent = node_way_stamp(&p->ep, 0);
        spin(i % 2 ? 200 : 0);
        node_way_kept(&p->ep, &m);
        message(p, SOME, us);
    }
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN);
    cr_assert_gt(k->again, clock_ns() + 100000000u, "not for a while");
    pair_free(p);
}

/*
 * A hundred messages that are there at once, each of which takes 10 us. False: another program had
 * the processor meanwhile, so that the receiver was away indeed.
 */
static bool flood(struct pair *p, struct node_message *m)
{
    m->sent = node_way_stamp(&p->ep, 0);
    for (int i = 0; i < 100; i++) {
        uint64_t since = clock_ns();
        node_way_met(&p->ep, m);
        spin(10);
        if (clock_ns() - since > 20000)
            return false;
    }
    return true;
}

/* So many messages come while the receiver is away. */
static void absence(struct pair *p, struct node_message *m, int count)
{
    m->sent = node_way_stamp(&p->ep, 0);
    spin(1000);
    for (int i = 0; i < count; i++)
        node_way_met(&p->ep, m);
}

/* The same where they wait in the queue, as the receiver computes. */
Test(way, receiver_away)
{
    struct pair *p = pair_new();
    struct node_way_class *k = &p->sender.ways.classes[1];
    struct node_message m = {.peer = &p->sender, .len = SOME, .kind = NODE_CELL_RTS};
    int vain = 0;

    do {
        cr_assert_lt(vain++, 100, "this processor is never ours for a millisecond");
        settles(p, SOME, (unsigned[]){200, 100, 200}, NODE_WAY_BOTH);
        k->again = UINT64_MAX;
        k->late = 0;
    } while (!flood(p, &m));
    cr_assert_eq(wanted(p, SOME), NODE_WAY_BOTH, "a flood waits for itself");
    absence(p, &m, 100);
    cr_assert_eq(wanted(p, SOME), NODE_WAY_BOTH, "once is not often");
    for (int i = 0; i < 8; i++)
        absence(p, &m, 2);
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN);
    cr_assert_lt(k->again, UINT64_MAX, "it stays for a while");
    pair_free(p);
}

/* Where receives come late, but not too late, a trial comes to no end of its own. */
Test(way, trial_among_kept)
{
    struct pair *p = pair_new();
    struct node_way_class *k = &p->sender.ways.classes[1];
    struct node_message m = {.peer = &p->sender, .len = SOME, .kind = NODE_CELL_RTS};
    const unsigned us[NODE_WAYS] = {0};

    while (!k->trial || k->wanted == NODE_WAY_TRAIN)
        message(p, SOME, us);
    for (int i = 0; i < 100; i++) {
        m.sent = node_way_stamp(&p->ep, 0);
        node_way_kept(&p->ep, &m);
    }
    cr_assert_not(k->trial);
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN);
    pair_free(p);
}

Test(way, refused)
{
    struct pair *p = pair_new();

    settles(p, SOME, (unsigned[]){200, 100, 200}, NODE_WAY_BOTH);
    node_way_forget(&p->ep, &p->sender);
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN);
    pair_free(p);
}

Test(way, not_in_a_crowd)
{
    struct pair *p = pair_new();

    settles(p, SOME, (unsigned[]){200, 100, 200}, NODE_WAY_BOTH);
    crowded = true;
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN);
    crowded = false;
    p->out.single_copy = false;
    cr_assert_eq(wanted(p, SOME), NODE_WAY_TRAIN, "what the kernel refuses is no way");
    pair_free(p);
}

/* ---- What the sender does ---- */

NODE_TEST(way, as_asked, 2)
{
    struct end e;
    unsigned char *buf = malloc(MOST);

    CHECK(buf, "memory");
    end_start(&e, NULL);
    for (int i = 0; i < 60; i++) {
        enum node_way way = i % NODE_WAYS;
        size_t len = NODE_CHUNK + 1 + (size_t)i * 4153;
        if (rank == 1) {
            /* The first one makes us know each other. */
            if (i)
                ask(&e, 0, way);
            POST(&e, fi_trecv(e.ep, buf, MOST, NULL, e.addr[0], i, 0, buf));
        }
        job_barrier();
        if (rank == 0) {
            uint64_t before = counts.rendezvous;
            fill(buf, len, i);
            POST(&e, fi_tsend(e.ep, buf, len, NULL, e.addr[1], i, buf));
            CHECK((counts.rendezvous > before) == (i && way != NODE_WAY_TRAIN),
                  "%zu bytes by way %d", len, way);
        }
        end_wait_for(&e, buf);
        CHECK(rank == 0 || filled(buf, len, i), "%zu bytes by way %d", len, way);
        job_barrier();
    }
    end_finish(&e);
    free(buf);
}

enum { WINDOW = 24, WINDOWS = 150 };

static size_t some_length(int i)
{
    return (size_t)(i * 7919 % 61) * 4500 + 9000; /* chunks, trains, and what is longer */
}

/* In order and whole, whether a receive is there or not, and whatever was asked for meanwhile. */
NODE_TEST(way, changes_under_way, 2)
{
    struct end e;
    unsigned char *buf[WINDOW];

    for (int i = 0; i < WINDOW; i++)
        CHECK((buf[i] = malloc(300 * KIB)), "memory");
    end_start(&e, NULL);
    for (int w = 0; w < WINDOWS; w++) {
        for (int i = 0; i < WINDOW; i++) {
            int k = w * WINDOW + i;
            if (rank == 0) {
                fill(buf[i], some_length(k), k);
                POST(&e, fi_tsend(e.ep, buf[i], some_length(k), NULL, e.addr[1], 5, buf[i]));
            } else {
                if (k && k % 5 == 0)
                    ask(&e, 0, k / 5 % NODE_WAYS);
                POST(&e, fi_trecv(e.ep, buf[i], 300 * KIB, NULL, e.addr[0], 5, 0, buf[i]));
            }
        }
        for (int i = 0; i < WINDOW; i++) {
            struct fi_cq_tagged_entry entry;
            end_wait(&e, &entry);
        }
        for (int i = 0; rank == 1 && i < WINDOW; i++)
            CHECK(filled(buf[i], some_length(w * WINDOW + i), w * WINDOW + i), "window %d, %d", w,
                  i);
        if (w % 3 == 0)
            job_barrier(); /* otherwise one of the two comes first */
    }
    end_finish(&e);
    for (int i = 0; i < WINDOW; i++)
        free(buf[i]);
}

/* An endpoint whose peer has asked for announcements. */
static void asked(struct end *e, int rank, enum node_way way)
{
    char small;

    end_start(e, NULL);
    POST(e, fi_trecv(e->ep, &small, 1, NULL, e->addr[!rank], 1, 0, &small));
    POST(e, fi_tinject(e->ep, "x", 1, e->addr[!rank], 1));
    end_wait_for(e, &small);
    ask(e, !rank, way);
    job_barrier();
}

static size_t together(int w, int i)
{
    return NODE_CHUNK + 1 + (w * WINDOW + i) * 4999u % 130000;
}

/* Several that their receiver fetches in one call; in every other window each is longer than its
 * receive. */
NODE_TEST(way, fetched_together, 2)
{
    enum { SHORT = 1000 };
    struct end e;
    struct fi_cq_err_entry error;
    struct fi_cq_tagged_entry entry;
    unsigned char *buf[WINDOW];

    for (int i = 0; i < WINDOW; i++)
        CHECK((buf[i] = malloc(300 * KIB)), "memory");
    asked(&e, rank, NODE_WAY_ALONE);
    for (int w = 0; w < 20; w++) {
        bool cut = w % 2;
        uint64_t before = counts.rendezvous;
        if (rank == 1)
            ask(&e, 0, NODE_WAY_ALONE); /* each window waits for its receives */
        job_barrier();
        for (int i = 0; rank == 0 && i < WINDOW; i++) {
            fill(buf[i], together(w, i), w + i);
            POST(&e, fi_tsend(e.ep, buf[i], together(w, i), NULL, e.addr[1], 5, buf[i]));
        }
        CHECK(rank == 1 || counts.rendezvous == before + WINDOW, "not announced");
        job_barrier();
        for (int i = 0; rank == 1 && i < WINDOW; i++)
            POST(&e,
                 fi_trecv(e.ep, buf[i], cut ? SHORT : 300 * KIB, NULL, e.addr[0], 5, 0, buf[i]));
        for (int i = 0; i < WINDOW; i++) {
            if (rank == 0 || !cut) {
                end_wait(&e, &entry);
                continue;
            }
            end_wait_error(&e, &error);
            CHECK(error.err == FI_ETRUNC && error.len == SHORT && error.olen > NODE_CHUNK - SHORT,
                  "%zu bytes, %zu more", error.len, error.olen);
        }
        for (int i = 0; rank == 1 && i < WINDOW; i++)
            CHECK(filled(buf[i], cut ? SHORT : together(w, i), w + i), "window %d, %d", w, i);
        job_barrier();
    }
    end_finish(&e);
    for (int i = 0; i < WINDOW; i++)
        free(buf[i]);
}

/* ---- What nobody receives ---- */

enum { UNSENT = 3 };

/* Each sends before it receives, which is wrong, but works with messages of that length elsewhere:
 * the sends end all the same, and what was sent is what they were called with. */
NODE_TEST(way, sends_end_without_receives, 2)
{
    unsigned char *out[UNSENT], *in = malloc(MOST);
    const size_t lens[UNSENT] = {NODE_CHUNK + 1, SOME, MOST};
    struct end e;

    asked(&e, rank, NODE_WAY_ALONE);
    for (int i = 0; i < UNSENT; i++) {
        CHECK((out[i] = malloc(lens[i])), "memory");
        fill(out[i], lens[i], i + rank);
        POST(&e, fi_tsend(e.ep, out[i], lens[i], NULL, e.addr[!rank], 2 + i, out[i]));
    }
    for (int i = 0; i < UNSENT; i++) {
        struct fi_cq_tagged_entry entry;
        end_wait(&e, &entry);
    }
    for (int i = 0; i < UNSENT; i++)
        memset(out[i], 0, lens[i]);
    /* The other one's, too. */
    while (ep_of(&e)->taken_in < lens[0] + lens[1] + lens[2])
        end_quiet(&e);
    job_barrier();
    CHECK(!ep_of(&e)->held, "%u are held", ep_of(&e)->held);
    for (int i = UNSENT - 1; i >= 0; i--) {
        POST(&e, fi_trecv(e.ep, in, MOST, NULL, e.addr[!rank], 2 + i, 0, in));
        end_wait_for(&e, in);
        CHECK(filled(in, lens[i], i + !rank), "%zu bytes", lens[i]);
        free(out[i]);
    }
    CHECK(!ep_of(&e)->taken_in, "%zu bytes", ep_of(&e)->taken_in);
    free(in);
    end_finish(&e);
}

/* Not without bounds; the rest is fetched when it is received. And not one whose sender is to know
 * that it was received. */
NODE_TEST(way, taken_in_bounds, 2)
{
    enum { COUNT = 80 };
    struct end e;
    unsigned char *buf = malloc(MOST), small;

    CHECK(buf, "memory");
    fill(buf, MOST, 7);
    asked(&e, rank, NODE_WAY_ALONE);
    if (rank == 0) {
        struct iovec iov = {buf, SOME};
        struct fi_msg_tagged msg = {&iov, NULL, 1, e.addr[1], 3, 0, &small, 0};
        POST(&e, fi_tsendmsg(e.ep, &msg, FI_COMPLETION | FI_DELIVERY_COMPLETE));
        for (int i = 0; i < COUNT; i++)
            POST(&e, fi_tsend(e.ep, buf, MOST, NULL, e.addr[1], 2, buf));
    }
    job_barrier();
    if (rank == 1) {
        while (ep_of(&e)->taken_in + MOST <= 16 << 20)
            end_quiet(&e);
        for (uint64_t until = clock_ns() + 100000000u; clock_ns() < until;)
            end_quiet(&e);
        size_t bytes = ep_of(&e)->taken_in;
        CHECK(bytes <= 16 << 20 && ep_of(&e)->held > 0, "%zu bytes", bytes);
        for (int i = 0; i < COUNT; i++) {
            memset(buf, 0, MOST);
            POST(&e, fi_trecv(e.ep, buf, MOST, NULL, e.addr[0], 2, 0, buf));
            end_wait_for(&e, buf);
            CHECK(filled(buf, MOST, 7), "message %d", i);
        }
        CHECK(!ep_of(&e)->taken_in && !ep_of(&e)->held, "%u are held", ep_of(&e)->held);
    }
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        struct fi_cq_tagged_entry entry;
        end_wait(&e, &entry);
        CHECK(entry.op_context == buf, "not received, and told");
    }
    job_barrier();
    if (rank == 1) {
        POST(&e, fi_trecv(e.ep, buf, MOST, NULL, e.addr[0], 3, 0, buf));
        end_wait_for(&e, buf);
    } else {
        end_wait_for(&e, &small);
    }
    free(buf);
    end_finish(&e);
}
