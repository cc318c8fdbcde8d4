/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This host's hardware, as hwloc sees it, and the part of it that this process is bound to. It is
 * looked at when the first question comes, which takes milliseconds, and kept until the process
 * ends; the binding is that of the moment of the question. Any thread may ask.
 *
 * Kinds of resource are numbered from the whole machine inwards, the same on all processes of one
 * host, and so are the instances of a kind.
 */
#ifndef ORIEL_BOOT_HARDWARE_H
#define ORIEL_BOOT_HARDWARE_H

enum { HARDWARE_KINDS = 32 }; /* more than hwloc has */

/* How many kinds this host has; 0 where hwloc cannot tell. */
int hardware_kinds(void);
/* A URI, "hwloc://L3Cache". */
const char *hardware_name(int kind);
/* The kind of that name, letters of either case; -ENOENT. */
int hardware_kind(const char *name);
/* The one instance that this process may run on; -ENOENT where there are several, or none. */
int hardware_instance(int kind);

#endif
