/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Argument checks, all of them here: each returns MPI_SUCCESS or an error class with its detail set
 * (what was wrong, the value, what is right), and writes objects out only when the handle is good.
 * The good case is inline and short; the message is made elsewhere.
 */
#ifndef ORIEL_API_CHECK_H
#define ORIEL_API_CHECK_H

#include "core/api/api.h"
#include "core/object/datatype.h"
#include "core/object/op.h"
#include "provider/base/hot.h"
#include "core/p2p/p2p.h"

/* The bad cases, out of line: they say what is wrong. check.c */
int check_bad_comm(MPI_Comm comm); /* not initialised, null, freed, or of another kind */
int check_bad_type(MPI_Datatype datatype);
int check_bad_count(MPI_Count count);
int check_bad_buffer(void);
int check_bad_rank(const struct comm *c, int rank, const char *what);
int check_bad_tag(int tag);
int check_uncommitted(const struct datatype *t);
int check_bad_op(MPI_Op op);
int check_bad_group(MPI_Group group);
int check_bad_info(MPI_Info info);
int check_bad_win(MPI_Win win);
int check_bad_file(MPI_File file);
int check_bad_session(MPI_Session session);
int check_bad_request(MPI_Request request);
int check_bad_message(MPI_Message message);
int check_bad_errhandler(MPI_Errhandler errhandler);
int check_wrong_errhandler(void);
int check_bad_arg(const char *argument, const char *why);
int check_not_running(void); /* before MPI_Init or after MPI_Finalize */

/* Where nothing else in the call would notice that MPI is not there. */
static inline int check_running(void)
{
    return api_phase == API_RUNNING ? MPI_SUCCESS : check_not_running();
}

/* An output that the program must give room for. */
static inline int check_out(const void *p, const char *argument)
{
    return p ? MPI_SUCCESS : check_bad_arg(argument, "is NULL");
}

HOT_INLINE int check_comm(MPI_Comm comm, struct comm **out)
{
    struct comm *c = comm_find(comm);

    if (!c)
        return check_bad_comm(comm);
    *out = c;
    return MPI_SUCCESS;
}

static inline int check_group(MPI_Group group, struct group **out)
{
    struct group *g = group_find(group);

    if (!g)
        return check_bad_group(group);
    *out = g;
    return MPI_SUCCESS;
}

static inline int check_errhandler(MPI_Errhandler errhandler, struct errhandler **out)
{
    struct errhandler *h = errhandler_find(errhandler);

    if (!h)
        return check_bad_errhandler(errhandler);
    *out = h;
    return MPI_SUCCESS;
}

/* The same for this kind of object: a predefined one, or one created for it. */
static inline int check_errhandler_of(MPI_Errhandler errhandler, enum object_class class,
                                      struct errhandler **out)
{
    struct errhandler *h = NULL;
    int rc = check_errhandler(errhandler, &h);

    if (!rc && h->target != OBJECT_NONE && h->target != class)
        return check_wrong_errhandler();
    if (!rc)
        *out = h;
    return rc;
}

static inline int check_info(MPI_Info info, struct info **out)
{
    struct info *i = info_find(info);

    if (!i)
        return check_bad_info(info);
    *out = i;
    return MPI_SUCCESS;
}

/* The same where MPI_INFO_NULL is allowed: NULL. */
static inline int check_hints(MPI_Info info, struct info **out)
{
    if (info != MPI_INFO_NULL)
        return check_info(info, out);
    *out = NULL;
    return MPI_SUCCESS;
}

static inline int check_type(MPI_Datatype datatype, struct datatype **out)
{
    struct datatype *t = datatype_find(datatype);

    if (!t)
        return check_bad_type(datatype);
    *out = t;
    return MPI_SUCCESS;
}

/* A committed type, a count that is none negative, a buffer where there is data. */
HOT_INLINE int check_buffer(const void *buf, MPI_Count count, MPI_Datatype datatype,
                            struct datatype **out)
{
    struct datatype *t = datatype_find(datatype);

    if (count < 0)
        return check_bad_count(count);
    if (!t)
        return check_bad_type(datatype);
    if (!t->committed)
        return check_uncommitted(t);
    if (!buf && count && t->size && t->predefined)
        return check_bad_buffer();
    *out = t;
    return MPI_SUCCESS;
}

HOT_INLINE int check_dest(const struct comm *c, int dest)
{
    if ((unsigned)dest < (unsigned)comm_target_size(c) || dest == MPI_PROC_NULL)
        return MPI_SUCCESS;
    return check_bad_rank(c, dest, "destination");
}

HOT_INLINE int check_source(const struct comm *c, int source)
{
    if ((unsigned)source < (unsigned)comm_target_size(c) || source == MPI_PROC_NULL ||
        source == MPI_ANY_SOURCE)
        return MPI_SUCCESS;
    return check_bad_rank(c, source, "source");
}

HOT_INLINE int check_send(MPI_Comm comm, struct comm **c, const void *buf, MPI_Count count,
                          MPI_Datatype datatype, struct datatype **t, int dest, int tag)
{
    int rc = check_comm(comm, c);

    if (!rc)
        rc = check_buffer(buf, count, datatype, t);
    if (!rc)
        rc = check_dest(*c, dest);
    if (!rc && tag < 0)
        rc = check_bad_tag(tag);
    return rc;
}

HOT_INLINE int check_recv(MPI_Comm comm, struct comm **c, const void *buf, MPI_Count count,
                          MPI_Datatype datatype, struct datatype **t, int source, int tag)
{
    int rc = check_comm(comm, c);

    if (!rc)
        rc = check_buffer(buf, count, datatype, t);
    if (!rc)
        rc = check_source(*c, source);
    if (!rc && tag < 0 && tag != MPI_ANY_TAG)
        rc = check_bad_tag(tag);
    return rc;
}

/* NULL for MPI_REQUEST_NULL, which is not an error everywhere. */
static inline int check_request(MPI_Request request, struct request **out)
{
    struct request *r = request_find(request);

    if (!r && request != MPI_REQUEST_NULL)
        return check_bad_request(request);
    *out = r;
    return MPI_SUCCESS;
}

static inline int check_message(MPI_Message message, struct message **out)
{
    struct message *m = message_find(message);

    if (!m)
        return check_bad_message(message);
    *out = m;
    return MPI_SUCCESS;
}

#endif
