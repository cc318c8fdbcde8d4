/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion of requests (3.7.3 to 3.7.6), their end (3.7.3, 3.8.4), and generalized ones (13.2).
 */
#include <stdio.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/object/status.h"
#include "core/p2p/grequest.h"

/* ---- One request ---- */

/* 3.7.3: what the completion calls say of no request, or an inactive one. */
static void status_empty(MPI_Status *status)
{
    if (!status)
        return;
    status_set_empty(status);
    status->MPI_ERROR = MPI_SUCCESS;
}

/* NULL for MPI_REQUEST_NULL and for an inactive persistent request. The handle has been checked. */
static struct request *request_active(MPI_Request handle)
{
    struct request *r = request_find(handle);

    return r && r->persistent && !r->active ? NULL : r;
}

static bool done_after_poll(const struct request *r)
{
    if (request_is_done(r))
        return true;
    request_poll();
    return request_is_done(r);
}

static int check_handle(const MPI_Request *request, struct request **r)
{
    int rc = check_out(request, "request");

    return rc ? rc : check_request(*request, r);
}

/* A send that was over when it was posted. */
HOT_INLINE void finish_sent(MPI_Request *handle, MPI_Status *status)
{
    *handle = MPI_REQUEST_NULL;
    if (status)
        status_set_empty(status);
}

/* A receive that was. Lane locked. */
HOT_INLINE void finish_received(MPI_Request *handle, uint32_t place, MPI_Status *status)
{
    *handle = MPI_REQUEST_NULL;
    if (status)
        received_tell(place, status);
    received_end(place);
}

/* Either; false where the handle is of something else. */
HOT_INLINE bool finish_over(MPI_Request *handle, MPI_Status *status)
{
    if (request_was_sent(*handle)) {
        finish_sent(handle, status);
        return true;
    }
    uint32_t place = received_place(*handle);
    if (place == RECEIVED_MOST)
        return false;
    lane_lock();
    finish_received(handle, place, status);
    lane_unlock();
    return true;
}

/* Whose error handler is called for a call that names the request: its communicator's as a rule;
 * NULL: nobody's. */
static struct object *owner(struct request *r)
{
    if (UNLIKELY(r->ops && r->ops->blame))
        return r->ops->blame(r);
    return r->comm ? &r->comm->object : NULL;
}

/* The same for the request's own error, which most have none of. */
static struct object *blame(struct request *r)
{
    return r->error || (r->ops && r->ops->blame) ? owner(r) : NULL;
}

/* Completes r, which is done; its error goes to its communicator, which may go with it. */
static int finish_one(struct request *r, MPI_Request *handle, MPI_Status *status, const char *func)
{
    struct object *o = blame(r);

    if (o)
        object_hold(o);
    int rc = request_finish(r, handle, status);
    if (rc)
        rc = api_fail_object(o, rc, func);
    if (o)
        object_drop(o);
    return rc;
}

MPI_EXPORT(Wait)
int PMPI_Wait(MPI_Request *request, MPI_Status *status)
{
    struct request *r = NULL;

    if (request && finish_over(request, status))
        return MPI_SUCCESS;
    int rc = check_handle(request, &r);

    if (rc)
        return api_fail(rc, __func__);
    if (!r || (r->persistent && !r->active)) {
        status_empty(status);
        return MPI_SUCCESS;
    }
    request_wait(r);
    return finish_one(r, request, status, __func__);
}

