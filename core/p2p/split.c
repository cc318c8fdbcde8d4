/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "core/object/err.h"
#include "core/p2p/split.h"

enum {
    AT_ONCE = 8,      /* pieces of a message under way */
    NUMBER_BITS = 31, /* of the receiver's */
    SEND_BITS = 19,   /* of the sender's, at most */
    PIECES_BITS = 20,
};

#define PIECE_MATCH  ((uint64_t)CHANNEL_PIECE << 56)
#define ANSWER_MATCH (PIECE_MATCH | UINT64_C(1) << (PIECES_BITS + NUMBER_BITS))

_Static_assert(!(ANSWER_MATCH & FABRIC_EMPTY_BITS), "these bits are the provider's");

/* A part of scattered memory, as the whole of what an operation moves. */
struct part_of {
    struct scatter scatter;
    const struct scatter *whole;
    size_t from;
};

struct piece {
    struct fabric_op op;
    struct split *split;
    struct part_of place;
    uint32_t index;
};

/* What the receiver tells the sender. */
struct answer {
    uint64_t number, bytes; /* bytes: of the whole message, head included */
};

/* One message, on either side. */
struct split {
    struct request *r; /* NULL: a send whose head could not be posted */
    struct fabric_peer *peer;
    char *data;                  /* where the bytes are, or */
    const struct scatter *whole; /* in which memory */
    size_t head, end;            /* bytes: of the head; that are to move in all */
    uint64_t match;              /* of the pieces, but for their index */
    unsigned under_way;          /* operations, and 1 while they are posted */
    bool sends;
    uint32_t number; /* of a send */
    int error;       /* -errno */
    struct answer answer;
    struct fabric_op answering; /* the answer's way: received by the sender */
    struct part_of first;       /* the head's place, at the sender */
    struct piece pieces[AT_ONCE];
};

static uint32_t next_receive; /* number */

/* Sends that no receiver has answered yet, and the numbers that they have. */
static uint32_t sends, next_send;
static uint64_t taken[(1 << SEND_BITS) / 64];

/* ---- The data word ---- */

struct layout {
    unsigned number, pieces;           /* where they begin */
    unsigned number_bits, pieces_bits; /* 0: the word has no room for any of it */
};

static struct layout layout(void)
{
    unsigned word = fabric_limits()->word < 8 ? 8 * (unsigned)fabric_limits()->word : 64;
    unsigned first = (unsigned)__builtin_popcountll(p2p_rank_mask) + 1;
    unsigned room = word > first ? word - first : 0, half = room / 2;
    struct layout l = {.number = first};

    l.number_bits = half < SEND_BITS ? half : SEND_BITS;
    l.pieces_bits = room - l.number_bits < PIECES_BITS ? room - l.number_bits : PIECES_BITS;
    l.pieces = first + l.number_bits;
    return l;
}

size_t split_whole(const struct fabric_event *head)
{
    return head->len + (size_t)(head->data >> layout().pieces) * fabric_limits()->transfer;
}

/* ---- Numbers of sends ---- */

static uint32_t sends_most(void)
{
    return UINT32_C(1) << layout().number_bits;
}

/* There is one: sends < sends_most(). */
static uint32_t number_take(void)
{
    uint32_t n;

    do
        n = next_send++ % sends_most();
    while (taken[n / 64] >> n % 64 & 1);
    taken[n / 64] |= UINT64_C(1) << n % 64;
    return n;
}

static void number_give(uint32_t n)
{
    taken[n / 64] &= ~(UINT64_C(1) << n % 64);
}

/* ---- A part of scattered memory ---- */

static void part_gather(const struct scatter *s, size_t at, void *to, size_t len)
{
    const struct part_of *p = container_of(s, const struct part_of, scatter);

    p->whole->ops->gather(p->whole, p->from + at, to, len);
}

static void part_spread(const struct scatter *s, size_t at, const void *from, size_t len)
{
    const struct part_of *p = container_of(s, const struct part_of, scatter);

    p->whole->ops->spread(p->whole, p->from + at, from, len);
}

