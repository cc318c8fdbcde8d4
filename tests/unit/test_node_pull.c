/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Long messages of the node provider, which sender and receiver copy together: every byte of every
 * kind of buffer, whoever does how much of it, and whoever is killed or forbidden to.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "provider/node/node_pull.h"
#include "provider/node/node_train.h"
#include "tests/unit/node_job.h"

enum { MIB = 1 << 20, LONG = 3 * MIB + 12345 };

static const size_t lens[] = {16385, 32768, 32769, 49152,   65535,       65536,
                              65537, 98304, MIB,   MIB + 1, 2 * MIB + 7, LONG};
enum { LENS = sizeof(lens) / sizeof(lens[0]) };

static unsigned char *room(size_t len)
{
    unsigned char *p = malloc(len);

    CHECK(p, "memory");
    return p;
}

static struct node_ep *ep_of(struct end *e)
{
    return container_of(e->ep, struct node_ep, fid);
}

/* Whatever is longer than a chunk is announced, as if trains had all the chunks they may have. */
static void no_trains(struct end *e)
{
    ep_of(e)->train_chunks = NODE_CHUNKS;
    for (int i = 0; i < job_size; i++) {
        struct node_peer *peer;
        CHECK(!node_peer_get(ep_of(e), e->addr[i], &peer), "peer");
        peer->waits_since = 1;
    }
}

/* ---- Who copies how much ---- */

/* One blocking message of each length; `idle` may stay away from its progress meanwhile. */
static void one_by_one(struct end *e, int rank, int idle)
{
    unsigned char *buf = room(LONG + 64);

    no_trains(e);
    for (int i = 0; i < LENS; i++) {
        size_t len = lens[i];
        if (rank == 0) {
            fill(buf, len, i);
            POST(e, fi_tsend(e->ep, buf, len, NULL, e->addr[1], i, buf));
        } else {
            memset(buf, 0xee, len + 64);
            POST(e, fi_trecv(e->ep, buf, len + 64, NULL, e->addr[0], i, 0, buf));
        }
        if (rank == idle)
            usleep(2000);
        end_wait_for(e, buf);
        CHECK(filled(buf, len, i), "%zu bytes", len);
        CHECK(rank == 0 || buf[len] == 0xee, "more than %zu bytes", len);
    }
    end_quiet(e);
    free(buf);
}

NODE_TEST(pull, both_copy, 2)
{
    struct end e;

    end_start(&e, NULL);
    one_by_one(&e, rank, -1);
    end_finish(&e);
}

NODE_TEST(pull, sender_stays_away, 2)
{
    struct end e;

    end_start(&e, NULL);
    one_by_one(&e, rank, 0);
    end_finish(&e);
}

NODE_TEST(pull, receiver_stays_away, 2)
{
    struct end e;

    end_start(&e, NULL);
    one_by_one(&e, rank, 1);
    end_finish(&e);
}

/*
 * The receiver matches and then makes no progress at all until the sender has copied every block:
 * the sender alone can do it, into pieces of any alignment, out of pieces of any alignment.
 */
NODE_TEST(pull, sender_copies_all, 2)
{
    struct end e;
    unsigned char *buf = room(LONG);
    size_t a = 70001, b = 1234567;

    end_start(&e, NULL);
    if (rank == 0) {
        struct iovec iov[4] = {{buf, a}, {buf + a, 0}, {buf + a, b}, {buf + a + b, LONG - a - b}};
        fill(buf, LONG, 1);
        POST(&e, fi_tsendv(e.ep, iov, NULL, 4, e.addr[1], 1, buf));
        job_barrier();
        job_barrier();
        while (!node_pull_has_work(ep_of(&e)))
            sched_yield();
        while (node_pull_has_work(ep_of(&e)))
            end_progress(&e);
        job_barrier();
        end_wait_for(&e, buf);
    } else {
        struct iovec iov[3] = {{buf, b}, {buf + b, a}, {buf + a + b, LONG - a - b}};
        memset(buf, 0, LONG);
        job_barrier();
        end_progress(&e); /* it is here, unexpected */
        POST(&e, fi_trecvv(e.ep, iov, NULL, 3, e.addr[0], 1, 0, buf));
        job_barrier();
        job_barrier();
        CHECK(filled(buf, LONG, 1), "not all copied, or not to its place");
        end_wait_for(&e, buf);
    }
    end_finish(&e);
    free(buf);
}

