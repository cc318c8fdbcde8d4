/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/pulse between processes that pretend to be on two hosts, and speak over loopback. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/pulse/pulse_impl.h"
#include "tests/unit/job.h"

/* Ranks 0 and 1 are on one host, 2 and 3 on the other. */
enum { RANKS = 4, ON_HOST = 2, SECONDS = 30, ABORTED = 9 };

static struct shared {
    atomic_uint arrived, round;
    struct {
        char key[32];
        size_t len;
        char bytes[512];
    } place[RANKS];
} * shared;
static struct boot_info info;
static uint32_t local_ranks[ON_HOST];
static int secret_error; /* what boot_secret answers */

/* ---- what the pulse asks of provider/boot ---- */

const struct boot_info *boot_info(void)
{
    return &info;
}

const uint32_t *boot_local_ranks(void)
{
    return local_ranks;
}

int boot_leaders(const uint32_t **ranks, size_t *count)
{
    static const uint32_t leaders[] = {0, ON_HOST};

    *ranks = leaders;
    *count = RANKS / ON_HOST;
    return 0;
}

int boot_put(const char *key, const void *blob, size_t len)
{
    snprintf(shared->place[info.rank].key, sizeof(shared->place[0].key), "%s", key);
    shared->place[info.rank].len = len;
    memcpy(shared->place[info.rank].bytes, blob, len);
    return 0;
}

int boot_get(uint32_t rank, const char *key, void *blob, size_t *len)
{
    if (!shared->place[rank].len || strcmp(shared->place[rank].key, key))
        return -ENOENT;
    *len = shared->place[rank].len;
    memcpy(blob, shared->place[rank].bytes, *len);
    return 0;
}

int boot_secret(uint8_t secret[BOOT_SECRET])
{
    memset(secret, 7, BOOT_SECRET);
    return secret_error;
}

bool boot_secret_equal(const uint8_t a[BOOT_SECRET], const uint8_t b[BOOT_SECRET])
{
    return !memcmp(a, b, BOOT_SECRET);
}

void boot_before_abort(void (*call)(void))
{
    (void)call;
}

void boot_abort(int status, const char *message)
{
    (void)status;
    fprintf(stderr, "rank %u aborts: %s\n", info.rank, message);
    _exit(ABORTED);
}

/* ---- the job ---- */

static void barrier(void)
{
    unsigned round = atomic_load(&shared->round);

    if (atomic_fetch_add(&shared->arrived, 1) + 1 == RANKS) {
        atomic_store(&shared->arrived, 0);
        atomic_fetch_add(&shared->round, 1);
    }
    while (atomic_load(&shared->round) == round)
        sched_yield();
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void run_rank(uint32_t rank, void (*main)(void))
{
    uint32_t first = rank / ON_HOST * ON_HOST;

    alarm(SECONDS);
    for (uint32_t i = 0; i < ON_HOST; i++)
        local_ranks[i] = first + i;
    info = (struct boot_info){.rank = rank,
                              .size = RANKS,
                              .local_rank = rank - first,
                              .local_size = ON_HOST,
                              .machine_size = ON_HOST,
                              .host = first ? "b" : "a"};
    param_open();
    log_open(rank);
    main();
}

/* Runs it in all ranks; how many of them failed. */
static int run(void (*main)(void))
{
    pid_t pids[RANKS];
    int failed = 0, status;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
    for (uint32_t rank = 0; rank < RANKS; rank++)
        if (!(pids[rank] = fork())) {
            run_rank(rank, main);
            _exit(0);
        }
    for (uint32_t rank = 0; rank < RANKS; rank++)
        failed += waitpid(pids[rank], &status, 0) < 0 || status;
    return failed;
}

static void listen_here(bool again)
{
    struct interface_address own = {.family = AF_INET};

    inet_pton(AF_INET, "127.0.0.1", own.bytes);
    CHECK(!pulse_listen(&own, again), "rank %u", info.rank);
}

static void listen_all(void)
{
    listen_here(false);
    barrier();
}

/* Where a rank listens, as the others see it; the port is in the order of the network. */
static void change_port(uint32_t rank, uint16_t port)
{
    char *p = shared->place[rank].bytes + sizeof(struct interface_address);

    memcpy(p, &port, sizeof(port));
}

/* ---- ---- */

/* A program's child has what its parent had, standard input above all. */
static void forks(void)
{
    int status, input = open("/dev/null", O_RDONLY);

    dup2(input, 0);
    listen_all();
    CHECK(!pulse_start(false), "rank %u", info.rank);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child)
            _exit(fcntl(0, F_GETFD) < 0);
        CHECK(waitpid(child, &status, 0) == child && !status, "no input in rank %u's", info.rank);
    }
    barrier();
    pulse_stop();
    CHECK(fcntl(0, F_GETFD) >= 0, "rank %u", info.rank);
}

Test(pulse, leaves_children_their_input)
{
    cr_assert_eq(run(forks), 0);
}

/* A stop without a start, as of a job on one host. */
Test(pulse, stops_unstarted)
{
    int input = open("/dev/null", O_RDONLY);

    dup2(input, 0);
    pulse_stop();
    cr_assert(fcntl(0, F_GETFD) >= 0);
}

