/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of provider/fabric share, and nobody else sees. */
#ifndef ORIEL_FABRIC_FABRIC_IMPL_H
#define ORIEL_FABRIC_FABRIC_IMPL_H

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "provider/base/list.h" /* before libfabric, which would define container_of itself */

#include <rdma/fabric.h>
#include <rdma/fi_atomic.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include "provider/fabric/fabric.h"
#include "provider/fabric/fabric_library.h"
#include "provider/base/hot.h"
#include "provider/node/node_direct.h"
#include "provider/node/node_rma_now.h"

enum fabric_kind {
    OP_SEND,
    OP_RECV,
    OP_DIRECT = FABRIC_DIRECT, /* a receive, posted by node_direct_ops: there is no bound on them */
    OP_BOTH,                   /* the same, and at the network's endpoint: fabric_both.c */
    OP_CLAIMED,
    OP_PEEK,
    OP_TRAP,  /* a receive for strangers' messages: fabric_veil.c */
    OP_NOTED, /* the last of the receives */
    OP_WRITE,
    OP_READ,
    OP_ADD,
    OP_NOTE,
};
enum fabric_state { OP_IDLE, OP_QUEUED, OP_POSTED = FABRIC_POSTED };

/* An operation's address is its context's: libfabric may use the words while it is posted. */
static_assert(offsetof(struct fabric_op, context) == 0, "the context is the operation's address");
static_assert(sizeof(((struct fabric_op *)0)->context) >= sizeof(struct fi_context2),
              "room for libfabric's context");

/* One of the two ways out. */
enum { END_NODE, END_NET, FABRIC_ENDS };

enum { CQ_BATCH = 16, ADDRESS_BYTES = 512 };

struct fabric_late;

struct fabric_end {
    const struct fabric_source *source;
    struct fi_info *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_av *av;
    struct fid_cq *cq;
    struct fid_ep *ep;
    const struct node_direct_ops *direct;   /* our own provider's; NULL elsewhere */
    const struct node_rma_now_ops *rma_now; /* the same */
    const unsigned *served;                 /* grows with what it did for others; NULL: not told */
    unsigned served_seen;                   /* what that was at the last look */
    const unsigned *arrived; /* grows with messages that came before receives; NULL: not told */
    bool adds;               /* fabric_fetch_add */
    int wait_fd; /* becomes readable when the completion queue may have something; -1: none */
    uint8_t index;

    /* Read from the completion queue and not dispatched yet: a nested call goes on from here. */
    struct fi_cq_tagged_entry entries[CQ_BATCH];
    unsigned entry, entry_count;
    /* The same, read by who could not dispatch them (fabric_cq_withdraw, _ask): after `entries`. */
    struct fabric_late *late;
    unsigned late_first, late_count, late_room;

    size_t inject, eager, transfer, word; /* as in struct fabric_limits */
    uint64_t veil;                        /* fabric_veil.c: what match bits travel with */
    uint32_t note_veil;
    void *tail; /* `eager` bytes that nobody reads; NULL where no receive needs them */
    /* Posted and not completed. `reserved`: receives that take none of the program's messages, or
     * one that is claimed; there is room for them however many others there are. */
    unsigned receives, reserved, sends;
    unsigned receives_max, reserved_max, sends_max;
    struct list waiting_receives; /* in the order of the calls, which is the order of matching */
    struct list waiting_reserved;
    struct list *looked; /* of waiting_receives, the next to look (fabric_surplus.c), or NULL */
    struct fabric_now now;
    bool open;
};

struct fabric_peer {
    struct fabric_peer_head head;
    uint32_t rank;
    struct list waiting; /* operations that the provider refused for now, in order */
    struct list blocked; /* in fabric.blocked while any waits */
    _Alignas(FABRIC_PEER_HEAD) char own[FABRIC_PEER_OWN];
};
static_assert(offsetof(struct fabric_peer, own) == FABRIC_PEER_HEAD, "the caller's place");

/* The one way to it. */
static inline struct fabric_end *fabric_end_to(const struct fabric_peer *peer)
{
    return container_of(peer->head.now, struct fabric_end, now);
}

struct fabric_region {
    struct fid_mr *mr[FABRIC_ENDS]; /* NULL for an empty region, and where nothing is open */
    struct fabric_key key;
};

struct fabric {
    struct fabric_end ends[FABRIC_ENDS];
    struct fabric_end *only; /* the open one, where there is one; NULL: both, or none */
    const struct node_direct_ops *direct; /* of our own provider's end; NULL where it is not open */
    unsigned withdrawn;                   /* receives, before they were posted */
    int wake_fd;          /* an eventfd, for threads that sleep while another makes progress */
    atomic_uint sleepers; /* threads from fabric_may_sleep to the end of fabric_sleep */
    uint32_t idle;        /* both open: looks in a row that found nothing */
    atomic_uint queued;   /* operations in the queues below */
    struct fabric_watch *watches;

