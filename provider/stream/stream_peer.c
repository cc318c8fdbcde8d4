/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers: found by their name in the address vector or by the address that they say, and what
 * happens when their connection breaks. A process that ends closes its connections in an orderly
 * way, so an end of file is no trouble where nothing is under way. Otherwise what waits ends with
 * an error, but not at once: that a peer has died is for the launcher to say, which knows more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/stream/stream.h"

#define MS         UINT64_C(1000000)
#define GRACE_NS   (3000 * MS) /* from a loss to the errors */
#define LINGER_NS  (5000 * MS) /* in the end, for what was sent to be taken */
#define CONTACT_NS (1000 * MS) /* likewise, where there is no connection */
#define UNACKED_NS (100 * MS)  /* and to arrive, where more has come than was read */
#define AWAY_NS    (1000 * MS) /* between two looks: at most so much counts */

/* ---- Finding ---- */

struct stream_peer *stream_peer_of(struct stream_ep *ep, const struct stream_address *a)
{
    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next) {
        struct stream_peer *peer = container_of(l, struct stream_peer, link);
        if (!stream_address_compare(&peer->address, a))
            return peer;
    }
    struct stream_peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->socket = (struct stream_socket){.fd = -1, .what = STREAM_PEER};
    peer->address = *a;
    peer->fi_addr = FI_ADDR_NOTAVAIL;
    peer->is_self = !stream_address_compare(a, &ep->address);
    list_init(&peer->out);
    list_init(&peer->trouble);
    list_add_tail(&ep->peers, &peer->link);
    return peer;
}

static int reserve(struct stream_ep *ep, fi_addr_t address)
{
    size_t room = ep->by_addr_count ? ep->by_addr_count : 64;

    while (room <= address)
        room *= 2;
    if (room == ep->by_addr_count)
        return 0;
    struct stream_peer **table = realloc(ep->by_addr, room * sizeof(*table));
    if (!table)
        return -FI_ENOMEM;
    memset(table + ep->by_addr_count, 0, (room - ep->by_addr_count) * sizeof(*table));
    ep->by_addr = table;
    ep->by_addr_count = room;
    return 0;
}

int stream_peer_get(struct stream_ep *ep, fi_addr_t address, struct stream_peer **peer)
{
    if (LIKELY(address < ep->by_addr_count && ep->by_addr[address])) {
        *peer = ep->by_addr[address];
        return 0;
    }
    if (address >= ep->av->count)
        return -FI_EINVAL;
    int ret = reserve(ep, address);
    struct stream_peer *found = ret ? NULL : stream_peer_of(ep, &ep->av->table[address]);
    if (!found)
        return -FI_EAGAIN;
    if (found->fi_addr == FI_ADDR_NOTAVAIL)
        found->fi_addr = address;
    *peer = ep->by_addr[address] = found;
    return 0;
}

/* One who has sent already gets its name, which receives ask for. */
void stream_peer_known(struct stream_ep *ep, fi_addr_t address, const struct stream_address *a)
{
    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next) {
        struct stream_peer *peer = container_of(l, struct stream_peer, link);
        if (!stream_address_compare(&peer->address, a) && peer->fi_addr == FI_ADDR_NOTAVAIL)
            peer->fi_addr = address;
    }
}

/* ---- Trouble ---- */

void stream_peer_trouble(struct stream_ep *ep, struct stream_peer *peer)
{
    if (list_empty(&ep->troubled)) {
        stream_watch_timer(ep, true);
        ep->looked = clock_ns();
    }
    if (list_empty(&peer->trouble))
        list_add_tail(&ep->troubled, &peer->trouble);
}

/* Nothing is due for it any more. */
static void calm(struct stream_ep *ep, struct stream_peer *peer)
{
    peer->give_up = peer->retry = 0;
    peer->retries = 0;
    if (list_empty(&peer->trouble))
        return;
    list_drop(&peer->trouble);
    if (list_empty(&ep->troubled))
        stream_watch_timer(ep, false);
}

void stream_peer_hang_up(struct stream_ep *ep, struct stream_peer *peer)
{
    if (peer->socket.fd < 0)
        return;
    stream_unwatch(ep, &peer->socket);
    close(peer->socket.fd);
    peer->socket.fd = -1;
    peer->got = 0;
    peer->greeted = false;
}

void stream_peer_up(struct stream_ep *ep, struct stream_peer *peer)
{
    peer->state = STREAM_UP;
    peer->got = 0;
    peer->body.left = 0;
    calm(ep, peer);
    ep->connections++;
    if (!ep->hot)
        stream_watch_hot(ep, peer);
    stream_out_push(ep, peer);
}

static bool is_idle(const struct stream_ep *ep, const struct stream_peer *peer)
{
    return list_empty(&peer->out) && peer->body.kind == STREAM_BODY_NONE &&
           !stream_ops_any(ep, peer);
}

/* Bytes of a connection that the other side's system does not have. */
static int unacked(const struct stream_peer *peer)
{
    int n = 0;

    return peer->state == STREAM_UP && !ioctl(peer->socket.fd, SIOCOUTQ, &n) ? n : 0;
}

void stream_peer_lost(struct stream_ep *ep, struct stream_peer *peer, int error)
{
    if (peer->state != STREAM_UP)
        return;
    bool clean = !error || ((error == -ECONNRESET || error == -EPIPE) && !unacked(peer));
    ep->connections--;
    if (ep->hot == peer)
        stream_watch_hot(ep, NULL);
    stream_peer_hang_up(ep, peer);
    if (clean && is_idle(ep, peer)) {
        peer->state = STREAM_IDLE;
        return;
    }
    peer->state = STREAM_LOST;
    peer->error = error ? error : -ECONNRESET;
    peer->give_up = clock_ns() + GRACE_NS;
    stream_peer_trouble(ep, peer);
    LOG(LOG_INFO, "a connection is lost: %s", strerror(-peer->error));
}

