/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the stream provider: sizes, matching, order, truncation, looks, sleep. */
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "provider/stream/stream.h"
#include "tests/unit/stream_job.h"

/* Around the limits where the way of a message may change. */
static const size_t sizes[] = {
    0,          1,      7,      8,      100,    4095,    4096,    16383,         16384,  65536,
    EAGER_MOST, 131071, 131073, 200000, 300001, 1 << 20, 3 << 20, (4 << 20) - 1, 4 << 20};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), LARGEST = 4 << 20, ROOM = LARGEST + 64 };
enum { TAGGED, UNTAGGED };

static void post_send(struct flow *s, int kind, const void *buf, size_t len, int to, uint64_t tag,
                      uint64_t data)
{
    if (kind == TAGGED)
        TRY(s, fi_tsenddata(s->ep, buf, len, NULL, data, s->addr[to], tag, (void *)buf));
    else
        TRY(s, fi_send(s->ep, buf, len, NULL, s->addr[to], (void *)buf));
}

static void post_recv(struct flow *s, int kind, void *buf, size_t len, fi_addr_t from, uint64_t tag)
{
    if (kind == TAGGED)
        TRY(s, fi_trecv(s->ep, buf, len, NULL, from, tag, 0, buf));
    else
        TRY(s, fi_recv(s->ep, buf, len, NULL, from, buf));
}

/* ---- Sizes ---- */

static void check_received(struct flow *s, int kind, unsigned char *buf, int i, int from)
{
    struct event c = flow_done(s, buf);

    CHECK(c.len == sizes[i], "%zu instead of %zu", c.len, sizes[i]);
    CHECK(c.flags & FI_RECV && c.flags & (kind == TAGGED ? FI_TAGGED : FI_MSG), "%lx", c.flags);
    if (kind == TAGGED) {
        CHECK(c.flags & FI_REMOTE_CQ_DATA, "%lx", c.flags);
        CHECK(c.tag == UINT64_C(0xabcdef0123456700) + i, "tag %lx", c.tag);
        CHECK(c.data == UINT64_C(0xfeedfacecafe0000) + from, "data %lx", c.data);
    }
    CHECK(filled(buf, sizes[i], i + from * 100), "bytes of %zu", sizes[i]);
    CHECK(buf[sizes[i]] == 0xee && buf[ROOM - 1] == 0xee, "behind %zu", sizes[i]);
}

/* Both send each other all sizes at once; the receive is posted before the send, or much later. */
static void all_sizes(int rank, int kind, bool expected)
{
    struct flow s;
    unsigned char *out = flow_buffer(ROOM), *in = flow_buffer(ROOM);
    int other = 1 - rank;

    flow_start(&s);
    for (int i = 0; i < SIZES; i++) {
        uint64_t tag = UINT64_C(0xabcdef0123456700) + i;
        fi_addr_t from = i & 1 && kind == TAGGED ? s.addr[other] : FI_ADDR_UNSPEC;
        fill(out, sizes[i], i + rank * 100);
        memset(in, 0xee, ROOM);
        if (expected) {
            post_recv(&s, kind, in, ROOM, from, tag);
            flow_barrier(&s);
        }
        post_send(&s, kind, out, sizes[i], other, tag, UINT64_C(0xfeedfacecafe0000) + rank);
        if (!expected) {
            flow_barrier(&s);
            for (int n = 0; n < 50; n++)
                flow_progress(&s);
            post_recv(&s, kind, in, ROOM, from, tag);
        }
        check_received(&s, kind, in, i, other);
        struct event c = flow_done(&s, out);
        CHECK(c.flags & FI_SEND, "%lx", c.flags);
        flow_barrier(&s);
    }
    flow_quiet(&s);
    flow_finish(&s);
    free(out);
    free(in);
}

NODE_TEST(stream, sizes_expected, 2)
{
    all_sizes(rank, TAGGED, true);
}

