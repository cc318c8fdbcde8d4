/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session (11.3): a use of MPI by one part of the program. The library itself is opened by the
 * first and closed by the last that uses it, MPI_Init counting as one (core/api/life.h).
 */
#ifndef ORIEL_OBJECT_SESSION_H
#define ORIEL_OBJECT_SESSION_H

#include "core/object/errhandler.h"
#include "core/object/info.h"

struct session {
    struct object object;
    struct errhandler *errhandler;
    struct info *info; /* the hints in use, and what was granted */
};

static inline struct session *session_find(MPI_Session handle)
{
    return (struct session *)object_find(OBJECT_SESSION, handle);
}

int session_new(struct errhandler *handler, struct session **session);

#endif
