/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong arguments are told at once, and ranks that disagree learn of it instead of waiting. */
#include "mpitest.h"

#define FAILS(class, call)                                                                         \
    do {                                                                                           \
        int rc = (call), c = -1;                                                                   \
        MPI_Error_class(rc, &c);                                                                   \
        if (c != (class)) {                                                                        \
            fprintf(stderr, "%s:%d: %s gives class %d, not " #class "\n", __FILE__, __LINE__,      \
                    #call, c);                                                                     \
            CHECK(!"the class of the error");                                                      \
        }                                                                                          \
    } while (0)

static MPI_Comm world;

static void test_arguments(void)
{
    int a[64] = {0}, b[64] = {0}, *none = NULL, bad[64], counts[64], displs[64] = {0};
    MPI_Datatype types[64];
    MPI_Request r;
    MPI_Datatype fresh;

    for (int i = 0; i < 64; i++)
        bad[i] = -1;
    FAILS(MPI_ERR_COMM, MPI_Barrier(MPI_COMM_NULL));
    FAILS(MPI_ERR_ROOT, MPI_Bcast(a, 1, MPI_INT, size, world));
    FAILS(MPI_ERR_ROOT, MPI_Bcast(a, 1, MPI_INT, -1, world));
    FAILS(MPI_ERR_COUNT, MPI_Bcast(a, -1, MPI_INT, 0, world));
    FAILS(MPI_ERR_TYPE, MPI_Bcast(a, 1, MPI_DATATYPE_NULL, 0, world));
    FAILS(MPI_ERR_BUFFER, MPI_Bcast(none, 1, MPI_INT, 0, world));
    FAILS(MPI_ERR_BUFFER, MPI_Bcast(MPI_IN_PLACE, 1, MPI_INT, 0, world));
    FAILS(MPI_ERR_OP, MPI_Allreduce(a, b, 1, MPI_INT, MPI_OP_NULL, world));
    FAILS(MPI_ERR_OP, MPI_Allreduce(a, b, 1, MPI_DOUBLE, MPI_BAND, world));
    FAILS(MPI_ERR_OP, MPI_Allreduce(a, b, 1, MPI_BYTE, MPI_SUM, world));
    FAILS(MPI_ERR_BUFFER, MPI_Allreduce(a, a, 1, MPI_INT, MPI_SUM, world));
    FAILS(MPI_ERR_BUFFER, MPI_Allreduce(a, MPI_IN_PLACE, 1, MPI_INT, MPI_SUM, world));
    FAILS(MPI_ERR_BUFFER, MPI_Allgather(b + rank, 1, MPI_INT, b, 1, MPI_INT, world));
    FAILS(MPI_ERR_BUFFER, MPI_Alltoall(a, 1, MPI_INT, a, 1, MPI_INT, world));
    FAILS(MPI_ERR_BUFFER, MPI_Alltoall(a, 1, MPI_INT, MPI_IN_PLACE, 1, MPI_INT, world));
    for (int i = 0; i < 64; i++) {
        counts[i] = 1;
        types[i] = MPI_INT;
    }
    FAILS(MPI_ERR_BUFFER, MPI_Alltoallw(a, counts, displs, types, a, counts, displs, types, world));
    FAILS(MPI_ERR_BUFFER, MPI_Reduce_local(MPI_IN_PLACE, b, 1, MPI_INT, MPI_SUM));
    FAILS(MPI_ERR_BUFFER, MPI_Reduce_local(a, MPI_IN_PLACE, 1, MPI_INT, MPI_SUM));
    FAILS(MPI_ERR_BUFFER, MPI_Reduce_local(a, a, 1, MPI_INT, MPI_SUM));
    FAILS(MPI_ERR_BUFFER, MPI_Reduce_local(none, b, 1, MPI_INT, MPI_SUM));
    FAILS(MPI_ERR_OP, MPI_Reduce_local(a, b, 1, MPI_INT, MPI_OP_NULL));
    FAILS(MPI_ERR_COUNT, MPI_Allgatherv(a, 1, MPI_INT, b, bad, displs, MPI_INT, world));
    FAILS(MPI_ERR_COUNT, MPI_Reduce_scatter(a, b, bad, MPI_INT, MPI_SUM, world));
    FAILS(MPI_ERR_BUFFER, rank ? MPI_Reduce(MPI_IN_PLACE, b, 1, MPI_INT, MPI_SUM, 0, world)
                               : MPI_Reduce(a, a, 1, MPI_INT, MPI_SUM, 0, world));
    FAILS(MPI_ERR_ROOT, MPI_Ibcast(a, 1, MPI_INT, size, world, &r));
    FAILS(MPI_ERR_ROOT, MPI_Bcast_init(a, 1, MPI_INT, size, world, MPI_INFO_NULL, &r));
    OK(MPI_Type_contiguous(2, MPI_INT, &fresh));
    FAILS(MPI_ERR_TYPE, MPI_Bcast(a, 1, fresh, 0, world));
    OK(MPI_Type_free(&fresh));
}

static void test_making(void)
{
    MPI_Comm comm = MPI_COMM_WORLD;
    MPI_Group group;

    FAILS(MPI_ERR_ARG, MPI_Comm_split(world, -5, 0, &comm));
    FAILS(MPI_ERR_ARG, MPI_Comm_split_type(world, 12345, 0, MPI_INFO_NULL, &comm));
    OK(MPI_Comm_group(world, &group));
    FAILS(MPI_ERR_TAG, MPI_Comm_create_group(world, group, -1, &comm));
    OK(MPI_Group_free(&group));
    FAILS(MPI_ERR_GROUP, MPI_Comm_create(world, MPI_GROUP_NULL, &comm));
    comm = MPI_COMM_WORLD;
    FAILS(MPI_ERR_COMM, MPI_Comm_free(&comm));
    comm = MPI_COMM_NULL;
    FAILS(MPI_ERR_COMM, MPI_Comm_free(&comm));
    OK(MPI_Comm_dup(world, &comm));
    MPI_Comm stale = comm;
    OK(MPI_Comm_free(&comm));
    FAILS(MPI_ERR_COMM, MPI_Barrier(stale));
}

/* Who receives nothing may give the buffer that it sends. */
static void test_nothing_to_alias(void)
{
    int a[4] = {1, 2, 3, 4}, b[4], counts[64] = {0};

    counts[size - 1] = 4;
    OK(MPI_Reduce_scatter(a, rank == size - 1 ? b : a, counts, MPI_INT, MPI_SUM, world));
    CHECK(rank < size - 1 || b[3] == 4 * size);
    counts[0] = 4;
    FAILS(MPI_ERR_BUFFER, MPI_Reduce_scatter(a, a, counts, MPI_INT, MPI_SUM, MPI_COMM_SELF));
}

/* One rank brings another count: it fails there, and with all who get its data. */
static void test_disagreement(void)
{
    int a[20] = {0}, b[20], odd = size - 1, failed;
    MPI_Request r;
    MPI_Comm comm;

    if (size == 1)
        return;
    OK(MPI_Comm_dup(world, &comm));
    failed = MPI_Allreduce(a, b, rank == odd ? 20 : 10, MPI_INT, MPI_SUM, comm) != MPI_SUCCESS;
    CHECK(failed);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Comm_dup(world, &comm));
    OK(MPI_Iallreduce(a, b, rank == odd ? 10 : 20, MPI_INT, MPI_SUM, comm, &r));
    FAILS(MPI_ERR_TRUNCATE, MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Comm_dup(world, &comm));
    failed = MPI_Bcast(a, rank == odd ? 10 : 20, MPI_INT, 0, comm) != MPI_SUCCESS;
    CHECK(failed == (rank == odd));
    OK(MPI_Comm_free(&comm));
}

