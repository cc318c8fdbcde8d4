/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where progress looks for what has come. Who spoke last speaks next, most often: one read of that
 * connection is both the look and the message, and costs half of an epoll_wait that says it is
 * there and the read. All sockets are looked at now and then, and more often while the one is
 * silent.
 *
 * A read that leaves nothing makes the system acknowledge what was read, at once, which costs the
 * sender something. So where short messages follow each other and none of ours goes back, some are
 * left to come together: 4 % more of them pass.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "provider/base/clock.h"
#include "provider/stream/stream.h"

enum {
    EVENTS = 16,
    ALL_ALONE = 64, /* looks between two at all sockets: with one connection, when only others */
    ALL_SILENT = 2, /* could begin one; with more, while the last speaker is silent */
    ALL_BUSY = 8,   /* and while it speaks */
};

static int control(struct stream_ep *ep, int what, struct stream_socket *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    return epoll_ctl(ep->cq->epoll, what, s->fd, &e) ? -errno : 0;
}

int stream_watch(struct stream_ep *ep, struct stream_socket *s)
{
    s->writable = false;
    return control(ep, EPOLL_CTL_ADD, s, EPOLLIN);
}

void stream_watch_room(struct stream_ep *ep, struct stream_socket *s, bool wanted)
{
    if (s->writable == wanted || s->fd < 0)
        return;
    s->writable = wanted;
    control(ep, EPOLL_CTL_MOD, s, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void stream_unwatch(struct stream_ep *ep, struct stream_socket *s)
{
    control(ep, EPOLL_CTL_DEL, s, 0);
}

static unsigned peer_event(struct stream_ep *ep, struct stream_peer *peer, uint32_t events)
{
    if (peer->state == STREAM_DIALING) {
        stream_dial_event(ep, peer);
        return 1;
    }
    if (peer->state == STREAM_UP && events & EPOLLOUT)
        stream_out_push(ep, peer);
    if (peer->state == STREAM_UP && events & ~(uint32_t)EPOLLOUT)
        stream_in_read(ep, peer);
    return 1;
}

/* One event may have closed the socket of another. */
static unsigned event(struct stream_ep *ep, const struct epoll_event *e)
{
    struct stream_socket *s = e->data.ptr;

    if (s->fd < 0)
        return 0;
    switch (s->what) {
    case STREAM_LISTENER:
        stream_accept(ep);
        return 1;
    case STREAM_GUEST:
        stream_guest_read(ep, container_of(s, struct stream_guest, socket));
        return 1;
    case STREAM_PEER:
        return peer_event(ep, container_of(s, struct stream_peer, socket), e->events);
    }
    return 0;
}

/* Something is due by the clock, perhaps. */
static bool is_troubled(const struct stream_ep *ep)
{
    return !list_empty(&ep->troubled) || ep->guest_count || !list_empty(&ep->gone);
}

unsigned stream_watch_look(struct stream_ep *ep)
{
    struct epoll_event events[EVENTS];
    unsigned done = 0;
    int n = epoll_wait(ep->cq->epoll, events, EVENTS, 0);

    for (int i = 0; i < n; i++)
        done += event(ep, &events[i]);
    if (UNLIKELY(is_troubled(ep))) {
        stream_peers_tick(ep);
        stream_guests_tick(ep, clock_ns());
        stream_guests_sweep(ep);
    }
    return done;
}

/* In a row of so many reads, that short and that soon after each other, the next one is later. */
enum { ROW = 8, SHORT = 512 };
#define SOON_NS UINT64_C(25000)
#define REST_NS UINT64_C(15000)

void stream_watch_pace(struct stream_ep *ep, struct stream_peer *peer, size_t n)
{
    if (n >= SHORT) {
        peer->in_row = 0;
        return;
    }
    if (peer->in_row < ROW) {
        peer->in_row++;
        return;
    }
    uint64_t now = clock_ns();
    if (now - peer->read_at < SOON_NS)
        ep->rest_until = now + REST_NS;
    peer->read_at = now;
}

static bool rests(struct stream_ep *ep)
{
    if (clock_ns() < ep->rest_until)
        return true;
    ep->rest_until = 0;
    return false;
}

bool stream_progress(struct stream_ep *ep)
{
    if (UNLIKELY(ep->rest_until) && rests(ep))
        return false;
    if (!ep->hot)
        return stream_watch_look(ep);
    bool found = stream_in_read(ep, ep->hot);
    unsigned every = ep->connections < 2 ? ALL_ALONE : found ? ALL_BUSY : ALL_SILENT;
    if (++ep->idle < every && LIKELY(!is_troubled(ep)))
        return found;
    ep->idle = 0;
    return stream_watch_look(ep) || found;
}