/*
 * Of messages that follow each other each end copies whole ones: the receiver takes one and stays
 * away, the sender copies the others.
 */
NODE_TEST(pull, whole_messages, 2)
{
    enum { COUNT = 3, LEN = 100000 };
    struct end e;
    unsigned char *buf = room(COUNT * LEN);

    end_start(&e, NULL);
    no_trains(&e);
    memset(buf, 0, COUNT * LEN);
    for (int i = 0; i < COUNT; i++)
        if (rank == 1)
            POST(&e, fi_trecv(e.ep, buf + i * LEN, LEN, NULL, e.addr[0], i, 0, buf + i));
    job_barrier();
    for (int i = 0; i < COUNT; i++)
        if (rank == 0) {
            fill(buf + i * LEN, LEN, i);
            POST(&e, fi_tsend(e.ep, buf + i * LEN, LEN, NULL, e.addr[1], i, buf + i));
        }
    job_barrier();
    if (rank == 1) {
        end_progress(&e);
        CHECK(filled(buf, LEN, 0), "the receiver's own part");
        for (int i = 1; i < COUNT; i++)
            CHECK(!buf[i * LEN] && !buf[i * LEN + LEN / 2], "message %d is begun", i);
    }
    job_barrier();
    while (rank == 0 && node_pull_has_work(ep_of(&e)))
        end_progress(&e);
    job_barrier();
    for (int i = 0; i < COUNT; i++) {
        CHECK(filled(buf + i * LEN, LEN, i), "message %d", i);
        end_wait_for(&e, buf + i);
    }
    end_finish(&e);
    free(buf);
}

/* One that comes behind a long one does not wait for it. */
NODE_TEST(pull, behind_a_long_one, 2)
{
    enum { LEN = 100000 };
    struct end e;
    unsigned char *buf = room(LONG), *other = room(LEN);

    end_start(&e, NULL);
    no_trains(&e);
    memset(other, 0, LEN);
    if (rank == 1) {
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 1, 0, buf));
        POST(&e, fi_trecv(e.ep, other, LEN, NULL, e.addr[0], 2, 0, other));
    }
    job_barrier();
    if (rank == 0) {
        fill(buf, LONG, 1);
        fill(other, LEN, 2);
        POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 1, buf));
        POST(&e, fi_tsend(e.ep, other, LEN, NULL, e.addr[1], 2, other));
    }
    job_barrier();
    if (rank == 1) {
        end_progress(&e);
        CHECK(filled(other, LEN, 2), "it waits");
        CHECK(ep_of(&e)->pulls.long_begun == 1, "%u", ep_of(&e)->pulls.long_begun);
    }
    job_barrier();
    for (int i = 0; i < 2; i++) {
        struct fi_cq_tagged_entry c;
        end_wait(&e, &c);
    }
    CHECK(filled(buf, LONG, 1) && filled(other, LEN, 2), "the bytes");
    CHECK(!ep_of(&e)->pulls.long_begun, "%u", ep_of(&e)->pulls.long_begun);
    end_finish(&e);
    free(buf);
    free(other);
}

/* Only what the receive has room for, and the error says the rest. */
NODE_TEST(pull, truncated, 2)
{
    static const size_t rooms[] = {1, 16384, 32768, 32769, 65536, 100000, MIB - 1, LONG - 1};
    struct end e;
    unsigned char *buf = room(LONG);
    struct fi_cq_err_entry error;

    end_start(&e, NULL);
    no_trains(&e);
    for (int i = 0; i < LENS; i++)
        for (size_t k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++) {
            if (rooms[k] >= lens[i])
                continue;
            if (rank == 0) {
                fill(buf, lens[i], i);
                POST(&e, fi_tsend(e.ep, buf, lens[i], NULL, e.addr[1], 5, buf));
                end_wait_for(&e, buf);
                continue;
            }
            memset(buf, 0xee, lens[i]);
            POST(&e, fi_trecv(e.ep, buf, rooms[k], NULL, e.addr[0], 5, 0, buf));
            end_wait_error(&e, &error);
            CHECK(error.err == FI_ETRUNC && error.len == rooms[k] &&
                      error.olen == lens[i] - rooms[k],
                  "%zu of %zu: %s, %zu and %zu", rooms[k], lens[i], strerror(error.err), error.len,
                  error.olen);
            CHECK(filled(buf, rooms[k], i) && buf[rooms[k]] == 0xee, "%zu of %zu", rooms[k],
                  lens[i]);
        }
    end_finish(&e);
    free(buf);
}

