/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PMIx servers for a job that is far larger than this machine:
 *
 *     big_job RANKS LOCAL PROGRAM [ARGUMENT...]
 *
 * There are two hosts, each with a server: one with the first LOCAL of RANKS, one with the last.
 * The ranks between them are absent, and on no host that anybody is told of; for them the servers
 * answer that they have come to every fence. Each host's ORIEL_INTERFACE is its name: "here"
 * or "there". The process sets test://even and test://two of ranks are defined.
 *
 * A process that is content writes a byte to the descriptor BIG_JOB_REPORT, and waits. When all
 * have, they are ended: none of them sees another's end, nor waits for the absent in MPI_Finalize.
 */
#include <pmix.h>
#include <pmix_server.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SETS = 2, HOSTS = 2 };

static const pmix_nspace_t job = "big_job";
static const char *const set_names[SETS] = {"test://even", "test://two"};
static const char *const host_names[HOSTS] = {"here", "there"};
static uint32_t ranks, local;
static int own;   /* the host that this process serves */
static int other; /* a socket to the other's server */
static int report;
static pid_t group; /* of the other server and all ranks */

static void must(pmix_status_t status, const char *what)
{
    if (status == PMIX_SUCCESS || status == PMIX_OPERATION_SUCCEEDED)
        return;
    fprintf(stderr, "big_job: %s: %s\n", what, PMIx_Error_string(status));
    exit(9);
}

/* ---- What processes ask for; on libpmix's thread ---- */

