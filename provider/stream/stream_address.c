/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, and the vectors of them: an index in the table is the fi_addr_t. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "provider/stream/stream.h"

int stream_address_read(struct stream_address *a, const void *sockaddr)
{
    const struct sockaddr_in *four = sockaddr;
    const struct sockaddr_in6 *six = sockaddr;

    *a = (struct stream_address){.family = (uint8_t)four->sin_family};
    if (four->sin_family == AF_INET) {
        memcpy(a->bytes, &four->sin_addr, sizeof(four->sin_addr));
        a->port = four->sin_port;
        return 0;
    }
    if (four->sin_family != AF_INET6)
        return -FI_EINVAL;
    memcpy(a->bytes, &six->sin6_addr, sizeof(six->sin6_addr));
    a->port = six->sin6_port;
    return 0;
}

socklen_t stream_address_write(const struct stream_address *a, struct sockaddr_storage *to)
{
    struct sockaddr_in *four = (struct sockaddr_in *)to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

    if (a->family == AF_INET) {
        *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = a->port};
        memcpy(&four->sin_addr, a->bytes, sizeof(four->sin_addr));
        return sizeof(*four);
    }
    *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = a->port};
    memcpy(&six->sin6_addr, a->bytes, sizeof(six->sin6_addr));
    return sizeof(*six);
}

int stream_address_compare(const struct stream_address *a, const struct stream_address *b)
{
    return memcmp(a, b, sizeof(*a));
}

/* ---- Vectors ---- */

static int reserve(struct stream_av *av, size_t more)
{
    size_t room = av->room ? av->room : 64;

    while (room < av->count + more)
        room *= 2;
    if (room == av->room)
        return 0;
    struct stream_address *table = realloc(av->table, room * sizeof(*table));
    if (!table)
        return -FI_ENOMEM;
    av->table = table;
    av->room = room;
    return 0;
}

static size_t size_of(const void *sockaddr)
{
    return ((const struct sockaddr *)sockaddr)->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                      : sizeof(struct sockaddr_in);
}

static int av_insert(struct fid_av *fid, const void *addr, size_t count, fi_addr_t *fi_addr,
                     uint64_t flags, void *context)
{
    struct stream_av *av = container_of(fid, struct stream_av, fid);
    const unsigned char *one = addr;
    int ret = reserve(av, count), inserted = 0;

    (void)flags, (void)context;
    for (size_t i = 0; !ret && i < count; i++, one += size_of(one)) {
        struct stream_address a;
        bool good = !stream_address_read(&a, one);
        if (fi_addr)
            fi_addr[i] = good ? av->count : FI_ADDR_NOTAVAIL;
        if (!good)
            continue;
        av->table[av->count] = a;
        if (av->ep)
            stream_peer_known(av->ep, av->count, &a);
        av->count++;
        inserted++;
    }
    return ret ? ret : inserted;
}

static int av_close(struct fid *fid)
{
    struct stream_av *av = container_of(fid, struct stream_av, fid.fid);

    if (av->ep)
        return -FI_EBUSY;
    av->domain->users--;
    free(av->table);
    free(av);
    return 0;
}

static struct fi_ops av_fid_ops = {.size = sizeof(struct fi_ops), .close = av_close};

static struct fi_ops_av av_ops = {.size = sizeof(struct fi_ops_av), .insert = av_insert};

int stream_av_open(struct fid_domain *fid, struct fi_av_attr *attr, struct fid_av **av_fid,
                   void *context)
{
    struct stream_domain *domain = container_of(fid, struct stream_domain, fid);

    if (attr->name || attr->flags)
        return -FI_ENOSYS;
    struct stream_av *av = calloc(1, sizeof(*av));
    if (!av)
        return -FI_ENOMEM;
    av->domain = domain;
    av->fid = (struct fid_av){{FI_CLASS_AV, context, &av_fid_ops}, &av_ops};
    domain->users++;
    *av_fid = &av->fid;
    return 0;
}
