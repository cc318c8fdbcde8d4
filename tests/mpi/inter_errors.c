/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mistakes with intercommunicators: each call says what is wrong by its class, on every rank that
 * cannot get what it asked for, and the communicator serves on.
 */
#include <pthread.h>

#include "inter_test.h"

static MPI_Comm inter, local;
static int mine, n_theirs;

/* The class of what a call returns. */
static int class_of(int code)
{
    int class = -1;

    OK(MPI_Error_class(code, &class));
    return class;
}

#define FAILS(call, class)                                                                         \
    do {                                                                                           \
        int code = (call), got = class_of(code);                                                   \
        if (got != (class)) {                                                                      \
            fprintf(stderr, "rank %d: %s: class %d, not " #class " (%d)\n", rank, #call, got,      \
                    class);                                                                        \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static void still_works(void)
{
    int one = 1, n = 0;

    OK(MPI_Allreduce(&one, &n, 1, MPI_INT, MPI_SUM, inter));
    CHECK(n == n_theirs);
}

/* ---- Making them ---- */

static void test_create(void)
{
    MPI_Comm made = MPI_COMM_NULL;
    int there = world_of(PARITY, !mine, 0);

    FAILS(MPI_Intercomm_create(MPI_COMM_NULL, 0, MPI_COMM_WORLD, there, 0, &made), MPI_ERR_COMM);
    FAILS(MPI_Intercomm_create(inter, 0, MPI_COMM_WORLD, there, 0, &made), MPI_ERR_COMM);
    FAILS(MPI_Intercomm_create(local, size, MPI_COMM_WORLD, there, 0, &made), MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create(local, -1, MPI_COMM_WORLD, there, 0, &made), MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, there, -1, &made), MPI_ERR_TAG);
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, there, 0, NULL), MPI_ERR_ARG);
    /* Wrong at the leader alone, and all of its group hear of it. */
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_NULL, there, 0, &made), MPI_ERR_COMM);
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, size, 0, &made), MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, MPI_PROC_NULL, 0, &made), MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, mine, 0, &made),
          MPI_ERR_COMM); /* itself */
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, there, 0, &made));
    OK(MPI_Comm_free(&made));
}

/* Rank 0 alone against all, itself among them. */
static void *alone(void *arg)
{
    MPI_Comm self, made = MPI_COMM_NULL;

    (void)arg;
    OK(MPI_Comm_dup(MPI_COMM_SELF, &self));
    OK(MPI_Comm_set_errhandler(self, MPI_ERRORS_RETURN));
    FAILS(MPI_Intercomm_create(self, 0, MPI_COMM_WORLD, 1, 9, &made), MPI_ERR_COMM);
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Comm_free(&self));
    return NULL;
}

static void test_overlap(void)
{
    MPI_Comm world, made = MPI_COMM_NULL;
    pthread_t thread;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &world));
    if (rank == 0)
        CHECK(!pthread_create(&thread, NULL, alone, NULL));
    FAILS(MPI_Intercomm_create(world, 1, MPI_COMM_WORLD, 0, 9, &made), MPI_ERR_COMM);
    if (rank == 0)
        pthread_join(thread, NULL);
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Comm_free(&world));
}

