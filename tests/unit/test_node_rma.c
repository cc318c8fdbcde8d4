/* SPDX-License-Identifier: BSD-3-Clause */
/* Remote memory in the node provider: in one copy, by load and store, and by messages. */
#include <sched.h>
#include <stdlib.h>

#include "provider/node/node_memory.h"
#include "tests/unit/node_job.h"

enum way { ONE_COPY, MAPPED, MESSAGES };
enum { ROOM = 1 << 20, KEY = 42 };

static const char *const way_names[] = {"one copy", "load and store", "messages"};

/* What rank 0 accesses in rank 1. */
struct target {
    struct fid_mr *mr;
    unsigned char *memory;
    uint64_t at, key; /* for fi_write and the like */
};

static struct node_memory_ops *memory_ops(struct end *e)
{
    struct node_memory_ops *ops;

    CHECK(!fi_open_ops(&e->domain->fid, NODE_MEMORY_OPS, 0, (void **)&ops, NULL), "ops");
    return ops;
}

static void expose(struct end *e, int rank, enum way way, uint64_t access, struct target *t)
{
    void *memory;

    if (rank == 1) {
        if (way == MAPPED)
            CHECK(!memory_ops(e)->allocate(ROOM, &memory), "allocate");
        else
            CHECK((memory = calloc(1, ROOM)), "memory");
        t->memory = memory;
        CHECK(!fi_mr_reg(e->domain, memory, ROOM, access, 0, KEY, 0, &t->mr, NULL), "fi_mr_reg");
        job_words[0] = e->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR ? (uintptr_t)memory : 0;
        job_words[1] = fi_mr_key(t->mr);
    }
    job_barrier();
    t->at = job_words[0];
    t->key = job_words[1];
    job_barrier();
}

static void hide(struct end *e, int rank, enum way way, struct target *t)
{
    job_barrier();
    if (rank == 1) {
        CHECK(!fi_close(&t->mr->fid), "close mr");
        if (way == MAPPED)
            memory_ops(e)->release(t->memory);
        else
            free(t->memory);
    }
}

static void set_way(enum way way)
{
    if (way == MESSAGES)
        setenv("ORIEL_SINGLE_COPY", "no", 1);
}

static void progress_until(struct end *e, volatile uint64_t *word)
{
    while (!*word)
        end_progress(e);
}

static const size_t sizes[] = {0, 1, 8, 40, 4095, 4096, 16384, 16385, 100000, ROOM - 100};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* ---- Write and read, all calls ---- */

static void write_one(struct end *e, int call, unsigned char *b, size_t len, struct target *t,
                      size_t offset)
{
    struct iovec iov[2] = {{b, len / 2}, {b + len / 2, len - len / 2}};
    struct fi_rma_iov to = {t->at + offset, len, t->key};
    struct fi_msg_rma msg = {iov, NULL, 2, e->addr[1], &to, 1, b, 0};

    switch (call) {
    case 0:
        POST(e, fi_write(e->ep, b, len, NULL, e->addr[1], to.addr, to.key, b));
        break;
    case 1:
        POST(e, fi_writev(e->ep, iov, NULL, 2, e->addr[1], to.addr, to.key, b));
        break;
    case 2:
        POST(e, fi_writemsg(e->ep, &msg, FI_DELIVERY_COMPLETE));
        break;
    default:
        POST(e, fi_writemsg(e->ep, &msg, len <= 16384 ? FI_INJECT : 0));
        if (len <= 16384)
            memset(b, 0x11, len); /* ours again */
    }
    end_wait_for(e, b);
}

static void read_one(struct end *e, int call, unsigned char *b, size_t len, struct target *t,
                     size_t offset)
{
    struct iovec iov[2] = {{b, len / 2}, {b + len / 2, len - len / 2}};
    struct fi_rma_iov from = {t->at + offset, len, t->key};
    struct fi_msg_rma msg = {iov, NULL, 2, e->addr[1], &from, 1, b, 0};
    struct fi_cq_tagged_entry c;

    switch (call) {
    case 0:
        POST(e, fi_read(e->ep, b, len, NULL, e->addr[1], from.addr, from.key, b));
        break;
    case 1:
        POST(e, fi_readv(e->ep, iov, NULL, 2, e->addr[1], from.addr, from.key, b));
        break;
    default:
        POST(e, fi_readmsg(e->ep, &msg, 0));
    }
    end_wait(e, &c);
    CHECK(c.op_context == b && c.flags == (FI_RMA | FI_READ), "%lx", c.flags);
}

