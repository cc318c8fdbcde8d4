/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every call that is not written yet, and nothing else: a row goes when its call comes. Each fails
 * with MPI_ERR_UNSUPPORTED_OPERATION and its own name, through the error handler of the object that
 * it was called on. `tools/check-symbols --todo` counts the rows.
 */
#include "core/api/check.h"
#include "core/object/err.h"

/* Nobody reads the arguments yet. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int unwritten(const char *func)
{
    return err_set(MPI_ERR_UNSUPPORTED_OPERATION, "%s is not written yet", func + 1);
}

static int unwritten_comm(MPI_Comm comm, const char *func)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    return api_fail_comm(c, rc ? rc : unwritten(func), func);
}

#define UNWRITTEN_ROW(name, params, result)                                                        \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        return result;                                                                             \
    }

#define UNWRITTEN(name, params) UNWRITTEN_ROW(name, params, api_fail(unwritten(__func__), __func__))
#define UNWRITTEN_COMM(name, params, comm)                                                         \
    UNWRITTEN_ROW(name, params, unwritten_comm(comm, __func__))

/* ---- Processes that come later, and services (11) ---- */

UNWRITTEN(Close_port, (const char *port_name))
UNWRITTEN(Comm_join, (int fd, MPI_Comm *intercomm))
UNWRITTEN(Lookup_name, (const char *service_name, MPI_Info info, char *port_name))
UNWRITTEN(Open_port, (MPI_Info info, char *port_name))
UNWRITTEN(Publish_name, (const char *service_name, MPI_Info info, const char *port_name))
UNWRITTEN(Unpublish_name, (const char *service_name, MPI_Info info, const char *port_name))
UNWRITTEN_COMM(Comm_accept,
               (const char *port_name, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *newcomm),
               comm)
UNWRITTEN_COMM(Comm_connect,
               (const char *port_name, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *newcomm),
               comm)
UNWRITTEN_COMM(Comm_spawn,
               (const char *command, char *argv[], int maxprocs, MPI_Info info, int root,
                MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[]),
               comm)
UNWRITTEN_COMM(Comm_spawn_multiple,
               (int count, char *array_of_commands[], char **array_of_argv[],
                const int array_of_maxprocs[], const MPI_Info array_of_info[], int root,
                MPI_Comm comm, MPI_Comm *intercomm, int array_of_errcodes[]),
               comm)