static void test_groups(void)
{
    MPI_Group own, other;
    MPI_Comm made = MPI_COMM_NULL;
    const char *tag = "org.example.errors";

    OK(MPI_Comm_group(local, &own));
    OK(MPI_Comm_remote_group(inter, &other));
    FAILS(MPI_Intercomm_create_from_groups(MPI_GROUP_NULL, 0, other, 0, tag, MPI_INFO_NULL,
                                           MPI_ERRORS_RETURN, &made),
          MPI_ERR_GROUP);
    FAILS(MPI_Intercomm_create_from_groups(other, 0, own, 0, tag, MPI_INFO_NULL, MPI_ERRORS_RETURN,
                                           &made),
          MPI_ERR_GROUP);
    FAILS(MPI_Intercomm_create_from_groups(own, size, other, 0, tag, MPI_INFO_NULL,
                                           MPI_ERRORS_RETURN, &made),
          MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create_from_groups(own, 0, other, n_theirs, tag, MPI_INFO_NULL,
                                           MPI_ERRORS_RETURN, &made),
          MPI_ERR_RANK);
    FAILS(MPI_Intercomm_create_from_groups(own, 0, MPI_GROUP_NULL, 0, tag, MPI_INFO_NULL,
                                           MPI_ERRORS_RETURN, &made),
          MPI_ERR_GROUP);
    FAILS(MPI_Intercomm_create_from_groups(own, 0, other, 0, NULL, MPI_INFO_NULL, MPI_ERRORS_RETURN,
                                           &made),
          MPI_ERR_ARG);
    FAILS(MPI_Intercomm_create_from_groups(own, 0, other, 0, tag, MPI_INFO_NULL,
                                           MPI_ERRHANDLER_NULL, &made),
          MPI_ERR_ERRHANDLER);
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Group_free(&own));
    OK(MPI_Group_free(&other));
}

/* What is for one kind of communicator only. */
static void test_kinds(void)
{
    MPI_Comm made = MPI_COMM_NULL;
    MPI_Group g;
    MPI_Win win;
    int n, one[1] = {1}, zero[1] = {0};

    FAILS(MPI_Intercomm_merge(local, 0, &made), MPI_ERR_COMM);
    FAILS(MPI_Comm_remote_size(local, &n), MPI_ERR_COMM);
    FAILS(MPI_Comm_remote_group(local, &g), MPI_ERR_COMM);
    OK(MPI_Comm_group(inter, &g));
    FAILS(MPI_Comm_create_group(inter, g, 0, &made), MPI_ERR_COMM);
    OK(MPI_Group_free(&g));
    OK(MPI_Comm_remote_group(inter, &g));
    FAILS(MPI_Comm_create(inter, g, &made), MPI_ERR_GROUP);
    OK(MPI_Group_free(&g));
    FAILS(MPI_Comm_split(inter, -5, 0, &made), MPI_ERR_ARG);
    FAILS(MPI_Cart_create(inter, 1, one, zero, 0, &made), MPI_ERR_COMM);
    FAILS(MPI_Win_create(NULL, 0, 1, MPI_INFO_NULL, inter, &win), MPI_ERR_COMM);
    CHECK(made == MPI_COMM_NULL);
}

/* ---- Messages ---- */

static void test_ranks(void)
{
    int x = 0;

    FAILS(MPI_Send(&x, 1, MPI_INT, n_theirs, 0, inter), MPI_ERR_RANK);
    FAILS(MPI_Recv(&x, 1, MPI_INT, n_theirs, 0, inter, MPI_STATUS_IGNORE), MPI_ERR_RANK);
    FAILS(MPI_Send(&x, 1, MPI_INT, MPI_ROOT, 0, inter), MPI_ERR_RANK);
}

/* ---- Collectives ---- */

static void test_roots(void)
{
    int x = 0, many[16];
    MPI_Request r = MPI_REQUEST_NULL;
    int bad[] = {n_theirs, MPI_ANY_SOURCE, -100};

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(MPI_Bcast(&x, 1, MPI_INT, bad[i], inter), MPI_ERR_ROOT);
        FAILS(MPI_Gather(&x, 1, MPI_INT, many, 1, MPI_INT, bad[i], inter), MPI_ERR_ROOT);
        FAILS(MPI_Iscatter(many, 1, MPI_INT, &x, 1, MPI_INT, bad[i], inter, &r), MPI_ERR_ROOT);
        FAILS(MPI_Reduce_init(&x, many, 1, MPI_INT, MPI_SUM, bad[i], inter, MPI_INFO_NULL, &r),
              MPI_ERR_ROOT);
    }
    FAILS(MPI_Bcast(&x, 1, MPI_INT, MPI_ROOT, local), MPI_ERR_ROOT);
    FAILS(MPI_Bcast(&x, 1, MPI_INT, MPI_PROC_NULL, local), MPI_ERR_ROOT);
    CHECK(r == MPI_REQUEST_NULL);
}

