/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making windows (12.2): each flavour finds its memory, then all processes tell each other where it
 * is. What goes wrong with one of them is an error on all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/coll/coll.h"
#include "core/object/err.h"
#include "core/object/hints.h"
#include "core/win/win_board.h"
#include "core/win/win_life.h"
#include "core/win/win_message.h"
#include "core/win/win_words.h"
#include "provider/boot/boot.h"

enum { PAGE = 4096 };

/* What a process tells the others at creation. */
struct card {
    struct fabric_key key, words;
    int64_t worded; /* words is one: this process's locks can be remote atomics */
    int64_t size, unit;
    int64_t error; /* an error class */
};

/* Whether others need the fabric to reach this process's part. */
static bool needs_region(const struct win *w)
{
    if (w->comm->size == 1)
        return false;
    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return w->board; /* else through messages */
    return w->size && !w->segment_step;
}

static int make_card(struct win *w, MPI_Aint unit, int error, struct card *card)
{
    bool dynamic = w->flavor == MPI_WIN_FLAVOR_DYNAMIC;

    *card = (struct card){.size = w->size, .unit = unit, .error = error};
    card->worded = !error && win_words_open(w, &card->words);
    if (error || !needs_region(w))
        return error;
    lane_lock();
    /* A dynamic window's is all memory: who may touch what is looked up in the table. */
    int e = fabric_region_open(w->base, dynamic ? SIZE_MAX : (size_t)w->size, &w->region);
    if (!e)
        fabric_region_key(w->region, &card->key);
    lane_unlock();
    if (e) {
        card->error = err_from_errno(e, "registering the window's memory");
        return (int)card->error;
    }
    return MPI_SUCCESS;
}

/* All of them have words, or those that have take them back. */
static void agree_on_words(struct win *w, const struct card *cards)
{
    bool all = w->words;

    for (int i = 0; all && i < w->comm->size; i++)
        if ((all = cards[i].worded))
            win_words_know(w, i, &cards[i].words);
    if (all)
        return;
    lane_lock();
    win_words_close(w);
    lane_unlock();
}

static int read_cards(struct win *w, const struct card *cards)
{
    char *part = w->segment ? (char *)w->segment + win_board_size(w->comm->size) : NULL;

    for (int i = 0; i < w->comm->size; i++) {
        struct win_target *t = &w->targets[i];
        if (cards[i].error)
            return err_set((int)cards[i].error, "rank %d could not make its part of the window", i);
        t->key = cards[i].key;
        t->size = (MPI_Aint)cards[i].size;
        t->unit = (MPI_Aint)cards[i].unit;
        t->reach = w->segment_step ? WIN_BY_STORE : w->board ? WIN_BY_COPY : WIN_BY_POST;
        if (w->segment_step) {
            t->mapped = part;
            part += win_part(t->size, w->segment_step);
        }
    }
    if (w->segment_step)
        return MPI_SUCCESS;
    w->targets[w->comm->rank].mapped = w->base;
    w->targets[w->comm->rank].reach = WIN_BY_STORE;
    return MPI_SUCCESS;
}

/*
 * The exchange that ends every creation: when it is over all processes know all, and all can be
 * sent messages. `error` is what went wrong here until now.
 */
static int exchange_with(struct win *w, MPI_Aint unit, int error)
{
    struct card mine, *cards = malloc((size_t)w->comm->size * sizeof *cards);
    int rc;

    if (!cards)
        return err_set(MPI_ERR_NO_MEM, "no memory for the cards of %d processes", w->comm->size);
    error = make_card(w, unit, error, &mine);
    rc = coll_allgather(w->comm, &mine, sizeof mine, &datatype_byte, cards);
    if (!rc)
        rc = error ? error : read_cards(w, cards);
    if (!rc) {
        agree_on_words(w, cards);
        rc = win_show_ways(w);
    }
    free(cards);
    if (rc)
        return rc;
    w->unit = (int)unit;
    return MPI_SUCCESS;
}

static int exchange(struct win *w, MPI_Aint unit)
{
    return exchange_with(w, unit, MPI_SUCCESS);
}

