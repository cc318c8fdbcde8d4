/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error handlers: three predefined ones, and functions of the program for communicators, windows,
 * files and sessions. An object that has a handler holds a reference to it, in a slot that any
 * thread may look into and change at any time, by the functions here alone. The handler is called
 * in one place, core/api/api_error.c.
 *
 * A program that asks for the handler of an object holds one more handle, which it frees by itself;
 * when the last is freed the handle means nothing any more, and the object keeps its handler.
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
    int given; /* handles that the program holds */
};

extern struct errhandler errhandler_are_fatal, errhandler_abort, errhandler_return;

static inline struct errhandler *errhandler_find(MPI_Errhandler handle)
{
    return (struct errhandler *)object_find(OBJECT_ERRHANDLER, handle);
}

void errhandler_open(void); /* the predefined handles */
/* With one reference and no handle. */
int errhandler_create(enum object_class target, void (*call)(void), struct errhandler **handler);
/* The one that objects without a parent begin with (11.5): ORIEL_INITIAL_ERRHANDLER's. */
struct errhandler *errhandler_initial(void);

/* Replaces what is in the slot, with references moved. */
void errhandler_assign(struct errhandler **slot, struct errhandler *handler);
/* The same with what is in the slot of another object. */
void errhandler_copy(struct errhandler **slot, struct errhandler **from);
/* What is in the slot, with a reference for the caller. */
struct errhandler *errhandler_hold(struct errhandler **slot);

/* A handle for what is in the slot: MPI_SUCCESS or MPI_ERR_NO_MEM. */
int errhandler_give(struct errhandler **slot, MPI_Errhandler *handle);
/* The program gives one of its handles back. */
void errhandler_take_back(struct errhandler *handler);

#endif
