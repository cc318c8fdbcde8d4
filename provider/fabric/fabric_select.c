/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which providers and interfaces there are, in which order to try them, and why one is not used.
 * One direction only: what we need goes into fi_getinfo, what comes out is the truth.
 *
 * Sockets need no libfabric: our own provider drives them. libfabric is loaded and asked only where
 * it may have more: its first fi_getinfo costs each process 80 ms of a processor, as its verbs
 * provider reads /proc/kallsyms whatever devices there are and whatever FI_PROVIDER says.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/interface.h"
#include "provider/fabric/rdma_port.h"
#include "provider/node/node_provider.h"
#include "provider/stream/stream_provider.h"

/*
 * Local registration (FI_MR_LOCAL) is not offered: providers that can live without it, rxm above
 * all, then do it themselves, and the others are not for us until we register what we send.
 */
static struct fi_info *hints_make(const struct fabric_source *source)
{
    struct fi_info *h = source->dupinfo(NULL);

    if (!h)
        return NULL;
    h->caps = FI_TAGGED | FI_MSG | FI_RMA | FI_SEND | FI_RECV | FI_READ | FI_WRITE |
              FI_REMOTE_READ | FI_REMOTE_WRITE | FI_DIRECTED_RECV;
    h->mode = FI_CONTEXT | FI_CONTEXT2;
    h->ep_attr->type = FI_EP_RDM;
    h->tx_attr->msg_order = FI_ORDER_SAS;
    h->rx_attr->msg_order = FI_ORDER_SAS;
    h->domain_attr->mr_mode = FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
    h->domain_attr->cq_data_size = 4; /* a sender's rank; psm2 then has tags of 60 bits */
    h->domain_attr->av_type = FI_AV_TABLE;
    h->domain_attr->resource_mgmt = FI_RM_ENABLED;
    h->domain_attr->data_progress = FI_PROGRESS_MANUAL;
    h->domain_attr->threading = FI_THREAD_DOMAIN; /* callers serialise */
    return h;
}

/* The address of an info that has an IP one, as text; "" otherwise. */
static void address_text(const struct fi_info *info, char text[INET6_ADDRSTRLEN])
{
    text[0] = 0;
    if (info->addr_format == FI_SOCKADDR_IN && info->src_addr)
        inet_ntop(AF_INET, &((struct sockaddr_in *)info->src_addr)->sin_addr, text,
                  INET6_ADDRSTRLEN);
    else if (info->addr_format == FI_SOCKADDR_IN6 && info->src_addr)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)info->src_addr)->sin6_addr, text,
                  INET6_ADDRSTRLEN);
}

/* On one host, sockets are on loopback: nothing of the job can be reached from elsewhere. */
static const char *interface_flaw(const struct fi_info *info, bool one_host, uint32_t *speed)
{
    const char *name = info->domain_attr->name ? info->domain_attr->name : "", *why;
    struct interface interface = {.name = ""};
    char text[INET6_ADDRSTRLEN];
    long sockets;

    address_text(info, text);
    bool known = *text && !interface_of(info->src_addr, &interface);
    *speed = interface.speed;
    if (*param.interface && strcmp(param.interface, name) && strcmp(param.interface, text) &&
        (!known || strcmp(param.interface, interface.name)))
        return "ORIEL_INTERFACE names another interface";
    if (*param.interface && (!interface.link_local || !strcmp(param.interface, text)))
        return NULL;
    if (!*text)
        return NULL; /* not an IP device */
    if (one_host && fabric_quirk(info->fabric_attr->prov_name, QUIRK_SOCKETS, &sockets, &why))
        return interface.loopback ? NULL : "the job is on one host: loopback serves";
    if (interface.loopback)
        return "loopback does not reach other hosts";
    return known ? interface.flaw : "no interface of this host has its address";
}

/* ---- Who is asked ---- */

static const struct fabric_source stream_source = {stream_getinfo, node_info_dup, node_info_free,
                                                   NULL, stream_fabric_open};

