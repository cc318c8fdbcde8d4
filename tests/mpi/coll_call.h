/* SPDX-License-Identifier: BSD-3-Clause */
/* A collective in one of its six forms, chosen by a variable. */
#ifndef ORIEL_TESTS_COLL_CALL_H
#define ORIEL_TESTS_COLL_CALL_H

#include "mpitest.h"

static int form; /* 0 to 5: blocking, nonblocking, persistent, each with int and large counts */
static int starts = 1; /* of a persistent one */

/* Waits for one request; a persistent one is started first. */
static void finish(MPI_Request *r)
{
    if (form < 4) {
        OK(MPI_Wait(r, MPI_STATUS_IGNORE));
        return;
    }
    for (int i = 0; i < starts; i++) {
        OK(MPI_Start(r));
        OK(MPI_Wait(r, MPI_STATUS_IGNORE));
    }
    OK(MPI_Request_free(r));
}

/* small and large: the arguments with int and MPI_Count arrays. */
#define CALL(Name, name, small, large)                                                             \
    do {                                                                                           \
        MPI_Request r = MPI_REQUEST_NULL;                                                          \
        switch (form) {                                                                            \
        case 0:                                                                                    \
            OK(MPI_##Name small);                                                                  \
            break;                                                                                 \
        case 1:                                                                                    \
            OK(MPI_##Name##_c large);                                                              \
            break;                                                                                 \
        case 2:                                                                                    \
            OK(MPI_I##name(UNWRAP small, &r));                                                     \
            break;                                                                                 \
        case 3:                                                                                    \
            OK(MPI_I##name##_c(UNWRAP large, &r));                                                 \
            break;                                                                                 \
        case 4:                                                                                    \
            OK(MPI_##Name##_init(UNWRAP small, MPI_INFO_NULL, &r));                                \
            break;                                                                                 \
        case 5:                                                                                    \
            OK(MPI_##Name##_init_c(UNWRAP large, MPI_INFO_NULL, &r));                              \
        }                                                                                          \
        if (form > 1)                                                                              \
            finish(&r);                                                                            \
    } while (0)
#define UNWRAP(...) __VA_ARGS__

#endif
