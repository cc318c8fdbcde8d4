/* SPDX-License-Identifier: BSD-3-Clause */
/* The connections' beginning and end, and the thread. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/pulse/pulse_impl.h"

struct pulse pulse = {
    .ring = -1, .local = -1, .stop = -1, .own = -1, .guests = {[0 ... GUESTS - 1] = {.fd = -1}}};

static pthread_t thread;

/* Where a host's first rank listens: what it publishes. */
struct place {
    struct interface_address address;
    uint16_t port; /* network order */
    uint16_t local_len;
    struct sockaddr_un local;
    char host[PULSE_HOST];
};

static const char *place_key(void)
{
    return pulse.again ? "oriel.pulse2" : "oriel.pulse";
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void *port_of(struct sockaddr_storage *s)
{
    return s->ss_family == AF_INET ? (void *)&((struct sockaddr_in *)s)->sin_port
                                   : (void *)&((struct sockaddr_in6 *)s)->sin6_port;
}

static socklen_t socket_address(const struct interface_address *a, uint16_t port,
                                struct sockaddr_storage *s)
{
    memset(s, 0, sizeof(*s));
    s->ss_family = a->family;
    if (a->family == AF_INET)
        memcpy(&((struct sockaddr_in *)s)->sin_addr, a->bytes, 4);
    else
        memcpy(&((struct sockaddr_in6 *)s)->sin6_addr, a->bytes, 16);
    memcpy(port_of(s), &port, sizeof(port));
    return a->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* ---- Listening ---- */

static int listen_ring(const struct interface_address *own, uint16_t *port)
{
    struct sockaddr_storage s;
    socklen_t len = socket_address(own, 0, &s);

    pulse.ring = socket(s.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (pulse.ring < 0 || bind(pulse.ring, (struct sockaddr *)&s, len) ||
        listen(pulse.ring, QUEUE) || getsockname(pulse.ring, (struct sockaddr *)&s, &len))
        return -errno;
    memcpy(port, port_of(&s), sizeof(*port));
    return 0;
}

/* The kernel finds it a name of its own, which no file system has. */
static int listen_local(struct place *place)
{
    struct sockaddr_un *s = &place->local;
    socklen_t len = sizeof(s->sun_family);

    s->sun_family = AF_UNIX;
    pulse.local = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (pulse.local < 0 || bind(pulse.local, (struct sockaddr *)s, len) ||
        listen(pulse.local, 4096))
        return -errno;
    len = sizeof(*s);
    if (getsockname(pulse.local, (struct sockaddr *)s, &len))
        return -errno;
    place->local_len = (uint16_t)len;
    return 0;
}

/* ORIEL_PRETEND_HOSTS: the launcher notices all. */
static bool is_one_machine(void)
{
    return boot_info()->machine_size == boot_info()->size;
}

int pulse_listen(const struct interface_address *own, bool again)
{
    struct place place = {.address = *own};

    pulse.again = again;
    if (pulse.running || boot_info()->local_rank || is_one_machine())
        return 0;
    snprintf(place.host, sizeof(place.host), "%s", boot_info()->host);
    close_fd(&pulse.ring);
    close_fd(&pulse.local);
    int rc = listen_ring(own, &place.port);
    if (!rc)
        rc = listen_local(&place);
    if (!rc)
        rc = boot_put(place_key(), &place, sizeof(place));
    if (rc) {
        close_fd(&pulse.ring);
        close_fd(&pulse.local);
    }
    return rc;
}

/* ---- Calling ---- */

static int place_of(uint32_t rank, struct place *place)
{
    size_t len = sizeof(*place);
    int rc = boot_get(rank, place_key(), place, &len);

    return rc ? rc : len == sizeof(*place) ? 0 : -EPROTO;
}

static int send_hello(int fd, const uint8_t *secret)
{
    struct hello hello = {.rank = boot_info()->rank};

    if (secret)
        memcpy(hello.secret, secret, sizeof(hello.secret));
    return send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello) ? 0 : -errno;
}

/* A rank that is not its host's first: its whole part in this. */
static int call_first(void)
{
    struct place place;
    int rc = place_of(boot_local_ranks()[0], &place);

    if (rc)
        return rc;
    pulse.own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pulse.own < 0 || connect(pulse.own, (struct sockaddr *)&place.local, place.local_len))
        return -errno;
    return send_hello(pulse.own, NULL);
}

/*
 * A firewall may be between the hosts: that it is dead does not follow. As a rule it is between all
 * of them, and one line enough: rank 0's.
 */
static void miss(struct link *l, int error)
{
    LOG(boot_info()->rank ? LOG_INFO : LOG_WARN,
        "no connection to %s, whose death may go unnoticed: %s", l->host, strerror(error));
    close_fd(&l->fd);
    l->state = LINK_DONE;
}

/* Names the link's host, as it has told it. */
static int link_place(struct link *l, struct place *place)
{
    int rc = place_of(l->rank, place);

    if (rc)
        snprintf(l->host, sizeof(l->host), "the host of rank %u", l->rank);
    else
        memcpy(l->host, place->host, sizeof(l->host));
    return rc;
}

/* Goes on in the thread: `call_next_end`. */
static int call_next(void)
{
    struct link *l = &pulse.links[LINK_NEXT];
    struct sockaddr_storage s;
    struct place place;

    link_place(&pulse.links[LINK_PREVIOUS], &place);
    int rc = link_place(l, &place);
    if (rc) {
        miss(l, -rc);
        return 0;
    }
    socklen_t len = socket_address(&place.address, place.port, &s);
    l->fd = socket(s.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return -errno;
    pulse_keep_alive(l->fd);
    l->state = LINK_CALLING;
    if (connect(l->fd, (struct sockaddr *)&s, len) && errno != EINPROGRESS)
        miss(l, errno);
    return 0;
}

static void call_next_end(struct link *l)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    if (!error)
        error = -send_hello(l->fd, pulse.secret);
    if (error)
        miss(l, error);
    else
        l->state = LINK_UP;
}

/* ---- The thread ---- */

enum { FIXED = 3, TIRE_MS = 1000 }; /* stop, ring, local; then links, their processes, guests */

static void fill(struct pollfd *p)
{
    *p++ = (struct pollfd){pulse.stop, POLLIN, 0};
    *p++ = (struct pollfd){pulse.rest_until ? -1 : pulse.ring, POLLIN, 0};
    *p++ = (struct pollfd){pulse.rest_until ? -1 : pulse.local, POLLIN, 0};
    for (unsigned i = 0; i < pulse.count; i++) {
        struct link *l = &pulse.links[i];
        *p++ = (struct pollfd){l->fd, l->state == LINK_CALLING ? POLLOUT : POLLIN, 0};
    }
    for (unsigned i = 0; i < pulse.count; i++)
        *p++ = (struct pollfd){pulse.links[i].pidfd, POLLIN, 0};
    for (int i = 0; i < GUESTS; i++)
        *p++ = (struct pollfd){pulse.guests[i].fd, POLLIN, 0};
}

static void handle(const struct pollfd *p)
{
    const struct pollfd *links = p + FIXED, *processes = links + pulse.count,
                        *guests = processes + pulse.count;

    for (unsigned i = 0; i < pulse.count; i++) {
        struct link *l = &pulse.links[i];
        if (links[i].revents && l->state == LINK_CALLING)
            call_next_end(l);
        else if (links[i].revents)
            pulse_link_hear(l);
        if (processes[i].revents)
            pulse_link_ended(l);
    }
    for (int i = 0; i < GUESTS; i++)
        if (guests[i].revents && pulse.guests[i].fd == guests[i].fd)
            pulse_guest_hear(&pulse.guests[i]);
    if (p[1].revents)
        pulse_guest_accept(pulse.ring, false);
    if (p[2].revents)
        pulse_guest_accept(pulse.local, true);
    pulse_guests_tire();
}

static bool has_guests(void)
{
    for (int i = 0; i < GUESTS; i++)
        if (pulse.guests[i].fd >= 0)
            return true;
    return false;
}

/* Whoever stops the thread has counted up; announced ends are passed on and are no stop. */
static bool told_to_stop(void)
{
    uint64_t count;

    if (read(pulse.stop, &count, sizeof(count)) != sizeof(count))
        return false;
    if (atomic_load(&pulse.known))
        pulse_tell_known();
    return !pulse.running;
}

static void *watch(void *arg)
{
    struct pollfd *p = arg;

    for (;;) {
        int wait = pulse.running ? pulse_losses() : 0; /* all have met: who ends now is no loss */
        if (pulse.rest_until && clock_ns() >= pulse.rest_until)
            pulse.rest_until = 0;
        if ((pulse.rest_until || has_guests()) && (wait < 0 || wait > TIRE_MS))
            wait = TIRE_MS;
        fill(p);
        int n = poll(p, FIXED + 2 * pulse.count + GUESTS, wait);
        if (n < 0 && errno != EINTR) {
            LOG(LOG_WARN, "deaths will not be noticed any more: %s", strerror(errno));
            break;
        }
        if (p[0].revents && told_to_stop())
            break;
        handle(p);
    }
    free(p);
    return NULL;
}

static int start_thread(void)
{
    struct pollfd *p = calloc(FIXED + 2 * pulse.count + GUESTS, sizeof(*p));
    sigset_t all, before;

    if (!p)
        return -ENOMEM;
    pulse.running = true;
    sigfillset(&all); /* the program's signals are for its own threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, watch, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        pulse.running = false;
        free(p);
    }
    return -rc;
}

/* ---- Beginning and end ---- */

/* The program's children must not hold a dead rank's connections open. */
static void forget_in_child(void)
{
    close_fd(&pulse.own);
    close_fd(&pulse.ring);
    close_fd(&pulse.local);
    for (unsigned i = 0; i < pulse.count; i++)
        close_fd(&pulse.links[i].fd);
    for (int i = 0; i < GUESTS; i++)
        close_fd(&pulse.guests[i].fd);
    pulse.running = false;
}

/* boot_abort's first step, in any thread. */
static void announce_end(void)
{
    char byte = SAY_KNOWN;
    uint64_t one = 1;

    if (pulse.own >= 0)
        send(pulse.own, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (!atomic_exchange(&pulse.known, true) && pulse.running && pulse.stop >= 0) {
        ssize_t n = write(pulse.stop, &one, sizeof(one));
        (void)n;
    }
}

static int make_links(void)
{
    const struct boot_info *b = boot_info();

    unsigned count = LINK_LOCAL + b->local_size - 1;
    pulse.links = calloc(count, sizeof(*pulse.links));
    if (!pulse.links)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++)
        pulse.links[i] = (struct link){
            .fd = -1,
            .pidfd = -1,
            .local = i >= LINK_LOCAL,
            .rank = i == LINK_NEXT       ? pulse.next
                    : i == LINK_PREVIOUS ? pulse.previous
                                         : boot_local_ranks()[i - LINK_LOCAL + 1],
        };
    for (unsigned i = LINK_LOCAL; i < count; i++)
        snprintf(pulse.links[i].host, sizeof(pulse.links[i].host), "%s", b->host);
    pulse.count = count;
    pulse.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return pulse.stop < 0 ? -errno : 0;
}

/* Where in the ring this host is; -ENOENT where the launcher counts hosts in another way. */
static int find_neighbours(void)
{
    const uint32_t *ranks;
    size_t n;
    int rc = boot_leaders(&ranks, &n);

    for (size_t i = 0; !rc && i < n; i++)
        if (ranks[i] == boot_local_ranks()[0]) {
            pulse.next = ranks[(i + 1) % n];
            pulse.previous = ranks[(i + n - 1) % n];
            return n > 1 ? 0 : -ENOENT;
        }
    return rc ? rc : -ENOENT;
}

static int start(void)
{
    static bool registered;
    int rc = find_neighbours();

    if (rc)
        return rc;
    if (!registered)
        pthread_atfork(NULL, NULL, forget_in_child);
    registered = true;
    boot_before_abort(announce_end);
    if (boot_info()->local_rank)
        return call_first();
    rc = boot_secret(pulse.secret);
    if (!rc)
        rc = make_links();
    if (!rc)
        rc = call_next();
    return rc ? rc : start_thread();
}

/* Where nobody will hear them, callers must not wait, nor take the end for a death. */
int pulse_start(bool again)
{
    pulse.again = again;
    int rc = is_one_machine() || pulse.running || pulse.own >= 0 ? 0 : start();

    if (rc)
        pulse_stop();
    return rc;
}

void pulse_stop(void)
{
    uint64_t one = 1;

    if (pulse.running) {
        pulse.running = false;
        ssize_t n = write(pulse.stop, &one, sizeof(one));
        (void)n;
        pthread_join(thread, NULL);
    }
    pulse_say_bye(pulse.own);
    for (unsigned i = 0; i < pulse.count; i++) {
        if (pulse.links[i].state == LINK_UP)
            pulse_say_bye(pulse.links[i].fd);
        close_fd(&pulse.links[i].fd);
        close_fd(&pulse.links[i].pidfd);
    }
    pulse_guests_dismiss();
    close_fd(&pulse.own);
    close_fd(&pulse.ring);
    close_fd(&pulse.local);
    close_fd(&pulse.stop);
    free(pulse.links);
    pulse.links = NULL;
    pulse.count = 0;
}
