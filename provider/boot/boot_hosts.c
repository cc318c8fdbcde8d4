/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hosts of the job, each by the lowest of its ranks. Most servers tell at the start what is on
 * each host, Slurm's too: one look a host into what is here already, 7 us. Open MPI's mpirun (4.1)
 * tells of the own host alone, and hangs when it is asked for another's (as in PMIx_Resolve_peers);
 * there, the name of every rank's host is looked at.
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

/* What is here of a host, and no question to the server. */
static int leader_of(const char *host, uint32_t *rank)
{
    pmix_proc_t job;
    pmix_info_t about[3];
    pmix_value_t *value = NULL;
    bool yes = true;

    PMIX_LOAD_PROCID(&job, boot.self.nspace, PMIX_RANK_WILDCARD);
    PMIX_INFO_LOAD(&about[0], PMIX_NODE_INFO, &yes, PMIX_BOOL);
    PMIX_INFO_LOAD(&about[1], PMIX_HOSTNAME, host, PMIX_STRING);
    PMIX_INFO_LOAD(&about[2], PMIX_OPTIONAL, &yes, PMIX_BOOL);
    pmix_status_t status = PMIx_Get(&job, PMIX_LOCALLDR, about, 3, &value);
    PMIX_INFO_DESTRUCT(&about[1]);
    if (status != PMIX_SUCCESS)
        return -ENOENT;
    int rc = value->type == PMIX_PROC_RANK && value->data.rank < boot.info.size ? 0 : -EPROTO;
    if (!rc)
        *rank = value->data.rank;
    PMIX_VALUE_RELEASE(value);
    return rc;
}

static size_t count_names(const char *list)
{
    size_t n = 1;

    for (; *list; list++)
        n += *list == ',';
    return n;
}

static bool lists_own(void)
{
    for (size_t i = 0; i < leaders.count; i++)
        if (leaders.ranks[i] == boot.local_ranks[0])
            return true;
    return false;
}

/* By the list of hosts, "n1,n2". -ENOENT where the server tells too little. */
static int ask_hosts(void)
{
    char *list, *at;
    int rc = boot_string(PMIX_RANK_WILDCARD, PMIX_NODE_LIST, &list);

    if (rc)
        return rc;
    leaders.ranks = calloc(count_names(list), sizeof(*leaders.ranks));
    if (!leaders.ranks)
        rc = -ENOMEM;
    for (char *host = strtok_r(list, ",", &at); host && !rc; host = strtok_r(NULL, ",", &at))
        rc = leader_of(host, &leaders.ranks[leaders.count++]);
    free(list);
    return rc ? rc : lists_own() ? 0 : -EPROTO;
}

/* Which of the leaders so far is on that host, the last one first: ranks come in blocks. */
static bool known(const char *host, char **hosts)
{
    for (size_t i = leaders.count; i-- > 0;)
        if (!strcmp(hosts[i], host))
            return true;
    return false;
}

static int compare_names(void)
{
    char **hosts = calloc(boot.info.size, sizeof(*hosts));
    int rc = hosts ? 0 : -ENOMEM;

    leaders.ranks = calloc(boot.info.size, sizeof(*leaders.ranks));
    if (!leaders.ranks)
        rc = -ENOMEM;
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

static int only_host(void)
{
    leaders.ranks = malloc(sizeof(*leaders.ranks));
    if (!leaders.ranks)
        return -ENOMEM;
    leaders.ranks[0] = boot.local_ranks[0];
    leaders.count = 1;
    return 0;
}

static int find_leaders(void)
{
    if (boot.info.one_host)
        return only_host();
    int rc = ask_hosts();
    if (!rc || rc == -ENOMEM)
        return rc;
    boot_hosts_close();
    return compare_names();
}

int boot_leaders(const uint32_t **ranks, size_t *count)
{
    if (!leaders.ranks) {
        int rc = find_leaders();
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
