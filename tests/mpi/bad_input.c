/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One mistake or mishap of a program's, named by its argument; bad_input_test.sh looks at what the
 * user then sees. A mistake is made by one rank while the others wait for it in a barrier.
 */
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int number;

static void wrong_rank(void)
{
    MPI_Send(&number, 1, MPI_INT, 99, 0, MPI_COMM_WORLD);
}

static void negative_tag(void)
{
    MPI_Send(&number, 1, MPI_INT, 0, -5, MPI_COMM_WORLD);
}

static void negative_count(void)
{
    MPI_Send(&number, -1, MPI_INT, 0, 0, MPI_COMM_WORLD);
}

static void freed_comm(void)
{
    MPI_Comm dup, kept;

    MPI_Comm_dup(MPI_COMM_SELF, &dup);
    kept = dup;
    MPI_Comm_free(&dup);
    MPI_Send(&number, 1, MPI_INT, 0, 0, kept);
}

static void null_type(void)
{
    MPI_Send(&number, 1, MPI_DATATYPE_NULL, 0, 0, MPI_COMM_WORLD);
}

static void truncation(void)
{
    char data[80] = "";

    MPI_Sendrecv(data, 80, MPI_BYTE, 0, 7, data, 40, MPI_BYTE, 0, 7, MPI_COMM_SELF,
                 MPI_STATUS_IGNORE);
}

static void unwritten(void)
{
    MPI_File file;

    MPI_File_open(MPI_COMM_SELF, "nothing", MPI_MODE_RDONLY, MPI_INFO_NULL, &file);
    MPI_Comm_spawn("nothing", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                   &(MPI_Comm){MPI_COMM_NULL}, MPI_ERRCODES_IGNORE);
}

static void give_up(void)
{
    MPI_Abort(MPI_COMM_WORLD, 3);
}

static void killed(void)
{
    kill(getpid(), SIGKILL);
}

static void leaves(void)
{
    _exit(0);
}

static void waits(void)
{
    puts("waiting");
    fflush(stdout);
    pause();
}

/* More than fits the queue's own memory. */
static void sends_long(void)
{
    static char buf[8192];

    MPI_Send(buf, sizeof(buf), MPI_BYTE, 0, 1, MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } acts[] = {
        {"wrong-rank", wrong_rank},
        {"negative-tag", negative_tag},
        {"negative-count", negative_count},
        {"freed-comm", freed_comm},
        {"null-type", null_type},
        {"truncation", truncation},
        {"unwritten", unwritten},
        {"abort", give_up},
        {"killed", killed},
        {"leaves", leaves},
        {"waits", waits},
        {"sends-long", sends_long},
    };
    int rank, size;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == size - 1)
        for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
            if (argc > 1 && !strcmp(argv[1], acts[i].name))
                acts[i].act();
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    puts("not reached");
    return 0;
}
