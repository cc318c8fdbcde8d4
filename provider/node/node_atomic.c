/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote atomics. Memory that every process maps (node_memory.c) changes by the processor's own
 * atomics, from wherever, and the target sleeps on; all other memory changes in its owner, one
 * message after the other. Which of the two is a property of the region: they are never mixed.
 *
 * The operands travel in a chunk of ours. Where a result is wanted the target writes it over them,
 * in our segment, and the answer says that it is there.
 */
#include <string.h>

#include "provider/node/node_atomic.h"
#include "provider/node/node_ops.h"

struct call {
    const struct fi_ioc *operand, *compare;
    struct fi_ioc *result;
    size_t operand_count, compare_count, result_count;
    fi_addr_t peer;
    uint64_t addr, key;
    enum fi_datatype type;
    enum fi_op op;
    uint64_t fi_flags;
    void *context;
};

static size_t ioc_count(const struct fi_ioc *ioc, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ioc[i].count;
    return count;
}

static void ioc_gather(const struct fi_ioc *ioc, size_t n, size_t size, void *to)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(to, ioc[i].addr, ioc[i].count * size);
        to = (char *)to + ioc[i].count * size;
    }
}

static void ioc_scatter(const struct fi_ioc *ioc, size_t n, size_t size, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(ioc[i].addr, from, ioc[i].count * size);
        from = (const char *)from + ioc[i].count * size;
    }
}

static enum node_event event_of(const struct call *c)
{
    return c->result_count ? NODE_READ : NODE_WRITE;
}

static uint64_t completion_flags(const struct call *c)
{
    return FI_ATOMIC | (c->result_count ? FI_READ : FI_WRITE);
}

static void done(struct node_ep *ep, const struct call *c, int error)
{
    if (error) {
        struct fi_cq_err_entry e = {
            .op_context = c->context, .flags = completion_flags(c), .err = error};
        node_complete_error(ep, ep->tx_cq, event_of(c), &e);
    } else if (c->fi_flags & FI_COMPLETION) {
        node_complete(ep, ep->tx_cq, event_of(c), c->context, completion_flags(c), 0, NULL, 0, 0,
                      FI_ADDR_NOTAVAIL);
    } else {
        node_count(ep, event_of(c));
    }
}

/* The memory is here: mapped, or our own. */
static void at_once(struct node_ep *ep, struct node_peer *peer, const struct call *c, size_t count,
                    const struct node_place *place)
{
    unsigned char operand[NODE_ATOMIC_BYTES], compare[NODE_ATOMIC_BYTES];
    unsigned char result[NODE_ATOMIC_BYTES];
    size_t size = node_atomic_size(c->type);
    struct node_atomic a = {.type = c->type, .op = c->op, .count = count};

    if (c->operand_count) {
        ioc_gather(c->operand, c->operand_count, size, operand);
        a.operand = operand;
    }
    if (c->compare_count) {
        ioc_gather(c->compare, c->compare_count, size, compare);
        a.compare = compare;
    }
    if (c->result_count)
        a.result = result;
    node_atomic_do(&a, place->here, place->shared ? peer->segment->stripes : NULL, place->there);
    if (c->result_count)
        ioc_scatter(c->result, c->result_count, size, result);
    done(ep, c, 0);
}

/* What the answer will need: each atomic is answered, because what follows it must know. */
static struct node_op *op_new(struct node_ep *ep, struct node_peer *peer, const struct call *c,
                              int chunk)
{
    struct node_op *op = pool_get(&ep->ops);
    size_t size = node_atomic_size(c->type);

    if (!op)
        return NULL;
    list_init(&op->link);
    op->kind = NODE_OP_ATOMIC;
    op->flags = c->fi_flags & FI_COMPLETION ? NODE_OP_COMPLETE : 0;
    op->event = event_of(c);
    op->completion_flags = completion_flags(c);
    op->context = c->context;
    op->peer = peer;
    op->iov_count = c->result_count;
    for (size_t i = 0; i < c->result_count; i++)
        op->iov[i] = (struct iovec){c->result[i].addr, c->result[i].count * size};
    op->partner = chunk;
    return op;
}

