/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node provider where something is missing: descriptors run out, an endpoint is closed while
 * others still count on it, a process dies with a message half way. Nobody waits for ever, and
 * nothing is lost in silence.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "provider/node/node_train.h"
#include "tests/unit/node_job.h"

enum { LONG = 300000 }; /* longer than a train */

static struct node_ep *own(struct end *e)
{
    return container_of(e->ep, struct node_ep, fid);
}

/* Two that know each other, and have nothing under way. */
static void meet(struct end *e, int rank)
{
    struct fi_cq_tagged_entry c;
    char buf[8] = "";

    POST(e, fi_tinject(e->ep, buf, 8, e->addr[1 - rank], 99));
    POST(e, fi_trecv(e->ep, buf, 8, NULL, e->addr[1 - rank], 99, 0, buf));
    end_wait(e, &c);
    job_barrier();
}

/* ---- Descriptors ---- */

static void descriptors_take(void)
{
    int next = dup(0);
    struct rlimit limit;

    CHECK(next >= 0 && !close(next) && !getrlimit(RLIMIT_NOFILE, &limit), "limit");
    limit.rlim_cur = next;
    CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "limit");
}

static void descriptors_give(void)
{
    struct rlimit limit;

    CHECK(!getrlimit(RLIMIT_NOFILE, &limit), "limit");
    limit.rlim_cur = limit.rlim_max;
    CHECK(!setrlimit(RLIMIT_NOFILE, &limit), "limit");
}

/* Messages of one who cannot be met for want of a descriptor wait until there is one. */
NODE_TEST(fault, first_contact_without_descriptors, 2)
{
    struct fi_cq_tagged_entry c;
    struct end e;
    uint64_t value;

    end_start(&e, NULL);
    if (rank == 0)
        descriptors_take();
    job_barrier();
    for (value = 1; rank == 1 && value <= 3; value++)
        CHECK(!fi_tinject(e.ep, &value, 8, e.addr[0], value), "inject");
    job_barrier();
    if (rank == 0) {
        for (int i = 0; i < 1000; i++)
            end_progress(&e);
        descriptors_give();
        for (uint64_t i = 1; i <= 3; i++) {
            POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, i, 0, &value));
            CHECK(end_wait(&e, &c) == e.addr[1] && value == i, "message %lu", i);
        }
    }
    end_finish(&e);
}

/* This process has no descriptor any more, and the other, whose bell it has not opened, sleeps. */
static const struct node_peer *take_while_asleep(struct end *e)
{
    struct node_peer *peer;

    CHECK(!node_peer_get(own(e), e->addr[1], &peer) && peer->doorbell < 0, "rung before");
    while (!(atomic_load(&peer->segment->sleeping) & NODE_ASLEEP))
        sched_yield();
    usleep(100000);
    descriptors_take();
    return peer;
}

/* Who has no descriptor for a sleeper's bell rings it when there is one again. */
NODE_TEST(fault, bell_without_descriptors, 2)
{
    struct fi_cq_tagged_entry c;
    struct end e;
    char buf[8] = "";

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    meet(&e, rank);
    if (rank == 0) {
        take_while_asleep(&e);
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[1], 2));
        descriptors_give();
        while (!job_words[0])
            end_progress(&e);
        CHECK(list_empty(&own(&e)->busy), "the bell has been rung");
    } else {
        struct pollfd p = {.events = POLLIN};
        struct fid *fid = &e.cq->fid;
        CHECK(!fi_control(&e.cq->fid, FI_GETWAIT, &p.fd), "descriptor");
        POST(&e, fi_trecv(e.ep, buf, 8, NULL, e.addr[0], 2, 0, buf));
        while (fi_cq_read(e.cq, &c, 1) != 1)
            if (!fi_trywait(e.fabric, &fid, 1))
                CHECK(poll(&p, 1, 5000) > 0, "slept through the message");
        job_words[0] = 1;
    }
    end_finish(&e);
}

