/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that others may access. Registering shows it in the segments of the domain's endpoints:
 * a peer finds there by key what it may do and where the memory is, and checks before it acts.
 * Memory from node_memory.c is a file that the peer maps and then loads and stores itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provider/node/node_memory.h"
#include "provider/node/node_ops.h"

struct node_mr {
    struct fid_mr fid;
    struct node_domain *domain;
    struct list link; /* in domain->mrs */
    uint64_t base, len;
    uint32_t flags; /* NODE_REGION_* */
};

/* ---- The owner's side ---- */

static struct node_region *region_of(struct node_segment *s, uint64_t key)
{
    for (unsigned i = 0; i < NODE_REGIONS; i++) {
        struct node_region *r = &s->regions[(key + i) % NODE_REGIONS];
        unsigned generation = atomic_load_explicit(&r->generation, memory_order_acquire);
        if (!generation)
            return NULL;
        if (generation & 1 && r->key == key)
            return r;
    }
    return NULL;
}

static int show(struct node_ep *ep, const struct node_mr *mr)
{
    struct node_segment *s = ep->segment;
    uint64_t key = mr->fid.key;

    for (unsigned i = 0; i < NODE_REGIONS; i++) {
        struct node_region *r = &s->regions[(key + i) % NODE_REGIONS];
        if (atomic_load_explicit(&r->generation, memory_order_relaxed) & 1)
            continue;
        /* Whoever reads one of these sees that the region before was closed. */
        atomic_thread_fence(memory_order_release);
        r->flags = mr->flags;
        r->key = key;
        r->base = mr->base;
        r->len = mr->len;
        r->fd = node_memory_file(mr->base, mr->len, &r->file_base, &r->file_len);
        atomic_fetch_add_explicit(&r->generation, 1, memory_order_release);
        return 0;
    }
    return -FI_ENOSPC;
}

static void hide(struct node_ep *ep, uint64_t key)
{
    struct node_region *r = region_of(ep->segment, key);

    if (r)
        atomic_fetch_add_explicit(&r->generation, 1, memory_order_release);
}

void node_regions_show(struct node_ep *ep)
{
    for (struct list *l = ep->domain->mrs.next; l != &ep->domain->mrs; l = l->next)
        show(ep, container_of(l, struct node_mr, link));
}

void node_regions_hide(struct node_ep *ep)
{
    for (struct list *l = ep->domain->mrs.next; l != &ep->domain->mrs; l = l->next)
        hide(ep, container_of(l, struct node_mr, link)->fid.key);
}

static int mr_close(struct fid *fid)
{
    struct node_mr *mr = container_of(fid, struct node_mr, fid.fid);
    struct node_domain *domain = mr->domain;

    lock_take(&domain->lock);
    for (struct list *l = domain->eps.next; l != &domain->eps; l = l->next)
        hide(container_of(l, struct node_ep, domain_link), mr->fid.key);
    list_drop(&mr->link);
    lock_drop(&domain->lock);
    atomic_fetch_sub(&domain->users, 1);
    free(mr);
    return 0;
}

static int mr_bind(struct fid *fid, struct fid *other, uint64_t flags)
{
    (void)fid, (void)other, (void)flags;
    return -FI_ENOSYS; /* counters of remote access are not offered */
}

static int mr_control(struct fid *fid, int command, void *arg)
{
    (void)fid, (void)arg;
    return command == FI_ENABLE ? 0 : -FI_ENOSYS;
}

static struct fi_ops mr_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = mr_close,
    .bind = mr_bind,
    .control = mr_control,
};

static bool key_taken(struct node_domain *domain, uint64_t key)
{
    for (struct list *l = domain->mrs.next; l != &domain->mrs; l = l->next)
        if (container_of(l, struct node_mr, link)->fid.key == key)
            return true;
    return false;
}

/* Gives the region its key and shows it: 0, or -errno with nothing shown. */
static int publish(struct node_domain *domain, struct node_mr *mr, uint64_t requested)
{
    struct list *l;
    int ret = 0;

    mr->fid.key = domain->mr_mode & FI_MR_PROV_KEY ? ++domain->next_key : requested;
    if (!(domain->mr_mode & FI_MR_PROV_KEY) && key_taken(domain, requested))
        return -FI_ENOKEY;
    for (l = domain->eps.next; !ret && l != &domain->eps; l = l->next)
        ret = show(container_of(l, struct node_ep, domain_link), mr);
    if (ret) {
        for (l = domain->eps.next; l != &domain->eps; l = l->next)
            hide(container_of(l, struct node_ep, domain_link), mr->fid.key);
        return ret;
    }
    list_add_tail(&domain->mrs, &mr->link);
    return 0;
}

