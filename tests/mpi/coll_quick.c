/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Short operations again and again, as iterative programs call them: the library remembers the
 * last one's arguments and takes a shorter way. On communicators of their own, whose first
 * operations go by messages and the later ones through shared memory; with late ranks, with other
 * operations in between, and with a rank that suddenly brings another length.
 */
#include "mpitest.h"

#include <unistd.h>

enum { AGAIN = 30, MOST = 14 };

/* Each rank is late in its turn: some wait too long for the short way, and some not at all. */
static void be_late(int i)
{
    if (i % 5 == 4 && i % size == rank)
        usleep(500);
}

static double value(int of, int i)
{
    return of * 100 + i;
}

static void allreduce(MPI_Comm comm, int count, int i, int in_place)
{
    double mine[MOST], sum[MOST], want = 0;

    for (int r = 0; r < size; r++)
        want += value(r, i);
    for (int e = 0; e < count; e++)
        sum[e] = mine[e] = value(rank, i) + e;
    OK(MPI_Allreduce(in_place ? MPI_IN_PLACE : mine, sum, count, MPI_DOUBLE, MPI_SUM, comm));
    for (int e = 0; e < count; e++) {
        CHECK(sum[e] == want + e * size);
        CHECK(mine[e] == value(rank, i) + e);
    }
}

static void bcast(MPI_Comm comm, int i)
{
    double x = rank == i % size ? value(3, i) : -1;

    OK(MPI_Bcast(&x, 1, MPI_DOUBLE, i % size, comm));
    CHECK(x == value(3, i));
}

static void allgather(MPI_Comm comm, int i, int in_place)
{
    double mine = value(rank, i), *all = malloc((size_t)size * sizeof *all);

    for (int r = 0; r < size; r++)
        all[r] = r == rank ? mine : -1;
    OK(MPI_Allgather(in_place ? MPI_IN_PLACE : &mine, 1, MPI_DOUBLE, all, 1, MPI_DOUBLE, comm));
    for (int r = 0; r < size; r++)
        CHECK(all[r] == value(r, i));
    free(all);
}

static void alltoall(MPI_Comm comm, int i, int in_place)
{
    double *out = malloc(2 * (size_t)size * sizeof *out), *in = out + size;

    for (int r = 0; r < size; r++)
        in[r] = out[r] = value(rank, i) + 1000 * r;
    OK(MPI_Alltoall(in_place ? MPI_IN_PLACE : out, 1, MPI_DOUBLE, in, 1, MPI_DOUBLE, comm));
    for (int r = 0; r < size; r++)
        CHECK(in[r] == value(r, i) + 1000 * rank);
    free(out);
}

static void one_kind(void (*run)(MPI_Comm comm, int i, int which), int which)
{
    MPI_Comm comm;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    for (int i = 0; i < AGAIN; i++) {
        be_late(i);
        run(comm, i, which);
    }
    OK(MPI_Comm_free(&comm));
}

static void run_allreduce(MPI_Comm comm, int i, int which)
{
    allreduce(comm, which / 2, i, which % 2);
}

static void run_bcast(MPI_Comm comm, int i, int which)
{
    (void)which;
    bcast(comm, i);
}

/* With something else of the same communicator under way, completed by the blocking one's wait. */
static void run_all(MPI_Comm comm, int i, int which)
{
    double mine = value(rank, i), least;
    MPI_Request r;

    if (i % 3 == 0)
        OK(MPI_Iallreduce(&mine, &least, 1, MPI_DOUBLE, MPI_MIN, comm, &r));
    allreduce(comm, 1, i, which);
    bcast(comm, i);
    OK(MPI_Barrier(comm));
    allgather(comm, i, which);
    alltoall(comm, i, which);
    if (i % 3 == 0) {
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        CHECK(least == value(0, i));
    }
}

/* The others repeat what they did; the last rank comes with more, or less. */
static void test_disagreement(int before, int others, int odd)
{
    double mine[MOST] = {0}, sum[MOST];
    int class = MPI_SUCCESS;
    MPI_Comm comm;

    if (size == 1)
        return;
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    for (int i = 0; i < before; i++)
        OK(MPI_Allreduce(mine, sum, others, MPI_DOUBLE, MPI_SUM, comm));
    int rc = MPI_Allreduce(mine, sum, rank == size - 1 ? odd : others, MPI_DOUBLE, MPI_SUM, comm);
    OK(MPI_Error_class(rc, &class));
    CHECK(class == MPI_ERR_TRUNCATE);
    OK(MPI_Comm_free(&comm));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    for (int count = 1; count <= MOST; count += count < 8 ? 7 : 3)
        for (int in_place = 0; in_place < 2; in_place++)
            one_kind(run_allreduce, 2 * count + in_place);
    one_kind(run_bcast, 0);
    one_kind(run_all, 0);
    one_kind(run_all, 1);
    for (int before = 3; before < AGAIN; before += 20) {
        test_disagreement(before, 2, 1);
        test_disagreement(before, 1, 2);
    }
    return end("coll_quick");
}
