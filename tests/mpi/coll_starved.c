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

enum { ITEMS = 8 << 20, STARVED = 1, HEADROOM = 6 << 20 };

static MPI_Comm comm;
static MPI_Datatype column; /* two in each 3 ints: interrupted, so that it is packed */
static int *in, *out, items;
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

/* All in place, but of one byte between STARVED and the last rank. */
static int one_byte(void)
{
    int counts[64], displs[64], each = items / size * (int)sizeof *out;

    for (int i = 0; i < size; i++) {
        bool short_one = (i == STARVED && rank == size - 1) || (rank == STARVED && i == size - 1);
        counts[i] = short_one ? 1 : each;
        displs[i] = each * i;
    }
    return MPI_Alltoallv(MPI_IN_PLACE, NULL, NULL, MPI_BYTE, out, counts, displs, MPI_BYTE, comm);
}

static int call(int which)
{
    int root = size - 1;

    switch (which) {
    case 0:
        return MPI_Allreduce(in, out, items, MPI_INT, MPI_SUM, comm);
    case 1:
        return MPI_Reduce(in, out, items, MPI_INT, MPI_SUM, root, comm);
    case 2:
        return MPI_Reduce_scatter_block(in, out, items / size, MPI_INT, MPI_SUM, comm);
    case 3:
        return MPI_Scan(in, out, items, MPI_INT, MPI_SUM, comm);
    case 4:
        return MPI_Exscan(in, out, items, MPI_INT, MPI_SUM, comm);
    case 5:
        return MPI_Alltoall(MPI_IN_PLACE, 0, MPI_INT, out, items / size, MPI_INT, comm);
    case 6:
        return MPI_Alltoall(in, items / size, MPI_INT, out, items / size, MPI_INT, comm);
    case 7:
        return MPI_Allgather(in, items / size, MPI_INT, out, items / size, MPI_INT, comm);
    case 8:
        return MPI_Gather(in, items / size, MPI_INT, out, items / size, MPI_INT, root, comm);
    case 9:
        return MPI_Scatter(in, items / size, MPI_INT, out, items / size, MPI_INT, root, comm);
    case 10:
        return MPI_Bcast(in, 1, column, 0, comm);
    case 11:
        return MPI_Bcast(in, 1, column, STARVED, comm);
    default:
        return one_byte();
    }
}

enum { CALLS = 13 };

static void test_right_after(void)
{
    for (int i = 0; i < ITEMS; i++)
        in[i] = rank + i % 7;
    OK(MPI_Allreduce(in, out, ITEMS, MPI_INT, MPI_SUM, comm));
    for (int i = 0; i < ITEMS; i++)
        if (out[i] != size * (size - 1) / 2 + size * (i % 7)) {
            CHECK(!"the sum");
            break;
        }
}

/* Each on the communicator that has an area by then, or on one that has none yet. */
static void test_starved(bool fresh)
{
    MPI_Comm old = comm;

    for (int which = 0; which < CALLS; which++) {
        int class = 0;

        if (fresh)
            OK(MPI_Comm_dup(old, &comm));
        OK(MPI_Barrier(comm));
        starve(true);
        int rc = call(which);
        starve(false);
        MPI_Error_class(rc, &class);
        if (getenv("VERBOSE"))
            fprintf(stderr, "rank %d call %d class %d\n", rank, which, class);
        starved_told += rank == STARVED && class == MPI_ERR_NO_MEM;
        CHECK(class == MPI_SUCCESS || class == MPI_ERR_NO_MEM);
        if (fresh)
            OK(MPI_Comm_free(&comm));
    }
    comm = old;
}

int main(int argc, char **argv)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* what is long goes back to the system at once */
    begin(&argc, &argv);
    if (SANITIZED || size < 2)
        return end("coll_starved");
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    in = calloc(ITEMS, sizeof *in);
    out = calloc(ITEMS, sizeof *out);
    OK(MPI_Type_vector(ITEMS / 3, 2, 3, MPI_INT, &column));
    OK(MPI_Type_commit(&column));
    /* First contacts, areas; but nothing that is kept may have the length of what follows. */
    items = 1024;
    for (int which = 0; which < CALLS; which++)
        OK(call(which));
    items = ITEMS;
    test_starved(false);
    test_starved(true);
    CHECK(rank != STARVED || starved_told);
    test_right_after();
    OK(MPI_Type_free(&column));
    OK(MPI_Comm_free(&comm));
    if (rank == STARVED && getenv("VERBOSE"))
        fprintf(stderr, "%d of %d found no memory\n", starved_told, 2 * CALLS);
    free(in);
    free(out);
    return end("coll_starved");
}
