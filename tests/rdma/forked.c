/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Children while memory is registered: what the parent writes after a fork, which makes the system
 * copy a page for one of the two, must be what others get from its window, and what others put
 * there must be what the parent reads. The children write to the same memory, end, or run a
 * program.
 */
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"

enum { ROUNDS = 6, HALF = 1 << 16, BYTES = 2 * HALF };

/* A child that is there until the pipe is closed. */
static pid_t child_start(int round, char *mem, int until[2])
{
    char byte;

    CHECK(pipe(until) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid)
        return pid;
    close(until[1]);
    if (round % 3 == 0)
        memset(mem, 0xee, BYTES);
    ssize_t n = read(until[0], &byte, 1);
    if (round % 3 == 1)
        execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
    if (round % 3 == 2)
        exit(n == 0 ? 0 : 2); /* with all that is to be done at a process's end */
    _exit(n == 0 ? 0 : 2);
}

static void child_end(pid_t pid, int until[2])
{
    int status;

    close(until[0]);
    close(until[1]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

/* All ranks but 0 look at rank 0's window and write to it, while rank 0 has a child. */
static void play(MPI_Win win, char *mem, int round)
{
    char *own = malloc(HALF);
    int until[2];
    pid_t child = 0;

    fill(mem, BYTES, round); /* now the pages are the parent's own */
    if (rank == 0) {
        child = child_start(round, mem, until);
        fill(mem, HALF, round + 100);
    }
    OK(MPI_Barrier(MPI_COMM_WORLD));
    if (rank == 1) {
        OK(MPI_Get(own, HALF, MPI_BYTE, 0, 0, HALF, MPI_BYTE, win));
        OK(MPI_Win_flush(0, win));
        CHECK(filled(own, HALF, round + 100));
        fill(own, HALF, round + 200);
        OK(MPI_Put(own, HALF, MPI_BYTE, 0, HALF, HALF, MPI_BYTE, win));
        OK(MPI_Win_flush(0, win));
    }
    OK(MPI_Barrier(MPI_COMM_WORLD));
    if (rank == 0) {
        OK(MPI_Win_sync(win));
        CHECK(filled(mem + HALF, HALF, round + 200));
        child_end(child, until);
    }
    /* And messages, from and into memory that was there before the child. */
    if (rank == 0)
        OK(MPI_Send(mem + HALF, HALF, MPI_BYTE, 1, 0, MPI_COMM_WORLD));
    if (rank == 1) {
        OK(MPI_Recv(own, HALF, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(filled(own, HALF, round + 200));
    }
    free(own);
}

static void play_all(MPI_Win win, char *mem)
{
    OK(MPI_Win_lock_all(0, win));
    for (int round = 0; size > 1 && round < ROUNDS; round++)
        play(win, mem, round);
    OK(MPI_Win_unlock_all(win));
    OK(MPI_Win_free(&win));
}

int main(int argc, char **argv)
{
    char *mem = malloc(BYTES);
    MPI_Win win;

    begin(&argc, &argv);
    OK(MPI_Win_create(mem, BYTES, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    play_all(win, mem);
    free(mem);
    return end("forked");
}
