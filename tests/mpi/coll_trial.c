/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocking collectives on long data while their algorithms are tried: in a random order of kinds,
 * lengths and roots on two communicators, beside nonblocking ones, with ranks that come late, and
 * with another trial as soon as one is over. All ranks draw the same random numbers.
 *
 *     coll_trial [OPERATIONS [SEED]]
 */
#include <sched.h>
#include <unistd.h>

#include "mpitest.h"

enum { MOST = 300000, LATE_EVERY = 101, LENGTHS = 4 };

static unsigned long long state;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

/* The same again and again, as programs do; the first is not tried where few ranks have it. */
static int some_length(void)
{
    static const int lengths[LENGTHS] = {9000, 40000, 40000, MOST};

    return lengths[below(LENGTHS)];
}

static void bcast(MPI_Comm comm, int me, char *buf, int number)
{
    int len = some_length(), root = (int)below((unsigned)size);

    if (me == root)
        fill(buf, (size_t)len, number);
    OK(MPI_Bcast(buf, len, MPI_BYTE, root, comm));
    CHECK(filled(buf, (size_t)len, number));
}

static void allgather(MPI_Comm comm, int me, char *in, char *out, int number)
{
    int len = some_length(), in_place = below(3) == 0;
    char *own = in_place ? out + (size_t)me * (size_t)len : in;

    fill(own, (size_t)len, number + me);
    OK(MPI_Allgather(in_place ? MPI_IN_PLACE : in, len, MPI_BYTE, out, len, MPI_BYTE, comm));
    for (int i = 0; i < size; i++)
        CHECK(filled(out + (size_t)i * (size_t)len, (size_t)len, number + i));
}

static void alltoall(MPI_Comm comm, int me, char *in, char *out, int number)
{
    int len = some_length();

    for (int i = 0; i < size; i++)
        fill(in + (size_t)i * (size_t)len, (size_t)len, number + me * size + i);
    OK(MPI_Alltoall(in, len, MPI_BYTE, out, len, MPI_BYTE, comm));
    for (int i = 0; i < size; i++)
        CHECK(filled(out + (size_t)i * (size_t)len, (size_t)len, number + i * size + me));
}

static void one(MPI_Comm comm, int me, char *in, char *out, int number)
{
    switch (below(3)) {
    case 0:
        bcast(comm, me, in, number);
        break;
    case 1:
        allgather(comm, me, in, out, number);
        break;
    default:
        alltoall(comm, me, in, out, number);
    }
}

/* How many trials this process has taken part in, since they were asked for. */
static MPI_T_pvar_session session;
static MPI_T_pvar_handle trials;

static void trials_open(void)
{
    int provided, index, count;

    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    OK(MPI_T_pvar_get_index("coll_trials", MPI_T_PVAR_CLASS_COUNTER, &index));
    OK(MPI_T_pvar_session_create(&session));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &trials, &count));
    OK(MPI_T_pvar_start(session, trials));
}

static unsigned long long trials_close(void)
{
    unsigned long long n = 0;

    OK(MPI_T_pvar_read(session, trials, &n));
    OK(MPI_T_pvar_handle_free(session, &trials));
    OK(MPI_T_pvar_session_free(&session));
    OK(MPI_T_finalize());
    return n;
}

/* Ranks of one host, each with a processor of its own. */
static int are_tried(void)
{
    const char *node = getenv("ORIEL_NODE");
    cpu_set_t set;

    return size > 1 && !getenv("ORIEL_PRETEND_HOSTS") && (!node || !!strcmp(node, "no")) &&
           !sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) >= size;
}

int main(int argc, char **argv)
{
    int operations, me[2];
    MPI_Comm comms[2];
    MPI_Request beside;
    static char small[20000];
    char *in, *out;

    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    setenv("ORIEL_COLL_TRIALS", "3", 0);
    begin(&argc, &argv);
    operations = argc > 1 ? atoi(argv[1]) : !are_tried() ? 60 : 900;
    trials_open();
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[0]));
    OK(MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &comms[1]));
    for (int c = 0; c < 2; c++)
        OK(MPI_Comm_rank(comms[c], &me[c]));
    in = malloc((size_t)size * MOST);
    out = malloc((size_t)size * MOST);
    CHECK(in && out);
    for (int i = 0; i < operations; i++) {
        unsigned c = below(2), has_other = below(4) == 0, late = below((unsigned)size);
        if (i % LATE_EVERY == 0 && (unsigned)rank == late)
            usleep(3000);
        if (has_other) {
            if (me[c] == 0)
                fill(small, sizeof small, i);
            OK(MPI_Ibcast(small, sizeof small, MPI_BYTE, 0, comms[c], &beside));
        }
        one(comms[c], me[c], in, out, i);
        if (has_other) {
            OK(MPI_Wait(&beside, MPI_STATUS_IGNORE));
            CHECK(filled(small, sizeof small, i));
        }
    }
    unsigned long long n = trials_close();
    CHECK(are_tried() ? n > 3 : !n);
    free(in);
    free(out);
    for (int c = 0; c < 2; c++)
        OK(MPI_Comm_free(&comms[c]));
    return end("coll_trial");
}