static ssize_t by_message(struct node_ep *ep, struct node_peer *peer, const struct call *c,
                          size_t count)
{
    size_t size = node_atomic_size(c->type);
    uint64_t stamp;
    struct node_op *op;

    /* Not before what was written earlier: FI_ORDER_WAW and RAW. */
    if (!list_empty(&peer->streams))
        return -FI_EAGAIN;
    int chunk = node_chunk_take(ep, peer);
    if (chunk < 0)
        return chunk;
    op = op_new(ep, peer, c, chunk);
    if (!op)
        goto return_chunk;
    ioc_gather(c->operand, c->operand_count, size, ep->segment->chunks[chunk]);
    ioc_gather(c->compare, c->compare_count, size, ep->segment->chunks[chunk] + count * size);
    struct node_cell *cell = node_outlet_take(&peer->out, &stamp);
    if (!cell)
        goto free_op;
    struct node_wire_atomic wire = {(uintptr_t)op,       c->addr, c->key, count, c->type, c->op,
                                    c->result_count > 0, chunk};
    memcpy(cell->payload, &wire, sizeof(wire));
    cell->tag = cell->data = 0;
    node_outlet_publish(&peer->out, cell, stamp, node_word(NODE_CELL_ATOMIC, 0));
    /* With a result the chunk stays in our hands until the answer. */
    if (!c->result_count)
        node_chunk_lend(ep, chunk);
    peer->writes++;
    return 0;

free_op:
    pool_put(&ep->ops, op);
return_chunk:
    node_chunk_return(ep, chunk);
    return -FI_EAGAIN;
}

/* The target's part. */
void node_atomic_apply(struct node_ep *ep, struct node_peer *peer,
                       const struct node_wire_atomic *wire)
{
    unsigned char result[NODE_ATOMIC_BYTES];
    unsigned char *chunk = peer->segment->chunks[wire->chunk];
    size_t len = wire->count * node_atomic_size(wire->type);
    struct node_atomic a = {.type = wire->type,
                            .op = wire->operation,
                            .count = wire->count,
                            .operand = chunk,
                            .compare = chunk + len,
                            .result = wire->fetch ? result : NULL};
    struct node_place place;
    struct node_peer *self;
    unsigned access = (wire->operation != FI_ATOMIC_READ ? NODE_REGION_WRITE : 0) |
                      (wire->fetch ? NODE_REGION_READ : 0);
    int ret = node_peer_self(ep, &self);

    if (!ret && (!node_atomic_valid(wire->type, wire->operation) || len > NODE_ATOMIC_BYTES))
        ret = -FI_EOPNOTSUPP;
    if (!ret)
        ret = node_place_find(ep, self, wire->key, wire->address, len, access, &place);
    if (!ret) {
        node_atomic_do(&a, place.here, place.shared ? ep->segment->stripes : NULL, place.there);
        if (wire->fetch)
            memcpy(chunk, result, len);
    }
    if (!wire->fetch)
        node_chunk_release(peer, wire->chunk);
    struct node_wire_answer answer = {wire->op, ret};
    node_control_send(ep, peer, NODE_CELL_ACK, &answer, sizeof(answer));
}

void node_atomic_answered(struct node_ep *ep, struct node_op *op, bool good)
{
    size_t len = node_iov_length(op->iov, op->iov_count);

    if (!op->iov_count)
        return; /* the chunk was lent */
    if (good)
        node_iov_fill(op->iov, op->iov_count, 0, ep->segment->chunks[op->partner], len);
    node_chunk_return(ep, op->partner);
}

static bool is_compare(enum fi_op op)
{
    return op >= FI_CSWAP && op <= FI_MSWAP;
}

/* All lists that there are have as many elements. */
static bool counts_agree(const struct call *c, size_t count)
{
    return (!c->result_count || ioc_count(c->result, c->result_count) == count) &&
           (!c->compare_count || ioc_count(c->compare, c->compare_count) == count);
}

static ssize_t atomic_op(struct node_ep *ep, const struct call *c)
{
    size_t size = node_atomic_size(c->type);
    size_t count = c->op == FI_ATOMIC_READ ? ioc_count(c->result, c->result_count)
                                           : ioc_count(c->operand, c->operand_count);
    struct node_peer *peer;
    struct node_place place;

    if (!node_atomic_valid(c->type, c->op) || is_compare(c->op) != (c->compare_count > 0))
        return -FI_EOPNOTSUPP;
    if (count * size > NODE_ATOMIC_BYTES || c->operand_count > NODE_IOV ||
        c->result_count > NODE_IOV || c->compare_count > NODE_IOV || !counts_agree(c, count))
        return -FI_EINVAL;
    int ret = node_peer_get(ep, c->peer, &peer);
    if (ret)
        return ret;
    unsigned access = (c->op != FI_ATOMIC_READ ? NODE_REGION_WRITE : 0) |
                      (c->result_count ? NODE_REGION_READ : 0);
    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    ret = node_place_find(ep, peer, c->key, c->addr, count * size, access, &place);
    if (ret) {
        done(ep, c, -ret);
        return 0;
    }
    if (!place.here)
        return by_message(ep, peer, c, count);
    at_once(ep, peer, c, count, &place);
    return 0;
}

