/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses that are used again: memory is mapped, sent from, received into, and unmapped, and
 * other memory is then at the same address, which a network that remembers what it has registered
 * would confuse. Between rank 0 and rank 1:
 *
 *     remap [rounds]
 *
 * In turn with mmap and with malloc, as the C library's allocator, or one that is preloaded, maps
 * and unmaps such blocks itself; every tenth round starts a program, as Python's subprocess.run
 * does. What is sent is also once mapped from a file, read-only, and the program counts how often
 * an address did come again: on fewer rounds than that the test would show nothing.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"

enum { ROUNDS = 1000, LEN = 1 << 20, PROGRAM_EVERY = 10 };

extern char **environ;

static void run_a_program(void)
{
    char *argv[] = {"true", NULL};
    int status;
    pid_t pid;

    CHECK(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- Blocks ---- */

static char *map_block(char *at)
{
    int fixed = at ? MAP_FIXED_NOREPLACE : 0;
    char *mem = mmap(at, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);

    CHECK(mem != MAP_FAILED);
    return mem;
}

static char *block_open(bool mapped, char *last)
{
    char *mem = mapped ? map_block(last) : malloc(LEN);

    CHECK(mem);
    return mem;
}

static void block_close(bool mapped, char *mem)
{
    if (mapped)
        CHECK(munmap(mem, LEN) == 0);
    else
        free(mem);
}

/* ---- Rounds ---- */

static void send_or_receive(char *mem, int round)
{
    if (rank == round % 2) {
        fill(mem, LEN, round);
        OK(MPI_Send(mem, LEN, MPI_BYTE, !rank, 0, MPI_COMM_WORLD));
    } else {
        OK(MPI_Recv(mem, LEN, MPI_BYTE, !rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(filled(mem, LEN, round));
    }
}

/* How often the block was where the last one had been, or some of it. */
static int exchange(bool mapped, int rounds)
{
    char *last = NULL;
    int again = 0;

    for (int i = 0; i < rounds; i++) {
        char *mem = block_open(mapped, last);
        again += last && labs(mem - last) < LEN;
        last = mem;
        send_or_receive(mem, i);
        if (i % PROGRAM_EVERY == 0)
            run_a_program();
        block_close(mapped, mem);
    }
    return again;
}

/* Pages that cannot be written to, and of which the file has the data. */
static void send_from_file(void)
{
    char name[] = "/tmp/remap.XXXXXX", *mem = malloc(LEN);
    int fd = mkstemp(name);

    CHECK(mem && fd >= 0);
    fill(mem, LEN, 5);
    CHECK(write(fd, mem, LEN) == LEN);
    if (rank == 0) {
        char *file = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
        CHECK(file != MAP_FAILED);
        OK(MPI_Send(file, LEN, MPI_BYTE, 1, 0, MPI_COMM_WORLD));
        munmap(file, LEN);
    } else {
        memset(mem, 0, LEN);
        OK(MPI_Recv(mem, LEN, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(filled(mem, LEN, 5));
    }
    close(fd);
    unlink(name);
    free(mem);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;

    begin(&argc, &argv);
    if (size > 1 && rank < 2) {
        int mapped = exchange(true, rounds / 2), allocated = exchange(false, rounds / 2);
        send_from_file();
        CHECK(mapped == rounds / 2 - 1);
        printf("rank %d: the same address again %d times by mmap, %d times by malloc\n", rank,
               mapped, allocated);
    }
    return end("remap");
}
