/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The windows' messages: the ring of receives, packets going out, and which window a message is
 * for. What a message means is decided in win_sync.c, win_apply.c and win_acc.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/p2p/helper.h"
#include "core/p2p/p2p.h"
#include "core/win/win_message.h"
#include "provider/base/log.h"
#include "provider/fabric/wait.h"

enum {
    RING = 32,          /* posted receives */
    MESSAGE_MAX = 8192, /* bytes, or less where the provider's eager messages are shorter */
    MESSAGE_MIN = 512,
    SMALL = 192,
    TABLE = 64, /* lists of windows, by context id */
};

struct slot {
    struct fabric_op op;
    struct list link; /* in ring.arrived */
    bool posted;
    size_t len;
    alignas(16) char bytes[MESSAGE_MAX];
};

static void handle_arrived(struct deferred *d);

static struct ring {
    unsigned windows;
    bool open, closing;
    unsigned posted;
    size_t max;
    struct slot *slots;  /* NULL where the process is alone */
    struct list arrived; /* messages to be handled, in order */
    struct deferred work;
    struct list table[TABLE];
} ring = {.work = {LIST_INIT(ring.work.link), handle_arrived}};

static const uint64_t ring_tag = (uint64_t)CHANNEL_WIN << 56;

size_t win_message_max(void)
{
    return ring.max;
}

static struct win *window_of(uint32_t context)
{
    struct list *head = &ring.table[context % TABLE], *l, *tmp;

    list_each(l, tmp, head)
    {
        struct win *w = container_of(l, struct win, link);
        if (w->comm->context == context)
            return w;
    }
    return NULL;
}

/* ---- Going out ---- */

struct win_packet *win_packet_new(struct win *w, int rank, enum win_message_kind kind, size_t len)
{
    bool large = len > SMALL;
    struct win_packet *p = pool_get(large ? &win_pools.large : &win_pools.small);

    if (!p)
        return NULL;
    p->win = w;
    p->rank = rank;
    p->stream = NULL;
    p->from = p->len = 0;
    p->left = 1;
    p->large = large;
    *win_packet_head(p) = (struct win_head){.window = w->comm->context,
                                            .rank = (uint32_t)w->comm->rank,
                                            .kind = (uint8_t)kind,
                                            .packet = (uintptr_t)p};
    return p;
}

void win_packet_step(struct win_packet *p)
{
    if (!--p->left)
        pool_put(p->large ? &win_pools.large : &win_pools.small, p);
}

/* A message that could not be sent leaves its window waiting for what will not come: it is told. */
static void packet_done(struct fabric_op *op, const struct fabric_event *event)
{
    struct win_packet *p = container_of(op, struct win_packet, op);

    if (event->error && window_of(win_packet_head(p)->window) == p->win)
        p->win->broken = err_from_errno(event->error, "sending a window's message");
    win_packet_step(p);
}

int win_packet_send(struct win_packet *p, size_t len)
{
    struct fabric_peer *peer;
    int e, rc = comm_peer(p->win->comm, p->rank, &peer);

    if (rc)
        return rc;
    if (len <= fabric_limits()->inject &&
        !fabric_tinject(peer, p->bytes, len, ring_tag, p->win->comm->rank)) {
        win_packet_step(p);
        return MPI_SUCCESS;
    }
    p->op.done = packet_done;
    e = fabric_tsend(peer, &p->op, p->bytes, len, ring_tag, p->win->comm->rank);
    return e ? err_from_errno(e, "sending a window's message") : MPI_SUCCESS;
}

int win_tell(struct win *w, int rank, enum win_message_kind kind)
{
    int rc;

    if (rank == w->comm->rank) {
        struct win_head here = {.rank = (uint32_t)rank, .kind = (uint8_t)kind};
        win_told(w, &here);
        return MPI_SUCCESS;
    }
    struct win_packet *p = win_packet_new(w, rank, kind, sizeof(struct win_head));
    if (!p)
        return err_set(MPI_ERR_NO_MEM, "no memory for a window's message");
    rc = win_packet_send(p, sizeof(struct win_head));
    if (rc) {
        p->left = 1;
        win_packet_step(p);
    }
    return rc;
}

/* ---- Coming in ---- */

static void slot_done(struct fabric_op *op, const struct fabric_event *event)
{
    struct slot *s = container_of(op, struct slot, op);

    s->posted = false;
    if (event->error) {
        ring.posted--;
        if (event->error != -ECANCELED)
            log_line(LOG_ERROR, "receiving a window's message failed: %s", strerror(-event->error));
        return;
    }
    /* Handled after the completion queue has been read: whoever called the fabric is perhaps in
     * the middle of something of this very window. */
    s->len = event->len;
    list_add_tail(&ring.arrived, &s->link);
    if (list_empty(&ring.work.link))
        lane_defer(&ring.work);
}

static int slot_post(struct slot *s)
{
    int e;

    s->op.done = slot_done;
    s->posted = true;
    e = fabric_trecv(NULL, &s->op, s->bytes, ring.max, ring_tag, 0);
    if (e)
        s->posted = false;
    return e;
}

/* An accumulate: applied and answered. False where there is no memory for the answer yet. */
static bool answer(struct win *w, const struct win_head *message, size_t data)
{
    size_t len = sizeof(struct win_head) + (message->kind == WIN_MESSAGE_ACCUMULATE ? 0 : data);
    struct win_packet *p = win_packet_new(w, (int)message->rank, WIN_MESSAGE_ANSWER, len);
    int rc;

    if (!p)
        return false;
    win_packet_head(p)->packet = message->packet;
    win_apply(w, message, p, &len);
    rc = win_packet_send(p, len);
    if (rc) {
        w->broken = rc;
        p->left = 1;
        win_packet_step(p);
    }
    return true;
}

