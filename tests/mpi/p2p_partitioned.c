/* SPDX-License-Identifier: BSD-3-Clause */
/* Partitioned communication: the partitions leave one by one, and are seen one by one. */
#include <pthread.h>

#include "mpitest.h"

enum { ITEMS = 60, LARGE = 60000, ROUNDS = 4, TAG = 7, STRIDE = 3 };

static int out[LARGE * STRIDE], in[LARGE * STRIDE];

static int value(int from, int round, int item)
{
    return from * 100000 + round * 777 + item;
}

static void wait_arrived(MPI_Request r, int partition)
{
    int flag = 0;

    while (!flag)
        OK(MPI_Parrived(r, partition, &flag));
}

static int has_arrived(MPI_Request r, int partition)
{
    int flag = -1;

    OK(MPI_Parrived(r, partition, &flag));
    return flag;
}

/* All n partitions: backwards one by one, as two ranges, or as two lists, by the round. */
static void ready_all(MPI_Request r, int n, int round)
{
    int half = n / 2, list[ITEMS];

    for (int i = 0; i < n; i++)
        list[i] = (i * 7 + round) % n; /* no n here has the factor 7 */
    if (round % 3 == 0) {
        for (int i = n - 1; i >= 0; i--)
            OK(MPI_Pready(i, r));
    } else if (round % 3 == 1) {
        OK(MPI_Pready_range(half, n - 1, r));
        if (half)
            OK(MPI_Pready_range(0, half - 1, r));
    } else {
        OK(MPI_Pready_list(half, list, r));
        OK(MPI_Pready_list(n - half, list + half, r));
    }
}

/* Around the ring, with other partitions on the two sides and other types. */
static void ring(int items, int send_parts, int recv_parts, int send_stride, int recv_stride)
{
    MPI_Datatype types[2] = {MPI_INT, MPI_INT};
    MPI_Request r[2];
    MPI_Status s[2];

    if (send_stride > 1)
        OK(MPI_Type_create_resized(MPI_INT, 0, send_stride * (int)sizeof(int), &types[0]));
    if (recv_stride > 1)
        OK(MPI_Type_create_resized(MPI_INT, 0, recv_stride * (int)sizeof(int), &types[1]));
    for (int i = 0; i < 2; i++)
        if (types[i] != MPI_INT)
            OK(MPI_Type_commit(&types[i]));
    OK(MPI_Psend_init(out, send_parts, items / send_parts, types[0], right(), TAG, MPI_COMM_WORLD,
                      MPI_INFO_NULL, &r[0]));
    OK(MPI_Precv_init_c(in, recv_parts, items / recv_parts, types[1], left(), TAG, MPI_COMM_WORLD,
                        MPI_INFO_NULL, &r[1]));
    for (int i = 0; i < 2; i++)
        if (types[i] != MPI_INT)
            OK(MPI_Type_free(&types[i]));
    CHECK(has_arrived(r[1], 0)); /* inactive */
    for (int n = 0; n < ROUNDS; n++) {
        for (int i = 0; i < items; i++)
            out[i * send_stride] = value(rank, n, i);
        memset(in, -1, sizeof in);
        if (n % 2)
            OK(MPI_Start(&r[1]));
        else
            OK(MPI_Startall(2, r));
        for (int i = 0; i < recv_parts; i++)
            if (size == 1)
                CHECK(!has_arrived(r[1], i));
        if (n % 2)
            OK(MPI_Start(&r[0]));
        ready_all(r[0], send_parts, n);
        for (int i = recv_parts - 1; i >= 0; i--) {
            int per = items / recv_parts;
            wait_arrived(r[1], i);
            for (int j = i * per; j < (i + 1) * per; j++)
                CHECK(in[j * recv_stride] == value(left(), n, j));
        }
        OK(MPI_Waitall(2, r, s));
        CHECK(says(&s[1], left(), TAG, MPI_INT, items));
        for (int i = 0; recv_stride > 1 && i < items; i++)
            CHECK(in[i * recv_stride + 1] == -1);
        CHECK(has_arrived(r[1], 0));
    }
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
    CHECK(r[0] == MPI_REQUEST_NULL && r[1] == MPI_REQUEST_NULL);
}

static void shapes(void)
{
    static const int parts[] = {1, 2, 4, 5, 6, 60};

    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            ring(ITEMS, parts[i], parts[j], 1, 1);
    for (int i = 0; i < 4; i++) {
        int send = i % 2 ? STRIDE : 1, recv = i / 2 ? STRIDE : 1;
        ring(ITEMS, 6, 4, send, recv);
        ring(LARGE, 4, 6, send, recv);
    }
}

