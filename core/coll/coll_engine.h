/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the algorithms see of the engine. Private to core/coll.
 *
 * A struct coll is one operation under way on one rank. Everything here is called from a round
 * function, lane locked, and none of it blocks or returns an error: the first error is kept in the
 * struct. From then on the rank takes no data and its sends go out empty; an empty message where
 * data is expected is an error at the receiver. So an error (ranks disagree about a count) travels
 * to everybody who depends on the data. It posts no more receives, since what they are for may
 * never be sent: whoever sends it a long message, which waits for its receiver, is left waiting.
 *
 * Where a rank had no memory (`starved`) all ranks agree about the messages, and whoever sends a
 * long one waits for its receiver. So such a rank goes on receiving, and in place of data says so
 * (p2p_send_failure); who hears that does the same.
 */
#ifndef ORIEL_COLL_COLL_ENGINE_H
#define ORIEL_COLL_COLL_ENGINE_H

#include "core/coll/coll.h"

enum { COLL_SMALL = 128 }; /* bytes of scratch that need no malloc */

struct coll {
    struct deferred deferred;
    struct coll_args args;
    coll_round_fn *call;
    struct comm *comm;
    int rank, size;
    const int *ranks; /* of comm, by rank here; NULL: the same */
    enum channel channel;
    int tag;

    int round;   /* calls so far */
    int pending; /* messages and children of this round that are not complete */
    int error;
    bool last;    /* the round function has said so */
    bool starved; /* there was no memory for its data, here or where that comes from */
    bool busy;    /* a thread is in the round function, perhaps without the lock */
    bool went_on; /* it got further in the area, though it said COLL_POLL */
    bool persistent;
    bool blocking;
    bool in_area;                 /* its algorithm takes turns in the communicator's area */
    bool in_hosts;                /* or between its hosts */
    atomic_bool done;             /* for coll_run; nothing is touched after it is set */
    struct request *request;      /* nonblocking and persistent */
    struct coll *parent;          /* a child completes into it */
    void (*then)(struct coll *k); /* coll_launch's, called last */
    struct coll_trial *trial;     /* its time is wanted: coll_trial.h; else NULL */
    uint64_t trial_start;         /* ns */
    int bad_peer;                 /* whose message was of the wrong length, or -1 */
    size_t bad_got, bad_want;

    int sends, receives;     /* parts of each side: ranks, or neighbours */
    struct datatype **types; /* w forms: those of send, then those of recv, held; else NULL */
    char *vecs;              /* copies of counts and displacements, where there is a request */

    /* The algorithm's own between rounds: zero in round 0. */
    int phase, mask, at;
    char *acc, *tmp;
    size_t block, moved;

    char *scratch; /* at least `room` bytes; kept over the starts of a persistent one */
    size_t room;
    _Alignas(64) char small[COLL_SMALL];
};

/*
 * One of the library's own, in memory of the caller's. `then` is called when it is over, lane
 * locked, and may free that memory after coll_release.
 */
void coll_launch(struct coll *k, const struct coll_args *args, void (*then)(struct coll *k));
void coll_release(struct coll *k);
/* Work on more bytes than this lets other threads have the lane meanwhile. */
enum { COLL_LONG_WORK = 32768 };

/* Asks those who said COLL_POLL again; true where one of them got further. */
bool coll_poll(void);

/* Operations that run one after the other, in the order of their start, which all ranks share. */
struct coll_turns {
    struct coll *current;
    struct list queue; /* of struct coll, by `deferred`: those started behind it */
};
/* Whether it is this one's turn; where not, it will be called when it is: COLL_PARK. */
bool coll_take_turn(struct coll_turns *t, struct coll *k);
/* Whether another one's begins. */
bool coll_end_turn(struct coll_turns *t);

/* Of a program's operation, in the order of their start: of the next one, and the last. */
static inline int coll_tag_of(uint32_t sequence)
{
    return (int)(sequence & ((1u << P2P_TAG_BITS) - 1));
}

static inline int coll_next_tag(const struct comm *c)
{
    return coll_tag_of(c->coll_sequence);
}

static inline int coll_last_tag(const struct comm *c)
{
    return coll_tag_of(c->coll_sequence - 1);
}

/* ---- Messages ---- */

