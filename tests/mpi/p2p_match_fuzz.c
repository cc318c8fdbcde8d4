/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random sends of all kinds, receives with every mix of wildcards, probes, matched probes and
 * cancellations, on two communicators at once. What each rank sends in a round follows from seed,
 * round and rank alone, so that every receiver knows what can come. When a round is over, the
 * receives are checked, in the order in which they were posted, against what the standard's rules
 * of matching (3.5) allow:
 *
 *   - a receive takes a message that it matches, whole or cut and then said so, and each message is
 *     taken once;
 *   - when it takes one, whatever the same sender sent before on that communicator, and it matches
 *     too, has been taken by a receive that was posted earlier;
 *   - no receive that was posted earlier, and matches the message, is left without one, unless it
 *     had been cancelled.
 *
 * p2p_match_fuzz.mpi [OPERATIONS [SEED]]: of all ranks together; 100000 is the full size. An odd
 * seed has little credit, one that 3 divides short transfers.
 */
#include <stdint.h>

#include "tests/mpi/mpitest.h"

enum {
    COMMS = 2,
    SENDS = 400, /* of each rank in a round */
    TAGS = 4,
    WISHES = 2 * SENDS, /* receives that a rank starts before it only drains */
    LEAST = 4,          /* bytes: the message's number */
    MOST = 100000,
};

static MPI_Comm comms[COMMS]; /* the second has the ranks in reverse */
static unsigned seed = 3;
static int round_number;

/* ---- Chance: `pure` for what others must know, `chance` for the rest ---- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t pure(int who, int what, int why)
{
    return mix(mix(mix(mix(seed) + (uint64_t)round_number) + (uint64_t)who) * 1000 +
               (uint64_t)what * 16 + (uint64_t)why);
}

static uint64_t state;

static int chance(int below)
{
    state = mix(state + 1);
    return (int)(state % (uint64_t)below);
}

/* ---- Messages ---- */

enum mode { STANDARD, SYNCHRONOUS, BUFFERED, PERSISTENT, BLOCKING_BUFFERED, MODES };

struct message {
    int to, comm, tag, len; /* `to` is a rank of MPI_COMM_WORLD */
    enum mode mode;
};

static struct message message(int sender, int n)
{
    static const int longest[] = {24, 60, 60, 400, 3000, 17000, MOST};
    uint64_t l = pure(sender, n, 3);
    int most = longest[l % (sizeof longest / sizeof longest[0])];

    return (struct message){.to = (int)(pure(sender, n, 0) % (uint64_t)size),
                            .comm = (int)(pure(sender, n, 1) % COMMS),
                            .tag = (int)(pure(sender, n, 2) % TAGS),
                            .len = LEAST + (int)(mix(l) % (uint64_t)(most - LEAST)),
                            .mode = (enum mode)(pure(sender, n, 4) % MODES)};
}

static int rank_in(int comm, int world)
{
    return comm && world >= 0 ? size - 1 - world : world;
}

static char byte_of(int sender, int n, int at)
{
    return (char)(sender * 53 + n * 17 + at * 7 + at / 256);
}

static void message_fill(char *buf, int sender, int n, int len)
{
    memcpy(buf, &n, LEAST);
    for (int i = LEAST; i < len; i++)
        buf[i] = byte_of(sender, n, i);
}

/* ---- Sending ---- */

struct sent {
    char *buf;
    MPI_Request request;
    unsigned char cancelled;
};

static struct sent sent[SENDS];
static int sends;

