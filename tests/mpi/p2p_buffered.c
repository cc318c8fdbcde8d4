/* SPDX-License-Identifier: BSD-3-Clause */
/* Attached buffers: the process's, a communicator's, the automatic one; what fits and what not. */
#include "mpitest.h"

enum { BIG = 100000 };

static char out[BIG], in[BIG];

/* A buffer smaller than MPI_BSEND_OVERHEAD serves messages that need no room in it. */
static void tiny(void)
{
    static char space[32];
    void *base;
    int len, value = -1;

    OK(MPI_Buffer_attach(space, sizeof space));
    for (int i = 0; i < 20; i++)
        OK(MPI_Bsend(&i, 1, MPI_INT, right(), 1, MPI_COMM_WORLD));
    for (int i = 0; i < 20; i++) {
        OK(MPI_Recv(&value, 1, MPI_INT, left(), 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(value == i);
    }
    OK(MPI_Buffer_detach(&base, &len));
    CHECK(base == space && len == sizeof space);
}

/* Exactly the space that the standard promises to be enough, over and over. */
static void exact(MPI_Comm comm)
{
    enum { EACH = BIG / 4 };
    static char space[4 * (EACH + MPI_BSEND_OVERHEAD)];
    void *base;
    MPI_Count len;

    if (comm == MPI_COMM_NULL)
        OK(MPI_Buffer_attach(space, sizeof space));
    else
        OK(MPI_Comm_attach_buffer(comm, space, sizeof space));
    MPI_Comm c = comm == MPI_COMM_NULL ? MPI_COMM_WORLD : comm;
    for (int n = 0; n < 10; n++) {
        for (int i = 0; i < 4; i++) {
            fill(out, EACH, i + n);
            OK(MPI_Bsend(out, EACH - i, MPI_CHAR, right(), i, c));
        }
        for (int i = 3; i >= 0; i--) {
            OK(MPI_Recv(in, EACH, MPI_CHAR, left(), i, c, MPI_STATUS_IGNORE));
            CHECK(filled(in, EACH - i, i + n));
        }
        if (comm == MPI_COMM_NULL)
            OK(MPI_Buffer_flush());
        else
            OK(MPI_Comm_flush_buffer(comm));
    }
    if (comm == MPI_COMM_NULL)
        OK(MPI_Buffer_detach_c(&base, &len));
    else
        OK(MPI_Comm_detach_buffer_c(comm, &base, &len));
    CHECK(base == space && len == (MPI_Count)sizeof space);
}

/* A session's buffer serves the communicators that come from it, and their children; no other. */
static void of_session(void)
{
    enum { EACH = BIG / 2 };
    static char space[EACH + MPI_BSEND_OVERHEAD];
    MPI_Session s;
    MPI_Group all, part;
    MPI_Comm made, child;
    MPI_Status status;
    void *base;
    int len, class, ranks[1] = {0};

    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &s));
    OK(MPI_Group_from_session_pset(s, "mpi://WORLD", &all));
    OK(MPI_Comm_create_from_group(all, "p2p_buffered", MPI_INFO_NULL, MPI_ERRORS_RETURN, &made));
    OK(MPI_Comm_dup(made, &child));
    OK(MPI_Session_attach_buffer(s, space, sizeof space));
    for (int i = 0; i < 2; i++) {
        MPI_Comm c = i ? child : made;
        fill(out, EACH, i);
        OK(MPI_Bsend(out, EACH, MPI_CHAR, right(), 5, c));
        OK(MPI_Recv(in, EACH, MPI_CHAR, left(), 5, c, &status));
        CHECK(says(&status, left(), 5, MPI_CHAR, EACH) && filled(in, EACH, i));
        OK(MPI_Session_flush_buffer(s));
    }
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Error_class(MPI_Bsend(out, BIG, MPI_CHAR, right(), 5, MPI_COMM_WORLD), &class));
    CHECK(class == MPI_ERR_BUFFER);
    /* A part of the session's group is the session's, too. */
    OK(MPI_Group_incl(all, 1, ranks, &part));
    if (rank == 0) {
        MPI_Comm alone;
        OK(MPI_Comm_create_from_group(part, "alone", MPI_INFO_NULL, MPI_ERRORS_RETURN, &alone));
        OK(MPI_Bsend(out, EACH, MPI_CHAR, 0, 6, alone));
        OK(MPI_Recv(in, EACH, MPI_CHAR, 0, 6, alone, MPI_STATUS_IGNORE));
        OK(MPI_Comm_free(&alone));
    }
    OK(MPI_Session_detach_buffer(s, &base, &len));
    CHECK(base == space && len == sizeof space);
    OK(MPI_Error_class(MPI_Bsend(out, EACH, MPI_CHAR, right(), 5, made), &class));
    CHECK(class == MPI_ERR_BUFFER);
    OK(MPI_Comm_free(&child));
    OK(MPI_Comm_free(&made));
    OK(MPI_Group_free(&part));
    OK(MPI_Group_free(&all));
    OK(MPI_Session_finalize(&s));
}

/* No room, or no buffer: MPI_ERR_BUFFER, and nothing is sent. */
static void refused(void)
{
    static char space[2000];
    char text[MPI_MAX_ERROR_STRING];
    void *base;
    int len, class;

    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    int rc = MPI_Bsend(out, BIG, MPI_CHAR, right(), 1, MPI_COMM_WORLD);
    OK(MPI_Error_class(rc, &class));
    CHECK(class == MPI_ERR_BUFFER);
    OK(MPI_Error_string(rc, text, &len));
    CHECK(strstr(text, "100000") && strstr(text, "attach"));
    OK(MPI_Buffer_attach(space, sizeof space));
    OK(MPI_Error_class(MPI_Buffer_attach(space, sizeof space), &class));
    CHECK(class == MPI_ERR_BUFFER);
    OK(MPI_Error_class(MPI_Bsend(out, BIG, MPI_CHAR, right(), 1, MPI_COMM_WORLD), &class));
    CHECK(class == MPI_ERR_BUFFER);
    OK(MPI_Buffer_detach(&base, &len));
    OK(MPI_Error_class(MPI_Buffer_detach(&base, &len), &class));
    CHECK(class == MPI_ERR_BUFFER);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
}

static void automatic(void)
{
    MPI_Request r;
    void *base;
    int len;

    OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
    for (int i = 0; i < 20; i++) {
        fill(out, BIG, i);
        OK(MPI_Bsend(out, BIG - i, MPI_CHAR, right(), i, MPI_COMM_WORLD));
    }
    OK(MPI_Buffer_iflush(&r));
    for (int i = 0; i < 20; i++) {
        OK(MPI_Recv(in, BIG, MPI_CHAR, left(), i, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        CHECK(filled(in, BIG - i, i));
    }
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    CHECK(r == MPI_REQUEST_NULL);
    OK(MPI_Buffer_detach(&base, &len));
    CHECK(base == MPI_BUFFER_AUTOMATIC);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    tiny();
    exact(MPI_COMM_NULL);
    exact(MPI_COMM_WORLD);
    of_session();
    refused();
    automatic();
    return end("p2p_buffered");
}
