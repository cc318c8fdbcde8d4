/* SPDX-License-Identifier: BSD-3-Clause */
/* The node provider's queues, counters and ways to wait for them; threads. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "provider/node/node.h"
#include "tests/unit/node_job.h"

/* ---- Formats, selective completion, op_flags ---- */

static void format(int rank, enum fi_cq_format format, size_t size)
{
    struct end e;
    unsigned char raw[3 * sizeof(struct fi_cq_tagged_entry)];
    char buf[4] = {0};
    ssize_t n;

    end_start(&e, &(struct end_want){.format = format});
    if (rank == 0) {
        POST(&e, fi_tinjectdata(e.ep, "abc", 4, 77, e.addr[1], 5));
    } else {
        memset(raw, 0xa5, sizeof(raw));
        POST(&e, fi_trecv(e.ep, buf, 4, NULL, e.addr[0], 5, 0, buf));
        while ((n = fi_cq_read(e.cq, raw, 3)) == -FI_EAGAIN)
            sched_yield();
        CHECK(n == 1, "%zd", n);
        struct fi_cq_tagged_entry *t = (struct fi_cq_tagged_entry *)raw;
        CHECK(t->op_context == buf, "context");
        CHECK(format < FI_CQ_FORMAT_MSG ||
                  (t->flags == (FI_RECV | FI_TAGGED | FI_REMOTE_CQ_DATA) && t->len == 4),
              "msg");
        CHECK(format < FI_CQ_FORMAT_DATA || (t->buf == buf && t->data == 77), "data");
        CHECK(format < FI_CQ_FORMAT_TAGGED || t->tag == 5, "tag");
        for (size_t i = size; i < sizeof(raw); i++)
            CHECK(raw[i] == 0xa5, "byte %zu was written", i);
    }
    end_finish(&e);
}

NODE_TEST(wait, format_context, 2)
{
    format(rank, FI_CQ_FORMAT_CONTEXT, sizeof(struct fi_cq_entry));
}

NODE_TEST(wait, format_msg, 2)
{
    format(rank, FI_CQ_FORMAT_MSG, sizeof(struct fi_cq_msg_entry));
}

NODE_TEST(wait, format_data, 2)
{
    format(rank, FI_CQ_FORMAT_DATA, sizeof(struct fi_cq_data_entry));
}

NODE_TEST(wait, format_tagged, 2)
{
    format(rank, FI_CQ_FORMAT_TAGGED, sizeof(struct fi_cq_tagged_entry));
}

/* Bound selectively, an operation completes where it says so - and where it fails. */
NODE_TEST(wait, selective, 2)
{
    struct end e;
    static char buf[20000];
    static const size_t lens[] = {8, 1000, 20000};
    struct fi_cq_err_entry error;

    end_start(&e, &(struct end_want){.selective = true});
    for (int i = 0; i < 3; i++) {
        struct iovec iov = {buf, lens[i]};
        struct fi_msg_tagged msg = {&iov, NULL, 1, e.addr[1 - rank], 1, 0, buf, 0};
        if (rank == 0) {
            POST(&e, fi_tsend(e.ep, buf, lens[i], NULL, e.addr[1], 0, &e));
            POST(&e, fi_tsendmsg(e.ep, &msg, FI_COMPLETION));
        } else {
            POST(&e, fi_trecv(e.ep, buf, lens[i], NULL, e.addr[0], 0, 0, &e));
            POST(&e, fi_trecvmsg(e.ep, &msg, FI_COMPLETION));
        }
        end_wait_for(&e, buf);
        end_quiet(&e);
        if (rank == 0) {
            POST(&e, fi_tsend(e.ep, buf, lens[i], NULL, e.addr[1], 0, &e));
        } else {
            POST(&e, fi_trecv(e.ep, buf, 1, NULL, e.addr[0], 0, 0, &e));
            end_wait_error(&e, &error);
            CHECK(error.err == FI_ETRUNC && error.op_context == &e, "err %d", error.err);
        }
        job_barrier();
        end_quiet(&e);
    }
    end_finish(&e);
}

