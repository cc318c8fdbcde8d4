/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long an operation takes. It runs in batches, each long enough for the clock to be of no
 * account, and the median of the batches is the result: one that was interrupted by another process
 * does not count. Every rank repeats equally often, as the decisions rest on times all ranks know.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES 9
#define MOST    100000000L

struct plan plan = {.seconds = 0.2};

static long last_repeats; /* of the measurement that report() speaks of */

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void compute(double seconds)
{
    double end = now() + seconds;

    while (now() < end)
        ;
}

/* A batch of n operations, as all ranks see it. */
struct batch {
    double took;    /* what the loop says of itself */
    double elapsed; /* what it took with all that it does between */
};

static struct batch run_batch(loop_fn *loop, void *arg, long n, enum over over)
{
    double begin, took, most[2], part[2], sum[2];
    struct batch b;

    MPI_Barrier(MPI_COMM_WORLD);
    begin = now();
    took = loop(arg, n);

    double mine[2] = {took, now() - begin};

    MPI_Allreduce(mine, most, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    part[0] = took == NO_PART ? 0 : took;
    part[1] = took != NO_PART;
    MPI_Allreduce(part, sum, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    b.took = over == SLOWEST ? most[0] : sum[0] / sum[1];
    b.elapsed = most[1];
    return b;
}

/* How many operations make a batch of the time that it should take. The first trial warms up. */
static long choose_repeats(loop_fn *loop, void *arg, enum over over)
{
    double wanted = plan.seconds / BATCHES;
    long n = 1;

    run_batch(loop, arg, 1, over);
    for (;;) {
        double elapsed = run_batch(loop, arg, n, over).elapsed;
        double fit = elapsed > 0 ? (double)n * wanted / elapsed : (double)MOST;

        if (elapsed >= wanted || n >= MOST)
            return n;
        if (elapsed > wanted / 4)
            return (long)fit;
        n = fit > 10.0 * (double)n ? 10 * n : (long)fit + 1;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double measure_loop(loop_fn *loop, void *arg, enum over over)
{
    double took[BATCHES];
    int batches = plan.repeats ? 1 : BATCHES;

    last_repeats = plan.repeats ? plan.repeats : choose_repeats(loop, arg, over);
    for (int i = 0; i < batches; i++)
        took[i] = run_batch(loop, arg, last_repeats, over).took / (double)last_repeats;
    qsort(took, (size_t)batches, sizeof *took, by_value);
    return took[batches / 2];
}

void report(const struct test *t, size_t bytes, double value)
{
    if (rank == 0) {
        printf("%s %d %zu %.6g %s %ld\n", t->name, ranks, bytes, value, t->unit, last_repeats);
        fflush(stdout);
    }
}

void wrong_data(const char *test, size_t bytes)
{
    fprintf(stderr, "bench: %s of %zu bytes: rank %d received wrong data\n", test, bytes, rank);
    MPI_Abort(MPI_COMM_WORLD, 3);
}

void *take_memory(size_t bytes, int byte)
{
    void *page;

    if (posix_memalign(&page, 4096, plan.offset + bytes + !bytes)) {
        fprintf(stderr, "bench: no memory for %zu bytes\n", bytes);
        MPI_Abort(MPI_COMM_WORLD, 1);
        exit(1);
    }
    memset((char *)page + plan.offset, byte, bytes);
    return (char *)page + plan.offset;
}

void give_memory(void *memory)
{
    if (memory)
        free((char *)memory - plan.offset);
}
