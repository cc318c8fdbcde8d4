/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow control: how much a rank may send to another that has not received it.
 *
 * Credit is counted in units at the sender, for each receiver: a message costs one, one more for
 * each 4 KiB of data that travels with it, and what is longer than that (it is announced, and
 * fetched when it is received) one alone. The receiver counts what its receives have consumed and
 * gives it back, half of the credit at a time, by a note (fabric.h). Without pressure that note,
 * one for each half of the credit, is all there is.
 *
 * A sender without credit holds its messages back, in order, and tells the receiver that it is
 * starving. The receiver then looks whether the program waits for something that this sender could
 * have: a posted receive, a probe that finds nothing. If so, it grants more than the credit, and
 * keeps as much back later. So a program that receives in any order gets on, and memory beyond the
 * credit is used only while it looks for what has not come yet.
 *
 * Some of the program's credit is lent to the shortest way of a send (fabric_tinject_next), which
 * counts it, its messages and their bytes where it writes anyway. What is left of it is taken back
 * before credit is found wanting.
 *
 * There are two lines to each peer, each in order: the program's messages, and those of collectives
 * and partitioned operations. Neither waits for the other: a barrier passes a thousand messages
 * that nobody receives. What a process sends to itself is not counted.
 *
 * Everything here but credit_count is called lane locked.
 */
#ifndef ORIEL_P2P_CREDIT_H
#define ORIEL_P2P_CREDIT_H

#include "provider/base/hot.h"
#include "provider/fabric/fabric.h"

enum credit_line { CREDIT_PROGRAM, CREDIT_LIBRARY, CREDIT_LINES };

enum {
    CREDIT_UNIT_LOG = 12,     /* 4 KiB */
    CREDIT_LONG = 128 * 1024, /* bytes; what is longer is announced, by all providers */
    CREDIT_LEAST = 64,        /* the smallest credit: above the cost of the dearest message */
    CREDIT_MOST = 1 << 24,
    CREDIT_LENT = 64, /* units, at most */
};

/* One line between this process and a peer. The first three are for every message. */
struct credit {
    int32_t left;       /* sends: units that may still go, but for what is lent; 0 while messages
                           are held back */
    int32_t due;        /* receives: units to consume before they are given back */
    int32_t posted;     /* receives: posted for this peer alone, and not complete */
    int32_t spare;      /* sends: what `left` would be, while messages are held back */
    int32_t extra;      /* receives: granted beyond the credit, to be kept back */
    int32_t giving;     /* receives: units that the next note will carry */
    uint32_t given;     /* receives: units that were ever given */
    uint32_t got;       /* sends: units that were ever given to this process */
    bool starving;      /* sends: the next note will say so */
    struct list held;   /* sends: operations that wait for credit */
    struct list hungry; /* receives: in the list of peers that are starving */
};

/* What the core keeps with a peer. */
struct credit_peer {
    struct credit line[CREDIT_LINES];
    struct fabric_peer *peer; /* NULL until the first message either way */
    struct node_outlet *lent; /* whom the program's line has lent to; NULL: it never has */
    struct list lender;       /* then: in credit.c's list of those, till credit_close */
    bool noting;              /* `note` is on its way */
    bool unlimited;           /* this process itself, or nothing is counted at all */
    struct fabric_op note;
};

_Static_assert(sizeof(struct credit_peer) <= FABRIC_PEER_OWN, "what the fabric keeps for us");

/* Receives from any source, posted and not complete. */
extern struct credit credit_any[CREDIT_LINES] HOT_DATA;
/* Peers that are starving, of all lines: what lane_progress looks at. */
extern unsigned credit_hungry HOT_DATA;

static inline struct credit *credit_of(struct fabric_peer *peer, enum credit_line line)
{
    return &((struct credit_peer *)fabric_peer_own(peer))->line[line];
}

static inline int32_t credit_cost(size_t len)
{
    return len <= CREDIT_LONG ? 1 + (int32_t)(len >> CREDIT_UNIT_LOG) : 1;
}

