/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI_Comm_split_type and what guides it: shared memory, hardware by hwloc's names, process sets.
 * Each rank binds itself to one of the processors that it finds, so that the answer is known.
 */
#include <dirent.h>
#include <sched.h>

#include "mpitest.h"
#include "tests/mpi/hosts.h"

static int *hosts;           /* by rank */
static int processors, mine; /* how many there are to bind to, and which of them is this rank's */

/* All threads, the library's too: a process runs where any of them may. */
static void bind_threads(const cpu_set_t *set)
{
    DIR *tasks = opendir("/proc/self/task");

    CHECK(tasks);
    for (struct dirent *d; (d = readdir(tasks));)
        if (atoi(d->d_name))
            CHECK(!sched_setaffinity(atoi(d->d_name), sizeof(*set), set));
    closedir(tasks);
}

/* To the n-th of the allowed processors. */
static void bind_self(void)
{
    cpu_set_t all, one;

    CHECK(!sched_getaffinity(0, sizeof(all), &all));
    processors = CPU_COUNT(&all);
    mine = rank % processors;
    CPU_ZERO(&one);
    for (int cpu = 0, n = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && n++ == mine)
            CPU_SET(cpu, &one);
    bind_threads(&one);
}

static MPI_Info info_of(const char *key, const char *value)
{
    MPI_Info info;

    OK(MPI_Info_create(&info));
    if (key)
        OK(MPI_Info_set(info, key, value));
    return info;
}

static MPI_Comm split(int type, int key, MPI_Info info)
{
    MPI_Comm comm = MPI_COMM_WORLD;

    OK(MPI_Comm_split_type(MPI_COMM_WORLD, type, key, info, &comm));
    if (info != MPI_INFO_NULL)
        OK(MPI_Info_free(&info));
    return comm;
}

/* The communicator has these ranks of the world, in this order. */
static void has(MPI_Comm comm, const int *ranks, int n)
{
    MPI_Group group, world;
    int got[64], all[64], count;

    CHECK(comm != MPI_COMM_NULL);
    OK(MPI_Comm_size(comm, &count));
    CHECK(count == n);
    OK(MPI_Comm_group(comm, &group));
    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    for (int i = 0; i < n; i++)
        all[i] = i;
    OK(MPI_Group_translate_ranks(group, n, all, world, got));
    CHECK(!memcmp(got, ranks, (size_t)n * sizeof(*ranks)));
    OK(MPI_Group_free(&group));
    OK(MPI_Group_free(&world));
    OK(MPI_Barrier(comm));
    OK(MPI_Comm_free(&comm));
}

/* Of those on this host ranks first, first + step, ... */
static void has_every(MPI_Comm comm, int first, int step)
{
    int ranks[64], n = 0;

    for (int r = first; r < size; r += step)
        if (hosts[r] == hosts[rank])
            ranks[n++] = r;
    has(comm, ranks, n);
}

static void has_host_backwards(MPI_Comm comm)
{
    int ranks[64], n = 0;

    for (int r = size; r-- > 0;)
        if (hosts[r] == hosts[rank])
            ranks[n++] = r;
    has(comm, ranks, n);
}

static void has_all_backwards(MPI_Comm comm)
{
    int ranks[64];

    for (int i = 0; i < size; i++)
        ranks[i] = size - 1 - i;
    has(comm, ranks, size);
}

static void nothing(int type, const char *key, const char *value)
{
    CHECK(split(type, 0, MPI_INFO_NULL) == MPI_COMM_NULL);
    CHECK(split(type, 0, info_of(key, value)) == MPI_COMM_NULL);
}

static void test_guided(int type)
{
    static const char key[] = "mpi_hw_resource_type";

    has_host_backwards(split(type, -rank, info_of(key, "mpi_shared_memory")));
    has_host_backwards(split(type, -rank, info_of(key, "hwloc://Machine")));
    has_every(split(type, 0, info_of(key, "hwloc://PU")), mine, processors);
    nothing(type, NULL, NULL);
    nothing(type, "unknown", "hwloc://PU");
    nothing(type, key, "hwloc://Flux");
    /* One rank alone asks. */
    MPI_Comm comm = split(rank ? MPI_UNDEFINED : type, 0, info_of(key, "hwloc://PU"));
    CHECK((comm != MPI_COMM_NULL) == (rank == 0));
    if (rank == 0)
        OK(MPI_Comm_free(&comm));
}

