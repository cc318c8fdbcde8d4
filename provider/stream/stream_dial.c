/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From no connection to one. Who wants to send connects and says a hello: the job's proof and whose
 * socket it listens on. Who accepts answers with a welcome, or hangs up; nothing else is said
 * before. Where both connect at once, the hello of the one with the lower address counts: that one
 * hangs up on the other, who finds itself welcomed or tries again.
 *
 * Who connects and does not know the proof learns nothing, and is counted.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/log.h"
#include "provider/stream/stream.h"

#define MS         UINT64_C(1000000)
#define REFUSED_NS (3000 * MS) /* where nobody listens any more */
#define RETRY_NS   (20 * MS)
#define LONG_NS    (1000 * MS)
#define GUEST_NS   (5000 * MS) /* for a hello to be said */
#define HASTY_NS   (100 * MS)  /* a guest who may not be put out for another yet */

enum { GUESTS = 64, ACCEPTS = 16 };

static void no_delay(int fd)
{
    static const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Up to what the system allows at most: true where there are more than before. */
static bool more_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_cur < limit.rlim_max / 2 ? 2 * limit.rlim_cur : limit.rlim_max;
    return !setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- Connecting ---- */

static void retry(struct stream_ep *ep, struct stream_peer *peer, int error)
{
    uint64_t now = clock_ns();

    /* After a long wait for an answer, or to be let in, patience begins anew. */
    if (peer->greeted && now - peer->dialed > LONG_NS)
        peer->give_up = now + ep->patience;
    if (error == -ECONNREFUSED && peer->give_up > now + REFUSED_NS)
        peer->give_up = now + REFUSED_NS;
    stream_peer_hang_up(ep, peer);
    peer->state = STREAM_IDLE;
    peer->error = error;
    peer->retry = now + RETRY_NS;
    peer->retries++;
    stream_peer_trouble(ep, peer);
}

/* From our own address, which is on the network that was chosen. */
static int connect_from(const struct stream_ep *ep, int fd, const struct stream_peer *peer)
{
    static const int on = 1;
    struct stream_address ours = ep->address;
    struct sockaddr_storage a;

    ours.port = 0;
    /* No port of its own: those are few, and connections to different peers may share one. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, stream_address_write(&ours, &a)))
        return -errno;
    no_delay(fd);
    if (!connect(fd, (struct sockaddr *)&a, stream_address_write(&peer->address, &a)))
        return 0;
    return errno == EINPROGRESS ? 0 : -errno;
}

static int open_to(struct stream_ep *ep, struct stream_peer *peer)
{
    int fd;

    do
        fd = socket(peer->address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    while (fd < 0 && errno == EMFILE && more_descriptors());
    if (fd < 0)
        return -errno;
    int ret = connect_from(ep, fd, peer);
    if (ret) {
        close(fd);
        return ret;
    }
    peer->socket.fd = fd;
    ret = stream_watch(ep, &peer->socket);
    if (!ret)
        stream_watch_room(ep, &peer->socket, true);
    return ret;
}

void stream_dial(struct stream_ep *ep, struct stream_peer *peer)
{
    if (!ep->proven || peer->state != STREAM_IDLE || peer->retry)
        return;
    stream_peer_trouble(ep, peer);
    stream_peers_look(ep); /* what went by before counts for those before */
    peer->dialed = clock_ns();
    if (!peer->give_up)
        peer->give_up = peer->dialed + ep->patience;
    peer->state = STREAM_DIALING;
    peer->greeted = false;
    peer->got = 0;
    int ret = open_to(ep, peer);
    if (ret)
        retry(ep, peer, ret);
}

static int greet(struct stream_ep *ep, struct stream_peer *peer)
{
    struct stream_hello hello = {.magic = STREAM_MAGIC, .from = ep->address, .tally = peer->tally};
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(peer->socket.fd, SOL_SOCKET, SO_ERROR, &error, &len) || error)
        return error ? -error : -errno;
    memcpy(hello.proof, ep->proof, sizeof(hello.proof));
    ssize_t n = send(peer->socket.fd, &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
        return 0;           /* not connected yet */
    if (n != sizeof(hello)) /* an empty connection takes it whole */
        return n < 0 ? -errno : -EIO;
    peer->greeted = true;
    stream_watch_room(ep, &peer->socket, false);
    return 0;
}

static bool is_equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t differ = 0;

    for (int i = 0; i < STREAM_PROOF; i++)
        differ |= a[i] ^ b[i];
    return !differ;
}

