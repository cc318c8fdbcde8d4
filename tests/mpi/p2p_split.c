/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages longer than a single transfer may be, by every way there is to send and to receive.
 * ORIEL_MAX_MESSAGE is 64K unless it is set.
 */
#include "tests/mpi/mpitest.h"

static size_t limit; /* bytes of a transfer */
static char *out, *in;

enum { LENGTHS = 9 };
static size_t lengths[LENGTHS], most;

static void set_limit(void)
{
    char *end;

    setenv("ORIEL_MAX_MESSAGE", "64K", 0);
    limit = strtoul(getenv("ORIEL_MAX_MESSAGE"), &end, 10) * (*end == 'K' ? 1024 : 1);
    CHECK(limit >= 64);
    size_t all[LENGTHS] = {limit - 1,     limit,          limit + 1,
                           2 * limit - 1, 2 * limit,      2 * limit + 1,
                           3 * limit + 8, 20 * limit + 7, 5};
    memcpy(lengths, all, sizeof lengths);
    most = 20 * limit + 7;
}

static void expect_status(MPI_Status *s, int tag, size_t len)
{
    CHECK(says(s, left(), tag, MPI_BYTE, (MPI_Count)len));
}

static void arrived(size_t len, int seed)
{
    CHECK(filled(in, len, seed));
    CHECK(in[len] == 'x'); /* not a byte more */
    memset(in, 'x', len);
}

/* ---- The ways to send, received by Recv, each length after the other ---- */

enum way { SEND, SSEND, BSEND, ISEND, PERSISTENT, SENDRECV, REPLACE, IREPLACE, WAYS };

static void start(enum way way, size_t len, MPI_Request *r)
{
    MPI_Comm c = MPI_COMM_WORLD;
    MPI_Count n = (MPI_Count)len;

    switch (way) {
    case SSEND:
        OK(MPI_Issend_c(out, n, MPI_BYTE, right(), way, c, r));
        break;
    case BSEND:
        OK(MPI_Ibsend_c(out, n, MPI_BYTE, right(), way, c, r));
        break;
    case PERSISTENT:
        OK(MPI_Send_init_c(out, n, MPI_BYTE, right(), way, c, r));
        OK(MPI_Start(r));
        break;
    default:
        OK(MPI_Isend_c(out, n, MPI_BYTE, right(), way, c, r));
    }
}

static void one_way(enum way way, size_t len)
{
    MPI_Request r;
    MPI_Status s;

    fill(out, len, rank + way);
    if (way == SENDRECV) {
        OK(MPI_Sendrecv_c(out, (MPI_Count)len, MPI_BYTE, right(), way, in, (MPI_Count)most,
                          MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &s));
    } else if (way == REPLACE) {
        memcpy(in, out, len);
        OK(MPI_Sendrecv_replace_c(in, (MPI_Count)len, MPI_BYTE, right(), way, left(), way,
                                  MPI_COMM_WORLD, &s));
    } else if (way == IREPLACE) {
        memcpy(in, out, len);
        OK(MPI_Isendrecv_replace_c(in, (MPI_Count)len, MPI_BYTE, right(), way, left(), way,
                                   MPI_COMM_WORLD, &r));
        OK(MPI_Wait(&r, &s));
    } else {
        start(way, len, &r);
        OK(MPI_Recv_c(in, (MPI_Count)most, MPI_BYTE, way % 2 ? left() : MPI_ANY_SOURCE, way,
                      MPI_COMM_WORLD, &s));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
        if (r != MPI_REQUEST_NULL)
            OK(MPI_Request_free(&r));
    }
    expect_status(&s, way, len);
    arrived(len, left() + way);
}

static void blocking(size_t len)
{
    MPI_Status s;

    fill(out, len, rank);
    if (size == 1)
        return;
    /* Even ranks send first; where the last is even too, it waits for the first. */
    if (rank % 2 == 0)
        OK(MPI_Send_c(out, (MPI_Count)len, MPI_BYTE, right(), 20, MPI_COMM_WORLD));
    OK(MPI_Recv_c(in, (MPI_Count)most, MPI_BYTE, MPI_ANY_SOURCE, 20, MPI_COMM_WORLD, &s));
    if (rank % 2 == 1)
        OK(MPI_Ssend_c(out, (MPI_Count)len, MPI_BYTE, right(), 20, MPI_COMM_WORLD));
    expect_status(&s, 20, len);
    arrived(len, left());
}

