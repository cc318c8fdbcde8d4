/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening the endpoint and closing it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/interface.h"
#include "provider/fabric/wait.h"
#include "provider/pulse/pulse.h"

size_t fabric_inject_most;
static char why_not[512];
struct fabric fabric = {.wait_fd = -1, .wake_fd = -1};

#define CLOSE(object)                                                                              \
    do {                                                                                           \
        if (object)                                                                                \
            fi_close(&(object)->fid);                                                              \
        (object) = NULL;                                                                           \
    } while (0)

static void close_endpoint(void)
{
    CLOSE(fabric.ep);
    CLOSE(fabric.cq);
    CLOSE(fabric.av);
    CLOSE(fabric.domain);
    CLOSE(fabric.fabric);
    if (fabric.info)
        fabric.source->freeinfo(fabric.info);
    fabric.info = NULL;
}

static int bind_endpoint(struct fi_info *info)
{
    int rc = fi_endpoint(fabric.domain, info, &fabric.ep, NULL);

    if (!rc)
        rc = fi_ep_bind(fabric.ep, &fabric.av->fid, 0);
    if (!rc)
        rc = fi_ep_bind(fabric.ep, &fabric.cq->fid, FI_TRANSMIT | FI_RECV);
    return rc ? rc : fi_enable(fabric.ep);
}

/* All or nothing. */
static int open_endpoint(const struct fabric_source *source, const struct fi_info *choice)
{
    /* No count: a provider takes kilobytes for each peer that it is told to expect. */
    struct fi_av_attr av = {.type = FI_AV_TABLE};
    struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_TAGGED, .wait_obj = FI_WAIT_FD};
    struct fi_info *info = fabric.info = source->dupinfo(choice);

    if (!info)
        return -ENOMEM;
    fabric.source = source;
    cq.size = info->tx_attr->size + info->rx_attr->size;
    int rc = source->fabric(info->fabric_attr, &fabric.fabric, NULL);
    if (!rc)
        rc = fi_domain(fabric.fabric, info, &fabric.domain, NULL);
    if (!rc)
        rc = fi_av_open(fabric.domain, &av, &fabric.av, NULL);
    if (!rc)
        rc = fi_cq_open(fabric.domain, &cq, &fabric.cq, NULL);
    if (rc == -FI_ENOSYS) { /* no wait object: waits then sleep by the clock */
        cq.wait_obj = FI_WAIT_NONE;
        rc = fi_cq_open(fabric.domain, &cq, &fabric.cq, NULL);
    }
    if (!rc)
        rc = bind_endpoint(info);
    if (rc)
        close_endpoint();
    return rc;
}

/* A key's value cannot be changed after the exchange. */
static const char *address_key(void)
{
    return fabric.moved ? "oriel.moved" : "oriel.fabric";
}

static int publish_address(void)
{
    char name[ADDRESS_BYTES];
    size_t len = sizeof(name);
    int rc = fi_getname(&fabric.ep->fid, name, &len);

    if (rc) {
        LOG(LOG_ERROR, "%s does not tell its address: %s", fabric_provider(),
            strerror(-fabric_errno(rc)));
        return fabric_errno(rc);
    }
    return boot_put(address_key(), name, len);
}

int fabric_address(uint32_t rank, char name[ADDRESS_BYTES])
{
    size_t len = ADDRESS_BYTES;

    return boot_get(rank, address_key(), name, &len);
}

enum { LEAST_TRANSFER = 64 }; /* bytes: what the library's own words need */

