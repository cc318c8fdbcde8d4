/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers: made at first contact, from either side. Meeting one maps its segment, takes a place in
 * its list of sources (which is how it will know us) and tries whether single copy works.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/node/node.h"
#include "provider/node/node_wait.h"

#define LINGER_NS UINT64_C(1000000000) /* for those to whom we have just sent */

/* Tells the peer who we are: our place in its list is what our cells will carry. */
static int introduce(struct node_ep *ep, struct node_peer *peer)
{
    struct node_segment *s = peer->segment;
    unsigned place = atomic_load_explicit(&s->sources_taken, memory_order_relaxed);

    do {
        if (place >= NODE_SOURCES) {
            log_line(LOG_ERROR, "process %u has already heard %d others: no place for one more",
                     s->address.pid, NODE_SOURCES);
            return -FI_ENOSPC;
        }
    } while (!atomic_compare_exchange_weak_explicit(&s->sources_taken, &place, place + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    s->sources[place].address = ep->segment->address;
    atomic_store_explicit(&s->sources[place].state, NODE_SOURCE_WHOLE, memory_order_release);
    peer->out.from = node_word_of_source(place);
    if (place < s->ring_count)
        node_outlet_open_ring(&peer->out, &s->rings[place]);
    return 0;
}

static void give_segment(struct node_ep *ep, struct node_peer *peer, struct node_segment *segment)
{
    peer->segment = segment;
    node_outlet_open(&peer->out, &segment->queue);
    peer->out.reader = ep->in.readers;
    peer->out.sleeping = &segment->sleeping;
    peer->out.resting = &segment->resting;
}

static struct node_peer *peer_new(struct node_ep *ep)
{
    struct node_peer *peer = aligned_alloc(alignof(struct node_peer), sizeof(*peer));

    if (!peer)
        return NULL;
    memset(peer, 0, sizeof(*peer));
    peer->ep = ep;
    peer->fi_addr = FI_ADDR_NOTAVAIL;
    peer->doorbell = -1;
    list_init(&peer->controls);
    list_init(&peer->streams);
    list_init(&peer->busy);
    return peer;
}

static int meet(struct node_ep *ep, const struct node_address *address, struct node_peer **out)
{
    struct node_peer *peer = peer_new(ep);
    struct node_segment *segment;
    int ret;

    if (!peer)
        return -FI_ENOMEM;
    ret = node_segment_attach(address, &segment);
    if (ret)
        goto free_peer;
    give_segment(ep, peer, segment);
    peer->is_self = node_address_equal(address, &ep->segment->address);
    ret = introduce(ep, peer);
    if (ret)
        goto unmap;
    node_doorbell_meet(peer->segment);
    peer->single_copy = param.single_copy && node_segment_probe(peer->segment);
    list_add_tail(&ep->all_peers, &peer->link);
    *out = peer;
    return 0;

unmap:
    node_segment_unmap(peer->segment);
free_peer:
    free(peer);
    return ret;
}

/* One that has sent and ended: what is in its cells can still be received. */
static int meet_gone(struct node_ep *ep, const struct node_address *address, struct node_peer **out)
{
    struct node_peer *peer = peer_new(ep);
    struct node_segment *segment;
    int ret = peer ? node_segment_gone(address, &segment) : -FI_ENOMEM;

    if (ret) {
        free(peer);
        return ret;
    }
    give_segment(ep, peer, segment);
    peer->gone = true;
    peer->single_copy = true; /* so that fetching fails instead of waiting */
    list_add_tail(&ep->all_peers, &peer->link);
    *out = peer;
    return 0;
}

static struct node_peer *met(struct node_ep *ep, const struct node_address *address)
{
    for (struct list *l = ep->all_peers.next; l != &ep->all_peers; l = l->next) {
        struct node_peer *peer = container_of(l, struct node_peer, link);
        if (node_address_equal(&peer->segment->address, address))
            return peer;
    }
    return NULL;
}

/* Room in the table by fi_addr for all of the address vector. */
static int grow(struct node_ep *ep)
{
    struct node_peer **table = realloc(ep->peers, ep->av->room * sizeof(*table));

    if (!table)
        return -FI_ENOMEM;
    for (size_t i = ep->peer_count; i < ep->av->room; i++)
        table[i] = NULL;
    ep->peers = table;
    ep->peer_count = ep->av->room;
    return 0;
}

int node_peer_at(struct node_ep *ep, fi_addr_t address, struct node_peer **out)
{
    if (!ep->av || address >= ep->av->count || !ep->av->table[address].pid)
        return -FI_EINVAL;
    if (address >= ep->peer_count) {
        int ret = grow(ep);
        if (ret)
            return ret;
    }
    if (!ep->peers[address]) {
        const struct node_address *a = &ep->av->table[address];
        struct node_peer *peer = met(ep, a);
        int ret = peer ? 0 : meet(ep, a, &peer);
        if (ret)
            return ret == -ENOENT ? -ESRCH : ret; /* it has ended */
        /* An address inserted twice has two indices; the first is its name. */
        if (peer->fi_addr == FI_ADDR_NOTAVAIL)
            peer->fi_addr = address;
        /* Never in the table, out of which senders take their peers without a look at it. */
        if (peer->gone)
            return -ESRCH;
        ep->peers[address] = peer;
    }
    *out = ep->peers[address];
    return 0;
}

int node_peer_source(struct node_ep *ep, unsigned source, struct node_peer **out)
{
    struct node_source *s = &ep->segment->sources[source % NODE_SOURCES];

    /* The writer made its place ready before it wrote the cell that brought us here. */
    if (source >= NODE_SOURCES || !atomic_load_explicit(&s->state, memory_order_acquire))
        return -FI_EINVAL;
    struct node_peer *peer = met(ep, &s->address);
    int ret = peer ? 0 : meet(ep, &s->address, &peer);
    if (ret == -ENOENT || ret == -ESRCH || ret == -EPROTO)
        ret = meet_gone(ep, &s->address, &peer);
    if (ret)
        return ret;
    atomic_store_explicit(&s->state, NODE_SOURCE_MET, memory_order_release);
    for (size_t i = 0; ep->av && i < ep->av->count; i++)
        if (node_address_equal(&ep->av->table[i], &s->address)) {
            struct node_peer *same;
            node_peer_at(ep, i, &same);
            break;
        }
    ep->sources[source] = peer;
    peer->out.plain = node_word(NODE_CELL_INLINE, NODE_WIRE_TAGGED | NODE_WIRE_DATA) |
                      node_word_of_source(source);
    peer->out.reader = &ep->in.readers[source < ep->in.ring_count ? 1 + source : 0];
    *out = peer;
    return 0;
}

int node_peer_heard(struct node_ep *ep, fi_addr_t address, struct node_peer **out)
{
    struct node_segment *s = ep->segment;
    int ret = node_peer_at(ep, address, out);

    if (ret != -ESRCH && ret != -EPROTO)
        return ret;
    unsigned n = atomic_load_explicit(&s->sources_taken, memory_order_relaxed);
    for (unsigned i = 0; i < n && i < NODE_SOURCES; i++)
        if (atomic_load_explicit(&s->sources[i].state, memory_order_acquire) &&
            node_address_equal(&s->sources[i].address, &ep->av->table[address]))
            return node_peer_source(ep, i, out);
    return ret;
}

int node_peer_self(struct node_ep *ep, struct node_peer **out)
{
    struct node_peer *peer = ep->self ? ep->self : met(ep, &ep->segment->address);
    int ret = peer ? 0 : meet(ep, &ep->segment->address, &peer);

    if (!ret)
        *out = ep->self = peer;
    return ret;
}

void node_peer_known(struct node_ep *ep, fi_addr_t address)
{
    struct node_peer *peer = met(ep, &ep->av->table[address]);

    /* It wrote to us before it was in the address vector: from now on it has a name. */
    if (peer && peer->fi_addr == FI_ADDR_NOTAVAIL)
        node_peer_at(ep, address, &peer);
}

/* The one with that name, in the table or not; the vector has its address no more. */
static struct node_peer *named(struct node_ep *ep, fi_addr_t name)
{
    for (struct list *l = ep->all_peers.next; l != &ep->all_peers; l = l->next) {
        struct node_peer *peer = container_of(l, struct node_peer, link);
        if (peer->fi_addr == name)
            return peer;
    }
    return NULL;
}

void node_peer_forgotten(struct node_ep *ep, fi_addr_t address)
{
    struct node_peer *peer = named(ep, address);

    if (address < ep->peer_count)
        ep->peers[address] = NULL;
    if (!peer)
        return;
    /* Where it is in the vector a second time, that is its name from now on. */
    peer->fi_addr = FI_ADDR_NOTAVAIL;
    for (size_t i = 0; i < ep->av->count && peer->fi_addr == FI_ADDR_NOTAVAIL; i++)
        if (node_address_equal(&ep->av->table[i], &peer->segment->address))
            peer->fi_addr = i;
}

/* Whether it may still look at what we send: it lives, and is not in our hands. */
static bool reads_on(struct node_ep *ep, const struct node_peer *peer)
{
    return peer->segment->address.pid != ep->segment->address.pid && !node_peer_is_gone(peer);
}

/* Sends what waits for room. Whether there is more for one who may still make some. */
static bool push_rest(struct node_ep *ep)
{
    bool more = false;

    lock_take(ep->lock);
    node_ep_push(ep);
    for (struct list *l = ep->busy.next; l != &ep->busy && !more; l = l->next)
        more = reads_on(ep, container_of(l, struct node_peer, busy));
    lock_drop(ep->lock);
    return more;
}

/* Whether `chunk` is lost if our segment goes now: its reader lives and has not mapped it. */
static bool in_need(struct node_ep *ep, unsigned chunk)
{
    struct node_peer *peer = ep->chunk_peer[chunk];
    struct node_segment *s = peer->segment;

    return node_chunk_is_out(ep, chunk) &&
           atomic_load_explicit(&s->sources[node_word_source(peer->out.from)].state,
                                memory_order_acquire) != NODE_SOURCE_MET &&
           reads_on(ep, peer);
}

void node_peers_linger(struct node_ep *ep)
{
    uint64_t until = clock_ns() + LINGER_NS;

    while (push_rest(ep) && clock_ns() < until)
        sched_yield();
    for (unsigned n = 0; n < ep->chunk_out_count; n++)
        while (in_need(ep, ep->chunk_out[(ep->chunk_out_first + n) % NODE_CHUNKS]) &&
               clock_ns() < until)
            poll(NULL, 0, 1);
}

void node_peers_close(struct node_ep *ep)
{
    struct list *l;

    while ((l = list_pop(&ep->all_peers))) {
        struct node_peer *peer = container_of(l, struct node_peer, link);
        if (peer->doorbell >= 0)
            close(peer->doorbell);
        node_maps_close(peer);
        node_segment_unmap(peer->segment);
        free(peer);
    }
    free(ep->peers);
}
