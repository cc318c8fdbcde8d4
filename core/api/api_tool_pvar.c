/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Performance variables (15.3.7): the library's counters. A counter itself only rises; what a tool
 * starts, stops, resets and writes is its handle, so that tools do not disturb each other. Levels
 * are always running and cannot be written.
 */
#include <stdlib.h>
#include <string.h>

#include "core/api/api_tool.h"
#include "core/p2p/credit.h"
#include "provider/base/count.h"

struct MPI_ABI_T_pvar_session {
    struct list link; /* first: tool_listed */
    struct list handles;
};

struct MPI_ABI_T_pvar_handle {
    struct list link; /* first: tool_listed */
    const struct count_row *row;
    bool running;
    uint64_t since; /* the counter when the handle was started, while it runs */
    uint64_t sum;   /* counted before that */
};

static struct list sessions = LIST_INIT(sessions);

/* ---- What there is ---- */

static int check_index(int index)
{
    int rc = tool_ready();

    return rc                                               ? rc
           : index < 0 || (unsigned)index >= count_rows_len ? MPI_T_ERR_INVALID_INDEX
                                                            : MPI_SUCCESS;
}

static int class_of(const struct count_row *row)
{
    static const int classes[] = {
        [COUNT_EVENTS] = MPI_T_PVAR_CLASS_COUNTER,
        [COUNT_BYTES] = MPI_T_PVAR_CLASS_AGGREGATE,
        [COUNT_TIME] = MPI_T_PVAR_CLASS_TIMER,
        [COUNT_LEVEL] = MPI_T_PVAR_CLASS_LEVEL,
    };

    return classes[row->kind];
}

MPI_EXPORT(T_pvar_get_num)
int PMPI_T_pvar_get_num(int *num_pvar)
{
    int rc = tool_ready();

    if (!rc && !num_pvar)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_pvar = (int)count_rows_len;
    return rc;
}

MPI_EXPORT(T_pvar_get_info)
int PMPI_T_pvar_get_info(int pvar_index, char *name, int *name_len, int *verbosity, int *var_class,
                         MPI_Datatype *datatype, MPI_T_enum *enumtype, char *desc, int *desc_len,
                         int *bind, int *readonly, int *continuous, int *atomic)
{
    int rc = check_index(pvar_index);

    if (rc)
        return rc;
    const struct count_row *row = &count_rows[pvar_index];
    bool level = row->kind == COUNT_LEVEL;
    tool_string(row->name, name, name_len);
    tool_set(verbosity, tool_verbosity(tool_pvar_category(pvar_index)));
    tool_set(var_class, class_of(row));
    if (datatype)
        *datatype = row->kind == COUNT_TIME ? MPI_DOUBLE : MPI_UNSIGNED_LONG_LONG;
    if (enumtype)
        *enumtype = MPI_T_ENUM_NULL;
    tool_string(row->help, desc, desc_len);
    tool_set(bind, MPI_T_BIND_NO_OBJECT);
    tool_set(readonly, level);
    tool_set(continuous, level);
    tool_set(atomic, !level);
    return MPI_SUCCESS;
}

MPI_EXPORT(T_pvar_get_index)
int PMPI_T_pvar_get_index(const char *name, int var_class, int *pvar_index)
{
    int rc = tool_ready();

    if (!rc && (!name || !pvar_index))
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    for (unsigned i = 0; i < count_rows_len; i++)
        if (class_of(&count_rows[i]) == var_class && !strcmp(count_rows[i].name, name)) {
            *pvar_index = (int)i;
            return MPI_SUCCESS;
        }
    return MPI_T_ERR_INVALID_NAME;
}

/* ---- Sessions and handles: tool_lock is held where it says "locked" ---- */

/* Locked. */
static int check_session(MPI_T_pvar_session session)
{
    return tool_listed(&sessions, session) ? MPI_SUCCESS : MPI_T_ERR_INVALID_SESSION;
}

