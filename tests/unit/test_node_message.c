/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the node provider: every call, every size class, what completes and how. */
#include <sched.h>
#include <stdlib.h>

#include "provider/node/node.h"
#include "tests/unit/node_job.h"

/* Around every limit where the way of a message changes. */
static const size_t sizes[] = {0,     1,     7,     8,      39,     40,     41,
                               64,    96,    97,    4095,   4096,   16383,  16384,
                               16385, 65536, 65537, 262144, 262145, 300000, 1 << 20};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), LARGEST = 1 << 20, INJECT = 16384 };

static unsigned char *buffer(void)
{
    unsigned char *b = malloc(LARGEST + 64);

    CHECK(b, "memory");
    memset(b, 0xee, LARGEST + 64);
    return b;
}

/* Rank 0 sends all sizes by `send`, rank 1 receives and looks at everything that is said. */
typedef void send_fn(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                     void *context);

static void all_sizes(struct end *e, int rank, send_fn *send, bool tagged, bool data,
                      bool completes, size_t limit, bool late)
{
    unsigned char *buf = buffer();
    struct fi_cq_tagged_entry c;

    for (int i = 0; i < SIZES && sizes[i] <= limit; i++) {
        size_t len = sizes[i];
        if (rank == 0) {
            fill(buf, len, i);
            send(e, buf, len, 100 + i, 0xfeedfacecafe0000 + i, buf + 1 + i);
            if (completes) {
                end_wait(e, &c);
                CHECK(c.op_context == buf + 1 + i, "size %zu", len);
                CHECK(c.flags == (FI_SEND | (tagged ? FI_TAGGED : FI_MSG)), "%lx", c.flags);
            } else {
                memset(buf, 0x77, len); /* injected: ours again at once */
            }
            job_barrier();
        } else {
            if (late)
                for (int n = 0; n < 50; n++)
                    end_progress(e);
            memset(buf, 0xee, len + 64);
            if (tagged)
                POST(e, fi_trecv(e->ep, buf, len + 64, NULL, e->addr[0], 100 + i, 0, buf + i));
            else
                POST(e, fi_recv(e->ep, buf, len + 64, NULL, e->addr[0], buf + i));
            fi_addr_t source = end_wait(e, &c);
            CHECK(source == e->addr[0], "from %lu", source);
            CHECK(c.op_context == buf + i && c.len == len && c.buf == buf, "len %zu", c.len);
            CHECK(c.flags ==
                      (FI_RECV | (tagged ? FI_TAGGED : FI_MSG) | (data ? FI_REMOTE_CQ_DATA : 0)),
                  "%lx", c.flags);
            CHECK(!data || c.data == 0xfeedfacecafe0000 + i, "data %lx", c.data);
            CHECK(!tagged || c.tag == 100u + i, "tag %lu", c.tag);
            CHECK(filled(buf, len, i) && buf[len] == 0xee, "size %zu", len);
            job_barrier();
        }
    }
    end_quiet(e);
    free(buf);
}

static void run(int rank, send_fn *send, bool tagged, bool data, bool completes, size_t limit)
{
    struct end e;

    end_start(&e, NULL);
    all_sizes(&e, rank, send, tagged, data, completes, limit, false);
    all_sizes(&e, rank, send, tagged, data, completes, limit, true);
    end_finish(&e);
}

static void by_tsend(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                     void *context)
{
    (void)data;
    POST(e, fi_tsend(e->ep, buf, len, NULL, e->addr[1], tag, context));
}

static void by_tsenddata(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                         void *context)
{
    POST(e, fi_tsenddata(e->ep, buf, len, NULL, data, e->addr[1], tag, context));
}

static void by_tinject(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                       void *context)
{
    (void)data, (void)context;
    POST(e, fi_tinject(e->ep, buf, len, e->addr[1], tag));
}

static void by_tinjectdata(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                           void *context)
{
    (void)context;
    POST(e, fi_tinjectdata(e->ep, buf, len, data, e->addr[1], tag));
}

static void by_send(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                    void *context)
{
    (void)tag, (void)data;
    POST(e, fi_send(e->ep, buf, len, NULL, e->addr[1], context));
}