static void write_and_read(int rank, enum way way, int mr_mode)
{
    struct end e;
    struct target t;
    unsigned char *out = malloc(ROOM), *in = malloc(ROOM);

    set_way(way);
    end_start(&e, &(struct end_want){.mr_mode = mr_mode});
    expose(&e, rank, way, FI_REMOTE_READ | FI_REMOTE_WRITE, &t);
    job_words[2] = 0;
    job_barrier();
    for (int call = 0; rank == 0 && call < 4; call++)
        for (int i = 0; i < SIZES; i++) {
            fill(out, sizes[i], i + call);
            write_one(&e, call, out, sizes[i], &t, 100 - (i & 1));
            memset(in, 0, ROOM);
            read_one(&e, call, in, sizes[i], &t, 100 - (i & 1));
            CHECK(filled(in, sizes[i], i + call), "%s: %zu bytes by call %d", way_names[way],
                  sizes[i], call);
        }
    if (rank == 0) {
        fill(out, 16384, 3);
        POST(&e, fi_inject_write(e.ep, out, 16384, e.addr[1], t.at, t.key));
        memset(out, 0, 16384);
        read_one(&e, 0, in, 16384, &t, 0); /* and it cannot overtake the write */
        CHECK(filled(in, 16384, 3), "%s: inject", way_names[way]);
        job_words[2] = 1;
    } else {
        progress_until(&e, &job_words[2]);
        CHECK(filled(t.memory, 16384, 3), "%s: in place", way_names[way]);
    }
    hide(&e, rank, way, &t);
    end_quiet(&e);
    end_finish(&e);
    free(out);
    free(in);
}

