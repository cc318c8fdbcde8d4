/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dies SECONDS: works without end. Each rank says in one line which process it is, "rank 3 of 8 is
 * process 1234 on n2", then all exchange messages, sums and notes, for that long. What ends it is
 * the caller's. dies SECONDS RANK HOW: that rank ends by itself: abort, exit0, exit3, segv,
 * finalize.
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"

static void end_how(const char *how)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    printf("dies at %lld\n", now.tv_sec * 1000LL + now.tv_nsec / 1000000);
    fflush(stdout);
    if (!strcmp(how, "abort"))
        MPI_Abort(MPI_COMM_WORLD, 7);
    if (!strcmp(how, "exit0"))
        _exit(0);
    if (!strcmp(how, "exit3"))
        exit(3);
    if (!strcmp(how, "segv"))
        raise(SIGSEGV);
}

/* Neighbours exchange, all add. */
static void work(long round)
{
    long sent = rank + round, got = -1, sum = -1;

    OK(MPI_Sendrecv(&sent, 1, MPI_LONG, right(), 0, &got, 1, MPI_LONG, left(), 0, MPI_COMM_WORLD,
                    MPI_STATUS_IGNORE));
    CHECK(got == left() + round);
    OK(MPI_Allreduce(&sent, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD));
    CHECK(sum == size * round + (long)size * (size - 1) / 2);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    char host[MPI_MAX_PROCESSOR_NAME];
    int len, stop = 0;

    begin(&argc, &argv);
    OK(MPI_Get_processor_name(host, &len));
    printf("rank %d of %d is process %d on %s\n", rank, size, getpid(), host);
    fflush(stdout);
    double start = MPI_Wtime();
    for (long round = 0; !stop; round++) {
        work(round);
        if (argc > 3 && rank == atoi(argv[2]) && MPI_Wtime() - start > seconds / 2)
            end_how(argv[3]);
        stop = MPI_Wtime() - start > seconds;
        OK(MPI_Bcast(&stop, 1, MPI_INT, 0, MPI_COMM_WORLD));
    }
    return end("dies");
}
