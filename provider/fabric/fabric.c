/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening the endpoints and closing them. */
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
#include "provider/stream/stream_provider.h"

size_t fabric_inject_most;
bool fabric_has_two;
atomic_uint *fabric_resting;

/* No receive at once. */
static const struct fabric_now no_now;
const struct fabric_now *fabric_now_any = &no_now;

static char why_not[512];

#define CLOSED                                                                                     \
    {                                                                                              \
        .ends = {{.index = END_NODE, .wait_fd = -1}, {.index = END_NET, .wait_fd = -1}},           \
        .wake_fd = -1                                                                              \
    }
struct fabric fabric = CLOSED;

#define CLOSE(object)                                                                              \
    do {                                                                                           \
        if (object)                                                                                \
            fi_close(&(object)->fid);                                                              \
        (object) = NULL;                                                                           \
    } while (0)

/* ---- An endpoint ---- */

const char *fabric_end_provider(const struct fabric_end *e)
{
    return e->info->fabric_attr->prov_name;
}

static void close_endpoint(struct fabric_end *e)
{
    CLOSE(e->ep);
    CLOSE(e->cq);
    CLOSE(e->av);
    CLOSE(e->domain);
    CLOSE(e->fabric);
    if (e->info)
        e->source->freeinfo(e->info);
    e->info = NULL;
    e->open = false;
}

static int bind_endpoint(struct fabric_end *e)
{
    int rc = fi_endpoint(e->domain, e->info, &e->ep, NULL);

    if (!rc)
        rc = fi_ep_bind(e->ep, &e->av->fid, 0);
    if (!rc)
        rc = fi_ep_bind(e->ep, &e->cq->fid, FI_TRANSMIT | FI_RECV);
    return rc ? rc : fi_enable(e->ep);
}

/* Some providers have no bound on what may be posted, and say so by the greatest number there is.
 */
enum { QUEUE_MOST = 1 << 16 };

static unsigned queue_size(size_t offered)
{
    return offered < QUEUE_MOST ? (unsigned)offered : QUEUE_MOST;
}

/* With a wait object where it is of use; without one, waits sleep by the clock. */
static int open_queue(struct fabric_end *e)
{
    const struct fi_info *info = e->info;
    struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_TAGGED, .wait_obj = FI_WAIT_FD};
    const char *why;
    long clock;

    cq.size = queue_size(info->tx_attr->size) + queue_size(info->rx_attr->size);
    if (fabric_quirk(fabric_end_provider(e), QUIRK_CLOCK, &clock, &why))
        cq.wait_obj = FI_WAIT_NONE;
    int rc = fi_cq_open(e->domain, &cq, &e->cq, NULL);
    if (rc != -FI_ENOSYS)
        return rc;
    cq.wait_obj = FI_WAIT_NONE;
    return fi_cq_open(e->domain, &cq, &e->cq, NULL);
}

static bool locks_memory(const struct fabric_end *e)
{
    const char *why;
    long sockets;

    return e->index == END_NET &&
           !fabric_quirk(fabric_end_provider(e), QUIRK_SOCKETS, &sockets, &why);
}

/* All or nothing. */
static int open_endpoint(struct fabric_end *e, const struct fabric_source *source,
                         const struct fi_info *choice)
{
    /* No count: a provider takes kilobytes for each peer that it is told to expect. */
    struct fi_av_attr av = {.type = FI_AV_TABLE};
    struct fi_info *info = e->info =
        e->index == END_NET ? fabric_choice_info(source, choice) : source->dupinfo(choice);

    if (!info)
        return -ENOMEM;
    e->source = source;
    int rc = source->fabric(info->fabric_attr, &e->fabric, NULL);
    if (!rc)
        rc = fi_domain(e->fabric, info, &e->domain, NULL);
    if (!rc)
        rc = fi_av_open(e->domain, &av, &e->av, NULL);
    if (!rc)
        rc = open_queue(e);
    if (!rc)
        rc = bind_endpoint(e);
    if (!rc && locks_memory(e))
        rc = fabric_region_try(e);
    e->open = true;
    if (rc)
        close_endpoint(e);
    return rc;
}

/* A key's value cannot be changed after the exchange. */
static const char *address_key(int end)
{
    return end == END_NODE ? "oriel.node" : fabric.moved ? "oriel.moved" : "oriel.fabric";
}