MPI_EXPORT(Test)
int PMPI_Test(MPI_Request *request, int *flag, MPI_Status *status)
{
    struct request *r = NULL;

    if (request && flag && finish_over(request, status)) {
        *flag = true;
        return MPI_SUCCESS;
    }
    int rc = check_handle(request, &r);

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = true;
    if (!r || (r->persistent && !r->active)) {
        status_empty(status);
        return MPI_SUCCESS;
    }
    *flag = done_after_poll(r);
    return *flag ? finish_one(r, request, status, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Request_get_status)
int PMPI_Request_get_status(MPI_Request request, int *flag, MPI_Status *status)
{
    struct request *r = NULL;
    int rc = check_request(request, &r);

    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = true;
    if (!r || (r->persistent && !r->active)) {
        status_empty(status);
        return MPI_SUCCESS;
    }
    *flag = done_after_poll(r);
    rc = *flag ? request_status(r, status) : MPI_SUCCESS;
    return rc ? api_fail_object(blame(r), rc, __func__) : MPI_SUCCESS;
}

/* ---- Several requests ---- */

/* The arguments that the twelve calls share. `keep`: MPI_Request_get_status_x, which completes
 * nothing. */
enum { BATCH_FOUND = 64 };

struct batch {
    int count;
    MPI_Request *handles;
    struct request **found; /* the first BATCH_FOUND handles' requests; NULL: look each up */
    MPI_Status *statuses;   /* of all, or of as many as complete; NULL: ignored */
    bool keep;
    const char *func;

    /* Found on the way. */
    int index;             /* of a request that is done, or -1 */
    bool any_active;       /* some request is neither null nor inactive */
    bool all_done;         /* no active one is still under way */
    bool failed;           /* the call will say MPI_ERR_IN_STATUS */
    struct object *blamed; /* by the first that failed, held; or NULL */
};

/* What was wrong with the first that failed, until batch_end says it. */
static _Thread_local char batch_detail[200];

/* Looks up those in front that are good requests, as far as there is room: how many. */
static int batch_find(struct batch *b)
{
    const MPI_Request *handles = b->handles;
    struct request **found = b->found;
    int i = 0, most = !found ? 0 : b->count < BATCH_FOUND ? b->count : BATCH_FOUND;

    for (; i < most; i++) {
        struct request *r =
            request_was_sent(handles[i]) ? &request_sent : request_find_own(handles[i]);
        if (UNLIKELY(!r))
            break;
        found[i] = r; /* request_received is good enough: done */
    }
    return i;
}

static int batch_check_array(const struct batch *b)
{
    int rc = b->count < 0 ? check_bad_count(b->count) : MPI_SUCCESS;

    if (!rc && b->count)
        rc = check_out(b->handles, "array_of_requests");
    return rc ? api_fail(rc, b->func) : MPI_SUCCESS;
}

/* The handles from the i-th on. */
static int batch_check_from(struct batch *b, int i)
{
    struct request *r = NULL;
    int rc = MPI_SUCCESS;

    for (; i < b->count && !rc; i++) {
        rc = check_request(b->handles[i], &r);
        if (b->found && i < BATCH_FOUND)
            b->found[i] = r;
    }
    return rc ? api_fail(rc, b->func) : MPI_SUCCESS;
}

static int batch_check(struct batch *b)
{
    int rc = batch_check_array(b);

    return rc ? rc : batch_check_from(b, batch_find(b));
}

/* The same with two outputs that must be there. */
static int batch_check_out(struct batch *b, const void *first, const char *first_name,
                           const void *second, const char *second_name)
{
    int rc = check_out(first, first_name);

    if (!rc)
        rc = check_out(second, second_name);
    return rc ? api_fail(rc, b->func) : batch_check(b);
}

/* Room for indices is needed where there are requests. */
static int batch_check_some(struct batch *b, const int *outcount, const int *indices)
{
    return batch_check_out(b, outcount, "outcount", b->count > 0 ? indices : outcount,
                           "array_of_indices");
}

/* After batch_check. */
static inline struct request *batch_request(const struct batch *b, int i)
{
    return b->found && i < BATCH_FOUND ? b->found[i] : request_find(b->handles[i]);
}

/* Looks at all, without progress. */
static void batch_scan(struct batch *b)
{
    b->index = -1;
    b->any_active = false;
    b->all_done = true;
    for (int i = 0; i < b->count; i++) {
        struct request *r = batch_request(b, i);
        if (!r || (r->persistent && !r->active))
            continue;
        b->any_active = true;
        if (!request_is_done(r))
            b->all_done = false;
        else if (b->index < 0)
            b->index = i;
    }
}

/* Whether one is done, or none can be. */
static bool batch_any(void *arg)
{
    struct batch *b = arg;

    batch_scan(b);
    return b->index >= 0 || !b->any_active;
}

static void batch_poll(struct batch *b, bool (*ready)(void *))
{
    if (!ready(b)) {
        request_poll();
        ready(b);
    }
}

static bool batch_all(void *arg)
{
    struct batch *b = arg;

    batch_scan(b);
    return b->all_done;
}

/* The first failure: who is told, what is said, and that those before it were well. */
static void batch_fail(struct batch *b, int index, int place, int rc)
{
    const char *detail = err_detail(rc);

    b->failed = true;
    snprintf(batch_detail, sizeof batch_detail, "request %d: %s", index,
             detail ? detail : err_sentence(rc));
    for (int i = 0; b->statuses && i < place; i++)
        b->statuses[i].MPI_ERROR = MPI_SUCCESS;
}

/* Completes the request at `index`; its status is the `place`-th. */
static void batch_finish(struct batch *b, int index, int place)
{
    struct request *r = request_active(b->handles[index]);
    MPI_Status *status = b->statuses ? &b->statuses[place] : NULL;
    int rc = MPI_SUCCESS;

    if (!r) {
        status_empty(status);
    } else {
        struct object *o = b->failed ? NULL : blame(r);
        if (o)
            object_hold(o);
        rc = b->keep ? request_status(r, status) : request_finish(r, &b->handles[index], status);
        if (rc && !b->failed)
            b->blamed = o;
        else if (o)
            object_drop(o);
    }
    if (rc && !b->failed)
        batch_fail(b, index, place, rc);
    if (b->failed && status)
        status->MPI_ERROR = rc;
}

static int batch_end(struct batch *b)
{
    if (!b->failed)
        return MPI_SUCCESS;
    int rc = api_fail_object(b->blamed, err_set(MPI_ERR_IN_STATUS, "%s", batch_detail), b->func);
    if (b->blamed)
        object_drop(b->blamed);
    return rc;
}

/*
 * The plain requests that are done and what was over at once, from `from` on, under one lock: how
 * many there are before the first other. `statuses`: the batch's.
 */
HOT_INLINE int batch_finish_plain(struct batch *b, int from, MPI_Status *statuses)
{
    MPI_Request *handles = b->handles;
    int i = from;

    lane_lock();
    for (; i < b->count; i++) {
        MPI_Status *status = statuses ? &statuses[i] : NULL;
        uint32_t place = received_place(handles[i]);
        struct request *r;
        if (place < RECEIVED_MOST)
            finish_received(&handles[i], place, status);
        else if (request_was_sent(handles[i]))
            finish_sent(&handles[i], status);
        else if (LIKELY((r = request_find_own(handles[i])) && r->plain && request_is_done(r)))
            request_finish_plain(r, &handles[i], status);
        else
            break;
    }
    lane_unlock();
    return i - from;
}

/*
 * Waits for each in turn that is not done, and completes it. `checked`: all handles are good. Else
 * they are looked at when there is one to wait for: who has them all at hand needs one look at
 * each.
 */
static int batch_finish_all(struct batch *b, bool checked)
{
    for (int i = 0; i < b->count;) {
        if (LIKELY(!b->failed && !b->keep))
            i += b->statuses ? batch_finish_plain(b, i, b->statuses)
                             : batch_finish_plain(b, i, NULL);
        if (i == b->count)
            break;
        int rc = checked ? MPI_SUCCESS : batch_check_from(b, i);
        if (rc)
            return rc;
        checked = true;
        struct request *r = request_active(b->handles[i]);
        if (r && !request_is_done(r)) {
            request_wait(r);
            continue;
        }
        batch_finish(b, i, i);
        i++;
    }
    return batch_end(b);
}

static int batch_test_all(struct batch *b, int *flag)
{
    int rc = batch_check_out(b, flag, "flag", flag, "flag");

    if (rc)
        return rc;
    batch_poll(b, batch_all);
    *flag = b->all_done;
    return b->all_done ? batch_finish_all(b, true) : MPI_SUCCESS;
}

/* What MPI_Waitany and its kin say once batch_any has looked. */
static int batch_end_any(struct batch *b, int *index, int *flag, MPI_Status *status)
{
    *flag = b->index >= 0 || !b->any_active;
    *index = b->index >= 0 ? b->index : MPI_UNDEFINED;
    if (!b->any_active)
        status_empty(status);
    if (b->index < 0)
        return MPI_SUCCESS;
    struct request *r = request_find(b->handles[b->index]);
    if (!b->keep)
        return finish_one(r, &b->handles[b->index], status, b->func);
    int rc = request_status(r, status);
    return rc ? api_fail_object(blame(r), rc, b->func) : MPI_SUCCESS;
}

static int batch_test_any(struct batch *b, int *index, int *flag, MPI_Status *status)
{
    int rc = batch_check_out(b, index, "index", flag, "flag");

    if (rc)
        return rc;
    batch_poll(b, batch_any);
    return batch_end_any(b, index, flag, status);
}

/* All that are done now. */
static int batch_end_some(struct batch *b, int *outcount, int *indices)
{
    int n = 0;

    if (!b->any_active) {
        *outcount = MPI_UNDEFINED;
        return MPI_SUCCESS;
    }
    for (int i = 0; i < b->count; i++) {
        struct request *r = request_active(b->handles[i]);
        if (!r || !request_is_done(r))
            continue;
        batch_finish(b, i, n);
        indices[n++] = i;
    }
    *outcount = n;
    return batch_end(b);
}

static int batch_test_some(struct batch *b, int *outcount, int *indices)
{
    int rc = batch_check_some(b, outcount, indices);

    if (rc)
        return rc;
    batch_poll(b, batch_any);
    return batch_end_some(b, outcount, indices);
}

MPI_EXPORT(Waitall)
int PMPI_Waitall(int count, MPI_Request array_of_requests[], MPI_Status *array_of_statuses)
{
    struct batch b = {.count = count,
                      .handles = array_of_requests,
                      .statuses = array_of_statuses,
                      .func = __func__};
    int rc = batch_check_array(&b);

    return rc ? rc : batch_finish_all(&b, false);
}

MPI_EXPORT(Waitany)
int PMPI_Waitany(int count, MPI_Request array_of_requests[], int *indx, MPI_Status *status)
{
    struct batch b = {.count = count, .handles = array_of_requests, .func = __func__};
    int flag, rc = batch_check_out(&b, indx, "index", indx, "index");

    if (rc)
        return rc;
    request_wait_until(batch_any, &b);
    return batch_end_any(&b, indx, &flag, status);
}

MPI_EXPORT(Waitsome)
int PMPI_Waitsome(int incount, MPI_Request array_of_requests[], int *outcount,
                  int array_of_indices[], MPI_Status *array_of_statuses)
{
    struct batch b = {.count = incount,
                      .handles = array_of_requests,
                      .statuses = array_of_statuses,
                      .func = __func__};
    int rc = batch_check_some(&b, outcount, array_of_indices);

    if (rc)
        return rc;
    request_wait_until(batch_any, &b);
    return batch_end_some(&b, outcount, array_of_indices);
}

MPI_EXPORT(Testall)
int PMPI_Testall(int count, MPI_Request array_of_requests[], int *flag,
                 MPI_Status *array_of_statuses)
{
    struct request *found[BATCH_FOUND];
    struct batch b = {.count = count,
                      .handles = array_of_requests,
                      .found = found,
                      .statuses = array_of_statuses,
                      .func = __func__};

    return batch_test_all(&b, flag);
}

MPI_EXPORT(Testany)
int PMPI_Testany(int count, MPI_Request array_of_requests[], int *indx, int *flag,
                 MPI_Status *status)
{
    struct batch b = {.count = count, .handles = array_of_requests, .func = __func__};

    return batch_test_any(&b, indx, flag, status);
}

MPI_EXPORT(Testsome)
int PMPI_Testsome(int incount, MPI_Request array_of_requests[], int *outcount,
                  int array_of_indices[], MPI_Status *array_of_statuses)
{
    struct batch b = {.count = incount,
                      .handles = array_of_requests,
                      .statuses = array_of_statuses,
                      .func = __func__};

    return batch_test_some(&b, outcount, array_of_indices);
}

MPI_EXPORT(Request_get_status_all)
int PMPI_Request_get_status_all(int count, const MPI_Request array_of_requests[], int *flag,
                                MPI_Status *array_of_statuses)
{
    struct batch b = {.count = count,
                      .handles = (MPI_Request *)array_of_requests,
                      .statuses = array_of_statuses,
                      .keep = true,
                      .func = __func__};

    return batch_test_all(&b, flag);
}

MPI_EXPORT(Request_get_status_any)
int PMPI_Request_get_status_any(int count, const MPI_Request array_of_requests[], int *indx,
                                int *flag, MPI_Status *status)
{
    struct batch b = {.count = count,
                      .handles = (MPI_Request *)array_of_requests,
                      .keep = true,
                      .func = __func__};

    return batch_test_any(&b, indx, flag, status);
}

MPI_EXPORT(Request_get_status_some)
int PMPI_Request_get_status_some(int incount, const MPI_Request array_of_requests[], int *outcount,
                                 int array_of_indices[], MPI_Status *array_of_statuses)
{
    struct batch b = {.count = incount,
                      .handles = (MPI_Request *)array_of_requests,
                      .statuses = array_of_statuses,
                      .keep = true,
                      .func = __func__};

    return batch_test_some(&b, outcount, array_of_indices);
}

/* ---- The end of a request ---- */

MPI_EXPORT(Request_free)
int PMPI_Request_free(MPI_Request *request)
{
    struct request *r = NULL;
    int rc = check_handle(request, &r);

    if (!rc && !r)
        rc = check_bad_request(*request);
    if (!rc)
        rc = request_detach(r);
    if (rc)
        return api_fail(rc, __func__);
    *request = MPI_REQUEST_NULL;
    return MPI_SUCCESS;
}

MPI_EXPORT(Cancel)
int PMPI_Cancel(MPI_Request *request)
{
    struct request *r = NULL;
    int rc = check_handle(request, &r);

    if (!rc && !r)
        rc = check_bad_request(*request);
    if (!rc)
        rc = request_cancel(r);
    return rc ? api_fail_object(r ? owner(r) : NULL, rc, __func__) : MPI_SUCCESS;
}

/* ---- Generalized requests ---- */

MPI_EXPORT(Grequest_start)
int PMPI_Grequest_start(MPI_Grequest_query_function *query_fn, MPI_Grequest_free_function *free_fn,
                        MPI_Grequest_cancel_function *cancel_fn, void *extra_state,
                        MPI_Request *request)
{
    struct request *r = NULL;
    int rc = check_running();

    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = grequest_start(query_fn, free_fn, cancel_fn, extra_state, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Grequest_complete)
int PMPI_Grequest_complete(MPI_Request request)
{
    struct request *r = NULL;
    int rc = check_request(request, &r);

    if (!rc && !r)
        rc = check_bad_request(request);
    if (!rc)
        rc = grequest_complete(r);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}
