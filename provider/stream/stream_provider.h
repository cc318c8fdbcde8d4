/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream provider as the rest of the library sees it: libfabric's interface (reliable datagram
 * endpoints, tagged and untagged messages, remote memory) over TCP connections between the
 * processes of a job. It is used directly through stream_getinfo and stream_fabric_open, without
 * libfabric's registry, and needs nothing of libfabric but its headers. Its fi_info are node's:
 * node_info_dup and node_info_free (provider/node/node_provider.h).
 */
#ifndef ORIEL_STREAM_STREAM_PROVIDER_H
#define ORIEL_STREAM_STREAM_PROVIDER_H

#include <rdma/fabric.h>
#include <rdma/fi_endpoint.h>

#define STREAM_PROVIDER_NAME "stream"

/*
 * One info for each IP address of this host that is up, loopback too: the domain's name is the
 * interface's, src_addr the address with port 0. 0, -FI_ENODATA, -FI_ENOMEM.
 */
int stream_getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
                   const struct fi_info *hints, struct fi_info **info);
int stream_fabric_open(struct fi_fabric_attr *attr, struct fid_fabric **fabric, void *context);

/*
 * By fi_open_ops on an endpoint. The proof is what whoever connects must have said first, and what
 * this side says first: whoever does not know it is disconnected and counted (counts.strangers).
 * Until it is set nobody is let in and nobody connected to; to be set once.
 */
#define STREAM_OPS "oriel_stream"
enum { STREAM_PROOF = 16 }; /* bytes */

struct stream_ops {
    size_t size;
    void (*prove)(struct fid_ep *ep, const uint8_t proof[STREAM_PROOF]);
    /*
     * A number, 0 at first, that grows with each access of others to memory of this process that
     * its progress begins to carry out: nothing of that is in the completion queue. Good until the
     * endpoint closes.
     */
    const unsigned *(*served)(struct fid_ep *ep);
    /* The same of tagged messages that no receive has asked for. */
    const unsigned *(*arrived)(struct fid_ep *ep);
};

#endif
