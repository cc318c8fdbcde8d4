/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading what has come: each cell goes to the file that understands it. Progress is what any read
 * of a completion queue or counter does first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/node/node_fetch.h"
#include "provider/node/node_filling.h"
#include "provider/node/node_offer.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_train.h"

enum { LOOKS = 4096 }; /* in vain, before a reader asks whether something is wrong */

static bool message_pair(struct node_ep *ep, struct node_message *m)
{
    unsigned char bytes[NODE_PAIR_PAYLOAD];

    node_reader_copy_pair(ep->in.at, bytes, m->len);
    m->bytes = bytes;
    m->kind = NODE_CELL_INLINE;
    return node_recv_message(ep, m);
}

static bool message_chunk(struct node_ep *ep, struct node_message *m, const struct node_cell *cell)
{
    struct node_wire_chunk wire;

    memcpy(&wire, cell->payload, sizeof(wire));
    /* One that was killed while it filled the chunk has sent nothing. */
    if (m->len && !node_filling_wait(m->peer, cell, (uint32_t)m->len - 1))
        return true;
    m->bytes = m->peer->segment->chunks[wire.chunk];
    m->sender_op = wire.op;
    if (!node_recv_message(ep, m))
        return false;
    node_filling_end(m->peer, &wire);
    return true;
}

static bool message_train(struct node_ep *ep, struct node_message *m, const struct node_cell *cell)
{
    struct node_wire_train wire;

    memcpy(&wire, cell->payload, sizeof(wire));
    m->len = wire.len;
    m->sent = wire.sent;
    memcpy(m->chunks, wire.chunks, sizeof(m->chunks));
    m->sender_op = wire.op;
    return node_recv_message(ep, m);
}

static bool message_rts(struct node_ep *ep, struct node_message *m, const struct node_cell *cell)
{
    struct node_wire_rts wire;

    memcpy(&wire, cell->payload, sizeof(wire));
    m->pieces = m->len;
    m->len = wire.len;
    m->address = wire.address;
    m->pull = wire.pull;
    m->sent = wire.sent;
    m->sender_op = wire.op;
    return node_recv_message(ep, m);
}

static bool message(struct node_ep *ep, struct node_peer *peer, uint64_t word,
                    const struct node_cell *cell)
{
    struct node_message m = {.peer = peer,
                             .tag = cell->tag,
                             .data = cell->data,
                             .len = node_word_length(word),
                             .kind = node_word_kind(word),
                             .flags = node_word_flags(word)};

    switch (node_word_kind(word)) {
    case NODE_CELL_INLINE:
        m.bytes = cell->payload;
        return node_recv_message(ep, &m);
    case NODE_CELL_PAIR:
        return message_pair(ep, &m);
    case NODE_CELL_CHUNK:
        return message_chunk(ep, &m, cell);
    case NODE_CELL_TRAIN:
        return message_train(ep, &m, cell);
    default:
        return message_rts(ep, &m, cell);
    }
}

/* False: there is no memory for it now, so it must be seen again. */
static bool handle(struct node_ep *ep, struct node_peer *peer, uint64_t word,
                   const struct node_cell *cell)
{
    union {
        struct node_wire_answer answer;
        struct node_wire_cts cts;
        struct node_wire_data data;
        struct node_wire_put put;
        struct node_wire_get get;
        struct node_wire_notice notice;
        struct node_wire_atomic atomic;
    } wire;

    /* What lies in the segment of one that is gone is gone, too. */
    if (__builtin_expect(peer->gone, 0) && node_word_kind(word) > NODE_CELL_PAIR &&
        node_word_kind(word) != NODE_CELL_RTS)
        return true;
    switch (node_word_kind(word)) {
    case NODE_CELL_INLINE:
    case NODE_CELL_PAIR:
    case NODE_CELL_CHUNK:
    case NODE_CELL_TRAIN:
    case NODE_CELL_RTS:
        return message(ep, peer, word, cell);
    case NODE_CELL_FIN:
    case NODE_CELL_ACK:
        memcpy(&wire.answer, cell->payload, sizeof(wire.answer));
        node_send_answered(ep, &wire.answer);
        break;
    case NODE_CELL_CTS:
        memcpy(&wire.cts, cell->payload, sizeof(wire.cts));
        node_send_cts(ep, &wire.cts);
        break;
    case NODE_CELL_DATA:
        memcpy(&wire.data, cell->payload, sizeof(wire.data));
        node_recv_data(ep, peer, &wire.data, node_word_length(word));
        break;
    case NODE_CELL_PUT:
        memcpy(&wire.put, cell->payload, sizeof(wire.put));
        node_rma_put(ep, peer, &wire.put, cell, node_word_length(word));
        break;
    case NODE_CELL_GET:
        memcpy(&wire.get, cell->payload, sizeof(wire.get));
        node_rma_get(ep, peer, &wire.get);
        break;
    case NODE_CELL_NOTICE:
        memcpy(&wire.notice, cell->payload, sizeof(wire.notice));
        node_rma_notice(ep, peer, &wire.notice);
        break;
    case NODE_CELL_ATOMIC:
        memcpy(&wire.atomic, cell->payload, sizeof(wire.atomic));
        node_atomic_apply(ep, peer, &wire.atomic);
        break;
    }
    return true;
}

