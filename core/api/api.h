/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entry points' common ground. An entry point turns handles into objects, checks arguments
 * (check.h), calls the core and ends through one of the api_fail functions, which calls the error
 * handler. It looks like this, and is never much longer:
 *
 *     MPI_EXPORT(Send_c)
 *     int PMPI_Send_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
 *                     MPI_Comm comm)
 *     {
 *         struct comm *c = NULL;
 *         struct datatype *t = NULL;
 *         int rc = check_send(comm, &c, buf, count, datatype, &t, dest, tag);
 *
 *         if (!rc)
 *             rc = p2p_send_wait(c, buf, count, t, dest, tag, SEND_STANDARD);
 *         return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
 *     }
 *     MPI_SMALL(Send, (const void *buf, int count, MPI_Datatype datatype, int dest, int tag,
 *                      MPI_Comm comm), (buf, count, datatype, dest, tag, comm))
 *
 * Every call stands in the library twice: PMPI_X, the function, and MPI_X, a weak second name that
 * a tool may replace (15.2). The form with large counts, X_c, is the real one.
 */
#ifndef ORIEL_API_API_H
#define ORIEL_API_API_H

#include "core/object/comm.h"

/* Makes PMPI_X visible and MPI_X its weak alias; stands before the definition of PMPI_X. */
#define MPI_EXPORT(name)                                                                           \
    extern __typeof__(PMPI_##name) PMPI_##name __attribute__((visibility("default")));             \
    extern __typeof__(PMPI_##name) MPI_##name                                                      \
        __attribute__((weak, alias("PMPI_" #name), visibility("default")));

/* The int form of a call whose counts are scalars going in: widens them and calls X_c. */
#define MPI_SMALL(name, params, args)                                                              \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        return PMPI_##name##_c args;                                                               \
    }

/*
 * Calls the error handler of the object, or where that is NULL the one that the standard names for
 * errors without an object (9.3: MPI_COMM_SELF's). Returns the code for the program, if it returns.
 * `func` is __func__; the message shows it as MPI_X.
 */
struct win;
struct file;
struct session;
int api_fail_comm(struct comm *c, int rc, const char *func);
int api_fail_win(struct win *w, int rc, const char *func);
int api_fail_file(struct file *f, int rc, const char *func);
/* A communicator, a window, a file, or NULL. */
int api_fail_object(struct object *o, int rc, const char *func);
int api_fail_session(struct session *s, int rc, const char *func);
/* The handler that a call was given for an object that it did not make, with the null handle of
 * that kind; NULL: as api_fail. */
int api_fail_handler(struct errhandler *h, void *null, int rc, const char *func);
static inline int api_fail(int rc, const char *func)
{
    return api_fail_comm(NULL, rc, func);
}

/* What a call that makes a communicator returns; *newcomm is MPI_COMM_NULL where it failed. */
int api_give_comm(struct comm *c, int rc, struct comm *made, MPI_Comm *newcomm, const char *func);
/* Gives one that was just made without a parent its hints and handler; it ends where that fails. */
int api_dress_comm(struct comm *made, struct info *hints, struct errhandler *h);
/* A communicator's group under a handle of its own, which is of the same session. */
int api_give_group(struct comm *c, bool remote, MPI_Group *group);

/* Ends the job with this exit status after one line on standard error. */
void api_end(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* The handler of errors on files that could not be opened: MPI_FILE_NULL's (14.7). */
extern struct errhandler *api_file_errhandler;

/* Where the library is in its life; chapter 11. */
enum api_phase { API_BEFORE, API_RUNNING, API_AFTER };
extern enum api_phase api_phase;
extern int api_thread_level;

#endif
