/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Four ranks on two processors, in pairs that speak to nobody else, each put on a processor of its
 * own: that is even, so the kernel leaves it, and yet the two of a pair find themselves on both, as
 * often as they are put together again. Each message says where its sender is. They stay where they
 * are while other programs want a processor; where that is so all the time nothing is seen.
 */
#include <time.h>

#include "crowd.h"

enum { TAG = 7, ROUND = 400, APART = 200, ROUNDS = 5, TIMES = 10, SECONDS = 60 };
enum { ON, SEEN, GIVEN_UP };

struct word {
    int cpu;
    int over; /* ON, SEEN, GIVEN_UP */
};

/* One of the two each. */
static void split(const cpu_set_t *both, cpu_set_t each[2])
{
    for (int i = 0, n = 0; n < 2; i++)
        if (CPU_ISSET(i, both)) {
            CPU_ZERO(&each[n]);
            CPU_SET(i, &each[n++]);
        }
}

/* How many of a round's messages came from another processor than this one. */
static int play_round(int mate, int first, int *over)
{
    int apart = 0;

    for (int i = 0; i < ROUND; i++) {
        struct word out = {sched_getcpu(), *over}, in;

        if (first)
            OK(MPI_Send(&out, 2, MPI_INT, mate, TAG, MPI_COMM_WORLD));
        OK(MPI_Recv(&in, 2, MPI_INT, mate, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        if (!first)
            OK(MPI_Send(&out, 2, MPI_INT, mate, TAG, MPI_COMM_WORLD));
        apart += in.cpu != sched_getcpu();
        if (!first && i == 0)
            *over = in.over;
    }
    return apart;
}

static void stand(const cpu_set_t *there, const cpu_set_t *both)
{
    CHECK(sched_setaffinity(0, sizeof *there, there) == 0);
    CHECK(sched_setaffinity(0, sizeof *both, both) == 0);
}

/*
 * Put together, until most messages of some rounds in a row come from the other processor: SEEN.
 * GIVEN_UP at that time, which nobody may do where no other programs were to be seen.
 */
static int part_once(int mate, int first, time_t until, const cpu_set_t *there,
                     const cpu_set_t *both)
{
    int over = ON, rounds = 0, alone = 0, seen = 0;

    stand(there, both);
    while (!over) {
        seen = play_round(mate, first, &over) > APART ? seen + 1 : 0;
        rounds++;
        alone += !has_company();
        if (first && (seen == ROUNDS || time(NULL) >= until))
            over = seen == ROUNDS ? SEEN : GIVEN_UP;
    }
    if (first) { /* tells the other one */
        CHECK(over == SEEN || 10 * alone < 9 * rounds);
        play_round(mate, first, &over);
    }
    return over;
}

int main(int argc, char **argv)
{
    cpu_set_t each[2], both;
    int cpus = first_two(&both);
    time_t until = time(NULL) + SECONDS;

    CHECK(sched_setaffinity(0, sizeof both, &both) == 0);
    begin(&argc, &argv);
    if (size == 4 && cpus == 2) {
        split(&both, each);
        for (int i = 0, over = SEEN; i < TIMES && over == SEEN; i++)
            over = part_once((rank + 2) % 4, rank < 2, until, &each[rank % 2], &both);
    }
    return end("p2p_mates");
}
