/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that make intercommunicators at once, each of communicators of its own, and use them: no
 * two get one context id, and no agreement takes another's messages.
 */
#include <pthread.h>

#include "inter_test.h"

enum { THREADS = 4, LOOPS = 25 };

static int loops = LOOPS;
static MPI_Comm comms[THREADS];

static void *make_in_thread(void *arg)
{
    int me = (int)(intptr_t)arg, mine = side_of(PARITY, rank);
    MPI_Comm world = comms[me], local, inter, dup, all;

    for (int i = 0; i < loops; i++) {
        OK(MPI_Comm_split(world, mine, rank, &local));
        /* The leaders of all threads meet on one communicator, where tags part them. */
        OK(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, !mine, me, &inter));
        OK(MPI_Comm_dup(inter, &dup));
        OK(MPI_Intercomm_merge(dup, mine, &all));
        int sum = 0, told = 0, tell = me * 100 + i;
        OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all));
        CHECK(sum == size * (size - 1) / 2);
        OK(MPI_Allreduce(&tell, &told, 1, MPI_INT, MPI_MAX, inter));
        CHECK(told == tell);
        OK(MPI_Comm_free(&all));
        OK(MPI_Comm_free(&dup));
        OK(MPI_Comm_free(&inter));
        OK(MPI_Comm_free(&local));
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, make_in_thread, (void *)(intptr_t)i));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_free(&comms[i]));
}

/* Argument 1: rounds of each thread. */
int main(int argc, char **argv)
{
    int provided;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK(provided == MPI_THREAD_MULTIPLE);
    if (argc > 1)
        loops = atoi(argv[1]);
    if (size > 1)
        test_threads();
    return end("inter_threads");
}
