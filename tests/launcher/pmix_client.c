/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of the launcher's PMIx server, without MPI: what a rank asks for, and the ways in which
 * one can end. The first argument names what to do; see the table at the end.
 */
#include <pmix.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pmix_proc_t me;
static pmix_proc_t everybody;
static uint32_t size;

_Noreturn static void fail(const char *what, pmix_status_t status)
{
    fprintf(stderr, "pmix_client: rank %u: %s: %s\n", me.rank, what, PMIx_Error_string(status));
    exit(9);
}

static void must(pmix_status_t status, const char *what)
{
    if (status != PMIX_SUCCESS)
        fail(what, status);
}

static void fence(void)
{
    pmix_info_t info;
    bool collect = true;
    pmix_status_t status;

    PMIX_INFO_LOAD(&info, PMIX_COLLECT_DATA, &collect, PMIX_BOOL);
    status = PMIx_Fence(&everybody, 1, &info, 1);
    PMIX_INFO_DESTRUCT(&info);
    /* Another rank has died, and the launcher ends this one; if it does not, the test finds us. */
    if (status == PMIX_ERR_PARTIAL_SUCCESS || status == PMIX_ERR_LOST_CONNECTION)
        pause();
    must(status, "PMIx_Fence");
}

static long long number_of(const pmix_value_t *v)
{
    switch (v->type) {
    case PMIX_UINT16:
        return v->data.uint16;
    case PMIX_UINT32:
        return v->data.uint32;
    case PMIX_PROC_RANK:
        return v->data.rank;
    case PMIX_INT:
        return v->data.integer;
    default:
        return -1;
    }
}

static void expect_number(const pmix_proc_t *of, const char *key, long long wanted)
{
    pmix_value_t *v;

    must(PMIx_Get(of, key, NULL, 0, &v), key);
    if (number_of(v) != wanted) {
        fprintf(stderr, "pmix_client: rank %u: %s of %u is %lld, not %lld\n", me.rank, key,
                of->rank, number_of(v), wanted);
        exit(9);
    }
    PMIX_VALUE_RELEASE(v);
}

static void expect_string(const pmix_proc_t *of, const char *key, const char *wanted)
{
    pmix_value_t *v;

    must(PMIx_Get(of, key, NULL, 0, &v), key);
    if (v->type != PMIX_STRING || strcmp(v->data.string, wanted) != 0) {
        fprintf(stderr, "pmix_client: rank %u: %s of %u is %s, not %s\n", me.rank, key, of->rank,
                v->type == PMIX_STRING ? v->data.string : "no string", wanted);
        exit(9);
    }
    PMIX_VALUE_RELEASE(v);
}

static void finalize(void)
{
    must(PMIx_Finalize(NULL, 0), "PMIx_Finalize");
}

/* All keys that an MPI library asks for. */
static void do_keys(char **arg)
{
    char host[256] = "", peers[1024] = "";

    (void)arg;
    gethostname(host, sizeof(host) - 1);
    for (uint32_t r = 0; r < size; r++)
        sprintf(peers + strlen(peers), "%s%u", r > 0 ? "," : "", r);
    expect_number(&everybody, PMIX_JOB_SIZE, size);
    expect_number(&everybody, PMIX_UNIV_SIZE, size);
    expect_number(&everybody, PMIX_MAX_PROCS, size);
    expect_number(&everybody, PMIX_LOCAL_SIZE, size);
    expect_number(&everybody, PMIX_NODE_SIZE, size);
    expect_number(&everybody, PMIX_NUM_NODES, 1);
    expect_number(&everybody, PMIX_LOCALLDR, 0);
    expect_number(&everybody, PMIX_JOB_NUM_APPS, 1);
    expect_string(&everybody, PMIX_LOCAL_PEERS, peers);
    expect_string(&everybody, PMIX_JOBID, me.nspace);
    for (uint32_t r = 0; r < size; r++) {
        pmix_proc_t peer;

        PMIX_LOAD_PROCID(&peer, me.nspace, r);
        expect_string(&peer, PMIX_HOSTNAME, host);
        expect_number(&peer, PMIX_NODEID, 0);
        expect_number(&peer, PMIX_LOCAL_RANK, r);
        expect_number(&peer, PMIX_NODE_RANK, r);
        expect_number(&peer, PMIX_GLOBAL_RANK, r);
        expect_number(&peer, PMIX_APPNUM, 0);
        expect_number(&peer, PMIX_APP_RANK, r);
        expect_number(&peer, PMIX_APPLDR, 0);
    }
    finalize();
    puts("ok");
}

