/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "core/p2p/lane.h"
#include "core/win/win_board.h"
#include "core/win/win_message.h"
#include "provider/base/hot.h"
#include "provider/fabric/wait.h"

enum {
    PAGE = 4096,
    PATIENCE = 1024, /* looks at a word that somebody holds before we ask whether he lives */
};

size_t win_board_size(int processes)
{
    size_t n = (size_t)processes;
    size_t len = sizeof(struct win_board) + n * sizeof(struct win_seat) + n * n * sizeof(uint32_t);

    return (len + PAGE - 1) / PAGE * PAGE;
}

static atomic_uint *post_word(const struct win *w, int target, int origin)
{
    size_t n = (size_t)w->comm->size;
    atomic_uint *posts = (atomic_uint *)&w->board->seats[n];

    return &posts[(size_t)target * n + (size_t)origin];
}

/* ---- Waiting and waking ---- */

/* Rank may be asleep and wait for the word that has just changed. */
static void wake(struct win *w, int rank)
{
    struct fabric_peer *peer;

    if (LIKELY(!atomic_load_explicit(&w->board->seats[rank].asleep, memory_order_relaxed)))
        return;
    lane_lock();
    /* Elsewhere it looks often by itself (wait.c). */
    if (fabric_is_shared() && !comm_peer(w->comm, rank, &peer))
        fabric_wake(peer);
    lane_unlock();
}

static void wake_all(struct win *w, const atomic_uint *sleepers)
{
    if (LIKELY(!atomic_load_explicit(sleepers, memory_order_relaxed)))
        return;
    for (int i = 0; i < w->comm->size; i++)
        if (i != w->comm->rank)
            wake(w, i);
}

/* What a thread waits for. */
struct errand {
    struct win *win;
    bool (*ready)(const struct errand *e);
    bool (*window_ready)(const struct win *w); /* of win_board_wait */
    int rank;
    unsigned ticket;
    atomic_uint *sleepers; /* of the lock or the meeting; NULL: only the seat's */
};

static bool errand_done(void *arg)
{
    const struct errand *e = arg;

    return e->ready(e);
}

static void say_asleep(const struct errand *e, int change)
{
    struct win_seat *seat = &e->win->board->seats[e->win->comm->rank];

    if (e->sleepers)
        atomic_fetch_add(e->sleepers, (unsigned)change);
    atomic_fetch_add(&seat->asleep, (unsigned)change);
}

static void wait_long(struct errand *e)
{
    struct wait wait;
    bool said = false, moved;

    wait_begin_words(&wait, errand_done, e);
    while (!e->ready(e)) {
        lane_lock();
        moved = lane_progress();
        lane_unlock();
        if (!said && wait_may_sleep(&wait)) {
            say_asleep(e, 1);
            said = true;
            continue; /* look again, now that whoever changes the word sees us */
        }
        wait_step(&wait, moved, &lane.lock);
    }
    wait_end(&wait, &lane.lock);
    if (said)
        say_asleep(e, -1);
}

/* The others are most often on their way: the words alone tell it soonest. */
static inline void run_errand(struct errand *e)
{
    for (uint32_t i = wait_polls(); !e->ready(e); i--) {
        if (!i) {
            wait_long(e);
            return;
        }
        __builtin_ia32_pause();
    }
}

static bool window_is_ready(const struct errand *e)
{
    return e->window_ready(e->win);
}

void win_board_wait(struct win *w, bool (*ready)(const struct win *w))
{
    struct errand e = {.win = w, .ready = window_is_ready, .window_ready = ready};

    run_errand(&e);
}

/* ---- Locks ---- */

static bool may_write(const struct errand *e)
{
    struct win_turns *l = &e->win->board->seats[e->rank].lock;

    return atomic_load_explicit(&l->write, memory_order_acquire) == e->ticket;
}

