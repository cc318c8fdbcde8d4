/* SPDX-License-Identifier: BSD-3-Clause */
#define EXTERNALLY_VISIBLE externally_visible /* fi_prov.h leaves it to us */

#include "provider/node/node_ops.h"
#include "provider/node/node_provider.h"

/* libfabric takes a provider whose version is at least the one a program asks for. */
struct fi_provider node_provider = {
    .version = FI_VERSION(1, 0),
    .fi_version = FI_VERSION(FI_MAJOR_VERSION, FI_MINOR_VERSION),
    .name = NODE_PROVIDER_NAME,
    .getinfo = node_getinfo,
    .fabric = node_fabric_open,
};

#ifdef ORIEL_NODE_PLUGIN
FI_EXT_INI
{
    return &node_provider;
}
#endif
