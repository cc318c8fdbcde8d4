/* SPDX-License-Identifier: BSD-3-Clause */
/* Identity, good-bye and abort. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/boot/boot_impl.h"

struct boot boot;

/* Servers differ in the types that they give to the same key. */
static int value_number(const pmix_value_t *v, uint32_t *number)
{
    int64_t n;

    switch (v->type) {
    case PMIX_INT:
        n = v->data.integer;
        break;
    case PMIX_INT16:
        n = v->data.int16;
        break;
    case PMIX_INT32:
        n = v->data.int32;
        break;
    case PMIX_INT64:
        n = v->data.int64;
        break;
    case PMIX_UINT:
        n = v->data.uint;
        break;
    case PMIX_UINT8:
        n = v->data.uint8;
        break;
    case PMIX_UINT16:
        n = v->data.uint16;
        break;
    case PMIX_UINT32:
        n = v->data.uint32;
        break;
    case PMIX_UINT64:
        n = (int64_t)v->data.uint64;
        break;
    case PMIX_SIZE:
        n = (int64_t)v->data.size;
        break;
    case PMIX_PROC_RANK:
        n = v->data.rank;
        break;
    default:
        return -EPROTO;
    }
    if (n < 0 || n > UINT32_MAX)
        return -EPROTO;
    *number = n;
    return 0;
}

/* PMIX_OPTIONAL: what the server gave at start is here already; never travel for more. */
static pmix_value_t *fetch(uint32_t rank, const char *key)
{
    pmix_proc_t proc = boot.self;
    pmix_info_t optional;
    pmix_value_t *value = NULL;
    bool yes = true;

    proc.rank = rank;
    PMIX_INFO_LOAD(&optional, PMIX_OPTIONAL, &yes, PMIX_BOOL);
    if (PMIx_Get(&proc, key, &optional, 1, &value) != PMIX_SUCCESS)
        return NULL;
    return value;
}

int boot_number(uint32_t rank, const char *key, uint32_t *number)
{
    pmix_value_t *value = fetch(rank, key);

    if (!value)
        return -ENOENT;
    int rc = value_number(value, number);
    PMIX_VALUE_RELEASE(value);
    return rc;
}

int boot_string(uint32_t rank, const char *key, char **string)
{
    pmix_value_t *value = fetch(rank, key);

    if (!value)
        return -ENOENT;
    char *copy =
        value->type == PMIX_STRING && value->data.string ? strdup(value->data.string) : NULL;
    PMIX_VALUE_RELEASE(value);
    if (!copy)
        return -EPROTO;
    *string = copy;
    return 0;
}

/* "0,1,5" into local_ranks; false where the text is not that or too short. */
static bool parse_local(const char *text)
{
    uint32_t n = 0;

    for (const char *at = text; n < boot.info.local_size; n++) {
        char *end;
        unsigned long rank = strtoul(at, &end, 10);
        if (end == at || rank >= boot.info.size)
            return false;
        boot.local_ranks[n] = rank;
        if (*end != ',')
            return n + 1 == boot.info.local_size;
        at = end + 1;
    }
    return false;
}

/* For servers that do not list the local ranks: those whose host is spelt like ours. */
static void compare_hosts(void)
{
    uint32_t n = 0;

    for (uint32_t rank = 0; rank < boot.info.size && n < boot.info.local_size; rank++) {
        char *host = NULL;
        if (rank == boot.info.rank ||
            (!boot_string(rank, PMIX_HOSTNAME, &host) && !strcmp(host, boot.own_host)))
            boot.local_ranks[n++] = rank;
        free(host);
    }
    boot.info.local_size = n;
}

static int compare_ranks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* ORIEL_PRETEND_HOSTS: of the ranks, which are all here, those of one block. */
static void pretend(void)
{
    struct boot_info *i = &boot.info;
    uint64_t hosts = param.pretend_hosts < (long)i->size ? (uint64_t)param.pretend_hosts : i->size;
    uint32_t n = 0;

    for (uint32_t rank = 0; rank < i->size; rank++)
        if (rank * hosts / i->size == i->rank * hosts / i->size)
            boot.local_ranks[n++] = rank;
    i->local_size = n;
}

static int find_local(void)
{
    struct boot_info *i = &boot.info;
    char *peers = NULL;

    if (boot_number(PMIX_RANK_WILDCARD, PMIX_LOCAL_SIZE, &i->local_size))
        i->local_size = i->size; /* an upper bound; compare_hosts counts */
    if (i->local_size > i->size || i->local_size == 0)
        return -EPROTO;
    boot.local_ranks = calloc(i->local_size, sizeof(*boot.local_ranks));
    if (!boot.local_ranks)
        return -ENOMEM;
    if (boot_string(PMIX_RANK_WILDCARD, PMIX_LOCAL_PEERS, &peers) || !parse_local(peers))
        compare_hosts();
    free(peers);
    qsort(boot.local_ranks, i->local_size, sizeof(*boot.local_ranks), compare_ranks);
    i->machine_size = i->local_size;
    if (param.pretend_hosts > 1 && i->local_size == i->size)
        pretend();
    for (uint32_t n = 0; n < i->local_size; n++)
        if (boot.local_ranks[n] == i->rank)
            i->local_rank = n;
    i->one_host = i->local_size == i->size;
    return 0;
}

