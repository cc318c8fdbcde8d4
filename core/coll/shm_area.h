/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A communicator's area: memory that its members on this host map, in which its collectives leave
 * their data and say so, without messages; where there are other hosts, the part of them that is
 * done on this one (hosts.h). Made at the communicator's ORIEL_COLL_AREA_AFTER-th collective;
 * where it fails on one member, all go without. A memfd, so nothing can be left behind
 * (provider/base/segment.h). 1028 KiB plus 2.2 KiB a member, whatever is sent.
 *
 * Operations on an area run one after the other, in the order of their start, which is the same on
 * all members: so a started one waits for nothing but operations that every member has started
 * too. An operation is a sequence of steps, numbered through over the life of the area. In a step a
 * member writes its part and publishes it by storing the step's number in its line; the others wait
 * for the number, read, and store it as `done` in a line of their own when they have read all.
 *
 * A step's lines are used again SHM_DEPTH steps later, and data that does not fit into a line goes
 * to one of two sets of slots; steps have them in turn. Before a member writes to either again, all
 * must have done the step that used it last. Where a step makes everyone wait for everyone, that is
 * known without a look.
 */
#ifndef ORIEL_COLL_SHM_AREA_H
#define ORIEL_COLL_SHM_AREA_H

#include <stdalign.h>

#include "core/coll/coll_engine.h"
#include "core/coll/coll_trial.h"
#include "provider/base/pace.h"
#include "provider/base/param.h"

enum {
    SHM_PAIR = 128,          /* the processor fetches lines of 64 in pairs */
    SHM_DEPTH = 16,          /* a power of two */
    SHM_INLINE = 112,        /* bytes beside the number */
    SHM_SETS = 2,            /* of slots */
    SHM_SET = 512 * 1024,    /* bytes, shared evenly by the members */
    SHM_AREAS = 64,          /* of one process; communicators that come later do without */
    SHM_MEMBERS = 64,        /* more do without */
    SHM_FETCHED = 32 * 1024, /* bytes copied from another member before they are worked on */
};

/* In place of a length, and none that anybody expects: the member has failed, or had no memory. */
#define SHM_NO_DATA   (UINT64_MAX - 1)
#define SHM_NO_MEMORY UINT64_MAX

struct shm_line {
    alignas(SHM_PAIR) _Atomic uint32_t step; /* published; stored last */
    uint64_t bytes; /* that this member contributes to the whole operation, or expects */
    alignas(16) char data[SHM_INLINE];
};

struct shm_done {
    alignas(SHM_PAIR) _Atomic uint32_t step;
};

/* What is mapped; behind it the members' `done`, SHM_DEPTH rows of lines, and the slots. */
struct shm_head {
    alignas(SHM_PAIR) atomic_uint sleepers; /* members that are to be woken */
    /* The processor of each when it last waited in a crowd, + 1; stored where it has changed. */
    alignas(SHM_PAIR) _Atomic uint16_t place[SHM_MEMBERS];
    alignas(SHM_PAIR) struct shm_done done[];
};

enum shm_state { SHM_ASKING, SHM_READY, SHM_FAILED };

/* One member's view. Lane locked. */
struct shm_area {
    struct shm_head *head;
    struct shm_line *lines;
    char *slots;
    size_t len;   /* mapped */
    size_t slot;  /* bytes of a member's slot */
    size_t part;  /* the same, shared evenly by the members once more */
    size_t share; /* or by the other members */
    int rank, size;
    const int *ranks; /* of the communicator, by member, not owned; NULL: all of it */
    enum shm_state state;

    uint32_t step;               /* the next one */
    uint32_t all_done;           /* every member has done this step, perhaps later ones */
    uint32_t set_used[SHM_SETS]; /* the last step that had the set */
    unsigned set;                /* of the next step */
    bool owes_wake;              /* something was stored since sleepers were looked for */
    bool announced;              /* this process counts among the sleepers */
    bool fetches;                /* members can copy from each other's memory */
    bool needs_barrier;          /* between a store and the look for sleepers */
    double load;                 /* ranks a processor, the most that a member sees; at least 1 */
    struct pace pace;            /* how near those are who read this member's slots; without the
                                    lane, by whose turn it is */
    bool disagree;               /* members expect different lengths of the current operation */

    struct coll_turns turns;
    struct list active; /* in the list of areas with an operation under way */

    struct comm *comm;  /* held while the agreement is under way */
    struct list asking; /* in the list of areas of which it is */
    struct coll setup;  /* the agreement on the area */