static bool is_gone(const struct node_address *a)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/fd/%d", a->pid, a->fd);
    return access(path, F_OK) != 0;
}

/* Whether one of those who may have taken a cell is no more. */
static bool somebody_is_gone(struct node_ep *ep)
{
    struct node_segment *s = ep->segment;
    unsigned n = atomic_load_explicit(&s->sources_taken, memory_order_relaxed);

    for (unsigned i = 0; i < n && i < NODE_SOURCES; i++)
        if (atomic_load_explicit(&s->sources[i].state, memory_order_acquire) &&
            is_gone(&s->sources[i].address))
            return true;
    return false;
}

/*
 * A writer that is killed between taking a cell of the queue and filling it leaves a hole that no
 * reader gets past. One that stays for HOLE_NS, while a writer is known to have gone, is passed
 * over. A living writer that is stopped just there for so long, in just that case, would lose a
 * message.
 */
#define HOLE_NS UINT64_C(1000000000)

void node_ep_mend(struct node_ep *ep)
{
    struct node_reader *r = ep->in.readers;
    uint64_t word;

    node_pull_mend(ep);
    node_losses_end(ep);
    if (UNLIKELY(ep->held))
        node_recv_take_in(ep);
    if (atomic_load_explicit(&ep->segment->queue.tail, memory_order_relaxed) == r->position ||
        node_reader_peek(r, &word))
        return;
    if (!ep->hole_since || ep->hole != r->position) {
        ep->hole = r->position;
        ep->hole_since = clock_ns();
    } else if (clock_ns() - ep->hole_since > HOLE_NS && somebody_is_gone(ep)) {
        LOG(LOG_INFO, "passed over a cell that a process left unfinished");
        node_reader_advance(r);
    }
}

/*
 * The cell of one whom we have not met. False: it stays until there are the descriptor and the
 * memory for that. One who cannot be met for another reason cannot be answered, either; its cells
 * are passed over.
 */
static COLD bool first_contact(struct node_ep *ep, uint64_t word, struct node_peer **peer)
{
    unsigned source = node_word_source(word);
    int ret = node_peer_source(ep, source, peer);
    bool stays = ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM;

    if (ret && ret != ep->unmet)
        log_line(stays ? LOG_WARN : LOG_ERROR, "what process %u sends %s: no access to it: %s",
                 ep->segment->sources[source % NODE_SOURCES].address.pid,
                 stays ? "has to wait" : "is lost", strerror(-ret));
    ep->unmet = ret;
    return !stays;
}

bool node_ep_step(struct node_ep *ep, const struct node_cell *cell, uint64_t word)
{
    struct node_peer *peer = ep->sources[node_word_source(word)];
    struct node_reader *r = ep->in.at;

    if (!node_ep_ready(ep))
        return false;
    if (UNLIKELY(!peer) && !first_contact(ep, word, &peer))
        return false;
    if (LIKELY(peer != NULL) && UNLIKELY(!handle(ep, peer, word, cell)))
        return false;
    if (node_word_kind(word) == NODE_CELL_PAIR)
        node_inlet_advance(&ep->in, r);
    node_inlet_advance(&ep->in, r);
    return true;
}

unsigned node_ep_rest(struct node_ep *ep, unsigned n)
{
    ep->fetches.open = false;
    if (UNLIKELY(ep->fetches.count))
        node_fetch_all(ep);
    if (node_offer_waits(ep))
        n += node_offer_serve(ep);
    if (__builtin_expect(ep->pulls.active, 0))
        n += node_pull_progress(ep);
    if (!n && __builtin_expect(!(++ep->idle % LOOKS), 0))
        node_ep_mend(ep);
    if (__builtin_expect(!list_empty(&ep->busy), 0))
        node_ep_push(ep);
    return n;
}

HOT_INLINE bool progress(struct node_ep *ep, bool all)
{
    const struct node_reader *last = NULL;
    struct node_cell *cell;
    uint64_t word;
    unsigned n = 0;

    ep->fetches.open = true;
    for (; n < NODE_BATCH &&
           (cell = all ? node_inlet_peek_all(&ep->in, &word) : node_inlet_peek(&ep->in, &word));
         n++) {
        last = ep->in.at;
        if (!node_ep_step(ep, cell, word))
            break;
    }
    node_inlet_leave(&ep->in, cell ? last : NULL);
    n = node_ep_rest(ep, n);
    return n;
}

bool node_ep_progress(struct node_ep *ep)
{
    return progress(ep, false);
}

bool node_ep_progress_all(struct node_ep *ep)
{
    return progress(ep, true);
}