static void by_senddata(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                        void *context)
{
    (void)tag;
    POST(e, fi_senddata(e->ep, buf, len, NULL, data, e->addr[1], context));
}

static void by_inject(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                      void *context)
{
    (void)tag, (void)data, (void)context;
    POST(e, fi_inject(e->ep, buf, len, e->addr[1]));
}

static void by_injectdata(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                          void *context)
{
    (void)tag, (void)context;
    POST(e, fi_injectdata(e->ep, buf, len, data, e->addr[1]));
}

/* fi_tsendmsg with a list of three pieces. */
static void by_tsendmsg(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                        void *context)
{
    char *b = (char *)buf;
    struct iovec iov[3] = {{b, len / 3}, {b + len / 3, len / 3}, {b + len / 3 * 2, 0}};
    struct fi_msg_tagged msg = {iov, NULL, 3, e->addr[1], tag, 0, context, data};

    iov[2].iov_len = len - len / 3 * 2;
    POST(e, fi_tsendmsg(e->ep, &msg, FI_REMOTE_CQ_DATA));
}

static void by_delivery(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                        void *context)
{
    struct iovec iov = {(void *)buf, len};
    struct fi_msg_tagged msg = {&iov, NULL, 1, e->addr[1], tag, 0, context, data};

    POST(e, fi_tsendmsg(e->ep, &msg, FI_DELIVERY_COMPLETE));
}

static void by_inject_flag(struct end *e, const void *buf, size_t len, uint64_t tag, uint64_t data,
                           void *context)
{
    struct iovec iov = {(void *)buf, len};
    struct fi_msg msg = {&iov, NULL, 1, e->addr[1], context, data};

    (void)tag;
    POST(e, fi_sendmsg(e->ep, &msg, FI_INJECT | FI_REMOTE_CQ_DATA));
    memset((void *)buf, 0x99, len);
}

NODE_TEST(message, tsend, 2)
{
    run(rank, by_tsend, true, false, true, LARGEST);
}

NODE_TEST(message, tsenddata, 2)
{
    run(rank, by_tsenddata, true, true, true, LARGEST);
}

NODE_TEST(message, tinject, 2)
{
    run(rank, by_tinject, true, false, false, INJECT);
}

NODE_TEST(message, tinjectdata, 2)
{
    run(rank, by_tinjectdata, true, true, false, INJECT);
}

NODE_TEST(message, send, 2)
{
    run(rank, by_send, false, false, true, LARGEST);
}

NODE_TEST(message, senddata, 2)
{
    run(rank, by_senddata, false, true, true, LARGEST);
}

NODE_TEST(message, inject, 2)
{
    run(rank, by_inject, false, false, false, INJECT);
}

NODE_TEST(message, injectdata, 2)
{
    run(rank, by_injectdata, false, true, false, INJECT);
}

NODE_TEST(message, tsendmsg_of_pieces, 2)
{
    run(rank, by_tsendmsg, true, true, true, LARGEST);
}

NODE_TEST(message, delivery_complete, 2)
{
    run(rank, by_delivery, true, false, true, LARGEST);
}

NODE_TEST(message, sendmsg_with_inject, 2)
{
    run(rank, by_inject_flag, false, true, true, INJECT);
}

/* The same without single copy: long messages are streams. */
static void without_single_copy(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    run(rank, by_tsendmsg, true, true, true, LARGEST);
}

Test(message, streams)
{
    cr_assert_eq(job_run(2, without_single_copy), 0);
}

/* Longer than what may be injected is refused, by every call that injects. */
NODE_TEST(message, inject_too_long, 2)
{
    struct end e;
    unsigned char *buf = buffer();

    end_start(&e, NULL);
    if (rank == 0) {
        CHECK(e.info->tx_attr->inject_size == INJECT, "%zu", e.info->tx_attr->inject_size);
        CHECK(fi_tinject(e.ep, buf, INJECT + 1, e.addr[1], 0) == -FI_EMSGSIZE, "tinject");
        CHECK(fi_inject(e.ep, buf, INJECT + 1, e.addr[1]) == -FI_EMSGSIZE, "inject");
        CHECK(fi_tinjectdata(e.ep, buf, INJECT + 1, 1, e.addr[1], 0) == -FI_EMSGSIZE, "data");
    }
    end_quiet(&e);
    end_finish(&e);
    free(buf);
}

