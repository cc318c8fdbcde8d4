/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/hints.h"

/* All of them say what the program will not do; each is false until it says so. */
static const char *const assertions[] = {
    "mpi_assert_no_any_tag",
    "mpi_assert_no_any_source",
    "mpi_assert_exact_length",
    "mpi_assert_allow_overtaking",
};

enum { ASSERTIONS = sizeof(assertions) / sizeof(assertions[0]) };

/* "true", "false", or NULL where there is neither. */
static const char *read_boolean(struct info *info, const char *key)
{
    char value[8];
    size_t len;

    if (!info || !info_copy(info, key, value, sizeof(value), &len))
        return NULL;
    return !strcmp(value, "true") ? "true" : !strcmp(value, "false") ? "false" : NULL;
}

/* A communicator without hints has no info object. */
static int set_one(struct comm *c, const char *key, const char *value)
{
    int rc = c->info ? MPI_SUCCESS : info_new(&c->info);

    return rc ? rc : info_set(c->info, key, value);
}

int hints_set(struct comm *c, struct info *given)
{
    int rc = MPI_SUCCESS;

    for (int i = 0; i < ASSERTIONS && !rc; i++) {
        const char *value = read_boolean(given, assertions[i]);
        if (value)
            rc = set_one(c, assertions[i], value);
    }
    return rc;
}

static int fill(struct comm *c, struct info *info)
{
    int rc = info_set(info, HINT_MEMORY_KINDS, MEMORY_KINDS);

    for (int i = 0; i < ASSERTIONS && !rc; i++) {
        const char *value = read_boolean(c->info, assertions[i]);
        rc = info_set(info, assertions[i], value ? value : "false");
    }
    return rc;
}

int hints_get(struct comm *c, struct info **used)
{
    struct info *info;
    int rc = info_new(&info);

    if (rc)
        return rc;
    rc = fill(c, info);
    if (rc) {
        object_drop(&info->object);
        return rc;
    }
    *used = info;
    return MPI_SUCCESS;
}

size_t hint_alignment(struct info *given)
{
    enum { LEAST = 64 };
    char value[32];
    size_t len, want = 0;

    if (given && info_copy(given, HINT_ALIGNMENT, value, sizeof value, &len))
        want = strtoul(value, NULL, 10);
    bool power = want && !(want & (want - 1));

    return power && want > LEAST ? want : LEAST;
}
