/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receives whose message is there when they are posted, more than the library keeps places for:
 * every call that takes a request, handles as numbers, one that is used twice, and one that is
 * never completed; and receives from nobody. Each rank sends to its right neighbour and receives
 * from its left one.
 */
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <unistd.h>

#include "mpitest.h"

enum { MANY = 1500, PART = 100, TAG = 7 };

static MPI_Request request[MANY];
static int value[MANY];

/* Requests `from` to `to` - 1, of which the i-th receives the number i, and as a rule finds it. */
static void post_part(int from, int to)
{
    OK(MPI_Barrier(MPI_COMM_WORLD));
    for (int i = from; i < to; i++)
        OK(MPI_Send(&i, 1, MPI_INT, right(), TAG + i % 3, MPI_COMM_WORLD));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    for (int i = from; i < to; i++) {
        value[i] = -1;
        OK(MPI_Irecv(&value[i], 1, MPI_INT, left(), TAG + i % 3, MPI_COMM_WORLD, &request[i]));
        CHECK(request[i] != MPI_REQUEST_NULL);
        for (int k = i > 10 ? i - 10 : 0; k < i; k++)
            CHECK(request[i] != request[k]);
    }
}

/* Few at a time: a sender may wait until its neighbour has received some. */
static void post(int n)
{
    for (int i = 0; i < n; i += PART)
        post_part(i, i + PART < n ? i + PART : n);
}

static void check(int i, const MPI_Status *s)
{
    int count, cancelled;

    CHECK(value[i] == i && request[i] == MPI_REQUEST_NULL);
    CHECK(s->MPI_SOURCE == left() && s->MPI_TAG == TAG + i % 3);
    OK(MPI_Get_count(s, MPI_INT, &count));
    OK(MPI_Test_cancelled(s, &cancelled));
    CHECK(count == 1 && !cancelled);
}

static void all(void)
{
    static MPI_Status s[MANY];
    int flag = 0;

    post(MANY);
    OK(MPI_Waitall(MANY, request, s));
    for (int i = 0; i < MANY; i++)
        check(i, &s[i]);
    post(MANY);
    OK(MPI_Waitall(MANY, request, MPI_STATUSES_IGNORE));
    for (int i = 0; i < MANY; i++)
        CHECK(value[i] == i && request[i] == MPI_REQUEST_NULL);
    post(MANY);
    while (!flag)
        OK(MPI_Testall(MANY, request, &flag, s));
    for (int i = 0; i < MANY; i++)
        check(i, &s[i]);
}

static void one_by_one(void)
{
    MPI_Status s;
    int index, flag;

    post(12);
    for (int i = 0; i < 12; i++) {
        for (flag = 0; i % 4 == 0 && !flag;)
            OK(MPI_Request_get_status(request[i], &flag, &s));
        if (i % 4 == 0)
            CHECK(s.MPI_TAG == TAG + i % 3 && request[i] != MPI_REQUEST_NULL);
        flag = 0;
        if (i % 4 < 2)
            OK(MPI_Wait(&request[i], &s));
        else
            while (!flag)
                OK(MPI_Test(&request[i], &flag, &s));
        check(i, &s);
    }
    post(12);
    for (int i = 0; i < 12; i++) {
        flag = i % 2;
        if (flag)
            OK(MPI_Waitany(12, request, &index, &s));
        while (!flag)
            OK(MPI_Testany(12, request, &index, &flag, &s));
        check(index, &s);
    }
}

static void some(void)
{
    MPI_Status s[12];
    int n, index[12], flag = 0;

    post(12);
    while (!flag)
        OK(MPI_Request_get_status_all(12, request, &flag, s));
    for (int i = 0; i < 12; i++)
        CHECK(s[i].MPI_TAG == TAG + i % 3 && s[i].MPI_SOURCE == left());
    for (int left_over = 12; left_over; left_over -= n) {
        if (left_over == 12)
            OK(MPI_Waitsome(12, request, &n, index, s));
        else
            OK(MPI_Testsome(12, request, &n, index, s));
        for (int i = 0; i < n; i++)
            check(index[i], &s[i]);
    }
}

