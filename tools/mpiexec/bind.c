/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "bind.h"
#include "say.h"

#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#include <stdio.h>
#include <stdlib.h>

static hwloc_obj_type_t object_type(enum bind_to bind)
{
    switch (bind) {
    case BIND_HWTHREAD:
        return HWLOC_OBJ_PU;
    case BIND_L1:
        return HWLOC_OBJ_L1CACHE;
    case BIND_L2:
        return HWLOC_OBJ_L2CACHE;
    case BIND_L3:
        return HWLOC_OBJ_L3CACHE;
    case BIND_NUMA:
        return HWLOC_OBJ_NUMANODE;
    case BIND_PACKAGE:
        return HWLOC_OBJ_PACKAGE;
    default:
        return HWLOC_OBJ_CORE;
    }
}

/* This host's objects, less the processors that we may not use. */
static int load_topology(hwloc_topology_t *out)
{
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed;

    /* Plug-ins look for devices; only processors matter here, and loading them takes longer. */
    setenv("HWLOC_PLUGINS_PATH", "/nonexistent", 0);
    if (hwloc_topology_init(&topology) != 0)
        goto fail;
    if (hwloc_topology_load(topology) != 0)
        goto destroy;
    allowed = hwloc_bitmap_alloc();
    if (allowed == NULL || hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_THREAD) != 0 ||
        hwloc_topology_restrict(topology, allowed, HWLOC_RESTRICT_FLAG_REMOVE_CPULESS) != 0) {
        hwloc_bitmap_free(allowed);
        goto destroy;
    }
    hwloc_bitmap_free(allowed);
    *out = topology;
    return 0;

destroy:
    hwloc_topology_destroy(topology);
fail:
    say("hwloc cannot read this host's processors; use --bind-to none");
    return 1;
}

/*
 * The objects of a kind, less those without processors: memory alone is a NUMA node, too. Returns
 * their number, and a list to be freed.
 */
static int list_objects(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_obj_t **out)
{
    int all = hwloc_get_nbobjs_by_type(topology, type), count = 0;
    hwloc_obj_t object = NULL;

    *out = all > 0 ? calloc((size_t)all, sizeof(**out)) : NULL;
    if (*out == NULL)
        return 0;
    while ((object = hwloc_get_next_obj_by_type(topology, type, object)) != NULL)
        if (!hwloc_bitmap_iszero(object->cpuset))
            (*out)[count++] = object;
    return count;
}

static int bind_rank(hwloc_topology_t topology, hwloc_const_cpuset_t set, struct rank *r)
{
    int highest = hwloc_bitmap_last(set);

    r->cpus = CPU_ALLOC((size_t)highest + 1);
    if (r->cpus == NULL)
        return -1;
    r->cpus_size = CPU_ALLOC_SIZE((size_t)highest + 1);
    return hwloc_cpuset_to_glibc_sched_affinity(topology, set, r->cpus, r->cpus_size);
}

/* Each rank in turn gets so many objects, round all of them. */
static int bind_all(hwloc_topology_t topology, struct job *job, const hwloc_obj_t *objects,
                    int count, int per_rank)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    size_t next = 0;
    int status = set != NULL ? 0 : -1;

    for (int i = 0; i < job->nranks && status == 0; i++) {
        hwloc_bitmap_zero(set);
        for (int k = 0; k < per_rank; k++)
            hwloc_bitmap_or(set, set, objects[next++ % (size_t)count]->cpuset);
        status = bind_rank(topology, set, &job->ranks[i]);
        if (status != 0)
            say("rank %d cannot be bound; use --bind-to none", i);
    }
    hwloc_bitmap_free(set);
    return status;
}

int bind_ranks(struct job *job, const struct options *o)
{
    /* PE= without a word where means cores, as it does to Open MPI. */
    enum bind_to where = o->per_rank > 0 && !o->bind_given ? BIND_CORE : o->bind;
    hwloc_obj_type_t type = object_type(where);
    hwloc_topology_t topology;
    hwloc_obj_t *objects;
    int count, per_rank = 1, status;

    if (where == BIND_NONE)
        return 0;
    if (load_topology(&topology) != 0)
        return 1;
    /* A host whose cores are not described still has processors. */
    if (where == BIND_CORE && hwloc_get_nbobjs_by_type(topology, type) <= 0)
        type = HWLOC_OBJ_PU;
    count = list_objects(topology, type, &objects);
    if (count == 0) {
        say("--bind-to %s: this host has none; use --bind-to core", options_bind_name(where));
        status = 2;
        goto free_objects;
    }
    if (o->per_rank > 0 && (where == BIND_CORE || where == BIND_HWTHREAD))
        per_rank = o->per_rank < count ? o->per_rank : count;
    status = bind_all(topology, job, objects, count, per_rank) == 0 ? 0 : 1;

free_objects:
    free(objects);
    hwloc_topology_destroy(topology);
    return status;
}

/* Processors as the kernel lists them: 0-3,8. */
static void list_cpus(const cpu_set_t *set, size_t size, char *out, size_t room)
{
    size_t used = 0, bits = size * 8;

    out[0] = '\0';
    for (size_t i = 0; i < bits && used < room; i++) {
        size_t first = i;

        if (!CPU_ISSET_S(i, size, set))
            continue;
        while (i + 1 < bits && CPU_ISSET_S(i + 1, size, set))
            i++;
        used += (size_t)snprintf(out + used, room - used, i > first ? "%s%zu-%zu" : "%s%zu",
                                 used > 0 ? "," : "", first, i);
    }
}

void bind_report(const struct job *job)
{
    cpu_set_t mine;
    char list[512];

    CPU_ZERO(&mine);
    sched_getaffinity(0, sizeof(mine), &mine);
    for (int i = 0; i < job->nranks; i++) {
        const struct rank *r = &job->ranks[i];

        if (r->cpus != NULL)
            list_cpus(r->cpus, r->cpus_size, list, sizeof(list));
        else
            list_cpus(&mine, sizeof(mine), list, sizeof(list));
        say("rank %d on %s is %s %s", i, job->host,
            r->cpus != NULL ? "bound to processors" : "not bound, it may use processors", list);
    }
}
