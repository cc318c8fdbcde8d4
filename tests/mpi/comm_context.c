/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Context ids: they come back, they do not run out while many communicators live, and no two
 * agreements that are under way at once, in threads or among disjoint groups, take the same one.
 *
 *     comm_context [LOOPS [ALIVE]]
 *
 * LOOPS times dup, split and free (100000 is what docs/performance.md has), then ALIVE
 * communicators at once (60000 likewise).
 */
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include "mpitest.h"
#include "tests/mpi/hosts.h"

enum { THREADS = 4, THREAD_LOOPS = 60, TRAFFIC = 64 };

/* A sum that is only right where every member takes part in the same operation. */
static void use(MPI_Comm comm, int salt)
{
    int n, r, sum;

    OK(MPI_Comm_size(comm, &n));
    OK(MPI_Comm_rank(comm, &r));
    r += salt;
    OK(MPI_Allreduce(&r, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK(sum == n * salt + n * (n - 1) / 2);
}

static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void dup_split_free(int i)
{
    MPI_Comm dup, part;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &dup));
    OK(MPI_Comm_split(dup, rank % 2, -rank, &part));
    if (i % 64 == 0)
        use(part, i);
    OK(MPI_Comm_free(&dup));
    OK(MPI_Comm_free(&part));
}

/* What is allocated after a tenth of them is what is allocated after all. */
static void test_loops(int loops)
{
    size_t before, after;

    for (int i = 0; i < loops / 10; i++)
        dup_split_free(i);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    before = in_use();
    for (int i = 0; i < loops; i++)
        dup_split_free(i);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    after = in_use();
    /* A network's buffers are made as they are used for the first time. */
    if (after > before + (size_t)(hosts_is_one() ? 64 : 4096) * 1024) {
        fprintf(stderr, "rank %d: %zu bytes before, %zu after %d times dup, split and free\n", rank,
                before, after, loops);
        CHECK(!"memory is flat");
    }
}

/* More of them than there are ids; under valgrind, which its preloaded library tells, that would
 * take minutes. */
static void test_ids_return(void)
{
    const char *preload = getenv("LD_PRELOAD");
    int many = preload && strstr(preload, "vgpreload") ? 1 << 12 : (1 << 20) + (1 << 12);

    for (int i = 0; i < many && size == 1; i++) {
        MPI_Comm dup;
        OK(MPI_Comm_dup(MPI_COMM_SELF, &dup));
        OK(MPI_Comm_free(&dup));
    }
}

/* A message on each reaches its own receive, and none that waits on the predefined ones. */
static void keep_apart(const MPI_Comm *comm, int alive)
{
    MPI_Comm predefined[2] = {MPI_COMM_WORLD, MPI_COMM_SELF};
    MPI_Request waits[2], r;
    int in[2], n, flag;

    for (int k = 0; k < 2; k++)
        OK(MPI_Irecv(&in[k], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, predefined[k], &waits[k]));
    for (int i = 0; i < alive; i++) {
        OK(MPI_Isend(&i, 1, MPI_INT, rank, i, comm[i], &r));
        OK(MPI_Testany(2, waits, &n, &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
        OK(MPI_Recv(&n, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm[i], MPI_STATUS_IGNORE));
        CHECK(n == i);
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    }
    for (int k = 0; k < 2; k++) {
        OK(MPI_Cancel(&waits[k]));
        OK(MPI_Wait(&waits[k], MPI_STATUS_IGNORE));
    }
}

/* All at once, and the first and last of them used; then half, made again in the gaps. */
static void test_alive(int alive)
{
    MPI_Comm *comm = malloc((size_t)alive * sizeof(*comm));

    CHECK(comm);
    for (int i = 0; i < alive; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm[i]));
    for (int i = 0; i < alive; i += alive / 7 + 1)
        use(comm[i], i);
    keep_apart(comm, alive);
    for (int i = 0; i < alive; i += 2)
        OK(MPI_Comm_free(&comm[i]));
    for (int i = 0; i < alive; i += 2)
        OK(MPI_Comm_dup(comm[i + 1 < alive ? i + 1 : 1], &comm[i]));
    for (int i = 0; i < alive; i += alive / 7 + 1)
        use(comm[i], i);
    for (int i = 0; i < alive; i++)
        OK(MPI_Comm_free(&comm[i]));
    free(comm);
}

/* ---- Threads, each on a communicator of its own ---- */

static void *make_in_thread(void *arg)
{
    MPI_Comm mine = *(MPI_Comm *)arg, made[4];
    MPI_Request request;
    MPI_Group group;

    OK(MPI_Comm_group(mine, &group));
    for (int i = 0; i < THREAD_LOOPS; i++) {
        OK(MPI_Comm_dup(mine, &made[0]));
        OK(MPI_Comm_split(mine, rank % 2, 0, &made[1]));
        OK(MPI_Comm_idup(mine, &made[2], &request));
        OK(MPI_Comm_create_group(mine, group, i, &made[3]));
        OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        for (int k = 0; k < 4; k++)
            use(made[k], 10 * i + k);
        for (int k = 0; k < 4; k++)
            OK(MPI_Comm_free(&made[k]));
    }
    OK(MPI_Group_free(&group));
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];
    MPI_Comm comms[THREADS];

    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, make_in_thread, &comms[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_free(&comms[i]));
}

