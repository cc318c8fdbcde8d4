/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/comm_make.h"
#include "core/coll/context.h"

/*
 * Everything of the duplicate but its context id. It has a handle while the copy callbacks run,
 * because a callback of the program may look at it.
 */
static int make_twin(struct comm *c, struct info *info, struct comm **out)
{
    struct comm *d;
    int rc = comm_new(COMM_CONTEXTS, c->group, c->remote, c, &d);

    if (rc)
        return rc;
    if (info) {
        rc = info_dup(info, &d->info);
        if (rc)
            goto drop;
    }
    rc = object_publish(&d->object);
    if (rc)
        goto drop;
    rc = attr_copy_all(&c->attrs, OBJECT_COMM, (void *)c->object.handle, &d->attrs);
    if (rc)
        goto delete_attrs;
    *out = d;
    return MPI_SUCCESS;

delete_attrs:
    attr_delete_all(&d->attrs, OBJECT_COMM, (void *)d->object.handle);
    object_retire(&d->object);
drop:
    object_drop(&d->object);
    return rc;
}

/*
 * The agreement comes first: a rank whose copy callback fails has taken part in it, and the others
 * do not wait for it.
 */
int comm_dup(struct comm *c, struct info *info, struct comm **out)
{
    uint32_t context;
    struct comm *d;
    int rc = context_agree(c, NULL, &context);

    if (rc)
        return rc;
    rc = make_twin(c, info, &d);
    if (rc) {
        context_give_back(context);
        return rc;
    }
    d->context = context;
    *out = d;
    return MPI_SUCCESS;
}

int comm_idup(struct comm *c, struct info *info, struct comm **out, struct request **request)
{
    struct comm *d;
    int rc = make_twin(c, info, &d);

    if (rc)
        return rc;
    rc = context_agree_start(c, &d->context, request);
    if (rc) {
        comm_free(d);
        return rc;
    }
    *out = d;
    return MPI_SUCCESS;
}

int comm_free(struct comm *c)
{
    int rc = attr_delete_all(&c->attrs, OBJECT_COMM, (void *)c->object.handle);

    if (rc)
        return rc;
    object_retire(&c->object);
    object_drop(&c->object);
    return MPI_SUCCESS;
}