static void sends(void)
{
    size_t room = most + MPI_BSEND_OVERHEAD;
    void *buffer = malloc(room);
    MPI_Count back;

    CHECK(buffer);
    OK(MPI_Buffer_attach_c(buffer, (MPI_Count)room));
    for (int i = 0; i < LENGTHS; i++) {
        for (int way = SEND; way < WAYS; way++)
            one_way(way, lengths[i]);
        if (size % 2 == 0)
            blocking(lengths[i]);
    }
    OK(MPI_Buffer_detach_c(&buffer, &back));
    free(buffer);
}

/* ---- The ways to receive ---- */

static void probes(size_t len)
{
    MPI_Message m;
    MPI_Request r[2];
    MPI_Status s;
    int flag = 0;

    fill(out, len, rank);
    for (int i = 0; i < 2; i++)
        OK(MPI_Isend_c(out, (MPI_Count)len, MPI_BYTE, right(), 30 + i, MPI_COMM_WORLD, &r[i]));
    OK(MPI_Probe(left(), 30, MPI_COMM_WORLD, &s));
    expect_status(&s, 30, len);
    while (!flag)
        OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, &s));
    expect_status(&s, 30, len);
    OK(MPI_Recv_c(in, (MPI_Count)len, MPI_BYTE, s.MPI_SOURCE, s.MPI_TAG, MPI_COMM_WORLD, &s));
    expect_status(&s, 30, len);
    arrived(len, left());
    OK(MPI_Mprobe(MPI_ANY_SOURCE, 31, MPI_COMM_WORLD, &m, &s));
    expect_status(&s, 31, len);
    OK(MPI_Mrecv_c(in, (MPI_Count)most, MPI_BYTE, &m, &s));
    expect_status(&s, 31, len);
    arrived(len, left());
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
}

/* What does not fit is left out and said so, and the next message is whole. */
static void truncated(size_t len)
{
    size_t rooms[] = {0, 1, 4, len % limit, len % limit + 1, limit, len / 2, len - 1};

    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        MPI_Request r[3];
        MPI_Status s;
        MPI_Count got = -1;
        int error, class;

        if (rooms[i] >= len)
            continue;
        fill(out, len, rank + (int)i);
        OK(MPI_Irecv_c(in, (MPI_Count)rooms[i], MPI_BYTE, i % 2 ? left() : MPI_ANY_SOURCE, 40,
                       MPI_COMM_WORLD, &r[0]));
        OK(MPI_Isend_c(out, (MPI_Count)len, MPI_BYTE, right(), 40, MPI_COMM_WORLD, &r[1]));
        OK(MPI_Isend_c(out, 3, MPI_BYTE, right(), 40, MPI_COMM_WORLD, &r[2]));
        error = MPI_Wait(&r[0], &s);
        OK(MPI_Error_class(error, &class));
        CHECK(class == MPI_ERR_TRUNCATE);
        CHECK(s.MPI_SOURCE == left() && s.MPI_TAG == 40);
        OK(MPI_Get_count_c(&s, MPI_BYTE, &got));
        CHECK(got == (MPI_Count)rooms[i]);
        arrived(rooms[i], left() + (int)i);
        OK(MPI_Recv(in, 9, MPI_BYTE, left(), 40, MPI_COMM_WORLD, &s));
        expect_status(&s, 40, 3);
        arrived(3, left() + (int)i);
        OK(MPI_Waitall(2, &r[1], MPI_STATUSES_IGNORE));
    }
}

/* Long and short messages of one tag, in order; the receives are posted in advance or not. */
static void order(void)
{
    enum { N = 24 };
    MPI_Request s[N], r[N];
    char *to[N];

    fill(out, most, rank);
    for (int before = 0; before < 2; before++) {
        for (int i = 0; i < N; i++) {
            to[i] = malloc(most);
            CHECK(to[i]);
            if (before)
                OK(MPI_Irecv_c(to[i], (MPI_Count)most, MPI_BYTE, left(), 50, MPI_COMM_WORLD,
                               &r[i]));
        }
        for (int i = 0; i < N; i++)
            OK(MPI_Isend_c(out, (MPI_Count)lengths[i % LENGTHS] - i / LENGTHS, MPI_BYTE, right(),
                           50, MPI_COMM_WORLD, &s[i]));
        for (int i = 0; i < N; i++) {
            MPI_Status status;
            if (!before)
                OK(MPI_Irecv_c(to[i], (MPI_Count)most, MPI_BYTE, MPI_ANY_SOURCE, 50, MPI_COMM_WORLD,
                               &r[i]));
            OK(MPI_Wait(&r[i], &status));
            expect_status(&status, 50, lengths[i % LENGTHS] - (size_t)(i / LENGTHS));
            CHECK(filled(to[i], lengths[i % LENGTHS] - (size_t)(i / LENGTHS), left()));
            free(to[i]);
        }
        OK(MPI_Waitall(N, s, MPI_STATUSES_IGNORE));
    }
}