/* A delivery is not complete before the message has been received. */
NODE_TEST(message, delivery_waits_for_the_receive, 2)
{
    struct end e;
    unsigned char *buf = buffer();

    end_start(&e, NULL);
    for (int i = 0; i < SIZES; i++) {
        if (rank == 0) {
            by_delivery(&e, buf, sizes[i], i, 0, buf);
            end_quiet(&e);
            job_barrier();
            end_wait_for(&e, buf);
        } else {
            for (int n = 0; n < 20; n++)
                end_progress(&e);
            job_barrier();
            POST(&e, fi_trecv(e.ep, buf, LARGEST, NULL, e.addr[0], i, 0, buf));
            end_wait_for(&e, buf);
        }
        job_barrier();
    }
    end_finish(&e);
    free(buf);
}

/* ---- Peers on distant processors ---- */

enum { FAST_NS = 100, SLOW_NS = 300, VERY_SLOW_NS = 10000 }; /* for 4 KiB */

/*
 * A copy of 4 KiB that took so long, on a clock that is an hour ahead: no pause of this process
 * makes a difference. Whether it was timed.
 */
static bool copied(struct pace *p, uint64_t took)
{
    if (!pace_start(p, 4096))
        return false;
    pace_took(p, clock_ns() + UINT64_C(3600000000000), took, 4096);
    return true;
}

Test(pace, three_slow_copies_in_a_row)
{
    struct pace p = {0};

    for (int i = 0; i < 10; i++) {
        cr_assert(copied(&p, SLOW_NS) && copied(&p, SLOW_NS));
        cr_assert(copied(&p, FAST_NS) && !pace_is_distant(&p));
        while (!copied(&p, FAST_NS)) /* not each of them is timed while all is well */
            ;
        p.skip = 0;
    }
    for (int i = 0; i < 3; i++)
        cr_assert(!pace_is_distant(&p) && copied(&p, SLOW_NS));
    cr_assert(pace_is_distant(&p));
    cr_assert(!copied(&p, FAST_NS), "timed, though it went another way");
    cr_assert(!p.beyond);
}

Test(pace, three_very_slow_copies_in_a_row)
{
    for (int faster = 0; faster <= 3; faster++) { /* the one that was not so slow, if any */
        struct pace p = {0};

        for (int i = 0; i < 3; i++)
            cr_assert(!p.beyond && copied(&p, i == faster ? SLOW_NS : VERY_SLOW_NS));
        cr_assert(pace_is_distant(&p));
        cr_assert_eq(pace_goes_past(&p, PACE_LEAST), faster == 3);
        cr_assert(!pace_goes_past(&p, PACE_LEAST - 1));
    }
}

/* Going past the caches is given up where it takes more than two thirds of the time, three times.
 */
Test(pace, is_worth_it_or_not)
{
    for (int good = 0; good <= 3; good++) { /* the first that is worth it, if any */
        struct pace p = {0};

        for (int i = 0; i < 3; i++)
            cr_assert(copied(&p, VERY_SLOW_NS));
        for (int i = 0; i < 3 && i <= good; i++)
            cr_assert(p.beyond &&
                      copied(&p, i == good ? VERY_SLOW_NS * 2 / 3 : VERY_SLOW_NS * 2 / 3 + 100));
        cr_assert_eq(p.beyond, good < 3);
        cr_assert(!copied(&p, FAST_NS), "timed, though it is known");
        cr_assert(pace_is_distant(&p));
    }
}

Test(pace, is_tried_again)
{
    struct pace p = {0};

    for (int i = 0; i < 3; i++)
        cr_assert(copied(&p, VERY_SLOW_NS));
    cr_assert(pace_is_distant(&p));
    p.distant_until = clock_ns() - 1;
    cr_assert(copied(&p, FAST_NS) && !pace_is_distant(&p) && !p.beyond);
}

