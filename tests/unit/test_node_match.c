/* SPDX-License-Identifier: BSD-3-Clause */
/* Matching in the node provider: tags, sources, peek, claim, discard, cancel, unexpected floods. */
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_segment.h"
#include "tests/unit/node_job.h"

static uint64_t value_of(struct end *e, int rank, uint64_t tag, uint64_t ignore, fi_addr_t source)
{
    uint64_t value = 0;

    (void)rank;
    POST(e, fi_trecv(e->ep, &value, sizeof(value), NULL, source, tag, ignore, &value));
    end_wait_for(e, &value);
    return value;
}

static void put(struct end *e, int to, uint64_t tag, uint64_t value)
{
    POST(e, fi_tinject(e->ep, &value, sizeof(value), e->addr[to], tag));
}

static void settle(struct end *e)
{
    for (int i = 0; i < 50; i++)
        end_progress(e);
}

/* ---- Tags and sources ---- */

/* The oldest match wins, whatever it ignores; in both orders of receive and message. */
NODE_TEST(match, ignored_bits, 2)
{
    static const struct row {
        uint64_t sent, wanted, ignore;
        bool match;
    } rows[] = {
        {5, 5, 0, true},
        {5, 6, 0, false},
        {5, 4, 1, true},
        {5, 0, ~0ull, true},
        {0x8000000000000005, 5, 0xff00000000000000, true},
        {0x8000000000000005, 5, 0x7f00000000000000, false},
        {0x0080000000000005, 5, 0x00ff000000000000, true},
        {~0ull, 0, ~0ull, true},
        {~0ull, ~0ull, 0, true},
        {0, 1ull << 63, 1ull << 63, true},
    };
    struct end e;
    uint64_t got[2];

    end_start(&e, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int late = 0; late < 2; late++) {
            const struct row *r = &rows[i];
            if (rank == 0) {
                if (!late)
                    job_barrier();
                put(&e, 1, r->sent, 1);
                put(&e, 1, 77, 2);
                if (late)
                    job_barrier();
                job_barrier();
                continue;
            }
            if (late) {
                job_barrier();
                settle(&e);
            }
            POST(&e, fi_trecv(e.ep, &got[0], 8, NULL, e.addr[0], r->wanted, r->ignore, &got[0]));
            if (!late)
                job_barrier();
            if (!r->match && r->ignore != ~0ull) {
                CHECK(value_of(&e, 0, 77, 0, e.addr[0]) == 2, "row %zu", i);
                CHECK(!fi_cancel(&e.ep->fid, &got[0]), "row %zu matched", i);
                struct fi_cq_err_entry error;
                end_wait_error(&e, &error);
                CHECK(value_of(&e, 0, r->sent, 0, e.addr[0]) == 1, "row %zu", i);
            } else {
                end_wait_for(&e, &got[0]);
                CHECK(got[0] == 1, "row %zu: %lu", i, got[0]);
                CHECK(value_of(&e, 0, 77, 0, e.addr[0]) == 2, "row %zu", i);
            }
            job_barrier();
        }
    end_finish(&e);
}

/* Receives with and without ignored bits, posted in turns, are used in the order of posting. */
NODE_TEST(match, oldest_receive_wins, 2)
{
    enum { COUNT = 64 };
    struct end e;
    uint64_t got[COUNT];

    end_start(&e, NULL);
    if (rank == 1)
        for (int i = 0; i < COUNT; i++)
            POST(&e, fi_trecv(e.ep, &got[i], 8, NULL, i % 3 ? e.addr[0] : FI_ADDR_UNSPEC, 9,
                              i % 2 ? 0 : ~0ull, &got[i]));
    job_barrier();
    for (int i = 0; i < COUNT; i++)
        if (rank == 0)
            put(&e, 1, 9, i);
        else
            end_wait_for(&e, &got[i]);
    for (int i = 0; rank == 1 && i < COUNT; i++)
        CHECK(got[i] == (uint64_t)i, "receive %d has %lu", i, got[i]);
    end_finish(&e);
}

