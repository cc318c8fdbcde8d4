/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who tells libfabric's cache of registered memory that an address has got other memory behind it.
 * That may be the kernel, where it does: never functions of the C library that are replaced at run
 * time, which see neither what the allocator does by itself nor what another library replaces in
 * turn.
 */
#ifndef ORIEL_FABRIC_MONITOR_H
#define ORIEL_FABRIC_MONITOR_H

#include <stdint.h>

/* The value for FI_MR_CACHE_MONITOR with a libfabric of that version (FI_VERSION): what was tried
 * and works here, or "disabled", with which memory is registered for each transfer. */
const char *monitor_choose(uint32_t version);

#endif
