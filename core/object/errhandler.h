/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error handlers: three predefined ones, and functions of the program for communicators, windows,
 * files and sessions. An object that has a handler holds a reference to it. The handler is called
 * in one place, core/api/api_error.c.
 */
#ifndef ORIEL_OBJECT_ERRHANDLER_H
#define ORIEL_OBJECT_ERRHANDLER_H

#include "core/object/object.h"

struct errhandler {
    struct object object;
    enum object_class target; /* OBJECT_COMM, _WIN, _FILE, _SESSION; OBJECT_NONE: predefined */
    union {
        MPI_Comm_errhandler_function *comm;
        MPI_Win_errhandler_function *win;
        MPI_File_errhandler_function *file;
        MPI_Session_errhandler_function *session;
        void (*any)(void);
    } call;
};

extern struct errhandler errhandler_are_fatal, errhandler_abort, errhandler_return;

static inline struct errhandler *errhandler_find(MPI_Errhandler handle)
{
    return (struct errhandler *)object_find(OBJECT_ERRHANDLER, handle);
}

void errhandler_open(void); /* the predefined handles */
int errhandler_create(enum object_class target, void (*call)(void), struct errhandler **handler);
/* The one that objects without a parent begin with (11.5): ORIEL_INITIAL_ERRHANDLER's. */
struct errhandler *errhandler_initial(void);
/* Replaces *slot, with references moved. */
void errhandler_assign(struct errhandler **slot, struct errhandler *handler);

#endif
