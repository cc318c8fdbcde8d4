/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes that end, well or badly, while others talk to them through the node provider. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "provider/base/param.h"
#include "provider/node/node.h"
#include "provider/node/node_memory.h"
#include "tests/unit/node_job.h"

static void tell_pid(int rank)
{
    job_words[rank] = getpid();
    job_barrier();
}

static void kill_peer(int rank)
{
    CHECK(!kill((pid_t)job_words[rank], SIGKILL), "kill");
    /* A zombie has no descriptors left; wait until the kernel has got that far. */
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)job_words[rank]);
    while (!access(path, F_OK))
        sched_yield();
}

/* Rank 0 and rank 2 pass messages of all sizes. */
static void talk(struct end *e, int rank, int rounds)
{
    static unsigned char out[100000], in[100000];
    static const size_t lens[] = {8, 41, 97, 16384, 100000};
    int other = 2 - rank;
    struct fi_cq_tagged_entry c;

    for (int i = 0; i < rounds; i++) {
        size_t len = lens[i % 5];
        fill(out, len, i);
        POST(e, fi_trecv(e->ep, in, len, NULL, e->addr[other], 500, 0, in));
        POST(e, fi_tsend(e->ep, out, len, NULL, e->addr[other], 500, out));
        end_wait(e, &c);
        end_wait(e, &c);
        CHECK(filled(in, len, i), "round %d", i);
    }
}

/*
 * Rank 1 is killed in its sleep. Who sends to it is told -FI_EAGAIN at worst, and by no signal; the
 * others go on.
 */
NODE_TEST(life, killed_asleep, 3)
{
    struct end e;
    struct fi_cq_tagged_entry c;
    char buf[8] = "";

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    if (rank == 1)
        job_may_die();
    tell_pid(rank);
    if (rank == 1) {
        fi_cq_sread(e.cq, &c, 1, NULL, 20);
        job_words[8] = 1;
        for (;;)
            if (fi_cq_sread(e.cq, &c, 1, NULL, -1) == 1)
                job_words[8]++;
    }
    /* Awake it once, so that the bell is known. */
    for (int n = 0; rank == 0 && n < 3; n++) {
        usleep(20000);
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[1], 1));
    }
    if (rank == 0) {
        usleep(50000);
        kill_peer(1);
        ssize_t ret;
        uint64_t sent = 0;
        while (!(ret = fi_tinject(e.ep, buf, 8, e.addr[1], 1)))
            CHECK(++sent < 1000000, "a dead process takes everything");
        CHECK(ret == -FI_EAGAIN, "%zd", ret);
    }
    talk(&e, rank, 100);
    end_finish(&e);
}

/* Killed before anybody has sent to it: there is no such process. */
NODE_TEST(life, killed_unmet, 3)
{
    struct end e;
    char out = 0;

    end_start(&e, NULL);
    if (rank == 1)
        job_may_die();
    tell_pid(rank);
    while (rank == 1)
        pause();
    if (rank == 0) {
        kill_peer(1);
        CHECK(fi_tinject(e.ep, &out, 1, e.addr[1], 1) == -ESRCH, "inject");
        CHECK(fi_tsend(e.ep, &out, 1, NULL, e.addr[1], 1, &out) == -ESRCH, "send");
    }
}

