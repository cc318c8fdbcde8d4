/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct item *next;
    pmix_pdata_t data; /* key, value and who published it */
    bool read_once;
};

struct waiter {
    struct waiter *next;
    char **keys;
    pmix_lookup_cbfunc_t done;
    void *data;
};

static struct item *items;
static struct waiter *waiters;

static struct item **find(const char *key)
{
    for (struct item **i = &items; *i != NULL; i = &(*i)->next)
        if (strncmp((*i)->data.key, key, PMIX_MAX_KEYLEN) == 0)
            return i;
    return NULL;
}

static void drop(struct item **place)
{
    struct item *i = *place;

    *place = i->next;
    PMIX_PDATA_DESTRUCT(&i->data);
    free(i);
}

/* Directives travel in the same list as what is to be published. */
static bool is_directive(const char *key)
{
    static const char *const directives[] = {PMIX_RANGE, PMIX_PERSISTENCE, PMIX_USERID,
                                             PMIX_GRPID, PMIX_TIMEOUT,     PMIX_ACCESS_PERMISSIONS};

    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
        if (strncmp(directives[i], key, PMIX_MAX_KEYLEN) == 0)
            return true;
    return false;
}

static size_t count_found(char **keys, size_t *asked)
{
    size_t found = 0;

    for (*asked = 0; keys[*asked] != NULL; (*asked)++)
        found += find(keys[*asked]) != NULL;
    return found;
}

static void answer(char **keys, size_t found, pmix_lookup_cbfunc_t done, void *data)
{
    pmix_pdata_t *out;
    size_t n = 0;

    PMIX_PDATA_CREATE(out, found);
    if (out == NULL) {
        done(PMIX_ERR_NOMEM, NULL, 0, data);
        return;
    }
    for (; *keys != NULL && n < found; keys++) {
        struct item **place = find(*keys);

        if (place == NULL)
            continue;
        out[n].proc = (*place)->data.proc;
        memcpy(out[n].key, (*place)->data.key, sizeof(out[n].key));
        PMIx_Value_xfer(&out[n].value, &(*place)->data.value);
        n++;
        if ((*place)->read_once)
            drop(place);
    }
    done(PMIX_SUCCESS, out, n, data); /* libpmix has packed the answer when this returns */
    PMIX_PDATA_FREE(out, found);
}

static char **copy_keys(char **keys)
{
    size_t n = 0;
    char **new;

    while (keys[n] != NULL)
        n++;
    new = calloc(n + 1, sizeof(*new));
    for (size_t i = 0; new != NULL &&i < n; i++)
        new[i] = strdup(keys[i]);
    return new;
}

static void free_keys(char **keys)
{
    for (char **k = keys; *k != NULL; k++)
        free(*k);
    free(keys);
}

/* Answers the lookups that waited for what has now come. */
static void wake_waiters(void)
{
    for (struct waiter **place = &waiters; *place != NULL;) {
        struct waiter *w = *place;
        size_t asked, found = count_found(w->keys, &asked);

        if (found < asked) {
            place = &w->next;
            continue;
        }
        *place = w->next;
        answer(w->keys, found, w->done, w->data);
        free_keys(w->keys);
        free(w);
    }
}

static pmix_status_t add(const pmix_proc_t *proc, const pmix_info_t *info, bool read_once)
{
    struct item *i = calloc(1, sizeof(*i));

    if (i == NULL)
        return PMIX_ERR_NOMEM;
    i->data.proc = *proc;
    memcpy(i->data.key, info->key, sizeof(i->data.key));
    PMIx_Value_xfer(&i->data.value, &info->value);
    i->read_once = read_once;
    i->next = items;
    items = i;
    return PMIX_SUCCESS;
}

pmix_status_t store_publish(const pmix_proc_t *proc, const pmix_info_t *info, size_t ninfo,
                            pmix_op_cbfunc_t done, void *data)
{
    bool read_once = false;

    (void)done, (void)data;
    for (size_t n = 0; n < ninfo; n++) {
        if (PMIX_CHECK_KEY(&info[n], PMIX_PERSISTENCE))
            read_once = info[n].value.data.persist == PMIX_PERSIST_FIRST_READ;
        else if (!is_directive(info[n].key) && find(info[n].key) != NULL)
            return PMIX_ERR_DUPLICATE_KEY;
    }
    for (size_t n = 0; n < ninfo; n++)
        if (!is_directive(info[n].key)) {
            pmix_status_t status = add(proc, &info[n], read_once);

            if (status != PMIX_SUCCESS)
                return status;
        }
    wake_waiters();
    return PMIX_OPERATION_SUCCEEDED;
}

pmix_status_t store_lookup(const pmix_proc_t *proc, char **keys, const pmix_info_t *info,
                           size_t ninfo, pmix_lookup_cbfunc_t done, void *data)
{
    size_t asked, found = count_found(keys, &asked);
    bool wait = false;
    struct waiter *w;

    (void)proc;
    for (size_t n = 0; n < ninfo; n++)
        if (PMIX_CHECK_KEY(&info[n], PMIX_WAIT))
            wait = true;
    if (found == asked || (found > 0 && !wait)) {
        answer(keys, found, done, data);
        return PMIX_SUCCESS;
    }
    if (!wait)
        return PMIX_ERR_NOT_FOUND;
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return PMIX_ERR_NOMEM;
    w->keys = copy_keys(keys);
    if (w->keys == NULL) {
        free(w);
        return PMIX_ERR_NOMEM;
    }
    w->done = done;
    w->data = data;
    w->next = waiters;
    waiters = w;
    return PMIX_SUCCESS;
}

/* Without keys, all that this rank has published. */
pmix_status_t store_unpublish(const pmix_proc_t *proc, char **keys, const pmix_info_t *info,
                              size_t ninfo, pmix_op_cbfunc_t done, void *data)
{
    (void)info, (void)ninfo, (void)done, (void)data;
    for (struct item **place = &items; *place != NULL;) {
        bool named = keys == NULL;

        for (char **k = keys; k != NULL && *k != NULL; k++)
            named = named || strncmp(*k, (*place)->data.key, PMIX_MAX_KEYLEN) == 0;
        if (named && PMIX_CHECK_PROCID(proc, &(*place)->data.proc))
            drop(place);
        else
            place = &(*place)->next;
    }
    return PMIX_OPERATION_SUCCEEDED;
}