/* That bell is rung even where an answer waits for the room that only the sleeper can make. */
NODE_TEST(fault, bell_without_descriptors_or_room, 2)
{
    static char buf[LONG];
    struct fi_cq_tagged_entry c;
    struct end e;

    job_forbid(SYS_process_vm_readv, EPERM);
    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    meet(&e, rank);
    if (rank == 0) {
        const struct node_peer *peer = take_while_asleep(&e);
        while (!fi_tinject(e.ep, buf, 8, e.addr[1], 3))
            ;
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[1], 2, 0, buf));
        end_progress(&e);
        CHECK(!list_empty(&peer->controls) && peer->unrung, "nothing waits");
        descriptors_give();
        end_wait_for(&e, buf);
    } else {
        struct pollfd p = {.events = POLLIN};
        struct fid *fid = &e.cq->fid;
        CHECK(!fi_control(&e.cq->fid, FI_GETWAIT, &p.fd), "descriptor");
        CHECK(!fi_tsend(e.ep, buf, LONG, NULL, e.addr[0], 2, buf), "send");
        while (fi_cq_read(e.cq, &c, 1) != 1)
            if (!fi_trywait(e.fabric, &fid, 1))
                CHECK(poll(&p, 1, 5000) > 0, "slept through the answer");
    }
    end_finish(&e);
}

/* ---- Endpoints that are closed ---- */

/* A receiver whose answer waits for room is not gone before the answer is. */
NODE_TEST(fault, closed_with_an_answer_due, 2)
{
    static char buf[LONG];
    struct fi_cq_tagged_entry c;
    struct end e;
    ssize_t ret = -FI_EAGAIN;

    end_start(&e, NULL);
    meet(&e, rank);
    if (rank == 0)
        CHECK(!fi_tsend(e.ep, buf, LONG, NULL, e.addr[1], 2, buf), "send");
    job_barrier();
    if (rank == 1) {
        while (!fi_tinject(e.ep, buf, 8, e.addr[0], 3))
            ;
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[0], 2, 0, buf));
        end_wait(&e, &c);
        job_words[0] = 1;
        end_close(&e);
        job_barrier();
        return;
    }
    while (!job_words[0])
        sched_yield();
    for (uint64_t until = now_ns() + 5000000000; ret == -FI_EAGAIN && now_ns() < until;)
        ret = fi_cq_read(e.cq, &c, 1);
    CHECK(ret == 1 && c.op_context == buf, "%zd", ret);
    job_barrier();
    end_close(&e);
}

/* Files open until the next one has that number; the names are gone at once. */
static int file_with_number(int wanted)
{
    int fd;

    do {
        char name[] = "/tmp/oriel-test-XXXXXX";
        fd = mkstemp(name);
        CHECK(fd >= 0 && fd <= wanted && !unlink(name), "no file number %d", wanted);
    } while (fd != wanted);
    return fd;
}

/* The number of a closed endpoint's bell is a file's by now: whoever rings late writes nothing. */
NODE_TEST(fault, bell_of_a_closed_endpoint, 2)
{
    struct node_peer *peer;
    struct end e;
    char buf[8] = "";

    end_start(&e, NULL);
    meet(&e, rank);
    if (rank == 1) {
        struct node_segment *segment = own(&e)->segment;
        int bell = segment->doorbell_fd;
        atomic_fetch_or(&segment->sleeping, NODE_ASLEEP);
        end_close(&e);
        int fd = file_with_number(bell);
        CHECK(write(fd, "0123", 4) == 4, "write");
        job_barrier();
        job_barrier();
        CHECK(pread(fd, buf, 8, 0) == 4 && !memcmp(buf, "0123", 4), "the file was written to");
        return;
    }
    CHECK(!node_peer_get(own(&e), e.addr[1], &peer), "peer");
    job_barrier();
    CHECK(!(atomic_load(&peer->segment->sleeping) & NODE_ASLEEP), "a closed one sleeps");
    /* As if it had been seen before the endpoint was closed. */
    atomic_fetch_or(&peer->segment->sleeping, NODE_ASLEEP);
    CHECK(!fi_tinject(e.ep, buf, 8, e.addr[1], 1), "inject");
    job_barrier();
    end_close(&e);
}