    struct fabric_limits limits;
    struct list blocked; /* peers with operations waiting */

    struct fabric_peer **peers; /* by rank; NULL before first contact */
    uint32_t peer_count;
    bool open, exchanged;
    bool moved; /* some rank's network was not the right one at first */
};

extern struct fabric fabric;

/* ---- fabric.c ---- */

/* The address of that rank at that end; -ENOENT. After the exchange. */
int fabric_address(uint32_t rank, int end, char name[ADDRESS_BYTES]);
const char *fabric_end_provider(const struct fabric_end *e);

/* ---- fabric_select.c ---- */

/* What one source has. */
struct fabric_offer {
    const struct fabric_source *source;
    struct fi_info *list;
};

struct fabric_choice {
    const struct fabric_source *source;
    struct fi_info *info; /* within its offer's list */
    int rank;             /* higher is better */
    const char *why;      /* not to be used; NULL where it may */
    uint32_t speed;       /* of its interface, Mbit/s; 0 where unknown */
    unsigned place;       /* in the lists */
    int error;            /* -errno: it may be used and did not open */
};

enum { FABRIC_OFFERS = 2 }; /* libfabric's and our own over sockets */

struct fabric_choices {
    struct fabric_offer offers[FABRIC_OFFERS];
    unsigned offer_count;
    struct fabric_choice *best; /* best first */
    unsigned count;
};

/*
 * Whether our own provider is to be used: a job on one host, and ORIEL_PROVIDER names no other one.
 */
bool fabric_wants_node(void);
/* The same for a job on several hosts: whether this host's ranks are to have it beside a network.
 */
bool fabric_wants_node_beside(void);
/* What our own provider offers for that: 0, -ENODATA or -ENOMEM. */
int fabric_choices_node(struct fabric_choices *c);
/* What is to be opened of a network's choice, the caller's to free, or NULL: there is no memory.
 * With remote atomics where windows are locked by them and the provider has some. */
struct fi_info *fabric_choice_info(const struct fabric_source *source,
                                   const struct fi_info *choice);
/*
 * All networks: 0, also where nothing may be used; -ENOMEM, -ENOENT. The caller closes. libfabric
 * is asked where one of its providers is named, where the host may have a device for it, and where
 * the caller wants to see `all`.
 */
int fabric_choices_open(struct fabric_choices *c, bool one_host, bool all);
void fabric_choices_close(struct fabric_choices *c);
/* One line that says why nothing opened. */
void fabric_choices_explain(const struct fabric_choices *c, char *why, size_t room);

/* Whether sockets must not be taken though they opened: it says why and which variable allows them.
 */
bool fabric_choices_refuse(const struct fabric_choices *c, const struct fi_info *opened, char *why,
                           size_t room);

/* ---- fabric_agree.c ---- */

struct interface_address;
/* This host's address beside that network, or on it where it is an IP one: 0 or -errno. */
int fabric_agree_address(const struct fi_info *opened, struct interface_address *own);

/*
 * For a job on several hosts. Before the exchange: this host opened that one, or (`opened` NULL)
 * none, and why.
 */
int fabric_agree_tell(const struct fabric_choices *c, const struct fi_info *opened,
                      const char *why);

struct fabric_verdict {
    const struct fi_info *right; /* of the choices: the one to use */
    bool moves;    /* some rank has another one open: all exchange addresses once more */
    char why[512]; /* an error in one sentence, the same on all ranks */
};
/*
 * After the exchange, which it waits for: what all ranks conclude. -ENOTCONN: the job cannot go on,
 * on all ranks alike. -ENODATA: this rank cannot.
 */
int fabric_agree(const struct fabric_choices *c, const struct fi_info *opened,
                 struct fabric_verdict *verdict);

/* ---- fabric_quirks.c: the only file that knows providers by name ---- */

enum fabric_quirk {
    QUIRK_RANK,
    QUIRK_TAIL,
    QUIRK_EMULATED,
    QUIRK_ALONE,
    QUIRK_CLOCK,
    QUIRK_PIECE,
    QUIRK_PARTING,
    QUIRK_ATOMICS,
    QUIRK_SOCKETS,
    QUIRK_EAGER,
    QUIRK_PROVEN,
    QUIRK_REFUSE
};

/* True where the table has a row; the first that fits counts. */
bool fabric_quirk(const char *provider, enum fabric_quirk field, long *value, const char **why);
/* Settings that libfabric reads from the environment, where the user has none. Before any fi_ call.
 */
void fabric_quirks_environment(const char *job, uint32_t job_size, uint32_t version, bool sockets);
/* The same, for what is read as libfabric is loaded. */
void fabric_quirks_before_load(void);
/* The longest message that may come before its receive is known to the sender. */
size_t fabric_quirks_eager(const struct fi_info *info);

/* ---- fabric_post.c ---- */

