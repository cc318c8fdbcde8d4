/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The node provider: libfabric's interface over memory shared by the processes of one host.
 * Private to provider/node; the outside sees node_provider (node_provider.h) and fi_* calls.
 *
 *     node_fabric <- node_domain <- node_av, node_cq, node_cntr, node_ep, node_region's mr
 *
 * An endpoint owns its segment and, for every process it has met, a peer: that one's segment,
 * mapped. A message of up to NODE_CELL_PAYLOAD bytes travels in its cell, of up to
 * NODE_PAIR_PAYLOAD in two; up to NODE_TRAIN chunks, through chunks of the sender's segment, unless
 * its receiver wants it otherwise (node_way.h); a longer one is announced and then copied once, by
 * the receiver (process_vm_readv) and, where it waits anyway, the sender (process_vm_writev) or,
 * where the system forbids that or either buffer is in many pieces, streamed through chunks on
 * request.
 *
 * Locks: one a domain, taken by every call on its objects (off under FI_THREAD_DOMAIN). Functions
 * here are called with it held unless they say otherwise; the fi_* entry points take and drop it.
 *
 * Errors: 0 or -errno (libfabric's FI_E* are errno's values). -FI_EAGAIN: nothing was done, make
 * progress and call again.
 */
#ifndef ORIEL_NODE_NODE_H
#define ORIEL_NODE_NODE_H

#include <rdma/fabric.h>
#include <rdma/fi_atomic.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include "provider/base/list.h"
#include "provider/base/lock.h"
#include "provider/base/pool.h"
#include "provider/base/scatter.h"
#include "provider/node/node_direct.h"
#include "provider/node/node_inlet.h"
#include "provider/node/node_iov.h"
#include "provider/node/node_match.h"
#include "provider/node/node_outlet.h"
#include "provider/base/pace.h"
#include "provider/node/node_segment.h"
#include "provider/node/node_way.h"

struct node_fabric {
    struct fid_fabric fid;
    atomic_int users;
};

struct node_domain {
    struct fid_domain fid;
    struct node_fabric *fabric;
    struct lock lock;
    atomic_int users;
    struct list eps;
    struct list mrs; /* registered memory, until and after an endpoint shows it to others */
    uint64_t mr_mode;
    uint64_t next_key;
};

struct node_av {
    struct fid_av fid;
    struct node_domain *domain;
    struct node_address *table; /* by fi_addr, for FI_AV_MAP and FI_AV_TABLE alike */
    size_t count, room;
    atomic_int users;
};

/* ---- Completions ---- */

/* One cache line. */
struct node_completion {
    struct fi_cq_tagged_entry entry;
    union {
        fi_addr_t source;
        size_t olen; /* of an error: bytes that found no room */
    };
    int error; /* 0, or the errno of an operation that failed */
};

/*
 * What wakes a thread of this process that sleeps on a queue or counter, when another thread's call
 * brings it something: the doorbell tells only of what comes from other processes.
 */
struct node_alarm {
    int fd;     /* an eventfd; -1 where nobody can sleep */
    bool armed; /* somebody sleeps, or is about to; guarded by the domain's lock */
};

struct node_cq {
    struct fid_cq fid;
    struct node_domain *domain;
    enum fi_cq_format format;
    enum fi_wait_obj wait_obj;
    struct list eps; /* of node_cq_link */
    /* A ring that grows: a completion is never lost. Indices run freely. */
    struct node_completion *ring;
    size_t mask;
    uint64_t head, tail;
    struct node_alarm alarm;
    bool signalled; /* fi_cq_signal */
    int epoll;      /* on the alarm and the endpoints' doorbells; -1 without FI_WAIT_FD */
    atomic_int users;
};

struct node_cntr {
    struct fid_cntr fid;
    struct node_domain *domain;
    enum fi_wait_obj wait_obj;
    _Atomic uint64_t value, errors;
    struct node_alarm alarm;
    struct list eps;
    atomic_int users;
};

enum node_event { /* which counter an operation moves */
                  NODE_SEND,
                  NODE_RECV,
                  NODE_READ,
                  NODE_WRITE,
                  NODE_EVENTS, /* none of them */
};