/*
 * What the user asked for by name, by our variable or else by libfabric's, which may be a list;
 * NULL: nothing. A list that only leaves some out, or an empty one, names nothing: libfabric obeys
 * it, and all else is as without it.
 */
static const char *asked_for(void)
{
    const char *list = getenv("FI_PROVIDER");

    if (*param.provider)
        return param.provider;
    return list && *list && *list != '^' ? list : NULL;
}

/* Does the name (n bytes; with core providers only the core part of one) mean this provider? */
static bool means(const char *name, size_t n, const char *provider)
{
    return !strncasecmp(name, provider, n) && (!provider[n] || !strcmp(provider + n, ";ofi_rxm"));
}

static bool is_named(const char *provider)
{
    const char *name = asked_for();

    while (name) {
        size_t n = strcspn(name, ",");
        if (n && means(name, n, provider))
            return true;
        name = name[n] ? name + n + 1 : NULL;
    }
    return false;
}

/* libfabric hides what its list has not, but ours is none of its providers. */
static bool hidden(const struct fabric_choice *c)
{
    return c->source == &stream_source && !*param.provider && asked_for() &&
           !is_named(STREAM_PROVIDER_NAME);
}

static bool libfabric_may_have_more(bool all)
{
    const char *asked = asked_for();

    return all || (asked ? strcasecmp(asked, STREAM_PROVIDER_NAME) != 0 : rdma_device_present());
}

/* ---- What they offer, in order ---- */

static void judge(struct fabric_choice *c, bool one_host)
{
    const char *provider = c->info->fabric_attr->prov_name, *why;
    long value;
    bool named = is_named(provider);

    c->rank = fabric_quirk(provider, QUIRK_RANK, &value, &why) ? value : 0;
    if (*param.provider && !named)
        c->why = "ORIEL_PROVIDER names another provider";
    else if (hidden(c))
        c->why = "FI_PROVIDER names another provider";
    else if (!(fabric_tag_mask(c->info) >> (FABRIC_TAG_BITS - 1)))
        c->why = "its tags have too few bits";
    else if (!named && fabric_quirk(provider, QUIRK_REFUSE, &value, &why))
        c->why = why;
    else if (!named && !c->rank)
        c->why = "not tried with this library: ask for it by ORIEL_PROVIDER";
    else
        c->why = interface_flaw(c->info, one_host, &c->speed);
    if (c->info->addr_format == FI_SOCKADDR_IN6)
        c->rank--; /* the same interface by its IPv4 address first */
}

static int compare_choices(const void *a, const void *b)
{
    const struct fabric_choice *x = a, *y = b;

    if (!x->why != !y->why)
        return x->why ? 1 : -1;
    if (x->rank != y->rank)
        return y->rank - x->rank;
    if (x->speed != y->speed)
        return x->speed < y->speed ? 1 : -1;
    return x->place < y->place ? -1 : 1;
}

/* What the source has is added to what others have. */
static int ask(struct fabric_choices *c, const struct fabric_source *source)
{
    struct fabric_offer *o = &c->offers[c->offer_count];
    struct fi_info *hints = hints_make(source);

    if (!hints)
        return -ENOMEM;
    int rc = source->getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &o->list);
    source->freeinfo(hints);
    if (rc) /* it has nothing: no fault */
        return rc == -FI_ENOMEM ? -ENOMEM : 0;
    o->source = source;
    c->offer_count++;
    return 0;
}

static unsigned offered(const struct fabric_choices *c)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->offer_count; i++)
        for (const struct fi_info *info = c->offers[i].list; info; info = info->next)
            n++;
    return n;
}

