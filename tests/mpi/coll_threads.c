/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads, each with a communicator of its own, run collectives at the same time and make and free
 * communicators, all at once: with an operator of the program's, so that the lock is dropped
 * inside.
 */
#include <pthread.h>

#include "mpitest.h"

enum { THREADS = 4, ROUNDS = 60, N = 200 };

static MPI_Op slow_add;
static MPI_Comm comms[THREADS];

static void add(void *in, void *inout, int *len, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *len; i++)
        ((int *)inout)[i] += ((int *)in)[i];
}

static void work(MPI_Comm comm, int seed)
{
    int x[N], y[N], all[64];

    for (int i = 0; i < N; i++)
        x[i] = seed + i + rank;
    OK(MPI_Allreduce(x, y, N, MPI_INT, slow_add, comm));
    for (int i = 0; i < N; i++)
        CHECK(y[i] == size * (seed + i) + size * (size - 1) / 2);
    OK(MPI_Allgather(&seed, 1, MPI_INT, all, 1, MPI_INT, comm));
    for (int i = 0; i < size; i++)
        CHECK(all[i] == seed);
}

static void *thread(void *arg)
{
    MPI_Comm own = *(MPI_Comm *)arg, made;
    int id = (int)((MPI_Comm *)arg - comms), split_size;

    OK(MPI_Bcast(&id, 1, MPI_INT, 0, own));
    for (int i = 0; i < ROUNDS; i++) {
        work(own, id * 1000 + i);
        if (i % 2) {
            OK(MPI_Comm_dup(own, &made));
            work(made, id * 1000 + i);
        } else {
            OK(MPI_Comm_split(own, rank % 2, -rank, &made));
            OK(MPI_Comm_size(made, &split_size));
            CHECK(split_size == (size + 1 - rank % 2) / 2);
        }
        OK(MPI_Comm_free(&made));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int provided;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK(provided == MPI_THREAD_MULTIPLE && size <= 64);
    OK(MPI_Op_create(add, 1, &slow_add));
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, thread, &comms[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_free(&comms[i]));
    OK(MPI_Op_free(&slow_add));
    return end("coll_threads");
}
