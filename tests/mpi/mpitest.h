/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs of this folder share. Each runs on any number of ranks, one included, says in
 * one line where it fails and ends the job, or ends with one line of rank 0's: "NAME: ok".
 */
#ifndef ORIEL_TESTS_MPITEST_H
#define ORIEL_TESTS_MPITEST_H

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, size;

/* Sanitizers make a program slow, and keep what it freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: rank %d of %d: not so: %s\n", __FILE__, __LINE__, rank, size,  \
                    #what);                                                                        \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

#define OK(call) CHECK((call) == MPI_SUCCESS)

__attribute__((unused)) static void begin(int *argc, char ***argv)
{
    OK(MPI_Init(argc, argv));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
}

__attribute__((unused)) static int end(const char *name)
{
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Finalize());
    if (rank == 0)
        printf("%s: ok\n", name);
    return 0;
}

/* The neighbours in a ring: this rank itself where it is alone. */
__attribute__((unused)) static int right(void)
{
    return (rank + 1) % size;
}

__attribute__((unused)) static int left(void)
{
    return (rank + size - 1) % size;
}

/* Bytes that tell who sent them, and where in the message they stood. */
__attribute__((unused)) static void fill(char *buf, size_t len, int seed)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (char)(seed * 31 + i * 7 + i / 251);
}

__attribute__((unused)) static int filled(const char *buf, size_t len, int seed)
{
    for (size_t i = 0; i < len; i++)
        if (buf[i] != (char)(seed * 31 + i * 7 + i / 251))
            return 0;
    return 1;
}

/* Source, tag and count of a status, counted in `type`. */
__attribute__((unused)) static int says(MPI_Status *s, int source, int tag, MPI_Datatype type,
                                        MPI_Count count)
{
    MPI_Count n = -1;

    MPI_Get_count_c(s, type, &n);
    if (s->MPI_SOURCE == source && s->MPI_TAG == tag && n == count)
        return 1;
    fprintf(stderr, "status: source %d, tag %d, count %lld; expected %d, %d, %lld\n", s->MPI_SOURCE,
            s->MPI_TAG, (long long)n, source, tag, (long long)count);
    return 0;
}

#endif
