/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forms that the other programs do not call: with MPI_Count where there is one with int,
 * persistent in every mode; packing in both forms; buffers of communicators and sessions, and which
 * of them a message takes; what is set in a status; handles as numbers.
 */
#include "mpitest.h"

enum { LEN = 300300, TAG = 9, MODES = 4 };

static char out[LEN], in[LEN];

static void prepare(int seed)
{
    fill(out, LEN, rank + seed);
    memset(in, 0, LEN);
}

static void arrived(MPI_Status *s, int seed)
{
    CHECK(says(s, left(), TAG, MPI_CHAR, LEN));
    CHECK(filled(in, LEN, left() + seed));
}

/* ---- Send modes ---- */

typedef int send_fn(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm);
typedef int isend_fn(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
typedef int init_fn(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);

static send_fn *const sends[MODES] = {MPI_Send_c, MPI_Ssend_c, MPI_Bsend_c, MPI_Rsend_c};
static isend_fn *const isends[MODES] = {MPI_Isend_c, MPI_Issend_c, MPI_Ibsend_c, MPI_Irsend_c};
static isend_fn *const inits_c[MODES] = {MPI_Send_init_c, MPI_Ssend_init_c, MPI_Bsend_init_c,
                                         MPI_Rsend_init_c};
static init_fn *const inits[MODES] = {MPI_Send_init, MPI_Ssend_init, MPI_Bsend_init,
                                      MPI_Rsend_init};

static void once(int mode)
{
    MPI_Request r[2];
    MPI_Status s[2];
    MPI_Message m;

    prepare(mode);
    OK(MPI_Irecv_c(in, LEN, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Barrier(MPI_COMM_WORLD)); /* for the ready mode */
    OK(sends[mode](out, LEN, MPI_CHAR, right(), TAG, MPI_COMM_WORLD));
    OK(MPI_Wait(&r[0], &s[0]));
    arrived(&s[0], mode);

    prepare(mode + 1);
    OK(MPI_Irecv_c(in, LEN, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(isends[mode](out, LEN, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Waitall(2, r, s));
    arrived(&s[0], mode + 1);
    if (isends[mode] == MPI_Irsend_c)
        return; /* there is no receive in what follows when it is sent */

    for (int i = 0; i < 2; i++) {
        prepare(mode + 2 + i);
        OK(isends[mode](out, LEN, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, &r[1]));
        OK(MPI_Mprobe(left(), TAG, MPI_COMM_WORLD, &m, &s[0]));
        if (i)
            OK(MPI_Mrecv_c(in, LEN, MPI_CHAR, &m, &s[0]));
        else
            OK(MPI_Imrecv_c(in, LEN, MPI_CHAR, &m, &r[0]));
        if (!i)
            OK(MPI_Wait(&r[0], &s[0]));
        OK(MPI_Wait(&r[1], &s[1]));
        arrived(&s[0], mode + 2 + i);
    }
}

static void persistent(int mode, int large)
{
    MPI_Request r[2];
    MPI_Status s[2];

    if (large) {
        OK(MPI_Recv_init_c(in, LEN, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r[0]));
        OK(inits_c[mode](out, LEN, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, &r[1]));
    } else {
        OK(MPI_Recv_init(in, LEN, MPI_CHAR, MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &r[0]));
        OK(inits[mode](out, LEN, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, &r[1]));
    }
    for (int i = 0; i < 3; i++) {
        prepare(i);
        OK(MPI_Start(&r[0]));
        OK(MPI_Barrier(MPI_COMM_WORLD));
        OK(MPI_Start(&r[1]));
        OK(MPI_Waitall(2, r, s));
        arrived(&s[0], i);
    }
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

static void exchanges(void)
{
    MPI_Request r;
    MPI_Status s;

    prepare(0);
    OK(MPI_Sendrecv_c(out, LEN, MPI_CHAR, right(), TAG, in, LEN, MPI_CHAR, left(), TAG,
                      MPI_COMM_WORLD, &s));
    arrived(&s, 0);
    prepare(1);
    OK(MPI_Isendrecv_c(out, LEN, MPI_CHAR, right(), TAG, in, LEN, MPI_CHAR, left(), TAG,
                       MPI_COMM_WORLD, &r));
    OK(MPI_Wait(&r, &s));
    arrived(&s, 1);
    for (int i = 2; i < 6; i++) {
        fill(in, LEN, rank + i);
        if (i == 2)
            OK(MPI_Sendrecv_replace(in, LEN, MPI_CHAR, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                                    &s));
        else if (i == 3)
            OK(MPI_Sendrecv_replace_c(in, LEN, MPI_CHAR, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                                      &s));
        else if (i == 4)
            OK(MPI_Isendrecv_replace(in, LEN, MPI_CHAR, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                                     &r));
        else
            OK(MPI_Isendrecv_replace_c(in, LEN, MPI_CHAR, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                                       &r));
        if (i >= 4)
            OK(MPI_Wait(&r, &s));
        arrived(&s, i);
    }
}

/* The int form is tested elsewhere. */
static void partitions(void)
{
    MPI_Request r[2];
    MPI_Status s[2];

    prepare(0);
    OK(MPI_Psend_init_c(out, 7, LEN / 7, MPI_CHAR, right(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                        &r[1]));
    OK(MPI_Precv_init_c(in, 5, LEN / 5, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, MPI_INFO_NULL,
                        &r[0]));
    OK(MPI_Startall(2, r));
    OK(MPI_Pready_range(0, 6, r[1]));
    OK(MPI_Waitall(2, r, s));
    arrived(&s[0], 0);
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

/* ---- Packing ---- */

enum { INTS = 5, ROOM = 100 };

static int class_of(int rc)
{
    int class;

    OK(MPI_Error_class(rc, &class));
    return class;
}

/* Two things one after the other, taken apart again, in the form of this process. */
static void packs(void)
{
    const int ints[INTS] = {1, -2, 3, -4, 5};
    const double d = 0.1;
    int got[INTS] = {0}, at = 0, size_ints, size_double, room;
    MPI_Count at_c = 0, size_c;
    char buf[ROOM];
    double got_d = 0;

    OK(MPI_Pack_size(INTS, MPI_INT, MPI_COMM_WORLD, &size_ints));
    OK(MPI_Pack_size(1, MPI_DOUBLE, MPI_COMM_WORLD, &size_double));
    OK(MPI_Pack_size_c(INTS, MPI_INT, MPI_COMM_WORLD, &size_c));
    room = size_ints + size_double;
    CHECK(size_c == size_ints && room >= (int)(sizeof ints + sizeof d) && room <= ROOM);
    OK(MPI_Pack(ints, INTS, MPI_INT, buf, room, &at, MPI_COMM_WORLD));
    OK(MPI_Pack(&d, 1, MPI_DOUBLE, buf, room, &at, MPI_COMM_WORLD));
    CHECK(at <= room);

    /* As a message, which may be taken as what was packed. */
    OK(MPI_Sendrecv_replace(buf, at, MPI_PACKED, right(), TAG, left(), TAG, MPI_COMM_WORLD,
                            MPI_STATUS_IGNORE));
    room = at;
    at = 0;
    OK(MPI_Unpack(buf, room, &at, got, INTS, MPI_INT, MPI_COMM_WORLD));
    at_c = at;
    OK(MPI_Unpack_c(buf, room, &at_c, &got_d, 1, MPI_DOUBLE, MPI_COMM_WORLD));
    CHECK(at_c == room && got_d == d && !memcmp(got, ints, sizeof ints));

    /* No room: said, and the place stays. */
    at = 4;
    CHECK(class_of(MPI_Pack(ints, INTS, MPI_INT, buf, sizeof ints, &at, MPI_COMM_SELF)) ==
          MPI_ERR_TRUNCATE);
    CHECK(at == 4);
    CHECK(class_of(MPI_Unpack(buf, sizeof ints, &at, got, INTS, MPI_INT, MPI_COMM_SELF)) ==
          MPI_ERR_TRUNCATE);
    CHECK(at == 4);
    at = -1;
    CHECK(class_of(MPI_Pack(ints, 1, MPI_INT, buf, room, &at, MPI_COMM_SELF)) == MPI_ERR_ARG);
    CHECK(class_of(MPI_Unpack(buf, room, &at, got, 1, MPI_INT, MPI_COMM_SELF)) == MPI_ERR_ARG);
}

/* external32 is big-endian, and its sizes are the standard's. */
static void packs_external(void)
{
    static const unsigned char wanted[] = {1, 2, 3, 4, 0x3f, 0xf8, 0,   0,
                                           0, 0, 0, 0, 'x',  0xff, 0xfe};
    const int i = 0x01020304;
    const double d = 1.5;
    const short s = -2;
    MPI_Aint at = 0, room, all = 0;
    MPI_Count at_c = 0, size_c;
    int got_i = 0;
    double got_d = 0;
    short got_s = 0;
    char buf[ROOM], x = 'x', got_x = 0;

    OK(MPI_Pack_external_size("external32", 1, MPI_INT, &room));
    CHECK(room == 4);
    OK(MPI_Pack_external_size_c("external32", 3, MPI_DOUBLE, &size_c));
    CHECK(size_c == 24);
    OK(MPI_Pack_external("external32", &i, 1, MPI_INT, buf, ROOM, &at));
    OK(MPI_Pack_external("external32", &d, 1, MPI_DOUBLE, buf, ROOM, &at));
    OK(MPI_Pack_external("external32", &x, 1, MPI_CHAR, buf, ROOM, &at));
    at_c = at;
    OK(MPI_Pack_external_c("external32", &s, 1, MPI_SHORT, buf, ROOM, &at_c));
    CHECK(at_c == sizeof wanted && !memcmp(buf, wanted, sizeof wanted));
    OK(MPI_Unpack_external("external32", buf, at_c, &all, &got_i, 1, MPI_INT));
    OK(MPI_Unpack_external("external32", buf, at_c, &all, &got_d, 1, MPI_DOUBLE));
    OK(MPI_Unpack_external("external32", buf, at_c, &all, &got_x, 1, MPI_CHAR));
    MPI_Count all_c = all;
    OK(MPI_Unpack_external_c("external32", buf, at_c, &all_c, &got_s, 1, MPI_SHORT));
    CHECK(all_c == at_c && got_i == i && got_d == d && got_x == x && got_s == s);
    CHECK(class_of(MPI_Pack_external("internal", &i, 1, MPI_INT, buf, ROOM, &at)) == MPI_ERR_ARG);
    at = ROOM - 1;
    CHECK(class_of(MPI_Pack_external("external32", &i, 1, MPI_INT, buf, ROOM, &at)) ==
          MPI_ERR_TRUNCATE);
}

/* ---- Buffers ---- */

/* The communicator's buffer comes before the session's, and that before the process's: a message
 * that does not fit there does not go to the next. */
static void buffers(void)
{
    enum { SMALL = LEN / 2 };
    static char space[3][LEN + MPI_BSEND_OVERHEAD];
    MPI_Session session;
    MPI_Group all;
    MPI_Comm of_session, own;
    MPI_Request r;
    MPI_Status s;
    MPI_Count len;
    void *base;
    int size_int;

    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    OK(MPI_Group_from_session_pset(session, "mpi://WORLD", &all));
    OK(MPI_Comm_create_from_group(all, "p2p_forms", MPI_INFO_NULL, MPI_ERRORS_RETURN, &of_session));
    OK(MPI_Comm_dup(of_session, &own));
    OK(MPI_Comm_attach_buffer_c(own, space[0], SMALL + MPI_BSEND_OVERHEAD));
    OK(MPI_Session_attach_buffer_c(session, space[1], sizeof space[1]));
    OK(MPI_Buffer_attach_c(space[2], sizeof space[2]));

    prepare(0);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    CHECK(class_of(MPI_Bsend(out, LEN, MPI_CHAR, right(), TAG, own)) == MPI_ERR_BUFFER);
    OK(MPI_Bsend(out, LEN, MPI_CHAR, right(), TAG, of_session));
    OK(MPI_Bsend(out, SMALL, MPI_CHAR, right(), TAG, own));
    OK(MPI_Session_iflush_buffer(session, &r));
    OK(MPI_Recv(in, LEN, MPI_CHAR, left(), TAG, of_session, &s));
    arrived(&s, 0);
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Comm_iflush_buffer(own, &r));
    OK(MPI_Recv(in, LEN, MPI_CHAR, left(), TAG, own, &s));
    CHECK(says(&s, left(), TAG, MPI_CHAR, SMALL));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));

    OK(MPI_Comm_detach_buffer(own, &base, &size_int));
    CHECK(base == space[0] && size_int == SMALL + MPI_BSEND_OVERHEAD);
    OK(MPI_Session_detach_buffer_c(session, &base, &len));
    CHECK(base == space[1] && len == (MPI_Count)sizeof space[1]);
    OK(MPI_Buffer_detach_c(&base, &len));
    CHECK(base == space[2] && len == (MPI_Count)sizeof space[2]);

    /* The automatic one, of each owner. */
    OK(MPI_Comm_attach_buffer(own, MPI_BUFFER_AUTOMATIC, 0));
    OK(MPI_Session_attach_buffer(session, MPI_BUFFER_AUTOMATIC, 0));
    for (int i = 0; i < 2; i++) {
        MPI_Comm c = i ? own : of_session;
        prepare(i);
        OK(MPI_Bsend(out, LEN, MPI_CHAR, right(), TAG, c));
        OK(MPI_Recv(in, LEN, MPI_CHAR, left(), TAG, c, &s));
        arrived(&s, i);
    }
    OK(MPI_Comm_flush_buffer(own));
    OK(MPI_Comm_detach_buffer_c(own, &base, &len));
    CHECK(base == MPI_BUFFER_AUTOMATIC);
    OK(MPI_Session_flush_buffer(session));
    OK(MPI_Session_detach_buffer(session, &base, &size_int));
    CHECK(base == MPI_BUFFER_AUTOMATIC);
    OK(MPI_Comm_free(&own));
    OK(MPI_Comm_free(&of_session));
    OK(MPI_Group_free(&all));
    OK(MPI_Session_finalize(&session));
}

/* ---- Statuses and handles ---- */

static void statuses(void)
{
    MPI_Status s;
    int value = 0, flag;
    MPI_Count n;

    memset(&s, 0, sizeof s);
    OK(MPI_Status_set_source(&s, 3));
    OK(MPI_Status_set_tag(&s, 14));
    OK(MPI_Status_set_error(&s, MPI_ERR_OTHER));
    OK(MPI_Status_set_elements_c(&s, MPI_DOUBLE_INT, 5));
    OK(MPI_Status_set_cancelled(&s, 1));
    CHECK(s.MPI_SOURCE == 3 && s.MPI_TAG == 14 && s.MPI_ERROR == MPI_ERR_OTHER);
    OK(MPI_Status_get_source(&s, &value));
    CHECK(value == 3);
    OK(MPI_Status_get_tag(&s, &value));
    CHECK(value == 14);
    OK(MPI_Status_get_error(&s, &value));
    CHECK(value == MPI_ERR_OTHER);
    OK(MPI_Get_count(&s, MPI_DOUBLE_INT, &value));
    CHECK(value == MPI_UNDEFINED); /* two pairs and a double */
    OK(MPI_Get_elements(&s, MPI_DOUBLE_INT, &value));
    CHECK(value == 5);
    OK(MPI_Get_elements_c(&s, MPI_DOUBLE_INT, &n));
    CHECK(n == 5);
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(flag);
    OK(MPI_Status_set_elements(&s, MPI_INT, 7));
    OK(MPI_Status_set_cancelled(&s, 0));
    OK(MPI_Get_count(&s, MPI_INT, &value));
    OK(MPI_Test_cancelled(&s, &flag));
    CHECK(value == 7 && !flag);
}

static void numbers(void)
{
    MPI_Datatype t;
    MPI_Request r;
    MPI_Aint lb, extent;

    CHECK(MPI_Type_fromint(MPI_Type_toint(MPI_INT)) == MPI_INT);
    OK(MPI_Type_vector_c(2, 1, 3, MPI_INT, &t));
    CHECK(MPI_Type_fromint(MPI_Type_toint(t)) == t);
    OK(MPI_Type_get_true_extent(t, &lb, &extent));
    CHECK(lb == 0 && extent == 4 * (MPI_Aint)sizeof(int));
    OK(MPI_Type_free(&t));
    CHECK(MPI_Request_fromint(MPI_Request_toint(MPI_REQUEST_NULL)) == MPI_REQUEST_NULL);
    OK(MPI_Recv_init(in, 1, MPI_CHAR, left(), TAG, MPI_COMM_WORLD, &r));
    CHECK(MPI_Request_fromint(MPI_Request_toint(r)) == r);
    OK(MPI_Request_free(&r));
}

int main(int argc, char **argv)
{
    void *base;
    MPI_Count len;

    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Buffer_attach_c(MPI_BUFFER_AUTOMATIC, 0));
    for (int mode = 0; mode < MODES; mode++) {
        once(mode);
        persistent(mode, 0);
        persistent(mode, 1);
    }
    OK(MPI_Buffer_detach_c(&base, &len));
    exchanges();
    partitions();
    packs();
    packs_external();
    buffers();
    statuses();
    numbers();
    return end("p2p_forms");
}
