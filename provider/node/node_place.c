/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which processor each process of the host waits on, and who should go elsewhere: what they tell
 * each other in their segments, read by whoever asks. Nobody is told to go: all decide alike, by
 * what is known to all, so that one of them goes and not two.
 */
#include "provider/node/node.h"

/* The number of this process's processor, + 1. */
static int tell_cpu(struct node_ep *ep)
{
    int cpu = sched_getcpu() + 1;

    if (atomic_load_explicit(&ep->segment->cpu, memory_order_relaxed) != cpu)
        atomic_store_explicit(&ep->segment->cpu, cpu, memory_order_relaxed);
    return cpu;
}

int node_place_meet(struct fid_ep *fid, cpu_set_t *taken, bool *first)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    int cpu = tell_cpu(ep), met = 0;

    CPU_ZERO(taken);
    *first = true;
    for (struct list *l = ep->all_peers.next; l != &ep->all_peers; l = l->next) {
        const struct node_peer *peer = container_of(l, struct node_peer, link);
        const struct node_segment *s = peer->segment;
        int its = atomic_load_explicit(&s->cpu, memory_order_relaxed);

        if (peer->is_self || !its)
            continue;
        CPU_SET(its - 1, taken);
        if (its != cpu)
            continue;
        met++;
        if (s->address.pid < ep->segment->address.pid)
            *first = false;
    }
    return met;
}

/* What this process knows of all of them. */
struct census {
    int cpu;                        /* its own */
    uint32_t ranks_on[CPU_SETSIZE]; /* processes on each */
    unsigned told;                  /* processes that have said where they are */
    bool others_first;              /* another one of this processor is the one to go */
};

static bool has_told(int cpu)
{
    return cpu > 0 && cpu <= CPU_SETSIZE;
}

/* Who has no mate on another processor goes first, then the younger ones. */
static bool goes_first(const struct node_segment *s, const struct node_segment *before)
{
    unsigned apart = atomic_load_explicit(&s->apart, memory_order_relaxed);
    unsigned other = atomic_load_explicit(&before->apart, memory_order_relaxed);

    return apart != other ? apart < other : s->address.pid > before->address.pid;
}

static void take_census(const struct node_ep *ep, int cpu, struct census *c)
{
    *c = (struct census){.cpu = cpu - 1, .told = 1};
    c->ranks_on[cpu - 1] = 1;
    for (const struct list *l = ep->all_peers.next; l != &ep->all_peers; l = l->next) {
        const struct node_peer *peer = container_of(l, struct node_peer, link);
        int its = atomic_load_explicit(&peer->segment->cpu, memory_order_relaxed);

        if (peer->is_self || !has_told(its))
            continue;
        if (its == cpu && goes_first(peer->segment, ep->segment))
            c->others_first = true;
        c->ranks_on[its - 1]++;
        c->told++;
    }
}

/* Leaves those in `to` on which the fewest are, if those are at most so many. */
static bool keep_emptiest(const struct census *c, cpu_set_t *to, uint32_t most)
{
    uint32_t least = UINT32_MAX;

    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, to) && c->ranks_on[i] < least)
            least = c->ranks_on[i];
    if (least > most)
        return false;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (c->ranks_on[i] != least)
            CPU_CLR(i, to);
    return true;
}

/* Says who this process's mate is. True: it is that one's, too, which is on *cpu. */
static bool tell_mate(struct node_ep *ep, uint64_t mate, int *cpu)
{
    struct node_segment *own = ep->segment;
    const struct node_segment *s = NULL;
    struct node_peer *peer;

    if (mate != FI_ADDR_UNSPEC && !node_peer_get(ep, mate, &peer) && !peer->is_self)
        s = peer->segment;
    atomic_store_explicit(&own->mate, s ? s->address.pid : 0, memory_order_relaxed);
    if (!s || atomic_load_explicit(&s->mate, memory_order_relaxed) != own->address.pid)
        return false;
    *cpu = atomic_load_explicit(&s->cpu, memory_order_relaxed);
    return has_told(*cpu);
}

static bool parts(const struct node_segment *own, const struct census *c, cpu_set_t *to)
{
    cpu_set_t others = *to;

    CPU_CLR(c->cpu, &others);
    if (own->address.pid < atomic_load_explicit(&own->mate, memory_order_relaxed) ||
        !keep_emptiest(c, &others, c->ranks_on[c->cpu]))
        return false;
    *to = others;
    return true;
}

static bool spreads(unsigned ranks, const struct census *c, cpu_set_t *to)
{
    uint32_t here = c->ranks_on[c->cpu];

    return c->told >= ranks && !c->others_first && here >= 2 && keep_emptiest(c, to, here - 2);
}

enum node_move node_place(struct fid_ep *fid, unsigned ranks, uint64_t mate, bool may_part,
                          cpu_set_t *to)
{
    struct node_ep *ep = container_of(fid, struct node_ep, fid);
    struct node_segment *own = ep->segment;
    int cpu = tell_cpu(ep), its = 0;
    bool mutual = tell_mate(ep, mate, &its), apart = mutual && its != cpu;
    struct census c;

    atomic_store_explicit(&own->apart, apart, memory_order_relaxed);
    if (!has_told(cpu))
        return NODE_STAYS;
    take_census(ep, cpu, &c);
    if (mutual && !apart && may_part && parts(own, &c, to))
        return NODE_PARTS;
    if (apart)
        CPU_CLR(its - 1, to);
    if (spreads(ranks, &c, to))
        return NODE_SPREADS;
    return apart ? NODE_APART : NODE_STAYS;
}
