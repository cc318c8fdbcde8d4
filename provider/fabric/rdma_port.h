/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether this host has an RDMA device, and whether it works, for which libibverbs is loaded. */
#ifndef ORIEL_FABRIC_RDMA_PORT_H
#define ORIEL_FABRIC_RDMA_PORT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the kernel has a device that some provider of libfabric may drive. */
bool rdma_device_present(void);
/* The first active port as "mlx5_0 port 1", or a Slingshot adapter as "cxi0"; false where there is
 * neither, or no such library. */
bool rdma_port_active(char *name, size_t room);

#endif
