/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers of buffered sends (3.6), of the process, of communicators and of sessions. */
#include <limits.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/p2p/buffered.h"

/* Whose buffer it is: the handle that buffered.h wants, and the object whose error handler is
 * called. Both objects NULL: the process's. */
struct owner {
    uintptr_t handle;
    struct comm *comm;
    struct session *session;
};

static int owner_process(struct owner *o)
{
    *o = (struct owner){0};
    return api_phase == API_RUNNING ? MPI_SUCCESS : check_not_running();
}

static int owner_comm(MPI_Comm comm, struct owner *o)
{
    *o = (struct owner){.handle = (uintptr_t)comm};
    return check_comm(comm, &o->comm);
}

static int owner_session(MPI_Session session, struct owner *o)
{
    *o = (struct owner){.handle = (uintptr_t)session};
    o->session = (struct session *)object_find(OBJECT_SESSION, session);
    return o->session ? MPI_SUCCESS
                      : err_set(MPI_ERR_SESSION, "session handle %p names none", (void *)session);
}

static int owner_end(const struct owner *o, int rc, const char *func)
{
    if (!rc)
        return MPI_SUCCESS;
    return o->session ? api_fail_session(o->session, rc, func) : api_fail_comm(o->comm, rc, func);
}

/* Each takes what owner_x said, so that an entry point is one line. */
static int attach(int rc, const struct owner *o, void *buffer, MPI_Count size, const char *func)
{
    if (!rc && buffer != MPI_BUFFER_AUTOMATIC) {
        if (size < 0)
            rc = check_bad_count(size);
        else if (!buffer && size)
            rc = check_bad_buffer();
    }
    if (!rc)
        rc = buffered_attach(o->handle, buffer, size);
    return owner_end(o, rc, func);
}

static int detach(int rc, const struct owner *o, void *buffer_addr, MPI_Count *size,
                  const char *func)
{
    void *base;

    if (!rc && (!buffer_addr || !size))
        rc = check_bad_arg(buffer_addr ? "size" : "buffer_addr", "is NULL");
    if (!rc)
        rc = buffered_detach(o->handle, &base, size);
    if (!rc)
        *(void **)buffer_addr = base;
    return owner_end(o, rc, func);
}

static int flush(int rc, const struct owner *o, const char *func)
{
    if (!rc)
        rc = buffered_flush(o->handle);
    return owner_end(o, rc, func);
}

static int iflush(int rc, const struct owner *o, MPI_Request *request, const char *func)
{
    struct request *r = NULL;

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = buffered_iflush(o->handle, &r);
    if (!rc)
        rc = request_publish(r, request);
    return owner_end(o, rc, func);
}

/* The size as the int forms give it. */
static int small_size(int rc, MPI_Count large, int *size)
{
    if (!rc)
        *size = large > INT_MAX ? MPI_UNDEFINED : (int)large;
    return rc;
}

MPI_EXPORT(Buffer_attach_c)
int PMPI_Buffer_attach_c(void *buffer, MPI_Count size)
{
    struct owner o;
    int rc = owner_process(&o);

    return attach(rc, &o, buffer, size, __func__);
}
MPI_SMALL(Buffer_attach, (void *buffer, int size), (buffer, size))

MPI_EXPORT(Buffer_detach_c)
int PMPI_Buffer_detach_c(void *buffer_addr, MPI_Count *size)
{
    struct owner o;
    int rc = owner_process(&o);

    return detach(rc, &o, buffer_addr, size, __func__);
}

MPI_EXPORT(Buffer_detach)
int PMPI_Buffer_detach(void *buffer_addr, int *size)
{
    MPI_Count large = 0;
    int rc = PMPI_Buffer_detach_c(buffer_addr, size ? &large : NULL);

    return small_size(rc, large, size);
}

MPI_EXPORT(Buffer_flush)
int PMPI_Buffer_flush(void)
{
    struct owner o;
    int rc = owner_process(&o);

    return flush(rc, &o, __func__);
}

MPI_EXPORT(Buffer_iflush)
int PMPI_Buffer_iflush(MPI_Request *request)
{
    struct owner o;
    int rc = owner_process(&o);

    return iflush(rc, &o, request, __func__);
}

MPI_EXPORT(Comm_attach_buffer_c)
int PMPI_Comm_attach_buffer_c(MPI_Comm comm, void *buffer, MPI_Count size)
{
    struct owner o;
    int rc = owner_comm(comm, &o);

    return attach(rc, &o, buffer, size, __func__);
}
MPI_SMALL(Comm_attach_buffer, (MPI_Comm comm, void *buffer, int size), (comm, buffer, size))

MPI_EXPORT(Comm_detach_buffer_c)
int PMPI_Comm_detach_buffer_c(MPI_Comm comm, void *buffer_addr, MPI_Count *size)
{
    struct owner o;
    int rc = owner_comm(comm, &o);

    return detach(rc, &o, buffer_addr, size, __func__);
}

MPI_EXPORT(Comm_detach_buffer)
int PMPI_Comm_detach_buffer(MPI_Comm comm, void *buffer_addr, int *size)
{
    MPI_Count large = 0;
    int rc = PMPI_Comm_detach_buffer_c(comm, buffer_addr, size ? &large : NULL);

    return small_size(rc, large, size);
}

MPI_EXPORT(Comm_flush_buffer)
int PMPI_Comm_flush_buffer(MPI_Comm comm)
{
    struct owner o;
    int rc = owner_comm(comm, &o);

    return flush(rc, &o, __func__);
}

MPI_EXPORT(Comm_iflush_buffer)
int PMPI_Comm_iflush_buffer(MPI_Comm comm, MPI_Request *request)
{
    struct owner o;
    int rc = owner_comm(comm, &o);

    return iflush(rc, &o, request, __func__);
}

MPI_EXPORT(Session_attach_buffer_c)
int PMPI_Session_attach_buffer_c(MPI_Session session, void *buffer, MPI_Count size)
{
    struct owner o;
    int rc = owner_session(session, &o);

    return attach(rc, &o, buffer, size, __func__);
}
MPI_SMALL(Session_attach_buffer, (MPI_Session session, void *buffer, int size),
          (session, buffer, size))

MPI_EXPORT(Session_detach_buffer_c)
int PMPI_Session_detach_buffer_c(MPI_Session session, void *buffer_addr, MPI_Count *size)
{
    struct owner o;
    int rc = owner_session(session, &o);

    return detach(rc, &o, buffer_addr, size, __func__);
}

MPI_EXPORT(Session_detach_buffer)
int PMPI_Session_detach_buffer(MPI_Session session, void *buffer_addr, int *size)
{
    MPI_Count large = 0;
    int rc = PMPI_Session_detach_buffer_c(session, buffer_addr, size ? &large : NULL);

    return small_size(rc, large, size);
}

MPI_EXPORT(Session_flush_buffer)
int PMPI_Session_flush_buffer(MPI_Session session)
{
    struct owner o;
    int rc = owner_session(session, &o);

    return flush(rc, &o, __func__);
}

MPI_EXPORT(Session_iflush_buffer)
int PMPI_Session_iflush_buffer(MPI_Session session, MPI_Request *request)
{
    struct owner o;
    int rc = owner_session(session, &o);

    return iflush(rc, &o, request, __func__);
}