Test(pace, short_copies_say_nothing)
{
    struct pace p = {0};

    cr_assert_eq(pace_start(&p, PACE_LEAST - 1), 0);
}

NODE_TEST(message, tsenddata_to_a_distant_peer, 2)
{
    struct end e;

    end_start(&e, NULL);
    end_keep_distant(&e);
    for (int late = 0; late < 2; late++)
        all_sizes(&e, rank, by_tsenddata, true, true, true, LARGEST, late);
    end_finish(&e);
}

NODE_TEST(message, tsenddata_beyond_the_caches, 2)
{
    struct end e;

    end_start(&e, NULL);
    end_keep_beyond(&e);
    for (int late = 0; late < 2; late++)
        all_sizes(&e, rank, by_tsenddata, true, true, true, LARGEST, late);
    end_finish(&e);
}

/* ---- Where buffers stand in their pages ---- */

/* Rank 1's buffer stands 0 to 40 bytes behind rank 0's, modulo a page: the kernel's copies, too. */
NODE_TEST(message, buffers_that_stand_close, 2)
{
    static const size_t lens[] = {3000, 16384, 300000, 1000003};
    enum { PAGE = 4096, ROOM = 1 << 20 };
    struct end e;
    unsigned char *page = aligned_alloc(PAGE, ROOM), *behind = page + ROOM - 64;
    struct fi_cq_tagged_entry c;

    end_start(&e, NULL);
    for (int i = 0; i < 4 * 6; i++) {
        size_t len = lens[i % 4], shift = (size_t)rank * (i / 4) * 8;
        unsigned char *buf = page + shift;

        memset(page, 0xee, ROOM);
        if (rank == 0) {
            fill(buf, len, i);
            POST(&e, fi_tsend(e.ep, buf, len, NULL, e.addr[1], i, buf));
            end_wait(&e, &c);
        } else {
            POST(&e, fi_trecv(e.ep, buf, len, NULL, e.addr[0], i, 0, buf));
            end_wait(&e, &c);
            CHECK(filled(buf, len, i), "%zu bytes, %zu behind", len, shift);
            CHECK((!shift || buf[-1] == 0xee) && buf[len] == 0xee && *behind == 0xee, "around");
        }
    }
    end_finish(&e);
    free(page);
}

/* ---- Truncation ---- */

static void truncations(int rank, struct end *e)
{
    static const size_t rooms[] = {0, 1, 39, 41, 95, 16383, 16385, 100000};
    unsigned char *buf = buffer();
    struct fi_cq_err_entry error;
    struct fi_cq_tagged_entry c;

    for (int late = 0; late < 2; late++)
        for (int i = 0; i < SIZES; i++)
            for (size_t k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++) {
                if (rooms[k] >= sizes[i])
                    continue;
                if (rank == 0) {
                    fill(buf, sizes[i], i);
                    by_tsenddata(e, buf, sizes[i], 7, 55, buf);
                    end_wait_for(e, buf);
                    fi_tinject(e->ep, "next", 4, e->addr[1], 8);
                    job_barrier();
                    continue;
                }
                for (int n = 0; late && n < 30; n++)
                    end_progress(e);
                memset(buf, 0xee, rooms[k] + 64);
                POST(e, fi_trecv(e->ep, buf, rooms[k], NULL, FI_ADDR_UNSPEC, 7, 0, &late));
                end_wait_error(e, &error);
                CHECK(error.err == FI_ETRUNC && error.op_context == &late, "err %d", error.err);
                CHECK(error.len == rooms[k] && error.len + error.olen == sizes[i],
                      "%zu + %zu of %zu", error.len, error.olen, sizes[i]);
                CHECK(error.tag == 7 && error.data == 55 &&
                          error.flags == (FI_RECV | FI_TAGGED | FI_REMOTE_CQ_DATA),
                      "%lx", error.flags);
                CHECK(filled(buf, rooms[k], i) && buf[rooms[k]] == 0xee, "room %zu", rooms[k]);
                POST(e, fi_trecv(e->ep, buf, 4, NULL, FI_ADDR_UNSPEC, 8, 0, buf));
                end_wait(e, &c);
                CHECK(c.len == 4 && !memcmp(buf, "next", 4), "the next message");
                job_barrier();
            }
    free(buf);
}

