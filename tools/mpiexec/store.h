/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ranks publish by name for others to look up. All calls come from libpmix's one thread, with
 * the signatures of its server module.
 */
#ifndef ORIEL_MPIEXEC_STORE_H
#define ORIEL_MPIEXEC_STORE_H

#include <pmix_server.h>

pmix_status_t store_publish(const pmix_proc_t *proc, const pmix_info_t *info, size_t ninfo,
                            pmix_op_cbfunc_t done, void *data);

/* A lookup that asks to wait is answered when the last of its keys has been published. */
pmix_status_t store_lookup(const pmix_proc_t *proc, char **keys, const pmix_info_t *info,
                           size_t ninfo, pmix_lookup_cbfunc_t done, void *data);

pmix_status_t store_unpublish(const pmix_proc_t *proc, char **keys, const pmix_info_t *info,
                              size_t ninfo, pmix_op_cbfunc_t done, void *data);

#endif