/* Two queues: each says what is its own, whichever is read. */
NODE_TEST(wait, two_queues, 2)
{
    struct end e;
    char buf[8] = "ab";
    struct fi_cq_tagged_entry c;

    end_start(&e, &(struct end_want){.two_queues = true});
    if (rank == 0) {
        POST(&e, fi_tsend(e.ep, buf, 8, NULL, e.addr[1], 1, buf));
        CHECK(fi_cq_read(e.rx_cq, &c, 1) == -FI_EAGAIN, "a send among the receives");
        CHECK(fi_cq_read(e.cq, &c, 1) == 1 && c.op_context == buf, "the send");
    } else {
        POST(&e, fi_trecv(e.ep, buf, 8, NULL, e.addr[0], 1, 0, buf));
        for (uint64_t until = now_ns() + 20000000; now_ns() < until;)
            CHECK(fi_cq_read(e.cq, &c, 1) == -FI_EAGAIN, "a receive among the sends");
        while (fi_cq_read(e.rx_cq, &c, 1) == -FI_EAGAIN)
            ;
        CHECK(c.op_context == buf, "the receive");
    }
    end_finish(&e);
}

/* 20000 completions that nobody reads are all kept. */
NODE_TEST(wait, no_completion_is_lost, 1)
{
    enum { COUNT = 20000 };
    struct end e;
    static char seen[COUNT];
    char buf[8];

    (void)rank;
    end_start(&e, NULL);
    for (int i = 0; i < COUNT; i++) {
        struct fi_cq_tagged_entry c;
        ssize_t ret;
        while ((ret = fi_tsend(e.ep, buf, 8, NULL, e.addr[0], i, &seen[i])) == -FI_EAGAIN)
            /* Nothing is read, but looking for a message reads the queue of cells. */
            CHECK(!fi_trecvmsg(e.ep, &(struct fi_msg_tagged){.addr = FI_ADDR_UNSPEC, .tag = ~0ull},
                               FI_PEEK),
                  "peek");
        CHECK(!ret, "%zd", ret);
        (void)c;
    }
    for (int got = 0; got < COUNT;) {
        struct fi_cq_tagged_entry c[100];
        struct fi_cq_err_entry error = {0};
        ssize_t n = fi_cq_read(e.cq, c, 100);
        if (n == -FI_EAVAIL) {
            CHECK(fi_cq_readerr(e.cq, &error, 0) == 1 && error.err == FI_ENOMSG, "readerr");
            continue;
        }
        CHECK(n > 0, "%d of %d, %zd", got, COUNT, n);
        for (int i = 0; i < n; i++)
            CHECK(!(*(char *)c[i].op_context)++, "twice");
        got += n;
    }
    end_finish(&e);
}

/* ---- Counters ---- */

