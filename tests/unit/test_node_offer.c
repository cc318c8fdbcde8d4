/* SPDX-License-Identifier: BSD-3-Clause */
/* Short accesses that the target is asked to carry out: taken, taken back, refused, crossed. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "provider/base/list.h"
#include "provider/node/node_offer.h"
#include "provider/node/node_rma_now.h"
#include "tests/unit/node_job.h"

enum { ROOM = 4096, KEY = 7, MOST = NODE_OFFER_DATA };

struct side {
    struct end e;
    const struct node_rma_now_ops *ops;
    struct fid_mr *mr;
    unsigned char *memory;
    fi_addr_t other;
    uint64_t at, key; /* of its memory */
};

/* The words of job_words: two of each rank's memory, then these. */
enum { STOP = 8, SERVED, ENDED };

static struct node_ep *endpoint(struct side *s)
{
    return container_of(s->e.ep, struct node_ep, fid);
}

/* Each exposes memory that the others have not mapped; the target reaches for rank 0's. */
static void begin(struct side *s, int rank, int target)
{
    end_start(&s->e, NULL);
    CHECK(!fi_open_ops(&s->e.ep->fid, NODE_RMA_NOW_OPS, 0, (void **)&s->ops, NULL), "ops");
    CHECK((s->memory = calloc(1, ROOM)), "memory");
    CHECK(!fi_mr_reg(s->e.domain, s->memory, ROOM, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, KEY, 0,
                     &s->mr, NULL),
          "fi_mr_reg");
    job_words[2 * rank] =
        s->e.info->domain_attr->mr_mode & FI_MR_VIRT_ADDR ? (uintptr_t)s->memory : 0;
    job_words[2 * rank + 1] = fi_mr_key(s->mr);
    job_barrier();
    int other = rank == target ? 0 : target;
    s->other = s->e.addr[other];
    s->at = job_words[2 * other];
    s->key = job_words[2 * other + 1];
    CHECK(!s->ops->write(s->e.ep, "", 1, s->other, s->at, s->key), "the first");
    job_barrier();
}

static void end(struct side *s)
{
    job_barrier();
    CHECK(!fi_close(&s->mr->fid), "close mr");
    end_finish(&s->e);
    free(s->memory);
}

/* Writes bytes made of `seed`, and reads them back. */
static void there_and_back(struct side *s, unsigned seed)
{
    unsigned char out[MOST + 8], in[MOST + 8];
    size_t len = 1 + seed % (MOST + 8), at = seed % 100;

    fill(out, len, seed);
    CHECK(!s->ops->write(s->e.ep, out, len, s->other, s->at + at, s->key), "write");
    memset(in, 0, sizeof(in));
    CHECK(!s->ops->read(s->e.ep, in, len, s->other, s->at + at, s->key), "read");
    CHECK(filled(in, len, seed), "%zu bytes, seed %u", len, seed);
}

/* Carries out what is offered, and refuses some; those the kernel does. */
static void serve(struct side *s)
{
    struct node_ep *ep = endpoint(s);

    for (unsigned i = 0; !job_words[STOP]; i++) {
        if (!node_offer_waits(ep))
            continue;
        if (i % 16 == 0)
            ep->segment->offer.key++;
        job_words[SERVED] += node_offer_serve(ep);
    }
}

/* On a processor of its own, if there are as many: the system may leave both on one. */
static bool stay_apart(int rank)
{
    cpu_set_t all, mine;
    int place = 0;

    CHECK(!sched_getaffinity(0, sizeof(all), &all), "affinity");
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && place++ == rank) {
            CPU_ZERO(&mine);
            CPU_SET(cpu, &mine);
            CHECK(!sched_setaffinity(0, sizeof(mine), &mine), "affinity");
        }
    return CPU_COUNT(&all) > 1;
}