static int identify(void)
{
    struct boot_info *i = &boot.info;
    char *host;

    i->rank = boot.self.rank;
    i->job = boot.self.nspace;
    if (boot_number(PMIX_RANK_WILDCARD, PMIX_JOB_SIZE, &i->size) || i->rank >= i->size) {
        LOG(LOG_ERROR, "the PMIx server does not say how many ranks job %s has", i->job);
        return -EPROTO;
    }
    if (!boot_string(i->rank, PMIX_HOSTNAME, &host)) {
        snprintf(boot.own_host, sizeof(boot.own_host), "%s", host);
        free(host);
    }
    if (boot_number(PMIX_RANK_WILDCARD, PMIX_UNIV_SIZE, &i->universe_size))
        i->universe_size = 0;
    i->appnum_known = !boot_number(i->rank, PMIX_APPNUM, &i->appnum);
    return find_local();
}

static int become_singleton(void)
{
    static uint32_t only_rank;

    boot.info = (struct boot_info){.size = 1,
                                   .local_size = 1,
                                   .machine_size = 1,
                                   .singleton = true,
                                   .one_host = true,
                                   .job = "singleton",
                                   .host = boot.own_host};
    boot.local_ranks = &only_rank;
    boot.open = true;
    return 0;
}

/*
 * A program that a rank starts finds all that the launcher has told the rank, and is not that rank
 * once more. So a rank leaves its mark, with its own process number, to those that it starts, for
 * as long as it is one.
 */
static const char mark[] = "ORIEL_IS_RANK";

static void format_mark(pid_t pid, char *text, size_t room)
{
    const char *job = getenv("PMIX_NAMESPACE"), *rank = getenv("PMIX_RANK");

    snprintf(text, room, "%s %s %d", job, rank ? rank : "", (int)pid);
}

static bool started_by_rank(void)
{
    const char *left = getenv(mark), *pid = left ? strrchr(left, ' ') : NULL;
    char own[PMIX_MAX_NSLEN + 64];

    if (!pid || atoi(pid + 1) == (int)getpid())
        return false;
    format_mark((pid_t)atoi(pid + 1), own, sizeof(own));
    return !strcmp(own, left);
}

static void leave_mark(void)
{
    char own[PMIX_MAX_NSLEN + 64];

    format_mark(getpid(), own, sizeof(own));
    setenv(mark, own, 1);
}

/*
 * A server that does not answer must not make a job of one of each of its ranks; the first of them
 * says so.
 */
static int connect_server(void)
{
    const char *rank = getenv("PMIX_RANK");
    pmix_status_t status = PMIx_Init(&boot.self, NULL, 0);

    if (status == PMIX_SUCCESS)
        return 0;
    if (!rank || !strcmp(rank, "0"))
        LOG(LOG_ERROR,
            "the PMIx server that PMIX_NAMESPACE=%s speaks of does not answer (%s): start the "
            "program with mpirun, or unset PMIX_NAMESPACE to run it alone",
            getenv("PMIX_NAMESPACE"), PMIx_Error_string(status));
    return -ENOTCONN;
}

int boot_open(void)
{
    if (boot.open)
        return 0;
    param_open();
    log_open(-1);
    gethostname(boot.own_host, sizeof(boot.own_host) - 1);
    boot.info.host = boot.own_host;
    /* Without this variable there is no server to look for, and looking costs 10 ms and more. */
    if (!getenv("PMIX_NAMESPACE"))
        return boot_alone() == BOOT_STRAY ? -ENOTCONN : become_singleton();
    if (started_by_rank())
        return become_singleton();

    int rc = connect_server();
    if (rc)
        return rc;
    rc = identify();
    if (rc) {
        PMIx_Finalize(NULL, 0);
        return rc;
    }
    log_open(boot.info.rank);
    leave_mark();
    boot.open = true;
    return 0;
}

const struct boot_info *boot_info(void)
{
    return &boot.info;
}

bool boot_same_host(uint32_t rank)
{
    return boot.info.one_host ||
           bsearch(&rank, boot.local_ranks, boot.info.local_size, sizeof(rank), compare_ranks);
}

const uint32_t *boot_local_ranks(void)
{
    return boot.local_ranks;
}

enum { LATE_SECONDS = 2 };

void boot_speak_late(void)
{
    boot.late = true;
}

void boot_before_abort(void (*call)(void))
{
    boot.before_abort = call;
}

void boot_abort(int status, const char *message)
{
    if (boot.before_abort)
        boot.before_abort();
    if (boot.late)
        sleep(LATE_SECONDS); /* the launcher ends this process meanwhile */
    /* Launchers swallow the message (Slurm's and Open MPI's do), so it is said here, once: what
     * the launcher has to say of its own names rank and host. */
    if (message && *message)
        LOG(LOG_ERROR, "%s", message);
    if (boot.open && !boot.info.singleton)
        PMIx_Abort(status, "", NULL, 0);
    /* The shell sees eight bits: a failure must not look like success. */
    _exit(status && !(status & 0xff) ? 1 : status);
}

/* "OpenPMIx 4.2.2rc1 (PMIx Standard: 4.2, ...": up to the bracket or the comma. */
void boot_version(char *text, size_t room)
{
    const char *all = PMIx_Get_version();

    snprintf(text, room, "%.*s", (int)strcspn(all, "(,"), all);
    size_t n = strlen(text);
    while (n && text[n - 1] == ' ')
        text[--n] = 0;
}

void boot_close(void)
{
    if (!boot.open)
        return;
    boot.open = false;
    if (boot.info.singleton)
        return;
    boot_psets_close();
    boot_hosts_close();
    PMIx_Finalize(NULL, 0);
    free(boot.local_ranks);
    boot.local_ranks = NULL;
}
