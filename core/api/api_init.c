/* SPDX-License-Identifier: BSD-3-Clause */
/* Start, end, and what may be asked about them at any time (11.2, 11.4, 11.6). */
#include <pthread.h>

#include "core/api/check.h"
#include "core/api/life.h"

static pthread_t main_thread;

static int init(int required, const char *func)
{
    int rc = life_init(required);

    if (rc)
        return api_fail(rc, func);
    main_thread = pthread_self();
    return MPI_SUCCESS;
}

MPI_EXPORT(Init)
int PMPI_Init(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return init(MPI_THREAD_SINGLE, __func__);
}

MPI_EXPORT(Init_thread)
int PMPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    (void)argc;
    (void)argv;
    int rc = check_out(provided, "provided");
    if (rc)
        return api_fail(rc, __func__);
    rc = init(required, __func__);
    if (!rc)
        *provided = api_thread_level;
    return rc;
}

MPI_EXPORT(Finalize)
int PMPI_Finalize(void)
{
    return life_finalize(__func__);
}

MPI_EXPORT(Initialized)
int PMPI_Initialized(int *flag)
{
    int rc = check_out(flag, "flag");

    if (rc)
        return api_fail(rc, __func__);
    *flag = life_initialized();
    return MPI_SUCCESS;
}

MPI_EXPORT(Finalized)
int PMPI_Finalized(int *flag)
{
    int rc = check_out(flag, "flag");

    if (rc)
        return api_fail(rc, __func__);
    *flag = life_finalized();
    return MPI_SUCCESS;
}

MPI_EXPORT(Query_thread)
int PMPI_Query_thread(int *provided)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(provided, "provided");
    if (rc)
        return api_fail(rc, __func__);
    *provided = api_thread_level;
    return MPI_SUCCESS;
}

MPI_EXPORT(Is_thread_main)
int PMPI_Is_thread_main(int *flag)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = pthread_equal(main_thread, pthread_self()) != 0;
    return MPI_SUCCESS;
}

/* Never returns, whatever the communicator is; the exit status is the code's low byte. */
MPI_EXPORT(Abort)
int PMPI_Abort(MPI_Comm comm, int errorcode)
{
    struct comm *c = comm_find(comm);

    api_end(errorcode, "MPI_Abort on %s with error code %d",
            !c           ? "no communicator"
            : c->name[0] ? c->name
                         : "a communicator without a name",
            errorcode);
}
