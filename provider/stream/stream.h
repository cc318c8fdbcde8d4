/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stream provider: libfabric's interface over TCP connections. Private to provider/stream; the
 * outside sees stream_provider.h and fi_* calls.
 *
 *     stream_fabric <- stream_domain <- stream_av, stream_cq, stream_ep, stream_mr
 *
 * An endpoint owns a listening socket and, for every process it has met, a peer with at most one
 * connection, which either side may begin. What travels is frames: a header, and the bytes that it
 * tells of. Messages of up to STREAM_EAGER bytes come with their header; longer ones are announced
 * (RTS), asked for once a receive is there (CTS) and come as DATA, straight into the receive's
 * memory. Writes and reads of remote memory are frames that the target's progress serves.
 *
 * Names on the wire are numbers in tables, keys and offsets, never addresses: a frame that names
 * what is not there is refused.
 *
 * Threads: the program serialises all calls on a domain's objects (FI_THREAD_DOMAIN).
 *
 * Errors: 0 or -errno (libfabric's FI_E* are errno's values). -FI_EAGAIN: nothing was done, make
 * progress and call again.
 */
#ifndef ORIEL_STREAM_STREAM_H
#define ORIEL_STREAM_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "provider/base/list.h" /* before libfabric, which would define container_of itself */

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include "provider/base/hot.h"
#include "provider/base/pool.h"
#include "provider/node/node_iov.h"
#include "provider/node/node_match.h"
#include "provider/stream/stream_provider.h"

enum {
    STREAM_IOV = NODE_IOV,    /* pieces of a program's buffer */
    STREAM_EAGER = 128 << 10, /* bytes that may come before a receive is known */
    STREAM_INJECT = 16 << 10,
    STREAM_QUEUE = 1 << 16,   /* operations at once: memory is the limit */
    STREAM_SCRATCH = 8 << 10, /* bytes read at once where it is not known yet whose they are */
};

/* An IP address and port, comparable by memcmp. */
struct stream_address {
    uint8_t family, unused;
    uint16_t port; /* network order, as are the bytes */
    uint8_t bytes[16];
};

/* ---- Frames: as the processor has its numbers, which the greeting makes sure of ---- */

enum stream_kind {
    STREAM_MESSAGE, /* tag, data, len; its bytes follow */
    STREAM_RTS,     /* id of the sender's operation; tag, data, len */
    STREAM_CTS,     /* id of the sender's operation; tag: the receiver's; len: bytes wanted */
    STREAM_DATA,    /* id of the receiver's operation; its bytes follow */
    STREAM_WRITE,   /* id; tag: offset; data: key; its bytes follow */
    STREAM_READ,    /* id; tag: offset; data: key; len */
    STREAM_REPLY,   /* id of the read; its bytes follow */
    STREAM_DONE,    /* id of the write, read or receive; data: 0 or -errno */
};

enum { STREAM_TAGGED = 1, STREAM_HAS_DATA = 2 }; /* flags */

struct stream_header {
    uint8_t kind, flags;
    uint16_t unused;
    uint32_t id;
    uint64_t len, tag, data;
};

#define STREAM_MAGIC   UINT64_C(0x32304c4549524f) /* "ORIEL02": 02 is the format's version */
#define STREAM_WELCOME (STREAM_MAGIC ^ UINT64_C(1) << 63)

/* Whole frames between two peers, over all their connections: what one has sent the other has
 * heard, or it was lost with a connection. */
struct stream_tally {
    uint32_t sent, heard;
};

/* What is said first, by who connects; and its answer, which lets it go on. */
struct stream_hello {
    uint64_t magic;
    uint8_t proof[STREAM_PROOF];
    struct stream_address from; /* whose listening socket is where */
    struct stream_tally tally;
    uint32_t unused;
};

struct stream_welcome {
    uint64_t magic; /* STREAM_WELCOME: a hello that is sent back is none */
    uint8_t proof[STREAM_PROOF];
    struct stream_tally tally;
};

/* ---- Objects ---- */

struct stream_fabric {
    struct fid_fabric fid;
    int users;
};

enum { STREAM_MR_BUCKETS = 64 };

struct stream_domain {
    struct fid_domain fid;
    struct stream_fabric *fabric;
    int users;
    struct stream_ep *ep;               /* its one endpoint, or NULL */
    struct list mrs[STREAM_MR_BUCKETS]; /* by key */
};

