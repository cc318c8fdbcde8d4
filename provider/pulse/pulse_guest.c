/* SPDX-License-Identifier: BSD-3-Clause */
/* Callers, until they have proved who they are. What a stranger sends is never more than bytes to
 * compare. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/pulse/pulse_impl.h"

#define PATIENCE_NS UINT64_C(5000000000)
#define REST_NS     UINT64_C(1000000000)

static void drop(struct guest *g)
{
    close(g->fd);
    g->fd = -1;
    pulse.dropped++;
    LOG(LOG_DEBUG, "a caller without the job's secret was dropped, the %luth", pulse.dropped);
}

static struct guest *place(void)
{
    struct guest *oldest = &pulse.guests[0];

    for (int i = 0; i < GUESTS; i++) {
        struct guest *g = &pulse.guests[i];
        if (g->fd < 0)
            return g;
        if (g->since < oldest->since)
            oldest = g;
    }
    drop(oldest);
    return oldest;
}

void pulse_guest_accept(int listener, bool local)
{
    if (listener < 0)
        return; /* closed since it was polled */
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        /* It is still there, and poll would say so at once. */
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pulse.rest_until = clock_ns() + REST_NS;
        return;
    }
    struct guest *g = place();
    *g = (struct guest){.fd = fd, .local = local, .since = clock_ns()};
    pulse_guest_hear(g);
}

/* The process behind a local connection, if it is the same user's. */
static bool known_user(int fd, pid_t *pid)
{
    struct ucred who;
    socklen_t len = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) || who.uid != geteuid())
        return false;
    *pid = who.pid;
    return true;
}

static struct link *local_link(uint32_t rank)
{
    for (unsigned i = LINK_LOCAL; i < pulse.count; i++)
        if (pulse.links[i].rank == rank && pulse.links[i].state == LINK_NONE)
            return &pulse.links[i];
    return NULL;
}

static bool admit_local(struct guest *g)
{
    struct link *l = local_link(g->hello.rank);
    pid_t pid;

    if (!l || !known_user(g->fd, &pid))
        return false;
    l->fd = g->fd;
    l->state = LINK_UP;
    l->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    return true;
}

/* The one caller that is expected; nobody else has a reason to call after it. */
static bool admit_previous(struct guest *g)
{
    struct link *l = &pulse.links[LINK_PREVIOUS];

    if (l->state != LINK_NONE || g->hello.rank != pulse.previous ||
        !boot_secret_equal(g->hello.secret, pulse.secret))
        return false;
    pulse_keep_alive(g->fd);
    l->fd = g->fd;
    l->state = LINK_UP;
    close(pulse.ring);
    pulse.ring = -1;
    return true;
}

void pulse_guest_hear(struct guest *g)
{
    ssize_t n = recv(g->fd, (char *)&g->hello + g->len, sizeof(g->hello) - g->len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(g);
        return;
    }
    g->len += (size_t)n;
    if (g->len < sizeof(g->hello))
        return;
    if (g->local ? admit_local(g) : admit_previous(g))
        g->fd = -1;
    else
        drop(g);
}

void pulse_guests_tire(void)
{
    uint64_t now = clock_ns();

    for (int i = 0; i < GUESTS; i++)
        if (pulse.guests[i].fd >= 0 && now - pulse.guests[i].since > PATIENCE_NS)
            drop(&pulse.guests[i]);
}

void pulse_say_bye(int fd)
{
    char byte = SAY_BYE;

    if (fd >= 0)
        send(fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What is unread when a connection is closed would reset it, and the good-bye might get lost. */
static void dismiss(int fd)
{
    struct hello hello;
    ssize_t n = recv(fd, &hello, sizeof(hello), MSG_DONTWAIT);

    (void)n;
    pulse_say_bye(fd);
    close(fd);
}

void pulse_guests_dismiss(void)
{
    int fd;

    for (int i = 0; i < GUESTS; i++)
        if (pulse.guests[i].fd >= 0) {
            dismiss(pulse.guests[i].fd);
            pulse.guests[i].fd = -1;
        }
    for (int i = 0; i < QUEUE && (fd = accept4(pulse.ring, NULL, NULL, SOCK_CLOEXEC)) >= 0; i++)
        dismiss(fd);
}

void pulse_keep_alive(int fd)
{
    int yes = 1, limit = (int)param.peer_timeout;
    int every = limit / 10 > 0 ? limit / 10 : 1, probes = limit / every;
    unsigned ms = (unsigned)limit * 900; /* the rest is for what follows */

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (limit <= 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}