/* All that either has sent the other has heard. */
static bool tallies(const struct stream_peer *peer, const struct stream_tally *theirs)
{
    return peer->tally.sent == theirs->heard && peer->tally.heard == theirs->sent;
}

/* -EAGAIN: not all of it has come. */
static int hear_welcome(struct stream_ep *ep, struct stream_peer *peer,
                        struct stream_welcome *welcome)
{
    size_t left = sizeof(*welcome) - peer->got;
    ssize_t n = recv(peer->socket.fd, peer->start + peer->got, left, MSG_DONTWAIT);

    if (n <= 0)
        return n ? -errno : -ECONNRESET;
    peer->got += (unsigned)n;
    if (peer->got < sizeof(*welcome))
        return -EAGAIN;
    memcpy(welcome, peer->start, sizeof(*welcome));
    return welcome->magic == STREAM_WELCOME && is_equal(welcome->proof, ep->proof) ? 0 : -EPROTO;
}
static_assert(sizeof(struct stream_welcome) <= sizeof(((struct stream_peer *)0)->start),
              "a welcome is read into a header's place");

void stream_dial_event(struct stream_ep *ep, struct stream_peer *peer)
{
    struct stream_welcome welcome;
    int ret = peer->greeted ? 0 : greet(ep, peer);

    if (!ret && !peer->greeted)
        return;
    if (!ret)
        ret = hear_welcome(ep, peer, &welcome);
    if (ret == -EAGAIN)
        return;
    if (ret)
        retry(ep, peer, ret);
    else if (tallies(peer, &welcome.tally))
        stream_peer_up(ep, peer);
    else
        stream_peer_break(ep, peer);
}

/* ---- Being connected to ---- */

/* He is a guest no more: his socket. */
static int see_off(struct stream_ep *ep, struct stream_guest *g)
{
    int fd = g->socket.fd;

    stream_unwatch(ep, &g->socket);
    g->socket.fd = -1;
    list_drop(&g->link);
    list_add_tail(&ep->gone, &g->link);
    ep->guest_count--;
    return fd;
}

static void put_out(struct stream_ep *ep, struct stream_guest *g)
{
    close(see_off(ep, g));
}

static void put_out_stranger(struct stream_ep *ep, struct stream_guest *g)
{
    put_out(ep, g);
    count_add(&counts.strangers, 1);
    unsigned long n = counts.strangers;
    if (!(n & (n - 1))) /* a flood is told in a few lines */
        LOG(LOG_INFO, "connections without the job's secret, closed: %lu", n);
}

/* His time is up. He may have said his hello while we did not look. */
static void stop_waiting(struct stream_ep *ep, struct stream_guest *g)
{
    stream_guest_read(ep, g);
    if (g->socket.fd >= 0)
        put_out_stranger(ep, g);
}

static void receive_guest(struct stream_ep *ep, int fd)
{
    struct stream_guest *g = calloc(1, sizeof(*g));

    if (!g) {
        close(fd);
        return;
    }
    no_delay(fd);
    g->socket = (struct stream_socket){.fd = fd, .what = STREAM_GUEST};
    g->until = clock_ns() + GUEST_NS;
    if (stream_watch(ep, &g->socket)) {
        close(fd);
        free(g);
        return;
    }
    list_add_tail(&ep->guests, &g->link);
    ep->guest_count++;
}

/* The oldest who has had some time makes room; a peer says its hello at once. */
static bool make_room(struct stream_ep *ep)
{
    struct stream_guest *oldest = container_of(ep->guests.next, struct stream_guest, link);

    if (ep->guest_count < GUESTS)
        return true;
    if (clock_ns() + GUEST_NS < oldest->until + HASTY_NS)
        return false;
    stop_waiting(ep, oldest);
    return true;
}

