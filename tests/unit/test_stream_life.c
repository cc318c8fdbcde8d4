/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream provider's connections and remote memory: first contact, strangers, deaths, ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "provider/base/count.h"
#include "tests/unit/stream_job.h"

enum { HERE = FLOW_WORDS, THERE, READY, DONE, COUNTED };

static void say(int word)
{
    __atomic_store_n(&job_words[word], 1, __ATOMIC_RELEASE);
}

/* ---- First contact ---- */

enum { EACH = 3, GREETING_MOST = 200000 };

static size_t greeting_len(int round)
{
    return round % 16 == 15 ? GREETING_MOST : round % 3 == 2 ? 1000 : 16;
}

/* All say EACH messages to all at the same moment, none of whom is connected to anybody. */
static void greet(struct flow *s, int rank, int round, bool inject, unsigned char *buf)
{
    size_t len = inject ? 16 : greeting_len(round);
    unsigned char *in = buf + GREETING_MOST;

    fill(buf, len, rank + round);
    for (int k = 0; k < EACH * job_size; k++)
        if (k % job_size != rank)
            TRY(s, fi_trecv(s->ep, in + (size_t)k * GREETING_MOST, len, NULL, s->addr[k % job_size],
                            1, 0, in + (size_t)k * GREETING_MOST));
    job_barrier();
    for (int k = 0; k < EACH * job_size; k++) {
        int to = (rank + k) % job_size;
        if (to != rank && inject)
            TRY(s, fi_tinjectdata(s->ep, buf, len, k / job_size, s->addr[to], 1));
        else if (to != rank)
            TRY(s, fi_tsenddata(s->ep, buf, len, NULL, k / job_size, s->addr[to], 1, buf));
    }
    for (int k = 0; k < EACH * job_size; k++) {
        unsigned char *b = in + (size_t)k * GREETING_MOST;
        if (k % job_size == rank)
            continue;
        struct event c = flow_done(s, b);
        CHECK(c.len == len && filled(b, len, k % job_size + round), "round %d, %d", round, k);
        CHECK(c.data == (uint64_t)(k / job_size), "round %d: %lu for %d", round, c.data, k);
        if (!inject)
            flow_done(s, buf);
    }
}

static void crossing(int rank, int rounds)
{
    unsigned char *buf = flow_buffer((size_t)(EACH * job_size + 1) * GREETING_MOST);

    for (int round = 0; round < rounds; round++) {
        struct flow s;
        flow_start(&s);
        greet(&s, rank, round, round & 1, buf);
        flow_quiet(&s);
        flow_finish(&s);
    }
    free(buf);
}

NODE_TEST(stream_life, crossing_pair, 2)
{
    crossing(rank, 200);
}

NODE_TEST(stream_life, crossing_all_to_all, 4)
{
    crossing(rank, 100);
}

/* Who is heard before its name is in the vector is found by it afterwards. */
NODE_TEST(stream_life, names_learnt_late, 2)
{
    enum { COUNT = 20 };
    struct flow s;
    uint64_t word = 0;

    flow_open(&s, 1);
    flow_names(&s);
    if (rank == 0) {
        flow_insert(&s);
        for (uint64_t i = 0; i < COUNT; i++)
            TRY(&s, fi_tinjectdata(s.ep, &i, 8, i, s.addr[1], 1));
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 0, s.addr[1], 2));
    } else {
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, FI_ADDR_UNSPEC, 2, 0, &word));
        flow_done(&s, &word);
        flow_insert(&s);
        for (uint64_t i = 0; i < COUNT; i++) {
            TRY(&s, fi_trecv(s.ep, &word, 8, NULL, s.addr[0], 1, 0, &word));
            CHECK(flow_done(&s, &word).data == i && word == i, "%lu instead of %lu", word, i);
        }
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 0, s.addr[0], 3));
    }
    if (rank == 0) {
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, s.addr[1], 3, 0, &word));
        flow_done(&s, &word);
    }
    flow_quiet(&s);
    flow_finish(&s);
}

