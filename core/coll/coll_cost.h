/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the formulas of coll_table.def are made of: the measured costs of one kind of endpoint, and
 * the shape of an operation. Time is in microseconds, lengths in bytes.
 */
#ifndef ORIEL_COLL_COLL_COST_H
#define ORIEL_COLL_COLL_COST_H

#include <stdbool.h>

/*
 * The kinds of endpoint with costs of their own: shared memory, networks through the system's stack
 * (where processors move the data and answer for it), and devices that do that themselves.
 */
enum coll_endpoint { COLL_NODE, COLL_STACK, COLL_DEVICE, COLL_ENDPOINTS };

struct coll_costs {
    double message, byte;           /* of up to `eager` bytes, while one goes the other way */
    double long_message, long_byte; /* longer */
    double post;                    /* each message more that goes at the same time */
    double fold, copy;              /* a byte reduced, a byte copied on the own rank */
    double step, look, move;        /* in an area: a step, a member's line, a byte in or out */
    double fetch, fetch_byte;       /* a copy from another member's memory, each of its bytes */
    double turn;                    /* where ranks outnumber processors: until the next one runs */
    double eager;                   /* a message's length */
    double segment;                 /* what long data is cut into where it is passed on */
};

/* One of them, for those who print or set them by name. */
struct coll_cost_row {
    const char *name, *help;
};
extern const struct coll_cost_row coll_cost_rows[];
extern const unsigned coll_cost_count;

extern const char *const coll_endpoint_names[COLL_ENDPOINTS];
extern struct coll_costs coll_costs[COLL_ENDPOINTS];

/* By number of its row. */
double coll_cost(enum coll_endpoint e, unsigned row);
/* The defaults, and what ORIEL_COLL_COST_KIND says instead: "message=0.12,byte=3e-5". */
void coll_cost_open(void);

/* What an operation is, and what an algorithm needs it to be. */
enum coll_traits {
    ANY = 0,
    COMMUTATIVE = 1,
    IN_PLACE = 2,
    NOT_IN_PLACE = 4,
    POWER_OF_2 = 8, /* ranks */
    AREA = 16,      /* served by the communicator's area */
    SLOT = 32,      /* the same, and a vector fits a slot there */
    DIRECT = 64,    /* the same, and its members can copy from each other's memory */
    HOSTS = 128,    /* several, known, and in an order that suits the operation */
};

/* What the formulas know of an operation. */
struct coll_shape {
    double p, n; /* ranks; bytes of the whole operation */
    double load; /* ranks a processor; 1: each has one of its own */
    const struct coll_costs *c;
    unsigned traits; /* enum coll_traits */
    /* Where HOSTS is among them: how many, most ranks on one, and whether they share memory. */
    double hosts, most;
    bool shared;
};

#endif