/* No message is sent, and none awaited, where there are no bytes: both sides know that. */
void coll_send(struct coll *k, int to, const void *buf, MPI_Count count, struct datatype *t);
void coll_recv(struct coll *k, int from, void *buf, MPI_Count count, struct datatype *t);
/* Empty messages, for what only says "now". */
void coll_signal(struct coll *k, int to);
void coll_await(struct coll *k, int from);

/*
 * An operation as part of this round, on the same ranks, or those of a scope, or on the `local` of
 * the same intercommunicator; its channel and tag are this one's.
 */
void coll_child(struct coll *k, const struct coll_args *args);

/* ---- Memory ---- */

/*
 * The operation's one block of memory, aligned for anything; asked for in round 0, it lasts to the
 * end. False where memory is out: the round function then returns COLL_LAST.
 */
bool coll_scratch(struct coll *k, size_t bytes);
/*
 * The same for what holds data only, and is touched only by the functions of this header. Where
 * memory is out the operation goes on without it, `starved`: no data is moved any more on this
 * rank, but its messages go out.
 */
void coll_room(struct coll *k, size_t bytes);
/* The same where tables of the algorithm's own stand first. False where not even those have room.
 */
bool coll_room_behind(struct coll *k, size_t tables, size_t bytes);
/* The engine's: at the end of the operation, and of the library. */
void coll_scratch_free(struct coll *k);
void coll_scratch_close(void);
/* Bytes that `count` items of the type span, and where items must start in a block of that size. */
size_t coll_span(MPI_Count count, const struct datatype *t);
char *coll_place(char *block, MPI_Count count, const struct datatype *t);

/* Between two layouts of the same data. */
void coll_copy(struct coll *k, const void *from, MPI_Count from_count, struct datatype *from_type,
               void *to, MPI_Count to_count, struct datatype *to_type);
/* inout = in op inout. Drops the lane's lock around a function of the program and long work. */
void coll_reduce(struct coll *k, const void *in, void *inout, MPI_Count count);
/* Folds k->tmp into k->acc, in rank order; the two may change places. */
void coll_fold(struct coll *k, bool tmp_is_from_below, MPI_Count count);

/* A reduction's own contribution, wherever it stands. */
const void *coll_own(const struct coll *k);
/* k->acc at the receive buffer, holding the own contribution; k->tmp a scratch of the same size. */
void coll_accumulate(struct coll *k, MPI_Count count);

/* Of a reduce_scatter, both forms: items for the ranks before this one. */
MPI_Count coll_items_before(const struct coll *k, int rank);
/* Starts what scatters its result from c's rank 0, which has it and room for p displacements. */
void coll_deal(struct coll *k, struct comm *c, const void *data, MPI_Count *displs);

/* Keeps the rank's first error; MPI_ERR_NO_MEM starves it. */
void coll_fail(struct coll *k, int error);

/* ---- Arguments ---- */

static inline bool coll_in_place(const struct coll_side *s)
{
    return s->buf == MPI_IN_PLACE;
}

/* A rank's (or neighbour's) part of one side, the same for the plain, v and w forms. */
static inline MPI_Count coll_count(const struct coll_side *s, int rank)
{
    return s->counts.width ? vec_at(s->counts, rank) : s->count;
}

static inline struct datatype *coll_type(const struct coll *k, const struct coll_side *s, int rank)
{
    if (!s->types)
        return s->type;
    return k->types[s == &k->args.send ? rank : k->sends + rank];
}

static inline void *coll_at(const struct coll_side *s, int rank)
{
    if (s->types)
        return type_at(s->buf, vec_at(s->displs, rank));
    MPI_Count items = s->displs.width ? vec_at(s->displs, rank) : rank * s->count;
    return type_at(s->buf, items * s->type->extent);
}

static inline size_t coll_bytes(const struct coll *k, const struct coll_side *s, int rank)
{
    MPI_Count n = coll_count(s, rank);

    return n ? (size_t)n * (size_t)coll_type(k, s, rank)->size : 0;
}

/* Sends or receives a rank's part of a side. */
static inline void coll_send_part(struct coll *k, int to, const struct coll_side *s, int part)
{
    coll_send(k, to, coll_at(s, part), coll_count(s, part), coll_type(k, s, part));
}