/* ---- Remote memory ---- */

enum { REGION = (16 << 20) + 5000, AT = 4093 };
static const uint64_t key_of[2] = {UINT64_C(0xfedcba9876543210), 3};

static ssize_t write_at(struct flow *s, int to, const void *buf, size_t len, uint64_t at,
                        uint64_t key)
{
    struct iovec iov = {(void *)buf, len};
    struct fi_rma_iov remote = {at, len, key};
    struct fi_msg_rma m = {&iov, NULL, 1, s->addr[to], &remote, 1, (void *)buf, 0};

    return fi_writemsg(s->ep, &m, FI_DELIVERY_COMPLETE | FI_COMPLETION);
}

static ssize_t read_at(struct flow *s, int from, void *buf, size_t len, uint64_t at, uint64_t key)
{
    return fi_read(s->ep, buf, len, NULL, s->addr[from], at, key, buf);
}

static struct fid_mr *expose(struct flow *s, void *memory, size_t len, uint64_t access,
                             uint64_t key)
{
    struct fid_mr *mr;

    CHECK(!fi_mr_reg(s->domain, memory, len, access, 0, key, 0, &mr, NULL), "fi_mr_reg");
    CHECK(fi_mr_key(mr) == key, "key %lx", fi_mr_key(mr));
    return mr;
}

static bool all_are(const unsigned char *b, size_t len, unsigned char value)
{
    return !len || (b[0] == value && !memcmp(b, b + 1, len - 1));
}

/* To the other, or to oneself, by all processes at once. */
static void write_and_read(int rank, int other)
{
    static const size_t lens[] = {0, 1, 8, 4096, EAGER_MOST + 1, 1 << 20, 16 << 20};
    struct flow s;
    struct event c;
    unsigned char *mine = flow_buffer(REGION), *out = flow_buffer(REGION);

    flow_start(&s);
    struct fid_mr *mr = expose(&s, mine, REGION, FI_REMOTE_READ | FI_REMOTE_WRITE, key_of[rank]);
    flow_barrier(&s);
    for (int i = 0; i < 7; i++) {
        size_t len = lens[i];
        fill(out, len, i + other);
        TRY(&s, write_at(&s, other, out, len, AT, key_of[other]));
        c = flow_done(&s, out);
        CHECK(c.flags & FI_WRITE && c.flags & FI_RMA, "flags %lx", c.flags);
        flow_barrier(&s);
        CHECK(filled(mine + AT, len, i + rank), "write of %zu", len);
        CHECK(all_are(mine, AT, 0xee) && mine[AT + len] == 0xee, "around %zu", len);
        memset(out, 0xdd, len + 1);
        TRY(&s, read_at(&s, other, out, len, AT, key_of[other]));
        c = flow_done(&s, out);
        CHECK(c.flags & FI_READ && c.flags & FI_RMA, "flags %lx", c.flags);
        CHECK(filled(out, len, i + other), "read of %zu", len);
        CHECK(out[len] == (len ? 0xdd : out[0]), "behind a read of %zu", len);
        flow_barrier(&s);
        memset(mine, 0xee, REGION);
        flow_barrier(&s);
    }
    CHECK(!fi_close(&mr->fid), "close mr");
    flow_quiet(&s);
    flow_finish(&s);
    free(mine);
    free(out);
}

NODE_TEST(stream_life, write_and_read, 2)
{
    write_and_read(rank, 1 - rank);
}

NODE_TEST(stream_life, write_and_read_self, 1)
{
    write_and_read(rank, 0);
}

