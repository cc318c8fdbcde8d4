/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coll_progress [SECONDS]: with ORIEL_PROGRESS=thread, what was started goes on while a rank
 * computes for so long (0.5), and the thread sleeps when nothing is under way.
 */
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mpitest.h"

enum { LONG = 1 << 18, ROUNDS = 6 };

static double away = 0.5;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/*
 * Rank 0 starts, and comes back to MPI some time later. The others have the result before, though
 * it takes several messages of rank 0's.
 */
static void absent(int persistent)
{
    static double x[LONG], y[LONG];
    MPI_Request r, early;
    double begin;

    for (int i = 0; i < LONG; i++)
        x[i] = rank + i;
    OK(MPI_Ibarrier(MPI_COMM_WORLD, &early));
    if (persistent)
        OK(MPI_Allreduce_init(x, y, LONG, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    OK(MPI_Wait(&early, MPI_STATUS_IGNORE));
    begin = now();
    if (persistent)
        OK(MPI_Start(&r));
    else
        OK(MPI_Iallreduce(x, y, LONG, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &r));
    while (rank == 0 && now() < begin + away)
        ;
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    if (rank && now() > begin + 0.8 * away) {
        fprintf(stderr, "rank %d: the result came after %.3f s\n", rank, now() - begin);
        CHECK(!"what was started goes on");
    }
    for (int i = 0; i < LONG; i++)
        CHECK(y[i] == size * (size - 1) / 2.0 + (double)i * size);
    if (persistent)
        OK(MPI_Request_free(&r));
}

/* Nothing is under way; a processor that is idle stays so. */
static void idle(void)
{
    double begin;

    OK(MPI_Barrier(MPI_COMM_WORLD));
    usleep(50000);
    begin = cpu_seconds();
    usleep(500000);
    CHECK(cpu_seconds() - begin < 0.05);
}

int main(int argc, char **argv)
{
    setenv("ORIEL_PROGRESS", "thread", 1);
    begin(&argc, &argv);
    if (argc > 1)
        away = atof(argv[1]);
    for (int i = 0; i < ROUNDS; i++)
        absent(i % 2);
    idle();
    return end("coll_progress");
}
