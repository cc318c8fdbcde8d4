/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/base/clock.h"
#include "provider/base/crowd.h"
#include "provider/base/median.h"
#include "provider/node/node.h"
#include "provider/node/node_way.h"

enum {
    BITS = 2,       /* of a way in a source's word */
    SAMPLE = 8,     /* messages: the next one may begin before the last one ends */
    BETWEEN = 32,   /* messages between two trials, at least */
    LATE = 8,       /* an absence that one waits through outweighs so many that do not wait; */
    LATE_MOST = 64, /* and with so much on that side the sender is to have them off its hands */
    WORTH_NUM = 15, /* another way has to take less than 15/16 of the time */
    WORTH_DEN = 16,
    STAMP_BITS = 8,   /* of nanoseconds that a stamp leaves out; it wraps after 18 minutes */
    AWAY_NS = 20000,  /* for so long a message may wait for its receiver, */
    JOINED_NS = 2000, /* between two trains' fillings that are charged as one */
    BYTES_A_NS = 2,   /* and as long as what was last begun may take */
};

/* 96 messages in 200 ms that take up to 10 us more cost 0.5 %. */
#define AGAIN_NS UINT64_C(200000000)
/* After receives were late. */
#define LATER_NS UINT64_C(1000000000)

/* Which class a length belongs to; NODE_WAY_CLASSES where there is no choice. */
static unsigned class_of(const struct node_peer *peer, size_t len)
{
    unsigned c = 0;

    if (len <= NODE_CHUNK || crowded || peer->is_self || !peer->single_copy)
        return NODE_WAY_CLASSES;
    for (size_t most = 2 * NODE_CHUNK; c < NODE_WAY_CLASSES && len > most; most *= 2)
        c++;
    return c;
}

bool node_way_is_announced(const struct node_peer *peer, size_t len)
{
    unsigned c = class_of(peer, len);

    if (c == NODE_WAY_CLASSES)
        return false;
    const struct node_source *s = &peer->segment->sources[node_word_source(peer->out.from)];
    return atomic_load_explicit(&s->ways, memory_order_relaxed) >> c * BITS & ((1 << BITS) - 1);
}

/* ---- The receiver ---- */

static struct node_way_class *class_for(const struct node_message *m)
{
    unsigned c = class_of(m->peer, m->len);

    return c < NODE_WAY_CLASSES ? &m->peer->ways.classes[c] : NULL;
}

/* Asks the sender for another way. */
static void want(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                 enum node_way way)
{
    if (k->wanted == way)
        return;
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
    k->tries = k->count = k->messages = k->kept = 0;
    k->took = k->bytes = 0;
}

/* From now on, and until then. */
static void settle(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                   enum node_way best, uint64_t again)
{
    k->trial = false;
    k->waited = 0;
    k->best = best;
    k->again = again;
    want(ep, peer, k, best);
}

static void trial_end(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                      uint64_t now)
{
    enum node_way least = k->best;

    for (enum node_way way = 0; way < NODE_WAYS; way++)
        if (k->cost[way] < k->cost[least])
            least = way;
    bool worth = (uint64_t)WORTH_DEN * k->cost[least] < (uint64_t)WORTH_NUM * k->cost[k->best];
    settle(ep, peer, k, worth ? least : k->best, now + AGAIN_NS);
}

/* Counts an absence. With too many of them: trains, and no trial for a while. */
static void was_late(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                     uint64_t now)
{
    k->absence = ep->work.away_until;
    k->late += LATE;
    if (k->late < LATE_MOST)
        return;
    k->late = 0;
    settle(ep, peer, k, NODE_WAY_TRAIN, now + LATER_NS);
}

uint32_t node_way_stamp(struct node_ep *ep, size_t bytes)
{
    uint64_t now = clock_ns();

    ep->work.since = now;
    ep->work.bytes = bytes;
    return (uint32_t)(now >> STAMP_BITS);
}

void node_way_worked(struct node_ep *ep)
{
    node_way_stamp(ep, 0);
}

