/* SPDX-License-Identifier: BSD-3-Clause */
/* Eight threads at once, each on a communicator of its own, then all on one. */
#include <pthread.h>

#include "mpitest.h"

enum { THREADS = 8, ROUNDS = 200, MOST = 40000 };

static MPI_Comm comms[THREADS];

struct job {
    int number;
    MPI_Comm comm;
    int tag;
};

static void *work(void *arg)
{
    struct job *j = arg;
    char *out = malloc(MOST), *in = malloc(MOST);

    for (int i = 0; i < ROUNDS; i++) {
        int len = i % 10 == 0 ? MOST : (i * 37) % 3000;
        MPI_Request r[2];
        MPI_Status s[2];
        fill(out, len, rank + j->number + i);
        memset(in, 0, len);
        switch (i % 4) {
        case 0:
            OK(MPI_Irecv(in, len, MPI_CHAR, left(), j->tag, j->comm, &r[0]));
            OK(MPI_Isend(out, len, MPI_CHAR, right(), j->tag, j->comm, &r[1]));
            OK(MPI_Waitall(2, r, s));
            break;
        case 1:
            OK(MPI_Isend(out, len, MPI_CHAR, right(), j->tag, j->comm, &r[1]));
            OK(MPI_Recv(in, len, MPI_CHAR, left(), j->tag, j->comm, &s[0]));
            OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
            break;
        case 2:
            OK(MPI_Sendrecv(out, len, MPI_CHAR, right(), j->tag, in, len, MPI_CHAR, left(), j->tag,
                            j->comm, &s[0]));
            break;
        default:
            OK(MPI_Issend(out, len, MPI_CHAR, right(), j->tag, j->comm, &r[1]));
            OK(MPI_Recv(in, MOST, MPI_CHAR, MPI_ANY_SOURCE, j->tag, j->comm, &s[0]));
            OK(MPI_Wait(&r[1], MPI_STATUS_IGNORE));
        }
        CHECK(says(&s[0], left(), j->tag, MPI_CHAR, len));
        CHECK(filled(in, len, left() + j->number + i));
    }
    free(out);
    free(in);
    return NULL;
}

static void run(int one)
{
    pthread_t t[THREADS];
    struct job j[THREADS];

    for (int i = 0; i < THREADS; i++) {
        j[i] = (struct job){i, one ? MPI_COMM_WORLD : comms[i], one ? i : 5};
        CHECK(pthread_create(&t[i], NULL, work, &j[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

int main(int argc, char **argv)
{
    int level;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    CHECK(level == MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]));
    run(0);
    run(1);
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_free(&comms[i]));
    return end("p2p_threads");
}
