/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad arguments: the class that MPI names, and a text that shows the offending value. */
#include "mpitest.h"

static int value;

/* `call` must fail with `class_`, and its text contain `part`. */
#define FAILS(call, class_, part)                                                                  \
    do {                                                                                           \
        int rc_ = (call);                                                                          \
        if (!fails(rc_, class_, part)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #call);                             \
            MPI_Abort(MPI_COMM_WORLD, 1);                                                          \
        }                                                                                          \
    } while (0)

static int fails(int rc, int class, const char *part)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int got = -1, len = 0;

    MPI_Error_class(rc, &got);
    MPI_Error_string(rc, text, &len);
    if (got == class && len == (int)strlen(text) && strstr(text, part))
        return 1;
    fprintf(stderr, "class %d, expected %d; text \"%s\", expected to hold \"%s\"\n", got, class,
            text, part);
    return 0;
}

static void arguments(void)
{
    MPI_Request r;
    MPI_Status s;
    MPI_Message m;
    int flag;
    char number[16];

    snprintf(number, sizeof number, "%d", size);
    FAILS(MPI_Send(&value, 1, MPI_INT, size, 0, MPI_COMM_WORLD), MPI_ERR_RANK, number);
    FAILS(MPI_Send(&value, 1, MPI_INT, -9, 0, MPI_COMM_WORLD), MPI_ERR_RANK, "-9");
    FAILS(MPI_Send(&value, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD), MPI_ERR_RANK,
          "MPI_ANY_SOURCE");
    FAILS(MPI_Recv(&value, 1, MPI_INT, size, 0, MPI_COMM_WORLD, &s), MPI_ERR_RANK, number);
    FAILS(MPI_Irecv(&value, 1, MPI_INT, -12345, 0, MPI_COMM_WORLD, &r), MPI_ERR_RANK, "-12345");
    FAILS(MPI_Iprobe(size, 0, MPI_COMM_WORLD, &flag, &s), MPI_ERR_RANK, number);
    FAILS(MPI_Mprobe(size, 0, MPI_COMM_WORLD, &m, &s), MPI_ERR_RANK, number);

    FAILS(MPI_Send(&value, 1, MPI_INT, right(), -5, MPI_COMM_WORLD), MPI_ERR_TAG, "-5");
    FAILS(MPI_Isend(&value, 1, MPI_INT, right(), MPI_ANY_TAG, MPI_COMM_WORLD, &r), MPI_ERR_TAG,
          "MPI_ANY_TAG");
    FAILS(MPI_Recv(&value, 1, MPI_INT, left(), -77, MPI_COMM_WORLD, &s), MPI_ERR_TAG, "-77");

    FAILS(MPI_Send(&value, -3, MPI_INT, right(), 0, MPI_COMM_WORLD), MPI_ERR_COUNT, "-3");
    FAILS(MPI_Irecv(&value, -4, MPI_INT, left(), 0, MPI_COMM_WORLD, &r), MPI_ERR_COUNT, "-4");
    FAILS(MPI_Send(NULL, 1, MPI_INT, right(), 0, MPI_COMM_WORLD), MPI_ERR_BUFFER, "");

    FAILS(MPI_Send(&value, 1, MPI_DATATYPE_NULL, right(), 0, MPI_COMM_WORLD), MPI_ERR_TYPE,
          "MPI_DATATYPE_NULL");
    FAILS(MPI_Send(&value, 1, (MPI_Datatype)(size_t)0x123456789, right(), 0, MPI_COMM_WORLD),
          MPI_ERR_TYPE, "");
    FAILS(MPI_Send(&value, 1, MPI_INT, right(), 0, MPI_COMM_NULL), MPI_ERR_COMM, "MPI_COMM_NULL");
    FAILS(MPI_Send(&value, 1, MPI_INT, right(), 0, (MPI_Comm)MPI_INT), MPI_ERR_COMM, "");
    FAILS(MPI_Send(&value, 1, MPI_INT, right(), 0, (MPI_Comm)0), MPI_ERR_COMM, "");
    FAILS(MPI_Send_c(&value, (MPI_Count)1 << 62, MPI_INT, right(), 0, MPI_COMM_WORLD),
          MPI_ERR_COUNT, "4611686018427387904");
}

