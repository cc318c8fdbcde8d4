/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/errhandler.h"
#include "provider/base/param.h"

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
    *handler = h;
    return MPI_SUCCESS;
}

void errhandler_assign(struct errhandler **slot, struct errhandler *handler)
{
    struct errhandler *old = *slot;

    if (handler)
        object_hold(&handler->object);
    *slot = handler;
    if (old)
        object_drop(&old->object);
}