/* Thousands of writes and reads under way at once, both ways, to the last byte of the region. */
NODE_TEST(stream_life, many_writes, 2)
{
    enum { COUNT = 5000, WORD = 24 };
    struct flow s;
    unsigned char *mine = flow_buffer(COUNT * WORD), *out = flow_buffer(COUNT * WORD);
    unsigned char *back = flow_buffer(COUNT * WORD);

    flow_start(&s);
    struct fid_mr *mr =
        expose(&s, mine, COUNT * WORD, FI_REMOTE_READ | FI_REMOTE_WRITE, key_of[rank]);
    fill(out, COUNT * WORD, rank);
    flow_barrier(&s);
    for (int i = 0; i < COUNT; i++)
        TRY(&s, write_at(&s, 1 - rank, out + i * WORD, WORD, i * WORD, key_of[1 - rank]));
    for (int i = 0; i < COUNT; i++)
        flow_done(&s, out + i * WORD);
    for (int i = 0; i < COUNT; i++)
        TRY(&s, read_at(&s, 1 - rank, back + i * WORD, WORD, i * WORD, key_of[1 - rank]));
    for (int i = COUNT; i--;)
        flow_done(&s, back + i * WORD);
    CHECK(filled(back, COUNT * WORD, rank), "read back");
    flow_barrier(&s);
    CHECK(filled(mine, COUNT * WORD, 1 - rank), "written");
    CHECK(*s.served == 2 * COUNT, "%u served", *s.served);
    CHECK(!fi_close(&mr->fid), "close mr");
    flow_finish(&s);
    free(mine);
    free(out);
    free(back);
}

static void refused(struct flow *s, bool write, size_t len, uint64_t at, uint64_t key)
{
    unsigned char *buf = flow_buffer(len + 1);

    fill(buf, len, 1);
    if (write)
        TRY(s, write_at(s, 0, buf, len, at, key));
    else
        TRY(s, read_at(s, 0, buf, len, at, key));
    struct event c = flow_wait(s, buf);
    CHECK(c.err, "%s of %zu at %lx by %lx succeeded", write ? "write" : "read", len, at, key);
    CHECK(filled(buf, len, 1), "%s of %zu at %lx changed our memory", write ? "write" : "read", len,
          at);
    free(buf);
}

enum { SMALL = 10000, KEY = 7, ONLY_READ = 8, ONLY_WRITTEN = 9, CLOSED = 10, NEVER = 11 };

static void refuse_all(struct flow *s)
{
    static const size_t lens[] = {1, 8, SMALL / 2, SMALL + 1, 1 << 20};

    for (int i = 0; i < 10; i++) {
        size_t len = lens[i / 2];
        bool write = i & 1;
        refused(s, write, len, 0, NEVER);
        refused(s, write, len, 0, CLOSED);
        refused(s, write, len, 0, write ? ONLY_READ : ONLY_WRITTEN);
        refused(s, write, len, SMALL - len + 1, KEY); /* from before the start where it is long */
        refused(s, write, len, UINT64_MAX - len + 1, KEY); /* the end would be 0 */
        refused(s, write, len, UINT64_MAX, KEY);
        refused(s, write, len, UINT64_C(1) << 63, KEY);
    }
}

/* Rank 1 asks for what it must not: an error, nothing changes, and what is allowed still goes. */
static void wrong_key_or_range(int rank, int target)
{
    struct flow s;
    unsigned char *mine = flow_buffer(SMALL), allowed[8] = "allowed", word[8];
    static const uint64_t access[] = {FI_REMOTE_READ | FI_REMOTE_WRITE, FI_REMOTE_READ,
                                      FI_REMOTE_WRITE, FI_REMOTE_READ | FI_REMOTE_WRITE};
    struct fid_mr *mr[4];

    flow_start(&s);
    for (int i = 0; rank == target && i < 4; i++)
        mr[i] = expose(&s, mine, SMALL, access[i], KEY + i);
    if (rank == target)
        CHECK(!fi_close(&mr[3]->fid), "close mr");
    flow_barrier(&s);
    if (rank == job_size - 1)
        refuse_all(&s);
    flow_barrier(&s);
    if (rank == target)
        CHECK(all_are(mine, SMALL, 0xee), "something changed");
    flow_barrier(&s);
    if (rank == job_size - 1) {
        TRY(&s, write_at(&s, 0, allowed, 8, SMALL - 8, KEY));
        flow_done(&s, allowed);
        TRY(&s, read_at(&s, 0, word, 8, SMALL - 8, KEY));
        flow_done(&s, word);
        CHECK(!memcmp(word, allowed, 8), "what is allowed");
    }
    flow_barrier(&s);
    for (int i = 0; rank == target && i < 3; i++)
        CHECK(!fi_close(&mr[i]->fid), "close mr");
    flow_finish(&s);
    free(mine);
}

