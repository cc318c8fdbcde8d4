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
 */
#ifndef ORIEL_NODE_NODE_DIRECT_H
#define ORIEL_NODE_NODE_DIRECT_H

#include <rdma/fabric.h>
#include <rdma/fi_endpoint.h>
#include <sched.h>
#include <stdbool.h>

#include "provider/base/scatter.h"

#define NODE_DIRECT_OPS "oriel_direct"

/* The message that was received. */
struct node_received {
    size_t len;
    uint64_t tag, data;
};

/*
 * A receive is over, all of its message is in the buffer. The endpoint can do without its record
 * from here on; the sink may call anything of the endpoint's, progress too.
 */
typedef void node_direct_sink(struct fi_context2 *context, const struct node_received *message);

struct node_direct_ops {
    size_t size;
    /*
     * Takes the oldest tagged message that matches: 0. -FI_EAGAIN: nothing has come.
     * -FI_EINPROGRESS: something else has, look again after some progress. -FI_EBUSY: post the
     * receive instead, because others that are posted may have a claim, or because the message is
     * longer than the buffer or NODE_CHUNK. In all three nothing has changed. Looks no further than
     * the next cell and makes no other progress.
     */
    int (*receive)(struct fid_ep *ep, fi_addr_t source, void *buf, size_t len, uint64_t tag,
                   uint64_t ignore, struct node_received *found);
    /*
     * As fi_trecv with FI_COMPLETION, but that its record lies in *context, which the caller leaves
     * alone until it is told that the receive is over.
     */
    int (*post)(struct fid_ep *ep, fi_addr_t source, void *buf, size_t len, uint64_t tag,
                uint64_t ignore, struct fi_context2 *context);
    /*
     * Makes the progress that reading the completion queue would make, and calls the sink for each
     * receive that ends well, was posted by `post` and does not need the queue: how often. Whatever
     * else completes, and those after it, is in the queue as ever, which must be read where
     * *queued says so; as long as something is in it, this call does nothing.
     */
    unsigned (*progress)(struct fid_ep *ep, node_direct_sink *sink, bool *queued);
    /*
     * fi_tsenddata and fi_trecvmsg with memory of any layout, which must stay as it is until they
     * complete. Without a context, a send is over when it returns, at most NODE_CHUNK bytes long
     * and completes nothing. `flags`: 0 or FI_CLAIM.
     */
    ssize_t (*send_scattered)(struct fid_ep *ep, const struct scatter *s, fi_addr_t dest,
                              uint64_t tag, uint64_t data, void *context);
    ssize_t (*recv_scattered)(struct fid_ep *ep, const struct scatter *s, fi_addr_t source,
                              uint64_t tag, uint64_t ignore, uint64_t flags, void *context);
    /* Rings the peer's bell if it sleeps: for what was written into other memory of its. */
    void (*wake)(struct fid_ep *ep, fi_addr_t peer);
    /*
     * Tells the peers which processor this process is on, and gives those where they were when they
     * last told. How many on this one; `first`: none of those has a smaller pid.
     */
    int (*meet)(struct fid_ep *ep, cpu_set_t *taken, bool *first);
    /* Whether a writer must pass a barrier before it looks for sleepers: node_wait.h. */
    bool (*needs_barrier)(struct fid_ep *ep);
};

extern const struct node_direct_ops node_direct_ops;

#endif