static void say_no_descriptors(void)
{
    static bool said;

    if (!said)
        LOG(LOG_ERROR, "no more connections can be accepted: %s (ulimit -n)", strerror(errno));
    said = true;
}

void stream_accept(struct stream_ep *ep)
{
    for (int i = 0; i < ACCEPTS && make_room(ep); i++) {
        int fd = accept4(ep->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EMFILE && more_descriptors())
            continue;
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                say_no_descriptors();
            return;
        }
        receive_guest(ep, fd);
    }
}

/* A connection with that peer is there, or will be: not by this one. */
static bool is_too_late(const struct stream_ep *ep, const struct stream_peer *peer)
{
    switch (peer->state) {
    case STREAM_UP:
    case STREAM_LOST:
        return true;
    case STREAM_DIALING:
        return stream_address_compare(&ep->address, &peer->address) < 0;
    default:
        return peer->is_self;
    }
}

/* He may have waited long, and given up. */
static bool has_left(const struct stream_guest *g)
{
    char byte;

    return !recv(g->socket.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
}

/* A peer of the job: the guest's connection is the peer's. */
static void let_in(struct stream_ep *ep, struct stream_guest *g)
{
    struct stream_welcome welcome = {.magic = STREAM_WELCOME};
    struct stream_peer *peer = stream_peer_of(ep, &g->hello.from);
    struct stream_tally theirs = g->hello.tally;

    if (!peer || is_too_late(ep, peer) || has_left(g)) {
        put_out(ep, g);
        return;
    }
    int fd = see_off(ep, g);
    stream_peer_hang_up(ep, peer);
    memcpy(welcome.proof, ep->proof, sizeof(welcome.proof));
    welcome.tally = peer->tally;
    peer->socket.fd = fd;
    /* What he sends once he is welcome must be heard. */
    if (!stream_watch(ep, &peer->socket) &&
        send(fd, &welcome, sizeof(welcome), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(welcome)) {
        if (tallies(peer, &theirs))
            stream_peer_up(ep, peer);
        else
            stream_peer_break(ep, peer); /* as he does, too */
        return;
    }
    stream_peer_hang_up(ep, peer);
    peer->state = STREAM_IDLE;
    if (!list_empty(&peer->out))
        retry(ep, peer, -ECONNRESET);
}

void stream_guest_read(struct stream_ep *ep, struct stream_guest *g)
{
    ssize_t n =
        recv(g->socket.fd, (char *)&g->hello + g->got, sizeof(g->hello) - g->got, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* One who never said a word: a peer, perhaps, whom we have called at the same moment. */
    if (!n && !g->got) {
        put_out(ep, g);
        return;
    }
    if (n > 0)
        g->got += (size_t)n;
    bool strange = n <= 0 || (g->got >= sizeof(g->hello.magic) && g->hello.magic != STREAM_MAGIC);
    if (!strange && g->got < sizeof(g->hello))
        return;
    if (strange || !is_equal(g->hello.proof, ep->proof) ||
        g->hello.from.family != ep->address.family)
        put_out_stranger(ep, g);
    else
        let_in(ep, g);
}

void stream_guests_tick(struct stream_ep *ep, uint64_t now)
{
    while (!list_empty(&ep->guests)) {
        struct stream_guest *g = container_of(ep->guests.next, struct stream_guest, link);
        if (now < g->until)
            return;
        stop_waiting(ep, g);
    }
}

void stream_guests_sweep(struct stream_ep *ep)
{
    struct list *l;

    while ((l = list_pop(&ep->gone)))
        free(container_of(l, struct stream_guest, link));
}

void stream_guests_close(struct stream_ep *ep)
{
    struct list *l;

    while ((l = list_pop(&ep->guests))) {
        struct stream_guest *g = container_of(l, struct stream_guest, link);
        close(g->socket.fd);
        free(g);
    }
    stream_guests_sweep(ep);
}