/* The whole's blocks, the last one cut at the part's end. */
static size_t part_blocks(const struct scatter *s, size_t at, struct iovec *iov, size_t most)
{
    const struct part_of *p = container_of(s, const struct part_of, scatter);
    size_t n = p->whole->ops->blocks(p->whole, p->from + at, iov, most), left = s->len - at;

    for (size_t i = 0; i < n; i++) {
        if (iov[i].iov_len >= left) {
            iov[i].iov_len = left;
            return i + 1;
        }
        left -= iov[i].iov_len;
    }
    return n;
}

static const struct scatter_ops part_ops = {part_gather, part_spread, part_blocks};

static void part_init(struct part_of *p, const struct scatter *whole, size_t from, size_t len)
{
    size_t each = whole->count ? whole->len / whole->count : 0;

    p->scatter = (struct scatter){&part_ops, len, each ? len / each + 1 : 1};
    p->whole = whole;
    p->from = from;
}

/* ---- Pieces ---- */

static void split_over(struct split *s)
{
    struct request *r = s->r;
    int error = s->error;

    if (--s->under_way)
        return;
    if (s->sends) {
        free(s);
        post_pending(-1);
        if (r)
            post_part_sent(r, error);
        return;
    }
    free(s);
    if (error && !r->error) {
        r->cause = error;
        r->error = err_from_errno(error, "receiving a message");
    }
    post_received_whole(r);
}

static int piece_move(struct piece *k, size_t from, size_t len)
{
    struct split *s = k->split;
    uint64_t match = s->match | k->index, rank = (uint64_t)s->r->comm->rank;
    char *data = s->data ? s->data + from : NULL;

    if (!s->whole)
        return s->sends ? fabric_tsend(s->peer, &k->op, data, len, match, rank)
                        : fabric_trecv(s->peer, &k->op, data, len, match, 0);
    part_init(&k->place, s->whole, from, len);
    return s->sends ? fabric_tsend_scattered(s->peer, &k->op, &k->place.scatter, match, rank)
                    : fabric_trecv_scattered(s->peer, &k->op, &k->place.scatter, match, 0);
}

/* Posts the piece, if the message has it. */
static void piece_post(struct piece *k)
{
    struct split *s = k->split;
    size_t most = fabric_limits()->transfer, from = s->head + k->index * most;

    if (from >= s->end)
        return;
    int rc = piece_move(k, from, s->end - from < most ? s->end - from : most);
    if (rc)
        s->error = rc;
    else
        s->under_way++;
}

static void piece_moved(struct fabric_op *op, const struct fabric_event *event)
{
    struct piece *k = container_of(op, struct piece, op);
    struct split *s = k->split;

    if (event->error)
        s->error = event->error;
    k->index += AT_ONCE;
    piece_post(k);
    split_over(s);
}

static void pieces_start(struct split *s, uint64_t number)
{
    s->match = PIECE_MATCH | number << PIECES_BITS;
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        struct piece *k = &s->pieces[i];
        k->op.done = piece_moved;
        k->split = s;
        k->index = i;
        piece_post(k);
    }
}

static struct split *split_new(struct request *r, struct fabric_peer *peer, size_t head, size_t end)
{
    struct split *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->r = r;
    s->peer = peer;
    s->head = head;
    s->end = end;
    s->under_way = 1;
    s->whole = r->scattered.type ? &r->scattered.scatter : NULL;
    return s;
}

/* ---- Sending ---- */

static void answered(struct fabric_op *op, const struct fabric_event *event)
{
    struct split *s = container_of(op, struct split, answering);

    sends--;
    number_give(s->number);
    if (s->r)
        s->r->ack = NULL;
    /* One that is taken back ends a send that was cancelled. */
    if (event->error != -ECANCELED)
        s->error = event->error;
    if (event->error)
        s->end = 0;
    else if (s->answer.bytes < s->end)
        s->end = s->answer.bytes;
    pieces_start(s, s->answer.number);
    split_over(s);
}