/* Bytes of data that the message's runs speak of. */
static size_t run_bytes(const struct win_head *h)
{
    const struct win_run *run = (const struct win_run *)(h + 1);
    size_t sum = 0;

    for (int i = 0; i < h->runs; i++)
        sum += run[i].len;
    return sum;
}

/* False: to be tried again. */
static bool handle(const struct slot *s)
{
    const struct win_head *h = (const struct win_head *)s->bytes;
    size_t runs = sizeof *h + h->runs * sizeof(struct win_run);

    if (s->len < sizeof *h || s->len < runs + h->len)
        return true;
    struct win *w = window_of(h->window);
    if (!w || h->rank >= (uint32_t)w->comm->size) {
        LOG(LOG_WARN, "a message for a window that does not exist any more was dropped");
        return true;
    }
    switch (h->kind) {
    case WIN_MESSAGE_ACCUMULATE:
    case WIN_MESSAGE_FETCH:
    case WIN_MESSAGE_SWAP:
        return answer(w, h, run_bytes(h));
    case WIN_MESSAGE_ANSWER:
        win_answered(w, h);
        return true;
    default:
        win_told(w, h);
        return true;
    }
}

static void handle_arrived(struct deferred *d)
{
    struct list *l;

    (void)d;
    while ((l = list_pop(&ring.arrived))) {
        struct slot *s = container_of(l, struct slot, link);
        if (!handle(s)) {
            list_add_head(&ring.arrived, l);
            return; /* the next arrival tries again */
        }
        /* `posted` counts it from its first posting until it is not posted again. */
        if (ring.closing || slot_post(s))
            ring.posted--;
    }
}

/* ---- Life ---- */

static int ring_post(void)
{
    size_t eager = fabric_limits()->eager;
    int e;

    ring.max = eager < MESSAGE_MIN ? MESSAGE_MIN : eager > MESSAGE_MAX ? MESSAGE_MAX : eager & ~15u;
    ring.slots = aligned_alloc(64, RING * sizeof(struct slot));
    if (!ring.slots)
        return err_set(MPI_ERR_NO_MEM, "no memory for the windows' receive buffers");
    memset(ring.slots, 0, RING * sizeof(struct slot));
    for (ring.posted = 0; ring.posted < RING; ring.posted++) {
        e = slot_post(&ring.slots[ring.posted]);
        if (e)
            return err_from_errno(e, "posting a window's receive buffers");
    }
    return MPI_SUCCESS;
}

/* Lane locked. */
static void ring_open(void)
{
    ring.open = true;
    ring.max = MESSAGE_MAX;
    ring.posted = 0;
    list_init(&ring.arrived);
    for (int i = 0; i < TABLE; i++)
        list_init(&ring.table[i]);
    win_pools_open(SMALL, MESSAGE_MAX);
}

/* Lane locked. Cancelled receives complete at once, unless data is on the way. */
static void ring_cancel(void)
{
    ring.closing = true;
    for (int i = 0; ring.slots && i < RING; i++)
        if (ring.slots[i].posted)
            fabric_cancel(&ring.slots[i].op);
}

/* Lane locked. */
static bool ring_closed(void)
{
    const struct win_pools *p = &win_pools;

    if (ring.posted || !list_empty(&ring.arrived) || p->small.taken || p->large.taken)
        return false;
    free(ring.slots);
    ring.slots = NULL;
    win_pools_close();
    ring.open = ring.closing = false;
    return true;
}

static void ring_close(void)
{
    struct wait wait;
    bool closed, moved;

    wait_begin(&wait);
    do {
        lane_lock();
        moved = lane_progress();
        closed = ring_closed();
        lane_unlock();
        if (!closed)
            wait_step(&wait, moved, &lane.lock);
    } while (!closed);
    wait_end(&wait, &lane.lock);
}

int win_message_open(struct win *w)
{
    struct wait wait;
    bool closing, moved;
    int rc = MPI_SUCCESS;

    wait_begin(&wait);
    do {
        lane_lock();
        moved = lane_progress();
        closing = ring.closing; /* by another thread, which freed the last window before */
        if (!closing) {
            if (!ring.windows++)
                ring_open();
            /* What fails to be posted is withdrawn with the window. */
            if (!ring.slots && w->comm->size > 1)
                rc = ring_post();
            list_add_tail(&ring.table[w->comm->context % TABLE], &w->link);
            w->told = true;
        }
        lane_unlock();
        if (closing)
            wait_step(&wait, moved, &lane.lock);
    } while (closing);
    wait_end(&wait, &lane.lock);
    /* Alone, or where nobody may lock, this process is in a call whenever it is needed. */
    if (!rc && w->comm->size > 1 && !w->lockless) {
        rc = helper_begin(&ring.work);
        w->helped = !rc;
    }
    return rc;
}

void win_message_close(struct win *w)
{
    bool last;

    if (w->helped)
        helper_end();
    lane_lock();
    list_drop(&w->link);
    last = !--ring.windows;
    if (last)
        ring_cancel();
    lane_unlock();
    if (last)
        ring_close();
}

void win_close(void)
{
    helper_stop();
    lane_lock();
    bool open = ring.open;
    if (open)
        ring_cancel();
    lane_unlock();
    if (open)
        ring_close();
}
