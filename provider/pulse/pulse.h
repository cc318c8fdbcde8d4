/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who of a job on several hosts is alive. libfabric does not tell: a receive from a dead peer never
 * completes, and a send into a cut cable succeeds. So the first ranks of the hosts are joined to a
 * ring of TCP connections which nothing but this uses, and each other rank is joined to the first
 * of its host by a local one. A process that ends without having said good-bye closes its
 * connection; a host that goes silent is given up by the kernel's keep-alives after
 * ORIEL_PEER_TIMEOUT, which ask the host and not the process: one that is stopped by a debugger is
 * alive.
 *
 * Whoever sees a death says so in one line, tells the others along the ring that it has been said,
 * and ends the job through the launcher; where that does not come through, each host's first rank
 * ends the ranks of its host, and itself. One thread in each host's first rank does all this,
 * asleep in poll. A job on one host has its launcher for it, and nothing of this is opened.
 *
 * A connection counts when it has brought the job's secret (the local ones: when the kernel says
 * that it is the same user's); all others are dropped and counted. The ring listens until its one
 * caller has come.
 */
#ifndef ORIEL_PULSE_PULSE_H
#define ORIEL_PULSE_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "provider/fabric/interface.h"

/*
 * Before an exchange: the host's first rank listens on that address of its own, and publishes
 * where. `again`, on all ranks or none: before another exchange, since the first address was not
 * the right one. 0 or -errno.
 */
int pulse_listen(const struct interface_address *own, bool again);
/*
 * After it, with the same `again`: deaths are noticed once the connections are there, whose coming
 * up this does not wait for. 0 or -errno. Where it goes on already nothing happens.
 */
int pulse_start(bool again);
/* All ranks have met for the last time: good-bye, and whoever ends now is no loss. */
void pulse_stop(void);

#endif
