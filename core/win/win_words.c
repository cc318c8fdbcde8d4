/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/win/win_words.h"

#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_message.h"

/* NEXT: the ticket that the next asker takes. READ: tickets up to here may share the lock. WRITE:
 * tickets up to here have given it back. All run freely. */
enum word { NEXT, READ, WRITE, WORDS };

/* What an origin does to them, each one thing at a time. */
enum step_kind {
    TAKE,  /* a ticket */
    LOOK,  /* whose turn it is */
    ENTER, /* lets the next one share it, or have its turn after an exclusive one */
    LEAVE,
    STEPS,
};

enum { PAGE = 4096, MOST_TURNS = 64 };

struct step {
    struct fabric_op op;
    struct win *win;
    uint64_t was;
    bool busy; /* the fabric's; see the lane's lock */
};

/* One process's words, from here. */
struct place {
    struct fabric_key key;
    struct step *steps; /* made when it is locked first */
};

struct win_words {
    uint64_t *own;
    struct fabric_region *region; /* of `own` */
    struct place places[];        /* by rank */
};

/* ---- Life ---- */

/* A page of its own: what is registered may be kept from children of fork, with all of its page.
 * Lane locked. */
static bool register_own(struct win_words *words, struct fabric_key *key)
{
    words->own = aligned_alloc(PAGE, PAGE);
    if (!words->own)
        return false;
    memset(words->own, 0, PAGE);
    if (fabric_region_open(words->own, WORDS * sizeof *words->own, &words->region)) {
        free(words->own);
        return false;
    }
    fabric_region_key(words->region, key);
    return true;
}

bool win_words_open(struct win *w, struct fabric_key *key)
{
    size_t places = (size_t)w->comm->size * sizeof(struct place);
    struct win_words *words;
    bool made;

    if (w->board || w->lockless || !fabric_adds())
        return false;
    words = calloc(1, sizeof *words + places);
    if (!words)
        return false;
    lane_lock();
    made = register_own(words, key);
    lane_unlock();
    if (made)
        w->words = words;
    else
        free(words);
    return made;
}

void win_words_know(struct win *w, int rank, const struct fabric_key *key)
{
    w->words->places[rank].key = *key;
}

/* What never ended is the fabric's, and stays so; its end then finds no window. */
static bool abandon_busy(struct step *steps)
{
    bool any = false;

    for (int i = 0; i < STEPS; i++) {
        steps[i].win = NULL;
        any |= steps[i].busy;
    }
    return any;
}

void win_words_close(struct win *w)
{
    struct win_words *words = w->words;

    if (!words)
        return;
    w->words = NULL;
    for (int i = 0; i < w->comm->size; i++) {
        struct step *steps = words->places[i].steps;
        if (steps && !abandon_busy(steps))
            free(steps);
    }
    fabric_region_close(words->region);
    free(words->own);
    free(words);
}

/* ---- Steps. Lane locked. ---- */

static void step_done(struct fabric_op *op, const struct fabric_event *event)
{
    struct step *s = container_of(op, struct step, op);

    s->busy = false;
    if (event->error && s->win)
        s->win->broken = err_from_errno(event->error, "a lock by remote atomics");
}

static int step(struct win *w, int rank, enum step_kind kind, enum word word)
{
    static const uint64_t zero = 0, one = 1;
    struct place *p = &w->words->places[rank];
    struct step *s = &p->steps[kind];
    struct fabric_peer *peer;
    int rc = comm_peer(w->comm, rank, &peer), e;

    if (rc)
        return rc;
    s->op.done = step_done;
    s->win = w;
    s->busy = true;
    e = fabric_fetch_add(peer, &s->op, kind == LOOK ? &zero : &one, &s->was, &p->key,
                         (uint64_t)word * sizeof(uint64_t));
    if (!e)
        return MPI_SUCCESS;
    s->busy = false;
    return err_from_errno(e, "a lock by remote atomics");
}

static bool has_answered(const struct win *w, int rank)
{
    const struct step *s = w->words->places[rank].steps;

    return !s[TAKE].busy && !s[LOOK].busy;
}

static bool has_left(const struct win *w, int rank)
{
    const struct step *s = w->words->places[rank].steps;

    return !s[ENTER].busy && !s[LEAVE].busy;
}

/* ---- Locks ---- */

static enum word turn_of(bool exclusive)
{
    return exclusive ? WRITE : READ;
}

int win_words_ask(struct win *w, int rank, bool exclusive)
{
    struct place *p = &w->words->places[rank];
    int rc;

    if (!p->steps)
        p->steps = calloc(STEPS, sizeof *p->steps);
    if (!p->steps)
        return err_set(MPI_ERR_NO_MEM, "no memory for a lock");
    rc = step(w, rank, TAKE, NEXT);
    /* A turn that has come before the ticket was taken stays: nobody else can end it. */
    return rc ? rc : step(w, rank, LOOK, turn_of(exclusive));
}

/*
 * For one that comes after others: their turns take a while each. At least one look at the queue
 * finds nothing, since psm2 serves others only then, and one's own words answer at once.
 */
static int look_again(struct win *w, int rank, bool exclusive, uint64_t before)
{
    bool moved = true;
    int rc;

    for (uint64_t i = 0; i < MOST_TURNS && (moved || i < before); i++) {
        lane_lock();
        moved = lane_progress();
        lane_unlock();
    }
    lane_lock();
    rc = step(w, rank, LOOK, turn_of(exclusive));
    lane_unlock();
    return rc ? rc : win_until(w, has_answered, rank);
}

int win_words_look(struct win *w, int rank, bool exclusive, bool again, bool *held)
{
    struct step *s = w->words->places[rank].steps;
    int rc = again ? look_again(w, rank, exclusive, s[TAKE].was - s[LOOK].was)
                   : win_until(w, has_answered, rank);

    *held = !rc && s[LOOK].was == s[TAKE].was;
    if (!*held || exclusive)
        return rc;
    lane_lock();
    rc = step(w, rank, ENTER, READ); /* win_words_release waits for it */
    lane_unlock();
    return rc;
}

int win_words_release(struct win *w, int rank, bool exclusive)
{
    int rc;

    lane_lock();
    rc = step(w, rank, LEAVE, WRITE);
    if (!rc && exclusive)
        rc = step(w, rank, ENTER, READ);
    lane_unlock();
    return rc ? rc : win_until(w, has_left, rank);
}