NODE_TEST(stream, sizes_unexpected, 2)
{
    all_sizes(rank, TAGGED, false);
}

NODE_TEST(stream, untagged_expected, 2)
{
    all_sizes(rank, UNTAGGED, true);
}

NODE_TEST(stream, untagged_unexpected, 2)
{
    all_sizes(rank, UNTAGGED, false);
}

NODE_TEST(stream, inject_sizes, 2)
{
    struct flow s;
    unsigned char *buf = flow_buffer(ROOM);

    flow_start(&s);
    size_t most = s.info->tx_attr->inject_size;
    CHECK(most >= 64 && most <= LARGEST, "inject_size %zu", most);
    for (size_t len = 0, i = 0; len <= most; len = len == most ? most + 1 : len * 2 + 1, i++) {
        if (len > most / 2 && len < most)
            len = most;
        if (rank == 0) {
            fill(buf, len, i);
            TRY(&s, fi_tinjectdata(s.ep, buf, len, ~i, s.addr[1], i));
            memset(buf, 0x77, len); /* ours again at once */
            continue;
        }
        post_recv(&s, TAGGED, buf, ROOM, s.addr[0], i);
        struct event c = flow_done(&s, buf);
        CHECK(c.len == len && c.data == ~i && filled(buf, len, i), "%zu of %zu", c.len, len);
    }
    ssize_t ret = fi_tinjectdata(s.ep, buf, most + 1, 0, s.addr[1 - rank], 0);
    CHECK(ret < 0 && ret != -FI_EAGAIN, "too long: %zd", ret);
    flow_quiet(&s);
    flow_finish(&s);
    free(buf);
}

/* Tagged and untagged do not see each other, in whichever order they come. */
NODE_TEST(stream, notes_apart, 2)
{
    struct flow s;
    uint64_t note[2] = {0}, word = 0, out[3] = {7, 8, 9};

    flow_start(&s);
    if (rank == 0) {
        post_send(&s, UNTAGGED, &out[0], 8, 1, 0, 0);
        post_send(&s, TAGGED, &out[1], 8, 1, 0, 0);
        post_send(&s, UNTAGGED, &out[2], 8, 1, 0, 0);
        for (int i = 0; i < 3; i++)
            flow_done(&s, &out[i]);
    } else {
        TRY(&s, fi_trecv(s.ep, &word, 8, NULL, FI_ADDR_UNSPEC, 0, ~0ull, &word));
        flow_done(&s, &word);
        for (int i = 0; i < 2; i++) {
            post_recv(&s, UNTAGGED, &note[i], 8, FI_ADDR_UNSPEC, 0);
            flow_done(&s, &note[i]);
        }
        CHECK(word == 8 && note[0] == 7 && note[1] == 9, "%lu %lu %lu", word, note[0], note[1]);
    }
    flow_finish(&s);
}

/* ---- Many, and in which order ---- */

/* Searching a list from its start would take a minute. */
NODE_TEST(stream, unexpected_in_reverse, 2)
{
    enum { COUNT = 10000, MOST = 600 };
    struct flow s;
    unsigned char buf[MOST];

    flow_start(&s);
    for (int i = 0; rank == 0 && i <= COUNT; i++) {
        size_t len = i % 3 ? 8 : MOST;
        fill(buf, len, i);
        TRY(&s, fi_tinjectdata(s.ep, buf, len, i, s.addr[1], i));
    }
    for (int i = COUNT; rank == 1 && i >= 0; i--) {
        post_recv(&s, TAGGED, buf, MOST, i & 1 ? s.addr[0] : FI_ADDR_UNSPEC, i);
        struct event c = flow_done(&s, buf);
        CHECK(c.len == (i % 3 ? 8 : MOST) && c.data == (uint64_t)i, "%zu, %lu", c.len, c.data);
        CHECK(filled(buf, c.len, i), "message %d", i);
    }
    flow_quiet(&s);
    flow_finish(&s);
}