NODE_TEST(message, truncation, 2)
{
    struct end e;

    end_start(&e, NULL);
    truncations(rank, &e);
    end_finish(&e);
}

static void truncated_streams(int rank)
{
    struct end e;

    setenv("ORIEL_SINGLE_COPY", "no", 1);
    end_start(&e, NULL);
    truncations(rank, &e);
    end_finish(&e);
}

Test(message, truncation_of_streams)
{
    cr_assert_eq(job_run(2, truncated_streams), 0);
}

/* ---- Pieces ---- */

/* Received into four pieces, one of them empty, of any alignment. */
NODE_TEST(message, receive_into_pieces, 2)
{
    struct end e;
    unsigned char *from = buffer(), *to = buffer();

    end_start(&e, NULL);
    for (int i = 0; i < SIZES; i++) {
        size_t len = sizes[i], cut = len / 5;
        if (rank == 0) {
            fill(from, len, i);
            by_tsendmsg(&e, from, len, i, 0, from);
            end_wait_for(&e, from);
        } else {
            struct iovec iov[4] = {{to, cut}, {to + cut, 0}, {to + cut, cut * 2}, {NULL, 0}};
            iov[3] = (struct iovec){to + cut * 3, len - cut * 3};
            memset(to, 0, len);
            POST(&e, fi_trecvv(e.ep, iov, NULL, 4, e.addr[0], i, 0, to));
            end_wait_for(&e, to);
            CHECK(filled(to, len, i), "size %zu", len);
        }
    }
    struct iovec many[5] = {{0}};
    CHECK(fi_trecvv(e.ep, many, NULL, 5, e.addr[0], 0, 0, NULL) == -FI_EINVAL, "5 pieces");
    CHECK(fi_tsendv(e.ep, many, NULL, 5, e.addr[0], 0, NULL) == -FI_EINVAL, "5 pieces");
    end_finish(&e);
    free(from);
    free(to);
}

/* ---- To oneself ---- */

static void to_oneself(bool receive_first)
{
    struct end e;
    unsigned char *from = buffer(), *to = buffer();

    end_start(&e, NULL);
    for (int i = 0; i < SIZES; i++) {
        size_t len = sizes[i];
        struct fi_cq_tagged_entry c;
        bool sent = false, got = false;
        fill(from, len, i);
        memset(to, 0, len);
        if (receive_first)
            POST(&e, fi_trecv(e.ep, to, len, NULL, e.addr[0], i, 0, to));
        POST(&e, fi_tsend(e.ep, from, len, NULL, e.addr[0], i, from));
        if (!receive_first)
            POST(&e, fi_trecv(e.ep, to, len, NULL, e.addr[0], i, 0, to));
        while (!sent || !got) {
            fi_addr_t source = end_wait(&e, &c);
            sent |= c.op_context == from;
            got |= c.op_context == to;
            CHECK(c.op_context != to || source == e.addr[0], "source");
        }
        CHECK(filled(to, len, i), "size %zu", len);
    }
    end_quiet(&e);
    end_finish(&e);
    free(from);
    free(to);
}

NODE_TEST(message, self_send_first, 1)
{
    (void)rank;
    to_oneself(false);
}

NODE_TEST(message, self_receive_first, 1)
{
    (void)rank;
    to_oneself(true);
}

static void self_stream(int rank)
{
    (void)rank;
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    to_oneself(false);
    to_oneself(true);
}

Test(message, self_stream)
{
    cr_assert_eq(job_run(1, self_stream), 0);
}

/* ---- Order, and several at once ---- */

