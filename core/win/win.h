/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A window (chapter 12): memory of each process of a communicator that the others may read and
 * write. It owns a duplicate of that communicator, what its processes told each other at creation
 * (struct win_target), and the state of the epochs that are open.
 *
 * Who does what to the memory of another process is decided at creation, for the window as a whole
 * and for its life, since accumulates are atomic with each other only where one authority orders
 * them all:
 *
 * - Native, where all its processes are on one host: the origin, without any help. Memory that all
 *   have mapped (MPI_Win_allocate, _allocate_shared) is loaded and stored, other memory copied by
 *   the kernel; accumulates are done by the processor's atomics or under the target's lock
 *   (win_native.c), and all synchronisation is on the board (win_board.h).
 * - Otherwise the target: put and get are the fabric's remote writes and reads, accumulates and all
 *   synchronisation are messages (win_message.h), answered under the lane's lock, by the helper
 *   thread where the program is elsewhere (core/p2p/helper.h). Locks are remote atomics instead
 *   where devices carry them out (win_words.h).
 *
 * Functions take the lane's lock themselves and return MPI_SUCCESS or an error class, unless marked
 * "lane locked"; a native window's operations take none. Handles, counts, types, ranks and
 * operators have been checked above.
 */
#ifndef ORIEL_WIN_WIN_H
#define ORIEL_WIN_WIN_H

#include "core/object/comm.h"
#include "core/object/op.h"
#include "provider/fabric/fabric.h"

struct request;
struct win_board;
struct win_words;

/* What a process is doing as an origin; 12.5. */
enum win_access {
    WIN_ACCESS_NONE,
    WIN_ACCESS_FENCE, /* between two fences, or after the last one */
    WIN_ACCESS_START,
    WIN_ACCESS_LOCK, /* some targets, each by MPI_Win_lock */
    WIN_ACCESS_LOCK_ALL,
};

enum win_lock_state {
    WIN_UNLOCKED,
    WIN_LOCK_ASKED, /* the target has not granted it yet */
    WIN_LOCKED,
    WIN_LOCKED_EXCLUSIVE,
    WIN_LOCK_UNCHECKED, /* MPI_MODE_NOCHECK: the target does not know */
};

/* How an origin comes to a target's memory. */
enum win_reach {
    WIN_BY_STORE, /* it is mapped here */
    WIN_BY_COPY,  /* in one copy by the kernel, done when the call returns */
    WIN_BY_POST,  /* the fabric's remote writes and reads */
};

/* A process that waits at this one for a lock; a process waits once at most. */
struct win_waiter {
    struct list link;
    bool exclusive;
};

/* What this process knows and does about one process of the window. */
struct win_target {
    struct fabric_key key; /* of its memory, for the fabric */
    char *mapped;          /* the same, in this process; WIN_BY_STORE only. NULL is where this
                              process's part of a dynamic window begins */
    MPI_Aint size, unit;   /* bytes */
    uint8_t reach;         /* enum win_reach */
    struct list streams;   /* of struct win_stream: accumulates that have more to send, in order */
    uint32_t pending;      /* operations that are not complete at the target */
    uint32_t credit;       /* messages that may still be sent before an answer */
    int error;             /* of an operation since the last synchronisation */
    uint8_t lock;          /* enum win_lock_state */
    bool started;          /* of the group of MPI_Win_start */
    uint32_t posts;        /* native: that MPI_Win_start has used up; else those that it has not */
    uint32_t completes;    /* messages of it that MPI_Win_wait has not used up */
    struct win_waiter waiter; /* its request for this process's lock */
    struct win_table *table;  /* what is attached there, as this process last saw it, or NULL */
};

/* The lock that this process grants on its own memory: first come, first served. */
struct win_lock {
    uint32_t holders;
    bool exclusive;      /* the one holder's */
    struct list waiting; /* of struct win_waiter */
};

/* Memory attached to a dynamic window. */
struct win_attached {
    uint64_t base, len;
};

/* All of a process's, by rising address. */
struct win_table {
    unsigned generation; /* of a copy: that of the board when it was taken */
    int count, room;
    struct win_attached entries[];
};

struct win {
    struct object object;
    struct errhandler *errhandler;
    struct attrs attrs;
    struct comm *comm;
    struct info *info; /* the hints in use */
    struct list link;  /* in the table of windows by context id, win_message.c */
    char name[MPI_MAX_OBJECT_NAME];