bool credit_take_slow(struct fabric_peer *to, struct credit *k, int32_t cost);
void credit_due(struct fabric_peer *from, struct credit *k);

/*
 * May a message of `len` bytes go? True: the credit for it is taken, and credit_untake gives it
 * back if the message does not go after all. False: credit_send will hold it back.
 */
HOT_INLINE bool credit_take(struct fabric_peer *to, enum credit_line line, size_t len)
{
    struct credit *k = credit_of(to, line);
    int32_t cost = credit_cost(len);

    return LIKELY((k->left -= cost) >= 0) || credit_take_slow(to, k, cost);
}

static inline void credit_untake(struct fabric_peer *to, enum credit_line line, size_t len)
{
    credit_of(to, line)->left += credit_cost(len);
}

/* What an operation will send: a block, or `s` where it is not NULL. */
static inline void credit_message(struct fabric_op *op, const void *buf, size_t len,
                                  const struct scatter *s)
{
    op->iov[0] = (struct iovec){s ? (void *)s : (void *)buf, len};
    op->iov_count = s ? FABRIC_SCATTER : 1;
}

/* As fabric_tsend of credit_message's operation, now or as soon as there is credit. */
int credit_send(struct fabric_peer *to, enum credit_line line, struct fabric_op *op, uint64_t match,
                uint64_t data);
/* Takes back an operation that is held back; false where it is not. Its `done` is not called. */
bool credit_withdraw(struct fabric_op *op, enum credit_line line);

/* A message of that length has come out of a receive. */
HOT_INLINE void credit_consumed(struct fabric_peer *from, enum credit_line line, size_t len)
{
    struct credit *k = credit_of(from, line);

    if (UNLIKELY((k->due -= credit_cost(len)) <= 0))
        credit_due(from, k);
}

/* The same for a message that costs one unit. */
HOT_INLINE void credit_consumed_one(struct fabric_peer *from, enum credit_line line)
{
    struct credit *k = credit_of(from, line);

    if (UNLIKELY(--k->due <= 0))
        credit_due(from, k);
}

/*
 * For short ways: whether the next message that costs one unit may go, or be consumed, with nothing
 * to be done but to count it; and that.
 */
HOT_INLINE bool credit_has_one(struct fabric_peer *to, enum credit_line line)
{
    return LIKELY(credit_of(to, line)->left > 0);
}

HOT_INLINE void credit_spend_one(struct fabric_peer *to, enum credit_line line)
{
    credit_of(to, line)->left--;
}

HOT_INLINE bool credit_owes_more(struct fabric_peer *from, enum credit_line line)
{
    return LIKELY(credit_of(from, line)->due > 1);
}

HOT_INLINE void credit_owe_less(struct fabric_peer *from, enum credit_line line)
{
    credit_of(from, line)->due--;
}

/* Lends the shortest way some, if there is one, nothing left of the last loan, and credit enough.
 */
void credit_lend(struct fabric_peer *to);
/* The value of any counter, with what the shortest way has sent. Any thread, any time. */
uint64_t credit_count(_Atomic uint64_t *counter);

/* A receive from that peer (NULL: any) is posted: 1, or complete: -1. */
HOT_INLINE void credit_posted(struct fabric_peer *from, enum credit_line line, int change)
{
    struct credit *k = from ? credit_of(from, line) : &credit_any[line];

    k->posted += change;
}

/* A probe of that peer (NULL: any) found nothing. */
void credit_sought(struct fabric_peer *from, enum credit_line line);

/* Grants what receives that are posted call for; `busy`: something else has come, they may yet be
 * served. lane_progress calls it while credit_hungry. */
void credit_grant(bool busy);

/* MPI_Finalize: nobody will receive any more, and all who are held back must come to an end. */
void credit_finish(void);

/* Before the fabric opens; and before it closes, when no message goes any more. */
void credit_open(void);
void credit_close(void);

#endif
