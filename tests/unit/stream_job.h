/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of the stream provider: its endpoint on loopback in each process of a job
 * (node_job.h), and what completes there, errors as well as successes, in one list.
 */
#ifndef ORIEL_TESTS_UNIT_STREAM_JOB_H
#define ORIEL_TESTS_UNIT_STREAM_JOB_H

#include <netinet/in.h>
#include <sched.h>

#include "tests/unit/node_job.h"

enum { FLOW_RANKS = 8, FLOW_SECONDS = 20, EAGER_MOST = 128 << 10 };

/* What completed: err is 0, or FI_ETRUNC and the like. */
struct event {
    void *context;
    int err;
    size_t len, olen;
    uint64_t flags, data, tag;
};

struct flow {
    struct fi_info *list, *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_av *av;
    struct fid_cq *cq;
    struct fid_ep *ep;
    const unsigned *served;     /* stream_ops.served */
    fi_addr_t addr[FLOW_RANKS]; /* by rank, after flow_meet */
    struct sockaddr_in name[FLOW_RANKS];
    /* Read before anybody asked for them. */
    struct event *events;
    size_t event_count, event_room;
};

/* The word of job_words where tests may begin: those before are flow_barrier's. */
enum { FLOW_WORDS = 8 };

/* An endpoint that knows the proof made of `proof`, but nobody's address. */
void flow_open(struct flow *s, uint8_t proof);
/* All processes of the job at once: everybody's address in everybody's vector. Nobody connects. */
void flow_meet(struct flow *s);
/* Its two halves: all learn the names, and one puts them into its vector. */
void flow_names(struct flow *s);
void flow_insert(struct flow *s);
void flow_close(struct flow *s);
/* The two; and closed behind a barrier, so that nobody's last message is cut. */
void flow_start(struct flow *s);
void flow_finish(struct flow *s);
/* Unlike job_barrier it makes progress for the others while it waits; s: NULL if there is none. */
void flow_barrier(struct flow *s);
/* Somebody sets a word of job_words; others wait for it, with progress. */
void flow_until(struct flow *s, int word, uint64_t least);

/* Reads what there is; false: nothing. */
bool flow_progress(struct flow *s);
/* The completion with that context, which is taken from the list; false: not there yet. */
bool flow_take(struct flow *s, void *context, struct event *event);
/* Waits for it, as long as FLOW_SECONDS. */
struct event flow_wait_at(struct flow *s, void *context, int line);
#define flow_wait(s, context) flow_wait_at(s, context, __LINE__)
/* It must have succeeded. */
struct event flow_done_at(struct flow *s, void *context, int line);
#define flow_done(s, context) flow_done_at(s, context, __LINE__)
/* Nothing is in the list, and nothing comes for a while. */
void flow_quiet_at(struct flow *s, int line);
#define flow_quiet(s) flow_quiet_at(s, __LINE__)

/* Repeats a call while it says -FI_EAGAIN, with progress in between. */
#define TRY(s, call)                                                                               \
    do {                                                                                           \
        ssize_t ret_;                                                                              \
        while ((ret_ = (call)) == -FI_EAGAIN)                                                      \
            if (!flow_progress(s))                                                                 \
                sched_yield();                                                                     \
        CHECK(ret_ == 0, "%s", strerror((int)-ret_));                                              \
    } while (0)

/* A plain socket that listens on loopback, where nobody is waited for. */
int flow_raw_listen(struct sockaddr_in *name, int backlog);
/* A plain buffer; exits where there is no memory. */
unsigned char *flow_buffer(size_t len);

#endif