/* ---- Endpoints and peers ---- */

/* Who takes whose messages when, of those that go through one chunk: node_filling.h. */
struct node_dialogue {
    uint32_t sent;  /* by us */
    uint32_t taken; /* of the peer's */
    uint32_t told;  /* of ours that it had taken when it sent the last one that we took */
};

struct node_peer {
    struct node_outlet out;       /* the way to where it reads */
    struct node_segment *segment; /* the peer's, mapped */
    bool is_self;                 /* the process itself: its segment is mapped a second time */
    bool single_copy;             /* process_vm_readv works both ways */
    bool gone;             /* it ended before we met it: its cells are all that is left of it */
    bool ended;            /* seen when its chunks were taken back: no stream goes on into them */
    bool unrung;           /* it sleeps, and for want of a descriptor its bell was not rung */
    int doorbell;          /* write end of its pipe, opened at the first ring; < 0 before */
    struct node_map *maps; /* of its memory: node_mr.c */
    fi_addr_t fi_addr;     /* FI_ADDR_NOTAVAIL while it is in no address vector */
    struct list link;      /* in ep->all_peers */
    struct pace pace;      /* how near it is */
    struct node_ways ways; /* how its messages come to us: node_way.c */
    uint64_t waits_since;  /* ns, since when there were too few chunks for a train; 0: enough */
    unsigned chunks;       /* of ours that it has, or that we fill for it */
    struct node_dialogue dialogue; /* of messages that go through one chunk */
    unsigned offer_skip;           /* accesses to come for which nothing is offered: node_offer.c */
    unsigned offer_vain; /* what that was after the last offer in vain; 0: after a good one */
    unsigned writes; /* PUT and ATOMIC to it that are not answered: later accesses queue behind */
    /* What waits for room where it reads, or for a chunk: each in order, answers first. The bell
     * waits with them. */
    struct list controls, streams; /* of node_control, of node_op */
    struct list busy;              /* in ep->busy while one is not empty, or unrung */
    struct node_ep *ep;            /* whose peer it is */
};

/* A receive that is posted, or about to get a message. */
struct node_recv {
    struct node_posted posted;
    struct iovec iov[NODE_IOV];
    uint32_t iov_count;
    uint32_t flags; /* NODE_OP_* */
    size_t len;     /* room in iov */
};

/* What a cell announces, until a receive takes it. */
struct node_message {
    struct node_peer *peer;
    uint64_t tag, data;
    size_t len;
    uint8_t kind, flags; /* the cell's */
    uint8_t way;         /* enum node_way: what was wanted when it found its receive, */
    uint64_t timed;      /* and when (ns) that was; 0: it is not timed */
    uint32_t sent;       /* TRAIN, RTS: node_way_stamp */
    /* Where the bytes are: memory of this process or the segment (INLINE, CHUNK), or the sender's
     * own memory, to be fetched (RTS: address of the data, or of `pieces` iovecs). */
    const void *bytes;
    uint64_t address;
    uint32_t pieces;
    union {
        uint32_t pull; /* RTS: the sender's slot for copying together, or NODE_PULL_NONE */
        uint8_t chunks[NODE_TRAIN]; /* TRAIN */
    };
    uint64_t sender_op; /* to name in FIN, ACK, CTS; 0 none */
};

/* A message that came before its receive. */
struct node_unexpected {
    struct node_arrival arrival;
    struct node_message message;
    void *claimed; /* context of FI_CLAIM; NULL: still to be matched */
    unsigned char payload[NODE_CELL_PAYLOAD];
    void *block; /* exact-size copy of a longer payload; malloc'ed */
    bool stays;  /* it holds its sender and cannot be fetched */
};

enum {
    NODE_OP_COMPLETE = 1, /* writes a completion when it succeeds */
    NODE_OP_TAGGED = 2,
    NODE_OP_DELIVERY = 4, /* complete when the target has it */
    NODE_OP_REMOTE_DATA = 8,
};

