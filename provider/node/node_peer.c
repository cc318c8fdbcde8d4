/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers: made at first contact, from either side. Meeting one maps its segment, takes a place in
 * its list of sources (which is how it will know us) and tries whether single copy works.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/node/node.h"
#include "provider/node/node_wait.h"

/* Tells the peer who we are: our place in its list is what our cells will carry. */
static int introduce(struct node_ep *ep, struct node_peer *peer)
{
    struct node_segment *s = peer->segment;
    unsigned place = atomic_fetch_add_explicit(&s->sources_taken, 1, memory_order_relaxed);

    if (place >= NODE_SOURCES) {
        log_line(LOG_ERROR, "process %u has already heard %d others: no place for one more",
                 s->address.pid, NODE_SOURCES);
        return -FI_ENOSPC;
    }
    s->sources[place].address = ep->segment->address;
    atomic_store_explicit(&s->sources[place].ready, 1, memory_order_release);
    peer->source = place;
    return 0;
}

static int meet(struct node_ep *ep, const struct node_address *address, struct node_peer **out)
{
    struct node_peer *peer = calloc(1, sizeof(*peer));
    int ret;

    if (!peer)
        return -FI_ENOMEM;
    ret = node_segment_attach(address, &peer->segment);
    if (ret)
        goto free_peer;
    ret = introduce(ep, peer);
    if (ret)
        goto unmap;
    node_doorbell_meet(peer->segment);
    peer->single_copy = param.single_copy && node_segment_probe(peer->segment);
    peer->fi_addr = FI_ADDR_NOTAVAIL;
    peer->doorbell = -1;
    list_init(&peer->controls);
    list_init(&peer->streams);
    list_init(&peer->busy);
    list_add_tail(&ep->all_peers, &peer->link);
    *out = peer;
    return 0;

unmap:
    node_segment_unmap(peer->segment);
free_peer:
    free(peer);
    return ret;
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
            return ret;
        /* An address inserted twice has two indices; the first is its name. */
        if (peer->fi_addr == FI_ADDR_NOTAVAIL)
            peer->fi_addr = address;
        ep->peers[address] = peer;
    }
    *out = ep->peers[address];
    return 0;
}

int node_peer_source(struct node_ep *ep, unsigned source, struct node_peer **out)
{
    struct node_source *s = &ep->segment->sources[source % NODE_SOURCES];

    /* The writer made its place ready before it wrote the cell that brought us here. */
    if (source >= NODE_SOURCES || !atomic_load_explicit(&s->ready, memory_order_acquire))
        return -FI_EINVAL;
    struct node_peer *peer = met(ep, &s->address);
    int ret = peer ? 0 : meet(ep, &s->address, &peer);
    if (ret)
        return ret;
    for (size_t i = 0; ep->av && i < ep->av->count; i++)
        if (node_address_equal(&ep->av->table[i], &s->address)) {
            struct node_peer *same;
            node_peer_at(ep, i, &same);
            break;
        }
    ep->sources[source] = peer;
    *out = peer;
    return 0;
}

int node_peer_self(struct node_ep *ep, struct node_peer **out)
{
    struct node_peer *peer = met(ep, &ep->segment->address);
    int ret = peer ? 0 : meet(ep, &ep->segment->address, &peer);

    if (!ret)
        *out = peer;
    return ret;
}

void node_peer_known(struct node_ep *ep, fi_addr_t address)
{
    struct node_peer *peer = met(ep, &ep->av->table[address]);

    /* It wrote to us before it was in the address vector: from now on it has a name. */
    if (peer && peer->fi_addr == FI_ADDR_NOTAVAIL)
        node_peer_at(ep, address, &peer);
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
