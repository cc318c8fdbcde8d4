/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <limits.h>
#include <pthread.h>

#include "core/p2p/credit.h"
#include "core/p2p/kept.h"
#include "provider/base/count.h"
#include "provider/base/param.h"

/*
 * A note is about one line: units that are given back, and whether the sender of the note starves
 * on it. One that starves says how much it has ever been given: if that is not all, it did not know
 * everything, and says so again should it have to.
 *
 *     63 line | 62 starving | 61..32 units | 31..0 given until now
 */
enum { NOTE_LINE = 63, NOTE_UNITS = 32, NOTE_UNITS_MASK = (1 << 30) - 1 };
#define NOTE_STARVING (UINT64_C(1) << 62)

/* Rounds of progress that keep bringing other things before a starving peer is fed anyway. */
enum { PATIENCE = 64 };

struct credit credit_any[CREDIT_LINES];
unsigned credit_hungry;

static struct list hungry[CREDIT_LINES]; /* of struct credit */
/* Of struct credit_peer. The lock is a leaf: who reads the counters does not hold the lane. */
static struct list lenders = LIST_INIT(lenders);
static pthread_mutex_t lenders_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned waited; /* busy rounds since somebody was fed */
static bool finishing;
static int32_t credit = INT32_MAX; /* units; that many: no limit */

static struct credit_peer *peer_of(struct fabric_peer *p)
{
    return fabric_peer_own(p);
}

/* Both lines of a peer, at the first message either way; `left` and `due` may be below 0 by it. */
static void open_peer(struct fabric_peer *p)
{
    struct credit_peer *own = peer_of(p);

    own->peer = p;
    own->unlimited = credit == INT32_MAX || fabric_peer_is_self(p);
    for (int i = 0; i < CREDIT_LINES; i++) {
        struct credit *k = &own->line[i];
        list_init(&k->held);
        list_init(&k->hungry);
        k->left += own->unlimited ? INT32_MAX / 2 : credit;
        k->due += own->unlimited ? INT32_MAX / 2 : credit / 2;
    }
}

/* ---- Notes out ---- */

static void notes_push(struct credit_peer *own);

static void note_sent(struct fabric_op *op, const struct fabric_event *event)
{
    struct credit_peer *own = container_of(op, struct credit_peer, note);

    /* A peer that cannot be told is gone; its next message's error says so. */
    own->noting = false;
    if (!event->error)
        notes_push(own);
}

/* One at a time: what comes meanwhile goes with the next. */
static void notes_push(struct credit_peer *own)
{
    for (int i = 0; i < CREDIT_LINES && !own->noting; i++) {
        struct credit *k = &own->line[i];
        if (!k->giving && !k->starving)
            continue;
        uint64_t word = (uint64_t)i << NOTE_LINE | (k->starving ? NOTE_STARVING : 0) |
                        (uint64_t)k->giving << NOTE_UNITS | k->got;
        k->giving = 0;
        k->starving = false;
        own->note.done = note_sent;
        own->noting = true;
        count_add(&counts.credit_notes, 1);
        if (fabric_note(own->peer, &own->note, word))
            own->noting = false;
    }
}

/* ---- Sender ---- */

static uint64_t messages_of(struct node_outlet *out)
{
    return atomic_load_explicit(&out->messages, memory_order_relaxed);
}

static void take_back(struct credit_peer *own)
{
    uint32_t sent = (uint32_t)messages_of(own->lent);

    own->line[CREDIT_PROGRAM].left += (int32_t)(own->lent->until - sent);
    own->lent->until = sent;
}

void credit_lend(struct fabric_peer *to)
{
    struct credit_peer *own = peer_of(to);
    struct credit *k = &own->line[CREDIT_PROGRAM];
    struct node_outlet *out = fabric_outlet(to);
    int32_t units = k->left / 2 < CREDIT_LENT ? k->left / 2 : CREDIT_LENT;

    assert(!out || !own->lent || own->lent == out);
    if (!out || out->until != (uint32_t)messages_of(out) || units <= 0)
        return;
    if (!own->lent) {
        own->lent = out;
        pthread_mutex_lock(&lenders_lock);
        list_add_tail(&lenders, &own->lender);
        pthread_mutex_unlock(&lenders_lock);
    }
    k->left -= units;
    out->until += (uint32_t)units;
}