/* A key is good no longer than its endpoint, though the domain lives on. */
NODE_TEST(fault, region_of_a_closed_endpoint, 2)
{
    static uint64_t memory;
    uint64_t value = 1;
    struct fi_cq_err_entry error;
    struct fid_mr *mr;
    struct end e;

    end_start(&e, NULL);
    if (rank == 1) {
        CHECK(!fi_mr_reg(e.domain, &memory, 8, FI_REMOTE_WRITE, 0, 7, 0, &mr, NULL), "reg");
        job_words[0] = (uintptr_t)&memory;
    }
    job_barrier();
    if (rank == 0) {
        POST(&e, fi_write(e.ep, &value, 8, NULL, e.addr[1], job_words[0], 7, &value));
        end_wait_for(&e, &value);
    }
    job_barrier();
    if (rank == 1)
        CHECK(!fi_close(&e.ep->fid) && !fi_close(&mr->fid) && memory == 1, "close");
    job_barrier();
    if (rank == 0) {
        value = 2;
        POST(&e, fi_write(e.ep, &value, 8, NULL, e.addr[1], job_words[0], 7, &value));
        end_wait_error(&e, &error);
        CHECK(error.err == FI_ENOKEY, "err %d", error.err);
    }
    job_barrier();
    CHECK(rank == 0 || memory == 1, "written to");
}

/* A key that is opened again while somebody looks it up is the one region or the other, never the
 * beginning of one with the length of the other. */
NODE_TEST(fault, region_opened_again, 2)
{
    enum { KEY = 3, SHORT = 64, FAR = 1 << 16 }; /* that key's base and length are in two lines */
    static char memory[2 * FAR];
    char *bases[] = {memory, memory + FAR};
    struct node_place place;
    struct node_peer *peer;
    struct fid_mr *mr;
    struct end e;
    uint64_t until = now_ns() + 1500000000;

    end_start(&e, NULL);
    if (rank == 1)
        job_words[0] = (uintptr_t)memory;
    meet(&e, rank);
    CHECK(!node_peer_get(own(&e), e.addr[1 - rank], &peer), "peer");
    for (unsigned i = 0; now_ns() < until; i++) {
        if (rank == 1) {
            CHECK(!fi_mr_reg(e.domain, bases[i % 2], i % 2 ? FAR : SHORT, FI_REMOTE_WRITE, 0, KEY,
                             0, &mr, NULL),
                  "reg");
            CHECK(!fi_close(&mr->fid), "close");
            continue;
        }
        for (int n = 0; n < 1000; n++)
            CHECK(node_place_find(own(&e), peer, KEY, job_words[0] + 2 * SHORT, 8,
                                  NODE_REGION_WRITE, &place),
                  "found in neither");
    }
    end_finish(&e);
}

