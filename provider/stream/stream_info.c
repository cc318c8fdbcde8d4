/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fi_getinfo: one info for each IP address that is up. What is said here works; a hint that cannot
 * be met gives -FI_ENODATA.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "provider/node/node_provider.h"
#include "provider/stream/stream.h"

#define STREAM_PROTOCOL (1u << 31 | 0x4f53u) /* the provider's own; "OS" */
#define STREAM_LONGEST  (SIZE_MAX / 2)

#define TX_CAPS         (FI_MSG | FI_TAGGED | FI_RMA | FI_SEND | FI_READ | FI_WRITE)
#define RX_CAPS                                                                                    \
    (FI_MSG | FI_TAGGED | FI_RMA | FI_RECV | FI_REMOTE_READ | FI_REMOTE_WRITE | FI_DIRECTED_RECV)
#define CAPS  (TX_CAPS | RX_CAPS | FI_LOCAL_COMM | FI_REMOTE_COMM)
#define ORDER (FI_ORDER_SAS | FI_ORDER_RAW | FI_ORDER_WAW | FI_ORDER_WAS | FI_ORDER_SAW)

static bool contexts_fit(const struct fi_info *h)
{
    const struct fi_tx_attr *tx = h->tx_attr;
    const struct fi_rx_attr *rx = h->rx_attr;

    return (!tx || (!(tx->msg_order & ~ORDER) && tx->inject_size <= STREAM_INJECT &&
                    tx->size <= STREAM_QUEUE && tx->iov_limit <= STREAM_IOV)) &&
           (!rx ||
            (!(rx->msg_order & ~ORDER) && rx->size <= STREAM_QUEUE && rx->iov_limit <= STREAM_IOV));
}

/* Calls on one domain's objects must be serialised: there are no locks here. */
static bool domain_fits(const struct fi_domain_attr *a)
{
    return !a || ((a->threading == FI_THREAD_DOMAIN || a->threading == FI_THREAD_UNSPEC) &&
                  a->data_progress != FI_PROGRESS_AUTO && a->cq_data_size <= sizeof(uint64_t) &&
                  a->mr_key_size <= sizeof(uint64_t));
}

static bool fits(const struct fi_info *h)
{
    if (!h)
        return true;
    return !(h->caps & ~CAPS) &&
           (!h->ep_attr || h->ep_attr->type == FI_EP_UNSPEC || h->ep_attr->type == FI_EP_RDM) &&
           contexts_fit(h) && domain_fits(h->domain_attr) &&
           (!h->fabric_attr || !h->fabric_attr->prov_name ||
            !strcmp(h->fabric_attr->prov_name, STREAM_PROVIDER_NAME));
}

static void fill_attributes(struct fi_info *i, uint32_t version)
{
    i->caps = CAPS;
    *i->tx_attr = (struct fi_tx_attr){.caps = TX_CAPS,
                                      .msg_order = ORDER,
                                      .inject_size = STREAM_INJECT,
                                      .size = STREAM_QUEUE,
                                      .iov_limit = STREAM_IOV,
                                      .rma_iov_limit = 1};
    *i->rx_attr = (struct fi_rx_attr){
        .caps = RX_CAPS, .msg_order = ORDER, .size = STREAM_QUEUE, .iov_limit = STREAM_IOV};
    *i->ep_attr = (struct fi_ep_attr){.type = FI_EP_RDM,
                                      .protocol = STREAM_PROTOCOL,
                                      .protocol_version = 1,
                                      .max_msg_size = STREAM_LONGEST,
                                      .max_order_raw_size = STREAM_LONGEST,
                                      .max_order_waw_size = STREAM_LONGEST,
                                      .mem_tag_format = 0xaaaaaaaaaaaaaaaaull, /* 64 bits */
                                      .tx_ctx_cnt = 1,
                                      .rx_ctx_cnt = 1};
    i->fabric_attr->prov_version = FI_VERSION(1, 0);
    i->fabric_attr->api_version = version;
}

static bool fill_domain(struct fi_info *i, const char *interface)
{
    *i->domain_attr = (struct fi_domain_attr){.name = strdup(interface),
                                              .threading = FI_THREAD_DOMAIN,
                                              .control_progress = FI_PROGRESS_MANUAL,
                                              .data_progress = FI_PROGRESS_MANUAL,
                                              .resource_mgmt = FI_RM_ENABLED,
                                              .av_type = FI_AV_TABLE,
                                              .mr_key_size = sizeof(uint64_t),
                                              .cq_data_size = sizeof(uint64_t),
                                              .cq_cnt = 1,
                                              .ep_cnt = 1,
                                              .tx_ctx_cnt = 1,
                                              .rx_ctx_cnt = 1,
                                              .max_ep_tx_ctx = 1,
                                              .max_ep_rx_ctx = 1,
                                              .mr_iov_limit = 1,
                                              .caps = FI_LOCAL_COMM | FI_REMOTE_COMM};
    i->fabric_attr->name = strdup(STREAM_PROVIDER_NAME);
    i->fabric_attr->prov_name = strdup(STREAM_PROVIDER_NAME);
    return i->domain_attr->name && i->fabric_attr->name && i->fabric_attr->prov_name;
}

/* The address of an interface, without a port. */
static bool fill_address(struct fi_info *i, const struct sockaddr *a)
{
    size_t len = a->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

    i->addr_format = a->sa_family == AF_INET ? FI_SOCKADDR_IN : FI_SOCKADDR_IN6;
    i->src_addr = malloc(len);
    if (!i->src_addr)
        return false;
    i->src_addrlen = len;
    memcpy(i->src_addr, a, len);
    if (a->sa_family == AF_INET)
        ((struct sockaddr_in *)i->src_addr)->sin_port = 0;
    else
        ((struct sockaddr_in6 *)i->src_addr)->sin6_port = 0;
    return true;
}

/* A link-local address means nothing without its interface, which no peer knows. */
static bool is_of_use(const struct ifaddrs *a)
{
    if (!a->ifa_addr || !(a->ifa_flags & IFF_UP))
        return false;
    if (a->ifa_addr->sa_family == AF_INET6) {
        struct in6_addr six = ((const struct sockaddr_in6 *)a->ifa_addr)->sin6_addr;
        return !IN6_IS_ADDR_LINKLOCAL(&six);
    }
    return a->ifa_addr->sa_family == AF_INET;
}

static struct fi_info *info_of(const struct ifaddrs *a, uint32_t version)
{
    struct fi_info *i = node_info_dup(NULL);

    if (!i)
        return NULL;
    fill_attributes(i, version);
    if (fill_domain(i, a->ifa_name) && fill_address(i, a->ifa_addr))
        return i;
    node_info_free(i);
    return NULL;
}

int stream_getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
                   const struct fi_info *hints, struct fi_info **info)
{
    struct fi_info *first = NULL, **end = &first;
    struct ifaddrs *list;
    bool memory = true;

    (void)node, (void)service, (void)flags;
    if (!fits(hints))
        return -FI_ENODATA;
    if (getifaddrs(&list))
        return -errno;
    for (const struct ifaddrs *a = list; a && memory; a = a->ifa_next) {
        if (!is_of_use(a))
            continue;
        *end = info_of(a, version);
        memory = *end;
        if (memory)
            end = &(*end)->next;
    }
    freeifaddrs(list);
    if (!memory) {
        node_info_free(first);
        return -FI_ENOMEM;
    }
    *info = first;
    return first ? 0 : -FI_ENODATA;
}
