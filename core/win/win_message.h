/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The windows' own messages, and what core/win shares between its files. Everything here is called
 * lane locked unless it says otherwise.
 *
 * A message is a head, then runs (where in the target's memory), then data, at most
 * win_message_max() bytes. It goes to whichever process-wide buffer is posted next: a ring of them
 * exists while there is a window. They are all short enough to travel eagerly, so that messages of
 * one process arrive in the order in which it sent them; accumulate ordering (12.7.2) rests on
 * that. What arrived is handled after the completion queue has been read (lane_defer), in order, by
 * whichever thread makes progress.
 *
 * Flow control: a target sees at most WIN_CREDIT unanswered accumulates of a window from a process;
 * the rest waits in the origin's streams. Locks, posts and completes are one a time by nature.
 */
#ifndef ORIEL_WIN_WIN_MESSAGE_H
#define ORIEL_WIN_WIN_MESSAGE_H

#include <stdalign.h>

#include "core/p2p/request.h"
#include "core/win/win.h"
#include "core/win/win_walk.h"
#include "provider/base/count.h"
#include "provider/base/hot.h"

enum { WIN_CREDIT = 8 };

enum win_message_kind {
    WIN_MESSAGE_LOCK,
    WIN_MESSAGE_LOCK_SHARED,
    WIN_MESSAGE_GRANT,
    WIN_MESSAGE_UNLOCK,
    WIN_MESSAGE_POST,
    WIN_MESSAGE_COMPLETE,
    WIN_MESSAGE_ACCUMULATE, /* answered without data */
    WIN_MESSAGE_FETCH,      /* get_accumulate: answered with what was there before */
    WIN_MESSAGE_SWAP,       /* compare_and_swap: the data is the comparand, then the new value */
    WIN_MESSAGE_ANSWER,
};

struct win_head {
    uint32_t window; /* context id of its communicator */
    uint32_t rank;   /* the sender's */
    uint8_t kind;
    uint8_t error;     /* of an answer: an error class */
    uint16_t op, type; /* predefined handles: the operator, the type of every element */
    uint16_t runs;     /* how many follow */
    uint32_t len;      /* bytes of data after the runs */
    uint32_t unused;   /* so that the data is aligned to 16 */
    uint64_t packet;   /* the origin's packet, which the answer names */
};

_Static_assert(sizeof(struct win_head) % 16 == 0 && sizeof(struct win_run) == 16,
               "data in a message is aligned to 16 bytes");

struct win_stream;

/* A message on its way, and until its answer has come where it has one. */
struct win_packet {
    struct fabric_op op;
    struct win *win;
    int rank;                  /* whom it is for */
    struct win_stream *stream; /* that the answer is for, or NULL */
    size_t from, len;          /* the stream's bytes that it carries */
    uint8_t left;              /* what must still come: the send's completion, the answer */
    bool large;                /* which pool it is from */
    alignas(16) char bytes[];
};

/* An operation of the program's, from the call until it is complete at the target. */
struct win_op {
    struct win *win;
    int rank;
    uint32_t left; /* fragments under way, and one while it is being issued */
    int error;
    struct request *request; /* of MPI_Rput and the like, or NULL */
    void (*free)(struct win_op *op);
};

/* An accumulate that is cut into messages. */
struct win_stream {
    struct win_op op;
    struct list link; /* in the target's streams while something remains to be sent */
    uint8_t kind;     /* enum win_message_kind */
    uint16_t op_handle, element_handle;
    struct datatype *element;               /* predefined */
    struct win_side origin, result, target; /* the types are held */
    const void *compare;
    uint64_t base;    /* where the target's buffer begins, as in struct win_run */
    size_t at, total; /* bytes of data; at: sent so far */
};

/* ---- Operations: win_op.c ---- */

/* Whether a lock's epoch is open to that rank. */
static inline bool win_is_locked(const struct win *w, int rank)
{
    return w->access == WIN_ACCESS_LOCK_ALL || w->targets[rank].lock >= WIN_LOCKED;
}
/* What win_may_access says where the answer is not a plain yes. */
int win_may_access_slow(struct win *w, int rank, bool passive);
/*
 * MPI_ERR_RMA_SYNC where no epoch is open to that rank; `passive`: where it must be a lock's. No
 * lock needed: the call that opened the epoch has returned before.
 */
static inline int win_may_access(struct win *w, int rank, bool passive)
{
    if (win_is_locked(w, rank))
        return MPI_SUCCESS;
    return win_may_access_slow(w, rank, passive);
}
/*
 * Where the buffer begins, in bytes from the window's base, or its address in a dynamic window;
 * MPI_ERR_RMA_RANGE where a part of it is outside. No lock needed.
 */
int win_target_range_slow(const struct win *w, int rank, const struct win_side *target,
                          uint64_t *at);
/* The common case is a contiguous type without a gap before it. False: it is another, or wrong. */
HOT_INLINE bool win_target_range_plain(const struct win *w, int rank, const struct win_side *target,
                                       uint64_t *at)
{
    const struct win_target *t = &w->targets[rank];
    const struct datatype *type = target->type;
    MPI_Aint start, span, end;

    if (UNLIKELY(!type->contiguous || type->true_lb || target->disp < 0 ||
                 w->flavor == MPI_WIN_FLAVOR_DYNAMIC ||
                 __builtin_mul_overflow(target->disp, t->unit, &start) ||
                 __builtin_mul_overflow(target->count, type->size, &span) ||
                 __builtin_add_overflow(start, span, &end) || end > t->size))
        return false;
    *at = (uint64_t)start;
    return true;
}
HOT_INLINE int win_target_range(const struct win *w, int rank, const struct win_side *target,
                                uint64_t *at)
{
    return LIKELY(win_target_range_plain(w, rank, target, at))
               ? MPI_SUCCESS
               : win_target_range_slow(w, rank, target, at);
}
/* Whether [at, at + len) of rank's dynamic window is attached. No lock held. win_attach.c */
int win_target_attached(struct win *w, int rank, uint64_t at, size_t len);
/* The same for this process's own memory. */
bool win_is_attached(const struct win *w, uintptr_t at, size_t len);
/* Bytes of a side's data; MPI_ERR_COUNT where no memory can hold them. */
int win_side_large(const struct win_side *s);
HOT_INLINE int win_side_bytes(const struct win_side *s, size_t *bytes)
{
    MPI_Count n;

    if (UNLIKELY(__builtin_mul_overflow(s->count, s->type->size, &n)))
        return win_side_large(s);
    *bytes = (size_t)n;
    return MPI_SUCCESS;
}

/* Lane locked: for an operation on the window, with data of that type at its origin or target. The
 * request's errors are the window's, which lives as long; NULL, the detail set, when memory is out.
 * win_put.c */
struct request *win_request_new(struct win *w, struct datatype *type);
/* Counts the operation as pending. The request, where one is asked for, was made by the caller. */
void win_op_begin(struct win_op *op, struct win *w, int rank, struct request *request,
                  void (*free)(struct win_op *));
/* One of `left` is done. The last one completes the operation and frees it. */
void win_op_step(struct win_op *op, int error);
/* No lock is held, and perhaps none is needed. */
static inline void win_count(_Atomic uint64_t *counter, uint64_t n)
{
    if (lane.lock.off)
        count_add(counter, n);
    else
        count_add_unlocked(counter, n);
}
/* Gives out, where one is asked for, a request that is complete already. No lock needed. */
static inline void win_request_done(struct request **request)
{
    if (request)
        *request = &request_sent;
}

/* ---- Messages: win_message.c ---- */

/* No lock held: the window is found by messages from here on; the first one posts the ring. */
int win_message_open(struct win *w);
/* No lock held, also after win_message_open failed: waits until the ring is withdrawn where this
 * was the last window. */
void win_message_close(struct win *w);
size_t win_message_max(void);

/* A packet with room for `len` bytes, its head filled in, or NULL where memory is out. */
struct win_packet *win_packet_new(struct win *w, int rank, enum win_message_kind kind, size_t len);
/* Sends `len` bytes of it. It is given back when nothing more must come. */
int win_packet_send(struct win_packet *p, size_t len);
void win_packet_step(struct win_packet *p);
static inline struct win_head *win_packet_head(struct win_packet *p)
{
    return (struct win_head *)p->bytes;
}
/* A message that is its head alone, to this process too. */
int win_tell(struct win *w, int rank, enum win_message_kind kind);

/* ---- What is done with a message ---- */

/* An accumulate's way through the target's memory, or a copy of it. */
struct win_apply {
    bool swap; /* compare_and_swap: the data is the comparand, then the new value */
    const struct op *op;
    struct datatype *type; /* of every element */
    char *out;             /* where what was there before goes, or NULL; moves on */
};
/* Combines `len` bytes of data, packed, into the elements at `at`. */
void win_apply_run(struct win_apply *a, char *at, const char *in, size_t len);

/* Applies an accumulate to this process's memory and fills in the answer. win_apply.c */
void win_apply(struct win *w, const struct win_head *message, struct win_packet *answer,
               size_t *len);
/* An answer to one of our packets; goes on with what waits. win_acc.c */
void win_answered(struct win *w, const struct win_head *answer);
/* Sends what the target's credit allows. win_acc.c */
void win_streams_run(struct win *w, int rank);
/* Locks, posts, completes; from this process too. win_sync.c */
void win_told(struct win *w, const struct win_head *message);

/* ---- Waiting: win_sync.c ---- */

/* No lock held. Makes progress until `ready`, which is called lane locked. MPI_SUCCESS, or the
 * error that keeps it from ever being so. */
int win_until(struct win *w, bool (*ready)(const struct win *w, int rank), int rank);
/* Waits for all operations to that rank, or to all with -1. Their error, which is then forgotten.
 */
int win_finish(struct win *w, int rank);
/* Lane locked: MPI_ERR_RMA_SYNC where an access epoch is open in which something may happen. */
int win_check_no_epoch(const struct win *w, const char *call);

/* ---- Locks: win_lock.c ---- */

/* What rank asks of this process's lock, or grants us. */
void win_lock_told(struct win *w, int rank, enum win_message_kind kind);
/* Nobody holds this process's lock or waits for it. `rank` is not looked at. */
bool win_lock_idle(const struct win *w, int rank);

/* ---- Shared memory: win_memory.c ---- */

/*
 * Collective, no lock held: a segment of `len` bytes, the same on all processes of a host, mapped
 * where its byte `offset`, a multiple of a page, is aligned.
 * Nothing of it is left when the last process has ended, in whatever way. All return the same:
 * MPI_ERR_RMA_SHARED where one of them is not `willing` or cannot map it.
 */
int win_memory_open(struct comm *c, size_t len, size_t offset, size_t alignment, bool willing,
                    void **segment);
void win_memory_close(void *segment, size_t len);

/* A put (`result` NULL) or get that the target is told to do: win_acc.c. No lock held. */
int win_move_told(struct win *w, const struct win_side *origin, const struct win_side *result,
                  int rank, const struct win_side *target, struct request **request);

/* ---- What the origin does by itself: win_native.c. No lock held. ---- */

/* One accumulate; `result` NULL: nothing is fetched. `at` is from win_target_range. */
int win_native_accumulate(struct win *w, const struct win_side *origin,
                          const struct win_side *result, int rank, const struct win_side *target,
                          const struct op *op, struct datatype *element, uint64_t at);
/* The same for elements of a predefined type without gaps, everywhere; `there` is mapped here. */
int win_native_plain(struct win *w, const void *origin, void *result, int rank,
                     const struct win_side *target, const struct op *op, char *there);
int win_native_swap(struct win *w, const void *origin, const void *compare, void *result,
                    struct datatype *t, int rank, uint64_t at);
/*
 * What was to be done is done: it only has to be seen by all before we see what they do next. Loads
 * and locked instructions need no fence. Where several threads come here, one may clear the word
 * that another has just set; then it is not looked at.
 */
static inline void win_native_finish(struct win *w)
{
    if (w->stored || !lane.lock.off) {
        atomic_thread_fence(memory_order_seq_cst);
        w->stored = false;
    } else {
        atomic_signal_fence(memory_order_seq_cst);
    }
}
/* Between here and `at` of rank's window, by one copy of the kernel's. */
int win_native_copy(struct win *w, bool write, void *here, size_t len, int rank, uint64_t at);

/* ---- Pools: win_op.c ---- */

struct win_pools {
    struct pool puts, fragments, streams, small, large;
};
extern struct win_pools win_pools;
void win_pools_open(size_t small, size_t large);
void win_pools_close(void);

#endif
