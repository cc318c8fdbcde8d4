/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rank 1 is stopped by SIGSTOP, all threads of it, and rank 0 puts into its window and gets from
 * it, with a flush after each: everything must be complete, and right, before it is continued.
 *
 *     stopped FOLDER
 *
 * FOLDER is one that both hosts see: in it a keeper, which rank 1 has as its child, says that its
 * parent is stopped, and rank 0 that it has finished.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"

enum {
    LIMIT = 100,
    HALF = 1 << 20,
    BYTES = 2 * HALF
}; /* seconds; rank 0 gets one half and puts the other */

static const size_t lengths[] = {1, 8, 4096, 65537, HALF};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static const char *folder;
static int to_keeper[2], from_keeper[2];

/* ---- Files that both hosts see ---- */

static char *path_of(const char *what, int round)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s.%d", folder, what, round);
    return path;
}

static void say(const char *what, int round)
{
    close(open(path_of(what, round), O_WRONLY | O_CREAT, 0600));
}

static bool is_said(const char *what, int round)
{
    struct stat status;

    return !stat(path_of(what, round), &status);
}

/* False after LIMIT seconds. */
static bool await(const char *what, int round)
{
    for (int i = 0; i < LIMIT * 20; i++) {
        if (is_said(what, round))
            return true;
        usleep(50000);
    }
    return false;
}

/* ---- The keeper ---- */

static bool is_stopped(pid_t pid)
{
    char path[64], line[256] = "";

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    const char *name_end = n > 0 ? strrchr(line, ')') : NULL;
    return name_end && name_end[2] == 'T';
}

/* For each byte that comes, stops the parent until rank 0 has finished; answers 'y', or 'n' where
 * it has not. */
static void keep(pid_t parent)
{
    char byte;

    for (int round = 0; read(to_keeper[0], &byte, 1) == 1; round++) {
        kill(parent, SIGSTOP);
        while (!is_stopped(parent))
            usleep(1000);
        say("stopped", round);
        byte = await("finished", round) && is_stopped(parent) ? 'y' : 'n';
        kill(parent, SIGCONT);
        if (write(from_keeper[1], &byte, 1) != 1)
            break;
    }
    _exit(0);
}

/* Before MPI knows of this process, so that the child is none of its. */
static pid_t keeper_start(void)
{
    pid_t parent = getpid();

    if (pipe(to_keeper) || pipe(from_keeper))
        exit(1);
    pid_t keeper = fork();
    if (keeper < 0)
        exit(1);
    if (keeper == 0) {
        close(to_keeper[1]);
        keep(parent);
    }
    return keeper;
}

/* ---- The two ranks ---- */

static void target(char *mem, int round)
{
    char byte = 's';

    CHECK(write(to_keeper[1], &byte, 1) == 1);
    CHECK(read(from_keeper[0], &byte, 1) == 1); /* stopped somewhere in here */
    CHECK(byte == 'y');
    OK(MPI_Barrier(MPI_COMM_WORLD));
    CHECK(filled(mem + HALF, HALF,
                 100 * round + LENGTHS - 1)); /* the last one covers all before it */
    CHECK(filled(mem, HALF, 7 + round));
}

static void put_and_get(MPI_Win win, char *own, size_t len, int seed, int target_seed)
{
    int n = (int)len;

    fill(own, len, seed);
    OK(MPI_Put(own, n, MPI_BYTE, 1, HALF, n, MPI_BYTE, win));
    OK(MPI_Win_flush(1, win));
    memset(own, 0, len);
    OK(MPI_Get(own, n, MPI_BYTE, 1, HALF, n, MPI_BYTE, win));
    OK(MPI_Win_flush(1, win));
    CHECK(filled(own, len, seed));
    OK(MPI_Get(own, n, MPI_BYTE, 1, 0, n, MPI_BYTE, win));
    OK(MPI_Win_flush(1, win));
    CHECK(filled(own, len, target_seed));
}

static void origin(MPI_Win win, int round)
{
    char *own = malloc(HALF);

    CHECK(await("stopped", round));
    for (int i = 0; i < LENGTHS; i++)
        put_and_get(win, own, lengths[i], 100 * round + i, 7 + round);
    say("finished", round);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    free(own);
}

static void run(MPI_Win win, char *mem, int round)
{
    fill(mem, HALF, 7 + round);
    OK(MPI_Win_lock_all(0, win));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    if (rank == 0)
        origin(win, round);
    else if (rank == 1)
        target(mem, round);
    else
        OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Win_unlock_all(win));
    OK(MPI_Win_free(&win));
}

int main(int argc, char **argv)
{
    char *mem;
    MPI_Win win;

    folder = argc == 2 ? argv[1] : ".";
    pid_t keeper = keeper_start();
    begin(&argc, &argv);
    CHECK(size > 1);
    mem = malloc(BYTES);
    OK(MPI_Win_create(mem, BYTES, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    run(win, mem, 0);
    free(mem);
    OK(MPI_Win_allocate(BYTES, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mem, &win));
    run(win, mem, 1);
    close(to_keeper[1]);
    waitpid(keeper, NULL, 0);
    return end("stopped");
}
