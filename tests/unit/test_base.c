/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/base: lists, pools, the lock, parameters, copies, segments. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/copy.h"
#include "provider/base/hot.h"
#include "provider/base/list.h"
#include "provider/base/lock.h"
#include "provider/base/param.h"
#include "provider/base/pool.h"
#include "provider/base/segment.h"
#include "provider/node/node_segment.h"

struct member {
    int value;
    struct list link;
};

Test(list, keeps_order)
{
    struct list head = LIST_INIT(head), *l, *tmp;
    struct member m[10];
    int expected = 0;

    for (int i = 0; i < 10; i++) {
        m[i].value = i;
        list_add_tail(&head, &m[i].link);
    }
    list_each(l, tmp, &head) cr_assert_eq(container_of(l, struct member, link)->value, expected++);
    cr_assert_eq(expected, 10);
}

Test(list, drops_while_walking)
{
    struct list head = LIST_INIT(head), *l, *tmp;
    struct member m[10];

    for (int i = 0; i < 10; i++) {
        m[i].value = i;
        list_add_head(&head, &m[i].link);
    }
    list_each(l, tmp, &head) if (container_of(l, struct member, link)->value % 2) list_drop(l);
    for (int i = 8; i >= 0; i -= 2)
        cr_assert_eq(container_of(list_pop(&head), struct member, link)->value, i);
    cr_assert_null(list_pop(&head));
    cr_assert(list_empty(&head));
    list_drop(&m[1].link); /* once more is harmless */
    cr_assert(list_empty(&m[1].link));
}

Test(pool, gives_distinct_aligned_items)
{
    enum { N = 1000, SIZE = 100 };
    struct pool p;
    unsigned char *item[N];

    pool_open(&p, SIZE, 7);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            item[i] = pool_get(&p);
            cr_assert_not_null(item[i]);
            cr_assert_eq((uintptr_t)item[i] % 64, 0);
            memset(item[i], i & 0xff, SIZE);
        }
        cr_assert_eq(p.taken, N);
        for (int i = 0; i < N; i++) {
            for (int b = 0; b < SIZE; b++)
                cr_assert_eq(item[i][b], i & 0xff, "item %d was written over", i);
            pool_put(&p, item[i]);
        }
        cr_assert_eq(p.taken, 0);
    }
    pool_close(&p);
}

Test(pool, reuses_what_came_back)
{
    struct pool p;

    pool_open(&p, 8, 4);
    void *first = pool_get(&p);
    pool_put(&p, first);
    cr_assert_eq(pool_get(&p), first);
    pool_close(&p);
}

enum { THREADS = 4, TURNS = 50000 };

static struct lock lock;
static long counter; /* not atomic: only the lock keeps it right */

static void *count_up(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        lock_take(&lock);
        long seen = counter;
        if (i % 1000 == 0)
            sched_yield(); /* so that the others find it taken and sleep */
        counter = seen + 1;
        lock_drop(&lock);
    }
    return arg;
}

Test(lock, excludes, .timeout = 60)
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    cr_assert_eq(counter, (long)THREADS * TURNS);
    cr_assert_eq(lock.state, 0);
}

/* One thread has it for itself; the second ends that, at any moment of the first one's. */
enum { ROUNDS = 300, OWN_TURNS = 2000 };

static struct reserved {
    struct lock lock;
    atomic_int begun;
    long counter; /* not atomic */
} reserved;

static void *take_part(void *arg)
{
    while (atomic_load(&reserved.begun) < *(int *)arg)
        sched_yield();
    for (int i = 0; i < OWN_TURNS; i++) {
        lock_take(&reserved.lock);
        reserved.counter++;
        lock_drop(&reserved.lock);
    }
    return NULL;
}

Test(lock, is_taken_from_its_owner, .timeout = 60)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t other;
        int when = round * 7;

        reserved = (struct reserved){.counter = 0};
        lock_bias(&reserved.lock);
        cr_assert_eq(pthread_create(&other, NULL, take_part, &when), 0);
        for (int i = 0; i < OWN_TURNS; i++) {
            lock_take(&reserved.lock);
            long seen = reserved.counter;
            atomic_store(&reserved.begun, i);
            reserved.counter = seen + 1;
            lock_drop(&reserved.lock);
        }
        atomic_store(&reserved.begun, INT_MAX);
        pthread_join(other, NULL);
        cr_assert_eq(reserved.counter, 2 * OWN_TURNS, "round %d: %ld", round, reserved.counter);
        cr_assert(!lock_held(&reserved.lock));
    }
}

