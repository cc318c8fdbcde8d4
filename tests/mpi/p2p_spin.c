/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All ranks on one processor pass a token on, and ask for it in a loop, with each call that only
 * looks: one that found nothing must give the processor to whoever has the token. Counted are the
 * looks, and not the time, which says more about what else the machine does: a loop that keeps the
 * processor until its slice is over looks some thousand times for each pass.
 */
#include <sched.h>

#include "mpitest.h"

enum look { TEST, TESTALL, TESTANY, TESTSOME, GET_STATUS, IPROBE, IMPROBE, LOOKS };
enum { PASSES = 6, MOST = 300, TAG = 3 };

/* One look at the request, or for the message: whether it was there. It is received then. */
static int look_at(enum look look, MPI_Request *r, int *token)
{
    int flag = 0, index;
    MPI_Message m;

    switch (look) {
    case TEST:
        OK(MPI_Test(r, &flag, MPI_STATUS_IGNORE));
        break;
    case TESTALL:
        OK(MPI_Testall(1, r, &flag, MPI_STATUSES_IGNORE));
        break;
    case TESTANY:
        OK(MPI_Testany(1, r, &index, &flag, MPI_STATUS_IGNORE));
        break;
    case TESTSOME:
        OK(MPI_Testsome(1, r, &flag, &index, MPI_STATUSES_IGNORE));
        break;
    case GET_STATUS:
        OK(MPI_Request_get_status(*r, &flag, MPI_STATUS_IGNORE));
        if (flag)
            OK(MPI_Wait(r, MPI_STATUS_IGNORE));
        break;
    case IPROBE:
        OK(MPI_Iprobe(left(), TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE));
        if (flag)
            OK(MPI_Recv(token, 1, MPI_INT, left(), TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        break;
    default:
        OK(MPI_Improbe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &flag, &m, MPI_STATUS_IGNORE));
        if (flag)
            OK(MPI_Mrecv(token, 1, MPI_INT, &m, MPI_STATUS_IGNORE));
    }
    return flag;
}

/* How often this rank looked for the token until it came. */
static long await(enum look look, int *token)
{
    MPI_Request r = MPI_REQUEST_NULL;
    long looks = 1;

    if (look < IPROBE)
        OK(MPI_Irecv(token, 1, MPI_INT, left(), TAG, MPI_COMM_WORLD, &r));
    while (!look_at(look, &r, token))
        looks++;
    return looks;
}

static void pass_round(enum look look)
{
    long looks = 0;
    int token = 0;

    OK(MPI_Barrier(MPI_COMM_WORLD));
    for (int i = 0; i < PASSES; i++) {
        if (rank == 0) {
            token++;
            OK(MPI_Send(&token, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD));
        }
        looks += await(look, &token);
        CHECK(token == i + 1);
        if (rank != 0)
            OK(MPI_Send(&token, 1, MPI_INT, right(), TAG, MPI_COMM_WORLD));
    }
    CHECK(looks <= PASSES * MOST);
}

int main(int argc, char **argv)
{
    cpu_set_t mine, one;
    int cpu = 0;

    CHECK(sched_getaffinity(0, sizeof mine, &mine) == 0);
    while (!CPU_ISSET(cpu, &mine))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    begin(&argc, &argv);
    for (int look = TEST; look < LOOKS; look++)
        pass_round((enum look)look);
    return end("p2p_spin");
}
