/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The collective fuzzer (coll_fuzz.c): what data it moves and reduces, how it lies in memory, and
 * what must come out. Everything is drawn from a seed that all ranks of a communicator share, so
 * each can say what any other has.
 */
#ifndef ORIEL_TESTS_COLL_FUZZ_H
#define ORIEL_TESTS_COLL_FUZZ_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

enum { PARTS = 64, ELEMENTS = 4, PACKED = 64 };

/* ---- Chance ---- */

struct chance {
    uint64_t state;
};

uint64_t hash(uint64_t a, uint64_t b, uint64_t c);
unsigned below(struct chance *c, unsigned n); /* n > 0 */

/* ---- Layouts: where the elements of one item lie ---- */

struct layout {
    MPI_Datatype type;
    int elements, width[ELEMENTS];
    MPI_Aint at[ELEMENTS], extent;
};

void layouts_open(void);
void layouts_close(void);
/* One whose elements are all of that width, and whose number divides `multiple`. */
const struct layout *layout_draw(struct chance *c, int width, int multiple);

/* ---- Sides: the memory of a send or receive buffer ---- */

struct part {
    const struct layout *layout;
    MPI_Count items;
    MPI_Aint at; /* bytes from the buffer's address to the first item */
};

struct side {
    struct part part[PARTS];
    int parts;
    char *block, *image,
        *ignore; /* the memory, what it must become, and what of it may be anything */
    size_t len;
    char *buf; /* the buffer's address, in the block or outside */
};

/* The parts are set. */
void side_open(struct side *s);
void side_close(struct side *s);
/* The packed bytes of item i of a part; `expected`: what will stand there, not what does. */
void side_put(struct side *s, int part, MPI_Count i, const char *packed, bool expected);
/* What stands in the part when the operation is over is nobody's business. */
void side_ignore(struct side *s, int part);
void side_heed(struct side *s, int part);
/* The first byte that is not as it should be, from the block's start; -1: there is none. */
long side_check(const struct side *s);

/* ---- Operators ---- */

struct operation {
    MPI_Op op;
    bool commutative;
    const struct layout *layout; /* of one item */
    int kind, what;              /* coll_fuzz_op.c's */
};

void operations_open(void);
void operations_close(void);
struct operation operation_draw(struct chance *c);
/* Packed: what a rank contributes. */
void operation_value(const struct operation *o, uint64_t random, char *packed);
/* inout = in op inout */
void operation_fold(const struct operation *o, const char *in, char *inout);

/* ---- Operations ---- */

enum kind {
    BARRIER,
    BCAST,
    GATHER,
    GATHERV,
    SCATTER,
    SCATTERV,
    ALLGATHER,
    ALLGATHERV,
    ALLTOALL,
    ALLTOALLV,
    ALLTOALLW,
    REDUCE,
    ALLREDUCE,
    REDUCE_SCATTER,
    REDUCE_SCATTER_BLOCK,
    SCAN, /* from here on not between groups */
    EXSCAN,
    NEIGHBOR_ALLGATHER, /* from here on with a graph only */
    NEIGHBOR_ALLGATHERV,
    NEIGHBOR_ALLTOALL,
    NEIGHBOR_ALLTOALLV,
    NEIGHBOR_ALLTOALLW,
    KINDS
};

/* Where they run: the communicator, seen from this rank. */
struct place {
    MPI_Comm comm;
    int rank, size;   /* in the own group */
    int side, remote; /* which of two groups this is; the other one's size, 0: there is none */
    int edges;        /* of the graph, 0: there is none */
    int from[PARTS], to[PARTS]; /* each edge's ends, in the order of both their lists */
};

extern struct place place;

struct task {
    enum kind kind;
    int form; /* 0 to 5: blocking, nonblocking, persistent, each with int and large counts */
    long number;
    uint64_t salt;
    MPI_Request request;
    bool in_place;
    int root, root_side; /* root_side: between groups */
    int width, multiple; /* of elements; counts are multiples of the latter */
    MPI_Count most;      /* of a part, in multiples */
    struct operation op;
    struct side send, recv;
    int counts[2][PARTS], displs[2][PARTS];
    MPI_Count large[2][PARTS];
    MPI_Aint large_displs[2][PARTS];
    MPI_Datatype types[2][PARTS];
};

/* Which role this rank has; `place` says where. */
bool is_root(const struct task *t);
bool is_rooted(enum kind k);
bool is_reduction(enum kind k);
bool is_in_place(const struct task *t);

/* coll_fuzz_call.c: calls the operation in its form; persistent ones are not started. */
void start(struct task *t);

#endif
