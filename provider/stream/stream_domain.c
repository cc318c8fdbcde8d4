/* SPDX-License-Identifier: BSD-3-Clause */
/* The fabric, its domains, and the memory that is registered with one: found by its key. */
#include <stdlib.h>
#include <string.h>

#include "provider/stream/stream.h"

/* ---- Memory ---- */

static struct list *bucket(struct stream_domain *domain, uint64_t key)
{
    return &domain->mrs[(key ^ key >> 32) % STREAM_MR_BUCKETS];
}

static struct stream_mr *find(struct stream_domain *domain, uint64_t key)
{
    struct list *head = bucket(domain, key);

    for (struct list *l = head->next; l != head; l = l->next) {
        struct stream_mr *mr = container_of(l, struct stream_mr, link);
        if (mr->fid.key == key)
            return mr;
    }
    return NULL;
}

int stream_mr_find(struct stream_domain *domain, uint64_t key, uint64_t offset, uint64_t len,
                   uint64_t access, void **place)
{
    struct stream_mr *mr = find(domain, key);

    if (!mr)
        return -FI_ENOKEY;
    if ((mr->access & access) != access)
        return -FI_EACCES;
    if (offset > mr->len || len > mr->len - offset)
        return -ERANGE;
    *place = mr->base + offset;
    return 0;
}

static int mr_close(struct fid *fid)
{
    struct stream_mr *mr = container_of(fid, struct stream_mr, fid.fid);

    if (mr->domain->ep)
        stream_in_unregister(mr->domain->ep, mr->fid.key);
    list_drop(&mr->link);
    mr->domain->users--;
    free(mr);
    return 0;
}

static struct fi_ops mr_fid_ops = {.size = sizeof(struct fi_ops), .close = mr_close};

static int mr_reg(struct fid *fid, const void *buf, size_t len, uint64_t access, uint64_t offset,
                  uint64_t key, uint64_t flags, struct fid_mr **mr_fid, void *context)
{
    struct stream_domain *domain = container_of(fid, struct stream_domain, fid.fid);

    (void)offset; /* reserved */
    if (flags)
        return -FI_EBADFLAGS;
    if (find(domain, key))
        return -FI_ENOKEY;
    struct stream_mr *mr = calloc(1, sizeof(*mr));
    if (!mr)
        return -FI_ENOMEM;
    mr->domain = domain;
    mr->base = (unsigned char *)buf;
    mr->len = len;
    mr->access = access;
    mr->fid =
        (struct fid_mr){.fid = {FI_CLASS_MR, context, &mr_fid_ops}, .mem_desc = NULL, .key = key};
    list_add_tail(bucket(domain, key), &mr->link);
    domain->users++;
    *mr_fid = &mr->fid;
    return 0;
}

static struct fi_ops_mr mr_ops = {.size = sizeof(struct fi_ops_mr), .reg = mr_reg};

/* ---- Domain ---- */

static int domain_close(struct fid *fid)
{
    struct stream_domain *domain = container_of(fid, struct stream_domain, fid.fid);

    if (domain->users)
        return -FI_EBUSY;
    domain->fabric->users--;
    free(domain);
    return 0;
}

static struct fi_ops domain_fid_ops = {.size = sizeof(struct fi_ops), .close = domain_close};

static struct fi_ops_domain domain_ops = {
    .size = sizeof(struct fi_ops_domain),
    .av_open = stream_av_open,
    .cq_open = stream_cq_open,
    .endpoint = stream_endpoint,
};

static int domain_open(struct fid_fabric *fid, struct fi_info *info, struct fid_domain **domain_fid,
                       void *context)
{
    struct stream_fabric *fabric = container_of(fid, struct stream_fabric, fid);
    struct stream_domain *domain = calloc(1, sizeof(*domain));

    (void)info;
    if (!domain)
        return -FI_ENOMEM;
    domain->fabric = fabric;
    for (int i = 0; i < STREAM_MR_BUCKETS; i++)
        list_init(&domain->mrs[i]);
    domain->fid = (struct fid_domain){
        .fid = {FI_CLASS_DOMAIN, context, &domain_fid_ops}, .ops = &domain_ops, .mr = &mr_ops};
    fabric->users++;
    *domain_fid = &domain->fid;
    return 0;
}

/* ---- Fabric ---- */

static int fabric_close(struct fid *fid)
{
    struct stream_fabric *fabric = container_of(fid, struct stream_fabric, fid.fid);

    if (fabric->users)
        return -FI_EBUSY;
    free(fabric);
    return 0;
}

static struct fi_ops fabric_fid_ops = {.size = sizeof(struct fi_ops), .close = fabric_close};

static struct fi_ops_fabric fabric_ops = {
    .size = sizeof(struct fi_ops_fabric),
    .domain = domain_open,
    .trywait = stream_trywait,
};

int stream_fabric_open(struct fi_fabric_attr *attr, struct fid_fabric **fabric_fid, void *context)
{
    if (attr->name && strcmp(attr->name, STREAM_PROVIDER_NAME))
        return -FI_ENODATA;
    struct stream_fabric *fabric = calloc(1, sizeof(*fabric));
    if (!fabric)
        return -FI_ENOMEM;
    fabric->fid = (struct fid_fabric){.fid = {FI_CLASS_FABRIC, context, &fabric_fid_ops},
                                      .ops = &fabric_ops,
                                      .api_version = attr->api_version};
    *fabric_fid = &fabric->fid;
    return 0;
}
