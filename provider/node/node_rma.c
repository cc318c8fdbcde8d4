/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote memory: by load and store where the memory is mapped here or ours, by one copy of the
 * kernel's where that is allowed - in both cases over when the call returns, without the target -
 * and otherwise by messages that the target's progress carries out. A write is complete when it is
 * in place, so that every completion is a delivery.
 */
#include <errno.h>
#include <string.h>

#include "provider/base/copy.h"
#include "provider/node/node_offer.h"
#include "provider/node/node_ops.h"
#include "provider/node/node_rma_now.h"

struct rma {
    const struct iovec *iov;
    size_t iov_count;
    struct fi_rma_iov target; /* one range: rma_iov_limit is 1 */
    fi_addr_t peer;
    uint64_t data;
    uint64_t fi_flags;
    void *context;
    bool write;
};

static uint64_t completion_flags(bool write)
{
    return FI_RMA | (write ? FI_WRITE : FI_READ);
}

static void done(struct node_ep *ep, uint32_t flags, bool write, void *context, int error)
{
    enum node_event event = write ? NODE_WRITE : NODE_READ;

    if (error) {
        struct fi_cq_err_entry e = {
            .op_context = context, .flags = completion_flags(write), .err = error};
        node_complete_error(ep, ep->tx_cq, event, &e);
    } else if (flags & NODE_OP_COMPLETE) {
        node_complete(ep, ep->tx_cq, event, context, completion_flags(write), 0, NULL, 0, 0,
                      FI_ADDR_NOTAVAIL);
    } else {
        node_count(ep, event);
    }
}

static void notify(struct node_ep *ep, struct node_peer *peer, uint64_t data, uint64_t len)
{
    struct node_wire_notice wire = {data, len};

    node_control_send(ep, peer, NODE_CELL_NOTICE, &wire, sizeof(wire));
}

/* ---- By messages ---- */

static struct node_op *op_new(struct node_ep *ep, struct node_peer *peer, const struct rma *r,
                              size_t len)
{
    struct node_op *op = pool_get(&ep->ops);

    if (!op)
        return NULL;
    list_init(&op->link);
    op->kind = r->write ? NODE_OP_PUT : NODE_OP_GET;
    op->flags = (r->fi_flags & FI_COMPLETION ? NODE_OP_COMPLETE : 0) |
                (r->fi_flags & FI_REMOTE_CQ_DATA ? NODE_OP_REMOTE_DATA : 0);
    op->event = r->write ? NODE_WRITE : NODE_READ;
    op->completion_flags = completion_flags(r->write);
    op->context = r->context;
    op->peer = peer;
    op->iov_count = r->iov_count;
    memcpy(op->iov, r->iov, r->iov_count * sizeof(*r->iov));
    op->len = op->limit = len;
    op->moved = 0;
    op->address = r->target.addr;
    op->key = r->target.key;
    op->notice = r->data;
    return op;
}

/*
 * Sends what fits into one chunk. The last one carries the operation's name and, for the target's
 * completion, the data and the whole length.
 */
static bool put_step(struct node_ep *ep, struct node_op *op)
{
    struct node_cell *cell;
    uint64_t stamp;
    int chunk = node_chunk_take_piece(ep, op->peer, &cell, &stamp);

    if (chunk < 0)
        return false;
    size_t left = op->limit - op->moved;
    size_t len = left < NODE_CHUNK ? left : NODE_CHUNK;
    node_chunk_fill(op->peer, op->iov, op->iov_count, op->moved, ep->segment->chunks[chunk], len);
    struct node_wire_put wire = {len == left ? (uintptr_t)op : 0, op->address + op->moved, op->key,
                                 chunk};
    memcpy(cell->payload, &wire, sizeof(wire));
    cell->tag = op->len;
    cell->data = op->notice;
    bool told = len == left && op->flags & NODE_OP_REMOTE_DATA;
    node_outlet_publish(&op->peer->out, cell, stamp,
                        node_word(NODE_CELL_PUT, told ? NODE_WIRE_DATA : 0) |
                            node_word_of_length(len));
    node_chunk_lend(ep, chunk);
    op->moved += len;
    return true;
}