/* Nobody answers at the next host's port: that is no death. */
static void refused(void)
{
    listen_all();
    if (info.rank == 0)
        change_port(ON_HOST, htons(1));
    barrier();
    CHECK(!pulse_start(false), "rank %u", info.rank);
    sleep_ms(1500);
    barrier();
    pulse_stop();
}

Test(pulse, goes_on_where_the_ring_is_refused)
{
    cr_assert_eq(run(refused), 0);
}

/* A firewall drops what comes, as a listener does whose queue is full. */
static void filtered(void)
{
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(s);

    param.peer_timeout = 1;
    listen_all();
    if (info.rank == 0) {
        int full = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(!bind(full, (struct sockaddr *)&s, len) && !listen(full, 0) &&
                  !getsockname(full, (struct sockaddr *)&s, &len),
              "listen");
        for (int i = 0; i < 4; i++)
            connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&s, len);
        change_port(ON_HOST, s.sin_port);
    }
    barrier();
    CHECK(!pulse_start(false), "rank %u", info.rank);
    sleep_ms(4000);
    barrier();
    pulse_stop();
}

Test(pulse, goes_on_where_the_ring_is_filtered)
{
    cr_assert_eq(run(filtered), 0);
}

/* A host's first rank stops before it has looked who has called, and its neighbour takes longer. */
static void soon(void)
{
    listen_all();
    if (info.rank)
        CHECK(!pulse_start(false), "rank %u", info.rank);
    sleep_ms(100); /* a call waits there */
    barrier();
    if (info.rank)
        sleep_ms(1500);
    else
        CHECK(!pulse_start(false), "rank 0");
    pulse_stop();
}

Test(pulse, says_good_bye_to_who_is_not_heard_yet)
{
    for (int i = 0; i < 5; i++)
        cr_assert_eq(run(soon), 0);
}

/* One that cannot start hears nobody: its host's others and its neighbour are told so. */
static void fails(void)
{
    secret_error = info.rank == 0 ? -EIO : 0;
    listen_all();
    if (info.rank >= ON_HOST)
        CHECK(!pulse_start(false), "rank %u", info.rank);
    sleep_ms(100);
    barrier();
    if (info.rank == 0)
        CHECK(pulse_start(false) == -EIO && pulse.ring < 0 && pulse.local < 0, "it listens");
    barrier();
    if (info.rank == 1)
        CHECK(pulse_start(false) == -ECONNREFUSED, "its first rank is not there");
    sleep_ms(1500);
    barrier();
    pulse_stop();
}

Test(pulse, is_let_go_where_it_does_not_start)
{
    cr_assert_eq(run(fails), 0);
}

/* One host had no address at first; all find each other by the second. */
static void moves(void)
{
    if (info.rank)
        listen_here(false);
    listen_here(true);
    barrier();
    CHECK(!pulse_start(true), "rank %u", info.rank);
    sleep_ms(300);
    CHECK(info.local_rank || (pulse.links[LINK_NEXT].state == LINK_UP &&
                              pulse.links[LINK_PREVIOUS].state == LINK_UP &&
                              pulse.links[LINK_LOCAL].state == LINK_UP),
          "rank %u misses somebody", info.rank);
    barrier();
    pulse_stop();
}

Test(pulse, goes_by_the_second_address)
{
    cr_assert_eq(run(moves), 0);
}

/* ---- a process without descriptors ---- */

static long processor_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_descriptors(rlim_t most)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = most;
    setrlimit(RLIMIT_NOFILE, &limit);
}

enum { MANY = 500 }; /* more than the thread looks at */

/* Who calls then waits, and nobody is busy with it. */
static void full(void)
{
    struct rlimit before;

    listen_all();
    getrlimit(RLIMIT_NOFILE, &before);
    if (info.rank == 0) {
        CHECK(!pulse_start(false), "rank %u", info.rank);
        int last = 0;
        while (last < MANY)
            last = dup(0);
        set_descriptors((rlim_t)last);
    }
    barrier();
    if (info.rank)
        CHECK(!pulse_start(false), "rank %u", info.rank);
    long begin = processor_ms();
    sleep_ms(700);
    CHECK(info.rank || processor_ms() - begin < 200, "%ld ms", processor_ms() - begin);
    if (info.rank == 0) {
        set_descriptors(before.rlim_cur);
        sleep_ms(2000);
        CHECK(pulse.links[LINK_PREVIOUS].state == LINK_UP &&
                  pulse.links[LINK_LOCAL].state == LINK_UP,
              "they are not let in");
    }
    barrier();
    pulse_stop();
}

Test(pulse, rests_without_descriptors)
{
    cr_assert_eq(run(full), 0);
}

/* ---- deaths ---- */

static void dies(void)
{
    listen_all();
    CHECK(!pulse_start(false), "rank %u", info.rank);
    sleep_ms(300);
    barrier();
    if (info.rank == 3)
        _exit(0);
    sleep_ms(5000);
}

/* Rank 2 says it and ends; the other host's first rank has been told, and ends its host. */
Test(pulse, tells_a_death)
{
    cr_assert_eq(run(dies), 3);
}