/* Receivers that leave, or die, with chunks unread take none of them along. */
NODE_TEST(fault, leavers_with_chunks, 10)
{
    static char buf[16384];
    struct fi_cq_tagged_entry c;
    struct end e;
    int last = job_size - 1;

    end_start(&e, NULL);
    if (rank)
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[0], 99));
    for (int i = 1; rank == 0 && i < job_size; i++) {
        POST(&e, fi_trecv(e.ep, buf, 8, NULL, FI_ADDR_UNSPEC, 99, 0, buf));
        end_wait(&e, &c);
    }
    job_barrier();
    for (int i = 1; i < last; i++) {
        while (rank == 0 && !fi_tinject(e.ep, buf, 8192, e.addr[i], 1))
            ;
        job_barrier();
        if (rank == i && i % 2) {
            job_may_die();
            raise(SIGKILL);
        } else if (rank == i) {
            end_close(&e);
        }
        job_barrier();
    }
    if (rank == 0) {
        ssize_t ret = -FI_EAGAIN;
        for (uint64_t until = now_ns() + 5000000000; ret == -FI_EAGAIN && now_ns() < until;) {
            ret = fi_tsend(e.ep, buf, sizeof(buf), NULL, e.addr[last], 7, buf);
            end_progress(&e);
        }
        CHECK(!ret, "%zd", ret);
        end_wait_for(&e, buf);
    } else if (rank == last) {
        POST(&e, fi_trecv(e.ep, buf, sizeof(buf), NULL, e.addr[0], 7, 0, buf));
        end_wait_for(&e, buf);
    }
    job_barrier();
}

enum { TRAIN = 100000 };

static char late_memory[TRAIN];

/* So late that a reader of the message has long been waiting for its bytes. */
static void gather_late(const struct scatter *s, size_t at, void *to, size_t len)
{
    (void)s;
    if (!at)
        usleep(100000);
    memcpy(to, late_memory + at, len);
}

static void send_late(struct end *e, int to, unsigned seed)
{
    static const struct scatter_ops ops = {.gather = gather_late};
    struct scatter s = {&ops, TRAIN, TRAIN / 8};

    fill(late_memory, TRAIN, seed);
    POST(e, node_scatter_send(e->ep, &s, e->addr[to], 7, 0, late_memory));
    end_wait_for(e, late_memory);
}

/* Whoever gets the chunks that a dead one never read does not find that one's bytes in them. */
NODE_TEST(fault, train_through_chunks_of_the_dead, 3)
{
    enum { ALL = 4 }; /* trains that have all chunks that trains may have */
    static char buf[TRAIN];
    struct end e;

    end_start(&e, NULL);
    for (int i = 0; rank == 0 && i < ALL; i++)
        send_late(&e, 1, 1);
    job_barrier();
    if (rank == 1) {
        job_may_die();
        raise(SIGKILL);
    }
    job_barrier();
    if (rank == 0) {
        send_late(&e, 2, 2);
    } else {
        POST(&e, fi_trecv(e.ep, buf, TRAIN, NULL, e.addr[0], 7, 0, buf));
        end_wait_for(&e, buf);
        CHECK(filled(buf, TRAIN, 2), "another's bytes");
    }
    job_barrier();
}

/* What one has sent who has ended since can be received from it by name; it cannot be sent to. */
NODE_TEST(fault, receive_from_one_that_ended, 3)
{
    struct fi_cq_tagged_entry c;
    uint64_t value = 5;
    struct end e;

    end_start(&e, NULL);
    if (rank == 1)
        CHECK(!fi_tinject(e.ep, &value, 8, e.addr[0], 1), "inject");
    if (rank) {
        end_close(&e);
        job_barrier();
        return;
    }
    job_barrier();
    value = 0;
    CHECK(fi_tinject(e.ep, &value, 8, e.addr[1], 1) == -ESRCH, "sent to one that is gone");
    CHECK(fi_trecv(e.ep, &value, 8, NULL, e.addr[2], 1, 0, &e) == -ESRCH, "it never sent");
    POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[1], 1, 0, &value));
    CHECK(end_wait(&e, &c) == e.addr[1] && value == 5, "the message");
    CHECK(fi_tinject(e.ep, &value, 8, e.addr[1], 1) == -ESRCH, "sent to one that is gone");
    CHECK(fi_trecv(e.ep, &value, 8, NULL, e.addr[1], 2, 0, &e) == 0, "a second receive");
    struct node_peer *peer = container_of(own(&e)->all_peers.next, struct node_peer, link);
    CHECK(peer->gone && peer->fi_addr == e.addr[1], "its name");
    CHECK(!fi_av_remove(e.av, &e.addr[1], 1, 0), "remove");
    CHECK(peer->fi_addr == FI_ADDR_NOTAVAIL, "a name that nobody has");
    end_close(&e);
}

