/* SPDX-License-Identifier: BSD-3-Clause */
/* Remote memory: regions, writes and reads. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "provider/base/count.h"
#include "provider/base/log.h"
#include "provider/fabric/fabric_impl.h"

/*
 * Where the provider leaves keys to us they are drawn: whoever is not told one does not guess it
 * among so many, and a key that is told to one peer says nothing about another region's.
 */
static uint64_t random_key(size_t bytes)
{
    uint64_t key = 0;

    if (getrandom(&key, bytes < sizeof(key) ? bytes : sizeof(key), 0) < 0)
        LOG(LOG_WARN, "the system gives no random bytes for a key: %s", strerror(errno));
    return key;
}

static int register_memory(void *base, size_t len, struct fid_mr **mr)
{
    uint64_t mode = fabric.info->domain_attr->mr_mode;
    int rc = fi_mr_reg(
        fabric.domain, base, len, FI_REMOTE_READ | FI_REMOTE_WRITE, 0,
        mode & FI_MR_PROV_KEY ? 0 : random_key(fabric.info->domain_attr->mr_key_size), 0, mr, NULL);

    if (rc || !(mode & FI_MR_ENDPOINT))
        return rc;
    rc = fi_mr_bind(*mr, &fabric.ep->fid, 0);
    if (!rc)
        rc = fi_mr_enable(*mr);
    if (rc)
        fi_close(&(*mr)->fid);
    return rc;
}

int fabric_region_open(void *base, size_t len, struct fabric_region **region)
{
    struct fabric_region *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    if (len) {
        int rc = register_memory(base, len, &r->mr);
        if (rc) {
            LOG(LOG_ERROR, "%s does not register %zu bytes: %s", fabric_provider(), len,
                strerror(-fabric_errno(rc)));
            free(r);
            return fabric_errno(rc);
        }
        count_add_unlocked(&counts.registered, 1);
        count_add_unlocked(&counts.registered_bytes, len);
        r->key.key = fi_mr_key(r->mr);
        if (fabric.info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
            r->key.base = (uintptr_t)base;
    }
    *region = r;
    return 0;
}

void fabric_region_key(const struct fabric_region *region, struct fabric_key *key)
{
    *key = region->key;
}

void fabric_region_close(struct fabric_region *region)
{
    if (region->mr)
        fi_close(&region->mr->fid);
    free(region);
}

static int transfer(enum fabric_kind kind, struct fabric_peer *peer, struct fabric_op *op,
                    void *buf, size_t len, uint64_t address, uint64_t key)
{
    op->kind = kind;
    op->peer = peer;
    op->iov[0] = (struct iovec){buf, len};
    op->iov_count = 1;
    op->tag = address;
    op->data = key;
    return fabric_post(op);
}

int fabric_write(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 uint64_t address, uint64_t key)
{
    return transfer(OP_WRITE, to, op, (void *)buf, len, address, key);
}

int fabric_read(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                uint64_t address, uint64_t key)
{
    return transfer(OP_READ, from, op, buf, len, address, key);
}

/* ---- Without the peer's help ---- */

int fabric_write_now(struct fabric_peer *to, const void *buf, size_t len, uint64_t address,
                     uint64_t key)
{
    return fabric.rma_now ? fabric.rma_now->write(fabric.ep, buf, len, to->head.addr, address, key)
                          : -EBUSY;
}

int fabric_read_now(struct fabric_peer *from, void *buf, size_t len, uint64_t address, uint64_t key)
{
    return fabric.rma_now ? fabric.rma_now->read(fabric.ep, buf, len, from->head.addr, address, key)
                          : -EBUSY;
}

int fabric_reach(struct fabric_peer *peer)
{
    return fabric.rma_now ? fabric.rma_now->reach(fabric.ep, peer->head.addr) : -EBUSY;
}