static bool may_read(const struct errand *e)
{
    struct win_turns *l = &e->win->board->seats[e->rank].lock;

    return atomic_load_explicit(&l->read, memory_order_acquire) == e->ticket;
}

void win_board_lock(struct win *w, int rank, bool exclusive)
{
    struct win_turns *l = &w->board->seats[rank].lock;
    struct errand e = {.win = w,
                       .ready = exclusive ? may_write : may_read,
                       .rank = rank,
                       .ticket = atomic_fetch_add(&l->next, 1),
                       .sleepers = &l->sleepers};

    run_errand(&e);
    if (exclusive)
        return;
    /* The next may share it with us. Only the one whose turn it is writes here. */
    atomic_store(&l->read, e.ticket + 1);
    wake_all(w, &l->sleepers);
}

void win_board_unlock(struct win *w, int rank, bool exclusive)
{
    struct win_turns *l = &w->board->seats[rank].lock;

    if (exclusive) {
        unsigned mine = atomic_load_explicit(&l->read, memory_order_relaxed);
        atomic_store_explicit(&l->read, mine + 1, memory_order_release);
    }
    atomic_fetch_add(&l->write, 1);
    wake_all(w, &l->sleepers);
}

/* ---- Fence ---- */

static bool is_over(const struct errand *e)
{
    unsigned over = atomic_load_explicit(&e->win->board->meeting.over, memory_order_acquire);

    return (int)(over - e->ticket) >= 0;
}

void win_board_meet(struct win *w)
{
    struct win_meeting *m = &w->board->meeting;
    struct errand e = {
        .win = w, .ready = is_over, .ticket = ++w->meetings, .sleepers = &m->sleepers};

    if (atomic_fetch_add(&m->arrived, 1) + 1 == e.ticket * (unsigned)w->comm->size) {
        atomic_exchange(&m->over, e.ticket);
        wake_all(w, &m->sleepers);
        return;
    }
    run_errand(&e);
}

/* ---- Post, start, complete, wait ---- */

void win_board_post(struct win *w, int rank)
{
    atomic_fetch_add(post_word(w, w->comm->rank, rank), 1);
    wake(w, rank);
}

bool win_board_posted(const struct win *w, int rank)
{
    unsigned posts = atomic_load_explicit(post_word(w, rank, w->comm->rank), memory_order_acquire);

    return posts != w->targets[rank].posts;
}

void win_board_complete(struct win *w, int rank)
{
    atomic_fetch_add(&w->board->seats[rank].completes, 1);
    wake(w, rank);
}

/* ---- Accumulates ---- */

/* The word says who holds it: rank + 1. */
static bool is_dead(const struct win *w, unsigned holder)
{
    return holder && kill(w->board->seats[holder - 1].pid, 0) && errno == ESRCH;
}

static void hold_long(struct win *w, atomic_uint *word, unsigned me)
{
    for (unsigned polls = 1;; polls++) {
        unsigned holder = atomic_load_explicit(word, memory_order_relaxed);
        if (holder && polls % PATIENCE == 0 && !is_dead(w, holder))
            holder = 0;
        if ((!holder || polls % PATIENCE == 0) &&
            atomic_compare_exchange_strong_explicit(word, &holder, me, memory_order_acquire,
                                                    memory_order_relaxed))
            return;
        /* The holder has lost its processor, or there is a queue. */
        if (polls < wait_polls())
            __builtin_ia32_pause();
        else
            sched_yield();
    }
}

void win_board_hold(struct win *w, int rank)
{
    atomic_uint *word = &w->board->seats[rank].accumulating;
    unsigned nobody = 0, me = (unsigned)w->comm->rank + 1;

    if (UNLIKELY(!atomic_compare_exchange_strong_explicit(word, &nobody, me, memory_order_acquire,
                                                          memory_order_relaxed)))
        hold_long(w, word, me);
}

void win_board_let_go(struct win *w, int rank)
{
    atomic_store_explicit(&w->board->seats[rank].accumulating, 0, memory_order_release);
}
