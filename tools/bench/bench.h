/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measurements behind oriel-bench: one program of plain MPI-3.1, for any library's mpicc.
 *
 * A test is a row of one of the tables below. What it measures is a loop, a function that does an
 * operation `n` times and says how long that took on this rank; measure_loop() chooses n, repeats
 * the loop and gives the seconds of one operation.
 */
#ifndef ORIEL_BENCH_H
#define ORIEL_BENCH_H

#include <mpi.h>
#include <stddef.h>

struct test {
    const char *name;
    const char *unit;
    const char *what;  /* one line for the list of tests */
    const char *sizes; /* the sizes in bytes if none are asked for; "0": it has none */
    const char *ranks; /* how many ranks are usual; "2" tests use no more than these */
    void (*run)(const struct test *, size_t bytes);
    const void *detail; /* what tells tests apart that share `run` */
};

extern const struct test p2p_tests[], type_tests[], rma_tests[], coll_tests[], call_tests[];

/* This rank, and the number of ranks. */
extern int rank, ranks;

/* ---- Time ---- */

#define NO_PART (-1.0) /* what a loop returns on a rank whose time does not count */

typedef double loop_fn(void *arg, long n);

/* How the times of the ranks become one. */
enum over { SLOWEST, MEAN };

/* What the command line asked for. */
struct plan {
    double seconds; /* about how long one value may take */
    long repeats;   /* operations in the only batch, 0: as many as fit into `seconds` */
    size_t offset;  /* bytes from the beginning of a page to that of a buffer */
};
extern struct plan plan;

double now(void);
/* Seconds for one operation of `loop`, the same on all ranks; all ranks call it. */
double measure_loop(loop_fn *loop, void *arg, enum over over);
/* Computes, without a call of MPI, for this many seconds. */
void compute(double seconds);

/* ---- Result ---- */

/* Prints a line: test, ranks, bytes, value, unit, operations in a batch. All ranks call it. */
void report(const struct test *t, size_t bytes, double value);
/* Ends the job: what was received is not what was sent. */
void wrong_data(const char *test, size_t bytes);

/* ---- Memory ---- */

/* Memory on a page of its own, filled with `byte`; ends the job if there is none. */
void *take_memory(size_t bytes, int byte);
void give_memory(void *memory); /* back; or NULL */

#endif
