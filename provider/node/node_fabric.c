/* SPDX-License-Identifier: BSD-3-Clause */
/* The fabric, which is this host, and the domain, of which it has one. */
#include <stdlib.h>
#include <string.h>

#include "provider/base/param.h"
#include "provider/node/node_memory.h"
#include "provider/node/node_ops.h"
#include "provider/node/node_provider.h"
#include "provider/node/node_wait.h"

/* ---- Domain ---- */

static int domain_close(struct fid *fid)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid.fid);

    if (atomic_load(&domain->users))
        return -FI_EBUSY;
    atomic_fetch_sub(&domain->fabric->users, 1);
    free(domain);
    return 0;
}

static int domain_bind(struct fid *fid, struct fid *other, uint64_t flags)
{
    (void)fid, (void)flags;
    return other->fclass == FI_CLASS_EQ ? 0 : -FI_EINVAL;
}

static int domain_ops_open(struct fid *fid, const char *name, uint64_t flags, void **ops,
                           void *context)
{
    (void)fid, (void)flags, (void)context;
    if (strcmp(name, NODE_MEMORY_OPS))
        return -FI_ENOSYS;
    *ops = (void *)&node_memory_ops;
    return 0;
}

static struct fi_ops domain_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = domain_close,
    .bind = domain_bind,
    .ops_open = domain_ops_open,
};

static struct fi_ops_domain domain_ops = {
    .size = sizeof(struct fi_ops_domain),
    .av_open = node_av_open,
    .cq_open = node_cq_open,
    .endpoint = node_endpoint,
    .cntr_open = node_cntr_open,
    .query_atomic = node_query_atomic,
};

int node_domain_open(struct fid_fabric *fid, struct fi_info *info, struct fid_domain **domain_fid,
                     void *context)
{
    struct node_fabric *fabric = container_of(fid, struct node_fabric, fid);
    struct node_domain *domain = calloc(1, sizeof(*domain));

    if (!domain)
        return -FI_ENOMEM;
    domain->fabric = fabric;
    domain->mr_mode = info->domain_attr->mr_mode;
    /* FI_THREAD_DOMAIN: the program serialises all calls on the domain's objects itself. */
    domain->lock.off = info->domain_attr->threading == FI_THREAD_DOMAIN;
    list_init(&domain->eps);
    list_init(&domain->mrs);
    domain->fid = (struct fid_domain){
        .fid = {FI_CLASS_DOMAIN, context, &domain_fid_ops}, .ops = &domain_ops, .mr = &node_mr_ops};
    atomic_fetch_add(&fabric->users, 1);
    *domain_fid = &domain->fid;
    return 0;
}

/* ---- Fabric ---- */

static int fabric_close(struct fid *fid)
{
    struct node_fabric *fabric = container_of(fid, struct node_fabric, fid.fid);

    if (atomic_load(&fabric->users))
        return -FI_EBUSY;
    free(fabric);
    return 0;
}

/* An event queue that stays empty: nothing here is asynchronous, but programs open one. */
static ssize_t eq_read(struct fid_eq *eq, uint32_t *event, void *buf, size_t len, uint64_t flags)
{
    (void)eq, (void)event, (void)buf, (void)len, (void)flags;
    return -FI_EAGAIN;
}

static ssize_t eq_readerr(struct fid_eq *eq, struct fi_eq_err_entry *buf, uint64_t flags)
{
    (void)eq, (void)buf, (void)flags;
    return -FI_EAGAIN;
}

static ssize_t eq_sread(struct fid_eq *eq, uint32_t *event, void *buf, size_t len, int timeout,
                        uint64_t flags)
{
    (void)eq, (void)event, (void)buf, (void)len, (void)timeout, (void)flags;
    return -FI_ENOSYS;
}

static const char *eq_strerror(struct fid_eq *eq, int prov_errno, const void *err_data, char *buf,
                               size_t len)
{
    (void)eq, (void)err_data, (void)buf, (void)len;
    return node_strerror(prov_errno);
}

static int eq_close(struct fid *fid)
{
    free(container_of(fid, struct fid_eq, fid));
    return 0;
}

static struct fi_ops eq_fid_ops = {.size = sizeof(struct fi_ops), .close = eq_close};

static struct fi_ops_eq eq_ops = {
    .size = sizeof(struct fi_ops_eq),
    .read = eq_read,
    .readerr = eq_readerr,
    .sread = eq_sread,
    .strerror = eq_strerror,
};

static int eq_open(struct fid_fabric *fabric, struct fi_eq_attr *attr, struct fid_eq **eq_fid,
                   void *context)
{
    struct fid_eq *eq = calloc(1, sizeof(*eq));

    (void)fabric, (void)attr;
    if (!eq)
        return -FI_ENOMEM;
    *eq = (struct fid_eq){{FI_CLASS_EQ, context, &eq_fid_ops}, &eq_ops};
    *eq_fid = eq;
    return 0;
}

static struct fi_ops fabric_fid_ops = {.size = sizeof(struct fi_ops), .close = fabric_close};

static struct fi_ops_fabric fabric_ops = {
    .size = sizeof(struct fi_ops_fabric),
    .domain = node_domain_open,
    .eq_open = eq_open,
    .trywait = node_trywait,
};

int node_fabric_open(struct fi_fabric_attr *attr, struct fid_fabric **fabric_fid, void *context)
{
    if (attr->name && strcmp(attr->name, NODE_FABRIC_NAME))
        return -FI_ENODATA;
    param_open(); /* for those who use us without the rest of the library */
    struct node_fabric *fabric = calloc(1, sizeof(*fabric));
    if (!fabric)
        return -FI_ENOMEM;
    fabric->fid = (struct fid_fabric){.fid = {FI_CLASS_FABRIC, context, &fabric_fid_ops},
                                      .ops = &fabric_ops,
                                      .api_version = attr->api_version};
    *fabric_fid = &fabric->fid;
    return 0;
}