static int publish_address(const struct fabric_end *e)
{
    char name[ADDRESS_BYTES];
    size_t len = sizeof(name);
    int rc = fi_getname(&e->ep->fid, name, &len);

    if (rc) {
        LOG(LOG_ERROR, "%s does not tell its address: %s", fabric_end_provider(e),
            strerror(-fabric_errno(rc)));
        return fabric_errno(rc);
    }
    return boot_put(address_key(e->index), name, len);
}

int fabric_address(uint32_t rank, int end, char name[ADDRESS_BYTES])
{
    size_t len = ADDRESS_BYTES;

    return boot_get(rank, address_key(end), name, &len);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum {
    LEAST_TRANSFER = 64, /* bytes: what the library's own words need */
    RESERVED_LEAST = 32, /* more than traps and notes, which are 16 */
};

/* An eighth is for messages that are claimed when all else is taken, for traps and notes. */
static void share_receives(struct fabric_end *e, unsigned size)
{
    e->reserved_max = size / 8 > RESERVED_LEAST ? size / 8 : RESERVED_LEAST;
    e->receives_max = size > e->reserved_max ? size - e->reserved_max : 1;
}

/* What an end can do, from the chosen info alone. */
static int derive_limits(struct fabric_end *e)
{
    const struct fi_info *i = e->info;
    const char *why;
    long tail, piece;

    e->inject = i->tx_attr->inject_size;
    e->eager = fabric_quirks_eager(i);
    e->transfer = i->ep_attr->max_msg_size;
    e->word = i->domain_attr->cq_data_size;
    if (fabric_quirk(fabric_end_provider(e), QUIRK_PIECE, &piece, &why))
        e->transfer = least(e->transfer, (size_t)piece);
    if (param.max_message && param.max_message < e->transfer)
        e->transfer = param.max_message < LEAST_TRANSFER ? LEAST_TRANSFER : param.max_message;
    if (e->inject > e->transfer)
        e->inject = e->transfer;
    share_receives(e, queue_size(i->rx_attr->size));
    e->sends_max = queue_size(i->tx_attr->size);
    if (!fabric_quirk(fabric_end_provider(e), QUIRK_TAIL, &tail, &why) || !tail)
        return 0;
    e->tail = malloc(e->eager);
    return e->tail ? 0 : -ENOMEM;
}

/* What a provider of ours can do beyond libfabric's calls. */
static bool opens(const struct fabric_end *e, const char *name, void **ops)
{
    return FI_CHECK_OP(e->ep->fid.ops, struct fi_ops, ops_open) &&
           !fi_open_ops(&e->ep->fid, name, 0, ops, NULL);
}

static void ask_for_more(struct fabric_end *e)
{
    const struct stream_ops *stream;
    size_t words;

    e->adds = e->info->caps & FI_ATOMIC && e->index == END_NET &&
              !fi_fetch_atomicvalid(e->ep, FI_UINT64, FI_SUM, &words) && words;
    if (fi_control(&e->cq->fid, FI_GETWAIT, &e->wait_fd))
        e->wait_fd = -1;
    if (!opens(e, NODE_DIRECT_OPS, (void **)&e->direct))
        e->direct = NULL;
    if (!e->direct || !opens(e, NODE_RMA_NOW_OPS, (void **)&e->rma_now))
        e->rma_now = NULL;
    if (!opens(e, STREAM_OPS, (void **)&stream))
        stream = NULL;
    e->served = stream ? stream->served(e->ep) : NULL;
    e->served_seen = 0;
    e->arrived = e->direct ? e->direct->arrived(e->ep) : stream ? stream->arrived(e->ep) : NULL;
}

/* The first of the choices that really opens. */
static int open_first(struct fabric_end *e, const struct fabric_choices *c)
{
    int rc = -ENODATA;

    for (unsigned i = 0; rc && i < c->count && !c->best[i].why; i++) {
        const struct fi_info *info = c->best[i].info;
        rc = open_endpoint(e, c->best[i].source, info);
        c->best[i].error = fabric_errno(rc);
        if (rc)
            LOG(LOG_INFO, "%s on %s does not open: %s", info->fabric_attr->prov_name,
                info->domain_attr->name, strerror(-fabric_errno(rc)));
    }
    return rc;
}

/* What is decided, for good: makes it ready for use. */
static int end_prepare(struct fabric_end *e)
{
    if (!e->open)
        return 0;
    list_init(&e->waiting_receives);
    list_init(&e->waiting_reserved);
    ask_for_more(e);
    fabric_now_update(e);
    int rc = derive_limits(e);
    if (!rc)
        rc = fabric_veil_open(e);
    if (!rc)
        rc = fabric_notes_open(e);
    if (!rc)
        LOG(LOG_INFO, "%s on %s", fabric_end_provider(e), e->info->domain_attr->name);
    return rc;
}

/* ---- Shared memory ---- */

static int open_node(void)
{
    struct fabric_choices c;
    int rc = fabric_choices_node(&c);

    if (rc)
        return rc;
    rc = open_first(&fabric.ends[END_NODE], &c);
    fabric_choices_close(&c);
    return rc ? rc : publish_address(&fabric.ends[END_NODE]);
}

static void say_no_shared_memory(int rc)
{
    snprintf(why_not, sizeof(why_not), "no shared memory with the ranks on this host: %s%s",
             strerror(-fabric_errno(rc)), *param.provider ? "" : "; ORIEL_NODE=no does without");
}

/* Beside a network. The host's other ranks count on it: without it there is no way to them. */
static int open_node_beside(void)
{
    const char *why, *net = fabric_end_provider(&fabric.ends[END_NET]);
    long alone;

    if (!fabric_wants_node_beside())
        return 0;
    if (fabric_quirk(net, QUIRK_ALONE, &alone, &why) && alone) {
        LOG(LOG_INFO, "no shared memory for messages beside %s: %s", net, why);
        return 0;
    }
    int rc = open_node();
    if (rc)
        say_no_shared_memory(rc);
    return rc;
}

/* ---- A network ---- */

/* Deaths are noticed by the launcher alone where this fails. */
static int listen_beside(const struct fi_info *opened)
{
    struct interface_address own;
    int rc = fabric_agree_address(opened, &own);

    if (!rc)
        rc = pulse_listen(&own, fabric.moved);
    if (rc)
        LOG(LOG_WARN, "no connections to notice other hosts' deaths by: %s", strerror(-rc));
    return rc == -ENOMEM ? rc : 0;
}

/* The address is published anew, under another key, where some rank has moved. */
static int settle_on(const struct fabric_verdict *verdict, const struct fi_info *opened)
{
    struct fabric_end *net = &fabric.ends[END_NET];
    int rc = 0;

    if (verdict->right != opened) {
        LOG(LOG_INFO, "%s on %s instead of %s, which does not reach all hosts",
            fabric_end_provider(net), verdict->right->domain_attr->name, opened->domain_attr->name);
        close_endpoint(net);
        rc = open_endpoint(net, net->source, verdict->right); /* the same provider's */
    }
    if (!verdict->moves || rc)
        return rc;
    fabric.moved = true;
    rc = publish_address(net);
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
        return settle_on(&verdict, opened);
    if (*verdict.why)
        snprintf(why_not, sizeof(why_not), "%s", verdict.why);
    if (rc == -ENOTCONN && boot_info()->rank)
        boot_speak_late(); /* rank 0 says it for all */
    return rc;
}

/* The one that opened, or NULL and why not. */
static const struct fi_info *open_choice(const struct fabric_choices *c)
{
    if (open_first(&fabric.ends[END_NET], c)) {
        fabric_choices_explain(c, why_not, sizeof(why_not));
        return NULL;
    }
    unsigned i = 0;
    while (c->best[i].error)
        i++;
    if (!fabric_choices_refuse(c, c->best[i].info, why_not, sizeof(why_not)))
        return c->best[i].info;
    close_endpoint(&fabric.ends[END_NET]);
    return NULL;
}

/* Several hosts: what this one has for the others is published, and theirs is looked at. */
static int meet_hosts(const struct fabric_choices *c, const struct fi_info *opened)
{
    int rc = boot_secret_put();

    if (!rc && opened)
        rc = publish_address(&fabric.ends[END_NET]);
    if (!rc && opened)
        rc = open_node_beside();
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
    rc = pulse_start(fabric.moved);
    if (rc)
        LOG(LOG_WARN, "other hosts' deaths will not be noticed: %s", strerror(-rc));
    return 0;
}

static int open_net(void)
{
    struct fabric_choices c;
    int rc = fabric_choices_open(&c, boot_info()->one_host, false);

    if (rc)
        return rc;
    const struct fi_info *opened = open_choice(&c);
    if (!boot_info()->one_host)
        rc = meet_hosts(&c, opened);
    else if (opened)
        rc = publish_address(&fabric.ends[END_NET]);
    else
        rc = -ENODATA;
    fabric_choices_close(&c);
    return rc;
}

/* ---- Both ---- */

/* Without shared memory there is no way on: the host's other ranks may have got it, and would wait
 * for this one there. */
static int open_ends(void)
{
    bool node = fabric_wants_node();
    int rc = node ? open_node() : open_net();

    if (rc && node)
        say_no_shared_memory(rc);
    return !rc && boot_info()->one_host ? wait_publish() : rc;
}

/* What holds for all peers. */
static void join_limits(void)
{
    struct fabric_limits *l = &fabric.limits;
    const char *why;
    long emulated;

    *l = (struct fabric_limits){.transfer = SIZE_MAX, .word = SIZE_MAX, .eager = SIZE_MAX};
    for (int i = 0; i < FABRIC_ENDS; i++) {
        const struct fabric_end *e = &fabric.ends[i];
        if (!e->open)
            continue;
        if (e->inject > l->inject)
            l->inject = e->inject;
        l->eager = least(l->eager, e->eager);
        l->transfer = least(l->transfer, e->transfer);
        l->word = least(l->word, e->word);
        l->emulated |=
            fabric_quirk(fabric_end_provider(e), QUIRK_EMULATED, &emulated, &why) && emulated;
    }
    fabric_inject_most = l->inject;
}

/* Leaves it as it was in the beginning. */
static void close_all(void)
{
    for (struct fabric_end *e = fabric.ends + FABRIC_ENDS; e-- > fabric.ends;) {
        close_endpoint(e);
        free(e->tail);
        free(e->late);
    }
    for (uint32_t rank = 0; rank < fabric.peer_count; rank++)
        free(fabric.peers[rank]);
    free(fabric.peers);
    fabric = (struct fabric)CLOSED;
    fabric_has_two = false;
    fabric_now_any = &no_now;
    fabric_inject_most = 0;
}

int fabric_open(void)
{
    struct fabric_end *node = &fabric.ends[END_NODE], *net = &fabric.ends[END_NET];

    if (fabric.open)
        return 0;
    list_init(&fabric.blocked);
    fabric.peer_count = boot_info()->size;
    fabric.peers = calloc(fabric.peer_count, sizeof(*fabric.peers));
    if (!fabric.peers)
        return -ENOMEM;
    int rc = open_ends();
    for (int i = 0; i < FABRIC_ENDS && !rc; i++)
        rc = end_prepare(&fabric.ends[i]);
    if (rc) {
        /* The pulse goes on where it was started: that this process ends must be noticed. */
        close_all();
        return rc;
    }
    join_limits();
    fabric.direct = node->direct;
    wait_network(net->open);
    fabric.only = !net->open ? node : !node->open ? net : NULL;
    fabric_has_two = !fabric.only;
    fabric_now_any = fabric.only ? &fabric.only->now : &no_now;
    fabric.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* -1 is ignored by poll */
    fabric_resting = fabric.direct ? fabric.direct->resting(node->ep) : NULL;
    fabric.open = true;
    return 0;
}

const char *fabric_why_not(void)
{
    return why_not;
}

bool fabric_is_open(void)
{
    return fabric.open;
}

enum { LAST_READS = 256 };

/* rxm handles one event in a read. What is there is for nobody any more. */
static void read_all(struct fabric_end *e)
{
    struct fi_cq_tagged_entry entry;
    struct fi_cq_err_entry error = {0};

    for (int i = 0; i < LAST_READS; i++)
        if (fi_cq_read(e->cq, &entry, 1) == -FI_EAVAIL)
            fi_cq_readerr(e->cq, &error, 0);
}

/* With data: Slurm's fence without any is no barrier between hosts. */
static int meet(void)
{
    int rc = boot_put("oriel.parting", "", 1);

    return rc ? rc : boot_exchange_again();
}

/* Twice, as the first meeting gives what was under way time to come. */
void fabric_part(void)
{
    struct fabric_end *e = &fabric.ends[END_NET];
    const char *why;
    long parting;

    if (!e->open || !fabric_quirk(fabric_end_provider(e), QUIRK_PARTING, &parting, &why))
        return;
    read_all(e);
    if (meet())
        return;
    read_all(e);
    meet();
}

void fabric_close(void)
{
    if (!fabric.open)
        return;
    pulse_stop();
    fabric_resting = NULL;
    close(fabric.wake_fd);
    close_all();
    fabric_both_close();
}

const struct fabric_limits *fabric_limits(void)
{
    return &fabric.limits;
}

const char *fabric_provider(void)
{
    const struct fabric_end *e = &fabric.ends[fabric.ends[END_NET].open ? END_NET : END_NODE];

    return e->open ? fabric_end_provider(e) : "none";
}
