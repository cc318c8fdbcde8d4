/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <hwloc.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#include "provider/boot/hardware.h"

static struct {
    pthread_once_t once;
    hwloc_topology_t topology;
    int kinds;
    hwloc_obj_type_t type[HARDWARE_KINDS];
    char name[HARDWARE_KINDS][40];
} host = {.once = PTHREAD_ONCE_INIT};

/* Processors that this process may not use are kept: all processes number the same objects. */
static int load(hwloc_topology_t *out)
{
    hwloc_topology_t topology;

    if (hwloc_topology_init(&topology))
        return -1;
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_NONE);
    if (hwloc_topology_load(topology)) {
        hwloc_topology_destroy(topology);
        return -1;
    }
    *out = topology;
    return 0;
}

static void add_kind(hwloc_obj_type_t type)
{
    if (host.kinds == HARDWARE_KINDS)
        return;
    host.type[host.kinds] = type;
    snprintf(host.name[host.kinds], sizeof(host.name[0]), "hwloc://%s",
             hwloc_obj_type_string(type));
    host.kinds++;
}

/* NUMA nodes are on no level of hwloc's tree: they hang on the objects that they are near to. */
static void look(void)
{
    hwloc_obj_t node, near;
    int depth;

    if (load(&host.topology))
        return;
    node = hwloc_get_obj_by_type(host.topology, HWLOC_OBJ_NUMANODE, 0);
    for (near = node; near && !hwloc_obj_type_is_normal(near->type);)
        near = near->parent;
    depth = near ? near->depth : -1;
    for (int d = 0; d < hwloc_topology_get_depth(host.topology); d++) {
        add_kind(hwloc_get_depth_type(host.topology, d));
        if (d == depth)
            add_kind(HWLOC_OBJ_NUMANODE);
    }
}

int hardware_kinds(void)
{
    pthread_once(&host.once, look);
    return host.kinds;
}

const char *hardware_name(int kind)
{
    return kind >= 0 && kind < hardware_kinds() ? host.name[kind] : NULL;
}

int hardware_kind(const char *name)
{
    for (int kind = 0; kind < hardware_kinds(); kind++)
        if (!strcasecmp(name, host.name[kind]))
            return kind;
    return -ENOENT;
}

/* The only object of that type that the processors touch. */
static int only_instance(hwloc_obj_type_t type, hwloc_const_cpuset_t processors)
{
    hwloc_obj_t o = NULL;
    int found = -ENOENT;

    while ((o = hwloc_get_next_obj_by_type(host.topology, type, o))) {
        if (!hwloc_bitmap_intersects(o->cpuset, processors))
            continue;
        if (found >= 0)
            return -ENOENT;
        found = (int)o->logical_index;
    }
    return found;
}

int hardware_instance(int kind)
{
    hwloc_bitmap_t processors;
    int instance = -ENOENT;

    if (kind < 0 || kind >= hardware_kinds())
        return -ENOENT;
    processors = hwloc_bitmap_alloc();
    if (processors && !hwloc_get_cpubind(host.topology, processors, HWLOC_CPUBIND_PROCESS))
        instance = only_instance(host.type[kind], processors);
    hwloc_bitmap_free(processors);
    return instance;
}
