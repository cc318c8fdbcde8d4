/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/comm_make.h"
#include "core/coll/context.h"
#include "core/object/hints.h"
#include "core/object/topology.h"

/* What a duplicate has beside its context: the topology, hints, a handle, and what copy callbacks
 * give it. */
static int furnish(struct comm *d, struct comm *c, struct info *info)
{
    int rc = hints_set(d, info);

    d->topology = topology_hold(c->topology);
    if (!rc)
        rc = object_publish(&d->object);
    if (rc)
        return rc;
    rc = attr_copy_all(&c->attrs, OBJECT_COMM, (void *)c->object.handle, &d->attrs);
    if (rc) {
        attr_clear(&d->attrs, (void *)d->object.handle);
        object_retire(&d->object);
    }
    return rc;
}

int comm_twin(struct comm *c, struct comm **out)
{
    struct comm *d;
    int rc = comm_new(COMM_CONTEXTS, c->group, c->remote, c, &d);

    if (rc)
        return rc;
    rc = context_assign(c, d);
    if (rc) {
        object_drop(&d->object);
        return rc;
    }
    *out = d;
    return MPI_SUCCESS;
}

/*
 * The agreement comes first: a rank whose copy callback fails has taken part in it, and the others
 * do not wait for it.
 */
int comm_dup(struct comm *c, struct info *info, struct comm **out)
{
    struct comm *d;
    int rc = comm_twin(c, &d);

    if (rc)
        return rc;
    rc = furnish(d, c, info);
    if (rc) {
        object_drop(&d->object);
        return rc;
    }
    *out = d;
    return MPI_SUCCESS;
}

/*
 * The attributes are those of now (7.4.2); the context comes when the agreement is complete. As
 * above that is begun first, and goes on for the others where something fails here.
 */
int comm_idup(struct comm *c, struct info *info, struct comm **out, MPI_Request *request)
{
    struct request *r;
    struct comm *d;
    int rc = comm_new(COMM_CONTEXTS, c->group, c->remote, c, &d);

    if (rc)
        return rc;
    rc = context_assign_start(c, d, &r);
    if (rc) {
        object_drop(&d->object);
        return rc;
    }
    rc = object_publish(&r->object);
    if (!rc)
        rc = furnish(d, c, info);
    if (rc) {
        context_abandon(r);
        return rc;
    }
    *request = (MPI_Request)r->object.handle;
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
