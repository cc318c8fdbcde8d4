/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error handlers of every kind of object: set, called, given out, freed; freed ones are told from
 * good ones while an object still has them.
 */
#include "mpitest.h"

static int calls, code;
static void *object;

static void note(void *handle, int error)
{
    calls++;
    code = error;
    object = handle;
}

static void on_comm(MPI_Comm *comm, int *error, ...)
{
    note(*comm, *error);
}

static void on_win(MPI_Win *win, int *error, ...)
{
    note(*win, *error);
}

static void on_file(MPI_File *file, int *error, ...)
{
    note(*file, *error);
}

static void on_session(MPI_Session *session, int *error, ...)
{
    note(*session, *error);
}

/* Exactly one call since the last look, with that object and error. */
static int called(void *handle, int error)
{
    int right = calls == 1 && object == handle && code == error;

    calls = 0;
    return right;
}

static int freed(MPI_Errhandler h)
{
    return MPI_Errhandler_free(&h) == MPI_ERR_ERRHANDLER &&
           MPI_Comm_set_errhandler(MPI_COMM_SELF, h) == MPI_ERR_ERRHANDLER;
}

/*
 * The program has two handles to what the object keeps, and none in the end. KIND_get gives the
 * second; the object's own calls go on through it.
 */
#define LIFE_OF(kind, Kind, handle, mistake)                                                       \
    do {                                                                                           \
        MPI_Errhandler made, stale, got, other;                                                    \
        OK(MPI_##Kind##_create_errhandler(on_##kind, &made));                                      \
        OK(MPI_##Kind##_get_errhandler(handle, &other));                                           \
        OK(MPI_##Kind##_set_errhandler(handle, made));                                             \
        stale = made;                                                                              \
        OK(MPI_##Kind##_get_errhandler(handle, &got));                                             \
        CHECK(got == made);                                                                        \
        OK(MPI_Errhandler_free(&made));                                                            \
        CHECK(made == MPI_ERRHANDLER_NULL);                                                        \
        OK(MPI_##Kind##_set_errhandler(handle, stale)); /* `got` is one, too */                    \
        OK(MPI_Errhandler_free(&got));                                                             \
        CHECK(freed(stale));                                                                       \
        OK(MPI_##Kind##_call_errhandler(handle, MPI_ERR_IO));                                      \
        CHECK(called(handle, MPI_ERR_IO));                                                         \
        mistake;                                                                                   \
        OK(MPI_##Kind##_get_errhandler(handle, &got));                                             \
        CHECK(got != MPI_ERRHANDLER_NULL && got != stale);                                         \
        OK(MPI_##Kind##_set_errhandler(handle, other));                                            \
        OK(MPI_##Kind##_get_errhandler(handle, &made));                                            \
        CHECK(made == other);                                                                      \
        OK(MPI_Errhandler_free(&got));                                                             \
        CHECK(freed(stale) && calls == 0);                                                         \
    } while (0)

static void test_comm(void)
{
    MPI_Errhandler h, got;
    MPI_Comm comm, dup;
    int n = 0;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    LIFE_OF(comm, Comm, comm, {
        CHECK(MPI_Send(&n, -1, MPI_INT, 0, 0, comm) == MPI_ERR_COUNT);
        CHECK(called(comm, MPI_ERR_COUNT));
    });
    /* What is made of a communicator has its handler. */
    OK(MPI_Comm_create_errhandler(on_comm, &h));
    OK(MPI_Comm_set_errhandler(comm, h));
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Comm_get_errhandler(dup, &got));
    CHECK(got == h);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Errhandler_free(&h));
    OK(MPI_Errhandler_free(&got));
    OK(MPI_Comm_call_errhandler(dup, MPI_ERR_TAG));
    CHECK(called(dup, MPI_ERR_TAG));
    OK(MPI_Comm_free(&dup));
}

/* A wrong partition is the request's communicator's to hear of. */
static void test_partitioned(void)
{
    MPI_Errhandler h;
    MPI_Request r;
    MPI_Comm comm;
    char buf[2] = {0};

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_create_errhandler(on_comm, &h));
    OK(MPI_Comm_set_errhandler(comm, h));
    OK(MPI_Errhandler_free(&h));
    OK(MPI_Psend_init(buf, 2, 1, MPI_CHAR, MPI_PROC_NULL, 0, comm, MPI_INFO_NULL, &r));
    OK(MPI_Start(&r));
    CHECK(MPI_Pready(2, r) == MPI_ERR_ARG && called(comm, MPI_ERR_ARG));
    CHECK(MPI_Pready_range(1, 0, r) == MPI_ERR_ARG && called(comm, MPI_ERR_ARG));
    CHECK(MPI_Pready_range(-1, 0, r) == MPI_ERR_ARG && called(comm, MPI_ERR_ARG));
    CHECK(MPI_Pready_list(-1, NULL, r) == MPI_ERR_COUNT && called(comm, MPI_ERR_COUNT));
    CHECK(MPI_Pready_list(1, NULL, r) == MPI_ERR_ARG && called(comm, MPI_ERR_ARG));
    CHECK(MPI_Parrived(r, 0, NULL) == MPI_ERR_ARG && called(comm, MPI_ERR_ARG));
    OK(MPI_Pready_range(0, 1, r));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Request_free(&r));
    OK(MPI_Comm_free(&comm));
}

static void test_win(void)
{
    MPI_Errhandler got;
    MPI_Win win;
    int n = 0;

    OK(MPI_Win_create(&n, sizeof n, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    OK(MPI_Win_get_errhandler(win, &got));
    CHECK(got == MPI_ERRORS_ARE_FATAL);
    LIFE_OF(win, Win, win, {
        CHECK(MPI_Win_lock(MPI_LOCK_SHARED, size, 0, win) == MPI_ERR_RANK);
        CHECK(called(win, MPI_ERR_RANK));
    });
    OK(MPI_Win_free(&win));
}

/* One of the operations with a request, where nothing is attached. */
static int begin_nowhere(int way, MPI_Win win, MPI_Request *r)
{
    enum { NOWHERE = 4096 };
    static long one = 1, got;
    int to = right();

    switch (way) {
    case 0:
        return MPI_Rput(&one, 1, MPI_LONG, to, NOWHERE, 1, MPI_LONG, win, r);
    case 1:
        return MPI_Raccumulate(&one, 1, MPI_LONG, to, NOWHERE, 1, MPI_LONG, MPI_SUM, win, r);
    case 2:
        return MPI_Rget_accumulate(&one, 1, MPI_LONG, &got, 1, MPI_LONG, to, NOWHERE, 1, MPI_LONG,
                                   MPI_SUM, win, r);
    default:
        return MPI_Rget(&got, 1, MPI_LONG, to, NOWHERE, 1, MPI_LONG, win, r);
    }
}

/* Its error is the window's, whether it comes at once or when the request is looked at: not that of
 * the communicator which the window was made of. */
static void test_win_requests(void)
{
    MPI_Errhandler h, of_comm;
    MPI_Request r;
    MPI_Comm comm;
    MPI_Win win;
    int rc;

    OK(MPI_Comm_create_errhandler(on_comm, &of_comm));
    OK(MPI_Win_create_errhandler(on_win, &h));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_set_errhandler(comm, of_comm));
    OK(MPI_Win_create_dynamic(MPI_INFO_NULL, comm, &win));
    OK(MPI_Win_set_errhandler(win, h));
    OK(MPI_Win_lock_all(0, win));
    for (int way = 0; way < 4; way++) {
        rc = begin_nowhere(way, win, &r);
        if (!rc) {
            CHECK(MPI_Cancel(&r) == MPI_ERR_REQUEST && called(win, MPI_ERR_REQUEST));
            rc =
                way % 2 ? MPI_Wait(&r, MPI_STATUS_IGNORE) : MPI_Waitall(1, &r, MPI_STATUSES_IGNORE);
        }
        CHECK(rc && called(win, rc));
    }
    int last = begin_nowhere(3, win, &r);
    CHECK(!last || called(win, last));
    OK(MPI_Win_unlock_all(win));
    OK(MPI_Win_free(&win));
    if (!last) {
        rc = MPI_Wait(&r, MPI_STATUS_IGNORE);
        CHECK(rc && called(MPI_WIN_NULL, rc));
    }
    OK(MPI_Comm_free(&comm));
    OK(MPI_Errhandler_free(&of_comm));
    OK(MPI_Errhandler_free(&h));
}

/* Errors on files that cannot be opened are on MPI_FILE_NULL (14.7). */
static void test_file(void)
{
    MPI_Errhandler got;

    OK(MPI_File_get_errhandler(MPI_FILE_NULL, &got));
    CHECK(got == MPI_ERRORS_RETURN);
    LIFE_OF(file, File, MPI_FILE_NULL, {
        MPI_File file;
        CHECK(MPI_File_open(MPI_COMM_SELF, "no/such/file", MPI_MODE_RDONLY, MPI_INFO_NULL, &file));
        CHECK(calls == 1 && object == MPI_FILE_NULL);
        calls = 0;
    });
}

static void test_session(void)
{
    MPI_Session session;
    MPI_Errhandler h, got;
    int n;

    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    OK(MPI_Session_get_errhandler(session, &got));
    CHECK(got == MPI_ERRORS_RETURN);
    LIFE_OF(session, Session, session, {
        MPI_Group g;
        CHECK(MPI_Group_from_session_pset(session, "mpi://moon", &g) == MPI_ERR_ARG);
        CHECK(called(session, MPI_ERR_ARG));
    });
    OK(MPI_Session_finalize(&session));
    OK(MPI_Session_create_errhandler(on_session, &h));
    OK(MPI_Session_init(MPI_INFO_NULL, h, &session));
    OK(MPI_Errhandler_free(&h));
    CHECK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, NULL) == MPI_ERR_ARG);
    CHECK(called(session, MPI_ERR_ARG));
    OK(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n));
    OK(MPI_Session_finalize(&session));
}

/* Any mistake with the group is told to the session. */
static int tells_session(MPI_Group g, MPI_Session session)
{
    int out = size, n;
    MPI_Group made;

    return MPI_Group_size(g, NULL) == MPI_ERR_ARG && called(session, MPI_ERR_ARG) &&
           MPI_Group_incl(g, 1, &out, &made) == MPI_ERR_RANK && called(session, MPI_ERR_RANK) &&
           MPI_Group_excl(g, 1, &out, &made) == MPI_ERR_RANK && called(session, MPI_ERR_RANK) &&
           MPI_Group_union(MPI_GROUP_EMPTY, g, NULL) == MPI_ERR_ARG &&
           called(session, MPI_ERR_ARG) &&
           MPI_Group_translate_ranks(g, 1, &out, g, &n) == MPI_ERR_RANK &&
           called(session, MPI_ERR_RANK) &&
           MPI_Group_compare(g, MPI_GROUP_NULL, &n) == MPI_ERR_GROUP &&
           called(session, MPI_ERR_GROUP);
}

/* The groups that objects made from a session's group have are the session's. */
static void test_groups_of(MPI_Comm comm, MPI_Session session)
{
    MPI_Comm part;
    MPI_Group g;
    MPI_Win win;
    int n;

    OK(MPI_Comm_split(comm, 0, -rank, &part));
    OK(MPI_Win_create(&n, sizeof n, 1, MPI_INFO_NULL, part, &win));
    OK(MPI_Comm_group(part, &g));
    CHECK(tells_session(g, session));
    OK(MPI_Group_free(&g));
    OK(MPI_Win_get_group(win, &g));
    CHECK(tells_session(g, session));
    OK(MPI_Group_free(&g));
    OK(MPI_Win_free(&win));
    OK(MPI_Comm_free(&part));
}

/* A group refers to the session that it comes from, and its errors go there (9.3). */
static void test_groups(void)
{
    MPI_Session session;
    MPI_Errhandler h;
    MPI_Group all, one, both;
    MPI_Comm comm;
    int zero = 0;

    OK(MPI_Session_create_errhandler(on_session, &h));
    OK(MPI_Session_init(MPI_INFO_NULL, h, &session));
    OK(MPI_Errhandler_free(&h));
    OK(MPI_Group_from_session_pset(session, "mpi://WORLD", &all));
    CHECK(tells_session(all, session));
    OK(MPI_Group_incl(all, 1, &zero, &one));
    CHECK(tells_session(one, session));
    OK(MPI_Group_union(one, all, &both));
    CHECK(tells_session(both, session));
    OK(MPI_Comm_create_from_group(all, "errhandlers", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    test_groups_of(comm, session);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Group_free(&both));
    OK(MPI_Group_free(&one));
    OK(MPI_Session_finalize(&session));
    CHECK(MPI_Group_size(all, NULL) == MPI_ERR_ARG && calls == 0); /* MPI_COMM_SELF's */
    OK(MPI_Group_free(&all));
}

/* The handler for what a call makes is called where it makes nothing (7.4.2, 7.6.2, 11.3.1). */
static void test_made_for(void)
{
    MPI_Errhandler h, of_session;
    MPI_Session session;
    MPI_Group world, empty = MPI_GROUP_EMPTY;
    MPI_Comm comm;

    OK(MPI_Comm_create_errhandler(on_comm, &h));
    OK(MPI_Session_create_errhandler(on_session, &of_session));
    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    CHECK(MPI_Comm_create_from_group(world, NULL, MPI_INFO_NULL, h, &comm) == MPI_ERR_ARG);
    CHECK(called(MPI_COMM_NULL, MPI_ERR_ARG));
    CHECK(MPI_Comm_create_from_group(MPI_GROUP_NULL, "x", MPI_INFO_NULL, h, &comm) ==
          MPI_ERR_GROUP);
    CHECK(called(MPI_COMM_NULL, MPI_ERR_GROUP));
    CHECK(MPI_Comm_create_from_group(world, "x", MPI_INFO_NULL, of_session, &comm) ==
          MPI_ERR_ERRHANDLER);
    CHECK(calls == 0);
    CHECK(MPI_Intercomm_create_from_groups(world, size, world, 0, "x", MPI_INFO_NULL, h, &comm) ==
          MPI_ERR_RANK);
    CHECK(called(MPI_COMM_NULL, MPI_ERR_RANK) && comm == MPI_COMM_NULL);
    CHECK(MPI_Intercomm_create_from_groups(empty, 0, world, 0, "x", MPI_INFO_NULL, h, &comm) ==
          MPI_ERR_GROUP);
    CHECK(called(MPI_COMM_NULL, MPI_ERR_GROUP));
    CHECK(MPI_Session_init((MPI_Info)MPI_COMM_WORLD, of_session, &session) == MPI_ERR_INFO);
    CHECK(called(MPI_SESSION_NULL, MPI_ERR_INFO));
    CHECK(MPI_Session_init(MPI_INFO_NULL, h, &session) == MPI_ERR_ERRHANDLER && calls == 0);
    OK(MPI_Group_free(&world));
    OK(MPI_Errhandler_free(&of_session));
    OK(MPI_Errhandler_free(&h));
}

/* A handler belongs to one kind of object; errors without any go to MPI_COMM_SELF's. */
static void test_kinds(void)
{
    MPI_Errhandler comm, win;
    MPI_Win w;
    int n;

    OK(MPI_Comm_create_errhandler(on_comm, &comm));
    OK(MPI_Win_create_errhandler(on_win, &win));
    OK(MPI_Win_create(&n, sizeof n, 1, MPI_INFO_NULL, MPI_COMM_SELF, &w));
    OK(MPI_Win_set_errhandler(w, MPI_ERRORS_RETURN));
    CHECK(MPI_Comm_set_errhandler(MPI_COMM_SELF, win) == MPI_ERR_ERRHANDLER);
    CHECK(MPI_Win_set_errhandler(w, comm) == MPI_ERR_ERRHANDLER);
    CHECK(MPI_Comm_create_errhandler(NULL, &comm) == MPI_ERR_ARG);
    OK(MPI_Win_free(&w));
    OK(MPI_Errhandler_free(&win));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, comm));
    CHECK(MPI_Group_size(MPI_GROUP_NULL, &n) == MPI_ERR_GROUP);
    CHECK(called(MPI_COMM_SELF, MPI_ERR_GROUP));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Errhandler_free(&comm));
}

/* What the program raises itself has no detail of an older error of the same class. */
static void test_detail(void)
{
    char text[MPI_MAX_ERROR_STRING];
    int n = 0, length;

    CHECK(MPI_Send(&n, -7, MPI_INT, 0, 0, MPI_COMM_SELF) == MPI_ERR_COUNT);
    OK(MPI_Error_string(MPI_ERR_COUNT, text, &length));
    CHECK(strstr(text, "-7") && (int)strlen(text) == length);
    OK(MPI_Comm_call_errhandler(MPI_COMM_SELF, MPI_ERR_COUNT));
    OK(MPI_Error_string(MPI_ERR_COUNT, text, &length));
    CHECK(!strstr(text, "-7") && strstr(text, "MPI_ERR_COUNT"));
}

/* Frees the communicator, its handle and itself, while it runs. */
static void frees_all(MPI_Comm *comm, int *error, ...)
{
    MPI_Errhandler own;

    OK(MPI_Comm_get_errhandler(*comm, &own));
    OK(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN));
    OK(MPI_Errhandler_free(&own));
    OK(MPI_Comm_free(comm));
    note(NULL, *error);
}

static void test_free_inside(void)
{
    MPI_Errhandler h;
    MPI_Comm comm;

    OK(MPI_Comm_dup(MPI_COMM_SELF, &comm));
    OK(MPI_Comm_create_errhandler(frees_all, &h));
    OK(MPI_Comm_set_errhandler(comm, h));
    OK(MPI_Errhandler_free(&h));
    CHECK(MPI_Barrier(comm) == MPI_SUCCESS);
    CHECK(MPI_Send(NULL, 1, MPI_INT, 0, 0, comm) == MPI_ERR_BUFFER);
    CHECK(called(NULL, MPI_ERR_BUFFER));
    CHECK(MPI_Barrier(comm) == MPI_ERR_COMM);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    test_comm();
    test_partitioned();
    test_win();
    test_win_requests();
    test_file();
    test_session();
    test_groups();
    test_made_for();
    test_kinds();
    test_detail();
    test_free_inside();
    return end("errhandlers");
}
