/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/log.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/wait.h"

/* At the first contact of all: from now on the others' words are here. */
static int exchange_end(void)
{
    int rc = boot_exchange_wait();

    if (!rc && !fabric.exchanged) {
        fabric.exchanged = true;
        wait_share();
    }
    return rc;
}

/* The way to a rank is the one that it has to this one. */
static int insert(struct fabric_peer *p)
{
    struct fabric_end *e = fabric.only;
    char name[ADDRESS_BYTES];
    int rc = exchange_end();

    if (!e)
        e = &fabric.ends[boot_same_host(p->rank) ? END_NODE : END_NET];
    p->head.now = &e->now;
    if (!rc)
        rc = fabric_address(p->rank, e->index, name);
    if (rc) {
        LOG(LOG_ERROR, "rank %u has not told its network address", p->rank);
        return rc;
    }
    rc = fi_av_insert(e->av, name, 1, &p->head.addr, 0, NULL);
    if (rc == 1)
        return 0;
    LOG(LOG_ERROR, "%s does not take the address of rank %u", fabric_end_provider(e), p->rank);
    return -EHOSTUNREACH;
}

static int contact(uint32_t rank, struct fabric_peer **peer)
{
    struct fabric_peer *p = aligned_alloc(alignof(struct fabric_peer), sizeof(*p));

    if (!p)
        return -ENOMEM;
    memset(p->own, 0, sizeof(p->own));
    atomic_init(&p->head.outlet, NULL);
    p->rank = rank;
    list_init(&p->waiting);
    list_init(&p->blocked);
    int rc = insert(p);
    if (rc) {
        free(p);
        return rc;
    }
    *peer = fabric.peers[rank] = p;
    return 0;
}

int fabric_peer(uint32_t rank, struct fabric_peer **peer)
{
    if (rank >= fabric.peer_count)
        return -EINVAL;
    if (!fabric.peers[rank])
        return contact(rank, peer);
    *peer = fabric.peers[rank];
    return 0;
}

struct fabric_peer *fabric_any(unsigned reach)
{
    static struct fabric_peer any[FABRIC_ENDS] = {
        {.head = {.addr = FI_ADDR_UNSPEC, .now = &fabric.ends[END_NODE].now}},
        {.head = {.addr = FI_ADDR_UNSPEC, .now = &fabric.ends[END_NET].now}},
    };

    if (fabric.only || reach == (FABRIC_LOCAL | FABRIC_REMOTE))
        return NULL;
    return &any[reach == FABRIC_LOCAL ? END_NODE : END_NET];
}

bool fabric_is_shared(void)
{
    return fabric.direct;
}

void fabric_wake(struct fabric_peer *peer)
{
    const struct fabric_end *e = fabric_end_to(peer);

    if (e->direct)
        e->direct->wake(e->ep, peer->head.addr);
}

bool fabric_peer_is_self(const struct fabric_peer *peer)
{
    return peer->rank == boot_info()->rank;
}

bool fabric_fetches(struct fabric_peer *peer, uint32_t *whom)
{
    const struct fabric_end *e = fabric_end_to(peer);

    return e->direct && e->direct->fetches(e->ep, peer->head.addr, whom);
}

int fabric_fetch(uint32_t whom, void *buf, size_t len, uint64_t address)
{
    return node_direct_fetch(whom, buf, len, address);
}

bool fabric_needs_barrier(void)
{
    return fabric.direct->needs_barrier(fabric.ends[END_NODE].ep);
}

int fabric_meet(cpu_set_t *taken, bool *first)
{
    return fabric.direct ? fabric.direct->meet(fabric.ends[END_NODE].ep, taken, first) : 0;
}

enum node_move fabric_place(unsigned ranks, struct fabric_peer *mate, bool may_part, cpu_set_t *to)
{
    const struct fabric_end *e = &fabric.ends[END_NODE];
    bool near = mate && fabric_end_to(mate) == e;

    if (!fabric.direct)
        return NODE_STAYS;
    return fabric.direct->place(e->ep, ranks, near ? mate->head.addr : FI_ADDR_UNSPEC, may_part,
                                to);
}
