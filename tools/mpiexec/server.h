/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PMIx server of one job on one host. libpmix answers ranks on a thread of its own; what the
 * launcher must hear of comes through server_wake_fd() and server_next_abort().
 */
#ifndef ORIEL_MPIEXEC_SERVER_H
#define ORIEL_MPIEXEC_SERVER_H

#include "job.h"

/* A rank has called PMIx_Abort. */
struct server_abort {
    int rank;
    int status;
    char message[512]; /* "" where the rank gave none */
};

/*
 * Starts the server, registers the job and its ranks, and fills in every rank's environment. To be
 * called once, with signals blocked, as the library's threads inherit the mask. 0 or -1, said.
 */
int server_start(struct job *job);

/* Readable when server_next_abort() has something. */
int server_wake_fd(void);

/* Takes the first abort that was asked for; false if there is none. */
bool server_next_abort(struct server_abort *out);

#endif