static void send_one(void)
{
    int n = sends++;
    struct message m = message(rank, n);
    struct sent *s = &sent[n];
    int to = rank_in(m.comm, m.to);
    MPI_Comm c = comms[m.comm];

    s->buf = malloc((size_t)m.len);
    s->request = MPI_REQUEST_NULL;
    s->cancelled = 0;
    CHECK(s->buf);
    message_fill(s->buf, rank, n, m.len);
    switch (m.mode) {
    case SYNCHRONOUS:
        OK(MPI_Issend(s->buf, m.len, MPI_BYTE, to, m.tag, c, &s->request));
        break;
    case BUFFERED:
        OK(MPI_Ibsend(s->buf, m.len, MPI_BYTE, to, m.tag, c, &s->request));
        break;
    case BLOCKING_BUFFERED:
        OK(MPI_Bsend(s->buf, m.len, MPI_BYTE, to, m.tag, c));
        break;
    case PERSISTENT:
        OK(MPI_Send_init(s->buf, m.len, MPI_BYTE, to, m.tag, c, &s->request));
        OK(MPI_Start(&s->request));
        break;
    default:
        OK(MPI_Isend(s->buf, m.len, MPI_BYTE, to, m.tag, c, &s->request));
    }
}

/* Some of those that do not wait for their receiver; whether it was in time is MPI's to say. */
static void sends_cancel(void)
{
    for (int n = 0; n < SENDS; n++) {
        struct message m = message(rank, n);
        MPI_Status status;
        int flag;

        if (m.mode != STANDARD || m.len > 400 || chance(10))
            continue;
        OK(MPI_Cancel(&sent[n].request));
        OK(MPI_Wait(&sent[n].request, &status));
        OK(MPI_Test_cancelled(&status, &flag));
        sent[n].cancelled = flag != 0;
    }
}

static void sends_end(void)
{
    for (int n = 0; n < SENDS; n++) {
        OK(MPI_Wait(&sent[n].request, MPI_STATUS_IGNORE));
        if (sent[n].request != MPI_REQUEST_NULL)
            OK(MPI_Request_free(&sent[n].request));
        free(sent[n].buf);
    }
    sends = 0;
}

/* ---- Receiving ---- */

struct wish {
    int comm, source, tag; /* what it asks for; a rank of MPI_COMM_WORLD, or MPI_ANY_SOURCE */
    int room;
    char *buf;
    MPI_Request request;
    int open;         /* not complete yet */
    int taken, from;  /* the message, or -1 */
    long done, ended; /* when it was seen to be complete; when it was cancelled */
};

static struct wish *wishes;
static int wished, wish_room, received[COMMS];
static long now;

static struct wish *wish_new(int comm, int source, int tag, int room)
{
    if (wished == wish_room) {
        wish_room = wish_room ? 2 * wish_room : 1024;
        wishes = realloc(wishes, (size_t)wish_room * sizeof *wishes);
        CHECK(wishes);
    }
    struct wish *w = &wishes[wished++];
    *w = (struct wish){.comm = comm,
                       .source = source,
                       .tag = tag,
                       .room = room,
                       .open = 1,
                       .taken = -1,
                       .request = MPI_REQUEST_NULL};
    w->buf = malloc((size_t)room);
    CHECK(w->buf);
    return w;
}

static void wish_print(const struct wish *w)
{
    fprintf(stderr,
            "  receive %d: communicator %d, source %d, tag %d, room %d: message %d of rank %d\n",
            (int)(w - wishes), w->comm, w->source, w->tag, w->room, w->taken, w->from);
}

