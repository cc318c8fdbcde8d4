/* SPDX-License-Identifier: BSD-3-Clause */
/* Send-receive (3.10). The struct is filled by name, so that ten arguments cannot change places. */
#include "core/api/check.h"

static int exchange_check(MPI_Comm comm, MPI_Datatype send_type, MPI_Datatype recv_type,
                          struct p2p_exchange *x)
{
    int rc = check_send(comm, &x->comm, x->send, x->send_count, send_type, &x->send_type, x->dest,
                        x->send_tag);

    if (!rc)
        rc = check_recv(comm, &x->comm, x->recv, x->recv_count, recv_type, &x->recv_type, x->source,
                        x->recv_tag);
    return rc;
}

static int exchange_wait(MPI_Comm comm, MPI_Datatype send_type, MPI_Datatype recv_type,
                         struct p2p_exchange *x, MPI_Status *status, const char *func)
{
    int rc = exchange_check(comm, send_type, recv_type, x);

    if (!rc)
        rc = p2p_exchange_wait(x, status);
    return rc ? api_fail_comm(x->comm, rc, func) : MPI_SUCCESS;
}

static int exchange_start(MPI_Comm comm, MPI_Datatype send_type, MPI_Datatype recv_type,
                          struct p2p_exchange *x, MPI_Request *request, const char *func)
{
    struct request *r = NULL;
    int rc = exchange_check(comm, send_type, recv_type, x);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = p2p_exchange_start(x, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(x->comm, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Sendrecv_c)
int PMPI_Sendrecv_c(const void *sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, int dest,
                    int sendtag, void *recvbuf, MPI_Count recvcount, MPI_Datatype recvtype,
                    int source, int recvtag, MPI_Comm comm, MPI_Status *status)
{
    struct p2p_exchange x = {
        .send = sendbuf,
        .send_count = sendcount,
        .dest = dest,
        .send_tag = sendtag,
        .recv = recvbuf,
        .recv_count = recvcount,
        .source = source,
        .recv_tag = recvtag,
    };

    return exchange_wait(comm, sendtype, recvtype, &x, status, __func__);
}
MPI_SMALL(Sendrecv,
          (const void *sendbuf, int sendcount, MPI_Datatype sendtype, int dest, int sendtag,
           void *recvbuf, int recvcount, MPI_Datatype recvtype, int source, int recvtag,
           MPI_Comm comm, MPI_Status *status),
          (sendbuf, sendcount, sendtype, dest, sendtag, recvbuf, recvcount, recvtype, source,
           recvtag, comm, status))

MPI_EXPORT(Sendrecv_replace_c)
int PMPI_Sendrecv_replace_c(void *buf, MPI_Count count, MPI_Datatype datatype, int dest,
                            int sendtag, int source, int recvtag, MPI_Comm comm, MPI_Status *status)
{
    struct p2p_exchange x = {
        .send = buf,
        .send_count = count,
        .dest = dest,
        .send_tag = sendtag,
        .recv = buf,
        .recv_count = count,
        .source = source,
        .recv_tag = recvtag,
        .replace = true,
    };

    return exchange_wait(comm, datatype, datatype, &x, status, __func__);
}
MPI_SMALL(Sendrecv_replace,
          (void *buf, int count, MPI_Datatype datatype, int dest, int sendtag, int source,
           int recvtag, MPI_Comm comm, MPI_Status *status),
          (buf, count, datatype, dest, sendtag, source, recvtag, comm, status))

MPI_EXPORT(Isendrecv_c)
int PMPI_Isendrecv_c(const void *sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, int dest,
                     int sendtag, void *recvbuf, MPI_Count recvcount, MPI_Datatype recvtype,
                     int source, int recvtag, MPI_Comm comm, MPI_Request *request)
{
    struct p2p_exchange x = {
        .send = sendbuf,
        .send_count = sendcount,
        .dest = dest,
        .send_tag = sendtag,
        .recv = recvbuf,
        .recv_count = recvcount,
        .source = source,
        .recv_tag = recvtag,
    };

    return exchange_start(comm, sendtype, recvtype, &x, request, __func__);
}
MPI_SMALL(Isendrecv,
          (const void *sendbuf, int sendcount, MPI_Datatype sendtype, int dest, int sendtag,
           void *recvbuf, int recvcount, MPI_Datatype recvtype, int source, int recvtag,
           MPI_Comm comm, MPI_Request *request),
          (sendbuf, sendcount, sendtype, dest, sendtag, recvbuf, recvcount, recvtype, source,
           recvtag, comm, request))

MPI_EXPORT(Isendrecv_replace_c)
int PMPI_Isendrecv_replace_c(void *buf, MPI_Count count, MPI_Datatype datatype, int dest,
                             int sendtag, int source, int recvtag, MPI_Comm comm,
                             MPI_Request *request)
{
    struct p2p_exchange x = {
        .send = buf,
        .send_count = count,
        .dest = dest,
        .send_tag = sendtag,
        .recv = buf,
        .recv_count = count,
        .source = source,
        .recv_tag = recvtag,
        .replace = true,
    };

    return exchange_start(comm, datatype, datatype, &x, request, __func__);
}
MPI_SMALL(Isendrecv_replace,
          (void *buf, int count, MPI_Datatype datatype, int dest, int sendtag, int source,
           int recvtag, MPI_Comm comm, MPI_Request *request),
          (buf, count, datatype, dest, sendtag, source, recvtag, comm, request))