/* What else can be done with a request, or cannot. */
static void misuse(void)
{
    MPI_Request twice[3];
    MPI_Status s;
    int flag = 0, class;

    post(6);
    while (!flag)
        OK(MPI_Request_get_status_all(6, request, &flag, MPI_STATUSES_IGNORE));
    OK(MPI_Cancel(&request[0])); /* too late */
    OK(MPI_Wait(&request[0], &s));
    check(0, &s);
    OK(MPI_Request_free(&request[1]));
    CHECK(request[1] == MPI_REQUEST_NULL && value[1] == 1);

    int number = MPI_Request_toint(request[2]);
    CHECK(number > 0 && MPI_Request_fromint(number) == request[2]);
    twice[0] = request[2];
    OK(MPI_Wait(&request[2], &s));
    check(2, &s);

    /* One that was over at once has no communicator any more. */
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    CHECK(MPI_Wait(&twice[0], &s) != MPI_SUCCESS);
    CHECK(MPI_Test(&twice[0], &flag, &s) != MPI_SUCCESS);
    OK(MPI_Error_class(MPI_Start(&request[3]), &class));
    CHECK(class == MPI_ERR_REQUEST);
    twice[0] = request[3];
    twice[1] = request[4];
    twice[2] = request[3];
    OK(MPI_Error_class(MPI_Waitall(3, twice, MPI_STATUSES_IGNORE), &class));
    CHECK(class == MPI_ERR_REQUEST || class == MPI_SUCCESS); /* not all look so closely */
    CHECK(twice[0] == MPI_REQUEST_NULL && twice[1] == MPI_REQUEST_NULL);
    OK(MPI_Wait(&request[5], &s));
    check(5, &s);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
}

/* ---- From nobody ---- */

static void is_nobodys(const MPI_Status *s)
{
    int count = -1, cancelled = 1;

    CHECK(s->MPI_SOURCE == MPI_PROC_NULL && s->MPI_TAG == MPI_ANY_TAG);
    OK(MPI_Get_count(s, MPI_INT, &count));
    OK(MPI_Test_cancelled(s, &cancelled));
    CHECK(count == 0 && !cancelled);
}

static void post_nobodys(int n)
{
    for (int i = 0; i < n; i++)
        OK(MPI_Irecv(&value[i], 1, MPI_INT, MPI_PROC_NULL, i % 2 ? MPI_ANY_TAG : 3, MPI_COMM_WORLD,
                     &request[i]));
}

/* Also more than the table has room for. */
static void nobodys(void)
{
    static MPI_Status s[MANY];
    int index, flag = 0, n;

    post_nobodys(MANY);
    OK(MPI_Waitall(MANY, request, s));
    for (int i = 0; i < MANY; i++) {
        is_nobodys(&s[i]);
        CHECK(request[i] == MPI_REQUEST_NULL);
    }
    post_nobodys(5);
    OK(MPI_Request_get_status(request[0], &flag, &s[0]));
    CHECK(flag && request[0] != MPI_REQUEST_NULL);
    is_nobodys(&s[0]);
    OK(MPI_Test(&request[0], &flag, &s[0]));
    CHECK(flag && request[0] == MPI_REQUEST_NULL);
    OK(MPI_Cancel(&request[1]));
    OK(MPI_Wait(&request[1], &s[0]));
    is_nobodys(&s[0]);
    OK(MPI_Request_free(&request[2]));
    CHECK(request[2] == MPI_REQUEST_NULL);
    OK(MPI_Waitany(5, request, &index, &s[0]));
    CHECK(index == 3 || index == 4);
    is_nobodys(&s[0]);
    OK(MPI_Waitsome(5, request, &n, &index, &s[0]));
    CHECK(n == 1 && (index == 3 || index == 4));
    is_nobodys(&s[0]);
    OK(MPI_Isend(NULL, 0, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD, &request[0]));
    OK(MPI_Issend(value, 1, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD, &request[1]));
    OK(MPI_Waitall(2, request, MPI_STATUSES_IGNORE));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    all();
    one_by_one();
    some();
    misuse();
    nobodys();
    all();
    post(5); /* left to MPI_Finalize */
    return end("p2p_received");
}
