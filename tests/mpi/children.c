/* SPDX-License-Identifier: BSD-3-Clause */
/* A rank's children have the standard input, output and error that it has, whatever its place among
 * the job's ranks. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"

enum { STANDARD = 3 };

static int open_ones(void)
{
    int set = 0;

    for (int fd = 0; fd < STANDARD; fd++)
        set |= (fcntl(fd, F_GETFD) >= 0) << fd;
    return set;
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    int own = open_ones(), status;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (!child)
            _exit(open_ones() != own);
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        OK(MPI_Barrier(MPI_COMM_WORLD));
    }
    return end("children");
}
