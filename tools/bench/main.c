/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line, the list of tests, and the order in which they run. */
#include "bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int rank, ranks;

static const struct test *const tables[] = {p2p_tests, type_tests, rma_tests, coll_tests,
                                            call_tests};
#define TABLES (sizeof tables / sizeof *tables)

struct arguments {
    const char *sizes;
    int thread;
    int priority;
    double settle; /* seconds */
    char **tests;
    int count;
};

static void usage(FILE *out)
{
    fputs(
        "usage: bench [-h] [-l] [-p] [-s BYTES,...] [-t SECONDS | -n REPEATS] [-T single|multiple] "
        "[-o BYTES] [-w SECONDS] TEST...\n",
        out);
}

/* Before MPI_Init, hence on every rank that was given the wrong arguments. */
static void refuse(const char *what, const char *value)
{
    fprintf(stderr, "bench: %s '%s'; 'bench -l' lists the tests\n", what, value);
    exit(2);
}

static const struct test *find_test(const char *name)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const struct test *t = tables[i]; t->name; t++)
            if (strcmp(t->name, name) == 0)
                return t;
    return NULL;
}

/* Those mean something on one rank, too. */
static int is_collective(const struct test *t)
{
    for (const struct test *c = coll_tests; c->name; c++)
        if (c == t)
            return 1;
    return 0;
}

static void list_tests(void)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const struct test *t = tables[i]; t->name; t++)
            printf("%s\t%s\t%s\t%s\t%s\n", t->name, t->unit, t->ranks, t->sizes, t->what);
}

static double number(const char *text, const char *what)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value > 0 && value < 1e9))
        refuse(what, text);
    return value;
}

/* A list of bytes between commas; what follows the first, NULL after the last. */
static const char *next_size(const char *list, size_t *bytes)
{
    char *end;
    unsigned long long first = strtoull(list, &end, 10);

    if (end == list || (*end && *end != ','))
        refuse("no list of sizes:", list);
    if (first > INT_MAX)
        refuse("more bytes than a message of MPI has:", list);
    *bytes = (size_t)first;
    return *end ? end + 1 : NULL;
}

static void check_sizes(const char *list)
{
    size_t bytes;

    while (list)
        list = next_size(list, &bytes);
}

static void parse(struct arguments *a, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "lhpo:s:t:n:T:w:")) != -1) {
        switch (option) {
        case 'l':
            list_tests();
            exit(0);
        case 'h':
            usage(stdout);
            exit(0);
        case 'p':
            a->priority = 1;
            break;
        case 'o':
            plan.offset = (size_t)number(optarg, "no number of bytes:");
            if (plan.offset % sizeof(double) || plan.offset >= 4096)
                refuse("no place in a page for numbers:", optarg);
            break;
        case 's':
            check_sizes(optarg);
            a->sizes = optarg;
            break;
        case 't':
            plan.seconds = number(optarg, "no time in seconds:");
            break;
        case 'n':
            plan.repeats = (long)number(optarg, "no number of repeats:");
            break;
        case 'T':
            if (strcmp(optarg, "single") && strcmp(optarg, "multiple"))
                refuse("no level of threads:", optarg);
            a->thread = optarg[0] == 's' ? MPI_THREAD_SINGLE : MPI_THREAD_MULTIPLE;
            break;
        case 'w':
            a->settle = number(optarg, "no time in seconds:");
            break;
        default:
            usage(stderr);
            exit(2);
        }
    }
    a->tests = argv + optind;
    a->count = argc - optind;
    for (int i = 0; i < a->count; i++)
        if (!find_test(a->tests[i]) && strcmp(a->tests[i], "startup"))
            refuse("there is no test", a->tests[i]);
}

/*
 * Before everything else that wants the processors. A launcher may have made a session, and with it
 * an autogroup, of its own; so each rank asks for itself. Nothing depends on its being granted.
 */
static void go_first(void)
{
    FILE *group = fopen("/proc/self/autogroup", "w");

    setpriority(PRIO_PROCESS, 0, -20);
    if (group) {
        fputs("-20", group);
        fclose(group);
    }
}

/* Until the kernel has put each where it stays: all take turns for so long. */
static void settle(double seconds)
{
    double end = now() + seconds;
    int goes_on = 1;

    while (goes_on) {
        for (int i = 0; i < 20; i++)
            MPI_Barrier(MPI_COMM_WORLD);
        goes_on = now() < end;
        MPI_Bcast(&goes_on, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
}

/* Calls the test with each size of the list. */
static void run_test(const struct test *t, const char *sizes)
{
    if (strcmp(t->sizes, "0") == 0)
        sizes = "0";
    while (sizes) {
        size_t bytes;

        sizes = next_size(sizes, &bytes);
        t->run(t, bytes);
    }
}

int main(int argc, char **argv)
{
    struct arguments a = {.thread = MPI_THREAD_SINGLE};
    int provided;

    parse(&a, argc, argv);
    if (a.priority)
        go_first();

    double begin = now();
    MPI_Init_thread(&argc, &argv, a.thread, &provided);
    double took = (now() - begin) * 1e3;

    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (provided < a.thread) {
        fprintf(stderr, "bench: the library does not provide MPI_THREAD_MULTIPLE\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (a.settle > 0)
        settle(a.settle);
    for (int i = 0; i < a.count; i++) {
        const struct test *t = find_test(a.tests[i]);

        if (!t) { /* start-up is the whole of the process; here is only what Init took of it */
            double slowest;

            MPI_Reduce(&took, &slowest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
            if (rank == 0)
                printf("init %d 0 %.6g ms 1\n", ranks, slowest);
            MPI_Barrier(MPI_COMM_WORLD);
        } else if (ranks < 2 && !is_collective(t)) {
            if (rank == 0)
                fprintf(stderr, "bench: %s needs 2 ranks\n", t->name);
            MPI_Abort(MPI_COMM_WORLD, 1);
        } else {
            run_test(t, a.sizes ? a.sizes : t->sizes);
        }
    }
    MPI_Finalize();
    return 0;
}
