/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints: made from a domain, bound to their queues, counters and address vector, enabled. The
 * segment is there from the beginning, so that fi_getname works before fi_enable.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/crowd.h"
#include "provider/base/param.h"
#include "provider/node/node_match.h"
#include "provider/node/node_ops.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_rma_now.h"
#include "provider/node/node_wait.h"

/* ---- Binding ---- */

static void link_in(struct node_ep *ep, struct node_ep_link *link, struct list *head)
{
    link->ep = ep;
    if (list_empty(&link->link))
        list_add_tail(head, &link->link);
}

static int bind_cq(struct node_ep *ep, struct node_cq *cq, uint64_t flags)
{
    bool twice = ep->tx_cq == cq || ep->rx_cq == cq;

    if (!(flags & (FI_TRANSMIT | FI_RECV)))
        return -FI_EBADFLAGS;
    if ((flags & FI_TRANSMIT && ep->tx_cq) || (flags & FI_RECV && ep->rx_cq))
        return -FI_EINVAL;
    if (!twice) {
        if (cq->epoll >= 0) {
            int ret = node_wait_watch(cq, ep);
            if (ret)
                return ret;
        }
        link_in(ep, &ep->cq_links[ep->tx_cq || ep->rx_cq], &cq->eps);
        atomic_fetch_add(&cq->users, 1);
    }
    if (flags & FI_TRANSMIT) {
        ep->tx_cq = cq;
        ep->tx_selective = flags & FI_SELECTIVE_COMPLETION;
    }
    if (flags & FI_RECV) {
        ep->rx_cq = cq;
        ep->rx_selective = flags & FI_SELECTIVE_COMPLETION;
    }
    return 0;
}

static int bind_cntr(struct node_ep *ep, struct node_cntr *cntr, uint64_t flags)
{
    static const uint64_t events[NODE_EVENTS] = {FI_SEND, FI_RECV, FI_READ, FI_WRITE};
    bool known = false;

    /* Who accesses our memory does so without us: FI_RMA_EVENT is not offered. */
    if (flags & (FI_REMOTE_READ | FI_REMOTE_WRITE))
        return -FI_ENOSYS;

    for (int i = 0; i < NODE_EVENTS; i++)
        if (flags & events[i]) {
            if (ep->cntr[i])
                return -FI_EINVAL;
            ep->cntr[i] = cntr;
            link_in(ep, &ep->cntr_links[i], &cntr->eps);
            atomic_fetch_add(&cntr->users, 1);
            known = true;
        }
    return known ? 0 : -FI_EBADFLAGS;
}

static int ep_bind(struct fid *fid, struct fid *other, uint64_t flags)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);
    int ret = 0;

    lock_take(ep->lock);
    switch (other->fclass) {
    case FI_CLASS_AV:
        if (ep->av) {
            ret = -FI_EINVAL;
            break;
        }
        ep->av = container_of(other, struct node_av, fid.fid);
        atomic_fetch_add(&ep->av->users, 1);
        break;
    case FI_CLASS_CQ:
        ret = bind_cq(ep, container_of(other, struct node_cq, fid.fid), flags);
        break;
    case FI_CLASS_CNTR:
        ret = bind_cntr(ep, container_of(other, struct node_cntr, fid.fid), flags);
        break;
    case FI_CLASS_EQ:
        break; /* this provider has nothing to report there */
    default:
        ret = -FI_EINVAL;
    }
    lock_drop(ep->lock);
    return ret;
}

static int ep_enable(struct node_ep *ep)
{
    if (!ep->av)
        return -FI_ENOAV;
    if ((ep->caps & (FI_SEND | FI_READ | FI_WRITE) && !ep->tx_cq && !ep->cntr[NODE_SEND] &&
         !ep->cntr[NODE_READ] && !ep->cntr[NODE_WRITE]) ||
        (ep->caps & FI_RECV && !ep->rx_cq && !ep->cntr[NODE_RECV]))
        return -FI_ENOCQ;
    ep->enabled = true;
    return 0;
}

