/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/api/check.h"
#include "core/object/err.h"

int check_bad_request(MPI_Request request)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    if (!request)
        return err_set(MPI_ERR_REQUEST, "the request is a zero handle, which no call gives: "
                                        "MPI_REQUEST_NULL means none");
    if (request == MPI_REQUEST_NULL)
        return err_set(MPI_ERR_REQUEST, "the request is MPI_REQUEST_NULL");
    return err_set(
        MPI_ERR_REQUEST,
        "request handle %p names none: it was freed or completed before, or is no request",
        (void *)request);
}

int check_bad_message(MPI_Message message)
{
    if (api_phase != API_RUNNING)
        return check_not_running();
    if (message == MPI_MESSAGE_NULL)
        return err_set(MPI_ERR_REQUEST, "the message is MPI_MESSAGE_NULL");
    return err_set(MPI_ERR_REQUEST,
                   "message handle %p names none: it was received before, or is no message",
                   (void *)message);
}
