/* SPDX-License-Identifier: BSD-3-Clause */
/* The hosts that --host and --hostfile name. */
#ifndef ORIEL_MPIEXEC_HOSTS_H
#define ORIEL_MPIEXEC_HOSTS_H

#include "options.h"

/*
 * Reads the host files into o->hosts, strips ":SLOTS" and sums up o->slots. 0, or the exit status
 * with the reason said.
 */
int hosts_read(struct options *o);

/* Whether it is this host's name or an address of its own: a name is not looked up. */
bool hosts_is_plainly_here(const char *name);

/* The first named host that is not this one, NULL if there is none. */
const char *hosts_other(const struct options *o);

#endif