/* Gives the window its handle, or takes everything back. */
static int finish(struct win *w, int rc, struct win **win)
{
    if (!rc)
        rc = object_publish(&w->object);
    if (rc) {
        win_undo(w);
        return rc;
    }
    *win = w;
    return MPI_SUCCESS;
}

/* ---- Who is the authority ---- */

static bool one_host(const struct comm *c)
{
    for (int i = 0; i < c->size; i++)
        if (!boot_same_host(group_process(c->group, i)))
            return false;
    return true;
}

/* Whether this process can copy to and from all others without their help. */
static bool reaches_all(struct comm *c)
{
    struct fabric_peer *peer;
    bool all = true;

    lane_lock();
    for (int i = 0; all && i < c->size; i++)
        all = i == c->rank || (!comm_peer(c, i, &peer) && !fabric_reach(peer));
    lane_unlock();
    return all;
}

/* A window of this process alone: its board is in its own memory, and so is everything. */
static int settle_alone(struct win *w)
{
    size_t len = win_board_size(1);

    w->board = aligned_alloc(PAGE, len);
    if (!w->board)
        return err_set(MPI_ERR_NO_MEM, "no memory for a window");
    memset(w->board, 0, len);
    return MPI_SUCCESS;
}

/* The board, and behind it `parts` bytes for all of the window's memory where it is ours to make.
 */
static int settle_together(struct win *w, size_t parts, bool willing)
{
    size_t board = win_board_size(w->comm->size), len = board + parts;
    int rc = win_memory_open(w->comm, len, board, w->alignment, willing, &w->segment);

    if (rc)
        return rc;
    w->segment_len = len;
    w->board = w->segment;
    return MPI_SUCCESS;
}

/*
 * Decides for all processes alike; collective. `ours`: the window's memory is in the segment, if
 * there is one. A shared window `must` have one.
 */
static int settle(struct win *w, size_t parts, bool ours, bool must)
{
    struct comm *c = w->comm;
    int rc = MPI_ERR_RMA_SHARED;

    if (c->size == 1 && !must)
        rc = settle_alone(w);
    else if (one_host(c))
        rc = settle_together(w, parts, must || (fabric_is_shared() && (ours || reaches_all(c))));
    if (rc == MPI_ERR_RMA_SHARED && !must)
        rc = win_message_open(w);
    if (rc || !w->board)
        return rc;
    w->board->seats[c->rank].pid = getpid();
    /* What some copy and others store to is only safe under the lock. */
    w->coarse = w->coarse || (!ours && c->size > 1);
    return MPI_SUCCESS;
}

/* ---- The program's memory ---- */

int win_create(void *base, MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
               struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_CREATE, info, c, &w);

    if (rc)
        return rc;
    w->base = base;
    w->size = size;
    rc = settle(w, 0, false, false);
    return finish(w, rc ? rc : exchange(w, unit), win);
}

int win_create_dynamic(struct info *info, struct comm *c, struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_DYNAMIC, info, c, &w);

    if (rc)
        return rc;
    rc = settle(w, 0, false, false);
    return finish(w, rc ? rc : exchange(w, 1), win);
}

/* ---- Memory of the library's ---- */

/* Memory of this process alone. */
static int allocate_private(struct win *w, MPI_Aint size)
{
    w->size = size;
    if (!size)
        return MPI_SUCCESS;
    if (posix_memalign(&w->owned, w->alignment, (size_t)size)) {
        w->owned = NULL;
        return err_set(MPI_ERR_NO_MEM, "no memory for a window of %lld bytes", (long long)size);
    }
    w->base = w->owned;
    return MPI_SUCCESS;
}

/* What a process asks for. */
struct wish {
    MPI_Aint size;
    uint64_t alignment;
};

static size_t step_of(const struct win *w, bool packed)
{
    return packed ? 1 : w->alignment > PAGE ? w->alignment : PAGE;
}