static int put_in_order(struct fabric_choices *c, bool one_host)
{
    unsigned n = offered(c);

    if (!n)
        return 0;
    c->best = calloc(n, sizeof(*c->best));
    if (!c->best)
        return -ENOMEM;
    for (unsigned i = 0; i < c->offer_count; i++)
        for (struct fi_info *info = c->offers[i].list; info; info = info->next) {
            struct fabric_choice *one = &c->best[c->count];
            *one = (struct fabric_choice){
                .source = c->offers[i].source, .info = info, .place = c->count++};
            judge(one, one_host);
        }
    qsort(c->best, c->count, sizeof(*c->best), compare_choices);
    return 0;
}

static int ask_libfabric(struct fabric_choices *c)
{
    const struct fabric_source *library;
    char port[96];
    int rc = fabric_library_open(&library);

    if (rc)
        return rc;
    fabric_quirks_environment(boot_info()->job, boot_info()->size, library->version(),
                              !rdma_port_active(port, sizeof(port)));
    return ask(c, library);
}

int fabric_choices_open(struct fabric_choices *c, bool one_host, bool all)
{
    int rc = 0;

    *c = (struct fabric_choices){0};
    if (libfabric_may_have_more(all))
        rc = ask_libfabric(c);
    if (rc == -ENOENT && (all || !asked_for() || is_named(STREAM_PROVIDER_NAME)))
        rc = 0; /* it said so; what needs no libfabric goes on */
    if (!rc)
        rc = ask(c, &stream_source);
    if (!rc)
        rc = put_in_order(c, one_host);
    if (rc)
        fabric_choices_close(c);
    return rc;
}

void fabric_choices_close(struct fabric_choices *c)
{
    free(c->best);
    for (unsigned i = 0; i < c->offer_count; i++)
        c->offers[i].source->freeinfo(c->offers[i].list);
    *c = (struct fabric_choices){0};
}

/* ---- What is opened of a network's choice ---- */

static bool wants_atomics(const char *provider)
{
    const char *why;
    long native;

    if (strcmp(param.locks, "auto"))
        return !strcmp(param.locks, "atomics");
    return fabric_quirk(provider, QUIRK_ATOMICS, &native, &why) && native;
}

/* The same once more, with atomics; NULL where it has none. */
static struct fi_info *with_atomics(const struct fabric_source *source,
                                    const struct fi_info *choice)
{
    struct fi_info *hints = source->dupinfo(choice), *info;

    if (!hints)
        return NULL;
    hints->caps |= FI_ATOMIC;
    hints->tx_attr->caps = hints->rx_attr->caps = 0;
    /* Of the orders that it has for other operations only ours: rxm has none for atomics. */
    hints->tx_attr->msg_order = hints->rx_attr->msg_order = FI_ORDER_SAS;
    if (source->getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info))
        info = NULL;
    source->freeinfo(hints);
    return info;
}

struct fi_info *fabric_choice_info(const struct fabric_source *source, const struct fi_info *choice)
{
    struct fi_info *more = NULL;

    if (wants_atomics(choice->fabric_attr->prov_name))
        more = with_atomics(source, choice);
    return more ? more : source->dupinfo(choice);
}

/* ---- Our own provider ---- */

/* libfabric puts the provider's name into what it passes on; without it, that is left to us. */
static int node_getinfo_named(uint32_t version, const char *node, const char *service,
                              uint64_t flags, const struct fi_info *hints, struct fi_info **info)
{
    int rc = node_getinfo(version, node, service, flags, hints, info);

    if (rc)
        return rc;
    (*info)->fabric_attr->prov_name = strdup(NODE_PROVIDER_NAME);
    if ((*info)->fabric_attr->prov_name)
        return 0;
    node_info_free(*info);
    return -FI_ENOMEM;
}

static const struct fabric_source node_source = {node_getinfo_named, node_info_dup, node_info_free,
                                                 NULL, node_fabric_open};

bool fabric_wants_node(void)
{
    /* FI_PROVIDER is about networks. */
    return boot_info()->one_host &&
           (*param.provider ? !strcmp(param.provider, NODE_PROVIDER_NAME) : param.node);
}