/* ---- Many at once ---- */

/*
 * More than there are slots, of mixed lengths, in both directions and from everybody to everybody,
 * received in another order than sent.
 */
static void many(struct end *e, int rank)
{
    enum { COUNT = NODE_PULLS + 20, MOST = 200000 };
    static unsigned char *out[COUNT], *in[COUNT];
    int next = (rank + 1) % job_size, last = (rank + job_size - 1) % job_size;
    struct fi_cq_tagged_entry c;

    no_trains(e);
    for (int i = 0; i < COUNT; i++) {
        out[i] = room(MOST);
        in[i] = room(MOST);
        memset(in[i], 0, MOST);
        fill(out[i], 20000 + (size_t)i * 2000, rank * COUNT + i);
    }
    for (int i = 0; i < COUNT; i++) {
        size_t len = 20000 + (size_t)i * 2000;
        int j = (i * 37) % COUNT; /* all of them: 37 divides no COUNT here */
        POST(e, fi_tsend(e->ep, out[i], len, NULL, e->addr[next], i, out));
        POST(e, fi_trecv(e->ep, in[j], MOST, NULL, e->addr[last], j, 0, in));
    }
    for (int i = 0; i < 2 * COUNT; i++)
        end_wait(e, &c);
    for (int i = 0; i < COUNT; i++)
        CHECK(filled(in[i], 20000 + (size_t)i * 2000, last * COUNT + i), "message %d", i);
    end_quiet(e);
    CHECK(!ep_of(e)->pulls.active && !ep_of(e)->pulls.slots_used, "a slot is not given back");
    for (int i = 0; i < COUNT; i++) {
        free(out[i]);
        free(in[i]);
    }
}

NODE_TEST(pull, both_ways, 2)
{
    struct end e;

    end_start(&e, NULL);
    for (int i = 0; i < 3; i++)
        many(&e, rank);
    end_finish(&e);
}

NODE_TEST(pull, ring_of_6, 6)
{
    struct end e;

    end_start(&e, NULL);
    many(&e, rank);
    end_finish(&e);
}

NODE_TEST(pull, to_oneself, 1)
{
    struct end e;

    end_start(&e, NULL);
    many(&e, rank);
    end_finish(&e);
}

/* The same while a waiter sleeps: a block copied by the other wakes it. */
NODE_TEST(pull, asleep, 2)
{
    struct end e;
    unsigned char *buf = room(LONG);
    struct fi_cq_tagged_entry c;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    for (int i = 0; i < 50; i++) {
        ssize_t n;
        if (rank == 0) {
            fill(buf, LONG, i);
            POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 1, buf));
        } else {
            POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 1, 0, buf));
        }
        while ((n = fi_cq_sread(e.cq, &c, 1, NULL, -1)) == -FI_EAGAIN)
            ;
        CHECK(n == 1 && c.op_context == buf, "%zd", n);
        CHECK(filled(buf, LONG, i), "message %d", i);
    }
    end_finish(&e);
    free(buf);
}

/* ---- What may go wrong ---- */

/*
 * The sender cannot read its own memory, or not write the receiver's: it says so, and the receiver
 * copies the sender's part itself. Here the sender's kernel is not asked at all.
 */
NODE_TEST(pull, sender_fails, 2)
{
    struct end e;
    unsigned char *buf = room(LONG);

    end_start(&e, NULL);
    if (rank == 0) {
        struct node_ep *ep = ep_of(&e);
        fill(buf, LONG, 1);
        POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 1, buf));
        while (!atomic_load(&ep->segment->pulls_open))
            sched_yield();
        /* Where the receiver's memory is said to be, there is none. */
        ep->segment->pulls[0].pieces[0].address = 4096;
    } else {
        memset(buf, 0, LONG);
        while (list_empty(&ep_of(&e)->tagged.arrivals))
            end_progress(&e);
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 1, 0, buf));
    }
    job_barrier();
    if (rank == 0)
        end_progress(&e); /* the first block that it takes fails */
    job_barrier();
    end_wait_for(&e, buf);
    CHECK(filled(buf, LONG, 1), "data");
    one_by_one(&e, rank, -1);
    end_finish(&e);
    free(buf);
}

/*
 * The sender is killed when it has taken a block and not copied it: the receive ends with an error
 * and does not wait for ever.
 */
