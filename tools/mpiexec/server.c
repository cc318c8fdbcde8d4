/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "server.h"
#include "say.h"
#include "store.h"

#include <pmix.h>
#include <pmix_server.h>

#include <hwloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct job *served;
static int wake = -1;

/* The first abort; later ones come from ranks that are being ended anyway. */
static pthread_mutex_t abort_lock = PTHREAD_MUTEX_INITIALIZER;
static struct server_abort first_abort;
static enum { NO_ABORT, ABORT_ASKED, ABORT_TAKEN } abort_state;

/*
 * What ranks ask for. Called on libpmix's thread; must not block.
 */

static struct rank *find_rank(const pmix_proc_t *proc)
{
    if (strcmp(proc->nspace, served->name) != 0 || proc->rank >= (pmix_rank_t)served->nranks)
        return NULL;
    return &served->ranks[proc->rank];
}

static pmix_status_t on_connected(const pmix_proc_t *proc, void *object, pmix_info_t *info,
                                  size_t ninfo, pmix_op_cbfunc_t done, void *data)
{
    struct rank *r = find_rank(proc);

    (void)object, (void)info, (void)ninfo, (void)done, (void)data;
    if (r != NULL) {
        atomic_store(&r->finalized, false); /* it may come a second time */
        atomic_store(&r->connected, true);
    }
    return PMIX_OPERATION_SUCCEEDED;
}

/* The rank waits in PMIx_Finalize for the answer, so that this precedes its exit. */
static pmix_status_t on_finalized(const pmix_proc_t *proc, void *object, pmix_op_cbfunc_t done,
                                  void *data)
{
    struct rank *r = find_rank(proc);

    (void)object, (void)done, (void)data;
    if (r != NULL)
        atomic_store(&r->finalized, true);
    return PMIX_OPERATION_SUCCEEDED;
}

/* Never answered: the rank stays in PMIx_Abort until the launcher ends it. */
static pmix_status_t on_abort(const pmix_proc_t *proc, void *object, int status, const char *msg,
                              pmix_proc_t *procs, size_t nprocs, pmix_op_cbfunc_t done, void *data)
{
    uint64_t one = 1;

    (void)object, (void)procs, (void)nprocs, (void)done, (void)data;
    if (find_rank(proc) == NULL)
        return PMIX_ERR_BAD_PARAM;
    pthread_mutex_lock(&abort_lock);
    if (abort_state == NO_ABORT) {
        first_abort.rank = (int)proc->rank;
        first_abort.status = status;
        snprintf(first_abort.message, sizeof(first_abort.message), "%s", msg != NULL ? msg : "");
        abort_state = ABORT_ASKED;
    }
    pthread_mutex_unlock(&abort_lock);
    if (write(wake, &one, sizeof(one)) < 0)
        return PMIX_ERROR;
    return PMIX_SUCCESS;
}

/* All ranks are here, and libpmix calls when all of them have come. */
static pmix_status_t on_fence(const pmix_proc_t *procs, size_t nprocs, const pmix_info_t *info,
                              size_t ninfo, char *data, size_t size, pmix_modex_cbfunc_t done,
                              void *cbdata)
{
    (void)procs, (void)nprocs, (void)info, (void)ninfo;
    done(PMIX_SUCCESS, data, size, cbdata, free, data);
    return PMIX_SUCCESS;
}

/* There is no other host to ask. */
static pmix_status_t on_direct_modex(const pmix_proc_t *proc, const pmix_info_t *info, size_t ninfo,
                                     pmix_modex_cbfunc_t done, void *data)
{
    (void)proc, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_ERR_NOT_FOUND;
}

