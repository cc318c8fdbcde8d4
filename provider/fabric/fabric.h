/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes to and from other processes, by libfabric's interface: tagged messages, remote memory,
 * completions. What stands above sees peers, operations and regions, and no type of libfabric's.
 *
 * Who owns what: an operation (struct fabric_op) is the caller's memory, embedded in its request;
 * it belongs to the fabric from the call that posts it until its `done` has been called, exactly
 * once. Buffers likewise. Peers and regions are the fabric's.
 *
 * Threads: the caller serialises every call here (the lane's lock, core/p2p/lane.h); `done` runs
 * inside fabric_progress, or inside any call here that must make progress or looks for messages
 * (fabric_trecv_or_take), with that lock held, and may post again.
 *
 * Errors: 0 or -errno. -EAGAIN never comes out of a call that takes an operation: what the provider
 * refuses for now is queued here, in order, and posted by fabric_progress.
 */
#ifndef ORIEL_FABRIC_FABRIC_H
#define ORIEL_FABRIC_FABRIC_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "provider/base/hot.h"
#include "provider/base/list.h"
#include "provider/base/scatter.h"
#include "provider/node/node_direct.h"
#include "provider/node/node_inlet.h"
#include "provider/node/node_outlet.h"

struct fabric_peer;
struct fabric_region;
struct fabric_op;

/* What became of an operation. */
struct fabric_event {
    int error;     /* 0 or -errno: -ECANCELED, -EMSGSIZE (cut short), -ENOMSG (a peek found none) */
    size_t len;    /* of the message as sent where known, even where the buffer was shorter */
    uint64_t tag;  /* receives: as sent */
    uint64_t data; /* receives: the sender's word */
};

/* Of a message that the provider has handed over without an operation. */
static inline struct fabric_event fabric_event_of(const struct node_received *m)
{
    return (struct fabric_event){.len = m->len, .tag = m->tag, .data = m->data};
}

typedef void fabric_done_fn(struct fabric_op *op, const struct fabric_event *event);

enum { FABRIC_CONTEXT_WORDS = 8, FABRIC_IOV = 2, FABRIC_SCATTER = FABRIC_IOV + 1 };

struct fabric_op {
    uint64_t context[FABRIC_CONTEXT_WORDS]; /* libfabric's, while posted (fi_context2) */
    fabric_done_fn *done;                   /* set by the caller before posting */
    struct list link;                       /* in the queue of what waits to be posted */
    uint8_t kind, state, end;               /* the fabric's own */
    uint8_t iov_count; /* FABRIC_SCATTER: iov[0] is the place of a struct scatter, and its length */
    struct fabric_peer *peer; /* NULL: any source, of whatever kind */
    struct iovec iov[FABRIC_IOV];
    uint64_t tag, data; /* receives: tag and ignore mask; remote memory: address and key;
                           notes: what is sent */
};

/* Of all that is open: what holds for every peer, but for inject. */
struct fabric_limits {
    size_t inject;   /* bytes of a message that fabric_tinject may take: the most of any peer's */
    size_t eager;    /* messages up to here may arrive before a receive is there */
    size_t transfer; /* longest single message or remote operation */
    size_t word;     /* bytes of the word that travels with a message */
    bool emulated;   /* the target's processor carries out remote writes: a message is faster */
};

/* One line each about a candidate, for oriel-info: provider, where it is, why it was not chosen. */
struct fabric_candidate {
    const char *provider, *domain, *why;
    bool chosen;
    const char *windows; /* how a window whose ranks it connects works, in words */
};

/*
 * Opens what the job needs, and publishes its address through boot: shared memory for the ranks on
 * this host, a network where there are others (or where shared memory is not wanted). A peer is
 * reached by one of the two. -ENODATA where nothing opened: fabric_why_not tells why.
 */
int fabric_open(void);
/* Why it did not open, in one sentence that names FI_PROVIDER or ORIEL_PROVIDER when they are the
 * reason;
 * "" where the errno says all. */
const char *fabric_why_not(void);
bool fabric_is_open(void);
/*
 * Before an orderly fabric_close, when nobody has anything to say any more: where the provider
 * crashes if a connection is closed with events unread, all ranks read them and meet.
 */
void fabric_part(void);
void fabric_close(void);
const struct fabric_limits *fabric_limits(void);
const char *fabric_provider(void); /* name of the open network's provider, for messages */
/* What is open, in words: "stream on eth0 (10.77.0.1)"; "" while nothing is. */
void fabric_describe(char *text, size_t room);
/* libfabric's version, "1.17"; "" where it is not there. */
void fabric_version(char *text, size_t room);
/* Calls `each` for every candidate of a job on one host or on several, best first; opens nothing.
 */
int fabric_candidates(bool one_host, void (*each)(const struct fabric_candidate *, void *),
                      void *arg);

/*
 * The peer of that rank of the job, found at first contact (which waits for the exchange). The same
 * pointer every time, good until fabric_close.
 */
int fabric_peer(uint32_t rank, struct fabric_peer **peer);
/*
 * Any source of those on this host, or of the others, for receives and probes where it can be no
 * other; NULL is any at all, and what this gives where there is no difference.
 */
enum { FABRIC_LOCAL = 1, FABRIC_REMOTE = 2 };
struct fabric_peer *fabric_any(unsigned reach);
/* Is it this process? */
bool fabric_peer_is_self(const struct fabric_peer *peer);

/*
 * Memory in each peer that is the caller's: FABRIC_PEER_OWN bytes on a cache line of their own,
 * zero at first contact.
 */
enum { FABRIC_PEER_HEAD = 64, FABRIC_PEER_OWN = 384 };
static inline void *fabric_peer_own(struct fabric_peer *peer)
{
    return (char *)peer + FABRIC_PEER_HEAD;
}

/* ---- What is inline below; the fabric's own ---- */

/* Of each endpoint. */
struct fabric_now {
    struct fid_ep *ep;
    struct node_inlet *inlet; /* these NULL: not on this endpoint, or not now */
    node_direct_receive *receive;
    node_direct_post *post, *post_or_take;
};

/* A peer begins with it. */
struct fabric_peer_head {
    /* For small messages at once; NULL: not this way, or not now. Changes lane locked; who waits
     * looks without the lock. */
    _Atomic(struct node_outlet *) outlet;
    uint64_t addr;                /* an fi_addr_t */
    const struct fabric_now *now; /* of the endpoint that is the way to it */
};

/* For any source: of the one endpoint, or of none. */
extern const struct fabric_now *fabric_now_any HOT_DATA;

static inline struct fabric_peer_head *fabric_peer_head(struct fabric_peer *peer)
{
    return (struct fabric_peer_head *)peer;
}

/*
 * The way of small messages to it, good as long as the fabric is open: the caller may raise `until`
 * to allow fabric_tinject_next messages. NULL: nothing goes this way, or not now.
 */
HOT_INLINE struct node_outlet *fabric_outlet(struct fabric_peer *to)
{
    return atomic_load_explicit(&fabric_peer_head(to)->outlet, memory_order_relaxed);
}

HOT_INLINE const struct fabric_now *fabric_now_from(struct fabric_peer *from)
{
    return LIKELY(from != NULL) ? fabric_peer_head(from)->now : fabric_now_any;
}

/* ---- Tagged messages. `from` NULL is any source; `data` travels with the message. ---- */

/* Shared memory and a network are open: any source is more than one endpoint's affair. */
extern bool fabric_has_two HOT_DATA;
/* limits.inject for those who ask at every message; 0 while nothing is open. */
extern size_t fabric_inject_most HOT_DATA;
/* The buffer is free on return. -EAGAIN: send it with an operation. */
int fabric_tinject(struct fabric_peer *to, const void *buf, size_t len, uint64_t tag,
                   uint64_t data);
/*
 * The same for what nearly all messages on one host are, without a call: at most FABRIC_SMALL bytes
 * to a peer that fabric_tinject has sent to before. False: nothing was done, use fabric_tinject.
 */
enum { FABRIC_SMALL = NODE_CELL_PAYLOAD };
HOT_INLINE bool fabric_tinject_small(struct fabric_peer *to, const void *buf, size_t len,
                                     uint64_t tag, uint64_t data)
{
    struct node_outlet *outlet = fabric_outlet(to);

    return LIKELY(outlet != NULL) &&
           node_outlet_inject(outlet, buf, len, tag, data, NODE_WIRE_TAGGED | NODE_WIRE_DATA);
}
/*
 * The same where nothing at all is in the way and the caller has allowed it (fabric_outlet), in
 * three steps without a call (but to wake the peer): the outlet, or NULL where that is not so;
 * the message; and when all else about it has been done, its end.
 */
HOT_INLINE struct node_outlet *fabric_tinject_next(struct fabric_peer *to)
{
    struct node_outlet *outlet = fabric_outlet(to);

    return LIKELY(outlet != NULL) && node_outlet_has_next(outlet) ? outlet : NULL;
}
HOT_INLINE void fabric_tinject_by(struct node_outlet *outlet, const void *buf, size_t len,
                                  uint64_t tag, uint64_t data)
{
    node_outlet_inject_next(outlet, buf, len, tag, data, NODE_WIRE_TAGGED | NODE_WIRE_DATA);
}
HOT_INLINE void fabric_tinject_end(struct node_outlet *outlet)
{
    node_outlet_ring(outlet);
}
int fabric_tsend(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 uint64_t tag, uint64_t data);
/* Tags are of so many bits; a provider that has fewer is not used. */
enum { FABRIC_TAG_BITS = 60 };
/* Bits that no tag has and no receive ignores: with them strangers' messages are told from ours. */
#define FABRIC_EMPTY_BITS UINT64_C(0xf0f0000000000000)
/* A tag matches where it equals `tag` in all bits that `ignore` does not have. */
int fabric_trecv(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                 uint64_t tag, uint64_t ignore);
enum { FABRIC_DIRECT = 2, FABRIC_POSTED = 2 }; /* of fabric_op.kind and .state; its end is 0 */
static inline struct fabric_op *fabric_op_of(struct node_posted *context)
{
    return (struct fabric_op *)context;
}
/* The sink that goes on to `done`. */
node_direct_sink fabric_received;
/* Makes the operation's record of such a receive. */
HOT_INLINE struct node_posted *fabric_trecv_fill(struct fabric_peer *from, struct fabric_op *op,
                                                 void *buf, size_t len, uint64_t tag,
                                                 uint64_t ignore, node_direct_sink *sink)
{
    struct node_posted *p = (struct node_posted *)op->context;

    op->kind = FABRIC_DIRECT;
    op->state = FABRIC_POSTED;
    op->end = 0;
    op->peer = from;
    op->iov[0].iov_len = len; /* whoever reads the queue looks at it */
    p->tag = tag;
    p->ignore = ignore;
    p->source = LIKELY(from != NULL) ? fabric_peer_head(from)->addr : NODE_ANY;
    p->buf = buf;
    p->len = len;
    p->sink = sink;
    return p;
}

/*
 * fabric_trecv from a peer, or with NULL from any, without a call of the fabric's on the way, where
 * that works: false where it does not, and this receive is not posted. What comes as it was
 * expected (no longer than the buffer, at once) is told to `sink` with the operation's context,
 * anything else to its `done`; a sink that is the end of the matter needs nothing more. It looks
 * first: the sink may be called before this returns, for this receive where its message is there,
 * and for those that were posted with it before (also where it is false).
 */
HOT_INLINE bool fabric_trecv_or_take(struct fabric_peer *from, struct fabric_op *op, void *buf,
                                     size_t len, uint64_t tag, uint64_t ignore,
                                     node_direct_sink *sink)
{
    const struct fabric_now *now = fabric_now_from(from);

    return LIKELY(now->post_or_take != NULL) &&
           LIKELY(!now->post_or_take(now->ep,
                                     fabric_trecv_fill(from, op, buf, len, tag, ignore, sink)));
}
/*
 * Receives a message if it is there this moment: 0 and what it was. -EAGAIN: nothing has come.
 * -EINPROGRESS: something else has, look again after fabric_progress. -EBUSY: post the receive
 * instead. In all three nothing has been done.
 */
HOT_INLINE int fabric_trecv_now(struct fabric_peer *from, void *buf, size_t len, uint64_t tag,
                                uint64_t ignore, struct node_received *found)
{
    const struct fabric_now *now = fabric_now_from(from);
    uint64_t source = LIKELY(from != NULL) ? fabric_peer_head(from)->addr : NODE_ANY;

    if (UNLIKELY(!now->receive))
        return -EBUSY;
    /* The provider's few errors are the system's own numbers. */
    return now->receive(now->ep, source, buf, len, tag, ignore, found);
}
/* Whether that may ever find one from there. */
static inline bool fabric_receives_now(struct fabric_peer *from)
{
    return fabric_now_from(from)->receive != NULL;
}
/*
 * The same for what nearly all messages on one host are, without a call: at most FABRIC_SMALL bytes
 * from a peer that fabric_tinject_small sends to. False: nothing was done, use fabric_trecv_now.
 * `more`: the next call most likely follows at once.
 */
HOT_INLINE bool fabric_trecv_small(struct fabric_peer *from, void *buf, size_t len, uint64_t tag,
                                   uint64_t ignore, bool more, struct node_received *found)
{
    struct node_outlet *outlet = fabric_outlet(from);
    struct node_inlet *inlet = fabric_peer_head(from)->now->inlet;

    return LIKELY(outlet != NULL) && LIKELY(inlet != NULL) &&
           node_inlet_take(inlet, outlet, buf, len, tag, ignore, more, found);
}
/* Whether it goes that way, now; and whether something is next there, whatever it is and, where
 * several write to one queue, whoever's; or the way has closed. */
static inline bool fabric_is_near(struct fabric_peer *from)
{
    return fabric_outlet(from) && fabric_peer_head(from)->now->inlet;
}
HOT_INLINE bool fabric_has_next(struct fabric_peer *from)
{
    struct node_outlet *outlet = fabric_outlet(from);
    uint64_t word;

    return UNLIKELY(!outlet) || node_reader_peek(outlet->reader, &word);
}
/* After it: the answer will need the line of the cell that it goes into. */
HOT_INLINE void fabric_will_answer(struct fabric_peer *to)
{
    node_outlet_prepare(fabric_outlet(to));
}
/*
 * Looks for a message that has arrived: 0 and the event, or -ENOMSG. With `claim`, the message is
 * taken out of matching and waits for fabric_trecv_claimed with the same operation.
 */
int fabric_tpeek(struct fabric_peer *from, struct fabric_op *claim, uint64_t tag, uint64_t ignore,
                 struct fabric_event *found);
/* May be over, and `done` called, when it returns. */
int fabric_trecv_claimed(struct fabric_op *claimed, void *buf, size_t len);
/* Whether a message that nobody has received yet may take a whole receive buffer of the provider's,
 * and time from every later receive: they had better not be many. */
bool fabric_hoards(void);
/*
 * The same with memory that is not one block, where fabric_scatters says so: other endpoints want
 * it packed. What `s` describes must stay until `done`, or, for an inject, until it returns. The
 * answer for NULL, any source, is that for all peers.
 */
bool fabric_scatters(const struct fabric_peer *peer);
int fabric_tinject_scattered(struct fabric_peer *to, const struct scatter *s, uint64_t tag,
                             uint64_t data);
int fabric_tsend_scattered(struct fabric_peer *to, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t data);
int fabric_trecv_scattered(struct fabric_peer *from, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t ignore);
int fabric_trecv_claimed_scattered(struct fabric_op *claimed, const struct scatter *s);
/*
 * Asks for a posted receive back. Its `done` is called in either case, with -ECANCELED when it had
 * not matched; it has been called when this returns, unless the receive has matched and data is
 * still on the way.
 */
void fabric_cancel(struct fabric_op *op);

/* ---- Notes: one word to a peer, beside the messages and never matched with a receive ---- */

/* As a `done` is called: in fabric_progress, lock held. */
typedef void fabric_note_fn(struct fabric_peer *from, uint64_t word);
/* Who is told of the notes that come; to be set before fabric_open. */
void fabric_note_set(fabric_note_fn *came);
/* `done` may be called before it returns. */
int fabric_note(struct fabric_peer *to, struct fabric_op *op, uint64_t word);

/* ---- Remote memory ---- */

/* What a peer needs to reach a region, by either way: travels as bytes. */
enum { FABRIC_WAYS = 2 };
struct fabric_key {
    struct {
        uint64_t base; /* what to add to a byte offset from the region's start */
        uint64_t key;
    } way[FABRIC_WAYS];
};

/* Registers memory for others to read and write. len 0 is allowed. */
int fabric_region_open(void *base, size_t len, struct fabric_region **region);
void fabric_region_key(const struct fabric_region *region, struct fabric_key *key);
void fabric_region_close(struct fabric_region *region);

/*
 * Completes when the data is placed at the target (write: FI_DELIVERY_COMPLETE) or here (read).
 * `offset` in bytes from the region's start; len at most limits.transfer.
 */
int fabric_write(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 const struct fabric_key *key, uint64_t offset);
int fabric_read(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                const struct fabric_key *key, uint64_t offset);

/*
 * Whether a process adds to others' memory by remote atomics that want nothing of the target's
 * processor, or is told to do so in any case (ORIEL_LOCKS). The same on all processes of a job that
 * have the same environment.
 */
bool fabric_adds(void);
/* Adds to 8 aligned bytes, and fetches what they were; addend and was stay until it is done. */
int fabric_fetch_add(struct fabric_peer *at, struct fabric_op *op, const uint64_t *addend,
                     uint64_t *was, const struct fabric_key *key, uint64_t offset);

/*
 * As write and read, done when they return, and no operation needed. -EBUSY: not without the peer's
 * help; post it instead. -EFAULT: the peer has no memory there. fabric_reach says whether it is
 * worth trying: 0 where it always works with that peer, -EBUSY where not.
 */
int fabric_write_now(struct fabric_peer *to, const void *buf, size_t len,
                     const struct fabric_key *key, uint64_t offset);
int fabric_read_now(struct fabric_peer *from, void *buf, size_t len, const struct fabric_key *key,
                    uint64_t offset);
int fabric_reach(struct fabric_peer *peer);

/* ---- Memory that processes share beside the fabric ---- */

/*
 * The peers on this host are reached through shared memory, so that more can be shared with them,
 * and fabric_wake reaches them. The same answer on all ranks of a host.
 */
bool fabric_is_shared(void);
/*
 * After something was written that a peer on this host may wait for (wait.h): ends its sleep.
 * Nothing where it is reached otherwise.
 */
void fabric_wake(struct fabric_peer *peer);
/*
 * fabric_may_sleep makes the other processes of the host pass a full barrier, so that what was
 * written before it is seen by whoever does not see what this process wrote before it. True where
 * the system has no means for that, for this process's sleep or for its writes: then the writer
 * passes one itself before it looks whether anybody sleeps.
 */
bool fabric_needs_barrier(void);
/*
 * Tells the peers which processor this process is on, and gives those where they were when they
 * last waited. How many of them were on this one; `first`: none of those is older than this
 * process.
 */
int fabric_meet(cpu_set_t *taken, bool *first);
/*
 * Tells the same, and who this process's mate is, for whom alone it waits as a rule (NULL: it has
 * none). Whether it, of `ranks` on this host, should go to one of those in `to`, and why; `to` is
 * the processors it may go to. `may_part`: also for its mate's sake.
 */
enum node_move fabric_place(unsigned ranks, struct fabric_peer *mate, bool may_part, cpu_set_t *to);
/*
 * Whether this process can copy from that peer's memory without its help, and whom to name to
 * fabric_fetch, which does so: 0 or -errno, no lock needed.
 */
bool fabric_fetches(struct fabric_peer *peer, uint32_t *whom);
int fabric_fetch(uint32_t whom, void *buf, size_t len, uint64_t address);
/*
 * Whether a peer has a processor at this moment, so that what is waited for may come at once. It
 * tells by itself when it yields or sleeps (fabric_rest), so one that the system has put aside
 * seems to have one. False also where nothing is known.
 */
static inline bool fabric_peer_runs(struct fabric_peer *peer)
{
    struct node_outlet *outlet = fabric_outlet(peer);

    return outlet && !atomic_load_explicit(outlet->resting, memory_order_relaxed);
}
/* This process gives its processor away, or has it back. No lock held. */
extern atomic_uint *fabric_resting; /* where it tells; NULL: nobody would see it */
static inline void fabric_rest(bool rests)
{
    if (fabric_resting)
        atomic_store_explicit(fabric_resting, rests, memory_order_relaxed);
}
/* Ends fabric_sleep in this process's other thread. */
void fabric_wake_threads(void);

/* ---- Progress ---- */

/*
 * Reads completions, calls `done` for each, posts what was queued. How many completed, and one more
 * for each end where something was done for peers; or -errno.
 */
int fabric_progress(void);

/* Messages so far that came before a receive asked for them; the number comes round. False: not all
 * endpoints tell. Nothing is looked for. */
bool fabric_arrived(unsigned *count);

/*
 * Sleeps until something may have come, another thread's progress has completed something, or
 * `timeout_ms` has passed. Call it only, and always, after fabric_may_sleep said true. fabric_sleep
 * is the exception to the rule above: the lane's lock is NOT held. One thread at a time is in it:
 * who wakes first reads what would have woken the other one (wait.h).
 */
bool fabric_may_sleep(void);
void fabric_sleep(int timeout_ms);
/* Lane locked, instead of a fabric_sleep that was allowed: other reasons to stay awake turned up.
 */
void fabric_stay_awake(void);
/*
 * fabric_sleep for a thread that only fills in where nobody else makes progress: `stop_fd` ends it
 * too, others' progress does not. fabric_is_attended says whether another thread is in
 * fabric_sleep.
 */
void fabric_doze(int stop_fd, int timeout_ms);
bool fabric_is_attended(void);

#endif