/* ---- Processes that die ---- */

/* The next `count` completions are errors that say so. */
static void expect_gone(struct end *e, int count)
{
    struct fi_cq_err_entry error = {0};
    struct fi_cq_tagged_entry c;
    ssize_t ret = -FI_EAGAIN;

    for (uint64_t until = now_ns() + 10000000000; count--; ret = -FI_EAGAIN) {
        while (ret == -FI_EAGAIN && now_ns() < until)
            ret = fi_cq_read(e->cq, &c, 1);
        CHECK(ret == -FI_EAVAIL && fi_cq_readerr(e->cq, &error, 0) == 1, "%zd", ret);
        CHECK(error.err == ESRCH, "err %d", error.err);
    }
}

/* Two that have met, and may not copy out of each other's memory; rank 1 is to die. */
static void meet_mortal(struct end *e, int rank)
{
    job_forbid(SYS_process_vm_readv, EPERM);
    end_start(e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    if (rank == 1) {
        job_may_die();
        job_words[1] = getpid();
    }
    meet(e, rank);
}

static void kill_mortal(void)
{
    CHECK(!kill((pid_t)job_words[1], SIGKILL), "kill");
}

/* A message and a read that were to come in pieces: their end is an error. */
NODE_TEST(fault, died_before_its_stream, 2)
{
    static char buf[LONG], got[8];
    struct fid_mr *mr;
    struct end e;

    meet_mortal(&e, rank);
    if (rank == 1) {
        CHECK(!fi_mr_reg(e.domain, buf, LONG, FI_REMOTE_READ, 0, 7, 0, &mr, NULL), "reg");
        CHECK(!fi_tsend(e.ep, buf, LONG, NULL, e.addr[0], 2, buf), "send");
        job_words[2] = (uintptr_t)buf;
        job_barrier();
        for (;;)
            pause();
    }
    job_barrier();
    POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[1], 2, 0, buf));
    POST(&e, fi_read(e.ep, got, 8, NULL, e.addr[1], job_words[2], 7, got));
    end_progress(&e);
    kill_mortal();
    expect_gone(&e, 2);
    end_close(&e);
}

/* What waits for room where a dead one read is given up: the others can sleep again. */
NODE_TEST(fault, died_with_answers_due, 2)
{
    static char buf[LONG];
    struct end e;

    meet_mortal(&e, rank);
    if (rank == 1) {
        for (int i = 0; i < 3; i++)
            CHECK(!fi_tsend(e.ep, buf, LONG, NULL, e.addr[0], 2, buf), "send");
        job_barrier();
        for (;;)
            pause();
    }
    job_barrier();
    while (!fi_tinject(e.ep, buf, 8, e.addr[1], 5))
        ;
    for (int i = 0; i < 3; i++)
        POST(&e, fi_trecv(e.ep, buf, LONG, NULL, e.addr[1], 2, 0, buf));
    end_progress(&e);
    CHECK(!list_empty(&own(&e)->busy), "there was room");
    kill_mortal();
    expect_gone(&e, 3);
    struct fid *fid = &e.cq->fid;
    for (uint64_t until = now_ns() + 10000000000; fi_trywait(e.fabric, &fid, 1);)
        CHECK(now_ns() < until, "no sleep any more");
    end_close(&e);
}

/* A long message that its receiver had asked for in pieces, and died. */
enum { VERY_LONG = 4 << 20 }; /* more than the chunks hold */