#define WAYS(name, ...)                                                                            \
    NODE_TEST(rma, name##_in_one_copy, 2)                                                          \
    {                                                                                              \
        name(rank, ONE_COPY, ##__VA_ARGS__);                                                       \
    }                                                                                              \
    NODE_TEST(rma, name##_mapped, 2)                                                               \
    {                                                                                              \
        name(rank, MAPPED, ##__VA_ARGS__);                                                         \
    }                                                                                              \
    NODE_TEST(rma, name##_by_messages, 2)                                                          \
    {                                                                                              \
        name(rank, MESSAGES, ##__VA_ARGS__);                                                       \
    }

WAYS(write_and_read, 0)

NODE_TEST(rma, offsets_and_given_keys, 2)
{
    write_and_read(rank, ONE_COPY, -1);
}

NODE_TEST(rma, provider_keys, 2)
{
    write_and_read(rank, ONE_COPY, FI_MR_VIRT_ADDR | FI_MR_PROV_KEY);
}

/* A read follows the writes before it, a write the writes before it (RAW, WAW). */
static void order(int rank, enum way way)
{
    enum { LEN = 200000, COUNT = 60 };
    struct end e;
    struct target t;
    unsigned char *out = malloc((size_t)LEN * 4), *in = malloc(LEN);
    struct fi_cq_tagged_entry c;

    set_way(way);
    end_start(&e, NULL);
    CHECK(e.info->tx_attr->msg_order & FI_ORDER_RAW && e.info->tx_attr->msg_order & FI_ORDER_WAW,
          "order");
    expose(&e, rank, way, FI_REMOTE_READ | FI_REMOTE_WRITE, &t);
    job_words[2] = 0;
    job_barrier();
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        for (int k = 0; k < 4; k++) {
            fill(out + (size_t)k * LEN, LEN, i * 4 + k);
            POST(&e, fi_write(e.ep, out + (size_t)k * LEN, LEN, NULL, e.addr[1], t.at, t.key, out));
        }
        POST(&e, fi_read(e.ep, in, LEN, NULL, e.addr[1], t.at, t.key, in));
        for (int k = 0; k < 5; k++)
            end_wait(&e, &c);
        CHECK(filled(in, LEN, i * 4 + 3), "%s: round %d", way_names[way], i);
    }
    job_words[2] |= rank == 0;
    if (rank == 1)
        progress_until(&e, &job_words[2]);
    hide(&e, rank, way, &t);
    end_finish(&e);
    free(out);
    free(in);
}

WAYS(order)

/* Atomics and accesses to the same words keep their order, too. */
static void order_with_atomics(int rank, enum way way)
{
    enum { COUNT = 2000 };
    struct end e;
    struct target t;
    uint64_t one = 1, got, base;

    set_way(way);
    end_start(&e, NULL);
    expose(&e, rank, way, FI_REMOTE_READ | FI_REMOTE_WRITE, &t);
    job_words[2] = 0;
    job_barrier();
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        struct fi_cq_tagged_entry c;
        base = i * 1000;
        POST(&e, fi_inject_write(e.ep, &base, 8, e.addr[1], t.at, t.key));
        for (int k = 0; k < 3; k++)
            POST(&e, fi_inject_atomic(e.ep, &one, 1, e.addr[1], t.at, t.key, FI_UINT64, FI_SUM));
        POST(&e, fi_read(e.ep, &got, 8, NULL, e.addr[1], t.at, t.key, &got));
        end_wait(&e, &c);
        CHECK(got == base + 3, "%s: %lu instead of %lu", way_names[way], got, base + 3);
    }
    job_words[2] |= rank == 0;
    if (rank == 1)
        progress_until(&e, &job_words[2]);
    hide(&e, rank, way, &t);
    end_finish(&e);
}

WAYS(order_with_atomics)

/* ---- Remote completion ---- */

/* The target hears of a write with data after the data is there. */
static void writedata(int rank, enum way way)
{
    struct end e;
    struct target t;
    unsigned char *out = malloc(ROOM);

    set_way(way);
    end_start(&e, NULL);
    expose(&e, rank, way, FI_REMOTE_READ | FI_REMOTE_WRITE, &t);
    for (int i = 0; i < SIZES; i++) {
        size_t len = sizes[i];
        bool inject = i % 3 == 1 && len <= 16384;
        if (rank == 0) {
            fill(out, len, i);
            if (inject) {
                POST(&e, fi_inject_writedata(e.ep, out, len, 1000 + i, e.addr[1], t.at, t.key));
            } else {
                POST(&e, fi_writedata(e.ep, out, len, NULL, 1000 + i, e.addr[1], t.at, t.key, out));
                end_wait_for(&e, out);
            }
        } else {
            struct fi_cq_tagged_entry c;
            fi_addr_t source = end_wait(&e, &c);
            CHECK(c.flags == (FI_RMA | FI_REMOTE_WRITE | FI_REMOTE_CQ_DATA), "%lx", c.flags);
            CHECK(c.data == 1000u + i && c.len == len, "data %lu, len %zu", c.data, c.len);
            CHECK(source == e.addr[0], "source");
            CHECK(filled(t.memory, len, i), "%s: %zu bytes", way_names[way], len);
        }
        job_barrier();
    }
    hide(&e, rank, way, &t);
    end_quiet(&e);
    end_finish(&e);
    free(out);
}

WAYS(writedata)

/* ---- Errors ---- */

static void expect(struct end *e, struct target *t, bool write, uint64_t at, size_t len,
                   uint64_t key, int err, const char *what)
{
    static unsigned char b[64];
    struct fi_cq_err_entry error;

    (void)t;
    if (write)
        POST(e, fi_write(e->ep, b, len, NULL, e->addr[1], at, key, b));
    else
        POST(e, fi_read(e->ep, b, len, NULL, e->addr[1], at, key, b));
    end_wait_error(e, &error);
    CHECK(error.err == err && error.op_context == b, "%s: err %d", what, error.err);
    CHECK(error.flags == (FI_RMA | (write ? FI_WRITE : FI_READ)), "%s: %lx", what, error.flags);
    CHECK(strlen(fi_cq_strerror(e->cq, error.prov_errno, NULL, NULL, 0)) > 5, "%s", what);
}

static void errors(int rank, enum way way)
{
    struct end e;
    struct target t;
    static unsigned char b[64];

    set_way(way);
    end_start(&e, NULL);
    expose(&e, rank, way, FI_REMOTE_READ, &t);
    job_words[2] = 0;
    job_barrier();
    if (rank == 0) {
        expect(&e, &t, false, t.at, 8, t.key + 1, FI_ENOKEY, "wrong key");
        expect(&e, &t, true, t.at, 8, t.key, FI_EACCES, "read only");
        expect(&e, &t, false, t.at + ROOM - 7, 8, t.key, ERANGE, "behind the end");
        expect(&e, &t, false, t.at - 1, 8, t.key, ERANGE, "before the beginning");
        expect(&e, &t, false, ~0ull - 3, 8, t.key, ERANGE, "wraps");
        /* And nothing is wrong afterwards. */
        POST(&e, fi_read(e.ep, b, 8, NULL, e.addr[1], t.at + ROOM - 8, t.key, b));
        end_wait_for(&e, b);
        CHECK(fi_write(e.ep, b, 8, NULL, 9999, t.at, t.key, b) == -FI_EINVAL, "no such peer");
        job_words[2] = 1;
    } else {
        progress_until(&e, &job_words[2]);
    }
    hide(&e, rank, way, &t);
    job_barrier();
    job_words[2] = 0;
    job_barrier();
    if (rank == 0) {
        expect(&e, &t, false, t.at, 8, t.key, FI_ENOKEY, "closed");
        job_words[2] = 1;
    } else {
        progress_until(&e, &job_words[2]);
    }
    end_finish(&e);
}

WAYS(errors)

/* Regions come and go under the same key; each time the memory is the new one's. */
static void replaced(int rank, enum way way)
{
    struct end e;
    struct target t;
    uint64_t value, got;

    set_way(way);
    end_start(&e, NULL);
    for (uint64_t i = 0; i < 100; i++) {
        expose(&e, rank, way, FI_REMOTE_READ | FI_REMOTE_WRITE, &t);
        job_words[2] = 0;
        job_barrier();
        if (rank == 0) {
            value = i;
            POST(&e, fi_write(e.ep, &value, 8, NULL, e.addr[1], t.at, t.key, &value));
            end_wait_for(&e, &value);
            POST(&e, fi_read(e.ep, &got, 8, NULL, e.addr[1], t.at, t.key, &got));
            end_wait_for(&e, &got);
            CHECK(got == i, "%lu", got);
            job_words[2] = 1;
        } else {
            progress_until(&e, &job_words[2]);
            CHECK(*(uint64_t *)t.memory == i, "%s: %lu", way_names[way], *(uint64_t *)t.memory);
        }
        hide(&e, rank, way, &t);
    }
    end_finish(&e);
}

WAYS(replaced)

/* As many regions as are promised, and one more; then all of them again. */
NODE_TEST(rma, many_regions, 1)
{
    struct end e;
    static char memory[64];
    static struct fid_mr *mr[4096];
    struct fid_mr *one_more;
    size_t count;

    (void)rank;
    end_start(&e, NULL);
    count = e.info->domain_attr->mr_cnt;
    CHECK(count <= 4096, "%zu", count);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < count; i++)
            CHECK(!fi_mr_reg(e.domain, memory, 64, FI_REMOTE_READ, 0, i * 7919 + again, 0, &mr[i],
                             NULL),
                  "region %zu", i);
        CHECK(fi_mr_reg(e.domain, memory, 64, FI_REMOTE_READ, 0, 1ull << 60, 0, &one_more, NULL),
              "one more than there is room for");
        for (size_t i = 0; i < count; i++)
            CHECK(!fi_close(&mr[i]->fid), "close %zu", i);
    }
    CHECK(!fi_mr_reg(e.domain, memory, 64, FI_REMOTE_READ, 0, 5, 0, &mr[0], NULL), "key 5");
    CHECK(fi_mr_reg(e.domain, memory, 64, FI_REMOTE_READ, 0, 5, 0, &mr[1], NULL) == -FI_ENOKEY,
          "key 5 again");
    CHECK(fi_close(&e.domain->fid) == -FI_EBUSY, "a domain in use");
    CHECK(!fi_close(&mr[0]->fid), "close");
    end_finish(&e);
}

/* One's own memory, by the same calls. */
NODE_TEST(rma, own_memory, 1)
{
    struct end e;
    struct fid_mr *mr;
    static char memory[100], out[100] = "own", in[100];

    (void)rank;
    end_start(&e, NULL);
    CHECK(!fi_mr_reg(e.domain, memory, 100, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 1, 0, &mr, NULL),
          "reg");
    POST(&e, fi_writedata(e.ep, out, 100, NULL, 9, e.addr[0], (uintptr_t)memory, 1, out));
    end_wait_for(&e, out);
    struct fi_cq_tagged_entry c;
    end_wait(&e, &c);
    CHECK(c.data == 9 && c.flags & FI_REMOTE_WRITE, "remote completion");
    POST(&e, fi_read(e.ep, in, 100, NULL, e.addr[0], (uintptr_t)memory, 1, in));
    end_wait_for(&e, in);
    CHECK(!memcmp(in, out, 100), "bytes");
    CHECK(!fi_close(&mr->fid), "close");
    end_finish(&e);
}