/* Messages of mixed sizes to one tag arrive in the order of sending (FI_ORDER_SAS). */
static void in_order(int rank)
{
    enum { COUNT = 400, WINDOW = 8 };
    static const size_t mix[] = {4, 200, 40, 16384, 50000, 41, 4, 100000, 16385, 8};
    struct end e;
    unsigned char *buf = malloc(WINDOW * 100000);
    struct fi_cq_tagged_entry c;

    end_start(&e, NULL);
    CHECK(e.info->tx_attr->msg_order & FI_ORDER_SAS, "order");
    for (int base = 0; base < COUNT; base += WINDOW) {
        for (int i = base; i < base + WINDOW; i++) {
            unsigned char *b = buf + (size_t)(i - base) * 100000;
            size_t len = mix[i % 10];
            if (rank == 0) {
                fill(b, len, i);
                POST(&e, fi_tsend(e.ep, b, len, NULL, e.addr[1], 1, b));
            } else {
                POST(&e, fi_trecv(e.ep, b, 100000, NULL, FI_ADDR_UNSPEC, 1, 0, b));
            }
        }
        for (int i = 0; i < WINDOW; i++)
            end_wait(&e, &c);
        for (int i = base; rank == 1 && i < base + WINDOW; i++)
            CHECK(filled(buf + (size_t)(i - base) * 100000, mix[i % 10], i), "message %d", i);
    }
    end_finish(&e);
    free(buf);
}

Test(message, order)
{
    cr_assert_eq(job_run(2, in_order), 0);
}

static void in_order_by_streams(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    in_order(rank);
}

Test(message, order_of_streams)
{
    cr_assert_eq(job_run(2, in_order_by_streams), 0);
}

static bool distant, beyond;

/* Everybody with everybody, all sizes, everything posted at once. */
static void all_to_all(int rank)
{
    int n = job_size;
    size_t most = n > 16 ? 40000 : 100000, mix[] = {8, 1000, 16384, 40000, most};
    struct end e;
    unsigned char *out = malloc(most), *in = malloc(n * most);

    end_start(&e, NULL);
    if (distant)
        end_keep_distant(&e);
    if (beyond)
        end_keep_beyond(&e);
    for (int k = 0; k < (n > 16 ? 4 : 5); k++) {
        size_t len = mix[k];
        struct fi_cq_tagged_entry c;
        fill(out, len, rank * 5 + k);
        memset(in, 0, n * most);
        for (int i = 0; i < n; i++)
            POST(&e, fi_trecv(e.ep, in + i * most, len, NULL, e.addr[i], k, 0, in));
        for (int i = 0; i < n; i++)
            POST(&e, fi_tsend(e.ep, out, len, NULL, e.addr[(rank + i) % n], k, out));
        for (int i = 0; i < 2 * n; i++)
            end_wait(&e, &c);
        for (int i = 0; i < n; i++)
            CHECK(filled(in + i * most, len, i * 5 + k), "from %d, %zu bytes", i, len);
    }
    end_quiet(&e);
    end_finish(&e);
    free(out);
    free(in);
}

static void all_to_all_of_distant_peers(int rank)
{
    distant = true;
    all_to_all(rank);
}

static void all_to_all_beyond_the_caches(int rank)
{
    beyond = true;
    all_to_all(rank);
}

Test(message, all_to_all_of_16_beyond_the_caches)
{
    cr_assert_eq(job_run(16, all_to_all_beyond_the_caches), 0);
}

Test(message, all_to_all_of_16_distant)
{
    cr_assert_eq(job_run(16, all_to_all_of_distant_peers), 0);
}

Test(message, all_to_all_of_16)
{
    cr_assert_eq(job_run(16, all_to_all), 0);
}

static void all_to_all_by_streams(int rank)
{
    setenv("ORIEL_SINGLE_COPY", "no", 1);
    all_to_all(rank);
}

Test(message, all_to_all_of_16_by_streams)
{
    cr_assert_eq(job_run(16, all_to_all_by_streams), 0);
}

/*
 * As many as a large host has; fewer where a sanitizer makes each process a hundred times as heavy.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MANY = 32 };
#else
enum { MANY = 256 };
#endif

Test(message, all_to_all_of_many, .timeout = 120)
{
    cr_assert_eq(job_run(MANY, all_to_all), 0);
}
