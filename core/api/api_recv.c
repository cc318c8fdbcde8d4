/* SPDX-License-Identifier: BSD-3-Clause */
/* Receives, of what will match (3.2, 3.7) and of what a probe has matched (3.8). */
#include "core/api/check.h"
#include "core/p2p/quick.h"

/* The second and the long way of each, out of line so that the first one has the registers. */
static __attribute__((noinline)) int recv_wait(void *buf, MPI_Count count, MPI_Datatype datatype,
                                               int source, int tag, MPI_Comm comm,
                                               MPI_Status *status, const char *func)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    int rc;

    if (!quick_recv_any(buf, count, datatype, source, tag, comm, status, &c, &rc)) {
        rc = check_recv(comm, &c, buf, count, datatype, &t, source, tag);
        if (!rc)
            rc = p2p_recv_wait(&(struct p2p_receive){c, t, buf, count, source, tag}, status);
    }
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

static __attribute__((noinline)) int recv_start(void *buf, MPI_Count count, MPI_Datatype datatype,
                                                int source, int tag, MPI_Comm comm,
                                                MPI_Request *request, const char *func)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    struct request *r = NULL;

    if (source != MPI_PROC_NULL && request)
        r = quick_post(buf, count, datatype, source, tag, comm);
    if (LIKELY(r != NULL)) {
        int rc = request_publish(r, request);
        return UNLIKELY(rc) ? api_fail(rc, func) : MPI_SUCCESS;
    }
    int rc = check_recv(comm, &c, buf, count, datatype, &t, source, tag);

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = p2p_recv_start(&(struct p2p_receive){c, t, buf, count, source, tag}, request);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Recv_c)
int PMPI_Recv_c(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                MPI_Comm comm, MPI_Status *status)
{
    if (LIKELY(quick_recv(buf, count, datatype, source, tag, comm, status)))
        return MPI_SUCCESS;
    return recv_wait(buf, count, datatype, source, tag, comm, status, __func__);
}
MPI_SMALL(Recv,
          (void *buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
           MPI_Status *status),
          (buf, count, datatype, source, tag, comm, status))

MPI_EXPORT(Irecv_c)
int PMPI_Irecv_c(void *buf, MPI_Count count, MPI_Datatype datatype, int source, int tag,
                 MPI_Comm comm, MPI_Request *request)
{
    if (LIKELY(quick_irecv(buf, count, datatype, source, tag, comm, request)))
        return MPI_SUCCESS;
    return recv_start(buf, count, datatype, source, tag, comm, request, __func__);
}
MPI_SMALL(Irecv,
          (void *buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
           MPI_Request *request),
          (buf, count, datatype, source, tag, comm, request))

/* The receive of a matched message; *c is held, for what may go wrong when it completes. */
static int mrecv_start(void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Message *message,
                       struct comm **c, struct request **r)
{
    struct message *m = NULL;
    struct datatype *t = NULL;
    int rc = check_out(message, "message");

    if (!rc)
        rc = check_message(*message, &m);
    if (rc)
        return rc;
    *c = m->request ? m->request->comm : comm_self;
    object_hold(&(*c)->object);
    rc = check_buffer(buf, count, datatype, &t);
    if (!rc)
        rc = p2p_mrecv(m, buf, count, t, r);
    if (!rc)
        *message = MPI_MESSAGE_NULL;
    return rc;
}

static int mrecv_end(struct comm *c, int rc, const char *func)
{
    if (rc)
        rc = api_fail_comm(c, rc, func);
    if (c)
        object_drop(&c->object);
    return rc;
}

MPI_EXPORT(Mrecv_c)
int PMPI_Mrecv_c(void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Message *message,
                 MPI_Status *status)
{
    struct comm *c = NULL;
    struct request *r = NULL;
    int rc = mrecv_start(buf, count, datatype, message, &c, &r);

    if (!rc) {
        request_wait(r);
        rc = request_finish(r, NULL, status);
    }
    return mrecv_end(c, rc, __func__);
}
MPI_SMALL(Mrecv,
          (void *buf, int count, MPI_Datatype datatype, MPI_Message *message, MPI_Status *status),
          (buf, count, datatype, message, status))

MPI_EXPORT(Imrecv_c)
int PMPI_Imrecv_c(void *buf, MPI_Count count, MPI_Datatype datatype, MPI_Message *message,
                  MPI_Request *request)
{
    struct comm *c = NULL;
    struct request *r = NULL;
    int rc = check_out(request, "request");

    if (!rc)
        rc = mrecv_start(buf, count, datatype, message, &c, &r);
    if (!rc)
        rc = request_publish(r, request);
    return mrecv_end(c, rc, __func__);
}
MPI_SMALL(Imrecv,
          (void *buf, int count, MPI_Datatype datatype, MPI_Message *message, MPI_Request *request),
          (buf, count, datatype, message, request))