static ssize_t atomic_locked(struct fid_ep *fid, struct call *c)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    if (c->op == FI_ATOMIC_READ)
        c->operand_count = 0;
    lock_take(ep->lock);
    ssize_t ret = atomic_op(ep, c);
    lock_drop(ep->lock);
    return ret;
}

/* ---- libfabric's calls ---- */

static uint64_t op_flags(struct fid_ep *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return ep->tx_op_flags | (ep->tx_selective ? 0 : FI_COMPLETION);
}

static uint64_t msg_flags(struct fid_ep *fid, uint64_t flags)
{
    return flags | (container_of(fid, struct node_ep, fid)->tx_selective ? 0 : FI_COMPLETION);
}

static ssize_t atomic_writev(struct fid_ep *fid, const struct fi_ioc *iov, void **desc,
                             size_t count, fi_addr_t peer, uint64_t addr, uint64_t key,
                             enum fi_datatype type, enum fi_op op, void *context)
{
    struct call c = {.operand = iov,
                     .operand_count = count,
                     .peer = peer,
                     .addr = addr,
                     .key = key,
                     .type = type,
                     .op = op,
                     .fi_flags = op_flags(fid),
                     .context = context};

    (void)desc;
    return atomic_locked(fid, &c);
}

static ssize_t atomic_write(struct fid_ep *fid, const void *buf, size_t count, void *desc,
                            fi_addr_t peer, uint64_t addr, uint64_t key, enum fi_datatype type,
                            enum fi_op op, void *context)
{
    struct fi_ioc ioc = {(void *)buf, count};

    return atomic_writev(fid, &ioc, &desc, 1, peer, addr, key, type, op, context);
}

/* One range of the target: rma_iov_limit is 1. */
static bool msg_fits(const struct fi_msg_atomic *msg)
{
    return msg->rma_iov_count == 1;
}

static struct call msg_call(struct fid_ep *fid, const struct fi_msg_atomic *msg, uint64_t flags)
{
    return (struct call){.operand = msg->msg_iov,
                         .operand_count = msg->iov_count,
                         .peer = msg->addr,
                         .addr = msg->rma_iov->addr,
                         .key = msg->rma_iov->key,
                         .type = msg->datatype,
                         .op = msg->op,
                         .fi_flags = msg_flags(fid, flags),
                         .context = msg->context};
}

static ssize_t atomic_writemsg(struct fid_ep *fid, const struct fi_msg_atomic *msg, uint64_t flags)
{
    if (!msg_fits(msg))
        return -FI_EINVAL;
    struct call c = msg_call(fid, msg, flags);
    return atomic_locked(fid, &c);
}

static ssize_t atomic_inject(struct fid_ep *fid, const void *buf, size_t count, fi_addr_t peer,
                             uint64_t addr, uint64_t key, enum fi_datatype type, enum fi_op op)
{
    struct fi_ioc ioc = {(void *)buf, count};
    struct call c = {.operand = &ioc,
                     .operand_count = 1,
                     .peer = peer,
                     .addr = addr,
                     .key = key,
                     .type = type,
                     .op = op,
                     .fi_flags = FI_INJECT};

    return atomic_locked(fid, &c);
}

static ssize_t atomic_compwritev(struct fid_ep *fid, const struct fi_ioc *iov, void **desc,
                                 size_t count, const struct fi_ioc *compare, void **compare_desc,
                                 size_t compare_count, struct fi_ioc *result, void **result_desc,
                                 size_t result_count, fi_addr_t peer, uint64_t addr, uint64_t key,
                                 enum fi_datatype type, enum fi_op op, void *context)
{
    struct call c = {iov,  compare, result, count, compare_count, result_count, peer,
                     addr, key,     type,   op,    op_flags(fid), context};

    (void)desc, (void)compare_desc, (void)result_desc;
    return atomic_locked(fid, &c);
}

static ssize_t atomic_compwrite(struct fid_ep *fid, const void *buf, size_t count, void *desc,
                                const void *compare, void *compare_desc, void *result,
                                void *result_desc, fi_addr_t peer, uint64_t addr, uint64_t key,
                                enum fi_datatype type, enum fi_op op, void *context)
{
    struct fi_ioc operand = {(void *)buf, count}, comparand = {(void *)compare, count};
    struct fi_ioc found = {result, count};