enum node_op_kind {
    NODE_OP_SEND,      /* a message; a stream when the receiver asked for one */
    NODE_OP_STREAM_IN, /* a message that comes as a stream */
    NODE_OP_PUT,       /* a write by messages, in chunks */
    NODE_OP_GET,       /* a read by messages: what is wanted */
    NODE_OP_GET_REPLY, /* and the other end's stream */
    NODE_OP_ATOMIC,
};

enum { NODE_BLOCKS = 64 };

/* The blocks of a message that its receiver fetches. */
struct node_blocks {
    size_t count;
    struct iovec iov[NODE_BLOCKS];
};

/* An operation that is not over when its call returns. Its address is its name on the wire. */
struct node_op {
    struct list link; /* in peer->streams while data goes out, in ep->coming while some comes */
    enum node_op_kind kind;
    uint32_t flags;
    enum node_event event; /* what it counts as */
    uint64_t completion_flags;
    void *context;
    struct node_peer *peer;
    struct iovec iov[NODE_IOV];
    uint32_t iov_count;
    size_t len;                  /* of the data */
    struct node_blocks *blocks;  /* SEND: where the data is, told to the receiver; or NULL */
    size_t moved, limit;         /* streams: bytes done, bytes wanted */
    uint64_t partner;            /* streams: the receiver's op */
    struct node_message message; /* STREAM_IN: what the completion says */
    uint64_t address, key;       /* PUT: of the target's memory */
    uint64_t notice;             /* PUT: the data of FI_REMOTE_CQ_DATA, if flags have it */
    uint32_t pull;               /* SEND: our slot for copying together, or NODE_PULL_NONE */
};

/* A cell that found no room: the library's own answers, never the program's messages. */
struct node_control {
    struct list link; /* in peer->controls */
    uint64_t bits;    /* the word without its source */
    unsigned char payload[NODE_CELL_PAYLOAD];
};

/* Messages that are being copied together; node_pull.h. */
enum { NODE_PULL_NONE = UINT32_MAX };

struct node_pulls {
    unsigned active;     /* slots of ours that are out, and pulls of ours: 0 is nothing to do */
    struct list begun;   /* of node_pull: blocks may be left to take */
    unsigned long_begun; /* so many of those have more than one block */
    struct list ending;  /* all is taken: what the sender has taken is not all copied */
    uint64_t slots_used; /* bit i: slot i of our segment belongs to slot_op[i] */
    unsigned cursor;     /* the slot that we helped with last */
    struct node_op *slot_op[NODE_PULLS];
    struct pool pool;
};

/* Messages that are being fetched in one call; node_fetch.h. */
enum { NODE_FETCHES = 8 };

struct node_fetches {
    bool open; /* in a call of progress, which will fetch them */
    unsigned count;
    size_t bytes;
    struct node_fetch {
        struct node_recv recv; /* a copy: the posted one is given back */
        struct node_message message;
        size_t len; /* of it, that are wanted */
    } waiting[NODE_FETCHES];
};

struct node_ep {
    struct fid_ep fid;
    struct node_domain *domain;
    pid_t pid;         /* of the process that opened it; a child has only the shell of it */
    struct lock *lock; /* the domain's */
    struct node_av *av;
    struct node_cq *tx_cq, *rx_cq;
    struct node_cntr *cntr[NODE_EVENTS];
    uint64_t caps, tx_op_flags, rx_op_flags;
    bool tx_selective, rx_selective, enabled;

    uint64_t probe_word;
    struct node_segment *segment; /* ours */
    struct node_peer *self;       /* this process as its own peer; NULL before it was asked for */
    int segment_fd;
    struct node_inlet in; /* where we read */
    unsigned idle;        /* looks that found nothing */
    /* A cell that was taken and has not been filled since then; node_progress.c. */
    uint64_t hole, hole_since;
    int unmet; /* why the last one who wrote for the first time cannot be met (-errno), or 0 */

    struct node_peer **peers; /* by fi_addr; NULL before first contact */
    size_t peer_count;
    struct node_peer **sources; /* by place in our segment's list; NODE_SOURCES of them */
    struct list all_peers;