static pmix_status_t on_client(const pmix_proc_t *proc, void *object, pmix_op_cbfunc_t done,
                               void *data)
{
    (void)proc, (void)object, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

static void must_move(ssize_t moved, size_t size)
{
    if (moved == (ssize_t)size)
        return;
    perror("big_job: the other server");
    exit(9);
}

/* What both servers' ranks have put, one after the other. */
static pmix_status_t on_fence(const pmix_proc_t *procs, size_t nprocs, const pmix_info_t *info,
                              size_t ninfo, char *data, size_t size, pmix_modex_cbfunc_t done,
                              void *cbdata)
{
    size_t more;
    char *all;

    (void)procs, (void)nprocs, (void)info, (void)ninfo;
    must_move(write(other, &size, sizeof(size)), sizeof(size));
    must_move(write(other, data, size), size);
    must_move(recv(other, &more, sizeof(more), MSG_WAITALL), sizeof(more));
    all = realloc(data, size + more);
    if (!all)
        exit(9);
    must_move(recv(other, all + size, more, MSG_WAITALL), more);
    done(PMIX_SUCCESS, all, size + more, cbdata, free, all);
    return PMIX_SUCCESS;
}

static pmix_status_t on_modex(const pmix_proc_t *proc, const pmix_info_t *info, size_t ninfo,
                              pmix_modex_cbfunc_t done, void *data)
{
    (void)proc, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_ERR_NOT_FOUND;
}

static void free_answer(void *answer)
{
    pmix_info_t *info = answer;

    PMIX_INFO_FREE(info, 1);
}

/* Every second rank, or the first two. */
static pmix_data_array_t *members(int set)
{
    pmix_data_array_t *array;
    size_t n = set == 0 ? (ranks + 1) / 2 : ranks < 2 ? ranks : 2;
    pmix_proc_t *procs;

    PMIX_DATA_ARRAY_CREATE(array, n, PMIX_PROC);
    procs = array->array;
    for (size_t i = 0; i < n; i++)
        PMIX_LOAD_PROCID(&procs[i], job, (pmix_rank_t)(set == 0 ? 2 * i : i));
    return array;
}

static pmix_status_t on_query(pmix_proc_t *proc, pmix_query_t *queries, size_t nqueries,
                              pmix_info_cbfunc_t done, void *data)
{
    pmix_info_t *answer;
    char names[64];

    (void)proc;
    if (nqueries != 1)
        return PMIX_ERR_NOT_SUPPORTED;
    PMIX_INFO_CREATE(answer, 1);
    if (!strcmp(queries[0].keys[0], PMIX_QUERY_PSET_NAMES)) {
        snprintf(names, sizeof(names), "%s,%s", set_names[0], set_names[1]);
        PMIX_INFO_LOAD(answer, PMIX_QUERY_PSET_NAMES, names, PMIX_STRING);
        done(PMIX_SUCCESS, answer, 1, data, free_answer, answer);
        return PMIX_SUCCESS;
    }
    for (int set = 0; set < SETS && queries[0].nqual == 1; set++)
        if (!strcmp(queries[0].keys[0], PMIX_QUERY_PSET_MEMBERSHIP) &&
            !strcmp(queries[0].qualifiers[0].value.data.string, set_names[set])) {
            snprintf(answer->key, sizeof(answer->key), "%s", PMIX_QUERY_PSET_MEMBERSHIP);
            answer->value.type = PMIX_DATA_ARRAY;
            answer->value.data.darray = members(set);
            done(PMIX_SUCCESS, answer, 1, data, free_answer, answer);
            return PMIX_SUCCESS;
        }
    PMIX_INFO_FREE(answer, 1);
    return PMIX_ERR_NOT_FOUND;
}

static pmix_status_t on_events(pmix_status_t *codes, size_t ncodes, const pmix_info_t *info,
                               size_t ninfo, pmix_op_cbfunc_t done, void *data)
{
    (void)codes, (void)ncodes, (void)info, (void)ninfo, (void)done, (void)data;
    return PMIX_OPERATION_SUCCEEDED;
}

static pmix_server_module_t module = {.client_connected = on_client,
                                      .client_finalized = on_client,
                                      .fence_nb = on_fence,
                                      .direct_modex = on_modex,
                                      .register_events = on_events,
                                      .query = on_query};

/* ---- Registration ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
} operation = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void finished(pmix_status_t status, void *data)
{
    (void)data;
    must(status, "registration");
    pthread_mutex_lock(&operation.lock);
    operation.done = true;
    pthread_cond_signal(&operation.changed);
    pthread_mutex_unlock(&operation.lock);
}

static void wait_for(pmix_status_t status, const char *what)
{
    must(status, what);
    pthread_mutex_lock(&operation.lock);
    while (status == PMIX_SUCCESS && !operation.done)
        pthread_cond_wait(&operation.changed, &operation.lock);
    operation.done = false;
    pthread_mutex_unlock(&operation.lock);
}

/* "0,1,2", and ";LAST", the rank of the other host. */
static char *list_ranks(bool last)
{
    size_t room = ((size_t)local + 1) * 12 + 1, used = 0;
    char *list = calloc(1, room);

    for (uint32_t r = 0; list && r < local; r++)
        used += (size_t)snprintf(list + used, room - used, "%s%u", r ? "," : "", r);
    if (list && last)
        snprintf(list + used, room - used, ";%u", ranks - 1);
    return list;
}

static uint32_t first_rank(void)
{
    return own == 0 ? 0 : ranks - 1;
}

static uint32_t own_ranks(void)
{
    return own == 0 ? local : 1;
}

/*
 * What a server must say of a job. libpmix keeps a kilobyte and more for each rank on the map, in
 * every process, which would hide what is looked for here; so the map is a small one.
 */
static void register_job(void)
{
    char *peers = list_ranks(false), *all = list_ranks(true), *node_map, *proc_map, hosts[64];
    uint32_t size = own_ranks(), count = HOSTS;
    pmix_info_t info[9];

    if (!peers || !all)
        exit(9);
    if (own)
        snprintf(peers, 12, "%u", ranks - 1);
    snprintf(hosts, sizeof(hosts), "%s,%s", host_names[0], host_names[1]);
    must(PMIx_generate_regex(hosts, &node_map), "hosts");
    must(PMIx_generate_ppn(all, &proc_map), "ranks");
    PMIX_INFO_LOAD(&info[0], PMIX_JOB_SIZE, &ranks, PMIX_UINT32);
    PMIX_INFO_LOAD(&info[1], PMIX_UNIV_SIZE, &ranks, PMIX_UINT32);
    PMIX_INFO_LOAD(&info[2], PMIX_LOCAL_SIZE, &size, PMIX_UINT32);
    PMIX_INFO_LOAD(&info[3], PMIX_LOCAL_PEERS, peers, PMIX_STRING);
    PMIX_INFO_LOAD(&info[4], PMIX_JOBID, job, PMIX_STRING);
    PMIX_INFO_LOAD(&info[5], PMIX_NODE_MAP, node_map, PMIX_REGEX);
    PMIX_INFO_LOAD(&info[6], PMIX_PROC_MAP, proc_map, PMIX_REGEX);
    PMIX_INFO_LOAD(&info[7], PMIX_NODE_LIST, hosts, PMIX_STRING);
    PMIX_INFO_LOAD(&info[8], PMIX_NUM_NODES, &count, PMIX_UINT32);
    wait_for(PMIx_server_register_nspace(job, (int)size, info, 9, finished, NULL), "job");
    free(peers);
    free(all);
}

/* libpmix adds to it. */
static char **own_environment(void)
{
    size_t n = 0;

    while (environ[n])
        n++;
    char **env = calloc(n + 1, sizeof(*env));
    for (size_t i = 0; env && i < n; i++)
        env[i] = strdup(environ[i]);
    return env;
}

static void start(uint32_t rank, char **argv)
{
    char **env = own_environment();
    pmix_proc_t proc;

    PMIX_LOAD_PROCID(&proc, job, rank);
    wait_for(PMIx_server_register_client(&proc, geteuid(), getegid(), NULL, finished, NULL),
             "process");
    must(PMIx_server_setup_fork(&proc, &env), "environment");
    if (fork() == 0) {
        setpgid(0, group);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve(argv[0], argv, env);
        perror(argv[0]);
        _exit(127);
    }
}

static void serve(const char *dir, char **argv)
{
    pmix_info_t info[4];
    char number[16];
    bool no = false;

    snprintf(number, sizeof(number), "%d", report);
    setenv("BIG_JOB_REPORT", number, 1);
    setenv("ORIEL_INTERFACE", host_names[own], 1);
    setenv("PMIX_MCA_gds", "hash", 1);
    PMIX_INFO_LOAD(&info[0], PMIX_SERVER_TMPDIR, dir, PMIX_STRING);
    PMIX_INFO_LOAD(&info[1], PMIX_SYSTEM_TMPDIR, dir, PMIX_STRING);
    PMIX_INFO_LOAD(&info[2], PMIX_SERVER_TOOL_SUPPORT, &no, PMIX_BOOL);
    PMIX_INFO_LOAD(&info[3], PMIX_HOSTNAME, host_names[own], PMIX_STRING);
    must(PMIx_server_init(&module, info, 4), "server");
    register_job();
    for (uint32_t i = 0; i < own_ranks(); i++)
        start(first_rank() + i, argv);
}

/* Until all have reported: 0. Whoever ends before is a failure. */
static int wait_for_reports(int reports)
{
    struct pollfd p = {.fd = reports, .events = POLLIN};
    uint32_t content = 0;
    char byte;

    while (content < local + 1) {
        if (poll(&p, 1, 50) > 0 && read(reports, &byte, 1) == 1)
            content++;
        if (waitpid(-1, NULL, WNOHANG) > 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char dirs[HOSTS][32] = {"/tmp/big_job.XXXXXX", "/tmp/big_job.XXXXXX"};
    int pair[2], ends[2], status;

    if (argc < 4 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || pipe(ends) ||
        !mkdtemp(dirs[0]) || !mkdtemp(dirs[1]))
        return 2;
    ranks = (uint32_t)atoi(argv[1]);
    local = (uint32_t)atoi(argv[2]);
    report = ends[1];
    group = fork();
    own = group == 0;
    other = pair[own];
    if (own) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(dirs[1], argv + 3);
        wait(&status); /* its rank stays until all are ended */
        return 1;
    }
    setpgid(group, group);
    serve(dirs[0], argv + 3);
    status = wait_for_reports(ends[0]);
    kill(-group, SIGKILL);
    while (wait(NULL) > 0)
        ;
    for (int i = 0; i < HOSTS; i++)
        rmdir(dirs[i]);
    return status;
}