    return atomic_compwritev(fid, &operand, &desc, 1, &comparand, &compare_desc, 1, &found,
                             &result_desc, 1, peer, addr, key, type, op, context);
}

static ssize_t atomic_compwritemsg(struct fid_ep *fid, const struct fi_msg_atomic *msg,
                                   const struct fi_ioc *compare, void **compare_desc,
                                   size_t compare_count, struct fi_ioc *result, void **result_desc,
                                   size_t result_count, uint64_t flags)
{
    (void)compare_desc, (void)result_desc;
    if (!msg_fits(msg))
        return -FI_EINVAL;
    struct call c = msg_call(fid, msg, flags);
    c.compare = compare;
    c.compare_count = compare_count;
    c.result = result;
    c.result_count = result_count;
    return atomic_locked(fid, &c);
}

static ssize_t atomic_readwritev(struct fid_ep *fid, const struct fi_ioc *iov, void **desc,
                                 size_t count, struct fi_ioc *result, void **result_desc,
                                 size_t result_count, fi_addr_t peer, uint64_t addr, uint64_t key,
                                 enum fi_datatype type, enum fi_op op, void *context)
{
    return atomic_compwritev(fid, iov, desc, count, NULL, NULL, 0, result, result_desc,
                             result_count, peer, addr, key, type, op, context);
}

static ssize_t atomic_readwrite(struct fid_ep *fid, const void *buf, size_t count, void *desc,
                                void *result, void *result_desc, fi_addr_t peer, uint64_t addr,
                                uint64_t key, enum fi_datatype type, enum fi_op op, void *context)
{
    struct fi_ioc operand = {(void *)buf, count}, found = {result, count};

    return atomic_readwritev(fid, &operand, &desc, 1, &found, &result_desc, 1, peer, addr, key,
                             type, op, context);
}

static ssize_t atomic_readwritemsg(struct fid_ep *fid, const struct fi_msg_atomic *msg,
                                   struct fi_ioc *result, void **result_desc, size_t result_count,
                                   uint64_t flags)
{
    return atomic_compwritemsg(fid, msg, NULL, NULL, 0, result, result_desc, result_count, flags);
}

static int valid(enum fi_datatype type, enum fi_op op, size_t *count, bool kind)
{
    if (!kind || !node_atomic_valid(type, op))
        return -FI_EOPNOTSUPP;
    *count = NODE_ATOMIC_BYTES / node_atomic_size(type);
    return 0;
}

static int atomic_writevalid(struct fid_ep *fid, enum fi_datatype type, enum fi_op op,
                             size_t *count)
{
    (void)fid;
    return valid(type, op, count, !is_compare(op) && op != FI_ATOMIC_READ);
}

static int atomic_readwritevalid(struct fid_ep *fid, enum fi_datatype type, enum fi_op op,
                                 size_t *count)
{
    (void)fid;
    return valid(type, op, count, !is_compare(op));
}

static int atomic_compwritevalid(struct fid_ep *fid, enum fi_datatype type, enum fi_op op,
                                 size_t *count)
{
    (void)fid;
    return valid(type, op, count, is_compare(op));
}

int node_query_atomic(struct fid_domain *domain, enum fi_datatype type, enum fi_op op,
                      struct fi_atomic_attr *attr, uint64_t flags)
{
    bool kind = flags & FI_COMPARE_ATOMIC ? is_compare(op)
                : flags & FI_FETCH_ATOMIC ? !is_compare(op)
                                          : !is_compare(op) && op != FI_ATOMIC_READ;

    (void)domain;
    attr->size = node_atomic_size(type);
    return valid(type, op, &attr->count, kind);
}

struct fi_ops_atomic node_atomic_ops = {
    .size = sizeof(struct fi_ops_atomic),
    .write = atomic_write,
    .writev = atomic_writev,
    .writemsg = atomic_writemsg,
    .inject = atomic_inject,
    .readwrite = atomic_readwrite,
    .readwritev = atomic_readwritev,
    .readwritemsg = atomic_readwritemsg,
    .compwrite = atomic_compwrite,
    .compwritev = atomic_compwritev,
    .compwritemsg = atomic_compwritemsg,
    .writevalid = atomic_writevalid,
    .readwritevalid = atomic_readwritevalid,
    .compwritevalid = atomic_compwritevalid,
};