bool node_rma_push(struct node_ep *ep, struct node_op *op)
{
    if (op->kind == NODE_OP_GET) {
        struct node_wire_get wire = {(uintptr_t)op, op->address, op->key, op->len};
        return node_cell_put(op->peer, NODE_CELL_GET, &wire, sizeof(wire));
    }
    do {
        if (!put_step(ep, op))
            return false;
    } while (op->moved < op->limit);
    return true;
}

static ssize_t by_messages(struct node_ep *ep, struct node_peer *peer, const struct rma *r,
                           size_t len)
{
    struct node_op *op;

    if (peer->ended)
        return -ESRCH;
    /* Injected data must be away when we return: one chunk, now or not at all. */
    if (r->fi_flags & FI_INJECT && (len > NODE_CHUNK || !list_empty(&peer->streams)))
        return len > NODE_CHUNK ? -FI_EMSGSIZE : -FI_EAGAIN;
    op = op_new(ep, peer, r, len);
    if (!op)
        return -FI_EAGAIN;
    bool out = list_empty(&peer->streams) && node_rma_push(ep, op);
    if (!out && r->fi_flags & FI_INJECT) {
        pool_put(&ep->ops, op);
        return -FI_EAGAIN;
    }
    if (r->write)
        peer->writes++;
    if (!out) {
        list_add_tail(&peer->streams, &op->link);
        node_peer_busy(ep, peer);
    } else if (!r->write) {
        list_add_tail(&ep->coming, &op->link);
    }
    return 0;
}

void node_rma_put(struct node_ep *ep, struct node_peer *peer, const struct node_wire_put *put,
                  const struct node_cell *cell, unsigned len)
{
    struct node_place place;
    struct node_peer *self;
    int ret = node_peer_self(ep, &self);

    if (!ret)
        ret = node_place_find(ep, self, put->key, put->address, len, NODE_REGION_WRITE, &place);
    if (!ret)
        copy_bytes(place.here, peer->segment->chunks[put->chunk], len);
    node_chunk_release(peer, put->chunk);
    /* An error of an earlier chunk shows in the last one too: the range is the same region's. */
    if (put->op) {
        struct node_wire_answer wire = {put->op, ret};
        node_control_send(ep, peer, NODE_CELL_ACK, &wire, sizeof(wire));
    }
    if (!ret && node_word_flags(cell->word) & NODE_WIRE_DATA)
        node_rma_notice(ep, peer, &(struct node_wire_notice){cell->data, cell->tag});
}

void node_rma_get(struct node_ep *ep, struct node_peer *peer, const struct node_wire_get *get)
{
    struct node_place place;
    struct node_peer *self;
    struct node_op *op = NULL;
    int ret = node_peer_self(ep, &self);

    if (!ret)
        ret = node_place_find(ep, self, get->key, get->address, get->len, NODE_REGION_READ, &place);
    if (!ret && !(op = pool_get(&ep->ops)))
        ret = -ENOMEM;
    if (ret || !get->len) {
        struct node_wire_answer wire = {get->op, ret};
        if (op)
            pool_put(&ep->ops, op);
        node_control_send(ep, peer, NODE_CELL_ACK, &wire, sizeof(wire));
        return;
    }
    list_init(&op->link);
    op->kind = NODE_OP_GET_REPLY;
    op->peer = peer;
    op->iov[0] = (struct iovec){place.here, get->len};
    op->iov_count = 1;
    op->moved = 0;
    op->limit = get->len;
    op->partner = get->op;
    list_add_tail(&peer->streams, &op->link);
    node_peer_busy(ep, peer);
}

void node_rma_data(struct node_ep *ep, struct node_op *op)
{
    if (op->moved < op->limit)
        return;
    list_drop(&op->link);
    done(ep, op->flags, false, op->context, 0);
    pool_put(&ep->ops, op);
}

void node_rma_notice(struct node_ep *ep, struct node_peer *peer,
                     const struct node_wire_notice *notice)
{
    node_complete(ep, ep->rx_cq, NODE_EVENTS, NULL, FI_RMA | FI_REMOTE_WRITE | FI_REMOTE_CQ_DATA,
                  notice->len, NULL, notice->data, 0, peer->fi_addr);
}

/* ---- At once ---- */

