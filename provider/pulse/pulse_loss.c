/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A death, and the end of the job. One line for one death: before a rank says that another is gone
 * it waits a moment, since a launcher that ends the job, or another rank that has spoken, makes one
 * look gone after the other. Who waits longer speaks only where nobody else could.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "provider/base/clock.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/pulse/pulse_impl.h"

#define MS_NS UINT64_C(1000000)

enum {
    LOCAL_MS = 250,    /* the launcher's own kill comes within this */
    NEXT_MS = 400,     /* the local ranks' host speaks first */
    PREVIOUS_MS = 900, /* the other neighbour's turn is before */
    END_MS = 1000,     /* the launcher has this long to end the job */
    TEXT = 400,
};

static uint64_t end_at; /* 0, or when this host's ranks are ended by this one */

static void say(const struct link *l, char byte)
{
    if (l->state == LINK_UP)
        send(l->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void pulse_tell_known(void)
{
    for (unsigned i = 0; i < LINK_LOCAL; i++)
        say(&pulse.links[i], SAY_KNOWN);
}

/* It has been said elsewhere: pass it on, and wait for the end. */
static void learn(void)
{
    if (!end_at)
        end_at = clock_ns() + END_MS * MS_NS;
    if (!atomic_exchange(&pulse.known, true))
        pulse_tell_known();
}

static void lose(struct link *l, int error)
{
    l->state = LINK_DONE;
    l->lost_at = clock_ns();
    l->lost_by = error;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void pulse_link_hear(struct link *l)
{
    char said[16];
    ssize_t n = recv(l->fd, said, sizeof(said), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (ssize_t i = 0; i < n; i++) {
        if (said[i] == SAY_KNOWN)
            learn();
        if (said[i] == SAY_BYE) {
            close(l->fd);
            l->fd = -1;
            l->state = LINK_DONE;
            return;
        }
    }
    if (n <= 0)
        lose(l, n ? errno : 0);
}

/* Its last words may be there still. */
void pulse_link_ended(struct link *l)
{
    if (l->state == LINK_UP)
        pulse_link_hear(l);
    if (l->state == LINK_UP)
        lose(l, 0);
    close(l->pidfd);
    l->pidfd = -1;
}

static uint64_t delay_of(const struct link *l)
{
    unsigned ms = l->local ? LOCAL_MS : l == &pulse.links[LINK_NEXT] ? NEXT_MS : PREVIOUS_MS;

    return ms * MS_NS;
}

static void describe(const struct link *l, char text[TEXT])
{
    if (!l->lost_by)
        snprintf(text, TEXT, "rank %u on %s has ended without MPI_Finalize: the job ends", l->rank,
                 l->host);
    else if (l->lost_by == ETIMEDOUT || l->lost_by == EHOSTUNREACH)
        snprintf(
            text, TEXT,
            "%s, the host of rank %u, has not answered for %ld s (ORIEL_PEER_TIMEOUT): the job "
            "ends",
            l->host, l->rank, param.peer_timeout);
    else
        snprintf(text, TEXT, "rank %u on %s is gone (%s): the job ends", l->rank, l->host,
                 strerror(l->lost_by));
}

static void *abort_job(void *text)
{
    boot_abort(EXIT_FAILURE, text);
    return NULL;
}

/* The launcher is asked by another thread, since it may never answer. */
static void announce(const struct link *l)
{
    static char text[TEXT];
    pthread_t thread;

    describe(l, text);
    learn();
    if (pthread_create(&thread, NULL, abort_job, text))
        LOG(LOG_ERROR, "%s", text);
}

/* Nobody else did: this host's ranks end here. */
static _Noreturn void end_host(void)
{
    for (unsigned i = LINK_LOCAL; i < pulse.count; i++)
        if (pulse.links[i].pidfd >= 0)
            syscall(SYS_pidfd_send_signal, pulse.links[i].pidfd, SIGKILL, NULL, 0);
    _exit(EXIT_FAILURE);
}

int pulse_losses(void)
{
    uint64_t now = clock_ns(), first = end_at;

    if (end_at && now >= end_at)
        end_host();
    for (unsigned i = 0; i < pulse.count && !atomic_load(&pulse.known); i++) {
        const struct link *l = &pulse.links[i];
        if (!l->lost_at)
            continue;
        uint64_t due = l->lost_at + delay_of(l);
        if (now >= due) {
            announce(l);
            first = end_at;
        } else if (!first || due < first) {
            first = due;
        }
    }
    return first ? (int)((first - now) / MS_NS) + 1 : -1;
}
