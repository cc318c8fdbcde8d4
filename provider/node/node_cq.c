/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completion queues: a ring of what is over, filled by progress, which reading makes first. The
 * ring grows when it must: a completion is never lost. Waiting on one: node_wait.c.
 */
#include <stdlib.h>
#include <string.h>

#include "provider/node/node.h"
#include "provider/node/node_wait.h"

enum { RING_FIRST = 256 };

bool node_cq_grow(struct node_cq *cq)
{
    size_t size = (cq->mask + 1) * 2;
    struct node_completion *ring = malloc(size * sizeof(*ring));

    if (!ring)
        return false;
    for (uint64_t i = cq->head; i != cq->tail; i++)
        ring[i & (size - 1)] = cq->ring[i & cq->mask];
    free(cq->ring);
    cq->ring = ring;
    cq->mask = size - 1;
    return true;
}

/* Whoever began the operation made sure that there is room for its end: node_cq_room. */
static struct node_completion *ring_next(struct node_cq *cq)
{
    node_alarm(&cq->alarm);
    return &cq->ring[cq->tail++ & cq->mask];
}

void node_count(struct node_ep *ep, enum node_event event)
{
    struct node_cntr *cntr = event < NODE_EVENTS ? ep->cntr[event] : NULL;

    if (cntr) {
        atomic_fetch_add_explicit(&cntr->value, 1, memory_order_release);
        node_alarm(&cntr->alarm);
    }
}

void node_complete(struct node_ep *ep, struct node_cq *cq, enum node_event event, void *context,
                   uint64_t flags, size_t len, void *buf, uint64_t data, uint64_t tag,
                   fi_addr_t source)
{
    node_count(ep, event);
    if (!cq)
        return;
    struct node_completion *c = ring_next(cq);
    c->entry = (struct fi_cq_tagged_entry){context, flags, len, buf, data, tag};
    c->source = source;
    c->error = 0;
}

void node_complete_error(struct node_ep *ep, struct node_cq *cq, enum node_event event,
                         const struct fi_cq_err_entry *error)
{
    struct node_cntr *cntr = event < NODE_EVENTS ? ep->cntr[event] : NULL;

    if (cntr) {
        atomic_fetch_add_explicit(&cntr->errors, 1, memory_order_release);
        node_alarm(&cntr->alarm);
    }
    if (!cq)
        return;
    struct node_completion *c = ring_next(cq);
    c->entry = (struct fi_cq_tagged_entry){error->op_context, error->flags, error->len,
                                           error->buf,        error->data,  error->tag};
    c->olen = error->olen;
    c->error = error->err;
}

static void cq_progress(struct node_cq *cq)
{
    for (struct list *l = cq->eps.next; l != &cq->eps; l = l->next)
        node_ep_progress(node_cq_ep(l));
}

static size_t entry_size(enum fi_cq_format format)
{
    switch (format) {
    case FI_CQ_FORMAT_CONTEXT:
        return sizeof(struct fi_cq_entry);
    case FI_CQ_FORMAT_MSG:
        return sizeof(struct fi_cq_msg_entry);
    case FI_CQ_FORMAT_DATA:
        return sizeof(struct fi_cq_data_entry);
    default:
        return sizeof(struct fi_cq_tagged_entry);
    }
}

static ssize_t cq_readfrom(struct fid_cq *fid, void *buf, size_t count, fi_addr_t *source)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid);
    size_t size = entry_size(cq->format); /* each format is the beginning of the longest */
    size_t n = 0;
    ssize_t ret;

    lock_take(&cq->domain->lock);
    if (cq->head == cq->tail)
        cq_progress(cq);
    while (n < count && cq->head != cq->tail) {
        struct node_completion *c = &cq->ring[cq->head & cq->mask];
        if (__builtin_expect(c->error, 0))
            break;
        if (__builtin_expect(cq->format == FI_CQ_FORMAT_TAGGED, 1))
            ((struct fi_cq_tagged_entry *)buf)[n] = c->entry;
        else
            memcpy((char *)buf + n * size, &c->entry, size);
        if (source)
            source[n] = c->source;
        cq->head++;
        n++;
    }
    ret = n ? (ssize_t)n : cq->head != cq->tail && count ? -FI_EAVAIL : -FI_EAGAIN;
    lock_drop(&cq->domain->lock);
    return ret;
}

static ssize_t cq_read(struct fid_cq *fid, void *buf, size_t count)
{
    return cq_readfrom(fid, buf, count, NULL);
}

static ssize_t cq_readerr(struct fid_cq *fid, struct fi_cq_err_entry *entry, uint64_t flags)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid);
    ssize_t ret = -FI_EAGAIN;

    (void)flags;
    lock_take(&cq->domain->lock);
    struct node_completion *c = &cq->ring[cq->head & cq->mask];
    if (cq->head != cq->tail && c->error) {
        /* Nothing is said in err_data; the caller's room for it stays its own. */
        void *err_data = entry->err_data;
        *entry = (struct fi_cq_err_entry){.op_context = c->entry.op_context,
                                          .flags = c->entry.flags,
                                          .len = c->entry.len,
                                          .buf = c->entry.buf,
                                          .data = c->entry.data,
                                          .tag = c->entry.tag,
                                          .olen = c->olen,
                                          .err = c->error,
                                          .prov_errno = c->error,
                                          .err_data = err_data};
        cq->head++;
        ret = 1;
    }
    lock_drop(&cq->domain->lock);
    return ret;
}