/* What the core may count on, from the chosen info alone. */
static int derive_limits(void)
{
    const struct fi_info *i = fabric.info;
    const char *provider = i->fabric_attr->prov_name, *why;
    long tail, emulated;

    fabric.limits = (struct fabric_limits){.inject = i->tx_attr->inject_size,
                                           .eager = fabric_quirks_eager(i),
                                           .transfer = i->ep_attr->max_msg_size,
                                           .word = i->domain_attr->cq_data_size};
    if (param.max_message && param.max_message < fabric.limits.transfer)
        fabric.limits.transfer =
            param.max_message < LEAST_TRANSFER ? LEAST_TRANSFER : param.max_message;
    if (fabric.limits.inject > fabric.limits.transfer)
        fabric.limits.inject = fabric.limits.transfer;
    fabric.limits.tail = fabric_quirk(provider, QUIRK_TAIL, &tail, &why) && tail;
    fabric.limits.emulated = fabric_quirk(provider, QUIRK_EMULATED, &emulated, &why) && emulated;
    fabric.receives_max = i->rx_attr->size;
    fabric.sends_max = i->tx_attr->size;
    if (!fabric.limits.tail)
        return 0;
    fabric.tail = malloc(fabric.limits.eager);
    return fabric.tail ? 0 : -ENOMEM;
}

/* The first of the choices that really opens. */
static int open_first(const struct fabric_choices *c)
{
    int rc = -ENODATA;

    for (unsigned i = 0; rc && i < c->count && !c->best[i].why; i++) {
        const struct fi_info *info = c->best[i].info;
        rc = open_endpoint(c->source, info);
        c->best[i].error = fabric_errno(rc);
        if (rc)
            LOG(LOG_INFO, "%s on %s does not open: %s", info->fabric_attr->prov_name,
                info->domain_attr->name, strerror(-fabric_errno(rc)));
    }
    return rc;
}

static int open_node(void)
{
    struct fabric_choices c;
    int rc = fabric_choices_node(&c);

    if (rc)
        return rc;
    rc = open_first(&c);
    fabric_choices_close(&c);
    return rc;
}

/* Deaths are noticed by the launcher alone where this fails. */
static int listen_beside(const struct fi_info *opened)
{
    struct interface_address own;
    int rc = fabric_agree_address(opened, &own);

    if (!rc)
        rc = pulse_listen(&own);
    if (rc)
        LOG(LOG_WARN, "no connections to notice other hosts' deaths by: %s", strerror(-rc));
    return rc == -ENOMEM ? rc : 0;
}

/* The address is published anew, under another key, where some rank has moved. */
static int settle_on(const struct fabric_choices *c, const struct fabric_verdict *verdict,
                     const struct fi_info *opened)
{
    int rc = 0;

    if (verdict->right != opened) {
        LOG(LOG_INFO, "%s on %s instead of %s, which does not reach all hosts", fabric_provider(),
            verdict->right->domain_attr->name, opened->domain_attr->name);
        close_endpoint();
        rc = open_endpoint(c->source, verdict->right);
    }
    if (!verdict->moves || rc)
        return rc;
    fabric.moved = true;
    rc = publish_address();
    if (!rc)
        rc = listen_beside(verdict->right);
    return rc ? rc : boot_exchange_again();
}

/* Several hosts: all of them take the same network, or none goes on. */
static int agree(const struct fabric_choices *c, const struct fi_info *opened)
{
    struct fabric_verdict verdict;
    int rc = fabric_agree(c, opened, &verdict);

    if (!rc)
        return settle_on(c, &verdict, opened);
    if (*verdict.why)
        snprintf(why_not, sizeof(why_not), "%s", verdict.why);
    if (rc == -ENOTCONN && boot_info()->rank)
        boot_speak_late(); /* rank 0 says it for all */
    return rc;
}

/* The one that opened, or NULL and why not. */
static const struct fi_info *open_choice(const struct fabric_choices *c)
{
    if (open_first(c)) {
        fabric_choices_explain(c, why_not, sizeof(why_not));
        return NULL;
    }
    unsigned i = 0;
    while (c->best[i].error)
        i++;
    if (!fabric_choices_refuse(c, c->best[i].info, why_not, sizeof(why_not)))
        return c->best[i].info;
    close_endpoint();
    return NULL;
}

