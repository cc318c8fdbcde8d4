/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "input.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BACKGROUND_MS = 500 }; /* between two looks, at most */

static int null = -1;
static int ends[2] = {-1, -1}; /* to rank 0 where we forward */
static char held[4096];
static size_t begin, end;
static size_t read_slot, write_slot;
static long long given_at; /* ms: rank 0 was given something */

int input_start(void)
{
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || (isatty(STDIN_FILENO) && pipe2(ends, O_CLOEXEC) != 0)) {
        say("standard input cannot be set up: %s", strerror(errno));
        return -1;
    }
    if (ends[1] >= 0)
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return 0;
}

int input_fd(const struct rank *r)
{
    if (r->number != 0)
        return null;
    return ends[0] >= 0 ? ends[0] : STDIN_FILENO;
}

void input_started(void)
{
    close(null);
    if (ends[0] >= 0)
        close(ends[0]);
}

static bool rank_has_read_all(void)
{
    int unread = 0;

    return ioctl(ends[1], FIONREAD, &unread) == 0 && unread == 0;
}

/*
 * To read a terminal from the background would stop us (SIGTTIN). One that is not our controlling
 * terminal has no such ground: a program may drive us through it, or a shell may read it that has
 * started us apart. So no more is taken from it than rank 0 reads.
 */
static bool may_read(void)
{
    pid_t group = tcgetpgrp(STDIN_FILENO);

    return group < 0 ? rank_has_read_all() : group == getpgrp();
}

/* A rank that reads line by line is soon ready for the next: the looks at it become rarer. Whether
 * the terminal is polled input_poll has decided; asked anew, the rank may have read meanwhile. */
int input_due(void)
{
    if (ends[1] < 0 || begin < end || read_slot != POLL_SLOT_NONE)
        return -1;
    long long waited = now_ms() - given_at;
    if (tcgetpgrp(STDIN_FILENO) >= 0 || waited > BACKGROUND_MS)
        return BACKGROUND_MS;
    return waited > 0 ? (int)waited : 1;
}

void input_poll(struct poll_set *set)
{
    read_slot = write_slot = POLL_SLOT_NONE;
    if (ends[1] < 0)
        return;
    /* Without events, POLLERR tells that the rank has closed its end. */
    write_slot = poll_add(set, ends[1], begin < end ? POLLOUT : 0);
    if (begin == end && may_read())
        read_slot = poll_add(set, STDIN_FILENO, POLLIN);
}

static void pass_on(void)
{
    ssize_t n = write(ends[1], held + begin, end - begin);

    given_at = now_ms();
    if (n >= 0)
        begin += (size_t)n;
    else if (errno != EAGAIN && errno != EINTR)
        input_close();
}

void input_polled(const struct poll_set *set)
{
    if (poll_got(set, read_slot) != 0 && may_read()) {
        ssize_t n = read(STDIN_FILENO, held, sizeof(held));

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            input_close();
            return;
        }
        begin = 0;
        end = n > 0 ? (size_t)n : 0;
        if (end > 0)
            pass_on();
    } else if ((poll_got(set, write_slot) & POLLERR) != 0) {
        input_close();
    } else if (poll_got(set, write_slot) != 0) {
        pass_on();
    }
}

void input_close(void)
{
    if (ends[1] >= 0)
        close(ends[1]);
    ends[1] = -1;
    begin = end = 0;
}