    struct node_match tagged, plain;
    struct pool recvs, unexpecteds, ops, controls, blocks;
    unsigned held;      /* of what is kept, announced ones that node_recv_take_in would fetch */
    size_t taken_in;    /* bytes of those that it has fetched */
    struct list busy;   /* peers for which something waits */
    struct list coming; /* of node_op: what others are to send us in pieces */
    struct node_pulls pulls;
    struct node_fetches fetches;
    struct node_work work; /* node_way.c */

    unsigned chunks_backed;           /* the first ones, which have memory */
    uint16_t chunk_free[NODE_CHUNKS]; /* a ring, in the order in which they came back */
    unsigned chunk_free_first, chunk_free_count;
    bool chunks_refused;              /* there is no memory for more, and that was said */
    unsigned chunk_next, chunk_ready; /* so many bytes of that one are ready for stores */
    uint16_t chunk_out[NODE_CHUNKS];  /* a ring of those that a reader has, oldest first */
    unsigned chunk_out_first, chunk_out_count;
    unsigned chunk_look;                       /* when so many are out, look which have come back */
    uint64_t chunks_reclaimed;                 /* ns, when that was last asked of the dead */
    unsigned chunk_lent[NODE_CHUNKS];          /* how often each has been */
    struct node_peer *chunk_peer[NODE_CHUNKS]; /* whom one that is not free is for, */
    bool chunk_in_train[NODE_CHUNKS];          /* and whether it is a train's */
    unsigned train_chunks;                     /* that are not free */

    int doorbell[2]; /* a pipe; -1 until somebody wants to sleep */
    struct list domain_link;
    struct node_ep_link {
        struct list link;
        struct node_ep *ep;
    } cq_links[2], cntr_links[NODE_EVENTS]; /* in the lists of what it is bound to */
};

/* ---- Cells ---- */

struct node_wire_chunk { /* behind it, the bytes that are there: node_filling.h */
    uint64_t op;         /* to acknowledge, or 0 */
    uint32_t chunk;
    uint32_t taken; /* node_dialogue's, of who sends this */
};

struct node_wire_train {
    uint64_t op; /* to acknowledge, or 0 */
    uint32_t len;
    uint32_t sent; /* node_way_stamp */
    uint8_t chunks[NODE_TRAIN];
};

struct node_wire_rts {
    uint64_t op, len, address;
    uint32_t pull;
    uint32_t sent; /* node_way_stamp */
};

struct node_wire_answer {
    uint64_t op;
    int64_t status; /* 0 or -errno */
};

struct node_wire_cts {
    uint64_t op, partner, limit;
};

struct node_wire_data {
    uint64_t partner, offset;
    uint32_t chunk;
};

struct node_wire_put {
    uint64_t op; /* to acknowledge after this chunk, or 0 */
    uint64_t address, key;
    uint32_t chunk;
};

struct node_wire_get {
    uint64_t op, address, key, len;
};

struct node_wire_notice {
    uint64_t data, len;
};

struct node_wire_atomic {
    uint64_t op; /* to answer */
    uint64_t address, key;
    uint32_t count;
    uint8_t type, operation, fetch;
    uint32_t chunk; /* operands, behind them what is compared with */
};

/* ---- What the files give each other ---- */

/* node_peer.c */
int node_peer_at(struct node_ep *ep, fi_addr_t address, struct node_peer **peer);
int node_peer_source(struct node_ep *ep, unsigned source, struct node_peer **peer);
/* As node_peer_at, for a receive: it may have ended, if it has sent before. */
int node_peer_heard(struct node_ep *ep, fi_addr_t address, struct node_peer **peer);
/* The address vector has grown, or lost one. */
void node_peer_known(struct node_ep *ep, fi_addr_t address);
void node_peer_forgotten(struct node_ep *ep, fi_addr_t address);
int node_peer_self(struct node_ep *ep, struct node_peer **peer); /* this endpoint as its own peer */
/* What waits for room is out, and what was sent through our chunks can be read when we are gone;
 * takes the lock. */
void node_peers_linger(struct node_ep *ep);
void node_peers_close(struct node_ep *ep);
/* node_place.c: as node_direct_ops.meet and place */
int node_place_meet(struct fid_ep *fid, cpu_set_t *taken, bool *first);
enum node_move node_place(struct fid_ep *fid, unsigned ranks, uint64_t mate, bool may_part,
                          cpu_set_t *to);

