/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_wait.h"

enum {
    YIELDS = 64,    /* before a waiter sleeps */
    LONGEST = 1000, /* ms asleep before a waiter looks by itself, */
    LEAST = 1,      /* and where not all that it waits for can wake it */
    NS_PER_MS = 1000000,
};

/* ---- The barrier between a sleeper and those who write to it ---- */

/* Not once a process: a child does not inherit what its parent registered. */
static bool barrier_open(void)
{
    return !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

static bool barrier_all(void)
{
    return !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

void node_doorbell_meet(struct node_segment *peer)
{
    if (!barrier_open())
        atomic_fetch_or(&peer->sleeping, NODE_FENCE);
}

/* ---- Doorbells ---- */

int node_doorbell_open(struct node_ep *ep)
{
    struct stat st;

    if (pipe2(ep->doorbell, O_CLOEXEC | O_NONBLOCK)) {
        ep->doorbell[0] = ep->doorbell[1] = -1;
        return -errno;
    }
    if (fstat(ep->doorbell[1], &st)) {
        int ret = -errno;
        node_doorbell_close(ep);
        return ret;
    }
    ep->segment->doorbell_inode = st.st_ino;
    ep->segment->doorbell_fd = ep->doorbell[1];
    if (!barrier_open() || !barrier_all())
        atomic_fetch_or(&ep->segment->sleeping, NODE_FENCE);
    return 0;
}

void node_doorbell_silence(struct node_ep *ep)
{
    atomic_fetch_and(&ep->segment->sleeping, ~NODE_ASLEEP);
}

void node_doorbell_close(struct node_ep *ep)
{
    if (ep->doorbell[0] >= 0) {
        close(ep->doorbell[0]);
        close(ep->doorbell[1]);
    }
}

/* The write end of that one's pipe, or -errno. */
static int bell_open(const struct node_segment *segment)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%u/fd/%d", segment->address.pid, segment->doorbell_fd);
    /* For reading too: a pipe that nobody reads any more would be a SIGPIPE for us. */
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    /* Its owner may have closed the endpoint, and something else has the number: not for us. */
    if (!fstat(fd, &st) && S_ISFIFO(st.st_mode) && st.st_ino == segment->doorbell_inode)
        return fd;
    close(fd);
    return -ESTALE;
}

/*
 * The bell of one that has just been asleep. Without a descriptor it goes on to sleep, as far as
 * others can see: they may have one, and we shall try again.
 */
static void ring(struct node_peer *peer)
{
    if (peer->doorbell < 0)
        peer->doorbell = bell_open(peer->segment);
    peer->unrung =
        peer->doorbell == -EMFILE || peer->doorbell == -ENFILE || peer->doorbell == -ENOMEM;
    if (peer->unrung) {
        atomic_fetch_or(&peer->segment->sleeping, NODE_ASLEEP);
        node_peer_busy(peer->ep, peer);
        return;
    }
    /* A full pipe has enough bytes to wake; a peer that is gone needs no waking. */
    ssize_t n = write(peer->doorbell, "", 1);
    (void)n;
}

void node_outlet_wake(struct node_outlet *out)
{
    struct node_peer *peer = container_of(out, struct node_peer, out);
    atomic_uint *word = &peer->segment->sleeping;

    atomic_thread_fence(memory_order_seq_cst);
    if (!(atomic_load_explicit(word, memory_order_relaxed) & NODE_ASLEEP))
        return;
    /* Of all who see the word only one rings. */
    if (atomic_fetch_and_explicit(word, ~NODE_ASLEEP, memory_order_acq_rel) & NODE_ASLEEP)
        ring(peer);
}

void node_bell_push(struct node_peer *peer)
{
    if (LIKELY(!peer->unrung))
        return;
    peer->unrung = false; /* somebody else may have rung it */
    node_outlet_wake(&peer->out);
}

/* Whether there was a sign. */
static bool drain(int fd)
{
    char bytes[64];
    ssize_t first = read(fd, bytes, sizeof(bytes)), n = first;

    while (n == sizeof(bytes))
        n = read(fd, bytes, sizeof(bytes));
    return first > 0;
}

/* ---- Alarms ---- */

int node_alarm_open(struct node_alarm *alarm)
{
    alarm->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return alarm->fd < 0 ? -errno : 0;
}

void node_alarm_ring(struct node_alarm *alarm)
{
    uint64_t one = 1;

    alarm->armed = false;
    if (alarm->fd < 0)
        return;
    ssize_t n = write(alarm->fd, &one, sizeof(one));
    (void)n;
}

/* ---- About to sleep ---- */

static bool has_work(struct node_ep *ep)
{
    uint64_t word;

    return node_inlet_peek_all(&ep->in, &word) || !list_empty(&ep->busy) || ep->fetches.count ||
           node_pull_has_work(ep);
}

/*
 * Says that this thread is about to sleep. True: it is safe, whoever writes from now on rings.
 * False: there is work. Then a sign that was there is given again: it may have been for another
 * thread that sleeps, and this one may leave before all is done. The domain's lock is held.
 */
static bool announce(struct list *eps, struct node_alarm *alarm)
{
    struct list *l;

    /* A message that is being copied: not worth the barrier below. */
    for (l = eps->next; l != eps; l = l->next)
        if (node_pull_has_work(node_cq_ep(l)))
            return false;
    bool sign = drain(alarm->fd);
    alarm->armed = true;
    for (l = eps->next; l != eps; l = l->next) {
        struct node_ep *ep = node_cq_ep(l);
        sign |= drain(ep->doorbell[0]);
        node_ep_mend(ep);
        atomic_fetch_or_explicit(&ep->segment->sleeping, NODE_ASLEEP, memory_order_seq_cst);
    }
    barrier_all();
    atomic_thread_fence(memory_order_seq_cst);
    for (l = eps->next; l != eps; l = l->next)
        if (has_work(node_cq_ep(l))) {
            if (sign)
                node_alarm_ring(alarm);
            return false; /* the word stays: it may be another thread's, too */
        }
    return true;
}

void node_waiter_begin(struct node_waiter *w, struct node_domain *domain, struct node_alarm *alarm,
                       struct list *eps, int timeout)
{
    *w = (struct node_waiter){.domain = domain, .alarm = alarm, .eps = eps, .epoll = -1};
    w->until = timeout < 0 ? UINT64_MAX : clock_ns() + (uint64_t)timeout * NS_PER_MS;
}

bool node_waiter_step(struct node_waiter *w)
{
    w->announced = false;
    if (clock_ns() >= w->until)
        return false;
    if (w->yields < YIELDS) {
        w->yields++;
        sched_yield();
        return true;
    }
    lock_take(&w->domain->lock);
    w->announced = announce(w->eps, w->alarm);
    lock_drop(&w->domain->lock);
    return true;
}

void node_waiter_sleep(struct node_waiter *w)
{
    enum { FDS = 8 };
    struct pollfd fds[FDS] = {{.fd = w->alarm->fd, .events = POLLIN}};
    nfds_t n = 1;
    uint64_t now = clock_ns(), left = w->until > now ? (w->until - now) / NS_PER_MS + 1 : 0;
    uint64_t longest = LONGEST;

    if (!w->announced || !left)
        return;
    if (w->epoll >= 0) {
        fds[0].fd = w->epoll;
    } else {
        struct list *l;
        lock_take(&w->domain->lock);
        for (l = w->eps->next; l != w->eps && n < FDS; l = l->next)
            fds[n++] = (struct pollfd){.fd = node_cq_ep(l)->doorbell[0], .events = POLLIN};
        /* Nothing tells of those that do not fit: a look at them, every so often. */
        if (l != w->eps)
            longest = LEAST;
        lock_drop(&w->domain->lock);
    }
    poll(fds, n, left > longest ? (int)longest : (int)left);
}

/* ---- FI_WAIT_FD ---- */

static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int node_wait_open(struct node_cq *cq)
{
    int ret = node_alarm_open(&cq->alarm);

    if (ret)
        return ret;
    cq->epoll = epoll_create1(EPOLL_CLOEXEC);
    ret = cq->epoll < 0 ? -errno : watch(cq->epoll, cq->alarm.fd);
    if (ret)
        node_wait_close(cq);
    return ret;
}

void node_wait_close(struct node_cq *cq)
{
    close(cq->alarm.fd);
    if (cq->epoll >= 0)
        close(cq->epoll);
}

int node_wait_fd(struct node_cq *cq, int *fd)
{
    *fd = cq->epoll;
    return 0;
}

int node_wait_watch(struct node_cq *cq, struct node_ep *ep)
{
    return watch(cq->epoll, ep->doorbell[0]);
}

void node_wait_forget(struct node_cq *cq, struct node_ep *ep)
{
    if (getpid() == ep->pid) /* not for our parent, whose watch it is */
        epoll_ctl(cq->epoll, EPOLL_CTL_DEL, ep->doorbell[0], NULL);
}

int node_trywait(struct fid_fabric *fabric, struct fid **fids, int count)
{
    (void)fabric;
    for (int i = 0; i < count; i++) {
        if (fids[i]->fclass != FI_CLASS_CQ)
            return -FI_ENOSYS;
        struct node_cq *cq = container_of(fids[i], struct node_cq, fid.fid);
        lock_take(&cq->domain->lock);
        bool idle = cq->head == cq->tail && announce(&cq->eps, &cq->alarm);
        lock_drop(&cq->domain->lock);
        if (!idle)
            return -FI_EAGAIN;
    }
    return 0;
}
