/* SPDX-License-Identifier: BSD-3-Clause */
/* Generalized requests (13.2): the program says when they are complete. No lock held. */
#ifndef ORIEL_P2P_GREQUEST_H
#define ORIEL_P2P_GREQUEST_H

#include "core/p2p/request.h"

int grequest_start(MPI_Grequest_query_function *query, MPI_Grequest_free_function *free_data,
                   MPI_Grequest_cancel_function *cancel, void *extra_state,
                   struct request **request);
/* MPI_ERR_REQUEST where r is none, or complete already. */
int grequest_complete(struct request *r);

#endif