enum { ORDERED = 800, WINDOW = 8, ORDERED_MOST = 200000 };

static size_t ordered_len(uint64_t i)
{
    static const size_t mix[] = {16, 40, ORDERED_MOST, 16, 5000, 100000, 16, EAGER_MOST + 1, 17};

    return mix[i % 9];
}

static void ordered_sender(struct flow *s, int rank)
{
    unsigned char *buf = flow_buffer((size_t)WINDOW * ORDERED_MOST);

    for (uint64_t i = 0; i < ORDERED; i++) {
        unsigned char *b = buf + i % WINDOW * ORDERED_MOST;
        if (i >= WINDOW)
            flow_done(s, b);
        fill(b, ordered_len(i), rank);
        memcpy(b, &i, sizeof(i));
        post_send(s, TAGGED, b, ordered_len(i), 0, 5, rank);
    }
    for (int i = 0; i < WINDOW; i++)
        flow_done(s, buf + (size_t)i * ORDERED_MOST);
    free(buf);
}

/* A window of receives, of which what came is told in the order of posting. */
static void ordered_window(struct flow *s, unsigned char *buf, int count, bool directed,
                           uint64_t next[3])
{
    static const int from[WINDOW] = {1, 0, 2, 0, 0, 1, 0, 2}; /* 0: anybody */

    for (int k = 0; k < count; k++)
        post_recv(s, TAGGED, buf + (size_t)k * ORDERED_MOST, ORDERED_MOST,
                  directed && from[k] ? s->addr[from[k]] : FI_ADDR_UNSPEC, 5);
    for (int k = 0; k < count; k++) {
        unsigned char *b = buf + (size_t)k * ORDERED_MOST;
        uint64_t i;
        struct event c = flow_done(s, b);
        memcpy(&i, b, sizeof(i));
        CHECK(c.data == 1 || c.data == 2, "from %lu", c.data);
        CHECK(!directed || !from[k] || (int)c.data == from[k], "%lu, not %d", c.data, from[k]);
        CHECK(i == next[c.data], "from %lu: %lu instead of %lu", c.data, i, next[c.data]);
        CHECK(c.len == ordered_len(i), "%lu has %zu bytes", i, c.len);
        fill(b, sizeof(i), c.data);
        CHECK(filled(b, c.len, c.data), "bytes of %lu", i);
        next[c.data]++;
    }
}

/* Two send to one, short and long ones by one tag: each is heard in its order. */
NODE_TEST(stream, order, 3)
{
    struct flow s;

    flow_start(&s);
    if (rank) {
        ordered_sender(&s, rank);
    } else {
        unsigned char *buf = flow_buffer((size_t)WINDOW * ORDERED_MOST);
        uint64_t next[3] = {0};
        while (next[1] + WINDOW <= ORDERED && next[2] + WINDOW <= ORDERED)
            ordered_window(&s, buf, WINDOW, true, next);
        while (next[1] + next[2] < 2 * ORDERED) {
            uint64_t left = 2 * ORDERED - next[1] - next[2];
            ordered_window(&s, buf, left < WINDOW ? left : WINDOW, false, next);
        }
        free(buf);
    }
    flow_quiet(&s);
    flow_finish(&s);
}

/* The receiver sleeps, and its peer injects what it can: nothing is lost. */
NODE_TEST(stream, injects_faster_than_read, 2)
{
    enum { COUNT = 20000 };
    struct flow s;
    unsigned char *buf = flow_buffer(ROOM);

    flow_start(&s);
    size_t mix[4] = {8, 1000, s.info->tx_attr->inject_size, 0};
    if (rank)
        usleep(300000);
    for (int i = 0; i < COUNT; i++) {
        size_t len = mix[i % 4];
        if (rank == 0) {
            fill(buf, len, i);
            TRY(&s, fi_tinjectdata(s.ep, buf, len, i, s.addr[1], 3));
            continue;
        }
        post_recv(&s, TAGGED, buf, ROOM, FI_ADDR_UNSPEC, 3);
        struct event c = flow_done(&s, buf);
        CHECK(c.data == (uint64_t)i && c.len == len, "%lu instead of %d", c.data, i);
        CHECK(filled(buf, len, i), "message %d", i);
    }
    flow_quiet(&s);
    flow_finish(&s);
    free(buf);
}