/* A receive from one source takes nothing from the others. */
NODE_TEST(match, directed, 4)
{
    struct end e;

    end_start(&e, NULL);
    if (rank) {
        put(&e, 0, 1, rank * 10);
        put(&e, 0, 1, rank * 10 + 1);
        POST(&e, fi_inject(e.ep, &rank, sizeof(rank), e.addr[0]));
        job_barrier();
    } else {
        job_barrier();
        for (int r = 3; r > 0; r--) {
            CHECK(value_of(&e, 0, 1, 0, e.addr[r]) == r * 10u, "from %d", r);
            CHECK(value_of(&e, 0, 1, 0, e.addr[r]) == r * 10u + 1, "from %d", r);
            int who = 0;
            POST(&e, fi_recv(e.ep, &who, sizeof(who), NULL, e.addr[r], &who));
            end_wait_for(&e, &who);
            CHECK(who == r, "message of %d from %d", who, r);
        }
        end_quiet(&e);
    }
    end_finish(&e);
}

/* Tagged and untagged messages never meet. */
NODE_TEST(match, tagged_and_plain_apart, 2)
{
    struct end e;
    uint64_t a = 0, b = 0;

    end_start(&e, NULL);
    if (rank == 0) {
        uint64_t v = 1;
        POST(&e, fi_inject(e.ep, &v, 8, e.addr[1]));
        put(&e, 1, 0, 2);
    } else {
        CHECK(value_of(&e, 0, 0, ~0ull, FI_ADDR_UNSPEC) == 2, "tagged");
        POST(&e, fi_trecv(e.ep, &a, 8, NULL, FI_ADDR_UNSPEC, 0, ~0ull, &a));
        POST(&e, fi_recv(e.ep, &b, 8, NULL, FI_ADDR_UNSPEC, &b));
        end_wait_for(&e, &b);
        CHECK(b == 1, "plain");
        end_quiet(&e);
    }
    end_finish(&e);
}

/* 100000 messages that nobody waited for, of mixed sizes, received last tag first. */
NODE_TEST(match, unexpected_in_reverse, 2)
{
    enum { COUNT = 100000 };
    struct end e;
    unsigned char buf[600];

    end_start(&e, NULL);
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        size_t len = i % 16 ? 4 : 500;
        fill(buf, len, i);
        POST(&e, fi_tinject(e.ep, buf, len, e.addr[1], i));
    }
    if (rank == 0) {
        put(&e, 1, COUNT, 1);
    } else {
        CHECK(value_of(&e, 0, COUNT, 0, FI_ADDR_UNSPEC) == 1, "the last");
        for (int i = COUNT - 1; i >= 0; i--) {
            struct fi_cq_tagged_entry c;
            POST(&e, fi_trecv(e.ep, buf, sizeof(buf), NULL, FI_ADDR_UNSPEC, i, 0, buf));
            end_wait(&e, &c);
            CHECK(c.len == (i % 16 ? 4 : 500) && filled(buf, c.len, i), "message %d", i);
        }
    }
    end_finish(&e);
}

/* ---- Peek, claim, discard ---- */

static ssize_t look(struct end *e, bool tagged, uint64_t tag, uint64_t ignore, uint64_t flags,
                    void *buf, size_t len, void *context)
{
    struct iovec iov = {buf, len};
    struct fi_msg_tagged t = {&iov, NULL, buf ? 1 : 0, FI_ADDR_UNSPEC, tag, ignore, context, 0};
    struct fi_msg m = {&iov, NULL, buf ? 1 : 0, FI_ADDR_UNSPEC, context, 0};

    return tagged ? fi_trecvmsg(e->ep, &t, flags) : fi_recvmsg(e->ep, &m, flags);
}

static void no_message(struct end *e, bool tagged, uint64_t tag)
{
    struct fi_cq_err_entry error;

    CHECK(!look(e, tagged, tag, 0, FI_PEEK, NULL, 0, e), "peek");
    end_wait_error(e, &error);
    CHECK(error.err == FI_ENOMSG && error.op_context == e, "err %d", error.err);
}

