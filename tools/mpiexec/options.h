/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line: one table of options with Open MPI's and Hydra's spellings, read into a struct.
 * Nothing here looks at the machine, so that it can be tested alone.
 *
 * Strings point into argv or are allocated and live as long as the process.
 */
#ifndef ORIEL_MPIEXEC_OPTIONS_H
#define ORIEL_MPIEXEC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* A growing list of strings; v is NULL-terminated once it has held one. */
struct strings {
    char **v;
    size_t n;
};

enum bind_to {
    BIND_NONE,
    BIND_HWTHREAD,
    BIND_CORE,
    BIND_L1,
    BIND_L2,
    BIND_L3,
    BIND_NUMA,
    BIND_PACKAGE,
};

/* What a rank's environment starts from, before the variables that were set by name. */
enum env_base {
    ENV_ALL,
    ENV_NONE,
    ENV_LIST,
};

enum tag {
    TAG_NONE,
    TAG_JOB,  /* [1,RANK]<stdout>: as Open MPI's --tag-output */
    TAG_RANK, /* [RANK] as Hydra's -prepend-rank */
};

/* One program of the job: what stands between two colons. */
struct app {
    char **argv; /* the program and its arguments, NULL-terminated */
    int argc;
    int np; /* 0 where -n was not given */
    const char *wdir;
    struct strings env; /* NAME=VALUE, for this program alone */
};

struct options {
    struct app *apps;
    size_t napps;
    struct strings env;       /* NAME=VALUE, for every rank */
    struct strings env_names; /* the only ones to pass on, with ENV_LIST */
    struct strings hosts;
    struct strings hostfiles;
    enum env_base env_base;
    enum bind_to bind;
    enum tag tag;
    int per_node; /* -ppn: number of ranks where -n is not given */
    int per_rank; /* PE=: number of cores or hardware threads that a rank is bound to, 0 for one */
    int slots;    /* sum of those given with hosts: number of ranks where nothing else says it */
    int timeout;  /* seconds, 0 for none */
    const char *output_dir;
    const char *idle_map; /* a --map-by ppr: that has no effect, NULL where there is none */
    bool bind_given;
    bool report_bindings;
    bool merge_stderr;
    bool help;
    bool version;
    char error[512]; /* why options_parse() failed: one line without an end */
};

/* 0, or -1 with o->error set. With o->help or o->version set, no program need have been given. */
int options_parse(int argc, char **argv, struct options *o);

/* The list of options on standard output. */
void options_print(void);

/* How the command line spells a binding. */
const char *options_bind_name(enum bind_to bind);

/* Adds a string (not copied) to the list. */
void strings_add(struct strings *s, char *string);

#endif
