/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread that does nonblocking accesses. */
#ifndef ORIEL_FILE_FILE_ASYNC_H
#define ORIEL_FILE_FILE_ASYNC_H

/* Ends it, after all that it has been given; MPI is being finalized. No lock held. */
void file_async_stop(void);

#endif