/* The one way to the provider: posts, or queues what is refused for now. 0 or -errno. */
int fabric_post(struct fabric_op *op);
/* Posts what was queued, as far as it goes. */
void fabric_post_queued(void);
/* Says to all who receive at once, without posting, whether that is possible. */
void fabric_now_update(struct fabric_end *e);
/* Takes a queued operation back; false where it is not queued, or has a message already. */
bool fabric_post_withdraw(struct fabric_op *op);

/* ---- fabric_surplus.c ---- */

/* Messages that have come, for receives that wait to be posted: some of them look. */
void fabric_surplus_match(struct fabric_end *e);
/* As fabric_tpeek, where receives wait: what one of these finds is -ENOMSG for others. */
int fabric_surplus_peek(struct fabric_end *e, struct fabric_peer *from, struct fabric_op *claim,
                        uint64_t tag, uint64_t ignore, struct fabric_event *found);

/* ---- fabric_note.c ---- */

/* Posts an end's receives for notes; 0 or -errno. */
int fabric_notes_open(struct fabric_end *e);

/* ---- fabric_veil.c ---- */

/* Before the end's first receive, and after the exchange: 0 or -errno. */
int fabric_veil_open(struct fabric_end *e);
/* A message came that does not have the secret. */
void fabric_veil_dropped(void);
/* The bits of a tag that the provider carries. */
uint64_t fabric_tag_mask(const struct fi_info *info);

/* ---- fabric_rma.c ---- */

/*
 * Whether an end that has just been opened registers memory at all: 0 or -errno. rxm does so only
 * when the first peer connects, and where it is refused then, both wait for ever.
 */
int fabric_region_try(struct fabric_end *e);

/* ---- fabric_cq.c ---- */

/* Notices that `op` completed; the operation itself may be gone by then. */
struct fabric_watch {
    const struct fabric_op *op;
    bool seen;
    struct fabric_watch *outer;
};

/* Hands the operation back to its owner. */
static inline void fabric_finish(struct fabric_op *op, const struct fabric_event *event)
{
    op->state = OP_IDLE;
    for (struct fabric_watch *w = fabric.watches; w; w = w->outer)
        w->seen |= w->op == op;
    op->done(op, event);
}

void fabric_watch(struct fabric_watch *w, const struct fabric_op *op);
void fabric_unwatch(struct fabric_watch *w);
/* Reads and dispatches one batch, of one end or of all. How many, or -errno. */
int fabric_cq_poll_end(struct fabric_end *e);
int fabric_cq_poll(void);
/*
 * Cancels a posted receive of an end whose provider answers at once, and dispatches nothing. True:
 * it is the caller's again. False: it had matched, and completes as ever.
 */
bool fabric_cq_withdraw(struct fabric_op *op);
/*
 * Posts a peek and reads its answer, which is not dispatched; nor is what comes before it, which
 * waits for the next poll. 0 and what was found, -ENOMSG, or -errno; the operation is the
 * caller's again.
 */
int fabric_cq_ask(struct fabric_op *peek, struct fabric_event *found);
/* Whether something has been read that is still to be dispatched. */
static inline bool fabric_cq_pending(const struct fabric_end *e)
{
    return e->entry < e->entry_count || e->late_count;
}
/* libfabric's error number (either sign) as -errno. */
int fabric_errno(long error);

static inline bool fabric_is_receive(const struct fabric_op *op)
{
    return op->kind >= OP_RECV && op->kind <= OP_NOTED;
}

static inline bool fabric_is_reserved(const struct fabric_op *op)
{
    return op->kind == OP_CLAIMED || op->kind == OP_TRAP || op->kind == OP_NOTED;
}

static inline struct fabric_end *fabric_end_of(const struct fabric_op *op)
{
    return &fabric.ends[op->end];
}

/* Where such operations are counted while they are posted. */
static inline unsigned *fabric_posted(const struct fabric_op *op)
{
    struct fabric_end *e = fabric_end_of(op);

    return fabric_is_reserved(op) ? &e->reserved : fabric_is_receive(op) ? &e->receives : &e->sends;
}

/* ---- fabric_tagged.c ---- */

/* A receive by libfabric's calls, at that end; op->peer is set. */
int fabric_trecv_end(struct fabric_end *e, struct fabric_op *op, void *buf, size_t len,
                     uint64_t tag, uint64_t ignore);
/* A receive of no bytes that counts as none of the program's. */
int fabric_trap(struct fabric_end *e, struct fabric_op *op, uint64_t tag, uint64_t ignore);

/* ---- fabric_both.c ---- */

/* Posts a receive from any source at both ends. */
int fabric_both_post(struct fabric_op *op, void *buf, size_t len, uint64_t tag, uint64_t ignore);
/* One end has completed it, our own provider's: dispatch's part. */
void fabric_both_done(struct fabric_op *op, const struct fabric_event *event);
void fabric_both_cancel(struct fabric_op *op);
void fabric_both_close(void);

/* A peek's answer is for the caller of fabric_tpeek, not for the operation's owner. */
struct fabric_peek {
    struct fabric_event event;
    bool answered;
};

#endif
