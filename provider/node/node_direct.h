/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this provider can do beyond libfabric's calls, for a program that serialises its calls on
 * the domain itself (FI_THREAD_DOMAIN): receiving tagged messages without a completion queue in
 * between, and messages of scattered memory. Reached by fi_open_ops on an endpoint that is enabled:
 *
 *     const struct node_direct_ops *ops;
 *     fi_open_ops(&ep->fid, NODE_DIRECT_OPS, 0, (void **)&ops, NULL);
 *
 * It goes together with everything else that the endpoint does: matching, and its order, are one.
 * This header needs none of libfabric's, so that whoever stands above them may call what is here.
 */
#ifndef ORIEL_NODE_NODE_DIRECT_H
#define ORIEL_NODE_NODE_DIRECT_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "provider/base/scatter.h"

struct fid_ep;
struct node_inlet;
struct node_outlet;

#define NODE_DIRECT_OPS "oriel_direct"

#define NODE_ANY        UINT64_MAX /* for the address of a source: any; FI_ADDR_UNSPEC */

struct node_posted;

/*
 * A receive is over, all of its message is in the buffer: as many bytes, sent with that tag and
 * data. The endpoint can do without its record from here on; the sink may call anything of the
 * endpoint's, progress too.
 */
typedef void node_direct_sink(struct node_posted *receive, size_t len, uint64_t tag, uint64_t data);

/*
 * What matching needs to know of a receive: one cache line, so that it has room in an fi_context2.
 */
struct node_posted {
    uint64_t tag, ignore;
    uint64_t source; /* an fi_addr_t, or NODE_ANY */
    void *buf;       /* these two of a direct one; of another, its context */
    size_t len;
    struct node_posted *next; /* in a line of node_match */
    uint64_t order;           /* of posting */
    node_direct_sink *sink;   /* of one that is posted by node_direct_ops, else NULL */
};

/* The message that was received. */
struct node_received {
    size_t len;
    uint64_t tag, data;
};

/* node_direct_ops.receive; `source` is an fi_addr_t or NODE_ANY. */
typedef int node_direct_receive(struct fid_ep *ep, uint64_t source, void *buf, size_t len,
                                uint64_t tag, uint64_t ignore, struct node_received *found);

typedef int node_direct_post(struct fid_ep *ep, struct node_posted *receive);

/*
 * A message has come for a receive that was posted by post_asking: may the receive have it? True:
 * its end will be told as ever. False: the endpoint forgets the receive, and the message goes to
 * the next one that it matches. Must not call the endpoint.
 */
typedef bool node_direct_claim(struct node_posted *receive);

enum node_move {
    NODE_STAYS,
    /* It stays, and so does its mate, on another processor: two that have each other for mates. */
    NODE_APART,
    /* All of `ranks` processes have told, two more are on this processor than elsewhere, and this
     * is the one to go: with the greatest pid, of those that are not apart, if there are any. */
    NODE_SPREADS,
    /* Two mates are on this processor, and this is the younger one. */
    NODE_PARTS,
};

