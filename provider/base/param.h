/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's parameters, one row each in param.def, read from the environment once.
 */
#ifndef ORIEL_BASE_PARAM_H
#define ORIEL_BASE_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#define PARAM_C_STRING           const char *
#define PARAM_C_WORD(words)      const char *
#define PARAM_C_INT(least, most) long
#define PARAM_C_BOOL             bool
#define PARAM_C_SIZE             size_t

struct param {
#define PARAM(field, name, type, preset, help) PARAM_C_##type field;
#include "provider/base/param.def"
#undef PARAM
};

extern struct param param;

enum param_type { PARAM_STRING, PARAM_INT, PARAM_BOOL, PARAM_SIZE };

/* One row as it is printed: name with its ORIEL_ prefix, and whether the environment set it. */
struct param_row {
    const char *name;
    enum param_type type;
    const char *preset; /* the default, as text */
    const char *help;   /* one sentence */
    const char *value;  /* from the environment, or NULL */
    bool taken;         /* and it could be read, so that it is in force; after param_open */
    const void *at;     /* what is in force, of the type PARAM_C_ has for it; after param_open */
};

extern const unsigned param_count;

/*
 * Reads the environment; later calls, from any thread, do nothing. A value that does not parse, or
 * that is none of its parameter's, is said in one line and the default stands.
 */
void param_open(void);
void param_row(unsigned index, struct param_row *row);

#endif
