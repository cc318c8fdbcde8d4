/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote memory for a program that wants to be done with it when the call returns. Reached by
 * fi_open_ops on an endpoint:
 *
 *     const struct node_rma_now_ops *ops;
 *     fi_open_ops(&ep->fid, NODE_RMA_NOW_OPS, 0, (void **)&ops, NULL);
 */
#ifndef ORIEL_NODE_NODE_RMA_NOW_H
#define ORIEL_NODE_NODE_RMA_NOW_H

#include <rdma/fabric.h>
#include <rdma/fi_endpoint.h>

#define NODE_RMA_NOW_OPS "oriel_rma_now"

struct node_rma_now_ops {
    size_t size;
    /*
     * As fi_write and fi_read, without a completion. -FI_EBUSY: it cannot be done without the
     * peer's help, post it instead. -EFAULT: the peer has no memory there.
     */
    int (*write)(struct fid_ep *ep, const void *buf, size_t len, fi_addr_t peer, uint64_t addr,
                 uint64_t key);
    int (*read)(struct fid_ep *ep, void *buf, size_t len, fi_addr_t peer, uint64_t addr,
                uint64_t key);
    /* Whether the two above can be done for memory of any kind: 0, or -FI_EBUSY. */
    int (*reach)(struct fid_ep *ep, fi_addr_t peer);
};

extern const struct node_rma_now_ops node_rma_now_ops;

#endif
