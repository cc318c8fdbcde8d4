/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of the node provider: a job of forked processes, joined by pipes to the one that
 * forked them and through it to each other, and in each of them an endpoint, used by libfabric's
 * calls alone. No launcher, no MPI, none of provider/fabric.
 */
#ifndef ORIEL_TESTS_UNIT_NODE_JOB_H
#define ORIEL_TESTS_UNIT_NODE_JOB_H

#include <criterion/criterion.h>
#include <rdma/fabric.h>
#include <rdma/fi_atomic.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/node/node_provider.h"

enum { JOB_MAX = 256, JOB_TEXT = 64, JOB_SECONDS = 100 };

/* ---- Processes ---- */

/*
 * Runs main in `size` processes. How many failed: by exit code or by a signal, except for those
 * that said job_may_die(). None is left when it returns.
 */
int job_run(int size, void (*main)(int rank));
extern int job_size;
/* Each gives a text, all get all: what every process says in turn. Also a barrier. */
void job_exchange(const char mine[JOB_TEXT], char (*all)[JOB_TEXT]);
void job_barrier(void);
/* From here on SIGKILL ends this process as it should; the others go on without it. */
void job_may_die(void);
/* A system call that fails from now on in this process, as in a container that forbids it. */
void job_forbid(int call, int error);
/* Memory that all share, zero at first, for what a test tells behind the provider's back. */
extern volatile uint64_t *job_words;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* ---- An endpoint with what belongs to it ---- */

/* What differs from the plain one: everything, virtual addresses, own keys, tagged format, no
 * wait object, a completion for all. */
struct end_want {
    uint64_t caps, tx_flags, rx_flags;
    int mr_mode; /* -1: none; 0: FI_MR_VIRT_ADDR */
    enum fi_threading threading;
    enum fi_cq_format format;
    enum fi_wait_obj wait_obj;
    enum fi_av_type av_type;
    bool selective;
    bool counters;
    bool two_queues; /* one for what is sent, one for what is received */
};

enum { END_SEND, END_RECV, END_READ, END_WRITE, END_COUNTERS };

struct end {
    struct fi_info *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_av *av;
    struct fid_cq *cq, *rx_cq; /* the same unless two_queues */
    struct fid_cntr *cntr[END_COUNTERS];
    struct fid_ep *ep;
    fi_addr_t addr[JOB_MAX]; /* by rank, after end_meet */
    /* Completions that progress read before anybody asked for them. */
    struct fi_cq_tagged_entry *early;
    fi_addr_t *early_source;
    size_t early_first, early_count, early_room;
};

void end_open(struct end *e, const struct end_want *want); /* NULL: the plain one */
void end_name(struct end *e, char name[JOB_TEXT]);
/* All processes of the job, at once: everybody's address in everybody's vector. */
void end_meet(struct end *e);
void end_close(struct end *e);
/* Sends from now on as to peers on distant processors, or beyond the caches (pace.h). */
void end_keep_distant(struct end *e);
void end_keep_beyond(struct end *e);
/* Opened, met, and closed behind a barrier by end_finish. */
void end_start(struct end *e, const struct end_want *want);
void end_finish(struct end *e);

/* Makes progress and keeps what completes; yields where there is nothing. */
void end_progress(struct end *e);
/* The next completion; an error fails the test. Its source, where wanted. */
fi_addr_t end_wait(struct end *e, struct fi_cq_tagged_entry *entry);
/* The next completion must be this one. */
void end_wait_for(struct end *e, void *context);
/* The next completion is an error. */
void end_wait_error(struct end *e, struct fi_cq_err_entry *error);
/* Nothing completes for a while. */
void end_quiet(struct end *e);

/* Repeats a call while it says -FI_EAGAIN, with progress in between. */
#define POST(e, call)                                                                              \
    do {                                                                                           \
        ssize_t ret_;                                                                              \
        while ((ret_ = (call)) == -FI_EAGAIN)                                                      \
            end_progress(e);                                                                       \
        CHECK(ret_ == 0, "%s", strerror((int)-ret_));                                              \
    } while (0)

/* Bytes that a reader can tell from any other seed's. */
void fill(void *buf, size_t len, unsigned seed);
bool filled(const void *buf, size_t len, unsigned seed);

uint64_t now_ns(void);

#define NODE_TEST(suite, name, size)                                                               \
    static void suite##_##name(int rank);                                                          \
    Test(suite, name)                                                                              \
    {                                                                                              \
        cr_assert_eq(job_run(size, suite##_##name), 0);                                            \
    }                                                                                              \
    static void suite##_##name(int rank)

#endif