struct stream_mr {
    struct fid_mr fid;
    struct stream_domain *domain;
    struct list link;
    unsigned char *base;
    size_t len;
    uint64_t access;
};

struct stream_av {
    struct fid_av fid;
    struct stream_domain *domain;
    struct stream_ep *ep; /* that it is bound to, or NULL */
    struct stream_address *table;
    size_t count, room;
};

struct stream_completion {
    struct fi_cq_tagged_entry entry;
    size_t olen; /* of an error: bytes that found no room */
    int error;   /* 0, or the errno of an operation that failed */
};

/* What a socket in the epoll set is. */
enum stream_watched { STREAM_LISTENER, STREAM_GUEST, STREAM_PEER, STREAM_TIMER, STREAM_BELL };

struct stream_socket {
    int fd; /* -1: none */
    enum stream_watched what;
    bool writable; /* whether it is watched for room, too */
};

struct stream_cq {
    struct fid_cq fid;
    struct stream_domain *domain;
    struct stream_ep *ep; /* that it is bound to, or NULL */
    /* A ring that grows: a completion is never lost. Indices run freely. */
    struct stream_completion *ring;
    size_t mask;
    uint64_t head, tail;
    int epoll; /* on all of the endpoint's sockets: the wait object */
    /* An eventfd for those who sleep on it when another thread's call completes something; armed:
     * somebody may sleep; rung: it is readable; reading: who reads the queue sees all by himself.
     */
    struct stream_socket bell;
    bool armed, rung, reading;
};

/* Somebody who has connected and not said all of his hello. */
struct stream_guest {
    struct stream_socket socket;
    struct list link; /* in ep->guests, oldest first */
    uint64_t until;   /* ns: patience */
    size_t got;
    struct stream_hello hello;
};

enum stream_op_kind {
    STREAM_OP_SEND,      /* a message: over when its bytes have been taken */
    STREAM_OP_ANNOUNCED, /* one that nobody has asked for yet */
    STREAM_OP_RECV,      /* a message that was announced, and is coming */
    STREAM_OP_WRITE,     /* over when DONE comes */
    STREAM_OP_READ,      /* over when its bytes have come */
    STREAM_OP_ANSWER,    /* a reply to a read of somebody else's: nobody waits for it */
};

/* An operation that is not over when its call returns. */
struct stream_op {
    uint32_t id; /* its name on the wire: stream_op.c */
    uint8_t kind;
    uint32_t next;            /* free ones: the next of them */
    struct stream_peer *peer; /* NULL: it is free */
    void *context;
    uint64_t flags; /* of its completion */
    uint64_t tag, data;
    size_t len;   /* to be moved */
    size_t whole; /* of a message that is received: its length */
    struct iovec iov[STREAM_IOV];
    uint32_t iov_count;
};

/* A receive that is posted, or has got a message whose bytes are on the way. */
struct stream_recv {
    struct node_posted posted; /* its buf: the context */
    struct iovec iov[STREAM_IOV];
    uint32_t iov_count;
    size_t len; /* room in iov */
};

/* A message that came before its receive. */
struct stream_unexpected {
    struct node_arrival arrival;
    struct stream_peer *peer;
    struct stream_header header; /* MESSAGE or RTS */
    bool whole;                  /* all of its bytes have come */
    void *claimed;               /* the context of FI_CLAIM, or NULL */
    struct stream_recv *taker;   /* a receive that waits for the rest of it, or NULL */
    void *block;                 /* its bytes; NULL where there are none */
};

/* The bytes of a frame, which are coming: where they go. */
enum stream_body_kind {
    STREAM_BODY_NONE,
    STREAM_BODY_RECV, /* recv */
    STREAM_BODY_KEPT, /* kept */
    STREAM_BODY_OP,   /* op: RECV or READ */
    STREAM_BODY_WRITE,
};

struct stream_body {
    enum stream_body_kind kind;
    int error;     /* -errno of a write that is refused */
    uint64_t left; /* bytes to come; those beyond iov are dropped */
    struct iovec iov[STREAM_IOV];
    unsigned iov_first, iov_count;
    struct stream_header header;
    union {
        struct stream_recv *recv;
        struct stream_unexpected *kept;
        struct stream_op *op;
    };
};