static inline void coll_recv_part(struct coll *k, int from, const struct coll_side *s, int part)
{
    coll_recv(k, from, coll_at(s, part), coll_count(s, part), coll_type(k, s, part));
}

/* Ranks counted from the root. */
static inline int coll_from_root(const struct coll *k, int rank)
{
    int v = rank - k->args.root;
    return v < 0 ? v + k->size : v;
}

static inline int coll_wrap(const struct coll *k, int rank)
{
    return rank >= k->size ? rank - k->size : rank < 0 ? rank + k->size : rank;
}

/* The largest power of two that is not above n; n > 0. */
static inline int coll_power_below(int n)
{
    return 1 << (31 - __builtin_clz((unsigned)n));
}

/* ---- Selection: coll_table.def, coll_formula.c, coll_select.c ---- */

struct coll_shape;

struct coll_row {
    enum coll_kind kind;
    const char *name;
    coll_round_fn *round;
    unsigned needs; /* enum coll_traits */
    double (*cost)(const struct coll_shape *s);
};

extern const struct coll_row coll_rows[];
extern const unsigned coll_row_count;

/* Of the rows whose needs the shape's traits meet, the one that takes the least; NULL: none. */
const struct coll_row *coll_cheapest(enum coll_kind kind, const struct coll_shape *s);

extern const char *const coll_names[COLL_KINDS]; /* "Bcast" */
coll_round_fn *coll_select(struct coll *k);
/* What it has to do where it runs by that row. */
coll_round_fn *coll_take_row(struct coll *k, const struct coll_row *r);
/* What long data is cut into: bytes, or items of a reduction's type. The same on all ranks. */
size_t coll_segment(const struct coll *k);
MPI_Count coll_segment_items(const struct coll *k);
void coll_select_open(void);

/* ---- The algorithms, by file ---- */

coll_round_fn barrier_dissemination;
coll_round_fn bcast_binomial, bcast_knomial, bcast_scatter_allgather, bcast_chain;
coll_round_fn gather_linear, gather_binomial;
coll_round_fn scatter_linear, scatter_binomial;
coll_round_fn allgather_ring, allgather_doubling, allgather_bruck;
coll_round_fn alltoall_scattered, alltoall_pairwise, alltoall_in_place, alltoall_bruck;
coll_round_fn reduce_binomial, reduce_knomial, reduce_chain, reduce_scatter_gather;
coll_round_fn allreduce_doubling, allreduce_bruck, allreduce_rabenseifner, allreduce_ring;
coll_round_fn scan_doubling, scan_chain;
coll_round_fn reduce_scatter_composed, reduce_scatter_pairwise, reduce_scatter_halving;
coll_round_fn neighbor_linear;
coll_round_fn shm_pending; /* until it is known whether there is an area */
coll_round_fn shm_barrier, shm_bcast, shm_gather, shm_scatter, shm_allgather, shm_alltoall;
coll_round_fn shm_reduce, shm_allreduce, shm_stripes, shm_reduce_scatter, shm_scan;
coll_round_fn shm_direct_bcast, shm_direct_gather, shm_direct_scatter, shm_direct_allgather;
coll_round_fn shm_direct_alltoall, shm_direct_reduce, shm_direct_allreduce;
coll_round_fn shm_direct_reduce_scatter;
coll_round_fn hosts_pending; /* until it is known who is where */
coll_round_fn hosts_barrier, hosts_bcast, hosts_allgather, hosts_reduce, hosts_allreduce;

/* ---- Intercommunicators: inter.c ---- */

coll_round_fn *inter_select(enum coll_kind kind);

/* Parts of a round, on the local group. */
void inter_local_bcast(struct coll *k, const void *buf, MPI_Count count, struct datatype *t);
/*
 * To k->acc of rank 0, which lies in the scratch behind `tables` bytes and has `more` behind it
 * there, of the contribution's first `count` items. False where there is no memory for the tables.
 */
bool inter_local_reduce(struct coll *k, MPI_Count count, size_t tables, size_t more);

coll_round_fn inter_barrier, inter_bcast, inter_gather, inter_scatter, inter_reduce;
coll_round_fn inter_allgather, inter_alltoall, inter_reduce_scatter;
coll_round_fn inter_allreduce;      /* the result of the other group */
coll_round_fn inter_allreduce_both; /* of both; the operator commutes */

#endif
