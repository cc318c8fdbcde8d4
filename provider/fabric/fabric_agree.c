/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several hosts must take the same network. Each host's first rank tells what it opened, on which
 * IP networks it could have opened the same, or why it opened nothing; after the exchange all ranks
 * draw the same conclusion from the same words. The network of an IP provider is the one on which
 * every host has an address, and none the address of another: two hosts' docker0 are alike and not
 * the same.
 *
 * They also tell which machine they are on: hosts that are containers of one share its processors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/log.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/interface.h"
#include "provider/fabric/wait.h"

#define TOLD_KEY "oriel.host"

/* Random, drawn at each start of the system, and the same in all containers on it. */
#define BOOT_ID  "/proc/sys/kernel/random/boot_id"

enum {
    TOLD_NETWORKS = 12,
    TOLD_NAME = 64,
    TOLD_PROVIDER = 24,
    TOLD_WHY = 400,
    TOLD_MACHINE = 40,
    TOLD_NONE = UINT8_MAX,
    NOWHERE = -1
};

struct network {
    char interface[IF_NAMESIZE];
    struct interface_address address;
};

/* What a host's first rank tells. The networks come best first; no more of them are sent than there
 * are. */
struct told {
    char host[TOLD_NAME];
    char machine[TOLD_MACHINE];   /* "": not known */
    uint32_t ranks;               /* that it has */
    char provider[TOLD_PROVIDER]; /* "": none opened */
    uint8_t opened;               /* of the networks; TOLD_NONE: the device is on none */
    uint8_t count;                /* of them */
    union {
        struct network networks[TOLD_NETWORKS];
        char why[TOLD_WHY];
    };
};

/* What all of them told, by host; kept until the end of fabric_open. */
struct hearing {
    struct told *hosts;
    size_t count, own; /* `own`: the place of this host */
};

static bool is_ip(const struct fi_info *i)
{
    return i->src_addr && (i->addr_format == FI_SOCKADDR_IN || i->addr_format == FI_SOCKADDR_IN6);
}

static bool network_of(const struct fi_info *info, struct network *network)
{
    struct interface found;

    if (!is_ip(info) || interface_of(info->src_addr, &found))
        return false;
    *network = (struct network){.address = found.address};
    snprintf(network->interface, sizeof(network->interface), "%s", found.name);
    return true;
}

/* Where the network is in the host's list, or NOWHERE. */
static int place_of(const struct told *t, const struct interface_address *network)
{
    for (int i = 0; i < t->count; i++)
        if (interface_same_subnet(&t->networks[i].address, network))
            return i;
    return NOWHERE;
}

static void tell_networks(struct told *t, const struct fabric_choices *c,
                          const struct fi_info *opened)
{
    struct network network;

    for (unsigned i = 0; i < c->count && t->count < TOLD_NETWORKS; i++) {
        const struct fi_info *info = c->best[i].info;
        if (c->best[i].why || c->best[i].error ||
            strcmp(info->fabric_attr->prov_name, opened->fabric_attr->prov_name) ||
            !network_of(info, &network) || place_of(t, &network.address) != NOWHERE)
            continue;
        t->networks[t->count++] = network;
    }
    if (network_of(opened, &network) && place_of(t, &network.address) != NOWHERE)
        t->opened = (uint8_t)place_of(t, &network.address);
}

int fabric_agree_address(const struct fi_info *opened, struct interface_address *own)
{
    struct interface best;
    struct network network;

    if (network_of(opened, &network)) {
        *own = network.address;
        return 0;
    }
    int rc = interface_best(&best);
    if (!rc)
        *own = best.address;
    return rc;
}

static void tell_machine(struct told *t)
{
    FILE *f = fopen(BOOT_ID, "re");

    if (f && !fgets(t->machine, sizeof(t->machine), f))
        *t->machine = 0;
    if (f)
        fclose(f);
    t->ranks = boot_info()->local_size;
}

int fabric_agree_tell(const struct fabric_choices *c, const struct fi_info *opened, const char *why)
{
    struct told t = {.opened = TOLD_NONE};
    size_t len = sizeof(t);

    if (boot_info()->local_rank)
        return 0;
    snprintf(t.host, sizeof(t.host), "%s", boot_info()->host);
    tell_machine(&t);
    if (opened) {
        snprintf(t.provider, sizeof(t.provider), "%s", opened->fabric_attr->prov_name);
        tell_networks(&t, c, opened);
        len = offsetof(struct told, networks) + t.count * sizeof(t.networks[0]);
    } else {
        snprintf(t.why, sizeof(t.why), "%s", why);
    }
    return boot_put(TOLD_KEY, &t, len);
}

static int hear(struct hearing *h)
{
    const uint32_t *ranks;
    int rc = boot_leaders(&ranks, &h->count);

    if (rc)
        return rc;
    h->hosts = calloc(h->count, sizeof(*h->hosts));
    if (!h->hosts)
        return -ENOMEM;
    for (size_t i = 0; i < h->count; i++) {
        size_t len = sizeof(h->hosts[i]);
        rc = boot_get(ranks[i], TOLD_KEY, &h->hosts[i], &len);
        if (rc) {
            LOG(LOG_ERROR, "rank %u has not told which network its host has", ranks[i]);
            return rc;
        }
        if (ranks[i] == boot_local_ranks()[0])
            h->own = i;
    }
    return 0;
}