static void sender_killed(int rank, enum fi_wait_obj wait_obj)
{
    struct end e;
    unsigned char *buf = room(LONG);
    struct fi_cq_err_entry error;
    struct fi_cq_tagged_entry c;

    end_start(&e, &(struct end_want){.wait_obj = wait_obj});
    job_words[rank] = getpid();
    if (rank == 0) {
        struct node_ep *ep = ep_of(&e);
        job_may_die();
        job_barrier();
        POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 1, buf));
        while (!atomic_load(&ep->segment->pulls_open))
            sched_yield();
        atomic_fetch_add(&ep->segment->pulls[0].taken, 1 << 20); /* one from the back */
        job_words[8] = 1;
        for (;;)
            pause();
    }
    job_barrier();
    POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 1, 0, buf));
    for (int n = 0; !job_words[8]; n++) {
        CHECK(fi_cq_read(e.cq, &c, 1) == -FI_EAGAIN, "it was over before the sender had a block");
        while (!list_empty(&ep_of(&e)->pulls.begun) && !job_words[8])
            sched_yield();
    }
    while (!list_empty(&ep_of(&e)->pulls.begun))
        CHECK(fi_cq_read(e.cq, &c, 1) == -FI_EAGAIN, "over without the sender's block");
    for (int n = 0; n < 1000; n++)
        CHECK(fi_cq_read(e.cq, &c, 1) == -FI_EAGAIN, "over without the sender's block");
    CHECK(!kill((pid_t)job_words[0], SIGKILL), "kill");
    if (wait_obj != FI_WAIT_NONE)
        CHECK(fi_cq_sread(e.cq, &c, 1, NULL, -1) == -FI_EAVAIL, "sread");
    end_wait_error(&e, &error);
    CHECK(error.err == ESRCH && error.op_context == buf, "%s", strerror(error.err));
    end_close(&e);
    free(buf);
}

static void sender_killed_polled(int rank)
{
    sender_killed(rank, FI_WAIT_NONE);
}

static void sender_killed_slept(int rank)
{
    sender_killed(rank, FI_WAIT_FD);
}

Test(pull, sender_killed_with_a_block)
{
    cr_assert_eq(job_run(2, sender_killed_polled), 0);
}

Test(pull, sender_killed_with_a_block_receiver_asleep)
{
    cr_assert_eq(job_run(2, sender_killed_slept), 0);
}

/*
 * Two stream to each other and a third kills one of them, wherever it has got to. The one that is
 * left neither hangs nor crashes, goes on with the third, and can close its endpoint.
 */
enum { WINDOW = 6 };

static uint64_t kill_after; /* messages */

static void stream(struct end *e, int rank)
{
    static unsigned char out[MIB], in[WINDOW][MIB];
    struct fi_cq_tagged_entry c;
    struct fi_cq_err_entry error = {0};
    unsigned posted = 0;

    for (uint64_t i = 0; !job_words[2]; i++) {
        for (; posted < 2 * WINDOW; posted += 2) {
            POST(e, fi_trecv(e->ep, in[i % WINDOW], MIB, NULL, e->addr[1 - rank], 9, 0, in));
            POST(e, fi_tsend(e->ep, out, MIB, NULL, e->addr[1 - rank], 9, out));
        }
        ssize_t n = fi_cq_read(e->cq, &c, 1);
        posted -= n == 1;
        job_words[rank] += n == 1;
        if (n == -FI_EAVAIL) {
            CHECK(fi_cq_readerr(e->cq, &error, 0) == 1, "no error");
            CHECK(error.err == ESRCH, "%s", strerror(error.err));
        }
    }
    /* What was under way comes to nothing, and is not waited for. */
    for (int i = 0; i < 20000; i++)
        if (fi_cq_read(e->cq, &c, 1) == -FI_EAVAIL)
            fi_cq_readerr(e->cq, &error, 0);
}