/* The target looks all the time. Where it has no processor of its own it cannot. */
NODE_TEST(node_offer, taken, 2)
{
    enum { SECONDS = 20 };
    bool apart = stay_apart(rank);
    struct side s;

    begin(&s, rank, 1);
    if (rank == 0) {
        uint64_t wanted = apart ? 1000 : 0;
        uint64_t until = now_ns() + SECONDS * UINT64_C(1000000000), x;
        for (unsigned i = 0; (i < 1000 || job_words[SERVED] < wanted) && now_ns() < until; i++)
            there_and_back(&s, i);
        CHECK(job_words[SERVED] >= wanted, "%lu taken", job_words[SERVED]);
        CHECK(s.ops->read(s.e.ep, &x, 8, s.other, s.at + ROOM - 7, s.key) < 0, "beyond");
        CHECK(s.ops->write(s.e.ep, &x, 8, s.other, s.at, s.key + 1) < 0, "no such key");
        job_words[STOP] = 1;
    } else {
        serve(&s);
    }
    end(&s);
}

/* Two at one line: one of them has it, the other does without; each its own part of the memory. */
NODE_TEST(node_offer, shared_line, 3)
{
    struct side s;

    begin(&s, rank, 2);
    if (rank == 1)
        s.at += ROOM / 2;
    for (unsigned i = 0; rank < 2 && i < 30000; i++)
        there_and_back(&s, 2 * i + (unsigned)rank);
    if (rank < 2)
        job_words[ENDED + rank] = 1;
    while (rank == 2 && !(job_words[ENDED] && job_words[ENDED + 1]))
        end_progress(&s.e);
    end(&s);
}

/* Looks, and does something else for as long as an offer lasts: each ends by one way or the other,
 * once. */
NODE_TEST(node_offer, taken_back, 2)
{
    enum { TURNS = 100000 };
    struct side s;

    begin(&s, rank, 1);
    for (unsigned i = 0; rank == 0 && i < TURNS; i++)
        there_and_back(&s, i);
    if (rank == 0)
        job_words[STOP] = 1;
    for (unsigned i = 0; rank == 1 && !job_words[STOP]; i++) {
        end_progress(&s.e);
        for (volatile unsigned k = 0; k < i % 5000; k++)
            ;
    }
    end(&s);
}

/* Each waits for the other to carry out its own, and nobody makes any other progress. */
NODE_TEST(node_offer, crossed, 2)
{
    struct side s;

    begin(&s, rank, 1);
    for (unsigned i = 0; i < 50000; i++)
        there_and_back(&s, 2 * i + (unsigned)rank);
    end(&s);
}

/* One who was killed with the line in his hands leaves the others the kernel's copy. */
NODE_TEST(node_offer, left_behind, 2)
{
    struct side s;

    begin(&s, rank, 1);
    if (rank == 1)
        atomic_store(&endpoint(&s)->segment->offer.state, NODE_OFFER_TAKEN);
    job_barrier();
    for (unsigned i = 0; rank == 0 && i < 1000; i++)
        there_and_back(&s, i);
    if (rank == 0)
        job_words[STOP] = 1;
    while (rank == 1 && !job_words[STOP])
        end_progress(&s.e);
    end(&s);
}

/* The target dies in the midst of it: an error, no wait for ever. */
NODE_TEST(node_offer, target_killed, 2)
{
    struct side s;
    uint64_t x = 0;
    int ret = 0;

    begin(&s, rank, 1);
    if (rank == 1) {
        job_may_die();
        unsigned offered = NODE_OFFERED;
        while (!atomic_compare_exchange_weak(&endpoint(&s)->segment->offer.state, &offered,
                                             NODE_OFFER_BEGUN))
            offered = NODE_OFFERED;
        kill(getpid(), SIGKILL);
    }
    for (int i = 1; !ret && i < 10000000; i++) {
        ret = s.ops->write(s.e.ep, &x, 8, s.other, s.at, s.key);
        /* On a busy machine the two may have one processor: whoever wakes up may get another. */
        if (i % 65536 == 0)
            usleep(1000);
    }
    CHECK(ret < 0, "no error");
    _exit(0);
}