void node_way_filled(struct node_ep *ep, struct node_peer *peer)
{
    struct node_ways *ways = &peer->ways;
    uint64_t from = ep->work.since;

    node_way_worked(ep);
    if (from - ways->filled_until > JOINED_NS)
        ways->filled_from = from;
    ways->filled_until = ep->work.since;
}

/* When the message was sent; two processors' clocks may differ by a little. */
static uint64_t when_sent(const struct node_message *m, uint64_t now)
{
    uint32_t age = (uint32_t)(now >> STAMP_BITS) - m->sent;

    return now - (age < UINT32_MAX / 2 ? (uint64_t)age << STAMP_BITS : 0);
}

/* What it had to wait for while trains were filled for its sender, and its own one most likely
 * there. */
static uint64_t charge_fills(struct node_ways *ways, const struct node_message *m, uint64_t now)
{
    uint64_t sent = when_sent(m, now);
    uint64_t from = sent > ways->filled_from ? sent : ways->filled_from;
    uint64_t ns = from < ways->filled_until ? ways->filled_until - from : 0;

    ways->filled_from = ways->filled_until;
    return ns;
}

/*
 * Whether it lay here while nothing was done, for longer than a look takes: that is not so in a
 * flood, where each waits for those before it.
 */
static bool has_waited(struct node_work *w, const struct node_message *m, uint64_t now)
{
    uint64_t sent = when_sent(m, now);

    if (now - (sent > w->since ? sent : w->since) > AWAY_NS + w->bytes / BYTES_A_NS)
        w->away_until = now;
    w->since = now;
    w->bytes = m->len;
    return sent + AWAY_NS < w->away_until;
}

/* The class of one that has found its receive, and the time; NULL: of none. */
static struct node_way_class *judge(struct node_ep *ep, const struct node_message *m, uint64_t *now)
{
    struct node_way_class *k = class_for(m);

    if (!k)
        return NULL;
    *now = clock_ns();
    if (!has_waited(&ep->work, m, *now))
        k->late -= k->late > 0;
    else if (k->absence != ep->work.away_until)
        was_late(ep, m->peer, k, *now);
    return k;
}

void node_way_met(struct node_ep *ep, struct node_message *m)
{
    uint64_t now;
    struct node_way_class *k = judge(ep, m, &now);

    if (!k)
        return;
    if (!k->trial) {
        if (++k->waited < BETWEEN)
            return;
        k->waited = 0;
        if (now < k->again)
            return;
        trial_begin(k);
    }
    /* One that was sent before its sender saw what is wanted says nothing. */
    if ((m->kind == NODE_CELL_TRAIN) == (k->wanted == NODE_WAY_TRAIN))
        m->timed = now;
    m->way = k->wanted;
}

void node_way_kept(struct node_ep *ep, const struct node_message *m)
{
    uint64_t now;
    struct node_way_class *k = judge(ep, m, &now);

    /* They are not timed: where there is no end of them there is none of the trial. */
    if (k && k->trial && ++k->kept == BETWEEN)
        settle(ep, m->peer, k, k->best, now + AGAIN_NS);
}

void node_way_forget(struct node_ep *ep, struct node_peer *peer)
{
    for (unsigned c = 0; c < NODE_WAY_CLASSES; c++)
        want(ep, peer, &peer->ways.classes[c], NODE_WAY_TRAIN);
}

bool node_way_is_alone(const struct node_message *m)
{
    const struct node_way_class *k = class_for(m);

    return k && k->wanted == NODE_WAY_ALONE;
}

/* A sample is whole. */
static void sampled(struct node_ep *ep, struct node_peer *peer, struct node_way_class *k,
                    uint64_t now)
{
    uint64_t cost = k->took * 1000 / k->bytes;

    k->messages = 0;
    k->took = k->bytes = 0;
    /* The first one finds the caches as the way before has left them. */
    if (k->count++)
        k->samples[k->count - 2] = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    if (k->count <= NODE_WAY_SAMPLES)
        return;
    k->cost[k->wanted] = median_of_3(k->samples);
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
    if (m->kind == NODE_CELL_TRAIN)
        k->took += charge_fills(ways, m, now) / 2;
    k->bytes += m->len;
    if (++k->messages == SAMPLE)
        sampled(ep, m->peer, k, now);
}