NODE_TEST(stream_life, wrong_key_or_range, 2)
{
    wrong_key_or_range(rank, 0);
}

NODE_TEST(stream_life, wrong_key_or_range_self, 1)
{
    wrong_key_or_range(rank, 0);
}

/* ---- Strangers ---- */

static uint64_t strangers(void)
{
    return atomic_load(&counts.strangers);
}

static int raw_connect(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)to, sizeof(*to)), "%s", strerror(errno));
    return fd;
}

/* Who is not known is hung up on, and told nothing before that; with progress for a friend. */
static void hung_up(struct flow *s, int fd, const char *who)
{
    uint64_t end = now_ns() + FLOW_SECONDS * UINT64_C(1000000000);
    char byte;
    ssize_t n;

    while ((n = recv(fd, &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
        CHECK(now_ns() < end, "%s is still connected", who);
        if (s)
            flow_progress(s);
        usleep(1000);
    }
    CHECK(n <= 0, "%s is answered", who);
    close(fd);
}

/* A friend of rank 0 is served all the time. */
static void friendly(struct flow *s, int turns)
{
    uint64_t back;

    for (uint64_t i = 0; i < (uint64_t)turns; i++) {
        TRY(s, fi_trecv(s->ep, &back, 8, NULL, s->addr[0], 2, 0, &back));
        TRY(s, fi_tinjectdata(s->ep, &i, 8, 0, s->addr[0], 1));
        flow_done(s, &back);
        CHECK(back == i, "%lu instead of %lu", back, i);
    }
}

/* What an endpoint says first, heard by somebody whom it takes for a peer and who answers badly. */
static size_t overhear(struct flow *s, unsigned char *hello, size_t room, void *word)
{
    struct sockaddr_in name;
    int listener = flow_raw_listen(&name, 8), fd;
    unsigned char nonsense[256];
    fi_addr_t addr;
    struct event c;
    size_t got = 0;

    CHECK(fi_av_insert(s->av, &name, 1, &addr, 0, NULL) == 1, "fi_av_insert");
    TRY(s, fi_tsenddata(s->ep, word, 8, NULL, 0, addr, 1, word));
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0)
        flow_progress(s);
    uint64_t end = now_ns() + 100000000;
    while (now_ns() < end || !got) {
        ssize_t n = recv(fd, hello + got, room - got, 0);
        got += n > 0 ? n : 0;
        flow_progress(s);
    }
    CHECK(!flow_take(s, word, &c) || c.err, "sent without a welcome");
    fill(nonsense, sizeof(nonsense), 9);
    CHECK(send(fd, nonsense, sizeof(nonsense), MSG_NOSIGNAL) > 0, "send");
    close(listener); /* or it would call again */
    close(fd);
    return got;
}

/* Rank 1 of strangers(): many who come in bad ways, and one friend. */
static void come_as_strangers(struct flow *s, const unsigned char *hello, size_t len)
{
    enum { SILENT = 200, RANDOM = 16 };
    static int fds[SILENT];
    unsigned char *noise = flow_buffer(1 << 16);

    for (int i = 0; i < SILENT; i++)
        fds[i] = raw_connect(&s->name[0]);
    friendly(s, 100); /* its first contact, too */
    int half = raw_connect(&s->name[0]);
    CHECK(send(half, hello, len / 2, 0) == (ssize_t)(len / 2), "half");
    for (int i = 0; i < RANDOM; i++) {
        int fd = raw_connect(&s->name[0]);
        fill(noise, 1 << 16, i + 3);
        if (i & 1) /* as one who knows the format, and not the proof */
            memcpy(noise, hello, 8);
        send(fd, noise, 1 << i, MSG_NOSIGNAL);
        if (1u << i < 256)
            shutdown(fd, SHUT_WR);
        hung_up(s, fd, "noise");
    }
    close(raw_connect(&s->name[0]));
    friendly(s, 100);
    hung_up(s, half, "half a hello");
    for (int i = 0; i < SILENT; i++)
        hung_up(s, fds[i], "silence");
    friendly(s, 100);
    free(noise);
}

NODE_TEST(stream_life, strangers, 2)
{
    struct flow s;
    unsigned char hello[4096];
    uint64_t word;

    flow_start(&s);
    if (rank == 1) {
        size_t len = overhear(&s, hello, sizeof(hello), &word);
        CHECK(len >= 24 && len < sizeof(hello), "a hello of %zu bytes", len);
        come_as_strangers(&s, hello, len);
        CHECK(flow_wait(&s, &word).err, "it was sent to a stranger");
        say(DONE);
    }
    for (int i = 0; rank == 0 && i < 300; i++) {
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, FI_ADDR_UNSPEC, 1, 0, &word));
        flow_done(&s, &word);
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 0, s.addr[1], 2));
    }
    flow_until(&s, DONE, 1);
    flow_quiet(&s);
    /* Those who hung up before they had said enough may count or not. */
    CHECK(rank == 1 || strangers() >= 200 + 1 + 10, "%lu strangers", strangers());
    flow_finish(&s);
}

