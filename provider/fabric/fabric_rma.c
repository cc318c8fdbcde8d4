/* SPDX-License-Identifier: BSD-3-Clause */
/* Remote memory: regions, writes and reads. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>

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

enum { DRAWS = 8 };

/* A key that is drawn may be another region's, where a provider's are of few bytes. */
static int register_keyed(struct fabric_end *e, void *base, size_t len, struct fid_mr **mr)
{
    const struct fi_domain_attr *domain = e->info->domain_attr;
    bool drawn = !(domain->mr_mode & FI_MR_PROV_KEY);
    int rc = -FI_ENOKEY;

    for (int i = 0; rc == -FI_ENOKEY && i < (drawn ? DRAWS : 1); i++)
        rc = fi_mr_reg(e->domain, base, len, FI_REMOTE_READ | FI_REMOTE_WRITE, 0,
                       drawn ? random_key(domain->mr_key_size) : 0, 0, mr, NULL);
    return rc;
}

static int register_at(struct fabric_end *e, void *base, size_t len, struct fid_mr **mr)
{
    uint64_t mode = e->info->domain_attr->mr_mode;
    int rc = register_keyed(e, base, len, mr);

    if (!rc && mode & FI_MR_ENDPOINT) {
        rc = fi_mr_bind(*mr, &e->ep->fid, 0);
        if (!rc)
            rc = fi_mr_enable(*mr);
        if (rc) {
            fi_close(&(*mr)->fid);
            *mr = NULL;
        }
    }
    return fabric_errno(rc);
}

/* ---- A trial ---- */

/* What libfabric's rxm keeps registered for an endpoint, 1024 buffers of 16 KiB of several kinds.
 */
enum { TRIAL = 1 << 16, RXM_KEEPS = 80 << 20 };

/* Where the limit lets that be locked in any case, a little tells as much. */
static size_t trial_size(void)
{
    struct rlimit limit;

    return !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur < RXM_KEEPS ? RXM_KEEPS : TRIAL;
}

int fabric_region_try(struct fabric_end *e)
{
    size_t len = trial_size();
    void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct fid_mr *mr;

    if (mem == MAP_FAILED)
        return -ENOMEM;
    int rc = register_at(e, mem, len, &mr);
    if (!rc)
        fi_close(&mr->fid);
    munmap(mem, len);
    return rc;
}

/* ---- Regions ---- */

/* With all ends that are open, as a peer comes by the one that it has. */
static int register_memory(struct fabric_region *r, void *base, size_t len)
{
    for (int i = 0; i < FABRIC_ENDS; i++) {
        struct fabric_end *e = &fabric.ends[i];
        int rc = e->open ? register_at(e, base, len, &r->mr[i]) : 0;
        if (rc) {
            LOG(LOG_ERROR, "%s does not register %zu bytes: %s", fabric_end_provider(e), len,
                strerror(-rc));
            return rc;
        }
        if (!e->open)
            continue;
        r->key.way[i].key = fi_mr_key(r->mr[i]);
        if (e->info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)
            r->key.way[i].base = (uintptr_t)base;
    }
    count_add_unlocked(&counts.registered, 1);
    count_add_unlocked(&counts.registered_bytes, len);
    return 0;
}

int fabric_region_open(void *base, size_t len, struct fabric_region **region)
{
    struct fabric_region *r = calloc(1, sizeof(*r));
    int rc = !r ? -ENOMEM : len ? register_memory(r, base, len) : 0;

    if (!rc)
        *region = r;
    else if (r)
        fabric_region_close(r);
    return rc;
}

void fabric_region_key(const struct fabric_region *region, struct fabric_key *key)
{
    *key = region->key;
}

void fabric_region_close(struct fabric_region *region)
{
    for (int i = 0; i < FABRIC_ENDS; i++)
        if (region->mr[i])
            fi_close(&region->mr[i]->fid);
    free(region);
}

static int transfer(enum fabric_kind kind, struct fabric_peer *peer, struct fabric_op *op,
                    void *buf, size_t len, const struct fabric_key *key, uint64_t offset)
{
    int way = fabric_end_to(peer)->index;

    op->kind = kind;
    op->end = fabric_end_to(peer)->index;
    op->peer = peer;
    op->iov[0] = (struct iovec){buf, len};
    op->iov_count = 1;
    op->tag = key->way[way].base + offset;
    op->data = key->way[way].key;
    return fabric_post(op);
}

int fabric_write(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 const struct fabric_key *key, uint64_t offset)
{
    return transfer(OP_WRITE, to, op, (void *)buf, len, key, offset);
}

int fabric_read(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                const struct fabric_key *key, uint64_t offset)
{
    return transfer(OP_READ, from, op, buf, len, key, offset);
}

/* ---- Atomics ---- */

/* One authority orders what is added to a word: where two ends are open it would be two. */
bool fabric_adds(void)
{
    return fabric.only && fabric.only->adds;
}

int fabric_fetch_add(struct fabric_peer *at, struct fabric_op *op, const uint64_t *addend,
                     uint64_t *was, const struct fabric_key *key, uint64_t offset)
{
    op->iov[1] = (struct iovec){(void *)addend, sizeof(*addend)};
    return transfer(OP_ADD, at, op, was, sizeof(*was), key, offset);
}

/* ---- Without the peer's help ---- */

int fabric_write_now(struct fabric_peer *to, const void *buf, size_t len,
                     const struct fabric_key *key, uint64_t offset)
{
    const struct fabric_end *e = fabric_end_to(to);

    return e->rma_now ? e->rma_now->write(e->ep, buf, len, to->head.addr,
                                          key->way[e->index].base + offset, key->way[e->index].key)
                      : -EBUSY;
}

int fabric_read_now(struct fabric_peer *from, void *buf, size_t len, const struct fabric_key *key,
                    uint64_t offset)
{
    const struct fabric_end *e = fabric_end_to(from);

    return e->rma_now ? e->rma_now->read(e->ep, buf, len, from->head.addr,
                                         key->way[e->index].base + offset, key->way[e->index].key)
                      : -EBUSY;
}

int fabric_reach(struct fabric_peer *peer)
{
    const struct fabric_end *e = fabric_end_to(peer);

    return e->rma_now ? e->rma_now->reach(e->ep, peer->head.addr) : -EBUSY;
}
