/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short way of blocking operations on little data, without a struct coll: where the arguments
 * are those of the last time, for which a row was chosen that one step through the area, or a few
 * short messages, can do. One pass decides. Where an answer is no, nothing has been done and the
 * engine does it all; where the others are not there in time, the engine goes on from what has been
 * done. So each algorithm stands once, and this is but its fast case.
 */
#ifndef ORIEL_COLL_COLL_QUICK_H
#define ORIEL_COLL_COLL_QUICK_H

#include "core/coll/coll_engine.h"

enum coll_way { COLL_LONG, COLL_STEP, COLL_MESSAGES };

/*
 * What was last chosen for a kind of operation on a communicator: it is often the same again, and a
 * look at all formulas costs more than a short message. `way` and what stands behind it are of the
 * program's last operation that the engine did.
 */
struct coll_choice {
    const struct coll_row *row;
    size_t n;
    unsigned traits;
    enum coll_way way;
    bool in_place;
    size_t len; /* bytes of a rank's part */
    MPI_Count send_count, recv_count;
    const struct datatype *send_type, *recv_type; /* predefined, or NULL */
    const struct op *op;                          /* the same */
    unsigned stamp; /* the types', datatype_stamp; 0: it is COLL_LONG */
};

/* For coll_select: notes whether the operation, asked for again, can go the short way. */
void coll_quick_note(const struct coll *k, struct coll_choice *c);

/*
 * NOT: nothing has been done; LATER: the same, but others that are late may change that; BEGUN:
 * coll_quick_go_on; DONE: it is over, and it went well.
 */
enum coll_quick { COLL_NOT, COLL_LATER, COLL_BEGUN, COLL_DONE };

/* How far one that has begun has come. */
struct coll_begun {
    const struct coll_row *row;
    int mask;  /* of the messages' rounds */
    bool sent; /* this round's message has left */
    bool in_area;
    size_t len; /* in the area: bytes of a rank's part */
    size_t got; /* bytes that came for it, a wrong number; else SIZE_MAX */
};

/* Lane locked. Takes the operation's tag unless it says NOT. */
enum coll_quick coll_quick(const struct coll_args *args, struct coll_begun *b);
/* After LATER or BEGUN, one more look. */
enum coll_quick coll_quick_again(const struct coll_args *args, struct coll_begun *b);
/* Makes k, which has begun with the same arguments, what the engine would have made of it. */
void coll_quick_go_on(struct coll *k, const struct coll_begun *b);

/* allreduce.c: recursive doubling from a round on, between 2^i ranks. */
void allreduce_doubling_from(struct coll *k, int mask, bool sent);

#endif