/* Rank 1 has another proof: nobody hears it, and it hears nobody; 0 and 2 go on. */
NODE_TEST(stream_life, wrong_proof, 3)
{
    struct flow s;
    uint64_t in = ~0ull, out = rank, note, end = now_ns() + 1000000000;

    flow_open(&s, rank == 1 ? 2 : 1);
    flow_meet(&s);
    TRY(&s, fi_trecv(s.ep, &in, 8, NULL, FI_ADDR_UNSPEC, 0, ~0ull, &in));
    TRY(&s, fi_recv(s.ep, &note, 8, NULL, FI_ADDR_UNSPEC, &note));
    if (rank == 1) {
        TRY(&s, fi_tsenddata(s.ep, &out, 8, NULL, 0, s.addr[0], 1, &out));
        TRY(&s, fi_send(s.ep, &out, 8, NULL, s.addr[2], &out));
    }
    while (now_ns() < end)
        flow_progress(&s);
    CHECK(!s.event_count, "somebody was heard");
    flow_barrier(&s); /* nobody speaks while another still listens for the wrong one */
    if (rank != 1) {
        CHECK(strangers() > 0, "nobody was counted");
        TRY(&s, fi_tsenddata(s.ep, &out, 8, NULL, 0, s.addr[2 - rank], 1, &out));
        flow_done(&s, &out);
        flow_done(&s, &in);
        CHECK(in == 2u - rank, "from %lu", in);
        TRY(&s, fi_tinjectdata(s.ep, &out, 8, 0, s.addr[1], 1));
    }
    flow_barrier(&s);
    CHECK(!s.event_count && (rank != 1 || in == ~0ull), "it was spoken to");
    _exit(0); /* closing would wait for what is to be sent, in vain */
}

/* ---- Deaths and ends ---- */

/* The latest that a loss may show: ten seconds, and what a busy machine adds. */
#define DEAD_NS UINT64_C(12000000000)

