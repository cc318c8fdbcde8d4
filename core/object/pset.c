/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/object/comm.h"
#include "core/object/err.h"
#include "core/object/pset.h"
#include "provider/boot/boot.h"

static const char *const own[PSET_OWN] = {[PSET_WORLD] = "mpi://WORLD", [PSET_SELF] = "mpi://SELF"};

int pset_count(void)
{
    return PSET_OWN + boot_psets();
}

const char *pset_uri(int n)
{
    const char *name;
    const uint32_t *ranks;
    size_t size;

    if (n >= 0 && n < PSET_OWN)
        return own[n];
    return boot_pset(n - PSET_OWN, &name, &ranks, &size) ? NULL : name;
}

int pset_find(const char *name)
{
    for (int n = 0; n < PSET_OWN; n++)
        if (!strcasecmp(name, own[n]))
            return n;
    int count = pset_count();
    for (int n = PSET_OWN; n < count; n++)
        if (!strcmp(name, pset_uri(n)))
            return n;
    return -1;
}

int pset_size(int n)
{
    const char *name;
    const uint32_t *ranks;
    size_t size = 0;

    if (n == PSET_WORLD)
        return comm_world->size;
    if (n == PSET_SELF)
        return 1;
    boot_pset(n - PSET_OWN, &name, &ranks, &size);
    return (int)size;
}

int pset_group(int n, struct group **group)
{
    const char *name;
    const uint32_t *ranks;
    size_t size;

    if (n == PSET_WORLD || n == PSET_SELF)
        return group_copy(n == PSET_WORLD ? comm_world->group : comm_self->group, group);
    if (boot_pset(n - PSET_OWN, &name, &ranks, &size))
        return err_set(MPI_ERR_ARG, "there is no process set %d", n);
    uint32_t *list = malloc(size * sizeof(*list));
    if (!list)
        return err_set(MPI_ERR_NO_MEM, "no memory for a group of %zu", size);
    memcpy(list, ranks, size * sizeof(*list));
    return group_list(list, (int)size, group);
}