/* After that the communicator is as good as before, also where the odd rank's data took another way
 * through shared memory than the others'. */
static void test_after_disagreement(void)
{
    static int a[40], b[40 * 64];
    MPI_Comm comm;

    OK(MPI_Comm_dup(world, &comm));
    for (int i = 0; i < 40; i++) /* so many that the area is in use */
        OK(MPI_Barrier(comm));
    for (int round = 0; round < 8; round++) {
        int n = round == 2 && rank == size - 1 ? 10 : 40;

        for (int i = 0; i < 40; i++)
            a[i] = 1000 * round + rank;
        int rc = MPI_Allgather(a, n, MPI_INT, b, n, MPI_INT, comm);
        CHECK(rc == MPI_SUCCESS || round == 2);
        for (int i = 0; round != 2 && i < 40 * size; i++)
            CHECK(b[i] == 1000 * round + i / 40);
        n = round == 5 && rank == 0 ? 10 : 40;
        rc = MPI_Allreduce(a, b, n, MPI_INT, MPI_MAX, comm);
        CHECK(rc == MPI_SUCCESS || round == 5);
        for (int i = 0; round != 5 && i < 40; i++)
            CHECK(b[i] == 1000 * round + size - 1);
    }
    OK(MPI_Comm_free(&comm));
}

/* The root's own part does not fit: all hear of it, in as many steps, whatever the length. */
static void test_own_mismatch(void)
{
    enum { LONG = 1 << 18 };
    static int from[LONG * 8], to[LONG];
    MPI_Comm comm;

    if (size > 8)
        return;
    OK(MPI_Comm_dup(world, &comm));
    for (int i = 0; i < 40; i++) /* so many that the area is in use */
        OK(MPI_Barrier(comm));
    for (int n = 1000; n <= LONG && size > 1; n *= 4) {
        int rc = MPI_Scatter(from, n, MPI_INT, to, n - (rank == 0), MPI_INT, 0, comm);

        CHECK(rc || rank);
        OK(MPI_Barrier(comm));
        for (int i = 0; i < 20; i++) {
            int mine = i * (rank + 1), all = 0;

            OK(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_SUM, comm));
            CHECK(all == i * size * (size + 1) / 2);
        }
    }
    OK(MPI_Comm_free(&comm));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &world));
    test_arguments();
    test_nothing_to_alias();
    test_making();
    test_disagreement();
    test_after_disagreement();
    test_own_mismatch();
    OK(MPI_Comm_free(&world));
    return end("coll_errors");
}