static pmix_status_t on_connect(const pmix_proc_t *procs, size_t nprocs, const pmix_info_t *info,
                                size_t ninfo, pmix_op_cbfunc_t done, void *data)
{
    (void)procs, (void)nprocs, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

static pmix_status_t on_register_events(pmix_status_t *codes, size_t ncodes,
                                        const pmix_info_t *info, size_t ninfo,
                                        pmix_op_cbfunc_t done, void *data)
{
    (void)codes, (void)ncodes, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

static pmix_status_t on_deregister_events(pmix_status_t *codes, size_t ncodes,
                                          pmix_op_cbfunc_t done, void *data)
{
    (void)codes, (void)ncodes, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

/* libpmix has told this host's ranks already. */
static pmix_status_t on_notify(pmix_status_t code, const pmix_proc_t *source,
                               pmix_data_range_t range, pmix_info_t *info, size_t ninfo,
                               pmix_op_cbfunc_t done, void *data)
{
    (void)code, (void)source, (void)range, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

/* What is not named here libpmix refuses with PMIX_ERR_NOT_SUPPORTED: spawn, tools, ... */
static pmix_server_module_t module = {
    .client_connected2 = on_connected,
    .client_finalized = on_finalized,
    .abort = on_abort,
    .fence_nb = on_fence,
    .direct_modex = on_direct_modex,
    .publish = store_publish,
    .lookup = store_lookup,
    .unpublish = store_unpublish,
    .connect = on_connect,
    .disconnect = on_connect,
    .register_events = on_register_events,
    .deregister_events = on_deregister_events,
    .notify_event = on_notify,
};

bool server_next_abort(struct server_abort *out)
{
    bool found;

    pthread_mutex_lock(&abort_lock);
    found = abort_state == ABORT_ASKED;
    if (found) {
        *out = first_abort;
        abort_state = ABORT_TAKEN;
    }
    pthread_mutex_unlock(&abort_lock);
    return found;
}

int server_wake_fd(void)
{
    return wake;
}

/*
 * A list of pmix_info_t that grows.
 */
struct infos {
    pmix_info_t *v;
    size_t n;
    size_t room;
};

static pmix_info_t *add(struct infos *list, const char *key)
{
    pmix_info_t *info;

    if (list->n == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 16;
        list->v = reallocarray(list->v, list->room, sizeof(*list->v));
        if (list->v == NULL)
            abort();
    }
    info = &list->v[list->n++];
    memset(info, 0, sizeof(*info));
    snprintf(info->key, sizeof(info->key), "%s", key);
    return info;
}

static void add_u32(struct infos *list, const char *key, uint32_t value)
{
    pmix_info_t *info = add(list, key);

    info->value.type = PMIX_UINT32;
    info->value.data.uint32 = value;
}

static void add_u16(struct infos *list, const char *key, uint16_t value)
{
    pmix_info_t *info = add(list, key);

    info->value.type = PMIX_UINT16;
    info->value.data.uint16 = value;
}

static void add_rank(struct infos *list, const char *key, uint32_t value)
{
    pmix_info_t *info = add(list, key);

    info->value.type = PMIX_PROC_RANK;
    info->value.data.rank = value;
}

static void add_bool(struct infos *list, const char *key, bool value)
{
    pmix_info_t *info = add(list, key);

    info->value.type = PMIX_BOOL;
    info->value.data.flag = value;
}

static void add_string(struct infos *list, const char *key, const char *value)
{
    pmix_info_t *info = add(list, key);

    info->value.type = PMIX_STRING;
    info->value.data.string = (char *)value;
}

/* The inner list's memory goes over to the outer one's. */
static void add_array(struct infos *list, const char *key, const struct infos *inner)
{
    pmix_info_t *info = add(list, key);
    pmix_data_array_t *array = calloc(1, sizeof(*array));

    if (array == NULL)
        abort();
    array->type = PMIX_INFO;
    array->size = inner->n;
    array->array = inner->v;
    info->value.type = PMIX_DATA_ARRAY;
    info->value.data.darray = array;
}

static void free_infos(struct infos *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].value.type == PMIX_DATA_ARRAY) {
            free(list->v[i].value.data.darray->array);
            free(list->v[i].value.data.darray);
        }
    free(list->v);
}

static void add_program(struct infos *list, const struct program *p, int appnum)
{
    struct infos app = {0};

    add_u32(&app, PMIX_APPNUM, (uint32_t)appnum);
    add_u32(&app, PMIX_APP_SIZE, (uint32_t)p->count);
    add_rank(&app, PMIX_APPLDR, (uint32_t)p->first);
    if (p->wdir != NULL)
        add_string(&app, PMIX_WDIR, p->wdir);
    add_array(list, PMIX_APP_INFO_ARRAY, &app);
}

static void add_proc(struct infos *list, const struct job *job, const struct rank *r)
{
    struct infos proc = {0};

    add_rank(&proc, PMIX_RANK, (uint32_t)r->number);
    add_rank(&proc, PMIX_GLOBAL_RANK, (uint32_t)r->number);
    add_rank(&proc, PMIX_APP_RANK, (uint32_t)(r->number - r->program->first));
    add_u32(&proc, PMIX_APPNUM, (uint32_t)r->appnum);
    add_rank(&proc, PMIX_APPLDR, (uint32_t)r->program->first);
    add_u16(&proc, PMIX_LOCAL_RANK, (uint16_t)r->number);
    add_u16(&proc, PMIX_NODE_RANK, (uint16_t)r->number);
    add_u32(&proc, PMIX_NODEID, 0);
    add_string(&proc, PMIX_HOSTNAME, job->host);
    add_array(list, PMIX_PROC_DATA, &proc);
}

/* "0,1,...,N-1" */
static char *list_ranks(int count)
{
    size_t room = (size_t)count * 11 + 1, used = 0;
    char *list = malloc(room);

    if (list == NULL)
        abort();
    list[0] = '\0';
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(list + used, room - used, "%s%d", i > 0 ? "," : "", i);
    return list;
}

/* What every rank can ask of the job: the keys that clients of Slurm's server find there, too. */
static void describe_job(struct infos *list, const struct job *job, const char *peers,
                         const char *node_map, const char *proc_map, const char *vector)
{
    struct infos node = {0};
    uint32_t size = (uint32_t)job->nranks;

    add_string(list, PMIX_JOBID, job->name);
    add_u32(list, PMIX_JOB_SIZE, size);
    add_u32(list, PMIX_UNIV_SIZE, size);
    add_u32(list, PMIX_MAX_PROCS, size);
    add_u32(list, PMIX_JOB_NUM_APPS, (uint32_t)job->nprograms);
    add_u32(list, PMIX_NUM_NODES, 1);
    add_u32(list, PMIX_LOCAL_SIZE, size);
    add_u32(list, PMIX_NODE_SIZE, size);
    add_string(list, PMIX_LOCAL_PEERS, peers);
    add_rank(list, PMIX_LOCALLDR, 0);
    add_string(list, PMIX_NODE_LIST, job->host);
    add_string(list, PMIX_ANL_MAP, vector);
    add_string(list, PMIX_NODE_MAP, node_map);
    add_string(list, PMIX_PROC_MAP, proc_map);
    add_string(list, PMIX_TMPDIR, job->dir);
    add_string(list, PMIX_NSDIR, job->dir);
    add_bool(list, PMIX_TDIR_RMCLEAN, true);

    add_string(&node, PMIX_HOSTNAME, job->host);
    add_u32(&node, PMIX_NODEID, 0);
    add_u32(&node, PMIX_LOCAL_SIZE, size);
    add_u32(&node, PMIX_NODE_SIZE, size);
    add_string(&node, PMIX_LOCAL_PEERS, peers);
    add_rank(&node, PMIX_LOCALLDR, 0);
    add_array(list, PMIX_NODE_INFO_ARRAY, &node);

    for (int i = 0; i < job->nprograms; i++)
        add_program(list, &job->programs[i], i);
    for (int i = 0; i < job->nranks; i++)
        add_proc(list, job, &job->ranks[i]);
}

/*
 * Operations that libpmix finishes on its thread: they are waited for by number.
 */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int pending;
    pmix_status_t status;
} operations = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, PMIX_SUCCESS};

