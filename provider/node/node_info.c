/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fi_getinfo: what this provider is, held against what a program asks for. What is said here works;
 * a hint that cannot be met gives -FI_ENODATA, so that libfabric goes on to the next provider.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider/node/node_ops.h"
#include "provider/node/node_provider.h"

enum {
    QUEUE = 1 << 20, /* operations at once: memory is the limit */
    COUNT = 1024,    /* of objects, likewise */
};

/* libfabric 2 has taken these out, or warns of them; programs of before still use the values. */
#ifndef FI_PROV_SPECIFIC
#define FI_PROV_SPECIFIC (1u << 31)
#endif
enum { MR_BASIC = 1 << 0 };

#define PROTOCOL (FI_PROV_SPECIFIC | 0x4f52u) /* "OR" */
#define LONGEST  (SIZE_MAX / 2)

#define TX_CAPS  (FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_SEND | FI_READ | FI_WRITE)
#define RX_CAPS                                                                                    \
    (FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_RECV | FI_REMOTE_READ | FI_REMOTE_WRITE |        \
     FI_DIRECTED_RECV | FI_SOURCE)
#define CAPS (TX_CAPS | RX_CAPS | FI_LOCAL_COMM)
#define TX_FLAGS                                                                                   \
    (FI_INJECT | FI_COMPLETION | FI_INJECT_COMPLETE | FI_TRANSMIT_COMPLETE | FI_DELIVERY_COMPLETE)
#define RX_FLAGS (FI_COMPLETION)
#define ORDER                                                                                      \
    (FI_ORDER_SAS | FI_ORDER_RAW | FI_ORDER_WAW | FI_ORDER_RMA_RAW | FI_ORDER_RMA_WAW |            \
     FI_ORDER_ATOMIC_RAR | FI_ORDER_ATOMIC_RAW | FI_ORDER_ATOMIC_WAR | FI_ORDER_ATOMIC_WAW)

/* ---- Memory: as libfabric would allocate and free it ---- */

void node_info_free(struct fi_info *list)
{
    while (list) {
        struct fi_info *next = list->next;
        free(list->src_addr);
        free(list->dest_addr);
        free(list->tx_attr);
        free(list->rx_attr);
        if (list->ep_attr)
            free(list->ep_attr->auth_key);
        free(list->ep_attr);
        if (list->domain_attr) {
            free(list->domain_attr->name);
            free(list->domain_attr->auth_key);
        }
        free(list->domain_attr);
        if (list->fabric_attr) {
            free(list->fabric_attr->name);
            free(list->fabric_attr->prov_name);
        }
        free(list->fabric_attr);
        free(list);
        list = next;
    }
}

static void *copy_of(const void *what, size_t len)
{
    void *copy = what && len ? malloc(len) : NULL;

    return copy ? memcpy(copy, what, len) : NULL;
}

static char *text_of(const char *text)
{
    return text ? strdup(text) : NULL;
}

static struct fi_info *node_info_new(void)
{
    struct fi_info *i = calloc(1, sizeof(*i));

    if (!i)
        return NULL;
    i->tx_attr = calloc(1, sizeof(*i->tx_attr));
    i->rx_attr = calloc(1, sizeof(*i->rx_attr));
    i->ep_attr = calloc(1, sizeof(*i->ep_attr));
    i->domain_attr = calloc(1, sizeof(*i->domain_attr));
    i->fabric_attr = calloc(1, sizeof(*i->fabric_attr));
    if (i->tx_attr && i->rx_attr && i->ep_attr && i->domain_attr && i->fabric_attr)
        return i;
    node_info_free(i);
    return NULL;
}

struct fi_info *node_info_dup(const struct fi_info *info)
{
    struct fi_info *i = node_info_new();

    if (!i || !info)
        return i;
    struct fi_info parts = *i;
    *i = *info;
    i->next = NULL;
    i->tx_attr = parts.tx_attr;
    i->rx_attr = parts.rx_attr;
    i->ep_attr = parts.ep_attr;
    i->domain_attr = parts.domain_attr;
    i->fabric_attr = parts.fabric_attr;
    i->src_addr = copy_of(info->src_addr, info->src_addrlen);
    i->dest_addr = copy_of(info->dest_addr, info->dest_addrlen);
    *i->tx_attr = *info->tx_attr;
    *i->rx_attr = *info->rx_attr;
    *i->ep_attr = *info->ep_attr;
    i->ep_attr->auth_key = copy_of(info->ep_attr->auth_key, info->ep_attr->auth_key_size);
    *i->domain_attr = *info->domain_attr;
    i->domain_attr->name = text_of(info->domain_attr->name);
    i->domain_attr->auth_key =
        copy_of(info->domain_attr->auth_key, info->domain_attr->auth_key_size);
    *i->fabric_attr = *info->fabric_attr;
    i->fabric_attr->name = text_of(info->fabric_attr->name);
    i->fabric_attr->prov_name = text_of(info->fabric_attr->prov_name);
    return i;
}

