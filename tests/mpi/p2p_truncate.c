/* SPDX-License-Identifier: BSD-3-Clause */
/* A message longer than its receive is an error that says so, and harms no later message. */
#include "mpitest.h"

enum { MOST = 200000 };

static char out[MOST], in[MOST];

static void checks_out(int rc, int had, int room)
{
    char text[MPI_MAX_ERROR_STRING], number[32];
    int class, len;

    OK(MPI_Error_class(rc, &class));
    CHECK(class == MPI_ERR_TRUNCATE);
    OK(MPI_Error_string(rc, text, &len));
    snprintf(number, sizeof number, "%d", room);
    CHECK(strstr(text, number));
    snprintf(number, sizeof number, "%d", had);
    CHECK(strstr(text, number) || strstr(text, "longer"));
}

static void truncate_one(int len, int room, int early)
{
    MPI_Request r, s;
    MPI_Status st;
    int after = -1, rc;

    fill(out, len, rank);
    memset(in, 0x55, sizeof in);
    if (early)
        OK(MPI_Irecv(in, room, MPI_CHAR, left(), 1, MPI_COMM_WORLD, &r));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_Isend(out, len, MPI_CHAR, right(), 1, MPI_COMM_WORLD, &s));
    if (early)
        rc = MPI_Wait(&r, &st);
    else
        rc = MPI_Recv(in, room, MPI_CHAR, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &st);
    checks_out(rc, len, room);
    CHECK(st.MPI_SOURCE == left() && st.MPI_TAG == 1);
    CHECK(in[room] == 0x55); /* nothing behind the buffer was written */
    OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
    for (int i = 0; i < 5; i++) {
        OK(MPI_Isend(&i, 1, MPI_INT, right(), 1, MPI_COMM_WORLD, &s));
        OK(MPI_Recv(&after, 1, MPI_INT, left(), 1, MPI_COMM_WORLD, &st));
        CHECK(after == i && says(&st, left(), 1, MPI_INT, 1));
        OK(MPI_Wait(&s, MPI_STATUS_IGNORE));
    }
}

/* Among several: MPI_ERR_IN_STATUS, with each one's own error in its status. */
static void in_status(void)
{
    MPI_Request r[4];
    MPI_Status s[4];
    int value[2] = {0, 0}, class;

    for (int i = 0; i < 4; i++)
        s[i].MPI_ERROR = 77;
    OK(MPI_Irecv(&value[0], 1, MPI_INT, left(), 10, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Irecv(in, 3, MPI_CHAR, left(), 11, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Isend(&rank, 1, MPI_INT, right(), 10, MPI_COMM_WORLD, &r[2]));
    OK(MPI_Isend(out, 30, MPI_CHAR, right(), 11, MPI_COMM_WORLD, &r[3]));
    int rc = MPI_Waitall(4, r, s);
    OK(MPI_Error_class(rc, &class));
    CHECK(class == MPI_ERR_IN_STATUS);
    CHECK(s[0].MPI_ERROR == MPI_SUCCESS && s[2].MPI_ERROR == MPI_SUCCESS &&
          s[3].MPI_ERROR == MPI_SUCCESS);
    OK(MPI_Error_class(s[1].MPI_ERROR, &class));
    CHECK(class == MPI_ERR_TRUNCATE);
    CHECK(value[0] == left());
    for (int i = 0; i < 4; i++)
        CHECK(r[i] == MPI_REQUEST_NULL);
}

int main(int argc, char **argv)
{
    static const int sizes[] = {2, 40, 100, 1000, 16384, 20000, MOST};

    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int early = 0; early < 2; early++) {
            truncate_one(sizes[i], 0, early);
            truncate_one(sizes[i], 1, early);
            truncate_one(sizes[i], sizes[i] - 1, early);
        }
    in_status();
    return end("p2p_truncate");
}