NODE_TEST(wait, counters, 2)
{
    struct end e;
    static char buf[40000];
    static uint64_t word;
    struct fid_mr *mr;

    end_start(&e, &(struct end_want){.counters = true, .selective = true});
    CHECK(!fi_mr_reg(e.domain, &word, 8, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 1, 0, &mr, NULL),
          "reg");
    job_words[rank] = (uintptr_t)&word;
    job_barrier();
    if (rank == 0) {
        uint64_t at = job_words[1], one = 1;
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[1], 0));
        POST(&e, fi_tsend(e.ep, buf, 1000, NULL, e.addr[1], 0, buf));
        POST(&e, fi_tsend(e.ep, buf, 40000, NULL, e.addr[1], 0, buf));
        CHECK(!fi_cntr_wait(e.cntr[END_SEND], 3, -1), "sends");
        POST(&e, fi_write(e.ep, &one, 8, NULL, e.addr[1], at, 1, buf));
        POST(&e, fi_inject_write(e.ep, &one, 8, e.addr[1], at, 1));
        POST(&e, fi_inject_atomic(e.ep, &one, 1, e.addr[1], at, 1, FI_UINT64, FI_SUM));
        CHECK(!fi_cntr_wait(e.cntr[END_WRITE], 3, -1), "writes");
        POST(&e, fi_read(e.ep, buf, 8, NULL, e.addr[1], at, 1, buf));
        POST(&e, fi_fetch_atomic(e.ep, &one, 1, NULL, buf + 8, NULL, e.addr[1], at, 1, FI_UINT64,
                                 FI_SUM, buf));
        CHECK(!fi_cntr_wait(e.cntr[END_READ], 2, -1), "reads");
        CHECK(*(uint64_t *)buf == 2 && *(uint64_t *)(buf + 8) == 2, "values");
        POST(&e, fi_write(e.ep, &one, 8, NULL, e.addr[1], at, 99, buf));
        CHECK(fi_cntr_readerr(e.cntr[END_WRITE]) == 1, "errors");
        job_words[2] = 1;
    } else {
        CHECK(fi_cntr_wait(e.cntr[END_RECV], 1, 20) == -FI_ETIMEDOUT, "nothing was received yet");
        for (int i = 0; i < 3; i++)
            POST(&e, fi_trecv(e.ep, buf, 40000, NULL, e.addr[0], 0, 0, buf));
        CHECK(!fi_cntr_wait(e.cntr[END_RECV], 3, -1), "receives");
        while (!job_words[2])
            fi_cntr_read(e.cntr[END_RECV]);
        CHECK(word == 3, "word %lu", word);
    }
    CHECK(!fi_cntr_set(e.cntr[END_RECV], 10) && !fi_cntr_add(e.cntr[END_RECV], 5), "set");
    CHECK(fi_cntr_read(e.cntr[END_RECV]) == 15, "set and add");
    CHECK(!fi_close(&mr->fid), "close");
    end_finish(&e);
}

/* What a counter cannot count it is not bound to. */
NODE_TEST(wait, no_counter_of_remote_access, 1)
{
    struct end e;
    struct fid_cntr *cntr;
    struct fid_ep *ep;
    struct fi_cntr_attr attr = {.events = FI_CNTR_EVENTS_COMP, .wait_obj = FI_WAIT_NONE};

    (void)rank;
    end_start(&e, NULL);
    CHECK(!(e.info->caps & FI_RMA_EVENT), "advertised");
    CHECK(!fi_cntr_open(e.domain, &attr, &cntr, NULL), "cntr");
    CHECK(!fi_endpoint(e.domain, e.info, &ep, NULL), "ep");
    CHECK(fi_ep_bind(ep, &cntr->fid, FI_REMOTE_WRITE) != 0, "remote write");
    CHECK(fi_ep_bind(ep, &cntr->fid, FI_REMOTE_READ) != 0, "remote read");
    CHECK(fi_ep_bind(ep, &cntr->fid, 0) != 0, "nothing");
    CHECK(!fi_close(&ep->fid) && !fi_close(&cntr->fid), "close");
    end_finish(&e);
}

/* ---- Sleeping ---- */

enum wake { BY_EPOLL, BY_SREAD };

static void sleep_for_one(struct end *e, enum wake by, struct fi_cq_tagged_entry *c)
{
    ssize_t n;

    if (by == BY_SREAD) {
        n = fi_cq_sread(e->cq, c, 1, NULL, 10000);
        CHECK(n == 1, "fi_cq_sread: %zd", n);
        return;
    }
    struct fid *fid = &e->cq->fid;
    int fd;
    CHECK(!fi_control(fid, FI_GETWAIT, &fd), "FI_GETWAIT");
    int epoll = epoll_create1(0);
    CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}), "epoll");
    while ((n = fi_cq_read(e->cq, c, 1)) == -FI_EAGAIN) {
        struct epoll_event event;
        int ret = fi_trywait(e->fabric, &fid, 1);
        if (ret == -FI_EAGAIN)
            continue;
        CHECK(!ret, "fi_trywait: %d", ret);
        CHECK(epoll_wait(epoll, &event, 1, 10000) == 1, "the bell did not ring");
    }
    CHECK(n == 1, "%zd", n);
    close(epoll);
}