/* ---- What is asked for ---- */

static bool name_fits(const char *wanted, const char *ours)
{
    return !wanted || !strcasecmp(wanted, ours);
}

static bool ep_fits(const struct fi_ep_attr *a)
{
    return !a || ((a->type == FI_EP_UNSPEC || a->type == FI_EP_RDM) &&
                  (!a->protocol || a->protocol == PROTOCOL) && a->max_msg_size <= LONGEST &&
                  !a->msg_prefix_size && a->max_order_raw_size <= LONGEST &&
                  !a->max_order_war_size && a->max_order_waw_size <= LONGEST &&
                  a->tx_ctx_cnt <= 1 && a->rx_ctx_cnt <= 1 && !a->auth_key_size);
}

static bool tx_fits(const struct fi_tx_attr *a)
{
    return !a || (!(a->caps & ~TX_CAPS) && !(a->op_flags & ~TX_FLAGS) && !(a->msg_order & ~ORDER) &&
                  !a->comp_order && a->inject_size <= NODE_CHUNK && a->size <= QUEUE &&
                  a->iov_limit <= NODE_IOV && a->rma_iov_limit <= 1);
}

static bool rx_fits(const struct fi_rx_attr *a)
{
    return !a || (!(a->caps & ~RX_CAPS) && !(a->op_flags & ~RX_FLAGS) && !(a->msg_order & ~ORDER) &&
                  !a->comp_order && a->size <= QUEUE && a->iov_limit <= NODE_IOV);
}

static bool domain_fits(const struct fi_domain_attr *a)
{
    return !a || (name_fits(a->name, NODE_DOMAIN_NAME) && a->data_progress != FI_PROGRESS_AUTO &&
                  a->cq_data_size <= sizeof(uint64_t) && !(a->caps & ~CAPS) && !a->auth_key_size &&
                  a->mr_key_size <= sizeof(uint64_t) && a->mr_cnt <= NODE_REGIONS &&
                  a->mr_iov_limit <= 1 && a->max_ep_tx_ctx <= 1 && a->max_ep_rx_ctx <= 1 &&
                  !a->max_ep_stx_ctx && !a->max_ep_srx_ctx && a->cq_cnt <= COUNT &&
                  a->ep_cnt <= COUNT && a->cntr_cnt <= COUNT);
}

static bool dest_fits(const struct fi_info *h)
{
    struct node_address a;

    return !h->dest_addr ||
           (memchr(h->dest_addr, 0, h->dest_addrlen) && !node_address_parse(h->dest_addr, &a));
}

static bool fits(const struct fi_info *h)
{
    if (!h)
        return true;
    return !(h->caps & ~CAPS) &&
           (h->addr_format == FI_FORMAT_UNSPEC || h->addr_format == FI_ADDR_STR) &&
           ep_fits(h->ep_attr) && tx_fits(h->tx_attr) && rx_fits(h->rx_attr) &&
           domain_fits(h->domain_attr) &&
           (!h->fabric_attr || (name_fits(h->fabric_attr->name, NODE_FABRIC_NAME) &&
                                name_fits(h->fabric_attr->prov_name, NODE_PROVIDER_NAME))) &&
           dest_fits(h);
}

/* ---- What is answered ---- */

/* No capabilities asked for means all; asked for primary ones, the secondary ones come with them.
 */
static uint64_t caps_given(const struct fi_info *h)
{
    static const uint64_t primary = FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_DIRECTED_RECV;
    static const uint64_t ways =
        FI_SEND | FI_RECV | FI_READ | FI_WRITE | FI_REMOTE_READ | FI_REMOTE_WRITE;

    if (!h || !h->caps)
        return CAPS;
    uint64_t caps = h->caps | FI_LOCAL_COMM;
    if (!(caps & primary))
        caps |= primary;
    if (!(caps & ways))
        caps |= (caps & (FI_MSG | FI_TAGGED) ? FI_SEND | FI_RECV : 0) |
                (caps & (FI_RMA | FI_ATOMIC) ? FI_READ | FI_WRITE | FI_REMOTE_READ | FI_REMOTE_WRITE
                                             : 0);
    return caps;
}

