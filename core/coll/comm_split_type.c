/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI_Comm_split_type: by what the processes run on, or are named by (7.4.2). Two splits, always,
 * so that the ranks need not agree on more than the type: first by host or process set, then, among
 * those who stayed together, by the instance of a kind of hardware. A process that runs on several
 * instances, or asks for what is not known here, gets NULL.
 */
#include <stdlib.h>
#include <strings.h>

#include "core/coll/comm_make.h"
#include "core/object/err.h"
#include "core/object/pset.h"
#include "provider/boot/hardware.h"

static const char type_key[] = "mpi_hw_resource_type", pset_key[] = "mpi_pset_name";
static const char shared_memory[] = "mpi_shared_memory";

/* The colors of the two splits; MPI_UNDEFINED: no member. */
struct colors {
    int outer, inner;
};

enum { INSTANCES = 1 << 20 }; /* of a kind; more than a host has */

static int instance_color(int kind)
{
    int instance = hardware_instance(kind);

    return instance < 0 || instance >= INSTANCES ? MPI_UNDEFINED : kind * INSTANCES + instance;
}

/* Within a host, by the value of mpi_hw_resource_type. */
static int type_color(const char *type)
{
    if (!strcasecmp(type, shared_memory))
        return HARDWARE_KINDS * INSTANCES;
    return instance_color(hardware_kind(type));
}

/* FNV-1a. The ranks of one call name one set, so that a collision does no harm. */
static int name_color(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (int)(hash >> 1);
}

/* mpi://SELF is another set on each process. */
static struct colors set_colors(const struct comm *c, int set)
{
    return (struct colors){name_color(pset_uri(set)),
                           set == PSET_SELF ? (int)group_process(c->group, c->rank) : 0};
}

/* Where both keys are given, both must hold. */
static struct colors guided_colors(const struct comm *c, struct info *info, bool psets)
{
    const struct colors none = {MPI_UNDEFINED, MPI_UNDEFINED};
    char type[MPI_MAX_INFO_VAL], name[MPI_MAX_INFO_VAL];
    size_t len;
    bool typed = info && info_copy(info, type_key, type, sizeof(type), &len);
    bool named = psets && info && info_copy(info, pset_key, name, sizeof(name), &len);
    int set = named ? pset_find(name) : -1;

    if ((!typed && !named) || (named && set < 0))
        return none;
    int color = typed ? type_color(type) : 0;
    if (color == MPI_UNDEFINED)
        return none;
    if (!typed || set == PSET_SELF)
        return set_colors(c, set);
    return (struct colors){comm_host_color(c), color};
}

/* What is made lives until the second split is done. */
static int split_twice(struct comm *c, struct colors colors, int key, struct comm **out)
{
    struct comm *outer;
    int rc = comm_split(c, colors.outer, key, &outer);

    if (rc || !outer) {
        *out = NULL;
        return rc;
    }
    rc = comm_split(outer, colors.inner, 0, out);
    int rc_free = comm_free(outer);
    return rc ? rc : rc_free;
}

/* ---- Unguided ---- */

/* By rank, of both groups where there are two, and by kind: the instance that it runs on, or below
 * 0. No other collective can be under way on the communicator's local group: nobody has it yet. */
static int gather_instances(struct comm *host, int kinds, int *all)
{
    int mine[HARDWARE_KINDS], rc = MPI_SUCCESS;

    for (int kind = 0; kind < kinds; kind++)
        mine[kind] = hardware_instance(kind);
    if (comm_is_inter(host))
        rc = coll_allgather(host->local, mine, kinds, &datatype_int,
                            all + host->remote->size * kinds);
    return rc ? rc : coll_allgather(host, mine, kinds, &datatype_int, all);
}

/* Whether every instance of the kind has fewer than all ranks, and one of them has any. */
static bool kind_parts(const int *all, int kinds, int kind, int ranks)
{
    bool any = false, same = true;

    for (int rank = 0; rank < ranks; rank++) {
        any |= all[rank * kinds + kind] >= 0;
        same &= all[rank * kinds + kind] == all[kind];
    }
    return any && !same;
}

static int members(const struct comm *c)
{
    return c->size + (comm_is_inter(c) ? c->remote->size : 0);
}

/* The outermost kind that parts the ranks of one host: the fewest new communicators; -1 for none.
 */
static int choose_kind(struct comm *host, int *chosen)
{
    int kinds = hardware_kinds(), ranks = members(host);
    int *all = malloc(((size_t)kinds * (size_t)ranks + 1) * sizeof(*all));
    int rc = all ? gather_instances(host, kinds, all)
                 : err_set(MPI_ERR_NO_MEM, "no memory for the hardware of %d ranks", ranks);

    *chosen = -1;
    for (int kind = 0; kind < kinds && !rc && *chosen < 0; kind++)
        if (kind_parts(all, kinds, kind, ranks))
            *chosen = kind;
    free(all);
    return rc;
}

static int split_host(struct comm *host, int key, const char **type, struct comm **out)
{
    int kind, rc = choose_kind(host, &kind);

    if (rc)
        return rc;
    *type = hardware_name(kind);
    return comm_split(host, kind < 0 ? MPI_UNDEFINED : instance_color(kind), key, out);
}

/* The hosts are a split of their own; only ranks of one host are looked at more closely. */
static int split_unguided(struct comm *c, int key, const char **type, struct comm **out)
{
    struct comm *host;
    int rc = comm_split_host(c, key, &host);

    if (rc)
        return rc;
    if (!host) { /* none of the other group is here */
        *out = NULL;
        return MPI_SUCCESS;
    }
    if (members(host) < members(c)) {
        *type = shared_memory;
        *out = host;
        return MPI_SUCCESS;
    }
    rc = split_host(host, 0, type, out);
    int rc_free = comm_free(host);
    return rc ? rc : rc_free;
}

/* The program is told in its own info object what it got. */
static int unguided(struct comm *c, int key, struct info *info, struct comm **out)
{
    const char *type = NULL;
    struct comm *made = NULL;
    int rc = split_unguided(c, key, &type, &made);

    if (!rc && made && info)
        rc = info_set(info, type_key, type);
    if (!rc)
        *out = made;
    else if (made)
        comm_free(made);
    return rc;
}

int comm_split_type(struct comm *c, int type, int key, struct info *info, struct comm **out)
{
    switch (type) {
    case MPI_COMM_TYPE_SHARED:
        return comm_split_host(c, key, out);
    case MPI_COMM_TYPE_HW_UNGUIDED:
        return unguided(c, key, info, out);
    case MPI_COMM_TYPE_HW_GUIDED:
        return split_twice(c, guided_colors(c, info, false), key, out);
    case MPI_COMM_TYPE_RESOURCE_GUIDED:
        return split_twice(c, guided_colors(c, info, true), key, out);
    case MPI_UNDEFINED:
        return comm_split(c, MPI_UNDEFINED, key, out);
    }
    return err_set(MPI_ERR_ARG, "split_type is none of the MPI_COMM_TYPE_ values");
}