static void die_within_a_stream(struct end *e, int rank, size_t len)
{
    static char buf[VERY_LONG];

    meet_mortal(e, rank);
    if (rank == 0)
        CHECK(!fi_tsend(e->ep, buf, len, NULL, e->addr[1], 2, buf), "send");
    job_barrier();
    if (rank == 1) {
        POST(e, fi_trecv(e->ep, buf, len, NULL, e->addr[0], 2, 0, buf));
        end_progress(e);
        job_barrier();
        for (;;)
            pause();
    }
    job_barrier();
    for (int i = 0; i < 1000; i++)
        end_progress(e);
    kill_mortal();
}

NODE_TEST(fault, died_within_a_stream, 2)
{
    struct end e;

    die_within_a_stream(&e, rank, VERY_LONG);
    expect_gone(&e, 1);
    end_close(&e);
}

/* Chunks come back from one who is dead before its death ends what goes through them: what went on
 * into them would be out whole, and wait for an answer for ever. */
static void stops_at_the_dead(struct end *e)
{
    struct node_peer *peer;

    CHECK(!node_peer_get(own(e), e->addr[1], &peer), "peer");
    for (uint64_t until = now_ns() + 200000000; now_ns() < until;) {
        own(e)->idle = 0; /* not yet the time to look for the dead */
        end_progress(e);
    }
    CHECK(!list_empty(&peer->streams), "it has gone on");
    expect_gone(e, 1);
    end_close(e);
}

NODE_TEST(fault, streams_stop_at_the_dead, 2)
{
    struct end e;

    die_within_a_stream(&e, rank, VERY_LONG);
    stops_at_the_dead(&e);
}

/* Of this one a chunk is left when the receiver has as many as it may have. */
NODE_TEST(fault, last_chunk_stops_at_the_dead, 2)
{
    struct end e;

    die_within_a_stream(&e, rank, (NODE_CHUNKS / 2 + 1) * NODE_CHUNK);
    stops_at_the_dead(&e);
}

NODE_TEST(fault, puts_stop_at_the_dead, 2)
{
    static char buf[VERY_LONG];
    struct fid_mr *mr;
    struct end e;

    meet_mortal(&e, rank);
    if (rank == 1) {
        CHECK(!fi_mr_reg(e.domain, buf, VERY_LONG, FI_REMOTE_WRITE, 0, 7, 0, &mr, NULL), "reg");
        job_words[2] = (uintptr_t)buf;
        job_barrier();
        for (;;)
            pause();
    }
    job_barrier();
    POST(&e, fi_write(e.ep, buf, VERY_LONG, NULL, e.addr[1], job_words[2], 7, buf));
    for (int i = 0; i < 1000; i++)
        end_progress(&e);
    kill_mortal();
    stops_at_the_dead(&e);
}

/* When the last byte was copied into a train's chunks, its receiver was still asleep. */
static struct node_peer *sleeper;
static bool slept_on;

static void gather_for_a_sleeper(const struct scatter *s, size_t at, void *to, size_t len)
{
    gather_late(s, at, to, len);
    slept_on = atomic_load(&sleeper->segment->sleeping) & NODE_ASLEEP;
}

/* A train that was filled and then found no room for its cell is not there for the next one's
 * reader. */
NODE_TEST(fault, train_not_sent_after_all, 2)
{
    static char buf[TRAIN];
    struct iovec iov = {buf, TRAIN};
    struct node_wire_train wire;
    struct node_peer *peer;
    struct end e;

    end_start(&e, NULL);
    if (rank == 0) {
        struct node_tx tx = {.iov = &iov, .iov_count = 1};
        CHECK(!node_peer_get(own(&e), e.addr[1], &peer), "peer");
        CHECK(!node_train_take(own(&e), peer, TRAIN, &wire), "no chunks");
        node_train_fill(own(&e), peer, &tx, &wire);
        node_train_return(own(&e), &wire);
        for (int i = 0; i < (TRAIN + NODE_CHUNK - 1) / NODE_CHUNK; i++)
            CHECK(!atomic_load(&own(&e)->segment->chunks_full[wire.chunks[i]]), "chunk %d", i);
        CHECK(!own(&e)->train_chunks, "%u", own(&e)->train_chunks);
    }
    end_finish(&e);
}

