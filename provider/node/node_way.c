/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/base/clock.h"
#include "provider/base/crowd.h"
#include "provider/node/node.h"
#include "provider/node/node_way.h"

enum {
    BITS = 2,      /* of a way in a source's word */
    SAMPLE = 4,    /* messages: the next one may begin before the last one ends */
    BETWEEN = 32,  /* messages between two trials, at least */
    LATE = 32,     /* so many in a row, and the sender is to keep none of them in its hands */
    WORTH_NUM = 7, /* another way has to take less than 7/8 of the time */
    WORTH_DEN = 8,
};

/* 36 messages in 100 ms that take up to 10 us more cost 0.4 %. */
#define AGAIN_NS UINT64_C(100000000)

/* Which class a length belongs to; NODE_WAY_CLASSES where it is none's. */
static unsigned class_of(size_t len)
{
    unsigned c = 0;

    if (len <= NODE_CHUNK)
        return NODE_WAY_CLASSES;
    for (size_t most = 2 * NODE_CHUNK; c < NODE_WAY_CLASSES && len > most; most *= 2)
        c++;
    return c;
}

bool node_way_is_announced(const struct node_peer *peer, size_t len)
{
    unsigned c = class_of(len);

    if (crowded || c == NODE_WAY_CLASSES || peer->is_self || !peer->single_copy)
        return false;
    const struct node_source *s = &peer->segment->sources[node_word_source(peer->out.from)];
    return atomic_load_explicit(&s->ways, memory_order_relaxed) >> c * BITS & ((1 << BITS) - 1);
}

/* ---- The receiver ---- */

static struct node_way_class *class_for(const struct node_message *m)
{
    unsigned c = class_of(m->len);

    if (crowded || c == NODE_WAY_CLASSES || m->peer->is_self || !m->peer->single_copy)
        return NULL;
    return &m->peer->ways.classes[c];
}

/* Asks the sender for another way. */
static void want(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                 enum node_way way)
{
    struct node_source *s = &ep->segment->sources[node_word_source(peer->out.plain)];
    unsigned at = (unsigned)(k - peer->ways.classes) * BITS;
    unsigned ways = atomic_load_explicit(&s->ways, memory_order_relaxed);

    k->wanted = way;
    ways = (ways & ~(((1u << BITS) - 1) << at)) | (unsigned)way << at;
    atomic_store_explicit(&s->ways, ways, memory_order_relaxed);
}

static void trial_begin(struct node_way_class *k)
{
    k->trial = true;
    k->tries = k->count = k->messages = 0;
    k->took = k->bytes = 0;
}

static void trial_end(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                      uint64_t now)
{
    enum node_way least = k->best;

    for (enum node_way way = 0; way < NODE_WAYS; way++)
        if (k->cost[way] < k->cost[least])
            least = way;
    if ((uint64_t)WORTH_DEN * k->cost[least] < (uint64_t)WORTH_NUM * k->cost[k->best])
        k->best = least;
    k->trial = false;
    k->waited = 0;
    k->again = now + AGAIN_NS;
    want(ep, peer, k, k->best);
}

void node_way_met(struct node_message *m)
{
    struct node_way_class *k = class_for(m);

    if (!k)
        return;
    k->late = 0;
    if (!k->trial) {
        if (++k->waited < BETWEEN)
            return;
        k->waited = 0;
        if (clock_ns() < k->again)
            return;
        trial_begin(k);
    }
    /* One that was sent before its sender saw what is wanted says nothing. */
    if ((m->kind == NODE_CELL_TRAIN) == (k->wanted == NODE_WAY_TRAIN))
        m->timed = clock_ns();
    m->way = k->wanted;
}

void node_way_missed(struct node_ep *ep, const struct node_message *m)
{
    struct node_way_class *k = class_for(m);

    if (!k || ++k->late < LATE)
        return;
    k->late = k->waited = 0;
    k->trial = false;
    k->best = NODE_WAY_TRAIN;
    if (k->wanted != NODE_WAY_TRAIN)
        want(ep, m->peer, k, NODE_WAY_TRAIN);
}

bool node_way_is_alone(const struct node_message *m)
{
    const struct node_way_class *k = class_for(m);

    return k && k->wanted == NODE_WAY_ALONE;
}

static uint32_t middle(const uint32_t s[NODE_WAY_SAMPLES])
{
    uint32_t low = s[0] < s[1] ? s[0] : s[1], high = s[0] < s[1] ? s[1] : s[0];

    return s[2] < low ? low : s[2] > high ? high : s[2];
}

/* A sample is whole. */
static void sampled(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                    uint64_t now)
{
    uint64_t cost = k->took * 1000 / k->bytes;

    k->samples[k->count++] = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    k->messages = 0;
    k->took = k->bytes = 0;
    if (k->count < NODE_WAY_SAMPLES)
        return;
    k->cost[k->wanted] = middle(k->samples);
    k->count = 0;
    if (++k->tries == NODE_WAYS)
        trial_end(ep, peer, k, now);
    else
        want(ep, peer, k, (k->wanted + 1) % NODE_WAYS);
}

void node_way_took(struct node_ep *ep, const struct node_message *m)
{
    struct node_way_class *k = class_for(m);
    struct node_ways *ways = &m->peer->ways;
    uint64_t now = clock_ns();
    /* It may have waited for the one before it. */
    uint64_t since = m->timed > ways->last_end ? m->timed : ways->last_end;

    ways->last_end = now;
    if (!k || !k->trial || m->way != k->wanted)
        return;
    k->took += now - since;
    k->bytes += m->len;
    if (++k->messages == SAMPLE)
        sampled(ep, m->peer, k, now);
}