/* ---- Groups alone ---- */

struct make_group {
    MPI_Group group;
    int tag;
};

/* By tag where there is one, else by name. */
static void *make_of_group(void *arg)
{
    struct make_group *m = arg;
    char name[32];
    MPI_Comm comm;

    snprintf(name, sizeof(name), "comm_context %d", m->tag);
    for (int i = 0; i < THREAD_LOOPS; i++) {
        OK(MPI_Comm_create_group(MPI_COMM_WORLD, m->group, m->tag, &comm));
        use(comm, m->tag + i);
        OK(MPI_Comm_free(&comm));
        OK(MPI_Comm_create_from_group(m->group, name, MPI_INFO_NULL, MPI_ERRORS_ARE_FATAL, &comm));
        use(comm, m->tag + i);
        OK(MPI_Comm_free(&comm));
    }
    return NULL;
}

/*
 * The even ranks and the odd ones never meet, and each half makes two communicators at a time in
 * two threads, told apart by the tag alone; rank 0 is in groups that overlap.
 */
static void test_groups(void)
{
    int half[1][3] = {{rank % 2, size - 1, 2}};
    struct make_group make[2];
    MPI_Group world;
    pthread_t thread;

    if (half[0][0] > half[0][1])
        half[0][1] = half[0][0];
    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    for (int i = 0; i < 2; i++) {
        OK(MPI_Group_range_incl(world, 1, half, &make[i].group));
        make[i].tag = 100 + i;
    }
    CHECK(!pthread_create(&thread, NULL, make_of_group, &make[0]));
    make_of_group(&make[1]);
    CHECK(!pthread_join(thread, NULL));
    for (int i = 0; i < 2; i++)
        OK(MPI_Group_free(&make[i].group));
    OK(MPI_Group_free(&world));
}

/* ---- Freed with messages on their way ---- */

static void test_traffic(void)
{
    MPI_Request requests[2 * TRAFFIC];
    static char in[TRAFFIC][30000], out[TRAFFIC][30000];

    for (int i = 0; i < TRAFFIC; i++) {
        size_t len = i % 2 ? sizeof(out[i]) : 8;
        MPI_Comm comm;

        fill(out[i], len, rank + i);
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
        OK(MPI_Irecv(in[i], (int)len, MPI_CHAR, left(), i, comm, &requests[2 * i]));
        OK(MPI_Isend(out[i], (int)len, MPI_CHAR, right(), i, comm, &requests[2 * i + 1]));
        OK(MPI_Comm_free(&comm));
    }
    OK(MPI_Waitall(2 * TRAFFIC, requests, MPI_STATUSES_IGNORE));
    for (int i = 0; i < TRAFFIC; i++)
        CHECK(filled(in[i], i % 2 ? sizeof(in[i]) : 8, left() + i));
}

int main(int argc, char **argv)
{
    int loops = argc > 1 ? atoi(argv[1]) : 2000, alive = argc > 2 ? atoi(argv[2]) : 2000, level;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK(level == MPI_THREAD_MULTIPLE && alive > 1);
    test_loops(loops);
    test_ids_return();
    test_alive(alive);
    test_threads();
    test_groups();
    test_traffic();
    return end("comm_context");
}
