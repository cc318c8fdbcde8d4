/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: how many operations of a kind are over. Reading one makes progress first. */
#include <stdlib.h>
#include <unistd.h>

#include "provider/node/node_ops.h"
#include "provider/node/node_wait.h"

static struct node_cntr *from(struct fid_cntr *fid)
{
    return container_of(fid, struct node_cntr, fid);
}

static void cntr_progress(struct node_cntr *cntr)
{
    lock_take(&cntr->domain->lock);
    for (struct list *l = cntr->eps.next; l != &cntr->eps; l = l->next)
        node_ep_progress(node_cq_ep(l));
    lock_drop(&cntr->domain->lock);
}

static uint64_t cntr_read(struct fid_cntr *fid)
{
    cntr_progress(from(fid));
    return atomic_load_explicit(&from(fid)->value, memory_order_acquire);
}

static uint64_t cntr_readerr(struct fid_cntr *fid)
{
    cntr_progress(from(fid));
    return atomic_load_explicit(&from(fid)->errors, memory_order_acquire);
}

static void ring(struct node_cntr *cntr)
{
    lock_take(&cntr->domain->lock);
    node_alarm(&cntr->alarm);
    lock_drop(&cntr->domain->lock);
}

static int cntr_add(struct fid_cntr *fid, uint64_t value)
{
    atomic_fetch_add(&from(fid)->value, value);
    ring(from(fid));
    return 0;
}

static int cntr_set(struct fid_cntr *fid, uint64_t value)
{
    atomic_store(&from(fid)->value, value);
    ring(from(fid));
    return 0;
}

static int cntr_adderr(struct fid_cntr *fid, uint64_t value)
{
    atomic_fetch_add(&from(fid)->errors, value);
    return 0;
}

static int cntr_seterr(struct fid_cntr *fid, uint64_t value)
{
    atomic_store(&from(fid)->errors, value);
    return 0;
}

static int cntr_wait(struct fid_cntr *fid, uint64_t threshold, int timeout)
{
    struct node_cntr *cntr = from(fid);
    uint64_t errors = atomic_load(&cntr->errors);
    struct node_waiter w;

    if (cntr->wait_obj == FI_WAIT_NONE)
        return -FI_ENOSYS;
    node_waiter_begin(&w, cntr->domain, &cntr->alarm, &cntr->eps, timeout);
    while (cntr_read(fid) < threshold) {
        if (atomic_load(&cntr->errors) != errors)
            return -FI_EAVAIL;
        if (!node_waiter_step(&w))
            return -FI_ETIMEDOUT;
        if (!w.announced || (cntr_read(fid) < threshold && atomic_load(&cntr->errors) == errors))
            node_waiter_sleep(&w);
    }
    return 0;
}

static int cntr_close(struct fid *fid)
{
    struct node_cntr *cntr = container_of(fid, struct node_cntr, fid.fid);

    if (atomic_load(&cntr->users))
        return -FI_EBUSY;
    atomic_fetch_sub(&cntr->domain->users, 1);
    if (cntr->alarm.fd >= 0)
        close(cntr->alarm.fd);
    free(cntr);
    return 0;
}

static struct fi_ops cntr_fid_ops = {.size = sizeof(struct fi_ops), .close = cntr_close};

static struct fi_ops_cntr cntr_ops = {
    .size = sizeof(struct fi_ops_cntr),
    .read = cntr_read,
    .readerr = cntr_readerr,
    .add = cntr_add,
    .set = cntr_set,
    .wait = cntr_wait,
    .adderr = cntr_adderr,
    .seterr = cntr_seterr,
};

int node_cntr_open(struct fid_domain *fid, struct fi_cntr_attr *attr, struct fid_cntr **cntr_fid,
                   void *context)
{
    struct node_domain *domain = container_of(fid, struct node_domain, fid);

    if (attr->events != FI_CNTR_EVENTS_COMP ||
        (attr->wait_obj != FI_WAIT_NONE && attr->wait_obj != FI_WAIT_UNSPEC))
        return -FI_ENOSYS;
    struct node_cntr *cntr = calloc(1, sizeof(*cntr));
    if (!cntr)
        return -FI_ENOMEM;
    cntr->domain = domain;
    cntr->wait_obj = attr->wait_obj;
    cntr->alarm.fd = -1;
    if (cntr->wait_obj != FI_WAIT_NONE && node_alarm_open(&cntr->alarm)) {
        free(cntr);
        return -FI_ENOMEM;
    }
    list_init(&cntr->eps);
    cntr->fid = (struct fid_cntr){{FI_CLASS_CNTR, context, &cntr_fid_ops}, &cntr_ops};
    atomic_fetch_add(&domain->users, 1);
    *cntr_fid = &cntr->fid;
    return 0;
}
