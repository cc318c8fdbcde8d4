/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/node/node_wait.h"

enum {
    YIELDS = 64,  /* before a waiter sleeps */
    BLIND_MS = 1, /* longest sleep where a bell may be missed */
    NS_PER_MS = 1000000,
};

/* Whether this process and so its peers, all of the same kernel, can use membarrier. */
static atomic_int barrier_works = -1;

static bool barrier_open(void)
{
    int works = atomic_load_explicit(&barrier_works, memory_order_relaxed);

    if (works < 0) {
        works = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
        atomic_store_explicit(&barrier_works, works, memory_order_relaxed);
    }
    return works;
}

static bool barrier_all(void)
{
    return barrier_open() && !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

int node_doorbell_open(struct node_ep *ep)
{
    barrier_open();
    if (pipe2(ep->doorbell, O_CLOEXEC | O_NONBLOCK)) {
        ep->doorbell[0] = ep->doorbell[1] = -1;
        return -errno;
    }
    ep->segment->doorbell_fd = ep->doorbell[1];
    return 0;
}

void node_doorbell_close(struct node_ep *ep)
{
    if (ep->doorbell[0] >= 0) {
        close(ep->doorbell[0]);
        close(ep->doorbell[1]);
    }
}

static void ring(struct node_peer *peer)
{
    char path[64];

    if (peer->doorbell < 0) {
        snprintf(path, sizeof(path), "/proc/%u/fd/%d", peer->segment->address.pid,
                 peer->segment->doorbell_fd);
        peer->doorbell = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
    /* A full pipe has enough bytes to wake; a peer that is gone needs no waking. */
    ssize_t n = write(peer->doorbell, "", 1);
    (void)n;
}

void node_peer_wake(struct node_peer *peer)
{
    /* Of all who see the word only one rings. */
    if (atomic_exchange_explicit(&peer->segment->sleeping, 0, memory_order_acq_rel))
        ring(peer);
}

static void drain(struct node_ep *ep)
{
    char bytes[64];

    while (read(ep->doorbell[0], bytes, sizeof(bytes)) == sizeof(bytes))
        ;
}

static bool has_work(struct node_ep *ep)
{
    uint64_t word;

    return node_queue_peek(&ep->segment->queue, ep->position, &word) || !list_empty(&ep->waiting) ||
           !list_empty(&ep->streams);
}

/*
 * Says that we are about to sleep. True: it is safe, whoever writes from now on rings. False: there
 * is work. *blind: a bell may be missed, so the sleep must be short.
 */
static bool announce(struct list *eps, bool *blind)
{
    struct list *l;

    for (l = eps->next; l != eps; l = l->next) {
        struct node_ep *ep = node_cq_ep(l);
        drain(ep);
        atomic_store_explicit(&ep->segment->sleeping, 1, memory_order_seq_cst);
    }
    *blind = !barrier_all();
    for (l = eps->next; l != eps; l = l->next)
        if (has_work(node_cq_ep(l)))
            return false;
    return true;
}

void node_waiter_begin(struct node_waiter *w, int timeout)
{
    w->until = timeout < 0 ? UINT64_MAX : clock_ns() + (uint64_t)timeout * NS_PER_MS;
    w->yields = 0;
}

static void sleep_on(struct list *eps, int ms)
{
    struct pollfd fds[8];
    nfds_t n = 0;

    for (struct list *l = eps->next; l != eps && n < 8; l = l->next)
        fds[n++] = (struct pollfd){.fd = node_cq_ep(l)->doorbell[0], .events = POLLIN};
    poll(fds, n, ms);
}

bool node_waiter_sleep(struct node_waiter *w, struct list *eps)
{
    uint64_t now = clock_ns();
    bool blind;

    if (now >= w->until)
        return false;
    if (w->yields < YIELDS) {
        w->yields++;
        sched_yield();
        return true;
    }
    if (!announce(eps, &blind))
        return true;
    uint64_t left = (w->until - now) / NS_PER_MS + 1;
    if (blind && left > BLIND_MS)
        left = BLIND_MS;
    sleep_on(eps, left > 1000 ? 1000 : (int)left);
    return true;
}

void node_wake_own(struct list *eps)
{
    for (struct list *l = eps->next; l != eps; l = l->next) {
        ssize_t n = write(node_cq_ep(l)->doorbell[1], "", 1);
        (void)n;
    }
}

int node_wait_fd(struct node_cq *cq, int *fd)
{
    *fd = cq->epoll;
    return 0;
}

int node_wait_watch(struct node_cq *cq, struct node_ep *ep)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(cq->epoll, EPOLL_CTL_ADD, ep->doorbell[0], &event) ? -errno : 0;
}

int node_trywait(struct fid_fabric *fabric, struct fid **fids, int count)
{
    bool blind;

    (void)fabric;
    for (int i = 0; i < count; i++) {
        if (fids[i]->fclass != FI_CLASS_CQ)
            return -FI_ENOSYS;
        struct node_cq *cq = container_of(fids[i], struct node_cq, fid.fid);
        lock_take(&cq->domain->lock);
        bool idle = cq->head == cq->tail && announce(&cq->eps, &blind);
        lock_drop(&cq->domain->lock);
        if (!idle || blind)
            return -FI_EAGAIN;
    }
    return 0;
}
