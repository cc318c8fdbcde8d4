/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "core/api/check.h"
#include "core/object/err.h"

static const char *const nouns[OBJECT_CLASSES] = {
    [OBJECT_COMM] = "communicator",
    [OBJECT_GROUP] = "group",
    [OBJECT_DATATYPE] = "datatype",
    [OBJECT_OP] = "operator",
    [OBJECT_ERRHANDLER] = "error handler",
    [OBJECT_INFO] = "info object",
    [OBJECT_REQUEST] = "request",
    [OBJECT_MESSAGE] = "message",
    [OBJECT_WIN] = "window",
    [OBJECT_FILE] = "file",
    [OBJECT_SESSION] = "session",
};

int check_not_running(void)
{
    return err_set(MPI_ERR_OTHER, api_phase == API_BEFORE ? "MPI_Init has not been called yet"
                                                          : "MPI_Finalize has been called already");
}

static const char *article(unsigned class)
{
    return strchr("aeiou", nouns[class][0]) ? "an" : "a";
}

/* What a handle is that is none of `wanted`: for the person who has to find out where it is from.
 */
static int bad_handle(int class, enum object_class wanted, const void *handle, const void *null,
                      const char *null_name)
{
    uintptr_t h = (uintptr_t)handle;
    enum object_class found = object_class_of(handle);

    if (handle == null)
        return err_set(class, "%s", null_name);
    if (!handle)
        return err_set(class, "0 is no %s: has the variable been set?", nouns[wanted]);
    if (found == wanted && h >= OBJECT_PREDEFINED)
        return err_set(class, "the %s has been %s", nouns[wanted],
                       wanted == OBJECT_REQUEST   ? "freed or completed before"
                       : wanted == OBJECT_MESSAGE ? "received before"
                                                  : "freed");
    if (found && found < OBJECT_CLASSES)
        return err_set(class, "the handle of %s %s stands where %s %s belongs", article(found),
                       nouns[found], article(wanted), nouns[wanted]);
    return err_set(class, "%p is no handle of %s %s", handle, article(wanted), nouns[wanted]);
}

int check_bad_comm(MPI_Comm comm)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    return bad_handle(MPI_ERR_COMM, OBJECT_COMM, comm, MPI_COMM_NULL, "MPI_COMM_NULL");
}

int check_bad_type(MPI_Datatype datatype)
{
    if (api_phase == API_BEFORE)
        return check_not_running();
    return bad_handle(MPI_ERR_TYPE, OBJECT_DATATYPE, datatype, MPI_DATATYPE_NULL,
                      "MPI_DATATYPE_NULL");
}

int check_bad_op(MPI_Op op)
{
    if (api_phase == API_BEFORE)
        return check_not_running();
    return bad_handle(MPI_ERR_OP, OBJECT_OP, op, MPI_OP_NULL, "MPI_OP_NULL");
}

int check_bad_group(MPI_Group group)
{
    if (api_phase == API_BEFORE)
        return check_not_running();
    return bad_handle(MPI_ERR_GROUP, OBJECT_GROUP, group, MPI_GROUP_NULL, "MPI_GROUP_NULL");
}

int check_bad_info(MPI_Info info)
{
    return bad_handle(MPI_ERR_INFO, OBJECT_INFO, info, MPI_INFO_NULL, "MPI_INFO_NULL");
}

int check_bad_errhandler(MPI_Errhandler errhandler)
{
    return bad_handle(MPI_ERR_ERRHANDLER, OBJECT_ERRHANDLER, errhandler, MPI_ERRHANDLER_NULL,
                      "MPI_ERRHANDLER_NULL");
}

int check_bad_win(MPI_Win win)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    return bad_handle(MPI_ERR_WIN, OBJECT_WIN, win, MPI_WIN_NULL, "MPI_WIN_NULL");
}

int check_wrong_errhandler(void)
{
    return err_set(MPI_ERR_ERRHANDLER, "it was created for another kind of object");
}

int check_bad_file(MPI_File file)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    return bad_handle(MPI_ERR_FILE, OBJECT_FILE, file, MPI_FILE_NULL, "MPI_FILE_NULL");
}

int check_bad_session(MPI_Session session)
{
    return bad_handle(MPI_ERR_SESSION, OBJECT_SESSION, session, MPI_SESSION_NULL,
                      "MPI_SESSION_NULL");
}

int check_bad_request(MPI_Request request)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    return bad_handle(MPI_ERR_REQUEST, OBJECT_REQUEST, request, MPI_REQUEST_NULL,
                      "MPI_REQUEST_NULL");
}

int check_bad_message(MPI_Message message)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    return bad_handle(MPI_ERR_REQUEST, OBJECT_MESSAGE, message, MPI_MESSAGE_NULL,
                      "MPI_MESSAGE_NULL");
}

int check_bad_count(MPI_Count count)
{
    return err_set(MPI_ERR_COUNT, "count %lld is negative", (long long)count);
}

int check_bad_buffer(void)
{
    return err_set(MPI_ERR_BUFFER, "the buffer is NULL and the count is not 0");
}

int check_bad_rank(const struct comm *c, int rank, const char *what)
{
    int size = comm_target_size(c);

    if (rank == MPI_ANY_SOURCE)
        return err_set(MPI_ERR_RANK, "%s MPI_ANY_SOURCE, only a receive may name it", what);
    return err_set(MPI_ERR_RANK, "%s %d, the %s has %d rank%s", what, rank,
                   c->remote ? "remote group" : "communicator", size, size == 1 ? "" : "s");
}

int check_bad_tag(int tag)
{
    if (tag == MPI_ANY_TAG)
        return err_set(MPI_ERR_TAG, "MPI_ANY_TAG, only a receive may name it");
    return err_set(MPI_ERR_TAG, "tag %d is negative", tag);
}

int check_uncommitted(const struct datatype *t)
{
    return err_set(MPI_ERR_TYPE, "datatype %s is not committed: call MPI_Type_commit first",
                   t->name[0] ? t->name : "without a name");
}

int check_bad_arg(const char *argument, const char *why)
{
    return err_set(MPI_ERR_ARG, "%s %s", argument, why);
}
