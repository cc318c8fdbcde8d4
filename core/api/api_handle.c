/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles as integers and back (20.4): any time. */
#include "core/api/api.h"

#define HANDLE(name, class)                                                                        \
    MPI_EXPORT(name##_toint)                                                                       \
    int PMPI_##name##_toint(MPI_##class handle)                                                    \
    {                                                                                              \
        return object_toint(handle);                                                               \
    }
#define NUMBER(name, class, which)                                                                 \
    MPI_EXPORT(name##_fromint)                                                                     \
    MPI_##class PMPI_##name##_fromint(int number)                                                  \
    {                                                                                              \
        return object_fromint(which, number);                                                      \
    }

HANDLE(Comm, Comm)
NUMBER(Comm, Comm, OBJECT_COMM)
HANDLE(Errhandler, Errhandler)
NUMBER(Errhandler, Errhandler, OBJECT_ERRHANDLER)
HANDLE(File, File)
NUMBER(File, File, OBJECT_FILE)
HANDLE(Group, Group)
NUMBER(Group, Group, OBJECT_GROUP)
HANDLE(Info, Info)
NUMBER(Info, Info, OBJECT_INFO)
HANDLE(Message, Message)
NUMBER(Message, Message, OBJECT_MESSAGE)
HANDLE(Op, Op)
NUMBER(Op, Op, OBJECT_OP)
HANDLE(Request, Request)
NUMBER(Request, Request, OBJECT_REQUEST)
HANDLE(Session, Session)
NUMBER(Session, Session, OBJECT_SESSION)
HANDLE(Type, Datatype)
NUMBER(Type, Datatype, OBJECT_DATATYPE)
HANDLE(Win, Win)
NUMBER(Win, Win, OBJECT_WIN)