/* node_wait.c */
void node_alarm_ring(struct node_alarm *alarm);
/* Rings the bell that could not be rung; unrung says whether it still cannot. */
void node_bell_push(struct node_peer *peer);

static inline void node_alarm(struct node_alarm *alarm)
{
    if (__builtin_expect(alarm->armed, 0))
        node_alarm_ring(alarm);
}

static inline int node_peer_get(struct node_ep *ep, fi_addr_t address, struct node_peer **peer)
{
    if (__builtin_expect(address < ep->peer_count && ep->peers[address], 1)) {
        *peer = ep->peers[address];
        return 0;
    }
    return node_peer_at(ep, address, peer);
}

/* node_cell.c: a cell of the library's own, now; false where there is no room */
bool node_cell_put(struct node_peer *peer, enum node_kind kind, const void *payload, size_t len);
/* The same, later where there is no room. Where node_ep_ready said yes, one such call succeeds. */
void node_control_send(struct node_ep *ep, struct node_peer *peer, enum node_kind kind,
                       const void *payload, size_t len);
/* Something waits for the peer: node_ep_push will see to it. */
void node_peer_busy(struct node_ep *ep, struct node_peer *peer);
/* Sends what waits, as far as there is room. A peer without room keeps back only its own. */
void node_ep_push(struct node_ep *ep);

/* node_loss.c */
bool node_peer_is_gone(const struct node_peer *peer);
/* Ends what waits for those who are gone, once all that came from them is read. */
void node_losses_end(struct node_ep *ep);

/* node_chunk.c */
/* Its number, or -FI_EAGAIN; -FI_ENOSPC or -FI_ENOMEM where there is no memory for any. */
int node_chunk_take(struct node_ep *ep, struct node_peer *peer);
/* The same for a piece of a stream or put, with the cell that tells of it; -FI_EAGAIN also where
 * the peer is dead: one that had gone out whole would wait for its answer, and node_loss.c ends it.
 */
int node_chunk_take_piece(struct node_ep *ep, struct node_peer *peer, struct node_cell **cell,
                          uint64_t *stamp);
/* So many for a train, or none: 0 or -FI_EAGAIN. */
int node_chunks_take(struct node_ep *ep, struct node_peer *peer, unsigned count, uint8_t *chunks);
/* Whether a train for that peer has waited so long that it had better not. */
bool node_chunks_fail(const struct node_peer *peer);
void node_chunk_lend(struct node_ep *ep, unsigned chunk);   /* a reader has it now */
void node_chunk_return(struct node_ep *ep, unsigned chunk); /* it was not sent after all */
void node_chunks_open(struct node_ep *ep);
/* Copies bytes at .. at + len of the list into a chunk that the peer, or another one, had before.
 */
void node_chunk_fill(struct node_peer *peer, const struct iovec *iov, size_t count, size_t at,
                     void *to, size_t len);

/* Asks for the lines of the chunk that a distant peer's next message of that length is to go
 * through: they come while its reader, or this program, does something else. */
void node_chunk_prepare(struct node_ep *ep, const struct node_peer *peer, size_t len);

/* Whether a chunk that was lent has not come back. */
static inline bool node_chunk_is_out(struct node_ep *ep, unsigned chunk)
{
    return atomic_load_explicit(&ep->segment->chunks_back[chunk], memory_order_acquire) !=
           ep->chunk_lent[chunk];
}

