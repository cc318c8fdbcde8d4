/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/object/err.h"
#include "core/object/status.h"
#include "core/p2p/grequest.h"
#include "provider/fabric/wait.h"

struct grequest {
    MPI_Grequest_query_function *query;
    MPI_Grequest_free_function *free_data;
    MPI_Grequest_cancel_function *cancel;
    void *extra_state;
};

static int grequest_query(struct request *r, MPI_Status *status)
{
    struct grequest *g = r->owner;

    status_set_empty(status);
    return g->query ? g->query(g->extra_state, status) : MPI_SUCCESS;
}

static int grequest_cancel(struct request *r)
{
    struct grequest *g = r->owner;

    return g->cancel ? g->cancel(g->extra_state, request_is_done(r)) : MPI_SUCCESS;
}

static int grequest_finish(struct request *r)
{
    struct grequest *g = r->owner;

    return g->free_data ? g->free_data(g->extra_state) : MPI_SUCCESS;
}

static void grequest_free(struct request *r)
{
    free(r->owner);
}

static const struct request_ops grequest_ops = {
    .cancel = grequest_cancel,
    .query = grequest_query,
    .finish = grequest_finish,
    .free = grequest_free,
};

int grequest_start(MPI_Grequest_query_function *query, MPI_Grequest_free_function *free_data,
                   MPI_Grequest_cancel_function *cancel, void *extra_state,
                   struct request **request)
{
    struct grequest *g = malloc(sizeof *g);

    if (!g)
        return err_set(MPI_ERR_NO_MEM, "no memory for a generalized request");
    *g = (struct grequest){query, free_data, cancel, extra_state};
    lane_lock();
    struct request *r = request_new(REQUEST_GENERAL, NULL, NULL);
    lane_unlock();
    if (!r) {
        free(g);
        return MPI_ERR_NO_MEM;
    }
    r->ops = &grequest_ops;
    r->owner = g;
    *request = r;
    return MPI_SUCCESS;
}

int grequest_complete(struct request *r)
{
    if (r->kind != REQUEST_GENERAL)
        return err_set(MPI_ERR_REQUEST, "only a generalized request is completed by the program");
    if (request_is_done(r))
        return err_set(MPI_ERR_REQUEST, "the generalized request is complete already");
    lane_lock();
    bool detached = r->detached;
    if (!detached)
        request_complete(r);
    wait_tell();
    lane_unlock();
    if (!detached)
        return MPI_SUCCESS;
    /* MPI_Request_free came first: nobody else will see the end of it. */
    int rc = grequest_finish(r);
    lane_lock();
    request_free(r);
    lane_unlock();
    return rc;
}