static int ep_control(struct fid *fid, int command, void *arg)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);

    switch (command) {
    case FI_ENABLE:
        return ep_enable(ep);
    case FI_GETOPSFLAG:
        *(uint64_t *)arg = *(uint64_t *)arg & FI_TRANSMIT ? ep->tx_op_flags : ep->rx_op_flags;
        return 0;
    case FI_SETOPSFLAG:
        if (*(uint64_t *)arg & FI_TRANSMIT)
            ep->tx_op_flags = *(uint64_t *)arg & ~FI_TRANSMIT;
        else
            ep->rx_op_flags = *(uint64_t *)arg & ~FI_RECV;
        return 0;
    default:
        return -FI_ENOSYS;
    }
}

/* ---- Life ---- */

static void forget(struct node_ep *ep, struct node_cq *cq)
{
    if (cq->epoll >= 0)
        node_wait_forget(cq, ep);
    atomic_fetch_sub(&cq->users, 1);
}

static void unbind(struct node_ep *ep)
{
    for (int i = 0; i < 2; i++)
        list_drop(&ep->cq_links[i].link);
    if (ep->tx_cq)
        forget(ep, ep->tx_cq);
    if (ep->rx_cq && ep->rx_cq != ep->tx_cq)
        forget(ep, ep->rx_cq);
    for (int i = 0; i < NODE_EVENTS; i++)
        if (ep->cntr[i]) {
            list_drop(&ep->cntr_links[i].link);
            atomic_fetch_sub(&ep->cntr[i]->users, 1);
        }
    if (ep->av)
        atomic_fetch_sub(&ep->av->users, 1);
}

static int ep_close(struct fid *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);
    struct node_domain *domain = ep->domain;

    if (getpid() == ep->pid)
        node_peers_linger(ep);
    lock_take(&domain->lock);
    if (getpid() == ep->pid) {
        node_regions_hide(ep);
        node_pulls_close(ep);
    }
    list_drop(&ep->domain_link);
    unbind(ep);
    node_recvs_close(ep);
    node_peers_close(ep);
    if (getpid() == ep->pid) {
        node_doorbell_silence(ep);
        atomic_store_explicit(&ep->segment->closed, 1, memory_order_release);
    }
    lock_drop(&domain->lock);
    node_doorbell_close(ep);
    node_segment_unmap(ep->segment);
    close(ep->segment_fd);
    pool_close(&ep->recvs);
    pool_close(&ep->unexpecteds);
    pool_close(&ep->ops);
    pool_close(&ep->controls);
    pool_close(&ep->blocks);
    pool_close(&ep->pulls.pool);
    free(ep->sources);
    free(ep);
    atomic_fetch_sub(&domain->users, 1);
    return 0;
}

static ssize_t ep_cancel(fid_t fid, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);

    lock_take(ep->lock);
    ssize_t ret = node_recv_cancel(ep, context);
    lock_drop(ep->lock);
    return ret;
}

static int ep_getopt(fid_t fid, int level, int name, void *value, size_t *len)
{
    (void)fid;
    if (level != FI_OPT_ENDPOINT || name != FI_OPT_CM_DATA_SIZE)
        return -FI_ENOPROTOOPT;
    if (*len < sizeof(size_t))
        return -FI_ETOOSMALL;
    *(size_t *)value = 0;
    *len = sizeof(size_t);
    return 0;
}

static int ep_setopt(fid_t fid, int level, int name, const void *value, size_t len)
{
    (void)fid, (void)level, (void)name, (void)value, (void)len;
    return -FI_ENOPROTOOPT;
}

static int ep_getname(fid_t fid, void *address, size_t *len)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);
    char text[NODE_ADDRESS_TEXT];

    node_address_print(&ep->segment->address, text);
    size_t need = strlen(text) + 1, room = *len;
    *len = need;
    if (room)
        memcpy(address, text, room < need ? room : need);
    return room < need ? -FI_ETOOSMALL : 0;
}