/* The reader's side: the peer may use it again. */
static inline void node_chunk_release(struct node_peer *peer, unsigned chunk)
{
    atomic_uint *back = &peer->segment->chunks_back[chunk];

    atomic_store_explicit(back, atomic_load_explicit(back, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* node_send.c */
struct node_tx {
    const struct iovec *iov;
    size_t iov_count;
    fi_addr_t dest;
    uint64_t tag, data;
    uint64_t fi_flags; /* FI_COMPLETION, FI_DELIVERY_COMPLETE, FI_INJECT, FI_REMOTE_CQ_DATA */
    void *context;
    bool tagged;
};
ssize_t node_send(struct node_ep *ep, const struct node_tx *tx);
/* The same as tinjectdata, without its lock. */
ssize_t node_send_inject(struct node_ep *ep, const void *buf, size_t len, uint64_t dest,
                         uint64_t tag, uint64_t data);
void node_send_answered(struct node_ep *ep, const struct node_wire_answer *answer);
void node_send_cts(struct node_ep *ep, const struct node_wire_cts *cts);
/* Sends what of a stream finds room; true when all of it is out. */
bool node_stream_push(struct node_ep *ep, struct node_op *op);

/* node_recv.c */
struct node_rx {
    const struct iovec *iov;
    size_t iov_count;
    fi_addr_t source;
    uint64_t tag, ignore;
    uint64_t fi_flags; /* FI_COMPLETION, FI_PEEK, FI_CLAIM, FI_DISCARD */
    void *context;
    bool tagged;
};
ssize_t node_recv(struct node_ep *ep, struct node_rx *rx);
/* Posts a direct receive, or gives it a message that came before. */
int node_recv_posted(struct node_ep *ep, struct node_match *match, struct node_posted *p);
ssize_t node_recv_cancel(struct node_ep *ep, void *context);
/*
 * A message has arrived: matches it or keeps it. The cell may be reused on return. False: there is
 * no memory to keep it in, so it must stay where it is.
 */
bool node_recv_message(struct node_ep *ep, struct node_message *message);
void node_recv_data(struct node_ep *ep, struct node_peer *peer, const struct node_wire_data *data,
                    unsigned len);
/* Of a STREAM_IN nothing more comes: its sender is gone. */
void node_recv_lost(struct node_ep *ep, struct node_op *op);
/* The bytes of an announced message are there, or `error` (-errno) tells why not: ends it. */
void node_recv_fetched(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                       int error);
/*
 * Now and then, as long as nothing comes: fetches messages that are kept and that were announced
 * though they might have come through chunks, so that their senders are not held until somebody
 * receives them.
 */
void node_recv_take_in(struct node_ep *ep);
void node_unexpected_free(struct node_ep *ep, struct node_unexpected *u);
/* The oldest that matches such a receive, or NULL. */
struct node_unexpected *node_unexpected_find(struct node_match *match, uint64_t tag,
                                             uint64_t ignore, fi_addr_t source);
/* Takes it out of matching, for whoever names that context. */
void node_unexpected_claim(struct node_match *match, struct node_unexpected *u, void *context);
/* The one that was taken out for it, or NULL. */
struct node_unexpected *node_unexpected_claimed(struct node_match *match, const void *context);
void node_recvs_close(struct node_ep *ep);

/* node_rma.c */
void node_rma_put(struct node_ep *ep, struct node_peer *peer, const struct node_wire_put *put,
                  const struct node_cell *cell, unsigned len);
void node_rma_get(struct node_ep *ep, struct node_peer *peer, const struct node_wire_get *get);
void node_rma_notice(struct node_ep *ep, struct node_peer *peer,
                     const struct node_wire_notice *notice);
/* Sends what of a PUT or GET finds room; true when all of it is out. */
bool node_rma_push(struct node_ep *ep, struct node_op *op);
/* A piece of what a GET brings. */
void node_rma_data(struct node_ep *ep, struct node_op *op);

/* node_atomic.c */
void node_atomic_apply(struct node_ep *ep, struct node_peer *peer,
                       const struct node_wire_atomic *wire);
/* The answer to one of ours: takes the result out of its chunk where it is good. */
void node_atomic_answered(struct node_ep *ep, struct node_op *op, bool good);

/* node_mr.c: memory by key */
struct node_place {
    void *here;     /* where this process can load and store it, or NULL */
    uint64_t there; /* its address in the owner's space */
    bool shared;    /* a file that every process maps: the processor's atomics are the authority */
    bool whole;     /* the region is all of the address space: there may be no memory */
};
/* `len` bytes at `address` of the peer's region `key`: 0, -FI_ENOKEY, -FI_EACCES, -ERANGE. */
int node_place_find(struct node_ep *ep, struct node_peer *peer, uint64_t key, uint64_t address,
                    size_t len, unsigned access, struct node_place *place);
void node_maps_close(struct node_peer *peer);

/* Whom a receive is for, under the name that arrivals carry. */
static inline int node_source_name(struct node_ep *ep, fi_addr_t *source)
{
    struct node_peer *peer;
    int ret = 0;

    if (!(ep->caps & FI_DIRECTED_RECV))
        *source = FI_ADDR_UNSPEC;
    if (*source == FI_ADDR_UNSPEC)
        return 0;
    if (__builtin_expect(*source < ep->peer_count && ep->peers[*source], 1))
        peer = ep->peers[*source];
    else
        ret = node_peer_heard(ep, *source, &peer);
    if (!ret)
        *source = peer->fi_addr;
    return ret;
}

/* node_progress.c: reads what has come; true where there was something. A look does not go to all
 * writers; the second one is for those who must see what is there. */
bool node_ep_progress(struct node_ep *ep);
bool node_ep_progress_all(struct node_ep *ep);
/* What that is made of: the next cell, false where it must stay; and what comes after n cells, plus
 * how much it found to do. */
enum { NODE_BATCH = 64 }; /* cells a call: a flood must not keep its reader from its completions */
bool node_ep_step(struct node_ep *ep, const struct node_cell *cell, uint64_t word);
unsigned node_ep_rest(struct node_ep *ep, unsigned n);
/* Now and then, when nothing comes: passes over a cell whose writer died before it filled it. */
void node_ep_mend(struct node_ep *ep);

/*
 * node_cq.c: whether there is memory for what one more cell, or one more call, can bring about: a
 * completion in each queue and an answer. A completion or an answer that is due cannot be refused,
 * so where this says no the cell stays in the queue and the call returns -FI_EAGAIN.
 */
bool node_cq_grow(struct node_cq *cq);

static inline bool node_cq_room(struct node_cq *cq)
{
    return !cq || __builtin_expect(cq->tail - cq->head < cq->mask, 1) || node_cq_grow(cq);
}

static inline bool node_ep_ready(struct node_ep *ep)
{
    return node_cq_room(ep->tx_cq) && node_cq_room(ep->rx_cq) &&
           (__builtin_expect(ep->controls.free != NULL, 1) || !pool_grow(&ep->controls));
}

void node_complete(struct node_ep *ep, struct node_cq *cq, enum node_event event, void *context,
                   uint64_t flags, size_t len, void *buf, uint64_t data, uint64_t tag,
                   fi_addr_t source);
void node_complete_error(struct node_ep *ep, struct node_cq *cq, enum node_event event,
                         const struct fi_cq_err_entry *error);
void node_count(struct node_ep *ep, enum node_event event);

/* What an error that this provider reports means. */
const char *node_strerror(int error);

/* node_copy.c: `len` bytes between our memory and another process's, in one copy: 0 or -errno */
int node_copy(uint32_t pid, bool write, const struct iovec *ours, size_t our_count,
              const struct iovec *theirs, size_t their_count, size_t len);
/* Reads blocks that are equally long on both sides, `len` bytes in all: false where not all could
 * be read, or had better not be in one call. */
bool node_copy_blocks(uint32_t pid, const struct iovec *ours, const struct iovec *theirs,
                      size_t count, size_t len);

/* node_scatter.c: the list to send to the receiver, or NULL where it had better ask for a stream.
 */
struct node_blocks *node_scatter_blocks(struct node_ep *ep, const struct scatter *s);
/* Whether a single copy into that memory is worth its calls. */
bool node_scatter_fetches(const struct iovec *iov, unsigned count);
/* node_copy's read for scattered memory and long lists; `theirs` is used up. */
int node_scatter_fetch(uint32_t pid, const struct iovec *iov, unsigned count, struct iovec *theirs,
                       size_t their_count, size_t len);
ssize_t node_scatter_send(struct fid_ep *ep, const struct scatter *s, fi_addr_t dest, uint64_t tag,
                          uint64_t data, void *context);
ssize_t node_scatter_recv(struct fid_ep *ep, const struct scatter *s, fi_addr_t source,
                          uint64_t tag, uint64_t ignore, uint64_t flags, void *context);

#endif
