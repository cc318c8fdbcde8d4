/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/object/err.h"
#include "core/object/session.h"

static void session_release(struct object *o)
{
    struct session *s = container_of(o, struct session, object);

    object_close(o);
    object_drop(&s->errhandler->object);
    if (s->info)
        object_drop(&s->info->object);
    free(s);
}

int session_new(struct errhandler *handler, struct session **session)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return err_set(MPI_ERR_NO_MEM, "no memory for a session");
    int rc = info_new(&s->info);
    if (rc) {
        free(s);
        return rc;
    }
    object_init(&s->object, OBJECT_SESSION, session_release);
    errhandler_assign(&s->errhandler, handler);
    *session = s;
    return MPI_SUCCESS;
}
