/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The times that the steps of a wait take, as performance variables: each is there when it should
 * be, and together they are no longer than all. Polling is left out where ranks outnumber
 * processors.
 */
#include <sched.h>

#include "mpitest.h"

static double elapsed(MPI_T_pvar_session s, MPI_T_pvar_handle h)
{
    double seconds = -1;

    OK(MPI_T_pvar_read(s, h, &seconds));
    return seconds;
}

static void busy(double seconds)
{
    double end = MPI_Wtime() + seconds;

    while (MPI_Wtime() < end)
        ;
}

static MPI_T_pvar_handle open_timer(MPI_T_pvar_session s, const char *name)
{
    MPI_T_pvar_handle h;
    int index, count;

    OK(MPI_T_pvar_get_index(name, MPI_T_PVAR_CLASS_TIMER, &index));
    OK(MPI_T_pvar_handle_alloc(s, index, NULL, &h, &count));
    OK(MPI_T_pvar_start(s, h));
    return h;
}

/* Rank 0 waits for rank 1, a little at a time and then for long. */
static void wait_long(void)
{
    char c = 0;

    for (int i = 0; i < 1000 && rank < 2 && size > 1; i++)
        if (rank == 0) {
            OK(MPI_Recv(&c, 1, MPI_BYTE, 1, 8, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
            OK(MPI_Send(&c, 1, MPI_BYTE, 1, 8, MPI_COMM_WORLD));
        } else {
            busy(i < 999 ? 20e-6 : 0.3);
            OK(MPI_Send(&c, 1, MPI_BYTE, 0, 8, MPI_COMM_WORLD));
            OK(MPI_Recv(&c, 1, MPI_BYTE, 0, 8, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"wait_poll_time", "wait_yield_time", "wait_sleep_time"};
    MPI_T_pvar_session s;
    MPI_T_pvar_handle step[3];
    double took[3], all;
    cpu_set_t processors;
    int level;

    begin(&argc, &argv);
    CHECK(!sched_getaffinity(0, sizeof processors, &processors));
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &level));
    OK(MPI_T_pvar_session_create(&s));
    for (int i = 0; i < 3; i++)
        step[i] = open_timer(s, names[i]);
    all = MPI_Wtime();
    wait_long();
    all = MPI_Wtime() - all;
    for (int i = 0; i < 3; i++)
        took[i] = elapsed(s, step[i]);
    if (rank == 0 && size > 1) {
        CHECK((took[0] > 0) == (size <= CPU_COUNT(&processors)));
        CHECK(took[1] > 0 && took[2] > 0);
    }
    CHECK(took[0] < all && took[0] + took[1] + took[2] < 1.2 * all);
    OK(MPI_T_pvar_session_free(&s));
    OK(MPI_T_finalize());
    return end("tool_wait");
}