enum stream_state {
    STREAM_IDLE,
    STREAM_DIALING, /* connecting, or waiting for the welcome */
    STREAM_UP,
    STREAM_LOST,   /* the connection broke: what waits ends with an error after some time */
    STREAM_BROKEN, /* and messages were lost with it, so there is none any more: for good */
};

struct stream_peer {
    struct stream_socket socket;
    struct stream_address address;
    fi_addr_t fi_addr; /* FI_ADDR_NOTAVAIL while it is in no address vector */
    struct list link;  /* in ep->peers */
    enum stream_state state;
    bool is_self;
    uint64_t dialed;     /* ns: the last call */
    bool greeted;        /* DIALING: our hello has been said */
    bool silent;         /* its host does not answer, and we have said so */
    struct list out;     /* of stream_out, what waits for room or for the connection */
    struct list trouble; /* in ep->troubled while a time is set */
    uint64_t give_up;    /* ns: when what waits ends with an error; 0: not */
    uint64_t retry;      /* ns: when to dial again; 0: not */
    unsigned retries;    /* since there was a connection */
    int error;           /* why it was lost: -errno */
    struct stream_tally tally;
    unsigned in_row;  /* short reads since the last write: stream_watch.c */
    uint64_t read_at; /* ns: the last of them, once there are some */
    /* Reading: the welcome or a header, as far as it has come, and a frame's bytes. */
    unsigned got;
    unsigned char start[sizeof(struct stream_header)];
    struct stream_body body;
};

/* A frame that was not written whole. */
struct stream_out {
    struct list link;
    struct stream_op *op; /* whose bytes they are, or NULL: copied */
    uint32_t id;          /* the operation's, which may have ended meanwhile */
    struct stream_header header;
    struct iovec iov[STREAM_IOV + 1]; /* what is left of it */
    unsigned first, count;
    unsigned char copy[];
};

struct stream_ep {
    struct fid_ep fid;
    struct stream_domain *domain;
    pid_t pid; /* of the process that opened it; a child has only the shell of it */
    struct stream_av *av;
    struct stream_cq *cq;
    bool enabled;
    struct stream_address address;        /* ours */
    struct stream_socket listener, timer; /* the timer runs while a peer is troubled */
    bool proven;
    uint8_t proof[STREAM_PROOF];

    struct stream_peer **by_addr; /* by fi_addr; NULL before first contact */
    size_t by_addr_count;
    struct list peers;        /* all of them */
    struct list troubled;     /* those with a time set */
    uint64_t patience;        /* ns: with a peer that does not let us in; tests shorten it */
    uint64_t looked;          /* ns: the last look while there were some */
    struct list guests, gone; /* `gone`: to be freed, as an event may name them still */
    unsigned guest_count, connections;
    struct stream_peer *hot; /* who spoke last, or NULL */
    unsigned hot_reads;      /* of it, and of nobody else, since anybody thought of sleeping */
    bool spared;             /* its socket is not in the set, and the bell rings */
    unsigned idle;           /* looks since the last at all sockets */
    uint64_t rest_until;     /* ns: no looks before; 0: now */
    /* Whose next frame has no memory, or NULL, and where in the scratch what was read of it lies.
     */
    struct stream_peer *stuck;
    const unsigned char *stuck_from;
    size_t stuck_len;
    bool stuck_told;

    unsigned served; /* stream_provider.h */

    struct node_match tagged, plain;
    struct pool recvs, unexpecteds;
    struct stream_op **ops; /* by place */
    uint32_t op_count, op_room, op_free;

    unsigned char scratch[STREAM_SCRATCH];
};

enum { STREAM_NO_ID = UINT32_MAX, STREAM_LOOK = 1 << 16 }; /* of ep->idle: look at all, next */

/* ---- What the files give each other ---- */

/* stream_domain.c */
int stream_mr_find(struct stream_domain *domain, uint64_t key, uint64_t offset, uint64_t len,
                   uint64_t access, void **place);

/* stream_address.c */
/* From a sockaddr_in or _in6: 0 or -FI_EINVAL. And back: its length. */
int stream_address_read(struct stream_address *a, const void *sockaddr);
socklen_t stream_address_write(const struct stream_address *a, struct sockaddr_storage *to);
int stream_address_compare(const struct stream_address *a, const struct stream_address *b);
int stream_av_open(struct fid_domain *domain, struct fi_av_attr *attr, struct fid_av **av,
                   void *context);