static void killed_in_the_middle(int rank)
{
    struct end e;
    unsigned char *buf = room(LONG);

    end_start(&e, NULL);
    job_words[8 + rank] = getpid();
    if (rank == 1)
        job_may_die();
    job_barrier();
    if (rank < 2)
        stream(&e, rank);
    if (rank == 2) {
        while (job_words[0] < kill_after)
            sched_yield();
        for (uint64_t i = 0; i < kill_after * 97 % 1000; i++)
            CHECK(fi_cq_read(e.cq, buf, 1) == -FI_EAGAIN, "nobody writes to us");
        CHECK(!kill((pid_t)job_words[9], SIGKILL), "kill");
        job_words[2] = 1;
        fill(buf, LONG, 3);
        POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[0], 10, buf));
        end_wait_for(&e, buf);
    } else if (rank == 0) {
        struct fi_cq_tagged_entry c = {0};
        struct fi_cq_err_entry error = {0};
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[2], 10, 0, buf));
        while (c.op_context != buf)
            if (fi_cq_read(e.cq, &c, 1) == -FI_EAVAIL)
                fi_cq_readerr(e.cq, &error, 0);
        CHECK(filled(buf, LONG, 3), "data");
    }
    end_close(&e);
    free(buf);
}

Test(pull, killed_in_the_middle)
{
    for (kill_after = 1; kill_after < 12; kill_after++)
        cr_assert_eq(job_run(3, killed_in_the_middle), 0, "after %d messages", (int)kill_after);
}

/*
 * The sender of a train is killed when its cell is out and its first chunk is filled in part: the
 * receive ends with an error, whether it was posted before or comes later.
 */
static void killed_before_filling(int rank, bool posted)
{
    enum { LEN = 50000 };
    struct end e;
    unsigned char *buf = room(LEN);
    struct fi_cq_err_entry error;
    struct fi_cq_tagged_entry c;
    uint64_t stamp;

    end_start(&e, NULL);
    if (rank == 0) {
        struct node_ep *ep = ep_of(&e);
        struct node_peer *peer;
        struct node_wire_train wire = {0};
        job_may_die();
        CHECK(!node_peer_get(ep, e.addr[1], &peer), "peer");
        job_barrier();
        CHECK(!node_train_take(ep, peer, LEN, &wire), "chunks");
        struct node_cell *cell = node_outlet_take(&peer->out, &stamp);
        CHECK(cell, "room");
        atomic_store(&ep->segment->chunks_full[wire.chunks[0]], UINT64_C(1) << 32 | 4096);
        memcpy(cell->payload, &wire, sizeof(wire));
        cell->tag = 1;
        node_outlet_publish(&peer->out, cell, stamp, node_word(NODE_CELL_TRAIN, NODE_WIRE_TAGGED));
        usleep(20000); /* while the receiver waits for the chunks, perhaps */
        raise(SIGKILL);
    }
    if (posted)
        POST(&e, fi_trecv(e.ep, buf, LEN, NULL, e.addr[0], 1, 0, buf));
    job_barrier();
    if (!posted) {
        while (ep_of(&e)->in.at->position == 0)
            CHECK(fi_cq_read(e.cq, &c, 1) == -FI_EAGAIN, "a completion");
        POST(&e, fi_trecv(e.ep, buf, LEN, NULL, e.addr[0], 1, 0, buf));
    }
    end_wait_error(&e, &error);
    CHECK(error.err == ESRCH && error.op_context == buf && error.len == 0, "%s",
          strerror(error.err));
    end_quiet(&e);
    end_close(&e);
    free(buf);
}

static void killed_before_filling_posted(int rank)
{
    killed_before_filling(rank, true);
}

static void killed_before_filling_unexpected(int rank)
{
    killed_before_filling(rank, false);
}

Test(pull, train_not_filled)
{
    cr_assert_eq(job_run(2, killed_before_filling_posted), 0);
    cr_assert_eq(job_run(2, killed_before_filling_unexpected), 0);
}

/* An endpoint that closes waits until nobody copies into its program's memory any more. */
NODE_TEST(pull, closed_in_the_middle, 2)
{
    struct end e;
    unsigned char *buf =
        mmap(NULL, LONG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(buf != MAP_FAILED, "memory");
    end_start(&e, NULL);
    fill(buf, LONG, rank);
    if (rank == 0) {
        POST(&e, fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 1, buf));
        job_barrier();
        job_barrier();
        for (int i = 0; i < 3; i++)
            end_progress(&e);
        job_barrier();
        for (int i = 0; i < 100; i++)
            end_progress(&e);
        job_barrier();
        end_close(&e);
    } else {
        job_barrier();
        end_progress(&e);
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 1, 0, buf));
        job_barrier();
        job_barrier();
        end_close(&e);
        memset(buf, 0x5a, LONG);
        job_barrier();
        for (size_t i = 0; i < LONG; i++)
            CHECK(buf[i] == 0x5a, "written to after the close, at %zu", i);
    }
}
