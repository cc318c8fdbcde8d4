/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control variables (15.3.6): the library's parameters. They come from the environment, which is
 * read once, so none can be written.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/api_tool.h"
#include "provider/base/param.h"

struct MPI_ABI_T_cvar_handle {
    struct list link; /* first: tool_listed */
    struct param_row row;
};

static struct list handles = LIST_INIT(handles);

void tool_cvar_close(void)
{
    struct list *l;

    while ((l = list_pop(&handles)))
        free(container_of(l, struct MPI_ABI_T_cvar_handle, link));
}

static int check_index(int index)
{
    int rc = tool_ready();

    return rc                                            ? rc
           : index < 0 || (unsigned)index >= param_count ? MPI_T_ERR_INVALID_INDEX
                                                         : MPI_SUCCESS;
}

/* tool_lock is held. */
static int check_handle(MPI_T_cvar_handle handle)
{
    return tool_listed(&handles, handle) ? MPI_SUCCESS : MPI_T_ERR_INVALID_HANDLE;
}

static MPI_Datatype datatype_of(enum param_type type)
{
    return type == PARAM_STRING ? MPI_CHAR : type == PARAM_SIZE ? MPI_UNSIGNED_LONG : MPI_INT;
}

MPI_EXPORT(T_cvar_get_num)
int PMPI_T_cvar_get_num(int *num_cvar)
{
    int rc = tool_ready();

    if (!rc && !num_cvar)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_cvar = (int)param_count;
    return rc;
}

MPI_EXPORT(T_cvar_get_info)
int PMPI_T_cvar_get_info(int cvar_index, char *name, int *name_len, int *verbosity,
                         MPI_Datatype *datatype, MPI_T_enum *enumtype, char *desc, int *desc_len,
                         int *bind, int *scope)
{
    struct param_row row;
    int rc = check_index(cvar_index);

    if (rc)
        return rc;
    param_row(cvar_index, &row);
    tool_string(row.name, name, name_len);
    tool_set(verbosity, tool_verbosity(tool_cvar_category(cvar_index)));
    if (datatype)
        *datatype = datatype_of(row.type);
    if (enumtype)
        *enumtype = row.type == PARAM_BOOL ? &tool_boolean : MPI_T_ENUM_NULL;
    tool_string(row.help, desc, desc_len);
    tool_set(bind, MPI_T_BIND_NO_OBJECT);
    tool_set(scope, MPI_T_SCOPE_READONLY);
    return MPI_SUCCESS;
}

MPI_EXPORT(T_cvar_get_index)
int PMPI_T_cvar_get_index(const char *name, int *cvar_index)
{
    struct param_row row;
    int rc = tool_ready();

    if (!rc && (!name || !cvar_index))
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    for (unsigned i = 0; i < param_count; i++) {
        param_row(i, &row);
        if (!strcmp(row.name, name)) {
            *cvar_index = (int)i;
            return MPI_SUCCESS;
        }
    }
    return MPI_T_ERR_INVALID_NAME;
}

MPI_EXPORT(T_cvar_handle_alloc)
int PMPI_T_cvar_handle_alloc(int cvar_index, void *obj_handle, MPI_T_cvar_handle *handle,
                             int *count)
{
    int rc = check_index(cvar_index);

    (void)obj_handle; /* no variable is bound to an object */
    if (!rc && (!handle || !count))
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    struct MPI_ABI_T_cvar_handle *h = malloc(sizeof *h);
    if (!h)
        return MPI_T_ERR_MEMORY;
    param_row(cvar_index, &h->row);
    pthread_mutex_lock(&tool_lock);
    list_add_tail(&handles, &h->link);
    pthread_mutex_unlock(&tool_lock);
    *count = h->row.type == PARAM_STRING ? (int)strlen(*(const char *const *)h->row.at) + 1 : 1;
    *handle = h;
    return MPI_SUCCESS;
}

MPI_EXPORT(T_cvar_handle_free)
int PMPI_T_cvar_handle_free(MPI_T_cvar_handle *handle)
{
    int rc = tool_ready();

    if (!rc && !handle)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(*handle);
    if (!rc)
        list_drop(&(*handle)->link);
    pthread_mutex_unlock(&tool_lock);
    if (rc)
        return rc;
    free(*handle);
    *handle = MPI_T_CVAR_HANDLE_NULL;
    return MPI_SUCCESS;
}

/* The value in force, as datatype_of has it. A number that no int holds is shown as the nearest. */
static void read_value(const struct param_row *row, void *buf)
{
    long n;

    switch (row->type) {
    case PARAM_STRING:
        strcpy(buf, *(const char *const *)row->at);
        break;
    case PARAM_SIZE:
        *(unsigned long *)buf = *(const size_t *)row->at;
        break;
    case PARAM_BOOL:
        *(int *)buf = *(const bool *)row->at;
        break;
    case PARAM_INT:
        n = *(const long *)row->at;
        *(int *)buf = n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n;
        break;
    }
}

MPI_EXPORT(T_cvar_read)
int PMPI_T_cvar_read(MPI_T_cvar_handle handle, void *buf)
{
    int rc = tool_ready();

    if (!rc && !buf)
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(handle);
    if (!rc)
        read_value(&handle->row, buf);
    pthread_mutex_unlock(&tool_lock);
    return rc;
}

MPI_EXPORT(T_cvar_write)
int PMPI_T_cvar_write(MPI_T_cvar_handle handle, const void *buf)
{
    int rc = tool_ready();

    (void)buf;
    if (rc)
        return rc;
    pthread_mutex_lock(&tool_lock);
    rc = check_handle(handle);
    pthread_mutex_unlock(&tool_lock);
    return rc ? rc : MPI_T_ERR_CVAR_SET_NEVER;
}
