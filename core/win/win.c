/* SPDX-License-Identifier: BSD-3-Clause */
/* A window's life, its hints and its predefined attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll.h"
#include "core/coll/comm_make.h"
#include "core/object/err.h"
#include "core/object/hints.h"
#include "core/win/win_board.h"
#include "core/win/win_life.h"
#include "core/win/win_message.h"
#include "core/win/win_words.h"

/*
 * ---- Hints (12.2.1, 12.2.3); the kinds of memory are not the program's to choose ----
 *
 * Those that are in use. accumulate_ordering and accumulate_ops say what holds, which is the
 * strictest order and any mixture of operators, whatever was asked for; same_size and
 * same_disp_unit would change nothing and are not shown.
 */

/* "true" or "false" under the key, where it is one of them. */
static bool info_bool(struct info *from, const char *key, bool otherwise)
{
    char value[8];
    size_t len;

    if (!from || !info_copy(from, key, value, sizeof value, &len) ||
        (strcmp(value, "true") && strcmp(value, "false")))
        return otherwise;
    return !strcmp(value, "true");
}

static int info_show(struct win *w)
{
    char granularity[24];
    int rc = info_set(w->info, "no_locks", w->lockless ? "true" : "false");

    snprintf(granularity, sizeof granularity, "%ld", w->granularity);
    if (!rc)
        rc = info_set(w->info, "mpi_accumulate_granularity", granularity);
    if (!rc)
        rc = info_set(w->info, "accumulate_ordering", "rar,raw,war,waw");
    if (!rc)
        rc = info_set(w->info, "accumulate_ops", "same_op_no_op");
    if (!rc && w->flavor == MPI_WIN_FLAVOR_SHARED)
        rc = info_set(w->info, "alloc_shared_noncontig", w->apart ? "true" : "false");
    return rc ? rc : info_set(w->info, HINT_MEMORY_KINDS, MEMORY_KINDS);
}

int win_show_ways(struct win *w)
{
    int rc = info_set(w->info, "oriel_locks",
                      w->board   ? "memory"
                      : w->words ? "atomics"
                                 : "messages");

    return rc ? rc
              : info_set(w->info, "oriel_accumulates",
                         !w->board   ? "target"
                         : w->coarse ? "lock"
                                     : "processor");
}

/* At creation; the same on all processes, the alignment excepted. */
static int info_take(struct win *w, struct info *from)
{
    char granularity[24];
    size_t len;

    w->alignment = hint_alignment(from);
    w->lockless = info_bool(from, "no_locks", false);
    w->apart = info_bool(from, "alloc_shared_noncontig", false);
    w->granularity = 0;
    if (from &&
        info_copy(from, "mpi_accumulate_granularity", granularity, sizeof granularity, &len))
        w->granularity = strtol(granularity, NULL, 10);
    if (w->granularity < 0)
        w->granularity = 0;
    /* What is to be synchronised in larger pieces than the processor's atomics do. */
    w->coarse = w->granularity > (long)sizeof(uint64_t);
    return info_show(w);
}

int win_set_info(struct win *w, struct info *info)
{
    bool lockless = info_bool(info, "no_locks", w->lockless);

    /* What was made without a helper cannot have locks any more. */
    if (lockless || w->board || w->helped || w->comm->size == 1)
        w->lockless = lockless;
    return info_show(w);
}

/* ---- Life ---- */

static void win_release(struct object *o)
{
    struct win *w = container_of(o, struct win, object);

    object_close(o);
    if (w->errhandler)
        object_drop(&w->errhandler->object);
    if (w->info)
        object_drop(&w->info->object);
    for (int i = 0; w->comm && w->targets && i < w->comm->size; i++)
        free(w->targets[i].table);
    if (w->comm)
        object_drop(&w->comm->object);
    free(w->table);
    free(w->start_ranks);
    free(w->post_ranks);
    free(w->targets);
    free(w);
}

static int targets_new(struct win *w, int n)
{
    w->targets = calloc((size_t)n, sizeof *w->targets);
    if (!w->targets)
        return err_set(MPI_ERR_NO_MEM, "no memory for a window of %d processes", n);
    for (int i = 0; i < n; i++) {
        list_init(&w->targets[i].streams);
        list_init(&w->targets[i].waiter.link);
        w->targets[i].credit = WIN_CREDIT;
    }
    return MPI_SUCCESS;
}