bool fabric_wants_node_beside(void)
{
    const struct boot_info *b = boot_info();

    return param.node && !b->one_host && b->local_size > 1;
}

int fabric_choices_node(struct fabric_choices *c)
{
    *c = (struct fabric_choices){0};
    int rc = ask(c, &node_source);
    if (!rc)
        rc = put_in_order(c, true);
    if (!rc && !c->count)
        rc = -ENODATA;
    if (rc)
        fabric_choices_close(c);
    for (unsigned i = 0; i < c->count; i++)
        c->best[i].why = NULL; /* what is asked for by name and interface is the network */
    return rc;
}

/* The names of the choices, each once, best first: "psm2, tcp;ofi_rxm". */
static void list_names(const struct fabric_choices *c, char *text, size_t room)
{
    size_t at = 0;

    *text = 0;
    for (unsigned i = 0; i < c->count && at < room; i++) {
        const char *name = c->best[i].info->fabric_attr->prov_name;
        if (!hidden(&c->best[i]) && !strstr(text, name))
            at += snprintf(text + at, room - at, "%s%s", at ? ", " : "", name);
    }
}

/* Where nothing may be used: the first that was asked for by name. */
static const struct fabric_choice *named_in_vain(const struct fabric_choices *c)
{
    for (unsigned i = 0; i < c->count && c->best[i].why; i++)
        if (is_named(c->best[i].info->fabric_attr->prov_name))
            return &c->best[i];
    return NULL;
}

void fabric_choices_explain(const struct fabric_choices *c, char *why, size_t room)
{
    const char *variable = *param.provider ? "ORIEL_PROVIDER" : "FI_PROVIDER";
    const struct fabric_choice *vain = named_in_vain(c);
    const char *asked = asked_for();
    char text[256];

    list_names(c, text, sizeof(text));
    if (vain)
        snprintf(why, room, "%s=%s: %s on %s cannot be used: %s", variable, asked,
                 vain->info->fabric_attr->prov_name, vain->info->domain_attr->name, vain->why);
    else if (asked && *text)
        snprintf(why, room, "%s=%s: no such provider can be used here; there is %s", variable,
                 asked, text);
    else if (asked) /* libfabric itself hides all others */
        snprintf(why, room,
                 "%s=%s: no such provider can be used here; without it, oriel-info --providers "
                 "tells what there is",
                 variable, asked);
    else if (*param.interface)
        snprintf(why, room,
                 "ORIEL_INTERFACE=%s: no provider opens on it; see oriel-info --providers",
                 param.interface);
    else
        snprintf(why, room, "no network opens here%s%s; see oriel-info --providers",
                 *text ? "; tried " : "", text);
}

enum {
    LOCKED_FEW = 128 << 20
}; /* bytes: with less, want of locked memory is what one suspects first */

/* What may stand behind an endpoint that does not open: registered memory is locked memory. */
static void suspect_lock_limit(int error, char *text, size_t room)
{
    struct rlimit limit;

    *text = 0;
    if ((error == -ENOMEM || error == -EPERM) && !getrlimit(RLIMIT_MEMLOCK, &limit) &&
        limit.rlim_cur < LOCKED_FEW)
        snprintf(text, room, "; only %llu KiB may be locked, see ulimit -l",
                 (unsigned long long)limit.rlim_cur / 1024);
}

/* Several infos of one device differ in what nobody here asks for: the first stands for all. */
static bool repeats(const struct fabric_choices *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(c->best[i].info->fabric_attr->prov_name,
                    c->best[n].info->fabric_attr->prov_name) &&
            !strcmp(c->best[i].info->domain_attr->name, c->best[n].info->domain_attr->name))
            return true;
    return false;
}

static int rank_of(const struct fabric_choices *c, const struct fi_info *info)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->best[i].info == info)
            return c->best[i].rank;
    return 0;
}

