/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel-info: what it has found out, and the two ways to print it. */
#ifndef ORIEL_TOOLS_INFO_H
#define ORIEL_TOOLS_INFO_H

#include <stdbool.h>
#include <stddef.h>

enum { SHOW_VERSION = 1, SHOW_PARAMS = 2, SHOW_PROVIDERS = 4, SHOW_COLLECTIVES = 8 };

struct info_provider {
    char *provider, *domain, *why; /* `why`: not chosen; NULL where it is */
    char *windows;                 /* how windows work there, or NULL */
};

/* The providers for one kind of job, best first. */
struct info_providers {
    struct info_provider *list;
    size_t count;
    bool chosen; /* one of them is */
};

struct findings {
    unsigned show;
    char libfabric[32], pmix[128]; /* "" where it is not there */
    struct info_providers one_host, several_hosts;
};

void info_text(const struct findings *info);
void info_json(const struct findings *info);

struct info_algorithm {
    const char *operation, *name;
    const char *needs, *formula; /* in words, "" for nothing; as the table has it */
};

/* The rows of the collectives' table; false after the last. */
bool info_algorithm(size_t i, struct info_algorithm *a);
void info_collectives(void);

/* The value in force as text: "" for an empty string. Static, until the next call. */
const char *info_value(unsigned param);
const char *info_type(unsigned param);

#endif