static void ping_pong(struct flow *s, int rank, int turns)
{
    uint64_t word;

    for (int i = 0; i < turns; i++) {
        if (rank == (i & 1)) {
            word = i;
            TRY(s, fi_tsenddata(s->ep, &word, 8, NULL, 0, s->addr[1 - rank], 1, &word));
        } else {
            TRY(s, fi_trecv(s->ep, &word, 8, NULL, s->addr[1 - rank], 1, 0, &word));
        }
        flow_done(s, &word);
    }
}

/* Rank 2, until it is killed: connected to rank 0 alone, with long messages both ways. */
static void victim(struct flow *s, unsigned char *in, unsigned char *out)
{
    job_may_die();
    TRY(s, fi_trecv(s->ep, in, 8, NULL, s->addr[0], 1, 0, in));
    flow_done(s, in);
    TRY(s, fi_tsenddata(s->ep, out, 1 << 20, NULL, 0, s->addr[0], 3, out));
    flow_until(s, READY, 1);
    for (int i = 0; i < 1000; i++)
        flow_progress(s);
    say(DONE);
    kill(getpid(), SIGKILL);
}

/* What waits for the dead ends in time, whether it was ever met or not; the others go on. */
NODE_TEST(stream_life, killed_peer, 3)
{
    struct flow s;
    unsigned char *out = flow_buffer(1 << 20), *in = flow_buffer(1 << 20);

    flow_start(&s);
    if (rank == 2)
        victim(&s, in, out);
    ping_pong(&s, rank, 100);
    if (rank == 0) {
        TRY(&s, fi_tinjectdata(s.ep, out, 8, 0, s.addr[2], 1));
        TRY(&s, fi_tsenddata(s.ep, out, 1 << 20, NULL, 0, s.addr[2], 2, out)); /* never received */
        say(READY);
    }
    flow_until(&s, DONE, 1);
    uint64_t begin = now_ns();
    if (rank == 1) {
        usleep(50000); /* until it is dead */
        TRY(&s, fi_tsenddata(s.ep, out, 8, NULL, 0, s.addr[2], 2, out));
    }
    ping_pong(&s, rank, 2000);
    struct event c = flow_wait(&s, out);
    CHECK(c.err, "a message that nobody received was sent");
    CHECK(now_ns() - begin < DEAD_NS, "it took %lu ns", now_ns() - begin);
    ping_pong(&s, rank, 2000);
    say(rank ? THERE : HERE);
    flow_until(&s, rank ? HERE : THERE, 1);
    flow_quiet(&s);
    flow_close(&s);
    free(out);
    free(in);
}

/* A message that is coming ends with an error where its sender dies: what was read of it is not. */
NODE_TEST(stream_life, killed_in_the_middle, 2)
{
    enum { LONG = 64 << 20 };
    struct flow s;
    unsigned char *buf = flow_buffer(LONG);
    uint64_t early = 0;

    flow_start(&s);
    if (rank == 1) {
        job_may_die();
        TRY(&s, fi_tsenddata(s.ep, buf, LONG, NULL, 0, s.addr[0], 3, buf));
        TRY(&s, fi_tinjectdata(s.ep, buf, 8, 0, s.addr[0], 4)); /* behind the announcement */
        flow_until(&s, READY, 1);
        for (int i = 0; i < 100; i++)
            flow_progress(&s);
        say(DONE);
        kill(getpid(), SIGKILL);
    }
    TRY(&s, fi_trecv(s.ep, &early, 8, NULL, s.addr[1], 4, 0, &early));
    flow_done(&s, &early);
    TRY(&s, fi_trecv(s.ep, buf, LONG, NULL, s.addr[1], 3, 0, buf));
    flow_progress(&s);
    say(READY);
    flow_until(NULL, DONE, 1); /* nothing is read until it is dead */
    usleep(50000);
    uint64_t begin = now_ns();
    struct event c = flow_wait(&s, buf);
    CHECK(c.err, "half of a message was received");
    CHECK(now_ns() - begin < DEAD_NS, "it took %lu ns", now_ns() - begin);
    flow_quiet(&s);
    flow_close(&s);
    free(buf);
}