struct node_direct_ops {
    size_t size;
    /*
     * Takes the oldest tagged message that matches, of any source one of the oldest: 0. -FI_EAGAIN:
     * nothing has come. -FI_EINPROGRESS: something else has, look again after some progress.
     * -FI_EBUSY: post the receive instead, because others that are posted may have a claim, or
     * because the message is longer than the buffer or NODE_CHUNK. In all three nothing has
     * changed, but that the buffer may have a part of a message whose sender was killed on the way.
     * Looks no further than the source's next cell, or any that is next, and makes no other
     * progress.
     */
    node_direct_receive *receive;
    /*
     * As fi_trecvmsg with FI_PEEK, but that the answer is what it returns: 0 or -FI_ENOMSG, after
     * progress. `claim`: with FI_CLAIM, the context; or NULL.
     */
    int (*peek)(struct fid_ep *ep, uint64_t source, uint64_t tag, uint64_t ignore, void *claim,
                struct node_received *found);
    /* What was claimed so: 0; or -FI_EBUSY, and fi_trecvmsg with FI_CLAIM can do it. */
    int (*receive_claimed)(struct fid_ep *ep, const void *claim, void *buf, size_t len,
                           struct node_received *found);
    /* As fi_tinjectdata, with less on the way for what is longer than a cell holds. */
    ssize_t (*inject)(struct fid_ep *ep, const void *buf, size_t len, uint64_t dest, uint64_t tag,
                      uint64_t data);
    /*
     * The way to that peer for node_outlet_inject, good until the endpoint closes: 0,
     * -FI_EOPNOTSUPP where sends are counted, or why the peer cannot be reached.
     */
    int (*outlet)(struct fid_ep *ep, uint64_t peer, struct node_outlet **outlet);
    /* Where the endpoint reads, for node_inlet_take; NULL where receives are counted. */
    struct node_inlet *(*inlet)(struct fid_ep *ep);
    /* A number that grows with each tagged message that no receive has asked for. Good until the
     * endpoint closes. */
    const unsigned *(*arrived)(struct fid_ep *ep);
    /*
     * As fi_trecv with FI_COMPLETION, but that what it takes stands in the record (the first five
     * fields and the sink), which belongs to the endpoint until the caller is told that the receive
     * is over. Its address is the receive's context.
     */
    node_direct_post *post;
    /*
     * The same, but it looks first: what has come for receives that were posted with the same sink
     * is delivered, a few messages at most, and a message of the receive's own that is there is
     * taken at once, if it lies in its cells. The sink is called before this returns, then; what it
     * posts itself may come before this receive. So the receives of a busy stream need not be
     * posted at all. What lies in a chunk takes longer to copy than this call should.
     */
    node_direct_post *post_or_take;
    /*
     * For a receive that waits at another endpoint as well: `claim` is asked first, perhaps before
     * post_asking returns. All that are posted in this way have the same one. withdraw takes such a
     * receive back without a completion; false where it is not posted any more.
     */
    int (*post_asking)(struct fid_ep *ep, struct node_posted *receive, node_direct_claim *claim);
    bool (*withdraw)(struct fid_ep *ep, struct node_posted *receive);
    /*
     * Makes the progress that reading the completion queue would make, and calls the sink of each
     * receive that ends well, was posted by `post` or post_or_take and does not need the queue: how
     * often, and more where something was done for others, or there may be more to do at once: of
     * messages that no receive waits for it takes a few, if none that one waits for is before them.
     * Whatever else completes, and those after it, is in the queue as ever, which must be read
     * where *queued says so; as long as something is in it, this call does nothing.
     */
    unsigned (*progress)(struct fid_ep *ep, bool *queued);
    /*
     * fi_tsenddata and fi_trecvmsg with memory of any layout, which must stay as it is until they
     * complete. Without a context, a send is over when it returns, at most NODE_CHUNK bytes long
     * and completes nothing. `flags`: 0 or FI_CLAIM.
     */
    ssize_t (*send_scattered)(struct fid_ep *ep, const struct scatter *s, uint64_t dest,
                              uint64_t tag, uint64_t data, void *context);
    ssize_t (*recv_scattered)(struct fid_ep *ep, const struct scatter *s, uint64_t source,
                              uint64_t tag, uint64_t ignore, uint64_t flags, void *context);
    /* Rings the peer's bell if it sleeps: for what was written into other memory of its. */
    void (*wake)(struct fid_ep *ep, uint64_t peer);
    /*
     * Tells the peers which processor this process is on, and gives those where they were when they
     * last told. How many on this one; `first`: none of those has a smaller pid.
     */
    int (*meet)(struct fid_ep *ep, cpu_set_t *taken, bool *first);
    /*
     * Tells the same, and who this process's mate is, for whom alone it waits as a rule
     * (FI_ADDR_UNSPEC: it has none). Whether it should go to one of those in `to`, on which the
     * fewest are then; only where `may_part`, for its mate's sake.
     */
    enum node_move (*place)(struct fid_ep *ep, unsigned ranks, uint64_t mate, bool may_part,
                            cpu_set_t *to);
    /*
     * Whether the kernel lets this process copy from that peer's memory, and its number for
     * node_direct_fetch.
     */
    bool (*fetches)(struct fid_ep *ep, uint64_t peer, uint32_t *whom);
    /* Where this process says that it has given its processor away: node_segment.resting. */
    atomic_uint *(*resting)(struct fid_ep *ep);
    /* Whether a writer must pass a barrier before it looks for sleepers: node_wait.h. */
    bool (*needs_barrier)(struct fid_ep *ep);
};

extern const struct node_direct_ops node_direct_ops;

/* Copies from that peer's memory: 0 or -errno. Needs no lock. */
int node_direct_fetch(uint32_t whom, void *buf, size_t len, uint64_t address);

#endif