/* Waits until a peek sees the message; its completion. */
static struct fi_cq_tagged_entry seen(struct end *e, bool tagged, uint64_t tag, uint64_t ignore,
                                      uint64_t flags, void *context)
{
    struct fi_cq_tagged_entry c = {0};
    struct fi_cq_err_entry error = {0};
    ssize_t n;

    for (;;) {
        CHECK(!look(e, tagged, tag, ignore, FI_PEEK | flags, NULL, 0, context), "peek");
        n = fi_cq_read(e->cq, &c, 1);
        if (n == 1)
            break;
        CHECK(n == -FI_EAVAIL && fi_cq_readerr(e->cq, &error, 0) == 1, "peek says nothing");
        CHECK(error.err == FI_ENOMSG, "err %d", error.err);
    }
    CHECK(c.op_context == context && c.flags & FI_RECV, "context");
    return c;
}

static void peeks(int rank, struct end *e, bool tagged, size_t len)
{
    unsigned char *buf = malloc(len + 1);
    int one, two;
    struct fi_cq_tagged_entry c;

    if (rank == 0) {
        job_barrier();
        for (int i = 0; i < 5; i++) {
            fill(buf, len, i);
            if (tagged)
                POST(e, fi_tsenddata(e->ep, buf, len, NULL, i, e->addr[1], i, buf));
            else
                POST(e, fi_senddata(e->ep, buf, len, NULL, i, e->addr[1], buf));
            end_wait_for(e, buf); /* a long one is sent when it was received or thrown away */
        }
        job_barrier();
        free(buf);
        return;
    }
    no_message(e, tagged, 0);
    job_barrier();
    /* Only look, twice; then receive. */
    for (int i = 0; i < 2; i++) {
        c = seen(e, tagged, 0, 0, 0, &one);
        CHECK(c.len == len && c.data == 0, "len %zu", c.len);
    }
    CHECK(!look(e, tagged, 0, 0, 0, buf, len, buf), "receive");
    end_wait_for(e, buf);
    CHECK(filled(buf, len, 0), "bytes");
    /* Look and throw away. */
    c = seen(e, tagged, 1, 0, FI_DISCARD, &one);
    CHECK(c.data == 1, "data %lu", c.data);
    /* Claim: nobody else gets it, and who claimed does. */
    c = seen(e, tagged, 2, 0, FI_CLAIM, &one);
    CHECK(c.data == 2 && c.len == len, "data %lu", c.data);
    if (tagged)
        no_message(e, tagged, 2);
    CHECK(look(e, tagged, 2, 0, FI_CLAIM, buf, len, &two) == -FI_ENOMSG, "not its claimant");
    CHECK(!look(e, tagged, 2, 0, FI_CLAIM, buf, len, &one), "claimed");
    end_wait(e, &c);
    CHECK(c.op_context == &one && c.len == len && filled(buf, len, 2), "claimed");
    /* Claim, then throw away. */
    c = seen(e, tagged, 3, 0, FI_CLAIM, &two);
    CHECK(!look(e, tagged, 3, 0, FI_CLAIM | FI_DISCARD, NULL, 0, &two), "discard");
    end_wait_for(e, &two);
    c = seen(e, tagged, 4, 0, FI_DISCARD, &one);
    CHECK(c.data == 4, "data %lu", c.data);
    CHECK(look(e, tagged, 4, 0, FI_CLAIM, buf, len, &one) == -FI_ENOMSG, "nothing claimed");
    no_message(e, tagged, 4);
    job_barrier();
    free(buf);
}

static void all_peeks(int rank)
{
    static const size_t lens[] = {0, 8, 40, 41, 97, 16384, 16385, 200000};
    struct end e;

    end_start(&e, NULL);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        for (int tagged = 0; tagged < 2; tagged++)
            peeks(rank, &e, tagged, lens[i]);
    end_finish(&e);
}

Test(match, peek_claim_discard)
{
    cr_assert_eq(job_run(2, all_peeks), 0);
}