/* stream_cq.c */
int stream_cq_open(struct fid_domain *domain, struct fi_cq_attr *attr, struct fid_cq **cq,
                   void *context);
int stream_trywait(struct fid_fabric *fabric, struct fid **fids, int count);
void stream_complete(struct stream_ep *ep, const struct stream_completion *c);
/* Wakes those who sleep, and those who have leave to, until the next. */
void stream_cq_wake(struct stream_cq *cq);
void stream_cq_quiet(struct stream_cq *cq);

/* stream_ep.c */
int stream_endpoint(struct fid_domain *domain, struct fi_info *info, struct fid_ep **ep,
                    void *context);

/* stream_op.c */
/* An operation, or NULL: there is no memory. */
struct stream_op *stream_op_get(struct stream_ep *ep, enum stream_op_kind kind,
                                struct stream_peer *peer);
void stream_op_put(struct stream_ep *ep, struct stream_op *op);
/* The one of that name, if it is of that kind and has to do with that peer; else NULL. */
struct stream_op *stream_op_find(struct stream_ep *ep, uint32_t id, enum stream_op_kind kind,
                                 const struct stream_peer *peer);
/* Writes its completion (error: 0 or -errno) and gives it back. */
void stream_op_end(struct stream_ep *ep, struct stream_op *op, int error);
/* All that have to do with the peer end with that error. */
void stream_ops_fail(struct stream_ep *ep, const struct stream_peer *peer, int error);
bool stream_ops_any(const struct stream_ep *ep, const struct stream_peer *peer);
void stream_ops_close(struct stream_ep *ep);

/* stream_watch.c: the set of sockets that progress and sleepers look at */
int stream_watch(struct stream_ep *ep, struct stream_socket *s);
void stream_watch_room(struct stream_ep *ep, struct stream_socket *s, bool wanted);
void stream_unwatch(struct stream_ep *ep, struct stream_socket *s);
/* The speaker's socket is in the set, too, as whoever sleeps needs it: or false, no memory. */
bool stream_watch_all(struct stream_ep *ep);
/* It has spoken; it is to be taken for the one that speaks next (NULL: nobody). */
void stream_watch_spoke(struct stream_ep *ep, struct stream_peer *peer);
void stream_watch_hot(struct stream_ep *ep, struct stream_peer *peer);
/* Wakes sleepers now and then, or not any more. */
void stream_watch_timer(struct stream_ep *ep, bool on);
/* Looks at all. */
void stream_watch_look(struct stream_ep *ep);
/* So many bytes were read from it. */
void stream_watch_pace(struct stream_ep *ep, struct stream_peer *peer, size_t n);
/* Reads what has come, from where it is most likely. */
void stream_progress(struct stream_ep *ep);

/* stream_peer.c */
int stream_peer_get(struct stream_ep *ep, fi_addr_t address, struct stream_peer **peer);
/* By its address, made where it is new; NULL: no memory. */
struct stream_peer *stream_peer_of(struct stream_ep *ep, const struct stream_address *a);
/* The address vector has got it. */
void stream_peer_known(struct stream_ep *ep, fi_addr_t address, const struct stream_address *a);
/* The connection has gone, for that reason (-errno, 0: the peer closed it). */
void stream_peer_lost(struct stream_ep *ep, struct stream_peer *peer, int error);
/* The clock goes on; before anything of what has come is seen. */
void stream_peers_look(struct stream_ep *ep);
/* What was due by the clock. */
void stream_peers_tick(struct stream_ep *ep);
void stream_peers_close(struct stream_ep *ep);
/* What was lost cannot be made good. */
void stream_peer_break(struct stream_ep *ep, struct stream_peer *peer);
/* Its connection is there: what waits goes out. */
void stream_peer_up(struct stream_ep *ep, struct stream_peer *peer);
/* To be looked at by the clock. */
void stream_peer_trouble(struct stream_ep *ep, struct stream_peer *peer);
void stream_peer_hang_up(struct stream_ep *ep, struct stream_peer *peer);

