/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of windows share: checks that say what failed, and flavours made alike. */
#ifndef ORIEL_TESTS_WIN_TEST_H
#define ORIEL_TESTS_WIN_TEST_H

#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mpi/hosts.h"

static int win_rank, win_size, win_failed, win_one_host;

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond) && win_failed++ < 20) {                                                        \
            fprintf(stderr, "rank %d, %s:%d: %s: ", win_rank, __FILE__, __LINE__, #cond);          \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

#define OK(call) CHECK((call) == MPI_SUCCESS, "failed")

static inline void test_begin(void)
{
    int provided;

    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &win_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &win_size);
    win_one_host = hosts_is_one();
}

static inline int test_end(void)
{
    int all = win_failed;

    MPI_Allreduce(&win_failed, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();
    return all ? 1 : 0;
}

enum flavour { CREATE, ALLOCATE, SHARED, SHARED_APART, DYNAMIC, FLAVOURS };
static const char *const flavour_name[] = {"create", "allocate", "shared", "shared apart",
                                           "dynamic"};

/* A window of ints and where each rank's memory begins, as a displacement for its operations. */
struct test_win {
    MPI_Win win;
    int *mem;
    MPI_Aint *at;
};

static inline void test_win_open(struct test_win *t, enum flavour f, MPI_Aint ints)
{
    MPI_Aint bytes = ints * (MPI_Aint)sizeof(int), here = 0;
    MPI_Info info;

    t->at = calloc((size_t)win_size, sizeof *t->at);
    t->mem = NULL;
    if (f == CREATE || f == DYNAMIC)
        t->mem = malloc(bytes ? (size_t)bytes : 1);
    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", f == SHARED_APART ? "true" : "false");
    switch (f) {
    case CREATE:
        OK(MPI_Win_create(t->mem, bytes, sizeof(int), info, MPI_COMM_WORLD, &t->win));
        break;
    case ALLOCATE:
        OK(MPI_Win_allocate(bytes, sizeof(int), info, MPI_COMM_WORLD, &t->mem, &t->win));
        break;
    case DYNAMIC:
        OK(MPI_Win_create_dynamic(info, MPI_COMM_WORLD, &t->win));
        OK(MPI_Win_attach(t->win, t->mem, bytes));
        MPI_Get_address(t->mem, &here);
        break;
    default: /* only those of one host can share */
        if (!win_one_host)
            OK(MPI_Win_allocate(bytes, sizeof(int), info, MPI_COMM_WORLD, &t->mem, &t->win));
        else
            OK(MPI_Win_allocate_shared(bytes, sizeof(int), info, MPI_COMM_WORLD, &t->mem, &t->win));
    }
    MPI_Info_free(&info);
    OK(MPI_Win_set_errhandler(t->win, MPI_ERRORS_RETURN));
    MPI_Allgather(&here, 1, MPI_AINT, t->at, 1, MPI_AINT, MPI_COMM_WORLD);
    for (MPI_Aint i = 0; i < ints; i++)
        t->mem[i] = 0;
    MPI_Barrier(MPI_COMM_WORLD);
}

/* The displacement of rank's int number i. */
static inline MPI_Aint test_disp(const struct test_win *t, enum flavour f, int rank, MPI_Aint i)
{
    return f == DYNAMIC ? t->at[rank] + i * (MPI_Aint)sizeof(int) : i;
}

static inline void test_win_close(struct test_win *t, enum flavour f)
{
    if (f == DYNAMIC)
        OK(MPI_Win_detach(t->win, t->mem));
    OK(MPI_Win_free(&t->win));
    CHECK(t->win == MPI_WIN_NULL, "the handle is still there");
    if (f == CREATE || f == DYNAMIC)
        free(t->mem);
    free(t->at);
}

/* xorshift64*: the same numbers on every rank from the same seed. */
static inline uint64_t test_random(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717u;
}

static inline int test_below(uint64_t *s, int n)
{
    return (int)((test_random(s) >> 33) % (uint64_t)n);
}

#endif
