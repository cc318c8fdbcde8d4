/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is attached to dynamic windows (12.2.4): a table of each process's own. In a native window
 * the others copy it when the board says that it has changed, and so refuse what is not attached
 * before they touch it; elsewhere the target itself looks.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_board.h"
#include "core/win/win_message.h"

static struct win_table *table_new(int room)
{
    struct win_table *t = malloc(sizeof *t + (size_t)room * sizeof t->entries[0]);

    if (t)
        *t = (struct win_table){.room = room};
    return t;
}

/* The place of the first region that begins above. */
static int place_after(const struct win_table *t, uint64_t at)
{
    int low = 0, high = t ? t->count : 0;

    while (low < high) {
        int middle = low + (high - low) / 2;
        if (t->entries[middle].base <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* From place i on, by steps of 1 or -1, the first region that has bytes; or a place outside. */
static int skip_empty(const struct win_table *t, int i, int step)
{
    while (i >= 0 && i < t->count && !t->entries[i].len)
        i += step;
    return i;
}

/* Adjoining regions serve one access together. */
static bool table_has(const struct win_table *t, uint64_t at, size_t len)
{
    int i = skip_empty(t, place_after(t, at) - 1, -1);

    for (; len; i = skip_empty(t, i + 1, 1)) {
        if (i < 0 || i == t->count || at < t->entries[i].base ||
            at - t->entries[i].base >= t->entries[i].len)
            return false;
        size_t here = t->entries[i].len - (at - t->entries[i].base);
        if (here >= len)
            return true;
        at += here;
        len -= here;
    }
    return true;
}

bool win_is_attached(const struct win *w, uintptr_t at, size_t len)
{
    return !len || (w->table && table_has(w->table, at, len));
}

/* ---- The owner's side. Lane locked ---- */

/* Odd from here on: whoever copies the table now will do so again. */
static void change_begin(struct win *w)
{
    if (w->board)
        atomic_fetch_add(&w->board->seats[w->comm->rank].attach_generation, 1);
}

static void change_end(struct win *w)
{
    struct win_seat *seat;

    if (!w->board)
        return;
    seat = &w->board->seats[w->comm->rank];
    atomic_store_explicit(&seat->attach_count, (unsigned)w->table->count, memory_order_relaxed);
    atomic_store_explicit(&seat->attach_table, (uintptr_t)w->table->entries, memory_order_relaxed);
    atomic_fetch_add(&seat->attach_generation, 1);
}

static int make_room(struct win *w)
{
    struct win_table *old = w->table, *t;

    if (old && old->count < old->room)
        return MPI_SUCCESS;
    t = table_new(old ? 2 * old->room : 8);
    if (!t)
        return err_set(MPI_ERR_RMA_ATTACH, "no memory for another attached region");
    if (old) {
        t->count = old->count;
        memcpy(t->entries, old->entries, (size_t)old->count * sizeof t->entries[0]);
    }
    /* One who copies the old table sees the generation change, whatever he finds there. */
    change_begin(w);
    w->table = t;
    change_end(w);
    free(old);
    return MPI_SUCCESS;
}

/* Whether a byte of it is attached; `i` is the place that it would have. */
static bool table_meets(const struct win_table *t, int i, uint64_t base, size_t len)
{
    if (!t || !len)
        return false;
    int below = skip_empty(t, i - 1, -1), above = skip_empty(t, i, 1);
    return (below >= 0 && base - t->entries[below].base < t->entries[below].len) ||
           (above < t->count && t->entries[above].base - base < len);
}

static int attach(struct win *w, uint64_t base, size_t len)
{
    struct win_table *t = w->table;
    int i = place_after(t, base), rc;

    if (table_meets(t, i, base, len))
        return err_set(MPI_ERR_RMA_ATTACH, "part of that memory is attached to the window already");
    rc = make_room(w);
    if (rc)
        return rc;
    t = w->table;
    change_begin(w);
    memmove(&t->entries[i + 1], &t->entries[i], (size_t)(t->count - i) * sizeof t->entries[0]);
    t->entries[i] = (struct win_attached){base, len};
    t->count++;
    change_end(w);
    return MPI_SUCCESS;
}

static int detach(struct win *w, uint64_t base)
{
    struct win_table *t = w->table;
    int i = place_after(t, base) - 1;

    if (i < 0 || t->entries[i].base != base)
        return err_set(MPI_ERR_RMA_ATTACH, "no memory that begins there is attached to the window");
    change_begin(w);
    t->count--;
    memmove(&t->entries[i], &t->entries[i + 1], (size_t)(t->count - i) * sizeof t->entries[0]);
    change_end(w);
    return MPI_SUCCESS;
}

static int check_dynamic(const struct win *w)
{
    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_FLAVOR, "only a window of MPI_Win_create_dynamic has memory "
                                       "attached and detached");
}

int win_attach(struct win *w, void *base, MPI_Aint size)
{
    int rc = check_dynamic(w);

    if (rc)
        return rc;
    lane_lock();
    rc = attach(w, (uintptr_t)base, (size_t)size);
    lane_unlock();
    return rc;
}

int win_detach(struct win *w, const void *base)
{
    int rc = check_dynamic(w);

    if (rc)
        return rc;
    lane_lock();
    rc = detach(w, (uintptr_t)base);
    lane_unlock();
    return rc;
}

/* ---- The others' side. Lane locked ---- */

/* Copies rank's table as it is at one moment. NULL: it changes right now, or memory is out. */
static struct win_table *copy_table(struct win *w, int rank)
{
    struct win_seat *seat = &w->board->seats[rank];
    unsigned generation = atomic_load(&seat->attach_generation);
    int n = (int)atomic_load_explicit(&seat->attach_count, memory_order_relaxed);
    uint64_t at = atomic_load_explicit(&seat->attach_table, memory_order_relaxed);
    struct fabric_peer *peer;
    struct win_table *t;

    if (generation & 1 || comm_peer(w->comm, rank, &peer) || !(t = table_new(n ? n : 1)))
        return NULL;
    t->count = n;
    t->generation = generation;
    if ((n && fabric_read_now(peer, t->entries, (size_t)n * sizeof t->entries[0],
                              &w->targets[rank].key, at)) ||
        atomic_load(&seat->attach_generation) != generation) {
        free(t);
        return NULL;
    }
    return t;
}

static bool is_current(const struct win *w, int rank)
{
    const struct win_table *t = w->targets[rank].table;

    return t && atomic_load(&w->board->seats[rank].attach_generation) == t->generation;
}

/* False where it cannot be had now. */
static bool refresh(struct win *w, int rank)
{
    struct win_table *t;

    if (is_current(w, rank))
        return true;
    t = copy_table(w, rank);
    if (!t)
        return false;
    free(w->targets[rank].table);
    w->targets[rank].table = t;
    return true;
}

int win_target_attached(struct win *w, int rank, uint64_t at, size_t len)
{
    enum { TRIES = 100000 };
    bool known = false, inside = false;

    for (int i = 0; i < TRIES && !known; i++) {
        lane_lock();
        known = rank == w->comm->rank || refresh(w, rank);
        if (known)
            inside = rank == w->comm->rank ? win_is_attached(w, at, len)
                                           : table_has(w->targets[rank].table, at, len);
        lane_unlock();
        if (!known)
            sched_yield();
    }
    if (!known)
        return err_set(MPI_ERR_OTHER, "rank %d's list of attached memory cannot be read", rank);
    if (inside || !len)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_RANGE,
                   "%zu bytes at address 0x%llx of rank %d are not attached to the window", len,
                   (unsigned long long)at, rank);
}
