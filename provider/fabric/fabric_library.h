/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libfabric itself, loaded when a network is needed and not before. Debian's build drags in PSM,
 * whose constructors sleep 0.19 s to measure the processor's clock: no program should pay that at
 * its start, least of all one that stays on its host and only speaks to our own provider.
 *
 * Only the calls that are functions of the library stand here; all others go through the tables of
 * the objects they are called on, whoever made those.
 */
#ifndef ORIEL_FABRIC_FABRIC_LIBRARY_H
#define ORIEL_FABRIC_FABRIC_LIBRARY_H

#include "provider/base/list.h" /* before libfabric, which would define container_of itself */

#include <rdma/fabric.h>

/* Where endpoints come from: libfabric with all its providers, or one of our own. */
struct fabric_source {
    int (*getinfo)(uint32_t version, const char *node, const char *service, uint64_t flags,
                   const struct fi_info *hints, struct fi_info **info);
    struct fi_info *(*dupinfo)(const struct fi_info *info); /* NULL: an empty one */
    void (*freeinfo)(struct fi_info *info);
    uint32_t (*version)(void); /* NULL: our own */
    int (*fabric)(struct fi_fabric_attr *attr, struct fid_fabric **fabric, void *context);
};

/* 0, or -ENOENT with one line said, the first time: libfabric is not there. */
int fabric_library_open(const struct fabric_source **source);

#endif