static int answer_expect(struct split *s)
{
    s->number = number_take();
    s->answering.done = answered;
    int rc = fabric_trecv(s->peer, &s->answering, &s->answer, sizeof s->answer,
                          ANSWER_MATCH | s->number, 0);
    if (!rc)
        sends++;
    else
        number_give(s->number);
    return rc;
}

static int head_send(struct split *s, uint64_t match, uint64_t pieces)
{
    struct request *r = s->r;
    uint64_t rank = (uint64_t)r->comm->rank;
    struct layout l = layout();

    if (s->whole)
        part_init(&s->first, s->whole, 0, s->head);
    credit_message(&r->op, s->data, s->head, s->whole ? &s->first.scatter : NULL);
    return credit_send(s->peer, p2p_line(p2p_channel(match)), &r->op, match | P2P_SYNCHRONOUS,
                       rank | (p2p_rank_mask + 1) | (uint64_t)s->number << l.number |
                           pieces << l.pieces);
}

int split_send(struct request *r, struct fabric_peer *to, uint64_t match, const void *data,
               size_t len)
{
    size_t most = fabric_limits()->transfer;
    uint64_t pieces = (len - 1) / most;

    if (pieces >> layout().pieces_bits)
        return err_set(MPI_ERR_COUNT, "a message of %zu bytes is longer than the %zu that %s takes",
                       len, most, fabric_provider());
    if (sends == sends_most())
        return err_set(MPI_ERR_OTHER, "%u long messages wait for their receivers already", sends);
    struct split *s = split_new(r, to, len - pieces * most, len);
    if (!s)
        return err_set(MPI_ERR_NO_MEM, "no memory to send a message of %zu bytes", len);
    s->sends = true;
    s->data = (char *)data;
    int rc = answer_expect(s);
    if (rc) {
        free(s);
        return err_from_errno(rc, "sending a message");
    }
    post_pending(1);
    r->parts = 2;
    r->ack = &s->answering;
    rc = head_send(s, match, pieces);
    if (!rc) {
        post_pending(1);
        return MPI_SUCCESS;
    }
    r->parts = 1;
    r->ack = NULL;
    s->r = NULL;
    fabric_cancel(&s->answering);
    return err_from_errno(rc, "sending a message");
}

/* ---- Receiving ---- */

static void answer_left(struct fabric_op *op, const struct fabric_event *event)
{
    struct split *s = container_of(op, struct split, answering);

    if (event->error)
        s->error = event->error;
    split_over(s);
}

static void answer_post(struct split *s, struct fabric_peer *to, const struct answer *answer,
                        uint64_t match)
{
    if (!fabric_tinject(to, answer, sizeof *answer, match, 0) || !s)
        return;
    s->answering.done = answer_left;
    s->answer = *answer;
    int rc = fabric_tsend(to, &s->answering, &s->answer, sizeof s->answer, match, 0);
    if (rc)
        s->error = rc;
    else
        s->under_way++;
}

void split_receive(struct request *r, const struct fabric_event *head)
{
    uint32_t number = next_receive++ % (1u << NUMBER_BITS);
    size_t end = r->len < r->bytes ? r->len : r->bytes;
    uint64_t sender = head->data >> layout().number & (sends_most() - 1);
    struct answer answer = {number, end};
    struct fabric_peer *from;
    struct split *s = NULL;
    int rc = comm_peer(r->comm, r->source, &from);

    if (rc) {
        r->error = rc;
        post_received_whole(r);
        return;
    }
    s = split_new(r, from, head->len, end);
    if (!s) {
        /* The sender at least gets on. */
        r->error = err_set(MPI_ERR_NO_MEM, "no memory to receive a message of %zu bytes", r->len);
        answer.bytes = 0;
    } else {
        if (!s->whole)
            s->data = r->bounce ? r->bounce : datatype_address(r->buf, r->type);
        pieces_start(s, number);
    }
    answer_post(s, from, &answer, ANSWER_MATCH | sender);
    if (s)
        split_over(s);
    else
        post_received_whole(r);
}