/* Locked. A handle of another session is none. */
static int check_handle(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    int rc = check_session(session);

    if (rc)
        return rc;
    return tool_listed(&session->handles, handle) ? MPI_SUCCESS : MPI_T_ERR_INVALID_HANDLE;
}

/* Locked. */
static void session_end(MPI_T_pvar_session session)
{
    struct list *l;

    while ((l = list_pop(&session->handles)))
        free(container_of(l, struct MPI_ABI_T_pvar_handle, link));
    list_drop(&session->link);
    free(session);
}

void tool_pvar_close(void)
{
    while (!list_empty(&sessions))
        session_end(container_of(sessions.next, struct MPI_ABI_T_pvar_session, link));
}

MPI_EXPORT(T_pvar_session_create)
int PMPI_T_pvar_session_create(MPI_T_pvar_session *session)
{
    int rc = tool_ready();

    if (!rc && !session)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    struct MPI_ABI_T_pvar_session *s = malloc(sizeof *s);
    if (!s)
        return MPI_T_ERR_MEMORY;
    list_init(&s->handles);
    pthread_mutex_lock(&tool_lock);
    list_add_tail(&sessions, &s->link);
    pthread_mutex_unlock(&tool_lock);
    *session = s;
    return MPI_SUCCESS;
}

MPI_EXPORT(T_pvar_session_free)
int PMPI_T_pvar_session_free(MPI_T_pvar_session *session)
{
    int rc = tool_ready();

    if (!rc && !session)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_session(*session);
    if (!rc)
        session_end(*session);
    pthread_mutex_unlock(&tool_lock);
    if (!rc)
        *session = MPI_T_PVAR_SESSION_NULL;
    return rc;
}

MPI_EXPORT(T_pvar_handle_alloc)
int PMPI_T_pvar_handle_alloc(MPI_T_pvar_session session, int pvar_index, void *obj_handle,
                             MPI_T_pvar_handle *handle, int *count)
{
    int rc = check_index(pvar_index);

    (void)obj_handle; /* no variable is bound to an object */
    if (!rc && (!handle || !count))
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    struct MPI_ABI_T_pvar_handle *h = malloc(sizeof *h);
    if (!h)
        return MPI_T_ERR_MEMORY;
    *h = (struct MPI_ABI_T_pvar_handle){.row = &count_rows[pvar_index]};
    pthread_mutex_lock(&tool_lock);
    rc = check_session(session);
    if (!rc)
        list_add_tail(&session->handles, &h->link);
    pthread_mutex_unlock(&tool_lock);
    if (rc) {
        free(h);
        return rc;
    }
    *count = 1;
    *handle = h;
    return MPI_SUCCESS;
}

MPI_EXPORT(T_pvar_handle_free)
int PMPI_T_pvar_handle_free(MPI_T_pvar_session session, MPI_T_pvar_handle *handle)
{
    int rc = tool_ready();

    if (!rc && !handle)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(session, *handle);
    if (!rc)
        list_drop(&(*handle)->link);
    pthread_mutex_unlock(&tool_lock);
    if (rc)
        return rc;
    free(*handle);
    *handle = MPI_T_PVAR_HANDLE_NULL;
    return MPI_SUCCESS;
}

/* ---- Values; locked ---- */

static uint64_t count_now(const struct MPI_ABI_T_pvar_handle *h)
{
    return credit_count(h->row->value);
}

static void handle_start(struct MPI_ABI_T_pvar_handle *h)
{
    if (!h->running)
        h->since = count_now(h);
    h->running = true;
}

static void handle_stop(struct MPI_ABI_T_pvar_handle *h)
{
    if (h->running)
        h->sum += count_now(h) - h->since;
    h->running = false;
}

/* The value so far, and the handle at `sum`: nothing that is counted meanwhile is lost. */
static uint64_t handle_exchange(struct MPI_ABI_T_pvar_handle *h, uint64_t sum)
{
    uint64_t now = count_now(h), value = h->sum + (h->running ? now - h->since : 0);

    h->sum = sum;
    h->since = now;
    return value;
}

static void handle_reset(struct MPI_ABI_T_pvar_handle *h)
{
    handle_exchange(h, 0);
}