static double processor_seconds(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

/* Both sleep for each other, thousands of times: no wake is missed, and none is late. */
static void sleepers(int rank, enum wake by)
{
    enum { ROUNDS = 3000 };
    struct end e;
    uint64_t value;
    struct fi_cq_tagged_entry c;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    for (uint64_t i = 0; i < ROUNDS; i++) {
        value = ~0ull;
        if (rank == (int)(i & 1))
            POST(&e, fi_tinject(e.ep, &i, 8, e.addr[1 - rank], 1));
        if (rank == (int)(i & 1))
            continue;
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, 1, 0, &value));
        sleep_for_one(&e, by, &c);
        CHECK(value == i, "%lu instead of %lu", value, i);
    }
    job_barrier();
    /* A second of silence costs no processor time. */
    if (rank == 0) {
        usleep(1000000);
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[1], 1));
    } else {
        double before = processor_seconds();
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, 1, 0, &value));
        sleep_for_one(&e, by, &c);
        double used = processor_seconds() - before;
        CHECK(used < 0.02, "%.3f s of processor time in a second asleep", used);
    }
    end_finish(&e);
}

NODE_TEST(wait, epoll, 2)
{
    sleepers(rank, BY_EPOLL);
}

NODE_TEST(wait, sread, 2)
{
    sleepers(rank, BY_SREAD);
}

/* Without membarrier in both, and in one of the two only, on either side. */
NODE_TEST(wait, epoll_without_membarrier, 2)
{
    job_forbid(SYS_membarrier, ENOSYS);
    sleepers(rank, BY_EPOLL);
}

NODE_TEST(wait, epoll_without_membarrier_in_one, 2)
{
    if (rank)
        job_forbid(SYS_membarrier, EPERM);
    sleepers(rank, BY_EPOLL);
}

NODE_TEST(wait, sread_without_membarrier, 2)
{
    job_forbid(SYS_membarrier, ENOSYS);
    sleepers(rank, BY_SREAD);
}

/* A container that lets nobody look into another process: everything goes through the segment. */
NODE_TEST(wait, no_single_copy_by_the_system, 2)
{
    enum { LEN = 300000 };
    struct end e;
    unsigned char *buf = malloc(LEN);

    if (rank) {
        job_forbid(SYS_process_vm_readv, EPERM);
        job_forbid(SYS_process_vm_writev, EPERM);
    }
    end_start(&e, NULL);
    for (int i = 0; i < 20; i++) {
        if (rank == i % 2) {
            fill(buf, LEN, i);
            POST(&e, fi_tsend(e.ep, buf, LEN, NULL, e.addr[1 - rank], 1, buf));
            end_wait_for(&e, buf);
        } else {
            POST(&e, fi_trecv(e.ep, buf, LEN, NULL, e.addr[1 - rank], 1, 0, buf));
            end_wait_for(&e, buf);
            CHECK(filled(buf, LEN, i), "round %d", i);
        }
    }
    end_finish(&e);
    free(buf);
}

static void *signal_soon(void *arg)
{
    struct end *e = arg;

    usleep(50000);
    fi_cq_signal(e->cq);
    return NULL;
}

/* fi_cq_signal ends a sleep; time-outs are kept. */
NODE_TEST(wait, signal_and_timeout, 1)
{
    struct end e;
    struct fi_cq_tagged_entry c;
    pthread_t thread;

    (void)rank;
    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    uint64_t before = now_ns();
    CHECK(fi_cq_sread(e.cq, &c, 1, NULL, 30) == -FI_EAGAIN, "nothing");
    uint64_t took = now_ns() - before;
    CHECK(took >= 29000000 && took < 1000000000, "%lu ns", took);
    before = now_ns();
    pthread_create(&thread, NULL, signal_soon, &e);
    CHECK(fi_cq_sread(e.cq, &c, 1, NULL, -1) == -FI_EAGAIN, "nothing");
    CHECK(now_ns() - before < 1000000000, "the signal did not end the sleep");
    pthread_join(thread, NULL);
    end_finish(&e);
}

