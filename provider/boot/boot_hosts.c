/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hosts of the job, each by the lowest of its ranks; from the name of every rank's host, which
 * all servers give. PMIx_Resolve_peers would need one question a host, but hangs in the client of
 * PMIx 4.2 where the server is Open MPI's mpirun (4.1).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provider/boot/boot_impl.h"

static struct {
    uint32_t *ranks;
    size_t count;
} leaders;

static int compare_ranks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Which of the leaders so far is on that host; NULL: none. */
static const uint32_t *known(const char *host, char **hosts)
{
    for (size_t i = 0; i < leaders.count; i++)
        if (!strcmp(hosts[i], host))
            return &leaders.ranks[i];
    return NULL;
}

static int compare_names(void)
{
    char **hosts = calloc(boot.info.size, sizeof(*hosts));
    int rc = hosts ? 0 : -ENOMEM;

    leaders.count = 0;
    for (uint32_t rank = 0; !rc && rank < boot.info.size; rank++) {
        char *host = NULL;
        rc = boot_string(rank, PMIX_HOSTNAME, &host);
        if (!rc && !known(host, hosts)) {
            hosts[leaders.count] = host;
            leaders.ranks[leaders.count++] = rank;
        } else {
            free(host);
        }
    }
    for (size_t i = 0; hosts && i < leaders.count; i++)
        free(hosts[i]);
    free(hosts);
    return rc;
}

int boot_leaders(const uint32_t **ranks, size_t *count)
{
    if (!leaders.ranks) {
        leaders.ranks = calloc(boot.info.size, sizeof(*leaders.ranks));
        if (!leaders.ranks)
            return -ENOMEM;
        int rc = 0;
        if (boot.info.one_host) {
            leaders.ranks[0] = boot.local_ranks[0];
            leaders.count = 1;
        } else {
            rc = compare_names();
        }
        if (rc) {
            boot_hosts_close();
            return rc;
        }
        qsort(leaders.ranks, leaders.count, sizeof(*leaders.ranks), compare_ranks);
    }
    *ranks = leaders.ranks;
    *count = leaders.count;
    return 0;
}

void boot_hosts_close(void)
{
    free(leaders.ranks);
    leaders.ranks = NULL;
    leaders.count = 0;
}
