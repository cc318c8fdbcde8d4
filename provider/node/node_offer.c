/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "provider/base/crowd.h"
#include "provider/node/node_offer.h"

enum {
    LOOKS = 40,       /* of 25 to 50 ns, before an offer is taken back */
    SKIP_LEAST = 16,  /* accesses without an offer after one in vain, */
    SKIP_MOST = 2048, /* doubled for each that follows it */
    CHECK = 1 << 16,  /* looks at an offer that is being carried out, between two at the process */
};

_Static_assert(sizeof(struct node_offer) == NODE_LINE, "an offer is one line");

bool node_offer_serve(struct node_ep *ep)
{
    struct node_offer *o = &ep->segment->offer;
    unsigned offered = NODE_OFFERED;
    struct node_place place;
    struct node_peer *self;

    if (!atomic_compare_exchange_strong(&o->state, &offered, NODE_OFFER_BEGUN))
        return false;
    size_t len = o->len;
    int ret = len > sizeof(o->data) ? -FI_EINVAL : node_peer_self(ep, &self);
    if (!ret)
        ret = node_place_find(ep, self, o->key, o->address, len,
                              o->write ? NODE_REGION_WRITE : NODE_REGION_READ, &place);
    if (!ret && o->write)
        memcpy(place.here, o->data, len);
    else if (!ret)
        memcpy(o->data, place.here, len);
    atomic_store_explicit(&o->state, ret ? NODE_OFFER_REFUSED : NODE_OFFER_DONE,
                          memory_order_release);
    return true;
}

/* It has a processor, and looks, as far as we know. */
static bool is_attentive(struct node_peer *peer)
{
    if (peer->offer_skip) {
        peer->offer_skip--;
        return false;
    }
    return !crowded && !atomic_load_explicit(peer->out.resting, memory_order_relaxed);
}

/* Until the peer has finished what it has begun; false: it has gone. */
static bool await_end(const struct node_peer *peer, const struct node_offer *o)
{
    for (unsigned looks = 1;
         atomic_load_explicit(&o->state, memory_order_acquire) == NODE_OFFER_BEGUN; looks++) {
        if (looks % CHECK == 0 && node_segment_is_gone(peer->segment))
            return false;
        __builtin_ia32_pause();
    }
    return true;
}

/* Whether the peer takes it. It may be waiting for us in the same way. */
static bool await(struct node_ep *ep, struct node_peer *peer, struct node_offer *o)
{
    unsigned offered = NODE_OFFERED;

    for (int looks = 0; looks < LOOKS; looks++) {
        if (atomic_load_explicit(&o->state, memory_order_acquire) != NODE_OFFERED)
            return await_end(peer, o);
        if (node_offer_waits(ep))
            node_offer_serve(ep);
        __builtin_ia32_pause();
    }
    return !atomic_compare_exchange_strong(&o->state, &offered, NODE_OFFER_FREE) &&
           await_end(peer, o);
}

static void in_vain(struct node_peer *peer)
{
    unsigned next = peer->offer_vain ? 2 * peer->offer_vain : SKIP_LEAST;

    peer->offer_vain = next < SKIP_MOST ? next : SKIP_MOST;
    peer->offer_skip = peer->offer_vain;
}

bool node_offer(struct node_ep *ep, struct node_peer *peer, const struct iovec *iov, size_t count,
                const struct fi_rma_iov *target, bool write)
{
    struct node_offer *o = &peer->segment->offer;
    unsigned free = NODE_OFFER_FREE;

    if (target->len > sizeof(o->data) || !is_attentive(peer) ||
        !atomic_compare_exchange_strong(&o->state, &free, NODE_OFFER_TAKEN))
        return false;
    o->len = (uint16_t)target->len;
    o->write = write;
    o->key = target->key;
    o->address = target->addr;
    if (write)
        node_iov_read(iov, count, 0, o->data, target->len);
    atomic_store_explicit(&o->state, NODE_OFFERED, memory_order_release);
    bool ended = await(ep, peer, o);
    bool done = ended && atomic_load_explicit(&o->state, memory_order_relaxed) == NODE_OFFER_DONE;
    if (done && !write)
        node_iov_fill(iov, count, 0, o->data, target->len);
    if (ended)
        atomic_store_explicit(&o->state, NODE_OFFER_FREE, memory_order_release);
    if (done)
        peer->offer_vain = 0;
    else
        in_vain(peer);
    return done;
}
