/* SPDX-License-Identifier: BSD-3-Clause */
/* coll_table.def as a table: each row's expression becomes a function, and a text to be shown. */
#include "core/coll/coll_cost.h"
#include "core/coll/shm_area.h"

/*
 * Where ranks outnumber processors, whoever waits for another waits until all have had a turn, and
 * the more they are, the more of the turns are in vain: on 2 processors 8, 16 and 32 ranks took
 * 9, 21 and 73 us for a step of recursive doubling.
 */
static double lap(const struct coll_shape *s)
{
    return s->load > 1 ? s->c->turn * s->load * (1 + s->load / 4) : 0;
}

static double length_cost(const struct coll_shape *s, double bytes)
{
    return bytes * s->load * (bytes > s->c->eager ? s->c->long_byte : s->c->byte);
}

static double message_cost(const struct coll_shape *s, double bytes)
{
    double first = bytes > s->c->eager ? s->c->long_message : s->c->message;

    return lap(s) + first + length_cost(s, bytes);
}

/* Of what all ranks take when they work at once: what it takes while only k of them do. */
static double active_part(const struct coll_shape *s, double k)
{
    double part = k < s->p ? k / s->p : 1;

    return part * s->load > 1 ? part : 1 / s->load;
}

/* 1.5 times on 16 ranks of 2 processors, twice on 32. */
static double crowd_factor(const struct coll_shape *s)
{
    return s->load > 1 ? 1 + s->load / 16 : 1;
}

/* A long message keeps its sender busy, too: the receiver copies, and the other waits for it. */
static double passed_cost(const struct coll_shape *s, double bytes, double k)
{
    if (bytes > s->c->eager)
        k *= 2;
    return message_cost(s, bytes) - (1 - active_part(s, k)) * length_cost(s, bytes);
}

/* The next in a chain may have its turn at any moment: 0.3 to 0.5 laps on 4 to 28 ranks. */
static double hop_cost(const struct coll_shape *s, double bytes, double k)
{
    return passed_cost(s, bytes, k) - 0.6 * lap(s);
}

/* In a crowd few of the partners are there at the same time, and most must be waited for. */
static double more_cost(const struct coll_shape *s, double bytes)
{
    return 0.75 * lap(s) + s->load * s->c->post + length_cost(s, bytes);
}

static double piece_of(const struct coll_shape *s, double bytes)
{
    return bytes < s->c->segment ? bytes : s->c->segment;
}

static double pieces_of(const struct coll_shape *s, double bytes)
{
    return bytes > s->c->segment ? __builtin_ceil(bytes / s->c->segment) : 1;
}

static double area_cost(const struct coll_shape *s, double bytes, double room)
{
    double steps = bytes > room ? __builtin_ceil(bytes / room) : 1;

    return (lap(s) + s->c->step) * steps + s->p * s->c->look;
}

static inline int log_up(double ranks, int base)
{
    int steps = 0;

    for (double reach = 1; reach < ranks; reach *= base)
        steps++;
    return steps;
}

static double fetch_cost(const struct coll_shape *s, double bytes)
{
    return s->load * (s->c->fetch + bytes * s->c->fetch_byte);
}

static double part_cost(enum coll_kind kind, const struct coll_shape *s)
{
    return coll_cheapest(kind, s)->cost(s);
}

static unsigned traits_of_part(const struct coll_shape *s, double p)
{
    return (s->traits & COMMUTATIVE) | NOT_IN_PLACE | ((int)p & ((int)p - 1) ? 0 : POWER_OF_2);
}

/* The part of an operation that is done on every host, and the one between their leaders. */
static double inside_cost(const struct coll_shape *s, enum coll_kind kind, double bytes)
{
    struct coll_shape part = {.p = s->most,
                              .n = bytes,
                              .load = s->load,
                              .c = s->shared ? &coll_costs[COLL_NODE] : s->c,
                              .traits = traits_of_part(s, s->most)};

    if (s->shared && s->most <= SHM_MEMBERS && (kind != COLL_GATHER || bytes <= SHM_SET))
        part.traits |= AREA;
    return part_cost(kind, &part);
}

static double among_cost(const struct coll_shape *s, enum coll_kind kind, double bytes)
{
    return part_cost(kind, &(struct coll_shape){.p = s->hosts,
                                                .n = bytes,
                                                .load = 1,
                                                .c = s->c,
                                                .traits = traits_of_part(s, s->hosts)});
}

/* The words of the expressions: these, and the variables below. */
#define message(b)           message_cost(shape, b)
#define passed(b, k)         passed_cost(shape, b, k)
#define hop(b, k)            hop_cost(shape, b, k)
#define active(k)            active_part(shape, k)
#define bytes(b)             length_cost(shape, b)
#define more(b)              more_cost(shape, b)
#define piece(b)             piece_of(shape, b)
#define pieces(b)            pieces_of(shape, b)
#define area(b, room)        area_cost(shape, b, room)
#define fetch(b)             fetch_cost(shape, b)
#define inside(operation, b) inside_cost(shape, COLL_##operation, b)
#define among(operation, b)  among_cost(shape, COLL_##operation, b)
#define SET                  ((double)SHM_SET)
#define USE                  __attribute__((unused)) const double

#define ALGORITHM(operation, name, round, needs, formula)                                          \
    static double operation##_##name(const struct coll_shape *shape)                               \
    {                                                                                              \
        USE p = shape->p, n = shape->n, part = n / p, odd = !(shape->traits & POWER_OF_2);         \
        USE lg = log_up(p, 2), lg4 = log_up(p, 4), most = shape->most;                             \
        USE level = p > 1 ? p / lg : 1, level4 = p > 1 ? p / lg4 : 1;                              \
        USE fold = shape->c->fold * shape->load, copy = shape->c->copy * shape->load;              \
        USE move = shape->c->move * shape->load, crowd = crowd_factor(shape);                      \
                                                                                                   \
        return formula;                                                                            \
    }
#include "core/coll/coll_table.def"
#undef ALGORITHM

const struct coll_row coll_rows[] = {
#define ALGORITHM(operation, name, round, needs, formula)                                          \
    {COLL_##operation, #name, round, needs, operation##_##name},
#include "core/coll/coll_table.def"
#undef ALGORITHM
};
const unsigned coll_row_count = sizeof coll_rows / sizeof coll_rows[0];
