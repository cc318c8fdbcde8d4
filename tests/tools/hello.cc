// SPDX-License-Identifier: BSD-3-Clause
// The C interface from C++.
#include <mpi.h>
#include <iostream>

int main(int argc, char **argv)
{
    int rank, size;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    std::cout << "rank " << rank << " of " << size << std::endl;
    MPI_Finalize();
    return 0;
}
