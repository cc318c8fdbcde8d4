/* SPDX-License-Identifier: BSD-3-Clause */
/* Generalized requests: who is called, when, and how often. */
#include "mpitest.h"

static int queries, frees, cancels, answer;

static int query(void *state, MPI_Status *s)
{
    CHECK(state == &queries);
    queries++;
    OK(MPI_Status_set_elements(s, MPI_INT, 7));
    OK(MPI_Status_set_cancelled(s, cancels > 0));
    s->MPI_SOURCE = 12;
    s->MPI_TAG = 34;
    return answer;
}

static int free_state(void *state)
{
    CHECK(state == &queries);
    frees++;
    return MPI_SUCCESS;
}

static int cancel(void *state, int complete)
{
    CHECK(state == &queries && !complete);
    cancels++;
    return MPI_SUCCESS;
}

static MPI_Request start(void)
{
    MPI_Request r;

    queries = frees = cancels = 0;
    OK(MPI_Grequest_start(query, free_state, cancel, &queries, &r));
    return r;
}

int main(int argc, char **argv)
{
    MPI_Request r, copy;
    MPI_Status s;
    int flag;

    begin(&argc, &argv);
    r = start();
    OK(MPI_Test(&r, &flag, &s));
    CHECK(!flag && !queries);
    OK(MPI_Grequest_complete(r));
    OK(MPI_Request_get_status(r, &flag, &s));
    CHECK(flag && queries == 1 && !frees);
    OK(MPI_Wait(&r, &s));
    CHECK(says(&s, 12, 34, MPI_INT, 7) && queries == 2 && frees == 1);
    CHECK(r == MPI_REQUEST_NULL);

    r = start();
    OK(MPI_Cancel(&r));
    OK(MPI_Grequest_complete(r));
    OK(MPI_Waitall(1, &r, MPI_STATUSES_IGNORE));
    CHECK(cancels == 1 && queries == 1 && frees == 1);

    /* Freed first, completed by its copy: freed once, at the end. */
    r = copy = start();
    OK(MPI_Request_free(&r));
    CHECK(r == MPI_REQUEST_NULL && !frees);
    OK(MPI_Grequest_complete(copy));
    CHECK(frees == 1 && !queries);

    /* What the query function returns is what the wait returns. */
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    answer = MPI_ERR_OTHER;
    r = start();
    OK(MPI_Grequest_complete(r));
    CHECK(MPI_Wait(&r, &s) == MPI_ERR_OTHER && frees == 1);
    return end("p2p_grequest");
}