struct sleeper {
    struct end *e;
    struct fid_cq *cq;
    uint64_t took;
};

static void *sleep_on_queue(void *arg)
{
    struct sleeper *s = arg;
    struct fi_cq_tagged_entry c;
    uint64_t before = now_ns();

    CHECK(fi_cq_sread(s->cq, &c, 1, NULL, 10000) == 1, "fi_cq_sread");
    s->took = now_ns() - before;
    return NULL;
}

static void *wait_on_counter(void *arg)
{
    struct sleeper *s = arg;
    uint64_t before = now_ns();

    CHECK(!fi_cntr_wait(s->e->cntr[END_SEND], 1, 10000), "fi_cntr_wait");
    s->took = now_ns() - before;
    return NULL;
}

/* One thread sleeps on a queue, or a counter, to which another thread's call brings something. */
static void woken_by_own_thread(void *(*sleep)(void *))
{
    struct end e;
    struct sleeper s;
    struct fi_cq_tagged_entry c;
    pthread_t thread;
    char buf[8];

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD, .two_queues = true, .counters = true});
    for (int i = 0; i < 5; i++) {
        s = (struct sleeper){.e = &e, .cq = e.cq};
        fi_cntr_set(e.cntr[END_SEND], 0);
        pthread_create(&thread, NULL, sleep, &s);
        usleep(30000);
        POST(&e, fi_trecv(e.ep, buf, 8, NULL, FI_ADDR_UNSPEC, 1, 0, buf));
        CHECK(!fi_tsend(e.ep, buf, 8, NULL, e.addr[0], 1, buf), "send");
        CHECK(fi_cq_sread(e.rx_cq, &c, 1, NULL, 1000) == 1, "the receive");
        pthread_join(thread, NULL);
        CHECK(s.took < 300000000, "slept for %lu ns over its completion", s.took);
        while (fi_cq_read(e.cq, &c, 1) == 1)
            ;
    }
    end_finish(&e);
}

NODE_TEST(wait, queue_of_another_thread, 1)
{
    (void)rank;
    woken_by_own_thread(sleep_on_queue);
}

NODE_TEST(wait, counter_of_another_thread, 1)
{
    (void)rank;
    woken_by_own_thread(wait_on_counter);
}

/* The same with a peer's messages and two threads that sleep on the two queues. */
NODE_TEST(wait, two_sleepers, 2)
{
    enum { ROUNDS = 500 };
    struct end e;
    struct sleeper s;
    struct fi_cq_tagged_entry c;
    pthread_t thread;
    char in[8], out[50000];
    uint64_t worst = 0;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD, .two_queues = true});
    for (int i = 0; i < ROUNDS; i++) {
        s = (struct sleeper){.e = &e, .cq = e.rx_cq};
        if (rank == 0) {
            /* Each round ends with a message back, so that both sides sleep. */
            POST(&e, fi_trecv(e.ep, out, sizeof(out), NULL, FI_ADDR_UNSPEC, 2, 0, out));
            POST(&e, fi_tinject(e.ep, in, 8, e.addr[1], 1));
            CHECK(fi_cq_sread(e.rx_cq, &c, 1, NULL, 10000) == 1, "the long one");
            continue;
        }
        POST(&e, fi_trecv(e.ep, in, 8, NULL, FI_ADDR_UNSPEC, 1, 0, in));
        CHECK(!fi_tsend(e.ep, out, sizeof(out), NULL, e.addr[0], 2, out), "send");
        pthread_create(&thread, NULL, sleep_on_queue, &s);
        uint64_t before = now_ns();
        CHECK(fi_cq_sread(e.cq, &c, 1, NULL, 10000) == 1 && c.op_context == out, "the send");
        if (now_ns() - before > worst)
            worst = now_ns() - before;
        pthread_join(thread, NULL);
        if (s.took > worst)
            worst = s.took;
    }
    CHECK(worst < 500000000, "slept for %lu ns over a completion", worst);
    end_finish(&e);
}

/* ---- Threads ---- */

enum { THREAD_COUNT = 20000 };

