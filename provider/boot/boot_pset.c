/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process sets. The server may define new ones at any time; those that are known keep their number,
 * so a question only adds to the list. A set with processes of another job is left out: the rest of
 * the library names processes by their rank in this one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "provider/boot/boot_impl.h"

struct pset {
    char *name;
    uint32_t *ranks;
    size_t size;
};

static struct {
    pthread_mutex_t mutex;
    struct pset *at;
    int count;
} psets = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* One question to the server, about one set where `pset` is given. The answer is to be freed. */
static pmix_info_t *ask(char *key, char *pset, size_t *count)
{
    char *keys[] = {key, NULL};
    pmix_info_t qualifier, *answer = NULL;
    pmix_query_t query = {.keys = keys};

    if (pset) {
        PMIX_INFO_LOAD(&qualifier, PMIX_PSET_NAME, pset, PMIX_STRING);
        query.qualifiers = &qualifier;
        query.nqual = 1;
    }
    pmix_status_t status = PMIx_Query_info(&query, 1, &answer, count);
    if (pset)
        PMIX_INFO_DESTRUCT(&qualifier);
    if (status == PMIX_SUCCESS)
        return answer;
    if (answer)
        PMIX_INFO_FREE(answer, *count);
    return NULL;
}

/* The ranks of a set of this job's processes, this one among them. */
static bool read_members(const pmix_data_array_t *array, struct pset *p)
{
    const pmix_proc_t *procs = array->array;
    bool member = false;

    if (array->type != PMIX_PROC || !array->size)
        return false;
    p->ranks = malloc(array->size * sizeof(*p->ranks));
    if (!p->ranks)
        return false;
    p->size = array->size;
    for (size_t i = 0; i < p->size; i++) {
        p->ranks[i] = procs[i].rank;
        member |= procs[i].rank == boot.info.rank;
        if (!PMIX_CHECK_NSPACE(procs[i].nspace, boot.self.nspace) ||
            procs[i].rank >= boot.info.size) {
            member = false;
            break;
        }
    }
    if (!member)
        free(p->ranks);
    return member;
}

static void add(struct pset *p)
{
    struct pset *at = realloc(psets.at, ((size_t)psets.count + 1) * sizeof(*at));
    char *name = strdup(p->name);

    if (at)
        psets.at = at;
    if (!at || !name) {
        free(name);
        free(p->ranks);
        return;
    }
    p->name = name;
    psets.at[psets.count++] = *p;
}

static bool known(const char *name)
{
    for (int i = 0; i < psets.count; i++)
        if (!strcmp(psets.at[i].name, name))
            return true;
    return false;
}

static void learn(char *name)
{
    struct pset p = {.name = name};
    size_t count = 0;
    pmix_info_t *answer;

    if (known(name) || !(answer = ask(PMIX_QUERY_PSET_MEMBERSHIP, name, &count)))
        return;
    for (size_t i = 0; i < count; i++)
        if (answer[i].value.type == PMIX_DATA_ARRAY && answer[i].value.data.darray) {
            if (read_members(answer[i].value.data.darray, &p))
                add(&p);
            break;
        }
    PMIX_INFO_FREE(answer, count);
}

/* The answer is "one,two". */
static void learn_all(void)
{
    size_t count = 0;
    pmix_info_t *answer = ask(PMIX_QUERY_PSET_NAMES, NULL, &count);
    char *at;

    if (!answer)
        return;
    for (size_t i = 0; i < count; i++)
        if (answer[i].value.type == PMIX_STRING && answer[i].value.data.string)
            for (char *name = strtok_r(answer[i].value.data.string, ",", &at); name;
                 name = strtok_r(NULL, ",", &at))
                learn(name);
    PMIX_INFO_FREE(answer, count);
}

int boot_psets(void)
{
    pthread_mutex_lock(&psets.mutex);
    if (boot.open && !boot.info.singleton)
        learn_all();
    int count = psets.count;
    pthread_mutex_unlock(&psets.mutex);
    return count;
}

int boot_pset(int n, const char **name, const uint32_t **ranks, size_t *size)
{
    int rc = -ENOENT;

    pthread_mutex_lock(&psets.mutex);
    if (n >= 0 && n < psets.count) {
        *name = psets.at[n].name;
        *ranks = psets.at[n].ranks;
        *size = psets.at[n].size;
        rc = 0;
    }
    pthread_mutex_unlock(&psets.mutex);
    return rc;
}

void boot_psets_close(void)
{
    pthread_mutex_lock(&psets.mutex);
    for (int i = 0; i < psets.count; i++) {
        free(psets.at[i].name);
        free(psets.at[i].ranks);
    }
    free(psets.at);
    psets.at = NULL;
    psets.count = 0;
    pthread_mutex_unlock(&psets.mutex);
}