static int mr_reg(struct fid *fid, const void *buf, size_t len, uint64_t access, uint64_t offset,
                  uint64_t requested_key, uint64_t flags, struct fid_mr **mr_fid, void *context)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid.fid);
    struct node_mr *mr;

    if (fid->fclass != FI_CLASS_DOMAIN || flags || offset)
        return -FI_EINVAL;
    mr = calloc(1, sizeof(*mr));
    if (!mr)
        return -FI_ENOMEM;
    mr->domain = domain;
    mr->base = (uintptr_t)buf;
    mr->len = len;
    mr->flags = (access & FI_REMOTE_READ ? NODE_REGION_READ : 0) |
                (access & FI_REMOTE_WRITE ? NODE_REGION_WRITE : 0) |
                (domain->mr_mode & FI_MR_VIRT_ADDR ? 0 : NODE_REGION_OFFSET);
    mr->fid = (struct fid_mr){.fid = {FI_CLASS_MR, context, &mr_fid_ops}, .mem_desc = mr};
    lock_take(&domain->lock);
    int ret = publish(domain, mr, requested_key);
    lock_drop(&domain->lock);
    if (ret) {
        free(mr);
        return ret;
    }
    atomic_fetch_add(&domain->users, 1);
    *mr_fid = &mr->fid;
    return 0;
}

static int mr_regv(struct fid *fid, const struct iovec *iov, size_t count, uint64_t access,
                   uint64_t offset, uint64_t requested_key, uint64_t flags, struct fid_mr **mr,
                   void *context)
{
    if (count != 1)
        return -FI_EINVAL; /* mr_iov_limit */
    return mr_reg(fid, iov->iov_base, iov->iov_len, access, offset, requested_key, flags, mr,
                  context);
}

static int mr_regattr(struct fid *fid, const struct fi_mr_attr *attr, uint64_t flags,
                      struct fid_mr **mr)
{
    return mr_regv(fid, attr->mr_iov, attr->iov_count, attr->access, attr->offset,
                   attr->requested_key, flags, mr, attr->context);
}

struct fi_ops_mr node_mr_ops = {
    .size = sizeof(struct fi_ops_mr),
    .reg = mr_reg,
    .regv = mr_regv,
    .regattr = mr_regattr,
};

/* ---- The other side ---- */

/* A file of the peer's, mapped here; good as long as the region's generation stands. */
struct node_map {
    struct node_map *next;
    const struct node_region *region;
    unsigned generation;
    void *at;
    size_t len;
};

static void *map_region(struct node_peer *peer, const struct node_region *r, unsigned generation)
{
    char path[64];
    size_t len = r->file_len; /* once: another region may have the place by now */

    snprintf(path, sizeof(path), "/proc/%u/fd/%d", peer->segment->address.pid, r->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return NULL;
    struct node_map *map = malloc(sizeof(*map));
    if (!map) {
        munmap(at, len);
        return NULL;
    }
    *map = (struct node_map){peer->maps, r, generation, at, len};
    peer->maps = map;
    return at;
}

/* Where this process sees the file of a region; mapped at first use, unmapped when it is stale. */
static void *mapped(struct node_peer *peer, const struct node_region *r, unsigned generation)
{
    for (struct node_map **m = &peer->maps; *m; m = &(*m)->next) {
        struct node_map *map = *m;
        if (map->region != r)
            continue;
        if (map->generation == generation)
            return map->at;
        *m = map->next;
        munmap(map->at, map->len);
        free(map);
        break;
    }
    return map_region(peer, r, generation);
}

void node_maps_close(struct node_peer *peer)
{
    while (peer->maps) {
        struct node_map *map = peer->maps;
        peer->maps = map->next;
        munmap(map->at, map->len);
        free(map);
    }
}

/* Good where the region is of that generation before and after. */
static int place_in(struct node_ep *ep, struct node_peer *peer, const struct node_region *r,
                    unsigned generation, uint64_t address, size_t len, unsigned access,
                    struct node_place *place)
{
    uint64_t offset = r->flags & NODE_REGION_OFFSET ? address : address - r->base;
    if ((r->flags & access) != access)
        return -FI_EACCES;
    if (offset > r->len || len > r->len - offset)
        return -ERANGE;
    place->there = r->base + offset;
    place->shared = r->fd >= 0;
    place->whole = r->len == UINT64_MAX;
    if (node_address_equal(&peer->segment->address, &ep->segment->address)) {
        place->here = (void *)(uintptr_t)place->there;
    } else if (place->shared) {
        char *at = mapped(peer, r, generation);
        if (!at)
            return -FI_EACCES; /* never by another way: the atomics' authority must not change */
        place->here = at + (place->there - r->file_base);
    } else {
        place->here = NULL;
    }
    return 0;
}

int node_place_find(struct node_ep *ep, struct node_peer *peer, uint64_t key, uint64_t address,
                    size_t len, unsigned access, struct node_place *place)
{
    const struct node_region *r = region_of(peer->segment, key);

    if (!r)
        return -FI_ENOKEY;
    unsigned generation = atomic_load_explicit(&r->generation, memory_order_acquire);
    if (!(generation & 1) || r->key != key)
        return -FI_ENOKEY; /* closed this moment */
    int ret = place_in(ep, peer, r, generation, address, len, access, place);
    atomic_thread_fence(memory_order_acquire);
    /* Closed meanwhile, and perhaps opened for other memory: what was read may be of both. */
    if (atomic_load_explicit(&r->generation, memory_order_relaxed) != generation)
        return -FI_ENOKEY;
    return ret;
}
