/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address vectors: a table of node_address; the index is the fi_addr_t for both kinds of vector.
 * Inserting maps nothing: that is done at first contact (node_peer.c).
 */
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_ops.h"

static int reserve(struct node_av *av, size_t more)
{
    size_t room = av->room ? av->room : 64;

    while (room < av->count + more)
        room *= 2;
    if (room == av->room)
        return 0;
    struct node_address *table = realloc(av->table, room * sizeof(*table));
    if (!table)
        return -FI_ENOMEM;
    av->table = table;
    av->room = room;
    return 0;
}

static void tell_endpoints(struct node_av *av, fi_addr_t address)
{
    struct list *l;

    for (l = av->domain->eps.next; l != &av->domain->eps; l = l->next) {
        struct node_ep *ep = container_of(l, struct node_ep, domain_link);
        if (ep->av == av)
            node_peer_known(ep, address);
    }
}

/* The addresses are texts, one behind the other, each with its zero. */
static int av_insert(struct fid_av *fid, const void *addr, size_t count, fi_addr_t *fi_addr,
                     uint64_t flags, void *context)
{
    struct node_av *av = container_of(fid, struct node_av, fid);
    const char *text = addr;
    int *errors = flags & FI_SYNC_ERR ? context : NULL;
    int inserted = 0;

    lock_take(&av->domain->lock);
    int ret = reserve(av, count);
    for (size_t i = 0; !ret && i < count; i++, text += strlen(text) + 1) {
        struct node_address a;
        int bad = node_address_parse(text, &a);
        if (errors)
            errors[i] = -bad;
        if (fi_addr)
            fi_addr[i] = bad ? FI_ADDR_NOTAVAIL : av->count;
        if (bad)
            continue;
        av->table[av->count] = a;
        tell_endpoints(av, av->count++);
        inserted++;
    }
    lock_drop(&av->domain->lock);
    return ret ? ret : inserted;
}

static void drop(struct node_av *av, fi_addr_t address)
{
    av->table[address] = (struct node_address){0}; /* pid 0: nobody */
    for (struct list *l = av->domain->eps.next; l != &av->domain->eps; l = l->next) {
        struct node_ep *ep = container_of(l, struct node_ep, domain_link);
        if (ep->av == av)
            node_peer_forgotten(ep, address);
    }
}

static int av_remove(struct fid_av *fid, fi_addr_t *fi_addr, size_t count, uint64_t flags)
{
    struct node_av *av = container_of(fid, struct node_av, fid);
    int ret = 0;

    (void)flags;
    lock_take(&av->domain->lock);
    for (size_t i = 0; i < count; i++)
        if (fi_addr[i] < av->count)
            drop(av, fi_addr[i]);
        else
            ret = -FI_EINVAL;
    lock_drop(&av->domain->lock);
    return ret;
}

static int av_lookup(struct fid_av *fid, fi_addr_t fi_addr, void *addr, size_t *len)
{
    struct node_av *av = container_of(fid, struct node_av, fid);
    char text[NODE_ADDRESS_TEXT];

    lock_take(&av->domain->lock);
    bool known = fi_addr < av->count && av->table[fi_addr].pid;
    if (known)
        node_address_print(&av->table[fi_addr], text);
    lock_drop(&av->domain->lock);
    if (!known)
        return -FI_EINVAL;
    size_t need = strlen(text) + 1;
    memcpy(addr, text, *len < need ? *len : need);
    *len = need;
    return 0;
}

static const char *av_straddr(struct fid_av *fid, const void *addr, char *buf, size_t *len)
{
    size_t need = strlen(addr) + 1, room = *len;

    (void)fid;
    if (buf && room) {
        memcpy(buf, addr, room < need ? room : need);
        buf[room - 1] = 0;
    }
    *len = need;
    return buf;
}

static int av_insertsvc(struct fid_av *fid, const char *node, const char *service,
                        fi_addr_t *fi_addr, uint64_t flags, void *context)
{
    (void)fid, (void)node, (void)service, (void)fi_addr, (void)flags, (void)context;
    return -FI_ENOSYS; /* no name of a host or service leads to a process */
}

static int av_insertsym(struct fid_av *fid, const char *node, size_t nodes, const char *service,
                        size_t services, fi_addr_t *fi_addr, uint64_t flags, void *context)
{
    (void)fid, (void)node, (void)nodes, (void)service, (void)services;
    (void)fi_addr, (void)flags, (void)context;
    return -FI_ENOSYS;
}

static int av_close(struct fid *fid)
{
    struct node_av *av = container_of(fid, struct node_av, fid.fid);

    if (atomic_load(&av->users))
        return -FI_EBUSY;
    atomic_fetch_sub(&av->domain->users, 1);
    free(av->table);
    free(av);
    return 0;
}

static int av_bind(struct fid *fid, struct fid *other, uint64_t flags)
{
    (void)fid, (void)flags;
    return other->fclass == FI_CLASS_EQ ? 0 : -FI_EINVAL;
}

static struct fi_ops av_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = av_close,
    .bind = av_bind,
};

static struct fi_ops_av av_ops = {
    .size = sizeof(struct fi_ops_av),
    .insert = av_insert,
    .insertsvc = av_insertsvc,
    .insertsym = av_insertsym,
    .remove = av_remove,
    .lookup = av_lookup,
    .straddr = av_straddr,
};

int node_av_open(struct fid_domain *fid, struct fi_av_attr *attr, struct fid_av **av_fid,
                 void *context)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid);

    if (attr->name || attr->flags & (FI_READ | FI_EVENT))
        return -FI_ENOSYS; /* named, shared and asynchronous vectors are not offered */
    struct node_av *av = calloc(1, sizeof(*av));
    if (!av)
        return -FI_ENOMEM;
    av->domain = domain;
    av->fid = (struct fid_av){{FI_CLASS_AV, context, &av_fid_ops}, &av_ops};
    if (attr->type == FI_AV_UNSPEC)
        attr->type = FI_AV_TABLE;
    atomic_fetch_add(&domain->users, 1);
    *av_fid = &av->fid;
    return 0;
}