/* Both send, and nobody receives until both have sent all that is there to be sent. */
static void both(int rank, size_t len, int count, bool receive_first)
{
    struct flow s;
    unsigned char *out = flow_buffer(len), *in = flow_buffer(len);

    flow_start(&s);
    fill(out, len, rank);
    for (int i = 0; receive_first && i < count; i++)
        TRY(&s, fi_trecv(s.ep, in, len, NULL, s.addr[1 - rank], i, 0, in));
    for (int i = 0; i < count; i++)
        post_send(&s, TAGGED, out, len, 1 - rank, i, 0);
    for (int i = 0; !receive_first && i < count; i++)
        TRY(&s, fi_trecv(s.ep, in, len, NULL, s.addr[1 - rank], i, 0, in));
    for (int i = 0; i < count; i++)
        CHECK(flow_done(&s, in).len == len, "length");
    CHECK(filled(in, len, 1 - rank), "bytes");
    for (int i = 0; i < count; i++)
        flow_done(&s, out);
    flow_quiet(&s);
    flow_finish(&s);
    free(out);
    free(in);
}

NODE_TEST(stream, both_send_64_mib, 2)
{
    both(rank, 64 << 20, 1, false);
    both(rank, 64 << 20, 1, true);
}

NODE_TEST(stream, both_flood_eager, 2)
{
    both(rank, EAGER_MOST, 300, false);
}

NODE_TEST(stream, both_flood_rendezvous, 2)
{
    both(rank, EAGER_MOST + 1, 300, false);
    both(rank, 1 << 20, 60, true);
}

/* ---- Truncation ---- */

static void truncate_one(struct flow *s, int rank, size_t len, size_t room, bool expected)
{
    unsigned char *buf = flow_buffer(len + 1);

    if (rank == 0) {
        fill(buf, len, 3);
        if (expected)
            flow_barrier(s);
        post_send(s, TAGGED, buf, len, 1, 1, 77);
        if (!expected)
            flow_barrier(s);
        flow_done(s, buf);
        TRY(s, fi_tinjectdata(s->ep, "after", 5, 78, s->addr[1], 1));
    } else {
        if (!expected) {
            flow_barrier(s);
            for (int i = 0; i < 50; i++)
                flow_progress(s);
        }
        post_recv(s, TAGGED, buf, room, s->addr[0], 1);
        if (expected)
            flow_barrier(s);
        struct event c = flow_wait(s, buf);
        CHECK(c.err == FI_ETRUNC, "err %d, %zu bytes into %zu", c.err, len, room);
        CHECK(c.len == room && c.olen == len - room, "len %zu, olen %zu", c.len, c.olen);
        CHECK(c.tag == 1 && c.data == 77, "tag %lu, data %lu", c.tag, c.data);
        CHECK(filled(buf, room, 3) && buf[room] == 0xee, "bytes %zu of %zu", room, len);
        /* What comes behind it comes whole. */
        post_recv(s, TAGGED, buf, 5, s->addr[0], 1);
        CHECK(flow_done(s, buf).data == 78 && !memcmp(buf, "after", 5), "after");
    }
    flow_barrier(s);
    free(buf);
}

NODE_TEST(stream, truncation, 2)
{
    static const size_t lens[] = {8, 2000, 100000, EAGER_MOST, EAGER_MOST + 1, 1 << 20};
    struct flow s;

    flow_start(&s);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        for (int expected = 0; expected < 2; expected++) {
            truncate_one(&s, rank, lens[i], 5, expected);
            truncate_one(&s, rank, lens[i], lens[i] / 2 + 1, expected);
            truncate_one(&s, rank, lens[i], lens[i] - 1, expected);
        }
    flow_quiet(&s);
    flow_finish(&s);
}