/* Whatever waits for it has waited in vain. */
static void fail(struct stream_ep *ep, struct stream_peer *peer)
{
    int error = peer->error ? peer->error : -ETIMEDOUT;

    LOG(LOG_INFO, "a peer cannot be reached: %s", strerror(-error));
    stream_peer_hang_up(ep, peer);
    peer->state = STREAM_IDLE;
    calm(ep, peer);
    stream_in_drop(ep, peer, error);
    stream_out_drop(ep, peer, error);
    stream_ops_fail(ep, peer, error);
}

/*
 * Messages that were said to have gone have not come. Later ones must not take their place: nothing
 * passes between the two any more, and the program hears of it.
 */
void stream_peer_break(struct stream_ep *ep, struct stream_peer *peer)
{
    if (peer->state != STREAM_BROKEN)
        LOG(LOG_ERROR, "a connection broke and messages were lost: there will be no other one");
    peer->error = -ECONNABORTED;
    fail(ep, peer);
    peer->state = STREAM_BROKEN;
}

/*
 * Who has been called lets us in when he makes progress, however long that takes him. Where many
 * have called, his system does not answer before, either; when that is hopeless, ours says so.
 */
static bool is_waited_for(const struct stream_peer *peer)
{
    return peer->state == STREAM_DIALING;
}

/*
 * Who computes hears nobody and says nothing, not even the hello without which the others hang up
 * on him. That time counts against nobody whom he can still reach, but for a second.
 */
void stream_peers_look(struct stream_ep *ep)
{
    uint64_t now = clock_ns(), away = now - ep->looked;

    ep->looked = now;
    if (away <= AWAY_NS)
        return;
    for (struct list *l = ep->troubled.next; l != &ep->troubled; l = l->next) {
        struct stream_peer *peer = container_of(l, struct stream_peer, trouble);
        if (peer->give_up && peer->state != STREAM_LOST)
            peer->give_up += away - AWAY_NS;
    }
}

/* For the user, who would wait for minutes without a word. */
static void tell_of_silence(struct stream_peer *peer)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (peer->silent || peer->greeted)
        return;
    peer->silent = true;
    inet_ntop(peer->address.family, peer->address.bytes, host, sizeof(host));
    LOG(LOG_WARN, "%s does not answer at TCP port %u; still waiting. Is a firewall in the way?",
        host, ntohs(peer->address.port));
}

void stream_peers_tick(struct stream_ep *ep)
{
    uint64_t now = clock_ns();
    struct list *l, *next;

    for (l = ep->troubled.next; l != &ep->troubled; l = next) {
        struct stream_peer *peer = container_of(l, struct stream_peer, trouble);
        next = l->next;
        bool late = peer->give_up && now >= peer->give_up;
        if (late && !is_waited_for(peer)) {
            fail(ep, peer);
        } else if (late) {
            tell_of_silence(peer);
        } else if (peer->retry && now >= peer->retry) {
            peer->retry = 0;
            stream_dial(ep, peer);
        }
    }
}

/* ---- The end ---- */

/* For how long to wait for what is to go out. */
static uint64_t patience(const struct stream_ep *ep)
{
    uint64_t most = 0;

    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next) {
        const struct stream_peer *peer = container_of(l, struct stream_peer, link);
        bool connected = peer->state == STREAM_UP || peer->state == STREAM_DIALING;
        uint64_t one = connected ? LINGER_NS : CONTACT_NS;
        if (!list_empty(&peer->out) && peer->state != STREAM_LOST && one > most)
            most = one;
    }
    return most;
}

static bool all_arrived(const struct stream_ep *ep)
{
    for (struct list *l = ep->peers.next; l != &ep->peers; l = l->next)
        if (unacked(container_of(l, struct stream_peer, link)))
            return false;
    return true;
}

/*
 * What was sent goes out. And it arrives: the system forgets what is on its way when a connection
 * is closed with bytes unread, or when some come afterwards.
 */
static void linger(struct stream_ep *ep)
{
    static const struct timespec ms = {0, 1000000};
    uint64_t begun = clock_ns();

    stream_watch_all(ep);
    while (clock_ns() - begun < patience(ep)) {
        struct pollfd p = {.fd = ep->cq->epoll, .events = POLLIN};
        poll(&p, 1, 1);
        stream_watch_look(ep);
    }
    uint64_t until = clock_ns() + UNACKED_NS;
    for (stream_watch_look(ep); !all_arrived(ep) && clock_ns() < until; stream_watch_look(ep))
        nanosleep(&ms, NULL);
}

void stream_peers_close(struct stream_ep *ep)
{
    bool ours = getpid() == ep->pid;
    struct list *l;

    if (ours && ep->cq)
        linger(ep);
    while ((l = list_pop(&ep->peers))) {
        struct stream_peer *peer = container_of(l, struct stream_peer, link);
        if (peer->socket.fd >= 0)
            close(peer->socket.fd); /* out of the epoll set, too, where nobody else has it */
        if (peer->body.kind == STREAM_BODY_KEPT && peer->body.kept->taker)
            free(peer->body.kept->block); /* it is in no list any more */
        stream_out_drop(ep, peer, -ECANCELED);
        free(peer);
    }
    free(ep->by_addr);
}
