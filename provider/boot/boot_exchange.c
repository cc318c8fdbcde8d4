/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one exchange. The fence covers the whole namespace and collects: without PMIX_COLLECT_DATA
 * Slurm's default fence returns when the tasks of one's own host have come, with it the data of
 * every rank is here afterwards. It runs in PMIx's own thread while this process does other things.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "provider/base/log.h"
#include "provider/boot/boot_impl.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum { IDLE, RUNNING, COMPLETE } state;
    pmix_status_t status;
} exchange = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, IDLE, PMIX_SUCCESS};

/* A singleton's blobs: it may ask for its own. */
enum { OWN_BLOBS = 8 };
static struct {
    char key[PMIX_MAX_KEYLEN + 1];
    size_t len;
    char bytes[BOOT_BLOB_MAX];
} own[OWN_BLOBS];

static int own_slot(const char *key)
{
    int slot = 0;

    while (slot < OWN_BLOBS && own[slot].key[0] && strcmp(own[slot].key, key))
        slot++;
    return slot;
}

static int put_own(const char *key, const void *blob, size_t len)
{
    int slot = own_slot(key);

    if (slot == OWN_BLOBS)
        return -ENOSPC;
    strcpy(own[slot].key, key);
    memcpy(own[slot].bytes, blob, len);
    own[slot].len = len;
    return 0;
}

int boot_put(const char *key, const void *blob, size_t len)
{
    if (len > BOOT_BLOB_MAX || strlen(key) > PMIX_MAX_KEYLEN || !*key)
        return -EINVAL;
    if (boot.info.singleton)
        return put_own(key, blob, len);

    pmix_value_t value = {.type = PMIX_BYTE_OBJECT,
                          .data.bo = {.bytes = (char *)blob, .size = len}};
    pmix_status_t status = PMIx_Put(PMIX_GLOBAL, key, &value);
    if (status != PMIX_SUCCESS) {
        LOG(LOG_ERROR, "PMIx refused %zu bytes under %s: %s", len, key, PMIx_Error_string(status));
        return -EPROTO;
    }
    return 0;
}

static void exchanged(pmix_status_t status, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&exchange.mutex);
    exchange.state = COMPLETE;
    exchange.status = status;
    pthread_cond_broadcast(&exchange.changed);
    pthread_mutex_unlock(&exchange.mutex);
}

/* False where there is nothing to do: it runs already, or there is nobody to exchange with. */
static bool begin(void)
{
    pthread_mutex_lock(&exchange.mutex);
    bool first = exchange.state == IDLE;
    if (first)
        exchange.state = boot.info.singleton ? COMPLETE : RUNNING;
    pthread_mutex_unlock(&exchange.mutex);
    return first && !boot.info.singleton;
}

int boot_exchange_start(void)
{
    static pmix_proc_t all; /* PMIx may look at both until the fence is over */
    static pmix_info_t collect;
    bool yes = true;

    if (!begin())
        return 0;
    PMIX_LOAD_PROCID(&all, boot.self.nspace, PMIX_RANK_WILDCARD);
    PMIX_INFO_LOAD(&collect, PMIX_COLLECT_DATA, &yes, PMIX_BOOL);
    pmix_status_t status = PMIx_Commit();
    if (status == PMIX_SUCCESS)
        status = PMIx_Fence_nb(&all, 1, &collect, 1, exchanged, NULL);
    if (status == PMIX_SUCCESS)
        return 0;
    LOG(LOG_ERROR, "the exchange of addresses did not start: %s", PMIx_Error_string(status));
    exchanged(status, NULL);
    return -EPROTO;
}

int boot_exchange_wait(void)
{
    int rc = boot_exchange_start();

    if (rc)
        return rc;
    pthread_mutex_lock(&exchange.mutex);
    while (exchange.state != COMPLETE)
        pthread_cond_wait(&exchange.changed, &exchange.mutex);
    pmix_status_t status = exchange.status;
    pthread_mutex_unlock(&exchange.mutex);
    if (status == PMIX_SUCCESS)
        return 0;
    LOG(LOG_ERROR, "the exchange of addresses failed: %s", PMIx_Error_string(status));
    return -EPROTO;
}

int boot_exchange_again(void)
{
    pthread_mutex_lock(&exchange.mutex);
    exchange.state = IDLE;
    pthread_mutex_unlock(&exchange.mutex);
    return boot_exchange_wait();
}

static int get_own(const char *key, void *blob, size_t *len)
{
    int slot = own_slot(key);

    if (slot == OWN_BLOBS || !own[slot].key[0])
        return -ENOENT;
    if (own[slot].len > *len)
        return -EMSGSIZE;
    memcpy(blob, own[slot].bytes, own[slot].len);
    *len = own[slot].len;
    return 0;
}

/* `where`: PMIX_OPTIONAL looks in this process, PMIX_IMMEDIATE asks the local server as well. */
static pmix_status_t look(const pmix_proc_t *proc, const char *key, const char *where,
                          pmix_value_t **value)
{
    pmix_info_t info;
    bool yes = true;

    PMIX_INFO_LOAD(&info, where, &yes, PMIX_BOOL);
    return PMIx_Get(proc, key, &info, 1, value);
}

int boot_get(uint32_t rank, const char *key, void *blob, size_t *len)
{
    pmix_proc_t proc;
    pmix_value_t *value = NULL;
    int rc = 0;

    if (rank >= boot.info.size)
        return -EINVAL;
    if (boot.info.singleton)
        return get_own(key, blob, len);
    PMIX_LOAD_PROCID(&proc, boot.self.nspace, rank);
    /* Never without either: a plain get of a missing key waits in some servers for ever. */
    if (look(&proc, key, PMIX_OPTIONAL, &value) != PMIX_SUCCESS &&
        look(&proc, key, PMIX_IMMEDIATE, &value) != PMIX_SUCCESS)
        return -ENOENT;
    if (value->type != PMIX_BYTE_OBJECT)
        rc = -EPROTO;
    else if (value->data.bo.size > *len)
        rc = -EMSGSIZE;
    if (!rc) {
        memcpy(blob, value->data.bo.bytes, value->data.bo.size);
        *len = value->data.bo.size;
    }
    PMIX_VALUE_RELEASE(value);
    return rc;
}