/* ---- Cancel ---- */

NODE_TEST(stream, cancel_is_synchronous, 1)
{
    struct flow s;
    struct event c;
    uint64_t got[8];

    (void)rank;
    flow_start(&s);
    for (int i = 0; i < 8; i++)
        if (i % 2)
            TRY(&s, fi_trecv(s.ep, &got[i], 8, NULL, i & 4 ? s.addr[0] : FI_ADDR_UNSPEC, i,
                             i & 2 ? ~0ull : 0, &got[i]));
        else
            post_recv(&s, UNTAGGED, &got[i], 8, FI_ADDR_UNSPEC, 0);
    for (int i = 7; i >= 0; i--) {
        CHECK(!fi_cancel(&s.ep->fid, &got[i]), "cancel %d", i);
        CHECK(fi_cancel(&s.ep->fid, &got[i]) == -FI_ENOENT, "cancel %d again", i);
        CHECK(flow_progress(&s) && flow_take(&s, &got[i], &c), "cancel %d: no entry", i);
        CHECK(c.err == FI_ECANCELED, "err %d", c.err);
    }
    flow_quiet(&s);
    flow_finish(&s);
}

/* Each message is received once: by the receive, or by the one after its cancellation. */
NODE_TEST(stream, cancel_against_arrival, 2)
{
    enum { COUNT = 20000, PACE = 64 };
    struct flow s;
    uint64_t value, pace, cancelled = 0;

    flow_start(&s);
    for (uint64_t i = 0; i < COUNT; i++) {
        if (rank == 0) {
            TRY(&s, fi_tinjectdata(s.ep, &i, 8, i, s.addr[1], 3));
            if (i % PACE == PACE - 1) {
                post_recv(&s, TAGGED, &pace, 8, FI_ADDR_UNSPEC, 4);
                flow_done(&s, &pace);
            }
            continue;
        }
        value = ~0ull;
        TRY(&s, fi_trecv(s.ep, &value, 8, NULL, i & 1 ? s.addr[0] : FI_ADDR_UNSPEC, 3,
                         i & 2 ? ~0ull : 0, &value));
        for (unsigned n = i % 7; n; n--)
            flow_progress(&s);
        ssize_t ret = fi_cancel(&s.ep->fid, &value);
        CHECK(ret == 0 || ret == -FI_ENOENT, "%zd", ret);
        struct event c = flow_wait(&s, &value);
        CHECK(c.err == (ret ? 0 : FI_ECANCELED), "err %d, cancel %zd", c.err, ret);
        CHECK(ret || value == ~0ull, "cancelled, and received too");
        if (!ret) {
            cancelled++;
            post_recv(&s, TAGGED, &value, 8, FI_ADDR_UNSPEC, 3);
            flow_done(&s, &value);
        }
        CHECK(value == i, "%lu instead of %lu", value, i);
        if (i % PACE == PACE - 1)
            TRY(&s, fi_tinjectdata(s.ep, &i, 8, 0, s.addr[0], 4));
    }
    CHECK(rank == 0 || (cancelled > 0 && cancelled < COUNT), "%lu were cancelled", cancelled);
    flow_quiet(&s);
    flow_finish(&s);
}

/* ---- Peek and claim ---- */

static ssize_t look(struct flow *s, uint64_t tag, uint64_t flags, void *buf, size_t len,
                    void *context)
{
    struct iovec iov = {buf, len};
    struct fi_msg_tagged m = {buf ? &iov : NULL, NULL, buf ? 1 : 0, FI_ADDR_UNSPEC, tag, 0,
                              context,           0};

    if (tag & 1)
        m.addr = s->addr[0];
    return fi_trecvmsg(s->ep, &m, flags);
}