struct worker {
    struct end *e;
    int peer, tag;
    atomic_int *got;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct end *e = w->e;

    for (uint64_t i = 0; i < THREAD_COUNT; i++) {
        uint64_t *in = malloc(8);
        ssize_t ret;
        while ((ret = fi_trecv(e->ep, in, 8, NULL, e->addr[w->peer], w->tag, 0, in)) == -FI_EAGAIN)
            ;
        CHECK(!ret, "%zd", ret);
        while ((ret = fi_tinject(e->ep, &i, 8, e->addr[w->peer], w->tag)) == -FI_EAGAIN) {
            struct fi_cq_tagged_entry c;
            if (fi_cq_read(e->cq, &c, 1) == 1) {
                CHECK(c.len == 8, "len");
                free(c.op_context);
                atomic_fetch_add(w->got, 1);
            }
        }
        CHECK(!ret, "%zd", ret);
        struct fi_cq_tagged_entry c;
        if (fi_cq_read(e->cq, &c, 1) == 1) {
            free(c.op_context);
            atomic_fetch_add(w->got, 1);
        }
    }
    while (atomic_load(w->got) < 2 * THREAD_COUNT) {
        struct fi_cq_tagged_entry c;
        if (fi_cq_read(e->cq, &c, 1) == 1) {
            free(c.op_context);
            atomic_fetch_add(w->got, 1);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

/* Who would sleep, and finds work, leaves the sign of it for a thread that sleeps already. */
NODE_TEST(wait, sign_is_left_for_others, 2)
{
    struct end e;
    uint64_t value = 7;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    struct fid *fid = &e.cq->fid;
    struct pollfd p = {.events = POLLIN};
    CHECK(!fi_control(fid, FI_GETWAIT, &p.fd), "descriptor");
    while (rank == 0 && fi_trywait(e.fabric, &fid, 1))
        ;
    job_barrier();
    if (rank == 1)
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[0], 1));
    job_barrier();
    if (rank == 0) {
        CHECK(poll(&p, 1, 0) == 1, "the bell was not rung");
        CHECK(fi_trywait(e.fabric, &fid, 1) == -FI_EAGAIN, "no work");
        CHECK(poll(&p, 1, 0) == 1, "the sign is gone");
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, 1, 0, &value));
        end_wait_for(&e, &value);
        while (fi_trywait(e.fabric, &fid, 1))
            ;
        CHECK(poll(&p, 1, 0) == 0, "a sign of nothing");
    }
    end_finish(&e);
}

/* Two threads of each process send, receive and read one queue, all at once. */
NODE_TEST(wait, two_threads, 2)
{
    struct end e;
    atomic_int got = 0;
    pthread_t threads[2];
    struct worker w[2];

    end_start(&e, &(struct end_want){.threading = FI_THREAD_SAFE});
    for (int i = 0; i < 2; i++) {
        w[i] = (struct worker){.e = &e, .peer = 1 - rank, .tag = i, .got = &got};
        pthread_create(&threads[i], NULL, work, &w[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(atomic_load(&got) == 2 * THREAD_COUNT, "%d", atomic_load(&got));
    end_finish(&e);
}

NODE_TEST(wait, thread_domain, 2)
{
    struct end e;
    uint64_t value;

    end_start(&e, &(struct end_want){.threading = FI_THREAD_DOMAIN});
    CHECK(e.info->domain_attr->threading == FI_THREAD_DOMAIN, "threading");
    for (uint64_t i = 0; i < 1000; i++) {
        if (rank == 0)
            POST(&e, fi_tinject(e.ep, &i, 8, e.addr[1], 1));
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[1 - rank], 1, 0, &value));
        end_wait_for(&e, &value);
        CHECK(value == i, "%lu", value);
        if (rank == 1)
            POST(&e, fi_tinject(e.ep, &i, 8, e.addr[0], 1));
    }
    end_finish(&e);
}

/* ---- Who is on which processor ---- */

/* It says where it is, too: whoever took that for a peer's word would yield at every wait. */
NODE_TEST(wait, a_process_does_not_meet_itself, 1)
{
    struct node_direct_ops *ops;
    struct end e;
    cpu_set_t taken;
    bool first;
    int value;

    (void)rank;
    end_start(&e, &(struct end_want){.threading = FI_THREAD_DOMAIN});
    CHECK(!fi_open_ops(&e.ep->fid, NODE_DIRECT_OPS, 0, (void **)&ops, NULL), "fi_open_ops");
    POST(&e, fi_tinject(e.ep, &(int){1}, sizeof(value), e.addr[0], 1));
    POST(&e, fi_trecv(e.ep, &value, sizeof(value), NULL, e.addr[0], 1, 0, &value));
    end_wait_for(&e, &value);
    for (int i = 0; i < 2; i++)
        CHECK(!ops->meet(e.ep, &taken, &first) && !CPU_COUNT(&taken), "meets itself");
    end_finish(&e);
}

/* On the nth of those that this process may run on; how many those are. */
static int stand_on(int nth, cpu_set_t *all, cpu_set_t *here)
{
    static cpu_set_t allowed;

    if (!CPU_COUNT(&allowed))
        sched_getaffinity(0, sizeof(allowed), &allowed);
    *all = allowed;
    CPU_ZERO(here);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, all) && !nth--)
            CPU_SET(i, here);
    CHECK(!sched_setaffinity(0, sizeof(*here), here), "%d", errno);
    return CPU_COUNT(all);
}

