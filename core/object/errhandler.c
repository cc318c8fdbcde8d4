/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/errhandler.h"
#include "provider/base/lock.h"
#include "provider/base/param.h"

/* Of all slots, and of the counts of handles. Only the table's lock is taken under it. */
static struct lock lock;

struct errhandler errhandler_are_fatal, errhandler_abort, errhandler_return;

void errhandler_open(void)
{
    object_predefine(&errhandler_are_fatal.object, OBJECT_ERRHANDLER, MPI_ERRORS_ARE_FATAL);
    object_predefine(&errhandler_abort.object, OBJECT_ERRHANDLER, MPI_ERRORS_ABORT);
    object_predefine(&errhandler_return.object, OBJECT_ERRHANDLER, MPI_ERRORS_RETURN);
}

struct errhandler *errhandler_initial(void)
{
    param_open();
    if (!strcmp(param.initial_errhandler, "mpi_errors_return"))
        return &errhandler_return;
    return !strcmp(param.initial_errhandler, "mpi_errors_abort") ? &errhandler_abort
                                                                 : &errhandler_are_fatal;
}

static void errhandler_release(struct object *o)
{
    object_close(o);
    free(container_of(o, struct errhandler, object));
}

int errhandler_create(enum object_class target, void (*call)(void), struct errhandler **handler)
{
    struct errhandler *h = malloc(sizeof(*h));

    if (!h)
        return err_set(MPI_ERR_NO_MEM, "no memory for an error handler");
    object_init(&h->object, OBJECT_ERRHANDLER, errhandler_release);
    h->target = target;
    h->call.any = call;
    h->given = 0;
    *handler = h;
    return MPI_SUCCESS;
}

void errhandler_assign(struct errhandler **slot, struct errhandler *handler)
{
    object_hold(&handler->object);
    lock_take(&lock);
    struct errhandler *old = *slot;
    *slot = handler;
    lock_drop(&lock);
    if (old)
        object_drop(&old->object);
}

struct errhandler *errhandler_hold(struct errhandler **slot)
{
    lock_take(&lock);
    struct errhandler *h = *slot;
    object_hold(&h->object);
    lock_drop(&lock);
    return h;
}

void errhandler_copy(struct errhandler **slot, struct errhandler **from)
{
    struct errhandler *h = errhandler_hold(from);

    errhandler_assign(slot, h);
    object_drop(&h->object);
}

int errhandler_give(struct errhandler **slot, MPI_Errhandler *handle)
{
    struct errhandler *h = errhandler_hold(slot);
    int rc = MPI_SUCCESS;

    lock_take(&lock);
    if (h->given == 0)
        rc = object_publish(&h->object);
    if (!rc)
        h->given++;
    *handle = (MPI_Errhandler)h->object.handle;
    lock_drop(&lock);
    if (rc) /* else the reference is the handle's */
        object_drop(&h->object);
    return rc;
}

void errhandler_take_back(struct errhandler *handler)
{
    lock_take(&lock);
    if (--handler->given == 0)
        object_retire(&handler->object);
    lock_drop(&lock);
    object_drop(&handler->object);
}
