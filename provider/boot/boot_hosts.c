/* SPDX-License-Identifier: BSD-3-Clause */
/* The hosts of the job, each by the lowest of its ranks. */
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

/* The lowest of the job's ranks on that host; false where there is none. */
static bool leader_of(const char *host, uint32_t *rank)
{
    pmix_proc_t *procs = NULL;
    size_t n = 0;
    bool found = false;

    if (PMIx_Resolve_peers(host, boot.self.nspace, &procs, &n) != PMIX_SUCCESS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (procs[i].rank < boot.info.size && (!found || procs[i].rank < *rank)) {
            *rank = procs[i].rank;
            found = true;
        }
    PMIX_PROC_FREE(procs, n);
    return found;
}

/* Asks the server: one question a host. False where it does not answer all of them. */
static bool ask(void)
{
    char *list = NULL, *rest, *host;

    if (PMIx_Resolve_nodes(boot.self.nspace, &list) != PMIX_SUCCESS || !list)
        return false;
    bool all = true;
    for (host = strtok_r(list, ",", &rest); all && host; host = strtok_r(NULL, ",", &rest)) {
        all = leaders.count < boot.info.size && leader_of(host, &leaders.ranks[leaders.count]);
        leaders.count += all;
    }
    free(list);
    return all && leaders.count;
}

/* Which of the leaders so far is on that host; NULL: none. */
static const uint32_t *known(const char *host, char **hosts)
{
    for (size_t i = 0; i < leaders.count; i++)
        if (!strcmp(hosts[i], host))
            return &leaders.ranks[i];
    return NULL;
}

/* From the name of every rank's host, which servers give where they do not resolve. */
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
        } else if (!ask()) {
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
