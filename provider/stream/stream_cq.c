/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The completion queue: a ring of what is over, filled by progress, which reading makes first. Its
 * wait object is the epoll set of the endpoint's sockets.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/stream/stream.h"

enum { RING_FIRST = 256 };

static bool grow(struct stream_cq *cq)
{
    size_t size = (cq->mask + 1) * 2;
    struct stream_completion *ring = malloc(size * sizeof(*ring));

    if (!ring)
        return false;
    for (uint64_t i = cq->head; i != cq->tail; i++)
        ring[i & (size - 1)] = cq->ring[i & cq->mask];
    free(cq->ring);
    cq->ring = ring;
    cq->mask = size - 1;
    return true;
}

void stream_cq_wake(struct stream_cq *cq)
{
    static const uint64_t one = 1;

    cq->armed = false;
    if (!cq->rung && write(cq->bell.fd, &one, sizeof(one)) == sizeof(one))
        cq->rung = true;
}

void stream_cq_quiet(struct stream_cq *cq)
{
    uint64_t rings;

    if (read(cq->bell.fd, &rings, sizeof(rings)) == sizeof(rings))
        cq->rung = false;
}

void stream_complete(struct stream_ep *ep, const struct stream_completion *c)
{
    struct stream_cq *cq = ep->cq;

    if (UNLIKELY(cq->tail - cq->head > cq->mask) && !grow(cq)) {
        LOG(LOG_ERROR, "no memory to keep a completion: an operation will never end");
        return;
    }
    cq->ring[cq->tail++ & cq->mask] = *c;
    if (UNLIKELY(cq->armed) && !cq->reading)
        stream_cq_wake(cq);
}

static ssize_t cq_read(struct fid_cq *fid, void *buf, size_t count)
{
    struct stream_cq *cq = container_of(fid, struct stream_cq, fid);
    struct fi_cq_tagged_entry *entries = buf;
    size_t n = 0;

    if (cq->head == cq->tail && cq->ep) {
        cq->reading = true;
        stream_progress(cq->ep);
        cq->reading = false;
    }
    while (n < count && cq->head != cq->tail) {
        const struct stream_completion *c = &cq->ring[cq->head & cq->mask];
        if (UNLIKELY(c->error))
            break;
        entries[n++] = c->entry;
        cq->head++;
    }
    return n ? (ssize_t)n : cq->head != cq->tail && count ? -FI_EAVAIL : -FI_EAGAIN;
}

static ssize_t cq_readerr(struct fid_cq *fid, struct fi_cq_err_entry *entry, uint64_t flags)
{
    struct stream_cq *cq = container_of(fid, struct stream_cq, fid);
    const struct stream_completion *c = &cq->ring[cq->head & cq->mask];

    (void)flags;
    if (cq->head == cq->tail || !c->error)
        return -FI_EAGAIN;
    *entry = (struct fi_cq_err_entry){.op_context = c->entry.op_context,
                                      .flags = c->entry.flags,
                                      .len = c->entry.len,
                                      .buf = c->entry.buf,
                                      .data = c->entry.data,
                                      .tag = c->entry.tag,
                                      .olen = c->olen,
                                      .err = c->error,
                                      .prov_errno = c->error};
    cq->head++;
    return 1;
}

static const char *cq_strerror(struct fid_cq *fid, int prov_errno, const void *err_data, char *buf,
                               size_t len)
{
    const char *text = strerror(prov_errno);

    (void)fid, (void)err_data;
    if (buf && len) {
        strncpy(buf, text, len - 1);
        buf[len - 1] = 0;
    }
    return text;
}

static int cq_close(struct fid *fid)
{
    struct stream_cq *cq = container_of(fid, struct stream_cq, fid.fid);

    if (cq->ep)
        return -FI_EBUSY;
    cq->domain->users--;
    close(cq->epoll);
    close(cq->bell.fd);
    free(cq->ring);
    free(cq);
    return 0;
}

static int cq_control(struct fid *fid, int command, void *arg)
{
    struct stream_cq *cq = container_of(fid, struct stream_cq, fid.fid);

    if (command != FI_GETWAIT)
        return -FI_ENOSYS;
    *(int *)arg = cq->epoll;
    return 0;
}

int stream_trywait(struct fid_fabric *fabric, struct fid **fids, int count)
{
    (void)fabric;
    for (int i = 0; i < count; i++) {
        struct stream_cq *cq = container_of(fids[i], struct stream_cq, fid.fid);
        if (fids[i]->fclass != FI_CLASS_CQ)
            return -FI_EINVAL;
        if (cq->head != cq->tail || (cq->ep && (cq->ep->stuck || !stream_watch_all(cq->ep))))
            return -FI_EAGAIN;
        /* Only here: who was to hear the bell may not have come to it yet. */
        if (cq->rung)
            stream_cq_quiet(cq);
        cq->armed = true;
        /* Whatever wakes the sleeper, he is to see it at his next look. */
        if (cq->ep) {
            cq->ep->idle = STREAM_LOOK;
            cq->ep->hot_reads = 0;
        }
    }
    return 0;
}

static struct fi_ops cq_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = cq_close,
    .control = cq_control,
};

static struct fi_ops_cq cq_ops = {
    .size = sizeof(struct fi_ops_cq),
    .read = cq_read,
    .readerr = cq_readerr,
    .strerror = cq_strerror,
};

/* The set of what wakes sleepers, with the bell in it. */
static int open_set(struct stream_cq *cq)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cq->bell};
    int ret;

    cq->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (cq->epoll < 0)
        return -errno;
    cq->bell =
        (struct stream_socket){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .what = STREAM_BELL};
    if (cq->bell.fd >= 0 && !epoll_ctl(cq->epoll, EPOLL_CTL_ADD, cq->bell.fd, &e))
        return 0;
    ret = -errno;
    if (cq->bell.fd >= 0)
        close(cq->bell.fd);
    close(cq->epoll);
    return ret;
}

int stream_cq_open(struct fid_domain *fid, struct fi_cq_attr *attr, struct fid_cq **cq_fid,
                   void *context)
{
    struct stream_domain *domain = container_of(fid, struct stream_domain, fid);
    int ret = -FI_ENOMEM;

    if (attr->format != FI_CQ_FORMAT_TAGGED && attr->format != FI_CQ_FORMAT_UNSPEC)
        return -FI_ENOSYS;
    struct stream_cq *cq = calloc(1, sizeof(*cq));
    if (!cq)
        return ret;
    cq->ring = malloc(RING_FIRST * sizeof(*cq->ring));
    if (!cq->ring)
        goto free_cq;
    ret = open_set(cq);
    if (ret)
        goto free_ring;
    cq->mask = RING_FIRST - 1;
    cq->domain = domain;
    cq->fid = (struct fid_cq){{FI_CLASS_CQ, context, &cq_fid_ops}, &cq_ops};
    domain->users++;
    *cq_fid = &cq->fid;
    return 0;

free_ring:
    free(cq->ring);
free_cq:
    free(cq);
    return ret;
}
