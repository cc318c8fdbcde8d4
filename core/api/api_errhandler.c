/* SPDX-License-Identifier: BSD-3-Clause */
/* Error handlers (9.3). */
#include "core/api/check_file.h"
#include "core/object/err.h"
#include "core/object/session.h"
#include "core/win/win.h"

static int create(enum object_class target, void (*call)(void), MPI_Errhandler *errhandler,
                  const char *func)
{
    struct errhandler *h;
    int rc = check_out(errhandler, "errhandler");

    if (!rc && !call)
        rc = check_bad_arg("the handler's function", "is NULL");
    if (!rc)
        rc = errhandler_create(target, call, &h);
    if (rc)
        return api_fail(rc, func);
    rc = errhandler_give(&h, errhandler);
    object_drop(&h->object);
    return rc ? api_fail(rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Errhandler_free)
int PMPI_Errhandler_free(MPI_Errhandler *errhandler)
{
    struct errhandler *h = NULL;
    int rc = check_out(errhandler, "errhandler");

    if (!rc)
        rc = check_errhandler(*errhandler, &h);
    if (rc)
        return api_fail(rc, __func__);
    *errhandler = MPI_ERRHANDLER_NULL;
    errhandler_take_back(h);
    return MPI_SUCCESS;
}

/* A code of the program's has no detail: not that of an older error, if it is of the same class. */
static void forget_detail(void)
{
    err_set(MPI_SUCCESS, "called by the program");
}

/* ---- Communicators ---- */

MPI_EXPORT(Comm_create_errhandler)
int PMPI_Comm_create_errhandler(MPI_Comm_errhandler_function *comm_errhandler_fn,
                                MPI_Errhandler *errhandler)
{
    return create(OBJECT_COMM, (void (*)(void))comm_errhandler_fn, errhandler, __func__);
}

MPI_EXPORT(Comm_set_errhandler)
int PMPI_Comm_set_errhandler(MPI_Comm comm, MPI_Errhandler errhandler)
{
    struct comm *c = NULL;
    struct errhandler *h = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_errhandler_of(errhandler, OBJECT_COMM, &h);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    errhandler_assign(&c->errhandler, h);
    return MPI_SUCCESS;
}

MPI_EXPORT(Comm_get_errhandler)
int PMPI_Comm_get_errhandler(MPI_Comm comm, MPI_Errhandler *errhandler)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(errhandler, "errhandler");
    if (!rc)
        rc = errhandler_give(&c->errhandler, errhandler);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Comm_call_errhandler)
int PMPI_Comm_call_errhandler(MPI_Comm comm, int errorcode)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (rc)
        return api_fail(rc, __func__);
    forget_detail();
    api_fail_comm(c, errorcode, __func__);
    return MPI_SUCCESS;
}

/* ---- Windows ---- */

static int check_win(MPI_Win win, struct win **out)
{
    struct win *w = win_find(win);

    if (!w)
        return check_bad_win(win);
    *out = w;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_create_errhandler)
int PMPI_Win_create_errhandler(MPI_Win_errhandler_function *win_errhandler_fn,
                               MPI_Errhandler *errhandler)
{
    return create(OBJECT_WIN, (void (*)(void))win_errhandler_fn, errhandler, __func__);
}

MPI_EXPORT(Win_set_errhandler)
int PMPI_Win_set_errhandler(MPI_Win win, MPI_Errhandler errhandler)
{
    struct win *w = NULL;
    struct errhandler *h = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_errhandler_of(errhandler, OBJECT_WIN, &h);
    if (rc)
        return api_fail_win(w, rc, __func__);
    errhandler_assign(&w->errhandler, h);
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_get_errhandler)
int PMPI_Win_get_errhandler(MPI_Win win, MPI_Errhandler *errhandler)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(errhandler, "errhandler");
    if (!rc)
        rc = errhandler_give(&w->errhandler, errhandler);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_call_errhandler)
int PMPI_Win_call_errhandler(MPI_Win win, int errorcode)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (rc)
        return api_fail(rc, __func__);
    forget_detail();
    api_fail_win(w, errorcode, __func__);
    return MPI_SUCCESS;
}

