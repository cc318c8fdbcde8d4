/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rank that waits for another uses no processor: under 1 % of one, whatever call it is blocked
 * in. Seconds of waiting may be given as an argument.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "mpitest.h"

/* What makes a process slow makes its looks now and then cost more. */
enum { TIMES = SANITIZED ? 10 : 1, TURNS = 4 };

static double processor_seconds(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static void in_recv(void)
{
    int value = 0;

    if (rank)
        OK(MPI_Recv(&value, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    for (int i = 1; rank == 0 && i < size; i++)
        OK(MPI_Send(&value, 1, MPI_INT, i, 1, MPI_COMM_WORLD));
}

static void in_probe(void)
{
    int value = 0;

    for (int i = 1; rank == 0 && i < size; i++)
        OK(MPI_Send(&value, 1, MPI_INT, i, 4, MPI_COMM_WORLD));
    if (!rank)
        return;
    OK(MPI_Probe(MPI_ANY_SOURCE, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Recv(&value, 1, MPI_INT, 0, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
}

static void in_waitany(void)
{
    int value = 0, index;
    MPI_Request r[2];

    for (int i = 1; rank == 0 && i < size; i++)
        for (int k = 0; k < 2; k++)
            OK(MPI_Send(&value, 1, MPI_INT, i, 2 + k, MPI_COMM_WORLD));
    if (!rank)
        return;
    for (int k = 0; k < 2; k++)
        OK(MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 2 + k, MPI_COMM_WORLD, &r[k]));
    for (int k = 0; k < 2; k++)
        OK(MPI_Waitany(2, r, &index, MPI_STATUS_IGNORE));
}

static void in_barrier(void)
{
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* Of one wait, at the rank where it was most. */
static double cost_of(void (*call)(void), double seconds)
{
    double used, most;

    OK(MPI_Barrier(MPI_COMM_WORLD));
    double before = processor_seconds();
    if (rank == 0)
        usleep((useconds_t)(seconds * 1e6));
    call();
    used = processor_seconds() - before;
    OK(MPI_Allreduce(&used, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD));
    return most;
}

int main(int argc, char **argv)
{
    static void (*const calls[])(void) = {in_recv, in_probe, in_waitany, in_barrier};
    double seconds = argc > 1 ? atof(argv[1]) : 0.7, allowed = 0.01 * seconds * TIMES;

    begin(&argc, &argv);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        double used = allowed;

        calls[i](); /* the first contact is not part of it */
        /* What else runs on this processor makes every look dearer: the cheapest wait counts. */
        for (int turn = 0; turn < TURNS && used >= allowed; turn++) {
            used = cost_of(calls[i], seconds);
            if (rank == 0 && used >= allowed)
                fprintf(stderr, "call %zu: %.4f s of %.1f\n", i, used, seconds);
        }
        CHECK(used < allowed);
    }
    return end("p2p_idle");
}