static uint64_t handle_value(const struct MPI_ABI_T_pvar_handle *h)
{
    if (h->row->kind == COUNT_LEVEL)
        return count_now(h);
    return h->sum + (h->running ? count_now(h) - h->since : 0);
}

/* A time goes out in seconds, as MPI_Wtime has it. */
static void value_out(const struct MPI_ABI_T_pvar_handle *h, uint64_t value, void *buf)
{
    if (h->row->kind == COUNT_TIME)
        *(double *)buf = (double)value * 1e-9;
    else
        *(unsigned long long *)buf = value;
}

static uint64_t value_in(const struct MPI_ABI_T_pvar_handle *h, const void *buf)
{
    if (h->row->kind == COUNT_TIME)
        return (uint64_t)(*(const double *)buf * 1e9);
    return *(const unsigned long long *)buf;
}

/* ---- The calls on values ---- */

/*
 * One handle or all of the session: of all, levels are passed over; on a level alone the call fails
 * with `refusal`.
 */
static int apply(MPI_T_pvar_session session, MPI_T_pvar_handle handle,
                 void (*act)(struct MPI_ABI_T_pvar_handle *h), int refusal)
{
    int rc = tool_ready();
    struct list *l, *tmp;

    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    if (handle != MPI_T_PVAR_ALL_HANDLES) {
        rc = check_handle(session, handle);
        if (!rc && handle->row->kind == COUNT_LEVEL)
            rc = refusal;
        if (!rc)
            act(handle);
    } else if (!(rc = check_session(session))) {
        list_each(l, tmp, &session->handles)
        {
            struct MPI_ABI_T_pvar_handle *h = container_of(l, struct MPI_ABI_T_pvar_handle, link);
            if (h->row->kind != COUNT_LEVEL)
                act(h);
        }
    }
    pthread_mutex_unlock(&tool_lock);
    return rc;
}

MPI_EXPORT(T_pvar_start)
int PMPI_T_pvar_start(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return apply(session, handle, handle_start, MPI_T_ERR_PVAR_NO_STARTSTOP);
}

MPI_EXPORT(T_pvar_stop)
int PMPI_T_pvar_stop(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return apply(session, handle, handle_stop, MPI_T_ERR_PVAR_NO_STARTSTOP);
}

MPI_EXPORT(T_pvar_reset)
int PMPI_T_pvar_reset(MPI_T_pvar_session session, MPI_T_pvar_handle handle)
{
    return apply(session, handle, handle_reset, MPI_T_ERR_PVAR_NO_WRITE);
}

MPI_EXPORT(T_pvar_read)
int PMPI_T_pvar_read(MPI_T_pvar_session session, MPI_T_pvar_handle handle, void *buf)
{
    int rc = tool_ready();

    if (!rc && !buf)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(session, handle);
    if (!rc)
        value_out(handle, handle_value(handle), buf);
    pthread_mutex_unlock(&tool_lock);
    return rc;
}

MPI_EXPORT(T_pvar_write)
int PMPI_T_pvar_write(MPI_T_pvar_session session, MPI_T_pvar_handle handle, const void *buf)
{
    int rc = tool_ready();

    if (!rc && !buf)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(session, handle);
    if (!rc && handle->row->kind == COUNT_LEVEL)
        rc = MPI_T_ERR_PVAR_NO_WRITE;
    if (!rc)
        handle_exchange(handle, value_in(handle, buf));
    pthread_mutex_unlock(&tool_lock);
    return rc;
}

MPI_EXPORT(T_pvar_readreset)
int PMPI_T_pvar_readreset(MPI_T_pvar_session session, MPI_T_pvar_handle handle, void *buf)
{
    int rc = tool_ready();

    if (!rc && !buf)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(session, handle);
    if (!rc && handle->row->kind == COUNT_LEVEL)
        rc = MPI_T_ERR_PVAR_NO_WRITE;
    if (!rc)
        value_out(handle, handle_exchange(handle, 0), buf);
    pthread_mutex_unlock(&tool_lock);
    return rc;
}
