/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sixteen threads at once, two on each of eight communicators and then all on one, with every way
 * to send, receive and complete; threads that take each other's messages by matched probes;
 * threads that wait in every blocking call while another goes about its work; and threads that
 * sleep on while one gets its messages.
 */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "mpitest.h"

enum { THREADS = 16, COMMS = 8, MOST = 40000 };
enum { EACH = 40, LONG = 30000 }; /* messages of each thread; one in eight is long */

/* Under valgrind, where each change of threads waits for a processor, the fewest that show it all.
 */
static int threads = THREADS, rounds = 66, each = EACH;

static MPI_Comm comms[COMMS];

struct job {
    int number;
    MPI_Comm comm;
    int tag;
};

static void run(void *(*work)(void *), struct job *j, int n)
{
    pthread_t t[THREADS];

    for (int i = 0; i < n; i++)
        CHECK(pthread_create(&t[i], NULL, work, &j[i]) == 0);
    for (int i = 0; i < n; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
}

/* ---- Each thread with its own tag ---- */

enum { WAYS = 11 };

/* Completes all of n requests in the way that the round says; s[0] is r[0]'s status. */
static void complete(int way, int n, MPI_Request *r, MPI_Status *s)
{
    int done = 0, flag = 0, index, count, indices[4];
    MPI_Status one[4];

    switch (way) {
    case 0:
        OK(MPI_Waitall(n, r, s));
        return;
    case 1:
        while (!flag)
            OK(MPI_Testall(n, r, &flag, s));
        return;
    case 2:
        for (int i = 0; i < n; i++)
            OK(MPI_Wait(&r[i], &s[i]));
        return;
    case 3:
        for (int i = 0; i < n; i++)
            for (flag = 0; !flag;)
                OK(MPI_Test(&r[i], &flag, &s[i]));
        return;
    case 4:
    case 5:
        while (done < n) {
            flag = 1;
            if (way == 4)
                OK(MPI_Waitany(n, r, &index, one));
            else
                OK(MPI_Testany(n, r, &index, &flag, one));
            if (!flag)
                continue;
            s[index] = one[0];
            done++;
        }
        return;
    case 6:
    case 7:
        while (done < n) {
            OK((way == 6 ? MPI_Waitsome : MPI_Testsome)(n, r, &count, indices, one));
            for (int i = 0; i < count; i++)
                s[indices[i]] = one[i];
            done += count;
        }
        return;
    case 8:
        while (!flag)
            OK(MPI_Request_get_status_all(n, r, &flag, s));
        break;
    case 9:
        while (!flag)
            OK(MPI_Request_get_status_any(1, r, &index, &flag, s));
        break;
    default:
        while (!flag)
            OK(MPI_Request_get_status(r[n - 1], &flag, one));
    }
    OK(MPI_Waitall(n, r, s));
}

static void exchange(const struct job *j, int i, char *out, char *in, int len)
{
    MPI_Request r[4];
    MPI_Status s[4];
    MPI_Comm c = j->comm;

    switch (i % 6) {
    case 0:
        OK(MPI_Irecv(in, len, MPI_CHAR, left(), j->tag, c, &r[0]));
        OK(MPI_Isend(out, len, MPI_CHAR, right(), j->tag, c, &r[1]));
        complete(i % WAYS, 2, r, s);
        break;
    case 1:
        OK(MPI_Isend(out, len, MPI_CHAR, right(), j->tag, c, &r[1]));
        OK(MPI_Recv(in, len, MPI_CHAR, left(), j->tag, c, &s[0]));
        complete(i % WAYS, 1, &r[1], &s[1]);
        break;
    case 2:
        OK(MPI_Sendrecv(out, len, MPI_CHAR, right(), j->tag, in, len, MPI_CHAR, left(), j->tag, c,
                        &s[0]));
        break;
    case 3:
        OK(MPI_Recv_init(in, len, MPI_CHAR, left(), j->tag, c, &r[0]));
        OK(MPI_Ssend_init(out, len, MPI_CHAR, right(), j->tag, c, &r[1]));
        OK(MPI_Startall(2, r));
        complete(i % WAYS < 4 ? i % WAYS : 0, 2, r, s);
        OK(MPI_Request_free(&r[0]));
        OK(MPI_Request_free(&r[1]));
        break;
    case 4:
        OK(MPI_Isendrecv(out, len, MPI_CHAR, right(), j->tag, in, MOST, MPI_CHAR, MPI_ANY_SOURCE,
                         j->tag, c, &r[0]));
        complete(i % WAYS, 1, r, s);
        break;
    default:
        OK(MPI_Issend(out, len, MPI_CHAR, right(), j->tag, c, &r[1]));
        OK(MPI_Recv(in, MOST, MPI_CHAR, MPI_ANY_SOURCE, j->tag, c, &s[0]));
        complete(i % WAYS, 1, &r[1], &s[1]);
    }
    CHECK(says(&s[0], left(), j->tag, MPI_CHAR, len));
}

static void *converse(void *arg)
{
    struct job *j = arg;
    char *out = malloc(MOST), *in = malloc(MOST);

    CHECK(out && in);
    for (int i = 0; i < rounds; i++) {
        int len = i % 10 == 0 ? MOST : (i * 137) % 3000;
        fill(out, len, rank + j->number + i);
        memset(in, 0, len);
        exchange(j, i, out, in, len);
        CHECK(filled(in, len, left() + j->number + i));
    }
    free(out);
    free(in);
    return NULL;
}

static void conversations(int one)
{
    struct job j[THREADS];

    for (int i = 0; i < threads; i++)
        j[i] = (struct job){i, one ? MPI_COMM_WORLD : comms[i % COMMS], one ? i : i / COMMS};
    run(converse, j, threads);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* ---- All threads after the same messages ---- */

static atomic_int taken[THREADS * EACH], left_over;

static void take(MPI_Message *m, MPI_Status *said)
{
    static _Thread_local int in[LONG];
    MPI_Request r;
    MPI_Status s;
    int count, again;

    OK(MPI_Get_count(said, MPI_INT, &count));
    if (count % 2) {
        OK(MPI_Mrecv(in, count, MPI_INT, m, &s));
    } else {
        OK(MPI_Imrecv(in, count, MPI_INT, m, &r));
        OK(MPI_Wait(&r, &s));
    }
    OK(MPI_Get_count(&s, MPI_INT, &again));
    CHECK(*m == MPI_MESSAGE_NULL && again == count);
    CHECK(s.MPI_TAG == said->MPI_TAG && s.MPI_SOURCE == left());
    CHECK(in[0] >= 0 && in[0] < THREADS * EACH && in[count - 1] == in[0]);
    CHECK(atomic_fetch_add(&taken[in[0]], 1) == 0);
    atomic_fetch_sub(&left_over, 1);
}

/* Sends its own and takes whichever come; the last are anyone's. */
static void *snatch(void *arg)
{
    struct job *j = arg;
    MPI_Request r[EACH];
    MPI_Message m;
    MPI_Status s;
    int *out[EACH], flag;

    for (int i = 0; i < each; i++) {
        int number = j->number * EACH + i, count = i % 8 ? 1 + i : LONG - i;
        out[i] = malloc((size_t)count * sizeof(int));
        CHECK(out[i]);
        for (int k = 0; k < count; k++)
            out[i][k] = number;
        OK(MPI_Isend(out[i], count, MPI_INT, right(), i % 3, comms[0], &r[i]));
        OK(MPI_Improbe(MPI_ANY_SOURCE, i % 2 ? MPI_ANY_TAG : i % 3, comms[0], &flag, &m, &s));
        if (flag)
            take(&m, &s);
    }
    while (atomic_load(&left_over) > 0) {
        OK(MPI_Improbe(left(), MPI_ANY_TAG, comms[0], &flag, &m, &s));
        if (flag)
            take(&m, &s);
    }
    OK(MPI_Waitall(each, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < each; i++)
        free(out[i]);
    return NULL;
}

/* Blocking matched probes: as many of them as there are messages. */
static void *share(void *arg)
{
    struct job *j = arg;
    MPI_Request r[EACH];
    MPI_Message m;
    MPI_Status s;
    int out[EACH];

    for (int i = 0; i < each; i++) {
        out[i] = j->number * EACH + i;
        OK(MPI_Isend(&out[i], 1, MPI_INT, right(), j->number % 3, comms[1], &r[i]));
    }
    for (int i = 0; i < each; i++) {
        OK(MPI_Mprobe(i % 2 ? left() : MPI_ANY_SOURCE, MPI_ANY_TAG, comms[1], &m, &s));
        take(&m, &s);
    }
    OK(MPI_Waitall(each, r, MPI_STATUSES_IGNORE));
    return NULL;
}

static void races(void *(*work)(void *))
{
    struct job j[THREADS];

    for (int i = 0; i < threads; i++)
        j[i] = (struct job){.number = i};
    for (int i = 0; i < THREADS * EACH; i++)
        atomic_store(&taken[i], 0);
    atomic_store(&left_over, threads * each);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    run(work, j, threads);
    for (int i = 0; i < THREADS * EACH; i++)
        CHECK(atomic_load(&taken[i]) == (i / EACH < threads && i % EACH < each));
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

/* ---- Blocked ---- */

enum call {
    RECV,
    PROBE,
    MPROBE,
    MRECV,
    SSEND,
    SENDRECV,
    WAIT,
    WAITALL,
    WAITANY,
    WAITSOME,
    GREQUEST,
    FLUSH,
    BARRIER,
    BLOCKING_CALLS
};

enum { GO = 20, PLENTY = 400000 }; /* more than travels before it is asked for */

static atomic_int inside[BLOCKING_CALLS], outside, released;
static MPI_Request promise;

static int query(void *state, MPI_Status *s)
{
    (void)state;
    OK(MPI_Status_set_elements(s, MPI_INT, 0));
    return MPI_SUCCESS;
}

/* A call that ends when another thread of this process, or of rank 0, lets it. */
static void block_in(enum call call)
{
    static char text[PLENTY], space[PLENTY + MPI_BSEND_OVERHEAD];
    int value = 0, index, indices[2], count, tag = GO + (int)call;
    MPI_Comm c = comms[2];
    MPI_Request r[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_Message m;
    MPI_Status s;
    void *base;

    if (call >= WAIT && call <= WAITSOME)
        OK(MPI_Irecv(&value, 1, MPI_INT, rank, tag, c, &r[0]));
    if (call == FLUSH) {
        OK(MPI_Comm_attach_buffer(c, space, sizeof space));
        OK(MPI_Bsend(text, PLENTY, MPI_CHAR, rank, tag, c));
    }
    atomic_store(&inside[call], 1);
    switch (call) {
    case RECV:
        OK(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, tag, c, &s));
        break;
    case PROBE:
        OK(MPI_Probe(rank, tag, c, &s));
        OK(MPI_Recv(&value, 1, MPI_INT, rank, tag, c, &s));
        break;
    case MPROBE:
    case MRECV:
        OK(MPI_Mprobe(MPI_ANY_SOURCE, tag, c, &m, &s));
        OK(MPI_Mrecv(&value, 1, MPI_INT, &m, &s));
        break;
    case SSEND:
        OK(MPI_Ssend(&value, 1, MPI_INT, rank, tag, c));
        break;
    case SENDRECV:
        OK(MPI_Sendrecv(&value, 1, MPI_INT, MPI_PROC_NULL, tag, &value, 1, MPI_INT, rank, tag, c,
                        &s));
        break;
    case WAIT:
        OK(MPI_Wait(&r[0], &s));
        break;
    case WAITALL:
        OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
        break;
    case WAITANY:
        OK(MPI_Waitany(2, r, &index, &s));
        break;
    case WAITSOME:
        OK(MPI_Waitsome(2, r, &count, indices, MPI_STATUSES_IGNORE));
        break;
    case GREQUEST:
        OK(MPI_Wait(&promise, &s));
        break;
    case FLUSH:
        OK(MPI_Comm_flush_buffer(c));
        OK(MPI_Comm_detach_buffer(c, &base, &count));
        break;
    default:
        while (rank == 0 && !atomic_load(&released)) /* so that the others wait for it */
            usleep(1000);
        OK(MPI_Barrier(comms[3]));
    }
    atomic_fetch_add(&outside, 1);
}

static void *blocked(void *arg)
{
    struct job *j = arg;

    if (j->number < BLOCKING_CALLS)
        block_in((enum call)j->number);
    return NULL;
}

/* What else a program does meanwhile: each of these would wait for a lock that is held. */
static void work_on(void)
{
    MPI_Datatype t;
    MPI_Request r;
    MPI_Comm c;
    MPI_Info info;
    int in, flag;

    for (int i = 0; i < 20; i++) {
        OK(MPI_Isend(&i, 1, MPI_INT, right(), 1, comms[4], &r));
        OK(MPI_Recv(&in, 1, MPI_INT, left(), 1, comms[4], MPI_STATUS_IGNORE));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        CHECK(in == i);
        OK(MPI_Type_vector(3, 1, 2, MPI_INT, &t));
        OK(MPI_Type_commit(&t));
        OK(MPI_Type_free(&t));
        OK(MPI_Comm_dup(MPI_COMM_SELF, &c));
        OK(MPI_Comm_free(&c));
        OK(MPI_Info_create(&info));
        OK(MPI_Info_free(&info));
        OK(MPI_Iprobe(MPI_ANY_SOURCE, 2, comms[4], &flag, MPI_STATUS_IGNORE));
        CHECK(!flag);
    }
    OK(MPI_Allreduce(&rank, &in, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    CHECK(in == size * (size - 1) / 2);
}

static void release(void)
{
    static char text[PLENTY];
    int value = 0;

    atomic_store(&released, 1);
    for (int call = RECV; call < BLOCKING_CALLS; call++) {
        if (call == SSEND)
            OK(MPI_Recv(&value, 1, MPI_INT, rank, GO + call, comms[2], MPI_STATUS_IGNORE));
        else if (call == FLUSH)
            OK(MPI_Recv(text, PLENTY, MPI_CHAR, rank, GO + call, comms[2], MPI_STATUS_IGNORE));
        else if (call == GREQUEST)
            OK(MPI_Grequest_complete(promise));
        else if (call != BARRIER)
            OK(MPI_Send(&value, 1, MPI_INT, rank, GO + call, comms[2]));
    }
}

static void *others(void *arg)
{
    int blocking = 0;

    (void)arg;
    while (blocking < BLOCKING_CALLS) {
        blocking = 0;
        for (int i = 0; i < BLOCKING_CALLS; i++)
            blocking += atomic_load(&inside[i]);
        usleep(1000);
    }
    usleep(5000); /* so that they are really there, and sleep; nothing else depends on it */
    work_on();
    CHECK(atomic_load(&outside) == 0);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    release();
    return NULL;
}

static void blocks(void)
{
    struct job j[THREADS];
    pthread_t t;

    OK(MPI_Grequest_start(query, NULL, NULL, NULL, &promise));
    for (int i = 0; i < THREADS; i++)
        j[i] = (struct job){.number = i};
    CHECK(pthread_create(&t, NULL, others, NULL) == 0);
    run(blocked, j, THREADS);
    CHECK(pthread_join(t, NULL) == 0);
    CHECK(atomic_load(&outside) == BLOCKING_CALLS && promise == MPI_REQUEST_NULL);
}

/* ---- Asleep ---- */

enum { SLEEPERS = 8, CALLS = 40, CALLED = 0, LOOK_MS = 20 };

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The first gets all the messages; the others one, at the end. */
static void *sleep_on(void *arg)
{
    struct job *j = arg;
    int n = j->number == CALLED ? CALLS : 1, value;

    for (int i = 0; i < n; i++)
        OK(MPI_Recv(&value, 1, MPI_INT, rank, j->number, comms[5], MPI_STATUS_IGNORE));
    return NULL;
}

static void call_one(void)
{
    struct job j[SLEEPERS];
    pthread_t t[SLEEPERS];

    for (int i = 0; i < SLEEPERS; i++) {
        j[i].number = i;
        CHECK(pthread_create(&t[i], NULL, sleep_on, &j[i]) == 0);
    }
    for (int i = 0; i < CALLS; i++) {
        usleep(4000); /* so that they sleep; nothing else depends on it */
        OK(MPI_Send(&i, 1, MPI_INT, rank, CALLED, comms[5]));
    }
    for (int i = CALLED + 1; i < SLEEPERS; i++)
        OK(MPI_Send(&i, 1, MPI_INT, rank, i, comms[5]));
    for (int i = 0; i < SLEEPERS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
}

/* Each message wakes two threads at most, the one that listens and its receiver; the others sleep
 * on, but for a look by themselves now and then. Where the network wakes nobody (psm2, which is
 * asked for by name), the one that listens looks every millisecond. */
static void sleeps(void)
{
    MPI_T_pvar_session session;
    MPI_T_pvar_handle counter;
    unsigned long long before, after;
    int level, index, count;
    const char *provider = getenv("ORIEL_PROVIDER");
    double since, took, looks;

    OK(MPI_T_init_thread(MPI_THREAD_MULTIPLE, &level));
    OK(MPI_T_pvar_get_index("wait_sleeps", MPI_T_PVAR_CLASS_COUNTER, &index));
    OK(MPI_T_pvar_session_create(&session));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &counter, &count));
    OK(MPI_T_pvar_start(session, counter));
    since = now_ms();
    OK(MPI_T_pvar_read(session, counter, &before));
    call_one();
    OK(MPI_T_pvar_read(session, counter, &after));
    took = now_ms() - since;
    looks = SLEEPERS * took / LOOK_MS +
            (provider && !strcmp(provider, "psm2") ? took : 0); /* it waits by the clock */
    CHECK((double)(after - before) < 3 * CALLS + looks);
    OK(MPI_T_pvar_handle_free(session, &counter));
    OK(MPI_T_pvar_session_free(&session));
    OK(MPI_T_finalize());
}

int main(int argc, char **argv)
{
    int level;

    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    CHECK(level == MPI_THREAD_MULTIPLE);
    if (getenv("ORIEL_TEST_BRIEFLY")) {
        threads = 4;
        rounds = 11;
        each = 9;
    }
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    for (int i = 0; i < COMMS; i++)
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[i]));
    conversations(0);
    conversations(1);
    races(snatch);
    races(share);
    blocks();
    sleeps();
    for (int i = 0; i < COMMS; i++)
        OK(MPI_Comm_free(&comms[i]));
    return end("p2p_threads");
}