static void operation_done(pmix_status_t status, void *data)
{
    (void)data;
    pthread_mutex_lock(&operations.lock);
    operations.pending--;
    if (status != PMIX_SUCCESS && status != PMIX_OPERATION_SUCCEEDED)
        operations.status = status;
    pthread_cond_signal(&operations.done);
    pthread_mutex_unlock(&operations.lock);
}

static void operation_begin(void)
{
    pthread_mutex_lock(&operations.lock);
    operations.pending++;
    pthread_mutex_unlock(&operations.lock);
}

/* An operation that was refused, or was done at once, has no call of operation_done() to come. */
static void operation_began(pmix_status_t status)
{
    if (status != PMIX_SUCCESS)
        operation_done(status, NULL);
}

static pmix_status_t operations_wait(void)
{
    pmix_status_t status;

    pthread_mutex_lock(&operations.lock);
    while (operations.pending > 0)
        pthread_cond_wait(&operations.done, &operations.lock);
    status = operations.status;
    pthread_mutex_unlock(&operations.lock);
    return status;
}

static pmix_status_t register_job(struct job *job)
{
    struct infos list = {0};
    char *peers = list_ranks(job->nranks), *node_map = NULL, *proc_map = NULL, vector[64];
    pmix_status_t status;

    status = PMIx_generate_regex(job->host, &node_map);
    if (status != PMIX_SUCCESS)
        goto free_peers;
    status = PMIx_generate_ppn(peers, &proc_map);
    if (status != PMIX_SUCCESS)
        goto free_node_map;
    snprintf(vector, sizeof(vector), "(vector,(0,1,%d))", job->nranks);
    describe_job(&list, job, peers, node_map, proc_map, vector);
    operation_begin();
    operation_began(
        PMIx_server_register_nspace(job->name, job->nranks, list.v, list.n, operation_done, NULL));
    status = operations_wait();
    free_infos(&list);
    free(proc_map);
free_node_map:
    free(node_map);
free_peers:
    free(peers);
    return status;
}

