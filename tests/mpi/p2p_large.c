/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From nothing to 16 MiB, every length near a power of two, several under way at once.
 *
 *     p2p_large [most bytes]
 */
#include "mpitest.h"

enum { MOST = 16 << 20, AT_ONCE = 4 };

static int most = MOST;

int main(int argc, char **argv)
{
    char *out = malloc(MOST), *in[AT_ONCE];
    MPI_Request r[2 * AT_ONCE];
    MPI_Status s[2 * AT_ONCE];

    begin(&argc, &argv);
    if (argc > 1)
        most = atoi(argv[1]);
    CHECK(most > 0 && most <= MOST);
    for (int i = 0; i < AT_ONCE; i++)
        in[i] = malloc(MOST);
    fill(out, MOST, rank);
    for (int power = 1; power <= most; power *= 4)
        for (int len = power - 1; len <= power + 1 && len <= most; len++) {
            for (int i = 0; i < AT_ONCE; i++) {
                OK(MPI_Irecv(in[i], len, MPI_CHAR, left(), i, MPI_COMM_WORLD, &r[i]));
                OK(MPI_Isend(out, len, MPI_CHAR, right(), i, MPI_COMM_WORLD, &r[AT_ONCE + i]));
            }
            OK(MPI_Waitall(2 * AT_ONCE, r, s));
            for (int i = 0; i < AT_ONCE; i++) {
                CHECK(says(&s[i], left(), i, MPI_CHAR, len));
                CHECK(filled(in[i], len, left()));
                memset(in[i], 0, len);
            }
        }
    free(out);
    for (int i = 0; i < AT_ONCE; i++)
        free(in[i]);
    return end("p2p_large");
}