static void test_arguments(void)
{
    int x = 0, y, many[16], n[16] = {-1};
    MPI_Request r = MPI_REQUEST_NULL;

    FAILS(MPI_Scan(&x, &y, 1, MPI_INT, MPI_SUM, inter), MPI_ERR_COMM);
    FAILS(MPI_Iscan(&x, &y, 1, MPI_INT, MPI_SUM, inter, &r), MPI_ERR_COMM);
    FAILS(MPI_Exscan(&x, &y, 1, MPI_INT, MPI_SUM, inter), MPI_ERR_COMM);
    FAILS(MPI_Exscan_init(&x, &y, 1, MPI_INT, MPI_SUM, inter, MPI_INFO_NULL, &r), MPI_ERR_COMM);
    FAILS(MPI_Allreduce(MPI_IN_PLACE, &y, 1, MPI_INT, MPI_SUM, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Allgather(MPI_IN_PLACE, 1, MPI_INT, many, 1, MPI_INT, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Alltoall(MPI_IN_PLACE, 1, MPI_INT, many, 1, MPI_INT, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Reduce_scatter_block(MPI_IN_PLACE, many, 1, MPI_INT, MPI_SUM, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Reduce(MPI_IN_PLACE, &y, 1, MPI_INT, MPI_SUM, 0, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Gather(MPI_IN_PLACE, 1, MPI_INT, NULL, 0, MPI_INT, 0, inter), MPI_ERR_BUFFER);
    FAILS(MPI_Allgather(&x, -1, MPI_INT, many, 1, MPI_INT, inter), MPI_ERR_COUNT);
    FAILS(MPI_Gatherv(NULL, 0, MPI_INT, many, n, n, MPI_INT, MPI_ROOT, inter), MPI_ERR_COUNT);
    FAILS(MPI_Allreduce(&x, &y, 1, MPI_DATATYPE_NULL, MPI_SUM, inter), MPI_ERR_TYPE);
    FAILS(MPI_Allreduce(&x, &y, 1, MPI_INT, MPI_OP_NULL, inter), MPI_ERR_OP);
    FAILS(MPI_Neighbor_alltoall(&x, 1, MPI_INT, many, 1, MPI_INT, inter), MPI_ERR_TOPOLOGY);
    CHECK(r == MPI_REQUEST_NULL);
}

/* One side has more than the other expects: somebody says so, nobody is left waiting. */
static void test_disagreement(void)
{
    int x[4] = {0}, y[64], errors = 0, found, root = mine ? 0 : rank ? MPI_PROC_NULL : MPI_ROOT;

    errors += MPI_Bcast(x, mine ? 2 : 4, MPI_INT, root, inter) != MPI_SUCCESS;
    OK(MPI_Allreduce(&errors, &found, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    CHECK(found > 0);
    still_works();
    errors = MPI_Allgather(x, 2, MPI_INT, y, mine ? 1 : 2, MPI_INT, inter) != MPI_SUCCESS;
    CHECK(errors == mine); /* all of that side, and they alone */
    still_works();
    errors = MPI_Allreduce(x, y, mine ? 2 : 4, MPI_INT, MPI_SUM, inter) != MPI_SUCCESS;
    OK(MPI_Allreduce(&errors, &found, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    CHECK(found == size);
    still_works();
}

int main(int argc, char **argv)
{
    int provided;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    CHECK(provided == MPI_THREAD_MULTIPLE && size <= 16);
    if (size > 1) {
        /* Those without a communicator's handler have MPI_COMM_SELF's. */
        OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
        OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
        inter = inter_make(PARITY, 0, &local);
        mine = side_of(PARITY, rank);
        n_theirs = size_of(PARITY, !mine);
        test_create();
        test_overlap();
        test_groups();
        test_kinds();
        test_ranks();
        test_roots();
        test_arguments();
        still_works();
        test_disagreement();
        OK(MPI_Comm_free(&inter));
        OK(MPI_Comm_free(&local));
    }
    return end("inter_errors");
}