/* One who sleeps is woken when a train is there to the last byte: it could not read along. */
NODE_TEST(fault, train_for_a_sleeper, 2)
{
    static const struct scatter_ops ops = {.gather = gather_for_a_sleeper};
    struct scatter s = {&ops, TRAIN, TRAIN / 8};
    struct fi_cq_tagged_entry c;
    static char buf[TRAIN];
    struct end e;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    meet(&e, rank);
    if (rank == 0) {
        POST(&e, fi_trecv(e.ep, buf, TRAIN, NULL, e.addr[1], 7, 0, buf));
        while (fi_cq_sread(e.cq, &c, 1, NULL, -1) != 1)
            ;
        CHECK(c.op_context == buf && filled(buf, TRAIN, 1), "the message");
    } else {
        CHECK(!node_peer_get(own(&e), e.addr[0], &sleeper), "peer");
        while (!(atomic_load(&sleeper->segment->sleeping) & NODE_ASLEEP))
            sched_yield();
        fill(late_memory, TRAIN, 1);
        POST(&e, node_scatter_send(e.ep, &s, e.addr[0], 7, 0, late_memory));
        CHECK(slept_on, "it was woken for a part");
        end_wait_for(&e, late_memory);
    }
    end_finish(&e);
}

/* Goes on as a child of this process, which does not ask for it before the test says so. */
static void go_on_as_child(volatile const uint64_t *over)
{
    pid_t child = fork();

    CHECK(child >= 0, "fork");
    if (!child)
        return;
    while (!*over)
        usleep(1000);
    _exit(0);
}

/* Whoever closes does not wait for one that has ended, though its parent has not asked for it. */
NODE_TEST(fault, died_and_nobody_asks_for_it, 2)
{
    static char buf[8192];
    struct node_peer *peer;
    struct end e;

    if (rank == 1)
        go_on_as_child(&job_words[0]);
    end_start(&e, NULL);
    if (rank == 1) {
        alarm(JOB_SECONDS); /* where the test fails before it kills this one */
        job_words[1] = getpid();
        for (;;)
            pause();
    }
    while (!job_words[1])
        sched_yield();
    POST(&e, fi_tinject(e.ep, buf, sizeof(buf), e.addr[1], 1));
    CHECK(!node_peer_get(own(&e), e.addr[1], &peer) && own(&e)->chunk_out_count, "peer");
    kill_mortal();
    while (!node_peer_is_gone(peer))
        sched_yield();
    CHECK(!kill((pid_t)job_words[1], 0), "somebody has asked for it");
    uint64_t start = now_ns();
    end_close(&e);
    CHECK(now_ns() - start < 500000000, "waited for it");
    job_words[0] = 1;
}

/* ---- Memory in blocks ---- */

static char blocks_memory[8][1 << 16];

static size_t list_blocks(const struct scatter *s, size_t at, struct iovec *iov, size_t most)
{
    size_t n = 0;

    CHECK(!at, "from its beginning");
    for (; n < s->count && n < most; n++)
        iov[n] = (struct iovec){blocks_memory[n], s->len / s->count};
    return n;
}

/* Few long blocks are told to the receiver, however many they are. */
NODE_TEST(fault, blocks_are_told, 1)
{
    static const struct scatter_ops ops = {.blocks = list_blocks};
    struct end e;

    (void)rank;
    end_start(&e, NULL);
    for (size_t n = 2; n <= 8; n++) {
        struct scatter s = {&ops, n * sizeof(blocks_memory[0]), n};
        struct node_blocks *b = node_scatter_blocks(own(&e), &s);
        CHECK(b && b->count == n, "%zu blocks", n);
        pool_put(&own(&e)->blocks, b);
    }
    end_finish(&e);
}
