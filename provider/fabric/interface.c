/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "provider/fabric/interface.h"

#ifndef ARPHRD_IP6GRE /* glibc's header lacks it; linux/if_arp.h does not go with net/if.h */
#define ARPHRD_IP6GRE 823
#endif

/* Names that container engines, virtual machines and VPNs give; a veth of theirs has no type of its
 * own. */
static const struct {
    const char *name, *flaw;
} named[] = {
    {"docker*", "a bridge of containers on this host"},
    {"podman*", "a bridge of containers on this host"},
    {"cni*", "a bridge of containers on this host"},
    {"br-*", "a bridge of containers on this host"},
    {"lxcbr*", "a bridge of containers on this host"},
    {"lxdbr*", "a bridge of containers on this host"},
    {"veth*", "a cable to a container on this host"},
    {"cali*", "a cable to a container on this host"},
    {"flannel*", "a network of containers"},
    {"virbr*", "a bridge of virtual machines on this host"},
    {"vmnet*", "a bridge of virtual machines on this host"},
    {"vboxnet*", "a bridge of virtual machines on this host"},
    {"tun*", "a tunnel"},
    {"tap*", "a tunnel"},
    {"wg*", "a tunnel"},
    {"zt*", "a tunnel"},
    {"tailscale*", "a tunnel"},
};

static const char *flaw_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (!fnmatch(named[i].name, name, 0))
            return named[i].flaw;
    return NULL;
}

static const char *flaw_of_type(int type)
{
    switch (type) {
    case ARPHRD_NONE: /* tun, wireguard */
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
        return "a tunnel";
    default:
        return NULL;
    }
}

static bool is_link_local(const struct interface_address *a)
{
    static const uint8_t autoconfigured[] = {169, 254};
    struct in6_addr six;

    memcpy(&six, a->bytes, sizeof(six)); /* where it is, it may lie at any address */
    return a->family == AF_INET ? !memcmp(a->bytes, autoconfigured, sizeof(autoconfigured))
                                : IN6_IS_ADDR_LINKLOCAL(&six);
}

/* ARPHRD_..., or -1. */
static int type_of(int fd, const char *name)
{
    struct ifreq request = {0};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return ioctl(fd, SIOCGIFHWADDR, &request) ? -1 : request.ifr_hwaddr.sa_family;
}

static uint32_t speed_of(int fd, const char *name)
{
    struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
    struct ifreq request = {.ifr_data = (char *)&command};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, SIOCETHTOOL, &request))
        return 0;
    /* ethtool_cmd_speed's own shift is undefined where the speed is not known. */
    uint32_t speed = (uint32_t)command.speed_hi << 16 | command.speed;
    return speed == (uint32_t)SPEED_UNKNOWN ? 0 : speed;
}

/* Bits set, from the front. */
static uint8_t prefix_of(const uint8_t *mask, size_t len)
{
    uint8_t bits = 0;

    for (size_t i = 0; i < len; i++)
        bits += (uint8_t)__builtin_popcount(mask[i]);
    return bits;
}

/* False where the address is no IP one. The mask may lack: then the subnet is the address. */
static bool copy_address(struct interface_address *a, const struct sockaddr *address,
                         const struct sockaddr *mask)
{
    *a = (struct interface_address){.family = (uint8_t)address->sa_family};
    if (address->sa_family == AF_INET) {
        memcpy(a->bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
        a->prefix =
            mask ? prefix_of((const uint8_t *)&((const struct sockaddr_in *)mask)->sin_addr, 4)
                 : 32;
    } else if (address->sa_family == AF_INET6) {
        memcpy(a->bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
        a->prefix =
            mask ? prefix_of((const uint8_t *)&((const struct sockaddr_in6 *)mask)->sin6_addr, 16)
                 : 128;
    } else {
        return false;
    }
    return true;
}

static void describe(struct interface *i, const struct ifaddrs *from)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(i->name, sizeof(i->name), "%s", from->ifa_name);
    i->loopback = from->ifa_flags & IFF_LOOPBACK;
    i->link_local = is_link_local(&i->address);
    i->flaw = i->link_local ? "a link-local address" : flaw_of_name(i->name);
    if (fd < 0)
        return;
    if (!i->flaw)
        i->flaw = flaw_of_type(type_of(fd, i->name));
    if (!i->flaw && from->ifa_flags & IFF_POINTOPOINT)
        i->flaw = "a link to one other host";
    i->speed = speed_of(fd, i->name);
    close(fd);
}

int interface_of(const struct sockaddr *address, struct interface *found)
{
    struct interface_address wanted, own;
    struct ifaddrs *list;
    int rc = -ENOENT;

    if (!copy_address(&wanted, address, NULL))
        return -ENOENT;
    if (getifaddrs(&list))
        return -errno;
    for (const struct ifaddrs *i = list; rc && i; i = i->ifa_next)
        if (i->ifa_addr && copy_address(&own, i->ifa_addr, i->ifa_netmask) &&
            interface_same_address(&own, &wanted)) {
            *found = (struct interface){.address = own};
            describe(found, i);
            rc = 0;
        }
    freeifaddrs(list);
    return rc;
}

static bool is_better(const struct interface *a, const struct interface *b)
{
    if (a->speed != b->speed)
        return a->speed > b->speed;
    return a->address.family == AF_INET && b->address.family != AF_INET;
}

int interface_best(struct interface *found)
{
    struct ifaddrs *list;
    int rc = -ENOENT;

    if (getifaddrs(&list))
        return -errno;
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        struct interface one = {.flaw = NULL};
        if (!i->ifa_addr || !(i->ifa_flags & IFF_RUNNING) || i->ifa_flags & IFF_LOOPBACK ||
            !copy_address(&one.address, i->ifa_addr, i->ifa_netmask))
            continue;
        describe(&one, i);
        if (one.flaw || (!rc && !is_better(&one, found)))
            continue;
        *found = one;
        rc = 0;
    }
    freeifaddrs(list);
    return rc;
}

bool interface_same_address(const struct interface_address *a, const struct interface_address *b)
{
    return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool interface_same_subnet(const struct interface_address *a, const struct interface_address *b)
{
    unsigned whole = a->prefix / 8, rest = a->prefix % 8;

    if (a->family != b->family || a->prefix != b->prefix || whole > sizeof(a->bytes) ||
        memcmp(a->bytes, b->bytes, whole))
        return false;
    return !rest || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

const char *interface_text(const struct interface_address *a, char text[INTERFACE_TEXT])
{
    if (!inet_ntop(a->family, a->bytes, text, INTERFACE_TEXT))
        snprintf(text, INTERFACE_TEXT, "?");
    return text;
}