/* What was tried first and did not open, and what is better than that and may not be used. */
static void list_failures(const struct fabric_choices *c, const struct fi_info *opened, char *text,
                          size_t room)
{
    int rank = rank_of(c, opened);
    char limit[64];
    size_t at = 0;

    *text = 0;
    for (unsigned i = 0; i < c->count && at < room; i++) {
        const struct fabric_choice *b = &c->best[i];
        if ((!b->error && (!b->why || b->rank <= rank)) || repeats(c, i))
            continue;
        if (!strcmp(b->info->fabric_attr->prov_name, opened->fabric_attr->prov_name))
            continue; /* on another device */
        suspect_lock_limit(b->error, limit, sizeof(limit));
        at += snprintf(text + at, room - at, "%s%s on %s %s (%s%s)", at ? ", " : "",
                       b->info->fabric_attr->prov_name, b->info->domain_attr->name,
                       b->why ? "cannot be used" : "does not open",
                       b->why ? b->why : strerror(-b->error), limit);
    }
}

bool fabric_choices_refuse(const struct fabric_choices *c, const struct fi_info *opened, char *why,
                           size_t room)
{
    const char *provider = opened->fabric_attr->prov_name, *reason;
    char port[96], failures[256];
    long sockets;

    if (boot_info()->one_host || param.allow_tcp || asked_for() ||
        !fabric_quirk(provider, QUIRK_SOCKETS, &sockets, &reason) || !sockets ||
        !rdma_port_active(port, sizeof(port)))
        return false;
    list_failures(c, opened, failures, sizeof(failures));
    const char *asked = getenv("FI_PROVIDER");
    bool filtered = asked && *asked;
    snprintf(why, room,
             "the RDMA device %s is active, but of all providers only %s can be used: %s; "
             "ORIEL_ALLOW_TCP=yes runs over it all the same",
             port, provider,
             *failures  ? failures
             : filtered ? "with this FI_PROVIDER libfabric offers none for the device"
                        : "libfabric offers none for the device");
    return true;
}

static bool in_list(const struct fi_info *list, const struct fi_info *one)
{
    for (; list; list = list->next)
        if (!strcmp(list->fabric_attr->prov_name, one->fabric_attr->prov_name))
            return true;
    return false;
}

static bool is_choice(const struct fabric_choices *c, const struct fi_info *one)
{
    for (unsigned i = 0; i < c->offer_count; i++)
        if (in_list(c->offers[i].list, one))
            return true;
    return false;
}

/* What libfabric has and what fell through our needs, by provider. */
static void each_unfit(const struct fabric_choices *fit,
                       void (*each)(const struct fabric_candidate *, void *), void *arg)
{
    const struct fabric_source *source;
    struct fi_info *all;

    if (fabric_library_open(&source) ||
        source->getinfo(FI_VERSION(1, 17), NULL, NULL, 0, NULL, &all))
        return;
    for (struct fi_info *i = all; i; i = i->next) {
        struct fabric_candidate one = {i->fabric_attr->prov_name, i->domain_attr->name,
                                       "it lacks tagged messages, remote memory or both", false,
                                       NULL};
        long value;
        fabric_quirk(one.provider, QUIRK_REFUSE, &value, &one.why);
        struct fi_info *rest = i->next;
        i->next = NULL; /* is it the last of its name? then say it, once */
        if (!is_choice(fit, i) && !in_list(rest, i))
            each(&one, arg);
        i->next = rest;
    }
    source->freeinfo(all);
}

/* Why our own provider is not what a job opens here, or NULL where it is. */
static const char *node_flaw(bool one_host)
{
    if (one_host && fabric_wants_node())
        return NULL;
    if (!one_host)
        return param.node ? "it serves the ranks of each host beside the network"
                          : "ORIEL_NODE is off";
    return param.node ? "another provider is asked for by name" : "ORIEL_NODE is off";
}