/* Killed with messages of all kinds under way to it and from it. */
NODE_TEST(life, killed_in_the_middle, 3)
{
    enum { LEN = 300000 }; /* longer than a train */
    struct end e;
    static unsigned char out[LEN], in[LEN];
    struct fi_cq_err_entry error = {0};
    struct fi_cq_tagged_entry c;
    ssize_t n;

    end_start(&e, NULL);
    if (rank == 1)
        job_may_die();
    tell_pid(rank);
    if (rank == 1) {
        CHECK(!fi_tsend(e.ep, out, LEN, NULL, e.addr[0], 1, out), "send");
        CHECK(!fi_tinject(e.ep, out, 10000, e.addr[0], 2), "inject");
        job_words[8] = 1;
        for (;;)
            pause();
    }
    if (rank == 0) {
        while (!job_words[8])
            sched_yield();
        CHECK(!fi_tsend(e.ep, out, LEN, NULL, e.addr[1], 3, &e), "a long one to it");
        for (int i = 0; i < 20; i++)
            CHECK(!fi_tinject(e.ep, out, 16384, e.addr[1], 4), "a chunk");
        for (int i = 0; i < 20; i++)
            end_progress(&e);
        kill_peer(1);
        /* Its long message cannot be fetched any more, which is an error and no hang. */
        POST(&e, fi_trecv(e.ep, in, LEN, NULL, FI_ADDR_UNSPEC, 1, 0, in));
        while ((n = fi_cq_read(e.cq, &c, 1)) == -FI_EAGAIN)
            ;
        CHECK(n == -FI_EAVAIL && fi_cq_readerr(e.cq, &error, 0) == 1, "%zd", n);
        CHECK(error.err == ESRCH && error.op_context == in, "err %d", error.err);
        /* The one that was on its way is here. */
        POST(&e, fi_trecv(e.ep, in, LEN, NULL, FI_ADDR_UNSPEC, 2, 0, in));
        end_wait(&e, &c);
        CHECK(c.len == 10000, "%zu", c.len);
        while (!(n = fi_tinject(e.ep, out, 16384, e.addr[1], 4)))
            ;
        CHECK(n == -FI_EAGAIN, "%zd", n);
    }
    talk(&e, rank, 100);
    end_finish(&e);
}

/* Killed after it took cells and before it filled the first: others' messages still come through.
 */
static void killed_with(int rank, bool pair, long rings)
{
    struct end e;
    char buf[8] = "";
    struct node_cell *cells[2];
    uint64_t stamps[2];

    param_open(); /* not again */
    param.node_rings = rings;
    end_start(&e, NULL);
    if (rank == 1)
        job_may_die();
    tell_pid(rank);
    if (rank == 1) {
        struct node_peer *peer;
        struct node_ep *ep = container_of(e.ep, struct node_ep, fid);
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[0], 1));
        CHECK(!node_peer_get(ep, e.addr[0], &peer), "peer");
        if (pair) {
            CHECK(node_outlet_take_pair(&peer->out, cells, stamps), "two cells");
            node_cell_publish(cells[1], stamps[1] | node_word(NODE_CELL_SECOND, 0));
        } else {
            CHECK(node_outlet_take(&peer->out, stamps), "a cell");
        }
        job_words[8] = 1;
        for (;;)
            pause();
    }
    while (!job_words[8])
        sched_yield();
    if (rank == 0)
        kill_peer(1);
    talk(&e, rank, 20);
    end_finish(&e);
}

NODE_TEST(life, killed_while_writing, 3)
{
    killed_with(rank, false, 0);
}

NODE_TEST(life, killed_while_writing_a_pair, 3)
{
    killed_with(rank, true, 0);
}

NODE_TEST(life, killed_while_writing_to_a_ring, 3)
{
    killed_with(rank, false, NODE_RINGS);
}

/* A process that sends and ends at once has sent: nobody had met it before. */
static void sends_and_ends(int rank, size_t len)
{
    struct end e;
    static unsigned char buf[16384];
    struct fi_cq_tagged_entry c;

    end_start(&e, NULL);
    if (rank) {
        fill(buf, len, rank);
        CHECK(!fi_tinject(e.ep, buf, len, e.addr[0], rank), "inject");
        job_words[rank] = 1;
        end_close(&e);
        __atomic_fetch_add(&job_words[8], 1, __ATOMIC_ACQ_REL);
        return;
    }
    while (len <= NODE_PAIR_PAYLOAD ? job_words[8] < 3
                                    : !(job_words[1] && job_words[2] && job_words[3]))
        sched_yield();
    usleep(20000);
    for (int i = 1; i < job_size; i++) {
        memset(buf, 0, len);
        POST(&e, fi_trecv(e.ep, buf, len, NULL, FI_ADDR_UNSPEC, i, 0, buf));
        CHECK(end_wait(&e, &c) == e.addr[i], "source");
        CHECK(c.len == len && filled(buf, len, i), "from %d", i);
    }
    end_close(&e);
}

