/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process of a job of RANKS under big_job: starts, looks at its groups and process sets, prints
 *
 *     rank RANK: MPI_Init MILLISECONDS ms, HEAP KiB of heap, RESIDENT KiB resident
 *
 * and reports that it is content.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "big_rank:%d: rank %d: not so: %s\n", __LINE__, rank, #what);          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int rank, size;

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static long heap_kib(void)
{
    struct mallinfo2 m = mallinfo2();

    return (long)((m.uordblks + m.hblkhd) / 1024);
}

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    CHECK(f && fscanf(f, "%*s %ld", &pages) == 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Every group of the world that is a description takes no memory by rank. */
static void groups(void)
{
    int odd[1][3] = {{1, size - 1, 2}}, some[] = {0, size / 2}, n;
    MPI_Group world, g;
    long before;

    CHECK(!MPI_Comm_group(MPI_COMM_WORLD, &world));
    before = heap_kib();
    CHECK(!MPI_Group_range_incl(world, 1, odd, &g) && !MPI_Group_size(g, &n) && n == size / 2);
    CHECK(!MPI_Group_excl(world, 2, some, &g) && !MPI_Group_size(g, &n) && n == size - 2);
    CHECK(heap_kib() - before < 8);
}

static MPI_Group set(MPI_Session session, const char *name, int members)
{
    MPI_Group g = MPI_GROUP_NULL;
    int n;

    CHECK(!MPI_Group_from_session_pset(session, name, &g));
    CHECK(!MPI_Group_size(g, &n) && n == members);
    return g;
}

/* In a job of several hosts ranks may be reordered; these two, on one host, stay as they are. */
static void reordered(MPI_Comm two)
{
    int dims[] = {2}, periods[] = {1}, index[] = {1, 2}, edges[] = {1, 0}, other = !rank, r, w[2];
    MPI_Comm comm;

    CHECK(!MPI_Cart_create(two, 1, dims, periods, 1, &comm));
    CHECK(!MPI_Comm_rank(comm, &r) && r == rank && !MPI_Comm_free(&comm));
    CHECK(!MPI_Graph_create(two, 2, index, edges, 1, &comm));
    CHECK(!MPI_Comm_rank(comm, &r) && r == rank && !MPI_Comm_free(&comm));
    CHECK(!MPI_Dist_graph_create_adjacent(two, 1, &other, &rank, 1, &other, &other, MPI_INFO_NULL,
                                          1, &comm));
    CHECK(!MPI_Comm_rank(comm, &r) && r == rank);
    CHECK(!MPI_Dist_graph_neighbors(comm, 1, &index[0], &w[0], 1, &index[1], &w[1]));
    CHECK(index[0] == other && index[1] == other && w[0] == rank && w[1] == other);
    CHECK(!MPI_Comm_free(&comm));
}

/* The server's sets that this rank is in, behind MPI's own; the first two ranks make one's
 * communicator and use it. */
static void sets(void)
{
    int count, even = rank % 2 == 0, two = rank < 2, n, sum, one = 1;
    MPI_Session session;
    MPI_Group g;
    MPI_Comm comm;

    CHECK(!MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    CHECK(!MPI_Session_get_num_psets(session, MPI_INFO_NULL, &count) && count == 2 + even + two);
    if (even)
        set(session, "test://even", (size + 1) / 2);
    else
        CHECK(MPI_Group_from_session_pset(session, "test://even", &g) == MPI_ERR_ARG);
    if (!two)
        return;
    g = set(session, "test://two", 2);
    CHECK(!MPI_Group_rank(g, &n) && n == rank);
    CHECK(!MPI_Comm_create_from_group(g, "big_rank", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    CHECK(!MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm) && sum == 2);
    reordered(comm);
    CHECK(!MPI_Comm_free(&comm));
}

int main(int argc, char **argv)
{
    long heap = heap_kib(), resident = resident_kib();
    double begun = now_ms();

    CHECK(argc == 2 && !MPI_Init(NULL, NULL));
    begun = now_ms() - begun;
    heap = heap_kib() - heap;
    resident = resident_kib() - resident;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    CHECK(size == atoi(argv[1]));
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    groups();
    sets();
    printf("rank %d: MPI_Init %.1f ms, %ld KiB of heap, %ld KiB resident\n", rank, begun, heap,
           resident);
    fflush(stdout);
    CHECK(write(atoi(getenv("BIG_JOB_REPORT")), "", 1) == 1);
    pause();
    return 1;
}