static void share_machine(const struct hearing *h)
{
    const struct told *own = &h->hosts[h->own];
    uint32_t ranks = 0;

    for (size_t i = 0; i < h->count; i++)
        if (i == h->own || (*own->machine && !strcmp(h->hosts[i].machine, own->machine)))
            ranks += h->hosts[i].ranks;
    if (ranks == own->ranks)
        return;
    LOG(LOG_INFO, "%u ranks of several hosts share this machine's processors", ranks);
    wait_share_machine(ranks);
}

/* True, and why, where a host has no network, or another one than the first host has. */
static bool differ(const struct hearing *h, char *why, size_t room)
{
    const struct told *first = &h->hosts[0];

    for (size_t i = 0; i < h->count; i++)
        if (!*h->hosts[i].provider) {
            snprintf(why, room, "%s: %s", h->hosts[i].host, h->hosts[i].why);
            return true;
        }
    for (size_t i = 1; i < h->count; i++)
        if (strcmp(h->hosts[i].provider, first->provider)) {
            snprintf(why, room,
                     "%s has %s and %s has %s: ORIEL_PROVIDER names one for all, and oriel-info "
                     "--providers tells on each host what there is",
                     first->host, first->provider, h->hosts[i].host, h->hosts[i].provider);
            return true;
        }
    return false;
}

/* Every host has an address of its own in it. */
static bool spans(const struct hearing *h, const struct interface_address *network)
{
    for (size_t i = 0; i < h->count; i++)
        if (place_of(&h->hosts[i], network) == NOWHERE)
            return false;
    for (size_t i = 1; i < h->count; i++) {
        const struct told *a = &h->hosts[i];
        const struct interface_address *own = &a->networks[place_of(a, network)].address;
        for (size_t j = 0; j < i; j++) {
            const struct told *b = &h->hosts[j];
            if (interface_same_address(own, &b->networks[place_of(b, network)].address))
                return false;
        }
    }
    return true;
}

/* The first host's best network that spans all; NULL: none does. */
static const struct interface_address *common(const struct hearing *h)
{
    for (int i = 0; i < h->hosts[0].count; i++)
        if (spans(h, &h->hosts[0].networks[i].address))
            return &h->hosts[0].networks[i].address;
    return NULL;
}

/* Where no network spans all, routers join them: but two hosts that opened one address are not
 * joined. */
static bool collide(const struct hearing *h, char *why, size_t room)
{
    char text[INTERFACE_TEXT];

    for (size_t i = 1; i < h->count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct network *a = &h->hosts[i].networks[h->hosts[i].opened],
                                 *b = &h->hosts[j].networks[h->hosts[j].opened];
            if (!interface_same_address(&a->address, &b->address))
                continue;
            snprintf(why, room,
                     "%s and %s have no network in common: both have the address %s, on %s and %s; "
                     "ORIEL_INTERFACE names the one to use",
                     h->hosts[j].host, h->hosts[i].host, interface_text(&a->address, text),
                     b->interface, a->interface);
            return true;
        }
    return false;
}

/* The choice that is on the network. */
static const struct fi_info *choice_on(const struct fabric_choices *c, const struct fi_info *opened,
                                       const struct interface_address *network)
{
    struct network n;

    if (network_of(opened, &n) && interface_same_subnet(&n.address, network))
        return opened;
    for (unsigned i = 0; i < c->count; i++)
        if (!c->best[i].why && !c->best[i].error &&
            !strcmp(c->best[i].info->fabric_attr->prov_name, opened->fabric_attr->prov_name) &&
            network_of(c->best[i].info, &n) && interface_same_subnet(&n.address, network))
            return c->best[i].info;
    return NULL;
}

/* InfiniBand needs no address of IP; where a host's has none, nothing is to be agreed on. */
static bool all_on_ip(const struct hearing *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->hosts[i].opened >= h->hosts[i].count)
            return false;
    return true;
}

static int conclude(const struct hearing *h, const struct fabric_choices *c,
                    const struct fi_info *opened, struct fabric_verdict *verdict)
{
    if (differ(h, verdict->why, sizeof(verdict->why)))
        return -ENOTCONN;
    if (!opened)
        return -ENODATA;
    if (!all_on_ip(h))
        return 0;
    const struct interface_address *network = common(h);
    if (!network)
        return collide(h, verdict->why, sizeof(verdict->why)) ? -ENOTCONN : 0;
    for (size_t i = 0; i < h->count; i++)
        verdict->moves |= place_of(&h->hosts[i], network) != h->hosts[i].opened;
    verdict->right = choice_on(c, opened, network);
    if (verdict->right && (verdict->moves || verdict->right == opened))
        return 0;
    snprintf(verdict->why, sizeof(verdict->why), "rank %u on %s has another network than its host",
             boot_info()->rank, boot_info()->host);
    return -ENODATA;
}

int fabric_agree(const struct fabric_choices *c, const struct fi_info *opened,
                 struct fabric_verdict *verdict)
{
    struct hearing h = {.count = 0};
    int rc = boot_exchange_wait();

    *verdict = (struct fabric_verdict){.right = opened};
    if (!rc)
        rc = hear(&h);
    if (!rc)
        share_machine(&h);
    if (!rc)
        rc = conclude(&h, c, opened, verdict);
    free(h.hosts);
    return rc;
}