/* Several hosts: what this one has for the others is published, and theirs is looked at. */
static int meet_hosts(const struct fabric_choices *c, const struct fi_info *opened)
{
    int rc = boot_secret_put();

    if (!rc && opened)
        rc = publish_address();
    if (!rc && opened)
        rc = listen_beside(opened);
    if (!rc)
        rc = wait_publish();
    if (!rc)
        rc = fabric_agree_tell(c, opened, why_not);
    if (!rc)
        rc = agree(c, opened);
    if (rc)
        return rc;
    rc = pulse_start();
    if (rc)
        LOG(LOG_WARN, "other hosts' deaths will not be noticed: %s", strerror(-rc));
    return 0;
}

static int open_best(void)
{
    struct fabric_choices c;

    if (fabric_wants_node() && !open_node())
        return 0;
    int rc = fabric_choices_open(&c, boot_info()->one_host);
    if (rc)
        return rc;
    const struct fi_info *opened = open_choice(&c);
    if (!boot_info()->one_host) {
        rc = meet_hosts(&c, opened);
    } else if (!opened) {
        rc = -ENODATA;
    }
    fabric_choices_close(&c);
    return rc;
}

int fabric_open(void)
{
    if (fabric.open)
        return 0;
    list_init(&fabric.blocked);
    list_init(&fabric.waiting_receives);
    fabric.peer_count = boot_info()->size;
    fabric.peers = calloc(fabric.peer_count, sizeof(*fabric.peers));
    if (!fabric.peers)
        return -ENOMEM;
    int rc = open_best();
    if (rc)
        goto free_peers;
    rc = derive_limits();
    if (!rc && boot_info()->one_host)
        rc = publish_address();
    if (!rc && boot_info()->one_host)
        rc = wait_publish();
    if (rc)
        goto close_endpoint;
    if (fi_control(&fabric.cq->fid, FI_GETWAIT, &fabric.wait_fd))
        fabric.wait_fd = -1;
    fabric.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* -1 is ignored by poll */
    if (!FI_CHECK_OP(fabric.ep->fid.ops, struct fi_ops, ops_open) ||
        fi_open_ops(&fabric.ep->fid, NODE_DIRECT_OPS, 0, (void **)&fabric.direct, NULL))
        fabric.direct = NULL;
    if (!fabric.direct ||
        fi_open_ops(&fabric.ep->fid, NODE_RMA_NOW_OPS, 0, (void **)&fabric.rma_now, NULL))
        fabric.rma_now = NULL;
    fabric_now_update();
    rc = fabric_notes_open();
    if (rc)
        goto close_wake;
    fabric_inject_most = fabric.limits.inject;
    fabric.open = true;
    LOG(LOG_INFO, "%s on %s", fabric_provider(), fabric.info->domain_attr->name);
    return 0;

close_wake:
    close(fabric.wake_fd);
close_endpoint:
    close_endpoint();
    free(fabric.tail);
    fabric.tail = NULL;
free_peers:
    free(fabric.peers);
    fabric.peers = NULL;
    return rc;
}

const char *fabric_why_not(void)
{
    return why_not;
}

bool fabric_is_open(void)
{
    return fabric.open;
}

void fabric_close(void)
{
    if (!fabric.open)
        return;
    pulse_stop();
    close_endpoint();
    for (uint32_t rank = 0; rank < fabric.peer_count; rank++)
        free(fabric.peers[rank]);
    free(fabric.peers);
    free(fabric.tail);
    close(fabric.wake_fd);
    memset(&fabric, 0, sizeof(fabric));
    fabric_now_update();
    fabric.wait_fd = fabric.wake_fd = -1;
}

const struct fabric_limits *fabric_limits(void)
{
    return &fabric.limits;
}

const char *fabric_provider(void)
{
    return fabric.info ? fabric.info->fabric_attr->prov_name : "none";
}