static void wrong(const struct wish *w, const struct wish *other, const char *what)
{
    fprintf(stderr, "p2p_match_fuzz: seed %u, round %d, rank %d: %s\n", seed, round_number, rank,
            what);
    wish_print(w);
    if (other)
        wish_print(other);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* It has come to its end: what the status says must be what the message is. */
static void wish_done(struct wish *w, int error, const MPI_Status *status)
{
    int flag, count = -1, n, class = MPI_SUCCESS;

    w->open = 0;
    w->done = now++;
    OK(MPI_Test_cancelled(status, &flag));
    if (flag) {
        if (!w->ended)
            wrong(w, NULL, "it was cancelled by nobody");
        free(w->buf);
        return;
    }
    if (error)
        OK(MPI_Error_class(error, &class));
    OK(MPI_Get_count(status, MPI_BYTE, &count));
    memcpy(&n, w->buf, LEAST);
    w->from = rank_in(w->comm, status->MPI_SOURCE);
    w->taken = n;
    if (w->from < 0 || w->from >= size || n < 0 || n >= SENDS)
        wrong(w, NULL, "it brought what nobody sent");
    struct message m = message(w->from, n);
    if (m.to != rank || m.comm != w->comm || m.tag != status->MPI_TAG)
        wrong(w, NULL, "it brought a message that is for somebody else");
    if ((w->source != MPI_ANY_SOURCE && w->source != w->from) ||
        (w->tag != MPI_ANY_TAG && w->tag != m.tag))
        wrong(w, NULL, "it does not match what it brought");
    if (class != (m.len > w->room ? MPI_ERR_TRUNCATE : MPI_SUCCESS))
        wrong(w, NULL, m.len > w->room ? "it was cut in silence" : "it failed");
    if (count != (m.len > w->room ? w->room : m.len))
        wrong(w, NULL, "its length is wrong");
    for (int i = LEAST; i < count; i++)
        if (w->buf[i] != byte_of(w->from, n, i))
            wrong(w, NULL, "its data is wrong");
    free(w->buf);
    received[w->comm]++;
}

static int any_room(void)
{
    return chance(20) ? MOST : LEAST + chance(100);
}

static void wish_post(int comm, int source, int tag, int room)
{
    struct wish *w = wish_new(comm, source, tag, room);
    int from = rank_in(comm, source);

    if (chance(5)) {
        OK(MPI_Irecv(w->buf, room, MPI_BYTE, from, tag, comms[comm], &w->request));
    } else {
        OK(MPI_Recv_init(w->buf, room, MPI_BYTE, from, tag, comms[comm], &w->request));
        OK(MPI_Start(&w->request));
    }
}

static void wish_wait(struct wish *w)
{
    MPI_Status status;
    int error = MPI_Wait(&w->request, &status);

    wish_done(w, error, &status);
    if (w->request != MPI_REQUEST_NULL)
        OK(MPI_Request_free(&w->request));
}

static void wishes_test(int all)
{
    for (int i = 0; i < wished; i++) {
        struct wish *w = &wishes[i];
        MPI_Status status;
        int flag = 0;

        if (!w->open || (!all && chance(4)))
            continue;
        int error = MPI_Test(&w->request, &flag, &status);
        if (!flag)
            continue;
        wish_done(w, error, &status);
        if (w->request != MPI_REQUEST_NULL)
            OK(MPI_Request_free(&w->request));
    }
}

static void wish_cancel(struct wish *w)
{
    w->ended = ++now;
    OK(MPI_Cancel(&w->request));
    if (chance(2))
        wish_wait(w);
}

static void cancel_one(void)
{
    int open = 0, n;

    for (int i = 0; i < wished; i++)
        open += wishes[i].open && !wishes[i].ended;
    if (!open)
        return;
    n = chance(open);
    for (int i = 0; i < wished; i++)
        if (wishes[i].open && !wishes[i].ended && n-- == 0) {
            wish_cancel(&wishes[i]);
            return;
        }
}

/* What a probe has found is received at once, and must be what it said. */
static int probe_receive(int comm, int source, int tag, int wait)
{
    MPI_Status said, status;
    int flag = 1, from = rank_in(comm, source);

    if (wait)
        OK(MPI_Probe(from, tag, comms[comm], &said));
    else
        OK(MPI_Iprobe(from, tag, comms[comm], &flag, &said));
    if (!flag)
        return 0;
    struct wish *w = wish_new(comm, rank_in(comm, said.MPI_SOURCE), said.MPI_TAG, any_room());
    int len, error = MPI_Recv(w->buf, w->room, MPI_BYTE, said.MPI_SOURCE, said.MPI_TAG, comms[comm],
                              &status);
    wish_done(w, error, &status);
    OK(MPI_Get_count(&said, MPI_BYTE, &len));
    if (len != message(w->from, w->taken).len)
        wrong(w, NULL, "the probe before it spoke of another message");
    return 1;
}

static int probe_match(int comm, int source, int tag, int wait)
{
    MPI_Message m;
    MPI_Status said, status;
    int len, error, flag = 1, from = rank_in(comm, source);

    if (wait)
        OK(MPI_Mprobe(from, tag, comms[comm], &m, &said));
    else
        OK(MPI_Improbe(from, tag, comms[comm], &flag, &m, &said));
    if (!flag)
        return 0;
    struct wish *w = wish_new(comm, source, tag, any_room());
    if (chance(2)) {
        error = MPI_Mrecv(w->buf, w->room, MPI_BYTE, &m, &status);
    } else {
        OK(MPI_Imrecv(w->buf, w->room, MPI_BYTE, &m, &w->request));
        error = MPI_Wait(&w->request, &status);
    }
    wish_done(w, error, &status);
    OK(MPI_Get_count(&said, MPI_BYTE, &len));
    if (len != message(w->from, w->taken).len)
        wrong(w, NULL, "its matched probe spoke of another message");
    return 1;
}

/* ---- A round ---- */

static void receive_something(void)
{
    int comm = chance(COMMS), source = chance(3) ? chance(size) : MPI_ANY_SOURCE;
    int tag = chance(3) ? chance(TAGS) : MPI_ANY_TAG;

    switch (chance(8)) {
    case 0:
        probe_receive(comm, source, tag, 0);
        break;
    case 1:
        probe_match(comm, source, tag, 0);
        break;
    default:
        wish_post(comm, source, tag, any_room());
    }
}

/* Everything that has not come yet, as the number of it is known. */
static void drain(const int *expected)
{
    for (int comm = 0; comm < COMMS; comm++)
        while (received[comm] < expected[comm]) {
            int left = expected[comm] - received[comm], most = left < 8 ? left : 8;
            int first = wished, n = 1 + chance(most);
            switch (chance(4)) {
            case 0:
                probe_receive(comm, MPI_ANY_SOURCE, MPI_ANY_TAG, 1);
                break;
            case 1:
                probe_match(comm, MPI_ANY_SOURCE, MPI_ANY_TAG, 1);
                break;
            default:
                for (int i = 0; i < n; i++)
                    wish_post(comm, MPI_ANY_SOURCE, MPI_ANY_TAG, any_room());
                for (int i = 0; i < n; i++)
                    wish_wait(&wishes[first + i]);
            }
        }
}

static int matches(const struct wish *w, int sender, const struct message *m)
{
    return (w->source == MPI_ANY_SOURCE || w->source == sender) &&
           (w->tag == MPI_ANY_TAG || w->tag == m->tag);
}

/* Which receive took each message to this rank; -1: none, or it is not for this rank. */
static int *takers;

/* Was all that the same sender sent before, and that would do, taken by an earlier receive? */
static void check_senders(int i)
{
    const struct wish *w = &wishes[i];

    for (int n = 0; n < w->taken; n++) {
        struct message m = message(w->from, n);
        int by = takers[w->from * SENDS + n];
        if (m.to == rank && m.comm == w->comm && matches(w, w->from, &m) && by > i)
            wrong(w, &wishes[by], "it overtook the message of the other");
    }
}

/* Is there an earlier receive for that message which got none? */
static void check_receives(int i)
{
    const struct wish *w = &wishes[i];
    struct message m = message(w->from, w->taken);

    for (int j = 0; j < i; j++) {
        const struct wish *e = &wishes[j];
        if (e->taken < 0 && e->comm == w->comm && matches(e, w->from, &m) && w->done < e->ended)
            wrong(w, e, "its message should have gone to the other, which came first");
    }
}

static void check(const unsigned char *cancelled)
{
    for (int i = 0; i < size * SENDS; i++)
        takers[i] = -1;
    for (int i = 0; i < wished; i++) {
        int at = wishes[i].from * SENDS + wishes[i].taken;
        if (wishes[i].taken < 0)
            continue;
        if (takers[at] >= 0)
            wrong(&wishes[i], &wishes[takers[at]], "its message was received twice");
        if (cancelled[at])
            wrong(&wishes[i], NULL, "its message had been cancelled");
        takers[at] = i;
    }
    for (int i = 0; i < wished; i++) {
        if (wishes[i].taken < 0)
            continue;
        check_senders(i);
        check_receives(i);
    }
}

/* How many messages are for this rank, those that were cancelled left out. */
static void count_expected(const unsigned char *cancelled, int *expected)
{
    memset(expected, 0, COMMS * sizeof *expected);
    for (int sender = 0; sender < size; sender++)
        for (int n = 0; n < SENDS; n++) {
            struct message m = message(sender, n);
            expected[m.comm] += m.to == rank && !cancelled[sender * SENDS + n];
        }
}

static void play_round(unsigned char *cancelled)
{
    unsigned char own[SENDS];
    int expected[COMMS];

    memset(received, 0, sizeof received);
    wished = 0;
    now = 0;
    for (int asked = 0; sends < SENDS || asked < WISHES;) {
        int what = chance(10);
        if (what < 4 && sends < SENDS)
            send_one();
        else if (what < 8 && asked++ < WISHES)
            receive_something();
        else if (what == 8)
            wishes_test(0);
        else if (!chance(3))
            cancel_one();
    }
    sends_cancel();
    for (int n = 0; n < SENDS; n++)
        own[n] = sent[n].cancelled;
    OK(MPI_Allgather(own, SENDS, MPI_BYTE, cancelled, SENDS, MPI_BYTE, comms[round_number % 2]));
    if (round_number % 2) /* it came in the order of that communicator's ranks */
        for (int i = 0; i < size / 2; i++)
            for (int n = 0; n < SENDS; n++) {
                unsigned char *a = &cancelled[i * SENDS + n];
                unsigned char *b = &cancelled[(size - 1 - i) * SENDS + n], c = *a;
                *a = *b;
                *b = c;
            }
    wishes_test(1);
    for (int i = 0; i < wished; i++)
        if (wishes[i].open && !wishes[i].ended)
            wish_cancel(&wishes[i]);
    for (int i = 0; i < wished; i++)
        if (wishes[i].open)
            wish_wait(&wishes[i]);
    count_expected(cancelled, expected);
    drain(expected);
    sends_end();
    OK(MPI_Barrier(comms[0])); /* the next round's messages are not for this one's receives */
    check(cancelled);
}

int main(int argc, char **argv)
{
    long operations = argc > 1 ? atol(argv[1]) : 12000;
    long count[3] = {0}, all[3]; /* operations, receives that got a message, sends cancelled */
    unsigned char *cancelled;
    void *base;
    int len;

    seed = argc > 2 ? (unsigned)atoi(argv[2]) : seed;
    if (seed % 2)
        setenv("ORIEL_CREDIT", "64", 0);
    if (seed % 3 == 0)
        setenv("ORIEL_MAX_MESSAGE", "2000", 0);
    if (seed % 4 == 3) /* receives beyond what rxm holds */
        setenv("FI_OFI_RXM_RX_SIZE", "64", 0);
    begin(&argc, &argv);
    state = seed * 1000 + (unsigned)rank;
    comms[0] = MPI_COMM_WORLD;
    OK(MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &comms[1]));
    for (int i = 0; i < COMMS; i++)
        OK(MPI_Comm_set_errhandler(comms[i], MPI_ERRORS_RETURN));
    OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
    cancelled = malloc((size_t)size * SENDS);
    takers = malloc((size_t)size * SENDS * sizeof *takers);
    CHECK(cancelled && takers);
    for (all[0] = 0; all[0] < operations;) {
        play_round(cancelled);
        count[0] += SENDS + wished;
        OK(MPI_Allreduce(count, all, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD));
        count[1] += received[0] + received[1];
        for (int n = 0; n < SENDS; n++)
            count[2] += sent[n].cancelled;
        round_number++;
    }
    OK(MPI_Reduce(count, all, 3, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD));
    if (rank == 0)
        printf("p2p_match_fuzz: seed %u, %d rounds: %ld operations, %ld messages received, %ld "
               "sends cancelled\n",
               seed, round_number, all[0], all[1], all[2]);
    OK(MPI_Buffer_detach(&base, &len));
    OK(MPI_Comm_free(&comms[1]));
    free(cancelled);
    free(takers);
    free(wishes);
    return end("p2p_match_fuzz");
}