static void no_message(struct flow *s, uint64_t tag)
{
    struct event c;

    CHECK(!look(s, tag, FI_PEEK, NULL, 0, s), "peek");
    CHECK(flow_progress(s) && flow_take(s, s, &c), "a peek does not end at once");
    CHECK(c.err == FI_ENOMSG, "err %d", c.err);
}

/* Looks until the message is there. */
static struct event seen(struct flow *s, uint64_t tag, uint64_t flags, void *context)
{
    uint64_t end = now_ns() + FLOW_SECONDS * UINT64_C(1000000000);
    struct event c;

    do {
        CHECK(now_ns() < end, "tag %lu is never seen", tag);
        CHECK(!look(s, tag, FI_PEEK | flags, NULL, 0, context), "peek");
        c = flow_wait(s, context);
        CHECK(!c.err || c.err == FI_ENOMSG, "err %d", c.err);
    } while (c.err);
    CHECK(c.flags & FI_RECV && c.tag == tag, "flags %lx, tag %lu", c.flags, c.tag);
    return c;
}

enum { LOOKED = 5 };

static void peek_sender(struct flow *s, size_t len)
{
    unsigned char *buf[LOOKED];

    flow_barrier(s);
    for (int i = 0; i < LOOKED; i++) {
        buf[i] = flow_buffer(len + 1);
        fill(buf[i], len, i);
        post_send(s, TAGGED, buf[i], len, 1, i < 2 ? i : 2, 50 + i);
    }
    for (int i = 0; i < LOOKED; i++) {
        flow_done(s, buf[i]);
        free(buf[i]);
    }
}

/* Tags 0 and 1 are looked at and received; of three with tag 2 the first is claimed. */
static void peek_receiver(struct flow *s, size_t len)
{
    unsigned char *buf = flow_buffer(len + 1);
    struct event c;
    int mine;

    no_message(s, 0);
    no_message(s, 1);
    flow_barrier(s);
    for (int tag = 1; tag >= 0; tag--) {
        for (int i = 0; i < 3; i++) {
            c = seen(s, tag, 0, &mine);
            CHECK(c.len == len && c.data == 50u + tag, "len %zu, data %lu", c.len, c.data);
        }
        post_recv(s, TAGGED, buf, len, s->addr[0], tag);
        CHECK(flow_done(s, buf).len == len && filled(buf, len, tag), "tag %d", tag);
        no_message(s, tag);
    }
    c = seen(s, 2, FI_CLAIM, &mine);
    CHECK(c.len == len && c.data == 52, "len %zu, data %lu", c.len, c.data);
    for (int i = 3; i < LOOKED; i++) {
        c = seen(s, 2, 0, buf);
        CHECK(c.data == 50u + i, "data %lu where %d was to be seen", c.data, 50 + i);
        post_recv(s, TAGGED, buf, len, FI_ADDR_UNSPEC, 2);
        CHECK(flow_done(s, buf).data == 50u + i && filled(buf, len, i), "message %d", i);
    }
    no_message(s, 2);
    CHECK(!look(s, 2, FI_CLAIM | FI_COMPLETION, buf, len, &mine), "claimed");
    c = flow_done(s, &mine);
    CHECK(c.len == len && c.data == 52 && filled(buf, len, 2), "claimed: data %lu", c.data);
    no_message(s, 2);
    free(buf);
}

NODE_TEST(stream, peek_and_claim, 2)
{
    static const size_t lens[] = {0, 8, 3000, 100000, EAGER_MOST, EAGER_MOST + 1, 1 << 20};
    struct flow s;

    flow_start(&s);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        if (rank)
            peek_receiver(&s, lens[i]);
        else
            peek_sender(&s, lens[i]);
        flow_barrier(&s);
    }
    flow_quiet(&s);
    flow_finish(&s);
}

/* ---- To oneself ---- */

