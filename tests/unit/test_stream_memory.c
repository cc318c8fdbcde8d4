/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream provider without memory for what comes before its receive: it waits, nothing is lost.
 */
#include "provider/stream/stream.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "tests/unit/stream_job.h"

enum { COUNT = 300, LONG = 64 << 10, SHORT = 40 };

static size_t length_of(int i)
{
    return i % 3 == 2 ? SHORT : LONG;
}

static void say_all(struct flow *s)
{
    static unsigned char buf[COUNT][LONG];

    for (int i = 0; i < COUNT; i++) {
        fill(buf[i], length_of(i), i);
        TRY(s, fi_tsenddata(s->ep, buf[i], length_of(i), NULL, (uint64_t)i, s->addr[1], 1, buf[i]));
    }
    for (int i = 0; i < COUNT; i++)
        flow_done(s, buf[i]);
}

static struct rlimit before;
static void **eaten; /* each block begins with the address of the one before */

/* All the memory that this process can have. */
static void eat(void)
{
    struct rlimit now;
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    CHECK(f && fscanf(f, "%lu", &pages) == 1, "statm");
    fclose(f);
    CHECK(!getrlimit(RLIMIT_AS, &before), "getrlimit");
    now = before;
    now.rlim_cur = pages * (unsigned long)getpagesize();
    CHECK(!setrlimit(RLIMIT_AS, &now), "setrlimit");
    for (size_t size = LONG; size >= SHORT; size /= 2)
        for (void **block; (block = malloc(size)); eaten = block)
            *block = eaten;
}

static void give_back(void)
{
    setrlimit(RLIMIT_AS, &before);
    while (eaten) {
        void **block = eaten;
        eaten = *block;
        free(block);
    }
}

static void hear(struct flow *s, int i)
{
    static unsigned char buf[LONG];

    TRY(s, fi_trecv(s->ep, buf, LONG, NULL, s->addr[0], 1, 0, buf));
    struct event e = flow_done(s, buf);
    CHECK(e.data == (uint64_t)i && e.len == length_of(i), "%d: %lu", i, e.data);
    CHECK(filled(buf, e.len, i), "%d", i);
}

static void hear_all(struct flow *s)
{
    const struct stream_ep *ep = container_of(s->ep, struct stream_ep, fid);
    struct fid *cq = &s->cq->fid;
    uint64_t end = now_ns() + FLOW_SECONDS * UINT64_C(1000000000);

    hear(s, 0); /* who connects needs memory, too */
    eat();
    while (!ep->stuck) {
        CHECK(now_ns() < end, "memory is never short");
        flow_progress(s);
    }
    /* It is not read further, and nobody is to sleep on it. */
    for (int i = 0; i < 1000; i++)
        flow_progress(s);
    CHECK(ep->stuck && !s->event_count, "it went on");
    CHECK(fi_trywait(s->fabric, &cq, 1) == -FI_EAGAIN, "it may sleep");
    give_back();
    for (int i = 1; i < COUNT; i++)
        hear(s, i);
}

NODE_TEST(stream_memory, short_for_a_while, 2)
{
    struct flow s;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return; /* they take all address space for themselves */
#endif
    flow_start(&s);
    if (rank)
        hear_all(&s);
    else
        say_all(&s);
    flow_finish(&s);
}
