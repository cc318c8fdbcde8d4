/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that use one file at once: each its own part by explicit offsets, with requests that the
 * library's thread works on; all of them the individual pointer, of which no place is given twice;
 * and in atomic mode one and the same place, which never holds half of what one wrote.
 */
#include <pthread.h>
#include <stdint.h>

#include "file_test.h"

enum { THREADS = 3, ROUNDS = 4, BLOCK = 100000, SHORT = 100 };

static MPI_File f;
static char taken[THREADS * ROUNDS];

static void *apart(void *arg)
{
    int me = (int)(intptr_t)arg;
    char *out = malloc(BLOCK), *in = malloc(BLOCK);
    MPI_Offset at = ((MPI_Offset)rank * THREADS + me) * BLOCK;
    MPI_Request q;
    MPI_Status s;

    for (int i = 0; i < ROUNDS; i++) {
        fill(out, BLOCK, rank + 10 * me + i);
        OK(MPI_File_iwrite_at(f, at, out, BLOCK, MPI_CHAR, &q));
        OK(MPI_Wait(&q, &s));
        CHECK(moved(&s, MPI_CHAR, BLOCK));
        OK(MPI_File_iread_at(f, at, in, BLOCK, MPI_CHAR, &q));
        int flag = 0;
        while (!flag)
            OK(MPI_Test(&q, &flag, &s));
        CHECK(moved(&s, MPI_CHAR, BLOCK) && filled(in, BLOCK, rank + 10 * me + i));
    }
    free(out);
    free(in);
    return NULL;
}

static void *in_turn(void *arg)
{
    char block[SHORT];
    MPI_Status s;

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        OK(MPI_File_read(f, block, SHORT, MPI_CHAR, &s));
        CHECK(moved(&s, MPI_CHAR, SHORT));
        int place = block[0];
        CHECK(place >= 0 && place < THREADS * ROUNDS);
        CHECK(!__atomic_exchange_n(&taken[place], 1, __ATOMIC_SEQ_CST));
    }
    return NULL;
}

static void *same_place(void *arg)
{
    int me = (int)(intptr_t)arg;
    char *block = malloc(BLOCK);

    for (int i = 0; i < ROUNDS; i++) {
        if (me == 0) {
            memset(block, 1 + rank + i, BLOCK);
            OK(MPI_File_write_at(f, 0, block, BLOCK, MPI_CHAR, MPI_STATUS_IGNORE));
        } else {
            OK(MPI_File_read_at(f, 0, block, BLOCK, MPI_CHAR, MPI_STATUS_IGNORE));
            CHECK(!memcmp(block, block + 1, BLOCK - 1));
        }
    }
    free(block);
    return NULL;
}

static void all(void *(*what)(void *))
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&thread[i], NULL, what, (void *)(intptr_t)i));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_join(thread[i], NULL));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

int main(int argc, char **argv)
{
    int level;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    CHECK(level == MPI_THREAD_MULTIPLE);
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    name_file("threads");
    OK(MPI_File_open(MPI_COMM_WORLD, path,
                     MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL,
                     &f));
    all(apart);
    for (int i = 0; rank == 0 && i < THREADS * ROUNDS; i++) {
        char block[SHORT];
        memset(block, i, SHORT);
        OK(MPI_File_write_at(f, SHORT * i, block, SHORT, MPI_CHAR, MPI_STATUS_IGNORE));
    }
    OK(MPI_Barrier(MPI_COMM_WORLD));
    all(in_turn);
    if (rank == 0) {
        char *block = calloc(1, BLOCK);
        OK(MPI_File_write_at(f, 0, block, BLOCK, MPI_CHAR, MPI_STATUS_IGNORE));
        free(block);
    }
    OK(MPI_File_set_atomicity(f, 1));
    all(same_place);
    OK(MPI_File_close(&f));
    return end("file_threads");
}
