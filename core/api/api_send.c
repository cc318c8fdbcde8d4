/* SPDX-License-Identifier: BSD-3-Clause */
/* Sends in the four modes of 3.4, blocking (3.2) and nonblocking (3.7). */
#include "core/api/check.h"
#include "core/p2p/quick.h"

/* The second and the long way of each, out of line so that the first one has the registers. */
static __attribute__((noinline)) int send_wait(const void *buf, MPI_Count count,
                                               MPI_Datatype datatype, int dest, int tag,
                                               MPI_Comm comm, enum send_mode mode, const char *func)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;

    if (mode != SEND_SYNCHRONOUS && dest != MPI_PROC_NULL &&
        quick_send_long(buf, count, datatype, dest, tag, comm, mode != SEND_STANDARD))
        return MPI_SUCCESS;
    int rc = check_send(comm, &c, buf, count, datatype, &t, dest, tag);

    if (!rc)
        rc = p2p_send_wait(c, buf, count, t, dest, tag, mode);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

/* The short way of those that have a request: it is over at once. */
HOT_INLINE bool send_now(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                         MPI_Comm comm, MPI_Request *request)
{
    struct quick q;
    struct node_outlet *outlet = quick_send_begin(&q, buf, count, datatype, dest, tag, comm);

    if (UNLIKELY(!outlet))
        return false;
    if (UNLIKELY(!request)) {
        lane_leave();
        return false;
    }
    *request = (MPI_Request)request_sent.object.handle;
    quick_send_end(outlet, &q, buf, tag);
    return true;
}

static __attribute__((noinline)) int send_start(const void *buf, MPI_Count count,
                                                MPI_Datatype datatype, int dest, int tag,
                                                MPI_Comm comm, MPI_Request *request,
                                                enum send_mode mode, const char *func)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;

    if (mode != SEND_SYNCHRONOUS && dest != MPI_PROC_NULL && request &&
        quick_send_long(buf, count, datatype, dest, tag, comm, mode != SEND_STANDARD)) {
        *request = (MPI_Request)request_sent.object.handle;
        return MPI_SUCCESS;
    }
    int rc = check_send(comm, &c, buf, count, datatype, &t, dest, tag);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = p2p_send_start(c, buf, count, t, dest, tag, mode, request);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Send_c)
int PMPI_Send_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                MPI_Comm comm)
{
    if (LIKELY(quick_send(buf, count, datatype, dest, tag, comm)))
        return MPI_SUCCESS;
    return send_wait(buf, count, datatype, dest, tag, comm, SEND_STANDARD, __func__);
}
MPI_SMALL(Send,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm),
          (buf, count, datatype, dest, tag, comm))

MPI_EXPORT(Bsend_c)
int PMPI_Bsend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                 MPI_Comm comm)
{
    if (LIKELY(quick_send(buf, count, datatype, dest, tag, comm)))
        return MPI_SUCCESS;
    return send_wait(buf, count, datatype, dest, tag, comm, SEND_BUFFERED, __func__);
}
MPI_SMALL(Bsend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm),
          (buf, count, datatype, dest, tag, comm))

MPI_EXPORT(Ssend_c)
int PMPI_Ssend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                 MPI_Comm comm)
{
    return send_wait(buf, count, datatype, dest, tag, comm, SEND_SYNCHRONOUS, __func__);
}
MPI_SMALL(Ssend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm),
          (buf, count, datatype, dest, tag, comm))

MPI_EXPORT(Rsend_c)
int PMPI_Rsend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                 MPI_Comm comm)
{
    if (LIKELY(quick_send(buf, count, datatype, dest, tag, comm)))
        return MPI_SUCCESS;
    return send_wait(buf, count, datatype, dest, tag, comm, SEND_READY, __func__);
}
MPI_SMALL(Rsend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm),
          (buf, count, datatype, dest, tag, comm))

MPI_EXPORT(Isend_c)
int PMPI_Isend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                 MPI_Comm comm, MPI_Request *request)
{
    if (LIKELY(send_now(buf, count, datatype, dest, tag, comm, request)))
        return MPI_SUCCESS;
    return send_start(buf, count, datatype, dest, tag, comm, request, SEND_STANDARD, __func__);
}
MPI_SMALL(Isend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Ibsend_c)
int PMPI_Ibsend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                  MPI_Comm comm, MPI_Request *request)
{
    if (LIKELY(send_now(buf, count, datatype, dest, tag, comm, request)))
        return MPI_SUCCESS;
    return send_start(buf, count, datatype, dest, tag, comm, request, SEND_BUFFERED, __func__);
}
MPI_SMALL(Ibsend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Issend_c)
int PMPI_Issend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                  MPI_Comm comm, MPI_Request *request)
{
    return send_start(buf, count, datatype, dest, tag, comm, request, SEND_SYNCHRONOUS, __func__);
}
MPI_SMALL(Issend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Irsend_c)
int PMPI_Irsend_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                  MPI_Comm comm, MPI_Request *request)
{
    if (LIKELY(send_now(buf, count, datatype, dest, tag, comm, request)))
        return MPI_SUCCESS;
    return send_start(buf, count, datatype, dest, tag, comm, request, SEND_READY, __func__);
}
MPI_SMALL(Irsend,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))