static void types(void)
{
    MPI_Datatype t, old;

    OK(MPI_Type_vector(2, 1, 2, MPI_INT, &t));
    FAILS(MPI_Send(&value, 1, t, right(), 0, MPI_COMM_WORLD), MPI_ERR_TYPE, "commit");
    old = t;
    OK(MPI_Type_free(&t));
    FAILS(MPI_Send(&value, 1, old, right(), 0, MPI_COMM_WORLD), MPI_ERR_TYPE, "");
}

static void requests(void)
{
    MPI_Request r, old;
    MPI_Message m, old_message;
    MPI_Status s;
    int flag, index;

    OK(MPI_Irecv(&value, 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD, &r));
    old = r;
    OK(MPI_Wait(&r, &s));
    r = old;
    FAILS(MPI_Wait(&r, &s), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Test(&r, &flag, &s), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Waitall(1, &r, &s), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Waitany(1, &r, &index, &s), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Cancel(&r), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Request_free(&r), MPI_ERR_REQUEST, "freed");
    FAILS(MPI_Start(&r), MPI_ERR_REQUEST, "freed");
    r = MPI_REQUEST_NULL;
    FAILS(MPI_Request_free(&r), MPI_ERR_REQUEST, "MPI_REQUEST_NULL");
    FAILS(MPI_Cancel(&r), MPI_ERR_REQUEST, "MPI_REQUEST_NULL");
    r = (MPI_Request)(size_t)0xdeadbeefcafe;
    FAILS(MPI_Wait(&r, &s), MPI_ERR_REQUEST, "");
    r = (MPI_Request)MPI_COMM_WORLD;
    FAILS(MPI_Wait(&r, &s), MPI_ERR_REQUEST, "");
    FAILS(MPI_Waitall(-1, &r, &s), MPI_ERR_COUNT, "-1");

    OK(MPI_Irecv(&value, 1, MPI_INT, left(), 9, MPI_COMM_WORLD, &r));
    FAILS(MPI_Start(&r), MPI_ERR_REQUEST, "persistent");
    FAILS(MPI_Grequest_complete(r), MPI_ERR_REQUEST, "generalized");
    OK(MPI_Cancel(&r));
    OK(MPI_Wait(&r, &s));
    OK(MPI_Recv_init(&value, 1, MPI_INT, left(), 9, MPI_COMM_WORLD, &r));
    FAILS(MPI_Cancel(&r), MPI_ERR_REQUEST, "inactive");
    OK(MPI_Start(&r));
    FAILS(MPI_Start(&r), MPI_ERR_REQUEST, "active");
    OK(MPI_Cancel(&r));
    OK(MPI_Wait(&r, &s));
    OK(MPI_Request_free(&r));

    m = MPI_MESSAGE_NULL;
    FAILS(MPI_Mrecv(&value, 1, MPI_INT, &m, &s), MPI_ERR_REQUEST, "MPI_MESSAGE_NULL");
    OK(MPI_Isend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &r));
    OK(MPI_Mprobe(rank, 1, MPI_COMM_WORLD, &m, &s));
    old_message = m;
    FAILS(MPI_Mrecv(&value, -1, MPI_INT, &m, &s), MPI_ERR_COUNT, "-1");
    OK(MPI_Mrecv(&value, 1, MPI_INT, &m, &s));
    OK(MPI_Wait(&r, &s));
    m = old_message;
    FAILS(MPI_Mrecv(&value, 1, MPI_INT, &m, &s), MPI_ERR_REQUEST, "received");
}