static void all_peeks_by_streams(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    all_peeks(rank);
}

Test(match, peek_claim_discard_of_streams)
{
    cr_assert_eq(job_run(2, all_peeks_by_streams), 0);
}

/* A claimed message is out of the order of the others, which go on. */
NODE_TEST(match, claimed_out_of_order, 2)
{
    struct end e;
    uint64_t value;
    int mine;

    end_start(&e, NULL);
    for (int i = 0; rank == 0 && i < 10; i++)
        put(&e, 1, 1, i);
    if (rank == 1) {
        seen(&e, true, 1, 0, FI_CLAIM, &mine);
        for (uint64_t i = 1; i < 10; i++)
            CHECK(value_of(&e, 0, 1, 0, FI_ADDR_UNSPEC) == i, "message %lu", i);
        CHECK(!look(&e, true, 1, 0, FI_CLAIM, &value, 8, &mine), "claimed");
        end_wait_for(&e, &mine);
        CHECK(value == 0, "value %lu", value);
    }
    end_finish(&e);
}

/* ---- Cancel ---- */

NODE_TEST(match, cancel_is_synchronous, 1)
{
    struct end e;
    struct fi_cq_err_entry error;
    uint64_t got[8];

    (void)rank;
    end_start(&e, NULL);
    for (int i = 0; i < 8; i++)
        if (i % 2)
            POST(&e,
                 fi_trecv(e.ep, &got[i], 8, NULL, FI_ADDR_UNSPEC, i, i & 2 ? ~0ull : 0, &got[i]));
        else
            POST(&e, fi_recv(e.ep, &got[i], 8, NULL, FI_ADDR_UNSPEC, &got[i]));
    for (int i = 7; i >= 0; i--) {
        CHECK(!fi_cancel(&e.ep->fid, &got[i]), "cancel %d", i);
        CHECK(fi_cancel(&e.ep->fid, &got[i]) == -FI_ENOENT, "cancel %d again", i);
        end_wait_error(&e, &error);
        CHECK(error.err == FI_ECANCELED && error.op_context == &got[i], "cancel %d", i);
        CHECK(error.flags == (FI_RECV | (i % 2 ? FI_TAGGED : FI_MSG)), "%lx", error.flags);
    }
    end_quiet(&e);
    end_finish(&e);
}

/* Each message is received once, by the receive or by the one after its cancellation. */
NODE_TEST(match, cancel_against_arrival, 2)
{
    enum { COUNT = 100000 };
    struct end e;
    uint64_t value, cancelled = 0;

    end_start(&e, NULL);
    for (uint64_t i = 0; i < COUNT; i++) {
        if (rank == 0) {
            put(&e, 1, 3, i);
            if (i % 64 == 63)
                CHECK(value_of(&e, 0, 4, 0, FI_ADDR_UNSPEC) == i, "pace");
            continue;
        }
        value = ~0ull;
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, i & 1 ? e.addr[0] : FI_ADDR_UNSPEC, 3,
                          i & 2 ? ~0ull : 0, &value));
        for (unsigned n = i % 7; n; n--)
            end_progress(&e);
        ssize_t ret = fi_cancel(&e.ep->fid, &value);
        CHECK(ret == 0 || ret == -FI_ENOENT, "%zd", ret);
        if (!ret) {
            struct fi_cq_err_entry error;
            end_wait_error(&e, &error);
            CHECK(error.err == FI_ECANCELED && error.op_context == &value, "err %d", error.err);
            CHECK(value == ~0ull, "cancelled, and received too");
            cancelled++;
            value = value_of(&e, 0, 3, 0, FI_ADDR_UNSPEC);
        } else {
            end_wait_for(&e, &value);
        }
        CHECK(value == i, "%lu instead of %lu", value, i);
        if (i % 64 == 63)
            put(&e, 0, 4, i);
    }
    /* A race that only one side ever wins is none. */
    CHECK(rank == 0 || (cancelled > 0 && cancelled < COUNT), "%lu were cancelled", cancelled);
    end_finish(&e);
}

