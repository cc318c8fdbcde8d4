/* SPDX-License-Identifier: BSD-3-Clause */
/* The tool information interface: start and end (15.3.4), strings and enumerations (15.3.3, .5). */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "core/api/api_tool.h"
#include "core/api/life.h"
#include "provider/base/param.h"

pthread_mutex_t tool_lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_int users; /* changed under tool_lock */

int tool_ready(void)
{
    return atomic_load(&users) ? MPI_SUCCESS : MPI_T_ERR_NOT_INITIALIZED;
}

MPI_EXPORT(T_init_thread)
int PMPI_T_init_thread(int required, int *provided)
{
    if (!provided)
        return MPI_T_ERR_INVALID;
    pthread_mutex_lock(&tool_lock);
    bool full = atomic_load(&users) == INT_MAX;
    if (!full) {
        param_open();
        atomic_fetch_add(&users, 1);
    }
    pthread_mutex_unlock(&tool_lock);
    if (full)
        return MPI_T_ERR_CANNOT_INIT;
    *provided = life_thread_level(required);
    return MPI_SUCCESS;
}

MPI_EXPORT(T_finalize)
int PMPI_T_finalize(void)
{
    int rc;

    pthread_mutex_lock(&tool_lock);
    rc = tool_ready();
    if (!rc && atomic_fetch_sub(&users, 1) == 1) {
        tool_cvar_close();
        tool_pvar_close();
    }
    pthread_mutex_unlock(&tool_lock);
    return rc;
}

bool tool_listed(const struct list *head, const void *handle)
{
    for (const struct list *l = head->next; l != head; l = l->next)
        if (l == handle)
            return true;
    return false;
}

void tool_string(const char *string, char *buf, int *len)
{
    int whole = (int)strlen(string) + 1;

    if (!len)
        return;
    if (buf && *len > 0) {
        int n = whole < *len ? whole : *len;
        memcpy(buf, string, n - 1);
        buf[n - 1] = '\0';
    }
    *len = whole;
}

/* ---- Enumerations ---- */

static const char *const boolean_items[] = {"no", "yes"};

struct MPI_ABI_T_enum tool_boolean = {.name = "oriel_boolean", .count = 2, .items = boolean_items};

MPI_EXPORT(T_enum_get_info)
int PMPI_T_enum_get_info(MPI_T_enum enumtype, int *num, char *name, int *name_len)
{
    int rc = tool_ready();

    if (!rc && enumtype != &tool_boolean)
        rc = MPI_T_ERR_INVALID_HANDLE;
    if (rc)
        return rc;
    tool_set(num, enumtype->count);
    tool_string(enumtype->name, name, name_len);
    return MPI_SUCCESS;
}

MPI_EXPORT(T_enum_get_item)
int PMPI_T_enum_get_item(MPI_T_enum enumtype, int indx, int *value, char *name, int *name_len)
{
    int rc = tool_ready();

    if (!rc && enumtype != &tool_boolean)
        rc = MPI_T_ERR_INVALID_HANDLE;
    /* MPI_T_ERR_INVALID_ITEM is deprecated since MPI 4.0, in favour of this. */
    if (!rc && (indx < 0 || indx >= enumtype->count))
        rc = MPI_T_ERR_INVALID_INDEX;
    if (rc)
        return rc;
    tool_set(value, indx);
    tool_string(enumtype->items[indx], name, name_len);
    return MPI_SUCCESS;
}