    void *base;
    MPI_Aint size;
    int unit; /* as MPI_WIN_DISP_UNIT shows it; targets[] has the whole number */
    int flavor, model;
    struct fabric_region *region;
    struct win_board *board; /* native: at the segment's beginning, or of our own; else NULL */
    struct win_words *words; /* locks by remote atomics, or NULL */
    void *segment;           /* shared by all processes of the window, or NULL */
    size_t segment_len;
    size_t segment_step;     /* parts of it are multiples; 0 where they are not in it */
    size_t alignment;        /* of memory of the library's own; of all processes after the exchange
                                of sizes */
    void *owned;             /* malloc'ed for MPI_Win_allocate, or NULL */
    struct win_table *table; /* what is attached here, or NULL */
    bool told;               /* messages find it */
    bool coarse;             /* all accumulates under the lock */
    bool lockless;           /* no_locks */
    bool apart;              /* alloc_shared_noncontig */
    long granularity;        /* mpi_accumulate_granularity */
    bool helped;             /* one of the users of the helper thread */

    struct win_target *targets; /* by rank */
    uint32_t pending;           /* sum over the targets */
    uint32_t issued;            /* operations ever, to make progress now and then */
    int broken;                 /* a message of the synchronisation was lost: its error class */

    enum win_access access;
    atomic_bool fence_used; /* operations were issued since the last fence */
    bool exposed;           /* between MPI_Win_post and _wait */
    bool stored;            /* something that no fence of the processor has followed yet */
    uint32_t locked;        /* targets under MPI_Win_lock */
    int *start_ranks, *post_ranks;
    int start_count, post_count;
    bool post_checked; /* the post was without MPI_MODE_NOCHECK */
    struct win_lock lock;
    uint32_t meetings;  /* fences on the board, ever */
    uint32_t completes; /* on the board, that MPI_Win_wait has used up */
};

static inline struct win *win_find(MPI_Win handle)
{
    return (struct win *)object_find(OBJECT_WIN, handle);
}

/* ---- Life: win.c, win_create.c, win_attach.c ---- */

int win_create(void *base, MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
               struct win **win);
int win_allocate(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c, void **base,
                 struct win **win);
int win_allocate_shared(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
                        void **base, struct win **win);
int win_create_dynamic(struct info *info, struct comm *c, struct win **win);
int win_attach(struct win *w, void *base, MPI_Aint size);
int win_detach(struct win *w, const void *base);
/*
 * Collective. Not `gone` where an epoch is open or a callback of an attribute failed; else the
 * window is, whatever is returned.
 */
int win_free(struct win *w, bool *gone);

/* rank may be MPI_PROC_NULL: the first process that gave memory. */
int win_shared_query(struct win *w, int rank, MPI_Aint *size, MPI_Aint *unit, void **base);
int win_set_info(struct win *w, struct info *info);

/* MPI_WIN_BASE and the others that every window has (12.2.6). */
int win_predefined_attr(struct win *w, int keyval, void **value, bool *found);

/* Ends what windows that were never freed left behind; before fabric_close. */
void win_close(void);

/* ---- Synchronisation: win_sync.c ---- */

int win_fence(struct win *w, int assert);
int win_start(struct win *w, struct group *group, int assert);
int win_complete(struct win *w);
int win_post(struct win *w, struct group *group, int assert);
int win_wait(struct win *w);
int win_test(struct win *w, bool *flag);
int win_lock(struct win *w, bool exclusive, int rank, int assert);
int win_lock_all(struct win *w, int assert);
int win_unlock(struct win *w, int rank);
int win_unlock_all(struct win *w);
int win_flush(struct win *w, int rank);
int win_flush_all(struct win *w);
int win_sync(struct win *w);

/* ---- Operations: win_put.c, win_acc.c, win_native.c ---- */

/* One side of an operation. At the target `buf` is NULL and `disp` counts. */
struct win_side {
    void *buf;
    MPI_Aint disp; /* in the target's units */
    MPI_Count count;
    struct datatype *type;
};

/*
 * `request` NULL: MPI_Put; else MPI_Rput, and *request is one without a handle, or request_sent.
 */
int win_put(struct win *w, const struct win_side *origin, int rank, const struct win_side *target,
            struct request **request);
int win_get(struct win *w, const struct win_side *origin, int rank, const struct win_side *target,
            struct request **request);
/* `result` NULL: MPI_Accumulate; with OP_NO_OP, `origin` is not looked at. */
int win_accumulate(struct win *w, const struct win_side *origin, const struct win_side *result,
                   int rank, const struct win_side *target, struct op *op,
                   struct request **request);
int win_compare_and_swap(struct win *w, const void *origin, const void *compare, void *result,
                         struct datatype *t, int rank, MPI_Aint disp);

#endif