/* ---- Floods ---- */

static bool distant;

/* Both send until neither can, without looking; then both drain: nothing lost, nothing stuck. */
static void flood(int rank, size_t len)
{
    struct end e;
    unsigned char *buf = malloc(len);
    uint64_t sent = 0, got = 0;
    int other = 1 - rank;
    ssize_t ret;

    end_start(&e, NULL);
    if (distant)
        end_keep_distant(&e);
    for (;; sent++) {
        fill(buf, len, sent);
        ret = fi_tinject(e.ep, buf, len, e.addr[other], sent);
        if (ret)
            break;
        CHECK(sent < 100000, "no limit to what a process that sleeps is sent");
    }
    CHECK(ret == -FI_EAGAIN, "%zd", ret);
    CHECK(sent >= 16, "only %lu", sent);
    job_words[rank] = sent;
    job_barrier();
    /* A flood on top of it, while draining. */
    for (uint64_t i = 0; i < 5000; i++) {
        fill(buf, len, sent + i);
        POST(&e, fi_tinject(e.ep, buf, len, e.addr[other], sent + i));
    }
    for (; got < job_words[other] + 5000; got++) {
        POST(&e, fi_trecv(e.ep, buf, len, NULL, e.addr[other], got, 0, buf));
        end_wait_for(&e, buf);
        CHECK(filled(buf, len, got), "message %lu", got);
    }
    end_quiet(&e);
    end_finish(&e);
    free(buf);
}

NODE_TEST(match, flood_of_cells, 2)
{
    flood(rank, 16);
}

NODE_TEST(match, flood_of_chunks, 2)
{
    flood(rank, 8000);
}

NODE_TEST(match, flood_of_chunks_to_a_distant_peer, 2)
{
    distant = true;
    flood(rank, 8000);
}

/*
 * Trains that nobody asks for keep their chunks; what comes behind them, of any length, must get
 * there all the same: it is asked for first.
 */
static void trains_that_wait(int rank)
{
    static const size_t lens[] = {8, 80, 5000, 16384, 16385, 100000, 262144, 300000};
    enum { TRAINS = 40, LENS = sizeof(lens) / sizeof(*lens), LEN = 40000 };
    struct end e;
    unsigned char *buf = malloc(TRAINS + 300000), *in = malloc(300000);
    int other = 1 - rank, ended = 0;

    end_start(&e, NULL);
    fill(buf, TRAINS + 300000, 3);
    for (int i = 0; i < TRAINS; i++)
        POST(&e, fi_tsend(e.ep, buf + i, LEN, NULL, e.addr[other], i, buf));
    for (int i = 0; i < LENS; i++)
        POST(&e, fi_tsend(e.ep, buf, lens[i], NULL, e.addr[other], 1000 + i, buf));
    for (int i = LENS + TRAINS - 1; i >= 0; i--) { /* the last one first */
        bool late = i >= TRAINS;
        size_t len = late ? lens[i - TRAINS] : LEN;
        struct fi_cq_tagged_entry c;

        POST(&e,
             fi_trecv(e.ep, in, 300000, NULL, e.addr[other], late ? 1000 + i - TRAINS : i, 0, in));
        for (bool got = false; !got;) {
            end_wait(&e, &c);
            got = c.op_context == in;
            ended += c.op_context == buf;
        }
        CHECK(c.len == len && !memcmp(in, buf + (late ? 0 : i), len), "message %d", i);
    }
    for (; ended < LENS + TRAINS; ended++)
        end_wait_for(&e, buf);
    end_finish(&e);
    free(buf);
    free(in);
}

NODE_TEST(match, trains_that_nobody_asks_for, 2)
{
    trains_that_wait(rank);
}

Test(match, trains_that_nobody_asks_for_without_single_copies)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    cr_assert_eq(job_run(2, trains_that_wait), 0);
}

