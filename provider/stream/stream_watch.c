/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where progress looks for what has come. Who spoke last speaks next, most often: one read of that
 * connection is both the look and the message, and costs half of an epoll_wait that says it is
 * there and the read. All sockets are looked at now and then, and more often while the one is
 * silent.
 *
 * Who sends to a socket in the set pays for it: 0.2 us of each message, as the system tells the set
 * from there. So while one peer speaks, and is looked at in any case, its socket is not in it. It
 * is there again before anybody sleeps.
 *
 * A read that leaves nothing makes the system acknowledge what was read, at once, which costs the
 * sender something. So where short messages follow each other and none of ours goes back, some are
 * left to come together: 4 % more of them pass.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/stream/stream.h"

enum {
    EVENTS = 16,
    TIMER_NS = 20000000,
    /* Looks between two at all sockets. With one connection, when only others could begin one: */
    ALL_ALONE = 64,
    /* with more, while the last speaker is silent, and while it speaks: */
    ALL_SILENT = 2,
    ALL_BUSY = 8,
    /* Reads of one connection before its socket is taken out of the set. */
    SPARE_AFTER = 64,
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

/* From here on the set, and calls that complete something, wake who sleeps, as ever. */
static void spare_no_more(struct stream_ep *ep)
{
    ep->spared = false;
    ep->hot_reads = 0;
}

bool stream_watch_all(struct stream_ep *ep)
{
    if (!ep->spared)
        return true;
    if (stream_watch(ep, &ep->hot->socket))
        return false;
    spare_no_more(ep);
    return true;
}

/* Whoever slept before, or is about to, is woken and will ask again whether he may. */
static void spare(struct stream_ep *ep)
{
    if (ep->hot->socket.writable || control(ep, EPOLL_CTL_DEL, &ep->hot->socket, 0))
        return;
    ep->spared = true;
    stream_cq_wake(ep->cq);
}

void stream_watch_spoke(struct stream_ep *ep, struct stream_peer *peer)
{
    if (LIKELY(ep->hot == peer))
        ep->hot_reads++;
    else if (stream_watch_all(ep))
        stream_watch_hot(ep, peer);
}

void stream_watch_hot(struct stream_ep *ep, struct stream_peer *peer)
{
    if (ep->spared)
        spare_no_more(ep);
    ep->hot = peer;
    ep->hot_reads = 0;
}

void stream_watch_room(struct stream_ep *ep, struct stream_socket *s, bool wanted)
{
    if (s->writable == wanted || s->fd < 0)
        return;
    if (ep->hot && s == &ep->hot->socket && !stream_watch_all(ep))
        return;
    s->writable = wanted;
    control(ep, EPOLL_CTL_MOD, s, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void stream_unwatch(struct stream_ep *ep, struct stream_socket *s)
{
    control(ep, EPOLL_CTL_DEL, s, 0);
}

static void peer_event(struct stream_ep *ep, struct stream_peer *peer, uint32_t events)
{
    if (peer->state == STREAM_DIALING) {
        stream_dial_event(ep, peer);
        return;
    }
    if (peer->state == STREAM_UP && events & EPOLLOUT)
        stream_out_push(ep, peer);
    if (peer->state == STREAM_UP && events & ~(uint32_t)EPOLLOUT)
        stream_in_read(ep, peer);
}

/* One event may have closed the socket of another. */
static void event(struct stream_ep *ep, const struct epoll_event *e)
{
    struct stream_socket *s = e->data.ptr;
    uint64_t rings;

    if (s->fd < 0)
        return;
    switch (s->what) {
    case STREAM_LISTENER:
        stream_accept(ep);
        break;
    case STREAM_GUEST:
        stream_guest_read(ep, container_of(s, struct stream_guest, socket));
        break;
    case STREAM_PEER:
        peer_event(ep, container_of(s, struct stream_peer, socket), e->events);
        break;
    case STREAM_BELL:
        break; /* who asks whether he may sleep quiets it */
    case STREAM_TIMER:
        if (read(s->fd, &rings, sizeof(rings)) < 0)
            return; /* it has been stopped */
    }
}

void stream_watch_timer(struct stream_ep *ep, bool on)
{
    struct itimerspec every = {.it_interval.tv_nsec = on ? TIMER_NS : 0,
                               .it_value.tv_nsec = on ? TIMER_NS : 0};

    timerfd_settime(ep->timer.fd, 0, &every, NULL);
}

/* Something is due by the clock, perhaps. */
static bool is_troubled(const struct stream_ep *ep)
{
    return !list_empty(&ep->troubled) || ep->guest_count || !list_empty(&ep->gone);
}

void stream_watch_look(struct stream_ep *ep)
{
    struct epoll_event events[EVENTS];

    if (UNLIKELY(!list_empty(&ep->troubled)))
        stream_peers_look(ep);
    int n = epoll_wait(ep->cq->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++)
        event(ep, &events[i]);
    if (UNLIKELY(is_troubled(ep))) {
        stream_peers_tick(ep);
        stream_guests_tick(ep, clock_ns());
        stream_guests_sweep(ep);
    }
}

/*
 * In a row of so many reads, that short and that soon after each other, the next one is later,
 * where so many messages are expected that it is not the one of them that somebody waits for.
 */
enum { ROW = 8, SHORT = 512, EXPECTED = 4 };
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
    if (now - peer->read_at < SOON_NS && ep->tagged.posted_count >= EXPECTED)
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

void stream_progress(struct stream_ep *ep)
{
    if (UNLIKELY(ep->rest_until) && rests(ep))
        return;
    if (UNLIKELY(ep->stuck))
        stream_in_retry(ep);
    bool found = ep->hot && stream_in_read(ep, ep->hot);
    if (UNLIKELY(ep->hot_reads >= SPARE_AFTER) && !ep->spared)
        spare(ep);
    unsigned every = ep->connections < 2 ? ALL_ALONE : found ? ALL_BUSY : ALL_SILENT;
    if (LIKELY(ep->hot && ++ep->idle < every && list_empty(&ep->hot->out) && !is_troubled(ep)))
        return;
    ep->idle = 0;
    stream_watch_look(ep);
}