/* The last words of one who closes at once come to one who looks 200 ms later. */
static void last_words(int rank, bool connected, int count, size_t len)
{
    struct flow s;
    unsigned char *buf = flow_buffer(1 << 17);

    flow_start(&s);
    if (connected)
        ping_pong(&s, rank, 10);
    flow_barrier(&s);
    if (rank == 0) {
        len = len < s.info->tx_attr->inject_size ? len : s.info->tx_attr->inject_size;
        job_words[COUNTED] = len;
        for (int i = 0; i < count; i++) {
            fill(buf, len, i);
            TRY(&s, fi_tinjectdata(s.ep, buf, len, i, s.addr[1], 4));
        }
        uint64_t begin = now_ns();
        flow_close(&s);
        CHECK(now_ns() - begin < UINT64_C(5000000000), "closing took %lu ns", now_ns() - begin);
    } else {
        usleep(200000);
        for (int i = 0; i < count; i++) {
            TRY(&s, fi_trecv(s.ep, buf, 1 << 17, NULL, s.addr[0], 4, 0, buf));
            struct event c = flow_done(&s, buf);
            CHECK(c.len == job_words[COUNTED] && c.data == (uint64_t)i, "%zu, %lu", c.len, c.data);
            CHECK(filled(buf, c.len, i), "message %d", i);
        }
        flow_quiet(&s);
        flow_close(&s);
    }
    free(buf);
}

NODE_TEST(stream_life, last_word_connected, 2)
{
    last_words(rank, true, 1, 8);
}

NODE_TEST(stream_life, last_word_is_the_first, 2)
{
    last_words(rank, false, 1, 8);
}

NODE_TEST(stream_life, last_words, 2)
{
    last_words(rank, true, 10, 1 << 17);
}

/* More than sockets hold: the injects themselves make progress, the end of it is the close's. */
NODE_TEST(stream_life, many_last_words, 2)
{
    last_words(rank, true, 2000, 1 << 17);
}

/* Both close at once, having just spoken and never been connected: nobody waits for long. */
NODE_TEST(stream_life, both_close, 2)
{
    for (int i = 0; i < 5; i++) {
        struct flow s;
        uint64_t word = i;
        flow_start(&s);
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 0, s.addr[1 - rank], 4));
        uint64_t begin = now_ns();
        flow_close(&s);
        CHECK(now_ns() - begin < UINT64_C(5000000000), "closing took %lu ns", now_ns() - begin);
    }
}

/* Who asks for one who has closed gets an error, in time; who closes first leaves no trace. */
NODE_TEST(stream_life, send_to_closed, 2)
{
    struct flow s;
    uint64_t word = 0;

    flow_start(&s);
    ping_pong(&s, rank, 10);
    flow_barrier(&s);
    if (rank == 0) {
        flow_close(&s);
        say(READY);
        flow_until(NULL, DONE, 1);
        return;
    }
    flow_until(&s, READY, 1);
    uint64_t begin = now_ns();
    struct event c = {0};
    while (!c.err) { /* the system may have taken one or two before it knew */
        TRY(&s, fi_tsenddata(s.ep, &word, 8, NULL, 0, s.addr[0], 9, &word));
        c = flow_wait(&s, &word);
        CHECK(now_ns() - begin < DEAD_NS, "sent to nobody for %lu ns", now_ns() - begin);
    }
    say(DONE);
    flow_close(&s);
}

/*
 * Rank 1 finds out that rank 0 has gone by speaking to it, before it has read what rank 0 said in
 * the end: that is still to be heard.
 */