/* Answers find no room either: long messages, acknowledged ones, to a queue that is full. */
static void flood_of_answers(int rank)
{
    enum { LONG = 500, LEN = NODE_TRAIN * NODE_CHUNK + 3000 };
    struct end e;
    unsigned char *buf = malloc(LONG + LEN); /* message i begins at byte i */
    struct fi_cq_tagged_entry c;
    int other = 1 - rank, ended = 0; /* of our own long ones */
    uint64_t sent = 0, value = 0;

    end_start(&e, NULL);
    fill(buf, LONG + LEN, 1);
    for (int i = 0; i < LONG; i++)
        CHECK(!fi_tsend(e.ep, buf + i, LEN, NULL, e.addr[other], i, &sent), "send");
    while (!fi_tinject(e.ep, &sent, 8, e.addr[other], 1 << 20))
        sent++;
    job_words[rank] = sent;
    job_barrier();
    unsigned char *in = malloc(LEN);
    for (int i = 0; i < LONG; i++) {
        bool got = false;
        POST(&e, fi_trecv(e.ep, in, LEN, NULL, e.addr[other], i, 0, in));
        while (!got) {
            end_wait(&e, &c);
            got = c.op_context == in;
            ended += c.op_context == &sent;
        }
        CHECK(!memcmp(in, buf + i, LEN), "message %d", i);
    }
    for (uint64_t i = 0; i < job_words[other]; i++) {
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[other], 1 << 20, 0, &value));
        for (bool got = false; !got;) {
            end_wait(&e, &c);
            got = c.op_context == &value;
            ended += c.op_context == &sent;
        }
        CHECK(value == i, "%lu instead of %lu", value, i);
    }
    for (; ended < LONG; ended++)
        end_wait_for(&e, &sent);
    end_finish(&e);
    free(in);
    free(buf);
}

Test(match, flood_of_answers)
{
    cr_assert_eq(job_run(2, flood_of_answers), 0);
}

static void flood_of_streams(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    flood_of_answers(rank);
}

Test(match, flood_of_streams)
{
    cr_assert_eq(job_run(2, flood_of_streams), 0);
}

/*
 * Rank 1 looks at nothing. However much it is sent, rank 0 and rank 2 talk as before, by all ways:
 * who does not look takes neither the chunks nor the answers from the others.
 */
static void one_sleeps(int rank)
{
    enum { LEN = 16384, LONG = 50000 };
    struct end e;
    unsigned char *buf = malloc(LONG);
    struct fi_cq_tagged_entry c;
    int other = 2 - rank;

    end_start(&e, NULL);
    if (rank == 1) {
        job_barrier();
        end_finish(&e);
        return;
    }
    /* Long ones first: with messages alone, what answers them streams into the sleeper. */
    while (!fi_tinject(e.ep, buf, LEN, e.addr[1], 0))
        ;
    while (!fi_tinject(e.ep, buf, 8, e.addr[1], 0))
        ;
    static const size_t lens[] = {8, 1000, LEN, LONG};
    for (int i = 0; i < 400; i++) {
        size_t len = lens[i % 4];
        unsigned char *in = malloc(len);
        int done = 0;
        fill(buf, len, i);
        POST(&e, fi_trecv(e.ep, in, len, NULL, e.addr[other], i, 0, in));
        uint64_t until = now_ns() + UINT64_C(5000000000);
        ssize_t ret;
        while ((ret = fi_tsend(e.ep, buf, len, NULL, e.addr[other], i, buf)) == -FI_EAGAIN) {
            CHECK(now_ns() < until, "a process that sleeps keeps two others from talking");
            end_progress(&e);
        }
        CHECK(!ret, "%zd", ret);
        while (done < 2) {
            end_wait(&e, &c);
            done++;
        }
        CHECK(filled(in, len, i), "message %d", i);
        free(in);
    }
    job_barrier();
    end_finish(&e);
    free(buf);
}

Test(match, one_sleeps)
{
    cr_assert_eq(job_run(3, one_sleeps), 0);
}

static void one_sleeps_streams(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    one_sleeps(rank);
}

Test(match, one_sleeps_by_streams)
{
    cr_assert_eq(job_run(3, one_sleeps_streams), 0);
}
