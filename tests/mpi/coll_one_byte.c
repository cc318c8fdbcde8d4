/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message of one byte where much is due, because the ranks disagree: an error like any other
 * length's, on whoever gets it and all behind, and nobody waits for what will not come.
 */
#include <stdlib.h>

#include "mpitest.h"

enum { PIECE = 65536, MOST = 3 * PIECE }; /* bytes; a chain's pieces are of that length */

int main(int argc, char **argv)
{
    static char a[MOST];
    MPI_Comm comm;

    setenv("ORIEL_COLL_BCAST", "chain", 1);
    begin(&argc, &argv);
    for (int behind = 1; behind < 3; behind++) {
        int class;

        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
        OK(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
        OK(MPI_Error_class(MPI_Bcast(a, rank ? MOST : PIECE + behind, MPI_CHAR, 0, comm), &class));
        CHECK(class == (rank ? MPI_ERR_TRUNCATE : MPI_SUCCESS));
        OK(MPI_Comm_free(&comm));
    }
    return end("coll_one_byte");
}