static void test_sets(void)
{
    static const char key[] = "mpi_pset_name";
    MPI_Info both = info_of(key, "mpi://world"), self;

    has_all_backwards(split(MPI_COMM_TYPE_RESOURCE_GUIDED, -rank, info_of(key, "mpi://WORLD")));
    has_all_backwards(split(MPI_COMM_TYPE_RESOURCE_GUIDED, -rank,
                            info_of(key, rank % 2 ? "mpi://world" : "mpi://WORLD")));
    has(split(MPI_COMM_TYPE_RESOURCE_GUIDED, 0,
              info_of(key, rank % 2 ? "mpi://SELF" : "mpi://self")),
        &rank, 1);
    nothing(MPI_COMM_TYPE_RESOURCE_GUIDED, key, "mpi://none");
    nothing(MPI_COMM_TYPE_HW_GUIDED, key, "mpi://WORLD");
    OK(MPI_Info_set(both, "mpi_hw_resource_type", "hwloc://PU"));
    OK(MPI_Info_dup(both, &self));
    OK(MPI_Info_set(self, key, "mpi://SELF"));
    has_every(split(MPI_COMM_TYPE_RESOURCE_GUIDED, 0, both), mine, processors);
    has(split(MPI_COMM_TYPE_RESOURCE_GUIDED, 0, self), &rank, 1);
}

/* Smaller and smaller, and it says each time which kind of hardware it is. */
static void test_unguided(void)
{
    MPI_Comm comm = MPI_COMM_WORLD, next;
    char value[64];
    int before, after, length, flag, depth = 0, beside = 0;

    for (;; depth++) {
        MPI_Info info = info_of(NULL, NULL);

        OK(MPI_Comm_size(comm, &before));
        OK(MPI_Comm_split_type(comm, MPI_COMM_TYPE_HW_UNGUIDED, 0, info, &next));
        length = sizeof(value);
        OK(MPI_Info_get_string(info, "mpi_hw_resource_type", &length, value, &flag));
        OK(MPI_Info_free(&info));
        if (depth)
            OK(MPI_Comm_free(&comm));
        if (next == MPI_COMM_NULL)
            break;
        OK(MPI_Comm_size(next, &after));
        CHECK(flag && after < before &&
              (!strncmp(value, "hwloc://", 8) || !strcmp(value, "mpi_shared_memory")));
        comm = next;
    }
    for (int r = mine; r < size; r += processors)
        beside += hosts[r] == hosts[rank];
    CHECK(!flag && before == beside && (depth > 0) == (beside < size));
}

/* A process that may run on all processors runs on no single one. */
static void test_unbound(void)
{
    cpu_set_t all;

    CHECK(!sched_getaffinity(0, sizeof(all), &all));
    if (CPU_COUNT(&all) > 1)
        CHECK(split(MPI_COMM_TYPE_HW_GUIDED, 0, info_of("mpi_hw_resource_type", "hwloc://PU")) ==
              MPI_COMM_NULL);
}

static int is(MPI_Info info, const char *key, const char *expected)
{
    char value[16];
    int length = sizeof(value), flag;

    OK(MPI_Info_get_string(info, key, &length, value, &flag));
    return flag && !strcmp(value, expected);
}

static void test_info(void)
{
    MPI_Info info;

    OK(MPI_Get_hw_resource_info(&info));
    CHECK(is(info, "hwloc://PU", "true") && is(info, "hwloc://Machine", "true"));
    OK(MPI_Info_free(&info));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    hosts = hosts_of_ranks();
    CHECK(size <= 64);
    test_unbound();
    bind_self();
    OK(MPI_Barrier(MPI_COMM_WORLD));
    has_host_backwards(split(MPI_COMM_TYPE_SHARED, -rank, MPI_INFO_NULL));
    CHECK(split(MPI_UNDEFINED, 0, MPI_INFO_NULL) == MPI_COMM_NULL);
    test_guided(MPI_COMM_TYPE_HW_GUIDED);
    test_guided(MPI_COMM_TYPE_RESOURCE_GUIDED);
    test_sets();
    test_unguided();
    test_info();
    return end("comm_type");
}