static pmix_status_t register_ranks(struct job *job)
{
    for (int i = 0; i < job->nranks; i++) {
        pmix_proc_t proc;

        PMIX_LOAD_PROCID(&proc, job->name, (pmix_rank_t)i);
        operation_begin();
        operation_began(PMIx_server_register_client(&proc, geteuid(), getegid(), &job->ranks[i],
                                                    operation_done, NULL));
    }
    return operations_wait();
}

/* libpmix adds to a list that it may reallocate, so that it must own the list and its strings. */
static char **copy_environment(char **env)
{
    size_t n = 0;
    char **new;

    while (env[n] != NULL)
        n++;
    new = calloc(n + 1, sizeof(*new));
    for (size_t i = 0; new != NULL &&i < n; i++)
        new[i] = strdup(env[i]);
    return new;
}

static pmix_status_t make_environments(struct job *job)
{
    for (int i = 0; i < job->nranks; i++) {
        struct rank *r = &job->ranks[i];
        pmix_proc_t proc;
        pmix_status_t status;

        PMIX_LOAD_PROCID(&proc, job->name, (pmix_rank_t)i);
        r->env = copy_environment(r->program->env);
        if (r->env == NULL)
            return PMIX_ERR_NOMEM;
        status = PMIx_server_setup_fork(&proc, &r->env);
        if (status != PMIX_SUCCESS)
            return status;
    }
    return PMIX_SUCCESS;
}

/*
 * The server would read the host's whole topology at its start, 20 of its 23 ms, and uses it for
 * nothing here. It takes the one that it is given, and this one costs 0.1 ms.
 */
static int make_small_topology(pmix_topology_t *out)
{
    hwloc_topology_t topology;

    setenv("HWLOC_PLUGINS_PATH", "/nonexistent", 0);
    if (hwloc_topology_init(&topology) != 0)
        return -1;
    if (hwloc_topology_set_synthetic(topology, "pu:1") != 0 || hwloc_topology_load(topology) != 0) {
        hwloc_topology_destroy(topology);
        return -1;
    }
    out->source = (char *)"hwloc";
    out->topology = topology;
    return 0;
}

static pmix_status_t init_library(struct job *job)
{
    static pmix_topology_t topology; /* libpmix keeps the pointer */
    struct infos list = {0};
    char name[PMIX_MAX_NSLEN];
    pmix_status_t status;

    /* The other store makes files in the session's folder; this one answers through the socket. */
    setenv("PMIX_MCA_gds", "hash", 1);
    snprintf(name, sizeof(name), "oriel-mpiexec-%d", (int)getpid());
    add_string(&list, PMIX_SERVER_NSPACE, name);
    add_rank(&list, PMIX_SERVER_RANK, 0);
    add_string(&list, PMIX_SERVER_TMPDIR, job->dir);
    add_string(&list, PMIX_SYSTEM_TMPDIR, job->dir);
    add_string(&list, PMIX_HOSTNAME, job->host);
    add_string(&list, PMIX_TCP_IF_INCLUDE, "lo");
    add_bool(&list, PMIX_SERVER_TOOL_SUPPORT, false);
    add_bool(&list, PMIX_SERVER_REMOTE_CONNECTIONS, false);
    if (make_small_topology(&topology) == 0) {
        pmix_info_t *info = add(&list, PMIX_TOPOLOGY2);

        info->value.type = PMIX_TOPO;
        info->value.data.topo = &topology;
    }
    status = PMIx_server_init(&module, list.v, list.n);
    free_infos(&list);
    return status;
}

int server_start(struct job *job)
{
    pmix_status_t status;

    served = job;
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) {
        say("no event descriptor for the PMIx server");
        return -1;
    }
    status = init_library(job);
    if (status == PMIX_SUCCESS)
        status = register_job(job);
    if (status == PMIX_SUCCESS)
        status = register_ranks(job);
    if (status == PMIX_SUCCESS)
        status = make_environments(job);
    if (status != PMIX_SUCCESS) {
        say("the PMIx server did not start: %s (is the loopback interface lo up?)",
            PMIx_Error_string(status));
        return -1;
    }
    return 0;
}