static ssize_t cq_sreadfrom(struct fid_cq *fid, void *buf, size_t count, fi_addr_t *source,
                            const void *cond, int timeout)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid);
    struct node_waiter w;
    ssize_t ret;

    (void)cond;
    if (cq->wait_obj == FI_WAIT_NONE)
        return -FI_ENOSYS;
    node_waiter_begin(&w, cq->domain, &cq->alarm, &cq->eps, timeout);
    w.epoll = cq->epoll;
    while ((ret = cq_readfrom(fid, buf, count, source)) == -FI_EAGAIN) {
        if (__atomic_exchange_n(&cq->signalled, false, __ATOMIC_ACQ_REL))
            return -FI_EAGAIN;
        if (!node_waiter_step(&w))
            return -FI_EAGAIN;
        /* What came between the look above and the announcement is found by this one. */
        if (w.announced && !__atomic_load_n(&cq->signalled, __ATOMIC_ACQUIRE) &&
            (ret = cq_readfrom(fid, buf, count, source)) == -FI_EAGAIN)
            node_waiter_sleep(&w);
        if (ret != -FI_EAGAIN)
            return ret;
    }
    return ret;
}

static ssize_t cq_sread(struct fid_cq *fid, void *buf, size_t count, const void *cond, int timeout)
{
    return cq_sreadfrom(fid, buf, count, NULL, cond, timeout);
}

static int cq_signal(struct fid_cq *fid)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid);

    lock_take(&cq->domain->lock);
    __atomic_store_n(&cq->signalled, true, __ATOMIC_RELEASE);
    node_alarm_ring(&cq->alarm);
    lock_drop(&cq->domain->lock);
    return 0;
}

const char *node_strerror(int error)
{
    switch (error) {
    case FI_ETRUNC:
        return "the message was longer than the receive";
    case FI_ENOKEY:
        return "no memory is registered under that key";
    default:
        return strerror(error);
    }
}

static const char *cq_strerror(struct fid_cq *fid, int prov_errno, const void *err_data, char *buf,
                               size_t len)
{
    const char *text = node_strerror(prov_errno);

    (void)fid;
    (void)err_data;
    if (buf && len) {
        strncpy(buf, text, len - 1);
        buf[len - 1] = 0;
    }
    return text;
}

static int cq_close(struct fid *fid)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid.fid);

    if (atomic_load(&cq->users))
        return -FI_EBUSY;
    atomic_fetch_sub(&cq->domain->users, 1);
    if (cq->wait_obj == FI_WAIT_FD)
        node_wait_close(cq);
    free(cq->ring);
    free(cq);
    return 0;
}

static int cq_control(struct fid *fid, int command, void *arg)
{
    struct node_cq *cq = container_of(fid, struct node_cq, fid.fid);

    switch (command) {
    case FI_GETWAIT:
        return cq->wait_obj == FI_WAIT_FD ? node_wait_fd(cq, arg) : -FI_ENODATA;
    case FI_GETWAITOBJ:
        *(enum fi_wait_obj *)arg = cq->wait_obj;
        return 0;
    default:
        return -FI_ENOSYS;
    }
}

static struct fi_ops cq_fid_ops = {
    .size = sizeof(struct fi_ops),
    .close = cq_close,
    .control = cq_control,
};

static struct fi_ops_cq cq_ops = {
    .size = sizeof(struct fi_ops_cq),
    .read = cq_read,
    .readfrom = cq_readfrom,
    .readerr = cq_readerr,
    .sread = cq_sread,
    .sreadfrom = cq_sreadfrom,
    .signal = cq_signal,
    .strerror = cq_strerror,
};

static bool wait_obj_known(enum fi_wait_obj wait_obj)
{
    return wait_obj == FI_WAIT_NONE || wait_obj == FI_WAIT_UNSPEC || wait_obj == FI_WAIT_FD;
}

int node_cq_open(struct fid_domain *fid, struct fi_cq_attr *attr, struct fid_cq **cq_fid,
                 void *context)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid);
    size_t size = RING_FIRST;

    if (!wait_obj_known(attr->wait_obj))
        return -FI_ENOSYS;
    struct node_cq *cq = calloc(1, sizeof(*cq));
    if (!cq)
        return -FI_ENOMEM;
    cq->ring = malloc(size * sizeof(*cq->ring));
    if (!cq->ring) {
        free(cq);
        return -FI_ENOMEM;
    }
    cq->mask = size - 1;
    cq->domain = domain;
    cq->format = attr->format == FI_CQ_FORMAT_UNSPEC ? FI_CQ_FORMAT_TAGGED : attr->format;
    cq->wait_obj = attr->wait_obj == FI_WAIT_UNSPEC ? FI_WAIT_FD : attr->wait_obj;
    list_init(&cq->eps);
    cq->epoll = cq->alarm.fd = -1;
    int ret = cq->wait_obj == FI_WAIT_FD ? node_wait_open(cq) : 0;
    if (ret) {
        free(cq->ring);
        free(cq);
        return ret;
    }
    cq->fid = (struct fid_cq){{FI_CLASS_CQ, context, &cq_fid_ops}, &cq_ops};
    atomic_fetch_add(&domain->users, 1);
    *cq_fid = &cq->fid;
    return 0;
}