Test(lock, costs_its_owner_no_atomic)
{
    struct lock l = {.off = false};

    lock_bias(&l);
    if (l.bias == LOCK_ALIKE)
        cr_skip("no membarrier here");
    lock_take(&l);
    cr_assert_eq(l.state, 0);
    cr_assert(lock_held(&l));
    lock_drop(&l);
    cr_assert(!lock_held(&l));
}

Test(lock, may_be_off)
{
    struct lock l = {.off = true};

    lock_take(&l);
    lock_take(&l);
    lock_drop(&l);
    cr_assert(lock_held(&l));
    cr_assert_eq(l.state, 0);
}

Test(param, defaults)
{
    unsetenv("ORIEL_SPIN");
    unsetenv("ORIEL_LOG");
    param_open();
    cr_assert_eq(param.spin, 10000);
    cr_assert_str_eq(param.log, "warn");
    cr_assert_eq(param.errors_abort, false);
    cr_assert_eq(param.max_message, 0);
}

Test(param, environment)
{
    setenv("ORIEL_SPIN", "17", 1);
    setenv("ORIEL_MAX_MESSAGE", "3M", 1);
    setenv("ORIEL_ERRORS_ABORT", "on", 1);
    setenv("ORIEL_INTERFACE", "eth7", 1);
    param_open();
    cr_assert_eq(param.spin, 17);
    cr_assert_eq(param.max_message, 3u << 20);
    cr_assert_eq(param.errors_abort, true);
    cr_assert_str_eq(param.interface, "eth7");
}

Test(param, nonsense_leaves_the_default)
{
    setenv("ORIEL_SPIN", "17x", 1);
    setenv("ORIEL_MAX_MESSAGE", "-1", 1);
    setenv("ORIEL_ERRORS_ABORT", "perhaps", 1);
    param_open();
    cr_assert_eq(param.spin, 10000);
    cr_assert_eq(param.max_message, 0);
    cr_assert_eq(param.errors_abort, false);
}

Test(param, values_out_of_range_leave_the_default)
{
    setenv("ORIEL_NODE_RINGS", "9", 1);
    setenv("ORIEL_CREDIT", "-1", 1);
    setenv("ORIEL_COLL_AREA_AFTER", "-1", 1);
    setenv("ORIEL_LOCKS", "messages", 1);
    setenv("ORIEL_LOG", "inf", 1);
    setenv("ORIEL_PROGRESS", "calls, thread", 1);
    setenv("ORIEL_INITIAL_ERRHANDLER", "", 1);
    param_open();
    cr_assert_eq(param.node_rings, 8);
    cr_assert_eq(param.credit, 1024);
    cr_assert_eq(param.coll_area_after, -1);
    cr_assert_str_eq(param.locks, "messages");
    cr_assert_str_eq(param.log, "warn");
    cr_assert_str_eq(param.progress, "calls");
    cr_assert_str_eq(param.initial_errhandler, "mpi_errors_are_fatal");
}

Test(param, rows_say_what_is_set)
{
    bool found = false;

    setenv("ORIEL_SPIN", "5", 1);
    setenv("ORIEL_CREDIT", "many", 1);
    param_open();
    for (unsigned i = 0; i < param_count; i++) {
        struct param_row row;
        param_row(i, &row);
        cr_assert(!strncmp(row.name, "ORIEL_", 6) && *row.help);
        if (!strcmp(row.name, "ORIEL_CREDIT"))
            cr_assert(row.value && !row.taken);
        if (strcmp(row.name, "ORIEL_SPIN"))
            continue;
        found = true;
        cr_assert_str_eq(row.value, "5");
        cr_assert(row.taken);
        cr_assert_str_eq(row.preset, "10000");
    }
    cr_assert(found);
}

Test(clock, goes_forward)
{
    uint64_t last = clock_ns();

    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_ns();
        cr_assert(now >= last);
        last = now;
    }
}