/* Where an answer belongs: said before anything is sent or received. */
static void outputs(void)
{
    MPI_Request r = MPI_REQUEST_NULL;
    MPI_Message m = MPI_MESSAGE_NULL;
    MPI_Comm c = MPI_COMM_WORLD;
    MPI_Status s;
    int *v = &value, to = right(), from = left(), n, flag;

    FAILS(MPI_Isend(v, 1, MPI_INT, to, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Issend(v, 1, MPI_INT, to, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Ibsend(v, 1, MPI_INT, to, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Irsend(v, 1, MPI_INT, to, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Irecv(v, 1, MPI_INT, from, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Isendrecv(v, 1, MPI_INT, to, 3, &n, 1, MPI_INT, from, 3, c, NULL), MPI_ERR_ARG,
          "request");
    FAILS(MPI_Isendrecv_replace(v, 1, MPI_INT, to, 3, from, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Send_init(v, 1, MPI_INT, to, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Recv_init(v, 1, MPI_INT, from, 3, c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Psend_init(v, 1, 1, MPI_INT, to, 3, c, MPI_INFO_NULL, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Precv_init(v, 1, 1, MPI_INT, from, 3, c, MPI_INFO_NULL, NULL), MPI_ERR_ARG,
          "request");
    FAILS(MPI_Buffer_iflush(NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Comm_iflush_buffer(c, NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Grequest_start(NULL, NULL, NULL, NULL, NULL), MPI_ERR_ARG, "request");

    FAILS(MPI_Iprobe(from, 3, c, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Mprobe(from, 3, c, NULL, &s), MPI_ERR_ARG, "message");
    FAILS(MPI_Improbe(from, 3, c, NULL, &m, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Improbe(from, 3, c, &flag, NULL, &s), MPI_ERR_ARG, "message");
    FAILS(MPI_Mrecv(v, 1, MPI_INT, NULL, &s), MPI_ERR_ARG, "message");

    FAILS(MPI_Wait(NULL, &s), MPI_ERR_ARG, "request");
    FAILS(MPI_Test(NULL, &flag, &s), MPI_ERR_ARG, "request");
    FAILS(MPI_Test(&r, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Request_get_status(r, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Waitall(1, NULL, &s), MPI_ERR_ARG, "array_of_requests");
    FAILS(MPI_Testall(1, &r, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Waitany(1, &r, NULL, &s), MPI_ERR_ARG, "index");
    FAILS(MPI_Testany(1, &r, NULL, &flag, &s), MPI_ERR_ARG, "index");
    FAILS(MPI_Testany(1, &r, &n, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Waitsome(1, &r, NULL, &n, &s), MPI_ERR_ARG, "outcount");
    FAILS(MPI_Waitsome(1, &r, &n, NULL, &s), MPI_ERR_ARG, "array_of_indices");
    FAILS(MPI_Testsome(1, &r, NULL, &n, &s), MPI_ERR_ARG, "outcount");
    FAILS(MPI_Testsome(1, &r, &n, NULL, &s), MPI_ERR_ARG, "array_of_indices");
    FAILS(MPI_Request_get_status_all(1, &r, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Request_get_status_any(1, &r, &n, NULL, &s), MPI_ERR_ARG, "flag");
    FAILS(MPI_Request_get_status_some(1, &r, NULL, &n, &s), MPI_ERR_ARG, "outcount");
    FAILS(MPI_Startall(1, NULL), MPI_ERR_ARG, "array_of_requests");
    FAILS(MPI_Startall(-1, &r), MPI_ERR_COUNT, "-1");
    FAILS(MPI_Request_free(NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Cancel(NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Start(NULL), MPI_ERR_ARG, "request");
    FAILS(MPI_Parrived(r, 0, NULL), MPI_ERR_ARG, "flag");

    FAILS(MPI_Get_count(MPI_STATUS_IGNORE, MPI_INT, &n), MPI_ERR_ARG, "status");
    FAILS(MPI_Get_count(&s, MPI_INT, NULL), MPI_ERR_ARG, "count");
    FAILS(MPI_Get_elements(&s, MPI_INT, NULL), MPI_ERR_ARG, "count");
    FAILS(MPI_Test_cancelled(&s, NULL), MPI_ERR_ARG, "flag");
    FAILS(MPI_Status_get_source(&s, NULL), MPI_ERR_ARG, "source");
    FAILS(MPI_Status_get_tag(&s, NULL), MPI_ERR_ARG, "tag");
    FAILS(MPI_Status_get_error(&s, NULL), MPI_ERR_ARG, "err");
    FAILS(MPI_Status_set_elements_c(&s, MPI_DOUBLE, (MPI_Count)1 << 61), MPI_ERR_COUNT,
          "2305843009213693952");

    /* None of them has left anything behind. */
    OK(MPI_Barrier(c));
    OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, c, &flag, &s));
    CHECK(!flag);
}

/* ---- Whose error handler is called ---- */

static MPI_Comm mine;
static int called[3]; /* that of `mine`, of MPI_COMM_SELF, of others */

static void handler(MPI_Comm *c, int *rc, ...)
{
    (void)rc;
    called[*c == mine ? 0 : *c == MPI_COMM_SELF ? 1 : 2]++;
}

/* That one's, once, and no other's. */
static int only(int whose)
{
    int right_one = called[whose] == 1 && called[0] + called[1] + called[2] == 1;

    memset(called, 0, sizeof called);
    return right_one;
}

enum way { WAIT, TEST, WAIT_ANY, WAIT_ALL, WAIT_SOME, STARTED, RECEIVED, MATCHED, EXCHANGED, WAYS };

/* Four ints into the room of one, seen by the call in question. */
static int too_long(enum way way, MPI_Comm c)
{
    static int four[4], one;
    int me = c == MPI_COMM_SELF ? 0 : rank, rc = MPI_SUCCESS, flag = 0, index;
    MPI_Request r = MPI_REQUEST_NULL;
    MPI_Message m;
    MPI_Status s;

    if (way == EXCHANGED)
        return MPI_Sendrecv(four, 4, MPI_INT, me, 1, &one, 1, MPI_INT, me, 1, c, &s);
    if (way == STARTED) {
        OK(MPI_Recv_init(&one, 1, MPI_INT, me, 1, c, &r));
        OK(MPI_Start(&r));
    } else if (way < STARTED) {
        OK(MPI_Irecv(&one, 1, MPI_INT, me, 1, c, &r));
    }
    OK(MPI_Send(four, 4, MPI_INT, me, 1, c));
    switch (way) {
    case WAIT:
        return MPI_Wait(&r, &s);
    case TEST:
        while (!rc && !flag)
            rc = MPI_Test(&r, &flag, &s);
        return rc;
    case WAIT_ANY:
        return MPI_Waitany(1, &r, &index, &s);
    case WAIT_ALL:
        return MPI_Waitall(1, &r, MPI_STATUSES_IGNORE);
    case WAIT_SOME:
        return MPI_Waitsome(1, &r, &flag, &index, &s);
    case STARTED:
        rc = MPI_Wait(&r, &s);
        OK(MPI_Request_free(&r));
        return rc;
    case RECEIVED:
        return MPI_Recv(&one, 1, MPI_INT, me, 1, c, &s);
    default:
        OK(MPI_Mprobe(me, 1, c, &m, &s));
        return MPI_Mrecv(&one, 1, MPI_INT, &m, &s);
    }
}

/* An error of an operation belongs to its communicator; one of no communicator to MPI_COMM_SELF. */
static void handlers(void)
{
    MPI_Errhandler own, before;
    MPI_Request r = (MPI_Request)(size_t)0x12345;
    MPI_Status s;
    void *base;
    int n, class;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &mine));
    OK(MPI_Comm_create_errhandler(handler, &own));
    OK(MPI_Comm_get_errhandler(MPI_COMM_SELF, &before));
    OK(MPI_Comm_set_errhandler(mine, own));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, own));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, own));
    for (int way = WAIT; way < WAYS; way++)
        for (int whose = 0; whose < 2; whose++) {
            OK(MPI_Error_class(too_long((enum way)way, whose ? MPI_COMM_SELF : mine), &class));
            CHECK(class ==
                  (way == WAIT_ALL || way == WAIT_SOME ? MPI_ERR_IN_STATUS : MPI_ERR_TRUNCATE));
            CHECK(only(whose));
        }
    CHECK(MPI_Send(&value, 1, MPI_INT, size, 1, mine) && only(0));
    CHECK(MPI_Pack_size(1, MPI_DATATYPE_NULL, mine, &n) && only(0));
    CHECK(MPI_Comm_detach_buffer(mine, &base, &n) && only(0));
    CHECK(MPI_Buffer_detach(&base, &n) && only(1));
    CHECK(MPI_Wait(&r, &s) && only(1));
    CHECK(MPI_Type_commit(&(MPI_Datatype){MPI_DATATYPE_NULL}) && only(1));
    CHECK(MPI_Send(&value, 1, MPI_INT, size, 1, MPI_COMM_WORLD) && only(2));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, before));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, before));
    OK(MPI_Errhandler_free(&before));
    OK(MPI_Errhandler_free(&own));
    OK(MPI_Comm_free(&mine));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    arguments();
    types();
    requests();
    outputs();
    handlers();
    return end("p2p_errors");
}