/* Bytes that all parts take together. False where that is more than an address space. */
static bool add_up(const struct wish *wishes, int n, size_t step, MPI_Aint *total)
{
    const MPI_Aint most = PTRDIFF_MAX - (MPI_Aint)win_board_size(n);
    MPI_Aint sum = 0;

    if (step > PTRDIFF_MAX / 2)
        return false;
    for (int i = 0; i < n; i++)
        if (wishes[i].size > PTRDIFF_MAX - (MPI_Aint)step ||
            __builtin_add_overflow(sum, (MPI_Aint)win_part(wishes[i].size, step), &sum) ||
            sum > most)
            return false;
    *total = sum;
    return true;
}

/*
 * All processes' wishes, malloc'ed, and what their parts take together. The greatest alignment is
 * everybody's from here on.
 */
static int gather_wishes(struct win *w, MPI_Aint size, bool packed, struct wish **wishes,
                         MPI_Aint *total)
{
    struct wish mine = {size, w->alignment};
    int n = w->comm->size, rc;
    struct wish *all = malloc((size_t)n * sizeof *all);

    if (!all)
        return err_set(MPI_ERR_NO_MEM, "no memory for the sizes of %d processes", n);
    rc = coll_allgather(w->comm, &mine, sizeof mine, &datatype_byte, all);
    for (int i = 0; !rc && i < n; i++)
        if (all[i].alignment > w->alignment)
            w->alignment = (size_t)all[i].alignment;
    if (!rc && !add_up(all, n, step_of(w, packed), total))
        rc = err_set(MPI_ERR_NO_MEM, "the window's sizes add up to more than an address space");
    if (rc) {
        free(all);
        return rc;
    }
    *wishes = all;
    return MPI_SUCCESS;
}

/* Shows the alignment that all parts have: those without gaps begin where the sizes before end. */
static int show_alignment(struct win *w, const struct wish *wishes)
{
    size_t held = w->alignment, at = 0;
    char text[24];

    for (int i = 0; w->segment && i < w->comm->size; i++) {
        while (wishes[i].size && at % held)
            held /= 2;
        at += win_part(wishes[i].size, w->segment_step);
    }
    snprintf(text, sizeof text, "%zu", held);
    return info_set(w->info, HINT_ALIGNMENT, text);
}

/*
 * Memory for the window, each process's part after the other in a segment where that is possible,
 * without gaps if `packed`. Collective; all have the same result, and in *mine what went wrong with
 * this one alone.
 */
static int allocate(struct win *w, MPI_Aint size, bool packed, bool must, int *mine)
{
    struct wish *wishes = NULL;
    MPI_Aint total = 0;
    int rc = gather_wishes(w, size, packed, &wishes, &total);

    if (rc)
        return rc;
    rc = settle(w, (size_t)total, true, must);
    if (!rc && w->segment) {
        char *part = (char *)w->segment + win_board_size(w->comm->size);
        w->segment_step = step_of(w, packed);
        for (int i = 0; i < w->comm->rank; i++)
            part += win_part(wishes[i].size, w->segment_step);
        w->base = part;
        w->size = size;
    }
    *mine = rc ? rc : show_alignment(w, wishes);
    free(wishes);
    return rc;
}

int win_allocate_shared(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
                        void **base, struct win **win)
{
    struct win *w;
    int rc, mine;

    if (!one_host(c))
        return err_set(MPI_ERR_RMA_SHARED, "the communicator's processes are not all on one host: "
                                           "make one with MPI_Comm_split_type and "
                                           "MPI_COMM_TYPE_SHARED");
    rc = win_new(MPI_WIN_FLAVOR_SHARED, info, c, &w);
    if (rc)
        return rc;
    rc = allocate(w, size, !w->apart, true, &mine);
    rc = finish(w, rc ? rc : exchange_with(w, unit, mine), win);
    if (!rc)
        *base = w->base;
    return rc;
}

int win_allocate(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c, void **base,
                 struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_ALLOCATE, info, c, &w), mine;

    if (rc)
        return rc;
    rc = allocate(w, size, false, false, &mine);
    /* One who has no memory says so in the exchange, where all learn of it. */
    if (!rc && !mine && !w->segment)
        mine = allocate_private(w, size);
    rc = finish(w, rc ? rc : exchange_with(w, unit, mine), win);
    if (!rc)
        *base = w->base;
    return rc;
}
