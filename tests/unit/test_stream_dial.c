/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream provider's patience with who does not let it in, its sleep afterwards, and what it
 * does when messages were lost. The other side is played, where it has to do what no endpoint does
 * on demand.
 */
#include "provider/stream/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/unit/stream_job.h"

#define MS UINT64_C(1000000)

static struct stream_ep *end_of(const struct flow *s)
{
    return container_of(s->ep, struct stream_ep, fid);
}

/* ---- A peer that is played ---- */

struct played {
    struct sockaddr_in name;
    int listener;
    fi_addr_t addr;
};

static void play(struct flow *s, struct played *p, int backlog)
{
    p->listener = flow_raw_listen(&p->name, backlog);
    CHECK(fi_av_insert(s->av, &p->name, 1, &p->addr, 0, NULL) == 1, "fi_av_insert");
}

/* It is called; the endpoint, where there is one, makes progress and has not given up. */
static int called(struct flow *s, const struct played *p)
{
    uint64_t end = now_ns() + FLOW_SECONDS * 1000 * MS;
    int fd;

    while ((fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK)) < 0) {
        CHECK(errno == EAGAIN && now_ns() < end, "no call: %s", strerror(errno));
        if (s)
            flow_progress(s);
        CHECK(!s || !s->event_count, "given up: %s", strerror(s->events[0].err));
    }
    return fd;
}

static void hear(struct flow *s, int fd, void *buf, size_t len)
{
    uint64_t end = now_ns() + FLOW_SECONDS * 1000 * MS;
    size_t got = 0;

    while (got < len) {
        ssize_t n = recv(fd, (char *)buf + got, len - got, MSG_DONTWAIT);
        CHECK(n > 0 || (n < 0 && errno == EAGAIN && now_ns() < end), "%zu of %zu bytes", got, len);
        got += n > 0 ? (size_t)n : 0;
        flow_progress(s);
    }
}

/* As one who has sent nothing, and heard so many frames. */
static void let_in(struct flow *s, int fd, uint32_t sent, uint32_t heard)
{
    struct stream_welcome welcome = {.magic = STREAM_WELCOME, .tally.heard = heard};
    struct stream_hello hello;

    hear(s, fd, &hello, sizeof(hello));
    CHECK(hello.tally.sent == sent && !hello.tally.heard, "%u, %u", hello.tally.sent,
          hello.tally.heard);
    memcpy(welcome.proof, hello.proof, sizeof(welcome.proof));
    CHECK(send(fd, &welcome, sizeof(welcome), 0) == sizeof(welcome), "send");
}

/* ---- Patience ---- */

static bool waits_to_dial(const struct flow *s)
{
    const struct list *l = end_of(s)->troubled.next;

    return l != &end_of(s)->troubled && container_of(l, struct stream_peer, trouble)->retry;
}

/*
 * Who calls and then computes for longer than his patience is hung up on meanwhile, as he has not
 * said his hello. That is not the other's fault: he calls again.
 */
static void away(bool looks_once)
{
    struct flow s;
    struct played p;
    uint64_t word = 5;

    flow_start(&s);
    end_of(&s)->patience = 1500 * MS;
    play(&s, &p, 8);
    TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, p.addr, 1, &word));
    close(called(NULL, &p));
    while (looks_once && !waits_to_dial(&s))
        flow_progress(&s);
    usleep(2000000);
    int fd = called(&s, &p);
    let_in(&s, fd, 0, 0);
    flow_done(&s, &word);
    flow_quiet(&s);
    close(fd);
    close(p.listener);
    flow_close(&s);
}

NODE_TEST(stream_dial, away_after_the_call, 1)
{
    (void)rank;
    away(false);
}

NODE_TEST(stream_dial, away_before_the_next_call, 1)
{
    (void)rank;
    away(true);
}

/*
 * More call than the other's system lets wait: it does not answer while its process computes. That
 * is waited for, and who is hung up on at last, as where both call at once, calls again.
 */
NODE_TEST(stream_dial, unanswered, 1)
{
    struct flow s;
    struct played p;
    struct stream_hello hello;
    uint64_t word = 5, end;

    (void)rank;
    flow_start(&s);
    end_of(&s)->patience = 200 * MS;
    play(&s, &p, 0);
    int filler = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!connect(filler, (struct sockaddr *)&p.name, sizeof(p.name)), "%s", strerror(errno));
    TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, p.addr, 1, &word));
    for (end = now_ns() + 1300 * MS; now_ns() < end;)
        flow_progress(&s);
    CHECK(!s.event_count, "given up: %s", strerror(s.events[0].err));
    CHECK(container_of(end_of(&s)->troubled.next, struct stream_peer, trouble)->silent,
          "the user is told nothing");
    close(called(NULL, &p)); /* the filler */
    int fd = called(&s, &p);
    hear(&s, fd, &hello, sizeof(hello));
    close(fd);
    fd = called(&s, &p);
    let_in(&s, fd, 0, 0);
    flow_done(&s, &word);
    close(fd);
    close(filler);
    close(p.listener);
    flow_close(&s);
}

