/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What this provider can do beyond libfabric's calls: receiving without posting, for a program that
 * looks again and again until its message is there, and messages of scattered memory. Reached by fi_open_ops on an endpoint:
 *
 *     const struct node_now_ops *ops;
 *     fi_open_ops(&ep->fid, NODE_NOW_OPS, 0, (void **)&ops, NULL);
 */
#ifndef ORIEL_NODE_NODE_NOW_H
#define ORIEL_NODE_NODE_NOW_H

#include <rdma/fabric.h>
#include <rdma/fi_endpoint.h>

#include "provider/base/scatter.h"

#define NODE_NOW_OPS "oriel_now"

/* What was received; nothing about it is written to a completion queue. */
struct node_now {
    size_t len;
    uint64_t tag, data;
};

struct node_now_ops {
    size_t size;
    /*
     * Takes the oldest tagged message that matches: 0. -FI_EAGAIN: nothing has come.
     * -FI_EINPROGRESS: something else has, look again after some progress. -FI_EBUSY: post the
     * receive instead, because others that are posted may have a claim, or because the message is
     * longer than the buffer or NODE_CHUNK. In all three nothing has changed. Looks no further than
     * the next cell and makes no other progress.
     */
    int (*receive)(struct fid_ep *ep, fi_addr_t source, void *buf, size_t len, uint64_t tag,
                   uint64_t ignore, struct node_now *found);
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
};

extern const struct node_now_ops node_now_ops;

#endif
