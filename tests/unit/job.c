/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"
#include "tests/unit/job.h"

struct shared {
    atomic_uint arrived, round, published;
    volatile uint64_t words[JOB_MAX];
    struct {
        size_t len;
        char bytes[512];
    } blob[JOB_MAX];
};

volatile uint64_t *job_words;
static struct shared *shared;
static struct boot_info info = {.job = "unit", .host = "here", .one_host = true};

/* ---- what the fabric asks of provider/boot ---- */

const struct boot_info *boot_info(void)
{
    return &info;
}

bool boot_same_host(uint32_t rank)
{
    (void)rank;
    return true;
}

/* Nobody here publishes its processors: what wait_open was told stands. */
const uint32_t *boot_local_ranks(void)
{
    static const uint32_t ranks[JOB_MAX];

    return ranks;
}

int boot_put(const char *key, const void *blob, size_t len)
{
    (void)key;
    shared->blob[info.rank].len = len;
    memcpy(shared->blob[info.rank].bytes, blob, len);
    atomic_fetch_add(&shared->published, 1);
    return 0;
}

int boot_exchange_wait(void)
{
    while (atomic_load(&shared->published) < info.size)
        sched_yield();
    return 0;
}

/* One host: what several need is never called. */
int boot_exchange_again(void)
{
    return -ENOSYS;
}

int boot_leaders(const uint32_t **ranks, size_t *count)
{
    *ranks = boot_local_ranks();
    *count = 1;
    return 0;
}

void boot_speak_late(void)
{
}

void boot_before_abort(void (*call)(void))
{
    (void)call;
}

void boot_abort(int status, const char *message)
{
    LOG(LOG_ERROR, "%s", message);
    _exit(status);
}

int boot_secret_put(void)
{
    return -ENOSYS;
}

int boot_secret(uint8_t secret[BOOT_SECRET])
{
    (void)secret;
    return -ENOSYS;
}

bool boot_secret_equal(const uint8_t a[BOOT_SECRET], const uint8_t b[BOOT_SECRET])
{
    return a == b;
}

int boot_get(uint32_t rank, const char *key, void *blob, size_t *len)
{
    (void)key;
    if (shared->blob[rank].len > *len)
        return -EMSGSIZE;
    *len = shared->blob[rank].len;
    memcpy(blob, shared->blob[rank].bytes, *len);
    return 0;
}

/* ---- the job ---- */

void job_barrier(void)
{
    unsigned round = atomic_load(&shared->round);

    if (atomic_fetch_add(&shared->arrived, 1) + 1 == info.size) {
        atomic_store(&shared->arrived, 0);
        atomic_fetch_add(&shared->round, 1);
    }
    while (atomic_load(&shared->round) == round)
        sched_yield();
}

static void run_rank(uint32_t rank, void (*main)(uint32_t rank))
{
    alarm(JOB_SECONDS);
    info.rank = info.local_rank = rank;
    param_open();
    log_open(rank);
    wait_open(info.size);
    CHECK(fabric_open() == 0, "rank %u", rank);
    main(rank);
    job_barrier();
    fabric_close();
}

int job_run(uint32_t size, void (*main)(uint32_t rank))
{
    pid_t pids[JOB_MAX];
    int failed = 0;

    info.size = info.local_size = size;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return size;
    job_words = shared->words;
    for (uint32_t rank = 0; rank < size; rank++) {
        pids[rank] = fork();
        if (pids[rank] == 0) {
            run_rank(rank, main);
            _exit(0); /* not the exit handlers of what runs the tests */
        }
    }
    /* Whoever fails leaves the others waiting: end them by their pids. */
    for (uint32_t ended = 0; ended < size; ended++) {
        int status;
        pid_t pid = wait(&status);
        for (uint32_t rank = 0; rank < size; rank++)
            if (pids[rank] == pid)
                pids[rank] = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        failed++;
        for (uint32_t rank = 0; rank < size; rank++)
            if (pids[rank])
                kill(pids[rank], SIGKILL);
    }
    munmap(shared, sizeof(*shared));
    return failed;
}