/* Every other int of both sides' memory, and one side's alone. */
static void scattered(size_t len)
{
    int n = (int)(len / sizeof(int)), *from = malloc(2 * len + 8), *to = malloc(2 * len + 8);
    MPI_Datatype t;
    MPI_Status s;

    CHECK(from && to);
    OK(MPI_Type_create_resized(MPI_INT, 0, 2 * sizeof(int), &t));
    OK(MPI_Type_commit(&t));
    for (int way = 1; way < 4; way++) {
        for (int i = 0; i < 2 * n; i++) {
            from[i] = i * 7 + rank;
            to[i] = -1;
        }
        OK(MPI_Sendrecv(from, n, way & 1 ? t : MPI_INT, right(), 60, to, n, way & 2 ? t : MPI_INT,
                        left(), 60, MPI_COMM_WORLD, &s));
        CHECK(says(&s, left(), 60, MPI_INT, n));
        for (int i = 0; i < n; i++)
            CHECK(to[way & 2 ? 2 * i : i] == (way & 1 ? 2 * i : i) * 7 + left());
        for (int i = 0; way & 2 && i < n; i++)
            CHECK(to[2 * i + 1] == -1);
    }
    OK(MPI_Type_free(&t));
    free(from);
    free(to);
}

/* ---- Partitions, and collectives ---- */

static void partitions(void)
{
    enum { SENT = 3, TAKEN = 4, ROUNDS = 3 };
    size_t len = 4 * (limit + limit / 2 + 1); /* a multiple of TAKEN */
    MPI_Request r[2];

    OK(MPI_Psend_init(out, SENT, (MPI_Count)len, MPI_BYTE, right(), 70, MPI_COMM_WORLD,
                      MPI_INFO_NULL, &r[0]));
    OK(MPI_Precv_init(in, TAKEN, (MPI_Count)(SENT * len / TAKEN), MPI_BYTE, left(), 70,
                      MPI_COMM_WORLD, MPI_INFO_NULL, &r[1]));
    for (int round = 0; round < ROUNDS; round++) {
        int flag = 0;
        fill(out, SENT * len, rank + round);
        OK(MPI_Startall(2, r));
        for (int p = SENT - 1; p >= 0; p--)
            OK(MPI_Pready(p, r[0]));
        while (!flag)
            OK(MPI_Parrived(r[1], TAKEN - 1, &flag));
        OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
        arrived(SENT * len, left() + round);
    }
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

static void collectives(size_t len)
{
    int n = (int)(len / sizeof(int)), *a = malloc(len + 4), *b = malloc((size_t)size * len + 4);

    CHECK(a && b);
    for (int i = 0; i < n; i++)
        a[i] = rank == size - 1 ? i : -1;
    OK(MPI_Bcast(a, n, MPI_INT, size - 1, MPI_COMM_WORLD));
    for (int i = 0; i < n; i++)
        CHECK(a[i] == i);
    OK(MPI_Allreduce(MPI_IN_PLACE, a, n, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    for (int i = 0; i < n; i++)
        CHECK(a[i] == i * size);
    for (int i = 0; i < n; i++)
        a[i] = rank + i;
    OK(MPI_Allgather(a, n, MPI_INT, b, n, MPI_INT, MPI_COMM_WORLD));
    for (int p = 0; p < size; p++)
        for (int i = 0; i < n; i++)
            CHECK(b[p * n + i] == p + i);
    free(a);
    free(b);
}

int main(int argc, char **argv)
{
    set_limit();
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    out = malloc(most + 1);
    in = malloc(most + 1);
    CHECK(out && in);
    memset(in, 'x', most + 1);
    sends();
    for (int i = 0; i < LENGTHS; i++) {
        probes(lengths[i]);
        truncated(lengths[i]);
        scattered(lengths[i]);
        collectives(lengths[i]);
    }
    order();
    partitions();
    free(out);
    free(in);
    return end("p2p_split");
}
