/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hello: who is there. Every process tells its rank, the number of processes and its host; rank 0
 * collects the lines, so that they come out in order.
 */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#define LINE 400

int main(int argc, char **argv)
{
    char line[LINE], host[MPI_MAX_PROCESSOR_NAME];
    int rank, size, len, wrong = 0;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Get_processor_name(host, &len);
    snprintf(line, sizeof line, "hello from rank %d of %d on %s", rank, size, host);

    if (rank != 0) {
        MPI_Send(line, (int)strlen(line) + 1, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
    } else {
        puts(line);
        for (int from = 1; from < size; from++) {
            int said = -1;

            MPI_Recv(line, LINE, MPI_CHAR, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            puts(line);
            wrong += sscanf(line, "hello from rank %d", &said) != 1 || said != from;
        }
    }
    MPI_Finalize();
    return wrong != 0;
}
