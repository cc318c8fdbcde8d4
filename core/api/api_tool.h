/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tool information interface (15.3): what its files share. Its calls work before MPI_Init and
 * after MPI_Finalize, from any thread; they return their error and call no error handler (15.3.10).
 *
 * Control variables are the parameters (provider/base/param.def), performance variables the
 * counters (provider/base/count.def); categories group both. None is bound to an object of MPI's.
 */
#ifndef ORIEL_API_API_TOOL_H
#define ORIEL_API_API_TOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/api/api.h"
#include "provider/base/list.h"

/* An enumeration: its items are the numbers from 0. */
struct MPI_ABI_T_enum {
    const char *name;
    int count;
    const char *const *items;
};
extern struct MPI_ABI_T_enum tool_boolean;

/* Guards the handles and sessions. */
extern pthread_mutex_t tool_lock;

/* MPI_SUCCESS between the first MPI_T_init_thread and the last MPI_T_finalize. */
int tool_ready(void);

/* Free what the program has not freed. tool_lock is held. */
void tool_cvar_close(void);
void tool_pvar_close(void);

/*
 * Whether a handle or a session is in the list, which its first member links: one that has been
 * freed, or was never given out, is not, and nobody looks into it. tool_lock is held.
 */
bool tool_listed(const struct list *head, const void *handle);

/*
 * 15.3.3: at most *len - 1 characters and a null; *len is then what the whole string needs. Without
 * room only that; without len nothing.
 */
void tool_string(const char *string, char *buf, int *len);

/* Outputs may be NULL where the tool does not want them. */
static inline void tool_set(int *out, int value)
{
    if (out)
        *out = value;
}

enum tool_category {
    TOOL_ALL,
    TOOL_DIAGNOSIS,
    TOOL_TRANSPORT,
    TOOL_WAIT,
    TOOL_P2P,
    TOOL_COLL,
    TOOL_WIN,
    TOOL_CATEGORIES
};

/* The one category that lists the variable. */
enum tool_category tool_cvar_category(unsigned index);
enum tool_category tool_pvar_category(unsigned index);
/* Of the category's variables. */
int tool_verbosity(enum tool_category category);

#endif