static int ep_ops_open(struct fid *fid, const char *name, uint64_t flags, void **ops, void *context)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid.fid);
    bool serialised = ep->enabled && ep->rx_cq && ep->lock->off;

    (void)flags, (void)context;
    if (serialised && !strcmp(name, NODE_DIRECT_OPS))
        *ops = (void *)&node_direct_ops;
    else if (!strcmp(name, NODE_RMA_NOW_OPS))
        *ops = (void *)&node_rma_now_ops;
    else
        return -FI_ENOSYS;
    return 0;
}

static struct fi_ops ep_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = ep_close,
    .bind = ep_bind,
    .control = ep_control,
    .ops_open = ep_ops_open,
};

static struct fi_ops_ep ep_ops = {
    .size = sizeof(struct fi_ops_ep),
    .cancel = ep_cancel,
    .getopt = ep_getopt,
    .setopt = ep_setopt,
};

static struct fi_ops_cm ep_cm_ops = {
    .size = sizeof(struct fi_ops_cm),
    .getname = ep_getname,
};

/* None in a crowd: a look at all of them is work for the processor that others wait for, and nobody
 * writes while another one reads. */
static unsigned rings(void)
{
    if (crowded)
        return 0;
    return param.node_rings < 0 ? 0 : param.node_rings < NODE_RINGS ? param.node_rings : NODE_RINGS;
}

static void ep_set_up(struct node_ep *ep, struct node_domain *domain, struct fi_info *info,
                      void *context)
{
    ep->domain = domain;
    ep->pid = getpid();
    ep->lock = &domain->lock;
    ep->caps = info->caps;
    ep->tx_op_flags = info->tx_attr ? info->tx_attr->op_flags : 0;
    ep->rx_op_flags = info->rx_attr ? info->rx_attr->op_flags : 0;
    node_match_open(&ep->tagged);
    node_match_open(&ep->plain);
    node_inlet_open(&ep->in, ep->segment);
    ep->in.match = &ep->tagged;
    pool_open(&ep->recvs, sizeof(struct node_recv), 64);
    pool_open(&ep->unexpecteds, sizeof(struct node_unexpected), 64);
    pool_open(&ep->ops, sizeof(struct node_op), 64);
    pool_open(&ep->controls, sizeof(struct node_control), 64);
    pool_open(&ep->blocks, sizeof(struct node_blocks), 8);
    list_init(&ep->busy);
    list_init(&ep->coming);
    list_init(&ep->all_peers);
    list_init(&ep->domain_link);
    for (int i = 0; i < 2; i++)
        list_init(&ep->cq_links[i].link);
    for (int i = 0; i < NODE_EVENTS; i++)
        list_init(&ep->cntr_links[i].link);
    node_chunks_open(ep);
    node_pulls_open(ep);
    ep->fid = (struct fid_ep){.fid = {FI_CLASS_EP, context, &ep_fid_ops},
                              .ops = &ep_ops,
                              .cm = &ep_cm_ops,
                              .msg = &node_msg_ops,
                              .tagged = &node_tagged_ops,
                              .rma = &node_rma_ops,
                              .atomic = &node_atomic_ops};
}

int node_endpoint(struct fid_domain *fid, struct fi_info *info, struct fid_ep **ep_fid,
                  void *context)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid);
    struct node_ep *ep = calloc(1, sizeof(*ep));
    int ret = -FI_ENOMEM;

    if (!ep)
        return ret;
    ep->sources = calloc(NODE_SOURCES, sizeof(*ep->sources));
    if (!ep->sources)
        goto free_ep;
    ret = node_segment_create(&ep->probe_word, rings(), &ep->segment, &ep->segment_fd);
    if (ret)
        goto free_sources;
    ep_set_up(ep, domain, info, context);
    ret = node_doorbell_open(ep);
    if (ret)
        goto close_segment;
    lock_take(&domain->lock);
    list_add_tail(&domain->eps, &ep->domain_link);
    node_regions_show(ep);
    lock_drop(&domain->lock);
    atomic_fetch_add(&domain->users, 1);
    *ep_fid = &ep->fid;
    return 0;

close_segment:
    node_segment_unmap(ep->segment);
    close(ep->segment_fd);
free_sources:
    free(ep->sources);
free_ep:
    free(ep);
    return ret;
}