/* stream_dial.c: from no connection to one */
/* Begins to connect where there is none. */
void stream_dial(struct stream_ep *ep, struct stream_peer *peer);
/* A dialled socket is writable, or readable before its peer is up. */
void stream_dial_event(struct stream_ep *ep, struct stream_peer *peer);
void stream_accept(struct stream_ep *ep);
void stream_guest_read(struct stream_ep *ep, struct stream_guest *guest);
void stream_guests_tick(struct stream_ep *ep, uint64_t now);
/* Frees those that are gone. */
void stream_guests_sweep(struct stream_ep *ep);
void stream_guests_close(struct stream_ep *ep);

/* stream_out.c */
/*
 * Sends a frame, with those bytes behind its header. With an operation they stay where they are,
 * and a send or an answer ends when the last has been taken. Without one they are copied where it
 * `must` wait; else it goes now, at least its beginning, or not at all: -FI_EAGAIN, unless the
 * connection is in trouble. -FI_ENOMEM: nothing was done, or the connection is lost.
 */
int stream_out(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h,
               const struct iovec *iov, unsigned count, struct stream_op *op, bool must);
/* There may be room. */
void stream_out_push(struct stream_ep *ep, struct stream_peer *peer);
/* What waits is forgotten; its operations are not ended, messages without one are told of. */
void stream_out_drop(struct stream_ep *ep, struct stream_peer *peer, int error);

/* stream_in.c */
/* Reads from an open connection once; bytes, 0 where there were none. May lose the peer. */
size_t stream_in_read(struct stream_ep *ep, struct stream_peer *peer);
/* Where ep->stuck: tries again; false: there is no memory yet. */
bool stream_in_retry(struct stream_ep *ep);
/* The same frame from ourselves. -FI_ENOMEM: nothing was done. */
int stream_in_local(struct stream_ep *ep, struct stream_peer *self, const struct stream_header *h,
                    const struct iovec *iov, unsigned count);
/* That memory is going: what is being written there is dropped. */
void stream_in_unregister(struct stream_ep *ep, uint64_t key);
/* The connection is no more: what was half read ends. */
void stream_in_drop(struct stream_ep *ep, struct stream_peer *peer, int error);

/* stream_recv.c */
struct stream_rx {
    const struct iovec *iov;
    size_t iov_count;
    fi_addr_t source;
    uint64_t tag, ignore, flags;
    void *context;
    bool tagged;
};
ssize_t stream_recv(struct stream_ep *ep, struct stream_rx *rx);
ssize_t stream_recv_cancel(struct stream_ep *ep, void *context);
/* A MESSAGE or RTS has come: where its bytes go. False: there is no memory for it. */
bool stream_recv_begin(struct stream_ep *ep, struct stream_peer *peer,
                       const struct stream_header *h, struct stream_body *body);
/* And now they are there, or (error: -errno) will not be: for a receive, or where it is kept. */
void stream_recv_end(struct stream_ep *ep, struct stream_recv *r, const struct stream_header *h,
                     int error);
void stream_kept_end(struct stream_ep *ep, struct stream_unexpected *u, int error);
void stream_recvs_close(struct stream_ep *ep);

/* stream_message.c: libfabric's calls for messages */
extern struct fi_ops_tagged stream_tagged_ops;
extern struct fi_ops_msg stream_msg_ops;

/* stream_send.c */
struct stream_tx {
    const struct iovec *iov;
    size_t iov_count;
    fi_addr_t dest;
    uint64_t tag, data;
    uint8_t flags; /* STREAM_TAGGED, STREAM_HAS_DATA */
    bool inject;   /* the buffer is free on return, and nothing is told */
    void *context;
};
ssize_t stream_send(struct stream_ep *ep, const struct stream_tx *tx);
void stream_send_cts(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h);

/* stream_rma.c */
extern struct fi_ops_rma stream_rma_ops;
void stream_rma_write(struct stream_ep *ep, const struct stream_header *h,
                      struct stream_body *body);
void stream_rma_read(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h);
void stream_rma_done(struct stream_ep *ep, struct stream_peer *peer, const struct stream_header *h);
void stream_answer(struct stream_ep *ep, struct stream_peer *peer, uint32_t id, int error);

/* Of any number of pieces, where node_iov_length has another meaning for NODE_SCATTER of them. */
static inline size_t stream_iov_length(const struct iovec *iov, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += iov[i].iov_len;
    return len;
}

#endif
