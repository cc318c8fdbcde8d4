/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistent sends and receives (3.9), and starting persistent requests of any kind. */
#include "core/api/check.h"

static int send_init(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                     MPI_Comm comm, MPI_Request *request, enum send_mode mode, const char *func)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    struct request *r = NULL;
    int rc = check_send(comm, &c, buf, count, datatype, &t, dest, tag);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = p2p_send_init(c, buf, count, t, dest, tag, mode, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Send_init_c)
int PMPI_Send_init_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                     MPI_Comm comm, MPI_Request *request)
{
    return send_init(buf, count, datatype, dest, tag, comm, request, SEND_STANDARD, __func__);
}
MPI_SMALL(Send_init,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Bsend_init_c)
int PMPI_Bsend_init_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                      MPI_Comm comm, MPI_Request *request)
{
    return send_init(buf, count, datatype, dest, tag, comm, request, SEND_BUFFERED, __func__);
}
MPI_SMALL(Bsend_init,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Ssend_init_c)
int PMPI_Ssend_init_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                      MPI_Comm comm, MPI_Request *request)
{
    return send_init(buf, count, datatype, dest, tag, comm, request, SEND_SYNCHRONOUS, __func__);
}
MPI_SMALL(Ssend_init,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Rsend_init_c)
int PMPI_Rsend_init_c(const void *buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
                      MPI_Comm comm, MPI_Request *request)
{
    return send_init(buf, count, datatype, dest, tag, comm, request, SEND_READY, __func__);
}
MPI_SMALL(Rsend_init,
          (const void *buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, dest, tag, comm, request))

MPI_EXPORT(Recv_init_c)
int PMPI_Recv_init_c(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                     MPI_Comm comm, MPI_Request *request)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    struct request *r = NULL;
    int rc = check_recv(comm, &c, buf, count, datatype, &t, source, tag);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = p2p_recv_init(c, buf, count, t, source, tag, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}
MPI_SMALL(Recv_init,
          (void *buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, source, tag, comm, request))

static int start(MPI_Request request, struct comm **c)
{
    struct request *r = NULL;
    int rc = check_request(request, &r);

    if (!rc && !r)
        rc = check_bad_request(request);
    if (!rc) {
        *c = r->comm;
        rc = request_start(r);
    }
    return rc;
}

MPI_EXPORT(Start)
int PMPI_Start(MPI_Request *request)
{
    struct comm *c = NULL;
    int rc = check_out(request, "request");

    if (!rc)
        rc = start(*request, &c);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Startall)
int PMPI_Startall(int count, MPI_Request array_of_requests[])
{
    struct comm *c = NULL;
    int rc = count < 0 ? check_bad_count(count) : MPI_SUCCESS;

    if (!rc && count)
        rc = check_out(array_of_requests, "array_of_requests");
    for (int i = 0; i < count && !rc; i++)
        rc = start(array_of_requests[i], &c);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}