/* Of every length just as many bytes, in their order. */
Test(hot, copies_few)
{
    unsigned char from[COPY_FEW], to[COPY_FEW + 2];

    for (unsigned i = 0; i < sizeof(from); i++)
        from[i] = i + 1;
    for (size_t len = 0; len <= COPY_FEW; len++) {
        memset(to, 0xee, sizeof(to));
        copy_few(to + 1, from, len);
        cr_assert(!memcmp(to + 1, from, len), "%zu bytes", len);
        cr_assert(to[0] == 0xee, "%zu bytes, one before them", len);
        cr_assert(to[len + 1] == 0xee, "%zu bytes, one behind them", len);
    }
    copy_few(NULL, NULL, 0);
}

/* ---- Copies ---- */

enum { AREA = 24 * 1024, SHIFTS = 70 };

static _Alignas(4096) unsigned char was[AREA], now[AREA], wanted[AREA];

static void fill_area(void)
{
    for (int i = 0; i < AREA; i++)
        was[i] = (unsigned char)(i * 7 + i / 251);
    memcpy(now, was, AREA);
    memcpy(wanted, was, AREA);
}

/* From three places, at all distances within a page that are special; lengths around where a copy
 * is a long one, and with all kinds of tails. */
static void copies_anywhere(void (*copy)(void *, const void *, size_t))
{
    static const size_t lengths[] = {0,    1,    63,   2047, 2048, 2049,
                                     2053, 2058, 2067, 2100, 4096, 8191};

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (int i = 0; i < 3 * SHIFTS; i++) {
            int from = i / SHIFTS, to = 12288 + from + i % SHIFTS;

            fill_area();
            copy(now + to, now + from, lengths[l]);
            memcpy(wanted + to, wanted + from, lengths[l]);
            cr_assert(!memcmp(now, wanted, AREA), "%zu bytes from %d to %d", lengths[l], from, to);
        }
    }
}

static void plainly(void *to, const void *from, size_t len)
{
    copy_bytes(to, from, len);
}

Test(copy, copies_from_any_place_to_any)
{
    copies_anywhere(plainly);
}

Test(copy, copies_past_the_caches)
{
    copies_anywhere(copy_past);
}

Test(copy, copies_over_itself)
{
    static const int places[] = {0, 16, 31, 4096, 4112, 8208};
    enum { PLACES = sizeof places / sizeof *places };

    for (int i = 0; i < PLACES * PLACES; i++) {
        int to = places[i / PLACES], from = places[i % PLACES];

        fill_area();
        copy_over(now + to, now + from, 6000);
        memmove(wanted + to, wanted + from, 6000);
        cr_assert(!memcmp(now, wanted, AREA), "from %d to %d", from, to);
    }
}

/* ---- Segments ---- */

/* As Linux did it in memory until 2024: a signal makes it give back what it has, and fail. */
int posix_fallocate(int fd, off_t at, off_t len)
{
    struct timespec t = {.tv_nsec = 30000000};

    if (nanosleep(&t, NULL))
        return errno;
    return fallocate(fd, 0, at, len) ? errno : 0;
}

static void ignore(int signal)
{
    (void)signal;
}

/* A program may have a timer that goes off more often than its memory can be had. */
static void signal_often(void)
{
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 5000}, {0, 5000}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

Test(segment, is_made_amid_signals, .timeout = 20)
{
    struct segment_offer offer;
    struct stat st;
    sigset_t now;
    int fd;

    signal_often();
    int rc = segment_new(1 << 20, &fd, &offer);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    cr_expect(!sigismember(&now, SIGALRM));
    cr_assert_eq(rc, 0, "%s", strerror(-rc));
    close(fd);

    uint64_t word;
    struct node_segment *node;
    rc = node_segment_create(&word, 8, &node, &fd);
    cr_assert_eq(rc, 0, "%s", strerror(-rc));
    cr_assert(!fstat(fd, &st));
    long before = st.st_blocks;
    rc = node_segment_back(fd, 0, 1);
    cr_assert_eq(rc, 0, "%s", strerror(-rc));
    cr_assert(!fstat(fd, &st));
    cr_assert_gt(st.st_blocks, before);
    node_segment_unmap(node);
    close(fd);
}