/* Three on one processor: the youngest of them is told to go to another, and nobody else is. */
NODE_TEST(wait, too_many_on_a_processor, 3)
{
    struct node_direct_ops *ops;
    cpu_set_t all, here, to;
    bool youngest = true;
    struct end e;
    int value;

    stand_on(0, &all, &here);
    end_start(&e, &(struct end_want){.threading = FI_THREAD_DOMAIN});
    CHECK(!fi_open_ops(&e.ep->fid, NODE_DIRECT_OPS, 0, (void **)&ops, NULL), "fi_open_ops");
    to = all;
    ops->place(e.ep, 3, FI_ADDR_UNSPEC, true, &to); /* tells */
    for (int i = 0; i < 3; i++) {
        int mine = getpid(), its = 0;
        if (i == rank)
            continue;
        POST(&e, fi_tinject(e.ep, &mine, sizeof(mine), e.addr[i], 1));
        POST(&e, fi_trecv(e.ep, &its, sizeof(its), NULL, e.addr[i], 1, 0, &value));
        end_wait_for(&e, &value);
        youngest = youngest && mine > its;
    }
    to = all;
    bool goes = ops->place(e.ep, 3, FI_ADDR_UNSPEC, true, &to) == NODE_SPREADS;
    CHECK(goes == (youngest && CPU_COUNT(&all) > 1), "%d", goes);
    CHECK(!goes || (!CPU_ISSET(sched_getcpu(), &to) && CPU_COUNT(&to) == CPU_COUNT(&all) - 1),
          "to");
    CHECK(!ops->place(e.ep, 4, FI_ADDR_UNSPEC, true, &here), "one of four has not told");
    end_finish(&e);
}

/* What the three are told once all of them have said so. */
static enum node_move place_three(struct end *e, struct node_direct_ops *ops, uint64_t mate,
                                  cpu_set_t *to)
{
    cpu_set_t ignored = *to;

    ops->place(e->ep, 3, mate, true, &ignored);
    job_barrier();
    enum node_move move = ops->place(e->ep, 3, mate, true, to);
    job_barrier();
    return move;
}

/* Two that wait for each other alone: the younger one is to go, and once they are apart nobody is,
 * though a third is beside one of them. One that is waited for alone, but waits for others: not. */