uint64_t credit_count(_Atomic uint64_t *counter)
{
    struct list *l, *tmp;

    if (counter != &counts.p2p_sent && counter != &counts.p2p_sent_bytes)
        return atomic_load_explicit(counter, memory_order_relaxed);
    pthread_mutex_lock(&lenders_lock);
    uint64_t sum = atomic_load_explicit(counter, memory_order_relaxed);
    list_each(l, tmp, &lenders)
    {
        struct node_outlet *out = container_of(l, struct credit_peer, lender)->lent;
        sum += counter == &counts.p2p_sent
                   ? messages_of(out)
                   : atomic_load_explicit(&out->bytes, memory_order_relaxed);
    }
    pthread_mutex_unlock(&lenders_lock);
    return sum;
}

bool credit_take_slow(struct fabric_peer *to, struct credit *k, int32_t cost)
{
    k->left += cost;
    if (peer_of(to)->lent)
        take_back(peer_of(to));
    if (!peer_of(to)->peer)
        open_peer(to);
    else if (peer_of(to)->unlimited)
        k->left = INT32_MAX / 2;
    if (k->left < cost)
        return false;
    k->left -= cost;
    return true;
}

static void hold(struct fabric_peer *to, struct credit *k, struct fabric_op *op)
{
    if (list_empty(&k->held)) {
        k->spare = k->left;
        k->left = 0;
        k->starving = true;
        notes_push(peer_of(to));
    }
    list_add_tail(&k->held, &op->link);
    count_add(&counts.p2p_held, 1);
}

static int post(struct fabric_op *op)
{
    if (op->iov_count == FABRIC_SCATTER)
        return fabric_tsend_scattered(op->peer, op, op->iov[0].iov_base, op->tag, op->data);
    return fabric_tsend(op->peer, op, op->iov[0].iov_base, op->iov[0].iov_len, op->tag, op->data);
}

int credit_send(struct fabric_peer *to, enum credit_line line, struct fabric_op *op, uint64_t match,
                uint64_t data)
{
    size_t len = op->iov[0].iov_len;

    op->peer = to;
    op->tag = match;
    op->data = data;
    if (!credit_take(to, line, len)) {
        hold(to, credit_of(to, line), op);
        return 0;
    }
    int rc = post(op);
    if (rc)
        credit_untake(to, line, len);
    return rc;
}

/* The last that was held back is gone: the short way is open again. */
static void held_over(struct credit *k)
{
    if (!list_empty(&k->held))
        return;
    k->left = k->spare;
    k->spare = 0;
}

bool credit_withdraw(struct fabric_op *op, enum credit_line line)
{
    struct credit *k = credit_of(op->peer, line);
    struct list *l, *tmp;

    if (!peer_of(op->peer)->peer)
        return false;
    list_each(l, tmp, &k->held)
    {
        if (l == &op->link) {
            list_drop(l);
            held_over(k);
            return true;
        }
    }
    return false;
}

/* More credit has come: sends what was held back, as far as it goes. */
static void feed(struct credit *k, int32_t units)
{
    k->got += (uint32_t)units;
    if (list_empty(&k->held)) {
        k->left += units;
        return;
    }
    k->spare += units;
    while (!list_empty(&k->held)) {
        struct fabric_op *op = container_of(k->held.next, struct fabric_op, link);
        int32_t cost = credit_cost(op->iov[0].iov_len);
        if (k->spare < cost)
            break;
        k->spare -= cost;
        list_drop(&op->link);
        held_over(k);
        /* A message's end may bring the next one, which finds all as it should be. */
        struct fabric_event event = {.error = post(op)};
        if (event.error)
            op->done(op, &event);
    }
    if (!list_empty(&k->held))
        k->starving = true;
}

/* ---- Receiver ---- */

static void give(struct fabric_peer *to, struct credit *k, int32_t units)
{
    if (!units)
        return;
    k->giving += units;
    k->given += (uint32_t)units;
    if (!list_empty(&k->hungry)) {
        list_drop(&k->hungry);
        credit_hungry--;
    }
    notes_push(peer_of(to));
}