    uint32_t whom[SHM_MEMBERS]; /* for fabric_fetch */

    struct coll_trials trials;
};

/* ---- Making one ---- */

/* Begins to make one, where all of the communicator are on this host and can have it. */
void shm_make(struct comm *c);
/* The same for some of it, as a part of k's round; `rank` is this process's among them. */
void shm_make_part(struct coll *k, const int *ranks, int rank, int size);
void shm_free(struct shm_area *a);
/* Whether the operation may use its communicator's area; the same answer on all members. */
bool shm_serves(const struct coll *k);
/*
 * Where it does: whether its data fits the area's slots; whether a reduction's vector fits one
 * slot; whether members can copy it from each other's memory. The same answers on all members.
 */
bool shm_fits(const struct coll *k);
bool shm_fits_slot(const struct coll *k);
bool shm_fetches(const struct coll *k);
/* Gives up what the ranks have not agreed on by the end of the library. */
void shm_close(void);

extern const struct wait_watch shm_watch;

/* ---- Algorithms ---- */

/*
 * Runs an algorithm when its turn has come. The body returns COLL_POLL while it waits for others,
 * with k->phase, at, mask, block, acc and tmp its own.
 */
enum coll_step shm_run(struct coll *k, coll_round_fn *body);

static inline struct shm_line *shm_line(const struct shm_area *a, int rank)
{
    return &a->lines[(a->step % SHM_DEPTH) * (unsigned)a->size + (unsigned)rank];
}

/* Where a member's `len` bytes of this step are: beside its number, or in the current set. */
static inline char *shm_data(const struct shm_area *a, int rank, size_t len)
{
    if (len <= SHM_INLINE)
        return shm_line(a, rank)->data;
    return a->slots + (size_t)a->set * SHM_SET + (size_t)rank * a->slot;
}

/* Whoever sleeps for what this member has stored since the last call. */
void shm_wake_slow(struct shm_area *a);
/*
 * A member that sleeps has said so before it looked at the lines for the last time; we have stored
 * ours, and look at what it said. With a barrier between the two on either side one of us sees the
 * other; where it can, the sleeper makes us pass ours.
 */
static inline void shm_wake(struct shm_area *a)
{
    a->owes_wake = false;
    if (a->needs_barrier)
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(
            atomic_load_explicit(&a->head->sleepers, memory_order_relaxed) != a->announced, 0))
        shm_wake_slow(a);
}

/* Whether this member may write `len` bytes, or none, for this step. */
bool shm_may_write(struct shm_area *a, size_t len);
void shm_publish(struct shm_area *a, uint64_t bytes);

static inline uint64_t shm_told(const struct coll *k, uint64_t bytes)
{
    return LIKELY(!k->error) ? bytes : k->starved ? SHM_NO_MEMORY : SHM_NO_DATA;
}

/*
 * What goes into this member's slot: bytes from `from` on of the packed form, or items in the
 * layout of their type. Long data in one block goes as its readers are near or far.
 */
void shm_pack(struct coll *k, const void *buf, MPI_Count count, struct datatype *t, size_t from,
              void *to, size_t len);
void shm_put(struct coll *k, const void *buf, MPI_Count count, struct datatype *t, void *to);

/* Whether that member has published this step. */
static inline bool shm_has(const struct shm_area *a, int rank)
{
    return atomic_load_explicit(&shm_line(a, rank)->step, memory_order_acquire) == a->step;
}

/*
 * Whether members 0 to end - 1 have published, each as many bytes as `bytes` says (NULL: 0). Where
 * one has not, k fails and a->disagree is set: an operation in which everybody sees everybody's
 * number ends with this step, as it does for the others. k->mask is where it goes on.
 */
void shm_disagree(struct coll *k, int rank, size_t want);
bool shm_all(struct coll *k, int end, size_t (*bytes)(const struct coll *k, int rank));

/*
 * This member has read what it wants of the step, and of all before. `all`: it has seen everybody
 * publish the step. shm_next_in_set: the next step has the same set of slots, whose data it needs.
 */
void shm_next(struct shm_area *a, bool all);
void shm_next_in_set(struct shm_area *a, bool all);
/*
 * In a crowd, of a member that has to wait for others in such an operation: tells them where it
 * is, and its wait whether all that may be missing have other processors, so that to look again is
 * sooner over than a turn of those who are here.
 */
void shm_expect(struct shm_area *a, const struct coll_args *x);
/* Whether all have done so for that step. */
bool shm_all_did(struct shm_area *a, uint32_t step);

#endif