/* Our own one, which needs no libfabric; true where it is the choice. */
static bool each_node(bool one_host, void (*each)(const struct fabric_candidate *, void *),
                      void *arg)
{
    struct fabric_choices c;

    if (fabric_choices_node(&c))
        return false;
    const struct fi_info *info = c.best[0].info;
    struct fabric_candidate one = {info->fabric_attr->prov_name, info->domain_attr->name,
                                   node_flaw(one_host), false,
                                   "memory that all have mapped, or copies by the kernel; locks "
                                   "and accumulates by the processor's atomics"};
    one.chosen = !one.why;
    each(&one, arg);
    fabric_choices_close(&c);
    return one.chosen;
}

void fabric_describe(char *text, size_t room)
{
    const struct fabric_end *net = &fabric.ends[END_NET];
    char address[INET6_ADDRSTRLEN];
    int at = 0;

    *text = 0;
    if (fabric.direct)
        at = snprintf(text, room, "shared memory, %s",
                      param.single_copy ? "long messages in one copy by the kernel"
                                        : "long messages in pieces");
    if (!net->open || (size_t)at >= room)
        return;
    address_text(net->info, address);
    snprintf(text + at, room - (size_t)at, "%s%s on %s%s%s%s", at ? "; " : "",
             fabric_end_provider(net), net->info->domain_attr->name, *address ? " (" : "", address,
             *address ? ")" : "");
}

void fabric_version(char *text, size_t room)
{
    const struct fabric_source *source;

    *text = 0;
    if (fabric_library_open(&source))
        return;
    uint32_t version = source->version();
    snprintf(text, room, "%u.%u", FI_MAJOR(version), FI_MINOR(version));
}

static const char *windows_over(const char *provider)
{
    static const char *const ways[2][2] = {
        {"remote writes and reads; locks and accumulates by messages",
         "remote writes and reads; locks by remote atomics, accumulates by messages"},
        {"remote writes and reads that the target's processor carries out; locks and accumulates "
         "by messages",
         "remote writes and reads that the target's processor carries out; locks by remote "
         "atomics, accumulates by messages"},
    };
    const char *why;
    long emulated;
    bool helped = fabric_quirk(provider, QUIRK_EMULATED, &emulated, &why) && emulated;

    return ways[helped][wants_atomics(provider)];
}

/* Why no faster network than sockets is among the choices, where none is. */
static void each_missing(const struct fabric_choices *c,
                         void (*each)(const struct fabric_candidate *, void *), void *arg)
{
    struct fabric_candidate one = {"(RDMA)", "none", "no device of this host has an active port",
                                   false, NULL};
    const char *why;
    char port[96];
    long sockets;

    for (unsigned i = 0; i < c->count; i++)
        if (c->best[i].rank > 0 &&
            !fabric_quirk(c->best[i].info->fabric_attr->prov_name, QUIRK_SOCKETS, &sockets, &why))
            return;
    if (rdma_port_active(port, sizeof(port))) {
        one.domain = port;
        one.why = "libfabric offers none for this device, though it is active";
    }
    each(&one, arg);
}

int fabric_candidates(bool one_host, void (*each)(const struct fabric_candidate *, void *),
                      void *arg)
{
    bool chosen = each_node(one_host, each, arg);
    struct fabric_choices c;
    int rc = fabric_choices_open(&c, one_host, true);

    if (rc)
        return rc;
    for (unsigned i = 0; i < c.count; i++) {
        const struct fabric_choice *b = &c.best[i];
        struct fabric_candidate one = {b->info->fabric_attr->prov_name, b->info->domain_attr->name,
                                       b->why, !chosen && i == 0 && !b->why,
                                       windows_over(b->info->fabric_attr->prov_name)};
        if (repeats(&c, i))
            continue;
        if (!b->why && !one.chosen)
            one.why = "a better one comes first";
        each(&one, arg);
    }
    each_unfit(&c, each, arg);
    if (!one_host)
        each_missing(&c, each, arg);
    fabric_choices_close(&c);
    return 0;
}