static int find_place(struct node_ep *ep, struct node_peer *peer, const struct rma *r,
                      struct node_place *place)
{
    return node_place_find(ep, peer, r->target.key, r->target.addr, r->target.len,
                           r->write ? NODE_REGION_WRITE : NODE_REGION_READ, place);
}

/* -FI_ENOSYS: not by this way. */
static int at_once(struct node_ep *ep, struct node_peer *peer, const struct rma *r)
{
    struct node_place place;
    size_t len = r->target.len;
    int ret = find_place(ep, peer, r, &place);

    if (ret || !len)
        return ret;
    if (place.here) {
        if (r->write)
            node_iov_read(r->iov, r->iov_count, 0, place.here, len);
        else
            node_iov_fill(r->iov, r->iov_count, 0, place.here, len);
    } else {
        struct iovec theirs = {(void *)(uintptr_t)place.there, len};
        /* What goes by messages is not overtaken by what does not: FI_ORDER_RAW and WAW. */
        if (!peer->single_copy || peer->writes)
            return -FI_ENOSYS;
        if (!place.whole) {
            if (node_offer(ep, peer, r->iov, r->iov_count, &r->target, r->write))
                return 0;
            /* It may have been closed meanwhile. */
            ret = find_place(ep, peer, r, &place);
            if (ret)
                return ret;
            theirs.iov_base = (void *)(uintptr_t)place.there;
        }
        ret =
            node_copy(peer->segment->address.pid, r->write, r->iov, r->iov_count, &theirs, 1, len);
        if (ret == -EPERM || ret == -EACCES || ret == -ENOSYS) {
            peer->single_copy = false;
            node_way_forget(ep, peer);
            return -FI_ENOSYS;
        }
    }
    /* What was written is there before anything that we publish after it. */
    atomic_thread_fence(memory_order_seq_cst);
    return ret;
}

static ssize_t rma(struct node_ep *ep, const struct rma *r)
{
    struct node_peer *peer;
    size_t len = node_iov_length(r->iov, r->iov_count);
    int ret = node_peer_get(ep, r->peer, &peer);

    if (ret)
        return ret;
    if (!node_ep_ready(ep))
        return -FI_EAGAIN;
    ret = at_once(ep, peer, r);
    if (ret == -FI_ENOSYS)
        return by_messages(ep, peer, r, len);
    done(ep, r->fi_flags & FI_COMPLETION ? NODE_OP_COMPLETE : 0, r->write, r->context, -ret);
    if (!ret && r->fi_flags & FI_REMOTE_CQ_DATA)
        notify(ep, peer, r->data, len);
    return 0;
}

static ssize_t rma_locked(struct fid_ep *fid, const struct rma *r)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    if (r->iov_count > NODE_IOV || node_iov_length(r->iov, r->iov_count) != r->target.len)
        return -FI_EINVAL;
    lock_take(ep->lock);
    ssize_t ret = rma(ep, r);
    lock_drop(ep->lock);
    return ret;
}

/* ---- libfabric's calls ---- */

static uint64_t op_flags(struct fid_ep *fid)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    return ep->tx_op_flags | (ep->tx_selective ? 0 : FI_COMPLETION);
}

static ssize_t one(struct fid_ep *fid, const struct iovec *iov, size_t count, fi_addr_t peer,
                   uint64_t addr, uint64_t key, uint64_t data, uint64_t flags, void *context,
                   bool write)
{
    struct rma r = {iov,     count, {addr, node_iov_length(iov, count), key}, peer, data, flags,
                    context, write};

    return rma_locked(fid, &r);
}

static ssize_t rma_readv(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                         fi_addr_t peer, uint64_t addr, uint64_t key, void *context)
{
    (void)desc;
    return one(fid, iov, count, peer, addr, key, 0, op_flags(fid), context, false);
}

static ssize_t rma_read(struct fid_ep *fid, void *buf, size_t len, void *desc, fi_addr_t peer,
                        uint64_t addr, uint64_t key, void *context)
{
    struct iovec iov = {buf, len};

    return rma_readv(fid, &iov, &desc, 1, peer, addr, key, context);
}

static ssize_t rma_writev(struct fid_ep *fid, const struct iovec *iov, void **desc, size_t count,
                          fi_addr_t peer, uint64_t addr, uint64_t key, void *context)
{
    (void)desc;
    return one(fid, iov, count, peer, addr, key, 0, op_flags(fid), context, true);
}