/* All of a window that takes no other process. */
static int win_init(struct win *w, int flavor, struct info *info, int size)
{
    int rc;

    object_init(&w->object, OBJECT_WIN, win_release);
    list_init(&w->link);
    list_init(&w->lock.waiting);
    w->flavor = flavor;
    w->model = MPI_WIN_UNIFIED;
    errhandler_assign(&w->errhandler, &errhandler_are_fatal);
    rc = targets_new(w, size);
    if (!rc)
        rc = info_new(&w->info);
    return rc ? rc : info_take(w, info);
}

int win_new(int flavor, struct info *info, struct comm *c, struct win **win)
{
    struct win *w = calloc(1, sizeof *w);
    int rc;

    if (!w)
        return err_set(MPI_ERR_NO_MEM, "no memory for a window");
    rc = win_init(w, flavor, info, c->size);
    /* The same members, without the attributes that a duplicate would have. */
    if (!rc)
        rc = comm_create(c, c->group, &w->comm);
    if (rc) {
        object_drop(&w->object);
        return rc;
    }
    *win = w;
    return MPI_SUCCESS;
}

void win_undo(struct win *w)
{
    if (w->told)
        win_message_close(w);
    lane_lock();
    if (w->region)
        fabric_region_close(w->region);
    w->region = NULL;
    win_words_close(w);
    lane_unlock();
    if (w->segment)
        win_memory_close(w->segment, w->segment_len);
    else
        free(w->board);
    free(w->owned);
    object_drop(&w->object);
}

/* Lane locked. */
static int check_free(const struct win *w)
{
    if (w->access > WIN_ACCESS_FENCE)
        return win_check_no_epoch(w, "MPI_Win_free");
    if (w->exposed)
        return err_set(MPI_ERR_RMA_SYNC, "MPI_Win_free: the window is exposed by MPI_Win_post (end "
                                         "it with MPI_Win_wait)");
    return MPI_SUCCESS;
}

int win_free(struct win *w, bool *gone)
{
    int rc, met, idle;

    *gone = false;
    lane_lock();
    rc = check_free(w);
    lane_unlock();
    if (rc)
        return rc;
    rc = attr_delete_all(&w->attrs, OBJECT_WIN, (void *)w->object.handle);
    if (rc)
        return rc;
    rc = win_finish(w, -1);
    /*
     * After the barrier everybody's operations are complete and all epochs closed; the unlocks
     * that are still on their way to this process are the last messages that it gets.
     */
    met = coll_barrier(w->comm);
    idle = w->board ? MPI_SUCCESS : win_until(w, win_lock_idle, 0);
    object_retire(&w->object);
    win_undo(w);
    *gone = true;
    return rc ? rc : met ? met : idle;
}

/* ---- What a program asks ---- */

int win_predefined_attr(struct win *w, int keyval, void **value, bool *found)
{
    *found = true;
    switch (keyval) {
    case MPI_WIN_BASE:
        *value = w->base;
        break;
    case MPI_WIN_SIZE:
        *value = &w->size;
        break;
    case MPI_WIN_DISP_UNIT:
        *value = &w->unit;
        break;
    case MPI_WIN_CREATE_FLAVOR:
        *value = &w->flavor;
        break;
    case MPI_WIN_MODEL:
        *value = &w->model;
        break;
    default:
        *found = false;
    }
    return MPI_SUCCESS;
}

/* The first process that gave memory, or the first of all. */
static int first_with_memory(const struct win *w)
{
    for (int i = 0; i < w->comm->size; i++)
        if (w->targets[i].size)
            return i;
    return 0;
}

int win_shared_query(struct win *w, int rank, MPI_Aint *size, MPI_Aint *unit, void **base)
{
    const struct win_target *t;

    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return err_set(MPI_ERR_RMA_FLAVOR, "a dynamic window has no memory of its own to share");
    t = &w->targets[rank == MPI_PROC_NULL ? first_with_memory(w) : rank];
    *unit = t->unit;
    *size = t->reach == WIN_BY_STORE ? t->size : 0;
    *base = *size ? t->mapped : NULL; /* as MPICH has it: nothing can be reached by it */
    return MPI_SUCCESS;
}
