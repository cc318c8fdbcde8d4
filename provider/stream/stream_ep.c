/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints. The listening socket is there from the beginning, so that fi_getname works before
 * fi_enable; nobody is let in before the proof is known.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/stream/stream.h"

#define PATIENCE_NS UINT64_C(10000000000)

static int ep_bind(struct fid *fid, struct fid *other, uint64_t flags)
{
    struct stream_ep *ep = container_of(fid, struct stream_ep, fid.fid);

    if (other->fclass == FI_CLASS_AV && !ep->av) {
        ep->av = container_of(other, struct stream_av, fid.fid);
        ep->av->ep = ep;
        return 0;
    }
    /* One queue, for all. */
    if (other->fclass != FI_CLASS_CQ || ep->cq || flags != (FI_TRANSMIT | FI_RECV))
        return -FI_EINVAL;
    ep->cq = container_of(other, struct stream_cq, fid.fid);
    ep->cq->ep = ep;
    return 0;
}

static int ep_control(struct fid *fid, int command, void *arg)
{
    struct stream_ep *ep = container_of(fid, struct stream_ep, fid.fid);

    (void)arg;
    if (command != FI_ENABLE)
        return -FI_ENOSYS;
    if (!ep->av)
        return -FI_ENOAV;
    if (!ep->cq)
        return -FI_ENOCQ;
    ep->enabled = true;
    return 0;
}

static void prove(struct fid_ep *fid, const uint8_t proof[STREAM_PROOF])
{
    struct stream_ep *ep = container_of(fid, struct stream_ep, fid);

    memcpy(ep->proof, proof, sizeof(ep->proof));
    ep->proven = true;
    if (stream_watch(ep, &ep->listener) || stream_watch(ep, &ep->timer))
        LOG(LOG_ERROR, "no connections can be accepted: %s", strerror(errno));
    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next) {
        struct stream_peer *peer = container_of(l, struct stream_peer, link);
        if (!list_empty(&peer->out))
            stream_dial(ep, peer);
    }
}

static const unsigned *served(struct fid_ep *fid)
{
    return &container_of(fid, struct stream_ep, fid)->served;
}

static const unsigned *arrived(struct fid_ep *fid)
{
    return &container_of(fid, struct stream_ep, fid)->tagged.arrived;
}

static int ep_ops_open(struct fid *fid, const char *name, uint64_t flags, void **ops, void *context)
{
    static const struct stream_ops stream_ops = {sizeof(stream_ops), prove, served, arrived};

    (void)flags, (void)context;
    if (strcmp(name, STREAM_OPS) || !container_of(fid, struct stream_ep, fid.fid)->enabled)
        return -FI_ENOSYS;
    *ops = (void *)&stream_ops;
    return 0;
}

static int ep_close(struct fid *fid)
{
    struct stream_ep *ep = container_of(fid, struct stream_ep, fid.fid);

    stream_peers_close(ep);
    stream_guests_close(ep);
    close(ep->listener.fd);
    close(ep->timer.fd);
    stream_recvs_close(ep);
    stream_ops_close(ep);
    pool_close(&ep->recvs);
    pool_close(&ep->unexpecteds);
    if (ep->av)
        ep->av->ep = NULL;
    if (ep->cq)
        ep->cq->ep = NULL;
    ep->domain->ep = NULL;
    ep->domain->users--;
    free(ep);
    return 0;
}

static ssize_t ep_cancel(fid_t fid, void *context)
{
    return stream_recv_cancel(container_of(fid, struct stream_ep, fid.fid), context);
}

static int ep_getname(fid_t fid, void *address, size_t *len)
{
    const struct stream_ep *ep = container_of(fid, struct stream_ep, fid.fid);
    struct sockaddr_storage a;
    size_t need = stream_address_write(&ep->address, &a), room = *len;

    *len = need;
    memcpy(address, &a, room < need ? room : need);
    return room < need ? -FI_ETOOSMALL : 0;
}

static struct fi_ops ep_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = ep_close,
    .bind = ep_bind,
    .control = ep_control,
    .ops_open = ep_ops_open,
};

static struct fi_ops_ep ep_ops = {.size = sizeof(struct fi_ops_ep), .cancel = ep_cancel};

static struct fi_ops_cm ep_cm_ops = {.size = sizeof(struct fi_ops_cm), .getname = ep_getname};

/* On the chosen address alone, at a port that the system picks: its socket, or -errno. */
static int listen_on(struct stream_address *a)
{
    static const int on = 1;
    struct sockaddr_storage s;
    socklen_t len = stream_address_write(a, &s);
    int fd = socket(a->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int ret;

    if (fd < 0)
        return -errno;
    if (a->family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&s, len) || listen(fd, SOMAXCONN) ||
        getsockname(fd, (struct sockaddr *)&s, &len)) {
        ret = -errno;
        close(fd);
        return ret;
    }
    stream_address_read(a, &s);
    return fd;
}

static void set_up(struct stream_ep *ep, struct stream_domain *domain, void *context)
{
    ep->domain = domain;
    ep->pid = getpid();
    ep->op_free = STREAM_NO_ID;
    list_init(&ep->peers);
    list_init(&ep->troubled);
    ep->patience = PATIENCE_NS;
    list_init(&ep->guests);
    list_init(&ep->gone);
    node_match_open(&ep->tagged);
    node_match_open(&ep->plain);
    pool_open(&ep->recvs, sizeof(struct stream_recv), 64);
    pool_open(&ep->unexpecteds, sizeof(struct stream_unexpected), 64);
    ep->fid = (struct fid_ep){.fid = {FI_CLASS_EP, context, &ep_fid_ops},
                              .ops = &ep_ops,
                              .cm = &ep_cm_ops,
                              .msg = &stream_msg_ops,
                              .tagged = &stream_tagged_ops,
                              .rma = &stream_rma_ops};
    domain->ep = ep;
    domain->users++;
}

int stream_endpoint(struct fid_domain *fid, struct fi_info *info, struct fid_ep **ep_fid,
                    void *context)
{
    struct stream_ep *ep = calloc(1, sizeof(*ep));

    if (!ep)
        return -FI_ENOMEM;
    if (container_of(fid, struct stream_domain, fid)->ep) {
        free(ep);
        return -FI_EBUSY; /* one a domain, as its info says */
    }
    int ret = info->src_addr ? stream_address_read(&ep->address, info->src_addr) : -FI_EINVAL;

    if (ret)
        goto free_ep;
    ret = listen_on(&ep->address);
    if (ret < 0)
        goto free_ep;
    ep->listener = (struct stream_socket){.fd = ret, .what = STREAM_LISTENER};
    ret = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (ret < 0) {
        ret = -errno;
        goto close_listener;
    }
    ep->timer = (struct stream_socket){.fd = ret, .what = STREAM_TIMER};
    set_up(ep, container_of(fid, struct stream_domain, fid), context);
    *ep_fid = &ep->fid;
    return 0;

close_listener:
    close(ep->listener.fd);
free_ep:
    free(ep);
    return ret;
}