static ssize_t rma_write(struct fid_ep *fid, const void *buf, size_t len, void *desc,
                         fi_addr_t peer, uint64_t addr, uint64_t key, void *context)
{
    struct iovec iov = {(void *)buf, len};

    return rma_writev(fid, &iov, &desc, 1, peer, addr, key, context);
}

static ssize_t rma_writedata(struct fid_ep *fid, const void *buf, size_t len, void *desc,
                             uint64_t data, fi_addr_t peer, uint64_t addr, uint64_t key,
                             void *context)
{
    struct iovec iov = {(void *)buf, len};

    (void)desc;
    return one(fid, &iov, 1, peer, addr, key, data, op_flags(fid) | FI_REMOTE_CQ_DATA, context,
               true);
}

static ssize_t rma_inject(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t peer,
                          uint64_t addr, uint64_t key)
{
    struct iovec iov = {(void *)buf, len};

    return one(fid, &iov, 1, peer, addr, key, 0, FI_INJECT, NULL, true);
}

static ssize_t rma_injectdata(struct fid_ep *fid, const void *buf, size_t len, uint64_t data,
                              fi_addr_t peer, uint64_t addr, uint64_t key)
{
    struct iovec iov = {(void *)buf, len};

    return one(fid, &iov, 1, peer, addr, key, data, FI_INJECT | FI_REMOTE_CQ_DATA, NULL, true);
}

static ssize_t rma_msg(struct fid_ep *fid, const struct fi_msg_rma *msg, uint64_t flags, bool write)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);

    if (msg->rma_iov_count != 1)
        return -FI_EINVAL;
    struct rma r = {msg->msg_iov, msg->iov_count, *msg->rma_iov,
                    msg->addr,    msg->data,      flags | (ep->tx_selective ? 0 : FI_COMPLETION),
                    msg->context, write};

    return rma_locked(fid, &r);
}

static ssize_t rma_readmsg(struct fid_ep *fid, const struct fi_msg_rma *msg, uint64_t flags)
{
    return rma_msg(fid, msg, flags, false);
}

static ssize_t rma_writemsg(struct fid_ep *fid, const struct fi_msg_rma *msg, uint64_t flags)
{
    return rma_msg(fid, msg, flags, true);
}

struct fi_ops_rma node_rma_ops = {
    .size = sizeof(struct fi_ops_rma),
    .read = rma_read,
    .readv = rma_readv,
    .readmsg = rma_readmsg,
    .write = rma_write,
    .writev = rma_writev,
    .writemsg = rma_writemsg,
    .inject = rma_inject,
    .writedata = rma_writedata,
    .injectdata = rma_injectdata,
};

/* ---- Without completions: node_rma_now.h ---- */

static int now(struct fid_ep *fid, void *buf, size_t len, fi_addr_t to, uint64_t addr, uint64_t key,
               bool write)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct iovec iov = {buf, len};
    struct rma r = {.iov = &iov, .iov_count = 1, .target = {addr, len, key}, .write = write};
    struct node_peer *peer;

    lock_take(ep->lock);
    int ret = node_peer_get(ep, to, &peer);
    if (!ret)
        ret = at_once(ep, peer, &r);
    lock_drop(ep->lock);
    return ret == -FI_ENOSYS ? -FI_EBUSY : ret;
}

static int now_write(struct fid_ep *fid, const void *buf, size_t len, fi_addr_t peer, uint64_t addr,
                     uint64_t key)
{
    return now(fid, (void *)buf, len, peer, addr, key, true);
}

static int now_read(struct fid_ep *fid, void *buf, size_t len, fi_addr_t peer, uint64_t addr,
                    uint64_t key)
{
    return now(fid, buf, len, peer, addr, key, false);
}

static int now_reach(struct fid_ep *fid, fi_addr_t to)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_peer *peer;

    lock_take(ep->lock);
    int ret = node_peer_get(ep, to, &peer);
    if (!ret && !peer->single_copy)
        ret = -FI_EBUSY;
    lock_drop(ep->lock);
    return ret;
}

const struct node_rma_now_ops node_rma_now_ops = {sizeof(node_rma_now_ops), now_write, now_read,
                                                  now_reach};