/* What has been consumed since the last time, less what was granted before. */
static int32_t consumed(struct credit *k)
{
    int32_t units = credit / 2 - k->due;
    int32_t kept = k->extra < units ? k->extra : units;

    k->due = credit / 2;
    k->extra -= kept;
    return units - kept;
}

void credit_due(struct fabric_peer *from, struct credit *k)
{
    if (!peer_of(from)->peer)
        open_peer(from);
    if (k->due > 0)
        return;
    if (peer_of(from)->unlimited)
        k->due = INT32_MAX / 2;
    else
        give(from, k, consumed(k));
}

/* Half of the credit at least, consumed or not. */
static void grant(struct credit_peer *own, struct credit *k)
{
    int32_t units = consumed(k);

    if (units < credit / 2) {
        k->extra += credit / 2 - units;
        units = credit / 2;
    }
    give(own->peer, k, units);
}

static struct credit_peer *owner(struct credit *k, int line)
{
    return container_of(k - line, struct credit_peer, line[0]);
}

void credit_sought(struct fabric_peer *from, enum credit_line line)
{
    struct list *l, *tmp;

    kept_fetch();
    list_each(l, tmp, &hungry[line])
    {
        struct credit *k = container_of(l, struct credit, hungry);
        if (!from || from == owner(k, line)->peer)
            grant(owner(k, line), k);
    }
}

/* Whether a receive is posted that the line could serve, or somebody must come to an end. */
static bool is_wanted(const struct credit *k, int line)
{
    return k->posted || credit_any[line].posted || finishing;
}

static bool is_awaited(int line)
{
    struct list *l, *tmp;

    list_each(l, tmp, &hungry[line]) if (is_wanted(container_of(l, struct credit, hungry),
                                                   line)) return true;
    return false;
}

void credit_grant(bool busy)
{
    struct list *l, *tmp;

    if (busy && ++waited < PATIENCE)
        return;
    waited = 0;
    /* Beforehand, as it may change the list. */
    if (is_awaited(CREDIT_PROGRAM))
        kept_fetch();
    for (int line = 0; line < CREDIT_LINES; line++) {
        list_each(l, tmp, &hungry[line])
        {
            struct credit *k = container_of(l, struct credit, hungry);
            if (is_wanted(k, line))
                grant(owner(k, line), k);
        }
    }
}

static void hears_starving(struct credit *k, int line, uint32_t got)
{
    if (got != k->given || !list_empty(&k->hungry))
        return;
    list_add_tail(&hungry[line], &k->hungry);
    credit_hungry++;
}

static void noted(struct fabric_peer *from, uint64_t word)
{
    struct credit_peer *own = peer_of(from);
    int line = (int)(word >> NOTE_LINE);
    int32_t units = word >> NOTE_UNITS & NOTE_UNITS_MASK;

    if (!own->peer)
        open_peer(from);
    if (word & NOTE_STARVING)
        hears_starving(&own->line[line], line, (uint32_t)word);
    if (units)
        feed(&own->line[line], units);
    notes_push(own);
}

/* ---- Life ---- */

void credit_finish(void)
{
    finishing = true;
}

void credit_close(void)
{
    struct list *l;

    pthread_mutex_lock(&lenders_lock);
    while ((l = list_pop(&lenders))) {
        struct node_outlet *out = container_of(l, struct credit_peer, lender)->lent;
        out->until = (uint32_t)messages_of(out);
        count_add(&counts.p2p_sent, messages_of(out));
        count_add(&counts.p2p_sent_bytes, atomic_load_explicit(&out->bytes, memory_order_relaxed));
    }
    pthread_mutex_unlock(&lenders_lock);
}

void credit_open(void)
{
    long units = param.credit;

    credit = units <= 0             ? INT32_MAX
             : units < CREDIT_LEAST ? CREDIT_LEAST
             : units > CREDIT_MOST  ? CREDIT_MOST
                                    : (int32_t)units;
    for (int i = 0; i < CREDIT_LINES; i++) {
        list_init(&hungry[i]);
        credit_any[i].posted = 0;
    }
    credit_hungry = waited = 0;
    finishing = false;
    fabric_note_set(noted);
}
