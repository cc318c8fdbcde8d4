/* SPDX-License-Identifier: BSD-3-Clause */
/* What the programs about files share: a name that no other run uses, the same on all ranks. */
#ifndef ORIEL_TESTS_FILE_TEST_H
#define ORIEL_TESTS_FILE_TEST_H

#include <sys/stat.h>
#include <unistd.h>

#include "mpitest.h"

static char path[256];

__attribute__((unused)) static void name_file(const char *what)
{
    const char *folder = getenv("TMPDIR");

    snprintf(path, sizeof path, "%s/oriel-%s-%d", folder ? folder : "/tmp", what, (int)getpid());
    OK(MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD));
}

/* Writes of all are there for all. */
__attribute__((unused)) static void meet(MPI_File f)
{
    OK(MPI_File_sync(f));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_File_sync(f));
}

__attribute__((unused)) static int class_of(int code)
{
    int class = -1;

    OK(MPI_Error_class(code, &class));
    return class;
}

#define FAILS(call, class) CHECK(class_of(call) == (class))

__attribute__((unused)) static int moved(const MPI_Status *s, MPI_Datatype type, int count)
{
    int n = -1;

    OK(MPI_Get_count(s, type, &n));
    if (n != count)
        fprintf(stderr, "rank %d: %d items and not %d\n", rank, n, count);
    return n == count;
}

#endif
