/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of provider/pulse share. All but the sockets' opening happens in the one thread.
 */
#ifndef ORIEL_PULSE_PULSE_IMPL_H
#define ORIEL_PULSE_PULSE_IMPL_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "provider/boot/boot.h"
#include "provider/pulse/pulse.h"

/* What is said on an established connection, a byte each. */
enum { SAY_BYE = 'B', SAY_KNOWN = 'K' /* the job ends, and why has been said */ };

enum { PULSE_HOST = 64 };

/* The first words of whoever calls; on the local connection the secret stays zero. */
struct hello {
    uint32_t rank;
    uint8_t secret[BOOT_SECRET];
};

enum link_state { LINK_NONE, LINK_CALLING, LINK_UP, LINK_DONE };

/* One of those that this rank watches. */
struct link {
    int fd;
    int pidfd; /* of a process of this host; -1 */
    uint32_t rank;
    char host[PULSE_HOST];
    bool local;
    enum link_state state;
    uint64_t lost_at; /* 0, or when it was lost without a good-bye (clock_ns) */
    int lost_by;      /* errno; 0: it closed */
};

enum { LINK_NEXT, LINK_PREVIOUS, LINK_LOCAL, GUESTS = 64, QUEUE = 64 };

/* Someone who has called and not yet proved anything. */
struct guest {
    int fd; /* -1: the place is free */
    bool local;
    uint64_t since;
    size_t len;
    struct hello hello;
};

struct pulse {
    int ring, local; /* they listen; -1: closed */
    int stop;        /* an eventfd: the thread's end, or something to say */
    int own;         /* a rank that is not its host's first: the connection to that one */
    bool again;      /* places are those of the second exchange */
    atomic_bool running;
    atomic_bool known;  /* the end of the job has been announced, or is being */
    struct link *links; /* next, previous, and the local ranks; LINK_LOCAL + local_size - 1 */
    unsigned count;
    struct guest guests[GUESTS];
    uint8_t secret[BOOT_SECRET];
    uint32_t next, previous; /* first ranks of the neighbouring hosts */
    unsigned long dropped;   /* callers without proof */
    uint64_t rest_until;     /* no descriptor for who calls: they wait so long; 0: no */
};

extern struct pulse pulse;

/* ---- pulse_guest.c: those who call ---- */

/* Takes one who calls on that socket in; there is always room, the oldest goes. */
void pulse_guest_accept(int listener, bool local);
/* Reads what it says: it becomes a link, or goes. */
void pulse_guest_hear(struct guest *g);
/* Those who have said nothing for too long go. */
void pulse_guests_tire(void);
/* All of them, and those who wait to be let in, are told good-bye and go. */
void pulse_guests_dismiss(void);
void pulse_say_bye(int fd);

/* Signs of life every tenth of ORIEL_PEER_TIMEOUT; the connection fails before it has passed. */
void pulse_keep_alive(int fd);

/* ---- pulse_loss.c: who is gone, and the end of the job ---- */

/* The link has something to read, or has failed. */
void pulse_link_hear(struct link *l);
/* Its process has ended. */
void pulse_link_ended(struct link *l);
/* Says what must be said by now and ends the job. ms until it must be called again, -1: no need. */
int pulse_losses(void);
/* Tells all links that the end has been announced. */
void pulse_tell_known(void);

#endif