static void fill_contexts(struct fi_info *i, const struct fi_info *h)
{
    *i->tx_attr = (struct fi_tx_attr){
        .caps = i->caps & TX_CAPS,
        .op_flags = h && h->tx_attr ? h->tx_attr->op_flags : 0,
        .msg_order = ORDER,
        .inject_size = NODE_CHUNK,
        .size = QUEUE,
        .iov_limit = NODE_IOV,
        .rma_iov_limit = 1,
    };
    *i->rx_attr = (struct fi_rx_attr){
        .caps = i->caps & RX_CAPS,
        .op_flags = h && h->rx_attr ? h->rx_attr->op_flags : 0,
        .msg_order = ORDER,
        .size = QUEUE,
        .iov_limit = NODE_IOV,
    };
}

static void fill_ep(struct fi_info *i)
{
    *i->ep_attr = (struct fi_ep_attr){
        .type = FI_EP_RDM,
        .protocol = PROTOCOL,
        .protocol_version = NODE_MAGIC & 0xffff,
        .max_msg_size = LONGEST,
        .max_order_raw_size = LONGEST,
        .max_order_waw_size = LONGEST,
        .mem_tag_format = 0xaaaaaaaaaaaaaaaaull, /* 64 bits in one field */
        .tx_ctx_cnt = 1,
        .rx_ctx_cnt = 1,
    };
}

static bool fill_domain(struct fi_info *i, const struct fi_info *h)
{
    const struct fi_domain_attr *a = h ? h->domain_attr : NULL;
    enum { OBEYED = FI_MR_VIRT_ADDR | FI_MR_PROV_KEY };

    *i->domain_attr = (struct fi_domain_attr){
        .name = strdup(NODE_DOMAIN_NAME),
        .threading = a && a->threading ? a->threading : FI_THREAD_SAFE,
        .control_progress = a && a->control_progress ? a->control_progress : FI_PROGRESS_AUTO,
        .data_progress = FI_PROGRESS_MANUAL,
        .resource_mgmt = FI_RM_ENABLED,
        .av_type = a && a->av_type ? a->av_type : FI_AV_UNSPEC,
        /* Addresses and keys as the program likes them; basic means both of ours. */
        .mr_mode = !a                       ? 0
                   : a->mr_mode == MR_BASIC ? (int)OBEYED
                                            : a->mr_mode & OBEYED,
        .mr_key_size = sizeof(uint64_t),
        .cq_data_size = sizeof(uint64_t),
        .cq_cnt = COUNT,
        .ep_cnt = COUNT,
        .tx_ctx_cnt = COUNT,
        .rx_ctx_cnt = COUNT,
        .max_ep_tx_ctx = 1,
        .max_ep_rx_ctx = 1,
        .cntr_cnt = COUNT,
        .mr_iov_limit = 1,
        .caps = FI_LOCAL_COMM,
        .mr_cnt = NODE_REGIONS,
    };
    return i->domain_attr->name;
}

static bool fill(struct fi_info *i, uint32_t version, const struct fi_info *h)
{
    i->caps = caps_given(h);
    i->addr_format = FI_ADDR_STR;
    fill_contexts(i, h);
    fill_ep(i);
    i->fabric_attr->name = strdup(NODE_FABRIC_NAME);
    /* prov_name is libfabric's to fill in. */
    i->fabric_attr->prov_version = node_provider.version;
    i->fabric_attr->api_version = version;
    return fill_domain(i, h) && i->fabric_attr->name;
}

/* A destination in the hints, or as `node` without FI_SOURCE, comes back in the answer. */
static bool fill_dest(struct fi_info *i, const char *node, uint64_t flags, const struct fi_info *h)
{
    const char *text = node && !(flags & FI_SOURCE) ? node : h ? h->dest_addr : NULL;

    if (!text)
        return true;
    i->dest_addr = strdup(text);
    i->dest_addrlen = strlen(text) + 1;
    return i->dest_addr;
}

int node_getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
                 const struct fi_info *hints, struct fi_info **info)
{
    struct node_address a;

    (void)service;
    /* Before 1.5 memory registration meant something else. */
    if (FI_VERSION_LT(version, FI_VERSION(1, 5)))
        return -FI_ENODATA;
    if (!(flags & FI_PROV_ATTR_ONLY) && !fits(hints))
        return -FI_ENODATA;
    /* Another host is not reached from here, nor has this one a name. */
    if (node && !(flags & FI_SOURCE) && node_address_parse(node, &a))
        return -FI_ENODATA;
    struct fi_info *i = node_info_new();
    if (!i)
        return -FI_ENOMEM;
    if (!fill(i, version, hints) || !fill_dest(i, node, flags, hints)) {
        node_info_free(i);
        return -FI_ENOMEM;
    }
    *info = i;
    return 0;
}
