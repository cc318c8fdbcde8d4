/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an error leaves the library: the one place that calls error handlers (9.3).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/api.h"
#include "core/file/file.h"
#include "core/object/err.h"
#include "core/object/session.h"
#include "core/win/win.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"

struct errhandler *api_file_errhandler = &errhandler_return;

enum { LINE = 1000, FUNC = 64, PLACE = MPI_MAX_OBJECT_NAME + 32 };

/* PMPI_Send_c, as __func__ has it, is MPI_Send to the program. */
static void public_name(const char *func, char out[FUNC])
{
    snprintf(out, FUNC, "%s", *func == 'P' ? func + 1 : func);
    size_t n = strlen(out);
    if (n > 2 && !strcmp(out + n - 2, "_c"))
        out[n - 2] = '\0';
}

/* Output that the program has written but not flushed would be lost; another thread may be stuck in
 * the middle of writing, and then it is. */
static void flush_output(void)
{
    if (ftrylockfile(stdout))
        return;
    fflush_unlocked(stdout);
    funlockfile(stdout);
}

void api_end(int status, const char *format, ...)
{
    char line[LINE];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    flush_output();
    if (param.errors_abort) {
        log_line(LOG_ERROR, "%s", line);
        abort();
    }
    boot_abort(status, line);
}

/* One line that says who, what and where; then the job ends. */
static _Noreturn void end_job(int rc, const char *func, const char *place)
{
    const char *sentence = err_sentence(rc), *detail = err_detail(rc);
    char name[FUNC];

    public_name(func, name);
    if (sentence && *sentence)
        api_end(EXIT_FAILURE, "%s%s: %s%s%s", name, place, sentence, detail ? ": " : "",
                detail ? detail : "");
    api_end(EXIT_FAILURE, "%s%s: error code %d, returned by a function of the program's", name,
            place, rc);
}

/*
 * The program is shown the null handle of an object that it has freed before the error came out.
 * The handler in the slot may free itself or the object: it stays until it returns.
 * MPI_ERRORS_ABORT would end the processes of the object only (9.3.1 leaves what else ends to the
 * library): here, the job.
 */
static int call_handler(struct errhandler **slot, struct object *o, void *null, int rc,
                        const char *func, const char *place)
{
    struct errhandler *h = errhandler_hold(slot);
    void *handle = o && o->handle ? (void *)o->handle : null;

    if (h == &errhandler_return)
        return rc;
    if (h->target == OBJECT_NONE)
        end_job(rc, func, place);
    switch (h->target) {
    case OBJECT_WIN:
        h->call.win((MPI_Win *)&handle, &rc, func);
        break;
    case OBJECT_FILE:
        h->call.file((MPI_File *)&handle, &rc, func);
        break;
    case OBJECT_SESSION:
        h->call.session((MPI_Session *)&handle, &rc, func);
        break;
    default:
        h->call.comm((MPI_Comm *)&handle, &rc, func);
    }
    object_drop(&h->object);
    return rc;
}

int api_fail_comm(struct comm *c, int rc, const char *func)
{
    char place[PLACE] = "";

    if (c && c->name[0])
        snprintf(place, sizeof(place), " on %s", c->name);
    else if (c)
        snprintf(place, sizeof(place), " on a communicator without a name");
    else
        c = comm_self;
    struct errhandler *initial = c ? NULL : errhandler_initial();
    return call_handler(c ? &c->errhandler : &initial, c ? &c->object : NULL, MPI_COMM_NULL, rc,
                        func, place);
}

int api_fail_win(struct win *w, int rc, const char *func)
{
    char place[PLACE] = " on a window without a name";

    if (!w)
        return api_fail(rc, func);
    if (w->name[0])
        snprintf(place, sizeof(place), " on window %s", w->name);
    return call_handler(&w->errhandler, &w->object, MPI_WIN_NULL, rc, func, place);
}

int api_fail_file(struct file *f, int rc, const char *func)
{
    char place[PLACE];

    if (!f)
        return call_handler(&api_file_errhandler, NULL, MPI_FILE_NULL, rc, func, "");
    snprintf(place, sizeof(place), " on file %.100s", f->name);
    return call_handler(&f->errhandler, &f->object, MPI_FILE_NULL, rc, func, place);
}

int api_fail_object(struct object *o, int rc, const char *func)
{
    if (o && o->class == OBJECT_FILE)
        return api_fail_file(container_of(o, struct file, object), rc, func);
    if (o && o->class == OBJECT_WIN)
        return api_fail_win(container_of(o, struct win, object), rc, func);
    return api_fail_comm(o ? container_of(o, struct comm, object) : NULL, rc, func);
}

int api_fail_session(struct session *s, int rc, const char *func)
{
    if (!s)
        return api_fail(rc, func);
    return call_handler(&s->errhandler, &s->object, MPI_SESSION_NULL, rc, func, " on a session");
}

int api_fail_handler(struct errhandler *h, void *null, int rc, const char *func)
{
    return h ? call_handler(&h, NULL, null, rc, func, "") : api_fail(rc, func);
}