/* ---- Files. The handler of MPI_FILE_NULL is what files get when they are opened (14.7) ---- */

/* Where the handle's error handler is; *f is NULL for MPI_FILE_NULL. */
static int check_file_slot(MPI_File file, struct file **f, struct errhandler ***slot)
{
    *slot = &api_file_errhandler;
    if (file == MPI_FILE_NULL)
        return check_running();
    int rc = check_file(file, f);
    if (!rc)
        *slot = &(*f)->errhandler;
    return rc;
}

MPI_EXPORT(File_create_errhandler)
int PMPI_File_create_errhandler(MPI_File_errhandler_function *file_errhandler_fn,
                                MPI_Errhandler *errhandler)
{
    return create(OBJECT_FILE, (void (*)(void))file_errhandler_fn, errhandler, __func__);
}

MPI_EXPORT(File_set_errhandler)
int PMPI_File_set_errhandler(MPI_File file, MPI_Errhandler errhandler)
{
    struct file *f = NULL;
    struct errhandler *h = NULL, **slot;
    int rc = check_file_slot(file, &f, &slot);

    if (!rc)
        rc = check_errhandler_of(errhandler, OBJECT_FILE, &h);
    if (rc)
        return api_fail_file(f, rc, __func__);
    errhandler_assign(slot, h);
    return MPI_SUCCESS;
}

MPI_EXPORT(File_get_errhandler)
int PMPI_File_get_errhandler(MPI_File file, MPI_Errhandler *errhandler)
{
    struct file *f = NULL;
    struct errhandler **slot;
    int rc = check_file_slot(file, &f, &slot);

    if (!rc)
        rc = check_out(errhandler, "errhandler");
    if (!rc)
        rc = errhandler_give(slot, errhandler);
    return rc ? api_fail_file(f, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(File_call_errhandler)
int PMPI_File_call_errhandler(MPI_File fh, int errorcode)
{
    struct file *f = NULL;
    struct errhandler **slot;
    int rc = check_file_slot(fh, &f, &slot);

    if (rc)
        return api_fail_file(NULL, rc, __func__);
    forget_detail();
    api_fail_file(f, errorcode, __func__);
    return MPI_SUCCESS;
}

/* ---- Sessions ---- */

static int check_session(MPI_Session session, struct session **out)
{
    struct session *s = session_find(session);

    if (!s)
        return check_bad_session(session);
    *out = s;
    return MPI_SUCCESS;
}

MPI_EXPORT(Session_create_errhandler)
int PMPI_Session_create_errhandler(MPI_Session_errhandler_function *session_errhandler_fn,
                                   MPI_Errhandler *errhandler)
{
    return create(OBJECT_SESSION, (void (*)(void))session_errhandler_fn, errhandler, __func__);
}

MPI_EXPORT(Session_set_errhandler)
int PMPI_Session_set_errhandler(MPI_Session session, MPI_Errhandler errhandler)
{
    struct session *s = NULL;
    struct errhandler *h = NULL;
    int rc = check_session(session, &s);

    if (!rc)
        rc = check_errhandler_of(errhandler, OBJECT_SESSION, &h);
    if (rc)
        return api_fail_session(s, rc, __func__);
    errhandler_assign(&s->errhandler, h);
    return MPI_SUCCESS;
}

MPI_EXPORT(Session_get_errhandler)
int PMPI_Session_get_errhandler(MPI_Session session, MPI_Errhandler *errhandler)
{
    struct session *s = NULL;
    int rc = check_session(session, &s);

    if (!rc)
        rc = check_out(errhandler, "errhandler");
    if (!rc)
        rc = errhandler_give(&s->errhandler, errhandler);
    return rc ? api_fail_session(s, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Session_call_errhandler)
int PMPI_Session_call_errhandler(MPI_Session session, int errorcode)
{
    struct session *s = NULL;
    int rc = check_session(session, &s);

    if (rc)
        return api_fail(rc, __func__);
    forget_detail();
    api_fail_session(s, errorcode, __func__);
    return MPI_SUCCESS;
}