NODE_TEST(stream, self, 1)
{
    struct flow s;
    unsigned char *out = flow_buffer(ROOM), *in = flow_buffer(ROOM);

    (void)rank;
    flow_start(&s);
    for (int kind = TAGGED; kind <= UNTAGGED; kind++)
        for (int i = 0; i < 2 * SIZES; i++) {
            size_t len = sizes[i / 2];
            fill(out, len, i);
            memset(in, 0xee, ROOM);
            if (i & 1)
                post_recv(&s, kind, in, ROOM, kind == TAGGED ? s.addr[0] : FI_ADDR_UNSPEC, i);
            post_send(&s, kind, out, len, 0, i, i);
            if (!(i & 1))
                post_recv(&s, kind, in, ROOM, FI_ADDR_UNSPEC, i);
            struct event c = flow_done(&s, in);
            flow_done(&s, out);
            CHECK(c.len == len && filled(in, len, i) && in[len] == 0xee, "size %zu", len);
            CHECK(kind != TAGGED || c.data == (uint64_t)i, "data %lu", c.data);
        }
    TRY(&s, fi_tinjectdata(s.ep, "12345678", 8, 1, s.addr[0], 1));
    post_recv(&s, TAGGED, in, 4, s.addr[0], 1);
    CHECK(flow_wait(&s, in).err == FI_ETRUNC, "truncation");
    no_message(&s, 1);
    flow_quiet(&s);
    flow_finish(&s);
    free(out);
    free(in);
}

/* Where it cannot be kept for want of memory it is not sent: whoever sends it is told. */
NODE_TEST(stream, self_without_memory, 1)
{
    struct flow s;
    unsigned char *out = flow_buffer(ROOM), *in = flow_buffer(ROOM);

    (void)rank;
    flow_start(&s);
    struct pool *pool = &container_of(s.ep, struct stream_ep, fid)->unexpecteds, as_it_is = *pool;
    pool->size = (size_t)1 << 50;
    CHECK(fi_tinjectdata(s.ep, out, 8, 1, s.addr[0], 1) == -FI_ENOMEM, "inject");
    CHECK(fi_tsenddata(s.ep, out, 8, NULL, 1, s.addr[0], 1, out) == -FI_ENOMEM, "short");
    CHECK(fi_tsenddata(s.ep, out, ROOM, NULL, 1, s.addr[0], 1, out) == -FI_ENOMEM, "long");
    flow_quiet(&s);
    *pool = as_it_is;
    no_message(&s, 1);
    post_send(&s, TAGGED, out, ROOM, 0, 1, 2);
    post_recv(&s, TAGGED, in, ROOM, s.addr[0], 1);
    flow_done(&s, in);
    flow_done(&s, out);
    flow_finish(&s);
    free(out);
    free(in);
}

/* ---- Sleep ---- */

/* The completion with that context, asleep as long as there is none; how often it woke. */
static unsigned sleep_for(struct flow *s, void *context)
{
    struct fid *fid = &s->cq->fid;
    struct event c;
    unsigned wakes = 0;
    int fd;

    CHECK(!fi_control(fid, FI_GETWAIT, &fd), "FI_GETWAIT");
    while (!flow_take(s, context, &c)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (flow_progress(s))
            continue;
        int ret = fi_trywait(s->fabric, &fid, 1);
        CHECK(!ret || ret == -FI_EAGAIN, "fi_trywait: %d", ret);
        if (ret)
            continue;
        CHECK(poll(&p, 1, 10000) == 1, "nothing woke it");
        wakes++;
    }
    CHECK(!c.err, "err %d", c.err);
    return wakes;
}

