/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow control: rank 0 receives nothing while all others send it much more than it may be sent.
 * Its memory must not grow by more than the credit, what comes later must be in order whatever the
 * mode of the send, and nothing may wait for ever.
 *
 * p2p_flow.mpi [MESSAGES]: of 8 and 64 bytes, from each of the others; 100000 is the full size.
 * With "unread": the messages are never received, and MPI_Finalize must come to an end all the
 * same.
 */
#define _DEFAULT_SOURCE
#include <stddef.h>
#include <unistd.h>

#include "tests/mpi/mpitest.h"
#include "tests/mpi/hosts.h"

enum { TAGS = 10, BYTES = 64, OTHER_TAG = 1000 };

struct message {
    int source, number;
    char rest[BYTES - 2 * sizeof(int)];
};

/* Three of four go by the shortest way of a send, to which credit is lent. */
static int bytes_of(int number)
{
    return number % 4 == 3 ? BYTES : (int)offsetof(struct message, rest);
}

static int messages = 1200, credit;
static MPI_Comm aside; /* where the ranks meet while the messages wait */

/* Kilobytes of this process in memory. */
static long resident(void)
{
    long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f) {
        if (fscanf(f, "%ld %ld", &all, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* How many sends were held back since counting began. */
static MPI_T_pvar_session session;
static MPI_T_pvar_handle counter;

static void count_open(void)
{
    int index, count;

    OK(MPI_T_pvar_get_index("p2p_sends_held", MPI_T_PVAR_CLASS_COUNTER, &index));
    OK(MPI_T_pvar_session_create(&session));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &counter, &count));
    CHECK(count == 1);
    OK(MPI_T_pvar_start(session, counter));
}

static unsigned long long held_back(void)
{
    unsigned long long value = 0;

    OK(MPI_T_pvar_read(session, counter, &value));
    return value;
}

static void count_close(void)
{
    OK(MPI_T_pvar_handle_free(session, &counter));
    OK(MPI_T_pvar_session_free(&session));
}

static struct message make(int number)
{
    struct message m = {.source = rank, .number = number};

    memset(m.rest, number, sizeof m.rest);
    return m;
}

static void expect(int source, int tag, int number, MPI_Comm comm)
{
    struct message m = {0};
    MPI_Status status;

    OK(MPI_Recv(&m, BYTES, MPI_BYTE, source, tag, comm, &status));
    CHECK(says(&status, source, tag, MPI_BYTE, bytes_of(number)));
    CHECK(m.source == source && m.number == number);
    if (bytes_of(number) == BYTES)
        CHECK(m.rest[0] == (char)number && m.rest[sizeof m.rest - 1] == (char)number);
}

/* All at once; rank 0 first calls nothing, then waits in a barrier, then tests. */
static void flood(void)
{
    struct message *m = malloc(sizeof *m * (size_t)messages);
    MPI_Request *r = malloc(sizeof *r * (size_t)messages), barrier;
    unsigned long long held = held_back();
    long before = resident(), grown;
    int done = 0, one_host = hosts_is_one();

    CHECK(m && r);
    for (int i = 0; rank && i < messages; i++) {
        m[i] = make(i);
        OK(MPI_Isend(&m[i], bytes_of(i), MPI_BYTE, 0, i % TAGS, MPI_COMM_WORLD, &r[i]));
    }
    if (!rank)
        usleep(100000); /* nothing depends on how long */
    OK(MPI_Barrier(aside));
    OK(MPI_Ibarrier(aside, &barrier));
    while (!done)
        OK(MPI_Test(&barrier, &done, MPI_STATUS_IGNORE));
    if (rank) {
        /* Only what rank 0 may be sent without receiving has left. */
        held = held_back() - held;
        if (held != (unsigned long long)(messages > credit ? messages - credit : 0))
            fprintf(stderr, "p2p_flow: %llu messages were held back\n", held);
        CHECK(held == (unsigned long long)(messages > credit ? messages - credit : 0));
    } else {
        grown = resident() - before;
        printf("p2p_flow: %d x %d messages of up to %d bytes to rank 0: its memory grew by %ld "
               "KiB, %.1f "
               "a sender\n",
               size - 1, messages, BYTES, grown, size > 1 ? (double)grown / (size - 1) : 0.0);
        /* 4 KiB for each message at the most, and the tables of the first contact. */
        CHECK(grown <= 4L * credit * (size - 1) + (one_host ? 8192 : 16384));
    }
    OK(MPI_Barrier(aside));
    for (int tag = TAGS - 1; !rank && tag >= 0; tag--)
        for (int i = tag; i < messages; i += TAGS)
            for (int source = 1; source < size; source++)
                expect(source, tag, i, MPI_COMM_WORLD);
    if (!rank) {
        /* Nine tenths of them have waited for the last tag; a block of theirs is not much longer.
         */
        grown = resident() - before;
        printf("p2p_flow: read in reverse order: %ld KiB\n", grown);
        CHECK(grown <= 4L * credit * (size - 1) + 8192 + (long)messages * (size - 1) / 2);
    }
    if (rank)
        OK(MPI_Waitall(messages, r, MPI_STATUSES_IGNORE));
    free(m);
    free(r);
}

/* Blocking sends, read in order: from any source first, then one after the other. */
static void stream(void)
{
    int *next = calloc((size_t)size, sizeof *next);
    int half = messages / 2, n = messages - half < 4 * credit ? messages : half + 4 * credit;

    CHECK(next);
    for (int i = 0; rank && i < n; i++) {
        struct message m = make(i);
        OK(MPI_Send(&m, bytes_of(i), MPI_BYTE, 0, i < half ? 1 : 2, MPI_COMM_WORLD));
    }
    for (int i = 0; !rank && i < half * (size - 1); i++) {
        struct message m;
        OK(MPI_Recv(&m, BYTES, MPI_BYTE, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(m.source > 0 && m.source < size && m.number == next[m.source]++);
    }
    for (int source = size - 1; !rank && source > 0; source--)
        for (int i = half; i < n; i++)
            expect(source, 2, i, MPI_COMM_WORLD);
    free(next);
}

/* Every way to send, under one tag, behind more than may be sent. */
static void modes(void)
{
    enum { ROUNDS = 40, WAYS = 5 };
    int behind = credit + 10, n = ROUNDS * WAYS;
    struct message *m = malloc(sizeof *m * (size_t)(behind + n));
    MPI_Request *r = malloc(sizeof *r * (size_t)(behind + n));
    size_t room = (size_t)(ROUNDS * (BYTES + MPI_BSEND_OVERHEAD));
    void *buffer = malloc(room);
    MPI_Count size_back;

    CHECK(m && r && buffer);
    OK(MPI_Buffer_attach_c(buffer, (MPI_Count)room));
    for (int i = 0; rank && i < behind + n; i++) {
        m[i] = make(i);
        switch (i < behind ? 0 : i % WAYS) {
        case 0:
            OK(MPI_Isend(&m[i], bytes_of(i), MPI_BYTE, 0, 3, MPI_COMM_WORLD, &r[i]));
            break;
        case 1:
            OK(MPI_Issend(&m[i], bytes_of(i), MPI_BYTE, 0, 3, MPI_COMM_WORLD, &r[i]));
            break;
        case 2:
            OK(MPI_Ibsend(&m[i], bytes_of(i), MPI_BYTE, 0, 3, MPI_COMM_WORLD, &r[i]));
            break;
        case 3:
            OK(MPI_Send_init(&m[i], bytes_of(i), MPI_BYTE, 0, 3, MPI_COMM_WORLD, &r[i]));
            OK(MPI_Start(&r[i]));
            break;
        case 4:
            OK(MPI_Isendrecv(&m[i], bytes_of(i), MPI_BYTE, 0, 3, NULL, 0, MPI_BYTE, MPI_PROC_NULL,
                             0, MPI_COMM_WORLD, &r[i]));
            break;
        }
    }
    OK(MPI_Barrier(aside));
    for (int i = 0; !rank && i < behind + n; i++)
        for (int source = 1; source < size; source++)
            expect(source, 3, i, MPI_COMM_WORLD);
    for (int i = 0; rank && i < behind + n; i++) {
        OK(MPI_Wait(&r[i], MPI_STATUS_IGNORE));
        if (r[i] != MPI_REQUEST_NULL)
            OK(MPI_Request_free(&r[i]));
    }
    OK(MPI_Buffer_detach_c(&buffer, &size_back));
    free(buffer);
    free(m);
    free(r);
}

/* The last of what is held back is taken back: it never comes, and all else does. */
static void cancelled(void)
{
    int n = credit + 4;
    struct message *m = malloc(sizeof *m * (size_t)n);
    MPI_Request *r = malloc(sizeof *r * (size_t)n);

    CHECK(m && r);
    for (int i = 0; rank && i < n; i++) {
        int (*send)(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *) =
            i == n - 1 ? MPI_Issend : MPI_Isend;
        m[i] = make(i);
        OK(send(&m[i], bytes_of(i), MPI_BYTE, 0, 4, MPI_COMM_WORLD, &r[i]));
    }
    for (int i = n - 2; rank && i < n; i++) {
        MPI_Status status;
        int flag = 0;
        OK(MPI_Cancel(&r[i]));
        OK(MPI_Wait(&r[i], &status));
        OK(MPI_Test_cancelled(&status, &flag));
        CHECK(flag);
    }
    OK(MPI_Barrier(aside));
    for (int i = 0; !rank && i < n - 2; i++)
        for (int source = 1; source < size; source++)
            expect(source, 4, i, MPI_COMM_WORLD);
    if (rank) {
        struct message last = make(n);
        OK(MPI_Waitall(n - 2, r, MPI_STATUSES_IGNORE));
        OK(MPI_Ssend(&last, bytes_of(n), MPI_BYTE, 0, 4, MPI_COMM_WORLD));
    }
    for (int source = 1; !rank && source < size; source++)
        expect(source, 4, n, MPI_COMM_WORLD);
    free(m);
    free(r);
}

/* Requests and communicator are freed while their messages are still held back. */
static void freed(void)
{
    int n = 2 * credit;
    struct message *m = malloc(sizeof *m * (size_t)n);
    MPI_Request r;
    MPI_Comm own;

    CHECK(m);
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &own));
    for (int i = 0; rank && i < n; i++) {
        m[i] = make(i);
        OK(MPI_Isend(&m[i], bytes_of(i), MPI_BYTE, 0, 5, own, &r));
        OK(MPI_Request_free(&r));
    }
    for (int i = 0; !rank && i < n; i++)
        for (int source = 1; source < size; source++)
            expect(source, 5, i, own);
    OK(MPI_Comm_free(&own));
    OK(MPI_Barrier(MPI_COMM_WORLD)); /* so that all have been read when m goes */
    free(m);
}

/* A probe looks for what is behind all that is held back. */
static void probed(void)
{
    int n = 3 * credit;
    struct message *m = malloc(sizeof *m * (size_t)n);
    MPI_Request *r = malloc(sizeof *r * (size_t)n);
    MPI_Status status;
    int flag = 0;

    CHECK(m && r);
    for (int i = 0; rank && i < n; i++) {
        m[i] = make(i);
        OK(MPI_Isend(&m[i], bytes_of(i), MPI_BYTE, 0, i == n - 1 ? OTHER_TAG : 6, MPI_COMM_WORLD,
                     &r[i]));
    }
    if (!rank && size > 1) {
        while (!flag)
            OK(MPI_Iprobe(MPI_ANY_SOURCE, OTHER_TAG, MPI_COMM_WORLD, &flag, &status));
        for (int source = size - 1; source > 0; source--) {
            OK(MPI_Probe(source, OTHER_TAG, MPI_COMM_WORLD, &status));
            CHECK(says(&status, source, OTHER_TAG, MPI_BYTE, bytes_of(n - 1)));
            expect(source, OTHER_TAG, n - 1, MPI_COMM_WORLD);
        }
    }
    for (int i = 0; !rank && i < n - 1; i++)
        for (int source = 1; source < size; source++)
            expect(source, 6, i, MPI_COMM_WORLD);
    if (rank)
        OK(MPI_Waitall(n, r, MPI_STATUSES_IGNORE));
    free(m);
    free(r);
}

/* A root that is far ahead of the others, whose operations do not block. */
static void collectives(void)
{
    int n = 2 * credit;
    int *value = malloc(sizeof *value * (size_t)n);
    MPI_Request *r = malloc(sizeof *r * (size_t)n);

    CHECK(value && r);
    for (int i = 0; i < n; i++)
        value[i] = rank ? -1 : i;
    for (int i = 0; !rank && i < n; i++)
        OK(MPI_Ibcast(&value[i], 1, MPI_INT, 0, MPI_COMM_WORLD, &r[i]));
    /* What the root sends now must not wait for what the others have not started. */
    for (int i = 1; !rank && i < size; i++)
        OK(MPI_Send(&n, 1, MPI_INT, i, 7, MPI_COMM_WORLD));
    if (rank) {
        OK(MPI_Recv(&n, 1, MPI_INT, 0, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        for (int i = 0; i < n; i++)
            OK(MPI_Ibcast(&value[i], 1, MPI_INT, 0, MPI_COMM_WORLD, &r[i]));
    }
    OK(MPI_Waitall(n, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < n; i++)
        CHECK(value[i] == i);
    free(value);
    free(r);
}

/* A partitioned sender runs rounds ahead of its receiver. */
static void partitions(void)
{
    enum { PARTS = 8 };
    int rounds = 3 * credit / PARTS, value[PARTS] = {0};
    MPI_Request r;

    if (rank == 0 && size > 1) {
        OK(MPI_Precv_init(value, PARTS, 1, MPI_INT, 1, 8, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
        OK(MPI_Recv(NULL, 0, MPI_BYTE, 1, 9, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    } else if (rank == 1) {
        OK(MPI_Psend_init(value, PARTS, 1, MPI_INT, 0, 8, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    } else {
        return;
    }
    for (int i = 0; i < rounds; i++) {
        OK(MPI_Start(&r));
        for (int p = 0; rank && p < PARTS; p++) {
            value[p] = i * PARTS + p;
            OK(MPI_Pready(p, r));
        }
        if (rank && i == rounds / 4)
            OK(MPI_Send(NULL, 0, MPI_BYTE, 0, 9, MPI_COMM_WORLD));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        for (int p = 0; !rank && p < PARTS; p++)
            CHECK(value[p] == i * PARTS + p);
    }
    OK(MPI_Request_free(&r));
}

/* To itself a process may send what it likes. */
static void self(void)
{
    int n = 3 * credit;

    for (int i = 0; i < n; i++) {
        struct message m = make(i);
        OK(MPI_Send(&m, bytes_of(i), MPI_BYTE, rank, 10, MPI_COMM_WORLD));
    }
    for (int i = 0; i < n; i++)
        expect(rank, 10, i, MPI_COMM_WORLD);
}

static void unread(void)
{
    static struct message m;
    MPI_Request r;

    for (int i = 0; rank && i < messages; i++) {
        OK(MPI_Isend(&m, bytes_of(i), MPI_BYTE, 0, 11, MPI_COMM_WORLD, &r));
        OK(MPI_Request_free(&r));
    }
}

int main(int argc, char **argv)
{
    int provided;

    setenv("ORIEL_CREDIT", "128", 0);
    credit = atoi(getenv("ORIEL_CREDIT"));
    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    begin(&argc, &argv);
    if (argc > 1 && strcmp(argv[1], "unread"))
        messages = atoi(argv[1]);
    CHECK(messages > 0 && credit > 0);
    count_open();
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &aside));
    OK(MPI_Barrier(aside)); /* the first contact */
    if (argc > 1 && !strcmp(argv[1], "unread")) {
        unread();
    } else {
        flood();
        stream();
        modes();
        cancelled();
        freed();
        probed();
        collectives();
        partitions();
        self();
    }
    OK(MPI_Comm_free(&aside));
    count_close();
    OK(MPI_T_finalize());
    return end("p2p_flow");
}
