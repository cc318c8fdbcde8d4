/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of messages that are taken where they lie: a job (node_job.h) of which rank 0
 * receives by node_direct_ops and by node_inlet_take, and the others send to it.
 */
#ifndef ORIEL_TESTS_UNIT_TAKE_JOB_H
#define ORIEL_TESTS_UNIT_TAKE_JOB_H

#include "provider/node/node.h"
#include "tests/unit/node_job.h"

enum { TAG = 7, OTHER = 8, ROOM = 100000, MARGIN = 64, OLDER = 20 };

#define DATA      UINT64_C(0xfeedfacecafe0000) /* and the seed of the bytes */
#define TOP       (UINT64_C(1) << 63)
#define UNCHANGED 0xee

/* ---- A process ---- */

struct side {
    struct end e;
    const struct node_direct_ops *ops;
    struct node_inlet *in;
    struct node_outlet *out[JOB_MAX]; /* by rank */
};

static inline struct node_ep *side_endpoint(struct side *s)
{
    return container_of(s->e.ep, struct node_ep, fid);
}

/* With direct operations; with counters it has no ways to the others. */
void side_begin_unmet(struct side *s, bool counters);
/* And rank 0 has heard of the others. */
void side_begin(struct side *s, int rank, bool counters);
/* Nothing is left: no receive, no message, no completion. */
void side_end(struct side *s);

/* ---- The sender ---- */

/* Ways to send; of the last two the sender waits for the end. */
enum side_way { INJECTED, WITHOUT_DATA, UNTAGGED, ANSWERED, SENT };

/* A message to rank 0 of at most NODE_CHUNK bytes, by either of the two ways to inject it. */
void side_say(struct side *s, uint64_t tag, size_t len, unsigned seed);
/* `count` messages of 8 bytes from rank 1, which are there when it returns. */
void side_come(struct side *s, int rank, uint64_t tag, unsigned seed, unsigned count);
/* By any way, and any size up to ROOM; it must be received between the two barriers in it. */
void side_say_and_wait(struct side *s, enum side_way way, uint64_t tag, size_t len, unsigned seed);

/* ---- The receiver ---- */

/* A receive, and what its sink was told. */
struct take {
    struct node_posted posted; /* first: it is the context */
    unsigned char buf[ROOM + MARGIN];
    unsigned turn; /* the how manyth it was told; 0: not yet */
    size_t len;
    uint64_t tag, data;
};

extern struct take takes[OLDER + 1];
extern unsigned told; /* how many have been */

/* Fills the record, and its buffer with UNCHANGED. */
struct node_posted *take_ready(struct take *t, size_t room, uint64_t tag, uint64_t ignore,
                               uint64_t source, node_direct_sink *sink);
/* The sink. */
node_direct_sink take_tell;
/* post_or_take, of that tag from anybody, 8 bytes; or of more. */
void take_want(struct side *s, struct take *t, uint64_t tag);
void take_want_so(struct side *s, struct take *t, size_t room, uint64_t tag, uint64_t ignore,
                  uint64_t source);
/* So many tagged receives wait. */
void side_posts(struct side *s, size_t count);
/* node_direct_ops.progress: so many are told, and nothing is in the queue. */
void side_progress(struct side *s, unsigned count);

/* So many bytes came, and none behind them was touched. */
void take_filled(const unsigned char *buf, size_t len, unsigned seed);
/* It was told, as that one in turn, of that message. */
void take_has(const struct take *t, unsigned turn, uint64_t tag, size_t len, unsigned seed);
/* It ends in the queue. */
void take_completes(struct side *s, const struct take *t, uint64_t tag, size_t len, unsigned seed);

#endif
