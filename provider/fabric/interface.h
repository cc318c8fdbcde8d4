/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network interfaces of this host, as the system tells: which of them may lead to other hosts.
 * Knows nothing of libfabric.
 */
#ifndef ORIEL_FABRIC_INTERFACE_H
#define ORIEL_FABRIC_INTERFACE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IP address with the length of its subnet's prefix; IPv4 in the first four bytes. */
struct interface_address {
    uint8_t family; /* AF_INET or AF_INET6 */
    uint8_t prefix; /* bits */
    uint8_t bytes[16];
};

struct interface {
    char name[IF_NAMESIZE];
    struct interface_address address;
    uint32_t speed; /* Mbit/s; 0 where unknown */
    bool loopback, link_local;
    const char *flaw; /* why it does not lead to other hosts; NULL where it may */
};

enum { INTERFACE_TEXT = INET6_ADDRSTRLEN };

/* The one that has this address (sockaddr_in or _in6): 0, -ENOENT, or -errno. */
int interface_of(const struct sockaddr *address, struct interface *found);
/* The fastest that may lead to other hosts: 0, -ENOENT, or -errno. */
int interface_best(struct interface *found);
/* Whether both are in the subnet that `a` names. */
bool interface_same_subnet(const struct interface_address *a, const struct interface_address *b);
bool interface_same_address(const struct interface_address *a, const struct interface_address *b);
/* "10.77.0.1" */
const char *interface_text(const struct interface_address *a, char text[INTERFACE_TEXT]);

#endif