static double processor_seconds(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static void silence(struct flow *s, int rank, uint64_t *value)
{
    if (rank == 0) {
        usleep(400000);
        TRY(s, fi_tinjectdata(s->ep, value, 8, 1, s->addr[1], 1));
        flow_until(s, FLOW_WORDS, 1); /* connecting asks for progress */
        return;
    }
    double before = processor_seconds();
    post_recv(s, TAGGED, value, 8, FI_ADDR_UNSPEC, 1);
    unsigned wakes = sleep_for(s, value);
    double used = processor_seconds() - before;
    CHECK(used < 0.05 && wakes < 50, "%.3f s, %u wakes in a silence", used, wakes);
    job_words[FLOW_WORDS] = 1;
}

/* Woken by the first connection, and after that by each message; a silence costs nothing. */
NODE_TEST(stream, poll_wakes, 2)
{
    enum { TURNS = 1000 };
    struct flow s;
    unsigned char *buf = flow_buffer(ROOM);
    uint64_t value = 0;

    flow_start(&s);
    silence(&s, rank, &value);
    for (int i = 0; i < TURNS; i++) {
        size_t len = i % 100 < 98 ? 8 : i % 100 == 98 ? EAGER_MOST : LARGEST;
        if (rank == (i & 1)) {
            fill(buf, len, i);
            post_send(&s, TAGGED, buf, len, 1 - rank, 1, i);
            sleep_for(&s, buf);
        } else {
            post_recv(&s, TAGGED, buf, len, s.addr[1 - rank], 1);
            sleep_for(&s, buf);
            CHECK(filled(buf, len, i), "turn %d", i);
        }
    }
    flow_quiet(&s);
    flow_finish(&s);
    free(buf);
}

/* So many messages there and back, awake; long ones among them, which wait for room. */
static void talk(struct flow *s, int rank, unsigned char *buf, int turns)
{
    for (int i = 0; i < turns; i++) {
        size_t len = i % 100 == 99 ? LARGEST : 8;
        if (rank == (i & 1))
            post_send(s, TAGGED, buf, len, 1 - rank, 1, i);
        else
            post_recv(s, TAGGED, buf, len, s->addr[1 - rank], 1);
        flow_done(s, buf);
    }
}

/*
 * Who has leave to sleep, and begins after another thread has read many messages, is woken by the
 * next one. So is who sleeps as soon as the many have ended.
 */
NODE_TEST(stream, talk_lets_sleep, 2)
{
    struct flow s;
    unsigned char *buf = flow_buffer(ROOM);
    uint64_t value = 0;
    int fd;

    flow_start(&s);
    struct fid *fid = &s.cq->fid;
    CHECK(!fi_control(fid, FI_GETWAIT, &fd), "FI_GETWAIT");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 6; i++) {
        bool leave = rank == 1 && i % 2 && !fi_trywait(s.fabric, &fid, 1);
        talk(&s, rank, buf, 1000);
        if (rank == 0) {
            usleep(20000);
            TRY(&s, fi_tinjectdata(s.ep, "12345678", 8, 1, s.addr[1], 2));
            continue;
        }
        CHECK(!leave || poll(&p, 1, 10000) == 1, "not woken");
        post_recv(&s, TAGGED, &value, 8, s.addr[0], 2);
        sleep_for(&s, &value);
    }
    flow_quiet(&s);
    flow_finish(&s);
    free(buf);
}

/* What a call of another thread's completes wakes who sleeps: the call is in this thread here. */
NODE_TEST(stream, calls_wake, 1)
{
    struct flow s;
    uint64_t value = 0;
    int fd;

    (void)rank;
    flow_start(&s);
    struct fid *fid = &s.cq->fid;
    CHECK(!fi_control(fid, FI_GETWAIT, &fd), "FI_GETWAIT");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 3; i++) {
        post_recv(&s, TAGGED, &value, 8, FI_ADDR_UNSPEC, 1);
        flow_progress(&s);
        CHECK(!fi_trywait(s.fabric, &fid, 1), "fi_trywait");
        CHECK(poll(&p, 1, 0) == 0, "awake before anything came");
        TRY(&s, fi_tinjectdata(s.ep, "12345678", 8, 1, s.addr[0], 1));
        CHECK(poll(&p, 1, 0) == 1, "not woken");
        flow_done(&s, &value);
    }
    flow_quiet(&s);
    flow_finish(&s);
}