/* A partition that is ready is there although the others are not, large or small, or empty. */
static void one_by_one(int count)
{
    MPI_Request r[2];

    OK(MPI_Psend_init(out, 4, count, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r[0]));
    OK(MPI_Precv_init(in, 4, count, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r[1]));
    OK(MPI_Startall(2, r));
    for (int n = 0; n < 4; n++) {
        static const int order[] = {2, 0, 3, 1};
        int flag;
        OK(MPI_Pready(order[n], r[0]));
        wait_arrived(r[1], order[n]);
        for (int i = n + 1; i < 4; i++)
            CHECK(!has_arrived(r[1], order[i]));
        if (n < 3) {
            OK(MPI_Test(&r[1], &flag, MPI_STATUS_IGNORE));
            CHECK(!flag);
            OK(MPI_Test(&r[0], &flag, MPI_STATUS_IGNORE));
            CHECK(!flag);
        }
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

/* The same tag three times: the order of initialisation pairs them, started or not, and an ordinary
 * message of that tag is none of theirs. A receive may start before the sender is there. */
static void order(void)
{
    MPI_Request send[3], recv[3];
    int got[3] = {-1, -1, -1}, put[3] = {rank * 10, rank * 10 + 1, rank * 10 + 2}, plain = rank;

    for (int i = 0; i < 3; i++)
        OK(MPI_Precv_init(&got[i], 1, 1, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                          &recv[i]));
    OK(MPI_Request_free(&recv[1])); /* its sender is yet to come */
    OK(MPI_Startall(1, &recv[2]));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Sendrecv_replace(&plain, 1, MPI_INT, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                            MPI_STATUS_IGNORE));
    CHECK(plain == left());
    for (int i = 0; i < 3; i++)
        OK(MPI_Psend_init(&put[i], 1, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                          &send[i]));
    OK(MPI_Request_free(&send[1]));
    OK(MPI_Start(&send[0]));
    OK(MPI_Pready(0, send[0]));
    OK(MPI_Start(&send[2]));
    OK(MPI_Pready(0, send[2]));
    OK(MPI_Wait(&recv[2], MPI_STATUS_IGNORE));
    OK(MPI_Start(&recv[0]));
    OK(MPI_Wait(&recv[0], MPI_STATUS_IGNORE));
    CHECK(got[0] == left() * 10 && got[1] == -1 && got[2] == left() * 10 + 2);
    for (int i = 0; i < 3; i += 2) {
        OK(MPI_Wait(&send[i], MPI_STATUS_IGNORE));
        OK(MPI_Request_free(&send[i]));
        OK(MPI_Request_free(&recv[i]));
    }
}

/* Two rounds of the sender's before the receiver's first; and a shorter and a longer message. */
static void ahead(void)
{
    MPI_Request s, r;
    MPI_Status status;
    int rc, class;

    OK(MPI_Psend_init(out, 2, 30, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &s));
    for (int n = 0; n < 2; n++) {
        for (int i = 0; i < ITEMS; i++)
            out[i] = value(rank, n, i);
        OK(MPI_Start(&s));
        OK(MPI_Pready_range(0, 1, s));
        OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
    }
    OK(MPI_Request_free(&s));
    OK(MPI_Precv_init(in, 3, 20, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    for (int n = 0; n < 2; n++) {
        OK(MPI_Start(&r));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        for (int i = 0; i < ITEMS; i++)
            CHECK(in[i] == value(left(), n, i));
    }
    OK(MPI_Request_free(&r));
    for (int room = 20; room <= 80; room += 60) {
        memset(in, -1, sizeof in);
        OK(MPI_Psend_init(out, 4, 15, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &s));
        OK(MPI_Precv_init(in, 2, room / 2, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                          &r));
        OK(MPI_Start(&r));
        OK(MPI_Start(&s));
        OK(MPI_Pready_range(0, 3, s));
        rc = MPI_Wait(&r, &status);
        MPI_Error_class(rc, &class);
        CHECK(class == (room < ITEMS ? MPI_ERR_TRUNCATE : MPI_SUCCESS));
        CHECK(says(&status, left(), TAG, MPI_INT, room < ITEMS ? room : ITEMS));
        for (int i = 0; i < 80; i++)
            CHECK(in[i] == (i < room && i < ITEMS ? value(left(), 1, i) : -1));
        OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
        OK(MPI_Request_free(&r));
        OK(MPI_Request_free(&s));
    }
}

/* Nobody on the other side, no partitions, no request. */
static void nothing(void)
{
    MPI_Request r[2];
    MPI_Status s[2];
    int flag;

    OK(MPI_Psend_init(out, 2, 1, MPI_INT, MPI_PROC_NULL, TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                      &r[0]));
    OK(MPI_Precv_init(in, 3, 1, MPI_INT, MPI_PROC_NULL, TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r[1]));
    OK(MPI_Startall(2, r));
    CHECK(has_arrived(r[1], 2));
    OK(MPI_Pready(1, r[0]));
    OK(MPI_Test(&r[0], &flag, &s[0]));
    CHECK(!flag);
    OK(MPI_Pready(0, r[0]));
    OK(MPI_Waitall(2, r, s));
    CHECK(says(&s[1], MPI_PROC_NULL, MPI_ANY_TAG, MPI_INT, 0));
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
    CHECK(has_arrived(MPI_REQUEST_NULL, 0));

    OK(MPI_Psend_init(NULL, 0, 0, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r[0]));
    OK(MPI_Precv_init(NULL, 3, 0, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r[1]));
    OK(MPI_Startall(2, r));
    OK(MPI_Waitall(2, r, s));
    CHECK(says(&s[1], left(), TAG, MPI_INT, 0));
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

static int class_of(int rc)
{
    int class = -1;

    MPI_Error_class(rc, &class);
    return class;
}

static void mistakes(void)
{
    static const int bad[] = {0, 1, 4}, twice[] = {2, 2}, good[] = {1, 3, 0};
    MPI_Request s, r;
    int flag;

    CHECK(class_of(MPI_Psend_init(out, -1, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                                  &s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Precv_init(in, 1, 1, MPI_INT, MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD,
                                  MPI_INFO_NULL, &r)) == MPI_ERR_RANK);
    CHECK(class_of(MPI_Precv_init(in, 1, 1, MPI_INT, left(), MPI_ANY_TAG, MPI_COMM_WORLD,
                                  MPI_INFO_NULL, &r)) == MPI_ERR_TAG);
    OK(MPI_Psend_init(out, 4, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &s));
    OK(MPI_Precv_init(in, 4, 1, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    CHECK(class_of(MPI_Pready(0, s)) == MPI_ERR_REQUEST); /* inactive */
    OK(MPI_Start(&s));
    OK(MPI_Start(&r));
    CHECK(class_of(MPI_Start(&s)) == MPI_ERR_REQUEST);
    CHECK(class_of(MPI_Cancel(&s)) == MPI_ERR_REQUEST);
    CHECK(class_of(MPI_Pready(0, r)) == MPI_ERR_REQUEST);
    CHECK(class_of(MPI_Parrived(s, 0, &flag)) == MPI_ERR_REQUEST);
    CHECK(class_of(MPI_Pready(0, MPI_REQUEST_NULL)) == MPI_ERR_REQUEST);
    CHECK(class_of(MPI_Pready(4, s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Pready(-1, s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Parrived(r, 4, &flag)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Pready_range(2, 1, s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Pready_range(0, 4, s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Pready_list(3, bad, s)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Pready_list(2, twice, s)) == MPI_ERR_ARG);
    OK(MPI_Pready(2, s)); /* none of those above counts */
    CHECK(class_of(MPI_Pready_range(1, 3, s)) == MPI_ERR_ARG);
    OK(MPI_Pready_list(3, good, s));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
    OK(MPI_Request_free(&s));
    OK(MPI_Request_free(&r));
}

/* What it is for: threads that each fill and send their own partitions. */
enum { THREADS = 4, EACH = 15 };

static MPI_Request shared;

static void *fill_and_send(void *arg)
{
    int first = *(int *)arg * EACH;

    for (int i = first; i < first + EACH; i++) {
        out[i] = value(rank, 9, i);
        OK(MPI_Pready(i, shared));
    }
    return NULL;
}

static void threads(void)
{
    MPI_Request r;
    pthread_t thread[THREADS];
    int index[THREADS];

    OK(MPI_Psend_init(out, ITEMS, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                      &shared));
    OK(MPI_Precv_init(in, 5, ITEMS / 5, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    for (int n = 0; n < 50; n++) {
        memset(out, 0, ITEMS * sizeof *out);
        OK(MPI_Start(&r));
        OK(MPI_Start(&shared));
        for (int i = 0; i < THREADS; i++) {
            index[i] = i;
            CHECK(pthread_create(&thread[i], NULL, fill_and_send, &index[i]) == 0);
        }
        for (int i = 0; i < 5; i++)
            wait_arrived(r, i);
        for (int i = 0; i < ITEMS; i++)
            CHECK(in[i] == value(left(), 9, i));
        for (int i = 0; i < THREADS; i++)
            CHECK(pthread_join(thread[i], NULL) == 0);
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        OK(MPI_Wait(&shared, MPI_STATUS_IGNORE));
    }
    OK(MPI_Request_free(&shared));
    OK(MPI_Request_free(&r));
}

int main(int argc, char **argv)
{
    int provided;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
    CHECK(provided == MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    shapes();
    one_by_one(0);
    one_by_one(1);
    one_by_one(LARGE / 4);
    order();
    ahead();
    nothing();
    mistakes();
    threads();
    return end("p2p_partitioned");
}