/* But one who listens and hangs up on everybody, at once, is given up. */
NODE_TEST(stream_dial, hung_up_on, 1)
{
    struct flow s;
    struct played p;
    struct event c;
    uint64_t word = 5, begin = now_ns();
    int fd;

    (void)rank;
    flow_start(&s);
    end_of(&s)->patience = 300 * MS;
    play(&s, &p, 8);
    TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, p.addr, 1, &word));
    while (!flow_take(&s, &word, &c)) {
        flow_progress(&s);
        if ((fd = accept(p.listener, NULL, NULL)) >= 0)
            close(fd);
        CHECK(now_ns() - begin < 10000 * MS, "still calling");
    }
    CHECK(c.err, "sent to one who hangs up");
    close(p.listener);
    flow_close(&s);
}

/* ---- Sleep ---- */

/* Once the connection is there nothing wakes who waits, on either side. */
NODE_TEST(stream_dial, sleeps_undisturbed, 2)
{
    struct flow s;
    uint64_t word = 7;

    flow_start(&s);
    if (rank == 0)
        TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, s.addr[1], 1, &word));
    else
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, s.addr[0], 1, 0, &word));
    flow_done(&s, &word);
    flow_barrier(&s);
    flow_quiet(&s);
    struct fid *fid = &s.cq->fid;
    struct pollfd p = {.events = POLLIN};
    CHECK(!fi_control(fid, FI_GETWAIT, &p.fd), "FI_GETWAIT");
    while (fi_trywait(s.fabric, &fid, 1) == -FI_EAGAIN)
        flow_progress(&s);
    CHECK(!poll(&p, 1, 200), "woken for nothing");
    flow_finish(&s);
}

/* ---- Loss ---- */

/* One message has gone to the played peer; its connection ends, and both ends are quiet. */
static void speak_once(struct flow *s, struct played *p)
{
    struct stream_header frame[2]; /* and its bytes */
    uint64_t word = 5;

    flow_start(s);
    play(s, p, 8);
    TRY(s, fi_tsenddata(s->ep, &word, 8, NULL, 0, p->addr, 1, &word));
    int fd = called(s, p);
    let_in(s, fd, 0, 0);
    flow_done(s, &word);
    hear(s, fd, frame, sizeof(frame[0]) + 8);
    close(fd);
    while (end_of(s)->connections)
        flow_progress(s);
    CHECK(!s->event_count, "a completion");
}

/* Whatever is sent now ends at once, with an error, and nobody is called. */
static void nothing_goes(struct flow *s, const struct played *p)
{
    static unsigned char big[1 << 20];

    CHECK(fi_tinjectdata(s->ep, big, 8, 0, p->addr, 1) == -ECONNABORTED, "inject");
    CHECK(fi_tsenddata(s->ep, big, 8, NULL, 0, p->addr, 1, big) == -ECONNABORTED, "short");
    CHECK(fi_tsenddata(s->ep, big, sizeof(big), NULL, 0, p->addr, 1, big) == -ECONNABORTED, "long");
    flow_quiet(s);
    CHECK(accept(p->listener, NULL, NULL) < 0, "called again");
}

static void again(uint32_t heard)
{
    struct flow s;
    struct played p;
    uint64_t word = 6;

    speak_once(&s, &p);
    TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, p.addr, 1, &word));
    int fd = called(&s, &p);
    let_in(&s, fd, 1, heard);
    struct event c = flow_wait(&s, &word);
    CHECK(c.err == (heard == 1 ? 0 : ECONNABORTED), "%u heard: %s", heard, strerror(c.err));
    if (heard != 1)
        nothing_goes(&s, &p);
    close(fd);
    close(p.listener);
    flow_close(&s);
}

/* Where all was heard the next connection is as good as the first; else there is none, for good. */
NODE_TEST(stream_dial, nothing_was_lost, 1)
{
    (void)rank;
    again(1);
}

NODE_TEST(stream_dial, something_was_lost, 1)
{
    (void)rank;
    again(0);
}

/* The one who has lost it calls: he hears that, each time, and is let in by nobody. */
NODE_TEST(stream_dial, something_was_lost_says_the_caller, 1)
{
    struct flow s;
    struct played p;
    struct stream_hello hello = {.magic = STREAM_MAGIC};
    struct stream_welcome welcome;
    char byte;

    (void)rank;
    speak_once(&s, &p);
    memcpy(hello.proof, end_of(&s)->proof, sizeof(hello.proof));
    CHECK(!stream_address_read(&hello.from, &p.name), "address");
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(!connect(fd, (struct sockaddr *)&s.name[0], sizeof(s.name[0])), "connect");
        CHECK(send(fd, &hello, sizeof(hello), 0) == sizeof(hello), "send");
        hear(&s, fd, &welcome, sizeof(welcome));
        CHECK(welcome.magic == STREAM_WELCOME && welcome.tally.sent == 1, "%u", welcome.tally.sent);
        CHECK(!recv(fd, &byte, 1, 0), "let in");
        close(fd);
        nothing_goes(&s, &p);
    }
    close(p.listener);
    flow_close(&s);
}
