/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank has no memory for what a collective needs of its own: it says so, the others get an end
 * of the operation, with an error or without, and the next one is right.
 */
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "mpitest.h"

enum { ITEMS = 4 << 20, STARVED = 1, HEADROOM = 14 << 20 };

static MPI_Comm world;
static MPI_Datatype column; /* two in each ITEMS ints: interrupted, so that it is packed */
static int *in, *out;
static int starved_told; /* calls that found no memory */

/* All address space that is not in use, but for a little, goes or comes back. */
static void starve(bool now)
{
    static struct rlimit before;
    struct rlimit limit;
    long pages = 0;

    if (rank != STARVED)
        return;
    if (!now) {
        setrlimit(RLIMIT_AS, &before);
        return;
    }
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%ld", &pages) == 1);
    fclose(f);
    getrlimit(RLIMIT_AS, &before);
    limit = before;
    limit.rlim_cur = (rlim_t)pages * 4096 + HEADROOM;
    setrlimit(RLIMIT_AS, &limit);
}

static int call(int which)
{
    int root = size - 1;

    switch (which) {
    case 0:
        return MPI_Allreduce(in, out, ITEMS, MPI_INT, MPI_SUM, world);
    case 1:
        return MPI_Reduce(in, out, ITEMS, MPI_INT, MPI_SUM, root, world);
    case 2:
        return MPI_Reduce_scatter_block(in, out, ITEMS / size, MPI_INT, MPI_SUM, world);
    case 3:
        return MPI_Scan(in, out, ITEMS, MPI_INT, MPI_SUM, world);
    case 4:
        return MPI_Exscan(in, out, ITEMS, MPI_INT, MPI_SUM, world);
    case 5:
        return MPI_Alltoall(MPI_IN_PLACE, 0, MPI_INT, out, ITEMS / size, MPI_INT, world);
    case 6:
        return MPI_Alltoall(in, ITEMS / size, MPI_INT, out, ITEMS / size, MPI_INT, world);
    case 7:
        return MPI_Allgather(in, ITEMS / size, MPI_INT, out, ITEMS / size, MPI_INT, world);
    case 8:
        return MPI_Gather(in, ITEMS / size, MPI_INT, out, ITEMS / size, MPI_INT, root, world);
    case 9:
        return MPI_Scatter(in, ITEMS / size, MPI_INT, out, ITEMS / size, MPI_INT, root, world);
    case 10:
        return MPI_Bcast(in, 1, column, 0, world);
    default:
        return MPI_Bcast(in, 1, column, STARVED, world);
    }
}

enum { CALLS = 12 };

static void test_right_after(void)
{
    for (int i = 0; i < ITEMS; i++)
        in[i] = rank + i % 7;
    OK(MPI_Allreduce(in, out, ITEMS, MPI_INT, MPI_SUM, world));
    for (int i = 0; i < ITEMS; i++)
        if (out[i] != size * (size - 1) / 2 + size * (i % 7)) {
            CHECK(!"the sum");
            break;
        }
}

static void test_starved(void)
{
    for (int which = 0; which < CALLS; which++) {
        int class = 0;

        OK(MPI_Barrier(world));
        if (getenv("VERBOSE"))
            fprintf(stderr, "rank %d call %d\n", rank, which);
        starve(true);
        int rc = call(which);
        starve(false);
        MPI_Error_class(rc, &class);
        if (rank == STARVED)
            starved_told += class == MPI_ERR_NO_MEM;
        CHECK(class == MPI_SUCCESS || class == MPI_ERR_NO_MEM || class == MPI_ERR_TRUNCATE ||
              class == MPI_ERR_OTHER);
    }
}

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* what is long goes back to the system at once */
    begin(&argc, &argv);
    if (SANITIZED || size < 2)
        return end("coll_starved");
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &world));
    OK(MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN));
    in = calloc(ITEMS, sizeof *in);
    out = calloc(ITEMS, sizeof *out);
    OK(MPI_Type_vector(ITEMS / 3, 2, 3, MPI_INT, &column));
    OK(MPI_Type_commit(&column));
    for (int which = 0; which < CALLS; which++)
        OK(call(which)); /* first contacts, areas */
    test_starved();
    test_right_after();
    OK(MPI_Type_free(&column));
    OK(MPI_Comm_free(&world));
    if (rank == STARVED && getenv("VERBOSE"))
        fprintf(stderr, "%d of %d found no memory\n", starved_told, CALLS);
    free(in);
    free(out);
    return end("coll_starved");
}