NODE_TEST(stream_life, last_words_of_one_spoken_to, 2)
{
    struct flow s;
    uint64_t word = 0;

    flow_start(&s);
    ping_pong(&s, rank, 10);
    flow_barrier(&s);
    if (rank == 0) {
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 17, s.addr[1], 4));
        flow_close(&s);
        say(READY);
        return;
    }
    flow_until(NULL, READY, 1);
    for (int i = 0; i < 3; i++) {
        TRY(&s, fi_tinjectdata(s.ep, &word, 8, 0, s.addr[0], 4));
        usleep(20000);
    }
    TRY(&s, fi_trecv(s.ep, &word, 8, NULL, s.addr[0], 4, 0, &word));
    CHECK(flow_done(&s, &word).data == 17, "last word");
    _exit(0); /* closing would wait for what is to be sent, in vain */
}

/* Breaks the connections of this process, as a network does that forgets them. */
static void cut(const struct flow *s, int rank)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in here, there;
        socklen_t len = sizeof(here), other = sizeof(there);
        if (getsockname(fd, (struct sockaddr *)&here, &len) ||
            getpeername(fd, (struct sockaddr *)&there, &other) || here.sin_family != AF_INET)
            continue;
        if (here.sin_port == s->name[rank].sin_port || there.sin_port == s->name[1 - rank].sin_port)
            shutdown(fd, SHUT_RDWR);
    }
}

/*
 * What was announced over a connection that broke is not there any more: whoever receives it then
 * does not get what its sender sends later, and that one comes as it should.
 */
NODE_TEST(stream_life, announced_and_lost, 2)
{
    enum { LONG = 1 << 20 };
    struct flow s;
    unsigned char *one = flow_buffer(LONG), *two = flow_buffer(LONG);
    uint64_t word;

    flow_start(&s);
    ping_pong(&s, rank, 10);
    if (rank == 1) {
        fill(one, LONG, 1);
        fill(two, LONG, 2);
        TRY(&s, fi_tsenddata(s.ep, one, LONG, NULL, 0, s.addr[0], 1, one));
        TRY(&s, fi_tinjectdata(s.ep, &rank, 4, 0, s.addr[0], 3));
        flow_until(&s, READY, 1);
        cut(&s, rank);
        CHECK(flow_wait(&s, one).err, "a message was sent over no connection");
        TRY(&s, fi_tsenddata(s.ep, two, LONG, NULL, 0, s.addr[0], 2, two));
        say(DONE);
        flow_done(&s, two);
    } else {
        struct event c;
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, s.addr[1], 3, 0, &word));
        flow_done(&s, &word);
        say(READY);
        flow_until(&s, DONE, 1);
        TRY(&s, fi_trecv(s.ep, one, LONG, NULL, s.addr[1], 1, 0, one));
        TRY(&s, fi_trecv(s.ep, two, LONG, NULL, s.addr[1], 2, 0, two));
        while (!flow_take(&s, two, &c)) {
            bool had = flow_take(&s, one, &c);
            CHECK(!had || c.err, "the first was received: with bytes of the %s",
                  filled(one, LONG, 2) ? "second" : "first");
            flow_progress(&s);
        }
        CHECK(!c.err && filled(two, LONG, 2), "the second: err %d", c.err);
    }
    say(rank ? THERE : HERE);
    flow_until(&s, rank ? HERE : THERE, 1);
    flow_close(&s);
    free(one);
    free(two);
}

/* A connection that breaks in a silence is made anew, by either side, and nobody notices. */
NODE_TEST(stream_life, cut_in_a_silence, 2)
{
    struct flow s;

    flow_start(&s);
    for (int i = 0; i < 20; i++) {
        ping_pong(&s, rank, 10);
        flow_barrier(&s);
        if (rank == (i & 1))
            cut(&s, rank);
        uint64_t end = now_ns() + 20000000; /* both see it */
        while (now_ns() < end)
            flow_progress(&s);
        flow_barrier(&s);
    }
    flow_quiet(&s);
    flow_finish(&s);
}