NODE_TEST(life, sends_a_cell_and_ends, 4)
{
    sends_and_ends(rank, 8);
}

NODE_TEST(life, sends_a_pair_and_ends, 4)
{
    sends_and_ends(rank, 90);
}

NODE_TEST(life, sends_a_chunk_and_ends, 4)
{
    sends_and_ends(rank, 10000);
}

/* A process is gone before the first contact: an error at once. */
NODE_TEST(life, gone_before_the_first_contact, 2)
{
    struct end e;
    char buf[8];

    end_open(&e, NULL);
    end_meet(&e);
    if (rank) {
        end_close(&e);
        job_barrier();
        return;
    }
    job_barrier();
    ssize_t ret = fi_tinject(e.ep, buf, 8, e.addr[1], 1);
    CHECK(ret < 0 && ret != -FI_EAGAIN, "%zd", ret);
    end_close(&e);
}

/* A lock for long elements whose holder has died is taken over. */
NODE_TEST(life, died_with_a_lock, 2)
{
    struct end e;
    long double *memory, one = 1, got = -1;
    struct fid_mr *mr;
    pid_t dead = fork();

    (void)rank;
    if (!dead)
        _exit(0);
    waitpid(dead, NULL, 0);
    end_start(&e, NULL);
    struct node_ep *ep = container_of(e.ep, struct node_ep, fid);
    for (int i = 0; i < NODE_STRIPES; i++)
        atomic_store(&ep->segment->stripes[i].held, (unsigned)dead);
    struct node_memory_ops *ops;
    CHECK(!fi_open_ops(&e.domain->fid, NODE_MEMORY_OPS, 0, (void **)&ops, NULL), "ops");
    CHECK(!ops->allocate(64, (void **)&memory), "memory");
    CHECK(!fi_mr_reg(e.domain, memory, 64, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 1, 0, &mr, NULL),
          "reg");
    POST(&e, fi_fetch_atomic(e.ep, &one, 1, NULL, &got, NULL, e.addr[rank], (uintptr_t)memory, 1,
                             FI_LONG_DOUBLE, FI_SUM, &got));
    end_wait_for(&e, &got);
    CHECK(got == 0 && memory[0] == 1, "values");
    CHECK(!fi_close(&mr->fid), "close");
    ops->release(memory);
    end_finish(&e);
}

/* Children of a process with an open endpoint, which end in every way, disturb nothing. */
NODE_TEST(life, children, 3)
{
    struct end e;

    end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
    if (rank == 1) {
        job_barrier();
        end_finish(&e);
        return;
    }
    talk(&e, rank, 8);
    for (int i = 0; i < 6; i++) {
        pid_t child = fork();
        if (!child) {
            if (i % 3 == 0)
                _exit(0);
            if (i % 3 == 1) {
                execl("/bin/true", "true", (char *)NULL);
                _exit(1);
            }
            struct end own; /* one of its own, which has nothing to do with its parent's */
            char name[JOB_TEXT];
            fi_addr_t self;
            uint64_t v = 5;
            end_open(&own, NULL);
            end_name(&own, name);
            CHECK(fi_av_insert(own.av, name, 1, &self, 0, NULL) == 1, "insert");
            POST(&own, fi_tinject(own.ep, &v, 8, self, 1));
            POST(&own, fi_trecv(own.ep, &v, 8, NULL, self, 1, 0, &v));
            end_wait_for(&own, &v);
            end_close(&own);
            fi_close(&e.ep->fid); /* and it may even close what it inherited */
            _exit(0);
        }
        talk(&e, rank, 8);
        int status;
        CHECK(waitpid(child, &status, 0) == child && !status, "child: %x", status);
        talk(&e, rank, 8);
    }
    job_barrier();
    end_finish(&e);
}