/* Everybody puts a value, and gets everybody's; with or without a fence between. */
static void exchange(bool fenced)
{
    pmix_value_t v = {.type = PMIX_UINT32, .data.uint32 = 1000 + me.rank};

    must(PMIx_Put(PMIX_GLOBAL, "test.card", &v), "PMIx_Put");
    must(PMIx_Commit(), "PMIx_Commit");
    if (fenced)
        fence();
    for (uint32_t r = 0; r < size; r++) {
        pmix_proc_t peer;

        PMIX_LOAD_PROCID(&peer, me.nspace, r);
        expect_number(&peer, "test.card", 1000 + r);
    }
    fence();
    finalize();
    puts("ok");
}

static void do_exchange(char **arg)
{
    (void)arg;
    exchange(true);
}

static void do_direct(char **arg)
{
    (void)arg;
    exchange(false);
}

/* The last rank publishes what all others wait for. */
static void do_publish(char **arg)
{
    pmix_info_t info;
    pmix_pdata_t data;
    bool wait = true;
    pmix_status_t status;

    (void)arg;
    PMIX_PDATA_CONSTRUCT(&data);
    PMIX_LOAD_KEY(data.key, "test.port");
    status = PMIx_Lookup(&data, 1, NULL, 0);
    if (status != PMIX_ERR_NOT_FOUND)
        fail("PMIx_Lookup of nothing", status);
    fence();
    if (me.rank == size - 1) {
        PMIX_INFO_LOAD(&info, "test.port", "here", PMIX_STRING);
        must(PMIx_Publish(&info, 1), "PMIx_Publish");
    } else {
        PMIX_INFO_LOAD(&info, PMIX_WAIT, &wait, PMIX_BOOL);
        must(PMIx_Lookup(&data, 1, &info, 1), "PMIx_Lookup");
        if (data.value.type != PMIX_STRING || strcmp(data.value.data.string, "here") != 0 ||
            data.proc.rank != size - 1)
            fail("what was looked up", PMIX_ERROR);
    }
    fence();
    if (me.rank == size - 1) {
        char *keys[] = {(char *)"test.port", NULL};

        must(PMIx_Unpublish(keys, NULL, 0), "PMIx_Unpublish");
    }
    fence();
    status = PMIx_Lookup(&data, 1, NULL, 0);
    if (status != PMIX_ERR_NOT_FOUND)
        fail("PMIx_Lookup of what is no more", status);
    finalize();
    puts("ok");
}

static bool is_me(char **arg)
{
    return arg[0] != NULL && (uint32_t)atoi(arg[0]) == me.rank;
}

/* RANK: dies by SIGKILL while the others are in a fence. */
static void do_die(char **arg)
{
    if (is_me(arg))
        raise(SIGKILL);
    fence();
    finalize();
}

/* RANK STATUS: exits in the middle of the job. */
static void do_leave(char **arg)
{
    if (is_me(arg))
        _exit(atoi(arg[1]));
    fence();
    finalize();
}

/* RANK STATUS: exits after PMIx_Finalize. */
static void do_exit(char **arg)
{
    fence();
    finalize();
    if (is_me(arg))
        exit(atoi(arg[1]));
}

/* RANK STATUS [MESSAGE] */
static void do_abort(char **arg)
{
    if (is_me(arg))
        PMIx_Abort(atoi(arg[1]), arg[2], NULL, 0);
    fence();
    finalize();
}

static void do_nothing(char **arg)
{
    (void)arg;
    fence();
    finalize();
}

static const struct {
    const char *name;
    void (*run)(char **arg);
} actions[] = {
    {"nothing", do_nothing}, {"keys", do_keys},       {"exchange", do_exchange},
    {"direct", do_direct},   {"publish", do_publish}, {"die", do_die},
    {"leave", do_leave},     {"exit", do_exit},       {"abort", do_abort},
};

int main(int argc, char **argv)
{
    pmix_value_t *v;

    must(PMIx_Init(&me, NULL, 0), "PMIx_Init");
    PMIX_LOAD_PROCID(&everybody, me.nspace, PMIX_RANK_WILDCARD);
    must(PMIx_Get(&everybody, PMIX_JOB_SIZE, NULL, 0, &v), PMIX_JOB_SIZE);
    size = (uint32_t)number_of(v);
    PMIX_VALUE_RELEASE(v);
    for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, argv[1]) == 0) {
            actions[i].run(argv + 2);
            return 0;
        }
    fprintf(stderr,
            "usage: pmix_client nothing|keys|exchange|direct|publish|die|leave|exit|abort\n");
    return 9;
}
