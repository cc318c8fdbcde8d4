/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node provider as the rest of the library sees it: a libfabric provider, used directly
 * through node_provider.getinfo and .fabric, without libfabric's registry. The same sources built
 * as liboriel-fi.so are found by libfabric through FI_PROVIDER_PATH.
 */
#ifndef ORIEL_NODE_NODE_PROVIDER_H
#define ORIEL_NODE_NODE_PROVIDER_H

#include <rdma/providers/fi_prov.h>

#define NODE_PROVIDER_NAME "oriel"
#define NODE_FABRIC_NAME   "oriel"
#define NODE_DOMAIN_NAME   "node"

extern struct fi_provider node_provider;

int node_getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
                 const struct fi_info *hints, struct fi_info **info);
int node_fabric_open(struct fi_fabric_attr *attr, struct fid_fabric **fabric, void *context);
/* fi_dupinfo and fi_freeinfo for those who do without libfabric. */
struct fi_info *node_info_dup(const struct fi_info *info); /* NULL: an empty one */
void node_info_free(struct fi_info *list);

#endif