NODE_TEST(wait, mates_part, 3)
{
    struct node_direct_ops *ops;
    cpu_set_t all, here, to;
    struct end e;
    int mine = getpid(), its = mine, value;
    int mate = rank < 2 ? 1 - rank : 0, cpus = stand_on(0, &all, &here);

    end_start(&e, &(struct end_want){.threading = FI_THREAD_DOMAIN});
    CHECK(!fi_open_ops(&e.ep->fid, NODE_DIRECT_OPS, 0, (void **)&ops, NULL), "fi_open_ops");
    for (int i = 0; i < 3; i++) {
        int pid;
        if (i == rank)
            continue;
        POST(&e, fi_tinject(e.ep, &mine, sizeof(mine), e.addr[i], 1));
        POST(&e, fi_trecv(e.ep, &pid, sizeof(pid), NULL, e.addr[i], 1, 0, &value));
        end_wait_for(&e, &value);
        if (i == mate)
            its = pid;
    }
    to = all;
    enum node_move move = place_three(&e, ops, e.addr[mate], &to);
    bool goes = rank < 2 && mine > its && cpus > 1;
    CHECK((move == NODE_PARTS) == goes, "%d", move);
    CHECK(!goes || (!CPU_ISSET(sched_getcpu(), &to) && CPU_COUNT(&to)), "to");
    if (goes)
        stand_on(1, &to, &here);
    to = all;
    move = place_three(&e, ops, e.addr[mate], &to);
    CHECK((move == NODE_APART) == (rank < 2 && cpus > 1), "%d", move);
    to = all;
    move = place_three(&e, ops, FI_ADDR_UNSPEC, &to);
    CHECK(move != NODE_APART && move != NODE_PARTS, "%d", move);
    end_finish(&e);
}

/* ---- Many endpoints ---- */

/* How long after it was sent the message is seen, by a wait for the queue or the counter. */
static uint64_t wake_after(struct end *e, struct fid_cntr *cntr, bool counted)
{
    struct fi_cq_tagged_entry c;

    job_barrier();
    if (counted)
        CHECK(!fi_cntr_wait(cntr, 2, 5000), "fi_cntr_wait");
    else
        CHECK(fi_cq_sread(e->cq, &c, 1, NULL, 5000) == 1, "fi_cq_sread");
    return now_ns() - job_words[0];
}

/* The last of more endpoints than fit into a short list wakes who sleeps on them all, too. */
NODE_TEST(wait, many_endpoints, 2)
{
    enum { MANY = 12 };
    struct fi_cntr_attr attr = {.events = FI_CNTR_EVENTS_COMP, .wait_obj = FI_WAIT_UNSPEC};
    static char all[JOB_MAX][JOB_TEXT];
    char name[JOB_TEXT] = "", buf[8] = "";
    size_t len = sizeof(name);
    struct fid_ep *ep = NULL;
    struct fid_cntr *cntr;
    struct end e;
    fi_addr_t to;

    end_open(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    CHECK(!fi_cntr_open(e.domain, &attr, &cntr, NULL), "fi_cntr_open");
    for (int i = 0; rank == 1 && i < MANY; i++) {
        CHECK(!fi_endpoint(e.domain, e.info, &ep, NULL), "fi_endpoint");
        CHECK(!fi_ep_bind(ep, &e.cq->fid, FI_TRANSMIT | FI_RECV), "cq");
        CHECK(!fi_ep_bind(ep, &cntr->fid, FI_RECV), "counter");
        CHECK(!fi_ep_bind(ep, &e.av->fid, 0) && !fi_enable(ep), "enable");
    }
    CHECK(rank == 0 || !fi_getname(&ep->fid, name, &len), "name");
    job_exchange(name, all);
    CHECK(fi_av_insert(e.av, all[1], 1, &to, 0, NULL) == 1, "insert");
    for (int counted = 0; counted < 2; counted++) {
        if (rank == 1) {
            POST(&e, fi_trecv(ep, buf, 8, NULL, FI_ADDR_UNSPEC, 1, 0, buf));
            CHECK(wake_after(&e, cntr, counted) < 500000000, "late");
            continue;
        }
        job_barrier();
        usleep(100000); /* until it sleeps */
        job_words[0] = now_ns();
        CHECK(!fi_tinject(e.ep, buf, 8, to, 1), "inject");
    }
    job_barrier();
}
